use super::{computations::check_need, *};
use wire::limits::{LOT_BITS, LOT_R64, LOT_R128, MOST_RESERVE_LOTS};

use crate::{
    Amounts,
    tests::{Chain, user},
};

/// A transition of the block after the head, in which work has this much fuel.
fn transition(chain: &mut Chain, fuel: u64) -> Transition<'_> {
    let place = Place {
        block: chain.runtime.head().number + 1,
        time_ms: chain.time_ms,
    };
    let runtime = &mut chain.runtime;
    let mut transition = Transition::new(
        &runtime.committee,
        &mut runtime.state,
        &mut runtime.modules,
        place,
        B256::ZERO,
    );
    transition.fuel = fuel;
    transition
}

#[test]
fn work_beyond_a_blocks_fuel_is_done_in_the_next_one() {
    let (mut chain, poll) = Chain::with_poll();
    let cast: Vec<_> = (1..=3).map(|n| chain.cast(&user(n), poll, 0)).collect();
    let ids: Vec<_> = cast.iter().map(|(_, id)| *id).collect();
    chain.block(vec![], cast.into_iter().map(|(tx, _)| tx).collect());
    // The first input uses up the fuel.
    let mut first = transition(&mut chain, 1);
    for node in 0..3 {
        let inputs = ids.clone();
        let messages = vec![NodeMessage::Hold { inputs }];
        first.hear(&NodeTransaction { node, messages });
    }
    first.settle().unwrap();
    first.settle().unwrap();
    assert_eq!(first.applied.events, [Event::InputAccepted { id: ids[0] }]);
    assert_eq!(chain.runtime.counts().owed, 2);
    chain.runtime.head.state_root = chain.runtime.state.commit();
    // A block without transactions goes on, in the same order.
    let applied = chain.block(vec![], vec![]);
    let accepted = |id: &B256| Event::InputAccepted { id: *id };
    assert_eq!(applied.events, [accepted(&ids[1]), accepted(&ids[2])]);
    assert_eq!(chain.runtime.counts().owed, 0);
}

#[test]
fn one_signature_is_checked_for_each_computation_and_transaction() {
    let (mut chain, poll) = Chain::with_poll();
    chain.vote(&user(1), poll, 0);
    let id = crate::tests::opened_tally(&mut chain, poll);
    let attestation = chain.runtime.attestation(id).unwrap();
    let digest = attestation.digest(&chain.runtime.committee().l1);
    let attest = |digest| NodeMessage::Attest {
        computation: id,
        signature: wire::signing::sign_digest(&chain.keys[0], digest),
    };
    let (wrong, right) = (attest(B256::ZERO), attest(digest));
    chain.block(vec![(0, vec![wrong, right.clone()])], vec![]);
    assert!(!chain.runtime.posted_signature(id, 0));
    chain.block(vec![(0, vec![right])], vec![]);
    assert!(chain.runtime.posted_signature(id, 0));
}

#[test]
fn a_program_that_no_reserve_suffices_for_is_refused() {
    let most = |lot: u64| u64::from(MOST_RESERVE_LOTS) * lot;
    let need = Amounts {
        bits: most(LOT_BITS),
        r64: most(LOT_R64),
        r128: most(LOT_R128),
        seeds: 0,
    };
    assert_eq!(check_need(&need), Ok(()));
    for (more, what) in [
        (
            Amounts {
                bits: need.bits + 1,
                ..need
            },
            "bit triples",
        ),
        (
            Amounts {
                r64: need.r64 + 1,
                ..need
            },
            "64-bit",
        ),
        (
            Amounts {
                r128: need.r128 + 1,
                ..need
            },
            "128-bit",
        ),
    ] {
        let refusal = check_need(&more).unwrap_err();
        assert!(refusal.contains(what), "{refusal}");
    }
}
