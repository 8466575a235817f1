//! The host function that lets a contract be called at a time.

use alloy_primitives::FixedBytes;
use wire::limits::TIMERS;

use super::{
    guest::{Guest, charge, throw},
    limits::SET_TIMER,
};
use crate::ContractFault;

/// `set_timer(selector, time)`
pub(super) fn set_timer(
    mut guest: Guest<'_>,
    selector: i32,
    time: i64,
) -> Result<(), wasmi::Error> {
    const CALL: &str = "set_timer";
    charge(&mut guest, SET_TIMER)?;
    if !guest.data().entry.has_state() {
        return Err(throw(ContractFault::NotHere { call: CALL }));
    }
    let selector = FixedBytes(selector.to_be_bytes());
    let host = guest.data_mut();
    let timers = host
        .effects
        .timers
        .get_or_insert_with(|| host.timers.clone());
    if time == 0 {
        timers.remove(&selector);
    } else {
        timers.insert(selector, time.cast_unsigned());
    }
    let actual = timers.len();
    if actual > TIMERS {
        return Err(throw(ContractFault::TooLong {
            what: "the list of timers",
            actual: actual as u64,
            limit: TIMERS as u64,
        }));
    }
    Ok(())
}
