//! Every operation at every kind against the clear-text model, on edge values and random ones.

use crate::support::{Cluster, column, edges, number, pairs, random, single};
use mpc_engine::{Program, ProgramBuilder, clear, local};
use wire::{kind::Kind, secret::Op};

pub fn check(what: &str, program: &Program, columns: &[Vec<u128>]) {
    let expected = clear::evaluate(program, columns).unwrap();
    let actual = local::run(program, columns, 5).unwrap();
    assert!(
        actual == expected,
        "{what}\n{columns:?}\nis      {actual:?}\nand not {expected:?}"
    );
}

/// The operations on two operands that a kind has; booleans have no arithmetic.
fn binary(kind: Kind) -> impl Iterator<Item = Op> {
    let arithmetic = [Op::Add, Op::Sub, Op::Mul, Op::Dot];
    let all = [Op::And, Op::Or, Op::Xor, Op::Eq, Op::Lt, Op::Le];
    let arithmetic = arithmetic.into_iter().filter(move |_| kind != Kind::Bool);
    arithmetic.chain(all)
}

#[test]
fn binary_operations() {
    let mut random = random(1);
    for kind in Kind::ALL {
        for op in binary(kind) {
            let [a, b] = pairs(kind, &mut random, 40);
            let program = single(op, &[(kind, a.len()), (kind, b.len())], 0);
            check(&format!("{op:?} on {kind:?}"), &program, &[a, b]);
        }
    }
}

#[test]
fn an_operand_of_one_element_is_spread() {
    let mut random = random(2);
    for kind in [Kind::Bool, Kind::U16, Kind::I64] {
        for op in [Op::Add, Op::Mul, Op::Dot, Op::And, Op::Eq, Op::Lt, Op::Le] {
            if kind == Kind::Bool && matches!(op, Op::Add | Op::Mul | Op::Dot) {
                continue;
            }
            let many: Vec<u128> = (0..70).map(|_| number(&mut random) & kind.mask()).collect();
            let one = vec![many[3]];
            let program = single(op, &[(kind, 1), (kind, 70)], 0);
            check(
                &format!("{op:?} on {kind:?}"),
                &program,
                &[one.clone(), many.clone()],
            );
            let program = single(op, &[(kind, 70), (kind, 1)], 0);
            check(&format!("{op:?} on {kind:?}"), &program, &[many, one]);
        }
    }
}

#[test]
fn operations_with_a_constant() {
    let mut random = random(3);
    for kind in Kind::ALL {
        for op in binary(kind) {
            let mut values = edges(kind);
            values.extend((0..5).map(|_| number(&mut random) & kind.mask()));
            let mut builder = ProgramBuilder::new();
            let x = builder.input(column(0), kind, values.len()).unwrap();
            for constant in edges(kind) {
                let c = builder.constant(kind, constant, values.len()).unwrap();
                for operands in [[x, c], [c, x], [c, c]] {
                    let result = builder.apply(op, &operands, 0).unwrap();
                    builder.reveal(result).unwrap();
                }
            }
            check(
                &format!("{op:?} on {kind:?}"),
                &builder.finish().unwrap(),
                &[values],
            );
        }
    }
}

#[test]
fn unary_operations() {
    let mut random = random(4);
    for kind in Kind::ALL {
        let mut values = edges(kind);
        values.extend((0..90).map(|_| number(&mut random) & kind.mask()));
        let form = [(kind, values.len())];
        let columns = [values];
        let run = |op, immediate| {
            let what = format!("{op:?} {immediate} on {kind:?}");
            check(&what, &single(op, &form, immediate), &columns);
        };
        run(Op::Not, 0);
        run(Op::Slice, 3 << 32 | 70.min(columns[0].len() as u64 - 3));
        if kind == Kind::Bool {
            run(Op::Count, 0);
            continue;
        }
        for op in [Op::Neg, Op::Sum] {
            run(op, 0);
        }
        for factor in [0, 1, 3, 255, u64::MAX] {
            run(Op::Scale, factor);
        }
        for by in [
            0,
            1,
            3,
            4,
            u64::from(kind.bits()) / 2,
            u64::from(kind.bits()) - 1,
        ] {
            run(Op::Shl, by);
            run(Op::Shr, by);
        }
    }
}

