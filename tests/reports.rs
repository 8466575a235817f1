//! What the examples reveal and cost, compared with the report that each keeps beside its source,
//! and the Solidity that is made of them.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use alloy::primitives::Bytes;
use contract_report::{Report, check, compare, solidity};
use devnet::{Builds, ContractModule};

/// Writes what is compared.
const REWRITE: &str = "QUARTET_UPDATE=1 cargo test -p system-tests --test reports";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn updates() -> bool {
    env::var_os("QUARTET_UPDATE").is_some()
}

/// The folders of the examples' contracts, with the names of their packages.
fn examples() -> Vec<(PathBuf, String)> {
    let mut all = Vec::new();
    for example in fs::read_dir(root().join("examples")).unwrap() {
        let example = example.unwrap().path();
        let inner = example.join("contract");
        let folder = if inner.is_dir() { inner } else { example };
        let Ok(manifest) = fs::read_to_string(folder.join("Cargo.toml")) else {
            continue;
        };
        let names = manifest
            .lines()
            .filter_map(|line| line.strip_prefix("name = \""));
        let name = names
            .map(|rest| rest.trim_end_matches('"').to_owned())
            .next();
        all.push((folder, name.unwrap()));
    }
    all.sort();
    all
}

async fn built(package: &str) -> (ContractModule, Bytes) {
    let module = Builds::new().contract_with_docs(package).await.unwrap();
    let code = Bytes::from(module.code.clone());
    (module, code)
}

#[tokio::test]
async fn examples_reveal_and_cost_what_their_reports_say() {
    let examples = examples();
    assert!(examples.iter().any(|(_, name)| name == "voting-contract"));
    for (folder, package) in examples {
        let (module, code) = built(&package).await;
        let report = Report::of(&code, &module.docs).unwrap();
        let path = folder.join("report.json");
        let old = fs::read_to_string(&path).ok();
        let old = old.and_then(|text| serde_json::from_str::<Report>(&text).ok());
        let differences = old.map_or_else(
            || vec!["there is no report yet".to_owned()],
            |old| compare::differences(&old, &report).unwrap(),
        );
        if updates() && !differences.is_empty() {
            let json = serde_json::to_value(&report).unwrap();
            fs::write(&path, format!("{json:#}\n")).unwrap();
            continue;
        }
        assert!(
            differences.is_empty(),
            "{package}: {} says something else:\n  {}\nif that is meant, {REWRITE}",
            path.display(),
            differences.join("\n  ")
        );
    }
}

#[tokio::test]
async fn the_polls_solidity_is_what_forge_tests() {
    let (module, code) = built("voting-contract").await;
    let report = Report::of(&code, &module.docs).unwrap();
    assert!(
        report.to_string().contains("to everybody, by tally: Tally"),
        "{report}"
    );
    let description = zk_contract_runtime::describe(&code).unwrap().unwrap();
    let source = solidity::source(&description, &module.docs, "../../src/").unwrap();
    let path = root().join("l1-contracts/test/generated/VotingApp.sol");
    if updates() {
        fs::write(&path, source.as_deref().unwrap()).unwrap();
    }
    let known = fs::read_to_string(&path).ok();
    assert!(
        known == source,
        "{} is not what is made now: {REWRITE}",
        path.display()
    );
}

/// A contract with what nodes refuse, at lines that are known.
const FAULTY: &str = r#"
#[quartet::contract]
pub mod faulty {
    use quartet::prelude::*;

    #[state]
    pub struct State {
        rate: u64,
    }

    #[action]
    fn raise(s: &mut State, by: u64) {
        s.rate = grown(s.rate, by);
    }

    #[view]
    fn rate(s: &State) -> u64 {
        s.rate
    }

    #[inline(never)]
    fn grown(rate: u64, by: u64) -> u64 {
        (rate as f64 * (1.0 + by as f64 / 100.0)) as u64 // here
    }
}
"#;

/// Writes that contract's package, outside of this workspace.
fn faulty(folder: &Path, sdk: &Path) {
    fs::create_dir_all(folder.join("src")).unwrap();
    fs::write(folder.join("src/lib.rs"), FAULTY).unwrap();
    let manifest = format!(
        "[package]\nname = \"faulty\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n\
         [lib]\ncrate-type = [\"cdylib\", \"rlib\"]\n\n\
         [dependencies]\nquartet = {{ package = \"contract-sdk\", path = {sdk:?} }}\n\n[workspace]\n"
    );
    fs::write(folder.join("Cargo.toml"), manifest).unwrap();
    for file in ["Cargo.lock", "rust-toolchain.toml"] {
        fs::copy(root().join(file), folder.join(file)).unwrap();
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

#[tokio::test]
async fn code_is_the_same_wherever_it_is_built_and_what_nodes_refuse_has_its_source_line() {
    let folder = tempfile::tempdir().unwrap();
    let sdk = root().canonicalize().unwrap().join("contract-sdk");
    let here = folder.path().join("here");
    faulty(&here, &sdk);
    let builds = Builds::new().in_folder(here.clone());
    let module = builds.contract_with_docs("faulty").await.unwrap();
    let home = env::var("HOME").unwrap_or_else(|_| "/home".into());
    for name in [here.to_str().unwrap(), &home, sdk.to_str().unwrap()] {
        let found = module
            .code
            .windows(name.len())
            .any(|part| part == name.as_bytes());
        assert!(!found, "the code names {name}");
    }

    let (there, source) = (folder.path().join("far/away"), folder.path().join("source"));
    for part in ["contract-sdk", "wire"] {
        copy(&root().join(part), &source.join(part));
    }
    fs::copy(root().join("Cargo.toml"), source.join("Cargo.toml")).unwrap();
    faulty(&there, &source.join("contract-sdk"));
    let other = Builds::new().in_folder(there);
    let other = other.contract_with_docs("faulty").await.unwrap();
    assert!(other.code == module.code, "the code depends on folders");

    let with_lines = builds.contract_with_lines("faulty").await.unwrap();
    let findings = check::findings(&Bytes::from(module.code), &with_lines).unwrap();
    let [finding] = findings.as_slice() else {
        panic!("{findings:?}");
    };
    assert!(finding.what.contains("floating point"), "{finding}");
    let line = FAULTY.lines().position(|line| line.ends_with("// here"));
    let line = format!("src/lib.rs:{}:", line.unwrap() + 1);
    let sources = finding
        .places
        .iter()
        .filter_map(|place| place.source.as_ref());
    let told = sources.clone().any(|source| source.starts_with(&line));
    assert!(told, "{finding}");
    let named = finding
        .places
        .iter()
        .any(|place| place.function.contains("grown"));
    assert!(named, "{finding}");
}
