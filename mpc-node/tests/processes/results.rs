//! Results that stay secret: each user reads theirs, what a contract keeps feeds the next computation,
//! with a node down and after a key epoch.

use std::time::{SystemTime, UNIX_EPOCH};

use alloy::{
    primitives::{Address, B256, U256},
    providers::Provider,
    signers::{SignerSync as _, local::PrivateKeySigner},
};
use wire::{
    attestation::computation_id,
    limits::REFRESH_MS,
    read::{self, Components, ReadKey, ReadRequest, SecretAnswer},
    rpc::{ComputationInfo, ComputationStatus, InputInfo, InputStatus, SealKeysInfo, SecretInfo},
    seal_keys::SealKeys,
    signing::Signature,
};

use crate::{
    cluster::{agreed, ballot, deploy_this, provider, request, status},
    contract::{bank_deployment, cast, note_type, selector},
    support::{CHAIN_ID, Cluster, TestResult, until},
};

const ALL: [usize; 4] = [0, 1, 2, 3];

struct Voter {
    key: PrivateKeySigner,
    choice: u8,
}

async fn vote(
    cluster: &Cluster,
    (contract, code_hash): (Address, B256),
    voter: &Voter,
) -> TestResult {
    let provider = provider(cluster, 0, &voter.key);
    let keys = SealKeys::first(&cluster.committee);
    let sender = voter.key.address();
    let (_, sealed) = ballot(&keys, contract, code_hash, sender, voter.choice, None)?;
    let sent = provider
        .send_transaction(request(contract, cast(&sealed.encode())))
        .await?;
    let id = *sent.tx_hash();
    assert!(sent.get_receipt().await?.status());
    until("the ballot is accepted", || async {
        let info: Option<InputInfo> = provider.raw_request("quartet_input".into(), [id]).await?;
        Ok(info.and_then(|info| (info.status == InputStatus::Accepted).then_some(())))
    })
    .await
}

/// Starts the computation, waits until it is attested, and returns what it opened.
async fn settle(cluster: &Cluster, contract: Address, index: u64) -> TestResult<u64> {
    let owner = provider(cluster, 0, &PrivateKeySigner::random());
    let close = request(contract, selector("close()"));
    let receipt = owner.send_transaction(close).await?.get_receipt().await?;
    assert!(receipt.status());
    let id = computation_id(contract, index);
    let output = until("the computation is attested", || async {
        let info: Option<ComputationInfo> = owner
            .raw_request("quartet_computation".into(), [id])
            .await?;
        Ok(match info.map(|info| info.status) {
            Some(ComputationStatus::Attested { output }) => Some(output),
            Some(ComputationStatus::Failed { reason, .. }) => return Err(reason.into()),
            _ => None,
        })
    })
    .await?;
    Ok(U256::from_be_slice(&output).to())
}

async fn secrets(
    cluster: &Cluster,
    node: usize,
    contract: Address,
    owner: Address,
) -> TestResult<Vec<SecretInfo>> {
    let provider = provider(cluster, node, &PrivateKeySigner::random());
    let of = (contract, owner);
    Ok(provider
        .raw_request("quartet_getSecrets".into(), of)
        .await?)
}

fn sign(
    key: &PrivateKeySigner,
    id: B256,
    read_key: &ReadKey,
    seconds: u64,
) -> TestResult<ReadRequest> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let (public_key, expires) = (read_key.public(), now + seconds - 100);
    let signature = key.sign_hash_sync(&read::digest(CHAIN_ID, id, public_key, expires))?;
    Ok(ReadRequest {
        public_key,
        expires,
        signature: Signature {
            r: signature.r().into(),
            s: signature.s().into(),
            y_odd: signature.v(),
        },
    })
}

/// A node's components of a secret.
async fn ask(
    cluster: &Cluster,
    node: usize,
    key: &PrivateKeySigner,
    id: B256,
) -> TestResult<Components> {
    let read_key = ReadKey::random(&mut rand::rng());
    let request = sign(key, id, &read_key, 200)?;
    let provider = provider(cluster, node, key);
    let answer: SecretAnswer = provider
        .raw_request("quartet_readSecret".into(), (id, request))
        .await?;
    assert_eq!(usize::from(answer.node), node);
    assert!(ReadKey::random(&mut rand::rng()).open(id, &answer).is_err());
    Ok(read_key.open(id, &answer)?)
}

