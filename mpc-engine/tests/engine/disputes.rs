//! When two copies of a stream differ, what the three parties say about it leads to the liar, however
//! it lies then.

use std::collections::BTreeSet;

use crate::support::{Cluster, column, columns};
use mpc_engine::{Program, ProgramBuilder, Stop};
use wire::{kind::Kind, secret::Op};

type Digest = [u8; 32];

/// The two parties one of which lied, from what the receiver saw of the sender and from what sender
/// and backup say; who says nothing is named with the receiver.
fn verdict(
    [sender, backup, receiver]: [u8; 3],
    seen: Digest,
    [of_sender, of_backup]: [Option<Digest>; 2],
) -> [u8; 2] {
    match (of_sender, of_backup) {
        (None, _) => [receiver, sender],
        (_, None) => [receiver, backup],
        (Some(s), Some(k)) if s != k => [sender, backup],
        (Some(s), _) if s != seen => [receiver, sender],
        _ => [receiver, backup],
    }
}

fn statement(cluster: &Cluster, of: u8, round: u32, roles: [u8; 3]) -> Option<Digest> {
    let [sender, backup, receiver] = roles;
    let transcript = cluster.transcripts[usize::from(of)].as_ref().unwrap();
    transcript.statement(round, sender, backup, receiver)
}

/// Settles the dispute that an honest receiver starts, if it does. The liar says what it should have
/// sent, what it did send, something else, or nothing.
pub fn settle(cluster: &mut Cluster, receiver: usize, stop: &Stop, liar: usize) {
    let &Stop::Mismatch {
        round,
        sender,
        backup,
        digest,
    } = stop
    else {
        return;
    };
    // The others go on until they miss frames of the one that stopped.
    while cluster.frames[receiver]
        .iter()
        .any(|frame| !frame.is_empty())
    {
        let results = cluster.round();
        cluster.advance(results);
    }
    let liar = liar as u8;
    let roles = [sender, backup, receiver as u8];
    let said = [sender, backup].map(|party| statement(cluster, party, round, roles));
    for party in 0..2 {
        if roles[party] != liar {
            assert!(
                said[party].is_some(),
                "{stop}: an honest party says nothing"
            );
        }
        for told in [said[party], Some(digest), Some([7; 32]), None] {
            let mut all = said;
            if roles[party] == liar {
                all[party] = told;
            }
            let pair = verdict(roles, digest, all);
            assert!(
                pair[0] != pair[1] && pair.contains(&liar),
                "{stop}: {pair:?}"
            );
        }
    }
}

/// Streams of few bytes and of many, several in a round, in a few rounds.
fn layers() -> (Program, Vec<Vec<u128>>) {
    let mut builder = ProgramBuilder::new();
    let x = builder.input(column(0), Kind::U64, 40).unwrap();
    let y = builder.input(column(1), Kind::U64, 40).unwrap();
    let square = builder.apply(Op::Mul, &[x, x], 0).unwrap();
    let first = builder.apply(Op::Slice, &[square], 1).unwrap();
    let product = builder.apply(Op::Mul, &[square, y], 0).unwrap();
    let cube = builder.apply(Op::Mul, &[first, first], 0).unwrap();
    for value in [product, cube] {
        builder.reveal(value).unwrap();
    }
    let columns = columns(&[Kind::U64, Kind::U64], 40, 80);
    (builder.finish().unwrap(), columns)
}

/// Whether there is a stream with these roles, as all must be live and different.
fn all_roles(absent: Option<u8>) -> Vec<[u8; 3]> {
    let all = (0..64u8).map(|i| [i / 16, i / 4 % 4, i % 4]);
    let distinct = |[s, k, h]: &[u8; 3]| s != k && k != h && h != s;
    all.filter(|roles| distinct(roles) && !roles.iter().any(|party| Some(*party) == absent))
        .collect()
}

