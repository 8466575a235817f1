//! What must never be seen.

use alloy_primitives::B256;

/// A promise that a run broke.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Violation {
    /// Two blocks of the same number are decided.
    Fork {
        /// Their number.
        number: u64,
    },
    /// Two nodes have different states after the same block.
    State {
        /// Number of the block.
        number: u64,
    },
    /// Times of blocks go back, or blocks are applied out of order.
    Order {
        /// Number of the block.
        number: u64,
    },
    /// An honest node signed two messages that exclude each other.
    Contradiction {
        /// The node.
        node: usize,
        /// The height of both.
        height: u64,
    },
    /// An honest node is accused.
    Blamed {
        /// The accuser.
        by: usize,
        /// The accused.
        peer: usize,
        /// Of what.
        of: String,
    },
    /// A node cannot go on.
    Halted {
        /// The node.
        node: usize,
        /// Why.
        why: String,
    },
    /// A node cannot start from its disk.
    NoStart {
        /// The node.
        node: usize,
        /// Why.
        why: String,
    },
    /// A user's good transaction is refused for good, or answered with another hash.
    Refused {
        /// The user.
        user: usize,
        /// Why.
        why: String,
    },
    /// A user's good transaction took no effect.
    NoEffect {
        /// Hash of the transaction.
        transaction: B256,
        /// Why.
        why: String,
    },
    /// A transaction is in more than one block.
    Twice {
        /// Hash of the transaction.
        transaction: B256,
    },
    /// A good input is rejected, or decided twice.
    Input {
        /// Its id.
        input: B256,
    },
    /// A copied input counts.
    Copied {
        /// Its id.
        input: B256,
    },
    /// A result is not what the program computes from the accepted inputs.
    WrongOutput {
        /// The computation.
        computation: B256,
    },
    /// A computation ended without a result.
    Failed {
        /// The computation.
        computation: B256,
    },
    /// A node used a key or a part of the reserve in two sessions.
    UsedTwice {
        /// The node.
        node: usize,
        /// The job of the second session.
        job: B256,
    },
    /// A session of an honest node went on after a frame that is not what its sender should have
    /// sent: what it sends next depends on it.
    UsedUnchecked {
        /// The node.
        node: usize,
        /// The job.
        job: B256,
        /// Number of the round.
        round: u32,
    },
    /// An honest node is convicted, or two honest nodes contradict each other in the log.
    Convicted {
        /// Those who are named.
        nodes: Vec<u8>,
    },
    /// An honest node has no seeds or components of an accepted input, or wrong ones.
    Seeds {
        /// The node.
        node: usize,
        /// The input.
        input: B256,
    },
    /// An honest node still has keys, seeds or components of a key epoch that is over.
    Kept {
        /// The node.
        node: usize,
        /// The epoch before which everything is to be erased.
        epoch: u64,
    },
    /// Two certificates of one computation differ in what they attest.
    Certificates {
        /// The computation.
        computation: B256,
    },
    /// All is well with the network and the nodes, and yet something is not done.
    NoProgress {
        /// What is waited for.
        what: String,
    },
    /// The code under test panicked.
    Panic(String),
}

impl Violation {
    /// Whether another run broke the same promise.
    #[must_use]
    pub fn is_like(&self, other: &Self) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
    }
}

impl std::fmt::Display for Violation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self:?}")
    }
}
