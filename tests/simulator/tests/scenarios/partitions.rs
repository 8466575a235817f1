//! Nodes that cannot hear each other, or one of which is down.

use rand::RngExt as _;

use simulator::{CALM, Network, Sim, seed};

use crate::{finish, summary};

#[test]
fn partitions_heal() {
    let network = Network {
        latency_ms: (1, 10),
        loss: 0.0,
    };
    let mut sim = Sim::new(seed(), network);
    sim.start_all();
    sim.with_users(4, 80, 500);
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
fn three_nodes_go_on_without_the_fourth() {
    let mut sim = Sim::new(seed(), CALM);
    sim.start_all();
    sim.with_users(4, 40, 400);
    sim.kill(2);
    finish(&mut sim, 60_000);
    summary("one down", &mut sim);
    let worst_ms = *sim.users.latencies_ms.last().unwrap();
    assert!(worst_ms <= 1_000, "a transaction took {worst_ms} ms");
    sim.pass(30_000);
    sim.start(2);
    sim.run(3_000, "the fourth catches up", Sim::agrees);
}

#[test]
fn a_node_that_hangs_unnoticed_costs_a_second_on_its_turn() {
    let mut sim = Sim::new(seed(), CALM);
    sim.start_all();
    sim.with_users(4, 40, 400);
    sim.shunned = Some(3);
    for peer in 0..3 {
        sim.passes[3][peer] = false;
    }
    sim.run(60_000, "all transactions", |sim| sim.users.is_done());
    sim.users.check();
    summary("one silent", &mut sim);
    let worst_ms = *sim.users.latencies_ms.last().unwrap();
    assert!(worst_ms <= 1_200, "a transaction took {worst_ms} ms");
}
