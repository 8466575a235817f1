use std::os::unix::fs::PermissionsExt as _;

use super::*;

const GOOD: &str = r#"
state_file = "state.json"
[l1]
urls = ["http://127.0.0.1:1"]
key = "l1.key"
[l2]
urls = ["http://127.0.0.1:2", "http://127.0.0.1:3"]
[[routes]]
l1_app = "0x0101010101010101010101010101010101010101"
l2_contract = "0x0202020202020202020202020202020202020202"
electorate = true
"#;

fn read(text: &str) -> Result<Config, RelayerError> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("relayer.toml");
    fs::write(&path, text).unwrap();
    let config = Config::read(&path);
    if let Ok(config) = &config {
        assert_eq!(config.state_file, dir.path().join("state.json"));
    }
    config
}

#[test]
fn a_short_file_has_sound_defaults() {
    let config = read(GOOD).unwrap();
    assert_eq!(config.l1.confirmations, Confirmations::Finalized);
    assert_eq!(config.poll(), Duration::from_secs(2));
    assert_eq!(
        (config.l1.max_fee_gwei, config.routes[0].from_block),
        (200, 0)
    );
    assert!(config.admin_listen.is_none());
    assert!(config.committee().unwrap().is_none());
    let seven = GOOD.replace("key = \"l1.key\"", "confirmations = 7");
    let config = read(&seven).unwrap();
    assert_eq!(config.l1.confirmations, Confirmations::Blocks(7));
}

#[test]
fn the_example_is_one() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/relayer.example.toml");
    let config = Config::read(Path::new(path)).unwrap();
    assert_eq!((config.l1.chain_id, config.l2.urls.len()), (Some(1), 2));
}

#[test]
fn every_mistake_is_named() {
    for (from, to, says) in [
        ("state_file", "stat_file", "stat_file"),
        ("state_file = \"state.json\"", "", "state_file"),
        ("[l1]", "[l1]\ncolour = 1", "colour"),
        ("[\"http://127.0.0.1:1\"]", "[]", "l1.urls"),
        ("electorate = true", "electorate = 3", "electorate"),
        ("0x01010101", "0x0101", "l1_app"),
        (
            "0x0101010101010101010101010101010101010101",
            &Address::ZERO.to_string(),
            "zero",
        ),
        (
            "key = \"l1.key\"",
            "confirmations = \"latest\"",
            "finalized",
        ),
        ("key = \"l1.key\"", "confirmations = -1", "confirmations"),
        ("key = \"l1.key\"", "max_fee_gwei = 0", "max_fee_gwei"),
        (
            "key = \"l1.key\"",
            "give_up_after_ms = 5",
            "give_up_after_ms",
        ),
        ("[l1]", "poll_ms = 1\n[l1]", "poll_ms"),
    ] {
        let text = GOOD.replacen(from, to, 1);
        let text = match says {
            // A table must not come before a key of the root.
            "poll_ms" => format!("poll_ms = 1\n{GOOD}"),
            _ => text,
        };
        let error = read(&text).expect_err(says).to_string();
        assert!(error.contains(says), "{says}: {error}");
    }
    let (head, route) = GOOD.split_at(GOOD.find("[[routes]]").unwrap());
    assert!(read(head).unwrap_err().to_string().contains("routes"));
    let twice = format!("{GOOD}{route}");
    assert!(read(&twice).unwrap_err().to_string().contains("twice"));
    assert!(Config::read(Path::new("/nowhere/relayer.toml")).is_err());
}

#[test]
fn keys_come_from_private_files() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("l1.key");
    let mut config = read(GOOD).unwrap();
    config.l1.key = Some(path.clone());
    assert!(matches!(config.l1_key(), Err(RelayerError::Key { .. })));
    fs::write(&path, "11".repeat(32)).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    assert!(
        config
            .l1_key()
            .unwrap_err()
            .to_string()
            .contains("chmod 600")
    );
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    assert!(config.l1_key().is_ok());
    let error = config.l2_key().unwrap_err().to_string();
    assert!(error.contains(L2_KEY_VARIABLE), "{error}");
}
