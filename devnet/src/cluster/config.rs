//! The files of a cluster: names, and what is in them.

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
};

use alloy::primitives::{Address, B256, Bytes};
use serde::{Deserialize, Serialize};
use wire::committee::{Committee, Node};

use crate::{
    DevnetError,
    links::{self, Ears},
};

/// Where one node's files are and where it listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NodeFiles {
    /// Folder of its two key files.
    pub(crate) keys: PathBuf,
    /// Its data folder.
    pub(crate) data: PathBuf,
    /// Its configuration file.
    pub(crate) config: PathBuf,
    /// Its log file.
    pub(crate) log: PathBuf,
    /// Its committee file, if it has one of its own.
    pub(crate) committee: PathBuf,
    /// What its faulty disk keeps, if it has one.
    pub(crate) disk: PathBuf,
    /// The file that it writes once it serves.
    pub(crate) ready: PathBuf,
    /// Port for the other nodes.
    pub(crate) listen: u16,
    /// Where the other nodes connect for computations.
    pub(crate) sessions: SocketAddr,
    /// Where it serves JSON-RPC.
    pub(crate) rpc: SocketAddr,
    /// Where it serves health and metrics.
    pub(crate) admin: SocketAddr,
}

/// The ports of one node.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NodePorts {
    /// For the other nodes.
    pub(crate) listen: u16,
    /// For the other nodes, for computations.
    pub(crate) sessions: u16,
    /// For JSON-RPC.
    pub(crate) rpc: u16,
    /// For health and metrics.
    pub(crate) admin: u16,
}

/// A node's configuration file.
#[derive(Debug, Serialize)]
pub(crate) struct NodeConfiguration<'a> {
    data_dir: &'a Path,
    committee: &'a Path,
    identity_key: PathBuf,
    seal_key: PathBuf,
    rpc_listen: SocketAddr,
    session_listen: SocketAddr,
    admin_listen: SocketAddr,
    #[serde(skip_serializing_if = "Option::is_none")]
    round_timeout_ms: Option<u64>,
}

impl NodeFiles {
    pub(crate) fn new(folder: &Path, node: usize, ports: NodePorts) -> Self {
        let folder = folder.join(format!("node-{node}"));
        let data = folder.join("data");
        let local = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        Self {
            keys: folder.join("keys"),
            ready: data.join("ready"),
            config: folder.join("node.toml"),
            log: folder.join("node.log"),
            committee: folder.join("committee.toml"),
            disk: folder.join("disk"),
            data,
            listen: ports.listen,
            sessions: local(ports.sessions),
            rpc: local(ports.rpc),
            admin: local(ports.admin),
        }
    }

    /// Where it listens for the other nodes.
    pub(crate) const fn ears(&self) -> Ears {
        Ears {
            listen: self.listen,
            sessions: self.sessions.port(),
        }
    }

    pub(crate) fn configuration<'a>(
        &'a self,
        committee: &'a Path,
        round_timeout_ms: Option<u64>,
    ) -> NodeConfiguration<'a> {
        NodeConfiguration {
            data_dir: &self.data,
            committee,
            identity_key: self.keys.join("identity.key"),
            seal_key: self.keys.join("seal.key"),
            rpc_listen: self.rpc,
            session_listen: self.sessions,
            admin_listen: self.admin,
            round_timeout_ms,
        }
    }
}

/// The committee as a node must see it so that it reaches the others over [`links`].
pub(crate) fn committee_of(node: usize, committee: &Committee) -> Committee {
    let mut seen = committee.clone();
    for (other, of) in seen.nodes.iter_mut().enumerate() {
        if other != node {
            let address = links::address(node, other).to_string();
            of.listen = of
                .listen
                .replace(&Ipv4Addr::LOCALHOST.to_string(), &address);
        }
    }
    seen
}

/// What `mpc-node keygen` prints: a node's entry in the committee file, but for where it listens.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct PublicKeys {
    pub(crate) address: Address,
    public_key: Bytes,
    seal_key: B256,
}

