//! Attempts of jobs: who takes part, what they take of the reserve, and what stops lead to.

use wire::{
    limits::{JOIN_MS, LOT_SEEDS, MOST_RESERVE_LOTS, READY_MS, RESERVE_IDLE_MS},
    node_transaction::{NodeMessage, StopReason},
    rpc::{AttemptStage, ComputationStatus, ReserveAmounts},
};

use super::{
    computations::{close, status},
    *,
};
use crate::{Amounts, JobTask, SeedRef, Slice, Stage, lot_job};

const VALUES: [u64; 3] = [1, 0, 0];

/// A tally over one ballot on a chain with lots in reserve, and the tally's id.
fn tally(lots: u32, code: &Bytes) -> (Chain, Address, B256) {
    let mut chain = Chain::with_reserve(true, lots);
    for _ in 0..lots {
        chain.fill();
    }
    let poll = chain.deploy(code, &closes_argument());
    chain.vote(&user(1), poll, 0);
    let id = close(&mut chain, poll);
    (chain, poll, id)
}

/// A poll whose result is random.
fn draw() -> Bytes {
    poll_that_computes(
        "(call $secret_op (i32.const 12)
         (local.get $column)
         (call $secret_op (i32.const 58)
           (i32.const -1) (i32.const -1) (i32.const -1) (i64.const 0x100000001))
         (i32.const -1) (i64.const 0))",
    )
}

fn absent(chain: &Chain, id: B256) -> Option<u8> {
    chain.runtime.job(id).unwrap().absent
}

/// What the current attempt has of the reserve: its seed, and its parts of lots.
fn taken(chain: &Chain, id: B256) -> (Option<SeedRef>, Vec<Slice>) {
    match chain.runtime.job(id).map(|job| job.task) {
        Some(JobTask::Compute { seed, reserve, .. }) => (seed, reserve),
        other => panic!("{other:?}"),
    }
}

fn missing(chain: &Chain, id: B256) -> Option<ReserveAmounts> {
    match status(chain, id) {
        ComputationStatus::Waiting { missing, .. } => missing,
        other => panic!("{other:?}"),
    }
}

#[test]
fn who_is_accused_is_left_out_and_who_accuses_again_is_next() {
    let (mut chain, _, id) = tally(1, &poll_code());
    assert_eq!(taken(&chain, id), (None, vec![]));
    chain.join_all(id);
    let applied = chain.say(vec![(2, silence(id, 0, 3))]);
    let stopped = |attempt| Event::AttemptStopped { job: id, attempt };
    let wanted = |attempt| Event::JoinWanted { job: id, attempt };
    assert_eq!(applied.events, [stopped(0), wanted(1)]);
    assert_eq!(absent(&chain, id), Some(3));
    let first = taken(&chain, id).1;
    assert!(!first.is_empty());
    // Stops and votes of the attempt before do nothing, nor does the one that is left out.
    let nonsense = vec![(0, silence(id, 0, 2)), (3, silence(id, 1, 2))];
    assert_eq!(chain.say(nonsense).events, []);
    chain.join_all(id);
    let running = |attempt, absent, suspected| ComputationStatus::Running {
        attempt,
        stage: AttemptStage::Running,
        absent: Some(absent),
        suspected,
    };
    assert_eq!(status(&chain, id), running(1, 3, vec![[2, 3]]));
    chain.say(vec![(2, silence(id, 1, 0))]);
    // Other parts of the reserve for another session.
    assert_eq!(absent(&chain, id), Some(2));
    let second = taken(&chain, id).1;
    assert_eq!(second[0].ranges.bits.start, first[0].ranges.bits.end);
    chain.join_all(id);
    assert_eq!(status(&chain, id), running(2, 2, vec![[0, 2], [2, 3]]));
    // The node that is left out may open components too.
    chain.ready(id, &[0, 1, 3], &VALUES);
    let applied = chain.say(vec![
        (2, open(id, &[0, 1, 3], &VALUES)),
        (3, open(id, &[2], &VALUES)),
    ]);
    assert_eq!(applied.events, [Event::Opened { computation: id }]);
}

