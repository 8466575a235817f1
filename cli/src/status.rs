//! `quartet status`: how a cluster is doing, as its nodes say.

use std::collections::BTreeSet;

use alloy::{primitives::Address, rpc::types::Filter};
use client::{Client, ClientError};
use wire::{
    committee::Committee,
    rpc::{AttemptStage, ComputationInfo, ComputationStatus, NodeStatus, ReserveAmounts},
};

use crate::{error::CliError, show};

/// Blocks that are searched for contracts.
const SEARCH_BLOCKS: u64 = 5_000;

/// Options of `quartet status`.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// JSON-RPC of a node; may be given several times.
    #[arg(
        long,
        value_name = "URL",
        env = "QUARTET_RPC",
        value_delimiter = ',',
        default_value = "http://127.0.0.1:7545"
    )]
    rpc: Vec<String>,
    /// Contracts whose computations are shown; without it, those with recent events.
    #[arg(long, value_name = "ADDRESS")]
    contract: Vec<Address>,
}

/// Asks and prints.
pub(crate) async fn run(options: Options) -> Result<(), CliError> {
    let mut answers = Vec::new();
    for url in &options.rpc {
        let client = Client::connect(url)?;
        let status = client.status().await;
        answers.push((url.as_str(), client, status));
    }
    let Some((_, client, Ok(_))) = answers.iter().find(|(_, _, status)| status.is_ok()) else {
        let why = answers.into_iter().find_map(|(_, _, status)| status.err());
        return Err(why.map_or_else(
            || CliError::Unhealthy("no node was named".into()),
            Into::into,
        ));
    };
    print!("{}", describe_committee(client.committee().await?));
    let rows = answers.iter().map(|(url, _, status)| node_row(url, status));
    let head = [
        "node",
        "JSON-RPC",
        "version",
        "block",
        "hash",
        "state",
        "connected",
        "waiting",
        "computations",
    ];
    let rows: Vec<_> = std::iter::once(head.map(str::to_owned).to_vec())
        .chain(rows)
        .collect();
    print!("\nNodes\n{}", show::table(&rows));
    let known = answers
        .iter()
        .filter_map(|(_, _, status)| status.as_ref().ok());
    print!("\nTogether\n{}", describe_together(known));
    let computations = computations(client, &options.contract).await?;
    print!("\nComputations\n{}", describe_computations(&computations));
    verdict(&answers)
}

fn describe_committee(committee: &Committee) -> String {
    let Committee {
        chain_id,
        epoch,
        dev,
        l1,
        nodes,
        ..
    } = committee;
    let kind = if *dev { ", for development" } else { "" };
    let nodes = nodes.iter().enumerate();
    let nodes =
        nodes.map(|(i, node)| vec![i.to_string(), node.address.to_string(), node.listen.clone()]);
    let head = ["node", "address", "listens at"]
        .map(str::to_owned)
        .to_vec();
    let rows: Vec<_> = std::iter::once(head).chain(nodes).collect();
    format!(
        "Committee of chain {chain_id}, epoch {epoch}{kind}; L1 chain {}, verifier {}\n{}",
        l1.chain_id,
        l1.verifier,
        show::table(&rows)
    )
}

fn node_row(url: &str, status: &Result<NodeStatus, ClientError>) -> Vec<String> {
    match status {
        Ok(status) => vec![
            status.node.to_string(),
            url.to_owned(),
            status.version.clone(),
            status.block.to_string(),
            show::short(status.block_hash),
            show::short(status.state_root),
            show::parties(&status.connected),
            format!(
                "{} transactions, {} inputs",
                status.pending_transactions, status.pending_inputs
            ),
            status.running_computations.to_string(),
        ],
        Err(_) => vec!["?".into(), url.to_owned(), "no answer".into()],
    }
}

