//! Public state: [`Item`], [`Map`], [`Set`], [`List`], [`Queue`], and plain fields.
//!
//! A field's key is its name; an entry has the name, a zero byte and the encoded key or place.
//! All but plain fields read and write when they are used, entry by entry. A plain field is read
//! before the call, and written after it if it changed; use it for what is small and often needed.
//!
//! What it costs in fuel: 1,000 to read an entry or to find the next or the one before, 10,000 to
//! write or remove one, and 200 for each byte of key and value that is written.

mod entries;
mod list;
mod map;
mod queue;
mod set;
mod stored;

use std::marker::PhantomData;

use crate::host;

pub use list::List;
pub use map::Map;
pub use queue::Queue;
pub use set::Set;
pub use stored::{Encoding, Key, Stored, Value, decode};

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
    note = "use Item<T>, Map<K, V>, Set<T>, List<T>, Queue<T>, or a plain value that implements Stored and Default",
    note = "state is public: secrets stay with the nodes, as inputs"
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
