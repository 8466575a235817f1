//! Where a contract's source is, and how to keep that out of its code.

use std::{
    env,
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
    process::Stdio,
};

use serde::Deserialize;
use tokio::process::Command;

use crate::{DevnetError, process::describe};

/// What stands between two flags.
const BETWEEN: &str = "\x1f";

/// The folders that a build reads and writes.
pub(super) struct Place {
    /// Where Cargo puts what it makes.
    pub(super) target_directory: PathBuf,
    /// The workspace of the contract.
    root: PathBuf,
    /// Packages that it uses from other folders, with their names there.
    packages: Vec<(PathBuf, String)>,
    /// The source of Rust's own library, if it is installed, with its name there.
    library: (PathBuf, String),
}

/// What `cargo metadata` says, as far as it matters here.
#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    workspace_root: PathBuf,
    target_directory: PathBuf,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    /// None for a folder.
    source: Option<String>,
    manifest_path: PathBuf,
}

impl Place {
    /// Asks Cargo and the compiler that build in this folder for this kind of machine.
    ///
    /// # Errors
    /// [`DevnetError::Spawn`], [`DevnetError::Command`], [`DevnetError::Malformed`].
    pub(super) async fn find(
        cargo: &OsStr,
        folder: &Path,
        target: &str,
    ) -> Result<Self, DevnetError> {
        let platform = ["--filter-platform", target];
        let arguments = [&["metadata", "--format-version", "1"][..], &platform].concat();
        let output = said(cargo, &arguments, folder).await?;
        let metadata: Metadata =
            serde_json::from_str(&output).map_err(|error| DevnetError::Malformed {
                what: "the output of cargo metadata".into(),
                why: error.to_string(),
            })?;
        let elsewhere = metadata.packages.into_iter().filter_map(|package| {
            let folder = package.manifest_path.parent()?.to_owned();
            let is_there = package.source.is_some() || folder.starts_with(&metadata.workspace_root);
            (!is_there).then(|| (folder, format!("/{}", package.name)))
        });
        let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
        let sysroot = said(&rustc, &["--print", "sysroot"], folder).await?;
        let version = said(&rustc, &["-vV"], folder).await?;
        let mut lines = version.lines();
        let commit = lines.find_map(|line| line.strip_prefix("commit-hash: "));
        Ok(Self {
            target_directory: metadata.target_directory,
            packages: elsewhere.collect(),
            root: metadata.workspace_root,
            library: (
                Path::new(sysroot.trim()).join("lib/rustlib/src/rust"),
                format!("/rustc/{}", commit.unwrap_or("unknown")),
            ),
        })
    }

    /// Flags under which a contract has the same code, so the same hash, wherever it is built: its
    /// panics name files, and those must not begin with a folder of this machine.
    pub(super) fn flags(&self) -> OsString {
        let home = |name: &str| env::var_os(name).map(PathBuf::from);
        let cargo = home("CARGO_HOME").or_else(|| Some(home("HOME")?.join(".cargo")));
        let cargo = cargo.map(|cargo| (cargo, "/cargo".to_owned()));
        let root = (self.root.clone(), "/contract".to_owned());
        // The last that fits counts.
        let all = [Some(root), cargo, Some(self.library.clone())];
        let all = all.into_iter().flatten().chain(self.packages.clone());
        // So that nothing is taken for up to date that another program than ours has built.
        let mut flags = OsString::from("--cfg=quartet_contract");
        for (from, to) in all {
            flags.push(BETWEEN);
            flags.push("--remap-path-prefix=");
            flags.push(from);
            flags.push("=");
            flags.push(to);
        }
        flags
    }
}

/// What a program says on its standard output.
async fn said(program: &OsStr, arguments: &[&str], folder: &Path) -> Result<String, DevnetError> {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .map_err(|source| DevnetError::Spawn {
            program: PathBuf::from(program),
            source,
        })?;
    if !output.status.success() {
        let program = program.to_string_lossy();
        return Err(DevnetError::Command {
            command: format!("{program} {}", arguments.join(" ")),
            status: describe(output.status),
            stderr: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        });
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
