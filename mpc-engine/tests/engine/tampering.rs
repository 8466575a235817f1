//! Every message of every party, altered in every way: whoever stops first names the liar, and
//! nobody opens anything wrong.

use crate::{
    disputes,
    support::{Cluster, End, binding, column, columns, number, single},
};
use mpc_engine::{
    FrameFault, Frames, Outcome, Program, ProgramBuilder, Session, SessionBinding, Stop, Task,
    local,
};
use rand_chacha::ChaCha20Rng;
use std::sync::Arc;
use wire::{kind::Kind, secret::Op};
use zeroize::Zeroizing;

/// Rounds that set up keys.
const SETUP: usize = 3;
/// Bytes of a frame's header.
const HEADER: usize = 16;
/// Bytes of the contributions in a frame of the second round: two parties share three keys.
const OPENED: usize = 96;

/// How a frame is altered.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Lie {
    /// A bit flips at this place, in 16ths of the frame.
    Flip(usize),
    /// One more, in the byte after the header.
    AddOne,
    /// One less there.
    SubtractOne,
    Truncate,
    Lengthen,
    /// The frame that went the same way in the round before.
    EarlierRound,
    /// The frame of the same round in another session with the same binding.
    OtherSession,
    /// The frame of the same round to another party.
    OtherLink,
    Empty,
}

const LIES: [Lie; 13] = [
    Lie::Flip(0),
    Lie::Flip(4),
    Lie::Flip(9),
    Lie::Flip(13),
    Lie::Flip(16),
    Lie::AddOne,
    Lie::SubtractOne,
    Lie::Truncate,
    Lie::Lengthen,
    Lie::EarlierRound,
    Lie::OtherSession,
    Lie::OtherLink,
    Lie::Empty,
];

impl Lie {
    fn tell(self, frame: &mut Vec<u8>, replayed: &[u8]) {
        match self {
            Self::Flip(place) => {
                let place = (frame.len() * place / 16).min(frame.len() - 1);
                frame[place] ^= 1 << (place % 8);
            }
            Self::AddOne => {
                let place = HEADER.min(frame.len() - 1);
                frame[place] = frame[place].wrapping_add(1);
            }
            Self::Truncate => {
                frame.pop();
            }
            Self::Lengthen => frame.push(0),
            Self::SubtractOne => {
                let place = HEADER.min(frame.len() - 1);
                frame[place] = frame[place].wrapping_sub(1);
            }
            Self::EarlierRound | Self::OtherSession | Self::OtherLink => {
                replayed.clone_into(frame);
            }
            Self::Empty => frame.clear(),
        }
    }
}

/// All frames of an honest run: by round, sender, receiver.
fn record(program: &Program, columns: &[Vec<u128>], seed: u64) -> Vec<Vec<Frames>> {
    record_of(Cluster::start(program, columns, seed))
}

fn record_of(mut cluster: Cluster) -> Vec<Vec<Frames>> {
    let mut rounds = Vec::new();
    while cluster.sessions.iter().any(Option::is_some) {
        rounds.push(cluster.frames.clone());
        let results = cluster.round();
        cluster.go_on(results);
    }
    rounds
}

/// Whoever is blamed includes the liar.
pub fn blames(stop: &Stop, liar: usize) -> bool {
    match stop {
        Stop::Mismatch { sender, backup, .. } => {
            sender != backup && [*sender, *backup].contains(&(liar as u8))
        }
        Stop::BadFrame { peer, .. } => usize::from(*peer) == liar,
        _ => false,
    }
}