#[test]
fn a_node_that_does_not_join_is_away_until_it_says_that_it_is_here() {
    let (mut chain, poll, id) = tally(1, &poll_code());
    chain.join(id, &[0, 1, 2]);
    assert_eq!(
        chain.runtime.next_due_ms(),
        Some(chain.time_ms - 1_000 + JOIN_MS)
    );
    let applied = chain.pass_until_due();
    let expected = [
        Event::AttemptStopped {
            job: id,
            attempt: 0,
        },
        Event::NodeAway { node: 3 },
        Event::JoinWanted {
            job: id,
            attempt: 1,
        },
    ];
    assert_eq!(applied.events, expected);
    assert!(chain.runtime.is_away(3) && !chain.runtime.is_away(0));
    // Being down is not guilt.
    let ComputationStatus::Running { suspected, .. } = status(&chain, id) else {
        panic!("{:?}", status(&chain, id));
    };
    assert_eq!(suspected, Vec::<[u8; 2]>::new());
    chain.complete(id, &VALUES);
    // Later computations begin without it.
    let second = close(&mut chain, poll);
    assert_eq!(
        (chain.attempt(second).0, absent(&chain, second)),
        (0, Some(3))
    );
    let applied = chain.say(vec![(3, NodeMessage::Here)]);
    assert_eq!(applied.events, [Event::NodeBack { node: 3 }]);
    assert_eq!(absent(&chain, second), Some(3));
    let third = close(&mut chain, poll);
    assert_eq!(absent(&chain, third), None);
}

#[test]
fn a_statement_in_the_block_after_the_deadline_is_not_too_late() {
    let (mut chain, _, id) = tally(1, &poll_code());
    chain.join(id, &[0, 1, 2]);
    chain.time_ms += 2 * JOIN_MS;
    let applied = chain.join(id, &[3]);
    let (job, attempt) = (id, 0);
    assert_eq!(applied.events, [Event::AttemptStarted { job, attempt }]);
    assert!(chain.runtime.away().is_empty());
}

#[test]
fn a_node_that_was_started_anew_stops_for_itself_alone() {
    let (mut chain, _, id) = tally(1, &poll_code());
    chain.join_all(id);
    let local = || stop(id, 0, StopReason::Local);
    let applied = chain.say(vec![(1, local())]);
    assert!(applied.events.contains(&Event::NodeAway { node: 1 }));
    assert_eq!(absent(&chain, id), Some(1));
    // Else it could stop every attempt, it is left out of this job also if it is back at once.
    let (mut chain, poll, id) = tally(1, &poll_code());
    chain.join_all(id);
    chain.block(vec![(1, vec![local(), NodeMessage::Here])], vec![]);
    assert!(chain.runtime.away().is_empty());
    assert_eq!((chain.attempt(id).0, absent(&chain, id)), (1, Some(1)));
    let second = close(&mut chain, poll);
    assert_eq!(absent(&chain, second), None);
}

#[test]
fn without_enough_in_reserve_a_computation_waits_and_says_what_is_missing() {
    let (mut chain, poll, id) = tally(0, &poll_code());
    chain.join(id, &[0, 1, 2]);
    chain.pass_until_due();
    let lacks = missing(&chain, id).unwrap();
    assert!(lacks.bits > 0 && lacks.seeds == 0);
    assert_eq!(lacks.bits % 64, 0);
    // It waits until the others have made a lot, or the node is back.
    assert!(chain.runtime.job(id).is_none());
    assert_eq!(chain.runtime.jobs(), [lot_job(0)]);
    let second = close(&mut chain, poll);
    assert_eq!(missing(&chain, second), Some(lacks));
    let applied = chain.say(vec![(3, NodeMessage::Here)]);
    let wanted = |job, attempt| Event::JoinWanted { job, attempt };
    for expected in [
        Event::NodeBack { node: 3 },
        wanted(id, 1),
        wanted(second, 0),
    ] {
        assert!(applied.events.contains(&expected), "{:?}", applied.events);
    }
    assert_eq!(absent(&chain, id), None);
    // If nobody is away, all four try again, with pauses; nobody joins the making of lots.
    for attempt in 1..4 {
        chain.join_all(id);
        chain.say(vec![(0, silence(id, attempt, 1))]);
        if attempt > 1 {
            assert!(chain.runtime.job(id).is_none());
            while chain.runtime.job(id).is_none() {
                chain.pass_until_due();
            }
        }
        assert_eq!(
            (chain.attempt(id), absent(&chain, id)),
            ((attempt + 1, vec![0, 1, 2, 3]), None)
        );
    }
    chain.complete(id, &VALUES);
    assert!(chain.runtime.opened(id).is_some());
}

#[test]
fn a_random_result_keeps_its_seed_in_all_attempts() {
    let (mut chain, _, id) = tally(0, &draw());
    // There is no seed yet: a lot of nothing but seeds is made.
    let seeds = missing(&chain, id).unwrap().seeds;
    assert_eq!(seeds, 1);
    let lot = lot_job(0);
    assert_eq!(chain.runtime.jobs(), [lot]);
    let Some(JobTask::Produce { amounts, .. }) = chain.runtime.job(lot).map(|job| job.task) else {
        panic!("{:?}", chain.runtime.job(lot));
    };
    let expected = Amounts {
        seeds: LOT_SEEDS,
        ..Amounts::default()
    };
    assert_eq!(amounts, expected);
    chain.fill();
    let (seed, _) = taken(&chain, id);
    assert_eq!(seed, Some(SeedRef { lot: 0, index: 0 }));
    chain.join_all(id);
    chain.say(vec![(0, silence(id, 0, 1))]);
    assert_eq!((chain.attempt(id).0, taken(&chain, id).0), (1, seed));
    chain.complete(id, &VALUES);
    assert_eq!(chain.runtime.reserve_left().seeds, LOT_SEEDS - 1);
}

