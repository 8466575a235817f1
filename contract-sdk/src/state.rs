//! Public state: [`Item`], [`Map`], and plain fields.
//!
//! A field's key is its name; an entry of a map has the name, a zero byte and the encoded key.
//! `Item` and `Map` read and write when they are used. A plain field is read before the call, and
//! written after it if it changed; use it for what is small and often needed.

mod stored;

use std::marker::PhantomData;

use crate::host;

pub use stored::{Stored, decode};

/// A contract's `#[state]`.
pub trait State: Sized {
    /// Reads the plain fields.
    fn load() -> Self;
    /// Writes the plain fields that changed.
    fn save(&self);
}

/// A field of a [`State`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a field of a contract's state",
    note = "use Item<T>, Map<K, V>, or a plain value that implements Stored and Default"
)]
pub trait StateField {
    /// The field with this name.
    fn load(name: &'static str) -> Self;
    /// Writes it, if it is kept in memory and changed.
    fn save(&self, _name: &'static str) {}
}

impl<T: Stored + Default> StateField for T {
    fn load(name: &'static str) -> Self {
        host::storage_read(name.as_bytes())
            .map(|bytes| decode(&bytes))
            .unwrap_or_default()
    }

    fn save(&self, name: &'static str) {
        let bytes = stored::encode(self);
        let changed = match host::storage_read(name.as_bytes()) {
            Some(before) => before != bytes,
            None => bytes != stored::encode(&T::default()),
        };
        if changed {
            host::storage_write(name.as_bytes(), &bytes);
        }
    }
}

/// One value that may be absent, read and written when it is used.
pub struct Item<T> {
    name: &'static str,
    value: PhantomData<T>,
}

impl<T: Stored> Item<T> {
    /// The value, if one was set.
    #[must_use]
    pub fn get(&self) -> Option<T> {
        host::storage_read(self.name.as_bytes()).map(|bytes| decode(&bytes))
    }

    /// Sets the value.
    pub fn set(&mut self, value: &T) {
        host::storage_write(self.name.as_bytes(), &stored::encode(value));
    }

    /// Removes the value.
    pub fn clear(&mut self) {
        host::storage_remove(self.name.as_bytes());
    }
}

impl<T> StateField for Item<T> {
    fn load(name: &'static str) -> Self {
        Self {
            name,
            value: PhantomData,
        }
    }
}

/// Values by key, each read and written when it is used. It cannot be listed.
pub struct Map<K, V> {
    name: &'static str,
    entry: PhantomData<(K, V)>,
}

impl<K: Stored, V: Stored> Map<K, V> {
    /// The value of this key.
    #[must_use]
    pub fn get(&self, key: &K) -> Option<V> {
        host::storage_read(&self.key(key)).map(|bytes| decode(&bytes))
    }

    /// Whether this key has a value.
    #[must_use]
    pub fn contains(&self, key: &K) -> bool {
        host::storage_read(&self.key(key)).is_some()
    }

    /// Sets the value of this key.
    pub fn insert(&mut self, key: &K, value: &V) {
        host::storage_write(&self.key(key), &stored::encode(value));
    }

    /// Removes this key.
    pub fn remove(&mut self, key: &K) {
        host::storage_remove(&self.key(key));
    }

    fn key(&self, key: &K) -> Vec<u8> {
        let mut bytes = self.name.as_bytes().to_vec();
        bytes.push(0);
        key.store(&mut bytes);
        bytes
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
