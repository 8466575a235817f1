//! What can go wrong, by who is at fault: a block's proposer, a user, a contract, this machine.

use alloy_primitives::{Address, B256, Bytes};
use wire::{WireError, rpc::FETCH_KEYS_AGAIN};

/// Why a block is not valid after the head. Blames whoever proposed it.
#[derive(Debug, thiserror::Error, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum BlockError {
    /// Its bytes, a transaction or a signature in it are not acceptable.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// Not the next block.
    #[error("block {actual} cannot follow block {head}")]
    Number {
        /// Number of the head.
        head: u64,
        /// Number in the header.
        actual: u64,
    },
    /// It follows another block than the head.
    #[error("its parent is {actual}, and the head is {expected}")]
    Parent {
        /// Hash of the head.
        expected: B256,
        /// Hash in the header.
        actual: B256,
    },
    /// Its proposer has another state, or says so.
    #[error("its state root is {actual}, and the state's is {expected}")]
    StateRoot {
        /// Root of the state after the head.
        expected: B256,
        /// Root in the header.
        actual: B256,
    },
    /// Time went backwards.
    #[error("its time is {actual_ms} ms, and its parent's is {parent_ms} ms")]
    Time {
        /// Time of the head, in milliseconds since the Unix epoch.
        parent_ms: u64,
        /// Time in the header, in milliseconds since the Unix epoch.
        actual_ms: u64,
    },
    /// Made by nobody of the committee.
    #[error("its proposer {0} is not in the committee")]
    Proposer(Address),
    /// Transactions of nodes are not in order of party number, or a node has two.
    #[error("its node transactions are not sorted by node, one for each at most")]
    NodeOrder,
    /// Transactions of nodes take more than their share of a block.
    #[error("its node transactions have {actual} bytes, and at most {limit} are allowed")]
    NodeBytes {
        /// Their length in bytes.
        actual: usize,
        /// The bound.
        limit: usize,
    },
    /// More transactions of users than one block may have.
    #[error("it has {actual} transactions, and at most {limit} are allowed")]
    TooMany {
        /// How many it has.
        actual: usize,
        /// The bound.
        limit: usize,
    },
    /// A transaction cannot be in this block.
    #[error("transaction {hash}: {refusal}")]
    Transaction {
        /// Its hash.
        hash: B256,
        /// What is wrong with it.
        refusal: Refusal,
    },
    /// Its transactions together may use too much fuel.
    #[error("its transactions may use {actual} fuel, and at most {limit} are allowed")]
    Fuel {
        /// Sum of their gas limits.
        actual: u64,
        /// The bound.
        limit: u64,
    },
}

/// Why a user's transaction is not taken. Nothing has changed, and the sender may correct it.
#[derive(Debug, thiserror::Error, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// The account has sent a transaction with this nonce already.
    #[error("nonce too low: next nonce {expected}, tx nonce {actual}")]
    NonceTooLow {
        /// The next nonce of the account, with what is pending.
        expected: u64,
        /// The nonce of the transaction.
        actual: u64,
    },
    /// A transaction between is missing.
    #[error("nonce too high: next nonce {expected}, tx nonce {actual}; send them in order")]
    NonceGap {
        /// The next nonce of the account, with what is pending.
        expected: u64,
        /// The nonce of the transaction.
        actual: u64,
    },
    /// Less gas than the transaction costs before it runs.
    #[error("intrinsic gas too low: gas limit {actual}, minimum needed {needed}")]
    GasTooLow {
        /// What is needed at least.
        needed: u64,
        /// The limit in the transaction.
        actual: u64,
    },
    /// More gas than one call may use.
    #[error("exceeds the gas limit of one transaction: {actual}, and at most {limit} are allowed")]
    GasTooHigh {
        /// The bound.
        limit: u64,
        /// The limit in the transaction.
        actual: u64,
    },
    /// The address holds no contract.
    #[error("there is no contract at {0}")]
    NoContract(Address),
    /// The dry run failed: the transaction would revert.
    #[error("execution reverted{}", .reason.as_ref().map(|r| format!(": {r}")).unwrap_or_default())]
    Reverted {
        /// The contract's ABI-encoded error, empty if the contract did not get that far.
        data: Bytes,
        /// The error in words.
        reason: Option<String>,
    },
    /// This machine could not try it.
    #[error(transparent)]
    Host(#[from] HostFault),
}