#[test]
fn casts() {
    let mut random = random(5);
    for from in Kind::ALL {
        for to in Kind::ALL {
            if to == Kind::Bool && from != Kind::Bool {
                continue;
            }
            let mut values = edges(from);
            values.extend((0..60).map(|_| number(&mut random) & from.mask()));
            let program = single(Op::Cast, &[(from, values.len())], u64::from(to.code()));
            check(&format!("{from:?} as {to:?}"), &program, &[values]);
        }
    }
}

#[test]
fn selections() {
    let mut random = random(6);
    for kind in Kind::ALL {
        let [a, b] = pairs(kind, &mut random, 20);
        let bits: Vec<u128> = a.iter().map(|_| number(&mut random) & 1).collect();
        let len = a.len();
        let program = single(
            Op::Select,
            &[(Kind::Bool, len), (kind, len), (kind, len)],
            0,
        );
        check(
            &format!("select on {kind:?}"),
            &program,
            &[bits, a.clone(), b.clone()],
        );
        for bit in [0, 1] {
            let program = single(Op::Select, &[(Kind::Bool, 1), (kind, len), (kind, 1)], 0);
            let columns = [vec![bit], a.clone(), vec![b[7 % len]]];
            check(&format!("select on {kind:?}"), &program, &columns);
            let mut builder = ProgramBuilder::new();
            let x = builder.input(column(0), kind, len).unwrap();
            let y = builder.input(column(1), kind, len).unwrap();
            let c = builder.constant(Kind::Bool, bit, 1).unwrap();
            let chosen = builder.apply(Op::Select, &[c, x, y], 0).unwrap();
            builder.reveal(chosen).unwrap();
            let program = builder.finish().unwrap();
            check(
                &format!("public select on {kind:?}"),
                &program,
                &[a.clone(), b.clone()],
            );
        }
    }
}

#[test]
fn lanes_are_moved() {
    let mut random = random(7);
    for kind in [Kind::Bool, Kind::U8, Kind::I128] {
        let values = |random: &mut _, n| -> Vec<u128> {
            (0..n).map(|_| number(random) & kind.mask()).collect()
        };
        let columns = [
            values(&mut random, 70),
            values(&mut random, 1),
            values(&mut random, 65),
        ];
        let mut builder = ProgramBuilder::new();
        let a = builder.input(column(0), kind, 70).unwrap();
        let b = builder.input(column(1), kind, 1).unwrap();
        let c = builder.input(column(2), kind, 65).unwrap();
        let one = builder.constant(kind, 1, 3).unwrap();
        let ab = builder.apply(Op::Concat, &[a, b], 0).unwrap();
        let abc = builder.apply(Op::Concat, &[ab, c], 0).unwrap();
        let all = builder.apply(Op::Concat, &[abc, one], 0).unwrap();
        let part = builder.apply(Op::Slice, &[all], 63 << 32 | 75).unwrap();
        let none = builder.apply(Op::Slice, &[all], 139 << 32).unwrap();
        for value in [all, part, none, one] {
            builder.reveal(value).unwrap();
        }
        check(
            &format!("moves on {kind:?}"),
            &builder.finish().unwrap(),
            &columns,
        );
    }
}

#[test]
fn no_inputs_at_all_give_zero() {
    let mut builder = ProgramBuilder::new();
    let choices = builder.input(column(0), Kind::U8, 0).unwrap();
    let one = builder.constant(Kind::U8, 1, 1).unwrap();
    let same = builder.apply(Op::Eq, &[choices, one], 0).unwrap();
    let less = builder.apply(Op::Lt, &[choices, one], 0).unwrap();
    let wide = builder
        .apply(Op::Cast, &[choices], u64::from(Kind::U64.code()))
        .unwrap();
    let square = builder.apply(Op::Dot, &[wide, wide], 0).unwrap();
    let sum = builder.apply(Op::Sum, &[wide], 0).unwrap();
    builder.reveal(less).unwrap();
    for value in [builder.apply(Op::Count, &[same], 0).unwrap(), square, sum] {
        builder.reveal(value).unwrap();
    }
    let program = builder.finish().unwrap();
    assert_eq!(
        local::run(&program, &[vec![]], 1).unwrap(),
        [vec![], vec![0], vec![0], vec![0]]
    );
}

