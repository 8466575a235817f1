//! What a module may import: the host functions of [`wire::guest`], with their types.

use alloy_primitives::{B256, Bytes, keccak256};
use wasmi::{
    Linker,
    ValType::{self, I32, I64},
};
use wire::{
    guest::MODULE,
    limits::{EVENT_BYTES, EVENTS_PER_CALL, RETURN_BYTES},
};

use super::{
    guest::{Guest, charge, length, read, throw, write},
    host::{Event, Host},
    inputs,
    limits::{COPY_BYTE, EMIT, EMIT_BYTE, HASH, HASH_BYTE},
    others, storage, timer, trace,
};
use crate::ContractFault;

/// Bytes that one call may hash at once.
const HASHED_BYTES: usize = 1024 * 1024;
/// Most topics of an event.
const TOPICS: usize = 4;

/// Type of a host function: name, parameters, results.
pub(super) type Import = (&'static str, &'static [ValType], &'static [ValType]);

/// All host functions.
pub(super) const IMPORTS: [Import; 31] = [
    ("calldata_len", &[], &[I32]),
    ("calldata_read", &[I32], &[]),
    ("output", &[I32, I32], &[]),
    ("context", &[I32], &[]),
    ("storage_read", &[I32, I32], &[I32]),
    ("staged_read", &[I32], &[]),
    ("storage_write", &[I32, I32, I32, I32], &[]),
    ("storage_remove", &[I32, I32], &[]),
    ("storage_next", &[I32, I32, I32], &[I32]),
    ("storage_previous", &[I32, I32, I32], &[I32]),
    ("set_timer", &[I32, I64], &[]),
    ("call", &[I32, I32, I32], &[I32]),
    ("emit", &[I32, I32, I32, I32], &[]),
    ("keccak256", &[I32, I32, I32], &[]),
    ("take_input", &[I32, I32, I32], &[]),
    ("input_id", &[], &[I64]),
    ("input_group", &[I64], &[]),
    ("input_tag", &[I64], &[]),
    ("input_replace", &[], &[]),
    ("start", &[I32, I32, I32], &[I64]),
    ("delete_inputs", &[I32, I32], &[]),
    ("secret_input", &[I32, I32, I32], &[I32]),
    ("secret_count", &[I32], &[I32]),
    ("secret_tags", &[I32, I32], &[]),
    ("secret_owners", &[I32, I32], &[]),
    ("secret_constant", &[I32, I64, I64, I32], &[I32]),
    ("secret_public", &[I32, I32, I32], &[I32]),
    ("secret_op", &[I32, I32, I32, I32, I64], &[I32]),
    ("secret_len", &[I32], &[I32]),
    ("reveal", &[I32], &[]),
    ("keep", &[I32, I32, I32, I32, I32], &[]),
];

/// Offers the host functions to a module.
///
/// # Errors
/// Only if two of them had the same name.
pub(super) fn link(linker: &mut Linker<Host>) -> Result<(), wasmi::Error> {
    linker
        .func_wrap(MODULE, "calldata_len", calldata_len)?
        .func_wrap(MODULE, "calldata_read", calldata_read)?
        .func_wrap(MODULE, "output", output)?
        .func_wrap(MODULE, "context", context)?
        .func_wrap(MODULE, "storage_read", storage::storage_read)?
        .func_wrap(MODULE, "staged_read", storage::staged_read)?
        .func_wrap(MODULE, "storage_write", storage::storage_write)?
        .func_wrap(MODULE, "storage_remove", storage::storage_remove)?
        .func_wrap(MODULE, "storage_next", storage::storage_next)?
        .func_wrap(MODULE, "storage_previous", storage::storage_previous)?
        .func_wrap(MODULE, "set_timer", timer::set_timer)?
        .func_wrap(MODULE, "call", others::call)?
        .func_wrap(MODULE, "emit", emit)?
        .func_wrap(MODULE, "keccak256", keccak)?
        .func_wrap(MODULE, "take_input", inputs::take_input)?
        .func_wrap(MODULE, "input_id", inputs::input_id)?
        .func_wrap(MODULE, "input_group", inputs::input_group)?
        .func_wrap(MODULE, "input_tag", inputs::input_tag)?
        .func_wrap(MODULE, "input_replace", inputs::input_replace)?
        .func_wrap(MODULE, "start", inputs::start)?
        .func_wrap(MODULE, "delete_inputs", inputs::delete_inputs)?
        .func_wrap(MODULE, "secret_input", trace::secret_input)?
        .func_wrap(MODULE, "secret_count", trace::secret_count)?
        .func_wrap(MODULE, "secret_tags", trace::secret_tags)?
        .func_wrap(MODULE, "secret_owners", trace::secret_owners)?
        .func_wrap(MODULE, "secret_constant", trace::secret_constant)?
        .func_wrap(MODULE, "secret_public", trace::secret_public)?
        .func_wrap(MODULE, "secret_op", trace::secret_op)?
        .func_wrap(MODULE, "secret_len", trace::secret_len)?
        .func_wrap(MODULE, "reveal", trace::reveal)?
        .func_wrap(MODULE, "keep", trace::keep)?;
    Ok(())
}

fn calldata_len(mut guest: Guest<'_>) -> Result<i32, wasmi::Error> {
    charge(&mut guest, 0)?;
    Ok(i32::try_from(guest.data().calldata.len()).unwrap_or(i32::MAX))
}

fn calldata_read(mut guest: Guest<'_>, ptr: i32) -> Result<(), wasmi::Error> {
    let fuel = COPY_BYTE * guest.data().calldata.len() as u64;
    charge(&mut guest, fuel)?;
    write(&mut guest, "calldata_read", ptr, |host| &host.calldata)
}

fn output(mut guest: Guest<'_>, ptr: i32, len: i32) -> Result<(), wasmi::Error> {
    let len = length("the output", len, RETURN_BYTES)?;
    charge(&mut guest, COPY_BYTE * len as u64)?;
    guest.data_mut().output = read(&guest, "output", ptr, len)?;
    Ok(())
}

fn context(mut guest: Guest<'_>, ptr: i32) -> Result<(), wasmi::Error> {
    const CALL: &str = "context";
    charge(&mut guest, 0)?;
    if !guest.data().entry.has_context() {
        return Err(throw(ContractFault::NotHere { call: CALL }));
    }
    write(&mut guest, CALL, ptr, |host| &host.context)
}

fn emit(
    mut guest: Guest<'_>,
    topics: i32,
    count: i32,
    data: i32,
    len: i32,
) -> Result<(), wasmi::Error> {
    const CALL: &str = "emit";
    let count = length("the topics of an event", count, TOPICS)?;
    let len = length("the data of an event", len, EVENT_BYTES)?;
    charge(&mut guest, EMIT + EMIT_BYTE * (32 * count + len) as u64)?;
    if !guest.data().entry.has_state() {
        return Err(throw(ContractFault::NotHere { call: CALL }));
    }
    let events = guest.data().events() as u64;
    if events >= EVENTS_PER_CALL as u64 {
        return Err(throw(ContractFault::TooLong {
            what: "the list of events",
            actual: events + 1,
            limit: EVENTS_PER_CALL as u64,
        }));
    }
    let topics = read(&guest, CALL, topics, 32 * count)?;
    let topics = topics.chunks_exact(32).map(B256::from_slice).collect();
    let data = Bytes::from(read(&guest, CALL, data, len)?);
    let host = guest.data_mut();
    let contract = host.own();
    host.effects.events.push(Event {
        contract,
        topics,
        data,
    });
    Ok(())
}

fn keccak(mut guest: Guest<'_>, ptr: i32, len: i32, out: i32) -> Result<(), wasmi::Error> {
    const CALL: &str = "keccak256";
    let len = length("what is hashed", len, HASHED_BYTES)?;
    charge(&mut guest, HASH + HASH_BYTE * len as u64)?;
    let hash = keccak256(read(&guest, CALL, ptr, len)?);
    guest.data_mut().staged_hash = hash;
    write(&mut guest, CALL, out, |host| host.staged_hash.as_slice())
}
