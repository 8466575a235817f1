//! `quartet contract`: what authors and users of contracts do, from an empty folder to a result.
//!
//! Each command is a file. [`package`] is the crate that a command works in, [`deployments`] what is
//! remembered there, [`target`] the contract on a cluster, [`values`] its public values.

mod build;
mod call;
mod check;
mod deploy;
mod deployments;
mod input;
mod new;
mod package;
mod read;
mod receipt;
mod target;
mod test;
mod values;
mod watch;

use clap::Subcommand;

use crate::error::CliError;

pub(crate) use values::seconds;

/// The commands, in the order in which an author needs them.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make a new contract: a crate that builds, tests and deploys as it stands.
    #[command(after_help = new::EXAMPLES)]
    New(new::Options),
    /// Build the contract: WASM, ABI, Solidity and a report of what it reveals and costs.
    #[command(after_help = build::EXAMPLES)]
    Build(build::Options),
    /// Say what nodes would refuse about the contract, with source lines.
    Check(check::Options),
    /// Run the contract's tests.
    #[command(after_help = test::EXAMPLES)]
    Test(test::Options),
    /// Deploy the contract, and remember where.
    #[command(after_help = deploy::EXAMPLES)]
    Deploy(deploy::Options),
    /// Call an action of the contract, in a transaction.
    #[command(after_help = call::CALL_EXAMPLES)]
    Call(call::CallOptions),
    /// Ask a view of the contract; nothing changes.
    #[command(after_help = call::VIEW_EXAMPLES)]
    View(call::ViewOptions),
    /// Send a secret input, sealed to the nodes, and wait for their verdict.
    #[command(after_help = input::EXAMPLES)]
    Input(input::Options),
    /// Show how far inputs and computations are, until they have ended.
    #[command(after_help = watch::EXAMPLES)]
    Watch(watch::Options),
    /// Read what computations of the contract made for you alone.
    #[command(after_help = read::EXAMPLES)]
    Read(read::Options),
    /// Keep a proof that an input was counted, which needs no node to be checked.
    #[command(after_help = receipt::EXAMPLES)]
    Receipt(receipt::Options),
}

/// Runs one.
pub(crate) async fn run(command: Command) -> Result<(), CliError> {
    match command {
        Command::New(options) => new::run(&options),
        Command::Build(options) => build::run(options).await,
        Command::Check(options) => check::run(options).await,
        Command::Test(options) => test::run(options).await,
        Command::Deploy(options) => deploy::run(options).await,
        Command::Call(options) => call::call(options).await,
        Command::View(options) => call::view(options).await,
        Command::Input(options) => input::run(options).await,
        Command::Watch(options) => watch::run(options).await,
        Command::Read(options) => read::run(options).await,
        Command::Receipt(options) => receipt::run(options).await,
    }
}
