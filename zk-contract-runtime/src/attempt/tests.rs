use super::*;

const NOW_MS: u64 = 1_000_000;

fn nonce(node: u8) -> B256 {
    B256::repeat_byte(0x40 + node)
}

fn running(absent: Option<u8>, purpose: Purpose) -> Attempt {
    let mut attempt = match purpose {
        Purpose::Open => Attempt::new(2, absent, NOW_MS),
        Purpose::Make => Attempt::production(2, absent, NOW_MS),
        Purpose::Share => Attempt::sharing((2, absent), (9, 1024), NOW_MS),
    };
    let live: Vec<u8> = attempt.live().collect();
    let (last, others) = live.split_last().unwrap();
    for node in others {
        assert_eq!(attempt.join(*node, nonce(*node)), Turn::Joined);
    }
    assert_eq!(attempt.join(*last, nonce(*last)), Turn::Started);
    attempt
}

fn vote(node: u8) -> Commitments {
    std::array::from_fn(|c| (c != usize::from(node)).then(|| B256::repeat_byte(c as u8)))
}

/// A vote that is false in one component.
fn false_vote(node: u8, component: usize) -> Commitments {
    let mut vote = vote(node);
    vote[component] = Some(B256::repeat_byte(0xff));
    vote
}

fn accused(accuser: u8, accused: u8) -> Turn {
    Turn::Stopped(vec![Blame::Accused { accuser, accused }])
}

fn lied(pairs: &[[u8; 2]]) -> Turn {
    let about = Lie::Computed;
    let blames = pairs
        .iter()
        .map(|pair| Blame::Proven { pair: *pair, about });
    Turn::Stopped(blames.collect())
}

#[test]
fn the_first_nonce_of_each_live_node_counts() {
    let mut attempt = Attempt::new(0, Some(1), NOW_MS);
    assert_eq!(attempt.join(1, nonce(1)), Turn::Nothing, "it is left out");
    assert_eq!(attempt.join(4, nonce(4)), Turn::Nothing, "there is none");
    assert_eq!(attempt.join(0, nonce(0)), Turn::Joined);
    assert_eq!(attempt.join(0, nonce(9)), Turn::Nothing, "it has joined");
    assert_eq!(attempt.join(3, nonce(3)), Turn::Joined);
    assert_eq!(attempt.join(2, nonce(2)), Turn::Started);
    let Progress::Running { nonces, .. } = &attempt.progress else {
        panic!("{attempt:?}");
    };
    assert_eq!(nonces, &[nonce(0), B256::ZERO, nonce(2), nonce(3)]);
    assert_eq!(attempt.join(0, nonce(0)), Turn::Nothing);
    assert_eq!(attempt.due_ms(), None);
}

#[test]
fn one_missing_node_is_away_after_the_deadline_and_two_put_it_off() {
    let mut attempt = Attempt::new(0, None, NOW_MS);
    attempt.join(0, nonce(0));
    attempt.join(2, nonce(2));
    let due_ms = NOW_MS + JOIN_MS;
    assert_eq!(attempt.due_ms(), Some(due_ms));
    assert_eq!(attempt.wake(due_ms - 1, None), Turn::Nothing);
    assert_eq!(attempt.due_ms(), Some(due_ms));
    assert_eq!(attempt.wake(due_ms, None), Turn::Nothing);
    assert_eq!(attempt.due_ms(), Some(due_ms + 2 * JOIN_MS));
    attempt.join(1, nonce(1));
    let stopped = Turn::Stopped(vec![Blame::Away(3)]);
    assert_eq!(attempt.wake(due_ms + 2 * JOIN_MS, None), stopped);
    // One that was left out may take the place of another, unless it is convicted.
    for (convicted, expected) in [(None, stopped), (Some(2), Turn::Nothing)] {
        let mut attempt = Attempt::new(9, Some(2), NOW_MS);
        attempt.join(0, nonce(0));
        attempt.join(1, nonce(1));
        let due_ms = NOW_MS + LONGEST_PAUSE_MS;
        assert_eq!(attempt.due_ms(), Some(due_ms));
        assert_eq!(attempt.wake(due_ms, convicted), expected);
    }
    // Even a convicted one does when the other has been waited for long.
    let mut attempt = Attempt::new(0, Some(2), NOW_MS);
    attempt.join(0, nonce(0));
    attempt.join(1, nonce(1));
    for _ in 0..PATIENCE {
        let due_ms = attempt.due_ms().unwrap();
        assert_eq!(attempt.wake(due_ms, Some(2)), Turn::Nothing);
    }
    let due_ms = attempt.due_ms().unwrap();
    let stopped = Turn::Stopped(vec![Blame::Away(3)]);
    assert_eq!(attempt.wake(due_ms, Some(2)), stopped);
    // A lot is waited for as well, longer after failures.
    let mut attempt = Attempt::production(1, None, NOW_MS);
    let due_ms = NOW_MS + 2 * JOIN_MS;
    assert_eq!(attempt.due_ms(), Some(due_ms));
    assert_eq!(attempt.wake(due_ms, None), Turn::Nothing);
    assert_eq!(attempt.due_ms(), Some(due_ms + 4 * JOIN_MS));
}