/// Why a call of a contract failed, other than by the contract's own error. The same on every
/// node.
#[derive(Debug, thiserror::Error, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ContractFault {
    /// All fuel is used.
    #[error("out of gas")]
    OutOfFuel,
    /// The code trapped.
    #[error("the contract trapped: {0}")]
    Trap(String),
    /// A pointer or length outside the memory.
    #[error("{call}: a pointer or length is outside the contract's memory")]
    OutOfBounds {
        /// The host function.
        call: &'static str,
    },
    /// Something is longer than the limits allow.
    #[error("{what} has {actual} bytes or elements, and at most {limit} are allowed")]
    TooLong {
        /// What was measured.
        what: &'static str,
        /// Its size.
        actual: u64,
        /// The bound.
        limit: u64,
    },
    /// A host function that this entry point may not call.
    #[error("{call} cannot be called here")]
    NotHere {
        /// The host function.
        call: &'static str,
    },
    /// A host function that may be called once was called again.
    #[error("{call} was called twice")]
    Twice {
        /// The host function.
        call: &'static str,
    },
    /// An argument of a host function has no meaning.
    #[error("{call}: {why}")]
    BadArgument {
        /// The host function.
        call: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// The sealed input is not one.
    #[error(transparent)]
    SealedInput(WireError),
    /// An input function ended well without taking its input.
    #[error("the input function did not take its input")]
    InputNotTaken,
    /// An operation that the secret program cannot have.
    #[error("the secret program: {0}")]
    Program(String),
    /// The entry point returned a status that does not exist.
    #[error("the contract returned {0}, which is no status")]
    Status(i32),
    /// No function has this selector, or the arguments do not decode.
    #[error("no function has this selector, or its arguments do not decode")]
    BadCall,
    /// An input is sealed to keys that are not in use.
    #[error(
        "the input is sealed to the keys of key epoch {given}, and those of {current} are in use: \
         {}",
        FETCH_KEYS_AGAIN
    )]
    KeyEpoch {
        /// That of the input.
        given: u64,
        /// That of the keys.
        current: u64,
    },
    /// Too many inputs or computations are under way, over all contracts.
    #[error("{what} are at their limit of {limit}: try again later")]
    Busy {
        /// What there is too much of.
        what: &'static str,
        /// The bound.
        limit: usize,
    },
}

/// Why a module cannot be deployed.
#[derive(Debug, thiserror::Error, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ModuleError {
    /// The data of the create transaction is no deployment.
    #[error(transparent)]
    Deployment(#[from] WireError),
    /// A contract with this code, salt and arguments exists.
    #[error("there is a contract at {0} already: choose another salt")]
    Exists(Address),
    /// Longer than allowed.
    #[error("the code has {actual} bytes, and at most {limit} are allowed")]
    CodeBytes {
        /// Its length in bytes.
        actual: usize,
        /// The bound.
        limit: usize,
    },
    /// Not valid WebAssembly, as far as contracts may use it.
    #[error("the code is not WebAssembly that contracts may use: {0}")]
    Invalid(String),
    /// It has a start function.
    #[error("the module has a start function, and contracts may not have one")]
    StartFunction,
    /// It uses floating point numbers.
    #[error("the module uses floating point numbers, and contracts may not")]
    Floats,
    /// It imports what there is not.
    #[error("the module imports \"{module}\".\"{name}\", which does not exist")]
    UnknownImport {
        /// Module of the import.
        module: String,
        /// Name of the import.
        name: String,
    },
    /// It imports a host function with another type.
    #[error("the module imports \"{name}\" as {actual}, and it is {expected}")]
    ImportType {
        /// Name of the import.
        name: String,
        /// The type that the host function has.
        expected: String,
        /// The type in the module.
        actual: String,
    },
    /// It lacks an export, or the export has another type.
    #[error("the module has no export \"{name}\" of type {expected}")]
    Export {
        /// Name of the export.
        name: &'static str,
        /// The type that it must have.
        expected: &'static str,
    },
    /// More of something than allowed.
    #[error("the module has {actual} {what}, and at most {limit} are allowed")]
    TooMany {
        /// What was counted.
        what: &'static str,
        /// How many there are.
        actual: u64,
        /// The bound.
        limit: u64,
    },
    /// Its description could not be had.
    #[error("the module does not describe itself: {0}")]
    Describe(ContractFault),
    /// Its description makes no sense.
    #[error("the module's description: {0}")]
    Description(String),
}

/// This machine cannot go on: nothing about it is agreed, so the node must stop rather than
/// differ from the others.
#[derive(Debug, thiserror::Error, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum HostFault {
    /// The system gave no memory to a contract that may have it.
    #[error("this machine has no memory for a contract")]
    Memory,
    /// A block was applied that was checked against another head.
    #[error("the block was checked against another head")]
    WrongBlock,
    /// The sandbox failed in a way that no contract causes.
    #[error("the sandbox failed: {0}")]
    Sandbox(String),
}
