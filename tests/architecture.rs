//! The rules of `ARCHITECTURE.md`, checked: who may import whom, and what a pure crate may touch.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde::Deserialize;

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
        &["client", "contract-sdk", "devnet", "mpc-engine", "wire"],
        false,
    ),
    ("zk-contract-runtime", &["mpc-engine", "wire"], true),
    (
        "contract-report",
        &["mpc-engine", "wire", "zk-contract-runtime"],
        true,
    ),
    ("ordering", &["wire", "zk-contract-runtime"], true),
    (
        "mpc-node",
        &["mpc-engine", "ordering", "wire", "zk-contract-runtime"],
        false,
    ),
    ("client", &["wire"], false),
    ("relayer", &["client", "wire"], false),
    ("devnet", &["client", "wire"], false),
    (
        "cli",
        &[
            "client",
            "contract-report",
            "devnet",
            "wire",
            "zk-contract-runtime",
        ],
        false,
    ),
    ("voting-contract", &["contract-sdk"], true),
    ("auction-contract", &["contract-sdk"], true),
    ("lottery-contract", &["contract-sdk"], true),
    ("matching-contract", &["contract-sdk"], true),
    ("salaries-contract", &["contract-sdk"], true),
    ("survey-contract", &["contract-sdk"], true),
    ("book", &[], true),
    (
        "voting",
        &["client", "devnet", "voting-contract", "wire"],
        false,
    ),
    ("byzantine-node", &["mpc-node", "wire"], false),
    ("faulty-disk", &[], false),
    ("poll", &["wire"], false),
    (
        "simulator",
        &[
            "mpc-engine",
            "ordering",
            "poll",
            "wire",
            "zk-contract-runtime",
        ],
        false,
    ),
    (
        "fuzz-bodies",
        &[
            "client",
            "mpc-engine",
            "mpc-node",
            "ordering",
            "poll",
            "relayer",
            "wire",
            "zk-contract-runtime",
        ],
        false,
    ),
    (
        "system-tests",
        &["client", "devnet", "voting", "wire"],
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
    "process::Command",
    "process::exit",
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

/// What `cargo metadata` says, as far as it matters here.
#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    workspace_members: Vec<String>,
}

#[derive(Deserialize)]
struct Package {
    id: String,
    name: String,
    manifest_path: PathBuf,
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    /// `dev`, `build`, or none for a normal one.
    kind: Option<String>,
}

fn cargo(arguments: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO"));
    let command = command
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"));
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

impl Metadata {
    fn read() -> Self {
        serde_json::from_str(&cargo(&["metadata", "--format-version", "1", "--no-deps"])).unwrap()
    }

    fn package(&self, id: &str) -> &Package {
        self.packages
            .iter()
            .find(|package| package.id == id)
            .unwrap()
    }

    fn members(&self) -> impl Iterator<Item = &Package> {
        self.workspace_members.iter().map(|id| self.package(id))
    }
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
    let metadata = Metadata::read();
    let members: BTreeSet<_> = metadata.members().map(|p| p.name.as_str()).collect();
    for package in metadata.members() {
        let (may_import, _) = rule(&package.name);
        for dependency in &package.dependencies {
            let name = dependency.name.as_str();
            let shipped = dependency.kind.as_deref() != Some("dev");
            assert!(
                !shipped || !members.contains(name) || may_import.contains(&name),
                "{} may not import {name}: data flows one way (ARCHITECTURE.md)",
                package.name
            );
        }
    }
    let described: BTreeSet<_> = CRATES.iter().map(|(name, ..)| *name).collect();
    assert_eq!(
        members, described,
        "ARCHITECTURE.md and this test name every crate, and no other"
    );
}

#[test]
fn pure_crates_reach_no_runtime_socket_clock_or_disk() {
    for (name, _, pure) in CRATES {
        if !pure {
            continue;
        }
        // Resolved for this crate alone: a feature that another crate asks for does not count. A
        // procedural macro runs in the compiler, not in the crate.
        let tree = cargo(&[
            "tree",
            "--package",
            name,
            "--edges",
            "normal,no-proc-macro",
            "--prefix",
            "none",
            "--format",
            "{p}|{f}",
        ]);
        for line in tree.lines() {
            let (package, features) = line.split_once('|').unwrap_or((line, ""));
            let package = package.split(' ').next().unwrap_or_default();
            // Malachite's core asks for tokio without a feature: no runtime, socket or clock is in it.
            let empty = package == "tokio" && matches!(features.trim(), "" | "default");
            assert!(
                empty || !IMPURE.contains(&package),
                "{name} gained I/O by {package} {features}"
            );
        }
    }
}

#[test]
fn pure_crates_name_no_clock_file_socket_or_thread() {
    let metadata = Metadata::read();
    for package in metadata.members().filter(|package| rule(&package.name).1) {
        let root = package.manifest_path.parent().unwrap().join("src");
        for file in rust_files(&root) {
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
