mod jobs;

use alloy_primitives::keccak256;
use wire::consensus::{Proposal, Signed, Vote};

use super::*;
use crate::fixtures::{
    GENESIS_MS, block, call_of_nobody, committee, decided, key, proposal, sign_proposal, vote,
};

const NOW_MS: u64 = GENESIS_MS + 10_000;

fn node(me: u8) -> Ordering {
    let config = Config::new(committee(), me, key(me));
    Ordering::new(config, Runtime::new(committee()), vec![], NOW_MS)
        .unwrap()
        .0
}

/// A node at its first height.
fn started(me: u8) -> Ordering {
    let mut ordering = node(me);
    ordering.step(Input::Tick, NOW_MS + 10_000);
    assert!(ordering.engine.is_running());
    ordering
}

fn hear(ordering: &mut Ordering, from: u8, message: PeerMessage) -> Vec<Effect> {
    ordering.step(Input::Peer { from, message }, NOW_MS)
}

fn suspicions(effects: &[Effect]) -> Vec<(u8, Suspicion)> {
    let suspicion = |effect: &Effect| match effect {
        Effect::Suspect { peer, suspicion } => Some((*peer, suspicion.clone())),
        _ => None,
    };
    effects.iter().filter_map(suspicion).collect()
}

#[test]
fn a_key_that_is_not_the_committees_is_refused() {
    let started = |me, signer| {
        let config = Config::new(committee(), me, key(signer));
        Ordering::new(config, Runtime::new(committee()), vec![], NOW_MS)
            .map(|_| ())
            .err()
    };
    assert_eq!(started(1, 1), None);
    assert!(matches!(
        started(1, 2),
        Some(OrderingError::WrongKey { node: 1, .. })
    ));
    assert!(matches!(started(4, 2), Some(OrderingError::Committee(_))));
}

#[test]
fn heights_begin_when_there_is_a_reason() {
    struct Case {
        desc: &'static str,
        input: Vec<(u8, PeerMessage)>,
        expected_ms: u64,
    }
    let runtime = Runtime::new(committee());
    let offered = |proposer, round| {
        let block = block(&runtime, proposer, NOW_MS);
        PeerMessage::Proposal(proposal(proposer, 1, round, block))
    };
    let voted = |voter, height| PeerMessage::Vote(vote(voter, height, 0, None));
    let cases = [
        Case {
            desc: "nothing: after the idle interval",
            input: vec![],
            expected_ms: 10_000,
        },
        Case {
            desc: "one peer's vote: after a while",
            input: vec![(2, voted(2, 1))],
            expected_ms: 1_000,
        },
        Case {
            desc: "one peer's two votes count once",
            input: vec![
                (2, voted(2, 1)),
                (2, PeerMessage::Vote(vote(2, 1, 1, None))),
            ],
            expected_ms: 1_000,
        },
        Case {
            desc: "two peers' votes: at once",
            input: vec![(2, voted(2, 1)), (3, voted(3, 1))],
            expected_ms: 50,
        },
        Case {
            desc: "the proposer's proposal: at once",
            input: vec![(1, offered(1, 0))],
            expected_ms: 50,
        },
        Case {
            desc: "a proposal out of turn",
            input: vec![(2, offered(2, 0))],
            expected_ms: 10_000,
        },
        Case {
            desc: "votes for other heights",
            input: vec![(2, voted(2, 2)), (3, voted(3, 2)), (1, voted(1, 900))],
            expected_ms: 10_000,
        },
        Case {
            desc: "another's vote under one's name",
            input: vec![(2, voted(3, 1)), (3, voted(2, 1))],
            expected_ms: 10_000,
        },
    ];
    for Case {
        desc,
        input,
        expected_ms,
    } in cases
    {
        let mut ordering = node(0);
        for (from, message) in input {
            hear(&mut ordering, from, message);
        }
        let before = ordering.step(Input::Tick, NOW_MS + expected_ms - 1);
        assert!(
            !ordering.engine.is_running(),
            "{desc}: too early, {before:?}"
        );
        ordering.step(Input::Tick, NOW_MS + expected_ms);
        assert!(ordering.engine.is_running(), "{desc}: too late");
    }
}

