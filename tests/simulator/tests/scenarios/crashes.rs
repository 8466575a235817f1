//! Nodes that are killed in the middle of a step, with a write cut short.

use rand::RngExt as _;

use simulator::{CALM, Network, Sim, seed};

use crate::{finish, summary};

#[test]
fn nodes_that_crash_at_any_instant_come_back_and_contradict_nothing() {
    let network = Network {
        latency_ms: (1, 15),
        loss: 0.005,
    };
    let mut sim = Sim::new(seed(), network);
    sim.start_all();
    sim.with_users(4, 100, 400);
    for _ in 0..25 {
        let node = sim.rng.random_range(0..4);
        let calm_ms = sim.rng.random_range(20..400);
        sim.pass(calm_ms);
        sim.doom(node);
        sim.run(20_000, "a crash", |sim| !sim.is_up(node));
        let down_ms = sim.rng.random_range(10..600);
        sim.pass(down_ms);
        sim.start(node);
    }
    finish(&mut sim, 60_000);
    summary("crashes", &mut sim);
    assert_eq!(
        sim.machines
            .iter()
            .map(|machine| machine.starts)
            .sum::<u32>(),
        29
    );
}

#[test]
fn all_nodes_crash_at_once_again_and_again() {
    let mut sim = Sim::new(seed(), CALM);
    sim.start_all();
    sim.with_users(4, 40, 500);
    for _ in 0..8 {
        let calm_ms = sim.rng.random_range(5..300);
        sim.pass(calm_ms);
        (0..4).for_each(|node| sim.doom(node));
        sim.pass(1_500);
        for node in 0..4 {
            if sim.is_up(node) {
                sim.kill(node);
            }
        }
        sim.pass(50);
        sim.start_all();
    }
    finish(&mut sim, 60_000);
    summary("power cuts", &mut sim);
}
