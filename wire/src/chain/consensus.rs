//! Messages of consensus, as they are signed, sent and stored.

use alloy_primitives::{B256, Bytes};
use serde::{Deserialize, Serialize};

use crate::{codec, signing::Signature};

/// A proposal: the block itself, for one height and round.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proposal {
    /// Height.
    pub height: u64,
    /// Round, from 0.
    pub round: u32,
    /// Round of the lock that justifies a repeated proposal, or none.
    pub pol_round: Option<u32>,
    /// Party number of the proposer.
    pub proposer: u8,
    /// The encoded block.
    pub block: Bytes,
}

impl Proposal {
    /// What is signed: all of it, with the block as its hash.
    #[must_use]
    pub fn signed_bytes(&self) -> Vec<u8> {
        let block = alloy_primitives::keccak256(&self.block);
        Self::bytes_to_sign(
            self.height,
            self.round,
            self.pol_round,
            self.proposer,
            block,
        )
    }

    /// What is signed for a proposal of a block with this hash.
    #[must_use]
    pub fn bytes_to_sign(
        height: u64,
        round: u32,
        pol_round: Option<u32>,
        proposer: u8,
        block: B256,
    ) -> Vec<u8> {
        codec::encode(&(height, round, pol_round, proposer, block))
    }
}

/// Which of the two votes of a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum VoteKind {
    /// First vote.
    Prevote,
    /// Second vote.
    Precommit,
}

/// A vote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vote {
    /// Which vote.
    pub kind: VoteKind,
    /// Height.
    pub height: u64,
    /// Round, from 0.
    pub round: u32,
    /// Hash of the block voted for, or none for nil.
    pub block: Option<B256>,
    /// Party number of the voter.
    pub voter: u8,
}

impl Vote {
    /// What is signed.
    #[must_use]
    pub fn signed_bytes(&self) -> Vec<u8> {
        codec::encode(self)
    }
}

/// Anything with its signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signed<T> {
    /// What was signed.
    pub message: T,
    /// The signature.
    pub signature: Signature,
}

/// Proof that a block was decided: three precommits for it in one round.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommitCertificate {
    /// Height.
    pub height: u64,
    /// Round of the precommits.
    pub round: u32,
    /// Hash of the block.
    pub block: B256,
    /// Party numbers of the voters, and their signatures.
    pub signatures: Vec<(u8, Signature)>,
}

/// Votes that let a node that missed them catch up within a height.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoundCertificate {
    /// The votes; each is checked by itself.
    pub votes: Vec<Signed<Vote>>,
    /// What they show: a lock (three prevotes) or that the round is to be left.
    pub kind: RoundCertificateKind,
}

/// What the votes of a [`RoundCertificate`] show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RoundCertificateKind {
    /// Three prevotes for one block.
    Polka,
    /// Two nodes are in that round already.
    Skip,
    /// Three precommits, whatever for.
    Precommits,
}

/// A decided block with its proof, as it is stored and synced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DecidedBlock {
    /// The encoded block.
    pub block: Bytes,
    /// The proof.
    pub certificate: CommitCertificate,
}
