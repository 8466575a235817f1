//! The types of single secret values.

use wire::kind::Kind;

use super::{Secret, SecretType, Source};
use crate::{abi::AbiType, state::Stored};

/// A type of one secret value: bool, an integer of 8 to 128 bits, or fixed point.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can be neither secret nor revealed",
    note = "single secret values are bool, u8 to u128, i8 to i128, Fixed and Fixed128; structs of \
            them have #[derive(SecretInput)] on the way in and #[derive(Reveal)] on the way out"
)]
pub trait Scalar:
    SecretType<Held = Source> + AbiType + Stored + Copy + PartialEq + std::fmt::Debug
{
    /// Its kind in the program.
    const KIND: Kind;

    /// Its bits, the lowest [`Kind::bits`] of the result.
    fn to_bits(self) -> u128;

    /// From its bits; the others are ignored.
    fn from_bits(bits: u128) -> Self;
}

/// A type of one secret number: an integer or fixed point. Arithmetic is at its own width and wraps.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no secret number",
    note = "secret numbers are u8 to u128, i8 to i128, Fixed and Fixed128; cast makes a bool one"
)]
pub trait Number: Scalar {}

/// A type of one secret number that may be negative.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no signed secret number",
    note = "signed secret numbers are i8 to i128, Fixed and Fixed128"
)]
pub trait Signed: Number {}

/// A type of one secret integer.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no secret integer",
    note = "secret integers are u8 to u128 and i8 to i128; cast makes a bool or fixed point one"
)]
pub trait Integer: Number + Bitwise {
    /// The unsigned integer of the same width.
    type Unsigned: Unsigned;
}

/// A type of one secret integer that is never negative: an amount, an index, a key.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no unsigned secret integer",
    note = "unsigned secret integers are u8 to u128"
)]
pub trait Unsigned: Integer {}

/// A type that has `& | ^ !`: bool and the integers.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no bits of its own",
    note = "bool and the integers have & | ^ !"
)]
pub trait Bitwise: Scalar {}

impl SecretType for bool {
    type Held = Source;
}

impl Scalar for bool {
    const KIND: Kind = Kind::Bool;

    fn to_bits(self) -> u128 {
        u128::from(self)
    }

    fn from_bits(bits: u128) -> Self {
        bits & 1 == 1
    }
}

impl Bitwise for bool {}

macro_rules! integers {
    ($($ty:ty: $kind:ident, $unsigned:ty, $sign:ident;)*) => {$(
        impl SecretType for $ty {
            type Held = Source;
        }

        impl Scalar for $ty {
            const KIND: Kind = Kind::$kind;

            fn to_bits(self) -> u128 {
                self as u128 & Self::KIND.mask()
            }

            fn from_bits(bits: u128) -> Self {
                bits as Self
            }
        }

        impl Bitwise for $ty {}
        impl Number for $ty {}
        impl $sign for $ty {}

        impl Integer for $ty {
            type Unsigned = $unsigned;
        }
    )*};
}

integers! {
    u8: U8, u8, Unsigned;
    u16: U16, u16, Unsigned;
    u32: U32, u32, Unsigned;
    u64: U64, u64, Unsigned;
    u128: U128, u128, Unsigned;
    i8: I8, u8, Signed;
    i16: I16, u16, Signed;
    i32: I32, u32, Signed;
    i64: I64, u64, Signed;
    i128: I128, u128, Signed;
}

impl<T: Number> Secret<T> {
    /// Zero.
    pub const ZERO: Self = Self(Source::Public(0));
    /// One.
    pub const ONE: Self = Self(Source::Public(1 << T::KIND.fraction()));
}

impl<T: Scalar> Secret<T> {
    /// A public value where a secret one is wanted.
    #[must_use]
    pub fn public(value: T) -> Self {
        Self(Source::Public(value.to_bits()))
    }
}
