//! The host of tests: one per thread, for the time of a call.

use std::{cell::RefCell, rc::Rc};

use alloy_primitives::{Address, B256};
use wire::{
    guest::{Context, Deletion, StartOptions},
    kind::Kind,
    secret::Op,
};

use super::Handle;
use crate::CallError;

/// What a contract asks for while it runs natively. See `wire::guest` for the meaning.
pub trait Host {
    /// What this call knows about the world.
    fn context(&self) -> Context;
    /// Reads public state.
    fn storage_read(&self, key: &[u8]) -> Option<Vec<u8>>;
    /// Writes public state.
    fn storage_write(&self, key: &[u8], value: &[u8]);
    /// Removes a key of public state.
    fn storage_remove(&self, key: &[u8]);
    /// The least key of public state that is not less than `from` and starts with its first
    /// `prefix_len` bytes.
    fn storage_next(&self, prefix_len: usize, from: &[u8]) -> Option<Vec<u8>>;
    /// The greatest key of public state that is less than `before` and starts with its first
    /// `prefix_len` bytes.
    fn storage_previous(&self, prefix_len: usize, before: &[u8]) -> Option<Vec<u8>>;
    /// Lets the contract's function with this selector be called at this time; 0: not at all.
    fn set_timer(&self, selector: [u8; 4], time: u64);
    /// Calls another contract: selector and arguments.
    ///
    /// # Errors
    /// [`CallError`].
    fn call(&self, to: &Address, data: &[u8]) -> Result<Vec<u8>, CallError>;
    /// Emits an event.
    fn emit(&self, topics: &[B256], data: &[u8]);
    /// Takes the sealed input of this call.
    fn take_input(&self, number: u32, sealed: &[u8]);
    /// The sequence of this call's input.
    fn input_id(&self) -> u64;
    /// Sets the group of this call's input.
    fn input_group(&self, group: u64);
    /// Sets the public tag of this call's input.
    fn input_tag(&self, tag: u64);
    /// Lets this call's input take the place of its owner's earlier ones.
    fn input_replace(&self);
    /// Starts a computation and returns its index.
    fn start(&self, computation: u32, options: &StartOptions) -> u64;
    /// Deletes inputs of this contract.
    fn delete_inputs(&self, deletion: &Deletion);
    /// The column of one element of one field over all inputs of a type.
    fn secret_input(&self, number: u32, field: u32, element: u32) -> Handle;
    /// How many inputs of a type there are.
    fn secret_count(&self, number: u32) -> usize;
    /// The tag of each input of a type.
    fn secret_tags(&self, number: u32) -> Vec<u64>;
    /// The owner of each input of a type.
    fn secret_owners(&self, number: u32) -> Vec<Address>;
    /// A public value as an operand.
    fn secret_constant(&self, kind: Kind, value: u128, len: u32) -> Handle;
    /// Public values as an operand, one per element.
    fn secret_public(&self, kind: Kind, values: &[u128]) -> Handle;
    /// Appends an operation to the program.
    fn secret_op(&self, op: Op, operands: &[Handle], immediate: u64) -> Handle;
    /// Opens a value.
    fn reveal(&self, handle: Handle);
    /// Makes a value a column of a result that stays secret; the handle −1 stands for no rows.
    fn keep(&self, result: u32, field: u32, element: u32, handle: Handle, detail: u32);
}

thread_local! {
    static HOST: RefCell<Option<Rc<dyn Host>>> = const { RefCell::new(None) };
}

/// Runs `call` with this host in place, and puts the one before back afterwards, also after a panic.
pub fn with<R>(host: Rc<dyn Host>, call: impl FnOnce() -> R) -> R {
    struct Restore(Option<Rc<dyn Host>>);
    impl Drop for Restore {
        fn drop(&mut self) {
            HOST.set(self.0.take());
        }
    }
    let _restore = Restore(HOST.replace(Some(host)));
    call()
}

fn host() -> Rc<dyn Host> {
    let host = HOST.with_borrow(Clone::clone);
    #[expect(clippy::expect_used, reason = "a contract has nothing to fall back on")]
    host.expect("a contract's code runs in a node, or in a test through contract_testing::World")
}

/// The functions of the host, as in WASM.
pub(super) mod functions {
    use super::{
        Address, B256, CallError, Context, Deletion, Handle, Kind, Op, StartOptions, host,
    };

    /// What this call knows about the world.
    #[must_use]
    pub fn context() -> Context {
        host().context()
    }

