//! What can go wrong between a user and the cluster.

use alloy_primitives::{Address, B256, Bytes};
use wire::{WireError, guest::Fault};

/// Why something could not be encoded, sent, read or believed.
///
/// No message holds a secret value or a key.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// A value outside the range of its field.
    #[error("field `{field}` takes {range}")]
    OutOfRange {
        /// The field, with the place of the element if it has several.
        field: String,
        /// What it takes.
        range: String,
    },
    /// A value of another shape than its field.
    #[error("field `{field}` takes {expected}")]
    WrongShape {
        /// The field.
        field: String,
        /// What it takes.
        expected: String,
    },
    /// Values do not match the fields of the input type.
    #[error("a {input} has the fields {expected}; {problem}")]
    WrongFields {
        /// Name of the input type.
        input: String,
        /// Its fields.
        expected: String,
        /// What is missing or too much.
        problem: String,
    },
    /// Bytes, or the making of them, that [`wire`] refuses.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// A secret that cannot be read.
    #[error("secret {id} cannot be read: {why}")]
    Secret {
        /// Its id.
        id: alloy_primitives::B256,
        /// Why.
        why: String,
    },
    /// A key that is none.
    #[error("this is not a secp256k1 key: {why}")]
    BadKey {
        /// What is wrong with it; never the key.
        why: &'static str,
    },
    /// A key file that cannot be used.
    #[error("key file {path}: {why}")]
    KeyFile {
        /// Where it is.
        path: String,
        /// What is wrong with it, and how to mend it.
        why: String,
    },
    /// Arguments, results or an ABI that do not fit together.
    #[error("ABI of {what}: {why}")]
    Abi {
        /// The function, error or contract.
        what: String,
        /// What does not fit.
        why: String,
    },
    /// The contract has no such function.
    #[error("the contract has no function `{name}`; it has {known}")]
    NoSuchFunction {
        /// What was asked for.
        name: String,
        /// What there is.
        known: String,
    },
    /// A certificate that must not be believed.
    #[error("the certificate of computation {computation} is not valid: {why}")]
    BadCertificate {
        /// Id of the computation.
        computation: B256,
        /// What is wrong with it.
        why: String,
    },
    /// A certificate with fewer than three signatures of different nodes.
    #[error(
        "{valid} of the signatures on computation {computation} are by nodes of the committee, and 3 are needed"
    )]
    NotEnoughSignatures {
        /// Id of the computation.
        computation: B256,
        /// How many nodes signed.
        valid: usize,
    },
    /// A receipt that proves nothing.
    #[error("the receipt of input {input} is not valid: {why}")]
    BadReceipt {
        /// The input.
        input: B256,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A voter list, a proof or a place in the tree that does not fit.
    #[error("electorate: {0}")]
    Electorate(String),
    /// A URL that is none.
    #[error("`{url}` is not an HTTP URL: {why}")]
    BadUrl {
        /// What was given.
        url: String,
        /// What is wrong with it.
        why: String,
    },
    /// None of the nodes answered.
    #[error("no node answers at {urls}: {why}")]
    Unreachable {
        /// All URLs that were tried.
        urls: String,
        /// What the last of them said.
        why: String,
    },
    /// A node refused a request.
    #[error("the node refuses {method}: {message} (code {code})")]
    Refused {
        /// The JSON-RPC method.
        method: &'static str,
        /// The JSON-RPC error code.
        code: i64,
        /// What the node says.
        message: String,
    },
    /// A node's answer that is none.
    #[error("the node's answer to {method} cannot be read: {why}")]
    BadAnswer {
        /// The JSON-RPC method.
        method: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// The contract refused the call.
    #[error("{contract} refuses: {reason}")]
    Reverted {
        /// The contract.
        contract: Address,
        /// Its error with arguments, `ErrorName(args)`, as far as its ABI tells.
        reason: String,
        /// The ABI-encoded error.
        data: Bytes,
    },
    /// An input that does not count.
    #[error("input {id} was rejected: {reason}")]
    InputRejected {
        /// The input.
        id: B256,
        /// Why, as far as the contract's ABI tells.
        reason: String,
        /// The contract's ABI-encoded error, empty if it was not the contract that refused.
        data: Bytes,
    },
    /// A computation that ended without a result.
    #[error("computation {id} failed: {reason}")]
    ComputationFailed {
        /// The computation.
        id: B256,
        /// Why, as its contract is told.
        fault: Fault,
        /// Why, in words.
        reason: String,
    },
    /// Nothing lives at this address, or under this id.
    #[error("the chain knows no {what}")]
    NotFound {
        /// What was looked for.
        what: String,
    },
    /// The nodes serve another chain than the pinned committee.
    #[error("the node is of {actual}, and {expected} was expected")]
    WrongCluster {
        /// What is pinned.
        expected: String,
        /// What the node says.
        actual: String,
    },
    /// It took too long; it may still happen.
    #[error("{what} did not happen within {waited_ms} ms")]
    TimedOut {
        /// What was waited for.
        what: String,
        /// How long, in milliseconds.
        waited_ms: u128,
    },
}

/// JSON-RPC's own codes for "try again": an internal error of the server, and a limit exceeded
/// (EIP-1474; some providers answer with HTTP's 429).
pub(crate) const RETRYABLE_CODES: [i64; 3] = [-32603, -32005, 429];

impl ClientError {
    /// Whether an input was refused since it is sealed to keys that are not in use any more.
    #[must_use]
    pub fn asks_for_keys(&self) -> bool {
        match self {
            Self::Refused {
                message: reason, ..
            }
            | Self::Reverted { reason, .. } => reason.contains(wire::rpc::FETCH_KEYS_AGAIN),
            _ => false,
        }
    }

    /// Whether the same request may succeed later without any change to it.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Unreachable { .. }
            | Self::TimedOut { .. }
            | Self::BadAnswer { .. }
            | Self::Secret { .. } => true,
            Self::Refused { code, .. } => RETRYABLE_CODES.contains(code),
            Self::OutOfRange { .. }
            | Self::WrongShape { .. }
            | Self::WrongFields { .. }
            | Self::Wire(_)
            | Self::BadKey { .. }
            | Self::KeyFile { .. }
            | Self::Abi { .. }
            | Self::NoSuchFunction { .. }
            | Self::BadCertificate { .. }
            | Self::NotEnoughSignatures { .. }
            | Self::BadReceipt { .. }
            | Self::Electorate(_)
            | Self::BadUrl { .. }
            | Self::Reverted { .. }
            | Self::InputRejected { .. }
            | Self::ComputationFailed { .. }
            | Self::NotFound { .. }
            | Self::WrongCluster { .. } => false,
        }
    }
}
