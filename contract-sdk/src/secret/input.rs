//! Secret inputs: what clients share and seal, and what a computation sees of them.

use std::marker::PhantomData;

use wire::kind::Kind;

use super::{Scalar, Secret, SecretVec, Vectored};
use crate::{
    abi::{AbiType, Topic},
    host::{self, Handle},
    state::{Encoding, Stored},
};

/// A struct of secrets that clients seal and send. Derive it with `#[derive(SecretInput)]`; the
/// fields are [`SecretField`]s, other such structs among them.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a secret input",
    note = "put #[derive(SecretInput)] on a struct in the contract's module"
)]
pub trait SecretInput:
    SecretField<Plain = Plain<Self>> + Vectored<Columns = <Self as SecretField>::Column>
{
    /// Its name.
    const NAME: &'static str;
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

/// A field of a [`SecretInput`]: a secret, a struct of them, or an array of either.
///
/// A type has one field of the description for each of its secrets, by the names on the way to it
/// with dots between them; the elements of an array are those of one field, the outermost first.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a field of a secret input",
    note = "use Secret<T>, where T is bool, an integer or fixed point, another struct with \
            #[derive(SecretInput)], or an array of them"
)]
pub trait SecretField: Sized + 'static {
    /// What a client puts in.
    type Plain;
    /// It as a vector over all inputs, or as a struct or an array of vectors.
    type Column: Copy;
    /// How many fields of the description it takes.
    const FIELDS: u32;

    /// Tells name, kind and length of each, for `len` of this under a name, which is empty for an
    /// input type.
    fn fields(name: &str, len: u32, visit: &mut dyn FnMut(&str, Kind, u32));

    /// Its vectors over all inputs of the type with this number: from this field, this element on.
    fn column(number: u32, field: u32, element: u32) -> Self::Column;

    /// One input's, by its place in the vectors.
    fn at(column: &Self::Column, index: usize) -> Self;

    /// Vectors of one row, with its values.
    fn row(&self) -> Self::Column;

    /// Tells each of its vectors, from this field, this element on: number of the field and of the
    /// element, the vector, and its length.
    fn each(
        column: &Self::Column,
        field: u32,
        element: u32,
        visit: &mut dyn FnMut(u32, u32, Handle, usize),
    );

    /// Appends the bits of its elements to those of its fields, which come first in `fields`.
    fn push_bits(plain: &Self::Plain, fields: &mut [Vec<u128>]);
}

impl<T: Scalar> SecretField for Secret<T> {
    type Plain = T;
    type Column = SecretVec<T>;
    const FIELDS: u32 = 1;

    fn fields(name: &str, len: u32, visit: &mut dyn FnMut(&str, Kind, u32)) {
        visit(name, T::KIND, len);
    }

    fn column(number: u32, field: u32, element: u32) -> SecretVec<T> {
        SecretVec::column(number, field, element)
    }

    fn at(column: &SecretVec<T>, index: usize) -> Self {
        column.get(index)
    }

    fn row(&self) -> SecretVec<T> {
        SecretVec::from_values(&[*self])
    }

    fn each(
        column: &SecretVec<T>,
        field: u32,
        element: u32,
        visit: &mut dyn FnMut(u32, u32, Handle, usize),
    ) {
        visit(field, element, column.columns, column.len);
    }

    fn push_bits(plain: &T, fields: &mut [Vec<u128>]) {
        fields[0].push(plain.to_bits());
    }
}

impl<T: SecretField, const N: usize> SecretField for [T; N] {
    type Plain = [T::Plain; N];
    type Column = [T::Column; N];
    const FIELDS: u32 = T::FIELDS;

    fn fields(name: &str, len: u32, visit: &mut dyn FnMut(&str, Kind, u32)) {
        T::fields(name, len * N as u32, visit);
    }

    fn column(number: u32, field: u32, element: u32) -> [T::Column; N] {
        let first = element * N as u32;
        std::array::from_fn(|i| T::column(number, field, first + i as u32))
    }

    fn at(column: &[T::Column; N], index: usize) -> Self {
        std::array::from_fn(|i| T::at(&column[i], index))
    }

    fn row(&self) -> [T::Column; N] {
        std::array::from_fn(|i| self[i].row())
    }

    fn each(
        column: &[T::Column; N],
        field: u32,
        element: u32,
        visit: &mut dyn FnMut(u32, u32, Handle, usize),
    ) {
        let first = element * N as u32;
        for (column, i) in column.iter().zip(0..) {
            T::each(column, field, first + i, visit);
        }
    }

    fn push_bits(plain: &[T::Plain; N], fields: &mut [Vec<u128>]) {
        for plain in plain {
            T::push_bits(plain, fields);
        }
    }
}

/// The name of a field of a struct that has this name itself.
#[must_use]
pub fn field_name(name: &str, field: &str) -> String {
    if name.is_empty() {
        return field.into();
    }
    [name, ".", field].concat()
}

/// What names an accepted input in public: its place among all inputs of the chain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InputId(pub u64);

impl AbiType for InputId {
    type Sol = <u64 as AbiType>::Sol;

    fn to_sol(&self) -> u64 {
        self.0
    }

    fn from_sol(value: u64) -> Option<Self> {
        Some(Self(value))
    }

    fn zero() -> u64 {
        0
    }
}

impl Topic for InputId {}

impl Stored for InputId {
    fn store<E: Encoding>(&self, out: &mut Vec<u8>) {
        self.0.store::<E>(out);
    }

    fn restore<E: Encoding>(bytes: &mut &[u8]) -> Option<Self> {
        Stored::restore::<E>(bytes).map(Self)
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

    /// Its id. While its transaction is only tried, it may be another than in the end.
    #[must_use]
    pub fn id(&self) -> InputId {
        InputId(host::input_id())
    }

    /// Puts it into a set of inputs, of which a computation can be started over one alone. Unless
    /// this is called it is in group 0.
    pub fn set_group(&self, group: u64) {
        host::input_group(group);
    }

    /// Says something about it in public, which computations see as [`super::SecretVec::tags`]. Unless
    /// this is called it is 0.
    pub fn set_tag(&self, tag: u64) {
        host::input_tag(tag);
    }

    /// Lets it take the place of what its sender has sent before of this type and into this group:
    /// the last one that is accepted counts. Computations that were started earlier still read what
    /// counted then.
    pub fn replace(&self) {
        host::input_replace();
    }
}

/// An input in clear, for tests and clients: field by field, the bits of each element. Made by
/// `plain` on the input's type.
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

    /// Appends them to those of an input of which this is a part.
    pub fn push_bits(&self, fields: &mut [Vec<u128>]) {
        for (all, own) in fields.iter_mut().zip(&self.fields) {
            all.extend_from_slice(own);
        }
    }
}

impl<T> Clone for Plain<T> {
    fn clone(&self) -> Self {
        Self {
            fields: self.fields.clone(),
            input: PhantomData,
        }
    }
}

impl<T> PartialEq for Plain<T> {
    fn eq(&self, other: &Self) -> bool {
        self.fields == other.fields
    }
}

impl<T> Eq for Plain<T> {}

impl<T> std::fmt::Debug for Plain<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Plain(<redacted>)")
    }
}
