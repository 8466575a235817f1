//! Collections of public state against those of the standard library, entry by entry.

#![allow(
    clippy::unwrap_used,
    reason = "a helper that fails is a test that fails"
)]

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    ops::{Bound, RangeBounds as _},
};

use contract_testing::{World, user};
use rand::{RngExt, SeedableRng, rngs::StdRng};

/// A contract with one of each, beside fields whose names begin alike.
#[quartet::contract]
mod shelf {
    use std::ops::Bound;

    use quartet::prelude::*;

    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, AbiType)]
    pub enum Side {
        #[default]
        Buy,
        Sell,
    }

    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, AbiType)]
    pub struct Level {
        pub side: Side,
        pub price: i64,
    }

    #[state]
    pub struct Shelf {
        book: Map<Level, String>,
        boo: Map<u8, u8>,
        book2: Set<String>,
        names: Set<String>,
        log: List<i32>,
        todo: Queue<u64>,
    }

    #[init]
    fn open(s: &mut Shelf) {
        s.boo.insert(&1, &1);
        s.book2.insert(&"a".into());
    }

    #[action]
    fn put(s: &mut Shelf, level: Level, text: String, keep: bool) -> Result<Vec<Level>> {
        s.book.insert(&level, &text);
        let levels = s.book.keys().collect();
        ensure!(keep, "dropped");
        Ok(levels)
    }

    #[action]
    fn take(s: &mut Shelf, level: Level) -> Vec<Level> {
        s.book.remove(&level);
        s.book.keys().collect()
    }

    #[action]
    fn clear(s: &mut Shelf) -> (bool, bool) {
        let before = s.book.is_empty();
        s.book.clear();
        (before, s.book.is_empty())
    }

    #[view]
    fn book(s: &Shelf) -> (Vec<Level>, Vec<String>) {
        (s.book.keys().collect(), s.book.values().collect())
    }

    #[view]
    fn ends(s: &Shelf) -> (u64, Option<Level>, Option<Level>) {
        let key = |entry: Option<(Level, String)>| entry.map(|(level, _)| level);
        (s.book.count(), key(s.book.first()), key(s.book.last()))
    }

    /// From a level to another one: 0 is from or to the end, 1 is without this level, 2 is with it.
    #[view]
    fn range(s: &Shelf, first: Level, from: u8, last: Level, to: u8) -> (Vec<Level>, Vec<String>) {
        let bound = |level: Level, kind: u8| match kind {
            0 => Bound::Unbounded,
            1 => Bound::Excluded(level),
            _ => Bound::Included(level),
        };
        let range = (bound(first, from), bound(last, to));
        let levels = s.book.range(range).map(|(level, _)| level).collect();
        let texts = s.book.range(range).rev().map(|(_, text)| text).collect();
        (levels, texts)
    }

    /// From both ends by turns.
    #[view]
    fn inwards(s: &Shelf) -> Vec<Level> {
        let mut keys = s.book.keys();
        let mut levels = Vec::new();
        while let Some(key) = keys.next() {
            levels.push(key);
            levels.extend(keys.next_back());
        }
        levels
    }

    #[action]
    fn name(s: &mut Shelf, name: String, in_it: bool) -> (bool, bool, Vec<String>) {
        let changed = if in_it {
            s.names.insert(&name)
        } else {
            s.names.remove(&name)
        };
        (changed, s.names.contains(&name), s.names.iter().collect())
    }

    #[view]
    fn names(s: &Shelf, from: String) -> (Vec<String>, Vec<String>) {
        let before = s.names.range(..&from).rev().collect();
        (s.names.range(from..).collect(), before)
    }

    #[view]
    fn ends_of_names(s: &Shelf) -> (u64, bool, Option<String>, Option<String>) {
        let names = &s.names;
        (names.count(), names.is_empty(), names.first(), names.last())
    }

    #[action]
    fn push(s: &mut Shelf, number: i32) -> u64 {
        s.log.push(&number)
    }

    #[action]
    fn pop(s: &mut Shelf) -> Option<i32> {
        s.log.pop()
    }

    #[action]
    fn set(s: &mut Shelf, place: u64, number: i32) -> bool {
        s.log.set(place, &number)
    }

    #[action]
    fn swap_remove(s: &mut Shelf, place: u64) -> Option<i32> {
        s.log.swap_remove(place)
    }

    #[action]
    fn clear_log(s: &mut Shelf) {
        s.log.clear();
    }

    #[view]
    fn log(s: &Shelf, place: u64) -> (u64, bool, Option<i32>, Option<i32>, Vec<i32>) {
        (
            s.log.len(),
            s.log.is_empty(),
            s.log.get(place),
            s.log.last(),
            s.log.iter().collect(),
        )
    }

    #[view]
    fn odd_places_backwards(s: &Shelf) -> Vec<i32> {
        s.log
            .iter()
            .skip(1)
            .step_by(2)
            .collect::<Vec<_>>()
            .into_iter()
            .rev()
            .collect()
    }

    #[view]
    fn backwards(s: &Shelf) -> Vec<i32> {
        s.log.iter().rev().collect()
    }

    #[action]
    fn add(s: &mut Shelf, number: u64) {
        s.todo.push(&number);
    }

    #[action]
    fn next(s: &mut Shelf) -> Option<u64> {
        s.todo.pop()
    }

    #[action]
    fn clear_todo(s: &mut Shelf) {
        s.todo.clear();
    }

    #[view]
    fn todo(s: &Shelf) -> (u64, bool, Option<u64>, Vec<u64>) {
        (
            s.todo.len(),
            s.todo.is_empty(),
            s.todo.front(),
            s.todo.iter().collect(),
        )
    }
}

