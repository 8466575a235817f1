//! Lots of the reserve with three nodes: when they are made, who is left out, and what one corrupt
//! node can do about it.

use rand::seq::IndexedRandom;
use wire::{
    limits::{CLOCK_BOUND_MS, LOT_BITS, READY_MS},
    node_transaction::{NodeMessage, StopReason},
    rpc::ComputationStatus,
};

use super::{
    computations::{close, status},
    *,
};
use crate::{JobTask, Stage};

const VALUES: [u64; 3] = [1, 0, 0];

/// The production that is under way: its job, its lot and who is left out.
fn production(chain: &Chain) -> Option<(B256, u64, Option<u8>)> {
    let jobs = chain.runtime.jobs().into_iter();
    let mut jobs = jobs.filter_map(|job| Some((job, chain.runtime.job(job)?)));
    jobs.find_map(|(id, job)| match job.task {
        JobTask::Produce { lot, .. } => Some((id, lot, job.absent)),
        JobTask::Compute { .. } | JobTask::Refresh { .. } => None,
    })
}

/// Lets time pass until a production is under way.
fn await_production(chain: &mut Chain) -> (B256, u64, Option<u8>) {
    for _ in 0..9 {
        if let Some(production) = production(chain) {
            return production;
        }
        chain.pass_until_due();
    }
    panic!("no lot is made");
}

/// A tally over one ballot, with nothing in reserve.
fn tally() -> (Chain, B256) {
    let mut chain = Chain::with_reserve(true, 0);
    let poll = chain.deploy(&poll_code(), &closes_argument());
    chain.vote(&user(1), poll, 0);
    let id = close(&mut chain, poll);
    (chain, id)
}

#[test]
fn three_make_lots_while_a_node_is_away() {
    let mut chain = Chain::with_reserve(true, 2);
    chain.pass_until_due();
    let (job, lot, absent) = production(&chain).unwrap();
    assert_eq!((lot, absent), (0, None));
    chain.join(job, &[0, 1, 2]);
    let applied = chain.pass_until_due();
    assert!(applied.events.contains(&Event::NodeAway { node: 3 }));
    for expected in [1, 2] {
        let (_, lot, absent) = await_production(&mut chain);
        assert_eq!((lot, absent), (expected, Some(3)));
        assert_eq!(chain.fill(), lot);
        let made = chain.runtime.lot(lot).unwrap();
        assert_eq!(made.live, [true, true, true, false]);
        assert!(made.hashes.iter().all(|hash| *hash != B256::ZERO));
    }
    assert_eq!(chain.runtime.reserve_left().bits, 2 * LOT_BITS);
    assert_eq!(chain.runtime.next_due_ms(), None);
}

/// A corrupt proposer sets the log's time back as far as others let it when an attempt begins, and
/// then forward: whoever needs a moment to join is waited for.
#[test]
fn a_proposer_with_a_wrong_clock_stops_no_production_and_sends_nobody_away() {
    let mut chain = Chain::with_reserve(true, 2);
    chain.pass_until_due();
    for lot in 0..2 {
        let (job, begun, absent) = await_production(&mut chain);
        assert_eq!((begun, absent), (lot, None));
        // Nobody has joined yet, as little as from the corrupt node's own next block on.
        for _ in 0..2 {
            let applied = chain.pass(5 * CLOCK_BOUND_MS);
            assert_eq!(applied.events, []);
        }
        chain.join_all(job);
        chain.ready(job, &[0, 1, 2, 3], &[lot]);
        assert!(chain.runtime.lot(lot).is_some());
    }
    assert!(chain.runtime.away().is_empty());
}

/// The same while one that is slow is the last to join: it is not away in the first two attempts.
#[test]
fn a_wrong_clock_marks_no_slow_node_away() {
    let (mut chain, id) = tally();
    for attempt in 0..2 {
        assert_eq!(chain.attempt(id), (attempt, vec![0, 1, 2, 3]));
        chain.join(id, &[0, 1, 2]);
        // The attempt's block was as old as others let it be, and this one is as new: together twice
        // the bound, of which the joins' block took half.
        chain.pass(2 * CLOCK_BOUND_MS - 1_000);
        assert!(chain.runtime.away().is_empty());
        chain.join(id, &[3]);
        chain.say(vec![(1, silence(id, attempt, 2))]);
    }
}

