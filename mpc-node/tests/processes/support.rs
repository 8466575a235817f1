//! Four real node processes on loopback.

use std::{
    error::Error,
    net::TcpListener,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use alloy::{
    primitives::Address,
    providers::{Provider as _, ProviderBuilder},
};
use mpc_node::keys::NodeKeys;
use tempfile::TempDir;
use wire::committee::{Committee, L1};

pub(crate) type TestResult<T = ()> = Result<T, Box<dyn Error>>;

/// How long anything may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);
/// Id of the chain.
pub(crate) const CHAIN_ID: u64 = 7838;

/// Four nodes. Those that run are killed when this is dropped.
pub(crate) struct Cluster {
    folder: TempDir,
    pub(crate) committee: Committee,
    rpc: [String; 4],
    admin: [String; 4],
    swarm: [String; 4],
    session: [String; 4],
    nodes: [Option<Child>; 4],
}

impl Cluster {
    /// Starts all four, with no reserve to be made.
    pub(crate) async fn start() -> TestResult<Self> {
        Self::start_with(0, "").await
    }

    /// Writes keys, committee and configurations, with more at the end of each configuration, and
    /// starts all four, which keep so many lots in reserve.
    pub(crate) async fn start_with(reserve_lots: u32, more: &str) -> TestResult<Self> {
        let folder = tempfile::tempdir()?;
        let listeners: Vec<TcpListener> = (0..16)
            .map(|_| TcpListener::bind("127.0.0.1:0"))
            .collect::<Result<_, _>>()?;
        let addresses: Vec<String> = listeners
            .iter()
            .map(|listener| listener.local_addr().map(|address| address.to_string()))
            .collect::<Result<_, _>>()?;
        let port = |at: usize| {
            addresses[at]
                .rsplit(':')
                .next()
                .unwrap_or_default()
                .to_owned()
        };
        let mut nodes = Vec::new();
        for node in 0..4 {
            let place = folder.path().join(format!("node-{node}"));
            let keys = NodeKeys::generate()?;
            keys.write(&place)?;
            nodes.push(keys.public(&format!("/ip4/127.0.0.1/tcp/{}", port(node)))?);
            let config = format!(
                "data_dir = \"data\"\ncommittee = \"../committee.toml\"\n\
                 identity_key = \"identity.key\"\nseal_key = \"seal.key\"\n\
                 rpc_listen = \"{}\"\nadmin_listen = \"{}\"\n\
                 session_listen = \"{}\"\nround_timeout_ms = 1500\n{more}",
                addresses[4 + node],
                addresses[8 + node],
                addresses[12 + node]
            );
            std::fs::write(place.join("node.toml"), config)?;
        }
        let genesis = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis();
        let committee = Committee {
            chain_id: CHAIN_ID,
            epoch: 1,
            genesis_ms: u64::try_from(genesis)?,
            dev: true,
            reserve_lots,
            refresh_ms: wire::limits::REFRESH_MS,
            l1: L1 {
                chain_id: 1,
                verifier: Address::repeat_byte(1),
            },
            nodes: nodes.try_into().map_err(|_| "four nodes")?,
        };
        std::fs::write(
            folder.path().join("committee.toml"),
            toml::to_string(&committee)?,
        )?;
        drop(listeners);
        let mut cluster = Self {
            folder,
            committee,
            rpc: std::array::from_fn(|node| format!("http://{}", addresses[4 + node])),
            admin: std::array::from_fn(|node| addresses[8 + node].clone()),
            swarm: std::array::from_fn(|node| addresses[node].clone()),
            session: std::array::from_fn(|node| addresses[12 + node].clone()),
            nodes: [const { None }; 4],
        };
        for node in 0..4 {
            cluster.launch(node)?;
        }
        for node in 0..4 {
            cluster.wait_ready(node).await?;
        }
        for node in 0..4 {
            cluster.wait_caught_up(node).await?;
        }
        Ok(cluster)
    }

    /// Waits until a node has heard from its peers that it has all blocks.
    async fn wait_caught_up(&self, node: usize) -> TestResult {
        let provider = ProviderBuilder::new().connect_http(self.rpc(node).parse()?);
        until("the node's word that it has caught up", || async {
            let syncing: serde_json::Value = provider.raw_request("eth_syncing".into(), ()).await?;
            Ok((syncing == serde_json::Value::Bool(false)).then_some(()))
        })
        .await
    }

    /// URL of a node's JSON-RPC.
    pub(crate) fn rpc(&self, node: usize) -> &str {
        &self.rpc[node]
    }

    /// Where a node serves health and metrics.
    pub(crate) fn admin(&self, node: usize) -> &str {
        &self.admin[node]
    }

    /// Where a node takes connections of the others.
    pub(crate) fn swarm(&self, node: usize) -> &str {
        &self.swarm[node]
    }

    /// Where a node takes connections for computations.
    pub(crate) fn session(&self, node: usize) -> &str {
        &self.session[node]
    }

    /// The folder of a node's keys and data.
    pub(crate) fn place(&self, node: usize) -> PathBuf {
        self.folder.path().join(format!("node-{node}"))
    }

    /// What a node has logged.
    pub(crate) fn log(&self, node: usize) -> String {
        std::fs::read_to_string(self.place(node).join("log")).unwrap_or_default()
    }

    /// A node's data folder.
    pub(crate) fn data(&self, node: usize) -> PathBuf {
        self.place(node).join("data")
    }

    /// Starts a node that does not run.
    pub(crate) fn launch(&mut self, node: usize) -> TestResult {
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(self.place(node).join("log"))?;
        let ready = self.data(node).join("ready");
        if ready.exists() {
            std::fs::remove_file(ready)?;
        }
        let child = Command::new(env!("CARGO_BIN_EXE_mpc-node"))
            .args(["run", "--stop-with-stdin", "--config"])
            .arg(self.place(node).join("node.toml"))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()?;
        self.nodes[node] = Some(child);
        Ok(())
    }

    /// Waits until a node serves.
    pub(crate) async fn wait_ready(&mut self, node: usize) -> TestResult {
        let ready = self.data(node).join("ready");
        let child = self.nodes[node].as_mut().ok_or("it does not run")?;
        let start = Instant::now();
        while !ready.exists() {
            let ended = child.try_wait()?;
            if ended.is_some() || start.elapsed() > PATIENCE {
                return Err(
                    format!("node {node} is not ready: {ended:?}\n{}", self.log(node)).into(),
                );
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    /// Kills a node as a power failure would.
    pub(crate) fn kill(&mut self, node: usize) -> TestResult {
        let mut child = self.nodes[node].take().ok_or("it does not run")?;
        child.kill()?;
        child.wait()?;
        Ok(())
    }

    /// Ends a node's standard input and waits until it has stopped by itself.
    pub(crate) async fn stop(&mut self, node: usize) -> TestResult {
        let mut child = self.nodes[node].take().ok_or("it does not run")?;
        drop(child.stdin.take());
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            if let Some(status) = child.try_wait()? {
                return if status.success() {
                    Ok(())
                } else {
                    Err(format!("node {node} ended with {status}\n{}", self.log(node)).into())
                };
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        child.kill()?;
        Err(format!("node {node} does not stop\n{}", self.log(node)).into())
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for child in self.nodes.iter_mut().flatten() {
            let _ = child.kill();
            let _ = child.wait();
        }
        if std::thread::panicking() {
            for node in 0..4 {
                let log = self.log(node);
                let tail: Vec<_> = log.lines().rev().take(40).collect();
                let tail: Vec<_> = tail.into_iter().rev().collect();
                println!("--- node {node}\n{}", tail.join("\n"));
            }
        }
    }
}

/// Asks until there is an answer.
pub(crate) async fn until<T, F>(what: &str, mut ask: impl FnMut() -> F) -> TestResult<T>
where
    F: Future<Output = TestResult<Option<T>>>,
{
    let start = Instant::now();
    loop {
        if let Some(answer) = ask().await? {
            return Ok(answer);
        }
        if start.elapsed() > PATIENCE {
            return Err(format!("not within {PATIENCE:?}: {what}").into());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
