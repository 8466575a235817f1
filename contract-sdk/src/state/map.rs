//! Values by key.

use std::marker::PhantomData;

use super::{StateField, Stored, decode, entries, entries::Entries, stored};
use crate::host;

/// Values by key, each read and written when it is used, and gone through in the order of the keys:
/// numbers by size, text and bytes as Rust compares them.
///
/// It does not know how many entries it has: `iter().count()` reads them all.
pub struct Map<K, V> {
    name: &'static str,
    entry: PhantomData<(K, V)>,
}

impl<K: Stored, V: Stored> Map<K, V> {
    /// The value of this key.
    #[must_use]
    pub fn get(&self, key: &K) -> Option<V> {
        host::storage_read(&entries::key(self.name, key)).map(|bytes| decode(&bytes))
    }

    /// Whether this key has a value.
    #[must_use]
    pub fn contains(&self, key: &K) -> bool {
        host::storage_read(&entries::key(self.name, key)).is_some()
    }

    /// Sets the value of this key.
    pub fn insert(&mut self, key: &K, value: &V) {
        host::storage_write(&entries::key(self.name, key), &stored::encode(value));
    }

    /// Removes this key.
    pub fn remove(&mut self, key: &K) {
        host::storage_remove(&entries::key(self.name, key));
    }

    /// Removes every key.
    pub fn clear(&mut self) {
        let mut keys = Entries::<K>::all(self.name);
        while let Some((key, _)) = keys.next() {
            host::storage_remove(&key);
        }
    }

    /// Whether no key has a value.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys().next().is_none()
    }

    /// The least key and its value.
    #[must_use]
    pub fn first(&self) -> Option<(K, V)> {
        self.iter().next()
    }

    /// Keys and values in the order of the keys, each read when it is asked for.
    pub fn iter(&self) -> impl Iterator<Item = (K, V)> + '_ {
        pairs(Entries::all(self.name))
    }

    /// The same from this key on, which need not have a value.
    pub fn range_from(&self, first: &K) -> impl Iterator<Item = (K, V)> + '_ {
        pairs(Entries::from(self.name, first))
    }

    /// The keys in order; values are not read.
    pub fn keys(&self) -> impl Iterator<Item = K> + '_ {
        let mut entries = Entries::all(self.name);
        std::iter::from_fn(move || entries.next().map(|(_, key)| key))
    }

    /// The values in the order of their keys.
    pub fn values(&self) -> impl Iterator<Item = V> + '_ {
        self.iter().map(|(_, value)| value)
    }
}

fn pairs<K: Stored, V: Stored>(mut entries: Entries<K>) -> impl Iterator<Item = (K, V)> {
    std::iter::from_fn(move || {
        let (place, key) = entries.next()?;
        let value = host::storage_read(&place)?;
        Some((key, decode(&value)))
    })
}

impl<K, V> StateField for Map<K, V> {
    fn load(name: &'static str) -> Self {
        Self {
            name,
            entry: PhantomData,
        }
    }
}
