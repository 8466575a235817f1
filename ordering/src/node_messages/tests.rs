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
        job: id(1),
        attempt,
        reason: silence(peer),
    };
    assert_eq!(said(&mut outbox), [stop(1, 0)]);
    outbox.stop(id(1), 2, silence(3));
    assert_eq!(said(&mut outbox), [stop(2, 3)]);
}

/// A component of this many bytes.
fn component(component: u8, bytes: usize) -> OpenedComponent {
    OpenedComponent {
        component,
        blinding: id(7),
        value: vec![component; bytes].into(),
    }
}

#[test]
fn what_a_block_holds_is_not_said_again() {
    let mut outbox = Outbox::default();
    (0..10).for_each(|n| outbox.hold(id(n)));
    outbox.join(id(20), 0, id(1));
    outbox.stop(id(21), 0, StopReason::Local);
    outbox.here();
    (0..3).for_each(|n| outbox.open(id(22), 1, component(n, 5)));
    let first = said(&mut outbox);
    assert_eq!(first.len(), 7);
    outbox.hold(id(11));
    outbox.join(id(20), 1, id(2));
    outbox.ready(id(23), 0, [None; NODES]);
    outbox.said(&first);
    let rest = [
        NodeMessage::Join {
            job: id(20),
            attempt: 1,
            nonce: id(2),
        },
        NodeMessage::Ready {
            job: id(23),
            attempt: 0,
            commitments: [None; NODES],
        },
        NodeMessage::Hold {
            inputs: vec![id(11)],
        },
    ];
    assert_eq!(said(&mut outbox), rest);
    outbox.said(&rest);
    assert!(outbox.is_empty());
}

#[test]
fn a_nonce_that_was_said_is_not_replaced_by_another() {
    let mut outbox = Outbox::default();
    outbox.join(id(1), 3, id(10));
    outbox.join(id(1), 3, id(11));
    outbox.join(id(1), 2, id(12));
    let join = NodeMessage::Join {
        job: id(1),
        attempt: 3,
        nonce: id(10),
    };
    assert_eq!(said(&mut outbox), [join]);
}

#[test]
fn however_much_there_is_a_transaction_stays_within_its_bound() {
    let mut outbox = Outbox::default();
    for n in 0..20_000 {
        outbox.hold(id(n));
        outbox.miss(id(100_000 + n));
    }
    for n in 0..10 {
        (0..3).for_each(|c| outbox.open(id(n), 0, component(c, OUTPUT_BYTES)));
    }
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
        assert!(rounds < 40, "every transaction takes what it can");
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
