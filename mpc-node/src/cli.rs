//! The command line, shared by `mpc-node` and the misbehaving node of the tests.

use std::{io::Write as _, path::PathBuf, sync::Arc};

use clap::{Args, Subcommand};
use tracing_subscriber::EnvFilter;

use crate::{
    NodeError,
    config::{Config, LogFormat},
    filter::FrameFilter,
    keys::{IDENTITY_FILE, NodeKeys, SEAL_FILE},
    node::{self, RunOptions},
};

/// What a node's program can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make the two keys of a node.
    ///
    /// Writes `identity.key` (secp256k1: the node's address, peer id and signatures) and `seal.key`
    /// (X25519: opens sealed inputs) with mode 0600, and prints what the committee file must say
    /// about this node. Existing files are never overwritten.
    Keygen(Keygen),
    /// Run a node.
    ///
    /// Stops on SIGINT and SIGTERM. Once it serves, the file `ready` in its data folder says where.
    ///
    /// The configuration is TOML; paths in it are relative to its folder:
    ///
    ///   data_dir         folder for the log and all else; made if it does not exist
    ///   committee        the committee file, the same at all four nodes
    ///   identity_key     key files of `keygen`, mode 0600
    ///   seal_key
    ///   rpc_listen       address for JSON-RPC, for example "127.0.0.1:8545"
    ///   session_listen   address for the other nodes' computations [default: the committee file's
    ///                    address of this node, one port higher]
    ///   admin_listen     address for /healthz and /metrics [default: a free port on loopback]
    ///   admin_public     whether admin_listen may be other than loopback [default: false]
    ///   round_timeout_ms patience with a peer in one round of a computation [default: 10000]
    ///   idle_block_ms    pause between empty blocks [default: 10000]
    ///   log_format       "text" or "json" [default: "text"]
    ///   rpc.*            max_request_bytes, max_response_bytes, max_connections,
    ///                    max_connections_per_ip, max_requests_per_s, client_timeout_ms, max_batch,
    ///                    max_log_blocks, max_logs, max_calls, max_call_gas
    ///
    /// `node.example.toml` explains every setting and has its default.
    #[command(verbatim_doc_comment)]
    Run(Run),
}

/// Options of `keygen`.
#[derive(Debug, Args)]
pub struct Keygen {
    /// Folder for the two key files; made if it does not exist.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Where the node will listen for the others, for example /ip4/127.0.0.1/tcp/7000; is put into
    /// the printed entry.
    #[arg(long, value_name = "MULTIADDR")]
    pub listen: Option<String>,
}

/// Options of `run`.
#[derive(Debug, Args)]
pub struct Run {
    /// The node's configuration (TOML).
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
    /// Stop when standard input ends, so that the node does not outlive what started it.
    #[arg(long)]
    pub stop_with_stdin: bool,
    /// How log lines look; overrides the configuration. RUST_LOG chooses what is logged.
    #[arg(long, value_enum)]
    pub log_format: Option<LogFormat>,
}

impl Command {
    /// Does it. `filter` sees the frames of computations that a running node sends.
    ///
    /// # Errors
    /// [`NodeError`], for people to read.
    pub fn execute(self, filter: Arc<dyn FrameFilter>) -> Result<(), NodeError> {
        match self {
            Self::Keygen(keygen) => keygen.execute(),
            Self::Run(run) => run.execute(filter),
        }
    }
}

impl Keygen {
    fn execute(self) -> Result<(), NodeError> {
        let keys = NodeKeys::generate()?;
        let node = keys.public(self.listen.as_deref().unwrap_or_default())?;
        keys.write(&self.out)?;
        let mut text = format!(
            "# Keys in {} and {} of {}. This node's entry in the committee file, below [[nodes]]:\n\
             address = \"{}\"\npublic_key = \"{}\"\nseal_key = \"{}\"\n",
            IDENTITY_FILE,
            SEAL_FILE,
            self.out.display(),
            node.address,
            node.public_key,
            node.seal_key,
        );
        match self.listen {
            Some(listen) => text.push_str(&format!("listen = {listen:?}\n")),
            None => text.push_str("# listen = \"/ip4/ADDRESS/tcp/PORT\"\n"),
        }
        std::io::stdout()
            .write_all(text.as_bytes())
            .map_err(NodeError::file("write to", "standard output".as_ref()))
    }
}

impl Run {
    fn execute(self, filter: Arc<dyn FrameFilter>) -> Result<(), NodeError> {
        let config = Config::read(&self.config)?;
        start_logging(self.log_format.unwrap_or(config.log_format));
        let options = RunOptions {
            stop_with_stdin: self.stop_with_stdin,
        };
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .map_err(NodeError::Thread)?;
        let result = runtime.block_on(node::run(config, filter, options));
        // Blocked reads of standard input and running calls are not waited for.
        runtime.shutdown_background();
        result
    }
}

/// Log lines go to standard error; `RUST_LOG` chooses which. The consensus library, which tells
/// every vote, is quiet unless it is named.
fn start_logging(format: LogFormat) {
    let mut chosen = std::env::var(EnvFilter::DEFAULT_ENV).unwrap_or_default();
    if chosen.is_empty() {
        chosen = "info".into();
    }
    for quiet in ["arc_malachitebft", "libp2p", "sled"] {
        if !chosen.contains(quiet) {
            chosen.push_str(&format!(",{quiet}=warn"));
        }
    }
    let builder = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(chosen))
        .with_writer(std::io::stderr);
    // Somebody who embeds the node may have set up logging already.
    let _ = match format {
        LogFormat::Text => builder.with_ansi(false).try_init(),
        LogFormat::Json => builder.json().try_init(),
    };
}
