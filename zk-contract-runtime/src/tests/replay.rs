//! The same blocks give the same state.

use rand::{RngExt, seq::SliceRandom};
use wire::node_transaction::{NodeMessage, StopReason};

use super::*;

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
        for computation in chain.runtime.unfinished_computations() {
            if chain.rng.random_bool(0.5) {
                let opened = vec![0; 24].into();
                messages.push(NodeMessage::Result {
                    computation,
                    opened,
                });
            }
            let attempt = chain.rng.random_range(0..2);
            let reason = StopReason::Mismatch { pair: [0, 9] };
            messages.push(NodeMessage::Stop {
                computation,
                attempt,
                reason,
            });
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
        messages.shuffle(&mut chain.rng);
        if chain.rng.random_bool(0.8) {
            nodes.push((node, messages));
        }
    }
    nodes
}

/// A chain of random blocks, and the receipts and events of each.
fn random_chain(seed: u64) -> (Chain, Vec<Applied>) {
    let (mut chain, poll) = Chain::with_poll();
    chain.rng = ChaCha20Rng::seed_from_u64(seed);
    let (mut inputs, mut applied) = (Vec::new(), Vec::new());
    for height in 0..60 {
        let mut txs = Vec::new();
        for _ in 0..chain.rng.random_range(0..5) {
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
            chain.time_ms = CLOSES * 1_000;
        }
        applied.push(chain.block(nodes, txs));
    }
    (chain, applied)
}

#[test]
fn a_random_chain_gives_the_same_roots_and_receipts_on_replay() {
    let (chain, applied) = random_chain(seed());
    let mut replica = Runtime::new(committee(true));
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
    assert!(happened(&|e| matches!(e, Event::AttemptStarted { .. })));
}

#[test]
fn a_trial_in_between_changes_nothing() {
    let (chain, _) = random_chain(1);
    let mut replica = Runtime::new(committee(true));
    for block in &chain.log {
        let checked = replica.check(block, &mut |_| None).unwrap();
        for tx in checked.transactions() {
            let _ = replica.admit(tx, 0, 0);
        }
        replica.apply(checked).unwrap();
    }
    assert_eq!(replica.head(), chain.runtime.head());
}
