//! Starting a node, and stopping it.
//!
//! What runs beside what: the core on its own thread; the swarm, the keepers of seeds and of lots,
//! JSON-RPC and the admin server as tasks; each session of a computation on its own thread. The order of the
//! start is that of what depends on what: files, replay, network, core, and last what serves users.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use alloy_primitives::B256;
use ordering::Ordering;
use prometheus_client::metrics::counter::Counter;
use serde::Serialize;
use tokio::{io::AsyncReadExt as _, runtime::Handle, sync::mpsc};
use tokio_util::sync::CancellationToken;
use zk_contract_runtime::{Event, Runtime};

use crate::{
    NodeError, admin,
    clock::Clock,
    config::{Config, Membership},
    core::{Core, Shared, epochs::shared_anew},
    filter::FrameFilter,
    keys::NodeKeys,
    lots::LotKeeper,
    metrics::Metrics,
    network,
    rpc::{self, Rpc},
    seeds::{Order, SeedKeeper},
    session::{Workers, exchange::Exchange},
    shares::ShareKeeper,
    storage::{
        DataFolder,
        block_log::BlockLog,
        cluster_id,
        derived::{Derived, recovering},
        epochs::EpochKeys,
        lots::LotStore,
        outputs::OutputStore,
        records::Tail,
        results::ResultStore,
        shares::ShareStore,
        wal::Wal,
    },
};

/// How a node is run.
#[derive(Clone, Copy, Debug, Default)]
pub struct RunOptions {
    /// Stop when standard input ends, so that no node outlives what started it.
    pub stop_with_stdin: bool,
}

/// What the file `ready` in the data folder says once the node serves.
#[derive(Clone, Debug, Serialize)]
struct Ready {
    /// Where JSON-RPC listens.
    rpc: SocketAddr,
    /// Where health and metrics are served.
    admin: SocketAddr,
    /// The process.
    pid: u32,
}

/// What replay leaves.
struct Stored {
    runtime: Runtime,
    blocks: BlockLog,
    wal: Wal,
    wal_entries: Vec<alloy_primitives::Bytes>,
    derived: Derived,
    epochs: EpochKeys,
    lots: LotStore,
    shares: ShareStore,
    outputs: OutputStore,
    results: ResultStore,
    inputs: Vec<B256>,
}

