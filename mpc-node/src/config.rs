//! The configuration of a node, and what is checked before anything starts.
//!
//! One TOML file; paths in it are relative to its folder. What all nodes must share is in the
//! committee file, which it names.

use std::{
    fs,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    time::Duration,
};

use libp2p::{Multiaddr, PeerId, multiaddr::Protocol};
use serde::Deserialize;
use wire::{
    committee::Committee,
    limits::{LEAST_REFRESH_MS, NODES, REFRESH_MS},
    signing,
};

use crate::{NodeError, keys, keys::NodeKeys};

/// The configuration file.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Folder for the node's log, WAL and derived data; made if it does not exist.
    pub data_dir: PathBuf,
    /// The committee file, the same at all four nodes.
    pub committee: PathBuf,
    /// File with the identity key, mode 0600.
    pub identity_key: PathBuf,
    /// File with the sealing key, mode 0600.
    pub seal_key: PathBuf,
    /// Where JSON-RPC listens; port 0 takes a free one, see the `ready` file.
    pub rpc_listen: SocketAddr,
    /// Where the other nodes connect for computations; one port above the committee file's address
    /// of this node if none is given.
    pub session_listen: Option<SocketAddr>,
    /// Where `/healthz` and `/metrics` listen.
    #[serde(default = "default_admin_listen")]
    pub admin_listen: SocketAddr,
    /// Whether `admin_listen` may be an address that others reach.
    #[serde(default)]
    pub admin_public: bool,
    /// How long a computation waits for a peer in one round, in milliseconds.
    #[serde(default = "default_round_timeout_ms")]
    pub round_timeout_ms: u64,
    /// How long a cluster without work waits until it makes an empty block, in milliseconds.
    #[serde(default = "default_idle_block_ms")]
    pub idle_block_ms: u64,
    /// How log lines look.
    #[serde(default)]
    pub log_format: LogFormat,
    /// Bounds of JSON-RPC.
    #[serde(default)]
    pub rpc: RpcLimits,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object for each line.
    Json,
}

/// Bounds of JSON-RPC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RpcLimits {
    /// Bytes of a request or of a batch.
    pub max_request_bytes: u32,
    /// Bytes of an answer.
    pub max_response_bytes: u32,
    /// Open connections.
    pub max_connections: u32,
    /// Open connections from one IP address (of IPv6: from one network of 64 bits).
    pub max_connections_per_ip: u32,
    /// Requests from one IP address in a second; more are answered later. A batch counts as what is
    /// in it.
    pub max_requests_per_s: u32,
    /// How long a client may take for a request's header, its body, or to take the answer, and how
    /// long a connection may be idle, in milliseconds.
    pub client_timeout_ms: u64,
    /// Requests in a batch.
    pub max_batch: u32,
    /// Blocks that one `eth_getLogs` may cover.
    pub max_log_blocks: u64,
    /// Logs that one `eth_getLogs` may return.
    pub max_logs: usize,
    /// Calls and estimates that run at the same time, and searches for logs; more wait.
    pub max_calls: usize,
    /// Gas of one call or estimate, at most; bounds how long a reader can hold up the node.
    pub max_call_gas: u64,
}

impl Default for RpcLimits {
    fn default() -> Self {
        Self {
            max_request_bytes: 4 * 1024 * 1024,
            max_response_bytes: 32 * 1024 * 1024,
            max_connections: 512,
            max_connections_per_ip: 256,
            max_requests_per_s: 2_000,
            client_timeout_ms: 30_000,
            max_batch: 100,
            max_log_blocks: 10_000,
            max_logs: 10_000,
            max_calls: 2,
            max_call_gas: 100_000_000,
        }
    }
}

impl RpcLimits {
    /// How long a client may take for one step.
    #[must_use]
    pub const fn patience(&self) -> Duration {
        Duration::from_millis(self.client_timeout_ms)
    }
}

fn default_admin_listen() -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0)
}

const fn default_round_timeout_ms() -> u64 {
    10_000
}

const fn default_idle_block_ms() -> u64 {
    10_000
}

impl Config {
    /// Reads a configuration, and makes its paths absolute or relative to the working folder.
    ///
    /// # Errors
    /// [`NodeError::File`]; [`NodeError::Config`] with the place of the mistake.
    pub fn read(path: &Path) -> Result<Self, NodeError> {
        let text = fs::read_to_string(path).map_err(NodeError::file("read", path))?;
        let mut config = Self::parse(&text).map_err(|why| NodeError::Config {
            path: path.to_owned(),
            why,
        })?;
        let folder = path.parent().unwrap_or(Path::new(""));
        for place in [
            &mut config.data_dir,
            &mut config.committee,
            &mut config.identity_key,
            &mut config.seal_key,
        ] {
            *place = folder.join(&place);
        }
        Ok(config)
    }

