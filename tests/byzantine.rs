//! One node misbehaves in computations, in every way. The other three finish with the right tally,
//! whatever contradictions are in the log have the liar in them, and an honest node with the same
//! keys comes back to where the others are. One that lies about secrets changes nothing for their owners.

use std::{
    fs,
    process::Command,
    time::{SystemTime, UNIX_EPOCH},
};

use alloy::{
    primitives::{Address, B256},
    sol_types::SolValue as _,
};
use client::{
    UserKey,
    input::{Value, to_json},
};
use devnet::Builds;
use eyre::{OptionExt as _, Result, WrapErr as _, bail, ensure};
use serde_json::json;
use system_tests::{PATIENCE, World, byzantine_node, node_program, until};
use voting::{count::advance_to, trouble::same_state};
use wire::{
    attestation::computation_id,
    read::{self, Components, ReadKey, ReadRequest, SecretAnswer},
    transaction::Deployment,
};

const LIAR: usize = 3;
/// The node that users ask first.
const FIRST: usize = 0;
/// The one after it, in whose name it may lie.
const HONEST: usize = 1;

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

/// The liar is the first that the client asks.
#[tokio::test(flavor = "multi_thread")]
async fn owners_read_their_secrets_although_a_node_lies_about_them() -> Result<()> {
    let played = World::with_voters(1).await?.play(async |world| {
        let (contract, [winner, loser]) = an_auction(world).await?;
        let secrets = world
            .stage
            .client(FIRST)
            .secrets(contract, winner.address())
            .await?;
        let secret = secrets.first().ok_or_eyre("the winner has a notice")?.id;
        let honest = told(world, HONEST, &winner, secret).await?;
        for (behaviour, name) in [("misinform", FIRST), ("impersonate", HONEST)] {
            let arguments = ["--behaviour", behaviour].map(String::from).to_vec();
            let cluster = &world.stage.cluster;
            cluster.replace_program(FIRST, byzantine_node().await?, arguments)?;
            cluster.restart(FIRST).await?;
            same_state(&world.stage).await?;
            let lie = told(world, FIRST, &winner, secret).await?;
            ensure!(lie.components[name].is_none(), "{behaviour}: in this name");
            let pairs = lie.components.iter().zip(&honest.components);
            let mut both = pairs.filter_map(|(lie, honest)| lie.as_ref().zip(honest.as_ref()));
            ensure!(both.all(|(lie, honest)| lie != honest), "{behaviour} lies");

            for (bidder, expected) in [
                (&winner, json!({"won": true, "pays": "120"})),
                (&loser, json!({"won": false, "pays": "0"})),
            ] {
                let client = world.stage.client(FIRST);
                let secrets = client.secrets(contract, bidder.address()).await?;
                let [notice] = &secrets[..] else {
                    bail!("{behaviour}: {secrets:?}");
                };
                let read = client.read_secret(bidder, notice).await;
                let read = read.wrap_err(behaviour)?;
                let read = to_json(&read.ty, &read.value)?;
                ensure!(read == expected, "{behaviour}: {read} for {expected}");
            }
        }
        Ok(())
    });
    played.await
}

/// An auction that is over, with a notice for both who bid; the first has won, and pays what the
/// second bid.
async fn an_auction(world: &World) -> Result<(Address, [UserKey; 2])> {
    const OPEN: u64 = 3_600;
    let client = world.stage.client(FIRST);
    let key = || UserKey::random(&mut rand::rng());
    let closes = client.status().await?.time + OPEN;
    let deployment = Deployment {
        salt: B256::ZERO,
        init: (100_u64, closes).abi_encode_params().into(),
        code: fs::read(Builds::new().contract("auction-contract").await?)?.into(),
    };
    let contract = client.deploy(&key(), &deployment).await?;
    let bidders = [key(), key()];
    for (bidder, price) in bidders.iter().zip([450_u64, 120]) {
        let price = [Value::from(price)];
        let bid = client.submit_input(bidder, contract, "bid", &[], &price);
        client.wait_accepted(bid.await?, PATIENCE).await?;
    }
    advance_to(&world.stage, closes).await?;
    let sale = computation_id(contract, 0);
    until("the end of the auction by its timer", async || {
        Ok(client.computation(sale).await?.map(|_| ()))
    })
    .await?;
    client.wait_computation(sale, PATIENCE).await?;
    Ok((contract, bidders))
}

/// What one node says that it holds of a secret, as soon as it has it.
async fn told(world: &World, node: usize, owner: &UserKey, id: B256) -> Result<Components> {
    let read_key = ReadKey::random(&mut rand::rng());
    let public_key = read_key.public();
    let expires = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs() + 600;
    let chain_id = world.stage.cluster.committee().chain_id;
    let request = ReadRequest {
        public_key,
        expires,
        signature: owner.sign_digest(read::digest(chain_id, id, public_key, expires)),
    };
    let client = &world.stage.direct[node];
    let answer: SecretAnswer = until("what a node holds of a secret", async || {
        let answer = client.request("quartet_readSecret", (id, request)).await;
        Ok(answer.ok())
    })
    .await?;
    Ok(read_key.open(id, &answer)?)
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
