//! Fixed point against the clear-text model and against exact fractions.

use crate::support::{column, edges, number, pairs, random, single};
use mpc_engine::{Program, ProgramBuilder, ProgramError, clear, local};
use rand_chacha::ChaCha20Rng;
use wire::{kind::Kind, secret::Op};

const KINDS: [Kind; 7] = [
    Kind::Fixed64(1),
    Kind::Fixed64(16),
    Kind::Fixed64(31),
    Kind::Fixed64(62),
    Kind::Fixed128(20),
    Kind::Fixed128(40),
    Kind::Fixed128(126),
];

fn check(what: &str, program: &Program, columns: &[Vec<u128>]) -> Vec<Vec<u128>> {
    let expected = clear::evaluate(program, columns).unwrap();
    let actual = local::run(program, columns, 5).unwrap();
    assert!(
        actual == expected,
        "{what}\n{columns:?}\nis      {actual:?}\nand not {expected:?}"
    );
    actual
}

/// A signed number of at most so many bits besides the sign.
fn signed(random: &mut ChaCha20Rng, kind: Kind, bits: u32) -> i128 {
    let bits = 1 + number(random) as u32 % bits;
    let value = (number(random) >> (128 - bits)).cast_signed();
    assert!(bits < kind.bits());
    if number(random) & 1 == 0 {
        value
    } else {
        -value
    }
}

fn units(kind: Kind, values: &[i128]) -> Vec<u128> {
    values
        .iter()
        .map(|v| v.cast_unsigned() & kind.mask())
        .collect()
}

fn value(kind: Kind, units: u128) -> i128 {
    let up = 128 - kind.bits();
    (units << up).cast_signed() >> up
}

#[test]
fn operations_on_fixed_point() {
    let mut random = random(50);
    for kind in KINDS {
        let [a, b] = pairs(kind, &mut random, 20);
        let len = a.len();
        let columns = [a.clone(), b];
        for op in [
            Op::Add,
            Op::Sub,
            Op::Mul,
            Op::Dot,
            Op::Eq,
            Op::Lt,
            Op::Le,
            Op::Min,
            Op::Max,
            Op::Div,
            Op::Rem,
            Op::Concat,
        ] {
            let program = single(op, &[(kind, len), (kind, len)], 0);
            check(&format!("{op:?} on {kind:?}"), &program, &columns);
        }
        for (op, immediate) in [
            (Op::Neg, 0),
            (Op::Abs, 0),
            (Op::Sum, 0),
            (Op::Scale, 7),
            (Op::Slice, 3 << 32 | 5),
        ] {
            let program = single(op, &[(kind, len)], immediate);
            check(&format!("{op:?} on {kind:?}"), &program, &columns[..1]);
        }
        let bits = a.iter().map(|x| x >> 1 & 1).collect();
        let program = single(
            Op::Select,
            &[(Kind::Bool, len), (kind, len), (kind, len)],
            0,
        );
        let [a, b] = columns;
        check(&format!("select on {kind:?}"), &program, &[bits, a, b]);
    }
}

/// Within the documented range, products and quotients are exact but for the documented error.
#[test]
fn errors_are_below_one_unit() {
    let mut random = random(51);
    for kind in [Kind::Fixed64(8), Kind::Fixed64(20), Kind::Fixed128(24)] {
        let f = kind.fraction();
        // Half the range each; more would not be exact in the test's own arithmetic.
        let bits = kind.bits().min(100);
        let half = (bits - 1) / 2;
        let mut x: Vec<i128> = (0..80).map(|_| signed(&mut random, kind, half)).collect();
        let mut y: Vec<i128> = (0..80).map(|_| signed(&mut random, kind, half)).collect();
        x.extend([-1, 1, -1, 1, 0]);
        y.extend([-1, 1, 1, -1, 5]);
        let len = x.len();
        let columns = [units(kind, &x), units(kind, &y)];
        let program = single(Op::Mul, &[(kind, len), (kind, len)], 0);
        let products = &check("products", &program, &columns)[0];
        for ((x, y), product) in x.iter().zip(&y).zip(products) {
            let lacks = x * y - (value(kind, *product) << f);
            assert!((0..1 << f).contains(&lacks), "{x} {y}: {product}");
        }
        let program = single(Op::Dot, &[(kind, len), (kind, len)], 0);
        let small: Vec<Vec<u128>> = [&x, &y]
            .map(|v| units(kind, &v.iter().map(|v| v >> 8).collect::<Vec<_>>()))
            .into();
        let dot = value(kind, check("sum of products", &program, &small)[0][0]);
        let exact: i128 = x.iter().zip(&y).map(|(x, y)| (x >> 8) * (y >> 8)).sum();
        assert!((0..1 << f).contains(&(exact - (dot << f))), "{exact} {dot}");

        let y: Vec<i128> = y.iter().map(|y| if *y == 0 { 3 } else { *y }).collect();
        let x: Vec<i128> = (0..len)
            .map(|_| signed(&mut random, kind, bits - 1 - f))
            .collect();
        let columns = [units(kind, &x), units(kind, &y)];
        let program = single(Op::Div, &[(kind, len), (kind, len)], 0);
        let quotients = &check("quotients", &program, &columns)[0];
        for ((x, y), quotient) in x.iter().zip(&y).zip(quotients) {
            let quotient = value(kind, *quotient);
            let rest = (x << f) - quotient * y;
            assert!(rest.abs() < y.abs(), "{x} {y}: {quotient}");
            let towards_zero = rest == 0 || (rest < 0) == (*x < 0);
            assert!(towards_zero, "{x} {y}: {quotient}");
        }
    }
}