    /// Understands the text of a configuration; its paths are as they stand there.
    ///
    /// # Errors
    /// What is wrong, and where.
    pub fn parse(text: &str) -> Result<Self, String> {
        let config: Self =
            toml::from_str(text).map_err(|error| error.to_string().trim_end().to_owned())?;
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> Result<(), String> {
        let positive = [
            ("round_timeout_ms", self.round_timeout_ms),
            ("idle_block_ms", self.idle_block_ms),
            ("rpc.max_request_bytes", self.rpc.max_request_bytes.into()),
            ("rpc.max_response_bytes", self.rpc.max_response_bytes.into()),
            ("rpc.max_connections", self.rpc.max_connections.into()),
            (
                "rpc.max_connections_per_ip",
                self.rpc.max_connections_per_ip.into(),
            ),
            ("rpc.max_requests_per_s", self.rpc.max_requests_per_s.into()),
            ("rpc.client_timeout_ms", self.rpc.client_timeout_ms),
            ("rpc.max_batch", self.rpc.max_batch.into()),
            ("rpc.max_log_blocks", self.rpc.max_log_blocks),
            ("rpc.max_logs", self.rpc.max_logs as u64),
            ("rpc.max_calls", self.rpc.max_calls as u64),
            ("rpc.max_call_gas", self.rpc.max_call_gas),
        ];
        if let Some((name, _)) = positive.iter().find(|(_, value)| *value == 0) {
            return Err(format!("{name} is 0, and must be at least 1"));
        }
        if !self.admin_listen.ip().is_loopback() && !self.admin_public {
            return Err(format!(
                "admin_listen is {}, which others may reach: give it a loopback address, or set \
                 `admin_public = true` if only those who may see the metrics reach it",
                self.admin_listen
            ));
        }
        Ok(())
    }

    /// How long a computation waits for a peer in one round.
    #[must_use]
    pub const fn round_timeout(&self) -> Duration {
        Duration::from_millis(self.round_timeout_ms)
    }
}

/// The committee as this node uses it.
#[derive(Clone, Debug)]
pub struct Membership {
    /// The committee.
    pub committee: Committee,
    /// Party number of this node.
    pub me: u8,
    /// libp2p peer ids, by party number.
    pub peers: [PeerId; NODES],
    /// Where the nodes listen, by party number.
    pub addresses: [Multiaddr; NODES],
}

impl Membership {
    /// Reads the committee file and finds the place of this node's keys in it.
    ///
    /// # Errors
    /// [`NodeError::File`], [`NodeError::Committee`], [`NodeError::NotInCommittee`] and
    /// [`NodeError::WrongSealKey`].
    pub fn read(config: &Config, keys: &NodeKeys) -> Result<Self, NodeError> {
        let path = &config.committee;
        let bad = |why: String| NodeError::Committee {
            path: path.clone(),
            why,
        };
        let text = fs::read_to_string(path).map_err(NodeError::file("read", path))?;
        let committee: Committee =
            toml::from_str(&text).map_err(|error| bad(error.to_string().trim_end().to_owned()))?;
        let (peers, addresses) = check_committee(&committee).map_err(bad)?;
        if committee.dev && !config.rpc_listen.ip().is_loopback() {
            return Err(bad(format!(
                "it says `dev = true`, so anybody could move the clock: set rpc_listen to a \
                 loopback address instead of {}",
                config.rpc_listen.ip()
            )));
        }
        let address = keys.address();
        let me = committee
            .index_of(address)
            .ok_or_else(|| NodeError::NotInCommittee {
                path: config.identity_key.clone(),
                address,
            })?;
        let seal = keys.seal()?;
        if seal.is_some_and(|seal| committee.nodes[usize::from(me)].seal_key != seal.public()) {
            return Err(NodeError::WrongSealKey {
                path: config.seal_key.clone(),
                node: me,
            });
        }
        Ok(Self {
            committee,
            me,
            peers,
            addresses,
        })
    }

    /// A membership without files, for tests and embedding.
    ///
    /// # Errors
    /// What is wrong with the committee, or that `keys` are not in it.
    pub fn new(committee: Committee, keys: &NodeKeys) -> Result<Self, String> {
        let (peers, addresses) = check_committee(&committee)?;
        let me = committee
            .index_of(keys.address())
            .ok_or("the key is none of the four nodes'")?;
        Ok(Self {
            committee,
            me,
            peers,
            addresses,
        })
    }

