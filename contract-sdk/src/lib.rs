//! What authors of confidential contracts `use`: one Rust source with public and secret code.
//!
//! A contract is a module under [`contract`](macro@contract), compiled to WASM. Its functions:
//!
//! | Attribute | First arguments | When it runs |
//! | --- | --- | --- |
//! | `#[init]` | `&mut State, &Ctx` | once, at deployment |
//! | `#[action]` | `&mut State, &Ctx` | in a transaction; may return [`Start`] to start a computation |
//! | `#[view]` | `&State, &Ctx` | in `eth_call` |
//! | `#[input]` | `&mut State, &Ctx`, last [`Sealed`] | in a transaction with a secret input: its public checks |
//! | `#[compute]` | [`SecretVec`]s, then public arguments | on handles, to make the program that runs on shares; returns one [`Secret`] that is opened, results that stay secret ([`Kept`], [`ToOwners`], [`ToReader`]), or a tuple of these |
//! | `#[attested]` | `&mut State, &Ctx, Output` | when three nodes have signed what was revealed |
//! | `#[failed]` | `&mut State, &Ctx, Fault` | when a computation has failed |
//!
//! `#[action(only = owner)]` and `#[input(only = owner)]` let in only whom the state's field `owner`
//! names ([`access::Access`]); others get `Unauthorized(address)` ([`Denied`]).
//!
//! `#[at(closes)]` beside `#[action]` lets a function without arguments run by itself when the time
//! in the state's field `closes` has come, once for each value of the field ([`timer`]); the contract
//! is the sender then. Others may call it as well. What it does when it refuses is lost.
//!
//! Other contracts are called through traits under [`interface`](macro@interface).
//!
//! `&Ctx` may be left out everywhere. Arguments and results are Solidity's ([`AbiType`]); names
//! become camelCase. An error drops every write of the call. Beside functions, a contract has one
//! `#[state]` struct, and may have `#[derive(SecretInput)]` and `#[derive(Reveal)]` structs,
//! `#[event]` structs and one `#[error]` enum, which is then the error of its `Result<T>`.
//!
//! An `#[input]` function runs twice: when its transaction is ordered, with writes dropped, and when
//! the nodes have accepted the sealed input, as of the ordering block. Only then does it count.
//!
//! Read `examples/voting/contract` first. Owns what a contract can say; how a node runs it is in
//! `zk-contract-runtime`, how a test runs it in `contract-testing`.

pub mod abi;
pub mod access;
pub mod contract;
#[cfg(target_arch = "wasm32")]
pub mod entry;
pub mod event;
pub mod host;
pub mod interface;
pub mod secret;
pub mod start;
pub mod state;
pub mod timer;

#[cfg(not(target_arch = "wasm32"))]
pub mod calls;

pub use contract_sdk_macros::{contract, interface, test};

pub use abi::AbiType;
pub use access::Denied;
pub use alloy_primitives;
pub use contract::{Contract, Ctx, Message};
pub use event::Event;
pub use host::keccak256;
pub use interface::CallError;
pub use secret::{
    ByteString, Fixed, Fixed128, InputId, Kept, Permutation, Plain, Reveal, Sealed, Secret,
    SecretInput, SecretVec, ToOwners, ToReader,
};
pub use start::{Start, Started, delete_group, delete_inputs};
pub use state::{Item, List, Map, Queue, Set, Stored};
pub use wire::guest::Fault;

/// Seconds since the Unix epoch.
pub type Time = u64;

/// The result of a contract's function. In a contract with an `#[error]` enum, that is the error.
pub type Result<T, E = Message> = std::result::Result<T, E>;

/// Everything that a contract needs.
pub mod prelude {
    pub use alloy_primitives::{Address, B256, Bytes, FixedBytes, I256, U256};
    pub use contract_sdk_macros::{AbiType, Reveal, SecretInput};

    pub use crate::{
        AbiType, ByteString, CallError, Ctx, Denied, Event, Fault, Fixed, Fixed128, InputId, Item,
        Kept, List, Map, Message, Permutation, Queue, Result, Reveal, Sealed, Secret, SecretInput,
        SecretVec, Set, Start, Stored, Time, ToOwners, ToReader, abi::encode as abi_encode,
        delete_group, delete_inputs, ensure, keccak256,
    };
}

/// Returns an error unless the condition holds.
///
/// ```
/// # use quartet::prelude::*;
/// fn withdraw(balance: u64, amount: u64) -> Result<u64> {
///     ensure!(amount <= balance, "too much");
///     Ok(balance - amount)
/// }
/// assert!(withdraw(1, 2).is_err());
/// ```
#[macro_export]
macro_rules! ensure {
    ($condition:expr, $error:expr $(,)?) => {
        if !$condition {
            return ::core::result::Result::Err(::core::convert::Into::into($error));
        }
    };
}