use shelf::{Contract, Level, Side, calls};

fn world() -> World<Contract> {
    let Ok(world) = World::deploy(50, user("opener"), &calls::open());
    world
}

fn random() -> StdRng {
    let given = std::env::var("QUARTET_SEED").ok();
    let seed = given.and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(|| rand::rng().random());
    println!("QUARTET_SEED={seed}");
    StdRng::seed_from_u64(seed)
}

fn random_level(random: &mut StdRng) -> Level {
    let side = if random.random() {
        Side::Buy
    } else {
        Side::Sell
    };
    let price = random.random_range(-5..5);
    Level { side, price }
}

#[test]
fn a_map_is_gone_through_in_order() {
    let (mut world, mut random) = (world(), random());
    let mut model = BTreeMap::new();
    for step in 0..300 {
        let level = random_level(&mut random);
        match random.random_range(0..8) {
            0..=3 => {
                let text = format!("{step}");
                let put = calls::put(level, text.clone(), true);
                model.insert(level, text);
                let keys: Vec<_> = model.keys().copied().collect();
                assert_eq!(world.call(user("a"), &put), Ok(keys));
            }
            4 => {
                let put = calls::put(level, "dropped".into(), false);
                assert!(world.call(user("a"), &put).is_err());
            }
            5..=6 => {
                model.remove(&level);
                let Ok(left) = world.call(user("a"), &calls::take(level));
                assert!(left.iter().eq(model.keys()));
            }
            _ if step % 4 == 0 => {
                let Ok(cleared) = world.call(user("a"), &calls::clear());
                assert_eq!(cleared, (model.is_empty(), true));
                model.clear();
            }
            _ => {}
        }
        let Ok((keys, values)) = world.view(&calls::book());
        assert!(keys.iter().eq(model.keys()));
        assert!(values.iter().eq(model.values()));
        let Ok(ends) = world.view(&calls::ends());
        let (first, last) = (
            model.keys().next().copied(),
            model.keys().next_back().copied(),
        );
        assert_eq!(ends, (model.len() as u64, first, last));

        let end = random_level(&mut random);
        let kinds = [random.random_range(0..3), random.random_range(0..3)];
        let bound = |level: Level, kind: u8| match kind {
            0 => Bound::Unbounded,
            1 => Bound::Excluded(level),
            _ => Bound::Included(level),
        };
        let range = (bound(level, kinds[0]), bound(end, kinds[1]));
        let inside = |level: &&Level| range.contains(*level);
        let call = calls::range(level, kinds[0], end, kinds[1]);
        let Ok((levels, texts)) = world.view(&call);
        assert!(levels.iter().eq(model.keys().filter(inside)));
        let expected = model.iter().rev().filter(|(level, _)| inside(level));
        assert!(texts.iter().eq(expected.map(|(_, text)| text)));

        let Ok(inwards) = world.view(&calls::inwards());
        let mut keys = model.keys();
        for (place, level) in inwards.iter().enumerate() {
            let expected = match place % 2 {
                0 => keys.next(),
                _ => keys.next_back(),
            };
            assert_eq!(Some(level), expected);
        }
        assert_eq!(keys.next(), None);
    }
}