    /// IP address at which a node is reached.
    #[must_use]
    pub fn ip(&self, party: u8) -> Option<IpAddr> {
        let address = self.addresses.get(usize::from(party))?;
        address.iter().find_map(|part| match part {
            Protocol::Ip4(ip) => Some(IpAddr::V4(ip)),
            Protocol::Ip6(ip) => Some(IpAddr::V6(ip)),
            _ => None,
        })
    }

    /// Where this node takes connections for computations unless its configuration says otherwise:
    /// one port above that of the swarm. None if there is no such port.
    #[must_use]
    pub fn default_session_listen(&self) -> Option<SocketAddr> {
        let address = self.addresses.get(usize::from(self.me))?;
        let port = address.iter().find_map(|part| match part {
            Protocol::Tcp(port) => port.checked_add(1),
            _ => None,
        })?;
        Some(SocketAddr::new(self.ip(self.me)?, port))
    }

    /// Party number of a libp2p peer.
    #[must_use]
    pub fn index_of(&self, peer: &PeerId) -> Option<u8> {
        (0u8..)
            .zip(&self.peers)
            .find_map(|(i, p)| (p == peer).then_some(i))
    }

    /// Party numbers of the other nodes.
    pub fn others(&self) -> impl Iterator<Item = u8> + use<> {
        let me = self.me;
        (0u8..4).filter(move |party| *party != me)
    }
}

type Places = ([PeerId; NODES], [Multiaddr; NODES]);

fn check_committee(committee: &Committee) -> Result<Places, String> {
    let mut peers = Vec::with_capacity(NODES);
    let mut addresses = Vec::with_capacity(NODES);
    if committee.chain_id == 0 {
        return Err("chain_id is 0, which no wallet accepts".into());
    }
    let epoch_ms = committee.refresh_ms;
    if epoch_ms != 0 && epoch_ms < LEAST_REFRESH_MS {
        return Err(format!(
            "refresh_ms is {epoch_ms}, and computations in which a node lies might not end in key \
             epochs that short: set at least {LEAST_REFRESH_MS} (milliseconds), {REFRESH_MS} for a \
             day, or 0 for an epoch that never ends"
        ));
    }
    for (i, node) in committee.nodes.iter().enumerate() {
        let peer = keys::peer_id(&node.public_key)
            .ok_or_else(|| format!("nodes[{i}].public_key is no compressed secp256k1 key"))?;
        let address = k256::ecdsa::VerifyingKey::from_sec1_bytes(&node.public_key)
            .map(|key| signing::address(&key))
            .map_err(|_| format!("nodes[{i}].public_key is no compressed secp256k1 key"))?;
        if address != node.address {
            return Err(format!(
                "nodes[{i}].address is {}, and its public_key has address {address}",
                node.address
            ));
        }
        if !keys::is_sealing_key(node.seal_key) {
            return Err(format!(
                "nodes[{i}].seal_key is no X25519 key that could keep a secret"
            ));
        }
        let earlier = &committee.nodes[..i];
        if earlier
            .iter()
            .any(|n| n.address == node.address || n.seal_key == node.seal_key)
        {
            return Err(format!("nodes[{i}] has a key of an earlier node"));
        }
        addresses.push(
            check_listen(&node.listen, committee.dev)
                .map_err(|why| format!("nodes[{i}].listen is \"{}\": {why}", node.listen))?,
        );
        peers.push(peer);
    }
    let four = "there are not four nodes";
    Ok((
        peers.try_into().map_err(|_| four)?,
        addresses.try_into().map_err(|_| four)?,
    ))
}

fn check_listen(text: &str, dev: bool) -> Result<Multiaddr, String> {
    const EXAMPLE: &str = "write for example /ip4/127.0.0.1/tcp/7000";
    let address: Multiaddr = text.parse().map_err(|e| format!("{e}; {EXAMPLE}"))?;
    let mut parts = address.iter();
    let loopback = match parts.next() {
        Some(Protocol::Ip4(ip)) => ip.is_loopback(),
        Some(Protocol::Ip6(ip)) => ip.is_loopback(),
        _ => return Err(format!("it does not start with /ip4 or /ip6; {EXAMPLE}")),
    };
    if !matches!((parts.next(), parts.next()), (Some(Protocol::Tcp(_)), None)) {
        return Err(format!("it does not end with /tcp and a port; {EXAMPLE}"));
    }
    if dev && !loopback {
        return Err("a committee with `dev = true` lives on loopback addresses only".into());
    }
    Ok(address)
}

#[cfg(test)]
mod tests;