/// Runs until somebody honest stops or all have opened, altering what `liar` sends by `alter`.
/// Returns the round in which each honest party ended, and how. If there is something to dispute, the
/// verdict includes the liar.
pub fn run_until_stop(
    mut cluster: Cluster,
    liar: usize,
    mut alter: impl FnMut(usize, &mut Frames),
) -> Vec<(usize, usize, End)> {
    let mut ended = Vec::new();
    for round in 0.. {
        alter(round, &mut cluster.frames[liar]);
        let results = cluster.round();
        let ends = cluster.go_on(results);
        let honest = ends
            .into_iter()
            .enumerate()
            .filter(|(party, _)| *party != liar);
        ended.extend(honest.filter_map(|(party, end)| Some((round, party, end?))));
        if !ended.is_empty() || cluster.sessions.iter().all(Option::is_none) {
            break;
        }
    }
    for (_, receiver, end) in &ended {
        if let Err(stop) = end {
            disputes::settle(&mut cluster, *receiver, stop, liar);
        }
    }
    ended
}

/// A program that is lied to: honest runs of it, and what it opens.
struct Victim<'a> {
    what: &'a str,
    absent: Option<u8>,
    program: &'a Program,
    columns: &'a [Vec<u128>],
    honest: Vec<Vec<Frames>>,
    other: Vec<Vec<Frames>>,
    expected: Vec<Vec<u128>>,
}

impl<'a> Victim<'a> {
    fn new(
        what: &'a str,
        absent: Option<u8>,
        program: &'a Program,
        columns: &'a [Vec<u128>],
    ) -> Self {
        let start = |seed| Cluster::start_without(absent, program, columns, seed);
        let opened = |outcome: Outcome| outcome.into_opened().unwrap().values().to_vec();
        let mut all = start(1).finish().into_iter().flatten();
        let expected = all.next().unwrap().map(opened).unwrap();
        assert!(all.all(|other| other.map(opened).as_ref() == Ok(&expected)));
        Self {
            what,
            absent,
            program,
            columns,
            honest: record_of(start(1)),
            other: record_of(start(2)),
            expected,
        }
    }

    /// Lies once. Returns whether there was anything to alter.
    fn lie(&self, lie: Lie, lied_in: usize, liar: usize, receiver: usize) -> bool {
        let sent = &self.honest[lied_in][liar];
        if sent[receiver].is_empty() {
            return false;
        }
        let mut told = sent[receiver].clone();
        let replayed = match lie {
            Lie::EarlierRound => &self.honest[lied_in.saturating_sub(1)][liar][receiver],
            Lie::OtherSession => &self.other[lied_in][liar][receiver],
            Lie::OtherLink => {
                &sent[(0..4)
                    .find(|p| *p != liar && *p != receiver && !sent[*p].is_empty())
                    .unwrap_or(receiver)]
            }
            _ => &sent[receiver],
        };
        lie.tell(&mut told, replayed);
        if told == sent[receiver] {
            return false; // Nothing is replayed in the first round.
        }
        let cluster = Cluster::start_without(self.absent, self.program, self.columns, 1);
        let ended = run_until_stop(cluster, liar, |round, frames| {
            if round == lied_in {
                frames[receiver].clone_from(&told);
            }
        });
        let context = format!(
            "{} without {:?}: round {lied_in}, {liar} to {receiver}, {lie:?}: {ended:?}",
            self.what, self.absent
        );
        check_ends(&ended, &self.expected, (lied_in, liar, receiver), &context);
        true
    }
}

/// Alters each frame of each round in each way.
pub fn grid(what: &str, program: &Program, columns: &[Vec<u128>]) {
    grid_without(None, what, program, columns);
}

/// The same without a party.
pub fn grid_without(absent: Option<u8>, what: &str, program: &Program, columns: &[Vec<u128>]) {
    let victim = Victim::new(what, absent, program, columns);
    for lied_in in 0..victim.honest.len() {
        for lie in LIES {
            for (liar, receiver) in (0..16).map(|link| (link / 4, link % 4)) {
                victim.lie(lie, lied_in, liar, receiver);
            }
        }
    }
}

