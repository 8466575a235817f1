//! Secret inputs: what clients share and seal, and what a computation sees of them.

use std::marker::PhantomData;

use wire::kind::Kind;

use super::{Scalar, Secret, SecretVec, Vectored};

/// A struct of secrets that clients seal and send. Derive it with `#[derive(SecretInput)]`; the
/// fields are `Secret<T>` or `[Secret<T>; N]` of bool, integers or fixed point.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a secret input",
    note = "put #[derive(SecretInput)] on a struct in the contract's module"
)]
pub trait SecretInput: Vectored + Sized {
    /// Its name.
    const NAME: &'static str;

    /// Tells name, type and length of each field.
    fn fields(visit: &mut dyn FnMut(&'static str, Kind, u32));

    /// Its fields as vectors over all inputs of the type with this number.
    fn columns(number: u32) -> Self::Columns;

    /// One input, by its place in the vectors.
    fn at(columns: &Self::Columns, index: usize) -> Self;
}

/// The number of an input type in its contract.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a secret input of this contract",
    note = "put #[derive(SecretInput)] on a struct inside the #[quartet::contract] module"
)]
pub trait InputNumber: SecretInput {
    /// Its place among the input types.
    const NUMBER: u32;
}

/// A field of a [`SecretInput`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a field of a secret input",
    note = "use Secret<T> or [Secret<T>; N], where T is bool, an integer or fixed point"
)]
pub trait SecretField: Copy {
    /// What a client puts in.
    type Plain;
    /// It as a vector, or as an array of vectors, over all inputs.
    type Column: Copy;
    /// Type of its elements.
    const KIND: Kind;
    /// How many elements.
    const LEN: u32;

    /// Its vector, or its vectors.
    fn column(number: u32, field: u32) -> Self::Column;

    /// One input's, by its place in the vectors.
    fn at(column: &Self::Column, index: usize) -> Self;

    /// The bits of each element.
    fn bits(plain: &Self::Plain) -> Vec<u128>;
}

impl<T: Scalar> SecretField for Secret<T> {
    type Plain = T;
    type Column = SecretVec<T>;
    const KIND: Kind = T::KIND;
    const LEN: u32 = 1;

    fn column(number: u32, field: u32) -> SecretVec<T> {
        SecretVec::column(number, field, 0)
    }

    fn at(column: &SecretVec<T>, index: usize) -> Self {
        column.get(index)
    }

    fn bits(plain: &T) -> Vec<u128> {
        vec![plain.to_bits()]
    }
}

impl<T: Scalar, const N: usize> SecretField for [Secret<T>; N] {
    type Plain = [T; N];
    type Column = [SecretVec<T>; N];
    const KIND: Kind = T::KIND;
    const LEN: u32 = N as u32;

    fn column(number: u32, field: u32) -> [SecretVec<T>; N] {
        std::array::from_fn(|element| SecretVec::column(number, field, element as u32))
    }

    fn at(column: &[SecretVec<T>; N], index: usize) -> Self {
        column.map(|vector| vector.get(index))
    }

    fn bits(plain: &[T; N]) -> Vec<u128> {
        plain.iter().map(|value| value.to_bits()).collect()
    }
}

/// The sealed input of this call, the last argument of an `#[input]` function. Nobody can look
/// into it; once the function has returned without an error it counts.
pub struct Sealed<T> {
    input: PhantomData<T>,
}

impl<T: InputNumber> Sealed<T> {
    /// Of the call that is running; the macro makes it.
    #[must_use]
    pub const fn of_call() -> Self {
        Self { input: PhantomData }
    }
}

/// An input in clear, for tests and clients: field by field, the bits of each element. Made by
/// `plain` on the input's type.
#[derive(Clone, PartialEq, Eq)]
pub struct Plain<T> {
    fields: Vec<Vec<u128>>,
    input: PhantomData<T>,
}

impl<T: SecretInput> Plain<T> {
    /// From the bits of each element of each field.
    #[must_use]
    pub const fn new(fields: Vec<Vec<u128>>) -> Self {
        Self {
            fields,
            input: PhantomData,
        }
    }

    /// The bits of each element of each field.
    #[must_use]
    pub fn expose(&self) -> &[Vec<u128>] {
        &self.fields
    }
}

impl<T> std::fmt::Debug for Plain<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Plain(<redacted>)")
    }
}
