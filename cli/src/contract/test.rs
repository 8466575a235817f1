//! `quartet contract test`: Cargo's tests, in the modes of the SDK.

use std::{
    env,
    process::{Command, Stdio},
};

use super::package::InPackage;
use crate::error::CliError;

/// Help that follows the options.
pub(crate) const EXAMPLES: &str = "\
Examples:
  quartet contract test                    everything but real nodes
  quartet contract test votes              tests with `votes` in their names
  quartet contract test --seed 7           with the randomness of an earlier run";

/// Options of `quartet contract test`.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Only tests whose names have one of these in them.
    filter: Vec<String>,
    /// Seed of all randomness, as a failed run printed it.
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,
    #[command(flatten)]
    package: InPackage,
}

/// Runs them; what Cargo says is shown as it is.
pub(crate) async fn run(options: Options) -> Result<(), CliError> {
    let package = options.package.find()?;
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = tokio::process::Command::from(Command::new(cargo));
    command.arg("test").arg("--").args(&options.filter);
    if let Some(seed) = options.seed {
        command.env("QUARTET_SEED", seed.to_string());
    }
    command.current_dir(&package.folder).stdin(Stdio::null());
    let status = command.status().await;
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(_) => Err(CliError::Tests),
        Err(error) => Err(CliError::Cargo(error)),
    }
}