/// What comes in reserve is for whoever has waited longest, also if it is enough for others only.
#[test]
fn younger_computations_take_nothing_that_an_older_one_waits_for() {
    let (mut chain, older) = tally();
    chain.join(older, &[0, 1, 3]);
    chain.pass_until_due();
    let missing = |chain: &Chain, id: B256| match status(chain, id) {
        ComputationStatus::Waiting { missing, .. } => missing.map_or(0, |m| m.bits),
        other => panic!("{other:?}"),
    };
    let needed = missing(&chain, older);
    // It lacks a little more than the other will need.
    let state = &mut chain.runtime.state;
    let computation = state.computation_mut(older).unwrap();
    let poll = computation.contract;
    computation.frozen.as_mut().unwrap().need.bits = needed + 64;
    let production = state.jobs_mut().reserve.production.as_mut();
    production.unwrap().amounts.bits = needed;
    chain.fill();
    assert_eq!(missing(&chain, older), 64);
    let younger = close(&mut chain, poll);
    assert!(chain.runtime.job(younger).is_none());
    assert_eq!(missing(&chain, younger), needed);
    chain.fill();
    assert!(chain.runtime.job(older).is_some() && chain.runtime.job(younger).is_some());
}

/// Once a computation has its result, nothing is made for it any more.
#[test]
fn no_lot_is_made_for_a_computation_that_is_done() {
    let (mut chain, id) = tally();
    chain.join_all(id);
    chain.say(vec![(1, silence(id, 0, 2))]);
    let (job, ..) = production(&chain).unwrap();
    chain.complete(id, &VALUES);
    assert!(chain.runtime.opened(id).is_some());
    chain.join_all(job);
    chain.say(vec![(1, silence(job, 0, 2))]);
    assert!(production(&chain).is_none());
    assert_eq!(chain.runtime.next_due_ms(), None);
}

/// A node that was never there: three fill the reserve for the computation that waits.
#[test]
fn a_computation_goes_on_when_three_have_made_what_it_lacks() {
    let (mut chain, id) = tally();
    chain.join(id, &[0, 1, 3]);
    chain.pass_until_due();
    let ComputationStatus::Waiting { missing, .. } = status(&chain, id) else {
        panic!("{:?}", status(&chain, id));
    };
    assert!(missing.unwrap().bits > 0);
    let (_, lot, absent) = production(&chain).unwrap();
    assert_eq!(absent, Some(2));
    assert_eq!(chain.fill(), lot);
    let job = chain.runtime.job(id).unwrap();
    assert_eq!((job.attempt, job.absent), (1, Some(2)));
    chain.complete(id, &VALUES);
    assert!(chain.runtime.opened(id).is_some());
}

/// A node that lies from the first day: while all four try again, a lot is made.
#[test]
fn a_lot_is_made_while_a_stopped_computation_tries_again() {
    let (mut chain, id) = tally();
    chain.join_all(id);
    assert!(production(&chain).is_none(), "nothing was stopped");
    chain.say(vec![(1, silence(id, 0, 2))]);
    assert_eq!(chain.runtime.job(id).unwrap().absent, None);
    let (job, _, absent) = production(&chain).unwrap();
    assert_eq!(absent, None, "its own attempts have not been stopped");
    chain.join_all(id);
    chain.join_all(job);
    chain.say(vec![(1, silence(job, 0, 2))]);
    let (_, _, absent) = production(&chain).unwrap();
    assert_eq!(absent, Some(2));
    chain.fill();
    assert!(production(&chain).is_none(), "there is enough");
    chain.say(vec![(1, silence(id, 1, 2))]);
    assert_eq!(chain.runtime.job(id).unwrap().absent, Some(2));
    chain.complete(id, &VALUES);
}

