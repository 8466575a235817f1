//! Fixed point: in the ABI, in inputs and outputs, and its operations in whole units.

use quartet::{Fixed, Fixed128};

use crate::common::Random;

/// A contract over pairs of one type of fixed point, and the test that compares it with its units.
macro_rules! fixed_point {
    ($($name:ident: $fixed:ident<$fraction:literal>, $units:ident;)*) => {$(
        #[quartet::contract]
        mod $name {
            use quartet::prelude::*;

            pub type Price = $fixed<$fraction>;

            #[state]
            pub struct Nothing {}

            #[derive(SecretInput)]
            pub struct Pair {
                pub a: Secret<Price>,
                pub b: [Secret<Price>; 2],
                pub count: Secret<u16>,
            }

            #[derive(Reveal)]
            pub struct Results {
                pub values: [[Price; 8]; 8],
                pub flags: [[bool; 8]; 8],
                pub rounded: [[Price; 8]; 10],
                pub whole: [i32; 8],
                pub narrow: [Fixed<8>; 8],
                pub wide: [Fixed128<70>; 8],
                pub single: [Price; 6],
            }

            #[input]
            fn give(_s: &mut Nothing, _pair: Sealed<Pair>) {}

            #[action]
            fn compute(_s: &mut Nothing) -> Start<operations> {
                Start::with_context(B256::ZERO)
            }

            #[compute]
            fn operations(pairs: SecretVec<Pair>) -> Secret<Results> {
                let PairColumns { a, b: [b, c], count } = *pairs;
                const HALF: Price = Price::from_ratio(1, 2);
                let values = [
                    a + b, a - b, -a, a + HALF, HALF - a, a * Price::ONE, a.lt(b).select(a, c), a.signum(),
                ];
                let flags = [
                    a.eq(b), a.ne(b), a.lt(b), a.le(b), a.gt(c), a.ge(HALF), a.is_negative(),
                    a.is_positive(),
                ];
                let rounded = [
                    a * b, a / b, a % b, a.abs(), a.min(b), a.max(b), a.clamp(b.min(c), b.max(c)), a * HALF,
                    HALF / b, count.cast(),
                ];
                let (whole, narrow, wide) = (a.cast::<i32>(), a.cast::<Fixed<8>>(), a.cast::<Fixed128<70>>());
                Results::secret(
                    values.map(|row| std::array::from_fn(|i| row.get(i))),
                    flags.map(|row| std::array::from_fn(|i| row.get(i))),
                    rounded.map(|row| std::array::from_fn(|i| row.get(i))),
                    std::array::from_fn(|i| whole.get(i)),
                    std::array::from_fn(|i| narrow.get(i)),
                    std::array::from_fn(|i| wide.get(i)),
                    [
                        a.sum(), a.get(0) + b.get(0), Secret::ONE, Secret::public(HALF),
                        [a.get(0), Secret::ZERO].into_iter().sum(),
                        a.dot(b),
                    ],
                )
            }
        }

        #[test]
        fn $name() {
            use $name::{Pair, Price};
            let half: $units = 1 << ($fraction - 1);
            let mut random = Random::new();
            let products = |[a, b, _]: [$units; 3]| a.wrapping_mul(b);
            for _ in 0..3 {
                let numbers: [[$units; 3]; 8] = std::array::from_fn(|i| {
                    // Products of some of them are in range.
                    let bits = if i < 3 { $units::BITS / 2 } else { $units::BITS };
                    let mut units = || (random.near_an_edge(bits) as $units) << ($units::BITS - bits)
                        >> ($units::BITS - bits);
                    let [a, b, c] = [units(), units(), units()];
                    [a, if b == 0 { 5 } else { b }, c]
                });
                let counts: [u16; 8] = std::array::from_fn(|_| random.next() as u16);
                let inputs = std::array::from_fn::<_, 8, _>(|i| {
                    let [a, b, c] = numbers[i].map(Price::from_units);
                    Pair::plain(a, [b, c], counts[i])
                });
                let results = computed!($name, inputs);
                for (i, [a, b, c]) in numbers.into_iter().enumerate() {
                    assert_eq!(results.values.map(|row| row[i].units()), [
                        a.wrapping_add(b), a.wrapping_sub(b), a.wrapping_neg(), a.wrapping_add(half),
                        half.wrapping_sub(a), a, if a < b { a } else { c },
                        a.signum() * 2 * half,
                    ]);
                    assert_eq!(results.flags.map(|row| row[i]), [
                        a == b, a != b, a < b, a <= b, a > c, a >= half, a < 0, a > 0,
                    ]);
                    assert_eq!(results.rounded.map(|row| row[i].units()), [
                        a.wrapping_mul(b) >> $fraction, (a << $fraction).wrapping_div(b),
                        a.wrapping_rem(b), a.wrapping_abs(), a.min(b), a.max(b), a.clamp(b.min(c), b.max(c)),
                        a.wrapping_mul(half) >> $fraction, (half << $fraction).wrapping_div(b),
                        (counts[i] as $units) << $fraction,
                    ]);
                    assert_eq!(results.whole[i], (a >> $fraction) as i32);
                    let recast = |to: i32| match to - $fraction {
                        less @ ..0 => (a as i128) >> -less,
                        more => (a as i128) << more,
                    };
                    assert_eq!(results.narrow[i].units(), recast(8) as i64);
                    assert_eq!(results.wide[i].units(), recast(70));
                }
                let sum = numbers.iter().fold(0, |sum: $units, [a, ..]| sum.wrapping_add(*a));
                let product = numbers.into_iter().map(products).fold(0, $units::wrapping_add);
                let [a, b, _] = numbers[0];
                let single = [sum, a.wrapping_add(b), 2 * half, half, a, product >> $fraction];
                assert_eq!(results.single, single.map(Price::from_units));
            }
        }
    )*};
}

