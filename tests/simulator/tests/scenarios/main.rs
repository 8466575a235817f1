//! Four nodes with the real consensus, pool and state machine, on a simulated network.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod counting;
mod crashes;
mod liars;
mod partitions;

use poll::GENESIS_MS;
use simulator::{CALM, Network, Sim, seed};

const LOSSY: Network = Network {
    latency_ms: (1, 40),
    loss: 0.03,
};

/// Everything that was sent is in one block exactly, and all nodes have the same state.
fn finish(sim: &mut Sim, limit_ms: u64) {
    sim.run(limit_ms, "all transactions", |sim| sim.users.is_done());
    sim.run(limit_ms, "the same head everywhere", Sim::agrees);
    sim.users.check();
}

fn summary(name: &str, sim: &mut Sim) {
    sim.users.latencies_ms.sort_unstable();
    let latencies = &sim.users.latencies_ms;
    println!(
        "{name}: {} blocks in {} virtual ms, {} messages, median latency {} ms, worst {} ms",
        sim.head(),
        sim.now_ms - GENESIS_MS,
        sim.messages,
        latencies.get(latencies.len() / 2).unwrap_or(&0),
        latencies.last().unwrap_or(&0),
    );
}

#[test]
fn a_calm_network_is_fast_and_idle_nodes_are_quiet() {
    let mut sim = Sim::new(seed(), CALM);
    sim.start_all();
    sim.with_users(5, 30, 100);
    finish(&mut sim, 20_000);
    summary("calm", &mut sim);
    assert!(sim.users.latencies_ms[sim.users.latencies_ms.len() / 2] < 200);
    sim.run(20_000, "the reserve", |sim| {
        sim.runtime(0).lots().len() >= sim.committee.reserve_lots as usize
    });
    sim.pass(1_000);
    let (before, messages) = (sim.head(), sim.messages);
    sim.pass(60_000);
    let made = sim.head() - before;
    assert!((4..=7).contains(&made), "{made} blocks in an idle minute");
    let rate = (sim.messages - messages) / 60;
    assert!(rate <= 30, "{rate} messages a second while idle");
}

#[test]
fn a_lossy_network_delays_and_loses_nothing() {
    let mut sim = Sim::new(seed(), LOSSY);
    sim.start_all();
    sim.with_users(4, 30, 400);
    finish(&mut sim, 180_000);
    summary("lossy", &mut sim);
}

#[test]
fn a_run_is_its_seed() {
    let seed = seed();
    let run = |seed| {
        let mut sim = Sim::new(seed, LOSSY);
        sim.start_all();
        sim.with_users(3, 8, 200);
        sim.doom(1);
        sim.pass(800);
        if !sim.is_up(1) {
            sim.start(1);
        }
        finish(&mut sim, 120_000);
        (
            sim.fingerprint(),
            sim.messages,
            sim.now_ms,
            sim.chain.clone(),
        )
    };
    assert_eq!(run(seed), run(seed));
    assert_ne!(run(seed).0, run(seed + 1).0);
}
