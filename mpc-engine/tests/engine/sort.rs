//! Sorting against the clear-text model.

use crate::{
    support::{Cluster, column, number, random, single},
    tampering::grid,
};
use mpc_engine::{ProgramBuilder, clear, local};
use wire::{kind::Kind, secret::Op};

/// Vectors that sorting could get wrong: random, with many equal elements, sorted, reversed.
fn cases(kind: Kind, len: usize) -> Vec<Vec<u128>> {
    let mut random = random(70);
    let any: Vec<u128> = (0..len)
        .map(|_| number(&mut random) & kind.mask())
        .collect();
    let few = any.iter().map(|x| x & 3 & kind.mask()).collect();
    let mut ascending = any.clone();
    ascending.sort_unstable();
    let descending = ascending.iter().rev().copied().collect();
    vec![any, few, ascending, descending, vec![kind.mask(); len]]
}

fn check(op: Op, kind: Kind, len: usize, immediate: u64, values: Vec<u128>) {
    let program = single(op, &[(kind, len)], immediate);
    assert!(!program.is_random());
    let columns = [values];
    let expected = clear::evaluate(&program, &columns).unwrap();
    let opened = local::run(&program, &columns, 71).unwrap();
    assert!(
        opened == expected,
        "{op:?} {kind:?} {len} {columns:?}: {opened:?}"
    );
}

#[test]
fn sorts_are_as_in_clear() {
    let kinds = [
        Kind::Bool,
        Kind::U8,
        Kind::I8,
        Kind::U32,
        Kind::I64,
        Kind::U128,
        Kind::Fixed64(20),
    ];
    for kind in kinds {
        for len in [0, 1, 2, 3, 17] {
            for values in cases(kind, len) {
                check(Op::Sort, kind, len, 0, values.clone());
                check(Op::Places, kind, len, 0, values.clone());
                check(Op::TopK, kind, len, len as u64 / 2, values);
            }
        }
    }
}

/// 3,000 elements are sorted by digits.
#[test]
fn sorts_of_more_elements_are_as_in_clear() {
    for kind in [Kind::Bool, Kind::I16, Kind::U64] {
        for values in cases(kind, 200).into_iter().take(2) {
            check(Op::Sort, kind, 200, 0, values.clone());
            check(Op::Places, kind, 200, 0, values);
        }
    }
    for kind in [Kind::Bool, Kind::U8, Kind::I8, Kind::U32, Kind::I64] {
        for values in cases(kind, 3000).into_iter().take(2) {
            check(Op::Places, kind, 3000, 0, values);
        }
        check(Op::Sort, kind, 3000, 0, cases(kind, 3000).remove(0));
    }
    check(
        Op::TopK,
        Kind::Fixed64(9),
        3000,
        10,
        cases(Kind::I64, 3000).remove(0),
    );
}

/// Indices wider than 16 bits, on bits.
#[test]
fn very_many_elements_are_sorted() {
    let len = 70_000;
    let mut b = ProgramBuilder::new();
    let x = b.input(column(0), Kind::Bool, len).unwrap();
    let y = b.apply(Op::Sort, &[x], 0).unwrap();
    b.reveal(y).unwrap();
    let program = b.finish().unwrap();
    let values = cases(Kind::Bool, len).remove(0);
    let ones = values.iter().sum::<u128>() as usize;
    let opened = local::run(&program, &[values], 73).unwrap().remove(0);
    assert!(
        opened
            .iter()
            .enumerate()
            .all(|(i, v)| *v == u128::from(i >= len - ones))
    );
}

/// Elements whose range is known to be small have fewer digits.
#[test]
fn small_values_take_fewer_rounds() {
    let rounds = |kind: Kind| {
        let mut b = ProgramBuilder::new();
        let x = b.input(column(0), kind, 3000).unwrap();
        let x = b.apply(Op::Cast, &[x], Kind::I64.code().into()).unwrap();
        let x = b.apply(Op::Sort, &[x], 0).unwrap();
        let x = b.apply(Op::Slice, &[x], 100).unwrap();
        b.reveal(x).unwrap();
        let program = b.finish().unwrap();
        let columns = [cases(kind, 3000).remove(0)];
        let expected = clear::evaluate(&program, &columns).unwrap();
        assert_eq!(local::run(&program, &columns, 74).unwrap(), expected);
        program.plan().rounds
    };
    assert!(rounds(Kind::I8) + 150 < rounds(Kind::I64));
}

#[test]
fn every_message_of_a_sort() {
    let program = single(Op::Sort, &[(Kind::U8, 4)], 0);
    grid("sort", &program, &[vec![3, 200, 3, 0]]);
    let program = single(Op::Sort, &[(Kind::Bool, 70)], 0);
    grid("sort of bits", &program, &[cases(Kind::Bool, 70).remove(0)]);
}

/// A digit of one bit costs 40 elements of the indices' 16 bits and 8 rounds; to put the elements in
/// order costs 16 more, 12 of their own bits, and 9 rounds.
#[test]
fn a_sort_costs_what_the_table_says() {
    let len = 64 * 50;
    let plan = single(Op::Sort, &[(Kind::Bool, len)], 0).plan();
    let opened = 4 * len / 8;
    assert_eq!(plan.rounds, 3 + 8 + 9 + 1);
    let bits = 8 * (plan.value_bytes as usize - opened);
    assert_eq!(bits, len * (56 * 16 + 12));
}

/// Message sizes do not depend on what is sorted.
#[test]
fn sizes_do_not_depend_on_secrets() {
    for (kind, len) in [(Kind::I32, 60), (Kind::U8, 1500)] {
        let program = single(Op::Sort, &[(kind, len)], 0);
        let trace = |values: Vec<u128>| Cluster::start(&program, &[values], 72).run().1;
        let mut traces = cases(kind, len).into_iter().map(trace);
        let first = traces.next().unwrap();
        assert!(traces.all(|other| other == first));
    }
}
