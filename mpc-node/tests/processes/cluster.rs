//! Four node processes, driven through JSON-RPC by alloy.

use alloy::{
    network::TransactionBuilder as _,
    primitives::{Address, B256, Bytes, U256},
    providers::{Provider, ProviderBuilder},
    rpc::types::{Filter, TransactionRequest},
    signers::local::PrivateKeySigner,
    transports::http::reqwest::Url,
};
use rand::SeedableRng as _;
use wire::{
    attestation::{Certificate, computation_id},
    rpc::{ComputationInfo, ComputationStatus, InputInfo, InputStatus, NodeStatus},
    seal_keys::SealKeys,
    sealed::{Binding, SealedInput, Seed, seal},
    transaction::Deployment,
};

use crate::{
    contract::{ballot_type, cast, deployment, selector},
    support::{CHAIN_ID, Cluster, TestResult, until},
};

pub(crate) fn url(cluster: &Cluster, node: usize) -> Url {
    match cluster.rpc(node).parse() {
        Ok(url) => url,
        Err(error) => unreachable!("an address is a URL: {error}"),
    }
}

pub(crate) fn provider(
    cluster: &Cluster,
    node: usize,
    key: &PrivateKeySigner,
) -> impl Provider + use<> {
    ProviderBuilder::new()
        .wallet(key.clone())
        .connect_http(url(cluster, node))
}

pub(crate) async fn status(cluster: &Cluster, node: usize) -> TestResult<NodeStatus> {
    let provider = ProviderBuilder::new().connect_http(url(cluster, node));
    Ok(provider.raw_request("quartet_status".into(), ()).await?)
}

/// Waits until all these nodes are at the same block, at least `height`, and returns it.
pub(crate) async fn agreed(
    cluster: &Cluster,
    nodes: &[usize],
    height: u64,
) -> TestResult<NodeStatus> {
    until("the nodes agree", || async move {
        let mut all = Vec::new();
        for node in nodes {
            all.push(status(cluster, *node).await?);
        }
        let first = all[0].clone();
        let same = all.iter().all(|s| s.block == first.block);
        if !same || first.block < height {
            return Ok(None);
        }
        for other in &all {
            assert_eq!(other.block_hash, first.block_hash);
            assert_eq!(other.state_root, first.state_root);
        }
        Ok(Some(first))
    })
    .await
}

pub(crate) async fn deploy(provider: &impl Provider, from: Address) -> TestResult<(Address, B256)> {
    deploy_this(provider, from, &deployment()?).await
}

/// Deploys a contract; tells where, and the hash of its code.
pub(crate) async fn deploy_this(
    provider: &impl Provider,
    from: Address,
    deployment: &Deployment,
) -> TestResult<(Address, B256)> {
    let request = TransactionRequest::default().with_deploy_code(deployment.encode());
    let receipt = provider
        .send_transaction(request)
        .await?
        .get_receipt()
        .await?;
    assert!(receipt.status());
    let address = receipt.contract_address.ok_or("no address")?;
    assert_eq!(address, deployment.address(from));
    Ok((address, deployment.code_hash()))
}

