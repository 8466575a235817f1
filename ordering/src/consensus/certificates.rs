//! Signatures of consensus, each checked once, and proofs made of them.

use std::{collections::BTreeSet, sync::Mutex};

use alloy_primitives::{Address, B256, Keccak256, keccak256};
use async_trait::async_trait;
use malachite_signing::{Error, VerificationResult, Verifier};
use malachite_types::{
    self as core, NilOrVal, PolkaSignature, Round, RoundCertificateType, RoundSignature,
    ValidatorProof, VoteExtensionScope, VoteType,
};
use wire::{
    WireError,
    committee::Committee,
    consensus::{
        CommitCertificate, DecidedBlock, RoundCertificate, RoundCertificateKind, Signed, Vote,
        VoteKind,
    },
    limits::{NODES, QUORUM},
    signing::{self, Domain, Purpose, Signature},
};

use super::context::{Ballot, BlockHash, Consensus, Number, Offer, Party, SignedBallot};
use crate::CertificateError;

/// Signatures that are remembered as good; more than a height needs.
const REMEMBERED: usize = 1024;

/// Checks signatures of nodes and remembers the good ones: the core asks about the same vote when
/// it arrives and again in every certificate that holds it, and a check costs more than all else
/// that is done with a vote.
pub(crate) struct Checker {
    domain: Domain,
    addresses: [Address; NODES],
    good: Mutex<BTreeSet<B256>>,
}

impl Checker {
    pub(crate) fn new(committee: &Committee) -> Self {
        Self {
            domain: committee.domain(),
            addresses: committee.nodes.each_ref().map(|node| node.address),
            good: Mutex::default(),
        }
    }

    /// Checks a vote.
    pub(crate) fn vote(&self, vote: &Signed<Vote>) -> Result<(), WireError> {
        let Signed { message, signature } = vote;
        let payload = message.signed_bytes();
        self.check("vote", message.voter, Purpose::Vote, &payload, signature)
    }

    /// Checks a proposal.
    pub(crate) fn offer(&self, offer: &Offer, signature: &Signature) -> Result<(), WireError> {
        let payload = offer.signed_bytes();
        self.check(
            "proposal",
            offer.proposer.0,
            Purpose::Proposal,
            &payload,
            signature,
        )
    }

    fn check(
        &self,
        what: &'static str,
        party: u8,
        purpose: Purpose,
        payload: &[u8],
        signature: &Signature,
    ) -> Result<(), WireError> {
        let address = self.addresses.get(usize::from(party));
        let address = address.ok_or(WireError::BadSignature { what })?;
        let mut hasher = Keccak256::new();
        hasher.update([purpose as u8, party, u8::from(signature.y_odd)]);
        hasher.update(signature.r);
        hasher.update(signature.s);
        hasher.update(payload);
        let name = hasher.finalize();
        if self.good.lock().is_ok_and(|good| good.contains(&name)) {
            return Ok(());
        }
        signing::verify(what, *address, purpose, self.domain, payload, signature)?;
        if let Ok(mut good) = self.good.lock() {
            if good.len() >= REMEMBERED {
                good.clear();
            }
            good.insert(name);
        }
        Ok(())
    }
}

#[async_trait]
impl Verifier<Consensus> for Checker {
    async fn verify_signed_vote(
        &self,
        vote: &Ballot,
        signature: &Signature,
        _: &Address,
    ) -> Result<VerificationResult, Error> {
        let signed = Signed {
            message: vote.to_wire(),
            signature: *signature,
        };
        Ok(VerificationResult::from_bool(self.vote(&signed).is_ok()))
    }

    async fn verify_signed_proposal(
        &self,
        offer: &Offer,
        signature: &Signature,
        _: &Address,
    ) -> Result<VerificationResult, Error> {
        Ok(VerificationResult::from_bool(
            self.offer(offer, signature).is_ok(),
        ))
    }

    async fn verify_signed_vote_extension(
        &self,
        _: &VoteExtensionScope<Consensus>,
        (): &(),
        _: &Signature,
        _: &Address,
    ) -> Result<VerificationResult, Error> {
        Ok(VerificationResult::Invalid)
    }

    async fn verify_validator_proof(
        &self,
        _: &ValidatorProof<Consensus>,
    ) -> Result<VerificationResult, Error> {
        Ok(VerificationResult::Invalid)
    }
}