#[test]
fn a_contradiction_is_kept_and_a_second_one_convicts() {
    let (mut chain, poll, id) = tally(1, &poll_code());
    chain.join_all(id);
    // Node 2 is the corrupt one. It commits to something else than node 0.
    let lie = |attempt| (2, ready(id, attempt, 2, &[7, 7, 7]));
    let applied = chain.say(vec![(0, ready(id, 0, 0, &VALUES)), lie(0)]);
    let contradictions = chain.runtime.contradictions().to_vec();
    assert_eq!(contradictions.len(), 1);
    let first = &contradictions[0];
    assert_eq!((first.job, first.attempt, first.pair), (id, 0, [0, 2]));
    assert_eq!(first.block, chain.runtime.head().number);
    assert!(
        applied
            .events
            .contains(&Event::Contradiction(first.clone()))
    );
    assert_eq!(chain.runtime.convicted(), None);
    assert_eq!(absent(&chain, id), Some(0));
    chain.join_all(id);
    // Now by way of a dispute: it says that what it got from 1 is not what 3 vouched for.
    let mismatch = StopReason::Mismatch {
        round: 5,
        sender: 1,
        backup: 3,
        digest: B256::repeat_byte(9),
    };
    let applied = chain.say(vec![(2, stop(id, 1, mismatch))]);
    let (job, attempt) = (id, 1);
    assert_eq!(applied.events, [Event::Disputed { job, attempt }]);
    let stage = Stage::Disputed {
        round: 5,
        sender: 1,
        backup: 3,
        receiver: 2,
    };
    assert_eq!(chain.runtime.job(id).unwrap().stage, stage);
    let statement = |digest| NodeMessage::Statement {
        job,
        attempt,
        digest,
    };
    let digest = B256::repeat_byte(8);
    assert!(chain.runtime.wants_statement(id, 1) && !chain.runtime.wants_statement(id, 2));
    chain.say(vec![(1, statement(digest))]);
    assert!(!chain.runtime.wants_statement(id, 1));
    chain.say(vec![(1, statement(B256::ZERO)), (3, statement(digest))]);
    assert_eq!(chain.runtime.contradictions()[1].pair, [1, 2]);
    assert_eq!(chain.runtime.convicted(), Some(2));
    assert_eq!((chain.attempt(id).0, absent(&chain, id)), (2, Some(2)));
    chain.complete(id, &VALUES);
    // Later computations begin without it, also if another one is away; then they wait for long.
    let second = close(&mut chain, poll);
    assert_eq!(
        (chain.attempt(second).0, absent(&chain, second)),
        (0, Some(2))
    );
    chain.join(second, &[0, 1]);
    for _ in 0..3 {
        chain.pass_until_due();
        assert_eq!(
            (chain.attempt(second).0, absent(&chain, second)),
            (0, Some(2))
        );
    }
    chain.complete(second, &VALUES);
}

#[test]
fn silence_in_a_dispute_or_after_the_session_names_a_pair_without_proof() {
    let (mut chain, _, id) = tally(1, &poll_code());
    chain.join_all(id);
    let mismatch = StopReason::Mismatch {
        round: 5,
        sender: 1,
        backup: 3,
        digest: B256::ZERO,
    };
    chain.say(vec![(2, stop(id, 0, mismatch))]);
    chain.pass_until_due();
    assert_eq!(absent(&chain, id), Some(1));
    chain.join_all(id);
    chain.ready(id, &[0, 2], &VALUES);
    assert_eq!(chain.runtime.next_due_ms(), Some(chain.time_ms + READY_MS));
    chain.pass_until_due();
    let ComputationStatus::Running { suspected, .. } = status(&chain, id) else {
        panic!("{:?}", status(&chain, id));
    };
    assert_eq!(
        (absent(&chain, id), suspected),
        (Some(3), vec![[0, 3], [1, 2]])
    );
    assert!(chain.runtime.contradictions().is_empty());
}

#[test]
fn parts_of_the_reserve_that_no_session_used_are_used_by_the_next() {
    let (mut chain, _, id) = tally(1, &poll_code());
    chain.join(id, &[0, 1, 2]);
    chain.pass_until_due();
    let (_, slices) = taken(&chain, id);
    assert_eq!(absent(&chain, id), Some(3));
    // Node 2 goes, and node 3 is there again.
    chain.say(vec![(3, NodeMessage::Here)]);
    chain.join(id, &[0, 1]);
    chain.pass_until_due();
    assert_eq!((absent(&chain, id), chain.attempt(id).0), (Some(2), 2));
    assert_eq!(taken(&chain, id).1, slices);
    chain.complete(id, &VALUES);
}