/// A voter's secret with this number, from these nodes.
async fn read(
    cluster: &Cluster,
    nodes: &[usize],
    contract: Address,
    voter: &Voter,
    number: usize,
) -> TestResult<u8> {
    let secrets = secrets(cluster, nodes[0], contract, voter.key.address()).await?;
    let id = secrets.get(number).ok_or("no such secret")?.id;
    let mut held = Vec::new();
    for node in nodes {
        held.push(ask(cluster, *node, &voter.key, id).await?);
    }
    // No node has it alone; any two have all of it.
    for (one, node) in held.iter().zip(nodes) {
        assert_eq!(one.components[*node], None);
        assert_eq!(read::combine(&note_type(), std::slice::from_ref(one)), None);
    }
    let value = read::combine(&note_type(), &held).ok_or("the nodes do not agree")?;
    let both = held[0].components.iter().zip(&held[1].components);
    let all: Option<Vec<u8>> = both
        .map(|(a, b)| Some(a.as_ref().or(b.as_ref())?[0]))
        .collect();
    let sum = all
        .ok_or("a component is missing")?
        .into_iter()
        .fold(0, u8::wrapping_add);
    assert_eq!(sum, value[0]);
    Ok(value[0])
}

#[tokio::test(flavor = "multi_thread")]
async fn owners_read_theirs_and_what_is_kept_feeds_the_next_computation() -> TestResult {
    let mut cluster = Cluster::start_with(1, "").await?;
    let key = PrivateKeySigner::random();
    let bank = deploy_this(
        &provider(&cluster, 0, &key),
        key.address(),
        &bank_deployment()?,
    )
    .await?;
    let contract = bank.0;
    agreed(&cluster, &ALL, 1).await?;
    let voters = [3, 5, 7].map(|choice| Voter {
        key: PrivateKeySigner::random(),
        choice,
    });
    for voter in &voters {
        vote(&cluster, bank, voter).await?;
    }
    assert_eq!(settle(&cluster, contract, 0).await?, 0);
    agreed(&cluster, &ALL, 1).await?;
    for voter in &voters {
        assert_eq!(
            read(&cluster, &ALL, contract, voter, 0).await?,
            2 * voter.choice
        );
    }

    // Nobody else reads it, nor for ever, and nobody reads what the contract keeps.
    let id = secrets(&cluster, 1, contract, voters[0].key.address()).await?[0].id;
    let stranger = ask(&cluster, 1, &voters[1].key, id).await.unwrap_err();
    assert!(
        stranger.to_string().contains("not signed by the owner"),
        "{stranger}"
    );
    for seconds in [50, 100_000] {
        let read_key = ReadKey::random(&mut rand::rng());
        let request = sign(&voters[0].key, id, &read_key, seconds)?;
        let provider = provider(&cluster, 1, &key);
        let answer =
            provider.raw_request::<_, SecretAnswer>("quartet_readSecret".into(), (id, request));
        let refused = answer.await.unwrap_err().to_string();
        assert!(refused.contains("expired"), "{refused}");
    }
    let kept = secrets(&cluster, 2, contract, contract).await?;
    assert_eq!(kept.len(), 1);
    assert!(ask(&cluster, 2, &key, kept[0].id).await.is_err());

    // With a node down, which gets later what it lacks.
    cluster.kill(3)?;
    assert_eq!(settle(&cluster, contract, 1).await?, 15);
    for voter in &voters {
        assert_eq!(
            read(&cluster, &[0, 1, 2], contract, voter, 1).await?,
            2 * voter.choice
        );
    }
    cluster.launch(3)?;
    cluster.wait_ready(3).await?;
    until("node 3 is back", || async {
        Ok(status(&cluster, 0).await?.away.is_empty().then_some(()))
    })
    .await?;
    agreed(&cluster, &ALL, 1).await?;
    until("node 3 has what was made without it", || async {
        Ok(read(&cluster, &[3, 0, 1], contract, &voters[2], 1)
            .await
            .ok())
    })
    .await?;

    // After a key epoch they are there, shared anew.
    let seconds = REFRESH_MS / 1_000 + 60;
    let _: u64 = provider(&cluster, 1, &key)
        .raw_request("quartet_advanceTime".into(), [seconds])
        .await?;
    for node in ALL {
        until("the inputs are shared anew", || async {
            let provider = provider(&cluster, node, &key);
            let info: SealKeysInfo = provider.raw_request("quartet_sealKeys".into(), ()).await?;
            Ok((info.sharing == 1).then_some(()))
        })
        .await?;
    }
    for voter in &voters {
        assert_eq!(
            read(&cluster, &ALL, contract, voter, 0).await?,
            2 * voter.choice
        );
    }
    // 15, and the 15 of before.
    assert_eq!(settle(&cluster, contract, 2).await?, 30);
    Ok(())
}
