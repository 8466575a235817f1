//! What a node is told when it starts.

use std::time::Duration;

use k256::ecdsa::SigningKey;
use malachite_types::LinearTimeouts;
use wire::{committee::Committee, limits::CLOCK_BOUND_MS};

use crate::OrderingError;

/// Settings of one node's part in the log. All times are in milliseconds.
#[derive(Clone)]
pub struct Config {
    /// The committee.
    pub committee: Committee,
    /// This node's party number.
    pub me: u8,
    /// This node's identity key.
    pub key: SigningKey,
    /// How long a validator waits within a round.
    pub timeouts: Timeouts,
    /// A block is made after this time even if there is nothing to put into it.
    pub idle_block_ms: u64,
    /// Least time between a block and the start of the next one.
    pub min_block_ms: u64,
    /// How long work is gathered before it is sent on or a block is begun for it.
    pub gather_ms: u64,
    /// How far the time of a new proposal may be from this node's clock. It may be older by as much
    /// as the wait for a proposal has grown since round 0.
    pub clock_bound_ms: u64,
    /// How often a node tells its peers its height and repeats what has not reached a block.
    pub repeat_ms: u64,
}

/// How long a validator waits within a round, in milliseconds. Every round adds `growth_ms` to each
/// of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// For a proposal.
    pub propose_ms: u64,
    /// For a proposal by a node that is not connected, in round 0.
    pub propose_unconnected_ms: u64,
    /// For more prevotes, once three nodes have sent different ones.
    pub prevote_ms: u64,
    /// For more precommits, once three nodes have sent different ones.
    pub precommit_ms: u64,
    /// Until the own votes are sent again.
    pub rebroadcast_ms: u64,
    /// Added for each round.
    pub growth_ms: u64,
    /// Upper bound for each of them.
    pub longest_ms: u64,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            propose_ms: 600,
            propose_unconnected_ms: 150,
            prevote_ms: 300,
            precommit_ms: 300,
            rebroadcast_ms: 1_000,
            growth_ms: 100,
            longest_ms: 5_000,
        }
    }
}

impl Timeouts {
    /// By how much the waits of a round may be longer than those of round 0.
    pub(crate) fn grown_ms(&self, round: u32) -> u64 {
        let grown_ms = self.growth_ms.saturating_mul(round.into());
        grown_ms.min(self.longest_ms)
    }

    pub(crate) const fn linear(&self) -> LinearTimeouts {
        let growth = Duration::from_millis(self.growth_ms);
        LinearTimeouts {
            propose: Duration::from_millis(self.propose_ms),
            propose_delta: growth,
            prevote: Duration::from_millis(self.prevote_ms),
            prevote_delta: growth,
            precommit: Duration::from_millis(self.precommit_ms),
            precommit_delta: growth,
            rebroadcast: Duration::from_millis(self.rebroadcast_ms),
            max_timeout: Duration::from_millis(self.longest_ms),
        }
    }
}

impl Config {
    /// The usual settings of node `me`.
    #[must_use]
    pub fn new(committee: Committee, me: u8, key: SigningKey) -> Self {
        Self {
            committee,
            me,
            key,
            timeouts: Timeouts::default(),
            idle_block_ms: 10_000,
            min_block_ms: 50,
            gather_ms: 5,
            clock_bound_ms: CLOCK_BOUND_MS,
            repeat_ms: 1_000,
        }
    }

    /// Checks that the key is the one that the committee knows for this node, and that the
    /// committee's public keys belong to its addresses.
    ///
    /// # Errors
    /// [`OrderingError::WrongKey`] and [`OrderingError::Committee`].
    pub(crate) fn check(&self) -> Result<(), OrderingError> {
        let address = wire::signing::address(self.key.verifying_key());
        let expected = self.committee.nodes.get(usize::from(self.me));
        match expected {
            Some(node) if node.address == address => Ok(()),
            Some(node) => Err(OrderingError::WrongKey {
                node: self.me,
                expected: node.address,
                actual: address,
            }),
            None => Err(OrderingError::Committee(format!(
                "there is no node {}",
                self.me
            ))),
        }
    }
}
