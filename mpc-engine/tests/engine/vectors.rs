//! Searches, sums, tables and groups over vectors against the clear-text model.

use crate::{
    operations::check,
    support::{column, edges, number, random, single},
};
use mpc_engine::{Program, ProgramBuilder, ProgramError, ValueId};
use rand_chacha::ChaCha20Rng;
use wire::{kind::Kind, secret::Op};

const FIXED: Kind = Kind::Fixed64(16);
const LENGTHS: [usize; 6] = [0, 1, 2, 3, 17, 130];

fn unsigned() -> impl Iterator<Item = Kind> {
    let is_index = |kind: &Kind| *kind != Kind::Bool && !kind.is_signed();
    Kind::ALL.into_iter().filter(is_index)
}

fn integers() -> impl Iterator<Item = Kind> {
    Kind::ALL.into_iter().skip(1).chain([FIXED])
}

/// Edge values and random ones, some of them equal, in random order.
fn values(kind: Kind, len: usize, random: &mut ChaCha20Rng) -> Vec<u128> {
    let edges = edges(kind);
    let value = |i| match number(random) % 3 {
        0 => edges[(number(random) % edges.len() as u128) as usize],
        1 => (i as u128 % 3) & kind.mask(),
        _ => number(random) & kind.mask(),
    };
    (0..len).map(value).collect()
}

/// Numbers below `bound` and, now and then, any.
fn indices(kind: Kind, bound: u128, len: usize, random: &mut ChaCha20Rng) -> Vec<u128> {
    let index = |i| match i % 5 {
        3 => number(random) & kind.mask(),
        4 => (bound + number(random) % 3) & kind.mask(),
        _ => (number(random) % bound.max(1)) & kind.mask(),
    };
    (0..len).map(index).collect()
}

fn run(what: &str, op: Op, kinds: &[Kind], columns: &[Vec<u128>], immediate: u64) {
    let forms: Vec<(Kind, usize)> = kinds
        .iter()
        .zip(columns)
        .map(|(kind, column)| (*kind, column.len()))
        .collect();
    let what = format!("{what} {op:?} {immediate} on {kinds:?}");
    check(&what, &single(op, &forms, immediate), columns);
}

#[test]
fn searches() {
    let mut random = random(30);
    for kind in Kind::ALL.into_iter().chain([FIXED]) {
        for op in [Op::ArgMin, Op::ArgMax, Op::MinOf, Op::MaxOf] {
            for len in &LENGTHS[1..] {
                run("random", op, &[kind], &[values(kind, *len, &mut random)], 0);
            }
            let equal = vec![values(kind, 1, &mut random)[0]; 11];
            run("all equal", op, &[kind], &[equal], 0);
            // The same extreme at two places of which the search meets the later one first.
            let mut twice = vec![1; 8];
            (twice[2], twice[5]) = (0, 0);
            run("twice the least", op, &[kind], &[twice.clone()], 0);
            twice.iter_mut().for_each(|x| *x ^= 1);
            run("twice the greatest", op, &[kind], &[twice], 0);
        }
    }
}

#[test]
fn a_long_search_carries_narrow_indices() {
    let mut random = random(31);
    for kind in [Kind::U8, Kind::I16] {
        let values: Vec<u128> = (0..1500).map(|_| number(&mut random) & 0x7f).collect();
        for op in [Op::ArgMin, Op::ArgMax] {
            run("long", op, &[kind], std::slice::from_ref(&values), 0);
        }
    }
}

#[test]
fn all_and_any() {
    for op in [Op::All, Op::Any] {
        for len in LENGTHS {
            for value in [0, 1] {
                let mut bits = vec![value; len];
                run("equal", op, &[Kind::Bool], &[bits.clone()], 0);
                if let Some(bit) = bits.last_mut() {
                    *bit ^= 1;
                    run("but one", op, &[Kind::Bool], &[bits], 0);
                }
            }
        }
    }
}

