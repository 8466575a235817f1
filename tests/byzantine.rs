//! One node misbehaves in computations, in every way. The other three finish with the right tally,
//! whatever contradictions are in the log have the liar in them, and an honest node with the same
//! keys comes back to where the others are.

use std::process::Command;

use eyre::{Result, WrapErr as _, ensure};
use system_tests::{World, byzantine_node, node_program};
use voting::trouble::same_state;

const LIAR: usize = 3;

/// With this behaviour of one node from a round on, the right tally comes all the same. Tells how many
/// contradictions are in the log.
async fn the_right_tally_comes(behaviour: &str, from_round: &str) -> Result<usize> {
    let mut contradictions = 0;
    let played = World::with_voters(7)
        .await?
        .play(async |world| {
            let arguments = ["--behaviour", behaviour, "--from-round", from_round];
            let arguments = arguments.map(String::from).to_vec();
            let cluster = &world.stage.cluster;
            cluster.replace_program(LIAR, byzantine_node().await?, arguments)?;
            cluster.restart(LIAR).await?;
            same_state(&world.stage).await?;
            world.vote(0..7, 7).await?;
            world.count().await?;

            let status = world.stage.client(0).status().await?;
            for found in &status.contradictions {
                ensure!(
                    found.pair.iter().any(|node| usize::from(*node) == LIAR),
                    "nodes {:?} contradict each other about {}",
                    found.pair,
                    found.about
                );
            }
            contradictions = status.contradictions.len();
            cluster.replace_program(LIAR, node_program().await?, vec![])?;
            cluster.restart(LIAR).await?;
            same_state(&world.stage).await?;
            Ok(())
        })
        .await;
    let case = format!("{behaviour} from round {from_round}");
    played.wrap_err(case).map(|()| contradictions)
}

// The engine's tests try every lie about every message; here one of each kind reaches the log.

#[tokio::test(flavor = "multi_thread")]
async fn who_flips_bits_is_left_out() -> Result<()> {
    let contradictions = the_right_tally_comes("flip", "3").await?;
    ensure!(contradictions > 0, "a flipped bit is proven");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn who_flips_bits_and_denies_it_is_left_out() -> Result<()> {
    let contradictions = the_right_tally_comes("deny", "3").await?;
    ensure!(contradictions > 0, "who denies contradicts the backup");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn who_falls_silent_is_left_out() -> Result<()> {
    let contradictions = the_right_tally_comes("drop", "5").await?;
    ensure!(contradictions == 0, "silence proves nothing");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn who_lies_about_keys_is_left_out() -> Result<()> {
    the_right_tally_comes("flip", "0").await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn who_sends_broken_frames_is_left_out() -> Result<()> {
    for behaviour in ["truncate", "lengthen", "replay"] {
        the_right_tally_comes(behaviour, "3").await?;
    }
    Ok(())
}

#[test]
fn the_normal_node_has_no_misbehaviour_to_choose() -> Result<()> {
    let runtime = tokio::runtime::Runtime::new()?;
    let program = runtime.block_on(node_program())?;
    let arguments = ["run", "--config", "none.toml", "--behaviour", "flip"];
    let output = Command::new(program).args(arguments).output()?;
    ensure!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(said.contains("unexpected argument '--behaviour'"), "{said}");
    Ok(())
}
