//! A node that takes part in everything honestly but for the frames of computations, or what it tells
//! owners of secrets, which it alters. For tests; a package of its own, so that nothing of it reaches the normal node.

mod behaviour;

use std::{process::ExitCode, sync::Arc};

use clap::Parser;
use mpc_node::cli::Command;

use behaviour::{Behaviour, Liar, Where};

/// A node that misbehaves in computations, or towards owners of secrets. Same commands as `mpc-node`.
#[derive(Debug, Parser)]
#[command(version, about)]
struct Arguments {
    /// What it does to what it sends.
    #[arg(long, value_enum, global = true, default_value = "flip")]
    behaviour: Behaviour,
    /// First round in which it misbehaves, from 0.
    #[arg(long, global = true, default_value_t = 0)]
    from_round: u32,
    /// Party number of the only node that it lies to; all of them if not given.
    #[arg(long, global = true)]
    to: Option<u8>,
    #[command(subcommand)]
    command: Command,
}

fn main() -> ExitCode {
    let Arguments {
        behaviour,
        from_round,
        to,
        command,
    } = Arguments::parse();
    let liar = Liar::new(behaviour, Where { from_round, to });
    match command.execute(Arc::new(liar)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
