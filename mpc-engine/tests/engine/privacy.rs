//! What crosses looks uniform, and nothing is masked twice with the same mask.

use std::collections::BTreeSet;

use crate::support::{Cluster, binding, column, single};
use mpc_engine::{Frames, Program, ProgramBuilder, Step};
use wire::{kind::Kind, secret::Op};

const HEADER: usize = 16;
const SETUP: usize = 3;

/// The frames of all rounds after the set-up.
fn rounds(program: &Program, columns: &[Vec<u128>], seed: u64) -> Vec<Vec<Frames>> {
    let mut cluster = Cluster::start_bound(program, columns, seed, |_| binding());
    let mut rounds = Vec::new();
    while cluster.sessions.iter().any(Option::is_some) {
        rounds.push(cluster.frames.clone());
        let results = cluster.round();
        cluster.go_on(results);
    }
    rounds.split_off(SETUP)
}

/// As many ones as zeros on every link in every round, also where the secrets are all zero: an
/// operation that sent anything without its mask would be far off.
#[test]
fn frames_have_no_bias() {
    let lanes = 4096;
    let table: &[(Op, &[Kind], u64)] = &[
        (Op::Mul, &[Kind::U8, Kind::U8], 0),
        (Op::And, &[Kind::Bool, Kind::Bool], 0),
        (Op::Lt, &[Kind::U16, Kind::U16], 0),
        (Op::Eq, &[Kind::U16, Kind::U16], 0),
        (Op::Cast, &[Kind::Bool], u64::from(Kind::U32.code())),
        (Op::Cast, &[Kind::U8], u64::from(Kind::U32.code())),
        (Op::Select, &[Kind::Bool, Kind::U8, Kind::U8], 0),
        (Op::And, &[Kind::U8, Kind::U8], 0),
        (Op::Shr, &[Kind::I16], 3),
        (Op::Shuffle, &[Kind::U8], 0),
        (Op::Shuffle, &[Kind::Bool], 0),
    ];
    for (op, kinds, immediate) in table {
        let forms: Vec<(Kind, usize)> = kinds.iter().map(|kind| (*kind, lanes)).collect();
        let program = single(*op, &forms, *immediate);
        let columns = vec![vec![0; lanes]; kinds.len()];
        for (round, sent) in rounds(&program, &columns, 50).iter().enumerate() {
            for frame in sent
                .iter()
                .flatten()
                .filter(|frame| frame.len() > HEADER + 256)
            {
                let bytes = &frame[HEADER..];
                let bits = 8.0 * bytes.len() as f64;
                let ones: u32 = bytes.iter().map(|byte| byte.count_ones()).sum();
                let deviation = (f64::from(ones) - bits / 2.0) / (bits / 4.0).sqrt();
                assert!(
                    deviation.abs() < 6.0,
                    "{op:?} round {round}: {deviation} sigma"
                );
            }
        }
    }
}

/// The same operation on the same operands, often, in one round and in several, sends no word
/// twice over any link.
#[test]
fn no_mask_is_used_twice() {
    let lanes = 100;
    let mut builder = ProgramBuilder::new();
    let x = builder.input(column(0), Kind::U64, lanes).unwrap();
    let y = builder.input(column(1), Kind::U64, lanes).unwrap();
    let mut product = x;
    for _ in 0..5 {
        for _ in 0..5 {
            let again = builder.apply(Op::Mul, &[x, y], 0).unwrap();
            let sum = builder.apply(Op::Sum, &[again], 0).unwrap();
            builder.reveal(sum).unwrap();
        }
        product = builder.apply(Op::Mul, &[product, y], 0).unwrap();
    }
    let sum = builder.apply(Op::Sum, &[product], 0).unwrap();
    builder.reveal(sum).unwrap();
    let program = builder.finish().unwrap();
    let columns = vec![vec![3; lanes]; 2];
    let sent = rounds(&program, &columns, 51);
    let last = sent.len() - 1; // The last round opens, some sums more than once.
    for link in (0..16).filter(|link| link / 4 != link % 4) {
        let mut seen = BTreeSet::new();
        for round in &sent[..last] {
            let frame = &round[link / 4][link % 4];
            // Streams are whole words; the digests at the end are not looked at.
            let end = frame.len().saturating_sub(64).max(HEADER);
            let words = frame[HEADER..end].chunks_exact(8);
            for word in words {
                assert!(
                    seen.insert(word.to_vec()),
                    "link {link} carries a word twice"
                );
            }
        }
    }
}

/// What a step prints holds nothing of what was sent: contributions to keys, values, nonces.
#[test]
fn frames_are_not_printed() {
    let program = single(Op::Mul, &[(Kind::U64, 1), (Kind::U64, 1)], 0);
    let mut cluster = Cluster::start_bound(&program, &vec![vec![3]; 2], 52, |_| binding());
    while cluster.sessions.iter().any(Option::is_some) {
        let results = cluster.round();
        for result in results.iter().flatten().flatten() {
            if let Step::Continue(..) = result {
                let shown = format!("{result:?}");
                assert!(
                    shown.contains("redacted") && !shown.contains('['),
                    "{shown}"
                );
            }
        }
        cluster.go_on(results);
    }
}
