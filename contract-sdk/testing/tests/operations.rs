//! Every operation of the engine can be had through the SDK, on single values and on vectors.

use std::collections::BTreeSet;

use contract_testing::{Explanation, World, user};
use wire::secret::Op;

/// Two computations that use everything.
#[quartet::contract]
mod everything {
    use quartet::prelude::*;

    #[state]
    pub struct Nothing {}

    #[derive(SecretInput)]
    pub struct Row {
        pub a: Secret<i32>,
        pub b: Secret<i32>,
        pub u: Secret<u16>,
        pub flag: Secret<bool>,
    }

    #[input]
    fn give(_s: &mut Nothing, _row: Sealed<Row>) {}

    #[action]
    fn start_values(_s: &mut Nothing) -> Start<values> {
        Start::with_context(B256::ZERO)
    }

    #[action]
    fn start_vectors(_s: &mut Nothing) -> Start<vectors> {
        Start::with_context(B256::ZERO)
    }

    /// What there is for single values and for vectors, by the same words.
    macro_rules! both {
        ($x:expr) => {{
            let (a, b, u, flag) = ($x.a, $x.b, $x.u, $x.flag);
            let numbers = [
                a + b,
                a - b,
                -a,
                a * b,
                a * 3,
                a & b,
                a | b,
                a ^ b,
                !a,
                flag.select(a, b),
                a << 3,
                a >> 3,
                u.cast::<i32>(),
                a / b,
                a % b,
                a.min(b),
                a.max(b),
                a.abs(),
                a << u,
                a >> u,
                a.rotate_left(5),
                a.rotate_left_by(u),
                a.reverse_bits(),
                a.swap_bytes(),
                a.isqrt(),
                a.pow(3),
                a.pow_by(u),
            ];
            let _ = (a.eq(b), a.lt(b), a.le(b));
            let _ = (a.count_ones(), a.leading_zeros(), a.trailing_zeros());
            numbers
        }};
    }

    #[compute]
    fn values(rows: SecretVec<Row>) -> Secret<i32> {
        let numbers = both!(rows.at(1));
        let _ = (Secret::<u16>::random(), Secret::random_below(10_u16));
        let _ = rows.u.lookup_one(rows.at(0).u);
        numbers.into_iter().sum()
    }

    #[compute]
    fn vectors(rows: SecretVec<Row>) -> Secret<i32> {
        let (a, b, u, flag) = (rows.a, rows.b, rows.u, rows.flag);
        let _ = (a.dot(b), flag.count(), a.slice(1, 2), a.concat(b));
        let _ = (a.argmin(), a.argmax(), a.minimum(), a.maximum());
        let _ = (flag.all(), flag.any(), a.prefix_sum(), a.lookup(u));
        let _ = (u.histogram(4), a.group_sum(u, 4), a.sort());
        let _ = (a.permute(u.places()), a.shuffle(), a.top_k(2));
        let _ = (a.eq_rows(b, 2), a.lt_rows(b, 2), a.gather(&[2, 0]));
        let _ = (a.sum_rows(2), a.dot_rows(b, 2));
        let _ = (
            SecretVec::<bool>::random(3),
            SecretVec::random_below(9_u64, 3),
        );
        let _ = Permutation::random(4);
        both!(rows).into_iter().map(SecretVec::sum).sum()
    }
}

use everything::{Contract, Row, calls};

fn operations(explanation: &Explanation) -> BTreeSet<String> {
    let texts = explanation
        .operations
        .iter()
        .map(|operation| &operation.text);
    let names = texts.filter_map(|text| text.split([' ', '(']).next());
    names.map(String::from).collect()
}

#[test]
fn every_operation_can_be_reached() {
    let Ok(mut world) = World::<Contract>::deploy(0, user("d"), &calls::deploy());
    for (a, b) in [(1, 2), (-3, 4), (5, -6), (7, 8)] {
        let row = Row::plain(a, b, 9, a > 0);
        world.input(user("ada"), &calls::give(&row)).unwrap();
    }
    let started = world.call(user("d"), &calls::start_values()).unwrap();
    let of_values = operations(&world.explain(started));
    let started = world.call(user("d"), &calls::start_vectors()).unwrap();
    let of_vectors = operations(&world.explain(started));

    // These take a vector, or make one.
    let only_of_vectors = [
        Op::Dot,
        Op::Sum,
        Op::Count,
        Op::Concat,
        Op::ArgMin,
        Op::ArgMax,
        Op::MinOf,
        Op::MaxOf,
        Op::All,
        Op::Any,
        Op::PrefixSum,
        Op::Histogram,
        Op::GroupSum,
        Op::Sort,
        Op::Places,
        Op::Permute,
        Op::Shuffle,
        Op::TopK,
        Op::EqRows,
        Op::LtRows,
        Op::Gather,
        Op::SumRows,
        Op::DotRows,
        Op::RandomPermutation,
    ];
    for op in Op::ALL {
        let name = format!("{op:?}").to_lowercase();
        assert!(of_vectors.contains(&name), "{op:?} of vectors");
        let single = of_values.contains(&name);
        assert!(single || only_of_vectors.contains(&op), "{op:?} of values");
    }
}
