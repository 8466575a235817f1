//! Ctrl-C in the middle of the story leaves no process behind.

use std::{
    collections::BTreeSet,
    fs,
    process::{Command, Stdio},
};

use devnet::Builds;
use eyre::{Result, bail, ensure};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use system_tests::until;

#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_leaves_no_process_behind() -> Result<()> {
    let builds = Builds::new();
    let [voting] = builds.programs(["voting"]).await?;
    // So that the story itself has nothing to build.
    builds.programs(["mpc-node", "relayer"]).await?;
    let mut story = Command::new(voting)
        .args(["--voters", "3000"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()?;
    let running = until("the start of four nodes and the relayer", async || {
        if let Some(status) = story.try_wait()? {
            bail!("the story ended before it was interrupted: {status}");
        }
        let children = children(story.id())?;
        Ok((children.len() == 5).then_some(children))
    })
    .await?;
    kill(Pid::from_raw(story.id().try_into()?), Signal::SIGINT)?;
    let status = until("the end of the story", async || Ok(story.try_wait()?)).await?;
    ensure!(status.code() == Some(130), "the story ended with {status}");
    until("the end of all that it started", async || {
        let left = running.iter().filter(|id| program(**id).is_some()).count();
        Ok((left == 0).then_some(()))
    })
    .await
}

/// Ids of the nodes and relayers that this process started and that run.
fn children(parent: u32) -> Result<BTreeSet<u32>> {
    let mut children = BTreeSet::new();
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let Some(id) = name.to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        let Some((program, its_parent)) = program(id) else {
            continue;
        };
        if its_parent == parent && ["mpc-node", "relayer"].contains(&program.as_str()) {
            children.insert(id);
        }
    }
    Ok(children)
}

/// Name and parent of a process that runs; a dead one that nobody waited for counts, too.
fn program(id: u32) -> Option<(String, u32)> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    let (name, rest) = stat.split_once('(')?.1.rsplit_once(')')?;
    let parent = rest.split_whitespace().nth(1)?.parse().ok()?;
    Some((name.to_owned(), parent))
}
