//! Act 1: four nodes, a chain, a relayer, and two contracts that name each other.

use std::{
    fs,
    time::{SystemTime, UNIX_EPOCH},
};

use alloy::{
    primitives::{Address, B256},
    providers::Provider as _,
    signers::local::PrivateKeySigner,
    sol_types::SolValue as _,
};
use client::{Client, UserKey};
use devnet::{
    Cluster, ClusterOptions, PreparedCluster, RelayerProcess,
    contracts::{CommitteeContracts, deploy_committee},
    relayer::{RelayerOptions, Route},
};
use wire::{limits::NODES, transaction::Deployment};

use crate::{
    electorate::Electorate,
    error::{Doing as _, StoryError},
    l1::{L1, Voting, succeeded},
    narrate::{Narrator, bytes, grouped, seconds},
    options::Options,
    stage::{Contracts, Programs, Stage, check},
    trouble::Trouble,
};

/// How long the poll is open, in seconds of L2's clock.
pub const OPEN_SECONDS: u64 = 3_600;
/// How often the relayer looks, in milliseconds.
const RELAYER_POLL_MS: u64 = 250;
/// What the poll asks.
const QUESTION: &str = "Where shall we meet next year? 0: sea, 1: hills, 2: city";

/// Starts the nodes and the relayer, and deploys both sides of the poll.
///
/// # Errors
/// [`StoryError`]; whatever was started is stopped.
pub async fn raise(
    l1: L1,
    options: &Options,
    programs: &Programs,
    electorate: &Electorate,
    narrator: &Narrator,
) -> Result<Stage, StoryError> {
    let kind = match &l1.embedded {
        Some(_) => "An EVM chain of our own",
        None => "The EVM chain that was given",
    };
    narrator.say(format!(
        "{kind} is the L1: {}, chain {}.",
        l1.url, l1.chain_id
    ));

    let mut cluster_options = ClusterOptions::new(programs.node.clone());
    cluster_options.directory.clone_from(&options.directory);
    cluster_options.round_timeout_ms = options.round_timeout_ms;
    cluster_options.tools.clone_from(&options.tools);
    cluster_options.not_started = options.trouble.and_then(Trouble::not_started);
    cluster_options.reserve_lots = options.reserve_lots;
    cluster_options.refresh_ms = options.refresh_ms;
    let prepared = PreparedCluster::new(cluster_options)?;
    let nodes = prepared.addresses();
    let committee = deploy_committee(&l1.provider, l1.chain_id, nodes).await?;
    narrator.say(format!(
        "L1 knows the four nodes by their addresses, and a verifier that asks for three of their \
         signatures (L1 block {}, {} gas).",
        committee.block,
        grouped(committee.gas),
    ));
    narrator.whisper(format!("committee {}", committee.committee));
    narrator.whisper(format!("verifier  {}", committee.l1.verifier));

    let cluster = start(prepared, &committee, narrator).await?;
    match furnish(l1, cluster, programs, electorate, &committee, narrator).await {
        Ok(stage) => Ok(stage),
        Err((mut cluster, error)) => {
            narrator.logs_kept(&cluster.keep_directory());
            Err(error)
        }
    }
}

async fn start(
    prepared: PreparedCluster,
    committee: &CommitteeContracts,
    narrator: &Narrator,
) -> Result<Cluster, StoryError> {
    let begin = narrator.elapsed();
    let cluster = prepared.start(committee.l1).await?;
    let running = (0..NODES).filter(|node| cluster.process_id(*node).is_some());
    let count = match running.count() {
        NODES => "Four",
        _ => "Three of four",
    };
    narrator.say(format!(
        "{count} nodes run, each a process with keys of its own; together they are the L2, chain {} \
         ({}).",
        cluster.committee().chain_id,
        seconds(narrator.elapsed().saturating_sub(begin)),
    ));
    for (node, of) in cluster.committee().nodes.iter().enumerate() {
        let url = cluster.rpc_url(node);
        narrator.whisper(format!("node {node}  {url}  {}", of.address));
    }
    narrator.whisper(format!("files   {}", cluster.directory().display()));
    Ok(cluster)
}

/// Puts the poll on both chains and starts the relayer. Gives the cluster back when that fails.
async fn furnish(
    l1: L1,
    cluster: Cluster,
    programs: &Programs,
    electorate: &Electorate,
    committee: &CommitteeContracts,
    narrator: &Narrator,
) -> Result<Stage, (Cluster, StoryError)> {
    let furniture = async {
        let (clients, direct) = (clients(&cluster, NODES)?, clients(&cluster, 1)?);
        let contracts =
            deploy_poll(&l1, &clients[0], programs, electorate, committee, narrator).await?;
        let relayer = start_relayer(&l1, &cluster, programs, &contracts)?;
        narrator.say("The relayer runs, with a key that has no power but to pay for gas.");
        Ok::<_, StoryError>((clients, direct, contracts, relayer))
    };
    match furniture.await {
        Ok((clients, direct, contracts, relayer)) => Ok(Stage {
            clients,
            direct,
            contracts,
            relayer,
            cluster,
            l1,
        }),
        Err(error) => Err((cluster, error)),
    }
}

