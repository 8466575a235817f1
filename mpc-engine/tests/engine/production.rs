//! Making lots of the reserve: what is made, that all holders have the same, and lies.

use crate::{
    disputes,
    support::{Cluster, binding, number, random, without},
    tampering::blames,
};
use mpc_engine::{
    Amounts, EngineError, LotShares, Outcome, Program, ProgramBuilder, Ranges, Session, Task,
    component_hash,
};
use wire::kind::Kind;
use zeroize::Zeroizing;

const SMALL: Amounts = Amounts {
    bits: 128,
    r64: 5,
    r128: 3,
    seeds: 2,
};

/// A program that reads nothing, since clusters are of programs.
fn nothing() -> Program {
    let mut builder = ProgramBuilder::new();
    let zero = builder.constant(Kind::U8, 0, 1).unwrap();
    builder.reveal(zero).unwrap();
    builder.finish().unwrap()
}

fn start(amounts: Amounts, seed: u64) -> Cluster {
    let task = |_, _| Task::Produce { amounts };
    Cluster::start_with(&nothing(), &[], seed, |_| binding(), task)
}

fn made(amounts: Amounts, seed: u64) -> [LotShares; 4] {
    start(amounts, seed).finish().map(|end| match end {
        Some(Ok(Outcome::Made(lot))) => lot,
        other => panic!("{other:?}"),
    })
}

/// The sum of a material's a, b or c, in a ring of so many bytes, or exclusive or.
fn sum(
    components: &[&[u8]; 4],
    place: usize,
    ranges: &[std::ops::Range<u64>],
    ring: usize,
) -> Vec<u128> {
    let range = ranges[place].start as usize..ranges[place].end as usize;
    let mut sums = vec![0u128; range.len() / ring];
    for component in components {
        for (sum, bytes) in sums.iter_mut().zip(component[range.clone()].chunks(ring)) {
            let mut number = [0; 16];
            number[..ring].copy_from_slice(bytes);
            let number = u128::from_le_bytes(number);
            *sum = if place < 3 {
                *sum ^ number
            } else {
                sum.wrapping_add(number)
            };
        }
    }
    let mask = u128::MAX >> (128 - 8 * ring);
    sums.iter().map(|sum| sum & mask).collect()
}

fn check(amounts: Amounts, lots: &[LotShares; 4]) {
    for c in 0..4u8 {
        let held: Vec<&[u8]> = lots.iter().filter_map(|lot| lot.component(c)).collect();
        assert_eq!(held.len(), 3);
        assert!(
            held.iter()
                .all(|own| *own == held[0] && own.len() == amounts.component_bytes())
        );
        assert!(lots[usize::from(c)].component(c).is_none());
        for (me, lot) in lots.iter().enumerate() {
            let hash = (me != usize::from(c)).then(|| component_hash(held[0]));
            assert_eq!(lot.hashes()[usize::from(c)], hash);
        }
    }
    let component = |c: u8| lots[usize::from(c + 1) % 4].component(c).unwrap();
    let components = [0, 1, 2, 3].map(component);
    let ranges = amounts.byte_ranges(&Ranges::all(&amounts));
    for (material, ring) in [(0, 8), (1, 8), (2, 16)] {
        let [a, b, c] = [0, 1, 2].map(|i| sum(&components, 3 * material + i, &ranges, ring));
        let mask = u128::MAX >> (128 - 8 * ring);
        for ((a, b), c) in a.iter().zip(&b).zip(&c) {
            let product = if material == 0 {
                a & b
            } else {
                a.wrapping_mul(*b) & mask
            };
            assert_eq!(*c, product);
        }
        // They are random: no two words are alike.
        let mut all = [a, b].concat();
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
    }
}

#[test]
fn products_are_products_and_holders_agree() {
    check(SMALL, &made(SMALL, 1));
    // In several chunks.
    let large = Amounts {
        bits: 1 << 20,
        r64: 20_000,
        r128: 5_000,
        seeds: 32,
    };
    check(large, &made(large, 2));
}

#[test]
fn dealt_lots_are_like_those_made() {
    check(SMALL, &LotShares::deal(SMALL, 1).unwrap());
}

#[test]
fn no_two_lots_are_alike() {
    let [first, second] = [1, 2].map(|seed| made(SMALL, seed));
    for c in 1..4 {
        let [first, second] = [&first, &second].map(|lots| lots[0].component(c).unwrap());
        let same = first
            .chunks(8)
            .zip(second.chunks(8))
            .filter(|(a, b)| a == b);
        assert_eq!(same.count(), 0);
    }
}

#[test]
fn lots_of_one_material_can_be_made() {
    for amounts in [
        Amounts {
            bits: 64,
            ..Amounts::default()
        },
        Amounts {
            r128: 1,
            ..Amounts::default()
        },
        Amounts {
            seeds: 1,
            ..Amounts::default()
        },
    ] {
        let lots = made(amounts, 3);
        assert_eq!(lots[0].component(1), lots[2].component(1));
        assert_eq!(lots[0].amounts(), amounts);
    }
}

/// A flipped bit in any byte of any message of the products stops its receiver, who names the liar.
/// A sample of the bytes; all of them with `QUARTET_ALL`.
#[test]
fn every_lie_is_noticed() {
    const SETUP: usize = 3;
    let step = if std::env::var_os("QUARTET_ALL").is_some() {
        1
    } else {
        7
    };
    let mut random = random(220);
    let at_products = || {
        let mut cluster = start(SMALL, 1);
        for _ in 0..SETUP {
            let results = cluster.round();
            cluster.advance(results);
        }
        cluster
    };
    let lengths: Vec<Vec<usize>> = at_products()
        .frames
        .iter()
        .map(|frames| frames.iter().map(Vec::len).collect())
        .collect();
    let mut lies = 0;
    for (liar, receiver) in (0..16).map(|link| (link / 4, link % 4)) {
        let first = (number(&mut random) >> 9) as usize % step;
        for place in (first..lengths[liar][receiver]).step_by(step) {
            let mut cluster = at_products();
            cluster.frames[liar][receiver][place] ^= 1 << (place % 8);
            let mut results = cluster.round();
            for (party, result) in results.iter_mut().enumerate() {
                let result = result.take().unwrap();
                match result {
                    Err(stop) if party == receiver => {
                        assert!(blames(&stop, liar), "{liar} to {receiver}, {place}: {stop}");
                        disputes::settle(&mut cluster, receiver, &stop, liar);
                    }
                    Ok(_) if party != receiver => {}
                    other => panic!("{liar} to {receiver}, {place}: {other:?}"),
                }
            }
            lies += 1;
        }
    }
    assert!(lies > 100, "{lies}");
}

#[test]
fn lots_that_cannot_be_are_refused() {
    let start = |amounts, absent| {
        let task = Task::Produce { amounts };
        Session::start(0, without(absent), task, Zeroizing::new([1; 32])).map(|_| ())
    };
    assert_eq!(start(SMALL, None), Ok(()));
    assert_eq!(start(SMALL, Some(2)), Ok(()));
    for bad in [
        Amounts { bits: 1, ..SMALL },
        Amounts {
            r64: 1 << 40,
            ..SMALL
        },
    ] {
        assert_eq!(start(bad, None), Err(EngineError::ReserveForm));
    }
}
