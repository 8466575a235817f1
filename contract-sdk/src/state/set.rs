//! A set of values.

use std::marker::PhantomData;

use super::{StateField, Stored, entries, entries::Entries};
use crate::host;

/// Values without repetition, each looked up when it is used, and gone through in their order.
///
/// It does not know how many it has: `iter().count()` reads them all.
pub struct Set<T> {
    name: &'static str,
    value: PhantomData<T>,
}

impl<T: Stored> Set<T> {
    /// Whether this value is in it.
    #[must_use]
    pub fn contains(&self, value: &T) -> bool {
        host::storage_read(&entries::key(self.name, value)).is_some()
    }

    /// Puts a value in; false if it was there already.
    pub fn insert(&mut self, value: &T) -> bool {
        let key = entries::key(self.name, value);
        let new = host::storage_read(&key).is_none();
        if new {
            host::storage_write(&key, &[]);
        }
        new
    }

    /// Takes a value out; false if it was not there.
    pub fn remove(&mut self, value: &T) -> bool {
        let key = entries::key(self.name, value);
        let there = host::storage_read(&key).is_some();
        if there {
            host::storage_remove(&key);
        }
        there
    }

    /// Takes every value out.
    pub fn clear(&mut self) {
        let mut values = Entries::<T>::all(self.name);
        while let Some((key, _)) = values.next() {
            host::storage_remove(&key);
        }
    }

    /// Whether nothing is in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }

    /// The least value.
    #[must_use]
    pub fn first(&self) -> Option<T> {
        self.iter().next()
    }

    /// The values in order, each read when it is asked for.
    pub fn iter(&self) -> impl Iterator<Item = T> + '_ {
        values(Entries::all(self.name))
    }

    /// The same from this value on, which need not be in it.
    pub fn range_from(&self, first: &T) -> impl Iterator<Item = T> + '_ {
        values(Entries::from(self.name, first))
    }
}

fn values<T: Stored>(mut entries: Entries<T>) -> impl Iterator<Item = T> {
    std::iter::from_fn(move || entries.next().map(|(_, value)| value))
}

impl<T> StateField for Set<T> {
    fn load(name: &'static str) -> Self {
        Self {
            name,
            value: PhantomData,
        }
    }
}
