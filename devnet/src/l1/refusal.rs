//! What the embedded L1 answers when it refuses, in the codes and words of Ethereum nodes.

use std::convert::Infallible;

use alloy::{
    primitives::{Address, Bytes, U256},
    sol_types::{GenericContractError, SolInterface as _},
};
use jsonrpsee::types::ErrorObjectOwned;
use revm::context::result::{EVMError, InvalidTransaction};

/// Why the EVM does not run a transaction at all.
pub(super) type Fault = EVMError<Infallible>;

/// Why a request is refused; the display form is the message of the JSON-RPC error.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    #[error("{0}")]
    Parameters(String),
    #[error("execution reverted{}", reason(.0))]
    Reverted(Bytes),
    #[error("execution failed: {0}")]
    Halted(String),
    #[error("gas required exceeds allowance ({0})")]
    GasAllowance(u64),
    #[error("already known")]
    AlreadyKnown,
    #[error("nonce too low: next nonce {next}, tx nonce {actual}")]
    NonceTooLow { next: u64, actual: u64 },
    #[error("nonce too high: next nonce {next}, tx nonce {actual}")]
    NonceTooHigh { next: u64, actual: u64 },
    #[error(
        "insufficient funds for gas * price + value: address {address} balance {balance}, tx cost {cost}"
    )]
    InsufficientFunds {
        address: Address,
        balance: U256,
        cost: U256,
    },
    #[error("invalid chain id for signer: have {actual}, want {expected}")]
    WrongChain { expected: u64, actual: u64 },
    #[error("only replay-protected (EIP-155) transactions allowed over RPC")]
    NotReplayProtected,
    #[error("invalid sender: the signature of the transaction does not recover")]
    BadSignature,
    #[error("transaction type {0} is not supported")]
    TypeNotSupported(u8),
    #[error("rlp: {0}")]
    Encoding(String),
    #[error("{0}")]
    Transaction(String),
    #[error("block {0} is not known")]
    UnknownBlock(String),
    #[error("historical state of block {asked} is not available: the newest block is {head}")]
    OldState { asked: u64, head: u64 },
}

impl Refusal {
    /// The refusal of a transaction that the EVM found invalid.
    pub(super) fn from_evm(error: Fault, sender: Address) -> Self {
        let EVMError::Transaction(error) = error else {
            return Self::Transaction(error.to_string());
        };
        match error {
            InvalidTransaction::NonceTooLow { tx, state } => Self::NonceTooLow {
                next: state,
                actual: tx,
            },
            InvalidTransaction::NonceTooHigh { tx, state } => Self::NonceTooHigh {
                next: state,
                actual: tx,
            },
            InvalidTransaction::LackOfFundForMaxFee { fee, balance } => Self::InsufficientFunds {
                address: sender,
                balance: *balance,
                cost: *fee,
            },
            InvalidTransaction::CallGasCostMoreThanGasLimit {
                initial_gas,
                gas_limit,
            } => Self::Transaction(format!(
                "intrinsic gas too low: have {gas_limit}, want {initial_gas}"
            )),
            InvalidTransaction::GasPriceLessThanBasefee => {
                Self::Transaction("max fee per gas less than block base fee".into())
            }
            other => Self::Transaction(other.to_string()),
        }
    }

    const fn code(&self) -> i32 {
        match self {
            Self::Parameters(_) => -32602,
            Self::Reverted(_) => 3,
            _ => -32000,
        }
    }
}

impl From<ErrorObjectOwned> for Refusal {
    /// Parameters that jsonrpsee could not read; the detail is in the error's data.
    fn from(error: ErrorObjectOwned) -> Self {
        let detail = error.data().map(|data| data.get().trim_matches('"'));
        Self::Parameters(match detail {
            Some(detail) => format!("invalid params: {detail}"),
            None => error.message().to_owned(),
        })
    }
}

impl From<Refusal> for ErrorObjectOwned {
    fn from(refusal: Refusal) -> Self {
        let data = match &refusal {
            Refusal::Reverted(output) => Some(output.clone()),
            _ => None,
        };
        Self::owned(refusal.code(), refusal.to_string(), data)
    }
}

/// The text of `revert("…")` or `Panic(…)`, after a colon; custom errors have none.
fn reason(output: &Bytes) -> String {
    GenericContractError::abi_decode(output).map_or_else(|_| String::new(), |e| format!(": {e}"))
}