#[test]
fn what_a_peer_can_make_a_node_keep_is_bounded() {
    let mut ordering = node(0);
    let runtime = Runtime::new(committee());
    for n in 0..200u64 {
        for height in [1, 2, 3, 1_000] {
            let hash = keccak256(n.to_be_bytes());
            let round = u32::try_from(n).unwrap();
            hear(
                &mut ordering,
                3,
                PeerMessage::Vote(vote(3, height, round, Some(hash))),
            );
        }
        let block = block(&runtime, 3, NOW_MS + n);
        hear(
            &mut ordering,
            3,
            PeerMessage::Proposal(proposal(3, 1, 2, block)),
        );
    }
    assert!(ordering.peers[3].held_len() <= 16);
    ordering.step(Input::Tick, NOW_MS + 20_000);
    assert!(ordering.engine.is_running());
    for n in 0..200u64 {
        let block = block(&runtime, 3, NOW_MS + 500 + n);
        hear(
            &mut ordering,
            3,
            PeerMessage::Proposal(proposal(3, 1, 2, block)),
        );
    }
    assert!(ordering.height.blocks.len() <= 8);
}

#[test]
fn messages_that_no_honest_node_sends() {
    struct Case {
        desc: &'static str,
        input: PeerMessage,
        expected: Suspicion,
    }
    let mut forged: Signed<Vote> = vote(3, 1, 0, None);
    forged.signature = vote(3, 1, 1, None).signature;
    let out_of_turn = proposal(3, 1, 0, vec![1].into());
    let few = decided(block(&Runtime::new(committee()), 1, NOW_MS), 1, &[2, 3]);
    let cases = [
        Case {
            desc: "a vote whose signature is another's",
            input: PeerMessage::Vote(forged),
            expected: wire::WireError::BadSignature { what: "vote" }.into(),
        },
        Case {
            desc: "a vote of another node",
            input: PeerMessage::Vote(vote(2, 1, 0, None)),
            expected: Suspicion::Unexpected,
        },
        Case {
            desc: "a proposal out of turn",
            input: PeerMessage::Proposal(out_of_turn),
            expected: Suspicion::OutOfTurn {
                height: 1,
                round: 0,
                proposer: 3,
            },
        },
        Case {
            desc: "a decided block with two signatures",
            input: PeerMessage::Blocks(vec![few]),
            expected: Suspicion::Certificate {
                number: 1,
                error: crate::CertificateError::TooFew(2),
            },
        },
        Case {
            desc: "seeds, which are the shell's business",
            input: PeerMessage::Seeds(vec![]),
            expected: Suspicion::Unexpected,
        },
    ];
    for Case {
        desc,
        input,
        expected,
    } in cases
    {
        let mut ordering = node(0);
        let effects = hear(&mut ordering, 3, input);
        assert_eq!(suspicions(&effects), [(3, expected)], "{desc}");
        assert_eq!(ordering.runtime().head().number, 0, "{desc}");
    }
}

#[test]
fn a_decided_block_is_taken_from_any_peer() {
    let mut ordering = node(0);
    let first = decided(block(ordering.runtime(), 1, NOW_MS), 1, &[1, 2, 3]);
    let effects = hear(&mut ordering, 2, PeerMessage::Blocks(vec![first.clone()]));
    let stored = |effect: &Effect| matches!(effect, Effect::AppendBlock(block) if *block == first);
    assert!(effects.iter().any(stored));
    assert_eq!(ordering.runtime().head().number, 1);
    // Its own log gives the same state, and a node that has another key refuses nothing of it.
    let mut runtime = Runtime::new(committee());
    Ordering::replay(&mut runtime, &first).unwrap();
    assert_eq!(runtime.head(), ordering.runtime().head());
    let mut altered = first;
    altered.block = block(&Runtime::new(committee()), 1, NOW_MS + 1);
    let error = Ordering::replay(&mut Runtime::new(committee()), &altered).unwrap_err();
    assert!(
        matches!(error, OrderingError::Certificate { number: 1, .. }),
        "{error}"
    );
}

