//! What surrounds the core: keys, signature checks, timers.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use alloy_primitives::{B256, keccak256};
use futures::FutureExt as _;
use k256::ecdsa::SigningKey;
use malachite_core::{
    ConsensusMsg, Effect, Input, LivenessMsg, MisbehaviorEvidence, Resumable as _, Resume,
    SignedConsensusMsg, VoteExtensionError,
};
use malachite_signing::VerifierExt as _;
use malachite_types::{CertificateError, CommitCertificate, LinearTimeouts, Timeout, TimeoutKind};
use wire::{
    codec,
    consensus::Signed,
    limits::NODES,
    signing::{self, Domain, Purpose},
};

use super::{
    certificates::{Checker, ballot_to_wire, commit_to_wire, polka_to_wire, round_to_wire},
    context::{Consensus, Members, Party, SignedBallot, SignedOffer},
    engine::Output,
    wal::Entry,
};
use crate::Config;

/// Kind (in order of the steps of a round) and round.
type TimerKey = (u8, u32);

/// Answers what the core asks.
pub(super) struct Host {
    pub(super) me: Party,
    key: SigningKey,
    domain: Domain,
    pub(super) members: Members,
    pub(super) checker: Checker,
    timeouts: LinearTimeouts,
    propose_unconnected: Duration,
    pub(super) connected: [bool; NODES],
    pub(super) now_ms: u64,
    pub(super) timers: BTreeMap<TimerKey, (u64, Timeout)>,
    height: u64,
    /// Digests of the entries of the write-ahead log while it is replayed.
    pub(super) replayed: Option<BTreeSet<B256>>,
    pub(super) outputs: Vec<Output>,
}

impl Host {
    pub(super) fn new(config: &Config) -> Self {
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

    /// Does what the core asks for, or passes it on.
    pub(super) fn perform(&mut self, effect: Effect<Consensus>) -> Resume<Consensus> {
        match effect {
            Effect::CancelAllTimeouts(_) => self.timers.clear(),
            Effect::CancelTimeout(timeout, _) => {
                self.timers.remove(&timer_key(timeout));
            }
            Effect::ScheduleTimeout(timeout, _) => self.schedule(timeout),
            Effect::StartRound(height, ..) => self.height = height.0,
            Effect::GetValue(_, round, ..) => {
                let round = round.as_u32().unwrap_or_default();
                self.outputs.push(Output::NeedBlock { round });
            }
            Effect::WalAppend(_, input, _) => self.log(&input),
            Effect::SignVote(ballot, resume) => {
                let payload = ballot.to_wire().signed_bytes();
                let signature = signing::sign(&self.key, Purpose::Vote, self.domain, &payload);
                return resume.resume_with(SignedBallot::new(ballot, signature));
            }
            Effect::SignProposal(offer, resume) => {
                let payload = offer.signed_bytes();
                let signature = signing::sign(&self.key, Purpose::Proposal, self.domain, &payload);
                return resume.resume_with(SignedOffer::new(offer, signature));
            }
            Effect::PublishConsensusMsg(message, _) => self.publish(match message {
                SignedConsensusMsg::Vote(vote) => Output::Vote(ballot_to_wire(&vote)),
                SignedConsensusMsg::Proposal(offer) => Output::Offer(offer),
            }),
            Effect::PublishLivenessMsg(message, _) => self.publish(match message {
                LivenessMsg::Vote(vote) => Output::Vote(ballot_to_wire(&vote)),
                LivenessMsg::PolkaCertificate(polka) => Output::Certificate(polka_to_wire(&polka)),
                LivenessMsg::SkipRoundCertificate(round) => {
                    Output::Certificate(round_to_wire(&round))
                }
            }),
            Effect::RepublishVote(vote, _) => self.publish(Output::Vote(ballot_to_wire(&vote))),
            Effect::RepublishRoundCertificate(round, _) => {
                self.publish(Output::Certificate(round_to_wire(&round)));
            }
            Effect::Finalize(certificate, _, evidence, _) => self.decided(&certificate, &evidence),
            other => return self.check(other),
        }
        Resume::Continue
    }

    /// Checks signatures, and answers what is of no use here.
    fn check(&self, effect: Effect<Consensus>) -> Resume<Consensus> {
        let (checker, context) = (&self.checker, &Consensus);
        match effect {
            Effect::VerifySignature(message, _, resume) => {
                let signature = message.signature;
                let result = match message.message {
                    ConsensusMsg::Vote(ballot) => checker.vote(&Signed {
                        message: ballot.to_wire(),
                        signature,
                    }),
                    ConsensusMsg::Proposal(offer) => checker.offer(&offer, &signature),
                };
                resume.resume_with(result.is_ok())
            }
            Effect::VerifyCommitCertificate(proof, members, thresholds, resume) => {
                let check =
                    checker.verify_commit_certificate(context, &proof, &members, thresholds);
                resume.resume_with(ready(check.now_or_never()))
            }
            Effect::VerifyPolkaCertificate(proof, members, thresholds, resume) => {
                let check = checker.verify_polka_certificate(context, &proof, &members, thresholds);
                resume.resume_with(ready(check.now_or_never()))
            }
            Effect::VerifyRoundCertificate(proof, members, thresholds, resume) => {
                let check = checker.verify_round_certificate(context, &proof, &members, thresholds);
                resume.resume_with(ready(check.now_or_never()))
            }
            // Decided blocks are synced outside of the core, so it never asks for this.
            Effect::VerifyExtendedCommitCertificate(.., resume) => {
                resume.resume_with(Err(CertificateError::VerificationError(None)))
            }
            // Votes have no extensions.
            Effect::ExtendVote(.., resume) => resume.resume_with(None),
            Effect::VerifyVoteExtension(.., resume) => {
                resume.resume_with(Err(VoteExtensionError::InvalidVoteExtension))
            }
            // Nothing is done at a decision before it is final, and a proposal is always sent
            // together with its block.
            _ => Resume::Continue,
        }
    }

    fn decided(
        &mut self,
        certificate: &CommitCertificate<Consensus>,
        evidence: &MisbehaviorEvidence<Consensus>,
    ) {
        let voters = evidence.votes.iter().map(|(party, _)| (party.0, "votes"));
        let proposers = evidence
            .proposals
            .iter()
            .map(|(party, _)| (party.0, "proposals"));
        let blamed = voters.chain(proposers);
        self.outputs
            .extend(blamed.map(|(party, what)| Output::Equivocation { party, what }));
        self.outputs
            .push(Output::Decided(commit_to_wire(certificate)));
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