#[test]
fn what_three_have_spoiled_the_next_three_make_again() {
    let (mut chain, id) = tally();
    chain.join_all(id);
    chain.say(vec![(1, silence(id, 0, 2))]);
    let mut absentees = Vec::new();
    for _ in 0..5 {
        let (job, _, absent) = await_production(&mut chain);
        absentees.push(absent);
        chain.join_all(job);
        let (_, live) = chain.attempt(job);
        let reason = match absent {
            None => StopReason::Silence { peer: live[2] },
            Some(_) => StopReason::Spoiled,
        };
        chain.say(vec![(live[0], stop(job, 0, reason))]);
        // Nobody is blamed for it.
        assert!(chain.runtime.away().is_empty() && chain.runtime.contradictions().is_empty());
    }
    assert_eq!(absentees, [None, Some(2), Some(0), Some(1), Some(3)]);
}

/// With four nobody can spoil anything but by saying so.
#[test]
fn who_says_that_four_have_spoiled_a_lot_names_itself() {
    let mut chain = Chain::with_reserve(true, 1);
    chain.pass_until_due();
    let (job, ..) = production(&chain).unwrap();
    chain.join_all(job);
    let applied = chain.say(vec![(1, stop(job, 0, StopReason::Spoiled))]);
    assert!(applied.events.contains(&Event::NodeAway { node: 1 }));
    assert_eq!(production(&chain).unwrap().2, Some(1));
    // Nor three who compute.
    let (mut chain, id) = tally();
    chain.join_all(id);
    chain.say(vec![(0, silence(id, 0, 3))]);
    chain.fill();
    let attempt = chain.attempt(id).0;
    chain.join_all(id);
    chain.say(vec![(0, silence(id, attempt, 3))]);
    let (attempt, live) = chain.attempt(id);
    assert_eq!(live, [0, 1, 2]);
    chain.join_all(id);
    chain.say(vec![(2, stop(id, attempt, StopReason::Spoiled))]);
    assert!(chain.runtime.is_away(2));
}

/// What a corrupt node can do in an attempt to make a lot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trick {
    StaysAway,
    NamesItself,
    NamesItselfAndIsBack,
    /// It accuses the next live one, or the one after.
    Accuses(usize),
    /// One of the others says that it was silent.
    IsSilent(usize),
    /// It says that the copies of what the other two sent differ.
    SeesMismatch,
    /// One of the others says so of what it and the third sent, and it does not answer.
    SendsMismatch,
    /// Also that, and it answers.
    AnswersWrong,
    CommitsToOtherHashes,
    IsNotReady,
    /// A check fails, as one of the others says.
    Spoils,
    SaysThatItIsSpoiled,
}

const TRICKS: [Trick; 14] = [
    Trick::StaysAway,
    Trick::NamesItself,
    Trick::NamesItselfAndIsBack,
    Trick::Accuses(0),
    Trick::Accuses(1),
    Trick::IsSilent(0),
    Trick::IsSilent(1),
    Trick::SeesMismatch,
    Trick::SendsMismatch,
    Trick::AnswersWrong,
    Trick::CommitsToOtherHashes,
    Trick::IsNotReady,
    Trick::Spoils,
    Trick::SaysThatItIsSpoiled,
];

