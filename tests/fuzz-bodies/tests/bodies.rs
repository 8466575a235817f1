//! Every body over its seeds, over what fuzzing found, and over seeded mutations: the bounded run of
//! what `fuzz/` does without end. Set `QUARTET_SEED` to repeat one.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{fs, path::Path};

use fuzz_bodies::{TARGETS, Target, mutate};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha20Rng;

/// Mutations of the cheapest bodies.
const ROUNDS: usize = 20_000;

fn seed() -> u64 {
    let chosen = std::env::var("QUARTET_SEED").ok();
    let seed = chosen.and_then(|seed| seed.parse().ok()).unwrap_or(1);
    println!("QUARTET_SEED={seed}");
    seed
}

fn mutations(target: &Target, random: &mut ChaCha20Rng) -> usize {
    let seeds = (target.seeds)();
    let mut taken = 0;
    for _ in 0..ROUNDS / target.cost {
        let valid = &seeds[random.random_range(0..seeds.len())];
        taken += usize::from((target.run)(&mutate(random, valid)));
    }
    taken
}

#[test]
fn parsers_take_what_is_valid() {
    for target in TARGETS {
        for (place, seed) in (target.seeds)().iter().enumerate() {
            assert!((target.run)(seed), "seed {place} of {}", target.name);
        }
    }
}

#[test]
fn parsers_stand_what_is_not() {
    let seed = seed();
    for (stream, target) in (0..).zip(TARGETS) {
        let mut random = ChaCha20Rng::seed_from_u64(seed);
        random.set_stream(stream);
        let taken = mutations(target, &mut random);
        println!("{}: {taken} of {} taken", target.name, ROUNDS / target.cost);
    }
}

#[test]
fn what_fuzzing_found_is_mended() {
    let found = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/found");
    for target in TARGETS {
        let Ok(files) = fs::read_dir(found.join(target.name)) else {
            continue;
        };
        for file in files {
            (target.run)(&fs::read(file.unwrap().path()).unwrap());
        }
    }
}

#[test]
fn every_body_is_a_fuzz_target() {
    let manifest = include_str!("../../../fuzz/Cargo.toml");
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/fuzz_targets");
    let count = fs::read_dir(&fuzz).unwrap().count();
    assert_eq!(count, TARGETS.len(), "one file for each body");
    for target in TARGETS {
        let named = format!("name = \"{}\"", target.name);
        assert!(manifest.contains(&named), "{}", target.name);
        let file = fs::read_to_string(fuzz.join(format!("{}.rs", target.name))).unwrap();
        assert!(file.contains("fuzz_target!"), "{}", target.name);
    }
}