#[test]
fn prefix_sums() {
    let mut random = random(32);
    for kind in integers() {
        for len in LENGTHS {
            let values = values(kind, len, &mut random);
            run("random", Op::PrefixSum, &[kind], &[values], 0);
        }
    }
    let mut builder = ProgramBuilder::new();
    let x = builder.input(column(0), Kind::U16, 3).unwrap();
    for public in [
        builder.public(Kind::U16, &[7, 0xffff, 2]).unwrap(),
        builder.constant(Kind::U16, 9, 70_000).unwrap(),
    ] {
        let sums = builder.apply(Op::PrefixSum, &[public], 0).unwrap();
        let some = builder.apply(Op::Slice, &[sums], 3).unwrap();
        let sum = builder.apply(Op::Add, &[some, x], 0).unwrap();
        builder.reveal(sum).unwrap();
    }
    check("public", &builder.finish().unwrap(), &[vec![1, 2, 3]]);
}

/// What a secret index finds in a table of columns or of public values.
fn look_up(table: (Kind, &[u128]), public: bool, index: (Kind, usize)) -> Program {
    let mut builder = ProgramBuilder::new();
    let indices = builder.input(column(0), index.0, index.1).unwrap();
    let table = if public {
        builder.public(table.0, table.1).unwrap()
    } else {
        builder.input(column(1), table.0, table.1.len()).unwrap()
    };
    let found = builder.apply(Op::Lookup, &[table, indices], 0).unwrap();
    builder.reveal(found).unwrap();
    builder.finish().unwrap()
}

#[test]
fn look_ups() {
    let mut random = random(33);
    let tables = [0, 1, 2, 3, 5, 16, 17, 60, 130];
    for (i, len) in tables.into_iter().enumerate() {
        for (j, kind) in Kind::ALL.into_iter().chain([FIXED]).enumerate() {
            let table = values(kind, len, &mut random);
            // Every kind of index with every length of tables, and of elements, in turn.
            let index = unsigned().nth((i + j) % 5).unwrap();
            let lookups = [130, 17, 1, 0][(i + 2 * j) % 4];
            let indices = indices(index, len as u128, lookups, &mut random);
            let form = (index, indices.len());
            let what = format!("{indices:?} in {table:?} {kind:?}");
            let program = look_up((kind, &table), true, form);
            check(&what, &program, std::slice::from_ref(&indices));
            let program = look_up((kind, &table), false, form);
            check(&what, &program, &[indices, table]);
        }
    }
}

/// A table that is longer than the index can say, one that is public and large, small values in a
/// wide kind, and an index of which it is known that it is small.
#[test]
fn look_ups_in_special_tables() {
    let mut random = random(34);
    let long: Vec<u128> = (0..300).map(|i| i * 7).collect();
    let bytes: Vec<u128> = (0..70).map(|_| number(&mut random) & 0xff).collect();
    for public in [true, false] {
        let program = look_up((Kind::U32, &long), public, (Kind::U8, 70));
        let columns = [bytes.clone(), long.clone()];
        check("long", &program, &columns[..2 - usize::from(public)]);
    }
    let large: Vec<u128> = (0..600)
        .map(|_| number(&mut random) & Kind::U128.mask())
        .collect();
    let program = look_up((Kind::U128, &large), true, (Kind::U16, 70));
    let short = indices(Kind::U16, 600, 70, &mut random);
    check("large", &program, &[short]);

    let mut builder = ProgramBuilder::new();
    let bits = builder.input(column(0), Kind::Bool, 70).unwrap();
    let index = builder
        .apply(Op::Cast, &[bits], u64::from(Kind::U64.code()))
        .unwrap();
    let index = builder.apply(Op::Scale, &[index], 3).unwrap();
    let table = builder.public(Kind::I16, &[4, 5, 6, 0xfff0]).unwrap();
    let zeros = builder.constant(Kind::I16, 0, 9).unwrap();
    let ones = builder.constant(Kind::I16, 1, 9).unwrap();
    let first = builder.constant(Kind::U8, 0, 5).unwrap();
    for (table, index) in [
        (table, index),
        (zeros, index),
        (ones, index),
        (table, first),
        (index, first),
    ] {
        let found = builder.apply(Op::Lookup, &[table, index], 0).unwrap();
        builder.reveal(found).unwrap();
    }
    let bits = (0..70).map(|i| (i % 3) & 1).collect();
    check("small", &builder.finish().unwrap(), &[bits]);
}

