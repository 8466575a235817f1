//! What can go wrong with a development cluster.

use std::{io, net::SocketAddr, path::PathBuf};

/// Why something could not be built, started or stopped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DevnetError {
    /// A file or folder could not be read or written.
    #[error("cannot {action} {}: {source}", path.display())]
    File {
        /// What was tried.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A program could not be started.
    #[error("cannot start {}: {source}", program.display())]
    Spawn {
        /// The program.
        program: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// `cargo build` failed.
    #[error("`{command}` failed ({status}):\n{tail}")]
    Build {
        /// The command.
        command: String,
        /// How it ended.
        status: String,
        /// The end of what it said.
        tail: String,
    },
    /// `cargo build` succeeded but named no such file.
    #[error("`{command}` did not report {what}")]
    NotBuilt {
        /// The command.
        command: String,
        /// What was expected.
        what: String,
    },
    /// The WASM target of the Rust tool chain is missing and could not be added.
    #[error(
        "Rust's target wasm32-unknown-unknown, which contracts are built for, is missing: run `rustup target add wasm32-unknown-unknown` ({0})"
    )]
    WasmTarget(String),
    /// A process ended, or was not ready in time.
    #[error("{name} {what}; its log is {}:\n{tail}", log.display())]
    Process {
        /// Which process.
        name: String,
        /// What happened.
        what: String,
        /// Its log.
        log: PathBuf,
        /// The end of its log.
        tail: String,
    },
    /// A program that runs once failed.
    #[error("`{command}` failed ({status}): {stderr}")]
    Command {
        /// The command.
        command: String,
        /// How it ended.
        status: String,
        /// What it said.
        stderr: String,
    },
    /// The output of a program, or a file of it, is not what it should be.
    #[error("{what} is malformed: {why}")]
    Malformed {
        /// What was read.
        what: String,
        /// What is wrong with it.
        why: String,
    },
    /// No free port could be found.
    #[error("no free port on the loopback interface")]
    NoPort,
    /// There is no such node.
    #[error("there is no node {0}: a committee has nodes 0 to 3")]
    NoSuchNode(usize),
    /// A node's files were to be changed under it.
    #[error("node {0} runs: kill or stop it before its files are changed")]
    StillRuns(usize),
    /// A fault for which the cluster has no tool.
    #[error("the cluster has no {0}: ask for it in `ClusterOptions::tools`")]
    NotEquipped(&'static str),
    /// The network between the nodes cannot be set up.
    #[error("cannot listen on {place} for the network between the nodes: {source}")]
    Links {
        /// The address.
        place: SocketAddr,
        /// Why not.
        source: io::Error,
    },
    /// A contract could not be deployed on L1.
    #[error("cannot deploy the {contract} contract on L1: {why}")]
    Deployment {
        /// Which contract.
        contract: &'static str,
        /// Why not.
        why: String,
    },
    /// The embedded L1 cannot serve.
    #[error("the embedded L1 cannot start: {0}")]
    L1(String),
}

impl DevnetError {
    /// Wraps an I/O error of a file.
    pub(crate) fn file(
        action: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File {
            action,
            path,
            source,
        }
    }
}
