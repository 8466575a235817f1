//! Host functions on inputs: what an input function does with its own, and what computations are
//! started over.

use wire::{
    guest::{DELETION_BYTES, Deletion, Recipient, START_BYTES, StartOptions},
    limits::{DELETIONS_PER_CALL, INPUT_BYTES},
    sealed::SealedInput,
};

use super::{
    guest::{Guest, bad_argument, charge, length, read, throw},
    host::{Entry, Marks},
    limits::{COPY_BYTE, INPUT_BYTE, START, START_BYTE, TAKE_INPUT},
};
use crate::ContractFault;

/// Bytes of an encoded sealed input beside its masked value.
const SEALED_OVERHEAD: usize = 1024;

/// `take_input(type, ptr, len)`
pub(super) fn take_input(
    mut guest: Guest<'_>,
    number: i32,
    ptr: i32,
    len: i32,
) -> Result<(), wasmi::Error> {
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

/// What the contract says about the input of this call.
fn marks<'g>(guest: &'g mut Guest<'_>, call: &'static str) -> Result<&'g mut Marks, wasmi::Error> {
    charge(guest, 0)?;
    match guest.data().entry {
        Entry::Input(_) => Ok(&mut guest.data_mut().effects.marks),
        _ => Err(throw(ContractFault::NotHere { call })),
    }
}

/// `input_id() -> i64`
pub(super) fn input_id(mut guest: Guest<'_>) -> Result<i64, wasmi::Error> {
    marks(&mut guest, "input_id")?;
    Ok(guest.data().input.cast_signed())
}

/// `input_group(group)`
pub(super) fn input_group(mut guest: Guest<'_>, group: i64) -> Result<(), wasmi::Error> {
    marks(&mut guest, "input_group")?.group = group.cast_unsigned();
    Ok(())
}

/// `input_tag(tag)`
pub(super) fn input_tag(mut guest: Guest<'_>, tag: i64) -> Result<(), wasmi::Error> {
    marks(&mut guest, "input_tag")?.tag = tag.cast_unsigned();
    Ok(())
}

/// `input_replace()`
pub(super) fn input_replace(mut guest: Guest<'_>) -> Result<(), wasmi::Error> {
    marks(&mut guest, "input_replace")?.replaces = true;
    Ok(())
}

/// `start(computation, ptr, len) -> i64`
pub(super) fn start(
    mut guest: Guest<'_>,
    number: i32,
    ptr: i32,
    len: i32,
) -> Result<i64, wasmi::Error> {
    const CALL: &str = "start";
    let len = length("the options of a computation", len, START_BYTES)?;
    charge(&mut guest, START + START_BYTE * len as u64)?;
    if guest.data().entry != Entry::Action {
        return Err(throw(ContractFault::NotHere { call: CALL }));
    }
    if guest.data().effects.started.is_some() {
        return Err(throw(ContractFault::Twice { call: CALL }));
    }
    let options = StartOptions::decode(&read(&guest, CALL, ptr, len)?)
        .map_err(|error| bad_argument(CALL, error.to_string()))?;
    let host = guest.data_mut();
    let number = number.cast_unsigned();
    let computations = host.description.as_ref().map(|d| d.computations.as_slice());
    let Some(computation) = computations.and_then(|all| all.get(number as usize)) else {
        let why = format!("no computation has number {number}");
        return Err(bad_argument(CALL, why));
    };
    let mut results = computation.secrets.iter();
    if options.reader.is_zero() && results.any(|result| result.recipient == Recipient::Reader) {
        let why = format!(
            "the computation {} has results for a reader, and the zero address is nobody's: name \
             another one",
            computation.name
        );
        return Err(bad_argument(CALL, why));
    }
    host.effects.started = Some((number, options));
    Ok(host.next_computation.cast_signed())
}

/// `delete_inputs(ptr, len)`
pub(super) fn delete_inputs(mut guest: Guest<'_>, ptr: i32, len: i32) -> Result<(), wasmi::Error> {
    const CALL: &str = "delete_inputs";
    let len = length("a deletion of inputs", len, DELETION_BYTES)?;
    charge(&mut guest, COPY_BYTE * len as u64)?;
    if !matches!(
        guest.data().entry,
        Entry::Action | Entry::Attested | Entry::Failed
    ) {
        return Err(throw(ContractFault::NotHere { call: CALL }));
    }
    let deletion = Deletion::decode(&read(&guest, CALL, ptr, len)?)
        .map_err(|error| bad_argument(CALL, error.to_string()))?;
    let deletions = &mut guest.data_mut().effects.deletions;
    if deletions.len() >= DELETIONS_PER_CALL {
        return Err(throw(ContractFault::TooLong {
            what: "the list of deletions",
            actual: deletions.len() as u64 + 1,
            limit: DELETIONS_PER_CALL as u64,
        }));
    }
    deletions.push(deletion);
    Ok(())
}
