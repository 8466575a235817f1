//! Shuffles, secret permutations and random values: against the clear-text model where they have
//! one, else by what they must be distributed like.

use std::collections::BTreeMap;

use crate::{
    support::{Cluster, column, columns, number, random, seed, single},
    tampering::grid,
};
use mpc_engine::{Program, ProgramBuilder, ProgramError, ValueId, clear, local};
use rand_chacha::rand_core::Rng as _;
use wire::{kind::Kind, limits::SESSION_FRAME_BYTES, secret::Op};

/// A program without inputs: what `write` returns is opened.
fn program(write: impl FnOnce(&mut ProgramBuilder) -> Vec<ValueId>) -> Program {
    let mut builder = ProgramBuilder::new();
    for value in write(&mut builder) {
        builder.reveal(value).unwrap();
    }
    builder.finish().unwrap()
}

fn sorted(mut values: Vec<u128>) -> Vec<u128> {
    values.sort_unstable();
    values
}

/// A random permutation of 0 .. len.
fn permutation(len: usize, stream: u64) -> Vec<u128> {
    let mut random = random(stream);
    let mut places: Vec<u128> = (0..len as u128).collect();
    for i in (1..len).rev() {
        places.swap(i, random.next_u64() as usize % (i + 1));
    }
    places
}

/// Whether counts could come from equally likely outcomes: chi-square below the value that chance
/// exceeds about once in three million times (5 standard deviations, by the approximation of Wilson
/// and Hilferty).
fn assert_even(what: &str, counts: &[u32]) {
    let total: u32 = counts.iter().sum();
    let expected = f64::from(total) / counts.len() as f64;
    assert!(expected >= 20.0, "{what}: too few for the bound to hold");
    let deviation = |n: &u32| (f64::from(*n) - expected).powi(2) / expected;
    let chi_square: f64 = counts.iter().map(deviation).sum();
    let freedom = counts.len() as f64 - 1.0;
    let spread = 2.0 / (9.0 * freedom);
    let bound = freedom * (1.0 - spread + 5.0 * spread.sqrt()).powi(3);
    assert!(chi_square < bound, "{what}: {chi_square} for {freedom}");
}

#[test]
fn a_shuffle_keeps_the_elements() {
    for kind in Kind::ALL.into_iter().chain([Kind::Fixed64(7)]) {
        for len in [0, 1, 2, 3, 17, 200] {
            let mut random = random(60);
            let values: Vec<u128> = (0..len)
                .map(|_| number(&mut random) & kind.mask())
                .collect();
            let program = single(Op::Shuffle, &[(kind, len)], 0);
            assert!(program.is_random());
            let opened = local::run(&program, std::slice::from_ref(&values), 5).unwrap();
            assert_eq!(sorted(opened[0].clone()), sorted(values.clone()));
            if len == 200 && kind != Kind::Bool {
                assert_ne!(opened[0], values, "nothing has moved");
            }
        }
    }
}

/// The 24 orders of four elements in many shuffles of one run: all are equally frequent, and two
/// shuffles of the same elements are independent.
#[test]
fn all_orders_are_equally_frequent() {
    let shuffles = 2_400;
    let program = program(|b| {
        let x = b.public(Kind::U8, &[0, 1, 2, 3]).unwrap();
        (0..shuffles)
            .map(|_| b.apply(Op::Shuffle, &[x], 0).unwrap())
            .collect()
    });
    let opened = local::run(&program, &[], seed()).unwrap();
    let mut counts = BTreeMap::new();
    for order in &opened {
        *counts.entry(order.clone()).or_insert(0) += 1;
    }
    assert_eq!(counts.len(), 24);
    assert_even("orders", &counts.into_values().collect::<Vec<_>>());
    let mut pairs = vec![0; 16];
    for two in opened.chunks(2) {
        pairs[(two[0][0] * 4 + two[1][0]) as usize] += 1;
    }
    assert_even("first elements of two shuffles", &pairs);
}

#[test]
fn two_runs_shuffle_differently() {
    let values: Vec<u128> = (0..100).collect();
    let program = single(Op::Shuffle, &[(Kind::U64, 100)], 0);
    let run = |seed| local::run(&program, std::slice::from_ref(&values), seed).unwrap();
    assert_ne!(run(1), run(2));
}

#[test]
fn permute_is_as_in_clear() {
    for kind in [
        Kind::Bool,
        Kind::U8,
        Kind::I64,
        Kind::U128,
        Kind::Fixed64(3),
    ] {
        for len in [0, 1, 2, 3, 17, 200] {
            let mut random = random(61);
            let values: Vec<u128> = (0..len)
                .map(|_| number(&mut random) & kind.mask())
                .collect();
            let places = permutation(len, 62);
            let program = single(Op::Permute, &[(kind, len), (Kind::U32, len)], 0);
            assert!(!program.is_random());
            let columns = [values, places];
            let expected = clear::evaluate(&program, &columns).unwrap();
            assert_eq!(local::run(&program, &columns, 6).unwrap(), expected);
        }
    }
}

