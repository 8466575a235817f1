//! The imports of a contract's module, and its entry points: the one place with `unsafe`.

#![expect(unsafe_code, reason = "calls across the WASM boundary pass pointers")]

use alloy_primitives::{Address, B256};
use wire::{
    guest::{CONTEXT_BYTES, Context, Deletion, StartOptions},
    kind::Kind,
    secret::Op,
};

use super::Handle;
use crate::CallError;

mod ffi {
    #[link(wasm_import_module = "quartet")]
    unsafe extern "C" {
        pub(super) safe fn calldata_len() -> i32;
        pub(super) fn calldata_read(ptr: *mut u8);
        pub(super) fn output(ptr: *const u8, len: usize);
        pub(super) fn context(ptr: *mut u8);
        pub(super) fn storage_read(key: *const u8, key_len: usize) -> i32;
        pub(super) fn staged_read(ptr: *mut u8);
        pub(super) fn storage_write(k: *const u8, k_len: usize, v: *const u8, v_len: usize);
        pub(super) fn storage_remove(key: *const u8, key_len: usize);
        pub(super) fn storage_next(prefix_len: usize, from: *const u8, from_len: usize) -> i32;
        pub(super) fn storage_previous(prefix: usize, before: *const u8, before_len: usize) -> i32;
        pub(super) safe fn set_timer(selector: i32, time: i64);
        pub(super) fn call(address: *const u8, ptr: *const u8, len: usize) -> i32;
        pub(super) fn emit(topics: *const u8, count: usize, data: *const u8, len: usize);
        pub(super) fn keccak256(ptr: *const u8, len: usize, out: *mut u8);
        pub(super) fn take_input(number: u32, ptr: *const u8, len: usize);
        pub(super) safe fn input_id() -> i64;
        pub(super) safe fn input_group(group: i64);
        pub(super) safe fn input_tag(tag: i64);
        pub(super) safe fn input_replace();
        pub(super) fn start(computation: u32, ptr: *const u8, len: usize) -> i64;
        pub(super) fn delete_inputs(ptr: *const u8, len: usize);
        pub(super) safe fn secret_input(number: u32, field: u32, element: u32) -> i32;
        pub(super) safe fn secret_count(number: u32) -> i32;
        pub(super) fn secret_tags(number: u32, ptr: *mut u8);
        pub(super) fn secret_owners(number: u32, ptr: *mut u8);
        pub(super) safe fn secret_constant(kind: u32, low: i64, high: i64, len: u32) -> i32;
        pub(super) fn secret_public(kind: u32, ptr: *const u8, len: usize) -> i32;
        pub(super) safe fn secret_op(op: u32, a: i32, b: i32, c: i32, immediate: i64) -> i32;
        pub(super) safe fn reveal(handle: i32);
        pub(super) safe fn keep(result: u32, field: u32, element: u32, handle: i32, detail: u32);
    }
}

/// The arguments of this call.
#[must_use]
pub fn calldata() -> Vec<u8> {
    let mut bytes = vec![0; ffi::calldata_len() as usize];
    // SAFETY: the host writes `calldata_len` bytes, which is the buffer's length.
    unsafe { ffi::calldata_read(bytes.as_mut_ptr()) };
    bytes
}

/// Sets the result of this call.
pub fn output(bytes: &[u8]) {
    // SAFETY: the host reads `len` bytes of a live slice.
    unsafe { ffi::output(bytes.as_ptr(), bytes.len()) };
}

/// What this call knows about the world.
#[must_use]
pub fn context() -> Context {
    let mut bytes = [0; CONTEXT_BYTES];
    // SAFETY: the host writes `CONTEXT_BYTES` bytes.
    unsafe { ffi::context(bytes.as_mut_ptr()) };
    Context::decode(&bytes)
}

/// Reads public state.
#[must_use]
pub fn storage_read(key: &[u8]) -> Option<Vec<u8>> {
    // SAFETY: the host reads the key's bytes.
    staged(unsafe { ffi::storage_read(key.as_ptr(), key.len()) })
}