#[test]
fn histograms() {
    let mut random = random(35);
    for kind in unsigned() {
        for len in LENGTHS {
            for groups in [0u64, 1, 2, 3, 5, 8, 60] {
                if len == 130 && ![1, 5, 60].contains(&groups) {
                    continue;
                }
                let keys = indices(kind, groups.into(), len, &mut random);
                run("random", Op::Histogram, &[kind], &[keys], groups);
            }
        }
    }
    let keys = indices(Kind::U8, 256, 300, &mut random);
    run(
        "more groups than keys",
        Op::Histogram,
        &[Kind::U8],
        &[keys],
        400,
    );
    let keys = indices(Kind::U16, 20, 2000, &mut random);
    run(
        "many keys",
        Op::Histogram,
        &[Kind::U16],
        std::slice::from_ref(&keys),
        20,
    );
    run("many keys", Op::Histogram, &[Kind::U16], &[keys], 3);
}

#[test]
fn group_sums() {
    let mut random = random(36);
    for (i, kind) in integers().enumerate() {
        for (j, len) in LENGTHS.into_iter().enumerate() {
            let index = unsigned().nth((i + j) % 5).unwrap();
            for groups in [0u64, 1, 2, 3, 5, 8, 60] {
                let keys = indices(index, groups.into(), len, &mut random);
                let columns = [keys, values(kind, len, &mut random)];
                run("random", Op::GroupSum, &[index, kind], &columns, groups);
            }
        }
    }
    let keys = vec![vec![2], vec![5, 6, 7]];
    run("one key", Op::GroupSum, &[Kind::U8, Kind::U64], &keys, 4);
    let keys = vec![vec![2, 0, 9, 2], vec![5]];
    run("one value", Op::GroupSum, &[Kind::U8, Kind::I8], &keys, 4);
}

/// Rows that agree in their first elements, and some of them in all.
fn rows(kind: Kind, rows: usize, row: usize, random: &mut ChaCha20Rng) -> [Vec<u128>; 2] {
    let [mut a, mut b] = [0, 1].map(|_| values(kind, rows * row, random));
    for r in 0..rows {
        let same = r % (row + 2);
        let equal = r * row..r * row + same.min(row);
        b[equal.clone()].copy_from_slice(&a[equal]);
        // The last of what is the same differs by one after all, one way or the other.
        if r % 4 == 0 && same > 0 {
            let i = r * row + same.min(row) - 1;
            let more = a[i].wrapping_add(1) & kind.mask();
            *if r % 8 == 0 { &mut a[i] } else { &mut b[i] } = more;
        }
    }
    [a, b]
}

#[test]
fn rows_are_compared() {
    let mut random = random(37);
    for kind in Kind::ALL.into_iter().chain([FIXED]) {
        for (row, count) in [
            (1, 130),
            (2, 17),
            (3, 17),
            (7, 20),
            (17, 3),
            (4, 0),
            (20, 1),
        ] {
            let columns = rows(kind, count, row, &mut random);
            for op in [Op::EqRows, Op::LtRows] {
                let what = format!("{count} rows");
                run(&what, op, &[kind, kind], &columns, row as u64);
            }
        }
    }
    let columns = [b"abcdeabd".map(u128::from).to_vec(), vec![b'b'.into()]];
    for op in [Op::EqRows, Op::LtRows] {
        run("spread", op, &[Kind::U8, Kind::U8], &columns, 2);
    }
}

#[test]
fn rows_are_summed() {
    let mut random = random(38);
    for kind in integers() {
        for (row, count) in [(1, 70), (2, 17), (5, 13), (70, 1), (3, 0)] {
            let [a, b] = rows(kind, count, row, &mut random);
            run(
                "sums",
                Op::SumRows,
                &[kind],
                std::slice::from_ref(&a),
                row as u64,
            );
            if kind != FIXED {
                let immediate = row as u64;
                run("products", Op::DotRows, &[kind, kind], &[a, b], immediate);
            }
        }
    }
}

