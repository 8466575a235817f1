//! One height after another, driven by messages and timers.
//!
//! The core is a coroutine that yields effects; [`Host`] answers those that it can at once (signing,
//! checking signatures, timers) and passes the others on as [`Output`]s, in order.

use std::mem;

use alloy_primitives::{B256, keccak256};
use malachite_core::{
    Error, Input, LocallyProposedValue, MAX_FUTURE_ROUND_LOOKAHEAD, Params, ProposedValue, State,
    process,
};
use malachite_types::{Round, Validity, ValueOrigin, ValuePayload, VoteExtensionPolicy};
use wire::{
    codec,
    consensus::{CommitCertificate, RoundCertificate, Signed, Vote},
};

use super::{
    certificates::{
        Checker, CoreCertificate, ballot_from_wire, ballot_to_wire, certificate_from_wire,
    },
    context::{BlockHash, Consensus, Number, Offer, Party, SignedOffer},
    host::Host,
    wal::Entry,
};
use crate::{Config, Suspicion};

/// What a height leads to.
#[derive(Debug)]
pub(crate) enum Output {
    /// Log this before the next message is sent.
    Log(Entry),
    /// Send a vote of this node.
    Vote(Signed<Vote>),
    /// Send a proposal, with its block.
    Offer(SignedOffer),
    /// Send votes that others may have missed.
    Certificate(RoundCertificate),
    /// It is this node's turn: give a block to [`Engine::propose`].
    NeedBlock { round: u32 },
    /// The height is decided.
    Decided(CommitCertificate),
    /// A node contradicted itself.
    Equivocation { party: u8, what: &'static str },
    /// The core refused an input.
    Refused { why: String, fatal: bool },
}

/// Consensus on one height at a time.
pub(crate) struct Engine {
    state: State<Consensus>,
    host: Host,
    running: bool,
}

impl Engine {
    /// An engine that runs nothing yet.
    pub(crate) fn new(config: &Config, height: u64) -> Self {
        let host = Host::new(config);
        let params = Params {
            address: Party(config.me),
            threshold_params: Default::default(),
            value_payload: ValuePayload::ProposalAndParts,
            enabled: true,
        };
        // Nothing is ever queued in the core: messages for other heights wait outside of it.
        let state = State::new(
            Consensus,
            Number(height),
            host.members.clone(),
            params,
            1,
            1,
        );
        Self {
            state,
            host,
            running: false,
        }
    }

    /// Begins a height.
    pub(crate) fn start(&mut self, height: u64, now_ms: u64) -> Vec<Output> {
        self.host.now_ms = now_ms;
        self.running = true;
        self.feed(self.start_input(height, false))
    }

    /// Goes on with a height where the node was when it crashed.
    pub(crate) fn restore(&mut self, height: u64, entries: &[Entry], now_ms: u64) -> Vec<Output> {
        self.host.now_ms = now_ms;
        self.running = true;
        let inputs = entries
            .iter()
            .filter_map(|entry| entry.to_input(Number(height)));
        let inputs: Vec<_> = inputs.collect();
        let digests = entries.iter().map(|entry| keccak256(codec::encode(entry)));
        self.host.replayed = Some(digests.collect());
        self.state.index_wal_entries(inputs.iter());
        let mut outputs = self.feed(self.start_input(height, true));
        for input in inputs {
            outputs.extend(self.feed(input));
        }
        self.state.reset_entries_index();
        self.host.replayed = None;
        // Only the last wish for a block counts, if the crash came before it was met.
        let wanted = self
            .state
            .driver
            .step_is_propose()
            .then(|| self.round())
            .flatten();
        outputs.retain(|output| !matches!(output, Output::NeedBlock { .. }));
        if let Some(round) = wanted.filter(|&round| self.is_proposer(height, round)) {
            outputs.push(Output::NeedBlock { round });
        }
        outputs
    }

    fn start_input(&self, height: u64, restart: bool) -> Input<Consensus> {
        let members = self.host.members.clone();
        // A target time would make the core read the clock.
        let target_time = None;
        let policy = VoteExtensionPolicy::Disabled;
        Input::StartHeight(Number(height), members, restart, target_time, policy)
    }

    /// Ends the height, whether the core decided it or a peer brought the proof.
    pub(crate) fn stop(&mut self) {
        self.running = false;
        self.host.timers.clear();
    }

    pub(crate) const fn is_running(&self) -> bool {
        self.running
    }

    /// The round that is under way.
    pub(crate) fn round(&self) -> Option<u32> {
        self.state.round().as_u32()
    }

    /// Whether messages of this round are taken now.
    pub(crate) fn takes_round(&self, round: u32) -> bool {
        let current = self.round().unwrap_or_default();
        round <= current.saturating_add(MAX_FUTURE_ROUND_LOOKAHEAD)
    }

    pub(crate) fn is_proposer(&self, height: u64, round: u32) -> bool {
        self.proposer(height, round) == self.host.me.0
    }

