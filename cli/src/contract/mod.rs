//! `quartet contract`: what authors of contracts do, from an empty folder to a result.
//!
//! Each command is a file. [`package`] is the crate that a command works in, [`site`] the cluster and
//! the account that it talks with.

mod build;
mod check;
mod new;
mod package;

use clap::Subcommand;

use crate::error::CliError;

/// The commands, in the order in which an author needs them.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make a new contract: a crate that builds, tests and deploys as it stands.
    New(new::Options),
    /// Build the contract: WASM, ABI, Solidity and a report of what it reveals and costs.
    Build(build::Options),
    /// Say what nodes would refuse about the contract, with source lines.
    Check(check::Options),
}

/// Runs one.
pub(crate) async fn run(command: Command) -> Result<(), CliError> {
    match command {
        Command::New(options) => new::run(&options),
        Command::Build(options) => build::run(options).await,
        Command::Check(options) => check::run(options).await,
    }
}
