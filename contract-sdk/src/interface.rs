//! Other contracts, called by a contract: `#[quartet::interface]`.
//!
//! A call runs within the caller's: with its fuel, at its time, and lasting only if the caller's lasts.
//! The sender that the other contract sees is the calling contract. It may write and emit events, and
//! start no computation. A contract that is already in a call which has led to this one cannot be
//! called again, so nothing changes behind an author's back while a call is out.

use alloy_primitives::Address;
use wire::guest::{CALL_ABSENT, CALL_FAILED, CALL_REENTERS, CALL_TOO_DEEP};

use crate::{
    abi::Params,
    contract::{ContractError, Message, Output},
    host,
};

/// Why a call of another contract gave nothing back. Whatever it did is undone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallError {
    /// It refused, with this ABI-encoded error.
    Refused(Vec<u8>),
    /// There is no contract at this address.
    Absent,
    /// It is one of those whose calls have led to this one.
    Reenters,
    /// Calls within calls are four deep already.
    TooDeep,
    /// It trapped, or it has no such function.
    Failed,
    /// It gave back something else than the interface says.
    BadOutput,
}

impl CallError {
    /// The error of this type with which the other contract refused.
    #[must_use]
    pub fn refusal<E: ContractError>(&self) -> Option<E> {
        match self {
            Self::Refused(data) => E::decode(data),
            _ => None,
        }
    }

    /// What a result of the host's `call` that is negative means; `staged` is what it has staged.
    #[must_use]
    pub fn from_code(code: i32, staged: impl FnOnce(i32) -> Vec<u8>) -> Self {
        match code {
            CALL_ABSENT => Self::Absent,
            CALL_REENTERS => Self::Reenters,
            CALL_TOO_DEEP => Self::TooDeep,
            CALL_FAILED => Self::Failed,
            refused => Self::Refused(staged(-1 - refused)),
        }
    }
}

/// As a text; the other contract's own, if that is what it gave.
impl From<CallError> for Message {
    fn from(error: CallError) -> Self {
        if let Some(message) = error.refusal::<Self>() {
            return message;
        }
        Self::from(match error {
            CallError::Refused(_) => "the contract that was called refused",
            CallError::Absent => "there is no contract to be called at this address",
            CallError::Reenters => "the contract that was called has led to this call",
            CallError::TooDeep => "contracts call one another too deep",
            CallError::Failed => "the contract that was called has failed or no such function",
            CallError::BadOutput => "the contract that was called gave back something else",
        })
    }
}

/// Calls a function of another contract. What `#[quartet::interface]` makes uses this.
///
/// # Errors
/// [`CallError`].
pub fn call<P: Params, O: Output<Seen = O>>(
    to: &Address,
    selector: [u8; 4],
    arguments: &P,
) -> Result<O, CallError> {
    let mut data = selector.to_vec();
    data.extend_from_slice(&arguments.encode());
    let output = host::call(to, &data)?;
    let abi = Params::decode(&output).ok_or(CallError::BadOutput)?;
    Ok(O::seen(abi))
}
