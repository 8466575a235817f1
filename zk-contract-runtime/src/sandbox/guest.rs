//! Access to the guest from host functions: fuel, memory, faults. Nothing here trusts the guest.

use wasmi::Caller;

use super::{host::Host, limits};
use crate::ContractFault;

/// The caller of a host function.
pub(super) type Guest<'a> = Caller<'a, Host>;

/// A fault on its way through the interpreter.
#[derive(Debug)]
pub(super) struct Thrown(pub(super) ContractFault);

impl std::fmt::Display for Thrown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl wasmi::errors::HostError for Thrown {}

/// Ends the call.
pub(super) fn throw(fault: ContractFault) -> wasmi::Error {
    wasmi::Error::host(Thrown(fault))
}

/// Ends the call because an argument has no meaning.
pub(super) fn bad_argument(call: &'static str, why: impl Into<String>) -> wasmi::Error {
    let why = why.into();
    throw(ContractFault::BadArgument { call, why })
}

/// Takes fuel for what the host is about to do, and for the call itself.
pub(super) fn charge(guest: &mut Guest<'_>, fuel: u64) -> Result<(), wasmi::Error> {
    let left = guest.get_fuel()?;
    match left.checked_sub(fuel.saturating_add(limits::HOST_CALL)) {
        Some(left) => guest.set_fuel(left),
        None => {
            guest.set_fuel(0)?;
            Err(throw(ContractFault::OutOfFuel))
        }
    }
}

/// A length that the guest gave, if it is within the bound.
pub(super) fn length(what: &'static str, len: i32, limit: usize) -> Result<usize, wasmi::Error> {
    let actual = len.cast_unsigned();
    if actual as usize > limit {
        let (actual, limit) = (u64::from(actual), limit as u64);
        return Err(throw(ContractFault::TooLong {
            what,
            actual,
            limit,
        }));
    }
    Ok(actual as usize)
}

/// Copies bytes out of the guest.
pub(super) fn read(
    guest: &Guest<'_>,
    call: &'static str,
    ptr: i32,
    len: usize,
) -> Result<Vec<u8>, wasmi::Error> {
    let outside = || throw(ContractFault::OutOfBounds { call });
    let memory = guest.data().memory.ok_or_else(outside)?;
    let start = ptr.cast_unsigned() as usize;
    let end = start.checked_add(len).ok_or_else(outside)?;
    let bytes = memory.data(guest).get(start..end).ok_or_else(outside)?;
    Ok(bytes.to_vec())
}

/// Copies bytes, which `source` picks from the host, into the guest.
pub(super) fn write(
    guest: &mut Guest<'_>,
    call: &'static str,
    ptr: i32,
    source: impl for<'h> FnOnce(&'h Host) -> &'h [u8],
) -> Result<(), wasmi::Error> {
    let outside = || throw(ContractFault::OutOfBounds { call });
    let memory = guest.data().memory.ok_or_else(outside)?;
    let (data, host) = memory.data_and_store_mut(guest);
    let bytes = source(host);
    let start = ptr.cast_unsigned() as usize;
    let end = start.checked_add(bytes.len()).ok_or_else(outside)?;
    data.get_mut(start..end)
        .ok_or_else(outside)?
        .copy_from_slice(bytes);
    Ok(())
}
