//! Host functions on the contract's public state.

use std::{collections::BTreeMap, ops::Bound};

use alloy_primitives::Bytes;
use wire::limits::{STORAGE_KEY_BYTES, STORAGE_VALUE_BYTES};

use super::{
    guest::{Guest, bad_argument, charge, length, read, throw, write},
    host::Host,
    limits::{COPY_BYTE, STORAGE_BYTE, STORAGE_READ, STORAGE_WRITE},
};
use crate::ContractFault;

fn key(guest: &Guest<'_>, call: &'static str, ptr: i32, len: i32) -> Result<Vec<u8>, wasmi::Error> {
    if !guest.data().entry.has_state() {
        return Err(throw(ContractFault::NotHere { call }));
    }
    let len = length("a storage key", len, STORAGE_KEY_BYTES)?;
    read(guest, call, ptr, len)
}

/// `storage_read(key, key_len) -> i32`
pub(super) fn storage_read(mut guest: Guest<'_>, ptr: i32, len: i32) -> Result<i32, wasmi::Error> {
    charge(&mut guest, STORAGE_READ)?;
    let key = key(&guest, "storage_read", ptr, len)?;
    let host = guest.data_mut();
    let written = host.effects.writes.get(&key);
    let found = match written {
        Some(value) => value.clone(),
        None => host.storage.get(&key).cloned(),
    };
    let length = found.as_ref().map_or(Ok(-1), |v| i32::try_from(v.len()));
    host.staged = found.unwrap_or_default();
    Ok(length.unwrap_or(i32::MAX))
}

/// `staged_read(ptr)`
pub(super) fn staged_read(mut guest: Guest<'_>, ptr: i32) -> Result<(), wasmi::Error> {
    let fuel = COPY_BYTE * guest.data().staged.len() as u64;
    charge(&mut guest, fuel)?;
    write(&mut guest, "staged_read", ptr, |host| &host.staged)
}

/// `storage_write(key, key_len, value, value_len)`
pub(super) fn storage_write(
    mut guest: Guest<'_>,
    key_ptr: i32,
    key_len: i32,
    ptr: i32,
    len: i32,
) -> Result<(), wasmi::Error> {
    const CALL: &str = "storage_write";
    let len = length("a storage value", len, STORAGE_VALUE_BYTES)?;
    let bytes = u64::from(key_len.cast_unsigned()) + len as u64;
    charge(&mut guest, STORAGE_WRITE + STORAGE_BYTE * bytes)?;
    let key = key(&guest, CALL, key_ptr, key_len)?;
    let value = Bytes::from(read(&guest, CALL, ptr, len)?);
    guest.data_mut().effects.writes.insert(key, Some(value));
    Ok(())
}

/// `storage_remove(key, key_len)`
pub(super) fn storage_remove(mut guest: Guest<'_>, ptr: i32, len: i32) -> Result<(), wasmi::Error> {
    charge(&mut guest, STORAGE_WRITE)?;
    let key = key(&guest, "storage_remove", ptr, len)?;
    guest.data_mut().effects.writes.insert(key, None);
    Ok(())
}

/// Which way the keys are gone through.
#[derive(Clone, Copy)]
enum Way {
    Up,
    Down,
}

/// `storage_next(prefix_len, from, from_len) -> i32`
pub(super) fn storage_next(
    guest: Guest<'_>,
    prefix_len: i32,
    ptr: i32,
    len: i32,
) -> Result<i32, wasmi::Error> {
    find(guest, "storage_next", Way::Up, (prefix_len, ptr, len))
}

/// `storage_previous(prefix_len, before, before_len) -> i32`
pub(super) fn storage_previous(
    guest: Guest<'_>,
    prefix_len: i32,
    ptr: i32,
    len: i32,
) -> Result<i32, wasmi::Error> {
    find(guest, "storage_previous", Way::Down, (prefix_len, ptr, len))
}

/// Stages the nearest key that has a value. Each key that this call has removed and that is passed
/// over costs as much as one that is found.
fn find(
    mut guest: Guest<'_>,
    call: &'static str,
    way: Way,
    (prefix_len, ptr, len): (i32, i32, i32),
) -> Result<i32, wasmi::Error> {
    charge(&mut guest, STORAGE_READ)?;
    if !guest.data().entry.has_state() {
        return Err(throw(ContractFault::NotHere { call }));
    }
    // The least key greater than the longest one is a byte longer.
    let len = length("where a search begins", len, STORAGE_KEY_BYTES + 1)?;
    let place = read(&guest, call, ptr, len)?;
    let prefix_len = prefix_len.cast_unsigned() as usize;
    let Some(prefix) = place.get(..prefix_len) else {
        return Err(bad_argument(call, "the prefix is longer than the key"));
    };
    let mut bound = match way {
        Way::Up => Bound::Included(place.as_slice()),
        Way::Down => Bound::Excluded(place.as_slice()),
    };
    let mut passed;
    let found = loop {
        match nearest(guest.data(), way, bound, prefix) {
            None => break None,
            Some((key, true)) => break Some(Bytes::copy_from_slice(key)),
            Some((key, false)) => passed = key.to_vec(),
        }
        charge(&mut guest, STORAGE_READ)?;
        bound = Bound::Excluded(passed.as_slice());
    };
    let length = found
        .as_ref()
        .map_or(Ok(-1), |key| i32::try_from(key.len()));
    guest.data_mut().staged = found.unwrap_or_default();
    Ok(length.unwrap_or(i32::MAX))
}

/// The first key from `bound` on that starts with `prefix` and that this call knows, and whether it
/// has a value: it has none if the call has removed it.
fn nearest<'h>(
    host: &'h Host,
    way: Way,
    bound: Bound<&[u8]>,
    prefix: &[u8],
) -> Option<(&'h [u8], bool)> {
    let stored = first(&host.storage, way, bound).map(|(key, _)| (key, true));
    let written = first(&host.effects.writes, way, bound);
    let written = written.map(|(key, value)| (key, value.is_some()));
    let nearest = match (stored, written) {
        (Some(stored), Some(written)) => {
            let is_stored = match way {
                Way::Up => stored.0 < written.0,
                Way::Down => stored.0 > written.0,
            };
            Some(if is_stored { stored } else { written })
        }
        (stored, written) => written.or(stored),
    };
    nearest.filter(|(key, _)| key.starts_with(prefix))
}

fn first<'h, V>(
    entries: &'h BTreeMap<Vec<u8>, V>,
    way: Way,
    bound: Bound<&[u8]>,
) -> Option<(&'h [u8], &'h V)> {
    let found = match way {
        Way::Up => entries.range::<[u8], _>((bound, Bound::Unbounded)).next(),
        Way::Down => entries
            .range::<[u8], _>((Bound::Unbounded, bound))
            .next_back(),
    };
    found.map(|(key, value)| (key.as_slice(), value))
}
