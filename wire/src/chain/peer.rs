//! What nodes say to each other over the swarm, besides the frames of computations.

use alloy_primitives::{B256, Bytes};
use serde::{Deserialize, Serialize};

use crate::{
    WireError, codec,
    consensus::{DecidedBlock, Proposal, RoundCertificate, Signed, Vote},
    limits::PEER_FRAME_BYTES,
    node_transaction::SignedNodeTransaction,
};

/// A message that asks for nothing; lost ones are made up for by repetition and sync.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PeerMessage {
    /// A proposal of a block.
    Proposal(Signed<Proposal>),
    /// A vote.
    Vote(Signed<Vote>),
    /// Votes of a round that the receiver may have missed.
    RoundCertificate(RoundCertificate),
    /// Transactions of users that the sender admitted.
    Transactions(Vec<Bytes>),
    /// What a node wants in the next block.
    NodeTransaction(SignedNodeTransaction),
    /// Number of the sender's last block: whoever has fewer may ask for the rest.
    Status {
        /// Number of the last decided block.
        height: u64,
    },
    /// A wish for decided blocks.
    WantBlocks {
        /// Number of the first one.
        from: u64,
    },
    /// Decided blocks, in order.
    Blocks(Vec<DecidedBlock>),
    /// A wish for the seeds of inputs that the sender could not open.
    WantSeeds {
        /// Hashes of the transactions that carried the inputs.
        inputs: Vec<B256>,
    },
    /// Seeds of inputs, those that the receiver may hold. The connection is encrypted.
    Seeds(Vec<SharedSeeds>),
    /// A wish for a part of a lot of the reserve, which the log has the hash of.
    WantLot {
        /// Number of the lot.
        lot: u64,
        /// Number of the component, which both hold.
        component: u8,
        /// Where the part begins.
        offset: u64,
    },
    /// A part of a lot. The connection is encrypted.
    LotPart(LotPart),
    /// A wish for the components of inputs in the sharing of the current key epoch.
    WantShares {
        /// What names the sharing: [`crate::seal_keys::sharing_tag`].
        sharing: B256,
        /// Hashes of the transactions that carried the inputs; at most
        /// [`crate::limits::SHARES_INPUTS`].
        inputs: Vec<B256>,
    },
    /// Components of inputs, those that the receiver may hold. The connection is encrypted.
    Shares {
        /// What names the sharing.
        sharing: B256,
        /// As many as fit [`crate::limits::SHARES_BYTES`], or one.
        shares: Vec<InputShares>,
    },
}

/// The components of one input that two nodes share.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputShares {
    /// Hash of the transaction that carried the input.
    pub input: B256,
    /// Number and bytes of each, in the encoding of the input's type, with what proves it, at most
    /// [`crate::limits::SHARE_PROOF_BYTES`]; empty if the sender holds none (yet).
    pub components: Vec<(u8, Vec<u8>)>,
}

impl std::fmt::Debug for InputShares {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("InputShares")
            .field("input", &self.input)
            .finish_non_exhaustive()
    }
}

impl Drop for InputShares {
    fn drop(&mut self) {
        use zeroize::Zeroize as _;
        self.components.iter_mut().for_each(|(_, c)| c.zeroize());
    }
}

/// A part of one component of a lot of the reserve.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LotPart {
    /// Number of the lot.
    pub lot: u64,
    /// Number of the component.
    pub component: u8,
    /// Where the part begins.
    pub offset: u64,
    /// At most [`crate::limits::LOT_PART_BYTES`]; empty if the sender does not hold it.
    pub bytes: Vec<u8>,
}

impl std::fmt::Debug for LotPart {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LotPart")
            .field("lot", &self.lot)
            .field("component", &self.component)
            .field("offset", &self.offset)
            .finish_non_exhaustive()
    }
}

impl Drop for LotPart {
    fn drop(&mut self) {
        use zeroize::Zeroize as _;
        self.bytes.zeroize();
    }
}

/// The seeds of one input that two nodes share.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SharedSeeds {
    /// Hash of the transaction that carried the input.
    pub input: B256,
    /// Component and seed; empty if the sender holds none (yet).
    pub seeds: Vec<(u8, [u8; 32])>,
}

impl std::fmt::Debug for SharedSeeds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SharedSeeds")
            .field("input", &self.input)
            .finish_non_exhaustive()
    }
}

impl Drop for SharedSeeds {
    fn drop(&mut self) {
        use zeroize::Zeroize as _;
        self.seeds.iter_mut().for_each(|(_, seed)| seed.zeroize());
    }
}

impl PeerMessage {
    /// Encodes it.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        codec::encode(self)
    }

    /// Decodes it.
    ///
    /// # Errors
    /// [`WireError::TooLong`] and [`WireError::Malformed`].
    pub fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        codec::decode("peer message", bytes, PEER_FRAME_BYTES)
    }
}
