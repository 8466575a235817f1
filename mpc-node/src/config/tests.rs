use std::{error::Error, fs, path::PathBuf};

use tempfile::TempDir;

use alloy_primitives::B256;

use super::*;
use crate::keys::{IDENTITY_FILE, SEAL_FILE};

const VALID: &str = r#"
data_dir = "data"
committee = "committee.toml"
identity_key = "identity.key"
seal_key = "seal.key"
rpc_listen = "127.0.0.1:0"
"#;

struct Cluster {
    folder: TempDir,
    committee: Committee,
}

impl Cluster {
    /// Four sets of keys; those of node 0 lie in the folder beside `config.toml`.
    fn new() -> Result<Self, Box<dyn Error>> {
        let folder = tempfile::tempdir()?;
        let mut nodes = Vec::new();
        for i in 0..4 {
            let keys = NodeKeys::generate()?;
            if i == 0 {
                keys.write(folder.path())?;
            }
            nodes.push(keys.public(&format!("/ip4/127.0.0.1/tcp/{}", 7000 + i))?);
        }
        let committee = Committee {
            chain_id: 7,
            epoch: 1,
            genesis_ms: 0,
            dev: true,
            reserve_lots: wire::limits::RESERVE_LOTS,
            refresh_ms: 0,
            l1: wire::committee::L1 {
                chain_id: 1,
                verifier: alloy_primitives::Address::ZERO,
            },
            nodes: nodes.try_into().map_err(|_| "four")?,
        };
        Ok(Self { folder, committee })
    }

