//! A node that lies, and one whose clock is wrong.

use crate::{
    finish,
    sim::{CALM, Network, Sim, byzantine::Byzantine, seed},
    summary,
};

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
    sim.with_users(4, 40, 500);
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
    assert!(seen("conflicting") && seen("signature"));
}

#[test]
fn a_clock_an_hour_off_moves_no_time() {
    for skew_ms in [3_600_000, -3_600_000] {
        let mut sim = Sim::new(seed(), CALM);
        sim.machines[1].skew_ms = skew_ms;
        sim.start_all();
        sim.with_users(3, 30, 600);
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