#[test]
fn casts_of_fixed_point() {
    let mut random = random(52);
    let mut kinds = KINDS.to_vec();
    kinds.extend(Kind::ALL);
    for from in &kinds {
        for to in &kinds {
            let fixed = from.fraction() > 0 || to.fraction() > 0;
            if !fixed || *to == Kind::Bool {
                continue;
            }
            let mut values = edges(*from);
            values.extend((0..20).map(|_| number(&mut random) & from.mask()));
            let program = single(Op::Cast, &[(*from, values.len())], u64::from(to.code()));
            check(&format!("{from:?} as {to:?}"), &program, &[values]);
        }
    }
    let floor = single(
        Op::Cast,
        &[(Kind::Fixed64(4), 4)],
        u64::from(Kind::I8.code()),
    );
    let columns = [units(Kind::Fixed64(4), &[31, 32, -1, -17])];
    assert_eq!(
        check("floor", &floor, &columns)[0],
        units(Kind::I8, &[1, 2, -1, -2])
    );
}

/// A polynomial of public coefficients: what is public is folded, and divided by at the price of a
/// product.
#[test]
fn public_operands() {
    let kind = Kind::Fixed64(16);
    let mut random = random(53);
    let x: Vec<i128> = (0..64).map(|_| signed(&mut random, kind, 24)).collect();
    let mut builder = ProgramBuilder::new();
    let value = builder.input(column(0), kind, x.len()).unwrap();
    for constant in [
        3 << 15,
        1,
        1 << 16,
        u128::from((-5i64 << 14).cast_unsigned()),
    ] {
        let c = builder.constant(kind, constant, 1).unwrap();
        for op in [Op::Mul, Op::Div, Op::Rem, Op::Lt] {
            for operands in [[value, c], [c, value], [c, c]] {
                let result = builder.apply(op, &operands, 0).unwrap();
                builder.reveal(result).unwrap();
            }
        }
    }
    check("public", &builder.finish().unwrap(), &[units(kind, &x)]);
}

#[test]
fn kinds_that_do_not_exist_are_refused() {
    for kind in [
        Kind::Fixed64(0),
        Kind::Fixed64(63),
        Kind::Fixed128(0),
        Kind::Fixed128(127),
    ] {
        let mut builder = ProgramBuilder::new();
        let refused = Err(ProgramError::NoSuchKind { kind });
        assert_eq!(builder.input(column(0), kind, 1), refused);
        assert_eq!(builder.constant(kind, 1, 1), refused);
        assert_eq!(builder.public(kind, &[1, 2]), refused);
        let x = builder.input(column(0), Kind::I64, 1).unwrap();
        let cast = builder.apply(Op::Cast, &[x], u64::from(kind.code()));
        assert!(matches!(cast, Err(ProgramError::Immediate { .. })));
    }
    for op in [
        Op::And,
        Op::Not,
        Op::Shl,
        Op::Shr,
        Op::Pow,
        Op::Isqrt,
        Op::CountOnes,
    ] {
        let kind = Kind::Fixed64(3);
        let mut builder = ProgramBuilder::new();
        let x = builder.input(column(0), kind, 1).unwrap();
        let operands = [x, x];
        let result = builder.apply(op, &operands[..op.operands()], 1);
        assert_eq!(
            result,
            Err(ProgramError::UndefinedOn { op, kind }),
            "{op:?}"
        );
    }
}