/// The computations of these contracts, or of those with recent events.
async fn computations(
    client: &Client,
    contracts: &[Address],
) -> Result<Vec<ComputationInfo>, CliError> {
    let contracts = if contracts.is_empty() {
        let head = client.block_number().await?;
        let filter = Filter::new().from_block(head.saturating_sub(SEARCH_BLOCKS));
        let logs = client.logs(filter).await?;
        logs.iter()
            .map(|log| log.address())
            .collect::<BTreeSet<_>>()
    } else {
        contracts.iter().copied().collect()
    };
    let mut computations = Vec::new();
    for contract in contracts {
        computations.extend(client.computations(contract).await?);
    }
    Ok(computations)
}

fn describe_computations(computations: &[ComputationInfo]) -> String {
    if computations.is_empty() {
        return "  none\n".into();
    }
    let head = ["contract", "computation", "block", "inputs", "status"];
    let rows = computations.iter().map(|c| {
        let inputs = c
            .input_count
            .map_or_else(|| "?".into(), |count| count.to_string());
        vec![
            c.contract.to_string(),
            format!("{} {}", c.index, c.name),
            c.started_in.to_string(),
            inputs,
            describe_status(&c.status),
        ]
    });
    let rows: Vec<_> = std::iter::once(head.map(str::to_owned).to_vec())
        .chain(rows)
        .collect();
    show::table(&rows)
}

/// What the log says about the nodes and their reserve, as the node says that is ahead.
fn describe_together<'a>(known: impl Iterator<Item = &'a NodeStatus>) -> String {
    let Some(status) = known.max_by_key(|status| status.block) else {
        return String::new();
    };
    let mut text = format!(
        "  away      {}\n  reserve   {}\n",
        show::parties(&status.away),
        describe_amounts(&status.reserve)
    );
    if status.contradictions.is_empty() {
        text.push_str("  contradictions  none\n");
        return text;
    }
    text.push_str("  contradictions: of each pair one node lied\n");
    let head = ["nodes", "block", "job", "attempt", "about"].map(str::to_owned);
    let rows = status.contradictions.iter().map(|found| {
        vec![
            show::pairs(&[found.pair]),
            found.block.to_string(),
            show::short(found.job),
            found.attempt.to_string(),
            found.about.clone(),
        ]
    });
    let rows: Vec<_> = std::iter::once(head.to_vec()).chain(rows).collect();
    text.push_str(&show::table(&rows));
    text
}

fn describe_amounts(amounts: &ReserveAmounts) -> String {
    let ReserveAmounts {
        bits,
        r64,
        r128,
        seeds,
    } = amounts;
    format!("{bits} bit triples, {r64} of 64 bits, {r128} of 128 bits, {seeds} seeds")
}

pub(crate) fn describe_status(status: &ComputationStatus) -> String {
    match status {
        ComputationStatus::Waiting {
            missing: Some(missing),
            ..
        } => format!(
            "waits for the reserve: {} missing",
            describe_amounts(missing)
        ),
        ComputationStatus::Waiting { undecided: 0, .. } => "waits for its turn".into(),
        ComputationStatus::Waiting { undecided, .. } => {
            format!("waits for the verdict on {undecided} inputs")
        }
        ComputationStatus::Running {
            attempt,
            stage,
            absent,
            suspected,
        } => {
            let stage = match stage {
                AttemptStage::Joining => "nodes join",
                AttemptStage::Running => "runs",
                AttemptStage::Disputed => "disputed",
                AttemptStage::Opening => "opens its result",
            };
            let mut text = format!("{stage}, attempt {attempt}");
            if let Some(absent) = absent {
                text.push_str(&format!(", without node {absent}"));
            }
            if !suspected.is_empty() {
                text.push_str(&format!("; suspected: {}", show::pairs(suspected)));
            }
            text
        }
        ComputationStatus::Opened { signatures, .. } => format!("opened, {signatures} signatures"),
        ComputationStatus::Attested { .. } => "signed by three".into(),
        ComputationStatus::Failed { reason, .. } => format!("failed: {reason}"),
    }
}

