//! The network between the nodes fails, a node stands still, a disk is full: ballots that were
//! acknowledged count, the others come through once it is over, and all nodes agree.

use client::{ClientError, UserKey};
use devnet::{FaultTools, Flow, Weather};
use eyre::{Result, ensure};
use serde_json::Value;
use system_tests::{ALL, World, faulty_disk, seed, until};
use voting::{ballots, count, trouble::same_state};

#[tokio::test(flavor = "multi_thread")]
async fn ballots_and_the_count_survive_partitions() -> Result<()> {
    let tools = FaultTools {
        links: Some(seed()),
        ..FaultTools::default()
    };
    World::equipped(8, tools)
        .await?
        .play(async |world| {
            world.vote(0..2, 2).await?;
            // Three of four go on, whether the fourth is cut off or hears and is not heard.
            links(world)?.part(&[3], Weather::flow(Flow::Cut))?;
            world.vote(2..4, 4).await?;
            world.agree(&[0, 1, 2]).await?;
            links(world)?.heal();
            world.agree(&ALL).await?;
            for other in [0, 1, 3] {
                links(world)?.set(2, other, Weather::flow(Flow::Held))?;
            }
            world.vote(4..6, 6).await?;
            links(world)?.heal();
            world.agree(&ALL).await?;
            // Two and two decide nothing, and both halves go on when they meet again.
            links(world)?.part(&[0, 2], Weather::flow(Flow::Held))?;
            let before = heights(world).await?;
            let voting = world.vote(6..8, 8);
            let healing = async {
                standstill(world, &before).await?;
                links(world)?.heal();
                Ok(())
            };
            tokio::try_join!(voting, healing)?;
            world.agree(&ALL).await?;
            world.count_all().await
        })
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_lags_says_so_and_the_next_one_is_asked() -> Result<()> {
    const LAST: usize = 3;
    let tools = FaultTools {
        links: Some(seed()),
        ..FaultTools::default()
    };
    World::equipped(6, tools)
        .await?
        .play(async |world| {
            world.vote(0..1, 1).await?;
            links(world)?.part(&[LAST], Weather::flow(Flow::Cut))?;
            world.stage.cluster.kill(LAST)?;
            world.stage.cluster.wipe(LAST)?;
            world.stage.cluster.restart(LAST).await?;

            // It has nothing, and nobody tells it.
            let direct = &world.stage.direct[LAST];
            let syncing: Value = direct.request("eth_syncing", ()).await?;
            ensure!(syncing["currentBlock"] == "0x0", "it is behind: {syncing}");
            let stranger = UserKey::random(&mut rand::rng());
            let (client, contracts) = (world.stage.client(LAST), &world.stage.contracts);
            // The client's first node is the one that lags.
            let ballot = ballots::seal(client, contracts, &stranger, 0, 0).await?;
            let answer = direct.send_input(&ballot).await;
            let behind = |error: &ClientError| {
                error.is_retryable() && error.to_string().contains("catching up")
            };
            ensure!(answer.as_ref().is_err_and(behind), "{answer:?}");
            let answer = client.send_input(&ballot).await;
            ensure!(
                matches!(answer, Err(ClientError::Reverted { .. })),
                "{answer:?}"
            );
            world.vote(1..6, 6).await?;

            links(world)?.heal();
            world.agree(&ALL).await?;
            until("its own word on the ballot of a stranger", async || {
                let syncing: Value = direct.request("eth_syncing", ()).await?;
                let answer = direct.send_input(&ballot).await;
                let reverted = matches!(answer, Err(ClientError::Reverted { .. }));
                ensure!(reverted || answer.as_ref().is_err_and(behind), "{answer:?}");
                Ok((reverted && syncing == Value::Bool(false)).then_some(()))
            })
            .await?;
            world.count_all().await
        })
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_and_lossy_links_delay_and_change_nothing() -> Result<()> {
    let tools = FaultTools {
        links: Some(seed()),
        ..FaultTools::default()
    };
    World::equipped(6, tools)
        .await?
        .play(async |world| {
            links(world)?.set_all(Weather {
                delay: std::time::Duration::from_millis(100),
                lost_per_mille: 10,
                ..Weather::default()
            });
            world.vote(0..6, 6).await?;
            world.count_all().await
        })
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_stood_still_and_one_whose_disk_was_full_come_back() -> Result<()> {
    let tools = FaultTools {
        disk: Some(faulty_disk().await?),
        ..FaultTools::default()
    };
    World::equipped(8, tools)
        .await?
        .play(async |world| {
            world.stage.cluster.pause(1)?;
            world.vote(0..2, 2).await?;
            world.agree(&[0, 2, 3]).await?;
            world.stage.cluster.resume(1)?;
            world.agree(&ALL).await?;

            world.stage.cluster.set_disk_full(2, true)?;
            world.vote(2..5, 5).await?;
            // It says no more, rather than what it could not keep.
            until("the end of the node whose disk is full", async || {
                Ok(world.stage.cluster.ended(2))
            })
            .await?;
            world.agree(&[0, 1, 3]).await?;
            world.stage.cluster.set_disk_full(2, false)?;
            world.stage.cluster.restart(2).await?;
            world.agree(&ALL).await?;
            world.vote(5..8, 8).await?;
            world.count_all().await
        })
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wiped_node_and_one_with_an_older_copy_catch_up() -> Result<()> {
    let place = tempfile::tempdir()?;
    World::with_voters(8)
        .await?
        .play(async |world| {
            world.vote(0..2, 2).await?;
            let copy = place.path().join("copy");
            world.stage.cluster.stop(3)?;
            world.stage.cluster.snapshot(3, &copy)?;
            world.stage.cluster.restart(3).await?;
            world.vote(2..4, 4).await?;
            world.stage.cluster.kill(0)?;
            world.stage.cluster.wipe(0)?;
            world.stage.cluster.restart(0).await?;
            world.agree(&ALL).await?;
            world.vote(4..6, 6).await?;
            world.stage.cluster.kill(3)?;
            world.stage.cluster.restore(3, &copy)?;
            world.stage.cluster.restart(3).await?;
            world.agree(&ALL).await?;
            world.vote(6..8, 8).await?;
            world.count_all().await
        })
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_count_ends_while_a_node_stands_still() -> Result<()> {
    let stops = async |world: &World| Ok(world.stage.cluster.pause(2)?);
    let goes_on = async |world: &World| Ok(world.stage.cluster.resume(2)?);
    counted_despite(FaultTools::default(), stops, goes_on).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_count_ends_while_a_node_hears_and_is_not_heard() -> Result<()> {
    let tools = FaultTools {
        links: Some(seed()),
        ..FaultTools::default()
    };
    let mutes = async |world: &World| {
        let held = Weather::flow(Flow::Held);
        (0..3).try_for_each(|other| Ok(links(world)?.set(3, other, held)?))
    };
    let heals = async |world: &World| {
        links(world)?.heal();
        Ok(())
    };
    counted_despite(tools, mutes, heals).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_count_ends_although_a_node_loses_its_disk() -> Result<()> {
    let loses = async |world: &World| {
        world.stage.cluster.kill(0)?;
        world.stage.cluster.wipe(0)?;
        Ok(world.stage.cluster.restart(0).await?)
    };
    counted_despite(FaultTools::default(), loses, async |_: &World| Ok(())).await
}

/// Counts with harm done just after the start of the count, and undone after its end.
async fn counted_despite(
    tools: FaultTools,
    harm: impl AsyncFnOnce(&World) -> Result<()>,
    undo: impl AsyncFnOnce(&World) -> Result<()>,
) -> Result<()> {
    World::equipped(6, tools)
        .await?
        .play(async |world| {
            let expected = world.electorate.sum();
            world.vote(0..6, 6).await?;
            world.pass_deadline().await?;
            let (_, id, _) = count::start_by_stranger(&world.stage).await?;
            harm(world).await?;
            ensure!(world.attested(id).await? == expected, "the signed tally");
            ensure!(world.published().await? == expected, "the tally on L1");
            undo(world).await?;
            same_state(&world.stage).await?;
            Ok(())
        })
        .await
}

fn links(world: &World) -> Result<&devnet::Links> {
    Ok(world.stage.cluster.links()?)
}

async fn heights(world: &World) -> Result<Vec<u64>> {
    let mut heights = Vec::new();
    for node in ALL {
        heights.push(world.stage.direct[node].status().await?.block);
    }
    Ok(heights)
}

/// Waits until transactions have come to nodes on both sides and found no block.
async fn standstill(world: &World, before: &[u64]) -> Result<()> {
    until("waiting transactions on both sides", async || {
        let mut waiting = [false; 2];
        for node in ALL {
            let status = world.stage.direct[node].status().await?;
            waiting[node % 2] |= status.pending_transactions > 0;
        }
        Ok(waiting.iter().all(|side| *side).then_some(()))
    })
    .await?;
    // A block that was on its way when the network broke may have come through.
    let after = heights(world).await?;
    let grown = after.iter().zip(before).any(|(now, then)| *now > then + 1);
    ensure!(!grown, "blocks from {before:?} to {after:?} with two nodes");
    Ok(())
}