/// Whoever claims that two copies differed which did not is in the verdict, whatever it claims, and
/// whenever: sender and backup say the same. Nobody else has anything to say.
#[test]
fn false_claims_are_found_out() {
    let (program, columns) = layers();
    let sums = sums();
    let settings = [(None, &program, &columns)]
        .into_iter()
        .chain((0..4).map(|absent| (Some(absent), &sums.0, &sums.1)));
    for (absent, program, columns) in settings {
        let mut cluster = Cluster::start_without(absent, program, columns, 1);
        let mut now = 0;
        while cluster.sessions.iter().any(Option::is_some) {
            for round in 0..now + 3 {
                for roles in all_roles(absent) {
                    let [sender, backup, receiver] = roles;
                    let said = [sender, backup].map(|p| statement(&cluster, p, round, roles));
                    for of in (0..4).filter(|of| Some(*of) != absent) {
                        if of != sender && of != backup {
                            assert_eq!(statement(&cluster, of, round, roles), None);
                        }
                    }
                    // The round whose frames are under way, and the one before.
                    let recent = round >= 3 && (round == now || round + 1 == now);
                    assert!(said[0].is_some() || !recent);
                    for seen in [said[0].unwrap_or_default(), [9; 32]] {
                        let pair = verdict(roles, seen, said);
                        assert!(pair[0] != pair[1] && pair.contains(&receiver));
                    }
                }
            }
            let results = cluster.round();
            cluster.go_on(results);
            now += 1;
        }
    }
}

/// A digest is of one stream of one session, and another party's key gives another.
#[test]
fn digests_are_bound_to_everything() {
    let (program, columns) = layers();
    let mut seen = BTreeSet::new();
    for seed in 1..3 {
        let mut cluster = Cluster::start_without(None, &program, &columns, seed);
        for round in 0..5u32 {
            let results = cluster.round();
            cluster.go_on(results);
            for roles in all_roles(None) {
                if round >= 2 {
                    let said = statement(&cluster, roles[0], round + 1, roles).unwrap();
                    assert!(seen.insert(said), "round {round}, {roles:?}");
                }
            }
        }
    }
}

/// Where rounds are sent ahead of others, all that can still be claimed is kept, and no more.
#[test]
fn rounds_sent_ahead_are_kept_until_they_are_verified() {
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
    let columns = columns(&[Kind::U64], lanes, 81);
    let last = plan.rounds as u32;
    for lied_in in 3..plan.rounds {
        for (liar, victim) in [(2, 0), (1, 3)] {
            let cluster = Cluster::start(&program, &columns, 1);
            let mut told = false;
            let mut kept = 0;
            let transcript = cluster.transcripts[victim].clone().unwrap();
            let ended = crate::tampering::run_until_stop(cluster, liar, |round, frames| {
                let streams = (0..last).filter(|round| {
                    let roles = [victim as u8, (victim as u8 + 1) % 4, (victim as u8 + 2) % 4];
                    *round > 2
                        && transcript
                            .statement(*round, roles[0], roles[1], roles[2])
                            .is_some()
                });
                kept = kept.max(streams.count());
                if round == lied_in {
                    let frame = &mut frames[victim];
                    let place = frame.len() - 1 - lied_in % 16;
                    frame[place] ^= 1;
                    told = true;
                }
            });
            assert!(
                told && ended
                    .iter()
                    .any(|(_, party, end)| *party == victim && end.is_err())
            );
            assert!((1..=8).contains(&kept), "{kept} rounds are kept");
        }
    }
}

fn sums() -> (Program, Vec<Vec<u128>>) {
    let mut builder = ProgramBuilder::new();
    let x = builder.input(column(0), Kind::U64, 40).unwrap();
    let sum = builder.apply(Op::Sum, &[x], 0).unwrap();
    for value in [x, sum] {
        builder.reveal(value).unwrap();
    }
    (builder.finish().unwrap(), columns(&[Kind::U64], 40, 82))
}
