//! Each side names exactly one program on the other: a wrong voter list is refused on L2 and spoils
//! nothing, and results of another contract, code or list are refused on L1 although three nodes
//! signed them.

use std::{fs, sync::Arc};

use alloy::{
    primitives::{Address, B256},
    sol_types::{SolCall, SolError as _, SolInterface as _, SolValue as _},
};
use client::{UserKey, electorate::Tree};
use eyre::{Result, bail, ensure};
use system_tests::World;
use voting::{
    ballots, count,
    electorate::{self, Electorate},
    l1::Voting,
    result::submission,
    stage::{Contracts, Programs, Stage},
};
use wire::{attestation::submitCall, transaction::Deployment};

alloy::sol! {
    function addVoters(uint32 index, address[] voters, bytes32[] proof);
    error NotInElectorate();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_list_is_refused_and_the_right_one_still_goes_through() -> Result<()> {
    World::without_list(6)
        .await?
        .play(async |world| {
            // A hostile carrier comes first, with voters of its own and proofs that fit them.
            let carrier = UserKey::random(&mut rand::rng());
            let own = vec![carrier.address()];
            let tree = Tree::of_batches([own.as_slice()])?;
            let right: Vec<Address> = world.electorate.batches().flatten().copied().collect();
            let mut one_more = right.clone();
            one_more.push(carrier.address());
            let right_proof = world.electorate.tree().proof(0)?.to_vec();
            for (what, index, voters, proof) in [
                ("another list", 0, own.clone(), tree.proof(0)?.to_vec()),
                (
                    "another list under the right proof",
                    0,
                    own,
                    right_proof.clone(),
                ),
                ("one voter more", 0, one_more, right_proof.clone()),
                (
                    "one voter less",
                    0,
                    right[1..].to_vec(),
                    right_proof.clone(),
                ),
                ("another place", 1, right.clone(), right_proof.clone()),
                ("a short proof", 0, right, right_proof[1..].to_vec()),
            ] {
                let call = addVotersCall {
                    index,
                    voters,
                    proof,
                }
                .abi_encode();
                let sent =
                    world
                        .stage
                        .client(0)
                        .send(&carrier, world.stage.contracts.l2, call.into());
                match sent.await {
                    Err(client::ClientError::Reverted { data, .. }) => {
                        ensure!(
                            data[..] == NotInElectorate {}.abi_encode(),
                            "{what}: {data}"
                        );
                    }
                    other => bail!("{what} was not refused: {other:?}"),
                }
            }
            electorate::register(&world.stage, &world.electorate, &world.narrator).await?;
            Ok(())
        })
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn results_over_another_list_or_by_other_code_are_refused_on_l1() -> Result<()> {
    World::with_voters(6)
        .await?
        .play(async |world| {
            let code = fs::read(&Programs::build(false, &world.narrator).await?.contract)?;
            let theirs = Electorate::random(6)?;

            // The same code for the same poll, over another list of voters.
            let other_list = rival(&world.stage, code.clone(), &theirs).await?;
            ensure!(other_list.code_hash == world.stage.contracts.code_hash);
            // Other code (an empty custom section more) for the same poll, over the right root.
            let other_code = [code, b"\0\x06\x05rival".to_vec()].concat();
            let other_code = rival(&world.stage, other_code, &world.electorate).await?;
            ensure!(other_code.code_hash != world.stage.contracts.code_hash);

            let voter = |of: &Electorate| (Arc::clone(&of.voters()[0].key), of.voters()[0].choice);
            for (rival, (key, choice)) in [
                (&other_list, voter(&theirs)),
                (&other_code, voter(&world.electorate)),
            ] {
                vote(&world.stage, rival, &key, choice).await?;
            }
            world.pass_deadline().await?;

            for rival in [other_list, other_code] {
                ensure!(rival.l2 != world.stage.contracts.l2);
                let submission = winning(world, rival).await?;
                let answer = world.stage.voting().call_builder(&submission).call().await;
                let data = match answer {
                    Err(error) => error.as_revert_data().unwrap_or_default(),
                    Ok(_) => bail!("L1 would take the result of {}", rival.l2),
                };
                let refusal = Voting::VotingErrors::abi_decode(&data)?;
                ensure!(
                    matches!(refusal, Voting::VotingErrors::WrongContract(_)),
                    "{refusal:?}"
                );

                // Under the right contract's name the signatures no longer fit.
                let mut renamed = submission.clone();
                renamed.attestation.l2Contract = world.stage.contracts.l2;
                renamed.attestation.codeHash = world.stage.contracts.code_hash;
                renamed.attestation.context = world.stage.voting().context().call().await?;
                let answer = world.stage.voting().call_builder(&renamed).call().await;
                let data = match answer {
                    Err(error) => error.as_revert_data().unwrap_or_default(),
                    Ok(_) => bail!("L1 would take a renamed result"),
                };
                let refusal = Voting::VotingErrors::abi_decode(&data)?;
                ensure!(
                    matches!(refusal, Voting::VotingErrors::BadSignature(_)),
                    "{refusal:?}"
                );
            }
            ensure!(
                voting::result::tally(&world.stage).await.is_err(),
                "L1 has no tally"
            );
            Ok(())
        })
        .await
}

/// Deploys another contract for the same L1 poll, whose vote ends soon, and gives it its list.
async fn rival(stage: &Stage, code: Vec<u8>, electorate: &Electorate) -> Result<Contracts> {
    let client = stage.client(0);
    let deployer = UserKey::random(&mut rand::rng());
    let arguments = (
        stage.contracts.voting,
        electorate.root(),
        electorate.batch_count(),
        stage.contracts.closes,
    );
    let deployment = Deployment {
        salt: B256::ZERO,
        code: code.into(),
        init: arguments.abi_encode_params().into(),
    };
    let code_hash = deployment.code_hash();
    let l2 = client.deploy(&deployer, &deployment).await?;
    for (index, voters) in (0..).zip(electorate.batches()) {
        let proof = electorate.tree().proof(index)?.to_vec();
        let call = addVotersCall {
            index,
            voters: voters.to_vec(),
            proof,
        }
        .abi_encode();
        client.send(&deployer, l2, call.into()).await?;
    }
    Ok(Contracts {
        l2,
        code_hash,
        ..stage.contracts
    })
}

/// Votes in a rival contract, until the ballot is accepted.
async fn vote(stage: &Stage, rival: &Contracts, key: &UserKey, choice: u8) -> Result<()> {
    let client = stage.client(0);
    let nonce = client.nonce(key.address()).await?;
    let ballot = ballots::seal(client, rival, key, nonce, choice).await?;
    let id = client.send_input(&ballot).await?;
    client.wait_accepted(id, system_tests::PATIENCE).await?;
    Ok(())
}

/// Counts in a rival contract, and has three nodes sign: what would be submitted to L1.
async fn winning(world: &mut World, rival: Contracts) -> Result<submitCall> {
    let poll = std::mem::replace(&mut world.stage.contracts, rival);
    let (_, id, _) = count::start_by_stranger(&world.stage).await?;
    world.attested(id).await?;
    let checked = world.stage.client(0).certificate(id).await?;
    world.stage.contracts = poll;
    ensure!(checked.quorum.signers.len() == 3);
    Ok(submission(
        &checked.certificate.attestation,
        &checked.quorum,
    ))
}
