//! One node alters the frames of computations that it sends. Nothing wrong is ever signed, the node
//! is among the suspects, and once an honest node runs in its place the right tally comes.

use alloy::primitives::B256;
use eyre::{Result, bail, ensure};
use system_tests::{World, byzantine_node, until};
use voting::{ballots, count};
use wire::rpc::ComputationStatus;

const LIAR: u8 = 3;

#[tokio::test(flavor = "multi_thread")]
async fn no_wrong_tally_is_ever_signed() -> Result<()> {
    World::with_voters(7)
        .await?
        .play(async |world| {
            let expected = world.electorate.sum();
            ballots::cast(&world.stage, world.electorate.voters(), &world.narrator).await?;
            ballots::accepted(&world.stage, 7, &world.narrator).await?;
            world.pass_deadline().await?;

            let [honest] = devnet::Builds::new().programs(["mpc-node"]).await?;
            let liar = byzantine_node().await?;
            let mut computation = None;
            let mut attempts = 0;
            // The engine's tests try every lie about every message; here two reach the log.
            for behaviour in ["flip", "truncate"] {
                // From round 3 on, after the keys of the session are made: lies about values.
                let arguments = ["--behaviour", behaviour, "--from-round", "3"];
                let arguments = arguments.map(String::from).to_vec();
                world
                    .stage
                    .cluster
                    .replace_program(LIAR.into(), liar.clone(), arguments)?;
                world.stage.cluster.restart(LIAR.into()).await?;
                let id = match computation {
                    Some(id) => id,
                    None => count::start_by_stranger(&world.stage).await?.1,
                };
                computation = Some(id);
                // Attempts end; the first after a restart may end for the restart itself.
                attempts = suspects_the_liar(world, id, attempts + 2, behaviour).await?;
            }
            let Some(id) = computation else {
                bail!("no behaviour was tried")
            };
            ensure!(
                voting::result::tally(&world.stage).await.is_err(),
                "L1 has no tally"
            );

            world
                .stage
                .cluster
                .replace_program(LIAR.into(), honest, vec![])?;
            world.stage.cluster.restart(LIAR.into()).await?;
            ensure!(world.attested(id).await? == expected);
            ensure!(world.published().await? == expected);
            world.agree(&[0, 1, 2, 3]).await
        })
        .await
}

/// Waits until the count is at that attempt, still without a result, and names the liar among its
/// suspects; tells the attempt.
async fn suspects_the_liar(world: &World, id: B256, least: u32, behaviour: &str) -> Result<u32> {
    until(
        &format!("attempt {least} of the count, with the behaviour {behaviour}"),
        async || {
            let Some(info) = world.stage.client(0).computation(id).await? else {
                return Ok(None);
            };
            match info.status {
                ComputationStatus::Running { attempt, suspected } if attempt >= least => {
                    ensure!(
                        suspected.contains(&LIAR),
                        "{behaviour}: suspected are {suspected:?}"
                    );
                    Ok(Some(attempt))
                }
                ComputationStatus::Waiting { .. } | ComputationStatus::Running { .. } => Ok(None),
                other => bail!("with the behaviour {behaviour} the count ended: {other:?}"),
            }
        },
    )
    .await
}
