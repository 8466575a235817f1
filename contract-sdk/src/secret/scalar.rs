//! The types of single secret values.

use wire::kind::Kind;

use super::{Secret, SecretType, Source};
use crate::{abi::AbiType, state::Stored};

/// A type of one secret value: bool or an integer of 8 to 128 bits.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can be neither secret nor revealed",
    note = "single secret values are bool, u8 to u128 and i8 to i128; structs of them have \
            #[derive(SecretInput)] on the way in and #[derive(Reveal)] on the way out"
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

/// A type of one secret integer. Arithmetic is at its own width and wraps.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no secret integer",
    note = "secret integers are u8 to u128 and i8 to i128; cast makes a bool one"
)]
pub trait Integer: Scalar {}

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

macro_rules! integers {
    ($($ty:ty: $kind:ident;)*) => {$(
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

        impl Integer for $ty {}
    )*};
}

integers! {
    u8: U8;
    u16: U16;
    u32: U32;
    u64: U64;
    u128: U128;
    i8: I8;
    i16: I16;
    i32: I32;
    i64: I64;
    i128: I128;
}

impl<T: Integer> Secret<T> {
    /// Zero.
    pub const ZERO: Self = Self(Source::Public(0));
    /// One.
    pub const ONE: Self = Self(Source::Public(1));
}

impl<T: Scalar> Secret<T> {
    /// A public value where a secret one is wanted.
    #[must_use]
    pub fn public(value: T) -> Self {
        Self(Source::Public(value.to_bits()))
    }
}