/// Whether all nodes answered and none contradicts another.
fn verdict(answers: &[(&str, Client, Result<NodeStatus, ClientError>)]) -> Result<(), CliError> {
    let silent: Vec<_> = answers
        .iter()
        .filter(|(_, _, s)| s.is_err())
        .map(|a| a.0)
        .collect();
    if !silent.is_empty() {
        return Err(CliError::Unhealthy(format!(
            "no answer from {}",
            silent.join(", ")
        )));
    }
    let known: Vec<_> = answers
        .iter()
        .filter_map(|(_, _, status)| status.as_ref().ok())
        .collect();
    match contradiction(&known) {
        None => Ok(()),
        Some((a, b, block)) => Err(CliError::Unhealthy(format!(
            "nodes {a} and {b} have different blocks {block}: one of them is wrong or lies"
        ))),
    }
}

/// Two nodes with different blocks, or states, of the same number.
fn contradiction(known: &[&NodeStatus]) -> Option<(u8, u8, u64)> {
    known.iter().enumerate().find_map(|(place, a)| {
        let differs = |b: &&&NodeStatus| {
            a.block == b.block && (a.block_hash, a.state_root) != (b.block_hash, b.state_root)
        };
        let other = known.iter().skip(place + 1).find(differs)?;
        Some((a.node, other.node, a.block))
    })
}

#[cfg(test)]
mod tests {
    use alloy::primitives::B256;
    use wire::rpc::Contradiction;

    use super::*;

    fn status(node: u8, block: u64, hash: u8) -> NodeStatus {
        NodeStatus {
            node,
            address: Address::ZERO,
            version: "0".into(),
            block,
            block_hash: B256::repeat_byte(hash),
            state_root: B256::ZERO,
            time: 0,
            connected: vec![],
            pending_transactions: 0,
            pending_inputs: 0,
            running_computations: 0,
            away: vec![],
            reserve: ReserveAmounts::default(),
            contradictions: vec![],
            session_bytes_sent: [0; 4],
            swarm_bytes_sent: [0; 4],
        }
    }

    #[test]
    fn nodes_that_lag_do_not_contradict_and_forks_do() {
        let (a, b, c) = (status(0, 5, 1), status(1, 4, 2), status(2, 5, 1));
        assert_eq!(contradiction(&[&a, &b, &c]), None);
        let fork = status(3, 5, 9);
        assert_eq!(contradiction(&[&a, &b, &c, &fork]), Some((0, 3, 5)));
    }

    #[test]
    fn suspicion_is_shown() {
        let mut running = ComputationStatus::Running {
            attempt: 2,
            stage: AttemptStage::Running,
            absent: Some(3),
            suspected: vec![[1, 3], [2, 3]],
        };
        assert_eq!(
            describe_status(&running),
            "runs, attempt 2, without node 3; suspected: 1 or 3, 2 or 3"
        );
        running = ComputationStatus::Running {
            attempt: 0,
            stage: AttemptStage::Joining,
            absent: None,
            suspected: vec![],
        };
        assert_eq!(describe_status(&running), "nodes join, attempt 0");
        let missing = Some(ReserveAmounts {
            bits: 64,
            ..ReserveAmounts::default()
        });
        let waiting = ComputationStatus::Waiting {
            undecided: 0,
            missing,
        };
        assert!(describe_status(&waiting).contains("64 bit triples"));
    }

    #[test]
    fn what_the_log_says_comes_from_the_node_that_is_ahead() {
        let (behind, mut ahead) = (status(0, 4, 1), status(1, 5, 2));
        ahead.away = vec![2];
        ahead.contradictions = vec![Contradiction {
            job: B256::repeat_byte(7),
            attempt: 1,
            pair: [0, 3],
            block: 4,
            about: "a stream".into(),
        }];
        let text = describe_together([&ahead, &behind].into_iter());
        assert!(text.contains("away      2\n"), "{text}");
        assert!(
            text.contains("0 or 3  4      0x07070707…  1        a stream"),
            "{text}"
        );
        let text = describe_together([&behind].into_iter());
        assert!(text.contains("contradictions  none"), "{text}");
        assert_eq!(describe_together(std::iter::empty()), "");
    }
}
