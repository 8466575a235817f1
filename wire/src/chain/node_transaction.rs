//! What nodes say in the log. One transaction of a node is in a block at most, with all that the
//! node has to say; repeating a message changes nothing.

use alloy_primitives::{B256, Bytes};
use k256::ecdsa::SigningKey;
use serde::{Deserialize, Serialize};

use crate::{
    WireError, codec,
    committee::Committee,
    limits::{NODE_TRANSACTION_BYTES, NODES},
    seal_keys::SignedSealKey,
    signing::{self, Purpose, Signature},
};

/// One statement of a node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum NodeMessage {
    /// The node holds its seeds of these inputs.
    Hold {
        /// Hashes of the transactions that carried the inputs.
        inputs: Vec<B256>,
    },
    /// The node could get its seeds of these inputs neither from the seal nor from its peers.
    Missing {
        /// Hashes of the transactions that carried the inputs.
        inputs: Vec<B256>,
    },
    /// The node takes part in an attempt of a job. The first of a node for an attempt counts.
    Join {
        /// The computation, or the lot of the reserve.
        job: B256,
        /// Number of the attempt.
        attempt: u32,
        /// Fresh and uniformly random; the keys of the session depend on it.
        nonce: B256,
    },
    /// An attempt stopped at this node.
    Stop {
        /// The job.
        job: B256,
        /// Number of the attempt.
        attempt: u32,
        /// Why.
        reason: StopReason,
    },
    /// What the node sent, or vouched for, of a stream of which a receiver says that its two copies
    /// differ.
    Statement {
        /// The job.
        job: B256,
        /// Number of the attempt.
        attempt: u32,
        /// Digest of the stream as this node had it.
        digest: B256,
    },
    /// The node has computed everything, and opened nothing yet.
    Ready {
        /// The job.
        job: B256,
        /// Number of the attempt.
        attempt: u32,
        /// By component: a commitment to what would be opened, or the hash of what was made for the
        /// reserve; none for the component that the node lacks.
        commitments: [Option<B256>; NODES],
    },
    /// Components of what a computation opens, once its opening is final.
    Open {
        /// The computation.
        job: B256,
        /// Those that the log lacks.
        components: Vec<OpenedComponent>,
    },
    /// A node that was away is back and has caught up.
    Here,
    /// The node's signature of an attestation's EIP-712 digest.
    Attest {
        /// The computation.
        computation: B256,
        /// The signature.
        signature: Signature,
    },
    /// Time is to move forward; only in clusters for development.
    AdvanceTime {
        /// Who asked: makes two requests for the same step different.
        request: B256,
        /// By how much, in milliseconds.
        by_ms: u64,
    },
    /// The node's sealing key of a key epoch. The first of a node for an epoch counts.
    SealKey {
        /// The key epoch.
        epoch: u64,
        /// The key, signed for users.
        key: SignedSealKey,
    },
}

/// One component of all that a computation opens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenedComponent {
    /// Its number.
    pub component: u8,
    /// What blinded the commitment to it.
    pub blinding: B256,
    /// Its value: all outputs in order, encoded as shares are on the wire.
    pub value: Bytes,
}

/// Why an attempt stopped at one node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum StopReason {
    /// A peer did not send in time, or its connection broke. Says nothing about guilt.
    Silence {
        /// Party number of the peer.
        peer: u8,
    },
    /// The two copies of one stream differ: one of the two peers who sent them lied, or the node
    /// that says so.
    Mismatch {
        /// Number of the round, from 0.
        round: u32,
        /// Party number of who sent the stream.
        sender: u8,
        /// Party number of who vouched for it.
        backup: u8,
        /// Digest of the stream as it came from the sender.
        digest: B256,
    },
    /// A peer sent a frame that no honest node sends (size, session or round are wrong).
    BadFrame {
        /// Party number of the peer.
        peer: u8,
    },
    /// The node itself could not take part, for example because it was started anew.
    Local,
    /// What was made for the reserve by three nodes failed its check: one of the three lied, and
    /// nobody can say which.
    Spoiled,
}

/// A transaction of a node, before it is signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeTransaction {
    /// Party number of the node.
    pub node: u8,
    /// What it has to say.
    pub messages: Vec<NodeMessage>,
}

/// A transaction of a node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedNodeTransaction {
    /// What was signed.
    pub transaction: NodeTransaction,
    /// The node's signature for [`Purpose::NodeTransaction`].
    pub signature: Signature,
}

impl NodeTransaction {
    /// Signs it.
    #[must_use]
    pub fn sign(self, key: &SigningKey, committee: &Committee) -> SignedNodeTransaction {
        let payload = codec::encode(&self);
        let signature = signing::sign(key, Purpose::NodeTransaction, committee.domain(), &payload);
        SignedNodeTransaction {
            transaction: self,
            signature,
        }
    }
}

impl SignedNodeTransaction {
    /// Checks size and signature.
    ///
    /// # Errors
    /// [`WireError::TooLong`] and [`WireError::BadSignature`].
    pub fn verify(&self, committee: &Committee) -> Result<(), WireError> {
        const WHAT: &str = "node transaction";
        let payload = codec::encode(&self.transaction);
        if payload.len() > NODE_TRANSACTION_BYTES {
            let (actual, limit) = (payload.len(), NODE_TRANSACTION_BYTES);
            return Err(WireError::TooLong {
                what: WHAT,
                actual,
                limit,
            });
        }
        let node = committee
            .nodes
            .get(usize::from(self.transaction.node))
            .ok_or(WireError::BadSignature { what: WHAT })?;
        let (purpose, domain) = (Purpose::NodeTransaction, committee.domain());
        signing::verify(
            WHAT,
            node.address,
            purpose,
            domain,
            &payload,
            &self.signature,
        )
    }
}
