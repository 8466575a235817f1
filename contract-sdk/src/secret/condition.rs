//! What decides which code runs: never a secret.

/// What `if`, `while` and the guards of `match` take: a `bool`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot decide which code runs",
    label = "a secret here would show in what is computed",
    note = "compute both results and choose one: write `condition.select(if_true, if_false)`"
)]
pub trait Condition {
    /// It.
    fn holds(self) -> bool;
}

impl Condition for bool {
    fn holds(self) -> bool {
        self
    }
}

/// A condition in a function on secrets; `#[quartet::contract]` calls it.
#[inline]
pub fn condition<C: Condition>(condition: C) -> bool {
    condition.holds()
}
