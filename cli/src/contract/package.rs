//! The crate that a command works in.

use std::{
    collections::{BTreeMap, BTreeSet},
    env,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde::Deserialize;

use crate::error::CliError;

/// Which crate a command works in.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct InPackage {
    /// Folder of the contract's crate.
    #[arg(long, value_name = "DIR", default_value = ".")]
    path: PathBuf,
}

/// A contract's crate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Package {
    /// Its name.
    pub(crate) name: String,
    /// The folder with its manifest, absolute.
    pub(crate) folder: PathBuf,
    /// Where Cargo puts what it builds, absolute.
    pub(crate) target: PathBuf,
    /// Names of its features.
    pub(crate) features: BTreeSet<String>,
}

impl InPackage {
    /// Asks Cargo about it.
    ///
    /// # Errors
    /// [`CliError::NoPackage`].
    pub(crate) fn find(&self) -> Result<Package, CliError> {
        Package::find(&self.path)
    }
}

/// What `cargo metadata` says, as far as it matters here.
#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Member>,
    target_directory: PathBuf,
}

#[derive(Deserialize)]
struct Member {
    name: String,
    manifest_path: PathBuf,
    targets: Vec<Target>,
    features: BTreeMap<String, Vec<String>>,
}

#[derive(Deserialize)]
struct Target {
    crate_types: Vec<String>,
}

impl Package {
    fn find(folder: &Path) -> Result<Self, CliError> {
        let no = |why: String| CliError::NoPackage {
            folder: folder.to_owned(),
            why,
        };
        let place = folder.canonicalize().map_err(|e| no(e.to_string()))?;
        let manifest = place.ancestors().map(|dir| dir.join("Cargo.toml"));
        let manifest = manifest.into_iter().find(|file| file.is_file());
        let manifest = manifest.ok_or_else(|| no("it has no Cargo.toml".into()))?;
        let output = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
            .args(["metadata", "--format-version", "1", "--no-deps"])
            .arg("--manifest-path")
            .arg(&manifest)
            .stdin(Stdio::null())
            .output()
            .map_err(|error| no(format!("cannot start cargo: {error}")))?;
        if !output.status.success() {
            return Err(no(String::from_utf8_lossy(&output.stderr)
                .trim()
                .to_owned()));
        }
        let metadata: Metadata = serde_json::from_slice(&output.stdout)
            .map_err(|error| no(format!("cargo metadata: {error}")))?;
        let members = metadata.packages.into_iter();
        let member = members
            .filter(|member| member.manifest_path == manifest)
            .find(|member| {
                let mut types = member.targets.iter().flat_map(|t| &t.crate_types);
                types.any(|kind| kind == "cdylib")
            });
        let member = member.ok_or_else(|| {
            no(r#"its crate is no contract: that has `crate-type = ["cdylib", "rlib"]` under [lib]"#.into())
        })?;
        Ok(Self {
            name: member.name,
            folder: manifest.parent().unwrap_or(&place).to_owned(),
            target: metadata.target_directory,
            features: member.features.into_keys().collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_contract_is_found_from_within_and_other_crates_are_refused() {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let examples = here.join("../examples/voting/contract");
        let package = Package::find(&examples.join("src")).unwrap();
        assert_eq!(package.name, "voting-contract");
        assert_eq!(package.folder, examples.canonicalize().unwrap());
        assert!(package.target.is_absolute());
        assert!(package.features.contains("nodes"));
        for (folder, why) in [(here, "is no contract"), (Path::new("/"), "no Cargo.toml")] {
            let error = Package::find(folder).unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
            assert!(error.contains("quartet contract new"), "{error}");
        }
    }
}
