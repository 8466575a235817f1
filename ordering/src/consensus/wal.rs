//! Records of the write-ahead log: what the node must know again after a crash, so that it signs
//! nothing that contradicts what it signed before.
//!
//! One record holds everything since the one before, and is on disk before the message is sent that
//! it was written for. It names its height, so a log that was not emptied in time does no harm, and
//! carries a checksum, so a torn record is seen: nothing was sent on its account.

use alloy_primitives::{B256, Bytes, keccak256};
use malachite_core::{Input, ProposedValue};
use malachite_types::{Round, Timeout, TimeoutKind, Validity, ValueOrigin};
use serde::{Deserialize, Serialize};
use wire::{
    codec,
    consensus::{RoundCertificate, Signed, Vote},
    limits::BLOCK_BYTES,
    signing::Signature,
};

use super::{
    certificates::{
        CoreCertificate, ballot_from_wire, ballot_to_wire, certificate_from_wire, polka_to_wire,
    },
    context::{BlockHash, Consensus, Number, Offer, Party, SignedOffer},
};

/// Bytes of entries after which a record is written in any case, so that with one more block it is
/// no longer than a frame between nodes.
pub(crate) const RECORD_BYTES: usize = 1024 * 1024;
const CHECKSUM_BYTES: usize = 8;

/// A fact that consensus rests on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Entry {
    /// A block that a later [`Entry::Value`] names.
    Block(Bytes),
    /// What the node found a proposed block to be.
    Value {
        round: u32,
        pol_round: Option<u32>,
        proposer: u8,
        block: B256,
        valid: bool,
    },
    /// A proposal that was received or made.
    Proposal {
        round: u32,
        pol_round: Option<u32>,
        proposer: u8,
        block: B256,
        signature: Signature,
    },
    /// A vote that was received or cast.
    Vote(Signed<Vote>),
    /// A proof of a lock.
    Polka(RoundCertificate),
    /// A timeout that elapsed.
    Timeout { kind: WaitedFor, round: u32 },
}

/// What a validator waited for in vain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum WaitedFor {
    Proposal,
    Prevotes,
    Precommits,
}

#[derive(Serialize, Deserialize)]
struct Record {
    height: u64,
    entries: Vec<Entry>,
}

/// Encodes one record of the log.
pub(crate) fn encode(height: u64, entries: Vec<Entry>) -> Bytes {
    let mut bytes = codec::encode(&Record { height, entries });
    let checksum = keccak256(&bytes);
    bytes.extend_from_slice(&checksum[..CHECKSUM_BYTES]);
    bytes.into()
}

/// The entries of all records of a height. Damaged records are skipped: they were never acted on.
pub(crate) fn decode(records: &[Bytes], height: u64) -> Vec<Entry> {
    let record = |bytes: &Bytes| {
        let (record, checksum) = bytes.split_last_chunk::<CHECKSUM_BYTES>()?;
        if keccak256(record)[..CHECKSUM_BYTES] != checksum[..] {
            return None;
        }
        let limit = 2 * RECORD_BYTES + BLOCK_BYTES;
        codec::decode::<Record>("record of the write-ahead log", record, limit).ok()
    };
    let records = records.iter().filter_map(record);
    let current = records.filter(|record| record.height == height);
    current.flat_map(|record| record.entries).collect()
}

impl Entry {
    /// About how long its encoding is.
    pub(crate) fn bytes(&self) -> usize {
        const SMALL: usize = 512;
        match self {
            Self::Block(bytes) => bytes.len() + SMALL,
            _ => SMALL,
        }
    }

    /// The entry for an input that the core wants logged; none for those that it never does.
    pub(super) fn from_input(input: &Input<Consensus>) -> Option<Self> {
        Some(match input {
            Input::Vote(vote) => Self::Vote(ballot_to_wire(vote)),
            Input::Proposal(offer) => Self::Proposal {
                round: offer.message.round.as_u32()?,
                pol_round: offer.message.pol_round.as_u32(),
                proposer: offer.message.proposer.0,
                block: offer.message.block.0,
                signature: offer.signature,
            },
            Input::PolkaCertificate(certificate) => Self::Polka(polka_to_wire(certificate)),
            Input::ProposedValue(value, _) => Self::Value {
                round: value.round.as_u32()?,
                pol_round: value.valid_round.as_u32(),
                proposer: value.proposer.0,
                block: value.value.0,
                valid: value.validity.is_valid(),
            },
            Input::TimeoutElapsed(timeout) => Self::Timeout {
                kind: match timeout.kind {
                    TimeoutKind::Propose => WaitedFor::Proposal,
                    TimeoutKind::Prevote => WaitedFor::Prevotes,
                    TimeoutKind::Precommit => WaitedFor::Precommits,
                    TimeoutKind::Rebroadcast | TimeoutKind::FinalizeHeight(_) => return None,
                },
                round: timeout.round.as_u32()?,
            },
            Input::StartHeight(..)
            | Input::RoundCertificate(_)
            | Input::Propose(_)
            | Input::SyncValueResponse(_) => return None,
        })
    }

    /// The input that it was made from.
    pub(super) fn to_input(&self, height: Number) -> Option<Input<Consensus>> {
        Some(match self {
            Self::Block(_) => return None,
            &Self::Value {
                round,
                pol_round,
                proposer,
                block,
                valid,
            } => {
                let value = ProposedValue {
                    height,
                    round: Round::new(round),
                    valid_round: Round::from(pol_round),
                    proposer: Party(proposer),
                    value: BlockHash(block),
                    validity: Validity::from_bool(valid),
                };
                Input::ProposedValue(value, ValueOrigin::Consensus)
            }
            &Self::Proposal {
                round,
                pol_round,
                proposer,
                block,
                signature,
            } => {
                let offer = Offer {
                    height,
                    round: Round::new(round),
                    block: BlockHash(block),
                    pol_round: Round::from(pol_round),
                    proposer: Party(proposer),
                };
                Input::Proposal(SignedOffer::new(offer, signature))
            }
            Self::Vote(vote) => Input::Vote(ballot_from_wire(vote)),
            Self::Polka(certificate) => match certificate_from_wire(certificate)? {
                CoreCertificate::Polka(certificate) => Input::PolkaCertificate(certificate),
                CoreCertificate::Round(_) => return None,
            },
            &Self::Timeout { kind, round } => {
                let kind = match kind {
                    WaitedFor::Proposal => TimeoutKind::Propose,
                    WaitedFor::Prevotes => TimeoutKind::Prevote,
                    WaitedFor::Precommits => TimeoutKind::Precommit,
                };
                Input::TimeoutElapsed(Timeout::new(Round::new(round), kind))
            }
        })
    }
}

#[cfg(test)]
mod tests;