/// Places that are no permutation give elements of the operand, in some order, and nothing fails.
#[test]
fn places_that_are_no_permutation_do_no_harm() {
    let program = single(Op::Permute, &[(Kind::U64, 4), (Kind::U32, 4)], 0);
    let values = vec![10, 20, 30, 40];
    for places in [
        [0, 0, 0, 0],
        [4, 5, 6, u128::from(u32::MAX)],
        [1, 2, 3, 4],
        [3, 3, 0, 1],
    ] {
        let opened = local::run(&program, &[values.clone(), places.to_vec()], 7).unwrap();
        assert_eq!(opened[0].len(), 4);
        assert!(opened[0].iter().all(|v| values.contains(v)));
    }
}

#[test]
fn random_permutations_are_permutations() {
    for len in [0, 1, 2, 3, 17, 300, 70_000] {
        let program = program(|b| {
            let p = b.apply(Op::RandomPermutation, &[], len).unwrap();
            // Opened as the order that it brings 0, 1, 2, ... into, of which few are revealed.
            let few = len.min(1000);
            vec![b.apply(Op::Slice, &[p], few).unwrap()]
        });
        let opened = local::run(&program, &[], 8).unwrap();
        let mut seen = std::collections::BTreeSet::new();
        assert!(
            opened[0]
                .iter()
                .all(|v| *v < u128::from(len) && seen.insert(*v))
        );
    }
}

#[test]
fn random_values_are_even() {
    for kind in Kind::ALL {
        let len = 2048;
        let program = program(|b| {
            let immediate = u64::from(kind.code()) << 32 | len;
            let x = b.apply(Op::Random, &[], immediate).unwrap();
            let y = b.apply(Op::Random, &[], immediate).unwrap();
            vec![x, y]
        });
        let plan = program.plan();
        assert_eq!(plan.value_bytes, 8 * kind.bytes(len as usize) as u64);
        let opened = local::run(&program, &[], 9).unwrap();
        assert_ne!(opened[0], opened[1]);
        for bit in 0..kind.bits() {
            let ones = opened[0].iter().filter(|x| *x >> bit & 1 == 1).count() as u32;
            assert_even("bit", &[ones, len as u32 - ones]);
        }
    }
}

#[test]
fn random_numbers_are_below_their_bound() {
    let table: &[(Kind, u128)] = &[
        (Kind::U8, 1),
        (Kind::U8, 2),
        (Kind::U8, 255),
        (Kind::I8, 100),
        (Kind::U16, 6),
        (Kind::I32, 20),
        (Kind::U32, u128::from(u32::MAX)),
        (Kind::U64, 3),
        (Kind::U64, u128::from(u64::MAX)),
        (Kind::I64, 1 << 62),
        (Kind::U128, 7),
        (Kind::U128, 1 << 126),
    ];
    for (kind, bound) in table {
        let len = 600;
        let program = program(|b| {
            let bound = b.constant(*kind, *bound, 1).unwrap();
            vec![b.apply(Op::RandomBelow, &[bound], len).unwrap()]
        });
        let opened = local::run(&program, &[], 10).unwrap();
        assert_eq!(opened[0].len(), len as usize);
        assert!(opened[0].iter().all(|x| x < bound), "{kind:?} {bound}");
        // As many cells of equal width as there can be, up to 20.
        let even = |cells: &u128| bound % cells == 0 || *bound > 1 << 30;
        let cells = (2..=20).rev().find(even).unwrap_or(1);
        if cells == 1 {
            continue;
        }
        let mut counts = vec![0; cells as usize];
        for x in &opened[0] {
            counts[(x / bound.div_ceil(cells)) as usize] += 1;
        }
        assert_even(&format!("{kind:?} {bound}"), &counts);
    }
}

#[test]
fn random_numbers_need_a_public_bound() {
    let mut b = ProgramBuilder::new();
    let secret = b.input(column(0), Kind::U64, 1).unwrap();
    let refused = |b: &mut ProgramBuilder, x| b.apply(Op::RandomBelow, &[x], 1).unwrap_err();
    assert_eq!(
        refused(&mut b, secret),
        ProgramError::RandomBound { bound: None }
    );
    for (kind, bound) in [
        (Kind::U64, 0),
        (Kind::I8, 200),
        (Kind::U128, (1 << 126) + 1),
    ] {
        let x = b.constant(kind, bound, 1).unwrap();
        let bound = Some(bound);
        assert_eq!(refused(&mut b, x), ProgramError::RandomBound { bound });
    }
}