/// Stops the production `job`, in which `corrupt` takes part.
fn play(chain: &mut Chain, job: B256, corrupt: u8, trick: Trick) {
    let (_, live) = chain.attempt(job);
    let honest: Vec<u8> = live.iter().copied().filter(|n| *n != corrupt).collect();
    let [a, b] = [honest[0], honest[1]];
    let last = honest[honest.len() - 1];
    if trick == Trick::StaysAway {
        chain.join(job, &honest);
        chain.pass_until_due();
        return;
    }
    chain.join_all(job);
    let mismatch = |sender, backup| StopReason::Mismatch {
        round: 4,
        sender,
        backup,
        digest: B256::repeat_byte(1),
    };
    let statement = |byte| NodeMessage::Statement {
        job,
        attempt: 0,
        digest: B256::repeat_byte(byte),
    };
    let silence = |peer| silence(job, 0, peer);
    let stop = |reason| stop(job, 0, reason);
    match trick {
        Trick::StaysAway => {}
        Trick::NamesItself => {
            chain.say(vec![(corrupt, stop(StopReason::Local))]);
        }
        Trick::NamesItselfAndIsBack => {
            let both = vec![stop(StopReason::Local), NodeMessage::Here];
            chain.block(vec![(corrupt, both)], vec![]);
        }
        Trick::Accuses(whom) => {
            chain.say(vec![(corrupt, silence(honest[whom]))]);
        }
        Trick::IsSilent(to) => {
            chain.say(vec![(honest[to], silence(corrupt))]);
        }
        Trick::SeesMismatch => {
            chain.say(vec![(corrupt, stop(mismatch(a, b)))]);
            chain.say(vec![(a, statement(2)), (b, statement(2))]);
        }
        Trick::SendsMismatch => {
            chain.say(vec![(a, stop(mismatch(corrupt, b)))]);
            chain.say(vec![(b, statement(2))]);
            chain.pass_until_due();
        }
        Trick::AnswersWrong => {
            chain.say(vec![(a, stop(mismatch(corrupt, last)))]);
            chain.say(vec![(corrupt, statement(3)), (last, statement(2))]);
        }
        Trick::CommitsToOtherHashes => {
            let right = |node: &u8| (*node, ready(job, 0, *node, &[5]));
            let mut votes: Vec<_> = honest.iter().map(right).collect();
            votes.push((corrupt, ready(job, 0, corrupt, &[6])));
            chain.say(votes);
        }
        Trick::IsNotReady => {
            let right = |node: &u8| (*node, ready(job, 0, *node, &[5]));
            chain.say(honest.iter().map(right).collect());
            chain.pass(READY_MS);
        }
        Trick::Spoils => {
            chain.say(vec![(a, stop(StopReason::Spoiled))]);
        }
        Trick::SaysThatItIsSpoiled => {
            chain.say(vec![(corrupt, stop(StopReason::Spoiled))]);
        }
    }
}

/// Whatever one corrupt node does, an attempt without it begins after a few, and makes a lot.
fn without(corrupt: u8, mut trick: impl FnMut(&mut Chain, u32) -> Trick) -> u32 {
    let mut chain = Chain::with_reserve(true, 1);
    let mut tricks = Vec::new();
    for attempt in 0.. {
        let (job, lot, absent) = await_production(&mut chain);
        let (_, live) = chain.attempt(job);
        if absent == Some(corrupt) {
            assert_eq!(chain.fill(), lot);
            let convicted = chain.runtime.convicted();
            assert!(convicted.is_none_or(|node| node == corrupt));
            return attempt;
        }
        assert!(attempt < 3, "{corrupt}: {tricks:?}");
        let mut trick = trick(&mut chain, attempt);
        // Nobody honest says that four have spoiled a lot.
        if trick == Trick::Spoils && live.len() == 4 {
            trick = Trick::Accuses(0);
        }
        tricks.push((absent, trick));
        play(&mut chain, job, corrupt, trick);
        let stage = chain.runtime.job(job).map(|job| job.stage);
        let over = !matches!(stage, Some(Stage::Running { .. } | Stage::Disputed { .. }));
        assert!(over, "{tricks:?}: {stage:?}");
        assert!(chain.runtime.lots().is_empty(), "{tricks:?}");
    }
    unreachable!()
}

#[test]
fn whatever_one_node_does_a_lot_is_made_without_it_within_four_attempts() {
    let mut most = 0;
    for corrupt in 0..4 {
        for trick in TRICKS {
            most = most.max(without(corrupt, |_, _| trick));
        }
        for _ in 0..40 {
            let random = |chain: &mut Chain, _| *TRICKS.choose(&mut chain.rng).unwrap();
            most = most.max(without(corrupt, random));
        }
    }
    assert_eq!(most, 2, "two attempts are stopped at most");
}