    fn config(&self, text: &str) -> Result<Config, NodeError> {
        let path = self.path("config.toml");
        fs::write(&path, text).map_err(NodeError::file("write", &path))?;
        Config::read(&path)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn membership(&self, config: &Config) -> Result<Membership, NodeError> {
        let text = toml::to_string(&self.committee).unwrap_or_default();
        let path = self.path("committee.toml");
        fs::write(&path, text).map_err(NodeError::file("write", &path))?;
        let keys = NodeKeys::read(&config.identity_key, &config.seal_key)?;
        Membership::read(config, &keys)
    }
}

#[test]
fn a_minimal_configuration_is_enough() -> Result<(), Box<dyn Error>> {
    let cluster = Cluster::new()?;
    let config = cluster.config(VALID)?;
    assert_eq!(config.identity_key, cluster.path(IDENTITY_FILE));
    assert_eq!(config.seal_key, cluster.path(SEAL_FILE));
    assert!(config.admin_listen.ip().is_loopback());
    assert_eq!(config.round_timeout_ms, 10_000);
    let membership = cluster.membership(&config)?;
    assert_eq!(membership.me, 0);
    let above = membership
        .default_session_listen()
        .map(|address| address.to_string());
    assert_eq!(config.session_listen, None);
    assert_eq!(above.as_deref(), Some("127.0.0.1:7001"));
    assert_eq!(membership.index_of(&membership.peers[2]), Some(2));
    assert_eq!(membership.index_of(&PeerId::random()), None);
    Ok(())
}

#[test]
fn the_example_shows_the_defaults() -> Result<(), Box<dyn Error>> {
    let cluster = Cluster::new()?;
    let example = cluster.config(include_str!("../../node.example.toml"))?;
    let mut minimal = cluster.config(VALID)?;
    minimal.rpc_listen = example.rpc_listen;
    assert_eq!(example, minimal);
    Ok(())
}

#[test]
fn mistakes_in_the_configuration_are_named() -> Result<(), Box<dyn Error>> {
    let cluster = Cluster::new()?;
    let cases = [
        ("", "data_dir"),
        ("data_dir = 3", "data_dir"),
        (&VALID.replace("rpc_listen", "rpc_listne"), "rpc_listne"),
        (&VALID.replace("127.0.0.1:0", "localhost"), "rpc_listen"),
        (&format!("{VALID}round_timeout_ms = 0"), "round_timeout_ms"),
        (&format!("{VALID}round_timeout_ms = -1"), "round_timeout_ms"),
        (&format!("{VALID}log_format = \"xml\""), "log_format"),
        (&format!("{VALID}[rpc]\nmax_batch = 0"), "rpc.max_batch"),
        (&format!("{VALID}[rpc]\nmax_butch = 1"), "max_butch"),
        (
            &format!("{VALID}admin_listen = \"0.0.0.0:9000\""),
            "admin_public = true",
        ),
        (
            &format!("{VALID}[rpc]\nmax_requests_per_s = 0"),
            "rpc.max_requests_per_s",
        ),
    ];
    for (text, named) in cases {
        let error = cluster.config(text).err().ok_or("accepted")?;
        let shown = error.to_string();
        assert!(matches!(error, NodeError::Config { .. }), "{shown}");
        assert!(
            shown.contains(named) && shown.contains("config.toml"),
            "{shown}"
        );
    }
    let public = format!("{VALID}admin_listen = \"0.0.0.0:9000\"\nadmin_public = true");
    cluster.config(&public)?;
    let missing = Config::read(&cluster.path("nowhere.toml"));
    assert!(matches!(missing, Err(NodeError::File { .. })));
    Ok(())
}

#[test]
fn mistakes_in_the_committee_are_named() -> Result<(), Box<dyn Error>> {
    type Change = fn(&mut Committee);
    let cases: [(Change, &str); 11] = [
        (|c| c.chain_id = 0, "chain_id"),
        (|c| c.refresh_ms = 1, "refresh_ms"),
        (
            |c| c.refresh_ms = LEAST_REFRESH_MS - 1,
            "set at least 300000",
        ),
        (
            |c| c.nodes[1].public_key = vec![2; 5].into(),
            "nodes[1].public_key",
        ),
        (
            |c| c.nodes[1].address = c.nodes[2].address,
            "nodes[1].address",
        ),
        (|c| c.nodes[2].seal_key = B256::ZERO, "nodes[2].seal_key"),
        (|c| c.nodes[3] = c.nodes[0].clone(), "nodes[3]"),
        (|c| c.nodes[3].seal_key = c.nodes[0].seal_key, "nodes[3]"),
        (
            |c| c.nodes[3].listen = "localhost:1".into(),
            "nodes[3].listen",
        ),
        (
            |c| c.nodes[3].listen = "/ip4/127.0.0.1/udp/1".into(),
            "nodes[3].listen",
        ),
        (
            |c| c.nodes[3].listen = "/ip4/10.0.0.1/tcp/1".into(),
            "dev = true",
        ),
    ];
    for (change, named) in cases {
        let mut cluster = Cluster::new()?;
        change(&mut cluster.committee);
        let config = cluster.config(VALID)?;
        let shown = cluster
            .membership(&config)
            .err()
            .ok_or("accepted")?
            .to_string();
        assert!(
            shown.contains(named) && shown.contains("committee.toml"),
            "{shown}"
        );
    }
    Ok(())
}

#[test]
fn key_epochs_that_are_long_enough_or_endless_are_taken() -> Result<(), Box<dyn Error>> {
    let mut cluster = Cluster::new()?;
    let config = cluster.config(VALID)?;
    for refresh_ms in [0, LEAST_REFRESH_MS, REFRESH_MS, u64::MAX >> 1] {
        cluster.committee.refresh_ms = refresh_ms;
        let committee = cluster.membership(&config)?.committee;
        assert_eq!(committee.refresh_ms, refresh_ms);
    }
    Ok(())
}

#[test]
fn a_committee_of_three_is_refused() -> Result<(), Box<dyn Error>> {
    let cluster = Cluster::new()?;
    let config = cluster.config(VALID)?;
    let mut value = toml::Value::try_from(&cluster.committee)?;
    value["nodes"].as_array_mut().ok_or("array")?.pop();
    fs::write(cluster.path("committee.toml"), toml::to_string(&value)?)?;
    let keys = NodeKeys::read(&config.identity_key, &config.seal_key)?;
    assert!(matches!(
        Membership::read(&config, &keys),
        Err(NodeError::Committee { .. })
    ));
    Ok(())
}

#[test]
fn keys_of_another_node_are_refused() -> Result<(), Box<dyn Error>> {
    let cluster = Cluster::new()?;
    let config = cluster.config(VALID)?;
    NodeKeys::generate()?.write(&cluster.path("other"))?;
    let mut stranger = config.clone();
    stranger.identity_key = cluster.path("other/identity.key");
    assert!(matches!(
        cluster.membership(&stranger),
        Err(NodeError::NotInCommittee { .. })
    ));
    let mut mixed = config;
    mixed.seal_key = cluster.path("other/seal.key");
    assert!(matches!(
        cluster.membership(&mixed),
        Err(NodeError::WrongSealKey { node: 0, .. })
    ));
    Ok(())
}

#[test]
fn a_clock_that_anybody_could_move_is_refused() -> Result<(), Box<dyn Error>> {
    let cluster = Cluster::new()?;
    let config = cluster.config(&VALID.replace("127.0.0.1:0", "0.0.0.0:0"))?;
    let error = cluster.membership(&config).err().ok_or("accepted")?;
    assert!(error.to_string().contains("rpc_listen"), "{error}");
    Ok(())
}
