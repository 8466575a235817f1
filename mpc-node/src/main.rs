//! `mpc-node`: one of the four nodes of a Quartet cluster.

use std::{process::ExitCode, sync::Arc};

use clap::Parser;
use mpc_node::{cli::Command, filter::Honest};

/// One of the four nodes of a Quartet cluster.
///
/// Make keys with `keygen` on each of the four machines, put the four printed entries into one
/// committee file, give every machine a configuration, and `run`.
#[derive(Debug, Parser)]
#[command(version, about)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

fn main() -> ExitCode {
    match Arguments::parse().command.execute(Arc::new(Honest)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
