//! Division, bits and powers, on every integer type, against Rust's own.

use crate::common::Random;

/// Operations of two integers that give one. The second is never 0, by which Rust does not divide.
macro_rules! values {
    ($a:expr, $b:expr, $wrapping:ident) => {
        [
            $wrapping!($a, /, $b),
            $wrapping!($a, %, $b),
            $wrapping!($a, div_euclid, $b),
            $wrapping!($a, rem_euclid, $b),
            $wrapping!($a, pow, 5),
            $a.min($b),
            $a.max($b),
            $a.clamp($a.min($b), $b),
            $a.swap_bytes(),
            $a.reverse_bits(),
            $a.rotate_left(3),
            $a.rotate_right(69),
        ]
    };
}

/// What wraps: by operators and plain names on secrets.
macro_rules! secret {
    ($a:expr, /, $b:expr) => {
        $a / $b
    };
    ($a:expr, %, $b:expr) => {
        $a % $b
    };
    ($a:expr, $name:ident, $b:expr) => {
        $a.$name($b)
    };
}

/// The same in clear.
macro_rules! clear {
    ($a:expr, /, $b:expr) => {
        $a.wrapping_div($b)
    };
    ($a:expr, %, $b:expr) => {
        $a.wrapping_rem($b)
    };
    ($a:expr, div_euclid, $b:expr) => {
        $a.wrapping_div_euclid($b)
    };
    ($a:expr, rem_euclid, $b:expr) => {
        $a.wrapping_rem_euclid($b)
    };
    ($a:expr, pow, $b:expr) => {
        $a.wrapping_pow($b)
    };
}

/// Operations of an integer and an amount, public or secret.
macro_rules! by_amounts {
    ($a:expr, $by:expr, $wrapping:ident) => {
        [
            $wrapping!($a, shl, $by),
            $wrapping!($a, shr, $by),
            $wrapping!($a, rotate_left, $by),
            $wrapping!($a, rotate_right, $by),
            $wrapping!($a, pow, $by),
        ]
    };
}

macro_rules! secret_amount {
    ($a:expr, shl, $by:expr) => {
        $a << $by
    };
    ($a:expr, shr, $by:expr) => {
        $a >> $by
    };
    ($a:expr, rotate_left, $by:expr) => {
        $a.rotate_left_by($by)
    };
    ($a:expr, rotate_right, $by:expr) => {
        $a.rotate_right_by($by)
    };
    ($a:expr, pow, $by:expr) => {
        $a.pow_by($by)
    };
}

macro_rules! clear_amount {
    ($a:expr, shl, $by:expr) => {
        $a.wrapping_shl($by.into())
    };
    ($a:expr, shr, $by:expr) => {
        $a.wrapping_shr($by.into())
    };
    ($a:expr, rotate_left, $by:expr) => {
        $a.rotate_left($by.into())
    };
    ($a:expr, rotate_right, $by:expr) => {
        $a.rotate_right($by.into())
    };
    ($a:expr, pow, $by:expr) => {
        $a.wrapping_pow($by.into())
    };
}

/// Counts of bits.
macro_rules! counts {
    ($a:expr) => {
        [
            $a.count_ones(),
            $a.count_zeros(),
            $a.leading_zeros(),
            $a.leading_ones(),
            $a.trailing_zeros(),
            $a.trailing_ones(),
        ]
    };
}

