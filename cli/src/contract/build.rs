//! `quartet contract build`.

use std::path::PathBuf;

use devnet::Builds;

use super::package::{InPackage, Package};
use crate::error::CliError;

/// Options of `quartet contract build`.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    package: InPackage,
}

/// What a build made.
#[derive(Debug)]
pub(crate) struct Built {
    /// The module.
    pub(crate) wasm: PathBuf,
}

/// Builds and says what was made.
pub(crate) async fn run(options: Options) -> Result<(), CliError> {
    let built = build(&options.package.find()?).await?;
    println!("{}", built.wasm.display());
    Ok(())
}

/// Builds a contract; Cargo's words go to standard error.
pub(crate) async fn build(package: &Package) -> Result<Built, CliError> {
    let builds = Builds::new().in_folder(package.folder.clone());
    let builds = builds.with_progress(|line| eprintln!("{line}"));
    let wasm = builds.contract(&package.name).await?;
    Ok(Built { wasm })
}