impl PublicKeys {
    /// The node's entry in the committee file.
    pub(crate) fn node(&self, files: &NodeFiles) -> Node {
        Node {
            address: self.address,
            public_key: self.public_key.clone(),
            seal_key: self.seal_key,
            listen: format!("/ip4/127.0.0.1/tcp/{}", files.listen),
        }
    }
}

/// Reads the output of `mpc-node keygen`.
pub(crate) fn parse_public_keys(text: &str) -> Result<PublicKeys, DevnetError> {
    toml::from_str(text).map_err(|error| DevnetError::Malformed {
        what: "the output of `mpc-node keygen`".into(),
        why: error.to_string(),
    })
}

/// A file's text in TOML.
pub(crate) fn render<T: Serialize>(value: &T) -> Result<String, DevnetError> {
    toml::to_string(value).map_err(|error| DevnetError::Malformed {
        what: "a configuration".into(),
        why: error.to_string(),
    })
}

/// Writes a file, and its folder if there is none.
pub(crate) fn write(path: &Path, text: &str) -> Result<(), DevnetError> {
    if let Some(folder) = path.parent() {
        let made = fs::create_dir_all(folder);
        made.map_err(DevnetError::file("create", folder))?;
    }
    fs::write(path, text).map_err(DevnetError::file("write", path))
}

#[cfg(test)]
mod tests {
    use wire::committee::L1;

    use super::*;

    const KEYS: &str = r#"
address = "0x1111111111111111111111111111111111111111"
public_key = "0x020000000000000000000000000000000000000000000000000000000000000001"
seal_key = "0x2222222222222222222222222222222222222222222222222222222222222222"
"#;

    const PORTS: NodePorts = NodePorts {
        listen: 10_001,
        sessions: 10_004,
        rpc: 10_002,
        admin: 10_003,
    };

    #[test]
    fn a_committee_file_is_read_back_as_it_was() {
        let keys = parse_public_keys(KEYS).unwrap();
        let files = NodeFiles::new(Path::new("/q"), 2, PORTS);
        let committee = Committee {
            chain_id: 7838,
            epoch: 1,
            genesis_ms: 1_700_000_000_000,
            dev: true,
            reserve_lots: wire::limits::RESERVE_LOTS,
            refresh_ms: wire::limits::REFRESH_MS,
            l1: L1 {
                chain_id: 31_337,
                verifier: Address::repeat_byte(3),
            },
            nodes: std::array::from_fn(|_| keys.node(&files)),
        };
        let text = render(&committee).unwrap();
        assert_eq!(toml::from_str::<Committee>(&text).unwrap(), committee);
        assert!(
            text.contains("listen = \"/ip4/127.0.0.1/tcp/10001\""),
            "{text}"
        );
        let listen = committee_of(1, &committee).nodes.map(|node| node.listen);
        let address = |ip: &str| format!("/ip4/{ip}/tcp/10001");
        let places = ["127.1.2.1", "127.0.0.1", "127.1.2.3", "127.1.2.4"];
        assert_eq!(listen, places.map(address));
    }

    #[test]
    fn a_node_configuration_names_its_own_files() {
        let files = NodeFiles::new(Path::new("/q"), 2, PORTS);
        let committee = Path::new("/q/committee.toml");
        let text = render(&files.configuration(committee, Some(500))).unwrap();
        let expected = "data_dir = \"/q/node-2/data\"\n\
            committee = \"/q/committee.toml\"\n\
            identity_key = \"/q/node-2/keys/identity.key\"\n\
            seal_key = \"/q/node-2/keys/seal.key\"\n\
            rpc_listen = \"127.0.0.1:10002\"\n\
            session_listen = \"127.0.0.1:10004\"\n\
            admin_listen = \"127.0.0.1:10003\"\n\
            round_timeout_ms = 500\n";
        assert_eq!(text, expected);
        let text = render(&files.configuration(committee, None)).unwrap();
        assert!(!text.contains("round_timeout_ms"), "{text}");
    }

    #[test]
    fn an_incomplete_key_is_refused() {
        let error = parse_public_keys("address = \"0x11\"").unwrap_err();
        assert!(matches!(error, DevnetError::Malformed { .. }), "{error}");
    }
}
