//! Why a node's part in the log cannot start or go on.

use alloy_primitives::{Address, B256};
use wire::WireError;
use zk_contract_runtime::{BlockError, HostFault};

/// What stops a node, or makes a stored block unusable.
#[derive(Debug, thiserror::Error, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum OrderingError {
    /// The identity key is not the one in the committee file.
    #[error("the identity key is of {actual}, and the committee knows node {node} as {expected}")]
    WrongKey {
        /// Party number of this node.
        node: u8,
        /// The address in the committee file.
        expected: Address,
        /// The address of the key.
        actual: Address,
    },
    /// The committee file contradicts itself.
    #[error("the committee: {0}")]
    Committee(String),
    /// A decided block is not valid after the head.
    #[error("decided block {number}: {error}")]
    Block {
        /// Number in its certificate.
        number: u64,
        /// What is wrong with it.
        error: BlockError,
    },
    /// The proof of a decided block does not hold.
    #[error("the certificate of block {number}: {error}")]
    Certificate {
        /// Number in the certificate.
        number: u64,
        /// What is wrong with it.
        error: CertificateError,
    },
    /// This machine could not apply a block.
    #[error(transparent)]
    Host(#[from] HostFault),
    /// The consensus core refused to go on; the node must stop rather than sign something that
    /// contradicts what it signed before.
    #[error("consensus: {0}")]
    Consensus(String),
}

/// Why a proof that a block was decided does not hold.
#[derive(Debug, thiserror::Error, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum CertificateError {
    /// It is for another block than the one that came with it.
    #[error("it is for block {expected}, and the block's hash is {actual}")]
    OtherBlock {
        /// Hash in the certificate.
        expected: B256,
        /// Hash of the block.
        actual: B256,
    },
    /// Fewer than three nodes signed.
    #[error("{0} nodes signed it, and three must")]
    TooFew(usize),
    /// A node is in it twice, or is none of the committee.
    #[error("party {0} is in it twice, or is no node")]
    Party(u8),
    /// A signature does not verify.
    #[error(transparent)]
    Signature(#[from] WireError),
}