#[test]
fn the_reserve_is_filled_when_there_is_nothing_else_to_do() {
    let mut chain = Chain::with_reserve(true, 2);
    let idle_ms = chain.time_ms + RESERVE_IDLE_MS;
    assert_eq!(chain.runtime.next_due_ms(), Some(idle_ms));
    let applied = chain.pass_until_due();
    let (job, attempt) = (lot_job(0), 0);
    assert_eq!(applied.events, [Event::JoinWanted { job, attempt }]);
    // A production that is stopped is over, and the next one is of another lot.
    chain.join_all(job);
    let applied = chain.say(vec![(0, silence(job, 0, 1))]);
    let expected = [
        Event::AttemptStopped { job, attempt },
        Event::LotDropped { lot: 0 },
        Event::JoinWanted {
            job: lot_job(1),
            attempt,
        },
    ];
    assert_eq!(applied.events, expected);
    assert_eq!(chain.fill(), 1);
    // The next one begins at once, and a computation that starts meanwhile does not wait for it.
    let second = lot_job(2);
    assert_eq!(chain.runtime.jobs(), [second]);
    let poll = chain.deploy(&poll_code(), &closes_argument());
    chain.join_all(second);
    let id = close(&mut chain, poll);
    assert_eq!(absent(&chain, id), None);
    assert_eq!(chain.runtime.jobs(), [id, second]);
    chain.complete(id, &[0; 3]);
    chain.ready(second, &[0, 1, 2, 3], &[2]);
    let expected = (chain.runtime.lot(2).unwrap().hashes, [1, 2]);
    let NodeMessage::Ready { commitments, .. } = ready(second, 0, 0, &[2]) else {
        unreachable!();
    };
    assert_eq!(commitments[1], Some(expected.0[1]));
    let numbers: Vec<_> = chain.runtime.lots().keys().copied().collect();
    assert_eq!(numbers, expected.1);
    // There is enough, once signatures do not keep the cluster busy either.
    let digest = chain.runtime.attestation(id).unwrap();
    let digest = digest.digest(&chain.runtime.committee().l1);
    let attest = |node: u8| NodeMessage::Attest {
        computation: id,
        signature: signing::sign_digest(&chain.keys[usize::from(node)], digest),
    };
    let attest = (0..3).map(|node| (node, attest(node))).collect();
    chain.say(attest);
    assert_eq!(chain.runtime.next_due_ms(), None);
    // What is used up is made again, and forgotten first.
    let (bits, seeds) = (
        chain.runtime.reserve_left().bits,
        chain.runtime.reserve_left().seeds,
    );
    assert_eq!((bits, seeds), (2 * wire::limits::LOT_BITS, 2 * LOT_SEEDS));
}

#[test]
fn a_lot_that_is_used_up_is_forgotten_when_nobody_holds_parts_of_it() {
    let (mut chain, _, id) = tally(0, &draw());
    // A lot of one seed.
    let production = chain.runtime.state.jobs_mut().reserve.production.as_mut();
    production.unwrap().amounts.seeds = 1;
    chain.fill();
    chain.join_all(id);
    assert!(chain.runtime.lot(0).is_some());
    assert!(chain.runtime.reserve_left().is_empty());
    let applied = chain.ready(id, &[0, 1, 2], &VALUES);
    assert!(applied.events.contains(&Event::LotDropped { lot: 0 }));
    assert!(chain.runtime.lot(0).is_none());
}

#[test]
fn moving_time_passes_no_deadline() {
    let (mut chain, _, id) = tally(1, &poll_code());
    chain.join(id, &[0, 1, 2]);
    let by_ms = 3_600_000;
    let due_ms = chain.runtime.next_due_ms().unwrap();
    let request = B256::repeat_byte(1);
    chain.time_ms -= 1_000;
    chain.say(vec![(0, NodeMessage::AdvanceTime { request, by_ms })]);
    chain.time_ms += by_ms - 1_000;
    chain.pass(0);
    assert_eq!(chain.attempt(id), (0, vec![0, 1, 2, 3]));
    assert_eq!(chain.runtime.next_due_ms(), Some(due_ms + by_ms));
}

#[test]
fn a_committee_may_not_ask_for_any_number_of_lots() {
    let committee = committee_with(true, u32::MAX);
    assert_eq!(committee.reserve_lots(), MOST_RESERVE_LOTS);
    assert_eq!(committee_with(true, 3).reserve_lots(), 3);
}
