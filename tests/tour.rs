//! An author's whole way with the `quartet` command, from an empty folder to a receipt: with a real
//! cluster, a crate outside of this workspace, and nothing but what the command prints.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};

use client::UserKey;
use devnet::Builds;
use eyre::{Result, bail, ensure, eyre};
use serde_json::Value;
use system_tests::{World, until};

/// The `quartet` command, as a shell in some folder runs it.
struct Shell {
    program: PathBuf,
    folder: PathBuf,
    environment: Vec<(&'static str, String)>,
}

impl Shell {
    fn run(&self, line: &str) -> Result<Output> {
        let mut command = Command::new(&self.program);
        let command = command.args(line.split_whitespace());
        let command = command.current_dir(&self.folder).stdin(Stdio::null());
        Ok(command.envs(self.environment.clone()).output()?)
    }

    /// What it prints when it ends well.
    fn says(&self, line: &str) -> Result<String> {
        let output = self.run(line)?;
        let error = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "`quartet {line}`: {error}");
        Ok(String::from_utf8(output.stdout)?)
    }

    /// The error with which it ends, and the exit code.
    fn refuses(&self, line: &str) -> Result<(String, i32)> {
        let output = self.run(line)?;
        ensure!(!output.status.success(), "`quartet {line}` ended well");
        let code = output.status.code().unwrap_or(-1);
        Ok((String::from_utf8(output.stderr)?, code))
    }
}

/// `quartet dev`, stopped on drop.
struct Dev {
    process: Child,
    output: PathBuf,
}

impl Dev {
    fn start(shell: &Shell) -> Result<Self> {
        let output = shell.folder.join("dev.log");
        let process = Command::new(&shell.program)
            .args(["dev", "--l1-port", "0", "--rpc-port", "0"])
            .stdin(Stdio::null())
            .stdout(File::create(&output)?)
            .stderr(Stdio::null())
            .spawn()?;
        Ok(Self { process, output })
    }

    /// What follows this on a line of its output.
    async fn told(&mut self, before: &str) -> Result<String> {
        until(before, async || {
            if let Some(status) = self.process.try_wait()? {
                bail!("quartet dev ended: {status}");
            }
            let text = fs::read_to_string(&self.output)?;
            let found = text
                .lines()
                .find_map(|line| line.trim().strip_prefix(before));
            Ok(found.map(|rest| rest.trim().to_owned()))
        })
        .await
    }
}

impl Drop for Dev {
    fn drop(&mut self) {
        let id = i32::try_from(self.process.id()).ok();
        if let Some(id) = id {
            let id = nix::unistd::Pid::from_raw(id);
            let _ = nix::sys::signal::kill(id, nix::sys::signal::Signal::SIGTERM);
        }
        let _ = self.process.wait();
    }
}

