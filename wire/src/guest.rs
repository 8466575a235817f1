//! The boundary between a contract's WASM module and its host.
//!
//! A module imports functions from [`MODULE`] only, exports `memory` and the entry points below,
//! and has no start function. Each entry point takes nothing and returns a [`Status`]; its
//! arguments are read with `calldata_*`, its result is set with `output`. Pointers and lengths are
//! `i32` into the guest's memory; a pointer outside it traps. Host functions:
//!
//! | Import | Signature | Meaning |
//! | --- | --- | --- |
//! | `calldata_len` | `() -> i32` | length of the arguments |
//! | `calldata_read` | `(ptr)` | copies all of them |
//! | `output` | `(ptr, len)` | sets the result or the revert data; the last call wins |
//! | `context` | `(ptr)` | writes the [`CONTEXT_BYTES`] bytes of [`Context`] |
//! | `storage_read` | `(key, key_len) -> i32` | stages a value, returns its length, −1 if absent |
//! | `staged_read` | `(ptr)` | copies the value, or the key, staged last |
//! | `storage_write` | `(key, key_len, value, value_len)` | |
//! | `storage_remove` | `(key, key_len)` | |
//! | `storage_next` | `(prefix_len, from, from_len) -> i32` | stages the least key that is not less than `from` and starts with its first `prefix_len` bytes; returns its length, −1 if there is none |
//! | `storage_previous` | `(prefix_len, before, before_len) -> i32` | stages the greatest key that is less than `before` and starts with its first `prefix_len` bytes; returns its length, −1 if there is none |
//! | `set_timer` | `(selector, time)` | the contract's function with this selector, an `i32` of its bytes big-endian, is called once at this time, an `i64` of seconds since the Unix epoch, by the contract itself; instead of when it was set to be; 0: not at all |
//! | `call` | `(address, ptr, len) -> i32` | calls another contract's function, with selector and arguments, within this call; stages what it gives back and returns its length; −1 less its length if it reverted, or one of [`CALL_ABSENT`] and those after it. The other contract may not start computations or take inputs |
//! | `emit` | `(topics, count, data, len)` | an event: `count` topics of 32 bytes, at most 4 |
//! | `keccak256` | `(ptr, len, out)` | 32 bytes |
//! | `take_input` | `(type, ptr, len)` | the sealed input of this call; only in an input function, once |
//! | `input_id` | `() -> i64` | the sequence of this call's input; in a trial the one that it would get now |
//! | `input_group` | `(group)` | the group of this call's input, an `i64`; 0 unless it is called |
//! | `input_tag` | `(tag)` | the public tag of this call's input, an `i64`, which computations see; 0 unless it is called |
//! | `input_replace` | `()` | once accepted, the input takes the place of its owner's earlier ones of this type and group |
//! | `start` | `(computation, ptr, len) -> i64` | starts a computation as the encoded [`StartOptions`] say; returns its index |
//! | `delete_inputs` | `(ptr, len)` | the inputs of the encoded [`Deletion`] no longer count; in actions and callbacks; before the computation that the same call starts |
//! | `secret_input` | `(type, field, element) -> i32` | while tracing: the column of that element of that field over all inputs |
//! | `secret_count` | `(type) -> i32` | while tracing: how many inputs there are |
//! | `secret_tags` | `(type, ptr)` | while tracing: writes the tag of each input, 8 bytes big-endian |
//! | `secret_owners` | `(type, ptr)` | while tracing: writes the owner of each input, 20 bytes |
//! | `secret_constant` | `(kind, low, high, len) -> i32` | `len` times the same public value; low and high are `i64` |
//! | `secret_public` | `(kind, ptr, len) -> i32` | `len` public values, encoded as [`crate::kind::Kind::bytes`] says; at most [`crate::limits::PUBLIC_ELEMENTS`] |
//! | `secret_op` | `(op, a, b, c, immediate) -> i32` | appends an [`crate::secret::Op`]; unused operands are −1; immediate is `i64` |
//! | `secret_len` | `(handle) -> i32` | elements of a value |
//! | `reveal` | `(handle)` | the value is opened, in the order of these calls |
//! | `keep` | `(result, field, element, handle, detail)` | the value is a column of a result that stays secret, an element for each row; the handle −1 stands for no rows; see [`Recipient`] for the detail, the same for all columns |
//!
//! Entry points, with their arguments and results:
//!
//! | Export | Arguments | Result |
//! | --- | --- | --- |
//! | [`DESCRIBE`] | none | the JSON of a contract description (`wire::contract::Description`) |
//! | [`INIT`] | ABI-encoded arguments | none |
//! | [`CALL`] | selector and ABI-encoded arguments | ABI-encoded result |
//! | [`COMPUTE`] | number of the computation, 4 bytes big-endian, then its ABI-encoded public arguments | none; calls `reveal` |
//! | [`ENCODE`] | number (4 bytes), then the opened values | the ABI-encoded output to be attested |
//! | [`ATTESTED`] | number (4 bytes), index (8 bytes), then the attested output | none |
//! | [`FAILED`] | number (4 bytes), index (8 bytes), then a fault code (4 bytes) | none |
//!
//! Opened values are encoded one after another as [`crate::kind::Kind::bytes`] says.
//! The `input_…` functions exist in input functions only, as `take_input` does.

