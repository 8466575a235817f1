//! Four nodes with the real consensus, pool and state machine, on a simulated network.

mod sim;

use rand::RngExt as _;
use sim::{CALM, GENESIS_MS, Network, Sim, byzantine::Byzantine, seed};

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
    sim.with_users(5, 12);
    finish(&mut sim, 20_000);
    summary("calm", &mut sim);
    assert!(sim.users.latencies_ms[sim.users.latencies_ms.len() / 2] < 200);
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
    sim.with_users(4, 12);
    finish(&mut sim, 180_000);
    summary("lossy", &mut sim);
}

#[test]
fn nodes_that_crash_at_any_instant_come_back_and_contradict_nothing() {
    let network = Network {
        latency_ms: (1, 15),
        loss: 0.005,
    };
    let mut sim = Sim::new(seed(), network);
    sim.start_all();
    sim.with_users(4, 40);
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
    sim.with_users(4, 25);
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

#[test]
fn partitions_heal() {
    let network = Network {
        latency_ms: (1, 10),
        loss: 0.0,
    };
    let mut sim = Sim::new(seed(), network);
    sim.start_all();
    sim.with_users(4, 60);
    for round in 0..8 {
        let noticed = sim.rng.random_bool(0.5);
        let lone = sim.rng.random_range(0..4);
        for a in 0..4 {
            for b in 0..4 {
                let apart = match round % 4 {
                    0 => (a < 2) != (b < 2),
                    1 => (a == lone) != (b == lone),
                    2 => a == lone && b != lone,
                    _ => a % 2 == 0 && b == (a + 1) % 4,
                };
                if a != b && apart {
                    if noticed {
                        sim.link(a, b, false);
                    } else {
                        sim.passes[a][b] = false;
                    }
                }
            }
        }
        sim.pass(2_000);
        for a in 0..4 {
            for b in 0..a {
                sim.link(a, b, true);
            }
        }
        let (before, healed_ms) = (sim.head(), sim.now_ms);
        sim.run(10_000, "progress after healing", |sim| {
            sim.head() > before || (sim.users.is_done() && sim.agrees())
        });
        println!(
            "round {round}: a block {} ms after healing",
            sim.now_ms - healed_ms
        );
    }
    finish(&mut sim, 60_000);
    summary("partitions", &mut sim);
}

#[test]
fn a_corrupt_node_divides_nobody() {
    let network = Network {
        latency_ms: (1, 10),
        loss: 0.0,
    };
    let mut sim = Sim::new(seed(), network);
    sim.byzantine = Some(Byzantine { node: 3 });
    sim.start_all();
    sim.begin_junk();
    sim.with_users(4, 25);
    finish(&mut sim, 180_000);
    summary("corrupt", &mut sim);
    for (suspicion, count) in &sim.suspicions {
        println!("{count:5} {suspicion}");
    }
    let seen = |text: &str| {
        sim.suspicions
            .keys()
            .any(|suspicion| suspicion.contains(text))
    };
    assert!(seen("conflicting votes") && seen("signature") && seen("too many proposals"));
}

#[test]
fn three_nodes_go_on_without_the_fourth() {
    let mut sim = Sim::new(seed(), CALM);
    sim.start_all();
    sim.with_users(4, 10);
    sim.kill(2);
    sim.machines
        .iter_mut()
        .for_each(|machine| machine.max_gap_ms = 0);
    finish(&mut sim, 60_000);
    summary("one down", &mut sim);
    let gap_ms = [0, 1, 3]
        .map(|node| sim.machines[node].max_gap_ms)
        .into_iter()
        .max();
    assert!(
        gap_ms.is_some_and(|gap_ms| gap_ms <= 1_000),
        "{gap_ms:?} ms without a block"
    );
    sim.pass(30_000);
    sim.start(2);
    sim.run(3_000, "the fourth catches up", Sim::agrees);
}

#[test]
fn a_node_that_hangs_unnoticed_costs_a_second_on_its_turn() {
    let mut sim = Sim::new(seed(), CALM);
    sim.start_all();
    sim.with_users(4, 10);
    for peer in 0..3 {
        sim.passes[3][peer] = false;
    }
    sim.machines
        .iter_mut()
        .for_each(|machine| machine.max_gap_ms = 0);
    finish(&mut sim, 60_000);
    summary("one silent", &mut sim);
    let gap_ms = [0, 1, 2]
        .map(|node| sim.machines[node].max_gap_ms)
        .into_iter()
        .max();
    assert!(
        gap_ms.is_some_and(|gap_ms| gap_ms <= 1_100),
        "{gap_ms:?} ms without a block"
    );
}

#[test]
fn a_clock_an_hour_off_moves_no_time() {
    for skew_ms in [3_600_000, -3_600_000] {
        let mut sim = Sim::new(seed(), CALM);
        sim.machines[1].skew_ms = skew_ms;
        sim.start_all();
        sim.with_users(3, 15);
        finish(&mut sim, 60_000);
        sim.pass(15_000);
        summary("clock", &mut sim);
        for (block_ms, true_ms) in &sim.users.times {
            assert!(
                block_ms.abs_diff(*true_ms) <= 5_000,
                "block at {block_ms}, true {true_ms}"
            );
        }
        assert!(!sim.suspicions.is_empty(), "the wrong clock was seen");
    }
}

#[test]
fn a_run_is_its_seed() {
    let seed = seed();
    let run = |seed| {
        let mut sim = Sim::new(seed, LOSSY);
        sim.start_all();
        sim.with_users(3, 6);
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