/// The least key of public state that is not less than `from` and starts with its first
/// `prefix_len` bytes.
#[must_use]
pub fn storage_next(prefix_len: usize, from: &[u8]) -> Option<Vec<u8>> {
    // SAFETY: the host reads the bytes of `from`.
    staged(unsafe { ffi::storage_next(prefix_len, from.as_ptr(), from.len()) })
}

/// The greatest key of public state that is less than `before` and starts with its first
/// `prefix_len` bytes.
#[must_use]
pub fn storage_previous(prefix_len: usize, before: &[u8]) -> Option<Vec<u8>> {
    // SAFETY: the host reads the bytes of `before`.
    staged(unsafe { ffi::storage_previous(prefix_len, before.as_ptr(), before.len()) })
}

/// What the host has staged and announced with this length; nothing if it is negative.
fn staged(length: i32) -> Option<Vec<u8>> {
    let mut bytes = vec![0; usize::try_from(length).ok()?];
    // SAFETY: the host writes as many bytes as it has just announced.
    unsafe { ffi::staged_read(bytes.as_mut_ptr()) };
    Some(bytes)
}

/// Writes public state.
pub fn storage_write(key: &[u8], value: &[u8]) {
    // SAFETY: the host reads the bytes of two live slices.
    unsafe { ffi::storage_write(key.as_ptr(), key.len(), value.as_ptr(), value.len()) };
}

/// Removes a key of public state.
pub fn storage_remove(key: &[u8]) {
    // SAFETY: the host reads the key's bytes.
    unsafe { ffi::storage_remove(key.as_ptr(), key.len()) };
}

/// Lets the contract's function with this selector be called at this time, in seconds since the Unix
/// epoch, instead of when it was set to be; 0: not at all.
pub fn set_timer(selector: [u8; 4], time: u64) {
    ffi::set_timer(i32::from_be_bytes(selector), time as i64);
}

/// Calls another contract: selector and arguments.
///
/// # Errors
/// [`CallError`]; it is never [`CallError::BadOutput`].
pub fn call(to: &Address, data: &[u8]) -> Result<Vec<u8>, CallError> {
    // SAFETY: the host reads an address and the bytes of a live slice.
    let code = unsafe { ffi::call(to.as_ptr(), data.as_ptr(), data.len()) };
    staged(code)
        .ok_or_else(|| CallError::from_code(code, |length| staged(length).unwrap_or_default()))
}

/// Emits an event of at most four topics.
pub fn emit(topics: &[B256], data: &[u8]) {
    let flat: Vec<u8> = topics.iter().flat_map(|topic| topic.0).collect();
    // SAFETY: the host reads 32 bytes per topic and the bytes of `data`.
    unsafe { ffi::emit(flat.as_ptr(), topics.len(), data.as_ptr(), data.len()) };
}

/// keccak-256.
#[must_use]
pub fn keccak256(bytes: &[u8]) -> B256 {
    let mut digest = B256::ZERO;
    // SAFETY: the host reads the slice and writes 32 bytes.
    unsafe { ffi::keccak256(bytes.as_ptr(), bytes.len(), digest.0.as_mut_ptr()) };
    digest
}

/// Takes the sealed input of this call.
pub fn take_input(number: u32, sealed: &[u8]) {
    // SAFETY: the host reads the bytes of a live slice.
    unsafe { ffi::take_input(number, sealed.as_ptr(), sealed.len()) };
}

/// The sequence of this call's input; in a trial the one that it would get now.
#[must_use]
pub fn input_id() -> u64 {
    ffi::input_id() as u64
}

/// Sets the group of this call's input.
pub fn input_group(group: u64) {
    ffi::input_group(group as i64);
}

/// Sets the public tag of this call's input.
pub fn input_tag(tag: u64) {
    ffi::input_tag(tag as i64);
}

