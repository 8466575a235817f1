//! What a module may import: the host functions of [`wire::guest`], with their types.

use alloy_primitives::{B256, Bytes, keccak256};
use wasmi::{
    Linker,
    ValType::{self, I32, I64},
};
use wire::{
    guest::MODULE,
    limits::{EVENT_BYTES, EVENTS_PER_CALL, INPUT_BYTES, RETURN_BYTES},
    sealed::SealedInput,
};

use super::{
    guest::{Guest, bad_argument, charge, length, read, throw, write},
    host::{Entry, Event, Host},
    limits::{COPY_BYTE, EMIT, EMIT_BYTE, HASH, HASH_BYTE, INPUT_BYTE, START, TAKE_INPUT},
    others, storage, timer, trace,
};
use crate::ContractFault;

/// Bytes that one call may hash at once.
const HASHED_BYTES: usize = 1024 * 1024;
/// Most topics of an event.
const TOPICS: usize = 4;
/// Bytes of an encoded sealed input beside its masked value.
const SEALED_OVERHEAD: usize = 1024;

/// Type of a host function: name, parameters, results.
pub(super) type Import = (&'static str, &'static [ValType], &'static [ValType]);

/// All host functions.
pub(super) const IMPORTS: [Import; 23] = [
    ("calldata_len", &[], &[I32]),
    ("calldata_read", &[I32], &[]),
    ("output", &[I32, I32], &[]),
    ("context", &[I32], &[]),
    ("storage_read", &[I32, I32], &[I32]),
    ("staged_read", &[I32], &[]),
    ("storage_write", &[I32, I32, I32, I32], &[]),
    ("storage_remove", &[I32, I32], &[]),
    ("storage_next", &[I32, I32, I32], &[I32]),
    ("set_timer", &[I32, I64], &[]),
    ("call", &[I32, I32, I32], &[I32]),
    ("emit", &[I32, I32, I32, I32], &[]),
    ("keccak256", &[I32, I32, I32], &[]),
    ("take_input", &[I32, I32, I32], &[]),
    ("start", &[I32, I32], &[I64]),
    ("secret_input", &[I32, I32, I32], &[I32]),
    ("secret_count", &[I32], &[I32]),
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
        .func_wrap(MODULE, "set_timer", timer::set_timer)?
        .func_wrap(MODULE, "call", others::call)?
        .func_wrap(MODULE, "emit", emit)?
        .func_wrap(MODULE, "keccak256", keccak)?
        .func_wrap(MODULE, "take_input", take_input)?
        .func_wrap(MODULE, "start", start)?
        .func_wrap(MODULE, "secret_input", trace::secret_input)?
        .func_wrap(MODULE, "secret_count", trace::secret_count)?
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

fn take_input(mut guest: Guest<'_>, number: i32, ptr: i32, len: i32) -> Result<(), wasmi::Error> {
    const CALL: &str = "take_input";
    let len = length("a sealed input", len, INPUT_BYTES + SEALED_OVERHEAD)?;
    charge(&mut guest, TAKE_INPUT + INPUT_BYTE * len as u64)?;
    let Entry::Input(expected) = guest.data().entry else {
        return Err(throw(ContractFault::NotHere { call: CALL }));
    };
    if guest.data().effects.taken.is_some() {
        return Err(throw(ContractFault::Twice { call: CALL }));
    }
    if number.cast_unsigned() != expected {
        let why = format!("this function takes inputs of type {expected}, not {number}");
        return Err(bad_argument(CALL, why));
    }
    let bytes = read(&guest, CALL, ptr, len)?;
    let host = guest.data_mut();
    let types = host.description.as_ref().map(|d| d.inputs.as_slice());
    let input_type = types.and_then(|types| types.get(expected as usize));
    let input_type = input_type.ok_or_else(|| bad_argument(CALL, "no such input type"))?;
    let sealed = SealedInput::decode(&bytes, input_type)
        .map_err(|error| throw(ContractFault::SealedInput(error)))?;
    host.effects.taken = Some(sealed);
    Ok(())
}

fn start(mut guest: Guest<'_>, number: i32, context: i32) -> Result<i64, wasmi::Error> {
    const CALL: &str = "start";
    charge(&mut guest, START)?;
    if guest.data().entry != Entry::Action {
        return Err(throw(ContractFault::NotHere { call: CALL }));
    }
    if guest.data().effects.started.is_some() {
        return Err(throw(ContractFault::Twice { call: CALL }));
    }
    let context = B256::from_slice(&read(&guest, CALL, context, 32)?);
    let host = guest.data_mut();
    let computations = host
        .description
        .as_ref()
        .map_or(0, |d| d.computations.len());
    let number = number.cast_unsigned();
    if number as usize >= computations {
        return Err(bad_argument(
            CALL,
            format!("no computation has number {number}"),
        ));
    }
    host.effects.started = Some((number, context));
    Ok(host.next_computation.cast_signed())
}
