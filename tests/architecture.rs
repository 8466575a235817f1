//! The rules of `ARCHITECTURE.md`, checked: who may import whom, and what a pure crate may touch.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, PackageId};

/// Crate, crates of this workspace that it may import, whether it is pure.
///
/// Test-only dependencies are free: they ship nowhere.
const CRATES: &[(&str, &[&str], bool)] = &[
    ("wire", &[], true),
    ("mpc-engine", &["wire"], true),
    ("contract-sdk-macros", &[], true),
    ("contract-sdk", &["contract-sdk-macros", "wire"], true),
    (
        "contract-testing",
        &["contract-sdk", "mpc-engine", "wire"],
        true,
    ),
    ("zk-contract-runtime", &["mpc-engine", "wire"], true),
    ("ordering", &["wire", "zk-contract-runtime"], true),
    (
        "mpc-node",
        &["mpc-engine", "ordering", "wire", "zk-contract-runtime"],
        false,
    ),
    ("client", &["wire"], false),
    ("relayer", &["client", "wire"], false),
    ("devnet", &["client", "wire"], false),
    ("cli", &["client", "devnet", "wire"], false),
    ("voting-contract", &["contract-sdk"], true),
    (
        "voting",
        &["client", "devnet", "voting-contract", "wire"],
        false,
    ),
    ("byzantine-node", &["mpc-node"], false),
    (
        "system-tests",
        &["client", "devnet", "voting", "voting-contract", "wire"],
        false,
    ),
];

/// Packages that bring a runtime, a socket, a clock, a disk or randomness of the system.
const IMPURE: &[&str] = &[
    "async-std",
    "chrono",
    "fs2",
    "hyper",
    "libp2p",
    "memmap2",
    "mio",
    "reqwest",
    "rustix",
    "sled",
    "smol",
    "socket2",
    "tempfile",
    "tokio",
];

/// What the source of a pure crate must not name.
const IMPURE_PATHS: &[&str] = &[
    "std::fs",
    "std::net",
    "std::thread",
    "std::process",
    "std::env",
    "Instant::now",
    "SystemTime",
    "thread_rng",
    "OsRng",
    "SysRng",
    "rand::rng()",
    "println!",
    "eprintln!",
];

fn metadata() -> Metadata {
    MetadataCommand::new().exec().unwrap()
}

fn rule(name: &str) -> (&'static [&'static str], bool) {
    let (_, may_import, pure) = CRATES
        .iter()
        .find(|(crate_name, ..)| *crate_name == name)
        .unwrap_or_else(|| {
            panic!("{name} has no row in tests/architecture.rs and ARCHITECTURE.md")
        });
    (may_import, *pure)
}

#[test]
fn crates_import_only_what_lies_below_them() {
    let metadata = metadata();
    let members: BTreeSet<_> = metadata
        .workspace_packages()
        .iter()
        .map(|p| p.name.to_string())
        .collect();
    for package in metadata.workspace_packages() {
        let (may_import, _) = rule(&package.name);
        for dependency in &package.dependencies {
            let shipped = dependency.kind != DependencyKind::Development;
            if shipped && members.contains(&dependency.name) {
                assert!(
                    may_import.contains(&dependency.name.as_str()),
                    "{} may not import {}: data flows one way (ARCHITECTURE.md)",
                    package.name,
                    dependency.name
                );
            }
        }
    }
    let described: BTreeSet<_> = CRATES.iter().map(|(name, ..)| (*name).to_owned()).collect();
    assert_eq!(
        members, described,
        "ARCHITECTURE.md and this test name every crate, and no other"
    );
}

#[test]
fn pure_crates_reach_no_runtime_socket_clock_or_disk() {
    let metadata = metadata();
    let resolve = metadata.resolve.as_ref().unwrap();
    let nodes: BTreeMap<&PackageId, _> = resolve.nodes.iter().map(|n| (&n.id, n)).collect();
    for package in metadata.workspace_packages() {
        if !rule(&package.name).1 {
            continue;
        }
        let mut seen = BTreeSet::from([&package.id]);
        let mut queue = vec![(&package.id, package.name.to_string())];
        while let Some((id, path)) = queue.pop() {
            for dependency in &nodes[id].deps {
                let normal = dependency
                    .dep_kinds
                    .iter()
                    .any(|k| k.kind == DependencyKind::Normal);
                // A procedural macro runs in the compiler, not in the crate.
                if !normal || is_macro(&metadata[&dependency.pkg]) || !seen.insert(&dependency.pkg)
                {
                    continue;
                }
                let name = &metadata[&dependency.pkg].name;
                let path = format!("{path} → {name}");
                assert!(
                    !IMPURE.contains(&name.as_str()),
                    "a pure crate gained I/O: {path}"
                );
                queue.push((&dependency.pkg, path));
            }
        }
    }
}

fn is_macro(package: &cargo_metadata::Package) -> bool {
    package
        .targets
        .iter()
        .any(cargo_metadata::Target::is_proc_macro)
}

#[test]
fn pure_crates_name_no_clock_file_socket_or_thread() {
    for package in metadata().workspace_packages() {
        if !rule(&package.name).1 {
            continue;
        }
        let root = package.manifest_path.parent().unwrap().join("src");
        for file in rust_files(root.as_std_path()) {
            let source = fs::read_to_string(&file).unwrap();
            let shipped = source.split("#[cfg(test)]").next().unwrap_or_default();
            let in_tests =
                file.components().any(|c| c.as_os_str() == "tests") || file.ends_with("tests.rs");
            for path in IMPURE_PATHS {
                let named = shipped
                    .lines()
                    .any(|line| line.contains(path) && !line.trim_start().starts_with("//"));
                assert!(in_tests || !named, "{} names {path}", file.display());
            }
        }
    }
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|e| e == "rs") {
            files.push(path);
        }
    }
    files
}
