//! Values by key.

use std::{marker::PhantomData, ops::RangeBounds};

use super::{StateField, Stored, decode, entries, entries::Entries, stored};
use crate::host;

/// Values by key, each read and written when it is used, and gone through in the order of the keys:
/// numbers by size, text and bytes as Rust compares them.
///
/// It does not keep how many entries it has: that would make each new one cost about twice as much,
/// a second entry read and written, for the contracts that never ask. [`Map::count`] goes through
/// them. A contract that asks often, or of many, keeps a number beside the map.
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
        for (place, _) in Entries::<K>::all(self.name) {
            host::storage_remove(&place);
        }
    }

    /// Whether no key has a value. Finds one, however many there are.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys().next().is_none()
    }

    /// How many keys have a value. **Finds each of them**, so it costs as much as going through the
    /// keys.
    #[doc(alias = "len")]
    #[must_use]
    pub fn count(&self) -> u64 {
        self.keys().count() as u64
    }

    /// The least key and its value.
    #[must_use]
    pub fn first(&self) -> Option<(K, V)> {
        self.iter().next()
    }

    /// The greatest key and its value.
    #[must_use]
    pub fn last(&self) -> Option<(K, V)> {
        self.iter().next_back()
    }

    /// Keys and values in the order of the keys, or in reverse, each read when it is asked for.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (K, V)> + '_ {
        self.range(..)
    }

    /// The same of the keys in a range, whose ends need not have values: `range(&low..&high)`.
    pub fn range<'m>(
        &'m self,
        keys: impl RangeBounds<K>,
    ) -> impl DoubleEndedIterator<Item = (K, V)> + 'm {
        let value = |place: &[u8]| Some(decode(&host::storage_read(place)?));
        Entries::range(self.name, &keys).filter_map(move |(place, key)| Some((key, value(&place)?)))
    }

    /// The keys in order, or in reverse; values are not read.
    pub fn keys(&self) -> impl DoubleEndedIterator<Item = K> + '_ {
        Entries::all(self.name).map(|(_, key)| key)
    }

    /// The values in the order of their keys, or in reverse.
    pub fn values(&self) -> impl DoubleEndedIterator<Item = V> + '_ {
        self.iter().map(|(_, value)| value)
    }
}

impl<K, V> StateField for Map<K, V> {
    fn load(name: &'static str) -> Self {
        Self {
            name,
            entry: PhantomData,
        }
    }
}
