//! Division, bits and powers of integers at every kind against the clear-text model: secret and
//! public operands, edge values and random ones; and what they cost.

use crate::support::{column, edges, number, pairs, random, single};
use mpc_engine::{Program, ProgramBuilder, clear, local};
use rand_chacha::ChaCha20Rng;
use wire::{kind::Kind, secret::Op};

const UNSIGNED: [Kind; 5] = [Kind::U8, Kind::U16, Kind::U32, Kind::U64, Kind::U128];

fn check(what: &str, program: &Program, columns: &[Vec<u128>]) {
    let expected = clear::evaluate(program, columns).unwrap();
    let actual = local::run(program, columns, 5).unwrap();
    for ((actual, expected), form) in actual.iter().zip(&expected).zip(program.outputs()) {
        assert_eq!(expected.len(), form.1, "{what}");
        for (lane, (actual, expected)) in actual.iter().zip(expected).enumerate() {
            let operands: Vec<u128> = columns.iter().map(|c| c[lane % c.len()]).collect();
            assert_eq!(actual, expected, "{what}, lane {lane}: {operands:?}");
        }
    }
}

fn integers() -> impl Iterator<Item = Kind> {
    Kind::ALL.into_iter().filter(|kind| *kind != Kind::Bool)
}

/// Random numbers of random lengths, so that quotients are of all sizes.
fn sized(random: &mut ChaCha20Rng, kind: Kind) -> u128 {
    let by = number(random) as u32 % kind.bits();
    let value = (number(random) & kind.mask()) >> by;
    if number(random) & 1 == 0 {
        value
    } else {
        value.wrapping_neg() & kind.mask()
    }
}

/// The pairs of edge values, random ones, and multiples with their neighbours.
fn dividends(kind: Kind, random: &mut ChaCha20Rng) -> [Vec<u128>; 2] {
    let [mut a, mut b] = pairs(kind, random, 8);
    for i in 0..100u128 {
        let (x, y) = (sized(random, kind), sized(random, kind));
        a.push(x);
        b.push(y);
        let multiple = x.wrapping_mul(y).wrapping_add(i % 3).wrapping_sub(1);
        a.push(multiple & kind.mask());
        b.push(y);
    }
    [a, b]
}

#[test]
fn quotients_by_secret_divisors() {
    let mut random = random(30);
    for kind in integers() {
        let [a, b] = dividends(kind, &mut random);
        for op in [Op::Div, Op::Rem] {
            let program = single(op, &[(kind, a.len()), (kind, b.len())], 0);
            check(
                &format!("{op:?} on {kind:?}"),
                &program,
                &[a.clone(), b.clone()],
            );
            for (divisor, dividend) in [(b[7], &a[..]), (b[b.len() - 1], &a[..]), (0, &a[9..11])] {
                let program = single(op, &[(kind, dividend.len()), (kind, 1)], 0);
                let columns = [dividend.to_vec(), vec![divisor]];
                check(&format!("{op:?} on {kind:?} by one"), &program, &columns);
            }
            let program = single(op, &[(kind, 1), (kind, b.len())], 0);
            let columns = [vec![a[a.len() - 2]], b.clone()];
            check(&format!("{op:?} of one {kind:?}"), &program, &columns);
        }
    }
}

/// All pairs of bytes.
#[test]
fn all_quotients_of_bytes() {
    for kind in [Kind::U8, Kind::I8] {
        let a: Vec<u128> = (0..1 << 16).map(|i| i & 255).collect();
        let b: Vec<u128> = (0..1 << 16).map(|i| i >> 8).collect();
        let program = single(Op::Div, &[(kind, a.len()), (kind, b.len())], 0);
        let expected = clear::evaluate(&program, &[a.clone(), b.clone()]).unwrap();
        let actual = local::run(&program, &[a.clone(), b.clone()], 5).unwrap();
        let wrong = (0..1 << 16).find(|i| actual[0][*i] != expected[0][*i]);
        assert_eq!(wrong.map(|i| (a[i], b[i])), None, "{kind:?}");
    }
}