fixed_point! {
    halves: Fixed<1>, i64;
    money: Fixed<16>, i64;
    fine: Fixed<62>, i64;
    wide_halves: Fixed128<1>, i128;
    wide: Fixed128<64>, i128;
    finest: Fixed128<126>, i128;
}

#[quartet::contract]
mod priced {
    use quartet::prelude::*;

    #[state]
    pub struct Shop {
        price: Fixed<16>,
        totals: Item<Vec<Fixed128<64>>>,
    }

    #[event]
    pub struct Priced {
        #[indexed]
        pub price: Fixed<16>,
        pub total: Fixed128<64>,
    }

    #[derive(SecretInput)]
    pub struct Order {
        pub amounts: [Secret<Fixed128<64>>; 2],
        pub limit: Secret<Fixed<16>>,
    }

    #[init]
    fn new(s: &mut Shop, price: Fixed<16>) {
        s.price = price;
    }

    #[input]
    fn order(_s: &mut Shop, _order: Sealed<Order>) {}

    #[action]
    fn set(s: &mut Shop, totals: Vec<Fixed128<64>>) -> Fixed<16> {
        let total = totals[0];
        s.totals.set(&totals);
        let price = s.price;
        Priced { price, total }.emit();
        price
    }
}

#[test]
fn the_abi_has_units() {
    use contract_testing::{World, user};
    use quartet::Contract as _;
    use wire::{contract::Description, kind::Kind};

    let description: Description = serde_json::from_str(&priced::Contract::describe()).unwrap();
    let kinds = description.inputs[0]
        .fields
        .iter()
        .map(|field| (field.kind, field.len));
    let expected = [(Kind::Fixed128(64), 2), (Kind::Fixed64(16), 1)];
    assert!(kinds.eq(expected));
    let abi = description.abi.to_string();
    let types = [
        r#"{"name":"price","type":"int64"}"#,
        r#"{"name":"totals","type":"int128[]"}"#,
        r#"{"indexed":true,"name":"price","type":"int64"}"#,
    ];
    for ty in types {
        assert!(abi.contains(ty), "{ty} in {abi}");
    }

    let price = Fixed::from_ratio(-5, 4);
    let mut shop: World<priced::Contract> =
        World::deploy(0, user("d"), &priced::calls::new(price)).unwrap();
    let total = Fixed128::from_integer(-3);
    let answer = shop
        .call(user("d"), &priced::calls::set(vec![total]))
        .unwrap();
    assert_eq!(answer, price);
    let events = shop.events::<priced::Priced>();
    assert_eq!((events[0].price, events[0].total), (price, total));
}
