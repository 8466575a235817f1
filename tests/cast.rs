//! `cast` against L2: it looks like an Ethereum chain to a tool that knows nothing of Quartet.

use std::{path::Path, process::Command};

use eyre::{Result, ensure};
use system_tests::World;

/// Foundry's `cast` from npm, or none where there is no npm.
fn cast_program() -> Option<std::path::PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../l1-contracts");
    system_tests::npm_install(&folder)
        .then(|| folder.join("node_modules/@foundry-rs/cast-linux-amd64/bin/cast"))
        .filter(|program| program.exists())
}

#[tokio::test(flavor = "multi_thread")]
async fn cast_calls_a_public_action_and_reads() -> Result<()> {
    let Some(program) = cast_program() else {
        println!("SKIPPED: there is no cast from npm");
        return Ok(());
    };
    World::with_voters(6)
        .await?
        .play(async |world| {
            let url = world.stage.cluster.rpc_url(1);
            let contract = world.stage.contracts.l2.to_string();
            let cast = |arguments: &[&str]| -> Result<(bool, String)> {
                let output = Command::new(&program)
                    .args(arguments)
                    .env("ETH_RPC_URL", &url)
                    .output()?;
                let text = [output.stdout, output.stderr].concat();
                Ok((
                    output.status.success(),
                    String::from_utf8_lossy(&text).trim().to_owned(),
                ))
            };
            ensure!(cast(&["chain-id"])? == (true, devnet::cluster::CHAIN_ID.to_string()));

            // Reads.
            ensure!(cast(&["call", &contract, "complete()(bool)"])? == (true, "true".into()));
            ensure!(cast(&["call", &contract, "votesCast()(uint64)"])? == (true, "0".into()));

            // A public action: refused before the deadline, with the contract's own error; then taken.
            let key = format!("0x{}", "42".repeat(32));
            let close = [
                "send",
                &contract,
                "close()",
                "--private-key",
                &key,
                "--json",
            ];
            let (sent, answer) = cast(&close)?;
            ensure!(!sent, "closed before the deadline: {answer}");
            world.pass_deadline().await?;
            let (sent, answer) = cast(&close)?;
            ensure!(sent, "{answer}");
            let receipt: serde_json::Value = serde_json::from_str(&answer)?;
            ensure!(receipt["status"] == "0x1", "{receipt}");
            let block = receipt["blockNumber"].as_str().unwrap_or_default();
            let (found, json) = cast(&["block", block, "--json"])?;
            ensure!(
                found && json.contains(receipt["transactionHash"].as_str().unwrap_or("?")),
                "{json}"
            );
            let sender = receipt["from"].as_str().unwrap_or_default();
            ensure!(cast(&["nonce", sender])? == (true, "1".into()));
            Ok(())
        })
        .await
}
