//! Admission, calls and estimates.

use super::*;
use crate::{CallRequest, CallStatus, Refusal};

#[test]
fn admission_tries_the_first_and_counts_the_rest() {
    let (chain, poll) = Chain::with_poll();
    let sender = user(1);
    let tx = |nonce, data| decoded(&sign(&sender, nonce, Some(poll), data, GAS));
    let admit = |tx: &Transaction, pending| chain.runtime.admit(tx, pending, chain.time_ms);
    assert_eq!(admit(&tx(0, call("bump")), 0), Ok(()));
    assert_eq!(admit(&tx(1, call("bump")), 1), Ok(()));
    let (expected, actual) = (0, 1);
    assert_eq!(
        admit(&tx(1, call("bump")), 0),
        Err(Refusal::NonceGap { expected, actual })
    );
    let (expected, actual) = (1, 0);
    assert_eq!(
        admit(&tx(0, call("bump")), 1),
        Err(Refusal::NonceTooLow { expected, actual })
    );
    let refusal = admit(&tx(0, call("close")), 0).unwrap_err();
    let shown = refusal.to_string();
    assert!(
        shown.starts_with("execution reverted: PollStillOpen("),
        "{shown}"
    );
    match refusal {
        Refusal::Reverted { data, .. } => {
            assert_eq!(data[..4], keccak256("PollStillOpen(uint64)")[..4]);
        }
        other => panic!("{other:?}"),
    }
    let nowhere = Address::repeat_byte(9);
    let lost = decoded(&sign(&sender, 0, Some(nowhere), call("bump"), GAS));
    assert_eq!(admit(&lost, 0), Err(Refusal::NoContract(nowhere)));
}

#[test]
fn a_trial_knows_the_clock_of_an_idle_cluster() {
    let (chain, poll) = Chain::with_poll();
    let tx = decoded(&sign(&user(1), 0, Some(poll), call("close"), GAS));
    assert!(chain.runtime.admit(&tx, 0, CLOSES * 1_000 - 1).is_err());
    assert_eq!(chain.runtime.admit(&tx, 0, CLOSES * 1_000), Ok(()));
}

#[test]
fn calls_change_nothing() {
    let (chain, poll) = Chain::with_poll();
    let root = chain.runtime.head().state_root;
    let request = CallRequest {
        from: user(1).address,
        to: Some(poll),
        data: call("bump"),
        gas: None,
    };
    for _ in 0..2 {
        let outcome = chain.runtime.call(&request, chain.time_ms).unwrap();
        assert_eq!(outcome.output.last(), Some(&1));
        assert_eq!(outcome.logs.len(), 1);
    }
    assert_eq!(chain.runtime.head().state_root, root);
    let starved = CallRequest {
        gas: Some(22_000),
        ..request.clone()
    };
    let outcome = chain.runtime.call(&starved, chain.time_ms).unwrap();
    assert_eq!(outcome.gas_used, 22_000);
    assert_eq!(
        outcome.status,
        CallStatus::Fault(crate::ContractFault::OutOfFuel)
    );
}

#[test]
fn an_estimate_suffices_and_less_than_is_used_does_not() {
    let (mut chain, poll) = Chain::with_poll();
    let voter = user(1);
    let data = chain.ballot(&voter, poll, 1);
    let request = CallRequest {
        from: voter.address,
        to: Some(poll),
        data: data.clone(),
        gas: None,
    };
    let gas = chain.runtime.estimate(&request, chain.time_ms).unwrap();
    let used = chain
        .runtime
        .call(&request, chain.time_ms)
        .unwrap()
        .gas_used;
    let short = sign(&voter, 0, Some(poll), data, used - 1);
    let applied = chain.block(vec![], vec![short]);
    assert!(!applied.receipts[0].status);
    assert_eq!(applied.receipts[0].gas_used, used - 1);
    chain.nonces.insert(voter.address, 1);
    let data = chain.ballot(&voter, poll, 1);
    let tx = chain.send(&voter, Some(poll), data, gas);
    let id = keccak256(&tx);
    let applied = chain.block(vec![], vec![tx]);
    assert!(applied.receipts[0].status);
    assert_eq!(applied.receipts[0].gas_used, used);
    chain.hold(&[0, 1, 2], &[id]);
    assert!(chain.has_voted(poll, voter.address));
    let close = CallRequest {
        data: call("close"),
        ..request
    };
    assert!(matches!(
        chain.runtime.estimate(&close, chain.time_ms),
        Err(Refusal::Reverted { .. })
    ));
}

#[test]
fn the_state_can_be_proven() {
    let (mut chain, poll) = Chain::with_poll();
    chain.vote(&user(1), poll, 0);
    let root = chain.runtime.head().state_root;
    let key = |who: &User| {
        let key = [b"v", who.address.as_slice()].concat();
        crate::StateKey::Storage(poll, key.into())
    };
    let there = key(&user(1));
    let (value, proof) = chain.runtime.prove(&there);
    assert_eq!(proof.verify(root, there.hash()), Ok(value.map(keccak256)));
    // On the other side of the tree, so that its absence is not shown by the one that is there.
    let side = |key: &crate::StateKey| key.hash()[0] >> 7;
    let mut others = (2..).map(|number| key(&user(number)));
    let absent = others.find(|other| side(other) != side(&there)).unwrap();
    let (value, proof) = chain.runtime.prove(&absent);
    assert_eq!(value, None);
    assert_eq!(proof.verify(root, absent.hash()), Ok(None));
    assert!(proof.verify(root, there.hash()).is_err());
}
