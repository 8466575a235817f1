//! Nodes killed with SIGKILL and started again: nothing acknowledged is lost or counted twice, and
//! the count ends, with three nodes if need be.

use std::{convert::Infallible, env, time::Duration};

use eyre::{Result, ensure};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use system_tests::{ALL, World, seed};
use tokio::time::MissedTickBehavior;
use voting::{count, trouble::same_state};
use wire::limits::NODES;

/// How many people vote while nodes are killed; `QUARTET_VOTERS` takes its place.
const VOTERS: usize = 120;
/// How often a node is killed.
const EVERY: Duration = Duration::from_secs(2);

#[tokio::test(flavor = "multi_thread")]
async fn a_node_killed_during_the_vote_and_one_during_the_count_come_back() -> Result<()> {
    World::with_voters(12)
        .await?
        .play(async |world| {
            let expected = world.electorate.sum();
            // Ballots are accepted before, while, and after node 2 is down.
            world.vote(0..4, 4).await?;
            world.stage.cluster.kill(2)?;
            world.vote(4..8, 8).await?;
            world.agree(&[0, 1, 3]).await?;
            world.stage.cluster.restart(2).await?;
            same_state(&world.stage).await?;
            world.vote(8..12, 12).await?;
            same_state(&world.stage).await?;

            world.pass_deadline().await?;
            let (_, id, _) = count::start_by_stranger(&world.stage).await?;
            world.stage.cluster.kill(1)?;
            ensure!(world.attested(id).await? == expected, "with three nodes");
            ensure!(world.published().await? == expected);
            world.stage.cluster.restart(1).await?;
            same_state(&world.stage).await?;
            Ok(())
        })
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn people_vote_and_are_counted_while_nodes_are_killed_at_random() -> Result<()> {
    let voters = env::var("QUARTET_VOTERS").ok();
    let voters = voters.and_then(|v| v.parse().ok()).unwrap_or(VOTERS);
    let mut random = StdRng::seed_from_u64(seed());
    World::with_voters(voters)
        .await?
        .play(async |world| {
            let world = &*world;
            let everything = async {
                world.vote_stubbornly(0..voters).await?;
                world.count().await
            };
            tokio::select! {
                done = everything => done?,
                never = harm(world, &mut random) => match never? {},
            }
            for node in ALL {
                if world.stage.cluster.process_id(node).is_none() {
                    world.stage.cluster.restart(node).await?;
                }
            }
            same_state(&world.stage).await?;
            Ok(())
        })
        .await
}

/// Kills a node every now and then, and starts it again.
async fn harm(world: &World, random: &mut StdRng) -> Result<Infallible> {
    // The rhythm of the harm, not a wait for anything.
    let mut rhythm = tokio::time::interval(EVERY);
    rhythm.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        rhythm.tick().await;
        let node = random.random_range(0..NODES);
        println!("node {node} is killed");
        world.stage.cluster.kill(node)?;
        world.stage.cluster.restart(node).await?;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_poll_without_one_node_from_beginning_to_end() -> Result<()> {
    World::without_node(1, 7)
        .await?
        .play(async |world| {
            world.vote(0..7, 7).await?;
            world.count().await?;
            world.stage.cluster.restart(1).await?;
            same_state(&world.stage).await?;
            Ok(())
        })
        .await
}
