//! A scenario is played and judged.

use std::{
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
};

use alloy_primitives::{B256, hex};
use wire::{
    attestation::{Certificate, computation_id},
    sealed::Seed,
};
use zk_contract_runtime::{Applied, Event as Happened};

use crate::{
    CALM, Call, Corrupt, Event, Feature, Lie, Scenario, Sim, Violation, users::deployment,
};

/// How long everything may take once nothing goes wrong any more, in milliseconds.
const PATIENCE_MS: u64 = 180_000;
/// How long a key epoch lasts, in milliseconds.
const EPOCH_MS: u64 = 3_600_000;

/// What came of a run.
#[derive(Clone, Debug)]
pub struct Report {
    /// The promise that was broken, if one was.
    pub violation: Option<Violation>,
    /// Names the whole run.
    pub fingerprint: B256,
    /// Decided blocks.
    pub blocks: u64,
    /// Messages between nodes.
    pub messages: u64,
    /// Results that were certified.
    pub results: u64,
    /// How long it took, in virtual milliseconds.
    pub virtual_ms: u64,
    /// What happened in it, and how often: shows what scenarios reach.
    pub seen: BTreeMap<&'static str, u64>,
}

/// The first digits of a fingerprint.
#[must_use]
pub fn fingerprint_text(fingerprint: B256) -> String {
    hex::encode(&fingerprint[..8])
}

/// Plays a scenario, and prints everything if `tracing`.
#[must_use]
pub fn run(scenario: &Scenario, tracing: bool) -> Report {
    let mut sim = Sim::new(scenario.seed, CALM);
    sim.tracing = tracing;
    let played = catch_unwind(AssertUnwindSafe(|| play(&mut sim, scenario)));
    if let Err(panic) = played {
        let text = panic.downcast_ref::<String>().cloned();
        let literal = panic.downcast_ref::<&str>().map(ToString::to_string);
        let what = text.or(literal).unwrap_or_default();
        sim.violate(Violation::Panic(what));
    }
    Report {
        violation: sim.violation.clone(),
        fingerprint: sim.fingerprint(),
        blocks: sim.chain.len() as u64,
        messages: sim.messages,
        results: sim.certified.len() as u64,
        virtual_ms: sim.now_ms - poll::GENESIS_MS,
        seen: sim.seen,
    }
}

fn play(sim: &mut Sim, scenario: &Scenario) {
    sim.users.pause_ms = 800;
    let begin_ms = sim.now_ms;
    let closes_s = begin_ms / 1_000 + scenario.closes_s;
    if scenario
        .features
        .iter()
        .any(|(_, f)| *f == Feature::Shuffle)
    {
        sim.code = poll::shuffling_poll_code();
    }
    let (deployed, poll) = deployment(sim.code.clone(), poll::closes_at(closes_s));
    sim.users.add(vec![Call::new(None, deployed)]);
    for (_, feature) in &scenario.features {
        match *feature {
            Feature::Latency { longest_ms } => sim.network.latency_ms = (1, longest_ms),
            Feature::Loss { per_mille } => sim.network.loss = f64::from(per_mille) / 1_000.0,
            Feature::Skew { node, by_ms } => sim.machines[node].skew_ms = by_ms,
            Feature::Lie { node, lie } => {
                let corrupt = sim.corrupt.get_or_insert(Corrupt::new(node, Vec::new()));
                corrupt.lies.push(lie);
                if lie == Lie::Junk {
                    sim.begin_junk();
                }
            }
            Feature::At { at_ms, fault } => sim.at(at_ms, Event::Fault(fault)),
            Feature::Caller { calls } => {
                let bump = Call::new(Some(poll), poll::call("bump"));
                sim.users.add(vec![bump; calls]);
            }
            Feature::Shuffle => {}
            Feature::Refresh { first_ms } => {
                sim.committee.genesis_ms = (begin_ms + first_ms).saturating_sub(EPOCH_MS);
                sim.committee.refresh_ms = EPOCH_MS;
                sim.refreshes = 1;
            }
            Feature::Rogue {
                mischief,
                at_ms,
                deeds,
            } => sim.add_rogue(poll, mischief, begin_ms + at_ms, deeds),
            Feature::Ballot {
                choice,
                at_ms,
                spoiled,
            } => {
                let user = sim.add_sloppy_voter(poll, choice, closes_s * 1_000, spoiled);
                sim.users.users[user].idle_until_ms = begin_ms + at_ms;
            }
            Feature::Tally { at_ms } => {
                let close = Call {
                    from_ms: closes_s * 1_000,
                    ..Call::new(Some(poll), poll::call("close"))
                };
                let user = sim.users.add(vec![close]);
                sim.users.users[user].idle_until_ms = (closes_s * 1_000).max(begin_ms + at_ms);
            }
        }
    }
    sim.start_all();
    sim.go(scenario.chaos_ms);
    if sim.violation.is_none() {
        sim.heal();
        sim.settle();
    }
}

