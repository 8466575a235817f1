//! Operations that the SDK composes of the engine's, on every type, against Rust's own.

use crate::common::Random;

/// Operations of two integers that give one, on values and on vectors alike.
macro_rules! values {
    ($a:expr, $b:expr) => {
        [
            $a.saturating_add($b),
            $a.saturating_sub($b),
            $a.saturating_mul($b),
            $a.overflowing_add($b).0,
            $a.overflowing_sub($b).0,
            $a.overflowing_mul($b).0,
            $a.midpoint($b),
        ]
    };
}

/// Operations of two integers that give a bool.
macro_rules! flags {
    ($a:expr, $b:expr) => {
        [
            $a.overflowing_add($b).1,
            $a.overflowing_sub($b).1,
            $a.overflowing_mul($b).1,
        ]
    };
}

/// A contract over pairs of one integer type, and the test that compares it with Rust.
macro_rules! composed {
    ($($name:ident: $ty:ident, $unsigned:ident;)*) => {$(
        #[quartet::contract]
        mod $name {
            use quartet::prelude::*;

            #[state]
            pub struct Nothing {}

            #[derive(SecretInput)]
            pub struct Pair {
                pub a: Secret<$ty>,
                pub b: Secret<$ty>,
            }

            #[derive(Reveal)]
            pub struct Results {
                pub values: [[$ty; 8]; 7],
                pub flags: [[bool; 8]; 3],
                pub distances: [$unsigned; 8],
                pub single: [$ty; 7],
                pub single_flags: [bool; 3],
                pub single_distance: $unsigned,
            }

            #[input]
            fn give(_s: &mut Nothing, _pair: Sealed<Pair>) {}

            #[action]
            fn compute(_s: &mut Nothing) -> Start<operations> {
                Start::with_context(B256::ZERO)
            }

            #[compute]
            fn operations(pairs: SecretVec<Pair>) -> Secret<Results> {
                let PairColumns { a, b } = *pairs;
                let (x, y) = (a.get(0), b.get(0));
                let distances = a.abs_diff(b);
                Results::secret(
                    values!(a, b).map(|row| std::array::from_fn(|i| row.get(i))),
                    flags!(a, b).map(|row| std::array::from_fn(|i| row.get(i))),
                    std::array::from_fn(|i| distances.get(i)),
                    values!(x, y),
                    flags!(x, y),
                    x.abs_diff(y),
                )
            }
        }

        #[test]
        fn $name() {
            use $name::Pair;
            let mut random = Random::new();
            for _ in 0..3 {
                let pairs: [($ty, $ty); 8] = std::array::from_fn(|i| match i {
                    // The product is the first beyond the range.
                    7 => ($ty::MAX / 3 + 1, 3),
                    _ => (
                        random.near_an_edge($ty::BITS) as $ty,
                        random.near_an_edge($ty::BITS) as $ty,
                    ),
                });
                let results = computed!($name, pairs.map(|(a, b)| Pair::plain(a, b)));
                for (i, (a, b)) in pairs.into_iter().enumerate() {
                    assert_eq!(results.values.map(|row| row[i]), values!(a, b), "{a} {b}");
                    assert_eq!(results.flags.map(|row| row[i]), flags!(a, b), "{a} {b}");
                    assert_eq!(results.distances[i], a.abs_diff(b), "{a} {b}");
                }
                let (a, b) = pairs[0];
                assert_eq!(results.single, values!(a, b), "{a} {b}");
                assert_eq!(results.single_flags, flags!(a, b), "{a} {b}");
                assert_eq!(results.single_distance, a.abs_diff(b), "{a} {b}");
            }
        }
    )*};
}

composed! {
    on_u8: u8, u8;
    on_u16: u16, u16;
    on_u32: u32, u32;
    on_u64: u64, u64;
    on_u128: u128, u128;
    on_i8: i8, u8;
    on_i16: i16, u16;
    on_i32: i32, u32;
    on_i64: i64, u64;
    on_i128: i128, u128;
}

/// Signs, which only signed types have, and powers of two, for which only unsigned types are asked.
macro_rules! signs_and_powers {
    ($($name:ident: $signed:ident, $unsigned:ident;)*) => {$(
        #[quartet::contract]
        mod $name {
            use quartet::prelude::*;

            #[state]
            pub struct Nothing {}

            #[derive(SecretInput)]
            pub struct Number {
                pub number: Secret<$signed>,
            }

            #[derive(Reveal)]
            pub struct Results {
                pub signs: [$signed; 8],
                pub negative: [bool; 8],
                pub positive: [bool; 8],
                pub powers: [bool; 8],
                pub single: $signed,
            }

            #[input]
            fn give(_s: &mut Nothing, _number: Sealed<Number>) {}

            #[action]
            fn compute(_s: &mut Nothing) -> Start<operations> {
                Start::with_context(B256::ZERO)
            }

            #[compute]
            fn operations(numbers: SecretVec<Number>) -> Secret<Results> {
                let numbers = numbers.number;
                let one = numbers.get(0);
                let powers = numbers.cast::<$unsigned>().is_power_of_two();
                Results::secret(
                    std::array::from_fn(|i| numbers.signum().get(i)),
                    std::array::from_fn(|i| numbers.is_negative().get(i)),
                    std::array::from_fn(|i| numbers.is_positive().get(i)),
                    std::array::from_fn(|i| powers.get(i)),
                    one.is_negative().select(one.signum(), one),
                )
            }
        }

        #[test]
        fn $name() {
            use $name::Number;
            let mut random = Random::new();
            for _ in 0..4 {
                let numbers: [$signed; 8] = std::array::from_fn(|i| match i % 4 {
                    0 => 1 << (random.next() % u128::from($signed::BITS)),
                    _ => random.near_an_edge($signed::BITS) as $signed,
                });
                let results = computed!($name, numbers.map(Number::plain));
                assert_eq!(results.signs, numbers.map($signed::signum));
                assert_eq!(results.negative, numbers.map($signed::is_negative));
                assert_eq!(results.positive, numbers.map($signed::is_positive));
                assert_eq!(results.single, if numbers[0] < 0 { -1 } else { numbers[0] });
                assert_eq!(results.powers, numbers.map(|n| (n as $unsigned).is_power_of_two()));
            }
        }
    )*};
}

signs_and_powers! {
    signs_of_8: i8, u8;
    signs_of_16: i16, u16;
    signs_of_32: i32, u32;
    signs_of_64: i64, u64;
    signs_of_128: i128, u128;
}
