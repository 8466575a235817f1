//! What can go wrong for a command.

use std::{io, path::PathBuf};

use client::ClientError;
use devnet::DevnetError;

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CliError {
    /// Something could not be built, started or stopped.
    #[error(transparent)]
    Devnet(#[from] DevnetError),
    /// A node does not answer as it should.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The L1 that was just started does not answer.
    #[error("the L1 does not answer: {0}")]
    L1(String),
    /// A file could not be written.
    #[error("cannot write {}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A port for which there is no room.
    #[error("--rpc-port {0} leaves no room for four nodes: the last port is 65535")]
    Ports(u16),
    /// Not all nodes answer, or they disagree.
    #[error("{0}")]
    Unhealthy(String),
}
