//! Secret vectors: one value per input.

use std::ops::Deref;

use alloy_primitives::Address;
use wire::limits::PUBLIC_ELEMENTS;

use super::{InputNumber, Number, Operand, Scalar, Secret, SecretInput, Source, VectorOperand};
use crate::host::{self, Handle};

/// A type of which there are secret vectors: a [`Scalar`], or a `#[derive(SecretInput)]` struct,
/// whose fields are then vectors themselves.
#[diagnostic::on_unimplemented(
    message = "there are no secret vectors of `{Self}`",
    note = "use bool, an integer, fixed point, or a struct with #[derive(SecretInput)]"
)]
pub trait Vectored: 'static {
    /// What a vector of this type holds.
    type Columns: Copy;
}

impl<T: Scalar> Vectored for T {
    type Columns = Handle;
}

/// A secret vector of public length.
pub struct SecretVec<T: Vectored> {
    pub(super) columns: T::Columns,
    pub(super) len: usize,
}

impl<T: Vectored> Clone for SecretVec<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: Vectored> Copy for SecretVec<T> {}

impl<T: Vectored> std::fmt::Debug for SecretVec<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SecretVec(<redacted>)")
    }
}

impl<T: Vectored> SecretVec<T> {
    /// How many elements; public.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }
}

impl<T: Scalar> SecretVec<T> {
    /// No elements. Nothing of it goes into the program.
    pub(super) const EMPTY: Self = Self {
        columns: Handle(-1),
        len: 0,
    };

    /// The column of one element of one field over all inputs of a type.
    #[must_use]
    pub(super) fn column(number: u32, field: u32, element: u32) -> Self {
        let len = host::secret_count(number);
        if len == 0 {
            return Self::EMPTY;
        }
        Self {
            columns: host::secret_input(number, field, element),
            len,
        }
    }

    /// `len` times the same public value.
    ///
    /// # Panics
    /// `len` does not fit 32 bits.
    #[must_use]
    pub fn repeat(value: T, len: usize) -> Self {
        if len == 0 {
            return Self::EMPTY;
        }
        assert!(
            u32::try_from(len).is_ok(),
            "a secret vector has fewer than 2^32 elements"
        );
        Self {
            columns: host::secret_constant(T::KIND, value.to_bits(), len as u32),
            len,
        }
    }
}

impl<T: Scalar> SecretVec<T> {
    /// These public values, for example as the table of [`Self::lookup`].
    ///
    /// # Panics
    /// There are more than `wire::limits::PUBLIC_ELEMENTS`.
    #[must_use]
    pub fn public(values: &[T]) -> Self {
        let bits: Vec<u128> = values.iter().map(|value| value.to_bits()).collect();
        Self::public_bits(&bits)
    }

    /// The same of their bits.
    pub(super) fn public_bits(bits: &[u128]) -> Self {
        assert!(
            bits.len() <= PUBLIC_ELEMENTS,
            "a public vector has at most 2^16 elements"
        );
        if bits.is_empty() {
            return Self::EMPTY;
        }
        Self {
            columns: host::secret_public(T::KIND, bits),
            len: bits.len(),
        }
    }

    /// These single values, one after another. Free.
    #[must_use]
    pub fn from_values(values: &[Secret<T>]) -> Self {
        match values {
            [] => Self::EMPTY,
            [value] => Self::of(Operand {
                len: Some(1),
                ..value.operand()
            }),
            _ => {
                let (front, back) = values.split_at(values.len() / 2);
                Self::from_values(front).concat(Self::from_values(back))
            }
        }
    }
}

/// A vector of inputs has their fields as vectors: `ballots.choice`.
impl<T: SecretInput> Deref for SecretVec<T> {
    type Target = T::Columns;

    fn deref(&self) -> &T::Columns {
        &self.columns
    }
}

impl<T: SecretInput> SecretVec<T> {
    /// The input with this number in ordering order.
    ///
    /// # Panics
    /// There are not so many.
    #[must_use]
    pub fn at(&self, index: usize) -> T {
        assert!(index < self.len, "no input with this index");
        T::at(&self.columns, index)
    }
}

impl<T: InputNumber> SecretVec<T> {
    /// What the contract said in public about each input; see [`super::Sealed::set_tag`].
    #[must_use]
    pub fn tags(&self) -> Vec<u64> {
        host::secret_tags(T::NUMBER)
    }

    /// Who sent each input; public.
    #[must_use]
    pub fn owners(&self) -> Vec<Address> {
        host::secret_owners(T::NUMBER)
    }
}

/// A secret argument of a `#[compute]` function.
#[diagnostic::on_unimplemented(
    message = "a #[compute] function cannot take `{Self}`",
    note = "take SecretVec<T> where T is a struct of this contract with #[derive(SecretInput)]"
)]
pub trait ComputeArgument {
    /// Number of the input type that it reads.
    const NUMBER: u32;

    /// The inputs of that type over which the computation was started.
    fn load() -> Self;
}

impl<T: SecretInput + InputNumber> ComputeArgument for SecretVec<T> {
    const NUMBER: u32 = T::NUMBER;

    fn load() -> Self {
        Self {
            columns: T::column(T::NUMBER, 0, 0),
            len: host::secret_count(T::NUMBER),
        }
    }
}

impl<T: Number> std::iter::Sum for Secret<T> {
    fn sum<I: Iterator<Item = Self>>(values: I) -> Self {
        values
            .reduce(|sum, value| sum + value)
            .unwrap_or(Self(Source::Public(0)))
    }
}
