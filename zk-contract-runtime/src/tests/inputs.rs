//! Life of inputs.

use alloy_primitives::keccak256;
use wire::{node_transaction::NodeMessage, rpc::InputStatus};

use super::*;

fn status(chain: &Chain, id: B256) -> InputStatus {
    chain.runtime.input(id).unwrap().status
}

fn reason(chain: &Chain, id: B256) -> String {
    match status(chain, id) {
        InputStatus::Rejected { reason, .. } => reason,
        other => panic!("{other:?}"),
    }
}

fn missing(chain: &mut Chain, nodes: &[u8], id: B256) -> Applied {
    let say = |node: &u8| (*node, vec![NodeMessage::Missing { inputs: vec![id] }]);
    let nodes = nodes.iter().map(say).collect();
    chain.block(nodes, vec![])
}

#[test]
fn a_ballot_is_ordered_then_accepted_by_three_nodes() {
    let (mut chain, poll) = Chain::with_poll();
    let voter = user(1);
    let (tx, id) = chain.cast(&voter, poll, 2);
    let applied = chain.block(vec![], vec![tx]);
    assert!(applied.receipts[0].status);
    assert_eq!(applied.events, [Event::InputOrdered { id }]);
    // Nothing of the dry run stays.
    assert!(applied.receipts[0].logs.is_empty());
    assert!(!chain.has_voted(poll, voter.address));
    assert_eq!(chain.runtime.undecided_inputs(), [id]);

    assert_eq!(chain.hold(&[3, 1], &[id]).events, []);
    assert_eq!(status(&chain, id), InputStatus::Ordered);
    assert_eq!(chain.runtime.vote(id, 3), Some(true));
    assert_eq!(chain.runtime.vote(id, 0), None);
    let applied = chain.hold(&[0], &[id]);
    assert_eq!(applied.events, [Event::InputAccepted { id }]);
    // The event that the contract emitted belongs to the ballot's transaction.
    assert_eq!(applied.system_logs.len(), 1);
    assert_eq!(applied.system_logs[0].tx_hash, id);
    assert_eq!(applied.system_logs[0].log.address, poll);
    let info = chain.runtime.input(id).unwrap();
    assert_eq!(info.status, InputStatus::Accepted);
    assert_eq!((info.ordered_in, info.decided_in), (2, Some(4)));
    assert!(chain.has_voted(poll, voter.address));
    assert_eq!(chain.runtime.counts().pending_inputs, 0);
}

#[test]
fn saying_it_again_or_twice_changes_nothing() {
    let (mut chain, poll) = Chain::with_poll();
    let (tx, id) = chain.cast(&user(1), poll, 0);
    chain.block(vec![], vec![tx]);
    chain.hold(&[2], &[id, id]);
    chain.hold(&[2], &[id]);
    let applied = chain.hold(&[2, 3], &[id, B256::repeat_byte(9)]);
    assert_eq!(applied.events, []);
    assert_eq!(status(&chain, id), InputStatus::Ordered);
}

#[test]
fn two_nodes_without_their_seeds_reject_it() {
    let (mut chain, poll) = Chain::with_poll();
    let voter = user(1);
    let (tx, id) = chain.cast(&voter, poll, 0);
    chain.block(vec![], vec![tx]);
    missing(&mut chain, &[0], id);
    assert_eq!(status(&chain, id), InputStatus::Ordered);
    let applied = missing(&mut chain, &[2], id);
    assert_eq!(applied.events, [Event::InputRejected { id }]);
    assert!(reason(&chain, id).contains("seeds"));
    // The verdict is final, and the voter can vote again.
    chain.hold(&[0, 1, 2, 3], &[id]);
    assert!(matches!(status(&chain, id), InputStatus::Rejected { .. }));
    assert!(!chain.has_voted(poll, voter.address));
    assert!(chain.runtime.pending_input(id).is_none());
    let id = chain.vote(&voter, poll, 1);
    assert_eq!(status(&chain, id), InputStatus::Accepted);
}

#[test]
fn a_node_may_go_from_missing_to_holding_and_not_back() {
    let (mut chain, poll) = Chain::with_poll();
    let (tx, id) = chain.cast(&user(1), poll, 0);
    chain.block(vec![], vec![tx]);
    missing(&mut chain, &[0], id);
    chain.hold(&[0], &[id]);
    // Back is not counted, so one more is one and not two.
    missing(&mut chain, &[0], id);
    missing(&mut chain, &[1], id);
    assert_eq!(status(&chain, id), InputStatus::Ordered);
    chain.hold(&[1, 2], &[id]);
    assert_eq!(status(&chain, id), InputStatus::Accepted);
}