pub(crate) fn request(to: Address, data: impl Into<Bytes>) -> TransactionRequest {
    TransactionRequest::default()
        .to(to)
        .input(data.into().into())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_node_catches_up_and_the_others_go_on() -> TestResult {
    let mut cluster = Cluster::start().await?;
    let key = PrivateKeySigner::random();
    let first = provider(&cluster, 0, &key);
    assert_eq!(first.get_chain_id().await?, CHAIN_ID);
    let (contract, _) = deploy(&first, key.address()).await?;
    agreed(&cluster, &[0, 1, 2, 3], 1).await?;
    assert!(!first.get_code_at(contract).await?.is_empty());

    let bump = || request(contract, selector("bump()"));
    let receipt = first.send_transaction(bump()).await?.get_receipt().await?;
    assert!(receipt.status());
    assert_eq!(receipt.logs().len(), 1);
    // Through another node the same is to be seen.
    let other = provider(&cluster, 2, &key);
    agreed(&cluster, &[0, 2], receipt.block_number.ok_or("no block")?).await?;
    let seen = other
        .get_transaction_receipt(receipt.transaction_hash)
        .await?;
    assert_eq!(seen.as_ref(), Some(&receipt));
    let transaction = other
        .get_transaction_by_hash(receipt.transaction_hash)
        .await?;
    assert_eq!(
        transaction.ok_or("no transaction")?.inner.signer(),
        key.address()
    );
    assert_eq!(
        U256::from_be_slice(&other.call(bump()).await?),
        U256::from(2)
    );

    cluster.kill(3)?;
    let survivors = provider(&cluster, 1, &key);
    let mut last = 0;
    for _ in 0..3 {
        let receipt = survivors
            .send_transaction(bump())
            .await?
            .get_receipt()
            .await?;
        assert!(receipt.status());
        last = receipt.block_number.ok_or("no block")?;
    }
    let before = agreed(&cluster, &[0, 1, 2], last).await?;
    // What it was writing when it died is torn.
    let log = cluster.data(3).join("blocks.log");
    let bytes = std::fs::read(&log)?;
    std::fs::write(&log, &bytes[..bytes.len() - 7])?;
    cluster.launch(3)?;
    cluster.wait_ready(3).await?;
    let after = agreed(&cluster, &[0, 1, 2, 3], before.block).await?;

    let returned = provider(&cluster, 3, &key);
    let filter = Filter::new().address(contract).from_block(1);
    let logs = returned.get_logs(&filter).await?;
    assert_eq!(logs.len(), 4);
    assert_eq!(logs, survivors.get_logs(&filter).await?);
    assert_eq!(U256::from_be_slice(&logs[3].data().data), U256::from(4));
    // It takes part again: its own transaction gets into a block.
    let receipt = returned
        .send_transaction(bump())
        .await?
        .get_receipt()
        .await?;
    assert!(receipt.status() && receipt.block_number > Some(after.block - 1));

    // Stopped in good order, with the index lost and a byte of the log's beginning altered, it has
    // everything again: from its log, and what is lost of that from its peers.
    let receipt_before = returned
        .get_transaction_receipt(receipt.transaction_hash)
        .await?;
    cluster.stop(3).await?;
    std::fs::remove_dir_all(cluster.data(3).join("derived"))?;
    let mut bytes = std::fs::read(&log)?;
    bytes[200] ^= 1;
    std::fs::write(&log, bytes)?;
    cluster.launch(3)?;
    cluster.wait_ready(3).await?;
    agreed(&cluster, &[0, 1, 2, 3], after.block).await?;
    let returned = provider(&cluster, 3, &key);
    assert_eq!(
        returned
            .get_transaction_receipt(receipt.transaction_hash)
            .await?,
        receipt_before
    );
    Ok(())
}

/// A ballot of a new voter, sealed to these keys; `rubbish` names a node whose seal is spoilt.
pub(crate) fn ballot(
    keys: &SealKeys,
    contract: Address,
    code_hash: B256,
    sender: Address,
    choice: u8,
    rubbish: Option<usize>,
) -> TestResult<(Binding, SealedInput)> {
    let binding = Binding {
        chain_id: CHAIN_ID,
        epoch: 1,
        key_epoch: keys.epoch,
        contract,
        code_hash,
        sender,
        nonce: 0,
        input: 0,
        length: 1,
    };
    let mut random = rand::rngs::StdRng::from_seed(sender.into_word().0);
    let seeds = [0; 4].map(|_: u8| {
        use rand::Rng as _;
        let mut bytes = [0; 32];
        random.fill_bytes(&mut bytes);
        Seed::new(bytes)
    });
    let mut sealed = seal(
        keys,
        &binding,
        &ballot_type(),
        &[choice],
        &seeds,
        &mut random,
    )?;
    if let Some(node) = rubbish {
        sealed.seals[node].ciphertext[5] ^= 1;
    }
    Ok((binding, sealed))
}

#[tokio::test(flavor = "multi_thread")]
async fn ballots_are_counted_although_a_seal_is_rubbish_and_a_node_is_killed() -> TestResult {
    count_ballots(&mut Cluster::start_with(1, "").await?).await
}

/// Has ballots counted: one has a seal that is rubbish, and a node is killed and started again.
pub(crate) async fn count_ballots(cluster: &mut Cluster) -> TestResult {
    let key = PrivateKeySigner::random();
    let owner = provider(cluster, 0, &key);
    let (contract, code_hash) = deploy(&owner, key.address()).await?;
    agreed(cluster, &[0, 1, 2, 3], 1).await?;

    let mut inputs = Vec::new();
    for (voter, choice) in [1, 0, 1, 1, 9].into_iter().enumerate() {
        let voter_key = PrivateKeySigner::random();
        let rubbish = (voter == 2).then_some(1);
        let (_, sealed) = ballot(
            &SealKeys::first(&cluster.committee),
            contract,
            code_hash,
            voter_key.address(),
            choice,
            rubbish,
        )?;
        let voter = provider(cluster, voter % 4, &voter_key);
        let sent = voter
            .send_transaction(request(contract, cast(&sealed.encode())))
            .await?;
        inputs.push(*sent.tx_hash());
        assert!(sent.get_receipt().await?.status());
    }
    for input in &inputs {
        until("the ballot is accepted", || async {
            let info: Option<InputInfo> =
                owner.raw_request("quartet_input".into(), [input]).await?;
            match info.map(|info| info.status) {
                Some(InputStatus::Accepted) => Ok(Some(())),
                Some(InputStatus::Rejected { reason, .. }) => Err(reason.into()),
                _ => Ok(None),
            }
        })
        .await?;
    }

    // With the reserve that the four make when they have nothing else to do, three suffice. Node 1
    // loses all but its log. Its seal of one ballot is rubbish: it needs its peers once more.
    until("there is a reserve", || async {
        let reserve = status(cluster, 0).await?.reserve;
        Ok((reserve.bits > 0 && reserve.r64 > 0).then_some(()))
    })
    .await?;
    cluster.kill(1)?;
    for folder in ["derived", "lots", "outputs"] {
        std::fs::remove_dir_all(cluster.data(1).join(folder))?;
    }
    let close = request(contract, selector("close()"));
    assert!(
        owner
            .send_transaction(close)
            .await?
            .get_receipt()
            .await?
            .status()
    );
    let id = computation_id(contract, 0);
    let computation = || async {
        let info: Option<ComputationInfo> = owner
            .raw_request("quartet_computation".into(), [id])
            .await?;
        TestResult::Ok(info.map(|info| info.status))
    };
    let output = until("the count is attested", || async {
        Ok(match computation().await? {
            Some(ComputationStatus::Attested { output }) => Some(output),
            Some(ComputationStatus::Failed { reason, .. }) => return Err(reason.into()),
            _ => None,
        })
    })
    .await?;
    assert_eq!(U256::from_be_slice(&output), U256::from(3));
    let certificate: Option<Certificate> = owner
        .raw_request("quartet_certificate".into(), [id])
        .await?;
    let certificate = certificate.ok_or("no certificate")?;
    assert!(certificate.quorum().is_some());
    assert_eq!(certificate.attestation.inputCount, 5);
    assert_eq!(status(cluster, 0).await?.away, [1]);
    cluster.launch(1)?;
    cluster.wait_ready(1).await?;
    until("node 1 is back", || async {
        Ok(status(cluster, 3).await?.away.is_empty().then_some(()))
    })
    .await?;
    // It has its parts of the lots again, which nobody but its peers could give it.
    let lots = std::fs::read_dir(cluster.data(1).join("lots"))?.count();
    assert!(lots >= 3, "{lots} components");
    agreed(cluster, &[0, 1, 2, 3], 1).await?;
    // With node 1 it may have had no session.
    let bytes = status(cluster, 0).await?.session_bytes_sent;
    assert!(
        bytes[0] == 0 && bytes[2..].iter().all(|sent| *sent > 0),
        "{bytes:?}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn time_moves_when_asked_to() -> TestResult {
    let cluster = Cluster::start().await?;
    let key = PrivateKeySigner::random();
    let owner = provider(&cluster, 1, &key);
    let before = status(&cluster, 1).await?.time;
    let time: u64 = owner
        .raw_request("quartet_advanceTime".into(), [3600])
        .await?;
    assert!(
        (before + 3600..before + 3600 + 60).contains(&time),
        "{before} {time}"
    );
    let (_, _) = deploy(&owner, key.address()).await?;
    let block = owner
        .get_block_by_number(alloy::eips::BlockNumberOrTag::Latest)
        .await?;
    assert!(block.ok_or("no block")?.header.timestamp >= time);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_that_never_end_do_not_keep_a_node_from_its_work() -> TestResult {
    let cluster = Cluster::start().await?;
    let key = PrivateKeySigner::random();
    let owner = provider(&cluster, 0, &key);
    let (contract, _) = deploy(&owner, key.address()).await?;
    let spin = request(contract, selector("spin()")).with_from(key.address());
    let callers: Vec<_> = (0..8)
        .map(|_| {
            let provider = ProviderBuilder::new().connect_http(url(&cluster, 0));
            let spin = spin.clone();
            tokio::spawn(async move {
                let mut refused = 0u32;
                loop {
                    let answer = provider.call(spin.clone()).await;
                    let out_of_gas = answer.is_err_and(|e| e.to_string().contains("out of gas"));
                    assert!(out_of_gas, "a call without an end has an end");
                    refused += 1;
                    tokio::task::yield_now().await;
                    if refused == u32::MAX {
                        return;
                    }
                }
            })
        })
        .collect();
    // The node under load takes transactions and applies blocks as the others do.
    for _ in 0..3 {
        let bump = request(contract, selector("bump()")).with_gas_limit(1_000_000);
        let receipt = owner.send_transaction(bump).await?.get_receipt().await?;
        assert!(receipt.status());
    }
    assert!(callers.iter().all(|caller| !caller.is_finished()));
    callers.iter().for_each(tokio::task::JoinHandle::abort);
    let height = status(&cluster, 1).await?.block;
    agreed(&cluster, &[0, 1, 2, 3], height).await?;
    Ok(())
}
