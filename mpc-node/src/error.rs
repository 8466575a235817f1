//! What keeps a node from starting or from going on.

use std::{net::SocketAddr, path::PathBuf};

use alloy_primitives::Address;
use wire::WireError;

/// An error of this crate. Every text says what to do next.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NodeError {
    /// A file or folder could not be used.
    #[error("cannot {action} {}: {source}", path.display())]
    File {
        /// What was tried, for example "read".
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The configuration is not valid.
    #[error("the configuration {} is not valid: {why}", path.display())]
    Config {
        /// The file.
        path: PathBuf,
        /// Where and what.
        why: String,
    },
    /// The committee file is not valid.
    #[error("the committee file {} is not valid: {why}", path.display())]
    Committee {
        /// The file.
        path: PathBuf,
        /// Where and what.
        why: String,
    },
    /// A key file that others may read or write.
    #[error(
        "the key file {} has mode {mode:03o}, so others may read it: run `chmod 600 {}`",
        path.display(), path.display()
    )]
    KeyMode {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// A key file that does not hold a key.
    #[error(
        "the key file {} is not valid: {why}; make keys with `mpc-node keygen --out DIR`",
        path.display()
    )]
    Key {
        /// The file.
        path: PathBuf,
        /// What is wrong with it; never the key.
        why: &'static str,
    },
    /// A file that `keygen` would have to overwrite.
    #[error("{} exists already: choose another folder, keys are never overwritten", .0.display())]
    KeyExists(PathBuf),
    /// The identity key belongs to nobody in the committee.
    #[error(
        "the identity key {} has address {address}, which is none of the four nodes of the \
         committee: use the key of one of them, or put this node's `mpc-node keygen` output into \
         the committee file",
        path.display()
    )]
    NotInCommittee {
        /// The key file.
        path: PathBuf,
        /// The key's address.
        address: Address,
    },
    /// The sealing key is not the one that the committee names for this node.
    #[error(
        "the sealing key {} is not the one that the committee names for node {node}: use the file \
         that was made together with its identity key",
        path.display()
    )]
    WrongSealKey {
        /// The key file.
        path: PathBuf,
        /// Party number of this node.
        node: u8,
    },
    /// Another process uses the data folder.
    #[error("the data folder {} is in use by another process: stop that one first", .0.display())]
    DataInUse(PathBuf),
    /// A log file of another cluster or of another kind.
    #[error(
        "{} belongs to another cluster, or is no log of a node: give this node a data folder of \
         its own",
        .0.display()
    )]
    ForeignLog(PathBuf),
    /// The block log holds a block that does not follow from those before it.
    #[error(
        "block {number} of the block log cannot be applied: {why}; the log was written by another \
         version or was altered: move the data folder away, and the node fetches all from its peers"
    )]
    Replay {
        /// Number of the block.
        number: u64,
        /// Why.
        why: String,
    },
    /// The store of derived data failed and could not be made anew.
    #[error(
        "the store of derived data failed: {0}; move the folder `derived` away and start again"
    )]
    Derived(#[from] sled::Error),
    /// An address could not be listened on.
    #[error("cannot listen on {address} for {what}: {source}; is another node using it?")]
    Listen {
        /// For what.
        what: &'static str,
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// The swarm could not be set up.
    #[error("the swarm could not be started: {0}")]
    Swarm(String),
    /// Connections of computations could not be set up.
    #[error("connections of computations cannot be made: {0}")]
    Transport(String),
    /// Consensus or the state machine cannot go on safely.
    #[error("the node stops rather than differ from the others: {0}")]
    Halted(String),
    /// Ordering could not start.
    #[error("ordering cannot start: {0}")]
    Ordering(#[from] ordering::OrderingError),
    /// The system gives no thread or no runtime.
    #[error("the system gives no thread: {0}")]
    Thread(std::io::Error),
    /// A part of the node ended although it should not.
    #[error("the {0} ended unexpectedly: see the log for the reason")]
    Ended(&'static str),
    /// Bytes that do not decode.
    #[error(transparent)]
    Wire(#[from] WireError),
}

impl NodeError {
    /// For `map_err` on a file operation.
    pub(crate) fn file(
        action: &'static str,
        path: &std::path::Path,
    ) -> impl FnOnce(std::io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |source| Self::File {
            action,
            path,
            source,
        }
    }
}
