//! Sums, searches, look-ups and rows over vectors.

use crate::common::Random;

const LEN: usize = 12;

/// A contract over rows of one integer type, and the test that compares it with Rust.
macro_rules! vectors {
    ($($name:ident: $ty:ident, $index:ident;)*) => {$(
        #[quartet::contract]
        mod $name {
            use quartet::prelude::*;

            pub const PRIMES: [u32; 7] = [2, 3, 5, 7, 11, 13, 17];

            #[state]
            pub struct Nothing {}

            #[derive(SecretInput)]
            pub struct Row {
                pub a: Secret<$ty>,
                pub b: Secret<$ty>,
                pub key: Secret<$index>,
                pub bit: Secret<bool>,
            }

            #[derive(Reveal)]
            pub struct Results {
                pub single: [$ty; 4],
                pub places: [u64; 3],
                pub lanes: [[$ty; 12]; 3],
                pub rows: [[$ty; 4]; 2],
                pub row_flags: [[bool; 4]; 2],
                pub gathered: [$ty; 5],
                pub primes: [u32; 12],
                pub one: [$ty; 2],
                pub histogram: [u64; 5],
                pub groups: [$ty; 5],
                pub flags: [bool; 6],
            }

            #[input]
            fn give(_s: &mut Nothing, _row: Sealed<Row>) {}

            #[action]
            fn compute(_s: &mut Nothing) -> Start<operations> {
                Start::with_context(B256::ZERO)
            }

            #[compute]
            fn operations(rows: SecretVec<Row>) -> Secret<Results> {
                let RowColumns { a, b, key, bit } = *rows;
                let running = a.prefix_sum();
                let by_row = [a.sum_rows(3), a.dot_rows(b, 3)];
                let row_flags = [a.eq_rows(b, 3), a.lt_rows(b, 3)];
                let (gathered, reversed) = (a.gather(&[3, 0, 11, 3, 7]), a.reverse());
                let looked_up = a.lookup(key);
                let primes = SecretVec::public(&PRIMES).lookup(key);
                let (histogram, groups) = (key.histogram(5), a.group_sum(key, 5));
                Results::secret(
                    [a.minimum(), a.maximum(), a.sum(), a.dot(b)],
                    [a.argmin(), a.argmax(), bit.count()],
                    [running, reversed, looked_up].map(|row| std::array::from_fn(|i| row.get(i))),
                    by_row.map(|row| std::array::from_fn(|i| row.get(i))),
                    row_flags.map(|row| std::array::from_fn(|i| row.get(i))),
                    std::array::from_fn(|i| gathered.get(i)),
                    std::array::from_fn(|i| primes.get(i)),
                    [a.lookup_one(key.get(0)), SecretVec::from_values(&[a.get(4), b.get(2)]).get(1)],
                    std::array::from_fn(|i| histogram.get(i)),
                    std::array::from_fn(|i| groups.get(i)),
                    [
                        bit.all(), bit.any(), a.slice(0, 0).eq(a.slice(0, 0)).all(),
                        a.slice(0, 0).eq(a.slice(0, 0)).any(), a.eq(a).all(), a.lt(a).any(),
                    ],
                )
            }
        }

        #[test]
        fn $name() {
            use $name::{PRIMES, Row};
            let mut random = Random::new();
            for round in 0..3 {
                let rows: [($ty, $ty, $index, bool); LEN] = std::array::from_fn(|i| {
                    let a = random.near_an_edge($ty::BITS) as $ty;
                    // The first row of three is the same in both.
                    let b = if i < 3 { a } else { random.near_an_edge($ty::BITS) as $ty };
                    let bit = random.next() % 2 == round || round == 2;
                    (a, b, (random.next() % 14) as $index, bit)
                });
                let plain = |(a, b, key, bit): ($ty, $ty, $index, bool)| Row::plain(a, b, key, bit);
                let results = computed!($name, rows.map(plain));

                let (a, b, keys) = (rows.map(|r| r.0), rows.map(|r| r.1), rows.map(|r| r.2));
                let sum = |values: &[$ty]| values.iter().fold(0 as $ty, |s, v| s.wrapping_add(*v));
                let products: [$ty; LEN] = std::array::from_fn(|i| a[i].wrapping_mul(b[i]));
                let (least, most) = (*a.iter().min().unwrap(), *a.iter().max().unwrap());
                assert_eq!(results.single, [least, most, sum(&a), sum(&products)]);
                let place = |value| a.iter().position(|v| *v == value).unwrap() as u64;
                let set = rows.iter().filter(|r| r.3).count() as u64;
                assert_eq!(results.places, [place(least), place(most), set]);
                assert_eq!(results.lanes[0], std::array::from_fn(|i| sum(&a[..=i])));
                let of_rows = |values: &[$ty; LEN]| std::array::from_fn(|i| sum(&values[3 * i..][..3]));
                assert_eq!(results.rows, [of_rows(&a), of_rows(&products)]);
                let row = |i: usize| (&a[3 * i..][..3], &b[3 * i..][..3]);
                assert_eq!(results.row_flags, [
                    std::array::from_fn(|i| row(i).0 == row(i).1),
                    std::array::from_fn(|i| row(i).0 < row(i).1),
                ]);
                assert_eq!(results.gathered, [3, 0, 11, 3, 7].map(|i| a[i]));
                assert_eq!(results.lanes[1], std::array::from_fn(|i| a[LEN - 1 - i]));
                let in_a = |key: $index| a.get(key as usize).copied().unwrap_or(0);
                assert_eq!(results.lanes[2], keys.map(in_a));
                let in_primes = |key: $index| PRIMES.get(key as usize).copied().unwrap_or(0);
                assert_eq!(results.primes, keys.map(in_primes));
                assert_eq!(results.one, [in_a(keys[0]), b[2]]);
                let of_key = |key: usize| (0..LEN).filter(move |i| keys[*i] as usize == key);
                assert_eq!(results.histogram, std::array::from_fn(|key| of_key(key).count() as u64));
                let group = |key| sum(&of_key(key).map(|i| a[i]).collect::<Vec<_>>());
                assert_eq!(results.groups, std::array::from_fn(group));
                let (all, any) = (set == LEN as u64, set > 0);
                assert_eq!(results.flags, [all, any, true, false, true, false]);
            }
        }
    )*};
}