impl Sim {
    /// Waits until all is done, and checks what then must hold.
    fn settle(&mut self) {
        let end_ms = self.now_ms + PATIENCE_MS;
        while self.violation.is_none() {
            let Some(what) = self.unfinished() else {
                // What comes late must break nothing either.
                self.go(500);
                self.check_seeds();
                return self.check_sharings();
            };
            if self.now_ms > end_ms {
                return self.violate(Violation::NoProgress { what });
            }
            self.go(50);
        }
    }

    /// What is not done yet.
    fn unfinished(&self) -> Option<String> {
        if !self.users.is_done() {
            return Some(format!("users: {:?}", self.users.progress()));
        }
        if !self.agrees() {
            return Some(format!("the same head everywhere: {:?}", self.heads()));
        }
        let refreshed = |node: &usize| self.runtime(*node).sharing().epoch >= self.refreshes;
        if !self.honest().all(|node| refreshed(&node)) {
            return Some(format!("{} key epochs", self.refreshes));
        }
        if let Some(node) = self.lacks_shares() {
            return Some(format!("shares of node {node}"));
        }
        let open = self.honest().find_map(|node| {
            let counts = self.runtime(node).counts();
            let open = counts.pending_inputs + counts.running_computations + counts.owed > 0;
            open.then(|| format!("node {node}: {counts:?}"))
        });
        open.or_else(|| {
            let (started, ended) = (self.users.tallied.len(), self.ended.len());
            (started > ended).then(|| format!("{ended} of {started} computations"))
        })
    }

    /// What a node says of inputs and computations after a block.
    pub(crate) fn check_computations(&mut self, node: usize, applied: &Applied) {
        if self.users.times.len() as u64 > self.counted {
            self.counted = applied.number;
            self.count(node, applied);
            self.check_rogues(applied);
        }
        for event in &applied.events {
            match *event {
                Happened::InputRejected { id } if self.users.choices.contains_key(&id) => {
                    // One node cannot open it, and another one lies.
                    if self.corrupt.is_some() && self.users.spoiled.contains(&id) {
                        self.users.rejected.insert(id);
                    } else {
                        self.violate(Violation::Input { input: id });
                    }
                }
                Happened::Attested { computation } => {
                    let certificate = self.runtime(node).certificate(computation);
                    if let Some(certificate) = certificate {
                        self.check_certificate(computation, certificate);
                    }
                }
                Happened::Failed { computation } => {
                    self.violate(Violation::Failed { computation });
                }
                Happened::InputAccepted { id } => {
                    self.accepted.insert(id);
                }
                Happened::Contradiction(_) => self.check_blame(node),
                _ => {}
            }
        }
    }

