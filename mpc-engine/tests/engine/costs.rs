//! What operations cost: rounds and bits on all links, against a table; and that the plan says
//! exactly what is sent, which does not depend on secrets.

use crate::support::{Cluster, column, number, random, single};
use mpc_engine::{Program, ProgramBuilder};
use wire::{kind::Kind, secret::Op};

/// Rounds that set up keys, and the round that opens.
const SETUP: usize = 3;
const OPEN: usize = 1;
/// A multiple of 64, so that bits fill words.
const LANES: usize = 128;

/// Operation, kinds of its operands, its public number; rounds, and bits per lane.
type Line<'a> = (Op, &'a [Kind], u64, (usize, f64));

fn program(op: Op, kinds: &[Kind], immediate: u64) -> Program {
    let forms: Vec<(Kind, usize)> = kinds.iter().map(|kind| (*kind, LANES)).collect();
    single(op, &forms, immediate)
}

/// Rounds and bits per lane, opening excluded.
fn cost(program: &Program) -> (usize, f64) {
    let plan = program.plan();
    let opened: u64 = program
        .outputs()
        .iter()
        .map(|(kind, len)| 4 * kind.bytes(*len) as u64)
        .sum();
    let bits = 8 * (plan.value_bytes - opened);
    (plan.rounds - SETUP - OPEN, bits as f64 / LANES as f64)
}

