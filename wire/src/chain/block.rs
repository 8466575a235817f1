//! Blocks of the log.

use alloy_primitives::{Address, B256, Bytes, keccak256};
use serde::{Deserialize, Serialize};

use crate::{WireError, codec, limits::BLOCK_BYTES, node_transaction::SignedNodeTransaction};

/// What a block says about itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// Its number; the first block has 1, the genesis state is block 0.
    pub number: u64,
    /// Hash of the block before it.
    pub parent: B256,
    /// Time of its proposer, in milliseconds since the Unix epoch; never less than its parent's.
    pub time_ms: u64,
    /// The node that made it.
    pub proposer: Address,
    /// Root of the state *before* this block: what the log agreed on so far.
    pub state_root: B256,
}

/// A block: transactions of nodes first, then those of users, each applied in order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Block {
    /// What it says about itself.
    pub header: Header,
    /// Transactions of nodes, at most one for each node.
    pub node_transactions: Vec<SignedNodeTransaction>,
    /// Envelopes of users' transactions.
    pub transactions: Vec<Bytes>,
}

impl Block {
    /// Its canonical encoding.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        codec::encode(self)
    }

    /// Decodes the canonical encoding.
    ///
    /// # Errors
    /// [`WireError::TooLong`] and [`WireError::Malformed`].
    pub fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        codec::decode("block", bytes, BLOCK_BYTES)
    }

    /// keccak-256 of its encoding; the value that consensus votes on.
    #[must_use]
    pub fn hash(&self) -> B256 {
        keccak256(self.encode())
    }
}