#[test]
fn quotients_by_public_divisors() {
    let mut random = random(31);
    for kind in integers() {
        let mut values = edges(kind);
        values.extend((0..30).map(|_| sized(&mut random, kind)));
        let mut divisors = edges(kind);
        divisors.extend([3, 5, 7, 10, 11, 100, kind.mask() - 9, kind.mask() / 3]);
        divisors.extend((0..6).map(|_| sized(&mut random, kind)));
        let mut builder = ProgramBuilder::new();
        let x = builder.input(column(0), kind, values.len()).unwrap();
        for divisor in &divisors {
            let d = builder.constant(kind, *divisor, 1).unwrap();
            for op in [Op::Div, Op::Rem] {
                let result = builder.apply(op, &[x, d], 0).unwrap();
                builder.reveal(result).unwrap();
            }
        }
        let program = builder.finish().unwrap();
        let expected = clear::evaluate(&program, &[values.clone()]).unwrap();
        let actual = local::run(&program, &[values.clone()], 5).unwrap();
        for (i, (actual, expected)) in actual.iter().zip(&expected).enumerate() {
            let by = divisors[i / 2];
            assert_eq!(actual, expected, "{kind:?} by {by}, of {values:?}");
        }
    }
}

/// All divisors of bytes, and divisors that differ from lane to lane.
#[test]
fn quotients_by_public_divisors_lane_by_lane() {
    let mut random = random(32);
    for kind in integers() {
        let [a, b] = dividends(kind, &mut random);
        let nonzero: Vec<u128> = b.iter().map(|d| (*d).max(1)).collect();
        let close: Vec<u128> = (0..a.len() as u128).map(|i| 64 + i % 60).collect();
        for divisors in [b, nonzero, close] {
            let mut builder = ProgramBuilder::new();
            let x = builder.input(column(0), kind, a.len()).unwrap();
            let d = builder.public(kind, &divisors).unwrap();
            for op in [Op::Div, Op::Rem] {
                let result = builder.apply(op, &[x, d], 0).unwrap();
                builder.reveal(result).unwrap();
            }
            let program = builder.finish().unwrap();
            check(
                &format!("public {kind:?}"),
                &program,
                std::slice::from_ref(&a),
            );
        }
    }
    let kind = Kind::U8;
    let values: Vec<u128> = (0..256).collect();
    let mut builder = ProgramBuilder::new();
    let x = builder.input(column(0), kind, values.len()).unwrap();
    for divisor in 0..256 {
        let d = builder.constant(kind, divisor, 1).unwrap();
        let result = builder.apply(Op::Div, &[x, d], 0).unwrap();
        builder.reveal(result).unwrap();
    }
    check("bytes", &builder.finish().unwrap(), &[values]);
}

/// What is known of values makes narrower rings do.
#[test]
fn quotients_of_small_values() {
    let mut random = random(33);
    for (from, to) in [
        (Kind::U8, Kind::U64),
        (Kind::U32, Kind::U64),
        (Kind::I32, Kind::I64),
        (Kind::U16, Kind::I128),
    ] {
        let [a, b] = dividends(from, &mut random);
        let mut builder = ProgramBuilder::new();
        let code = u64::from(to.code());
        let [x, y] = [0, 1].map(|i| {
            let narrow = builder.input(column(i), from, a.len()).unwrap();
            builder.apply(Op::Cast, &[narrow], code).unwrap()
        });
        let ten = builder.constant(to, 10, 1).unwrap();
        for (op, y) in [(Op::Div, y), (Op::Rem, y), (Op::Div, ten), (Op::Rem, ten)] {
            let result = builder.apply(op, &[x, y], 0).unwrap();
            builder.reveal(result).unwrap();
            let half = builder.apply(Op::Lt, &[result, ten], 0).unwrap();
            builder.reveal(half).unwrap();
        }
        check(
            &format!("{from:?} as {to:?}"),
            &builder.finish().unwrap(),
            &[a, b],
        );
    }
}

#[test]
fn the_lesser_and_the_greater() {
    let mut random = random(34);
    for kind in Kind::ALL {
        let [a, b] = pairs(kind, &mut random, 30);
        for op in [Op::Min, Op::Max] {
            let program = single(op, &[(kind, a.len()), (kind, b.len())], 0);
            let what = format!("{op:?} on {kind:?}");
            check(&what, &program, &[a.clone(), b.clone()]);
            let program = single(op, &[(kind, a.len()), (kind, 1)], 0);
            check(&what, &program, &[a.clone(), vec![b[1]]]);
        }
    }
}

