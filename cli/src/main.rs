//! `quartet`: confidential contracts from an empty folder to a result, a development cluster, and a
//! look at any cluster.

mod account;
mod contract;
mod dev;
mod error;
mod show;
mod site;
mod status;
mod verify;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

const EXAMPLES: &str = "\
Examples:
  quartet contract new my-poll                    a contract to begin with
  quartet dev                                     a cluster, an L1 and a relayer, until Ctrl-C
  quartet status                                  how the first node of that cluster is doing
  quartet status --rpc http://127.0.0.1:7545 --rpc http://127.0.0.1:7546
  cast call 0x… 'votesCast()(uint64)' --rpc-url http://127.0.0.1:7545";

/// Confidential contracts on four nodes, of which any one may be malicious or down.
#[derive(Debug, Parser)]
#[command(version, after_help = EXAMPLES)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make, build, test, deploy and use confidential contracts.
    #[command(subcommand)]
    Contract(contract::Command),
    /// Run a cluster, an L1 and a relayer on this machine, until Ctrl-C.
    ///
    /// Builds node and relayer when they are missing or old, makes fresh keys, deploys the committee
    /// and its verifier on the L1, and prints where everything is and which keys have money. Nothing
    /// of it is for real secrets.
    Dev(dev::Options),
    /// Check a receipt of `quartet contract receipt` without any node.
    #[command(after_help = verify::EXAMPLES)]
    VerifyReceipt(verify::Options),
    /// Make a secret key in a new file, or show the address of the key in a file.
    Key(account::KeyOptions),
    /// Let time pass on a development cluster.
    Advance(account::AdvanceOptions),
    /// Show how a cluster is doing.
    ///
    /// Asks each node that is named with --rpc, and shows the committee, blocks, state roots,
    /// connected peers, computations, and nodes that are suspected. Exits 1 if a node does not
    /// answer, or two of them have different blocks of the same number.
    Status(status::Options),
}

#[tokio::main]
async fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Contract(command) => contract::run(command).await,
        Command::VerifyReceipt(options) => verify::run(options).await,
        Command::Key(options) => account::key(&options),
        Command::Advance(options) => account::advance(options).await,
        Command::Dev(options) => dev::run(options).await,
        Command::Status(options) => status::run(options).await,
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(error.exit_code())
        }
    }
}