    /// Whose turn it is.
    pub(crate) fn proposer(&self, height: u64, round: u32) -> u8 {
        self.host.members.proposer_party(height, round)
    }

    pub(crate) const fn checker(&self) -> &Checker {
        &self.host.checker
    }

    pub(crate) const fn set_connected(&mut self, peer: u8, connected: bool) {
        self.host.connected[peer as usize] = connected;
    }

    /// Whether three nodes prevoted for this block in this round, as far as this node knows.
    pub(crate) fn has_polka(&self, round: u32, block: B256) -> bool {
        let certificate = self
            .state
            .polka_certificate(Round::new(round), &BlockHash(block));
        certificate.is_some()
    }

    /// Whether three nodes prevoted for this block in any round that still counts.
    pub(crate) fn is_locked_on(&self, block: B256) -> bool {
        let mut certificates = self.state.driver.polka_certificates().iter();
        certificates.any(|certificate| certificate.value_id == BlockHash(block))
    }

    /// The votes that this node cast last in this round.
    pub(crate) fn last_votes(&self) -> Vec<Signed<Vote>> {
        if !self.running {
            return Vec::new();
        }
        let votes = [
            &self.state.last_signed_prevote,
            &self.state.last_signed_precommit,
        ];
        votes.into_iter().flatten().map(ballot_to_wire).collect()
    }

    /// Takes a vote.
    pub(crate) fn vote(&mut self, vote: &Signed<Vote>, now_ms: u64) -> Vec<Output> {
        self.input(Input::Vote(ballot_from_wire(vote)), now_ms)
    }

    /// Takes a certificate.
    ///
    /// # Errors
    /// [`Suspicion::RoundCertificate`] if its votes do not belong together.
    pub(crate) fn certificate(
        &mut self,
        certificate: &RoundCertificate,
        now_ms: u64,
    ) -> Result<Vec<Output>, Suspicion> {
        let certificate = certificate_from_wire(certificate).ok_or(Suspicion::RoundCertificate)?;
        Ok(self.input(
            match certificate {
                CoreCertificate::Polka(polka) => Input::PolkaCertificate(polka),
                CoreCertificate::Round(round) => Input::RoundCertificate(round),
            },
            now_ms,
        ))
    }

    /// Takes a proposal; [`Engine::judged`] says what its block is.
    pub(crate) fn offer(&mut self, offer: SignedOffer, now_ms: u64) -> Vec<Output> {
        self.input(Input::Proposal(offer), now_ms)
    }

    /// Says whether the block of a proposal is valid.
    pub(crate) fn judged(&mut self, offer: &Offer, valid: bool, now_ms: u64) -> Vec<Output> {
        let value = ProposedValue {
            height: offer.height,
            round: offer.round,
            valid_round: offer.pol_round,
            proposer: offer.proposer,
            value: offer.block,
            validity: Validity::from_bool(valid),
        };
        self.input(Input::ProposedValue(value, ValueOrigin::Consensus), now_ms)
    }

    /// Proposes a block in the current round.
    pub(crate) fn propose(&mut self, round: u32, block: B256, now_ms: u64) -> Vec<Output> {
        let height = self.state.height();
        let value = LocallyProposedValue::new(height, Round::new(round), BlockHash(block));
        self.input(Input::Propose(value), now_ms)
    }

    /// When the next timer is due.
    pub(crate) fn deadline_ms(&self) -> Option<u64> {
        self.host.timers.values().map(|(at_ms, _)| *at_ms).min()
    }

    /// Fires one timer that is due, if there is one.
    pub(crate) fn fire(&mut self, now_ms: u64) -> Option<Vec<Output>> {
        let due = self
            .host
            .timers
            .iter()
            .filter(|(_, (at_ms, _))| *at_ms <= now_ms);
        let key = *due.min_by_key(|(key, (at_ms, _))| (*at_ms, **key))?.0;
        let (_, timeout) = self.host.timers.remove(&key)?;
        Some(self.input(Input::TimeoutElapsed(timeout), now_ms))
    }

    fn input(&mut self, input: Input<Consensus>, now_ms: u64) -> Vec<Output> {
        self.host.now_ms = now_ms;
        if self.running {
            self.feed(input)
        } else {
            Vec::new()
        }
    }

    fn feed(&mut self, input: Input<Consensus>) -> Vec<Output> {
        let Self { state, host, .. } = self;
        let result: Result<(), Error<Consensus>> = process!(
            input: input,
            state: state,
            metrics: &(),
            with: effect => Ok::<_, Error<Consensus>>(host.perform(effect))
        );
        if let Err(error) = result {
            let fatal = matches!(error, Error::ReplayDivergence(..));
            host.outputs.push(Output::Refused {
                why: error.to_string(),
                fatal,
            });
        }
        mem::take(&mut host.outputs)
    }
}