/// Checks that three nodes precommitted to this very block in one round.
///
/// # Errors
/// [`CertificateError`].
pub(crate) fn verify_decided(
    checker: &Checker,
    decided: &DecidedBlock,
) -> Result<(), CertificateError> {
    let CommitCertificate {
        height,
        round,
        block,
        signatures,
    } = &decided.certificate;
    let actual = keccak256(&decided.block);
    if *block != actual {
        return Err(CertificateError::OtherBlock {
            expected: *block,
            actual,
        });
    }
    let mut parties = BTreeSet::new();
    for &(voter, signature) in signatures {
        if usize::from(voter) >= NODES || !parties.insert(voter) {
            return Err(CertificateError::Party(voter));
        }
        let message = Vote {
            kind: VoteKind::Precommit,
            height: *height,
            round: *round,
            block: Some(*block),
            voter,
        };
        checker.vote(&Signed { message, signature })?;
    }
    if parties.len() < QUORUM {
        return Err(CertificateError::TooFew(parties.len()));
    }
    Ok(())
}

/// The proof of a decision, as it is stored.
pub(crate) fn commit_to_wire(
    certificate: &core::CommitCertificate<Consensus>,
) -> CommitCertificate {
    let signatures = certificate.commit_signatures.iter();
    CommitCertificate {
        height: certificate.height.0,
        round: certificate.round.as_u32().unwrap_or_default(),
        block: certificate.value_id.0,
        signatures: signatures.map(|s| (s.address.0, s.signature)).collect(),
    }
}

/// The votes of a lock, as they are sent.
pub(crate) fn polka_to_wire(certificate: &core::PolkaCertificate<Consensus>) -> RoundCertificate {
    RoundCertificate {
        votes: certificate
            .votes(&Consensus)
            .map(|vote| ballot_to_wire(&vote))
            .collect(),
        kind: RoundCertificateKind::Polka,
    }
}

/// The votes for leaving a round, as they are sent.
pub(crate) fn round_to_wire(certificate: &core::RoundCertificate<Consensus>) -> RoundCertificate {
    RoundCertificate {
        votes: certificate
            .votes(&Consensus)
            .map(|vote| ballot_to_wire(&vote))
            .collect(),
        kind: match certificate.cert_type {
            RoundCertificateType::Skip => RoundCertificateKind::Skip,
            RoundCertificateType::Precommit => RoundCertificateKind::Precommits,
        },
    }
}

/// A signed vote, as it is sent.
pub(crate) fn ballot_to_wire(ballot: &SignedBallot) -> Signed<Vote> {
    Signed {
        message: ballot.message.to_wire(),
        signature: ballot.signature,
    }
}

/// A signed vote, as the core knows it.
pub(crate) fn ballot_from_wire(vote: &Signed<Vote>) -> SignedBallot {
    SignedBallot::new(Ballot::from_wire(&vote.message), vote.signature)
}

/// A certificate of either kind, as the core knows it.
pub(crate) enum CoreCertificate {
    Polka(core::PolkaCertificate<Consensus>),
    Round(core::RoundCertificate<Consensus>),
}

/// What the votes of a certificate show, unless they do not belong together.
pub(crate) fn certificate_from_wire(certificate: &RoundCertificate) -> Option<CoreCertificate> {
    let votes = &certificate.votes;
    let first = &votes.first()?.message;
    let together = |vote: &Vote| (vote.height, vote.round) == (first.height, first.round);
    if votes.len() > NODES || !votes.iter().all(|vote| together(&vote.message)) {
        return None;
    }
    let (height, round) = (Number(first.height), Round::new(first.round));
    let cert_type = match certificate.kind {
        RoundCertificateKind::Polka => {
            let block = first.block?;
            let same = |vote: &Vote| vote.kind == VoteKind::Prevote && vote.block == Some(block);
            if !votes.iter().all(|vote| same(&vote.message)) {
                return None;
            }
            let signatures = votes
                .iter()
                .map(|vote| PolkaSignature::new(Party(vote.message.voter), vote.signature));
            return Some(CoreCertificate::Polka(core::PolkaCertificate {
                height,
                round,
                value_id: BlockHash(block),
                polka_signatures: signatures.collect(),
            }));
        }
        RoundCertificateKind::Skip => RoundCertificateType::Skip,
        RoundCertificateKind::Precommits => RoundCertificateType::Precommit,
    };
    let signatures = votes.iter().map(|vote| {
        let message = &vote.message;
        let kind = match message.kind {
            VoteKind::Prevote => VoteType::Prevote,
            VoteKind::Precommit => VoteType::Precommit,
        };
        let block = message
            .block
            .map_or(NilOrVal::Nil, |hash| NilOrVal::Val(BlockHash(hash)));
        RoundSignature::new(kind, block, Party(message.voter), vote.signature)
    });
    Some(CoreCertificate::Round(core::RoundCertificate {
        height,
        round,
        cert_type,
        round_signatures: signatures.collect(),
    }))
}

#[cfg(test)]
mod tests;
