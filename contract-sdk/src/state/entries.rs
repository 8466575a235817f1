//! Where the entries of a field are, and how they are gone through.

use std::{
    marker::PhantomData,
    ops::{Bound, RangeBounds},
};

use super::{Stored, stored::Key};
use crate::host;

/// The key of an entry: the field's name, a zero byte, which no name has, and the entry's own key.
pub(super) fn key<K: Stored>(name: &str, key: &K) -> Vec<u8> {
    let mut bytes = beginning(name, 0);
    key.store::<Key>(&mut bytes);
    bytes
}

/// The field's name and a byte: with a zero no entry has a lesser key, with a one all have.
fn beginning(name: &str, end: u8) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(name.len() + 1 + 32);
    bytes.extend_from_slice(name.as_bytes());
    bytes.push(end);
    bytes
}

/// The least that is greater.
fn after(mut key: Vec<u8>) -> Vec<u8> {
    key.push(0);
    key
}

/// The entries of a field in the order of their keys, from either end: each with its key as bytes of
/// the storage, and as a value.
pub(super) struct Entries<K> {
    name_len: usize,
    /// The keys that are left are not less than this.
    from: Vec<u8>,
    /// They are less than this.
    before: Vec<u8>,
    key: PhantomData<K>,
}

impl<K: Stored> Entries<K> {
    /// All of them.
    pub(super) fn all(name: &str) -> Self {
        Self::range(name, &..)
    }

    /// Those whose keys are in this range.
    pub(super) fn range(name: &str, keys: &impl RangeBounds<K>) -> Self {
        Self {
            name_len: name.len(),
            from: match keys.start_bound() {
                Bound::Included(first) => key(name, first),
                Bound::Excluded(before) => after(key(name, before)),
                Bound::Unbounded => beginning(name, 0),
            },
            before: match keys.end_bound() {
                Bound::Included(last) => after(key(name, last)),
                Bound::Excluded(end) => key(name, end),
                Bound::Unbounded => beginning(name, 1),
            },
            key: PhantomData,
        }
    }

    /// What was found, if it is one of those that are left.
    fn entry(&self, found: Option<Vec<u8>>) -> Option<(Vec<u8>, K)> {
        let found = found.filter(|key| (&self.from..&self.before).contains(&key))?;
        let key = super::stored::decode_key(found.get(self.name_len + 1..)?);
        Some((found, key))
    }
}

impl<K: Stored> Iterator for Entries<K> {
    type Item = (Vec<u8>, K);

    fn next(&mut self) -> Option<Self::Item> {
        let entry = self.entry(host::storage_next(self.name_len, &self.from))?;
        self.from = after(entry.0.clone());
        Some(entry)
    }
}

impl<K: Stored> DoubleEndedIterator for Entries<K> {
    fn next_back(&mut self) -> Option<Self::Item> {
        let entry = self.entry(host::storage_previous(self.name_len, &self.before))?;
        self.before.clone_from(&entry.0);
        Some(entry)
    }
}