#[test]
fn operations_cost_what_the_table_says() {
    use Kind::{Bool, I64, U8, U16, U32, U64, U128};
    const FIXED: Kind = Kind::Fixed64(16);
    let free = (0, 0.0);
    let table: &[Line] = &[
        (Op::Add, &[U64, U64], 0, free),
        (Op::Sub, &[U64, U64], 0, free),
        (Op::Neg, &[U64], 0, free),
        (Op::Scale, &[U64], 7, free),
        (Op::Sum, &[U64], 0, free),
        (Op::Shl, &[U64], 3, free),
        (Op::Not, &[U64], 0, free),
        (Op::Xor, &[Bool, Bool], 0, free),
        (Op::Eq, &[Bool, Bool], 0, free),
        (Op::Cast, &[U64], u64::from(U8.code()), free),
        (Op::Cast, &[U64], u64::from(I64.code()), free),
        (Op::Mul, &[U64, U64], 0, (1, 6.0 * 64.0)),
        (Op::Mul, &[U128, U128], 0, (1, 6.0 * 128.0)),
        (Op::And, &[Bool, Bool], 0, (1, 6.0)),
        (Op::Or, &[Bool, Bool], 0, (1, 6.0)),
        (Op::Lt, &[Bool, Bool], 0, (1, 6.0)),
        (Op::Cast, &[Bool], u64::from(U64.code()), (2, 6.0 * 64.0)),
        (Op::Select, &[Bool, U64, U64], 0, (3, 12.0 * 64.0)),
        (Op::Select, &[Bool, Bool, Bool], 0, (1, 6.0)),
        (Op::Eq, &[U8, U8], 0, (4, 58.0)),
        (Op::Eq, &[U64, U64], 0, (7, 506.0)),
        (Op::Lt, &[U8, U8], 0, (4, 186.0)),
        (Op::Lt, &[U64, U64], 0, (7, 2022.0)),
        (Op::Lt, &[I64, I64], 0, (7, 2022.0)),
        (Op::Le, &[U64, U64], 0, (7, 2022.0)),
        (Op::Lt, &[U32, U32], 0, (6, 960.0)),
        (Op::Cast, &[U32], u64::from(U64.code()), (7, 652.0)),
        (Op::Shr, &[U64], 5, (9, 1256.0)),
        (Op::And, &[U64, U64], 0, (10, 8640.0)),
        (Op::And, &[U16, U16], 0, (8, 1000.0)),
        (Op::Min, &[U64, U64], 0, (10, 2790.0)),
        (Op::Max, &[U64, U64], 0, (10, 2790.0)),
        (Op::Abs, &[I64], 0, (9, 1440.0)),
        (Op::Div, &[U64, U64], 0, (101, 35206.0)),
        (Op::Div, &[I64, I64], 0, (111, 39238.0)),
        (Op::Div, &[U32, U32], 0, (82, 16064.0)),
        (Op::Div, &[U128, U128], 0, (164, 72842.0)),
        (Op::Rem, &[U64, U64], 0, (102, 35590.0)),
        (Op::ShlBy, &[U64, U8], 0, (9, 3208.0)),
        (Op::ShrBy, &[U64, U8], 0, (15, 9504.0)),
        (Op::RotateLeft, &[U64], 5, (9, 1574.0)),
        (Op::RotateLeftBy, &[U64, U8], 0, (15, 9504.0)),
        (Op::ReverseBits, &[U64], 0, (9, 7112.0)),
        (Op::SwapBytes, &[U64], 0, (9, 7112.0)),
        (Op::CountOnes, &[U64], 0, (11, 2456.0)),
        (Op::LeadingZeros, &[U64], 0, (15, 2440.0)),
        (Op::TrailingZeros, &[U64], 0, (15, 2440.0)),
        (Op::Isqrt, &[U64], 0, (288, 42566.0)),
        (Op::Pow, &[U64], 10, (4, 1536.0)),
        (Op::PowBy, &[U64, U8], 0, (11, 11608.0)),
        (Op::Mul, &[FIXED, FIXED], 0, (10, 1684.0)),
        (Op::Div, &[FIXED, FIXED], 0, (111, 39238.0)),
        (Op::Cast, &[FIXED], u64::from(I64.code()), (9, 1300.0)),
    ];
    let mut wrong = String::new();
    for (op, kinds, immediate, expected) in table {
        let actual = cost(&program(*op, kinds, *immediate));
        if actual != *expected {
            wrong += &format!("{op:?} {kinds:?} {immediate}: {actual:?}, not {expected:?}\n");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// 6 elements for a multiplication, 1.5 from each party, half an element on each link.
#[test]
fn a_multiplication_costs_six_elements_evenly() {
    let lanes = 64 * 1024;
    let mut builder = ProgramBuilder::new();
    let a = builder.input(column(0), Kind::U64, lanes).unwrap();
    let product = builder.apply(Op::Mul, &[a, a], 0).unwrap();
    let sum = builder.apply(Op::Sum, &[product], 0).unwrap();
    builder.reveal(sum).unwrap();
    let plan = builder.finish().unwrap().plan();
    assert_eq!(plan.value_bytes, 6 * 8 * lanes as u64 + 4 * 8);
    for (from, links) in plan.link_bytes.iter().enumerate() {
        for (to, bytes) in links.iter().enumerate().filter(|(to, _)| *to != from) {
            let elements = *bytes as f64 / 8.0 / lanes as f64;
            assert!(
                (elements - 0.5).abs() < 0.01,
                "{from} to {to}: {elements} elements"
            );
        }
    }
}

/// The sign of a number is one carry: few rounds for short vectors, few bits for long ones.
#[test]
fn a_sign_costs_one_carry() {
    for (lanes, expected) in [(LANES, (6, 672.0)), (1 << 15, (7, 572.0))] {
        let mut builder = ProgramBuilder::new();
        let x = builder.input(column(0), Kind::I64, lanes).unwrap();
        let zero = builder.constant(Kind::I64, 0, 1).unwrap();
        let negative = builder.apply(Op::Lt, &[x, zero], 0).unwrap();
        builder.reveal(negative).unwrap();
        let (rounds, bits) = cost(&builder.finish().unwrap());
        assert_eq!((rounds, bits * LANES as f64 / lanes as f64), expected);
    }
}

/// Long vectors are counted for less than the bits of one number in a ring.
#[test]
fn a_long_count_costs_few_bits() {
    let lanes = 127 * 64 * 16;
    let (rounds, bits) = cost(&single(Op::Count, &[(Kind::Bool, lanes)], 0));
    let bits = bits * LANES as f64 / lanes as f64;
    assert!(rounds <= 8 && bits < 20.0, "{rounds} rounds, {bits} bits");
}

/// A dot product costs one multiplication, whatever its length.
#[test]
fn a_dot_product_costs_the_same_at_any_length() {
    let bytes = |lanes| {
        let forms = [(Kind::U64, lanes), (Kind::U64, lanes)];
        single(Op::Dot, &forms, 0).plan().value_bytes
    };
    assert_eq!(bytes(1), (6 + 4) * 8);
    assert_eq!(bytes(1), bytes(100_000));
}

/// Comparisons load every link about equally.
#[test]
fn comparisons_load_links_evenly() {
    let lanes = 1 << 18;
    let mut builder = ProgramBuilder::new();
    let a = builder.input(column(0), Kind::U64, lanes).unwrap();
    let b = builder.input(column(1), Kind::U64, lanes).unwrap();
    let less = builder.apply(Op::Lt, &[a, b], 0).unwrap();
    let count = builder.apply(Op::Count, &[less], 0).unwrap();
    builder.reveal(count).unwrap();
    let plan = builder.finish().unwrap().plan();
    let links = plan.link_bytes.iter().flatten().filter(|bytes| **bytes > 0);
    let (least, most) = (links.clone().min().unwrap(), links.max().unwrap());
    assert!(
        (*most as f64) < 1.05 * *least as f64,
        "{:?}",
        plan.link_bytes
    );
}

/// Independent operations share rounds.
#[test]
fn independent_operations_share_rounds() {
    let mut builder = ProgramBuilder::new();
    let a = builder.input(column(0), Kind::U32, 10).unwrap();
    let b = builder.input(column(1), Kind::U32, 10).unwrap();
    for factor in 1..=20 {
        let a = builder.apply(Op::Scale, &[a], 2 * factor + 1).unwrap();
        let less = builder.apply(Op::Lt, &[a, b], 0).unwrap();
        let count = builder.apply(Op::Count, &[less], 0).unwrap();
        builder.reveal(count).unwrap();
        let product = builder.apply(Op::Dot, &[a, b], 0).unwrap();
        builder.reveal(product).unwrap();
    }
    assert_eq!(
        builder.finish().unwrap().plan().rounds,
        SETUP + 6 + 2 + OPEN
    );
}

/// The plan is exact: number of rounds, bytes on each link, largest frame. And sizes and their
/// order are the same for other secrets.
#[test]
fn traces_follow_the_plan_and_not_the_secrets() {
    let mut random = random(20);
    for op in Op::ALL.into_iter().take(Op::PowBy as usize + 1) {
        for kind in [Kind::Bool, Kind::I16, Kind::U64] {
            let bits = matches!(
                op,
                Op::Count | Op::And | Op::Or | Op::Xor | Op::Not | Op::Eq
            );
            if kind == Kind::Bool && !bits || kind != Kind::Bool && op == Op::Count {
                continue;
            }
            let kinds: Vec<Kind> = (0..op.operands())
                .map(|i| match op {
                    Op::Select if i == 0 => Kind::Bool,
                    Op::ShlBy | Op::ShrBy | Op::RotateLeftBy | Op::PowBy if i == 1 => Kind::U8,
                    _ => kind,
                })
                .collect();
            let immediate = match op {
                Op::Scale | Op::Shl | Op::Shr | Op::RotateLeft | Op::Pow => 3,
                Op::Cast => u64::from(Kind::I128.code()),
                Op::Slice => 60 << 32 | 60,
                _ => 0,
            };
            let program = program(op, &kinds, immediate);
            let plan = program.plan();
            let mut traces = Vec::new();
            for run in 0..2u64 {
                let columns: Vec<Vec<u128>> = kinds
                    .iter()
                    .map(|kind| match run {
                        0 => vec![0; LANES],
                        _ => (0..LANES)
                            .map(|_| number(&mut random) & kind.mask())
                            .collect(),
                    })
                    .collect();
                traces.push(Cluster::start(&program, &columns, run).run().1);
            }
            assert_eq!(traces[0], traces[1], "{op:?} {kind:?}");
            let trace = &traces[0];
            assert_eq!(trace.len(), plan.rounds, "{op:?} {kind:?}");
            for from in 0..4 {
                for to in 0..4 {
                    let bytes: usize = trace.iter().map(|round| round[from][to]).sum();
                    assert_eq!(bytes as u64, plan.link_bytes[from][to], "{op:?} {kind:?}");
                }
            }
            let largest = trace.iter().flatten().flatten().max();
            assert_eq!(largest, Some(&plan.largest_frame), "{op:?} {kind:?}");
        }
    }
}