/// Runs a node until it is told to stop (SIGINT, SIGTERM, end of standard input).
///
/// # Errors
/// [`NodeError`]: whatever keeps it from starting or from going on.
pub async fn run(
    config: Config,
    filter: Arc<dyn FrameFilter>,
    options: RunOptions,
) -> Result<(), NodeError> {
    let keys = Arc::new(NodeKeys::read(&config.identity_key, &config.seal_key)?);
    let membership = Arc::new(Membership::read(&config, &keys)?);
    let me = membership.me;
    let session_listen = config
        .session_listen
        .or_else(|| membership.default_session_listen());
    let session_listen = session_listen.ok_or_else(|| {
        let why = "no port comes after this node's own: set `session_listen` in the configuration";
        NodeError::Transport(why.into())
    })?;
    let folder = DataFolder::open(&config.data_dir)?;
    let ready = ReadyFile::new(folder.join("ready"))?;
    tracing::info!(node = me, address = %keys.address(), chain_id = membership.committee.chain_id,
        version = env!("CARGO_PKG_VERSION"), "starting");

    let clock = Clock::start();
    let metrics = Arc::new(Metrics::new());
    let stored = {
        let (membership, keys) = (membership.clone(), keys.clone());
        let seal_path = config.seal_key.clone();
        let damaged = metrics.damaged_records.clone();
        let opening = tokio::task::spawn_blocking(move || {
            let path = folder.join("derived");
            let opened = || open(&folder, &membership, (&keys, &seal_path), &damaged);
            let stored = recovering(&path, opened);
            stored.map(|stored| (stored, folder))
        });
        opening.await.map_err(|_| NodeError::Ended("replay"))?
    };
    let (stored, _folder) = stored?;
    let Stored {
        runtime,
        blocks,
        wal,
        wal_entries,
        derived,
        epochs,
        lots,
        shares,
        outputs,
        results,
        inputs,
    } = stored;
    tracing::info!(block = runtime.head().number, "the block log is replayed");

    let mut ordering_config =
        ordering::Config::new(membership.committee.clone(), me, keys.signing());
    ordering_config.idle_block_ms = config.idle_block_ms;
    let (ordering, effects) = Ordering::new(ordering_config, runtime, wal_entries, clock.now_ms())?;
    let shared = Arc::new(Shared::new(ordering, clock));

    let (network, inlets, mut tasks) =
        network::start(membership.clone(), &keys, session_listen, metrics.clone()).await?;
    let (verdict_sender, verdicts) = mpsc::channel(1024);
    let (seeds, keeper) = SeedKeeper::start(
        me,
        epochs.clone(),
        derived.clone(),
        network.clone(),
        metrics.clone(),
        verdict_sender,
    );
    tasks.spawn(async move {
        let _ = keeper.await;
        "keeper of seeds"
    });
    let (lots, keeper) = LotKeeper::start(me, lots, network.clone(), metrics.clone());
    tasks.spawn(async move {
        let _ = keeper.await;
        "keeper of lots"
    });
    let (sharing, anew) = {
        let state = shared.read();
        (state.runtime().sharing(), shared_anew(state.runtime()))
    };
    let (shares, keeper) =
        ShareKeeper::start(me, sharing, shares, network.clone(), metrics.clone());
    tasks.spawn(async move {
        let _ = keeper.await;
        "keeper of shares"
    });
    let restoring = shares.clone();
    tokio::spawn(async move { restoring.hold(sharing, anew).await });
    restore_seeds(&shared, &derived, &seeds, inputs);

    let (command_sender, commands) = mpsc::channel(256);
    let workers = Workers {
        membership: membership.clone(),
        exchange: Exchange {
            sessions: network.sessions().clone(),
            round_timeout: config.round_timeout(),
            filter: filter.clone(),
        },
        outputs,
        results,
        lots: lots.store().clone(),
        runtime: Handle::current(),
    };
    let reader = blocks.reader();
    let shares_store = shares.store().clone();
    let core = Core {
        shared: shared.clone(),
        blocks,
        wal,
        derived: derived.clone(),
        network: network.clone(),
        inlets,
        seeds,
        lots,
        shares,
        epochs,
        verdicts,
        commands,
        workers,
        metrics: metrics.clone(),
    };
    let stop = CancellationToken::new();
    let mut core = start_core(core, effects, &stop)?;

    let rpc = Rpc {
        shared: shared.clone(),
        genesis: *Runtime::new(membership.committee.clone()).head(),
        blocks: reader,
        derived,
        shares: shares_store,
        network: network.clone(),
        membership,
        commands: command_sender,
        filter,
        metrics: metrics.clone(),
        limits: config.rpc,
    };
    let (rpc_address, rpc_server) = rpc::start(config.rpc_listen, rpc).await?;
    tasks.spawn(async move {
        rpc_server.await;
        "JSON-RPC server"
    });
    let (admin_address, admin_server) =
        admin::start(config.admin_listen, shared, network, metrics).await?;
    tasks.spawn(async move {
        admin_server.await;
        "admin server"
    });
    ready.write(&Ready {
        rpc: rpc_address,
        admin: admin_address,
        pid: std::process::id(),
    })?;
    tracing::info!(rpc = %rpc_address, admin = %admin_address, "ready");

    let result = tokio::select! {
        reason = told_to_stop(options) => {
            tracing::info!(reason, "stopping");
            Ok(())
        }
        ended = &mut core => return finished(ended),
        Some(ended) = tasks.join_next() => Err(NodeError::Ended(ended.unwrap_or("a task"))),
    };
    tasks.abort_all();
    stop.cancel();
    let ended = tokio::time::timeout(Duration::from_secs(10), core).await;
    match ended {
        Ok(ended) => result.and(finished(ended)),
        Err(_) => result.and(Err(NodeError::Ended("core"))),
    }
}

type CoreResult = Result<(), NodeError>;

fn finished(
    ended: Result<CoreResult, tokio::sync::oneshot::error::RecvError>,
) -> Result<(), NodeError> {
    ended.unwrap_or(Err(NodeError::Ended("core")))
}

fn start_core(
    core: Core,
    effects: Vec<ordering::Effect>,
    stop: &CancellationToken,
) -> Result<tokio::sync::oneshot::Receiver<CoreResult>, NodeError> {
    let (sender, receiver) = tokio::sync::oneshot::channel();
    let (stop, runtime) = (stop.clone(), Handle::current());
    let thread = std::thread::Builder::new().name("core".into());
    thread
        .spawn(move || {
            let _ = sender.send(core.run(effects, &stop, &runtime));
        })
        .map_err(NodeError::Thread)?;
    Ok(receiver)
}