/// Alters so many frames of the rounds after the keys, at random; of all four, or without a party.
pub fn sample(
    what: &str,
    absent: Option<u8>,
    program: &Program,
    columns: &[Vec<u128>],
    lies: usize,
    random: &mut ChaCha20Rng,
) {
    let victim = Victim::new(what, absent, program, columns);
    let rounds = victim.honest.len() - SETUP;
    let mut told = 0;
    while told < lies {
        let mut pick = |n: usize| (number(random) >> 9) as usize % n;
        let (lie, lied_in) = (LIES[pick(LIES.len())], SETUP + pick(rounds));
        told += usize::from(victim.lie(lie, lied_in, pick(4), pick(4)));
    }
}

/// Somebody stops, in time, and whoever stops names the liar; nobody opens anything wrong.
fn check_ends(
    ended: &[(usize, usize, End)],
    expected: &[Vec<u128>],
    (lied_in, liar, receiver): (usize, usize, usize),
    context: &str,
) {
    let mut stopped = false;
    for (round, party, end) in ended {
        match end {
            Ok(values) => assert_eq!(values, expected, "{context}"),
            Err(stop) => {
                stopped = true;
                assert!(blames(stop, liar), "{context}");
                // The receiver stops before it sends anything more. Only a commitment that was
                // replaced shows a round later, and to all.
                if lied_in > 0 {
                    assert_eq!((*round, *party), (lied_in, receiver), "{context}");
                } else {
                    assert!(*round <= 1, "{context}");
                }
            }
        }
    }
    assert!(stopped, "{context}");
}

/// Operations that send something, with few lanes (second copies) or many (digests).
#[test]
fn every_message_of_every_operation() {
    let table: &[(Op, &[Kind], u64)] = &[
        (Op::Mul, &[Kind::U64, Kind::U64], 0),
        (Op::Dot, &[Kind::U32, Kind::U32], 0),
        (Op::And, &[Kind::Bool, Kind::Bool], 0),
        (Op::Or, &[Kind::Bool, Kind::Bool], 0),
        (Op::Count, &[Kind::Bool], 0),
        (Op::Cast, &[Kind::Bool], u64::from(Kind::U16.code())),
        (Op::Cast, &[Kind::I8], u64::from(Kind::I64.code())),
        (Op::Select, &[Kind::Bool, Kind::U16, Kind::U16], 0),
        (Op::Eq, &[Kind::U8, Kind::U8], 0),
        (Op::Lt, &[Kind::I8, Kind::I8], 0),
        (Op::Shr, &[Kind::I8], 3),
        (Op::Xor, &[Kind::U8, Kind::U8], 0),
        (Op::Add, &[Kind::U64, Kind::U64], 0),
    ];
    for (op, kinds, immediate) in table {
        for lanes in [2, 130] {
            if lanes > 2 && !matches!(op, Op::Mul | Op::And | Op::Lt | Op::Count) {
                continue;
            }
            let forms: Vec<(Kind, usize)> = kinds.iter().map(|kind| (*kind, lanes)).collect();
            let program = single(*op, &forms, *immediate);
            grid(&format!("{op:?}"), &program, &columns(kinds, lanes, 30));
        }
    }
}

/// Two operations in one round, and one that depends on the first: a lie about one stops both.
fn layers() -> (Program, Vec<Vec<u128>>) {
    let mut builder = ProgramBuilder::new();
    let x = builder.input(column(0), Kind::U64, 40).unwrap();
    let y = builder.input(column(1), Kind::U64, 40).unwrap();
    let first = builder.apply(Op::Mul, &[x, y], 0).unwrap();
    let beside = builder.apply(Op::Mul, &[x, x], 0).unwrap();
    let second = builder.apply(Op::Mul, &[first, y], 0).unwrap();
    let also = builder.apply(Op::Mul, &[beside, beside], 0).unwrap();
    for value in [second, also] {
        builder.reveal(value).unwrap();
    }
    (
        builder.finish().unwrap(),
        columns(&[Kind::U64, Kind::U64], 40, 31),
    )
}

