//! Builds what is started: Cargo builds no binaries of other packages when it runs one, so this
//! asks it to, in the profile of the running program. Cargo itself knows what is up to date.

mod messages;
mod place;

use std::{
    collections::VecDeque,
    env,
    ffi::OsString,
    fs,
    io::Write as _,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Stdio,
    sync::Arc,
};

use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader},
    process::{Child, ChildStderr, Command},
};

use nix::{
    sys::signal::{Signal, killpg},
    unistd::Pid,
};

use wire::docs::{self, Doc};

use self::{messages::Artifact, place::Place};
use crate::{DevnetError, process::describe};

/// Rust's name of the machine that contracts run on.
const WASM: &str = "wasm32-unknown-unknown";
/// Environment variable with the compiler's flags, which takes the place of all others. As a target
/// is named, programs that run while building do not get them.
const FLAGS: &str = "CARGO_ENCODED_RUSTFLAGS";
/// Environment variable with the program that runs the compiler.
const WRAP: &str = "RUSTC_WRAPPER";
/// File of that program.
const WRAPPER: &str = "rustc.sh";
/// That program. Cargo has the compiler mix the folder of a package into the names of its functions,
/// after which they are sorted in the module; this has it mix name and version of the package in.
const WRAPPER_TEXT: &str = include_str!("builds/rustc.sh");
/// Folder of contracts in Cargo's target folder.
const FOLDER: &str = "quartet";
/// Cargo's profile of contracts.
const CONTRACT_PROFILE: &str = "contract";
/// What that profile is: small code, since size costs at deployment and at load.
const CONTRACT_SETTINGS: [&str; 6] = [
    "profile.contract.inherits='release'",
    "profile.contract.opt-level='s'",
    "profile.contract.lto=true",
    "profile.contract.codegen-units=1",
    "profile.contract.panic='abort'",
    "profile.contract.strip=true",
];
/// What is different when source lines are wanted.
const WITH_LINES: [&str; 2] = [
    "profile.contract.strip=false",
    "profile.contract.debug='line-tables-only'",
];
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

/// A contract as it is deployed.
#[derive(Clone, Debug)]
pub struct ContractModule {
    /// Where it is.
    pub path: PathBuf,
    /// What is there.
    pub code: Vec<u8>,
    /// What its author says in comments.
    pub docs: Vec<Doc>,
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

    /// Builds in the package or workspace in this folder instead. Its profile for contracts is ours,
    /// whatever its manifest says.
    #[must_use]
    pub fn in_folder(mut self, folder: PathBuf) -> Self {
        self.workspace = folder;
        self
    }

    /// Tells `progress` each line that Cargo would show.
    #[must_use]
    pub fn with_progress(mut self, progress: impl Fn(&str) + Send + Sync + 'static) -> Self {
        self.progress = Arc::new(progress);
        self
    }

    /// Builds the programs of this workspace with these names, and tells where they are, in the
    /// same order. Dropping the future ends Cargo and all that it started.
    ///
    /// # Errors
    /// [`DevnetError::Build`] with the end of Cargo's output, [`DevnetError::Spawn`],
    /// [`DevnetError::NotBuilt`].
    pub async fn programs<const N: usize>(
        &self,
        names: [&str; N],
    ) -> Result<[PathBuf; N], DevnetError> {
        // With the features of the whole workspace, whatever is asked for: then every call, and
        // `cargo test --workspace` too, shares what was built before.
        let mut arguments = vec!["--workspace"];
        for name in names {
            arguments.extend(["--bin", name]);
        }
        if self.release {
            arguments.push("--release");
        }
        let (command, artifacts) = self.cargo_build(&arguments, &[]).await?;
        let mut paths = Vec::with_capacity(N);
        for name in names {
            let path = artifacts.iter().find_map(|a| a.program(name));
            paths.push(path.ok_or_else(|| not_built(&command, name))?.to_owned());
        }
        let missing = |_| not_built(&command, "all programs");
        paths.try_into().map_err(missing)
    }

