//! Secret values: handles into the program that is being traced, never shares.
//!
//! A `#[compute]` function runs once on handles. Every operation on a [`Secret`] or a [`SecretVec`]
//! appends to the program, which the nodes then run on shares. A `Secret<bool>` is not a `bool`, so
//! a branch on a secret does not compile:
//!
//! ```compile_fail,E0308
//! use quartet::prelude::*;
//!
//! fn larger(a: Secret<u64>, b: Secret<u64>) -> Secret<u64> {
//!     if a.gt(b) { a } else { b }
//! }
//! ```
//!
//! [`Secret::select`] takes its place:
//!
//! ```
//! use quartet::prelude::*;
//!
//! fn larger(a: Secret<u64>, b: Secret<u64>) -> Secret<u64> {
//!     a.gt(b).select(a, b)
//! }
//! ```
//!
//! What a type does not have in Rust, its secret does not have either:
//!
//! ```compile_fail,E0599
//! # use quartet::prelude::*;
//! fn absolute(a: Secret<u8>) -> Secret<u8> {
//!     a.abs()
//! }
//! ```
//!
//! ```compile_fail,E0369
//! # use quartet::prelude::*;
//! fn masked(a: Secret<Fixed<16>>, b: Secret<Fixed<16>>) -> Secret<Fixed<16>> {
//!     a & b
//! }
//! ```

mod bytes;
mod columns;
mod compose;
mod condition;
mod fixed;
mod input;
mod lanes;
mod methods;
mod operand;
mod operators;
mod order;
mod result;
mod reveal;
mod scalar;
mod vector;

use std::ops::Deref;

pub use wire::{guest::Recipient, kind::Kind};

pub use bytes::ByteString;
pub use condition::{Condition, condition};
pub use fixed::{Fixed, Fixed128};
pub use input::{InputId, InputNumber, Plain, Sealed, SecretField, SecretInput, field_name};
pub use operand::{Operand, ScalarOperand, Source, VectorOperand};
pub use order::Permutation;
pub use result::{Kept, SecretResult, ToOwners, ToReader};
pub use reveal::{Opened, Reveal, SecretForm, SecretStruct};
pub use scalar::{Bitwise, Integer, Number, Scalar, Signed, Unsigned};
pub use vector::{ComputeArgument, SecretVec, Vectored};

/// A type that can be secret: bool, the integers up to 128 bits, fixed point, and structs with
/// `#[derive(Reveal)]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be secret",
    note = "use bool, u8 to u128, i8 to i128, Fixed, Fixed128, or a struct with #[derive(Reveal)]"
)]
pub trait SecretType: Sized + 'static {
    /// What a secret of this type holds.
    type Held: Copy;
}

/// A secret value of a computation.
pub struct Secret<T: SecretType>(pub(crate) T::Held);

impl<T: SecretType> Clone for Secret<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: SecretType> Copy for Secret<T> {}

impl<T: SecretType> std::fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(<redacted>)")
    }
}

/// The fields of a secret struct.
impl<T: SecretStruct> Deref for Secret<T> {
    type Target = T::Held;

    fn deref(&self) -> &T::Held {
        &self.0
    }
}

impl<T: SecretStruct> Secret<T> {
    /// From the fields; `#[derive(Reveal)]` makes a constructor `T::secret` of it.
    pub const fn of_fields(fields: T::Held) -> Self {
        Self(fields)
    }
}