/// The attack on checks that come late (ePrint 2026/234): offset a message of the first layer, and
/// learn from what the victim sends in the second. Here the victim sends nothing more, whichever
/// byte of whichever value is offset, also in an operation on which the second layer does not
/// depend.
#[test]
fn a_victim_sends_nothing_after_an_offset() {
    let (program, columns) = layers();
    grid("layers", &program, &columns);
    const FIRST_LAYER: usize = 3;
    let length = record(&program, &columns, 1)[FIRST_LAYER][2][0].len();
    for place in (16..length).step_by(7) {
        let mut cluster = Cluster::start(&program, &columns, 1);
        for _ in 0..FIRST_LAYER {
            let results = cluster.round();
            cluster.go_on(results);
        }
        let frame = &mut cluster.frames[2][0];
        frame[place] = frame[place].wrapping_add(1);
        let results = cluster.round();
        let Some(Err(stop)) = &results[0] else {
            panic!("the victim goes on: {results:?}")
        };
        assert!(blames(stop, 2), "{stop}");
        cluster.go_on(results);
        assert!(
            cluster.frames[0].iter().all(Vec::is_empty),
            "the victim sent something"
        );
    }
}

/// The same where rounds are sent ahead of others: nothing that the victim sends depends on a round
/// that it has not verified, and after the offset it sends nothing.
#[test]
fn rounds_sent_ahead_depend_on_nothing_outstanding() {
    let lanes = 3 << 17;
    let mut builder = ProgramBuilder::new();
    let x = builder.input(column(0), Kind::U64, lanes).unwrap();
    let square = builder.apply(Op::Mul, &[x, x], 0).unwrap();
    let cube = builder.apply(Op::Mul, &[square, x], 0).unwrap();
    let last = builder.apply(Op::Slice, &[cube], 1).unwrap();
    builder.reveal(last).unwrap();
    let program = builder.finish().unwrap();
    let plan = program.plan();
    assert!(plan.latency < plan.rounds, "nothing is sent ahead: {plan}");
    let columns = columns(&[Kind::U64], lanes, 32);
    let mut most_ahead = 0;
    for lied_in in 3..plan.rounds {
        let mut cluster = Cluster::start(&program, &columns, 1);
        for _ in 0..lied_in {
            let results = cluster.round();
            cluster.go_on(results);
        }
        // These were sent before the offset is seen; of the square, which needs nothing.
        most_ahead = most_ahead.max(cluster.ahead[0].len());
        let ahead = cluster.ahead[0].clone();
        let frame = &mut cluster.frames[2][0];
        let place = (HEADER + lied_in % 8).min(frame.len() - 1);
        frame[place] = frame[place].wrapping_add(1);
        let results = cluster.round();
        let Some(Err(stop)) = &results[0] else {
            panic!("the victim goes on in round {lied_in}")
        };
        assert!(blames(stop, 2), "{stop}");
        cluster.go_on(results);
        assert!(cluster.sessions[0].is_none());
        let sent: Vec<Frames> = std::iter::once(cluster.frames[0].clone())
            .chain(cluster.ahead[0].iter().cloned())
            .filter(|frames| frames.iter().any(|frame| !frame.is_empty()))
            .collect();
        assert!(
            ahead == sent,
            "the victim sent more after the offset in round {lied_in}"
        );
    }
    assert!(most_ahead > 0);
}

