//! Calls of other contracts: the guest pauses, the other contract runs, the guest goes on.

use std::collections::BTreeMap;

use alloy_primitives::{Address, Bytes};
use wasmi::{Store, TypedResumableCall, Val};
use wire::{
    guest::{CALL_ABSENT, CALL_FAILED, CALL_REENTERS, CALL_TOO_DEEP},
    limits::CALL_BYTES,
};

use super::{
    call::{Ending, Outcome},
    guest::{Guest, charge, length, read, throw},
    host::{Changes, Effects, Host, Request},
    limits::{CALL_OTHER, COPY_BYTE, COPY_CHANGE},
};
use crate::{ContractFault, HostFault};

/// What calls that have led to another have done so far.
#[derive(Debug, Default)]
pub(crate) struct Within {
    /// What has been done to the contract that is called.
    pub(crate) own: Changes,
    /// What has been done to others.
    pub(crate) others: BTreeMap<Address, Changes>,
    /// How many events there were.
    pub(crate) events: usize,
}

/// The other contracts, for one that runs.
pub(crate) trait Others {
    /// Calls one with at most so much fuel.
    ///
    /// # Errors
    /// Only what is this machine's fault.
    fn call(
        &mut self,
        to: Address,
        data: Bytes,
        before: Before<'_>,
        fuel: u64,
    ) -> Result<Answer, HostFault>;
}

/// What the caller has led to so far.
pub(crate) struct Before<'a> {
    /// What has been done to other contracts than the caller.
    pub(crate) others: &'a BTreeMap<Address, Changes>,
    /// How many events there were.
    pub(crate) events: usize,
}

/// What came of a call of another contract.
pub(crate) enum Answer {
    /// It ran.
    Ran(Box<Outcome>),
    /// There is none.
    Absent,
    /// It is one of those that have led to this call.
    Reenters,
    /// Too many have led to this call.
    TooDeep,
}

/// No other contracts: for entry points that can call none.
pub(crate) struct Nobody;

impl Others for Nobody {
    fn call(
        &mut self,
        _to: Address,
        _data: Bytes,
        _before: Before<'_>,
        _fuel: u64,
    ) -> Result<Answer, HostFault> {
        Ok(Answer::Absent)
    }
}

/// The guest pauses, until its [`Request`] is answered.
#[derive(Debug)]
struct Pause;

impl std::fmt::Display for Pause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the guest waits for another contract")
    }
}

impl wasmi::errors::HostError for Pause {}

/// `call(address, ptr, len) -> i32`
pub(super) fn call(
    mut guest: Guest<'_>,
    address: i32,
    ptr: i32,
    len: i32,
) -> Result<i32, wasmi::Error> {
    const CALL: &str = "call";
    let len = length("the arguments of a call", len, CALL_BYTES)?;
    let copied: u64 = guest.data().effects.others.values().map(weight).sum();
    charge(&mut guest, CALL_OTHER + COPY_BYTE * len as u64 + copied)?;
    if !guest.data().entry.has_state() {
        return Err(throw(ContractFault::NotHere { call: CALL }));
    }
    let to = Address::from_slice(&read(&guest, CALL, address, Address::len_bytes())?);
    let data = Bytes::from(read(&guest, CALL, ptr, len)?);
    guest.data_mut().request = Some(Request { to, data });
    Err(wasmi::Error::host(Pause))
}

/// Fuel for a copy of what was done to a contract.
fn weight(changes: &Changes) -> u64 {
    let entry = |(key, value): (&Vec<u8>, &Option<Bytes>)| {
        let bytes = key.len() + value.as_ref().map_or(0, |value| value.len());
        COPY_CHANGE + COPY_BYTE * bytes as u64
    };
    COPY_CHANGE + changes.writes.iter().map(entry).sum::<u64>()
}

/// Lets a guest run to its end, with the answers that it pauses for.
///
/// # Errors
/// The inner error ended the guest, the outer one is this machine's fault.
pub(super) fn finish(
    store: &mut Store<Host>,
    mut call: TypedResumableCall<i32>,
    others: &mut dyn Others,
) -> Result<Result<i32, ContractFault>, HostFault> {
    loop {
        let paused = match call {
            TypedResumableCall::Finished(code) => return Ok(Ok(code)),
            TypedResumableCall::OutOfFuel(_) => return Ok(Err(ContractFault::OutOfFuel)),
            TypedResumableCall::HostTrap(paused) => paused,
        };
        let request = match paused.host_error().downcast_ref::<Pause>() {
            Some(Pause) => store.data_mut().request.take(),
            None => None,
        };
        let Some(request) = request else {
            return super::call::fault(paused.host_error()).map(Err);
        };
        let sandbox = |error: wasmi::Error| HostFault::Sandbox(error.to_string());
        let fuel = store.get_fuel().map_err(sandbox)?;
        let host = store.data();
        let before = Before {
            others: &host.effects.others,
            events: host.events(),
        };
        let answer = others.call(request.to, request.data, before, fuel)?;
        let used = match &answer {
            Answer::Ran(outcome) => outcome.fuel_used,
            _ => 0,
        };
        store.set_fuel(fuel.saturating_sub(used)).map_err(sandbox)?;
        let code = take_in(store.data_mut(), request.to, answer);
        call = match paused.resume(&mut *store, &[Val::I32(code)]) {
            Ok(call) => call,
            Err(error) => return super::call::fault(&error).map(Err),
        };
    }
}

/// Takes in what came of a call; what the guest is told.
fn take_in(host: &mut Host, to: Address, answer: Answer) -> i32 {
    let outcome = match answer {
        Answer::Ran(outcome) => *outcome,
        Answer::Absent => return CALL_ABSENT,
        Answer::Reenters => return CALL_REENTERS,
        Answer::TooDeep => return CALL_TOO_DEEP,
    };
    // At most RETURN_BYTES.
    let length = i32::try_from(outcome.output.len()).unwrap_or(0);
    host.staged = outcome.output;
    match outcome.ending {
        Ending::Ok => {
            let Effects {
                writes,
                timers,
                others,
                events,
                ..
            } = outcome.effects;
            host.effects.others = others;
            host.effects.others.insert(to, Changes { writes, timers });
            host.effects.events.extend(events);
            length
        }
        Ending::Reverted => -1 - length,
        Ending::Fault(_) => CALL_FAILED,
    }
}
