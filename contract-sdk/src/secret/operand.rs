//! Operands of secret operations, and the one function that appends an operation.

use wire::{kind::Kind, secret::Op};

use super::{Scalar, Secret, SecretVec};
use crate::host::{self, Handle};

/// Where a secret value comes from.
#[derive(Clone, Copy)]
pub enum Source {
    /// A public value that has not been put into the program yet; its bits.
    Public(u128),
    /// A value of the program.
    Value(Handle),
}

/// An operand: its source, its type and its length.
#[derive(Clone, Copy)]
pub struct Operand {
    pub(super) source: Source,
    pub(super) kind: Kind,
    /// None for a single value, which is spread over the length of the others.
    pub(super) len: Option<usize>,
}

impl Operand {
    /// A public value; bits beyond the kind's width are dropped.
    pub(super) const fn public(kind: Kind, bits: u128) -> Self {
        Self {
            source: Source::Public(bits & kind.mask()),
            kind,
            len: None,
        }
    }

    /// Its handle; a public value is put into the program.
    pub(super) fn handle(self) -> Handle {
        match self.source {
            Source::Public(bits) => host::secret_constant(self.kind, bits, 1),
            Source::Value(handle) => handle,
        }
    }

    pub(super) fn is_empty(self) -> bool {
        self.len == Some(0)
    }
}

/// What may stand beside a vector of `T`: a `T`, a `Secret<T>` or a `SecretVec<T>`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be used with a secret vector of `{T}`",
    label = "neither `{T}`, `Secret<{T}>` nor `SecretVec<{T}>`",
    note = "to change the type of a secret value, use cast"
)]
pub trait VectorOperand<T: Scalar>: Copy {
    /// As an operand.
    fn operand(self) -> Operand;
}

/// What may stand beside a `Secret<T>`: a `T` or a `Secret<T>`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be used with a secret `{T}`",
    label = "neither `{T}` nor `Secret<{T}>`",
    note = "to change the type of a secret value, use cast; to make a vector, start with one"
)]
pub trait ScalarOperand<T: Scalar>: VectorOperand<T> {}

impl<T: Scalar> VectorOperand<T> for T {
    fn operand(self) -> Operand {
        Secret::public(self).operand()
    }
}

impl<T: Scalar> VectorOperand<T> for Secret<T> {
    fn operand(self) -> Operand {
        Operand {
            source: self.0,
            kind: T::KIND,
            len: None,
        }
    }
}

impl<T: Scalar> VectorOperand<T> for SecretVec<T> {
    fn operand(self) -> Operand {
        Operand {
            source: Source::Value(self.columns),
            kind: T::KIND,
            len: Some(self.len),
        }
    }
}

impl<T: Scalar> ScalarOperand<T> for T {}
impl<T: Scalar> ScalarOperand<T> for Secret<T> {}

/// The length that operands of these lengths give; none if all are single values.
fn common_length(operands: &[Operand]) -> Option<usize> {
    let mut lengths = operands.iter().filter_map(|operand| operand.len);
    let first = lengths.next()?;
    assert!(
        lengths.all(|length| length == first),
        "the vectors of one operation must be of the same length"
    );
    Some(first)
}

/// Appends an operation that works element by element and gives this kind. One on empty vectors
/// appends nothing.
pub(super) fn lanes(op: Op, operands: &[Operand], immediate: u64, kind: Kind) -> Operand {
    let len = common_length(operands);
    let handle = match len {
        Some(0) => Handle(-1),
        _ => append(op, operands, immediate),
    };
    Operand {
        source: Source::Value(handle),
        kind,
        len,
    }
}

/// Appends an operation on single values.
pub(super) fn scalar<T: Scalar>(op: Op, operands: &[Operand], immediate: u64) -> Secret<T> {
    Secret(Source::Value(append(op, operands, immediate)))
}

/// Appends an operation that works element by element.
pub(super) fn vector<T: Scalar>(op: Op, operands: &[Operand], immediate: u64) -> SecretVec<T> {
    SecretVec::of(lanes(op, operands, immediate, T::KIND))
}

/// Appends an operation that makes one value of vectors; of empty ones it is zero.
pub(super) fn reduction<T: Scalar>(op: Op, operands: &[Operand]) -> Secret<T> {
    if common_length(operands) == Some(0) {
        return Secret(Source::Public(0));
    }
    scalar(op, operands, 0)
}

/// Appends an operation that makes a vector of so many elements; of none it is not appended.
pub(super) fn sized<T: Scalar>(
    op: Op,
    operands: &[Operand],
    immediate: u64,
    len: usize,
) -> SecretVec<T> {
    if len == 0 {
        return SecretVec::EMPTY;
    }
    SecretVec {
        columns: append(op, operands, immediate),
        len,
    }
}

impl<T: Scalar> Secret<T> {
    /// An operand of this type.
    pub(super) const fn of(operand: Operand) -> Self {
        Self(operand.source)
    }
}

impl<T: Scalar> SecretVec<T> {
    /// An operand of this type.
    pub(super) fn of(operand: Operand) -> Self {
        let len = operand.len.unwrap_or(1);
        if len == 0 {
            return Self::EMPTY;
        }
        Self {
            columns: operand.handle(),
            len,
        }
    }
}

pub(super) fn append(op: Op, operands: &[Operand], immediate: u64) -> Handle {
    let mut handles = [Handle(-1); 3];
    for (handle, operand) in handles.iter_mut().zip(operands) {
        *handle = operand.handle();
    }
    host::secret_op(op, &handles[..operands.len()], immediate)
}
