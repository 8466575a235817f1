//! What Cargo says on its standard output with `--message-format=json…`: one message per line.

use std::path::{Path, PathBuf};

use serde::Deserialize;

/// Something that Cargo made, or found up to date.
#[derive(Debug, Deserialize)]
pub(super) struct Artifact {
    target: Target,
    filenames: Vec<PathBuf>,
    executable: Option<PathBuf>,
}

#[derive(Debug, Deserialize)]
struct Target {
    name: String,
    kind: Vec<String>,
}

#[derive(Deserialize)]
#[serde(tag = "reason", rename_all = "kebab-case")]
enum Message {
    CompilerArtifact(Artifact),
    #[serde(other)]
    Other,
}

impl Artifact {
    /// The program of this name, if this is it.
    pub(super) fn program(&self, name: &str) -> Option<&Path> {
        let is_it = self.target.name == name && self.target.kind.iter().any(|kind| kind == "bin");
        self.executable.as_deref().filter(|_| is_it)
    }

    /// The WASM module of the library of this name, if this is it.
    pub(super) fn wasm(&self, library: &str) -> Option<&Path> {
        self.file(library, "wasm")
    }

    /// The shared library of this name, if this is it.
    pub(super) fn shared_library(&self, library: &str) -> Option<&Path> {
        self.file(library, "so")
    }

    fn file(&self, library: &str, extension: &str) -> Option<&Path> {
        let is_it = self.target.name == library;
        let mut files = self.filenames.iter().filter(|_| is_it);
        let file = files.find(|file| file.extension().is_some_and(|e| e == extension));
        file.map(PathBuf::as_path)
    }
}

/// The artifacts in Cargo's output. Build scripts may print to it as well: what is no message is
/// passed over.
pub(super) fn artifacts(output: &str) -> Vec<Artifact> {
    let messages = output
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok());
    let artifacts = messages.filter_map(|message| match message {
        Message::CompilerArtifact(artifact) => Some(artifact),
        Message::Other => None,
    });
    artifacts.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTPUT: &str = r#"
{"reason":"compiler-artifact","package_id":"registry#a@1.0.0","manifest_path":"/r/Cargo.toml","target":{"kind":["lib"],"crate_types":["lib"],"name":"mpc-node","src_path":"/r/lib.rs","edition":"2024"},"profile":{"opt_level":"0"},"features":[],"filenames":["/t/debug/libmpc_node.rlib"],"executable":null,"fresh":true}
not a message
{"reason":"build-script-executed","package_id":"x","linked_libs":[],"out_dir":"/t/out"}
{"reason":"compiler-artifact","package_id":"path#mpc-node@0.1.0","target":{"kind":["bin"],"crate_types":["bin"],"name":"mpc-node"},"filenames":["/t/debug/mpc-node"],"executable":"/t/debug/mpc-node","fresh":false}
{"reason":"compiler-artifact","package_id":"path#voting-contract@0.1.0","target":{"kind":["cdylib","rlib"],"name":"voting_contract"},"filenames":["/t/wasm32-unknown-unknown/contract/libvoting_contract.rlib","/t/wasm32-unknown-unknown/contract/voting_contract.wasm"],"executable":null,"fresh":true}
{"reason":"compiler-artifact","package_id":"path#faulty-disk@0.1.0","target":{"kind":["cdylib"],"name":"faulty_disk"},"filenames":["/t/debug/libfaulty_disk.so"],"executable":null,"fresh":true}
{"reason":"build-finished","success":true}
"#;

    #[test]
    fn programs_and_modules_are_found_by_name() {
        let artifacts = artifacts(OUTPUT);
        assert_eq!(artifacts.len(), 4);
        let program = |name| artifacts.iter().find_map(|a| a.program(name));
        assert_eq!(program("mpc-node"), Some(Path::new("/t/debug/mpc-node")));
        assert_eq!(program("relayer"), None);
        let wasm = |name| artifacts.iter().find_map(|a| a.wasm(name));
        let module = "/t/wasm32-unknown-unknown/contract/voting_contract.wasm";
        assert_eq!(wasm("voting_contract"), Some(Path::new(module)));
        assert_eq!(wasm("mpc-node"), None);
        let shared = |name| artifacts.iter().find_map(|a| a.shared_library(name));
        assert_eq!(
            shared("faulty_disk"),
            Some(Path::new("/t/debug/libfaulty_disk.so"))
        );
        assert_eq!(shared("voting_contract"), None);
    }
}
