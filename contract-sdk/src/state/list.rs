//! Values by place.

use std::marker::PhantomData;

use super::{StateField, Stored, decode, entries, stored};
use crate::host;

/// Values one after another, each read and written when it is used. Unlike a `Vec` in the state, it
/// may be long: a call pays only for what it uses.
pub struct List<T> {
    name: &'static str,
    value: PhantomData<T>,
}

impl<T: Stored> List<T> {
    /// How many values there are.
    #[must_use]
    pub fn len(&self) -> u64 {
        host::storage_read(self.name.as_bytes()).map_or(0, |bytes| decode(&bytes))
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The value at a place, counted from 0; none beyond the end.
    #[must_use]
    pub fn get(&self, place: u64) -> Option<T> {
        host::storage_read(&entries::key(self.name, &place)).map(|bytes| decode(&bytes))
    }

    /// The last value.
    #[must_use]
    pub fn last(&self) -> Option<T> {
        self.get(self.len().checked_sub(1)?)
    }

    /// Changes the value at a place; false, and nothing changes, beyond the end.
    pub fn set(&mut self, place: u64, value: &T) -> bool {
        let inside = place < self.len();
        if inside {
            self.write(place, value);
        }
        inside
    }

    /// Appends a value and returns its place.
    pub fn push(&mut self, value: &T) -> u64 {
        let place = self.len();
        self.write(place, value);
        self.set_len(place + 1);
        place
    }

    /// Removes the last value.
    pub fn pop(&mut self) -> Option<T> {
        let place = self.len().checked_sub(1)?;
        let value = self.get(place);
        host::storage_remove(&entries::key(self.name, &place));
        self.set_len(place);
        value
    }

    /// Removes the value at a place and puts the last one there; none, and nothing changes, beyond
    /// the end.
    pub fn swap_remove(&mut self, place: u64) -> Option<T> {
        let value = self.get(place)?;
        let last = self.pop()?;
        if place < self.len() {
            self.write(place, &last);
        }
        Some(value)
    }

    /// Removes every value.
    pub fn clear(&mut self) {
        for place in 0..self.len() {
            host::storage_remove(&entries::key(self.name, &place));
        }
        self.set_len(0);
    }

    /// The values in order, each read when it is asked for; `skip` passes over values for nothing.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = T> + DoubleEndedIterator + '_ {
        Values {
            places: 0..self.len(),
            list: self,
        }
    }

    fn write(&mut self, place: u64, value: &T) {
        host::storage_write(&entries::key(self.name, &place), &stored::encode(value));
    }

    fn set_len(&mut self, len: u64) {
        if len == 0 {
            host::storage_remove(self.name.as_bytes());
        } else {
            host::storage_write(self.name.as_bytes(), &stored::encode(&len));
        }
    }
}

struct Values<'a, T> {
    places: std::ops::Range<u64>,
    list: &'a List<T>,
}

impl<T: Stored> Iterator for Values<'_, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.list.get(self.places.next()?)
    }

    fn nth(&mut self, n: usize) -> Option<T> {
        self.list.get(self.places.nth(n)?)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = (self.places.end - self.places.start) as usize;
        (left, Some(left))
    }
}

impl<T: Stored> DoubleEndedIterator for Values<'_, T> {
    fn next_back(&mut self) -> Option<T> {
        self.list.get(self.places.next_back()?)
    }
}

impl<T: Stored> ExactSizeIterator for Values<'_, T> {}

impl<T> StateField for List<T> {
    fn load(name: &'static str) -> Self {
        Self {
            name,
            value: PhantomData,
        }
    }
}
