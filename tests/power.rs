//! The power of all nodes fails at the same time: what was acknowledged is there afterwards, since
//! it was fsynced before. What was only written is gone, as on a real machine.

use std::{fs, process::Command};

use devnet::{FaultTools, FaultyDisk};
use eyre::{Result, ensure};
use system_tests::{ALL, World, faulty_disk, until};
use voting::stage::Poll;
use wire::rpc::SealKeysInfo;

/// How long a key epoch lasts: less than people may vote.
const EPOCH_SECONDS: u64 = 3_000;

async fn world(voters: usize) -> Result<World> {
    let tools = FaultTools {
        disk: Some(faulty_disk().await?),
        ..FaultTools::default()
    };
    World::equipped(voters, tools).await
}

/// Cuts the power of all nodes, and starts them again.
async fn black_out(world: &mut World) -> Result<()> {
    world.stage.cluster.cut_power(&ALL)?;
    for node in ALL {
        world.stage.cluster.restart(node).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn accepted_ballots_outlast_a_power_cut_of_all_nodes() -> Result<()> {
    world(8)
        .await?
        .play(async |world| {
            world.vote(0..5, 5).await?;
            black_out(world).await?;
            world.agree(&ALL).await?;
            // Counted from the log as it is now, not from what the runner remembers.
            world.vote(5..8, 8).await?;
            black_out(world).await?;
            world.count_all().await
        })
        .await
}

/// Once inputs are shared anew, nothing but the disks of the nodes gives them back.
#[tokio::test(flavor = "multi_thread")]
async fn ballots_that_were_shared_anew_outlast_a_power_cut_of_all_nodes() -> Result<()> {
    let tools = FaultTools {
        disk: Some(faulty_disk().await?),
        ..FaultTools::default()
    };
    World::with_epochs(8, tools, Some(1_000 * EPOCH_SECONDS))
        .await?
        .play(async |world| {
            world.vote(0..4, 4).await?;
            end_key_epoch(world).await?;
            black_out(world).await?;
            world.agree(&ALL).await?;
            // Clients know the keys of the epoch before, are refused, and seal again.
            world.vote(4..8, 8).await?;
            black_out(world).await?;
            world.count_all().await
        })
        .await
}

/// Lets time pass until the nodes have other keys and shares.
async fn end_key_epoch(world: &World) -> Result<()> {
    world.stage.client(0).advance_time(EPOCH_SECONDS).await?;
    for node in ALL {
        until("inputs that are shared anew", async || {
            let client = &world.stage.direct[node];
            let info: SealKeysInfo = client.request("quartet_sealKeys", ()).await?;
            Ok((info.sharing > 0).then_some(()))
        })
        .await?;
    }
    Ok(())
}

/// The first test can fail: nodes whose disks lie about the block log lose what they acknowledged.
#[tokio::test(flavor = "multi_thread")]
async fn ballots_are_lost_if_the_block_log_is_not_synced() -> Result<()> {
    world(6)
        .await?
        .play(async |world| {
            for node in ALL {
                world.stage.cluster.ignore_syncs(node, &["blocks.log"])?;
            }
            world.vote(0..6, 6).await?;
            black_out(world).await?;
            world.agree(&ALL).await?;
            let cast = world.stage.read(Poll::votesCastCall {}).await?;
            ensure!(cast < 6, "{cast} ballots are there, and nothing kept them");
            Ok(())
        })
        .await
}

/// What the library before libc makes of a shell's commands.
#[tokio::test]
async fn a_disk_keeps_what_was_synced_and_nothing_else() -> Result<()> {
    let place = tempfile::tempdir()?;
    let data = place.path().join("data");
    fs::create_dir_all(&data)?;
    fs::write(data.join("old"), "old")?;
    let state = place.path().join("state");
    let disk = FaultyDisk::new(faulty_disk().await?, &data, state)?;
    // Runs a script and cuts the power after it; tells whether it succeeded.
    let run = |script: &str| -> Result<bool> {
        let mut shell = Command::new("/bin/sh");
        let shell = shell.args(["-ec", script]).current_dir(&data);
        let status = shell.envs(disk.environment()).status()?;
        disk.cut_power()?;
        Ok(status.success())
    };
    let kept = |name: &str| fs::read_to_string(data.join(name)).ok();
    let is = |text: &str| Some(text.to_owned());

    ensure!(run("printf more >> old; printf new > new; sync new")?);
    ensure!(kept("old") == is("old"), "what was there before");
    ensure!(kept("new").is_none(), "its contents, and not its name");
    ensure!(run("printf new > new; mkdir folder; sync .")?);
    ensure!(kept("new") == is(""), "its name, and not its contents");
    ensure!(run(
        "printf new > new; sync -d new; printf newer > new; rm old"
    )?);
    ensure!(kept("new") == is("new"));
    ensure!(kept("old") == is("old"), "the folder is not synced");
    ensure!(run("rm old; printf x > folder/x; sync folder/x .")?);
    ensure!(kept("old").is_none());
    ensure!(kept("folder/x").is_none() && data.join("folder").exists());
    ensure!(run(
        "printf x > folder/x; sync folder/x folder; mv folder/x folder/y"
    )?);
    ensure!(kept("folder/x") == is("x") && kept("folder/y").is_none());

    disk.ignore_syncs(&["new"])?;
    ensure!(run("printf newest > new; sync new")?, "it says yes");
    ensure!(kept("new") == is("new"), "and does nothing");
    disk.set_full(true)?;
    ensure!(
        !run("printf x > more; sync more .")?,
        "nothing fits any more"
    );
    ensure!(run("printf x > ../elsewhere")?, "but on another disk");
    disk.set_full(false)?;
    ensure!(run("printf x > more; sync more .")?);
    ensure!(kept("more") == is("x"));
    Ok(())
}