#[test]
fn operations_on_bits() {
    let mut random = random(35);
    for kind in integers() {
        let mut values = edges(kind);
        values.extend((0..60).map(|_| sized(&mut random, kind)));
        for op in [
            Op::Abs,
            Op::ReverseBits,
            Op::SwapBytes,
            Op::CountOnes,
            Op::LeadingZeros,
            Op::TrailingZeros,
        ] {
            let program = single(op, &[(kind, values.len())], 0);
            check(&format!("{op:?} on {kind:?}"), &program, &[values.clone()]);
        }
        for by in [0, 1, 3, kind.bits() - 1, kind.bits(), kind.bits() + 1] {
            let program = single(Op::RotateLeft, &[(kind, values.len())], by.into());
            check(
                &format!("{kind:?} rotated {by}"),
                &program,
                &[values.clone()],
            );
        }
    }
}

/// The results of counts are known to be small.
#[test]
fn counts_of_bits_are_small() {
    let bits = |builder: ProgramBuilder| builder.finish().unwrap().plan().value_bytes;
    let mut costs = Vec::new();
    for op in [Op::CountOnes, Op::LeadingZeros, Op::TrailingZeros] {
        let with = |compare: bool| {
            let mut builder = ProgramBuilder::new();
            let x = builder.input(column(0), Kind::U64, 64).unwrap();
            let limit = builder.constant(Kind::U32, 7, 1).unwrap();
            let mut value = builder.apply(op, &[x], 0).unwrap();
            if compare {
                value = builder.apply(Op::Lt, &[value, limit], 0).unwrap();
            }
            let value = builder.apply(Op::Slice, &[value], 0).unwrap();
            builder.reveal(value).unwrap();
            bits(builder)
        };
        costs.push(with(true).abs_diff(with(false)));
    }
    assert!(costs.iter().all(|cost| *cost < 64 * 300 / 8), "{costs:?}");
}

#[test]
fn shifts_by_secret_amounts() {
    let mut random = random(36);
    for kind in integers() {
        let mut values = edges(kind);
        values.extend((0..40).map(|_| number(&mut random) & kind.mask()));
        for by in UNSIGNED {
            if by != Kind::U8 && by != Kind::U32 && kind != Kind::I16 {
                continue;
            }
            let amounts: Vec<u128> = (0..values.len() as u128)
                .map(|i| (i * 5 + i / 64 * 256) & by.mask())
                .collect();
            for op in [Op::ShlBy, Op::ShrBy, Op::RotateLeftBy] {
                let what = format!("{op:?} on {kind:?} by {by:?}");
                let (len, columns) = (values.len(), [values.clone(), amounts.clone()]);
                check(&what, &single(op, &[(kind, len), (by, len)], 0), &columns);
                if by == Kind::U8 {
                    let columns = [values.clone(), vec![amounts[13]]];
                    check(&what, &single(op, &[(kind, len), (by, 1)], 0), &columns);
                    let columns = [vec![values[5]], amounts.clone()];
                    check(&what, &single(op, &[(kind, 1), (by, len)], 0), &columns);
                }
            }
        }
    }
}

#[test]
fn powers() {
    let mut random = random(37);
    for kind in integers() {
        let mut values = edges(kind);
        values.extend((0..20).map(|_| number(&mut random) & kind.mask()));
        let len = values.len();
        for exponent in [0, 1, 2, 3, 10, 255] {
            let program = single(Op::Pow, &[(kind, len)], exponent);
            check(
                &format!("{kind:?} to {exponent}"),
                &program,
                &[values.clone()],
            );
        }
        let exponents: Vec<u128> = (0..len as u128).map(|i| i * i % 256).collect();
        let program = single(Op::PowBy, &[(kind, len), (Kind::U8, len)], 0);
        check(
            &format!("{kind:?} to a secret"),
            &program,
            &[values, exponents],
        );
    }
}

#[test]
fn square_roots() {
    let mut random = random(38);
    for kind in integers() {
        let mut values = edges(kind);
        for _ in 0..20 {
            let root = sized(&mut random, kind).isqrt();
            let square = root * root;
            values.extend([square, square.wrapping_sub(1) & kind.mask(), square + 1]);
            values.push(sized(&mut random, kind));
        }
        let program = single(Op::Isqrt, &[(kind, values.len())], 0);
        check(&format!("root of {kind:?}"), &program, &[values]);
    }
    let values: Vec<u128> = (0..1 << 14).map(|i| i * 4 + i % 4).collect();
    let program = single(Op::Isqrt, &[(Kind::U16, values.len())], 0);
    let actual = local::run(&program, std::slice::from_ref(&values), 5).unwrap();
    let expected: Vec<u128> = values.iter().map(|v| v.isqrt()).collect();
    assert!(actual[0] == expected);
}
