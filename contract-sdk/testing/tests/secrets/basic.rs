//! Arithmetic, comparisons, bits, and moving elements, on every type, against Rust's own.

use contract_testing::{World, user};

use crate::common::Random;

/// A contract over pairs of one integer type, the same operations on the first pair as single
/// values and on all pairs as vectors, and the test that compares them with Rust.
macro_rules! integer_operations {
    ($($name:ident: $ty:ident, $wide:ident, $narrow:ident;)*) => {$(
        #[quartet::contract]
        mod $name {
            use quartet::prelude::*;

            #[state]
            pub struct Nothing {}

            #[derive(SecretInput)]
            pub struct Pair {
                pub a: Secret<$ty>,
                pub b: Secret<$ty>,
                pub bit: Secret<bool>,
            }

            #[derive(Clone, Debug, PartialEq, Eq, Reveal)]
            pub struct Numbers {
                pub arithmetic: [$ty; 8],
                pub bitwise: [$ty; 7],
                pub public: [$ty; 9],
                pub compared: [bool; 12],
                pub wide: [$wide; 2],
                pub narrow: [$narrow; 2],
            }

            #[derive(Clone, Debug, PartialEq, Eq, Reveal)]
            pub struct Results {
                pub single: Numbers,
                pub sums: [$ty; 10],
                pub counts: [u64; 8],
            }

            #[input]
            fn give(_s: &mut Nothing, _pair: Sealed<Pair>) {}

            #[action]
            fn compute(_s: &mut Nothing) -> Start<operations> {
                Start::with_context(B256::ZERO)
            }

            fn single(pair: Pair) -> Secret<Numbers> {
                let Pair { a, b, bit } = pair;
                let mut c = a;
                c += b;
                c -= 1;
                c *= a;
                Numbers::secret(
                    [a + b, a - b, a * b, -a, c, bit.select(a, b), bit.select(a, 5), [a, b, c].into_iter().sum()],
                    [a & b, a | b, a ^ b, !a, a << 3, a >> 3, (a ^ 3) & !b],
                    [a + 7, 7 - a, a - 7, a * 3, 3 * a, a & 85, 85 | a, a ^ 85, a * (0 as $ty).wrapping_sub(1)],
                    [
                        a.eq(b), a.ne(b), a.lt(b), a.le(b), a.gt(b), a.ge(b),
                        a.eq(7), a.lt(7), a.ge(7), a.eq(a), a.lt(a), a.eq(b) ^ bit,
                    ],
                    [a.cast(), bit.cast()],
                    [a.cast(), (a + b).cast()],
                )
            }

            #[compute]
            fn operations(pairs: SecretVec<Pair>) -> Secret<Results> {
                let PairColumns { a, b, bit } = *pairs;
                let first = pairs.at(0);
                let (one, len) = (first.a, pairs.len());
                Results::secret(
                    single(first),
                    [
                        a.sum(), (a + b).sum(), (a * b).sum(), a.dot(b), (a - 7).sum(),
                        bit.select(a, b).sum(), (a * one).sum(), ((one - a) >> 1).sum(),
                        a.concat(b).slice(1, len).sum(), SecretVec::repeat(3, len).dot(a),
                    ],
                    [
                        bit.count(), a.lt(b).count(), a.le(7).count(), a.eq(one).count(),
                        (a.gt(b) & bit).count(), (!bit | a.ne(b)).count(), (bit ^ true).count(),
                        a.get(len - 1).eq(b.get(0)).cast(),
                    ],
                )
            }
        }

        #[test]
        fn $name() {
            use $name::{Contract, Pair, calls};
            let edges = [$ty::MIN, $ty::MAX, 0, 7, (0 as $ty).wrapping_sub(1), $ty::MIN.wrapping_add(1)];
            let mut random = Random::new();
            for round in 0..3 {
                let mut world: World<Contract> = World::deploy(0, user("d"), &calls::deploy()).unwrap();
                let pairs: Vec<($ty, $ty, bool)> = (0..9).map(|i| {
                    let pick = random.next();
                    let a = if i < 6 { edges[(i + round) % 6] } else { random.next() as $ty };
                    let b = match pick % 4 { 0 => a, 1 => edges[(pick >> 8) as usize % 6], _ => random.next() as $ty };
                    (a, b, random.next() % 2 == 1)
                }).collect();
                for (i, (a, b, bit)) in pairs.iter().enumerate() {
                    let owner = user(&i.to_string());
                    world.input(owner, &calls::give(&Pair::plain(*a, *b, *bit))).unwrap();
                }
                let started = world.call(user("d"), &calls::compute()).unwrap();
                let results = world.run(started);

                let (a, b, bit) = pairs[0];
                let c = a.wrapping_add(b).wrapping_sub(1).wrapping_mul(a);
                let n = results.single;
                assert_eq!(n.arithmetic, [
                    a.wrapping_add(b), a.wrapping_sub(b), a.wrapping_mul(b), a.wrapping_neg(), c,
                    if bit { a } else { b }, if bit { a } else { 5 }, a.wrapping_add(b).wrapping_add(c),
                ]);
                assert_eq!(n.bitwise, [a & b, a | b, a ^ b, !a, a << 3, a >> 3, (a ^ 3) & !b]);
                assert_eq!(n.public, [
                    a.wrapping_add(7), (7 as $ty).wrapping_sub(a), a.wrapping_sub(7),
                    a.wrapping_mul(3), a.wrapping_mul(3), a & 85, a | 85, a ^ 85, a.wrapping_neg(),
                ]);
                assert_eq!(n.compared, [
                    a == b, a != b, a < b, a <= b, a > b, a >= b,
                    a == 7, a < 7, a >= 7, true, false, (a == b) ^ bit,
                ]);
                assert_eq!(n.wide, [a as $wide, bit as $wide]);
                assert_eq!(n.narrow, [a as $narrow, a.wrapping_add(b) as $narrow]);

                let sum = |value: &dyn Fn($ty, $ty, bool) -> $ty| {
                    pairs.iter().fold(0 as $ty, |sum, (a, b, bit)| sum.wrapping_add(value(*a, *b, *bit)))
                };
                let both: Vec<$ty> = pairs.iter().map(|p| p.0).chain(pairs.iter().map(|p| p.1)).collect();
                let slice = both[1..=pairs.len()].iter().fold(0 as $ty, |sum, v| sum.wrapping_add(*v));
                assert_eq!(results.sums, [
                    sum(&|a, _, _| a), sum(&|a, b, _| a.wrapping_add(b)),
                    sum(&|a, b, _| a.wrapping_mul(b)), sum(&|a, b, _| a.wrapping_mul(b)),
                    sum(&|a, _, _| a.wrapping_sub(7)), sum(&|a, b, bit| if bit { a } else { b }),
                    sum(&|x, _, _| x.wrapping_mul(a)), sum(&|x, _, _| a.wrapping_sub(x) >> 1),
                    slice, sum(&|a, _, _| a.wrapping_mul(3)),
                ]);
                let count = |holds: &dyn Fn($ty, $ty, bool) -> bool| {
                    pairs.iter().filter(|(a, b, bit)| holds(*a, *b, *bit)).count() as u64
                };
                assert_eq!(results.counts, [
                    count(&|_, _, bit| bit), count(&|a, b, _| a < b), count(&|a, _, _| a <= 7),
                    count(&|x, _, _| x == a), count(&|a, b, bit| a > b && bit),
                    count(&|a, b, bit| !bit || a != b), count(&|_, _, bit| !bit),
                    u64::from(pairs[8].0 == pairs[0].1),
                ]);
            }
        }
    )*};
}