#[test]
fn a_proposal_may_be_older_in_a_later_round_but_not_newer() {
    struct Case {
        round: u32,
        age_ms: i64,
        timely: bool,
    }
    let case = |round, age_ms, timely| Case {
        round,
        age_ms,
        timely,
    };
    // Its bound is 1,000 ms, and each round waits 100 ms longer.
    let cases = [
        case(0, 1_000, true),
        case(0, 1_001, false),
        case(4, 1_400, true),
        case(4, 1_401, false),
        case(0, -1_000, true),
        case(0, -1_001, false),
        case(4, -1_001, false),
    ];
    for Case {
        round,
        age_ms,
        timely,
    } in cases
    {
        let mut ordering = node(0);
        let now_ms = NOW_MS + 10_000;
        ordering.step(Input::Tick, now_ms);
        let proposed = block(ordering.runtime(), 1, now_ms.saturating_add_signed(-age_ms));
        let message = PeerMessage::Proposal(proposal(1, 1, round, proposed));
        let effects = ordering.step(Input::Peer { from: 1, message }, now_ms);
        let late = suspicions(&effects);
        let late = late
            .iter()
            .any(|(_, s)| matches!(s, Suspicion::Clock { .. }));
        assert_eq!(late, !timely, "round {round}, {age_ms} ms old");
    }
}

#[test]
fn a_node_that_has_forgotten_its_proposal_makes_no_other() {
    let mut ordering = started(3);
    // It proposed in its turn what three nodes had prevoted for before, and its disk was rolled back.
    let forgotten = sign_proposal(Proposal {
        height: 1,
        round: 2,
        pol_round: Some(0),
        proposer: 3,
        block: block(ordering.runtime(), 1, NOW_MS),
    });
    let mut effects = hear(&mut ordering, 0, PeerMessage::Proposal(forgotten));
    for peer in [0, 1] {
        let vote = PeerMessage::Vote(vote(peer, 1, 2, None));
        effects.extend(hear(&mut ordering, peer, vote));
    }
    assert_eq!(ordering.engine.round(), Some(2));
    let proposes = |effect: &Effect| matches!(effect, Effect::Broadcast(PeerMessage::Proposal(_)));
    assert!(!effects.iter().any(proposes));
    assert_eq!(suspicions(&effects), []);
}

#[test]
fn whoever_made_a_bad_proposal_is_suspected_and_not_who_passed_it_on() {
    let mut ordering = started(0);
    let foreign = proposal(1, 1, 0, block(ordering.runtime(), 2, NOW_MS));
    let effects = hear(&mut ordering, 3, PeerMessage::Proposal(foreign));
    assert_eq!(suspicions(&effects), [(1, Suspicion::ForeignBlock)]);
}

#[test]
fn the_own_clock_stands_still_when_the_shells_goes_back() {
    let mut ordering = node(0);
    ordering.step(Input::Tick, NOW_MS + 300);
    let own_ms = ordering.pace.now_ms();
    let effects = ordering.step(Input::Tick, NOW_MS - 3_600_000);
    assert_eq!(ordering.pace.now_ms(), own_ms);
    // It still wakes soon, by the clock that the shell has now.
    let wake = effects.iter().find_map(|effect| match effect {
        Effect::Wake { at_ms } => Some(*at_ms),
        _ => None,
    });
    assert!(
        wake.is_some_and(|at_ms| at_ms <= NOW_MS - 3_600_000 + 1_000),
        "{wake:?}"
    );
}

#[test]
fn ordering_can_move_between_threads() {
    fn moves<T: Send + Sync>() {}
    moves::<Ordering>();
}

/// Tries a transaction that does not end well; whether it is pending nevertheless.
fn submit(ordering: &mut Ordering, raw: Bytes, at_ms: u64) -> bool {
    let pending = ordering.pending();
    ordering.step(Input::Submit { request: 1, raw }, at_ms);
    ordering.pending() > pending
}

#[test]
fn users_cannot_keep_a_node_busy_with_trials() {
    let mut ordering = node(0);
    assert!(!submit(
        &mut ordering,
        call_of_nobody(1, Bytes::new()),
        NOW_MS
    ));
    let long = Bytes::from(vec![1; 120_000]);
    let mut trials = 0;
    while !submit(
        &mut ordering,
        call_of_nobody(2 + trials, long.clone()),
        NOW_MS,
    ) {
        trials += 1;
        assert!(trials < 200, "all of {trials} were tried");
    }
    assert!(trials > 100, "{trials} were tried");
    // A second later there is time again.
    let raw = call_of_nobody(1_000, long);
    assert!(!submit(&mut ordering, raw, NOW_MS + 1_100));
}

