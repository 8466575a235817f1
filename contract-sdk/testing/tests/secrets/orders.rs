//! Orders and random values.

use quartet::{Fixed, secret::Scalar};

use crate::common::Random;

/// A contract over pairs of a key of one type and a number, and the test that compares its orders
/// with Rust's.
macro_rules! orders {
    ($($name:ident: $key:ty;)*) => {$(
        #[quartet::contract]
        mod $name {
            use quartet::prelude::*;

            #[state]
            pub struct Nothing {}

            #[derive(SecretInput)]
            pub struct Row {
                pub key: Secret<$key>,
                pub number: Secret<u64>,
            }

            #[derive(Reveal)]
            pub struct Results {
                pub sorted: [$key; 12],
                pub places: [u32; 12],
                pub by_key: [[u64; 12]; 2],
                pub top: [$key; 3],
            }

            #[input]
            fn give(_s: &mut Nothing, _row: Sealed<Row>) {}

            #[action]
            fn compute(_s: &mut Nothing) -> Start<operations> {
                Start::with_context(B256::ZERO)
            }

            #[compute]
            fn operations(rows: SecretVec<Row>) -> Secret<Results> {
                let RowColumns { key, number } = *rows;
                let places = key.places();
                let (sorted, top) = (key.sort(), key.top_k(3));
                let by_key = [number.permute(places), number.sort_by_key(key)];
                Results::secret(
                    std::array::from_fn(|i| sorted.get(i)),
                    std::array::from_fn(|i| places.places().get(i)),
                    by_key.map(|row| std::array::from_fn(|i| row.get(i))),
                    std::array::from_fn(|i| top.get(i)),
                )
            }
        }

        #[test]
        fn $name() {
            use $name::Row;
            let mut random = Random::new();
            for _ in 0..2 {
                let bits = <$key as Scalar>::KIND.bits();
                let rows: [($key, u64); 12] = std::array::from_fn(|i| {
                    let key = if bits == 1 { random.next() } else { random.near_an_edge(bits) };
                    (<$key>::from_bits(key), i as u64)
                });
                let results = computed!($name, rows.map(|(key, number)| Row::plain(key, number)));
                let mut expected = rows;
                expected.sort_by_key(|row| row.0);
                assert_eq!(results.sorted, expected.map(|row| row.0));
                assert_eq!(results.by_key, [expected.map(|row| row.1); 2]);
                for (place, (_, number)) in (0..).zip(expected) {
                    assert_eq!(results.places[number as usize], place);
                }
                assert_eq!(results.top, [11, 10, 9].map(|i| expected[i].0));
            }
        }
    )*};
}

orders! {
    of_bool: bool;
    of_u8: u8;
    of_i32: i32;
    of_u128: u128;
    of_fixed: Fixed<16>;
}

#[quartet::contract]
mod chance {
    use quartet::prelude::*;

    #[state]
    pub struct Nothing {}

    #[derive(SecretInput)]
    pub struct Ticket {
        pub number: Secret<u16>,
    }

    #[derive(Reveal)]
    pub struct Results {
        pub shuffled: [u16; 20],
        pub permuted: [u16; 20],
        pub permutation: [u32; 20],
        pub bits: [bool; 128],
        pub words: [u128; 3],
        pub dice: [u8; 128],
        pub signed: i64,
    }

    #[input]
    fn give(_s: &mut Nothing, _ticket: Sealed<Ticket>) {}

    #[action]
    fn compute(_s: &mut Nothing) -> Start<operations> {
        Start::with_context(B256::ZERO)
    }

    #[compute]
    fn operations(tickets: SecretVec<Ticket>) -> Secret<Results> {
        let numbers = tickets.number;
        let permutation = Permutation::random(20);
        let (shuffled, permuted) = (numbers.shuffle(), numbers.permute(permutation));
        let (bits, words) = (SecretVec::<bool>::random(128), SecretVec::<u128>::random(2));
        let dice = SecretVec::<u8>::random_below(6, 128) + 1;
        Results::secret(
            std::array::from_fn(|i| shuffled.get(i)),
            std::array::from_fn(|i| permuted.get(i)),
            std::array::from_fn(|i| permutation.places().get(i)),
            std::array::from_fn(|i| bits.get(i)),
            [words.get(0), words.get(1), Secret::random()],
            std::array::from_fn(|i| dice.get(i)),
            Secret::random_below(1_000_000_000_000),
        )
    }
}

#[test]
fn what_is_random_is_of_its_kind_and_differs() {
    use chance::Ticket;
    let numbers: [u16; 20] = std::array::from_fn(|i| i as u16);
    let results = computed!(chance, numbers.map(Ticket::plain));
    for order in [results.shuffled, results.permuted] {
        assert_ne!(order, numbers);
        let mut sorted = order;
        sorted.sort_unstable();
        assert_eq!(sorted, numbers);
    }
    assert_ne!(results.shuffled, results.permuted);
    for (number, place) in numbers.into_iter().zip(results.permutation) {
        assert_eq!(results.permuted[place as usize], number);
    }
    // By chance, each of these fails in less than one of a million runs.
    let ones = results.bits.iter().filter(|bit| **bit).count();
    assert!((30..98).contains(&ones), "{ones} of 128 bits are set");
    let [a, b, c] = results.words;
    assert!(a != b && b != c && a != c);
    assert!(
        results
            .words
            .iter()
            .all(|word| word >> 64 != 0 && *word as u64 != 0)
    );
    for side in 1..=6 {
        assert!(results.dice.contains(&side), "no {side} in 128 rolls");
    }
    assert!(results.dice.iter().all(|roll| (1..=6).contains(roll)));
    assert!((0..1_000_000_000_000).contains(&results.signed) && results.signed > 1_000);
}

#[test]
#[should_panic(expected = "positive bound")]
fn no_number_is_below_zero() {
    let _ = quartet::Secret::<i8>::random_below(0);
}