#[test]
fn one_stop_ends_an_attempt_and_names_a_pair() {
    use StopReason::{BadFrame, Local, Silence, Spoiled};
    let away = |node| Turn::Stopped(vec![Blame::Away(node)]);
    for (node, reason, expected) in [
        (0, Silence { peer: 1 }, accused(0, 1)),
        (3, BadFrame { peer: 0 }, accused(3, 0)),
        (3, Local, away(3)),
        // Whoever is left out has nothing to say.
        (2, Local, Turn::Nothing),
        (2, Silence { peer: 1 }, Turn::Nothing),
        (4, Local, Turn::Nothing),
        // Who names itself, or nobody that takes part, stops for itself.
        (0, Silence { peer: 0 }, away(0)),
        (0, Silence { peer: 2 }, away(0)),
        (1, BadFrame { peer: 7 }, away(1)),
        (1, Spoiled, away(1)),
    ] {
        let mut attempt = running(Some(2), Purpose::Open);
        assert_eq!(
            attempt.stop(node, &reason, NOW_MS),
            expected,
            "{node} {reason:?}"
        );
    }
    // What three made may be spoiled, and nobody knows by whom.
    let mut attempt = running(Some(2), Purpose::Make);
    assert_eq!(attempt.stop(1, &Spoiled, NOW_MS), Turn::Stopped(vec![]));
    // Before the session a node can only speak for itself.
    let mut attempt = Attempt::new(0, None, NOW_MS);
    assert_eq!(attempt.stop(0, &Silence { peer: 1 }, NOW_MS), Turn::Nothing);
    assert_eq!(attempt.stop(0, &Local, NOW_MS), away(0));
}

#[test]
fn three_equal_votes_fix_the_result_and_then_no_stop_counts() {
    let mut attempt = running(None, Purpose::Open);
    assert_eq!(
        attempt.ready(0, &vote(1), NOW_MS),
        Turn::Nothing,
        "not its form"
    );
    assert_eq!(attempt.ready(4, &vote(0), NOW_MS), Turn::Nothing);
    for node in [0, 3, 0] {
        assert_eq!(attempt.ready(node, &vote(node), NOW_MS), Turn::Nothing);
    }
    assert_eq!(attempt.due_ms(), None, "three of four suffice");
    assert_eq!(attempt.ready(1, &vote(1), NOW_MS), Turn::Final);
    assert_eq!(attempt.stop(2, &StopReason::Local, NOW_MS), Turn::Nothing);
    assert_eq!(attempt.ready(2, &false_vote(2, 0), NOW_MS), Turn::Nothing);
    for component in 0..4u8 {
        assert_eq!(
            attempt.wanted(component),
            Some(B256::repeat_byte(component))
        );
        let expected = if component == 3 {
            Turn::Opened
        } else {
            Turn::Nothing
        };
        assert_eq!(attempt.open(component, vec![component].into()), expected);
        assert_eq!(attempt.wanted(component), None);
        assert_eq!(attempt.open(component, vec![9].into()), Turn::Nothing);
    }
    let Progress::Opening { components, .. } = &attempt.progress else {
        panic!("{attempt:?}");
    };
    assert_eq!(components[3], Some(vec![3].into()));
}

#[test]
fn votes_that_differ_prove_a_lie() {
    let mut attempt = running(None, Purpose::Open);
    attempt.ready(1, &vote(1), NOW_MS);
    attempt.ready(2, &vote(2), NOW_MS);
    let mut common = attempt.clone();
    // Component 3 is held by both others, component 1 by one of them.
    assert_eq!(
        common.ready(0, &false_vote(0, 3), NOW_MS),
        lied(&[[0, 1], [0, 2]])
    );
    assert_eq!(attempt.ready(0, &false_vote(0, 1), NOW_MS), lied(&[[0, 2]]));
}