#[test]
fn lanes_are_gathered_by_public_index() {
    let mut random = random(39);
    for kind in Kind::ALL.into_iter().chain([FIXED]) {
        let columns = [values(kind, 67, &mut random)];
        let mut builder = ProgramBuilder::new();
        let x = builder.input(column(0), kind, 67).unwrap();
        let at = indices(Kind::U8, 67, 130, &mut random)
            .into_iter()
            .map(|i| i % 67)
            .collect::<Vec<_>>();
        for at in [
            builder.public(Kind::U16, &at).unwrap(),
            builder.public(Kind::U8, &[]).unwrap(),
            builder.constant(Kind::U64, 66, 70).unwrap(),
            builder.constant(Kind::U64, 66, 0).unwrap(),
        ] {
            let gathered = builder.apply(Op::Gather, &[x, at], 0).unwrap();
            builder.reveal(gathered).unwrap();
        }
        let same = builder.constant(kind, 1, 100_000).unwrap();
        let far = builder.public(Kind::U32, &[99_999, 70_000]).unwrap();
        let gathered = builder.apply(Op::Gather, &[same, far], 0).unwrap();
        builder.reveal(gathered).unwrap();
        check("gathered", &builder.finish().unwrap(), &columns);
    }
}

#[test]
fn what_has_no_meaning_is_refused() {
    use Kind::{Bool, I8, U8, U32, U64};
    let mut builder = ProgramBuilder::new();
    let mut input = |field, kind, len| builder.input(column(field), kind, len).unwrap();
    let bits = input(0, Bool, 6);
    let bytes = input(1, U8, 6);
    let signed = input(2, I8, 6);
    let none = input(3, U8, 0);
    let fixed = input(4, FIXED, 6);
    let many = input(5, U64, 1 << 14);
    let more = input(6, U32, 1 << 13);
    let inside = builder.public(U8, &[0, 5]).unwrap();
    let outside = builder.public(U8, &[0, 6]).unwrap();
    let negative = builder.public(I8, &[0]).unwrap();
    let undefined = |op, kind| ProgramError::UndefinedOn { op, kind };
    let immediate = |op, immediate| ProgramError::Immediate { op, immediate };
    let cases: Vec<(Op, Vec<ValueId>, u64, ProgramError)> = vec![
        (
            Op::ArgMin,
            vec![none],
            0,
            ProgramError::NoElements { op: Op::ArgMin },
        ),
        (
            Op::MaxOf,
            vec![none],
            0,
            ProgramError::NoElements { op: Op::MaxOf },
        ),
        (Op::All, vec![bytes], 0, undefined(Op::All, U8)),
        (Op::PrefixSum, vec![bits], 0, undefined(Op::PrefixSum, Bool)),
        (
            Op::Lookup,
            vec![bytes, signed],
            0,
            undefined(Op::Lookup, I8),
        ),
        (
            Op::Lookup,
            vec![bytes, bits],
            0,
            undefined(Op::Lookup, Bool),
        ),
        (
            Op::Lookup,
            vec![many, more],
            0,
            ProgramError::TooMany {
                what: "elements of the table times look-ups",
                actual: 1 << 27,
                limit: 1 << 26,
            },
        ),
        (Op::Histogram, vec![signed], 3, undefined(Op::Histogram, I8)),
        (
            Op::Histogram,
            vec![fixed],
            3,
            undefined(Op::Histogram, FIXED),
        ),
        (
            Op::Histogram,
            vec![bytes],
            65_537,
            immediate(Op::Histogram, 65_537),
        ),
        (
            Op::GroupSum,
            vec![bytes, bits],
            3,
            undefined(Op::GroupSum, Bool),
        ),
        (
            Op::GroupSum,
            vec![many, many],
            1 << 13,
            ProgramError::TooMany {
                what: "groups times keys",
                actual: 1 << 27,
                limit: 1 << 26,
            },
        ),
        (Op::EqRows, vec![bytes, bytes], 0, immediate(Op::EqRows, 0)),
        (Op::LtRows, vec![bytes, bytes], 4, immediate(Op::LtRows, 4)),
        (Op::SumRows, vec![bytes], 5, immediate(Op::SumRows, 5)),
        (Op::SumRows, vec![bits], 2, undefined(Op::SumRows, Bool)),
        (
            Op::DotRows,
            vec![fixed, fixed],
            2,
            undefined(Op::DotRows, FIXED),
        ),
        (
            Op::DotRows,
            vec![bytes, signed],
            2,
            ProgramError::KindsDiffer {
                op: Op::DotRows,
                left: U8,
                right: I8,
            },
        ),
        (
            Op::Gather,
            vec![bytes, bytes],
            0,
            ProgramError::IndicesNotPublic { op: Op::Gather },
        ),
        (
            Op::Gather,
            vec![bytes, outside],
            0,
            ProgramError::IndexOutside { index: 6, len: 6 },
        ),
        (
            Op::Gather,
            vec![bytes, negative],
            0,
            undefined(Op::Gather, I8),
        ),
        (
            Op::Gather,
            vec![none, inside],
            0,
            ProgramError::IndexOutside { index: 0, len: 0 },
        ),
    ];
    for (op, operands, immediate, error) in cases {
        assert_eq!(builder.apply(op, &operands, immediate), Err(error));
    }
}

