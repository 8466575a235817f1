//! Values that leave in the order in which they came.

use std::marker::PhantomData;

use super::{StateField, Stored, decode, entries, stored};
use crate::host;

/// Values that leave in the order in which they came, each read and written when it is used.
pub struct Queue<T> {
    name: &'static str,
    value: PhantomData<T>,
}

impl<T: Stored> Queue<T> {
    /// How many values there are.
    #[must_use]
    pub fn len(&self) -> u64 {
        let (front, end) = self.ends();
        end.saturating_sub(front)
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The value that leaves next.
    #[must_use]
    pub fn front(&self) -> Option<T> {
        self.read(self.ends().0)
    }

    /// Appends a value.
    pub fn push(&mut self, value: &T) {
        let (front, end) = self.ends();
        host::storage_write(&entries::key(self.name, &end), &stored::encode(value));
        self.set_ends(front, end + 1);
    }

    /// Removes the value that came first.
    pub fn pop(&mut self) -> Option<T> {
        let (front, end) = self.ends();
        let value = self.read(front)?;
        host::storage_remove(&entries::key(self.name, &front));
        self.set_ends(front + 1, end);
        Some(value)
    }

    /// Removes every value.
    pub fn clear(&mut self) {
        let (front, end) = self.ends();
        for place in front..end {
            host::storage_remove(&entries::key(self.name, &place));
        }
        self.set_ends(end, end);
    }

    /// The values in the order in which they leave, each read when it is asked for.
    pub fn iter(&self) -> impl Iterator<Item = T> + '_ {
        let (front, end) = self.ends();
        (front..end).filter_map(|place| self.read(place))
    }

    fn read(&self, place: u64) -> Option<T> {
        host::storage_read(&entries::key(self.name, &place)).map(|bytes| decode(&bytes))
    }

    /// Places of the first value and after the last one.
    fn ends(&self) -> (u64, u64) {
        host::storage_read(self.name.as_bytes()).map_or((0, 0), |bytes| decode(&bytes))
    }

    fn set_ends(&mut self, front: u64, end: u64) {
        if front == end {
            host::storage_remove(self.name.as_bytes());
        } else {
            host::storage_write(self.name.as_bytes(), &stored::encode(&(front, end)));
        }
    }
}

impl<T> StateField for Queue<T> {
    fn load(name: &'static str) -> Self {
        Self {
            name,
            value: PhantomData,
        }
    }
}
