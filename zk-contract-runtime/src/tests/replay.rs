//! The same blocks give the same state.

use rand::{RngExt, seq::SliceRandom};
use wire::node_transaction::{NodeMessage, StopReason};

use super::*;
use crate::{Job, JobTask, Ranges, Stage};

/// What some nodes compute: mostly the same.
const RESULTS: [[u64; 3]; 2] = [[1, 2, 3], [9, 9, 9]];

/// What a node says about a job, right or wrong.
fn about(chain: &mut Chain, job: B256, node: u8) -> Vec<NodeMessage> {
    let current = chain.runtime.job(job).unwrap();
    let attempt = match chain.rng.random_range(0..20) {
        0 => current.attempt.wrapping_sub(1),
        1 => current.attempt + 1,
        _ => current.attempt,
    };
    let values = RESULTS[usize::from(chain.rng.random_bool(0.05))];
    let components = [0, 1, 2, 3].map(|_| chain.rng.random_range(0..4));
    let digest = B256::repeat_byte(chain.rng.random_range(0..2));
    let [mut sender, mut backup, peer] = [0; 3].map(|_: u8| chain.rng.random_range(0..5));
    if chain.rng.random_bool(0.8) {
        [sender, backup] = [(node + 1) % 4, (node + 2) % 4];
    }
    // Little stands in the way of lots, so that some are made.
    let lot = matches!(current.task, JobTask::Produce { .. });
    let [joins, votes] = if lot { [0.95, 0.95] } else { [0.6, 0.3] };
    let reason = match chain.rng.random_range(0..8) {
        0 => StopReason::Silence { peer },
        1 => StopReason::BadFrame { peer },
        2 => StopReason::Local,
        3 => StopReason::Spoiled,
        _ => StopReason::Mismatch {
            round: 1,
            sender,
            backup,
            digest,
        },
    };
    let mut messages = Vec::new();
    for (message, probability) in [
        (
            NodeMessage::Join {
                job,
                attempt,
                nonce: nonce(node, attempt),
            },
            joins,
        ),
        (ready(job, attempt, node, &values), votes),
        (open(job, &components, &values), 0.5),
        (
            NodeMessage::Statement {
                job,
                attempt,
                digest,
            },
            0.5,
        ),
        (stop(job, attempt, reason), 0.05),
    ] {
        if chain.rng.random_bool(probability) {
            messages.push(message);
        }
    }
    messages
}

/// Nodes' statements about inputs and computations, some of them nonsense.
fn statements(chain: &mut Chain, inputs: &[B256]) -> Vec<(u8, Vec<NodeMessage>)> {
    let mut nodes = Vec::new();
    for node in 0..4u8 {
        let mut messages = Vec::new();
        for id in inputs {
            let inputs = vec![*id];
            match chain.rng.random_range(0..10) {
                0..3 => messages.push(NodeMessage::Missing { inputs }),
                3..8 => messages.push(NodeMessage::Hold { inputs }),
                _ => {}
            }
        }
        for job in chain.runtime.jobs() {
            messages.extend(about(chain, job, node));
        }
        for computation in chain.runtime.unfinished_computations() {
            if let Some(attestation) = chain.runtime.attestation(computation) {
                let digest = attestation.digest(&chain.runtime.committee().l1);
                let key = &chain.keys[chain.rng.random_range(0..4)];
                let signature = signing::sign_digest(key, digest);
                messages.push(NodeMessage::Attest {
                    computation,
                    signature,
                });
            }
        }
        if chain.rng.random_bool(0.2) {
            messages.push(NodeMessage::Here);
        }
        messages.shuffle(&mut chain.rng);
        if chain.rng.random_bool(0.8) {
            nodes.push((node, messages));
        }
    }
    nodes
}

/// What must hold whatever nodes say.
#[derive(Default)]
struct Rules {
    /// The last attempt of each job.
    attempts: BTreeMap<B256, u32>,
    /// Commitments to results that are fixed.
    fixed: BTreeMap<B256, Vec<(u8, B256)>>,
    /// Parts of lots that sessions used: lot, material, first and last.
    used: Vec<(u64, usize, std::ops::Range<u64>)>,
}

impl Rules {
    fn check(&mut self, runtime: &Runtime, applied: &Applied) {
        for event in &applied.events {
            match event {
                Event::JoinWanted { job, attempt } => {
                    let last = self.attempts.insert(*job, *attempt);
                    assert_eq!(last.map_or(0, |last| last + 1), *attempt);
                    assert!(!self.fixed.contains_key(job), "no attempt after the result");
                }
                Event::AttemptStarted { job, attempt } => self.started(runtime, *job, *attempt),
                Event::OpeningFinal { job, .. } => {
                    let openings = runtime.openings(*job);
                    assert!(self.fixed.insert(*job, openings).is_none(), "fixed twice");
                }
                Event::Opened { computation } => self.opened(runtime, *computation),
                _ => {}
            }
        }
        let due_ms = runtime.next_due_ms();
        assert!(due_ms.is_none_or(|due_ms| due_ms > runtime.head().time_ms));
    }

