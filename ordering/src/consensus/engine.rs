//! One height after another, driven by messages and timers.
//!
//! The core is a coroutine that yields effects; [`Host`] answers those that it can at once (signing,
//! checking signatures, timers) and passes the others on as [`Output`]s, in order.

use std::{
    collections::{BTreeMap, BTreeSet},
    mem,
    time::Duration,
};

use alloy_primitives::{B256, keccak256};
use futures::FutureExt as _;
use k256::ecdsa::SigningKey;
use malachite_core::{
    ConsensusMsg, Effect, Error, Input, LivenessMsg, LocallyProposedValue,
    MAX_FUTURE_ROUND_LOOKAHEAD, Params, ProposedValue, Resumable as _, Resume, SignedConsensusMsg,
    State, process,
};
use malachite_signing::VerifierExt as _;
use malachite_types::{
    CertificateError, LinearTimeouts, Round, Timeout, TimeoutKind, Validity, ValueOrigin,
    ValuePayload, VoteExtensionPolicy,
};
use wire::{
    codec,
    consensus::{CommitCertificate, RoundCertificate, Signed, Vote},
    limits::NODES,
    signing::{self, Domain, Purpose},
};

use super::{
    certificates::{
        Checker, CoreCertificate, ballot_from_wire, ballot_to_wire, certificate_from_wire,
        commit_to_wire, polka_to_wire, round_to_wire,
    },
    context::{BlockHash, Consensus, Members, Number, Offer, Party, SignedBallot, SignedOffer},
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

/// Kind (in order of the steps of a round) and round.
type TimerKey = (u8, u32);

/// Answers what the core asks.
struct Host {
    me: Party,
    key: SigningKey,
    domain: Domain,
    members: Members,
    checker: Checker,
    timeouts: LinearTimeouts,
    propose_unconnected: Duration,
    connected: [bool; NODES],
    now_ms: u64,
    timers: BTreeMap<TimerKey, (u64, Timeout)>,
    height: u64,
    /// Digests of the entries of the write-ahead log while it is replayed.
    replayed: Option<BTreeSet<B256>>,
    outputs: Vec<Output>,
}

impl Host {
    fn new(config: &Config) -> Self {
        Self {
            me: Party(config.me),
            key: config.key.clone(),
            domain: config.committee.domain(),
            members: Members::new(&config.committee),
            checker: Checker::new(&config.committee),
            timeouts: config.timeouts.linear(),
            propose_unconnected: Duration::from_millis(config.timeouts.propose_unconnected_ms),
            connected: [false; NODES],
            now_ms: 0,
            timers: BTreeMap::new(),
            height: 0,
            replayed: None,
            outputs: Vec::new(),
        }
    }

    fn perform(&mut self, effect: Effect<Consensus>) -> Resume<Consensus> {
        match effect {
            Effect::CancelAllTimeouts(resume) => {
                self.timers.clear();
                resume.resume_with(())
            }
            Effect::CancelTimeout(timeout, resume) => {
                self.timers.remove(&timer_key(timeout));
                resume.resume_with(())
            }
            Effect::ScheduleTimeout(timeout, resume) => {
                self.schedule(timeout);
                resume.resume_with(())
            }
            Effect::StartRound(height, _, _, _, resume) => {
                self.height = height.0;
                resume.resume_with(())
            }
            Effect::GetValue(_, round, _, resume) => {
                let round = round.as_u32().unwrap_or_default();
                self.outputs.push(Output::NeedBlock { round });
                resume.resume_with(())
            }
            Effect::PublishConsensusMsg(message, resume) => {
                self.publish(match message {
                    SignedConsensusMsg::Vote(vote) => Output::Vote(ballot_to_wire(&vote)),
                    SignedConsensusMsg::Proposal(offer) => Output::Offer(offer),
                });
                resume.resume_with(())
            }
            Effect::PublishLivenessMsg(message, resume) => {
                self.publish(match message {
                    LivenessMsg::Vote(vote) => Output::Vote(ballot_to_wire(&vote)),
                    LivenessMsg::PolkaCertificate(polka) => {
                        Output::Certificate(polka_to_wire(&polka))
                    }
                    LivenessMsg::SkipRoundCertificate(round) => {
                        Output::Certificate(round_to_wire(&round))
                    }
                });
                resume.resume_with(())
            }
            Effect::RepublishVote(vote, resume) => {
                self.publish(Output::Vote(ballot_to_wire(&vote)));
                resume.resume_with(())
            }
            Effect::RepublishRoundCertificate(round, resume) => {
                self.publish(Output::Certificate(round_to_wire(&round)));
                resume.resume_with(())
            }
            // A proposal is always sent together with its block.
            Effect::RestreamProposal(.., resume) => resume.resume_with(()),
            Effect::WalAppend(_, input, resume) => {
                self.log(&input);
                resume.resume_with(())
            }
            Effect::SignVote(ballot, resume) => {
                let payload = ballot.to_wire().signed_bytes();
                let signature = signing::sign(&self.key, Purpose::Vote, self.domain, &payload);
                resume.resume_with(SignedBallot::new(ballot, signature))
            }
            Effect::SignProposal(offer, resume) => {
                let payload = offer.signed_bytes();
                let signature = signing::sign(&self.key, Purpose::Proposal, self.domain, &payload);
                resume.resume_with(SignedOffer::new(offer, signature))
            }
            Effect::VerifySignature(message, _, resume) => {
                let signature = &message.signature;
                let result = match &message.message {
                    ConsensusMsg::Vote(ballot) => self.checker.vote(&Signed {
                        message: ballot.to_wire(),
                        signature: *signature,
                    }),
                    ConsensusMsg::Proposal(offer) => self.checker.offer(offer, signature),
                };
                resume.resume_with(result.is_ok())
            }
            Effect::VerifyCommitCertificate(certificate, members, thresholds, resume) => {
                let checker = &self.checker;
                let check = checker.verify_commit_certificate(
                    &Consensus,
                    &certificate,
                    &members,
                    thresholds,
                );
                resume.resume_with(ready(check.now_or_never()))
            }
            Effect::VerifyExtendedCommitCertificate(
                certificate,
                members,
                thresholds,
                policy,
                resume,
            ) => {
                let checker = &self.checker;
                let check = checker.verify_extended_commit_certificate(
                    &Consensus,
                    &certificate,
                    &members,
                    thresholds,
                    policy,
                );
                resume.resume_with(ready(check.now_or_never()))
            }
            Effect::VerifyPolkaCertificate(certificate, members, thresholds, resume) => {
                let checker = &self.checker;
                let check = checker.verify_polka_certificate(
                    &Consensus,
                    &certificate,
                    &members,
                    thresholds,
                );
                resume.resume_with(ready(check.now_or_never()))
            }
            Effect::VerifyRoundCertificate(certificate, members, thresholds, resume) => {
                let checker = &self.checker;
                let check = checker.verify_round_certificate(
                    &Consensus,
                    &certificate,
                    &members,
                    thresholds,
                );
                resume.resume_with(ready(check.now_or_never()))
            }
            // Vote extensions are disabled, and decided blocks are synced outside of the core.
            Effect::ExtendVote(.., resume) => resume.resume_with(None),
            Effect::VerifyVoteExtension(.., resume) => {
                let refused = malachite_core::VoteExtensionError::InvalidVoteExtension;
                resume.resume_with(Err(refused))
            }
            Effect::CertVerifiedSyncValue(.., resume) => resume.resume_with(()),
            Effect::CertRejectedSyncValue(.., resume) => resume.resume_with(()),
            Effect::Decide(.., resume) => resume.resume_with(()),
            Effect::Finalize(certificate, _, evidence, resume) => {
                let blamed = |(party, _): (&Party, _)| party.0;
                for party in evidence.votes.iter().map(|(party, _)| party.0) {
                    let what = "votes";
                    self.outputs.push(Output::Equivocation { party, what });
                }
                for party in evidence.proposals.iter().map(blamed) {
                    let what = "proposals";
                    self.outputs.push(Output::Equivocation { party, what });
                }
                self.outputs
                    .push(Output::Decided(commit_to_wire(&certificate)));
                resume.resume_with(())
            }
        }
    }

    /// Passes a message on, unless it is one of those that were sent before the crash: peers get
    /// it again by the timer for that, or when they connect.
    fn publish(&mut self, output: Output) {
        if self.replayed.is_none() {
            self.outputs.push(output);
        }
    }

    fn log(&mut self, input: &Input<Consensus>) {
        let Some(entry) = Entry::from_input(input) else {
            return;
        };
        let known = |digests: &BTreeSet<B256>| digests.contains(&keccak256(codec::encode(&entry)));
        if !self.replayed.as_ref().is_some_and(known) {
            self.outputs.push(Output::Log(entry));
        }
    }

    fn schedule(&mut self, timeout: Timeout) {
        let mut wait = self.timeouts.duration_for(timeout);
        let round = timeout.round.as_u32().unwrap_or_default();
        if timeout.kind == TimeoutKind::Propose && round == 0 {
            let proposer = self.members.proposer_party(self.height, round);
            let expected = proposer == self.me.0 || self.connected[usize::from(proposer)];
            if !expected {
                wait = wait.min(self.propose_unconnected);
            }
        }
        let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        let at_ms = self.now_ms.saturating_add(wait_ms);
        self.timers.insert(timer_key(timeout), (at_ms, timeout));
    }
}

/// The answer of a check that never waits.
fn ready(
    answer: Option<Result<(), CertificateError<Consensus>>>,
) -> Result<(), CertificateError<Consensus>> {
    answer.unwrap_or(Err(CertificateError::VerificationError(None)))
}

fn timer_key(timeout: Timeout) -> TimerKey {
    let kind = match timeout.kind {
        TimeoutKind::Propose => 0,
        TimeoutKind::Prevote => 1,
        TimeoutKind::Precommit => 2,
        TimeoutKind::Rebroadcast => 3,
        TimeoutKind::FinalizeHeight(_) => 4,
    };
    (kind, timeout.round.as_u32().unwrap_or_default())
}
