//! A cluster of four `mpc-node` processes in a folder.
//!
//! Two steps, since the L1 contracts must know the nodes' addresses and the nodes the verifier's:
//! [`PreparedCluster::new`] makes the keys, [`PreparedCluster::start`] writes the committee file
//! and starts the processes. The files are rendered in [`config`]; what can be done to nodes, their
//! disks and their network is in `faults`.

pub mod config;
mod faults;

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use alloy::primitives::Address;
use tempfile::TempDir;
use wire::{
    committee::{Committee, L1},
    limits::{NODES, REFRESH_MS, RESERVE_LOTS},
};

use self::config::{NodeFiles, NodePorts, PublicKeys};
use crate::{
    DevnetError,
    disk::FaultyDisk,
    links::Links,
    ports::Ports,
    process::{POLL, Process, describe},
};

/// Chain id of a development cluster: "QTET" on a telephone.
pub const CHAIN_ID: u64 = 7838;
/// Name of the committee file in the cluster's folder.
const COMMITTEE_FILE: &str = "committee.toml";
/// How long a node may take to be ready: it dials, and replays its log.
const READY: Duration = Duration::from_secs(60);

/// What a cluster is made of.
#[derive(Clone, Debug)]
pub struct ClusterOptions {
    /// The program `mpc-node`.
    pub program: PathBuf,
    /// Where its files go; a temporary folder that goes with the cluster if none is given.
    pub directory: Option<PathBuf>,
    /// Id of its chain.
    pub chain_id: u64,
    /// Ports of the nodes' JSON-RPC; free ones if none are given.
    pub rpc_ports: Option<[u16; NODES]>,
    /// How long a round of a computation waits for a silent peer, in milliseconds; the node's own
    /// default if none is given.
    pub round_timeout_ms: Option<u64>,
    /// What tests need to do harm.
    pub tools: FaultTools,
    /// A node that is not started with the others; [`Cluster::restart`] starts it.
    pub not_started: Option<usize>,
    /// Lots of the reserve that the nodes keep; the usual number if none is given.
    pub reserve_lots: Option<u32>,
    /// How long a key epoch lasts, in milliseconds; as long as usual if nothing is given.
    pub refresh_ms: Option<u64>,
}

/// What a cluster needs from its start so that tests can do harm to it.
#[derive(Clone, Debug, Default)]
pub struct FaultTools {
    /// With a seed for what gets lost: nodes reach each other over [`Links`].
    pub links: Option<u64>,
    /// The library `faulty-disk`, under the data folder of every node.
    pub disk: Option<PathBuf>,
}

impl ClusterOptions {
    /// A development cluster of these programs in a temporary folder.
    #[must_use]
    pub const fn new(program: PathBuf) -> Self {
        Self {
            program,
            directory: None,
            chain_id: CHAIN_ID,
            rpc_ports: None,
            round_timeout_ms: None,
            tools: FaultTools {
                links: None,
                disk: None,
            },
            not_started: None,
            reserve_lots: None,
            refresh_ms: None,
        }
    }
}

/// The folder of a cluster; a temporary one is removed on drop.
#[derive(Debug)]
enum Folder {
    Given(PathBuf),
    Temporary(TempDir),
}

impl Folder {
    fn path(&self) -> &Path {
        match self {
            Self::Given(path) => path,
            Self::Temporary(directory) => directory.path(),
        }
    }
}

/// Four nodes that have keys and ports, and do not run yet.
#[derive(Debug)]
pub struct PreparedCluster {
    options: ClusterOptions,
    folder: Folder,
    keys: [PublicKeys; NODES],
    files: [NodeFiles; NODES],
    ports: Ports<16>,
}

impl PreparedCluster {
    /// Makes the folder and, by `mpc-node keygen`, fresh keys.
    ///
    /// # Errors
    /// [`DevnetError`] if files cannot be written or `keygen` fails.
    pub fn new(options: ClusterOptions) -> Result<Self, DevnetError> {
        let folder = match &options.directory {
            Some(path) => {
                let made = fs::create_dir_all(path);
                made.map_err(DevnetError::file("create", path))?;
                let absolute = fs::canonicalize(path);
                Folder::Given(absolute.map_err(DevnetError::file("open", path))?)
            }
            None => {
                let made = tempfile::Builder::new().prefix("quartet-").tempdir();
                let parent = std::env::temp_dir();
                Folder::Temporary(made.map_err(DevnetError::file("create a folder in", parent))?)
            }
        };
        let ports = Ports::<16>::free()?;
        let numbers = ports.numbers();
        let files: [NodeFiles; NODES] = std::array::from_fn(|i| {
            let [listen, sessions, rpc, admin] =
                std::array::from_fn(|purpose| numbers[NODES * purpose + i]);
            let rpc = options.rpc_ports.map_or(rpc, |ports| ports[i]);
            let ports = NodePorts {
                listen,
                sessions,
                rpc,
                admin,
            };
            NodeFiles::new(folder.path(), i, ports)
        });
        let mut keys = Vec::with_capacity(NODES);
        for node in &files {
            keys.push(generate_keys(&options.program, node)?);
        }
        let keys = keys.try_into().map_err(|_| DevnetError::Malformed {
            what: "the committee".into(),
            why: "it has not four nodes".into(),
        })?;
        Ok(Self {
            options,
            folder,
            keys,
            files,
            ports,
        })
    }

