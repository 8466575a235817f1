use wire::limits::OUTPUT_BYTES;

use super::*;
use crate::fixtures::{committee, key};

fn id(n: u64) -> B256 {
    B256::from(alloy_primitives::U256::from(n))
}

fn said(outbox: &mut Outbox) -> Vec<NodeMessage> {
    let signed = outbox.transaction(2, &key(2), &committee()).cloned();
    signed
        .map(|signed| signed.transaction.messages)
        .unwrap_or_default()
}

#[test]
fn nothing_to_say_is_no_transaction() {
    let mut outbox = Outbox::default();
    assert!(outbox.is_empty());
    assert_eq!(outbox.transaction(2, &key(2), &committee()), None);
}

#[test]
fn a_node_goes_from_missing_to_hold_and_never_back() {
    let mut outbox = Outbox::default();
    outbox.miss(id(1));
    assert_eq!(
        said(&mut outbox),
        [NodeMessage::Missing {
            inputs: vec![id(1)]
        }]
    );
    outbox.hold(id(1));
    outbox.miss(id(1));
    assert_eq!(
        said(&mut outbox),
        [NodeMessage::Hold {
            inputs: vec![id(1)]
        }]
    );
}

#[test]
fn the_latest_attempt_counts_and_its_first_reason() {
    let mut outbox = Outbox::default();
    let silence = |peer| StopReason::Silence { peer };
    for (attempt, peer) in [(1, 0), (1, 2), (0, 3)] {
        outbox.stop(id(1), attempt, silence(peer));
    }
    let stop = |attempt, peer| NodeMessage::Stop {
        computation: id(1),
        attempt,
        reason: silence(peer),
    };
    assert_eq!(said(&mut outbox), [stop(1, 0)]);
    outbox.stop(id(1), 2, silence(3));
    assert_eq!(said(&mut outbox), [stop(2, 3)]);
}

#[test]
fn what_a_block_holds_is_not_said_again() {
    let mut outbox = Outbox::default();
    (0..10).for_each(|n| outbox.hold(id(n)));
    outbox.result(id(20), vec![1].into());
    outbox.stop(id(21), 0, StopReason::Local);
    let first = said(&mut outbox);
    outbox.hold(id(11));
    outbox.result(id(20), vec![2].into());
    outbox.said(&first);
    let rest = [
        NodeMessage::Hold {
            inputs: vec![id(11)],
        },
        NodeMessage::Result {
            computation: id(20),
            opened: vec![2].into(),
        },
    ];
    assert_eq!(said(&mut outbox), rest);
    outbox.said(&rest);
    assert!(outbox.is_empty());
}

#[test]
fn however_much_there_is_a_transaction_stays_within_its_bound() {
    let mut outbox = Outbox::default();
    for n in 0..20_000 {
        outbox.hold(id(n));
        outbox.miss(id(100_000 + n));
    }
    (0..10).for_each(|n| outbox.result(id(n), vec![0; OUTPUT_BYTES].into()));
    outbox.advance_time(id(1), 5);
    let mut rounds = 0;
    while !outbox.is_empty() {
        let signed = outbox
            .transaction(2, &key(2), &committee())
            .cloned()
            .unwrap();
        signed.verify(&committee()).unwrap();
        outbox.said(&signed.transaction.messages);
        rounds += 1;
        assert!(rounds < 30, "every transaction takes what it can");
    }
    assert!(rounds > 1);
}

#[test]
fn it_is_signed_anew_only_when_it_changes() {
    let mut outbox = Outbox::default();
    outbox.hold(id(1));
    let first = outbox.transaction(2, &key(2), &committee()).cloned();
    assert_eq!(outbox.transaction(2, &key(1), &committee()).cloned(), first);
    outbox.hold(id(2));
    assert_ne!(outbox.transaction(2, &key(2), &committee()).cloned(), first);
}
