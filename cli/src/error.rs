//! What can go wrong for a command.

use std::{io, path::PathBuf};

use alloy::primitives::{Address, B256};
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
    /// A file could not be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// No node answers.
    #[error(
        "no node answers at {urls} ({why}): start a cluster with `quartet dev`, or name a node with --rpc or QUARTET_RPC"
    )]
    NoCluster {
        /// Who was asked.
        urls: String,
        /// What the last of them said.
        why: String,
    },
    /// A committee file that cannot be used.
    #[error("committee file {}: {why}", file.display())]
    Committee {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// No key for an account outside of development.
    #[error(
        "`{name}` is an account on development clusters only, and this is none: name a key file with --key (`quartet key FILE` makes one)"
    )]
    NoKey {
        /// The account.
        name: String,
    },
    /// Secrets would be sealed to whomever a node names.
    #[error(
        "secrets are sealed to the nodes of a committee, and a node alone should not say who they are: name the committee file with --committee"
    )]
    NotPinned,
    /// Arguments that do not fit.
    #[error("{what} takes {expected}: {why}")]
    Arguments {
        /// What takes them.
        what: String,
        /// Names and types.
        expected: String,
        /// What does not fit.
        why: String,
    },
    /// What is remembered about deployments cannot be read.
    #[error("{} cannot be read: {why}; mend it, or remove it and deploy again", file.display())]
    Deployments {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The contract is not on this cluster.
    #[error(
        "{contract} is not on this cluster: run `quartet contract deploy`, or name its address with --contract"
    )]
    NotDeployed {
        /// Which.
        contract: String,
    },
    /// A function that is called with a sealed input.
    #[error("`{0}` takes a secret: send it with `quartet contract input {0}`")]
    TakesSecrets(String),
    /// Secret values that cannot be read.
    #[error("the secrets in {file} cannot be read: {why}")]
    Secrets {
        /// The file, or `-`.
        file: String,
        /// What is wrong with it; never what is in it.
        why: String,
    },
    /// A field was given more than once.
    #[error("--set {0} is given twice")]
    SetTwice(String),
    /// Tests failed; they have said how.
    #[error("tests failed")]
    Tests,
    /// Cargo cannot be started.
    #[error("cannot start cargo: {0}; it comes with Rust, from https://rustup.rs")]
    Cargo(io::Error),
    /// The contract has no result yet that an input could be part of.
    #[error(
        "input {input} is in no signed result of {contract} yet: `quartet contract watch` shows how far computations are"
    )]
    NotCounted {
        /// The input.
        input: B256,
        /// The contract.
        contract: Address,
    },
    /// A file that holds no receipt.
    #[error("{} holds no receipt: {why}; `quartet contract receipt` makes one", file.display())]
    NoReceipt {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// Nothing was named that says who the nodes are.
    #[error(
        "a receipt does not say whose signatures count: name the nodes' committee file with --committee, or an app on L1 that took the result with --l1 URL --app ADDRESS"
    )]
    NobodyToTrust,
    /// L1 does not confirm a receipt.
    #[error("L1 does not confirm the receipt: {0}")]
    L1Refuses(String),
    /// A module that nodes would refuse.
    #[error("nodes would refuse the contract: {0}")]
    Module(#[from] zk_contract_runtime::ModuleError),
    /// There is no report of a contract.
    #[error(transparent)]
    NoReport(#[from] contract_report::ReportError),
    /// A file that is no report.
    #[error("{} is no report of a contract: {why}; `quartet contract build` writes one", file.display())]
    Report {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// A contract reveals or costs something else than before.
    #[error(
        "the report is another than {}:\n  {differences}\nif that is meant, copy {} there",
        old.display(),
        new.display()
    )]
    ReportChanged {
        /// The earlier report.
        old: PathBuf,
        /// This one.
        new: PathBuf,
        /// What is different, in lines.
        differences: String,
    },
    /// Nodes would refuse the contract; it was said why.
    #[error("nodes would refuse this contract, for {0} reasons")]
    Findings(usize),
    /// The sandbox on this machine does not work.
    #[error(transparent)]
    Sandbox(#[from] zk_contract_runtime::HostFault),
    /// Only clusters for development let time pass.
    #[error("time passes by itself on this cluster: only those of `quartet dev` can be advanced")]
    NotForDevelopment,
    /// Something has not ended yet.
    #[error("{0} still under way")]
    UnderWay(usize),
    /// Something ended without a result.
    #[error("{0} failed or rejected")]
    EndedBadly(usize),
    /// Not all nodes answer, or they disagree.
    #[error("{0}")]
    Unhealthy(String),
}

impl CliError {
    /// What the process exits with.
    pub(crate) const fn exit_code(&self) -> u8 {
        match self {
            Self::UnderWay(_) => 3,
            _ => 1,
        }
    }
}