/// Lets this call's input take the place of its owner's earlier ones.
pub fn input_replace() {
    ffi::input_replace();
}

/// Starts a computation and returns its index.
#[must_use]
pub fn start(computation: u32, options: &StartOptions) -> u64 {
    let bytes = options.encode();
    // SAFETY: the host reads the bytes of a live slice.
    (unsafe { ffi::start(computation, bytes.as_ptr(), bytes.len()) }) as u64
}

/// The column of one element of one field over all inputs of a type.
#[must_use]
pub fn secret_input(number: u32, field: u32, element: u32) -> Handle {
    Handle(ffi::secret_input(number, field, element))
}

/// How many inputs of a type there are.
#[must_use]
pub fn secret_count(number: u32) -> usize {
    ffi::secret_count(number) as usize
}

/// Deletes inputs of this contract.
pub fn delete_inputs(deletion: &Deletion) {
    let bytes = deletion.encode();
    // SAFETY: the host reads the bytes of a live slice.
    unsafe { ffi::delete_inputs(bytes.as_ptr(), bytes.len()) };
}

/// The tag of each input of a type.
#[must_use]
pub fn secret_tags(number: u32) -> Vec<u64> {
    let mut bytes = vec![[0; 8]; secret_count(number)];
    // SAFETY: the host writes 8 bytes for each input.
    unsafe { ffi::secret_tags(number, bytes.as_mut_ptr().cast()) };
    bytes.into_iter().map(u64::from_be_bytes).collect()
}

/// The owner of each input of a type.
#[must_use]
pub fn secret_owners(number: u32) -> Vec<Address> {
    let mut owners = vec![[0; 20]; secret_count(number)];
    // SAFETY: the host writes 20 bytes for each input.
    unsafe { ffi::secret_owners(number, owners.as_mut_ptr().cast()) };
    owners.into_iter().map(Address::from).collect()
}

/// A public value as an operand.
#[must_use]
pub fn secret_constant(kind: Kind, value: u128, len: u32) -> Handle {
    Handle(ffi::secret_constant(
        kind.code(),
        value as i64,
        (value >> 64) as i64,
        len,
    ))
}

/// Public values as an operand, one per element.
#[must_use]
pub fn secret_public(kind: Kind, values: &[u128]) -> Handle {
    let bytes = kind.pack(values);
    // SAFETY: the host reads as many bytes as the kind says for so many elements.
    Handle(unsafe { ffi::secret_public(kind.code(), bytes.as_ptr(), values.len()) })
}

/// Appends an operation to the program.
#[must_use]
pub fn secret_op(op: Op, operands: &[Handle], immediate: u64) -> Handle {
    let operand = |i: usize| operands.get(i).map_or(-1, |handle| handle.0);
    Handle(ffi::secret_op(
        op as u32,
        operand(0),
        operand(1),
        operand(2),
        immediate as i64,
    ))
}

/// Opens a value.
pub fn reveal(handle: Handle) {
    ffi::reveal(handle.0);
}

/// Makes a value a column of a result that stays secret; the handle −1 stands for no rows.
pub fn keep(result: u32, field: u32, element: u32, handle: Handle, detail: u32) {
    ffi::keep(result, field, element, handle.0, detail);
}

/// Defines the entry points of the module for a contract. Used by `#[quartet::contract]`.
#[macro_export]
#[doc(hidden)]
macro_rules! export_contract {
    ($contract:ty) => {
        #[expect(unsafe_code, reason = "the host finds entry points by their names")]
        const _: () = {
            $crate::export_contract!(@entry $contract:
                quartet_describe describe, quartet_init init, quartet_call call,
                quartet_compute compute, quartet_encode encode, quartet_attested attested,
                quartet_failed failed);
        };
    };
    (@entry $contract:ty: $($export:ident $function:ident),*) => {$(
        #[unsafe(no_mangle)]
        extern "C" fn $export() -> i32 {
            $crate::entry::$function::<$contract>()
        }
    )*};
}
