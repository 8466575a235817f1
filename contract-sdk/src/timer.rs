//! Functions that run by themselves: `#[action] #[at(field)]`.

use crate::{
    Time, host,
    state::{Item, decode},
};

/// A field of the state that says when a function runs by itself.
#[diagnostic::on_unimplemented(
    message = "a field of type `{Self}` is no time",
    label = "does not say when",
    note = "`#[at(field)]` takes a field of type Time, Option<Time> or Item<Time>: seconds since the \
            Unix epoch, 0 or none for never"
)]
pub trait When {
    /// The time; 0 for never.
    fn when(&self) -> Time;
}

impl When for Time {
    fn when(&self) -> Time {
        *self
    }
}

impl When for Option<Time> {
    fn when(&self) -> Time {
        self.unwrap_or(0)
    }
}

impl When for Item<Time> {
    fn when(&self) -> Time {
        self.get().unwrap_or(0)
    }
}

/// Sets the timer of a function if its field has changed since it was last set, also if it has gone
/// off meanwhile. The time for which it was set is kept in the state under `key`.
pub fn arm(selector: [u8; 4], key: &str, field: &impl When) {
    let (time, key) = (field.when(), key.as_bytes());
    let before: Time = host::storage_read(key).map_or(0, |bytes| decode(&bytes));
    if time == before {
        return;
    }
    host::set_timer(selector, time);
    if time == 0 {
        host::storage_remove(key);
    } else {
        host::storage_write(key, &time.to_be_bytes());
    }
}