/// Opens all files and replays the block log.
fn open(
    folder: &DataFolder,
    membership: &Membership,
    (keys, seal_path): (&NodeKeys, &Path),
    damaged: &Counter,
) -> Result<Stored, NodeError> {
    let cluster = cluster_id(&membership.committee);
    let storage_key = &keys.storage_key();
    let first = keys.first_epoch(seal_path)?;
    if first.is_none() {
        tracing::info!(path = %seal_path.display(),
            "there is no sealing key for key epoch 0, as if that were over");
    }
    let epochs = EpochKeys::open(&folder.join("epochs"), storage_key, first)?;
    let (derived, _) = Derived::open(&folder.join("derived"), &epochs)?;
    let derived = derived.counting(damaged.clone());
    derived.prepare()?;
    let mut runtime = Runtime::new(membership.committee.clone());
    let mut inputs = Vec::new();
    let (blocks, tail) = BlockLog::open(&folder.join("blocks.log"), cluster, |decided| {
        let number = decided.certificate.height;
        let applied = Ordering::replay(&mut runtime, decided).map_err(|error| {
            let why = error.to_string();
            NodeError::Replay { number, why }
        })?;
        inputs.extend(applied.events.iter().filter_map(|event| match event {
            Event::InputOrdered { id } => Some(*id),
            Event::ResultsKept { computation } => Some(*computation),
            _ => None,
        }));
        if !derived.is_indexed(applied.number, applied.hash) {
            let block = wire::block::Block::decode(&decided.block)?;
            derived.index(&applied, &block, runtime.head().state_root)?;
        }
        Ok(true)
    })?;
    report(&tail, "block log");
    let (wal, wal_entries, tail) = Wal::open(&folder.join("consensus.wal"), cluster)?;
    report(&tail, "write-ahead log");
    let lots = LotStore::open(&folder.join("lots"), storage_key, damaged.clone())?;
    let shares = ShareStore::open(&folder.join("shares"), &epochs, damaged.clone())?;
    let outputs = OutputStore::open(&folder.join("outputs"), storage_key)?;
    let results = ResultStore::open(&folder.join("results"), &epochs)?;
    // The log may lack its newest blocks: what it does not know of may still be asked for.
    outputs.retain(|job| !has_ended(&runtime, job))?;
    let sharing = runtime.sharing();
    if sharing.epoch > 0 {
        if let Err(error) = epochs.erase_before(sharing.epoch) {
            tracing::error!(%error, "the keys of a key epoch cannot be erased: remove the file");
        }
        shares.keep_only(&sharing)?;
        derived.forget_before(sharing.epoch)?;
        results.forget_before(sharing.epoch)?;
    }
    for (job, epoch, seeds) in results.all()? {
        if derived.seeds(job).is_none() {
            derived.keep_seeds(job, epoch, &seeds)?;
        }
    }
    Ok(Stored {
        runtime,
        blocks,
        wal,
        wal_entries,
        derived,
        epochs,
        lots,
        shares,
        outputs,
        results,
        inputs,
    })
}

/// Whether the log has a computation's result, or that there will be none.
fn has_ended(runtime: &Runtime, job: B256) -> bool {
    let known = runtime.computation(job).is_some();
    let unfinished = runtime.unfinished_computations().contains(&job);
    runtime.opened(job).is_some() || (known && !unfinished)
}

fn report(tail: &Tail, what: &str) {
    match tail {
        Tail::Whole => {}
        Tail::Torn => tracing::warn!("the last record of the {what} was torn, and is cut off"),
        Tail::Damaged(aside) => tracing::error!(
            aside = %aside.display(),
            "the {what} is damaged: the rest of it is kept aside, and comes from the peers again"
        ),
    }
}

/// Gets again the seeds of inputs that are not in the store any more.
fn restore_seeds(shared: &Shared, derived: &Derived, seeds: &SeedKeeper, inputs: Vec<B256>) {
    let state = shared.read();
    let lost = inputs
        .into_iter()
        .filter(|input| !derived.has_seeds(*input));
    let mut count = 0u64;
    for input in lost {
        // None for a rejected input, of which no seeds are needed.
        if let Some(pending) = state.runtime().pending_seeds(input) {
            count += 1;
            seeds.order(Order::Open { input, pending });
        }
    }
    if count > 0 {
        tracing::info!(
            count,
            "seeds are not in the store: opening their seals again"
        );
    }
}

/// Waits for whatever ends the node, and says what it was.
async fn told_to_stop(options: RunOptions) -> &'static str {
    let terminated = async {
        use tokio::signal::unix::{SignalKind, signal};
        match signal(SignalKind::terminate()) {
            Ok(mut signal) => {
                signal.recv().await;
            }
            Err(_) => std::future::pending().await,
        }
    };
    let stdin_closed = async {
        if !options.stop_with_stdin {
            std::future::pending::<()>().await;
        }
        let mut stdin = tokio::io::stdin();
        let mut buffer = [0; 256];
        while matches!(stdin.read(&mut buffer).await, Ok(1..)) {}
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => "SIGINT",
        () = terminated => "SIGTERM",
        () = stdin_closed => "standard input ended",
    }
}

/// The file that says that the node serves; it is there only while it does.
struct ReadyFile(PathBuf);

impl ReadyFile {
    fn new(path: PathBuf) -> Result<Self, NodeError> {
        let ready = Self(path);
        ready.remove()?;
        Ok(ready)
    }

    fn remove(&self) -> Result<(), NodeError> {
        match std::fs::remove_file(&self.0) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(NodeError::file("remove", &self.0)(error))
            }
            _ => Ok(()),
        }
    }

    /// Writes it in one go, so that nobody reads half of it.
    fn write(&self, ready: &Ready) -> Result<(), NodeError> {
        let text = serde_json::to_vec(ready).unwrap_or_default();
        let new: &Path = &self.0.with_extension("new");
        std::fs::write(new, text).map_err(NodeError::file("write", new))?;
        std::fs::rename(new, &self.0).map_err(NodeError::file("write", &self.0))
    }
}

impl Drop for ReadyFile {
    fn drop(&mut self) {
        let _ = self.remove();
    }
}