    /// Addresses of the nodes' identities, by party number, for the committee contract.
    #[must_use]
    pub fn addresses(&self) -> [Address; NODES] {
        std::array::from_fn(|i| self.keys[i].address)
    }

    /// The folder with everything of this cluster.
    #[must_use]
    pub fn directory(&self) -> &Path {
        self.folder.path()
    }

    /// Writes the committee file and the nodes' configurations, and starts the nodes. Their clocks
    /// begin now.
    ///
    /// # Errors
    /// [`DevnetError::Process`] with the end of the log if a node is not ready within a minute;
    /// then all are stopped, and the folder is kept.
    pub async fn start(self, l1: L1) -> Result<Cluster, DevnetError> {
        let Self {
            options,
            folder,
            keys,
            files,
            ports,
        } = self;
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH);
        let genesis_ms = since_epoch.map_or(0, |time| time.as_millis());
        let committee = Committee {
            chain_id: options.chain_id,
            epoch: 1,
            genesis_ms: u64::try_from(genesis_ms).unwrap_or(u64::MAX),
            dev: true,
            reserve_lots: options.reserve_lots.unwrap_or(RESERVE_LOTS),
            refresh_ms: options.refresh_ms.unwrap_or(REFRESH_MS),
            l1,
            nodes: std::array::from_fn(|i| keys[i].node(&files[i])),
        };
        let path = folder.path().join(COMMITTEE_FILE);
        config::write(&path, &config::render(&committee)?)?;
        let links = match options.tools.links {
            Some(seed) => Some(Links::start(files.each_ref().map(NodeFiles::ears), seed)?),
            None => None,
        };
        for (number, node) in files.iter().enumerate() {
            let committee_file = if links.is_some() {
                let own = config::committee_of(number, &committee);
                config::write(&node.committee, &config::render(&own)?)?;
                &node.committee
            } else {
                &path
            };
            let text = node.configuration(committee_file, options.round_timeout_ms);
            config::write(&node.config, &config::render(&text)?)?;
        }
        let mut disks = [const { None }; NODES];
        if let Some(library) = options.tools.disk {
            for (disk, node) in disks.iter_mut().zip(&files) {
                let under = FaultyDisk::new(library.clone(), &node.data, node.disk.clone())?;
                *disk = Some(under);
            }
        }
        let mut cluster = Cluster {
            nodes: std::array::from_fn(|_| {
                let program = options.program.clone();
                Mutex::new(Seat {
                    program,
                    arguments: vec![],
                    process: None,
                })
            }),
            files,
            disks,
            links,
            committee,
            folder,
            _ports: ports,
        };
        match cluster.launch_all(options.not_started).await {
            Ok(()) => Ok(cluster),
            Err(error) => {
                // The error names a log in it.
                let _ = cluster.keep_directory();
                Err(error)
            }
        }
    }
}

/// How a node is started, and its process while it runs.
#[derive(Debug)]
struct Seat {
    program: PathBuf,
    arguments: Vec<String>,
    process: Option<Process>,
}

/// Four nodes. All are stopped and reaped when this is dropped. Nodes can be started and stopped
/// while something else uses the cluster.
#[derive(Debug)]
pub struct Cluster {
    // Before `folder`: nodes end before their files go.
    nodes: [Mutex<Seat>; NODES],
    files: [NodeFiles; NODES],
    disks: [Option<FaultyDisk>; NODES],
    links: Option<Links>,
    committee: Committee,
    folder: Folder,
    // Held for as long as a node may come back.
    _ports: Ports<16>,
}

impl Cluster {
    /// The committee, as every node has it.
    #[must_use]
    pub const fn committee(&self) -> &Committee {
        &self.committee
    }

    /// The folder with everything of this cluster.
    #[must_use]
    pub fn directory(&self) -> &Path {
        self.folder.path()
    }

    /// The committee file.
    #[must_use]
    pub fn committee_file(&self) -> PathBuf {
        self.directory().join(COMMITTEE_FILE)
    }

    /// URL of a node's JSON-RPC; node numbers wrap around.
    #[must_use]
    pub fn rpc_url(&self, node: usize) -> String {
        format!("http://{}", self.files[node % NODES].rpc)
    }

    /// URLs of all nodes' JSON-RPC, by party number.
    #[must_use]
    pub fn rpc_urls(&self) -> [String; NODES] {
        std::array::from_fn(|node| self.rpc_url(node))
    }

    /// URL under which a node serves `/healthz` and `/metrics`; node numbers wrap around.
    #[must_use]
    pub fn admin_url(&self, node: usize) -> String {
        format!("http://{}", self.files[node % NODES].admin)
    }

    /// A node's log file; node numbers wrap around.
    #[must_use]
    pub fn log(&self, node: usize) -> &Path {
        &self.files[node % NODES].log
    }

