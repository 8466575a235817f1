//! Sorting against the clear-text model.

use crate::{
    support::{Cluster, number, random, single},
    tampering::grid,
};
use mpc_engine::{clear, local};
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

#[test]
fn sorts_of_more_elements_are_as_in_clear() {
    for kind in [Kind::Bool, Kind::I16, Kind::U64] {
        for values in cases(kind, 200).into_iter().take(2) {
            check(Op::Sort, kind, 200, 0, values.clone());
            check(Op::Places, kind, 200, 0, values);
        }
    }
}

#[test]
fn every_message_of_a_sort() {
    let program = single(Op::Sort, &[(Kind::U8, 4)], 0);
    grid("sort", &program, &[vec![3, 200, 3, 0]]);
}

/// Message sizes do not depend on what is sorted.
#[test]
fn sizes_do_not_depend_on_secrets() {
    let len = 60;
    let program = single(Op::Sort, &[(Kind::I32, len)], 0);
    let trace = |values: Vec<u128>| Cluster::start(&program, &[values], 72).run().1;
    let mut traces = cases(Kind::I32, len).into_iter().map(trace);
    let first = traces.next().unwrap();
    assert!(traces.all(|other| other == first));
}
