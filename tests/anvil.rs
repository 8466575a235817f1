//! The whole story on an EVM chain that is not ours: anvil, where npm brings it.

use std::{path::Path, process::Command, time::Duration};

use devnet::{ports::Ports, process::Process};
use eyre::Result;
use system_tests::npm_install;
use voting::{
    Options,
    l1::{Confirmations, L1Choice},
    story,
};

/// The first of the keys that anvil gives money to; public, and worth nothing elsewhere.
const KEY: &str = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";
/// How long anvil may take to listen.
const READY: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread")]
async fn the_whole_story_ends_with_the_right_tally_on_anvil() -> Result<()> {
    let project = Path::new(env!("CARGO_MANIFEST_DIR")).join("../l1-contracts");
    let anvil = project.join("node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil");
    if !npm_install(&project) || Command::new(&anvil).arg("--version").status().is_err() {
        println!("SKIPPED: there is no anvil from npm");
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let port = Ports::free()?;
    let [number] = port.numbers();
    let log = folder.path().join("anvil.log");
    let key = folder.path().join("key.hex");
    std::fs::write(&key, KEY)?;
    let arguments = ["--port", &number.to_string()].map(String::from);
    let process = Process::start("anvil", &anvil, arguments, &log)?;
    let listening = || {
        std::fs::read_to_string(&log)
            .ok()?
            .contains("Listening on")
            .then_some(())
    };
    process.wait_until(READY, listening).await?;

    let mut options = Options::new(8);
    options.l1 = L1Choice::Given {
        url: format!("http://127.0.0.1:{number}"),
        key: Some(key),
        confirmations: Confirmations::Usual,
    };
    let report = story::run(options).await?;
    assert_eq!(report.tally, report.expected);
    Ok(())
}
