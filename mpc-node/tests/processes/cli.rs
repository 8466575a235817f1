//! The command line: keys, help, and errors that tell the next step.

use std::{
    error::Error,
    fs,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Command, Output},
};

type TestResult = Result<(), Box<dyn Error>>;

fn node(arguments: &[&str]) -> std::io::Result<Output> {
    Command::new(env!("CARGO_BIN_EXE_mpc-node"))
        .args(arguments)
        .output()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap_or_default()
}

#[test]
fn keygen_prints_the_nodes_entry_and_never_overwrites() -> TestResult {
    let folder = tempfile::tempdir()?;
    let out = folder.path().join("keys");
    let listen = "/ip4/127.0.0.1/tcp/7000";
    let made = node(&["keygen", "--out", path(&out), "--listen", listen])?;
    assert!(made.status.success(), "{}", text(&made.stderr));
    let entry: wire::committee::Node = toml::from_str(&text(&made.stdout))?;
    assert_eq!(entry.listen, listen);
    let mut contents = Vec::new();
    for name in ["identity.key", "seal.key"] {
        let mode = fs::metadata(out.join(name))?.permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let key = fs::read_to_string(out.join(name))?;
        assert!(!text(&made.stdout).contains(key.trim()));
        contents.push(key);
    }
    let again = node(&["keygen", "--out", path(&out)])?;
    assert!(!again.status.success());
    assert!(
        text(&again.stderr).contains("exists already"),
        "{}",
        text(&again.stderr)
    );
    assert_eq!(fs::read_to_string(out.join("seal.key"))?, contents[1]);
    Ok(())
}

#[test]
fn a_node_that_cannot_start_says_what_to_do() -> TestResult {
    let folder = tempfile::tempdir()?;
    let config = folder.path().join("node.toml");
    let run = || node(&["run", "--config", path(&config)]);
    let missing = run()?;
    assert_eq!(missing.status.code(), Some(1));
    assert!(
        text(&missing.stderr).contains("node.toml"),
        "{}",
        text(&missing.stderr)
    );

    fs::write(&config, "data_dir = \"data\"\ncommitee = \"c.toml\"\n")?;
    let misspelt = text(&run()?.stderr);
    assert!(
        misspelt.contains("commitee") && misspelt.contains("node.toml"),
        "{misspelt}"
    );

    let keys = folder.path().join("keys");
    let made = node(&["keygen", "--out", path(&keys)])?;
    assert!(made.status.success());
    fs::write(
        &config,
        "data_dir = \"data\"\ncommittee = \"c.toml\"\nidentity_key = \"keys/identity.key\"\n\
         seal_key = \"keys/seal.key\"\nrpc_listen = \"127.0.0.1:0\"\n",
    )?;
    let no_committee = text(&run()?.stderr);
    assert!(no_committee.contains("c.toml"), "{no_committee}");
    let identity = keys.join("identity.key");
    fs::set_permissions(&identity, fs::Permissions::from_mode(0o644))?;
    let open = text(&run()?.stderr);
    assert!(open.contains("chmod 600") && open.contains("644"), "{open}");
    assert!(!folder.path().join("data").exists(), "nothing was begun");
    Ok(())
}

#[test]
fn help_names_every_setting() -> TestResult {
    let help = text(&node(&["run", "--help"])?.stdout);
    for setting in [
        "data_dir",
        "committee",
        "rpc_listen",
        "session_listen",
        "--stop-with-stdin",
        "--log-format",
    ] {
        assert!(help.contains(setting), "{help}");
    }
    assert!(!node(&["run"])?.status.success());
    Ok(())
}