    /// Builds the shared library of a package of this workspace and tells where it is. Dropping the
    /// future ends Cargo and all that it started.
    ///
    /// # Errors
    /// As [`Self::programs`].
    pub async fn shared_library(&self, package: &str) -> Result<PathBuf, DevnetError> {
        let arguments = ["--package", package, "--lib"];
        let (command, artifacts) = self.cargo_build(&arguments, &[]).await?;
        let name = package.replace('-', "_");
        let path = artifacts.iter().find_map(|a| a.shared_library(&name));
        path.map(Path::to_owned)
            .ok_or_else(|| not_built(&command, package))
    }

    /// Builds a contract's package to WASM and tells where the module is: without its custom
    /// sections, `quartet/PACKAGE.wasm` in Cargo's target folder. Dropping the future ends Cargo and
    /// all that it started.
    ///
    /// # Errors
    /// As [`Self::programs`], and [`DevnetError::WasmTarget`].
    pub async fn contract(&self, package: &str) -> Result<PathBuf, DevnetError> {
        Ok(self.contract_with_docs(package).await?.path)
    }

    /// As [`Self::contract`], with what the author says in comments.
    ///
    /// # Errors
    /// As [`Self::contract`].
    pub async fn contract_with_docs(&self, package: &str) -> Result<ContractModule, DevnetError> {
        let place = self.place().await?;
        let made = self.module(&place, package, &[]).await?;
        let read = fs::read(&made).map_err(DevnetError::file("read", &made))?;
        let Some((code, docs)) = docs::take(&read) else {
            return Err(DevnetError::Malformed {
                what: made.display().to_string(),
                why: "it is no module of WebAssembly".into(),
            });
        };
        let folder = place.target_directory.join(FOLDER);
        let path = folder.join(package).with_extension("wasm");
        write_whole(&folder, &path, &code, 0o644)?;
        Ok(ContractModule { path, code, docs })
    }

    /// Builds a contract's package to WASM with names of functions and source lines, by which to
    /// look at its code, and gives the module.
    ///
    /// # Errors
    /// As [`Self::contract`].
    pub async fn contract_with_lines(&self, package: &str) -> Result<Vec<u8>, DevnetError> {
        let place = self.place().await?;
        let made = self.module(&place, package, &WITH_LINES).await?;
        fs::read(&made).map_err(DevnetError::file("read", &made))
    }

    async fn place(&self) -> Result<Place, DevnetError> {
        let mut place = Place::find(&self.cargo, &self.workspace, WASM).await?;
        if let Some(given) = self.target_directory() {
            place.target_directory = given;
        }
        Ok(place)
    }

    /// Builds a contract's module, in the profile of contracts with these changes to it.
    async fn module(
        &self,
        place: &Place,
        package: &str,
        settings: &[&str],
    ) -> Result<PathBuf, DevnetError> {
        self.require_wasm_target().await?;
        let mut arguments = vec!["--package", package, "--lib", "--target", WASM];
        arguments.extend(["--profile", CONTRACT_PROFILE]);
        for setting in CONTRACT_SETTINGS.iter().chain(settings) {
            arguments.extend(["--config", setting]);
        }
        let folder = place.target_directory.join(FOLDER);
        fs::create_dir_all(&folder).map_err(DevnetError::file("make", &folder))?;
        let wrapper = folder.join(WRAPPER);
        let known = fs::read_to_string(&wrapper);
        if !known.is_ok_and(|text| text == WRAPPER_TEXT) {
            write_whole(&folder, &wrapper, WRAPPER_TEXT.as_bytes(), 0o755)?;
        }
        let variables = [(FLAGS, place.flags()), (WRAP, wrapper.into())];
        let (command, artifacts) = self.cargo_build(&arguments, &variables).await?;
        let library = package.replace('-', "_");
        let path = artifacts.iter().find_map(|a| a.wasm(&library));
        path.map(Path::to_owned)
            .ok_or_else(|| not_built(&command, package))
    }

