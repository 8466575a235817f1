//! The simulator finds what it looks for: with one bad node too many, and with an engine that uses
//! what came before it has checked it (feature `insecure-late-checks`).

use simulator::{CALM, Corrupt, Lie, Mischief, Sim, Violation, seed};

/// A few ballots with liars.
fn ballots(seed: u64, lies: Vec<Lie>, accomplice: Option<usize>) -> Sim {
    let mut sim = Sim::new(seed, CALM);
    let mut corrupt = Corrupt::new(3, lies);
    corrupt.accomplice = accomplice;
    sim.corrupt = Some(corrupt);
    sim.start_all();
    let poll = sim.with_users(1, 0, 300);
    for choice in [0, 1, 1, 2] {
        sim.add_voter(poll, choice, u64::MAX);
    }
    let decided = |sim: &Sim| {
        let pending = |node| sim.runtime(node).counts().pending_inputs;
        sim.users.is_done() && sim.up().all(|node| pending(node) == 0)
    };
    sim.reaches(20_000, decided);
    sim
}

#[test]
fn one_who_denies_its_seeds_harms_nobody_and_two_do() {
    let seed = seed();
    let one = ballots(seed, vec![Lie::Seeds], None);
    assert_eq!(one.violation, None);
    assert_eq!(one.accepted.len(), 4);
    let two = ballots(seed, vec![Lie::Seeds], Some(2));
    let found = two.violation;
    assert!(matches!(found, Some(Violation::Input { .. })), "{found:?}");
}

#[test]
fn rogues_waste_only_what_is_theirs() {
    let seed = seed();
    let mut sim = Sim::new(seed, CALM);
    sim.start_all();
    let poll = sim.with_users(1, 0, 300);
    for choice in [0, 1, 2] {
        sim.add_voter(poll, choice, u64::MAX);
    }
    let from_ms = sim.now_ms;
    for mischief in [Mischief::Flood, Mischief::Nonces, Mischief::Copies] {
        sim.add_rogue(poll, mischief, from_ms, 12);
    }
    let decided = |sim: &Sim| {
        let pending = |node| sim.runtime(node).counts().pending_inputs;
        let rejected = sim.seen.get("copies rejected").is_some_and(|n| *n > 0);
        rejected && sim.users.is_done() && sim.up().all(|node| pending(node) == 0)
    };
    sim.reaches(30_000, decided);
    assert_eq!(sim.violation, None);
    assert!(decided(&sim), "{:?}", sim.seen);
    assert_eq!(sim.accepted.len(), 3);
    assert!(sim.seen["transactions of rogues"] > 20, "{:?}", sim.seen);
}

#[test]
fn what_is_used_before_it_is_checked_is_found() {
    let (first, insecure) = (seed(), cfg!(feature = "insecure-late-checks"));
    let tries = if insecure { 60 } else { 10 };
    let found = (0..tries).any(|n| {
        let mut sim = ballots(first.wrapping_add(n), vec![Lie::Flips], None);
        // The reserve is made in sessions, too.
        sim.reaches(10_000, |sim| sim.violation.is_some());
        let unchecked = matches!(sim.violation, Some(Violation::UsedUnchecked { .. }));
        assert!(unchecked || sim.violation.is_none(), "{:?}", sim.violation);
        unchecked
    });
    assert_eq!(found, insecure);
}