#[test]
fn of_two_ballots_at_once_the_second_is_rejected() {
    let (mut chain, poll) = Chain::with_poll();
    let voter = user(1);
    let (first, first_id) = chain.cast(&voter, poll, 0);
    let (second, second_id) = chain.cast(&voter, poll, 1);
    let applied = chain.block(vec![], vec![first, second]);
    assert!(applied.receipts.iter().all(|receipt| receipt.status));
    // The second is held first, and waits for the first all the same.
    assert_eq!(chain.hold(&[0, 1, 2], &[second_id]).events, []);
    assert_eq!(status(&chain, second_id), InputStatus::Ordered);
    let applied = chain.hold(&[0, 1, 2], &[first_id]);
    let expected = [
        Event::InputAccepted { id: first_id },
        Event::InputRejected { id: second_id },
    ];
    assert_eq!(applied.events, expected);
    assert_eq!(reason(&chain, second_id), "AlreadyVoted()");
    match status(&chain, second_id) {
        InputStatus::Rejected { data, .. } => {
            assert_eq!(data[..], keccak256("AlreadyVoted()")[..4]);
        }
        other => panic!("{other:?}"),
    }
    // A third is refused before it is ordered.
    let (third, third_id) = chain.cast(&voter, poll, 1);
    let applied = chain.block(vec![], vec![third]);
    assert!(!applied.receipts[0].status);
    assert_eq!(
        applied.receipts[0].revert_reason.as_deref(),
        Some("AlreadyVoted()")
    );
    assert!(chain.runtime.input(third_id).is_none());
}

#[test]
fn an_earlier_input_that_is_rejected_lets_a_held_one_go_on() {
    let (mut chain, poll) = Chain::with_poll();
    let voter = user(1);
    let (first, first_id) = chain.cast(&voter, poll, 0);
    let (second, second_id) = chain.cast(&voter, poll, 1);
    chain.block(vec![], vec![first, second]);
    chain.hold(&[0, 1, 2], &[second_id]);
    let applied = missing(&mut chain, &[0, 1], first_id);
    let expected = [
        Event::InputRejected { id: first_id },
        Event::InputAccepted { id: second_id },
    ];
    assert_eq!(applied.events, expected);
}

#[test]
fn a_ballot_counts_with_the_time_of_its_ordering() {
    let (mut chain, poll) = Chain::with_poll();
    let voter = user(1);
    let (tx, id) = chain.cast(&voter, poll, 0);
    chain.block(vec![], vec![tx]);
    chain.time_ms = (CLOSES + 10) * 1_000;
    chain.hold(&[0, 1, 2], &[id]);
    assert_eq!(status(&chain, id), InputStatus::Accepted);
    // One that is ordered now is too late.
    let (tx, _) = chain.cast(&user(2), poll, 0);
    let applied = chain.block(vec![], vec![tx]);
    assert!(!applied.receipts[0].status);
    assert_eq!(
        applied.receipts[0].revert_reason.as_deref(),
        Some("PollClosed()")
    );
}

#[test]
fn a_copied_ballot_does_not_open() {
    let (mut chain, poll) = Chain::with_poll();
    let (voter, thief) = (user(1), user(2));
    let data = chain.ballot(&voter, poll, 2);
    let tx = chain.call(&voter, poll, data.clone());
    let copy = chain.call(&thief, poll, data.clone());
    let other_poll = chain.deploy(&poll_code(), &[[0; 24].as_slice(), &[0xff; 8]].concat());
    let elsewhere = chain.call(&voter, other_poll, data);
    let ids = [&tx, &copy, &elsewhere].map(keccak256);
    let applied = chain.block(vec![], vec![tx, copy, elsewhere]);
    assert!(
        applied.receipts.iter().all(|receipt| receipt.status),
        "{applied:?}"
    );
    for node in 0..4 {
        let opens = |id| {
            let pending = chain.runtime.pending_input(id).unwrap();
            seal_key(node)
                .open(node, &pending.binding, &pending.sealed)
                .is_ok()
        };
        assert_eq!(ids.map(opens), [true, false, false]);
    }
    let bound = chain.runtime.pending_input(ids[1]).unwrap().binding;
    assert_eq!(bound.sender, thief.address);
    assert_eq!((bound.nonce, bound.epoch, bound.chain_id), (0, 3, CHAIN_ID));
    assert_eq!(bound.code_hash, keccak256(poll_code()));
}

#[test]
fn a_malformed_seal_is_refused_at_ordering() {
    let (mut chain, poll) = Chain::with_poll();
    let voter = user(1);
    let good = chain.ballot(&voter, poll, 0);
    let mut longer = good.to_vec();
    longer[67] += 1;
    for data in [cast_calldata(&[1, 2, 3]), longer.into()] {
        let (receipt, events) = chain.act(&voter, poll, data);
        assert!(!receipt.status);
        assert!(receipt.revert_reason.unwrap().contains("sealed input"));
        assert_eq!(events, []);
    }
    assert_eq!(chain.runtime.counts().pending_inputs, 0);
}

#[test]
fn a_sender_has_a_bounded_number_of_undecided_inputs() {
    let (mut chain, poll) = Chain::with_poll();
    let voter = user(1);
    let limit = wire::limits::PENDING_INPUTS_PER_SENDER;
    let cast = (0..=limit).map(|_| chain.cast(&voter, poll, 0).0).collect();
    let applied = chain.block(vec![], cast);
    let (last, others) = applied.receipts.split_last().unwrap();
    assert!(others.iter().all(|receipt| receipt.status));
    assert!(!last.status);
    assert!(last.revert_reason.as_ref().unwrap().contains("undecided"));
    // Others are not held up.
    let (tx, _) = chain.cast(&user(2), poll, 0);
    assert!(chain.block(vec![], vec![tx]).receipts[0].status);
}