/// Rounds, and bits on all links for each element of the longest operand, opening excluded.
fn cost(program: &Program, lanes: usize) -> (usize, f64) {
    let plan = program.plan();
    let opened: u64 = program
        .outputs()
        .iter()
        .map(|(kind, len)| 4 * kind.bytes(*len) as u64)
        .sum();
    // Three rounds set up keys, and one opens.
    let bits = 8 * (plan.value_bytes - opened);
    (plan.rounds - 4, (bits * 10 / lanes as u64) as f64 / 10.0)
}

#[test]
fn they_cost_what_the_table_says() {
    use Kind::{Bool, U8, U32, U64};
    let lanes = 4096;
    let one = |op, kinds: &[Kind], immediate| {
        let forms: Vec<(Kind, usize)> = kinds.iter().map(|kind| (*kind, lanes)).collect();
        cost(&single(op, &forms, immediate), lanes)
    };
    let in_table = |kind: Kind, len: usize, public| {
        let table: Vec<u128> = (0..len as u128)
            .map(|i| (i * 0x9e37) & kind.mask())
            .collect();
        cost(&look_up((kind, &table), public, (U8, lanes)), lanes)
    };
    let table = [
        ("min u64", one(Op::MinOf, &[U64], 0), (120, 2797.7)),
        ("argmin u64", one(Op::ArgMin, &[U64], 0), (122, 2941.6)),
        ("all", one(Op::All, &[Bool], 0), (12, 6.0)),
        ("prefix sum", one(Op::PrefixSum, &[U64], 0), (0, 0.0)),
        ("sums of rows", one(Op::SumRows, &[U64], 16), (0, 0.0)),
        ("dot products", one(Op::DotRows, &[U64; 2], 16), (1, 24.0)),
        ("equal rows", one(Op::EqRows, &[U8; 2], 16), (8, 63.6)),
        ("order of rows", one(Op::LtRows, &[U8; 2], 16), (9, 230.8)),
        ("bool of 16 public", in_table(Bool, 16, true), (8, 136.0)),
        ("u8 of 256 public", in_table(U8, 256, true), (8, 412.0)),
        ("u64 of 256 public", in_table(U64, 256, true), (8, 3692.0)),
        ("u8 of 256 secret", in_table(U8, 256, false), (9, 1767.5)),
        ("u64 of 16 secret", in_table(U64, 16, false), (10, 6736.0)),
        ("u64 of 256 secret", in_table(U64, 256, false), (11, 7993.5)),
        ("histogram of 3", one(Op::Histogram, &[U8], 3), (12, 508.4)),
        (
            "histogram of 16",
            one(Op::Histogram, &[U8], 16),
            (12, 900.3),
        ),
        (
            "histogram of 256",
            one(Op::Histogram, &[U8], 256),
            (10, 3330.0),
        ),
        ("3 sums", one(Op::GroupSum, &[U8, U64], 3), (11, 1288.2)),
        ("16 sums", one(Op::GroupSum, &[U8, U64], 16), (10, 3995.5)),
        (
            "256 sums",
            one(Op::GroupSum, &[U32, U64], 256),
            (16, 18582.0),
        ),
    ];
    let mut wrong = String::new();
    for (what, actual, expected) in table {
        if actual != expected {
            wrong += &format!("{what}: {actual:?}, not {expected:?}\n");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}
