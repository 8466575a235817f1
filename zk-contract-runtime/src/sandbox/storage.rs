//! Host functions on the contract's public state.

use alloy_primitives::Bytes;
use wire::limits::{STORAGE_KEY_BYTES, STORAGE_VALUE_BYTES};

use super::{
    guest::{Guest, charge, length, read, throw, write},
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
