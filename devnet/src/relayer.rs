//! The relayer, as a process of its own.

use std::{
    fs::{self, OpenOptions},
    io::Write as _,
    net::{Ipv4Addr, SocketAddr},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use alloy::{primitives::Address, signers::local::PrivateKeySigner};
use serde::{Deserialize, Serialize};

use crate::{DevnetError, cluster::config, ports::Ports, process::Process};

/// What a relayer is told.
#[derive(Clone, Debug)]
pub struct RelayerOptions {
    /// The program `relayer`.
    pub program: PathBuf,
    /// Folder for its files; made if there is none.
    pub directory: PathBuf,
    /// URLs of the L1.
    pub l1_urls: Vec<String>,
    /// Key that pays on L1.
    pub l1_key: PrivateKeySigner,
    /// Blocks after which L1 is believed; none means `finalized`.
    pub confirmations: Option<u64>,
    /// URLs of the nodes.
    pub l2_urls: Vec<String>,
    /// Key that sends on L2.
    pub l2_key: PrivateKeySigner,
    /// The committee file, to believe no other committee.
    pub committee: PathBuf,
    /// What it carries.
    pub routes: Vec<Route>,
    /// How often it looks, in milliseconds.
    pub poll_ms: u64,
}

/// An app on L1 and its contract on L2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Route {
    /// The app on L1.
    pub l1_app: Address,
    /// The contract on L2.
    pub l2_contract: Address,
    /// Whether the app has a list of voters to carry to L2.
    #[serde(default)]
    pub electorate: bool,
    /// L1 block with the app's deployment.
    #[serde(default)]
    pub from_block: u64,
}

/// Reads a file with nothing but `[[routes]]`.
///
/// # Errors
/// [`DevnetError::Malformed`].
pub fn parse_routes(text: &str) -> Result<Vec<Route>, DevnetError> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Routes {
        #[serde(default)]
        routes: Vec<Route>,
    }
    let routes: Result<Routes, _> = toml::from_str(text);
    let routes = routes.map_err(|error| DevnetError::Malformed {
        what: "a file of routes".into(),
        why: error.to_string(),
    })?;
    Ok(routes.routes)
}

#[derive(Serialize)]
struct Configuration<'a> {
    state_file: PathBuf,
    admin_listen: SocketAddr,
    poll_ms: u64,
    l1: L1<'a>,
    l2: L2<'a>,
    routes: &'a [Route],
}

#[derive(Serialize)]
struct L1<'a> {
    urls: &'a [String],
    key: PathBuf,
    confirmations: Confirmations,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Confirmations {
    Blocks(u64),
    Named(&'static str),
}

#[derive(Serialize)]
struct L2<'a> {
    urls: &'a [String],
    key: PathBuf,
    committee: &'a Path,
}

/// A running relayer, stopped and reaped on drop.
#[derive(Debug)]
pub struct RelayerProcess {
    options: RelayerOptions,
    process: Option<Process>,
    admin: SocketAddr,
    _port: Ports<1>,
}

impl RelayerProcess {
    /// Writes its files and starts it.
    ///
    /// # Errors
    /// [`DevnetError`] if a file cannot be written or it cannot be started.
    pub fn start(options: RelayerOptions) -> Result<Self, DevnetError> {
        let port = Ports::free()?;
        let [number] = port.numbers();
        let mut relayer = Self {
            options,
            process: None,
            admin: SocketAddr::from((Ipv4Addr::LOCALHOST, number)),
            _port: port,
        };
        relayer.write_files()?;
        relayer.restart()?;
        Ok(relayer)
    }