/// A party that computes on shares of its own making is found out at its first message.
#[test]
fn a_share_that_is_not_the_others_is_noticed() {
    let (program, columns) = layers();
    let wrong: Vec<Vec<u128>> = columns
        .iter()
        .map(|c| {
            c.iter()
                .map(|x| x.wrapping_add(1) & Kind::U64.mask())
                .collect()
        })
        .collect();
    for liar in 0..4 {
        let mut cluster = Cluster::start(&program, &columns, 1);
        // Components 0 to 2 are dealt first and alike; 3 carries the difference.
        let inputs = local::deal(&program, &wrong, 1)
            .unwrap()
            .into_iter()
            .nth(liar)
            .unwrap();
        if liar == 3 {
            continue; // Party 3 lacks component 3, so its share is the same.
        }
        let entropy = Zeroizing::new([liar as u8; 32]);
        let program = Arc::new(program.clone());
        let (session, frames) =
            Session::start(liar as u8, binding(), Task::open(program, inputs), entropy).unwrap();
        cluster.sessions[liar] = Some(session);
        cluster.frames[liar] = frames;
        let ended = run_until_stop(cluster, liar, |_, _| {});
        assert!(!ended.is_empty());
        for (_, _, end) in ended {
            assert!(end.is_err_and(|stop| blames(&stop, liar)));
        }
    }
}

/// Different contributions to a key for different holders.
#[test]
fn keys_that_differ_between_holders_are_noticed() {
    let (program, columns) = layers();
    let (a, b) = (record(&program, &columns, 1), record(&program, &columns, 2));
    for liar in 0..4 {
        for victim in (0..4).filter(|victim| *victim != liar) {
            let cluster = Cluster::start(&program, &columns, 1);
            let ended = run_until_stop(cluster, liar, |round, frames| match round {
                // Commitments of another session, opened as committed, and repeated to the victim
                // as it heard them.
                0 => frames[victim].clone_from(&b[0][liar][victim]),
                1 => {
                    let mut frame = a[1][liar][victim].clone();
                    let echoes = HEADER + OPENED;
                    let own = echoes + 32 * liar..echoes + 32 * (liar + 1);
                    for told in [HEADER..echoes, own] {
                        frame[told.clone()].copy_from_slice(&b[1][liar][victim][told]);
                    }
                    frames[victim] = frame;
                }
                _ => {}
            });
            assert_eq!(
                ended.len(),
                3,
                "all honest parties see it at once: {ended:?}"
            );
            for (round, _, end) in ended {
                assert_eq!(round, 1);
                assert!(end.is_err_and(|stop| blames(&stop, liar)));
            }
        }
    }
}

/// Parties that are in different sessions part before anything is sent that could tell.
#[test]
fn disagreement_on_the_binding_is_noticed_in_the_first_round() {
    let (program, columns) = layers();
    let other = |change: fn(&mut SessionBinding)| {
        let mut binding = binding();
        change(&mut binding);
        binding
    };
    let others = [
        other(|b| b.chain_id += 1),
        other(|b| b.epoch += 1),
        other(|b| b.computation[31] ^= 1),
        other(|b| b.attempt += 1),
        other(|b| b.nonces[2][0] ^= 1),
    ];
    for odd in 0..4u8 {
        for changed in &others {
            let bound = |me| {
                if me == odd {
                    changed.clone()
                } else {
                    binding()
                }
            };
            let cluster = Cluster::start_bound(&program, &columns, 1, bound);
            let ended = run_until_stop(cluster, usize::from(odd), |_, _| {});
            assert_eq!(ended.len(), 3);
            for (_, _, end) in ended {
                let expected = Stop::BadFrame {
                    round: 0,
                    peer: odd,
                    fault: FrameFault::Binding,
                };
                assert_eq!(end, Err(expected));
            }
        }
    }
}

/// The same entropy in another attempt gives other masks; the same attempt with other entropy too.
#[test]
fn no_two_sessions_send_the_same_values() {
    let (program, columns) = layers();
    let mut seen = std::collections::BTreeSet::new();
    for attempt in 0..3 {
        for seed in 0..2 {
            let bound = |_| SessionBinding {
                attempt,
                ..binding()
            };
            let mut cluster = Cluster::start_bound(&program, &columns, 1 + 2 * seed, bound);
            for _ in 0..3 {
                let results = cluster.round();
                cluster.go_on(results);
            }
            // The first layer: the values of party 0 to party 1.
            assert!(
                seen.insert(cluster.frames[0][1][16..48].to_vec()),
                "a mask was used twice"
            );
        }
    }
}