/// Builds the command, and all that it starts.
async fn shell(folder: &Path) -> Result<Shell> {
    let programs = ["quartet", "mpc-node", "relayer"];
    let [program, ..] = Builds::new().programs(programs).await?;
    let built = program.ancestors().nth(2);
    let built = built.ok_or_else(|| eyre!("{} is nowhere", program.display()))?;
    // What the contract's crate builds is shared with later runs of this test.
    let target = built.join("tour").display().to_string();
    Ok(Shell {
        program,
        folder: folder.to_owned(),
        environment: vec![("CARGO_TARGET_DIR", target)],
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn from_an_empty_folder_to_a_receipt() -> Result<()> {
    let place = tempfile::tempdir()?;
    let mut shell = shell(place.path()).await?;
    let mut dev = Dev::start(&shell)?;

    // A crate outside of the workspace, whose tests pass as it stands.
    let said = shell.says("contract new ballot-box")?;
    ensure!(said.contains("cd ballot-box"), "{said}");
    shell.folder.push("ballot-box");
    let said = shell.says("contract test")?;
    ensure!(said.contains("4 passed"), "{said}");

    let urls = dev.told("export QUARTET_RPC=").await?;
    let committee = dev.told("committee file ").await?;
    shell.environment.push(("QUARTET_RPC", urls));
    let (error, _) = shell.refuses("contract view votes")?;
    ensure!(error.contains("quartet contract deploy"), "{error}");
    let (error, _) = shell.refuses("contract deploy")?;
    ensure!(error.contains("closes: uint64"), "{error}");
    shell.says("contract deploy now+10m")?;

    // Secrets: one by flags, one by a file, and some that must not count.
    let said = shell.says("contract input vote --set yes=true --as ada")?;
    let ada = said.split_whitespace().find(|word| word.len() == 66);
    let ada = ada.ok_or_else(|| eyre!("no id in {said}"))?.to_owned();
    fs::write(shell.folder.join("secret.json"), "{\"yes\": false}")?;
    shell.says("contract input vote --json secret.json --as ben")?;
    let (error, _) = shell.refuses("contract input vote --set yes=true --as ada")?;
    ensure!(error.contains("AlreadyVoted"), "{error}");
    let (error, _) = shell.refuses("contract input vote --set no=true --as cleo")?;
    ensure!(error.contains("has the fields yes"), "{error}");
    let (error, _) = shell.refuses("contract call vote --as cleo")?;
    ensure!(error.contains("quartet contract input vote"), "{error}");
    ensure!(shell.says("contract view votes")?.trim() == "2");

    // The count, and what follows from it.
    let (error, _) = shell.refuses("contract call close")?;
    ensure!(error.contains("StillOpen"), "{error}");
    let said = shell.says("contract watch")?;
    ensure!(said.contains("Nothing was started"), "{said}");
    ensure!(said.contains("close runs by itself in"), "{said}");
    let (error, _) = shell.refuses(&format!("contract receipt {ada}"))?;
    ensure!(error.contains("no signed result"), "{error}");
    shell.says("advance 10m")?;
    // It closes by itself.
    until("the count", async || {
        let said = shell.says("contract watch")?;
        Ok(said.contains("signed by three (2 inputs)").then_some(()))
    })
    .await?;
    let told = until("the result in the contract", async || {
        let output = shell.run("contract view result --json")?;
        Ok(output.status.success().then_some(output.stdout))
    });
    let tally: Value = serde_json::from_slice(&told.await?)?;
    ensure!(
        tally == serde_json::json!({"yes": "1", "no": "1"}),
        "{tally}"
    );

    // The receipt, which needs no node, only to know who they are.
    shell.says(&format!("contract receipt {ada} --out receipt.json"))?;
    fs::copy(committee, shell.folder.join("committee.toml"))?;
    drop(dev);
    let said = shell.says("verify-receipt receipt.json --committee committee.toml")?;
    ensure!(said.contains("is number 1 of the 2 inputs"), "{said}");
    let (error, _) = shell.refuses("verify-receipt receipt.json")?;
    ensure!(error.contains("--committee"), "{error}");
    let receipt = fs::read_to_string(shell.folder.join("receipt.json"))?;
    let mut altered: Value = serde_json::from_str(&receipt)?;
    altered["owner"] = UserKey::random(&mut rand::rng())
        .address()
        .to_string()
        .into();
    fs::write(shell.folder.join("altered.json"), altered.to_string())?;
    let (error, _) = shell.refuses("verify-receipt altered.json --committee committee.toml")?;
    ensure!(error.contains("does not lead to the input root"), "{error}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_is_confirmed_by_the_app_on_l1() -> Result<()> {
    let place = tempfile::tempdir()?;
    let shell = shell(place.path()).await?;
    World::with_voters(6)
        .await?
        .play(async |world| {
            let stage = &world.stage;
            let voter = &world.electorate.voters()[0];
            let (client, contracts) = (stage.client(0), &stage.contracts);
            let ballot =
                voting::ballots::seal(client, contracts, &voter.key, 0, voter.choice).await?;
            let id = client.send_input(&ballot).await?;
            client.wait_accepted(id, system_tests::PATIENCE).await?;
            world.vote(1..6, 6).await?;
            world.pass_deadline().await?;
            let (_, computation, _) = voting::count::start_by_stranger(stage).await?;
            world.attested(computation).await?;

            let (l2, url) = (contracts.l2, stage.cluster.rpc_url(1));
            let line = format!("contract receipt {id} --out r.json --contract {l2} --rpc {url}");
            shell.says(&line)?;
            let (l1, app) = (&stage.l1.url, contracts.voting);
            world.published().await?;
            let said = shell.says(&format!("verify-receipt r.json --l1 {l1} --app {app}"))?;
            ensure!(
                said.contains(&format!("The app {app} on L1 accepted it")),
                "{said}"
            );
            // No app is at the committee's address, and another receipt's signatures do not fit.
            let nobody = stage.voting().verifier().call().await?;
            let (error, _) =
                shell.refuses(&format!("verify-receipt r.json --l1 {l1} --app {nobody}"))?;
            ensure!(error.contains("L1 does not confirm"), "{error}");
            let text = fs::read_to_string(shell.folder.join("r.json"))?;
            let mut altered: Value = serde_json::from_str(&text)?;
            altered["certificate"]["attestation"]["output"] = "0x00".into();
            fs::write(shell.folder.join("altered.json"), altered.to_string())?;
            let line = format!("verify-receipt altered.json --l1 {l1} --app {app}");
            let (error, _) = shell.refuses(&line)?;
            ensure!(error.contains("L1 does not confirm"), "{error}");
            Ok(())
        })
        .await
}