#[test]
fn a_set_is_gone_through_in_order() {
    let (mut world, mut random) = (world(), random());
    let mut model = BTreeSet::new();
    for _ in 0..200 {
        let length = random.random_range(0..3);
        let letter = |_| char::from([0, 1, b'a', b'b'][random.random_range(0..4)]);
        let name: String = (0..length).map(letter).collect();
        let insert = random.random();
        let Ok((changed, there, all)) = world.call(user("a"), &calls::name(name.clone(), insert));
        let expected = if insert {
            model.insert(name.clone())
        } else {
            model.remove(&name)
        };
        assert_eq!((changed, there), (expected, insert));
        assert!(all.iter().eq(&model));
        let Ok((from, before)) = world.view(&calls::names(name.clone()));
        assert!(from.iter().eq(model.range(name.clone()..)));
        assert!(before.iter().eq(model.range(..name).rev()));
        let (first, last) = (model.first().cloned(), model.last().cloned());
        let ends = (model.len() as u64, model.is_empty(), first, last);
        assert_eq!(world.view(&calls::ends_of_names()), Ok(ends));
    }
}

#[test]
fn a_list_is_a_vector() {
    let (mut world, mut random) = (world(), random());
    let mut model = Vec::new();
    for _ in 0..300 {
        let number: i32 = random.random();
        let place = random.random_range(0..model.len() + 2);
        let at = place as u64;
        match random.random_range(0..10) {
            0..=4 => {
                assert_eq!(
                    world.call(user("a"), &calls::push(number)),
                    Ok(model.len() as u64)
                );
                model.push(number);
            }
            5 => assert_eq!(world.call(user("a"), &calls::pop()), Ok(model.pop())),
            6 | 7 => {
                let inside = model.get_mut(place).map(|value| *value = number).is_some();
                assert_eq!(world.call(user("a"), &calls::set(at, number)), Ok(inside));
            }
            8 => {
                let removed = (place < model.len()).then(|| model.swap_remove(place));
                assert_eq!(world.call(user("a"), &calls::swap_remove(at)), Ok(removed));
            }
            _ if number % 8 == 0 => {
                let Ok(()) = world.call(user("a"), &calls::clear_log());
                model.clear();
            }
            _ => {}
        }
        let expected = (
            model.len() as u64,
            model.is_empty(),
            model.get(place).copied(),
            model.last().copied(),
            model.clone(),
        );
        assert_eq!(world.view(&calls::log(at)), Ok(expected));
        let Ok(backwards) = world.view(&calls::backwards());
        assert!(backwards.iter().eq(model.iter().rev()));
        let Ok(odd) = world.view(&calls::odd_places_backwards());
        let mut expected: Vec<_> = model.iter().skip(1).step_by(2).copied().collect();
        expected.reverse();
        assert_eq!(odd, expected);
    }
}

#[test]
fn a_queue_is_first_in_first_out() {
    let (mut world, mut random) = (world(), random());
    let mut model = VecDeque::new();
    for _ in 0..200 {
        let number: u64 = random.random();
        match random.random_range(0..10) {
            0..=4 => {
                let Ok(()) = world.call(user("a"), &calls::add(number));
                model.push_back(number);
            }
            5..=8 => assert_eq!(world.call(user("a"), &calls::next()), Ok(model.pop_front())),
            _ if number.is_multiple_of(8) => {
                let Ok(()) = world.call(user("a"), &calls::clear_todo());
                model.clear();
            }
            _ => {}
        }
        let expected = (
            model.len() as u64,
            model.is_empty(),
            model.front().copied(),
            model.iter().copied().collect(),
        );
        assert_eq!(world.view(&calls::todo()), Ok(expected));
    }
}
