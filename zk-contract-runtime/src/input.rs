//! Sealed inputs and what the nodes say about them.
//!
//! `ordered → accepted | rejected`, and later perhaps `replaced | deleted`. An input is ordered when its transaction is applied; a dry run
//! has shown that the contract would take it. Three nodes that hold their seeds make it *held*, two
//! that miss theirs make it rejected; the first threshold in the order of the log is final. A held
//! input waits for its sender's earlier ones, then the contract runs for real, with the time and
//! block of the ordering, and what it says is the verdict.

use std::sync::Arc;

use alloy_primitives::{Address, B256, Bytes};
use serde::Serialize;
use wire::{
    WireError, codec,
    kind::InputType,
    limits::{NODES, ONE_HONEST, QUORUM},
    results::{RowPlace, check_base},
    rpc::{InputInfo, InputStatus},
    sealed::{Binding, SealedInput, Seed, check_seed},
};

/// A sealed input, as the nodes need it to check their seeds and to collect their shares.
#[derive(Clone, Debug)]
pub struct PendingInput {
    /// What its seals and commitments are bound to; `binding.input` is the number of its type.
    pub binding: Binding,
    /// The input itself.
    pub sealed: Arc<SealedInput>,
    /// Its type.
    pub input_type: Arc<InputType>,
    /// Of which computation it is a result, if it is none of a client. Its seeds then follow from the
    /// base seeds of that computation, which open the commitments.
    pub row: Option<RowPlace>,
}

impl PendingInput {
    /// Under which id nodes keep and share what its seeds follow from; `id` is its own.
    #[must_use]
    pub fn seeds_id(&self, id: B256) -> B256 {
        self.row.map_or(id, |row| row.computation)
    }

    /// Checks a seed, or a base seed, against its commitment, in constant time.
    ///
    /// # Errors
    /// [`WireError::CommitmentMismatch`].
    pub fn check_seed(&self, component: u8, seed: &Seed) -> Result<(), WireError> {
        let Some(row) = self.row else {
            return check_seed(&self.binding, &self.sealed, component, seed);
        };
        let expected = self.sealed.commitments.get(usize::from(component));
        let expected = expected.ok_or(WireError::CommitmentMismatch { component })?;
        check_base(row.computation, component, seed, expected)
    }

    /// Its seeds, from what nodes keep.
    #[must_use]
    pub fn seeds(&self, kept: &[Option<Seed>; NODES]) -> [Option<Seed>; NODES] {
        kept.each_ref().map(|kept| {
            let kept = kept.as_ref()?;
            Some(match &self.row {
                Some(row) => row.seed(kept),
                None => Seed::new(*kept.expose()),
            })
        })
    }
}

/// What a node has said about its seeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) enum Vote {
    /// Neither the seal nor a peer gave them.
    Missing,
    /// It holds them.
    Hold,
}

/// How far an input has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) enum Status {
    /// Votes are being collected.
    Ordered,
    /// Three nodes hold their seeds; earlier inputs of the sender are undecided.
    Held,
    /// It counts.
    Accepted,
    /// It counted until its owner sent this one in its place.
    Replaced(B256),
    /// It counted until its contract deleted it.
    Deleted,
    /// It does not count.
    Rejected {
        /// Why, in words, which the state's root does not depend on.
        #[serde(skip)]
        reason: String,
        /// The contract's ABI-encoded error, empty if it was not the contract that refused.
        data: Bytes,
    },
}

/// An input in the state.
#[derive(Clone, Debug)]
pub(crate) struct Input {
    /// The contract.
    pub(crate) contract: Address,
    /// Who sent it.
    pub(crate) owner: Address,
    /// What it is bound to.
    pub(crate) binding: Binding,
    /// Its place among all inputs.
    pub(crate) sequence: u64,
    /// Block that ordered it.
    pub(crate) ordered_in: u64,
    /// Time of that block, in milliseconds since the Unix epoch.
    pub(crate) ordered_ms: u64,
    /// Block with the verdict.
    pub(crate) decided_in: Option<u64>,
    /// Fuel that the call may use.
    pub(crate) fuel: u64,
    /// The call; dropped once it is decided.
    pub(crate) data: Bytes,
    /// The set of inputs to which its contract put it.
    pub(crate) group: u64,
    /// What its contract says about it in public.
    pub(crate) tag: u64,
    /// The sealed part; dropped once nobody needs it.
    pub(crate) sealed: Option<Arc<SealedInput>>,
    /// Of which computation it is a result, if it is none of a client.
    pub(crate) row: Option<RowPlace>,
    /// What each node has said.
    pub(crate) votes: [Option<Vote>; NODES],
    /// How far it has come.
    pub(crate) status: Status,
}

/// What a vote led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The third node holds its seeds.
    Held,
    /// The second node misses its seeds.
    Missing,
}

impl Input {
    /// Counts a vote. A node may go from missing to holding, never back; whatever comes after the
    /// first threshold changes nothing.
    pub(crate) fn vote(&mut self, node: u8, vote: Vote) -> Option<Verdict> {
        if self.status != Status::Ordered {
            return None;
        }
        let slot = self.votes.get_mut(usize::from(node))?;
        if *slot == Some(Vote::Hold) || *slot == Some(vote) {
            return None;
        }
        *slot = Some(vote);
        let count = |vote| self.votes.iter().filter(|v| **v == Some(vote)).count();
        if count(Vote::Hold) >= QUORUM {
            return Some(Verdict::Held);
        }
        (count(Vote::Missing) >= ONE_HONEST).then_some(Verdict::Missing)
    }

    /// What the state's root commits to. The sealed part is in the transaction, whose hash is the
    /// key.
    pub(crate) fn encode(&self) -> Vec<u8> {
        codec::encode(&(
            (self.contract, self.owner, &self.binding, self.sequence),
            (self.ordered_in, self.ordered_ms, self.decided_in, self.fuel),
            (self.group, self.tag, self.row, self.votes, &self.status),
        ))
    }

    /// As users see it.
    pub(crate) fn info(&self, id: B256) -> InputInfo {
        InputInfo {
            id,
            contract: self.contract,
            owner: self.owner,
            sequence: self.sequence,
            group: self.group,
            tag: self.tag,
            ordered_in: self.ordered_in,
            decided_in: self.decided_in,
            status: match &self.status {
                Status::Ordered | Status::Held => InputStatus::Ordered,
                Status::Accepted => InputStatus::Accepted,
                Status::Replaced(by) => InputStatus::Replaced { by: *by },
                Status::Deleted => InputStatus::Deleted,
                Status::Rejected { reason, data } => InputStatus::Rejected {
                    reason: reason.clone(),
                    data: data.clone(),
                },
            },
        }
    }
}

#[cfg(test)]
mod tests;