mod inputs;

pub use inputs::{DELETION_BYTES, Deletion, START_BYTES, Selection, StartOptions};

/// Module from which a contract imports its host functions.
pub const MODULE: &str = "quartet";
/// Export that returns the contract's description.
pub const DESCRIBE: &str = "quartet_describe";
/// Export that runs once, at deployment.
pub const INIT: &str = "quartet_init";
/// Export that dispatches a call by its selector.
pub const CALL: &str = "quartet_call";
/// Export that traces a computation.
pub const COMPUTE: &str = "quartet_compute";
/// Export that encodes opened values as Solidity does.
pub const ENCODE: &str = "quartet_encode";
/// Export that runs when three nodes have signed an output.
pub const ATTESTED: &str = "quartet_attested";
/// Export that runs when a computation has failed.
pub const FAILED: &str = "quartet_failed";

/// What an entry point returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum Status {
    /// Done; writes are kept.
    Ok = 0,
    /// The contract refused; writes are dropped, the output is the ABI-encoded error.
    Revert = 1,
    /// No function has this selector, or the arguments do not decode.
    BadCall = 2,
}

impl Status {
    /// The status with this code.
    #[must_use]
    pub const fn from_code(code: i32) -> Option<Self> {
        match code {
            0 => Some(Self::Ok),
            1 => Some(Self::Revert),
            2 => Some(Self::BadCall),
            _ => None,
        }
    }
}

/// Who gets a result of a computation that stays secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Recipient {
    /// The contract, for later computations. If the detail is [`REPLACE`] it takes the place of what
    /// the contract has of its type, if it is [`APPEND`] it comes after.
    Contract,
    /// Row i is for the owner of input i of the type that the detail is the number of.
    Owners,
    /// Whoever the contract named when it started the computation. The detail is 0.
    Reader,
}

/// Detail of a result that takes the place of earlier ones.
pub const REPLACE: u32 = 0;
/// Detail of a result that comes after earlier ones.
pub const APPEND: u32 = 1;

/// `call`: there is no contract at this address.
pub const CALL_ABSENT: i32 = i32::MIN;
/// `call`: the contract is already in a call that has led to this one.
pub const CALL_REENTERS: i32 = i32::MIN + 1;
/// `call`: calls within calls are [`crate::limits::CALL_DEPTH`] deep already.
pub const CALL_TOO_DEEP: i32 = i32::MIN + 2;
/// `call`: the other contract trapped, or has no such function.
pub const CALL_FAILED: i32 = i32::MIN + 3;

/// Why a computation failed, as its contract is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(
    feature = "chain",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "camelCase")
)]
#[repr(u32)]
pub enum Fault {
    /// The program could not be traced: the contract trapped, or its program is not valid.
    Program = 1,
    /// The contract's encoding of the opened values failed.
    Output = 2,
    /// It has fewer inputs than it must have.
    TooFewInputs = 3,
    /// Its inputs are almost those of an earlier computation: the two results would tell about the
    /// few that they do not share.
    TooClose = 4,
}

impl Fault {
    /// The fault with this code.
    #[must_use]
    pub const fn from_code(code: u32) -> Option<Self> {
        match code {
            1 => Some(Self::Program),
            2 => Some(Self::Output),
            3 => Some(Self::TooFewInputs),
            4 => Some(Self::TooClose),
            _ => None,
        }
    }
}

/// Length of an encoded [`Context`].
pub const CONTEXT_BYTES: usize = 20 + 20 + 8 + 8 + 8;

/// What a call knows about the world. Encoded in the order of its fields, integers big-endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Context {
    /// Who calls; for an input, its owner.
    pub sender: [u8; 20],
    /// The contract's own address.
    pub contract: [u8; 20],
    /// Id of this chain.
    pub chain_id: u64,
    /// Number of the block; for an input, the block that ordered it.
    pub block: u64,
    /// Time of that block, in seconds since the Unix epoch.
    pub time: u64,
}

impl Context {
    /// Encodes it.
    #[must_use]
    pub fn encode(&self) -> [u8; CONTEXT_BYTES] {
        let mut bytes = [0; CONTEXT_BYTES];
        bytes[..20].copy_from_slice(&self.sender);
        bytes[20..40].copy_from_slice(&self.contract);
        bytes[40..48].copy_from_slice(&self.chain_id.to_be_bytes());
        bytes[48..56].copy_from_slice(&self.block.to_be_bytes());
        bytes[56..].copy_from_slice(&self.time.to_be_bytes());
        bytes
    }

    /// Decodes it.
    #[must_use]
    pub fn decode(bytes: &[u8; CONTEXT_BYTES]) -> Self {
        let array = |at: usize| std::array::from_fn(|i| bytes[at + i]);
        let number = |at: usize| u64::from_be_bytes(std::array::from_fn(|i| bytes[at + i]));
        Self {
            sender: array(0),
            contract: array(20),
            chain_id: number(40),
            block: number(48),
            time: number(56),
        }
    }
}