vectors! {
    on_u8: u8, u8;
    on_u16: u16, u64;
    on_u64: u64, u32;
    on_u128: u128, u16;
    on_i32: i32, u128;
    on_i64: i64, u8;
    on_i128: i128, u8;
}

/// Byte strings, as names and keys are.
#[quartet::contract]
mod names {
    use quartet::prelude::*;

    #[state]
    pub struct Nothing {}

    #[derive(SecretInput)]
    pub struct Name {
        pub name: [Secret<u8>; 5],
    }

    #[input]
    fn give(_s: &mut Nothing, _name: Sealed<Name>) {}

    #[action]
    fn compute(_s: &mut Nothing) -> Start<order> {
        Start::with_context(B256::ZERO)
    }

    #[compute]
    fn order(names: SecretVec<Name>) -> [[Secret<bool>; 3]; 9] {
        std::array::from_fn(|i| {
            let (a, b) = (names.at(i / 3).name, names.at(i % 3).name);
            [a.bytes_eq(b), a.bytes_lt(b), a.bytes_le(b)]
        })
    }
}

#[test]
fn byte_strings() {
    let names = [*b"alice", *b"alina", *b"\xffbob\0"];
    let results = computed!(names, names.map(names::Name::plain));
    for (i, result) in results.into_iter().enumerate() {
        let (a, b) = (names[i / 3], names[i % 3]);
        assert_eq!(result, [a == b, a < b, a <= b], "{a:?} {b:?}");
    }
}

/// Vectors without elements, of which nothing goes into the program.
#[quartet::contract]
mod nothing {
    use quartet::prelude::*;

    #[state]
    pub struct Nothing {}

    #[derive(SecretInput)]
    pub struct Value {
        pub a: Secret<u32>,
    }

    #[input]
    fn give(_s: &mut Nothing, _value: Sealed<Value>) {}

    #[action]
    fn compute(_s: &mut Nothing) -> Start<operations> {
        Start::with_context(B256::ZERO)
    }

    #[compute]
    fn operations(values: SecretVec<Value>) -> [Secret<u32>; 4] {
        let none = values.a;
        let vectors = [
            none.sort().reverse().shuffle().prefix_sum(),
            none.top_k(0).gather(&[]).sum_rows(2),
            none.permute(Permutation::random(0)).sort_by_key(none),
            SecretVec::<u32>::random(0).lookup(none).max(none) / none,
        ];
        let sum = vectors.into_iter().map(SecretVec::sum).sum();
        let counted = none.histogram(2).sum().cast() + none.group_sum(none, 2).sum();
        let five = SecretVec::public(&[5])
            .lookup(none.concat(SecretVec::repeat(0, 1)))
            .sum();
        [sum, counted, five, none.lookup_one(Secret::<u8>::ONE)]
    }
}

#[test]
fn empty_vectors() {
    let results = computed!(nothing, []);
    assert_eq!(results, [0, 0, 5, 0]);
}