    /// Its log file.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.options.directory.join("relayer.log")
    }

    /// URL under which it serves `/healthz` and `/metrics`.
    #[must_use]
    pub fn admin_url(&self) -> String {
        format!("http://{}", self.admin)
    }

    /// Fails with the end of its log if it has ended by itself.
    ///
    /// # Errors
    /// [`DevnetError::Process`].
    pub fn check(&self) -> Result<(), DevnetError> {
        self.process.iter().try_for_each(Process::check)
    }

    /// Kills it as a power failure would (SIGKILL).
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill();
        }
    }

    /// Stops it in good order.
    pub fn stop(&mut self) {
        self.process = None;
    }

    /// Starts it with the files that it has; one that runs is stopped first.
    ///
    /// # Errors
    /// [`DevnetError::Spawn`], [`DevnetError::File`].
    pub fn restart(&mut self) -> Result<(), DevnetError> {
        self.stop();
        let mut line = self.command_line();
        line.push("--stop-with-stdin".into());
        let program = &self.options.program;
        let process = Process::start("the relayer", program, line, &self.log())?;
        self.process = Some(process);
        Ok(())
    }

    /// Runs `relayer run --once` with the same files; the one that runs is stopped first. Blocks.
    ///
    /// # Errors
    /// [`DevnetError::Spawn`].
    pub fn once(&mut self) -> Result<Output, DevnetError> {
        self.stop();
        let program = &self.options.program;
        let mut command = Command::new(program);
        command.args(self.command_line()).arg("--once");
        let output = command.stdin(Stdio::null()).output();
        output.map_err(|source| DevnetError::Spawn {
            program: program.clone(),
            source,
        })
    }

    fn command_line(&self) -> Vec<std::ffi::OsString> {
        let config = self.options.directory.join("relayer.toml");
        vec!["run".into(), "--config".into(), config.into()]
    }

    fn write_files(&self) -> Result<(), DevnetError> {
        let directory = &self.options.directory;
        let made = fs::create_dir_all(directory);
        made.map_err(DevnetError::file("create", directory))?;
        write_key(&directory.join("l1.key"), &self.options.l1_key)?;
        write_key(&directory.join("l2.key"), &self.options.l2_key)?;
        let text = config::render(&self.configuration())?;
        config::write(&directory.join("relayer.toml"), &text)
    }

    fn configuration(&self) -> Configuration<'_> {
        let options = &self.options;
        let file = |name| options.directory.join(name);
        Configuration {
            state_file: file("relayer-state.json"),
            admin_listen: self.admin,
            poll_ms: options.poll_ms,
            l1: L1 {
                urls: &options.l1_urls,
                key: file("l1.key"),
                confirmations: match options.confirmations {
                    Some(blocks) => Confirmations::Blocks(blocks),
                    None => Confirmations::Named("finalized"),
                },
            },
            l2: L2 {
                urls: &options.l2_urls,
                key: file("l2.key"),
                committee: &options.committee,
            },
            routes: &options.routes,
        }
    }
}

/// Writes a secret key as `0x` hex, readable by its owner alone.
fn write_key(path: &Path, key: &PrivateKeySigner) -> Result<(), DevnetError> {
    let mut options = OpenOptions::new();
    let file = options
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path);
    let mut file = file.map_err(DevnetError::file("create", path))?;
    let text = format!("0x{}\n", hex::encode(key.to_bytes()));
    let written = file.write_all(text.as_bytes());
    written.map_err(DevnetError::file("write", path))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn options(directory: &Path, confirmations: Option<u64>) -> RelayerOptions {
        RelayerOptions {
            program: "/bin/true".into(),
            directory: directory.to_owned(),
            l1_urls: vec!["http://127.0.0.1:1".into()],
            l1_key: PrivateKeySigner::random(),
            confirmations,
            l2_urls: vec!["http://127.0.0.1:2".into(), "http://127.0.0.1:3".into()],
            l2_key: PrivateKeySigner::random(),
            committee: "/q/committee.toml".into(),
            routes: vec![Route {
                l1_app: Address::repeat_byte(1),
                l2_contract: Address::repeat_byte(2),
                electorate: true,
                from_block: 3,
            }],
            poll_ms: 250,
        }
    }

    #[test]
    fn keys_are_private_and_routes_complete() {
        let directory = tempfile::tempdir().unwrap();
        let options = options(directory.path(), None);
        let secret = hex::encode(options.l1_key.to_bytes());
        let relayer = RelayerProcess::start(options).unwrap();
        let key = directory.path().join("l1.key");
        assert_eq!(
            fs::metadata(&key).unwrap().permissions().mode() & 0o777,
            0o600
        );
        assert_eq!(fs::read_to_string(&key).unwrap(), format!("0x{secret}\n"));
        let text = config::render(&relayer.configuration()).unwrap();
        let value: toml::Value = toml::from_str(&text).unwrap();
        assert_eq!(value["l1"]["confirmations"].as_str(), Some("finalized"));
        assert_eq!(value["l2"]["urls"].as_array().map(Vec::len), Some(2));
        let app = value["routes"][0]["l1_app"].as_str();
        assert_eq!(app, Some("0x0101010101010101010101010101010101010101"));
        assert_eq!(value["routes"][0]["electorate"].as_bool(), Some(true));
        assert!(!text.contains(&secret), "no key in the configuration");
    }

    #[test]
    fn routes_are_read_and_mistakes_named() {
        assert_eq!(parse_routes("# nothing yet\n").unwrap(), vec![]);
        let address = Address::repeat_byte(7);
        let text = format!("[[routes]]\nl1_app = \"{address}\"\nl2_contract = \"{address}\"\n");
        let routes = parse_routes(&text).unwrap();
        assert_eq!(routes[0].l1_app, address);
        assert!(!routes[0].electorate);
        let error = parse_routes(&text.replace("l1_app", "l1_map")).unwrap_err();
        assert!(error.to_string().contains("l1_map"), "{error}");
    }

    #[test]
    fn confirmations_can_be_a_number() {
        let directory = tempfile::tempdir().unwrap();
        let relayer = RelayerProcess::start(options(directory.path(), Some(3))).unwrap();
        let text = config::render(&relayer.configuration()).unwrap();
        assert!(text.contains("confirmations = 3\n"), "{text}");
    }
}