    /// Reads public state.
    #[must_use]
    pub fn storage_read(key: &[u8]) -> Option<Vec<u8>> {
        host().storage_read(key)
    }

    /// Writes public state.
    pub fn storage_write(key: &[u8], value: &[u8]) {
        host().storage_write(key, value);
    }

    /// Removes a key of public state.
    pub fn storage_remove(key: &[u8]) {
        host().storage_remove(key);
    }

    /// The least key of public state that is not less than `from` and starts with its first
    /// `prefix_len` bytes.
    #[must_use]
    pub fn storage_next(prefix_len: usize, from: &[u8]) -> Option<Vec<u8>> {
        host().storage_next(prefix_len, from)
    }

    /// The greatest key of public state that is less than `before` and starts with its first
    /// `prefix_len` bytes.
    #[must_use]
    pub fn storage_previous(prefix_len: usize, before: &[u8]) -> Option<Vec<u8>> {
        host().storage_previous(prefix_len, before)
    }

    /// Lets the contract's function with this selector be called at this time, in seconds since the
    /// Unix epoch, instead of when it was set to be; 0: not at all.
    pub fn set_timer(selector: [u8; 4], time: u64) {
        host().set_timer(selector, time);
    }

    /// Calls another contract: selector and arguments.
    ///
    /// # Errors
    /// [`CallError`]; it is never [`CallError::BadOutput`].
    pub fn call(to: &Address, data: &[u8]) -> Result<Vec<u8>, CallError> {
        host().call(to, data)
    }

    /// Emits an event of at most four topics.
    pub fn emit(topics: &[B256], data: &[u8]) {
        host().emit(topics, data);
    }

    /// keccak-256; needs no host.
    #[must_use]
    pub fn keccak256(bytes: &[u8]) -> B256 {
        alloy_primitives::keccak256(bytes)
    }

    /// Takes the sealed input of this call.
    pub fn take_input(number: u32, sealed: &[u8]) {
        host().take_input(number, sealed);
    }

    /// Starts a computation and returns its index.
    #[must_use]
    pub fn start(computation: u32, options: &StartOptions) -> u64 {
        host().start(computation, options)
    }

    /// Deletes inputs of this contract.
    pub fn delete_inputs(deletion: &Deletion) {
        host().delete_inputs(deletion);
    }

    /// The sequence of this call's input; in a trial the one that it would get now.
    #[must_use]
    pub fn input_id() -> u64 {
        host().input_id()
    }

    /// Sets the group of this call's input.
    pub fn input_group(group: u64) {
        host().input_group(group);
    }

    /// Sets the public tag of this call's input.
    pub fn input_tag(tag: u64) {
        host().input_tag(tag);
    }

    /// Lets this call's input take the place of its owner's earlier ones.
    pub fn input_replace() {
        host().input_replace();
    }

    /// The column of one element of one field over all inputs of a type.
    #[must_use]
    pub fn secret_input(number: u32, field: u32, element: u32) -> Handle {
        host().secret_input(number, field, element)
    }

    /// How many inputs of a type there are.
    #[must_use]
    pub fn secret_count(number: u32) -> usize {
        host().secret_count(number)
    }

    /// The tag of each input of a type.
    #[must_use]
    pub fn secret_tags(number: u32) -> Vec<u64> {
        host().secret_tags(number)
    }

    /// The owner of each input of a type.
    #[must_use]
    pub fn secret_owners(number: u32) -> Vec<Address> {
        host().secret_owners(number)
    }

    /// A public value as an operand.
    #[must_use]
    pub fn secret_constant(kind: Kind, value: u128, len: u32) -> Handle {
        host().secret_constant(kind, value, len)
    }

    /// Public values as an operand, one per element.
    #[must_use]
    pub fn secret_public(kind: Kind, values: &[u128]) -> Handle {
        host().secret_public(kind, values)
    }

    /// Appends an operation to the program.
    #[must_use]
    pub fn secret_op(op: Op, operands: &[Handle], immediate: u64) -> Handle {
        host().secret_op(op, operands, immediate)
    }

    /// Opens a value.
    pub fn reveal(handle: Handle) {
        host().reveal(handle);
    }

    /// Makes a value a column of a result that stays secret; the handle −1 stands for no rows.
    pub fn keep(result: u32, field: u32, element: u32, handle: Handle, detail: u32) {
        host().keep(result, field, element, handle, detail);
    }
}
