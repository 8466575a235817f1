//! `quartet contract check`.

use alloy::primitives::Bytes;
use contract_report::check;

use super::{
    build,
    package::{InPackage, Package},
};
use crate::error::CliError;

/// Options of `quartet contract check`.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    package: InPackage,
}

/// Builds the contract, and says what nodes would refuse about it and where that comes from.
pub(crate) async fn run(options: Options) -> Result<(), CliError> {
    let package = options.package.find()?;
    let code = Bytes::from(build::build(&package).await?.code);
    let with_lines = with_lines(&package).await?;
    let findings = check::findings(&code, &with_lines)?;
    if findings.is_empty() {
        println!("{}: nodes would take this contract", package.name);
        return Ok(());
    }
    for finding in &findings {
        println!("{finding}\n");
    }
    Err(CliError::Findings(findings.len()))
}

async fn with_lines(package: &Package) -> Result<Vec<u8>, CliError> {
    let builds = build::builds(package);
    Ok(builds.contract_with_lines(&package.name).await?)
}
