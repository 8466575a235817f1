//! Nodes killed with SIGKILL and started again: nothing acknowledged is lost, and the count ends.

use eyre::{Result, ensure};
use system_tests::{World, byzantine_node, direct, until};
use voting::{ballots, count};
use wire::rpc::ComputationStatus;

#[tokio::test(flavor = "multi_thread")]
async fn a_node_killed_during_the_vote_and_one_during_the_count_come_back() -> Result<()> {
    World::with_voters(12)
        .await?
        .play(async |world| {
            let expected = world.electorate.sum();

            // During the vote: ballots are accepted before, while, and after node 2 is down.
            cast(world, 0..4).await?;
            world.stage.cluster.kill(2)?;
            cast(world, 4..8).await?;
            world.agree(&[0, 1, 3]).await?;
            world.stage.cluster.restart(2).await?;
            cast(world, 8..12).await?;
            world.agree(&[0, 1, 2, 3]).await?;

            // During the count: node 3 goes silent in the middle of it, so that it is surely under way
            // when another node is killed, and then node 3 itself.
            let silent = ["--behaviour", "drop", "--from-round", "5"]
                .map(String::from)
                .to_vec();
            let [normal] = devnet::Builds::new().programs(["mpc-node"]).await?;
            world
                .stage
                .cluster
                .replace_program(3, byzantine_node().await?, silent)?;
            world.stage.cluster.restart(3).await?;
            world.agree(&[0, 1, 2, 3]).await?;
            world.pass_deadline().await?;
            let (_, id, _) = count::start_by_stranger(&world.stage).await?;
            attempt_at_least(world, id, 0).await?;
            world.stage.cluster.kill(1)?;
            world.stage.cluster.restart(1).await?;
            attempt_at_least(world, id, 1).await?;
            ensure!(
                world.stage.client(0).certificate(id).await.is_err(),
                "there is no result while a node is silent"
            );
            world.stage.cluster.kill(3)?;
            world.stage.cluster.replace_program(3, normal, vec![])?;
            world.stage.cluster.restart(3).await?;

            ensure!(world.attested(id).await? == expected);
            ensure!(world.published().await? == expected);
            world.agree(&[0, 1, 2, 3]).await
        })
        .await
}

async fn cast(world: &World, range: std::ops::Range<usize>) -> Result<()> {
    let end = range.end as u64;
    ballots::cast(
        &world.stage,
        &world.electorate.voters()[range],
        &world.narrator,
    )
    .await?;
    ballots::accepted(&world.stage, end, &world.narrator).await?;
    Ok(())
}

/// Waits until the count is in this attempt or a later one.
async fn attempt_at_least(world: &World, id: alloy::primitives::B256, least: u32) -> Result<()> {
    until(&format!("attempt {least} of the count"), async || {
        let info = direct(&world.stage.cluster, 0)?.computation(id).await?;
        Ok(match info.map(|info| info.status) {
            Some(ComputationStatus::Running { attempt, .. }) if attempt >= least => Some(()),
            _ => None,
        })
    })
    .await
}
