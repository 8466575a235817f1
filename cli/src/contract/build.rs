//! `quartet contract build`.

use std::{
    fs,
    path::{Path, PathBuf},
};

use alloy::primitives::Bytes;
use contract_report::{Report, compare, solidity};
use devnet::{Builds, ContractModule};

use super::package::{InPackage, Package};
use crate::error::CliError;

pub(crate) const EXAMPLES: &str = "\
Examples:
  quartet contract build                            writes target/quartet/NAME.{wasm,abi.json,sol,report.txt,report.json}
  quartet contract build --compare report.json      fails when the contract reveals or costs something else
  quartet contract build --imports @quartet/src/    where the Solidity finds QuartetApp.sol";

/// Options of `quartet contract build`.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    package: InPackage,
    /// An earlier report.json: fail if this build's says something else. Fuel and code size may be
    /// off by a twentieth.
    #[arg(long, value_name = "FILE")]
    compare: Option<PathBuf>,
    /// What comes before the names of Quartet's contracts where the Solidity imports them.
    #[arg(long, value_name = "PREFIX", default_value = solidity::IMPORTS)]
    imports: String,
}

/// Builds, writes all that can be said of the contract, and shows the report.
pub(crate) async fn run(options: Options) -> Result<(), CliError> {
    let package = options.package.find()?;
    let built = build(&package).await?;
    let code = Bytes::from(built.code);
    let description = zk_contract_runtime::describe(&code)??;
    let report = Report::of(&code, &built.docs)?;
    let json = pretty(&serde_json::to_value(&report));
    let mut files = vec![
        ("abi.json", Some(pretty(&Ok(description.abi.clone())))),
        ("report.txt", Some(report.to_string())),
        ("report.json", Some(json)),
    ];
    let source = solidity::source(&description, &built.docs, &options.imports)?;
    files.push(("sol", source));
    print!("{report}");
    println!("\n{}", built.path.display());
    for (extension, text) in files {
        let path = built.path.with_extension(extension);
        match text {
            Some(text) => {
                write(&path, &text)?;
                println!("{}", path.display());
            }
            None => remove(&path)?,
        }
    }
    match options.compare {
        Some(old) => same(&old, &report, &built.path.with_extension("report.json")),
        None => Ok(()),
    }
}

/// Builds a contract; Cargo's words go to standard error.
pub(crate) async fn build(package: &Package) -> Result<ContractModule, CliError> {
    Ok(builds(package).contract_with_docs(&package.name).await?)
}

/// Builds in a contract's crate; Cargo's words go to standard error.
pub(crate) fn builds(package: &Package) -> Builds {
    let builds = Builds::new().in_folder(package.folder.clone());
    builds.with_progress(|line| eprintln!("{line}"))
}

/// JSON for people and for version control.
fn pretty(value: &serde_json::Result<serde_json::Value>) -> String {
    value
        .as_ref()
        .map_or_else(ToString::to_string, |value| format!("{value:#}\n"))
}

/// Whether an earlier report says the same.
fn same(old: &Path, report: &Report, new: &Path) -> Result<(), CliError> {
    let malformed = |error: serde_json::Error| CliError::Report {
        file: old.to_owned(),
        why: error.to_string(),
    };
    let text = fs::read_to_string(old).map_err(|source| CliError::Read {
        path: old.to_owned(),
        source,
    })?;
    let earlier: Report = serde_json::from_str(&text).map_err(malformed)?;
    let differences = compare::differences(&earlier, report).map_err(malformed)?;
    if differences.is_empty() {
        return Ok(());
    }
    Err(CliError::ReportChanged {
        old: old.to_owned(),
        new: new.to_owned(),
        differences: differences.join("\n  "),
    })
}

fn write(path: &Path, text: &str) -> Result<(), CliError> {
    fs::write(path, text).map_err(|source| CliError::File {
        path: path.to_owned(),
        source,
    })
}

/// Removes what an earlier build wrote and this one has not.
fn remove(path: &Path) -> Result<(), CliError> {
    match fs::remove_file(path) {
        Err(source) if path.exists() => Err(CliError::File {
            path: path.to_owned(),
            source,
        }),
        _ => Ok(()),
    }
}