/// A vector that does not fit a frame is refused when the program is built, and says why.
#[test]
fn a_shuffle_that_does_not_fit_a_frame_is_refused() {
    let mut b = ProgramBuilder::new();
    let x = b.input(column(0), Kind::U128, (1 << 20) + 1).unwrap();
    let x = b.apply(Op::Shuffle, &[x], 0).unwrap();
    let x = b.apply(Op::Sum, &[x], 0).unwrap();
    b.reveal(x).unwrap();
    assert!(matches!(
        b.finish(),
        Err(ProgramError::TooMany { what, .. }) if what.contains("shuffled")
    ));
}

#[test]
fn every_message_of_shuffles_and_openings() {
    for len in [3, 40] {
        for kind in [Kind::Bool, Kind::U64] {
            // Their sum, so that what is opened has a clear-text model.
            let mut b = ProgramBuilder::new();
            let x = b.input(column(0), kind, len).unwrap();
            let x = b.apply(Op::Shuffle, &[x], 0).unwrap();
            let sum = if kind == Kind::Bool {
                Op::Count
            } else {
                Op::Sum
            };
            let x = b.apply(sum, &[x], 0).unwrap();
            b.reveal(x).unwrap();
            let program = b.finish().unwrap();
            grid("shuffle", &program, &columns(&[kind], len, 63));
        }
    }
    let program = single(Op::Permute, &[(Kind::U8, 5), (Kind::U32, 5)], 0);
    grid(
        "permute",
        &program,
        &[vec![1, 2, 3, 4, 5], permutation(5, 64)],
    );
}

/// What is sent has the same sizes whatever the secrets are.
#[test]
fn sizes_do_not_depend_on_secrets() {
    let len = 50;
    let program = single(Op::Permute, &[(Kind::U16, len), (Kind::U32, len)], 0);
    let trace = |values: Vec<u128>, places| Cluster::start(&program, &[values, places], 3).run().1;
    let identity: Vec<u128> = (0..len as u128).collect();
    let expected = trace(vec![0; len], identity);
    let values = columns(&[Kind::U16], len, 65).remove(0);
    assert_eq!(trace(values.clone(), permutation(len, 66)), expected);
    assert_eq!(trace(values, vec![u32::MAX.into(); len]), expected);
}

/// 12 elements a shuffle in four rounds; opening places adds four of 32 bits and a round.
#[test]
fn shuffles_cost_what_the_table_says() {
    let len = 128;
    let cost = |program: &Program, opened: usize| {
        let plan = program.plan();
        let values = plan.value_bytes as usize - 4 * opened;
        (plan.rounds - 4, 8 * values / len)
    };
    let shuffle = single(Op::Shuffle, &[(Kind::U64, len)], 0);
    assert_eq!(cost(&shuffle, 8 * len), (4, 12 * 64));
    let permute = single(Op::Permute, &[(Kind::U64, len), (Kind::U32, len)], 0);
    assert_eq!(cost(&permute, 8 * len), (5, 12 * (64 + 32) + 4 * 32));
    let random = program(|b| vec![b.apply(Op::RandomPermutation, &[], len as u64).unwrap()]);
    assert_eq!(cost(&random, 4 * len), (4, 12 * 32));
}

/// The program that shuffles so many elements and opens the first, or why there is none. A product
/// before makes links carry different amounts.
fn shuffled(kind: Kind, len: usize) -> Result<Program, ProgramError> {
    let mut builder = ProgramBuilder::new();
    let y = builder.input(column(1), Kind::U32, 100)?;
    let y = builder.apply(Op::Dot, &[y, y], 0)?;
    builder.reveal(y)?;
    let x = builder.input(column(0), kind, len)?;
    let x = builder.apply(Op::Shuffle, &[x], 0)?;
    let x = builder.apply(Op::Slice, &[x], 1)?;
    builder.reveal(x)?;
    builder.finish()
}

/// A party may send two of the three messages of a pass to the same peer.
#[test]
fn the_longest_vector_that_is_shuffled_fits_a_frame() {
    let longest = (SESSION_FRAME_BYTES / 2 - 1024) / 16;
    let frame = shuffled(Kind::U128, longest).unwrap().plan().largest_frame;
    assert!(frame <= SESSION_FRAME_BYTES, "{frame}");
    let longer = shuffled(Kind::U128, longest + 1);
    assert!(matches!(longer, Err(ProgramError::TooMany { .. })));
}

/// An order has four bytes for each element, however small that is; a party holds one, its inverse
/// and the one before.
#[test]
fn orders_are_planned_for_and_bounded() {
    let most = 1 << 22;
    let memory = shuffled(Kind::Bool, most).unwrap().plan().memory_bytes;
    assert!(memory >= 12 << 22, "{memory}");
    let more = shuffled(Kind::Bool, most + 1);
    assert!(matches!(more, Err(ProgramError::TooMany { limit, .. }) if limit == most));
}
