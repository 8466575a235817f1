//! What may leave a computation.

use wire::kind::Kind;

use super::{Scalar, Secret, SecretType, VectorOperand};
use crate::{abi::AbiType, host, state::Stored};

/// A type that a computation may reveal: bool, an integer, or a struct with `#[derive(Reveal)]`,
/// whose fields are such types or arrays of them.
#[diagnostic::on_unimplemented(
    message = "a computation cannot reveal `{Self}`",
    note = "put #[derive(Reveal)] on a struct of bool, integers, fixed point and arrays of them"
)]
pub trait Reveal: AbiType + Stored + Sized + 'static {
    /// The secret form.
    type Secret: Copy;

    /// Opens it, field by field.
    fn reveal(secret: &Self::Secret);

    /// Reads it off the opened values, in the order of [`Reveal::reveal`].
    fn opened(values: &mut Opened<'_>) -> Option<Self>;
}

/// What a `#[compute]` function may return: the secret form of a type that may be revealed.
#[diagnostic::on_unimplemented(
    message = "a #[compute] function cannot return `{Self}`",
    note = "return Secret<T> where T is bool, an integer or a struct with #[derive(Reveal)], \
            or an array of such"
)]
pub trait SecretForm {
    /// What is revealed.
    type Output: Reveal<Secret = Self>;
}

impl<T: SecretType + Reveal<Secret = Self>> SecretForm for Secret<T> {
    type Output = T;
}

impl<S: SecretForm, const N: usize> SecretForm for [S; N]
where
    Self: Copy,
{
    type Output = [S::Output; N];
}

/// A struct with `#[derive(Reveal)]`.
pub trait SecretStruct: SecretType {}

impl<T: Scalar> Reveal for T {
    type Secret = Secret<T>;

    fn reveal(secret: &Secret<T>) {
        host::reveal(secret.operand().handle());
    }

    fn opened(values: &mut Opened<'_>) -> Option<Self> {
        values.take(T::KIND).map(T::from_bits)
    }
}

impl<T: Reveal, const N: usize> Reveal for [T; N] {
    type Secret = [T::Secret; N];

    fn reveal(secret: &[T::Secret; N]) {
        secret.iter().for_each(T::reveal);
    }

    fn opened(values: &mut Opened<'_>) -> Option<Self> {
        let opened: Option<Vec<T>> = (0..N).map(|_| T::opened(values)).collect();
        opened?.try_into().ok()
    }
}

/// Opened values, one after another as `wire::kind::Kind::bytes` says.
pub struct Opened<'a>(&'a [u8]);

impl Opened<'_> {
    /// Decodes a whole output; nothing may be left over.
    #[must_use]
    pub fn decode<T: Reveal>(bytes: &[u8]) -> Option<T> {
        let mut values = Opened(bytes);
        let output = T::opened(&mut values)?;
        values.0.is_empty().then_some(output)
    }

    /// The bits of the next value, which is one element of this kind.
    fn take(&mut self, kind: Kind) -> Option<u128> {
        let (front, rest) = self.0.split_at_checked(kind.bytes(1))?;
        self.0 = rest;
        let mut bytes = [0; 16];
        bytes[..front.len()].copy_from_slice(front);
        let bits = u128::from_le_bytes(bytes);
        (bits <= kind.mask()).then_some(bits)
    }
}