integer_operations! {
    on_u8: u8, u64, u8;
    on_u16: u16, u32, u8;
    on_u32: u32, i128, u16;
    on_u64: u64, u128, i32;
    on_u128: u128, i128, u8;
    on_i8: i8, i64, u8;
    on_i16: i16, u128, i8;
    on_i32: i32, i64, u16;
    on_i64: i64, i128, i32;
    on_i128: i128, u128, i64;
}

/// Empty vectors: nothing of them goes into the program.
#[quartet::contract]
mod empty {
    use quartet::prelude::*;

    #[state]
    pub struct Nothing {}

    #[derive(SecretInput)]
    pub struct Value {
        pub a: Secret<u32>,
        pub bit: Secret<bool>,
    }

    #[input]
    fn give(_s: &mut Nothing, _value: Sealed<Value>) {}

    #[action]
    fn compute(_s: &mut Nothing) -> Start<operations> {
        Start::with_context(B256::ZERO)
    }

    #[compute]
    fn operations(values: SecretVec<Value>) -> [Secret<u32>; 5] {
        let ValueColumns { a, bit } = *values;
        let four = SecretVec::from_values(&[Secret::public(3), Secret::ZERO, Secret::ONE]);
        let nine = SecretVec::public(&[2, 3]).concat(four);
        [
            (a + 1).sum(),
            (bit.select(a * a, 3) ^ (2 * a)).dot(a),
            a.concat(nine).concat(a).slice(0, 5).sum(),
            a.slice(0, 0).sum(),
            (Secret::ONE - a).sum() + bit.count().cast(),
        ]
    }
}

#[test]
fn empty_vectors() {
    let mut world: World<empty::Contract> =
        World::deploy(0, user("d"), &empty::calls::deploy()).unwrap();
    let started = world.call(user("d"), &empty::calls::compute()).unwrap();
    assert_eq!(world.run(started), [0, 0, 9, 0, 0]);
}

#[test]
fn secrets_are_not_printed() {
    use quartet::Secret;
    let (secret, input) = (Secret::<u64>::ONE, empty::Value::plain(77, true));
    assert_eq!(format!("{secret:?}"), "Secret(<redacted>)");
    assert_eq!(format!("{input:?}"), "Plain(<redacted>)");
    assert_eq!(
        format!("{:?}", empty::calls::give(&input)),
        "InputCall(<redacted>)"
    );
}
