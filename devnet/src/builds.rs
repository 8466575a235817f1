//! Builds what is started: Cargo builds no binaries of other packages when it runs one, so this
//! asks it to, in the profile of the running program. Cargo itself knows what is up to date.

mod messages;

use std::{
    collections::VecDeque,
    env,
    ffi::OsString,
    io::{BufRead as _, BufReader, Read as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
    thread,
};

use self::messages::Artifact;
use crate::{DevnetError, process::describe};

/// Rust's name of the machine that contracts run on.
const WASM: &str = "wasm32-unknown-unknown";
/// Cargo's profile of contracts.
const CONTRACT_PROFILE: &str = "contract";
/// Lines of Cargo's output in an error.
const TAIL_LINES: usize = 40;

type Progress = Arc<dyn Fn(&str) + Send + Sync>;

/// Where and how things are built.
#[derive(Clone)]
pub struct Builds {
    workspace: PathBuf,
    cargo: OsString,
    release: bool,
    progress: Progress,
}

impl std::fmt::Debug for Builds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Builds")
            .field("workspace", &self.workspace)
            .field("release", &self.release)
            .finish_non_exhaustive()
    }
}

impl Builds {
    /// Builds in the workspace that this program comes from, in this program's own profile, and
    /// says nothing while it does. `CARGO_TARGET_DIR` holds as it does for Cargo.
    #[must_use]
    pub fn new() -> Self {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        Self {
            workspace: here.parent().unwrap_or(here).to_owned(),
            cargo: env::var_os("CARGO").unwrap_or_else(|| "cargo".into()),
            release: !cfg!(debug_assertions),
            progress: Arc::new(|_| {}),
        }
    }

    /// Tells `progress` each line that Cargo would show.
    #[must_use]
    pub fn with_progress(mut self, progress: impl Fn(&str) + Send + Sync + 'static) -> Self {
        self.progress = Arc::new(progress);
        self
    }

    /// Builds the programs with these names, each of the package of that name, and tells where
    /// they are, in the same order. Blocks.
    ///
    /// # Errors
    /// [`DevnetError::Build`] with the end of Cargo's output, [`DevnetError::Spawn`],
    /// [`DevnetError::NotBuilt`].
    pub fn programs<const N: usize>(&self, names: [&str; N]) -> Result<[PathBuf; N], DevnetError> {
        // One command for all, so that Cargo unites their features and builds what they share once.
        let mut arguments = Vec::new();
        for name in names {
            arguments.extend(["--package", name, "--bin", name]);
        }
        if self.release {
            arguments.push("--release");
        }
        let (command, artifacts) = self.cargo_build(&arguments)?;
        let mut paths = Vec::with_capacity(N);
        for name in names {
            let path = artifacts.iter().find_map(|a| a.program(name));
            paths.push(path.ok_or_else(|| not_built(&command, name))?.to_owned());
        }
        let missing = |_| not_built(&command, "all programs");
        paths.try_into().map_err(missing)
    }

    /// Builds a contract's package to WASM and tells where the module is. Blocks.
    ///
    /// # Errors
    /// As [`Self::programs`], and [`DevnetError::WasmTarget`].
    pub fn contract(&self, package: &str) -> Result<PathBuf, DevnetError> {
        self.require_wasm_target()?;
        let (command, artifacts) = self.cargo_build(&[
            "--package",
            package,
            "--lib",
            "--target",
            WASM,
            "--profile",
            CONTRACT_PROFILE,
        ])?;
        let library = package.replace('-', "_");
        let path = artifacts.iter().find_map(|a| a.wasm(&library));
        path.map(Path::to_owned)
            .ok_or_else(|| not_built(&command, package))
    }

    /// Runs `cargo build` with these arguments and collects what it says it made.
    fn cargo_build(&self, arguments: &[&str]) -> Result<(String, Vec<Artifact>), DevnetError> {
        let command = format!("cargo build {}", arguments.join(" "));
        let mut child = Command::new(&self.cargo)
            .arg("build")
            .args(arguments)
            .arg("--message-format=json-render-diagnostics")
            .current_dir(&self.workspace)
            .envs(
                self.target_directory()
                    .map(|path| ("CARGO_TARGET_DIR", path)),
            )
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|source| DevnetError::Spawn {
                program: PathBuf::from(&self.cargo),
                source,
            })?;
        let errors = child.stderr.take();
        let progress = Arc::clone(&self.progress);
        // Both pipes are read at the same time, else Cargo would wait for the one that is full.
        let reader = thread::spawn(move || {
            let mut tail = VecDeque::new();
            let lines = errors.into_iter().flat_map(|e| BufReader::new(e).lines());
            for line in lines.map_while(Result::ok) {
                progress(&line);
                tail.push_back(line);
                if tail.len() > TAIL_LINES {
                    tail.pop_front();
                }
            }
            Vec::from(tail).join("\n")
        });
        let mut output = String::new();
        if let Some(mut stdout) = child.stdout.take() {
            let read = stdout.read_to_string(&mut output);
            read.map_err(DevnetError::file("read the output of", &self.cargo))?;
        }
        let status = child.wait();
        let status = status.map_err(DevnetError::file("wait for", &self.cargo))?;
        let tail = reader.join().unwrap_or_default();
        if !status.success() {
            return Err(DevnetError::Build {
                command,
                status: describe(status),
                tail,
            });
        }
        Ok((command, messages::artifacts(&output)))
    }

    /// `CARGO_TARGET_DIR` as an absolute path, since Cargo reads it relative to where it runs.
    fn target_directory(&self) -> Option<PathBuf> {
        let path = PathBuf::from(env::var_os("CARGO_TARGET_DIR")?);
        Some(std::path::absolute(&path).unwrap_or(path))
    }

    /// Adds Rust's WASM target if it is missing.
    fn require_wasm_target(&self) -> Result<(), DevnetError> {
        if self.has_wasm_target() {
            return Ok(());
        }
        (self.progress)(&format!("Adding Rust's target {WASM}"));
        let added = Command::new("rustup")
            .args(["target", "add", WASM])
            .current_dir(&self.workspace)
            .stdin(Stdio::null())
            .output();
        match added {
            Ok(output) if output.status.success() && self.has_wasm_target() => Ok(()),
            Ok(output) => {
                let said = String::from_utf8_lossy(&output.stderr);
                Err(DevnetError::WasmTarget(said.trim().to_owned()))
            }
            Err(error) => Err(DevnetError::WasmTarget(format!("rustup: {error}"))),
        }
    }

    fn has_wasm_target(&self) -> bool {
        let output = Command::new(env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()))
            .args(["--print", "target-libdir", "--target", WASM])
            .current_dir(&self.workspace)
            .stdin(Stdio::null())
            .output();
        output.is_ok_and(|output| {
            let path = String::from_utf8_lossy(&output.stdout);
            output.status.success() && Path::new(path.trim()).is_dir()
        })
    }
}

impl Default for Builds {
    fn default() -> Self {
        Self::new()
    }
}

fn not_built(command: &str, what: &str) -> DevnetError {
    DevnetError::NotBuilt {
        command: command.to_owned(),
        what: what.to_owned(),
    }
}