#[test]
fn who_is_not_ready_in_time_is_named_if_it_holds_up_the_others() {
    for (absent, purpose, needed) in [
        (None, Purpose::Open, false),
        (Some(0), Purpose::Open, true),
        (None, Purpose::Make, true),
        (None, Purpose::Share, true),
    ] {
        let mut attempt = running(absent, purpose);
        attempt.ready(1, &vote(1), NOW_MS);
        assert_eq!(attempt.due_ms(), None);
        attempt.ready(3, &vote(3), NOW_MS + 5);
        // Nine inputs of a kilobyte together are to be written.
        let writing_ms = if purpose == Purpose::Share { 10 } else { 0 };
        let due_ms = NOW_MS + 5 + READY_MS + writing_ms;
        assert_eq!(attempt.due_ms(), needed.then_some(due_ms));
        if absent.is_some() {
            assert_eq!(attempt.wake(due_ms, None), accused(1, 2));
        }
    }
    let mut attempt = running(None, Purpose::Make);
    for node in 0..3 {
        assert_eq!(attempt.ready(node, &vote(node), NOW_MS), Turn::Nothing);
    }
    assert_eq!(attempt.ready(3, &vote(3), NOW_MS), Turn::Final);
    let hashes = std::array::from_fn(|c| B256::repeat_byte(c as u8));
    assert_eq!(attempt.progress, Progress::Made { hashes });
}

/// All that sender, backup and receiver can say, with each of them corrupt: the verdict names the
/// corrupt one, and proves it if all have spoken.
#[test]
fn a_dispute_names_whoever_lied() {
    let (truth, lie, other) = ([1; 32], [2; 32], [3; 32]);
    let [sender, backup, receiver] = [3u8, 0, 1];
    for (corrupt, said) in [
        // The sender sent a lie, and says either; its backup vouched for the truth.
        (sender, [Some(lie), Some(truth), Some(lie)]),
        (sender, [Some(truth), Some(truth), Some(lie)]),
        (sender, [Some(other), Some(truth), Some(lie)]),
        (sender, [None, Some(truth), Some(lie)]),
        // The backup vouched for a lie, and says either.
        (backup, [Some(truth), Some(lie), Some(truth)]),
        (backup, [Some(truth), Some(truth), Some(truth)]),
        (backup, [Some(truth), None, Some(truth)]),
        // The receiver lies about what it got.
        (receiver, [Some(truth), Some(truth), Some(truth)]),
        (receiver, [Some(truth), Some(truth), Some(lie)]),
    ] {
        let [sent, vouched, seen] = said.map(|digest| digest.map(B256::from));
        let mut attempt = running(Some(2), Purpose::Open);
        let reason = StopReason::Mismatch {
            round: 7,
            sender,
            backup,
            digest: seen.unwrap(),
        };
        assert_eq!(attempt.stop(receiver, &reason, NOW_MS), Turn::Disputed);
        assert_eq!(attempt.due_ms(), Some(NOW_MS + STATEMENT_MS));
        // Nobody else is asked, and nothing else counts.
        assert_eq!(attempt.state(receiver, B256::ZERO), Turn::Nothing);
        assert_eq!(
            attempt.stop(sender, &StopReason::Local, NOW_MS),
            Turn::Nothing
        );
        assert_eq!(attempt.ready(sender, &vote(sender), NOW_MS), Turn::Nothing);
        let mut turn = Turn::Nothing;
        for (node, digest) in [(backup, vouched), (sender, sent)] {
            if let Some(digest) = digest {
                assert_eq!(turn, Turn::Nothing);
                turn = attempt.state(node, digest);
            }
        }
        let complete = sent.is_some() && vouched.is_some();
        if !complete {
            assert_eq!(turn, Turn::Nothing);
            turn = attempt.wake(NOW_MS + STATEMENT_MS, None);
        }
        let Turn::Stopped(blames) = turn else {
            panic!("{turn:?}");
        };
        assert!(!blames.is_empty());
        for blame in blames {
            match blame {
                Blame::Proven { pair, .. } => assert!(pair.contains(&corrupt), "{said:?}"),
                Blame::Accused { accuser, accused } => {
                    assert!(
                        !complete && [accuser, accused].contains(&corrupt),
                        "{said:?}"
                    );
                }
                Blame::Away(_) => panic!("{said:?}"),
            }
        }
    }
}

#[test]
fn a_dispute_about_nobody_who_takes_part_is_the_receivers_own_stop() {
    for (sender, backup) in [(0, 0), (1, 3), (0, 1), (2, 0), (0, 2), (0, 4)] {
        let mut attempt = running(Some(2), Purpose::Open);
        let reason = StopReason::Mismatch {
            round: 7,
            sender,
            backup,
            digest: B256::ZERO,
        };
        let away = Turn::Stopped(vec![Blame::Away(1)]);
        assert_eq!(attempt.stop(1, &reason, NOW_MS), away, "{sender}, {backup}");
    }
}

#[test]
fn pauses_grow_to_half_a_minute() {
    let pauses: Vec<_> = (0..9).map(pause_ms).collect();
    let expected = [0, 0, 0, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000];
    assert_eq!(pauses, expected);
    assert_eq!(pause_ms(u32::MAX), 30_000);
    let joins: Vec<_> = (0..6).map(join_ms).collect();
    assert_eq!(joins, [3_000, 6_000, 12_000, 24_000, 30_000, 30_000]);
    assert_eq!(join_ms(u32::MAX), 30_000);
}