/// For each node a client that asks it first, and in turn so many nodes in all. All believe the
/// committee file alone.
fn clients(cluster: &Cluster, nodes: usize) -> Result<[Client; NODES], StoryError> {
    let mut clients = Vec::with_capacity(NODES);
    for first in 0..NODES {
        let mut urls = cluster.rpc_urls();
        urls.rotate_left(first);
        let client = Client::connect_any(&urls[..nodes]).doing("connecting to the nodes")?;
        clients.push(client.pinned(cluster.committee().clone()));
    }
    let four = |_| StoryError::Options("there are not four nodes".into());
    clients.try_into().map_err(four)
}

fn start_relayer(
    l1: &L1,
    cluster: &Cluster,
    programs: &Programs,
    contracts: &Contracts,
) -> Result<RelayerProcess, StoryError> {
    Ok(RelayerProcess::start(RelayerOptions {
        program: programs.relayer.clone(),
        directory: cluster.directory().join("relayer"),
        l1_urls: vec![l1.url.clone()],
        l1_key: l1.relayer.clone(),
        confirmations: l1.confirmations,
        l2_urls: cluster.rpc_urls().to_vec(),
        l2_key: PrivateKeySigner::random(),
        committee: cluster.committee_file(),
        routes: vec![Route {
            l1_app: contracts.voting,
            l2_contract: contracts.l2,
            electorate: true,
            from_block: contracts.voting_block,
        }],
        poll_ms: RELAYER_POLL_MS,
    })?)
}

/// Deploys the two contracts of the poll. Each names the other: the L1 contract's address follows
/// from the opener's nonce, the L2 contract's from its code and arguments.
async fn deploy_poll(
    l1: &L1,
    client: &Client,
    programs: &Programs,
    electorate: &Electorate,
    committee: &CommitteeContracts,
    narrator: &Narrator,
) -> Result<Contracts, StoryError> {
    let nonce = l1.provider.get_transaction_count(l1.opener).pending().await;
    let voting = l1
        .opener
        .create(nonce.doing("asking L1 for the opener's nonce")?);
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH);
    let closes = since_epoch.unwrap_or_default().as_secs() + OPEN_SECONDS;
    let arguments = (voting, electorate.root(), electorate.batch_count(), closes);
    let (l2, code_hash) =
        deploy_on_l2(client, programs, &arguments.abi_encode_params(), narrator).await?;
    let mut contracts = Contracts {
        committee: committee.committee,
        verifier: committee.l1.verifier,
        voting,
        voting_block: 0,
        l2,
        code_hash,
        closes,
    };
    let chain_id = client.chain_id().await.doing("reading the committee")?;
    contracts.voting_block = deploy_on_l1(l1, chain_id, &contracts, narrator).await?;
    Ok(contracts)
}

/// Deploys the confidential contract with these encoded arguments; its address and code hash.
async fn deploy_on_l2(
    client: &Client,
    programs: &Programs,
    arguments: &[u8],
    narrator: &Narrator,
) -> Result<(Address, B256), StoryError> {
    let code = fs::read(&programs.contract).map_err(|source| StoryError::Code {
        path: programs.contract.clone(),
        source,
    })?;
    let opener = UserKey::random(&mut rand::rng());
    let deployment = Deployment {
        salt: B256::ZERO,
        init: arguments.to_vec().into(),
        code: code.into(),
    };
    let (address, code_hash) = (deployment.address(opener.address()), deployment.code_hash());
    let receipt = client.deploy_with_receipt(&opener, &deployment).await;
    let receipt = receipt.doing("deploying the confidential contract on L2")?;
    let info = client
        .contract(address)
        .await
        .doing("reading the contract on L2")?;
    check(
        "the code hash of the L2 contract",
        code_hash,
        info.code_hash,
    )?;
    narrator.say(format!(
        "The confidential contract is on L2: {} of WASM, fixed to its L1 poll and to the root of \
         the voter list (L2 block {}).",
        bytes(deployment.code.len() as u64),
        receipt.block_number.unwrap_or_default(),
    ));
    narrator.whisper(format!("L2 contract {address}"));
    narrator.whisper(format!("code hash   {code_hash}"));
    Ok((address, code_hash))
}

/// Deploys the poll where it was foretold; its block.
async fn deploy_on_l1(
    l1: &L1,
    l2_chain_id: u64,
    contracts: &Contracts,
    narrator: &Narrator,
) -> Result<u64, StoryError> {
    let doing = "deploying the poll on L1";
    let sent = Voting::deploy_builder(
        &l1.provider,
        contracts.verifier,
        l2_chain_id,
        contracts.l2,
        contracts.code_hash,
        QUESTION.to_owned(),
        contracts.closes,
    );
    let sent = sent.send().await.doing(doing)?;
    let receipt = sent.get_receipt().await.doing(doing)?;
    succeeded(&receipt, doing)?;
    let actual = receipt.contract_address.unwrap_or_default();
    if actual != contracts.voting {
        return Err(StoryError::Misplaced {
            what: "poll on L1",
            expected: contracts.voting,
            actual,
        });
    }
    let block = receipt.block_number.unwrap_or_default();
    let gas = grouped(receipt.gas_used);
    narrator.say(format!(
        "The poll is on L1, and takes results of that L2 contract and code alone (L1 block \
         {block}, {gas} gas)."
    ));
    narrator.whisper(format!("L1 poll {actual}"));
    Ok(block)
}
