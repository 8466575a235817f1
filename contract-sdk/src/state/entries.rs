//! Where the entries of a field are, and how they are gone through.

use std::marker::PhantomData;

use super::Stored;
use crate::host;

/// The key of an entry: the field's name, a zero byte, which no name has, and the entry's own key.
pub(super) fn key<K: Stored>(name: &str, key: &K) -> Vec<u8> {
    let mut bytes = prefix(name);
    key.store_key(&mut bytes);
    bytes
}

fn prefix(name: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(name.len() + 1 + 32);
    bytes.extend_from_slice(name.as_bytes());
    bytes.push(0);
    bytes
}

/// The entries of a field from one on, in the order of their keys.
pub(super) struct Entries<K> {
    prefix_len: usize,
    /// Where the search for the next one begins.
    from: Vec<u8>,
    key: PhantomData<K>,
}

impl<K: Stored> Entries<K> {
    /// All of them.
    pub(super) fn all(name: &str) -> Self {
        Self::starting(name, prefix(name))
    }

    /// Those whose keys are not less than this one.
    pub(super) fn from(name: &str, first: &K) -> Self {
        Self::starting(name, key(name, first))
    }

    fn starting(name: &str, from: Vec<u8>) -> Self {
        Self {
            prefix_len: name.len() + 1,
            from,
            key: PhantomData,
        }
    }

    /// The next one: its key as bytes of the storage, and as a value.
    pub(super) fn next(&mut self) -> Option<(Vec<u8>, K)> {
        let found = host::storage_next(self.prefix_len, &self.from)?;
        let key = super::stored::decode_key(found.get(self.prefix_len..)?);
        self.from.clear();
        self.from.extend_from_slice(&found);
        self.from.push(0); // The least that is greater.
        Some((found, key))
    }
}
