//! The encoding of public state: integers big-endian at their own width, lengths as `u32`.

use alloy_primitives::{Address, Bytes, FixedBytes, U256};

/// A value that public state can hold. Structs with `#[derive(AbiType)]` or `#[derive(Reveal)]`
/// have it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be stored",
    note = "use bool, an integer, U256, Address, B256, Bytes, String, Option, an array, Vec or \
            tuple of these, or a struct with #[derive(AbiType)]"
)]
pub trait Stored: Sized {
    /// Appends its encoding.
    fn store(&self, out: &mut Vec<u8>);

    /// Takes it off the front of the bytes; `None` when they are not its encoding.
    fn restore(bytes: &mut &[u8]) -> Option<Self>;
}

/// The encoding of one value.
pub(super) fn encode<T: Stored>(value: &T) -> Vec<u8> {
    let mut bytes = Vec::new();
    value.store(&mut bytes);
    bytes
}

/// The value that was stored.
///
/// # Panics
/// The bytes are no encoding of `T`. Only the contract's own code writes its state, so this is a
/// fault in the contract; the call traps.
#[must_use]
pub fn decode<T: Stored>(mut bytes: &[u8]) -> T {
    let value = T::restore(&mut bytes).filter(|_| bytes.is_empty());
    #[expect(clippy::expect_used, reason = "there is no state to go on with")]
    value.expect("stored bytes are not of the type that is read: do two fields share a name?")
}

macro_rules! integers {
    ($($ty:ty)*) => {$(
        impl Stored for $ty {
            fn store(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_be_bytes());
            }

            fn restore(bytes: &mut &[u8]) -> Option<Self> {
                take(bytes).map(Self::from_be_bytes)
            }
        }
    )*};
}

integers! { u8 u16 u32 u64 u128 i8 i16 i32 i64 i128 }

fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (front, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(*front)
}

impl Stored for bool {
    fn store(&self, out: &mut Vec<u8>) {
        out.push(u8::from(*self));
    }

    fn restore(bytes: &mut &[u8]) -> Option<Self> {
        match take(bytes)? {
            [0] => Some(false),
            [1] => Some(true),
            _ => None,
        }
    }
}

impl<const N: usize> Stored for FixedBytes<N> {
    fn store(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.0);
    }

    fn restore(bytes: &mut &[u8]) -> Option<Self> {
        take(bytes).map(Self)
    }
}

impl Stored for Address {
    fn store(&self, out: &mut Vec<u8>) {
        self.0.store(out);
    }

    fn restore(bytes: &mut &[u8]) -> Option<Self> {
        FixedBytes::restore(bytes).map(Self)
    }
}

impl Stored for U256 {
    fn store(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.to_be_bytes::<32>());
    }

    fn restore(bytes: &mut &[u8]) -> Option<Self> {
        take::<32>(bytes).map(Self::from_be_bytes)
    }
}

fn store_length(length: usize, out: &mut Vec<u8>) {
    (length as u32).store(out);
}

fn take_bytes(bytes: &mut &[u8]) -> Option<Vec<u8>> {
    let length = u32::restore(bytes)? as usize;
    let (front, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some(front.to_vec())
}

impl Stored for Bytes {
    fn store(&self, out: &mut Vec<u8>) {
        store_length(self.len(), out);
        out.extend_from_slice(self);
    }

    fn restore(bytes: &mut &[u8]) -> Option<Self> {
        take_bytes(bytes).map(Into::into)
    }
}

impl Stored for String {
    fn store(&self, out: &mut Vec<u8>) {
        store_length(self.len(), out);
        out.extend_from_slice(self.as_bytes());
    }

    fn restore(bytes: &mut &[u8]) -> Option<Self> {
        Self::from_utf8(take_bytes(bytes)?).ok()
    }
}

impl<T: Stored> Stored for Vec<T> {
    fn store(&self, out: &mut Vec<u8>) {
        store_length(self.len(), out);
        self.iter().for_each(|value| value.store(out));
    }

    fn restore(bytes: &mut &[u8]) -> Option<Self> {
        let length = u32::restore(bytes)?;
        (0..length).map(|_| T::restore(bytes)).collect()
    }
}

impl<T: Stored, const N: usize> Stored for [T; N] {
    fn store(&self, out: &mut Vec<u8>) {
        self.iter().for_each(|value| value.store(out));
    }

    fn restore(bytes: &mut &[u8]) -> Option<Self> {
        let values: Option<Vec<T>> = (0..N).map(|_| T::restore(bytes)).collect();
        values?.try_into().ok()
    }
}

impl<T: Stored> Stored for Option<T> {
    fn store(&self, out: &mut Vec<u8>) {
        self.is_some().store(out);
        if let Some(value) = self {
            value.store(out);
        }
    }

    fn restore(bytes: &mut &[u8]) -> Option<Self> {
        Some(if bool::restore(bytes)? {
            Some(T::restore(bytes)?)
        } else {
            None
        })
    }
}

macro_rules! tuples {
    ($(($($ty:ident $at:tt),*);)*) => {$(
        impl<$($ty: Stored),*> Stored for ($($ty,)*) {
            fn store(&self, out: &mut Vec<u8>) {
                $(self.$at.store(out);)*
            }

            fn restore(bytes: &mut &[u8]) -> Option<Self> {
                Some(($($ty::restore(bytes)?,)*))
            }
        }
    )*};
}

tuples! {
    (A 0, B 1);
    (A 0, B 1, C 2);
    (A 0, B 1, C 2, D 3);
}

#[cfg(test)]
mod tests {
    use std::fmt::Debug;

    use super::{Address, Bytes, FixedBytes, Stored, U256, encode};

    #[track_caller]
    fn stored_as<T: Stored + PartialEq + Debug>(value: T, expected: &str) {
        let bytes = encode(&value);
        assert_eq!(alloy_primitives::hex::encode(&bytes), expected, "{value:?}");
        let mut rest = bytes.as_slice();
        assert_eq!(T::restore(&mut rest), Some(value));
        assert!(rest.is_empty());
        for short in 0..bytes.len() {
            assert_eq!(
                T::restore(&mut &bytes[..short]),
                None,
                "{short} bytes are not enough"
            );
        }
    }

    #[test]
    fn encodings() {
        stored_as(true, "01");
        stored_as(0x0102_0304_u32, "01020304");
        stored_as(-2_i16, "fffe");
        stored_as(u128::MAX - 1, "fffffffffffffffffffffffffffffffe");
        stored_as(U256::from(5), &format!("{:064x}", 5));
        stored_as(Address::repeat_byte(0xab), &"ab".repeat(20));
        stored_as(FixedBytes([1, 2]), "0102");
        stored_as(Bytes::from_static(&[7, 8]), "000000020708");
        stored_as(String::from("hé"), "0000000368c3a9");
        stored_as(vec![1_u16, 2], "0000000200010002");
        stored_as([1_u8, 2, 3], "010203");
        stored_as(Some(9_u8), "0109");
        stored_as(None::<u8>, "00");
        stored_as(
            (1_u8, false, Address::ZERO),
            &format!("0100{}", "00".repeat(20)),
        );
    }

    #[test]
    fn what_is_no_encoding() {
        assert_eq!(bool::restore(&mut [2].as_slice()), None);
        assert_eq!(String::restore(&mut [0, 0, 0, 1, 0xff].as_slice()), None);
        assert_eq!(Vec::<u8>::restore(&mut [0xff; 8].as_slice()), None);
    }
}
