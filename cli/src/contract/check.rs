//! `quartet contract check`.

use super::{build, package::InPackage};
use crate::error::CliError;

/// Options of `quartet contract check`.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    package: InPackage,
}

/// Builds the contract.
pub(crate) async fn run(options: Options) -> Result<(), CliError> {
    build::build(&options.package.find()?).await.map(|_| ())
}