    /// A node's data folder; node numbers wrap around.
    #[must_use]
    pub fn data(&self, node: usize) -> &Path {
        &self.files[node % NODES].data
    }

    /// A node's process id, none while it does not run.
    #[must_use]
    pub fn process_id(&self, node: usize) -> Option<u32> {
        let seat = self.seat(node).ok()?;
        seat.process.as_ref().map(Process::id)
    }

    /// Stops a node in good order.
    ///
    /// # Errors
    /// [`DevnetError::NoSuchNode`].
    pub fn stop(&self, node: usize) -> Result<(), DevnetError> {
        self.seat(node)?.process = None;
        Ok(())
    }

    /// Starts a node that was killed or stopped, or not started yet, with the files that it had, and
    /// waits until it serves. One that runs is stopped first.
    ///
    /// # Errors
    /// As [`PreparedCluster::start`].
    pub async fn restart(&self, node: usize) -> Result<(), DevnetError> {
        self.stop(node)?;
        self.launch(node)?;
        self.ready(node).await
    }

    /// From its next start on, runs another program with the same command line and these further
    /// arguments in a node's place.
    ///
    /// # Errors
    /// [`DevnetError::NoSuchNode`].
    pub fn replace_program(
        &self,
        node: usize,
        program: PathBuf,
        arguments: Vec<String>,
    ) -> Result<(), DevnetError> {
        let mut seat = self.seat(node)?;
        (seat.program, seat.arguments) = (program, arguments);
        Ok(())
    }

    /// Fails with the end of its log if a node has ended by itself; those that were killed or
    /// stopped here do not count.
    ///
    /// # Errors
    /// [`DevnetError::Process`].
    pub fn check(&self) -> Result<(), DevnetError> {
        (0..NODES).try_for_each(|node| {
            let seat = self.seat(node)?;
            seat.process.as_ref().map_or(Ok(()), Process::check)
        })
    }

    /// Keeps a temporary folder when the cluster goes; tells where it is.
    #[must_use]
    pub fn keep_directory(&mut self) -> PathBuf {
        if let Folder::Temporary(directory) = &mut self.folder {
            directory.disable_cleanup(true);
        }
        self.directory().to_owned()
    }

    async fn launch_all(&self, except: Option<usize>) -> Result<(), DevnetError> {
        let nodes = || (0..NODES).filter(|node| Some(*node) != except);
        for node in nodes() {
            self.launch(node)?;
        }
        for node in nodes() {
            self.ready(node).await?;
        }
        Ok(())
    }

    fn launch(&self, node: usize) -> Result<(), DevnetError> {
        let mut seat = self.seat(node)?;
        let files = &self.files[node];
        // The node writes it anew when it serves.
        if files.ready.exists() {
            let removed = fs::remove_file(&files.ready);
            removed.map_err(DevnetError::file("remove", &files.ready))?;
        }
        let mut line: Vec<OsString> =
            vec!["run".into(), "--config".into(), files.config.clone().into()];
        line.push("--stop-with-stdin".into());
        line.extend(seat.arguments.iter().map(OsString::from));
        let name = format!("node {node}");
        let disk = self.disks[node].as_ref().map(FaultyDisk::environment);
        let disk = disk.into_iter().flatten();
        let process = Process::start_with(&name, &seat.program, line, disk, &files.log)?;
        seat.process = Some(process);
        Ok(())
    }

    /// Waits until a node serves. Others may look after it, and kill it, meanwhile.
    async fn ready(&self, node: usize) -> Result<(), DevnetError> {
        let begin = Instant::now();
        loop {
            {
                let seat = self.seat(node)?;
                let process = seat.process.as_ref();
                let process = process.ok_or(DevnetError::NoSuchNode(node))?;
                if self.files[node].ready.exists() {
                    return Ok(());
                }
                process.may_take(begin, READY)?;
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// A node's seat. Nothing panics while it holds one, and what is in it is sound at any time.
    fn seat(&self, node: usize) -> Result<MutexGuard<'_, Seat>, DevnetError> {
        let seat = self.nodes.get(node).ok_or(DevnetError::NoSuchNode(node))?;
        Ok(seat.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // All end at the same time; dropping each waits for it.
        for seat in &mut self.nodes {
            let seat = seat.get_mut().unwrap_or_else(PoisonError::into_inner);
            if let Some(process) = &mut seat.process {
                process.ask_to_stop();
            }
        }
    }
}

fn generate_keys(program: &Path, node: &NodeFiles) -> Result<PublicKeys, DevnetError> {
    let output = Command::new(program)
        .arg("keygen")
        .arg("--out")
        .arg(&node.keys)
        .stdin(Stdio::null())
        .output()
        .map_err(|source| DevnetError::Spawn {
            program: program.to_owned(),
            source,
        })?;
    if !output.status.success() {
        return Err(DevnetError::Command {
            command: "mpc-node keygen".into(),
            status: describe(output.status),
            stderr: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        });
    }
    config::parse_public_keys(&String::from_utf8_lossy(&output.stdout))
}