    /// Counts what a block leads to, once.
    fn count(&mut self, node: usize, applied: &Applied) {
        for event in &applied.events {
            let what = match event {
                Happened::JoinWanted { job, .. } => {
                    let job = self.runtime(node).job(*job);
                    match job.is_some_and(|job| job.absent.is_some()) {
                        true => "attempts of three",
                        false => "attempts of four",
                    }
                }
                Happened::AttemptStopped { .. } => "stopped attempts",
                Happened::Disputed { .. } => "disputes",
                Happened::Contradiction(_) => "contradictions",
                Happened::LotAvailable { .. } => "lots",
                Happened::NodeAway { .. } => "nodes away",
                Happened::NodeBack { .. } => "nodes back",
                Happened::OpeningFinal { .. } => "openings",
                Happened::InputsRefreshed { .. } => "refreshes",
                _ => continue,
            };
            *self.seen.entry(what).or_default() += 1;
        }
    }

    /// Of two who contradict each other one is corrupt.
    fn check_blame(&mut self, node: usize) {
        let honest = |party: &u8| self.is_honest(usize::from(*party));
        let runtime = self.runtime(node);
        let pairs = runtime.contradictions().iter().map(|c| c.pair.to_vec());
        let convicted = runtime.convicted().map(|party| vec![party]);
        let wronged = pairs
            .chain(convicted)
            .find(|nodes| nodes.iter().all(honest));
        if let Some(nodes) = wronged {
            self.violate(Violation::Convicted { nodes });
        }
    }

    /// Any two honest nodes hold all seeds of every accepted input.
    fn check_seeds(&mut self) {
        let honest: Vec<usize> = self.honest().collect();
        for (node, input) in honest
            .into_iter()
            .flat_map(|node| self.accepted.iter().map(move |input| (node, *input)))
            .collect::<Vec<_>>()
        {
            let Some(pending) = self.runtime(node).pending_input(input) else {
                continue; // What was tallied is forgotten.
            };
            if pending.binding.key_epoch < self.runtime(node).sharing().epoch {
                continue;
            }
            let held = self.machines[node].disk.seeds.get(&input);
            let good = (0..4u8).all(|component| {
                let place = usize::from(component);
                let seed = held.and_then(|held| held[place]);
                let opens = |seed| {
                    let commitment = pending.binding.commit(component, &Seed::new(seed));
                    pending.sealed.commitments[place] == commitment
                };
                place == node || seed.is_some_and(opens)
            });
            if !good {
                self.violate(Violation::Seeds { node, input });
            }
        }
    }

    /// Whatever two honest nodes are looked at, they have all that users said, and no more of it than
    /// they should.
    fn check_sharings(&mut self) {
        let honest: Vec<usize> = self.honest().collect();
        let known = |input: &B256| Some((*input, *self.users.choices.get(input)?));
        let inputs: Vec<_> = self.accepted.iter().filter_map(known).collect();
        for (input, choice) in inputs {
            for (one, two) in honest
                .iter()
                .flat_map(|a| honest.iter().map(move |b| (*a, *b)))
            {
                let is_known = self.runtime(one).pending_input(input).is_some();
                if one != two && is_known {
                    self.check_sharing([one, two], input, choice);
                }
            }
        }
    }

    fn check_certificate(&mut self, computation: B256, certificate: Certificate) {
        self.ended.insert(computation);
        let attestation = certificate.attestation;
        if let Some(before) = self.certified.get(&computation) {
            if *before != attestation {
                self.violate(Violation::Certificates { computation });
            }
            return;
        }
        let words = attestation.output.chunks(32);
        let opened: Vec<u64> = words.map(|word| u64::from(word[31])).collect();
        let mut started = 0..self.users.tallied.len();
        let id = |number: usize| computation_id(attestation.l2Contract, number as u64);
        let number = started.find(|number| id(*number) == computation);
        if number.is_none_or(|number| opened != self.users.tally(number)) {
            self.violate(Violation::WrongOutput { computation });
        }
        self.certified.insert(computation, attestation);
    }

    pub(crate) fn drop_faults(&mut self) {
        self.retain(|event| !matches!(event, Event::Fault(_) | Event::Join(_)));
    }
}
