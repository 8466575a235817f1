//! A set of values.

use std::{marker::PhantomData, ops::RangeBounds};

use super::{StateField, Stored, entries, entries::Entries};
use crate::host;

/// Values without repetition, each looked up when it is used, and gone through in their order.
///
/// It does not keep how many it has, as a [`Map`](super::Map) does not: [`Set::count`] goes through
/// them.
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
        for (place, _) in Entries::<T>::all(self.name) {
            host::storage_remove(&place);
        }
    }

    /// Whether nothing is in it. Finds one value, however many there are.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.first().is_none()
    }

    /// How many values are in it. **Finds each of them**, so it costs as much as going through them.
    #[doc(alias = "len")]
    #[must_use]
    pub fn count(&self) -> u64 {
        self.iter().count() as u64
    }

    /// The least value.
    #[must_use]
    pub fn first(&self) -> Option<T> {
        self.iter().next()
    }

    /// The greatest value.
    #[must_use]
    pub fn last(&self) -> Option<T> {
        self.iter().next_back()
    }

    /// The values in order, or in reverse, each found when it is asked for.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = T> + '_ {
        self.range(..)
    }

    /// The same of those in a range, whose ends need not be in it: `range(&low..&high)`.
    pub fn range<'s>(
        &'s self,
        values: impl RangeBounds<T>,
    ) -> impl DoubleEndedIterator<Item = T> + 's {
        Entries::range(self.name, &values).map(|(_, value)| value)
    }
}

impl<T> StateField for Set<T> {
    fn load(name: &'static str) -> Self {
        Self {
            name,
            value: PhantomData,
        }
    }
}