#[test]
fn what_a_peer_forwards_is_not_tried() {
    let mut ordering = node(0);
    let envelopes = (0..3).map(|user| call_of_nobody(user, Bytes::new()));
    let message = PeerMessage::Transactions(envelopes.collect());
    assert_eq!(suspicions(&hear(&mut ordering, 3, message)), []);
    assert_eq!(ordering.pending(), 3);
}

#[test]
fn a_node_that_is_behind_or_cannot_know_refuses_nobody_for_good() {
    let refusal = |ordering: &mut Ordering| {
        let raw = call_of_nobody(1, Bytes::new());
        let effects = ordering.step(Input::Submit { request: 1, raw }, NOW_MS);
        effects.into_iter().find_map(|effect| match effect {
            Effect::Reply { result, .. } => result.err(),
            _ => None,
        })
    };
    let lag = |head, highest| {
        Some(crate::Refusal::CatchingUp(crate::Lag {
            start: 0,
            head,
            highest,
        }))
    };
    let told = |ordering: &mut Ordering, peer, height| {
        ordering.step(Input::PeerUp { peer }, NOW_MS);
        hear(ordering, peer, PeerMessage::Status { height });
    };
    let judges = |refusal| matches!(refusal, Some(crate::Refusal::State(_)));

    let mut ordering = node(0);
    assert_eq!(refusal(&mut ordering), lag(0, 0), "it has heard of nobody");
    told(&mut ordering, 1, 0);
    assert_eq!(refusal(&mut ordering), lag(0, 0), "it has heard of one");
    told(&mut ordering, 3, u64::MAX);
    assert!(judges(refusal(&mut ordering)), "one alone may boast");
    told(&mut ordering, 2, 1);
    assert_eq!(refusal(&mut ordering), lag(0, 1), "two are ahead");
    let first = decided(block(ordering.runtime(), 1, NOW_MS), 1, &[1, 2, 3]);
    hear(&mut ordering, 2, PeerMessage::Blocks(vec![first]));
    assert!(judges(refusal(&mut ordering)), "it has caught up");
    // Who votes on a height has the block before.
    hear(&mut ordering, 1, PeerMessage::Vote(vote(1, 4, 0, None)));
    assert_eq!(refusal(&mut ordering), lag(1, 3), "two are ahead again");
    ordering.step(Input::PeerDown { peer: 1 }, NOW_MS);
    ordering.step(Input::PeerDown { peer: 2 }, NOW_MS);
    assert_eq!(
        refusal(&mut ordering),
        lag(1, 3),
        "what they told still holds"
    );
    assert_eq!(ordering.pending(), 0);
}

#[test]
fn proposals_of_rounds_long_gone_are_not_looked_at_again_and_again() {
    use crate::consensus::{BlockHash, Number, Offer, Party};
    use malachite_types::Round;

    let mut ordering = node(0);
    let mut notes = |round: u32, block: u8| {
        let offer = Offer {
            height: Number(1),
            round: Round::new(round),
            block: BlockHash(B256::repeat_byte(block)),
            pol_round: Round::Nil,
            proposer: Party(3),
        };
        ordering.notes(&offer)
    };
    assert!((0..100).all(|round| notes(round, 1)));
    assert!((0..50).all(|block| !notes(0, block)));
    assert!(notes(99, 2) && !notes(99, 3));
}

#[test]
fn a_peer_that_boasts_of_blocks_slows_nobody_down() {
    let mut ordering = node(0);
    hear(&mut ordering, 3, PeerMessage::Status { height: u64::MAX });
    let first = decided(block(ordering.runtime(), 1, NOW_MS), 1, &[1, 2, 3]);
    hear(&mut ordering, 3, PeerMessage::Blocks(vec![first]));
    let work = PeerMessage::Transactions(vec![call_of_nobody(1, Bytes::new())]);
    hear(&mut ordering, 2, work);
    ordering.step(Input::Tick, NOW_MS + 60);
    assert!(ordering.engine.is_running());
}
