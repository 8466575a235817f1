//! Inputs and computations: what the nodes say in the log.

use alloy_primitives::B256;
use simulator::{CALM, Call, Corrupt, Lie, Sim, seed};

use crate::summary;

/// What goes wrong while the nodes compute.
#[derive(PartialEq)]
enum Trouble<'a> {
    None,
    Crash,
    /// From when the reserve is made.
    Liar(&'a [Lie]),
}

/// Whether all lots of the reserve are made.
fn is_stocked(sim: &Sim) -> bool {
    sim.runtime(0).lots().len() >= sim.committee.reserve_lots as usize
}

/// Votes, closes the poll, and waits for the certificate.
fn count_ballots(sim: &mut Sim, trouble: &Trouble<'_>) {
    let crash = *trouble == Trouble::Crash;
    sim.start_all();
    let contract = sim.with_users(1, 0, 300);
    let ballots = [0, 1, 1, 2, 1, 9, 0, 1];
    for choice in ballots {
        sim.add_voter(contract, choice, u64::MAX);
    }
    sim.run(20_000, "ballots ordered", |sim| sim.users.is_done());
    sim.users.check();
    let undecided = |sim: &Sim, node| sim.runtime(node).counts().pending_inputs;
    sim.run(20_000, "ballots accepted", |sim| {
        sim.up().all(|node| undecided(sim, node) == 0)
    });

    let request = B256::repeat_byte(7);
    let by_ms = 100_000;
    for node in [0, 2] {
        sim.later(node, 1, ordering::Input::AdvanceTime { request, by_ms });
    }
    let moved = |sim: &Sim, node| sim.runtime(node).head().time_ms >= sim.now_ms + by_ms - 5_000;
    sim.run(5_000, "time", |sim| sim.up().all(|node| moved(sim, node)));
    for node in 0..4 {
        assert_eq!(
            sim.runtime(node).time_offset_ms(),
            by_ms,
            "a request counts once"
        );
    }

    if let Trouble::Liar(lies) = trouble {
        sim.run(60_000, "the reserve", is_stocked);
        sim.corrupt = Some(Corrupt::new(3, lies.to_vec()));
    }
    sim.users.users[0]
        .script
        .push(Call::new(Some(contract), poll::call("close")));
    let computation = wire::attestation::computation_id(contract, 0);
    if crash {
        sim.run(10_000, "the session", |sim| {
            !sim.machines[2].sessions.is_empty()
        });
        sim.kill(2);
        sim.pass(300);
        sim.start(2);
    }
    let certified = |sim: &Sim, node: usize| sim.runtime(node).certificate(computation).is_some();
    sim.run(30_000, "the certificate", |sim| {
        sim.up().all(|node| certified(sim, node))
    });
    sim.pass(1_000);
    let certificate = sim.runtime(0).certificate(computation).unwrap();
    let signatures = certificate.signatures.iter().flatten().count();
    assert!(signatures >= 3, "{signatures} signed");
    let words: Vec<_> = certificate
        .attestation
        .output
        .chunks(32)
        .map(|w| w[31])
        .collect();
    assert_eq!(words, [2, 4, 1]);
    for machine in &sim.machines {
        let sessions = machine
            .sessions
            .iter()
            .filter(|(job, _)| *job == computation);
        let attempts: Vec<_> = sessions.map(|(_, attempt)| *attempt).collect();
        let ascending = attempts.is_sorted_by(|a, b| a < b);
        assert!(ascending, "an attempt was joined twice: {attempts:?}");
        match trouble {
            Trouble::None => assert_eq!(attempts, [0]),
            Trouble::Liar(_) => assert!(attempts.iter().all(|a| *a < 3), "{attempts:?}"),
            Trouble::Crash => {}
        }
    }
    if matches!(trouble, Trouble::Liar(_)) {
        return; // It goes on to spoil lots.
    }
    sim.run(60_000, "the reserve", is_stocked);
    // What the log takes no notice of is said once all the same.
    let (request, by_ms) = (B256::repeat_byte(8), u64::MAX);
    sim.later(1, 1, ordering::Input::AdvanceTime { request, by_ms });
    let before = sim.head();
    sim.pass(8_000);
    assert!(sim.head() <= before + 2, "nothing is said twice");
}

#[test]
fn ballots_are_voted_on_counted_and_signed() {
    let mut sim = Sim::new(seed(), CALM);
    count_ballots(&mut sim, &Trouble::None);
    summary("count", &mut sim);
}

#[test]
fn a_node_that_restarts_does_not_rejoin_an_attempt() {
    let mut sim = Sim::new(seed(), CALM);
    count_ballots(&mut sim, &Trouble::Crash);
    summary("count with a crash", &mut sim);
}

#[test]
fn a_liar_in_a_session_costs_two_attempts_at_most() {
    let seed = seed();
    let complains = [Lie::Complaints];
    let alters = [Lie::Flips];
    let adds_and_denies = [Lie::Adds, Lie::Statements];
    let commits_to_another = [Lie::Ready];
    let lies: [&[Lie]; 4] = [&complains, &alters, &adds_and_denies, &commits_to_another];
    for lies in lies {
        let mut sim = Sim::new(seed, CALM);
        count_ballots(&mut sim, &Trouble::Liar(lies));
        let count = |what: &str| sim.seen.get(what).copied().unwrap_or(0);
        let (contradictions, three) = (count("contradictions"), count("attempts of three"));
        println!("{lies:?}: {contradictions} contradictions, {three} attempts of three");
    }
}

#[test]
fn a_poll_closes_by_itself_when_its_time_has_come() {
    let mut sim = Sim::new(seed(), CALM);
    sim.start_all();
    let closes = sim.now_ms / 1_000 + 8;
    let contract = sim.deploy(poll::closes_by_itself_at(closes));
    sim.users.closes_ms = Some(closes * 1_000);
    for choice in [2, 0, 2] {
        sim.add_voter(contract, choice, closes * 1_000);
    }
    sim.run(5_000, "ballots ordered", |sim| sim.users.is_done());
    // Nobody says anything any more.
    let computation = wire::attestation::computation_id(contract, 0);
    sim.run(30_000, "the certificate", |sim| {
        sim.up()
            .all(|node| sim.runtime(node).certificate(computation).is_some())
    });
    let certificate = sim.runtime(0).certificate(computation).unwrap();
    let words = certificate.attestation.output.chunks(32).map(|w| w[31]);
    assert!(words.eq([1, 0, 2]));
    // A block was made for it at once, though an idle cluster makes one only now and then.
    let times = sim.users.times.iter().map(|(block_ms, _)| *block_ms);
    let first = times.filter(|block_ms| *block_ms >= closes * 1_000).min();
    assert!(first.unwrap() < closes * 1_000 + 1_000, "{first:?}");
    let info = sim.runtime(0).contract(contract).unwrap();
    assert_eq!((info.computations, info.timers.len()), (1, 0));
    summary("close by itself", &mut sim);
}