/// A contract over pairs of one integer type, and the test that compares it with Rust.
macro_rules! integers {
    ($($name:ident: $ty:ident;)*) => {$(
        #[quartet::contract]
        mod $name {
            use quartet::prelude::*;

            #[state]
            pub struct Nothing {}

            #[derive(SecretInput)]
            pub struct Pair {
                pub a: Secret<$ty>,
                pub b: Secret<$ty>,
                pub by: Secret<u8>,
            }

            #[derive(Reveal)]
            pub struct Results {
                pub values: [[$ty; 6]; 12],
                pub by_amounts: [[$ty; 6]; 5],
                pub counts: [[u32; 6]; 6],
                pub roots: [[$ty; 6]; 3],
                pub by_public: [[$ty; 6]; 6],
                pub single: [$ty; 12],
                pub single_amounts: [$ty; 5],
                pub single_counts: [u32; 6],
                pub assigned: [$ty; 4],
            }

            #[input]
            fn give(_s: &mut Nothing, _pair: Sealed<Pair>) {}

            #[action]
            fn compute(_s: &mut Nothing) -> Start<operations> {
                Start::with_context(B256::ZERO)
            }

            #[compute]
            fn operations(pairs: SecretVec<Pair>) -> Secret<Results> {
                let PairColumns { a, b, by } = *pairs;
                let Pair { a: x, b: y, by: z } = pairs.at(0);
                let by_public = [a / 7, a % 7, 100 / b, 100 % b, a / 8, a % 8];
                let roots = [a.isqrt(), x << by, a << z];
                let mut assigned = [x; 4];
                assigned[0] /= y;
                assigned[1] %= 7;
                assigned[2] <<= z;
                assigned[3] >>= 2;
                Results::secret(
                    values!(a, b, secret).map(|row| std::array::from_fn(|i| row.get(i))),
                    by_amounts!(a, by, secret_amount).map(|row| std::array::from_fn(|i| row.get(i))),
                    counts!(a).map(|row| std::array::from_fn(|i| row.get(i))),
                    roots.map(|row| std::array::from_fn(|i| row.get(i))),
                    by_public.map(|row| std::array::from_fn(|i| row.get(i))),
                    values!(x, y, secret),
                    by_amounts!(x, z, secret_amount),
                    counts!(x),
                    assigned,
                )
            }
        }

        #[test]
        fn $name() {
            use $name::Pair;
            let mut random = Random::new();
            let bits = $ty::BITS;
            for _ in 0..2 {
                let pairs: [($ty, $ty, u8); 6] = std::array::from_fn(|i| {
                    let (a, b) = (random.near_an_edge(bits) as $ty, random.near_an_edge(bits) as $ty);
                    let b = if i == 1 { (0 as $ty).wrapping_sub(1) } else { b };
                    (a, if b == 0 { 3 } else { b }, random.next() as u8)
                });
                let results = computed!($name, pairs.map(|(a, b, by)| Pair::plain(a, b, by)));
                let (x, _, z) = pairs[0];
                for (i, (a, b, by)) in pairs.into_iter().enumerate() {
                    let shown = format!("{a} {b} {by}");
                    // Rust's clamp wants its bounds in order, as these are.
                    assert_eq!(results.values.map(|row| row[i]), values!(a, b, clear), "{shown}");
                    let by_amounts = by_amounts!(a, by, clear_amount);
                    assert_eq!(results.by_amounts.map(|row| row[i]), by_amounts, "{shown}");
                    assert_eq!(results.counts.map(|row| row[i]), counts!(a), "{shown}");
                    let root = if a > 0 { a.isqrt() } else { 0 };
                    let roots = [root, x.wrapping_shl(by.into()), a.wrapping_shl(z.into())];
                    assert_eq!(results.roots.map(|row| row[i]), roots, "{shown}");
                    let by_public = [
                        a / 7, a % 7, (100 as $ty).wrapping_div(b), (100 as $ty).wrapping_rem(b), a / 8, a % 8,
                    ];
                    assert_eq!(results.by_public.map(|row| row[i]), by_public, "{shown}");
                }
                let (a, b, by) = pairs[0];
                assert_eq!(results.single, values!(a, b, clear), "{a} {b}");
                assert_eq!(results.single_amounts, by_amounts!(a, by, clear_amount), "{a} {by}");
                assert_eq!(results.single_counts, counts!(a), "{a}");
                let assigned = [a.wrapping_div(b), a % 7, a.wrapping_shl(by.into()), a >> 2];
                assert_eq!(results.assigned, assigned);
            }
        }
    )*};
}

integers! {
    on_u8: u8;
    on_u16: u16;
    on_u32: u32;
    on_u64: u64;
    on_u128: u128;
    on_i8: i8;
    on_i16: i16;
    on_i32: i32;
    on_i64: i64;
    on_i128: i128;
}

/// What only unsigned types have, and the absolute value, which only signed types have.
macro_rules! by_sign {
    ($($name:ident: $unsigned:ident, $signed:ident;)*) => {$(
        #[quartet::contract]
        mod $name {
            use quartet::prelude::*;

            #[state]
            pub struct Nothing {}

            #[derive(SecretInput)]
            pub struct Pair {
                pub a: Secret<$unsigned>,
                pub b: Secret<$unsigned>,
            }

            #[derive(Reveal)]
            pub struct Results {
                pub values: [[$unsigned; 6]; 4],
                pub absolute: [$signed; 6],
                pub logarithms: [u32; 6],
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
                let values = [a.div_ceil(b), a.next_multiple_of(b), a / 0, a % 0];
                let absolute = a.cast::<$signed>().abs();
                Results::secret(
                    values.map(|row| std::array::from_fn(|i| row.get(i))),
                    std::array::from_fn(|i| absolute.get(i)),
                    std::array::from_fn(|i| a.ilog2().get(i)),
                )
            }
        }

        #[test]
        fn $name() {
            use $name::Pair;
            let mut random = Random::new();
            for _ in 0..2 {
                let mut number = || (random.near_an_edge($unsigned::BITS) as $unsigned).max(1);
                let pairs: [($unsigned, $unsigned); 6] = std::array::from_fn(|_| (number(), number()));
                let results = computed!($name, pairs.map(|(a, b)| Pair::plain(a, b)));
                for (i, (a, b)) in pairs.into_iter().enumerate() {
                    let next = a.wrapping_add(if a % b == 0 { 0 } else { b - a % b });
                    assert_eq!(a.checked_next_multiple_of(b).unwrap_or(next), next);
                    let values = [a.div_ceil(b), next, $unsigned::MAX, a];
                    assert_eq!(results.values.map(|row| row[i]), values, "{a} {b}");
                    assert_eq!(results.absolute[i], (a as $signed).wrapping_abs());
                    assert_eq!(results.logarithms[i], a.ilog2());
                }
            }
        }
    )*};
}

by_sign! {
    by_sign_8: u8, i8;
    by_sign_16: u16, i16;
    by_sign_32: u32, i32;
    by_sign_64: u64, i64;
    by_sign_128: u128, i128;
}
