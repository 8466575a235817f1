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
    /// The folder of a contract's crate is not one.
    #[error(
        "{} is not in a contract's crate: {why}; go to one, name it with --path, or make one with `quartet contract new NAME`",
        folder.display()
    )]
    NoPackage {
        /// The folder.
        folder: PathBuf,
        /// What is missing.
        why: String,
    },
    /// A name that no contract can have.
    #[error("`{name}` cannot be a contract's name: {why}; take one like `my-poll`")]
    Name {
        /// The name.
        name: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The folder for a new contract is there already.
    #[error("{} exists already: take another name, or --path for another folder", .0.display())]
    Exists(PathBuf),
    /// There is no SDK where it was looked for.
    #[error(
        "there is no SDK in {}: name a checkout of Quartet's source with --sdk", .0.display()
    )]
    NoSdk(PathBuf),
    /// Not all nodes answer, or they disagree.
    #[error("{0}")]
    Unhealthy(String),
}