/// A tally, a mean and a maximum over the same inputs: operations that depend on one another, share
/// rounds, and of which some are never needed.
#[test]
fn a_program_of_many_operations() {
    let mut random = random(8);
    let votes: Vec<u128> = (0..137).map(|_| number(&mut random) & 3).collect();
    let salaries: Vec<u128> = (0..137)
        .map(|_| number(&mut random) & Kind::I64.mask())
        .collect();
    let mut builder = ProgramBuilder::new();
    let vote = builder.input(column(0), Kind::U8, 137).unwrap();
    let salary = builder.input(column(1), Kind::I64, 137).unwrap();
    let mut valid = builder.constant(Kind::U64, 0, 1).unwrap();
    for choice in 0..3 {
        let choice = builder.constant(Kind::U8, choice, 1).unwrap();
        let chosen = builder.apply(Op::Eq, &[vote, choice], 0).unwrap();
        let count = builder.apply(Op::Count, &[chosen], 0).unwrap();
        valid = builder.apply(Op::Add, &[valid, count], 0).unwrap();
        builder.reveal(count).unwrap();
        builder.apply(Op::Mul, &[salary, salary], 0).unwrap();
    }
    let mut most = salary;
    let mut len = 137u64;
    while len > 1 {
        let half = len / 2;
        let low = builder.apply(Op::Slice, &[most], half).unwrap();
        let high = builder
            .apply(Op::Slice, &[most], half << 32 | half)
            .unwrap();
        let less = builder.apply(Op::Lt, &[low, high], 0).unwrap();
        let mut larger = builder.apply(Op::Select, &[less, high, low], 0).unwrap();
        if len % 2 == 1 {
            let last = builder
                .apply(Op::Slice, &[most], (len - 1) << 32 | 1)
                .unwrap();
            larger = builder.apply(Op::Concat, &[larger, last], 0).unwrap();
        }
        most = larger;
        len = half + len % 2;
    }
    builder.reveal(valid).unwrap();
    builder.reveal(most).unwrap();
    let program = builder.finish().unwrap();
    check("many operations", &program, &[votes, salaries]);
}

/// Long vectors run in chunks: the same results, in memory that the plan bounds.
#[test]
fn long_vectors_run_in_chunks() {
    let len = 1 << 20;
    let mut random = random(9);
    let columns: Vec<Vec<u128>> = (0..2)
        .map(|_| {
            (0..len)
                .map(|_| number(&mut random) & Kind::U64.mask())
                .collect()
        })
        .collect();
    let mut builder = ProgramBuilder::new();
    let a = builder.input(column(0), Kind::U64, len).unwrap();
    let b = builder.input(column(1), Kind::U64, len).unwrap();
    let product = builder.apply(Op::Mul, &[a, b], 0).unwrap();
    let sum = builder.apply(Op::Sum, &[product], 0).unwrap();
    builder.reveal(sum).unwrap();
    let less = builder.apply(Op::Lt, &[a, b], 0).unwrap();
    let count = builder.apply(Op::Count, &[less], 0).unwrap();
    builder.reveal(count).unwrap();
    let ends = builder
        .apply(Op::Slice, &[product], (len as u64 - 9) << 32 | 9)
        .unwrap();
    builder.reveal(ends).unwrap();
    let program = builder.finish().unwrap();
    let plan = program.plan();
    let columns_bytes = 3 * 2 * 8 * len as u64;
    assert!(
        plan.memory_bytes < columns_bytes + 3 * 8 * len as u64 + (136 << 20),
        "{plan:?}"
    );
    assert!(plan.largest_frame <= wire::limits::SESSION_FRAME_BYTES);
    let expected = clear::evaluate(&program, &columns).unwrap();
    let (opened, trace) = Cluster::start(&program, &columns, 3).run();
    assert_eq!(opened, expected);
    assert_eq!(trace.len(), plan.rounds);
}
