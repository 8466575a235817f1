//! What gates do differently for long vectors, and for values whose range is known.

use crate::support::{column, edges, number, random, single};
use mpc_engine::{Program, ProgramBuilder, clear, local};
use wire::{kind::Kind, secret::Op};

fn check(what: &str, program: &Program, columns: &[Vec<u128>]) {
    let expected = clear::evaluate(program, columns).unwrap();
    let actual = local::run(program, columns, 6).unwrap();
    assert!(actual == expected, "{what}");
}

/// Edge values, then random ones, in all lengths of their bits.
fn values(kind: Kind, len: usize, stream: u64) -> Vec<u128> {
    let mut random = random(stream);
    let mut values = edges(kind);
    while values.len() < len {
        let shift = number(&mut random) % u128::from(kind.bits());
        values.push((number(&mut random) & kind.mask()) >> shift);
    }
    values.truncate(len);
    values
}

#[test]
fn long_vectors() {
    // Long enough for gates to take little work, and few enough lanes that all can be opened.
    let len = 4096;
    for kind in [Kind::U8, Kind::I32, Kind::U64] {
        let x = values(kind, len, 50);
        let mut y = values(kind, len, 51);
        y.reverse();
        for (i, x) in x.iter().enumerate().step_by(5) {
            y[i] = *x;
        }
        for op in [Op::Lt, Op::Le, Op::Eq, Op::And] {
            let program = single(op, &[(kind, len), (kind, len)], 0);
            check(
                &format!("{op:?} {kind:?}"),
                &program,
                &[x.clone(), y.clone()],
            );
        }
        for by in [1, u64::from(kind.bits()) - 1] {
            let program = single(Op::Shr, &[(kind, len)], by);
            check(
                &format!("{kind:?} >> {by}"),
                &program,
                std::slice::from_ref(&x),
            );
        }
        for to in [Kind::U16, Kind::I64, Kind::U128] {
            let program = single(Op::Cast, &[(kind, len)], u64::from(to.code()));
            check(
                &format!("{kind:?} as {to:?}"),
                &program,
                std::slice::from_ref(&x),
            );
        }
    }
}

/// Of a value cast from a narrower kind it is known that it is small: shifts and further casts rely
/// on that.
#[test]
fn values_of_known_range() {
    let steps = [
        (Kind::U8, Kind::I16, Kind::I64),
        (Kind::I8, Kind::I16, Kind::I128),
        (Kind::I16, Kind::I64, Kind::I128),
        (Kind::U32, Kind::U64, Kind::U128),
        (Kind::U32, Kind::I64, Kind::I128),
        (Kind::U16, Kind::I32, Kind::U64),
        (Kind::I32, Kind::I64, Kind::U128),
    ];
    for (narrow, wide, wider) in steps {
        let mut builder = ProgramBuilder::new();
        let values = values(narrow, 40, 52);
        let x = builder.input(column(0), narrow, values.len()).unwrap();
        let cast = |to: Kind| u64::from(to.code());
        let x = builder.apply(Op::Cast, &[x], cast(wide)).unwrap();
        let twice = builder.apply(Op::Add, &[x, x], 0).unwrap();
        for x in [x, twice] {
            let all = builder.apply(Op::Cast, &[x], cast(wider)).unwrap();
            builder.reveal(all).unwrap();
            for by in [
                1,
                3,
                8,
                u64::from(wide.bits()) - 2,
                u64::from(wide.bits()) - 1,
            ] {
                let shifted = builder.apply(Op::Shr, &[x], by).unwrap();
                builder.reveal(shifted).unwrap();
            }
        }
        let program = builder.finish().unwrap();
        check(
            &format!("{narrow:?} {wide:?} {wider:?}"),
            &program,
            &[values],
        );
    }
}

#[test]
fn long_counts() {
    let mut random = random(53);
    for len in [9_999, 10_000, 12_345, 40_000] {
        let bits: Vec<u128> = (0..len).map(|_| number(&mut random) & 1).collect();
        for bits in [bits, vec![1; len], vec![0; len]] {
            let program = single(Op::Count, &[(Kind::Bool, len)], 0);
            check(&format!("count of {len}"), &program, &[bits]);
        }
    }
}