    /// Runs `cargo build` with these arguments and collects what it says it made.
    async fn cargo_build(
        &self,
        arguments: &[&str],
        variables: &[(&str, OsString)],
    ) -> Result<(String, Vec<Artifact>), DevnetError> {
        let command = format!("cargo build {}", arguments.join(" "));
        let child = Command::new(&self.cargo)
            .arg("build")
            .args(arguments)
            .arg("--message-format=json-render-diagnostics")
            .current_dir(&self.workspace)
            .envs(
                self.target_directory()
                    .map(|path| ("CARGO_TARGET_DIR", path)),
            )
            .envs(variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn();
        let child = child.map_err(|source| DevnetError::Spawn {
            program: PathBuf::from(&self.cargo),
            source,
        })?;
        let mut cargo = CargoGroup(child);
        let (stdout, stderr) = (cargo.0.stdout.take(), cargo.0.stderr.take());
        let messages = async {
            let mut output = String::new();
            match stdout {
                Some(mut stdout) => stdout.read_to_string(&mut output).await.map(|_| output),
                None => Ok(output),
            }
        };
        // Both pipes are read at the same time, else Cargo would wait for the one that is full.
        let (output, tail) = tokio::join!(messages, self.show(stderr));
        let output = output.map_err(DevnetError::file("read the output of", &self.cargo))?;
        let status = cargo.0.wait().await;
        let status = status.map_err(DevnetError::file("wait for", &self.cargo))?;
        if !status.success() {
            return Err(DevnetError::Build {
                command,
                status: describe(status),
                tail,
            });
        }
        Ok((command, messages::artifacts(&output)))
    }

    /// Passes on what Cargo says, and keeps the end of it.
    async fn show(&self, stderr: Option<ChildStderr>) -> String {
        let mut tail = VecDeque::new();
        let Some(stderr) = stderr else {
            return String::new();
        };
        let mut lines = BufReader::new(stderr).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            (self.progress)(&line);
            tail.push_back(line);
            if tail.len() > TAIL_LINES {
                tail.pop_front();
            }
        }
        Vec::from(tail).join("\n")
    }

    /// `CARGO_TARGET_DIR` as an absolute path, since Cargo reads it relative to where it runs.
    fn target_directory(&self) -> Option<PathBuf> {
        let path = PathBuf::from(env::var_os("CARGO_TARGET_DIR")?);
        Some(std::path::absolute(&path).unwrap_or(path))
    }

    /// Adds Rust's WASM target if it is missing.
    async fn require_wasm_target(&self) -> Result<(), DevnetError> {
        if self.has_wasm_target().await {
            return Ok(());
        }
        (self.progress)(&format!("Adding Rust's target {WASM}"));
        let added = Command::new("rustup")
            .args(["target", "add", WASM])
            .current_dir(&self.workspace)
            .stdin(Stdio::null())
            .output()
            .await;
        match added {
            Ok(output) if output.status.success() && self.has_wasm_target().await => Ok(()),
            Ok(output) => {
                let said = String::from_utf8_lossy(&output.stderr);
                Err(DevnetError::WasmTarget(said.trim().to_owned()))
            }
            Err(error) => Err(DevnetError::WasmTarget(format!("rustup: {error}"))),
        }
    }

    async fn has_wasm_target(&self) -> bool {
        let output = Command::new(env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()))
            .args(["--print", "target-libdir", "--target", WASM])
            .current_dir(&self.workspace)
            .stdin(Stdio::null())
            .output()
            .await;
        output.is_ok_and(|output| {
            let path = String::from_utf8_lossy(&output.stdout);
            output.status.success() && Path::new(path.trim()).is_dir()
        })
    }
}

/// Cargo and what it started, as a process group of its own; killed on drop.
struct CargoGroup(Child);

impl Drop for CargoGroup {
    fn drop(&mut self) {
        // Without an id it has been reaped.
        let id = self.0.id().and_then(|id| i32::try_from(id).ok());
        if let Some(id) = id {
            // It fails only if all have ended. Cargo begins anew what was cut short.
            let _ = killpg(Pid::from_raw(id), Signal::SIGTERM);
        }
    }
}

impl Default for Builds {
    fn default() -> Self {
        Self::new()
    }
}

/// Writes a file that others may read at any time.
fn write_whole(folder: &Path, path: &Path, bytes: &[u8], mode: u32) -> Result<(), DevnetError> {
    let failed = |error| DevnetError::file("write", path)(error);
    let mut file = tempfile::Builder::new()
        .permissions(fs::Permissions::from_mode(mode))
        .tempfile_in(folder)
        .map_err(failed)?;
    file.write_all(bytes).map_err(failed)?;
    file.persist(path).map_err(|error| failed(error.error))?;
    Ok(())
}

fn not_built(command: &str, what: &str) -> DevnetError {
    DevnetError::NotBuilt {
        command: command.to_owned(),
        what: what.to_owned(),
    }
}
