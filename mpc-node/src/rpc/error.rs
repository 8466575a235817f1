//! Refusals, with the codes that Ethereum's nodes use.

use alloy_primitives::Bytes;
use jsonrpsee::types::{ErrorObject, ErrorObjectOwned};
use ordering::Refusal;
use wire::WireError;

use crate::NodeError;

/// Why a request is refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RpcError {
    /// The parameters are not what the method takes.
    #[error("invalid params: {0}")]
    Params(String),
    /// A contract refused, or failed.
    #[error("execution reverted{}", .reason.as_ref().map(|r| format!(": {r}")).unwrap_or_default())]
    Reverted {
        /// Its error in words.
        reason: Option<String>,
        /// Its ABI-encoded error.
        data: Bytes,
    },
    /// A transaction was not taken.
    #[error("{0}")]
    Refused(Refusal),
    /// Only the last state can be read.
    #[error("the state of block {asked} is not kept: ask for \"latest\", which is block {head}")]
    OldState {
        /// The block asked for.
        asked: u64,
        /// The last block.
        head: u64,
    },
    /// There is no such block.
    #[error("there is no block {0} yet")]
    NoBlock(String),
    /// More than this node answers at once.
    #[error("{what} is limited to {limit}: ask for less at a time")]
    Limit {
        /// What was asked for too much of.
        what: &'static str,
        /// The bound.
        limit: u64,
    },
    /// The method is for clusters for development.
    #[error("the method works only if the committee file says `dev = true`")]
    NotDevelopment,
    /// The node is at its limit.
    #[error("the node is busy: try again")]
    Busy,
    /// The node cannot answer.
    #[error("{0}")]
    Internal(String),
}

impl From<NodeError> for RpcError {
    fn from(error: NodeError) -> Self {
        tracing::error!(%error, "a request failed");
        Self::Internal("the node's files cannot be read: see its log".into())
    }
}

impl From<WireError> for RpcError {
    fn from(error: WireError) -> Self {
        Self::Refused(Refusal::Wire(error))
    }
}

impl From<Refusal> for RpcError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::State(zk_contract_runtime::Refusal::Reverted { data, reason }) => {
                Self::Reverted { reason, data }
            }
            refusal => Self::Refused(refusal),
        }
    }
}

impl From<zk_contract_runtime::Refusal> for RpcError {
    fn from(refusal: zk_contract_runtime::Refusal) -> Self {
        Refusal::State(refusal).into()
    }
}

impl RpcError {
    /// Its code.
    #[must_use]
    pub const fn code(&self) -> i32 {
        match self {
            Self::Params(_) => -32602,
            Self::Reverted { .. } => 3,
            Self::Limit { .. } | Self::Busy | Self::Refused(Refusal::CatchingUp(_)) => -32005,
            Self::Internal(_) => -32603,
            Self::NotDevelopment => -32004,
            Self::Refused(_) | Self::OldState { .. } | Self::NoBlock(_) => -32000,
        }
    }
}

impl From<RpcError> for ErrorObjectOwned {
    fn from(error: RpcError) -> Self {
        let data = match &error {
            RpcError::Reverted { data, .. } => Some(data.clone()),
            _ => None,
        };
        ErrorObject::owned(error.code(), error.to_string(), data)
    }
}
