use std::collections::BTreeSet;

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};

use super::*;

fn set(sequences: impl IntoIterator<Item = u64>) -> Sequences {
    sequences.into_iter().collect()
}

fn room() -> (u64, Sequences) {
    panic!("there is room")
}

#[test]
fn distances_are_those_of_sets() {
    let seed = crate::tests::seed();
    let mut random = StdRng::seed_from_u64(seed);
    for _ in 0..2_000 {
        let density = random.random_range(0.0..1.0);
        let mut some = || -> BTreeSet<u64> {
            let chosen = (0..40).filter(|_| random.random_bool(density));
            chosen.collect()
        };
        let (a, b) = (some(), some());
        let [left, right] = [&a, &b].map(|s| set(s.iter().copied()));
        assert_eq!(left.len(), a.len() as u64);
        let expected = a.symmetric_difference(&b).count() as u64;
        assert_eq!(left.distance(&right), expected, "{a:?} {b:?}");
    }
}

#[test]
fn a_set_equals_each_earlier_one_or_differs_by_enough() {
    let mut guard = Guard::default();
    let empty = guard.digest();
    guard.keep(0, 3, set(0..5));
    assert_ne!(guard.digest(), empty);
    let mut check = |least, set| guard.check(0, least, &set, room);
    assert_eq!(check(3, set(0..5)), Ok(()));
    assert_eq!(check(3, set(0..8)), Ok(()));
    let differs = |by, least| Err(TooClose::Differs { by, least });
    assert_eq!(check(3, set(0..7)), differs(2, 3));
    assert_eq!(check(3, set(0..4)), differs(1, 3));
    assert_eq!(check(3, set([0, 1, 2, 3, 9])), differs(2, 3));
    // The larger of the two numbers counts.
    assert_eq!(check(1, set(0..7)), differs(2, 3));
    assert_eq!(check(9, set(0..8)), differs(3, 9));
    assert_eq!(guard.check(1, 3, &set(0..4), room), Ok(()), "another type");
    // The same set again, now with a larger number.
    guard.keep(0, 4, set(0..5));
    assert_eq!(guard.check(0, 3, &set(0..8), room), differs(3, 4));
    assert_eq!(guard.ranges(), 1);
}

#[test]
fn sets_are_bounded_and_those_of_the_dead_make_room() {
    let mut guard = Guard::default();
    for place in 0..GUARDED_SETS as u64 {
        guard.keep(0, 2, set(10 * place..10 * place + 5));
    }
    let new = set(100_000..100_005);
    let all_alive = || (2, set(0..200_000));
    assert_eq!(guard.check(0, 2, &new, all_alive), Err(TooClose::Full));
    assert_eq!(guard.check(0, 2, &set(0..5), room), Ok(()), "a known one");
    // Of the first set one input is gone, of the second two.
    let alive = || (2, set((1..10).chain(12..200_000)));
    assert_eq!(guard.check(0, 2, &new, alive), Ok(()));
    assert_eq!(guard.ranges(), GUARDED_SETS - 1);
    let close = guard.check(0, 2, &set(0..4), room);
    assert_eq!(close, Err(TooClose::Differs { by: 1, least: 2 }));

    let scattered = |count: usize| set((0..count as u64).map(|n| 200_000 + 2 * n));
    let nobody = || (2, set([]));
    let mut guard = Guard::default();
    assert_eq!(guard.check(0, 2, &scattered(GUARDED_RANGES), room), Ok(()));
    let over = guard.check(0, 2, &scattered(GUARDED_RANGES + 1), nobody);
    assert_eq!(over, Err(TooClose::Full));
}
