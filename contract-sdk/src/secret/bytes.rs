//! Byte strings of fixed length, as fields of inputs have them: `[Secret<u8>; N]`.

use super::{Secret, SecretVec};

/// Equality and order of two secret byte strings.
pub trait ByteString: Copy {
    /// Whether all bytes are the same. Costs one AND gate per bit.
    fn bytes_eq(self, other: Self) -> Secret<bool>;

    /// Whether this is before the other in lexicographic order. Costs a comparison at their width.
    fn bytes_lt(self, other: Self) -> Secret<bool>;

    /// Whether this is not after the other in lexicographic order. Costs a comparison at their
    /// width.
    fn bytes_le(self, other: Self) -> Secret<bool> {
        !other.bytes_lt(self)
    }
}

impl<const N: usize> ByteString for [Secret<u8>; N] {
    fn bytes_eq(self, other: Self) -> Secret<bool> {
        if N == 0 {
            return Secret::public(true);
        }
        let (left, right) = (
            SecretVec::from_values(&self),
            SecretVec::from_values(&other),
        );
        left.eq_rows(right, N).get(0)
    }

    fn bytes_lt(self, other: Self) -> Secret<bool> {
        if N == 0 {
            return Secret::public(false);
        }
        let (left, right) = (
            SecretVec::from_values(&self),
            SecretVec::from_values(&other),
        );
        left.lt_rows(right, N).get(0)
    }
}
