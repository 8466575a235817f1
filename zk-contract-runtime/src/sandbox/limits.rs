//! What a call may use: memory, tables, and the fuel that host functions cost.
//!
//! A unit of fuel is about one instruction of the interpreter, some nanoseconds. The costs here
//! stand in that proportion to what the host does, with room to spare, so that no way of spending
//! [`wire::limits::CALL_FUEL`] takes much longer than another.

use wasmi::{
    ResourceLimiter,
    errors::{MemoryError, TableError},
};
use wasmi_core::LimiterError;
use wire::limits::{BLOCK_BYTES, BLOCK_FUEL, MEMORY_PAGES};

/// Bytes of one page of linear memory.
pub(crate) const PAGE_BYTES: usize = 64 * 1024;
/// Elements of a contract's function table.
pub(crate) const TABLE_ELEMENTS: usize = 10_000;
/// Fuel that a module may use to describe itself.
pub(crate) const DESCRIBE_FUEL: u64 = 20_000_000;

/// What every host call costs.
pub(super) const HOST_CALL: u64 = 50;
/// For each byte that a host call copies between guest and host.
pub(super) const COPY_BYTE: u64 = 1;
/// For each byte that is hashed.
pub(super) const HASH_BYTE: u64 = 4;
/// A hash.
pub(super) const HASH: u64 = 500;
/// Finding something in the storage.
pub(super) const STORAGE_READ: u64 = 1_000;
/// Changing something in the storage, which also changes the state tree.
pub(super) const STORAGE_WRITE: u64 = 10_000;
/// For each byte that is written to the storage: every node keeps it in memory.
pub(super) const STORAGE_BYTE: u64 = 200;
/// Calling another contract, besides its instance and what it does.
pub(super) const CALL_OTHER: u64 = 20_000;
/// For each contract, and each entry of a storage, that calls before have changed: another call
/// begins with a copy of that.
pub(super) const COPY_CHANGE: u64 = 100;
/// Setting a timer, which every node keeps in memory.
pub(super) const SET_TIMER: u64 = 20_000;
/// An event.
pub(super) const EMIT: u64 = 1_000;
/// For each byte of an event, which every node keeps on disk.
pub(super) const EMIT_BYTE: u64 = 50;
/// Taking an input, which every node then checks, votes on and keeps.
pub(super) const TAKE_INPUT: u64 = 20_000;
/// For each byte of a sealed input.
pub(super) const INPUT_BYTE: u64 = 4;
/// Starting a computation.
pub(super) const START: u64 = 100_000;
/// For each byte that says how: every node keeps it in memory.
pub(super) const START_BYTE: u64 = STORAGE_BYTE;
/// Deleting an input.
pub(crate) const DELETE_INPUT: u64 = 2_000;
/// One operation of a secret program, which is then also typed, hashed and planned.
pub(super) const SECRET_OPERATION: u64 = 4_000;
/// For each public value of a secret program, which every node keeps with it.
pub(super) const PUBLIC_ELEMENT: u64 = 50;

// Code makes the state and the logs grow not much faster than blocks full of data would.
const _: () = assert!(BLOCK_FUEL / STORAGE_BYTE <= 2 * BLOCK_BYTES as u64);
const _: () = assert!(BLOCK_FUEL / EMIT_BYTE <= 5 * BLOCK_BYTES as u64);

/// What a transaction costs before it runs.
const TRANSACTION: u64 = 21_000;
/// For each byte of a transaction's data.
const DATA_BYTE: u64 = 16;
/// For each byte of a deployment's data, which is analysed and compiled.
const CODE_BYTE: u64 = 100;

/// Fuel that a transaction costs before it runs.
pub(crate) fn intrinsic(data_bytes: usize, deployment: bool) -> u64 {
    let byte = DATA_BYTE + if deployment { CODE_BYTE } else { 0 };
    TRANSACTION + byte * data_bytes as u64
}

/// What an instance costs: its memory, its table and the copying of its data.
pub(super) fn instance(pages: u64, table_elements: u64, code_bytes: usize) -> u64 {
    2_000 + 200 * pages + 2 * table_elements + code_bytes as u64 / 8
}

/// Bounds memory and tables while a call runs. Growing beyond fails as WebAssembly says (−1);
/// when this machine has no memory left, that must not look the same, so the call ends.
#[derive(Debug, Default)]
pub(super) struct Limiter {
    /// Whether this machine, not the contract, is at fault.
    pub(super) out_of_memory: bool,
}

impl ResourceLimiter for Limiter {
    fn memory_growing(
        &mut self,
        _current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> Result<bool, LimiterError> {
        let limit = MEMORY_PAGES as usize * PAGE_BYTES;
        Ok(desired <= limit.min(maximum.unwrap_or(usize::MAX)))
    }

    fn table_growing(
        &mut self,
        _current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> Result<bool, LimiterError> {
        Ok(desired <= TABLE_ELEMENTS.min(maximum.unwrap_or(usize::MAX)))
    }

    fn memory_grow_failed(&mut self, error: &MemoryError) -> Result<(), LimiterError> {
        self.failed(matches!(error, MemoryError::OutOfSystemMemory))
    }

    fn table_grow_failed(&mut self, error: &TableError) -> Result<(), LimiterError> {
        self.failed(matches!(error, TableError::OutOfSystemMemory))
    }

    fn instances(&self) -> usize {
        1
    }

    fn tables(&self) -> usize {
        1
    }

    fn memories(&self) -> usize {
        1
    }
}

impl Limiter {
    fn failed(&mut self, out_of_memory: bool) -> Result<(), LimiterError> {
        self.out_of_memory |= out_of_memory;
        if out_of_memory {
            return Err(LimiterError::ResourceLimiterDeniedAllocation);
        }
        Ok(())
    }
}
