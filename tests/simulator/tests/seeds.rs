//! Random scenarios, a thousand of them: `QUARTET_SEED` says from which seed on.

use std::{
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use simulator::{Scenario, fingerprint_text, run};

const SEEDS: u64 = 1_000;

#[test]
fn no_seed_breaks_a_promise() {
    let first = std::env::var("QUARTET_SEED").map_or(Some(0), |seed| seed.parse().ok());
    let seeds = first.unwrap_or(0)..first.unwrap_or(0) + SEEDS;
    println!("seeds {seeds:?}; the first is QUARTET_SEED");
    let (next, failures) = (AtomicU64::new(seeds.start), Mutex::new(Vec::new()));
    let jobs = thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let play = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds.end {
                return;
            }
            if let Some(violation) = run(&Scenario::random(seed), false).violation {
                println!("seed {seed}: {violation}");
                println!("  cargo run --release -p simulator -- --shrink {seed}");
                failures.lock().unwrap().push(seed);
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(play);
        }
    });
    let failures = failures.into_inner().unwrap();
    assert!(failures.is_empty(), "seeds {failures:?}");
}

#[test]
fn a_run_is_its_seed() {
    for seed in 0..3 {
        let [one, two] = [(); 2].map(|()| run(&Scenario::random(seed), false));
        assert_eq!(one.fingerprint, two.fingerprint);
        println!("seed {seed}: run {}", fingerprint_text(one.fingerprint));
    }
}