    /// No part of the reserve is used by two sessions.
    fn started(&mut self, runtime: &Runtime, job: B256, attempt: u32) {
        // A session whose result was fixed in the same block has nothing of the reserve any more.
        let runs = |job: &Job| job.attempt == attempt && matches!(job.stage, Stage::Running { .. });
        let Some(current) = runtime.job(job).filter(runs) else {
            return;
        };
        let JobTask::Compute { reserve, .. } = current.task else {
            return;
        };
        assert_eq!(current.absent.is_some(), !reserve.is_empty());
        for slice in reserve {
            let Ranges {
                bits,
                r64,
                r128,
                seeds,
            } = slice.ranges;
            for (material, range) in [bits, r64, r128, seeds].into_iter().enumerate() {
                for (lot, other, used) in &self.used {
                    let same = (*lot, *other) == (slice.lot, material);
                    let apart = range.end <= used.start || used.end <= range.start;
                    assert!(!same || apart, "{range:?} of lot {lot} twice");
                }
                self.used.push((slice.lot, material, range));
            }
        }
    }

    /// A result is what was committed to.
    fn opened(&self, runtime: &Runtime, id: B256) {
        let result = runtime.opened(id).unwrap();
        let values = RESULTS.into_iter().find(|values| opened(values) == *result);
        let values = values.unwrap_or_else(|| panic!("{result}"));
        let fixed = &self.fixed[&id];
        let attempt = self.attempts[&id];
        for node in 0..4 {
            let NodeMessage::Ready { commitments, .. } = ready(id, attempt, node, &values) else {
                unreachable!();
            };
            for (component, commitment) in fixed {
                let expected = commitments[usize::from(*component)];
                assert!(expected.is_none_or(|expected| expected == *commitment));
            }
        }
    }
}

/// A chain of random blocks, and the receipts and events of each.
fn random_chain(seed: u64) -> (Chain, Vec<Applied>) {
    let mut chain = Chain::with_reserve(true, 2);
    let poll = chain.deploy(&poll_code(), &closes_argument());
    chain.rng = ChaCha20Rng::seed_from_u64(seed);
    let (mut inputs, mut applied) = (Vec::new(), Vec::new());
    let mut rules = Rules::default();
    for height in 0..160 {
        let mut txs = Vec::new();
        let most = if height < 45 { 5 } else { 1 };
        for _ in 0..chain.rng.random_range(0..=most) {
            let sender = user(chain.rng.random_range(0..60));
            let tx = match chain.rng.random_range(0..10) {
                0..5 => {
                    let choice = chain.rng.random();
                    let (tx, id) = chain.cast(&sender, poll, choice);
                    inputs.push(id);
                    tx
                }
                5 => chain.call(&sender, poll, call("bump")),
                6 => chain.call(&sender, poll, call("nonsense")),
                7 => chain.send(&sender, Some(poll), call("bump"), 25_000),
                8 => chain.call(&sender, poll, call("close")),
                _ => chain.send(&sender, None, Bytes::from_static(b"rubbish"), GAS),
            };
            txs.push(tx);
        }
        let nodes = statements(&mut chain, &inputs);
        if height == 40 {
            chain.time_ms = chain.time_ms.max(CLOSES * 1_000);
        }
        if chain.rng.random_bool(0.1) {
            chain.time_ms += chain.rng.random_range(0..20_000);
        }
        let block = chain.block(nodes, txs);
        rules.check(&chain.runtime, &block);
        applied.push(block);
    }
    (chain, applied)
}

#[test]
fn a_random_chain_gives_the_same_roots_and_receipts_on_replay() {
    let (chain, applied) = random_chain(seed());
    let mut replica = Runtime::new(committee_with(true, 2));
    let mut replayed = Vec::new();
    for block in &chain.log {
        // Each header has the root before it, so `check` compares the roots.
        let checked = replica.check(block, &mut |_| None).unwrap();
        replayed.push(replica.apply(checked).unwrap());
    }
    assert_eq!(replayed[1..], applied);
    assert_eq!(replica.head(), chain.runtime.head());
    // The chain did something.
    let happened = |f: &dyn Fn(&Event) -> bool| applied.iter().any(|a| a.events.iter().any(f));
    assert!(happened(&|e| matches!(e, Event::InputAccepted { .. })));
    assert!(happened(&|e| matches!(e, Event::InputRejected { .. })));
    assert!(happened(&|e| matches!(e, Event::JoinWanted { .. })));
}

/// What the chains of some seeds do in all: everything.
#[test]
fn random_chains_go_through_all_that_attempts_can_do() {
    let mut seen = BTreeMap::<&str, usize>::new();
    let seed = seed();
    for seed in seed..seed + 8 {
        for event in random_chain(seed).1.iter().flat_map(|a| &a.events) {
            let name = match event {
                Event::AttemptStarted { .. } => "started",
                Event::Disputed { .. } => "disputed",
                Event::AttemptStopped { .. } => "stopped",
                Event::OpeningFinal { .. } => "fixed",
                Event::Opened { .. } => "opened",
                Event::LotAvailable { .. } => "lot",
                Event::Contradiction(_) => "contradiction",
                Event::NodeAway { .. } => "away",
                Event::NodeBack { .. } => "back",
                _ => continue,
            };
            *seen.entry(name).or_default() += 1;
        }
    }
    println!("{seen:?}");
    assert_eq!(seen.len(), 9, "{seen:?}");
}

#[test]
fn a_trial_in_between_changes_nothing() {
    let (chain, _) = random_chain(1);
    let mut replica = Runtime::new(committee_with(true, 2));
    for block in &chain.log {
        let checked = replica.check(block, &mut |_| None).unwrap();
        for tx in checked.transactions() {
            let _ = replica.admit(tx, 0, 0);
        }
        replica.apply(checked).unwrap();
    }
    assert_eq!(replica.head(), chain.runtime.head());
}
