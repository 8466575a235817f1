//! Every byte that crosses a process, guest or chain boundary.
//!
//! Owns encodings, their bounds, the hashes and signatures over them, and nothing else: no I/O, no
//! clock, no state. Contracts use it without the `chain` feature: only [`kind`], [`guest`] and
//! [`limits`] remain. Read [`limits`] first, then [`transaction`], [`block`] and [`sealed`].

pub mod guest;
pub mod kind;
pub mod limits;
pub mod secret;

#[cfg(feature = "chain")]
mod chain {
    pub mod attestation;
    pub mod block;
    pub mod codec;
    pub mod committee;
    pub mod consensus;
    pub mod contract;
    pub mod docs;
    pub mod node_transaction;
    pub mod peer;
    pub mod read;
    pub mod receipt;
    pub mod results;
    pub mod rpc;
    pub mod seal_keys;
    pub mod sealed;
    pub mod signing;
    pub mod transaction;
}
#[cfg(feature = "chain")]
pub use chain::*;

/// What makes bytes from outside unacceptable.
#[derive(Debug, thiserror::Error, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum WireError {
    /// Longer than [`limits`] allows.
    #[error("{what} is {actual} bytes long, and at most {limit} are allowed")]
    TooLong {
        /// What was measured.
        what: &'static str,
        /// Its length in bytes.
        actual: usize,
        /// The bound.
        limit: usize,
    },
    /// Not an encoding of the expected type, or not the canonical one.
    #[error("{what} is malformed: {why}")]
    Malformed {
        /// What was decoded.
        what: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// A signature that does not verify, or one for another purpose, chain or key.
    #[error("the signature of {what} does not verify")]
    BadSignature {
        /// What was signed.
        what: &'static str,
    },
    /// A transaction for another chain.
    #[error(
        "the transaction names chain {actual}, and this chain is {expected}: sign it for chain {expected}"
    )]
    WrongChain {
        /// This chain's id.
        expected: u64,
        /// The id in the transaction, 0 when it has none.
        actual: u64,
    },
    /// A sealed part that does not open with this node's key and this context.
    #[error("the sealed part for node {node} does not open")]
    SealDoesNotOpen {
        /// Index of the node in the committee.
        node: u8,
    },
    /// A seed that does not open its commitment.
    #[error("the seed of component {component} does not open its commitment")]
    CommitmentMismatch {
        /// Share component, 0 to 3.
        component: u8,
    },
}
