//! `quartet contract test`: Cargo's tests, in the modes of the SDK.

use std::{
    collections::BTreeSet,
    env,
    process::{Command, Stdio},
};

use super::package::InPackage;
use crate::error::CliError;

/// Help that follows the options.
pub(crate) const EXAMPLES: &str = "\
Examples:
  quartet contract test                    all tests, in clear and on four parties in one process
  quartet contract test --mode clear       only what takes no time
  quartet contract test --mode nodes       on four real nodes
  quartet contract test votes              tests with `votes` in their names
  quartet contract test --seed 7           with the randomness of an earlier run";

/// Options of `quartet contract test`.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Only tests whose names have one of these in them.
    filter: Vec<String>,
    /// Only this mode of tests under #[quartet::test].
    #[arg(long, value_name = "MODE")]
    mode: Option<Mode>,
    /// Seed of all randomness, as a failed run printed it.
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,
    #[command(flatten)]
    package: InPackage,
}

/// A mode of tests under `#[quartet::test]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Mode {
    /// Computations in clear.
    Clear,
    /// On four parties in one process, too.
    Mpc,
    /// On four real nodes.
    Nodes,
}

impl Mode {
    const ALL: [Self; 3] = [Self::Clear, Self::Mpc, Self::Nodes];

    /// What the names of its tests end with.
    const fn suffix(self) -> &'static str {
        match self {
            Self::Clear => "::clear",
            Self::Mpc => "::mpc",
            Self::Nodes => "::nodes",
        }
    }
}

/// The feature with tests that need real nodes, if a contract's crate has it.
const NODES: &str = "nodes";
/// What such a feature asks for.
const TESTING_NODES: &str = "contract-testing/nodes";

/// What Cargo is told.
fn arguments(filter: &[String], mode: Option<Mode>, features: &BTreeSet<String>) -> Vec<String> {
    let mut arguments = vec!["test".to_owned()];
    if mode == Some(Mode::Nodes) {
        let own = features.contains(NODES);
        let feature = if own { NODES } else { TESTING_NODES };
        arguments.extend(["--features", feature].map(str::to_owned));
    }
    arguments.push("--".into());
    arguments.extend(filter.iter().cloned());
    if let Some(mode) = mode {
        let others = Mode::ALL.into_iter().filter(|other| *other != mode);
        arguments.extend(others.flat_map(|other| ["--skip".into(), other.suffix().into()]));
    }
    arguments
}

/// Runs them; what Cargo says is shown as it is.
pub(crate) async fn run(options: Options) -> Result<(), CliError> {
    let package = options.package.find()?;
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = tokio::process::Command::from(Command::new(cargo));
    command.args(arguments(&options.filter, options.mode, &package.features));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mode_leaves_out_the_others() {
        let none = BTreeSet::new();
        let line = |filter: &[String], mode| arguments(filter, mode, &none).join(" ");
        assert_eq!(line(&["votes".into()], None), "test -- votes");
        assert_eq!(
            line(&[], Some(Mode::Clear)),
            "test -- --skip ::mpc --skip ::nodes"
        );
        assert_eq!(
            line(&[], Some(Mode::Nodes)),
            "test --features contract-testing/nodes -- --skip ::clear --skip ::mpc"
        );
        let own = BTreeSet::from(["nodes".to_owned()]);
        assert_eq!(
            arguments(&[], Some(Mode::Nodes), &own)[..3],
            ["test", "--features", "nodes"]
        );
    }
}
