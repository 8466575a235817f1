//! The encoding of public state: integers big-endian at their own width, lengths as `u32`. As a
//! key of an entry a value is encoded such that bytes compare as values do.

use alloy_primitives::{Address, Bytes, FixedBytes, I256, U256};

/// A value that public state can hold. Structs with `#[derive(AbiType)]` or `#[derive(Reveal)]`
/// have it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be stored",
    note = "use bool, an integer, U256, I256, Address, B256, Bytes, String, Option, an array, Vec or \
            tuple of these, or a struct or enum with #[derive(AbiType)]"
)]
pub trait Stored: Sized {
    /// Appends its encoding.
    fn store(&self, out: &mut Vec<u8>);

    /// Takes it off the front of the bytes; `None` when they are not its encoding.
    fn restore(bytes: &mut &[u8]) -> Option<Self>;

    /// Appends its encoding as a key: no key is the beginning of another, and bytes compare as
    /// values do.
    fn store_key(&self, out: &mut Vec<u8>) {
        self.store(out);
    }

    /// Takes a key off the front of the bytes; `None` when they are not its encoding.
    fn restore_key(bytes: &mut &[u8]) -> Option<Self> {
        Self::restore(bytes)
    }
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

/// The key that was stored.
///
/// # Panics
/// See [`decode`].
pub(super) fn decode_key<T: Stored>(mut bytes: &[u8]) -> T {
    let key = T::restore_key(&mut bytes).filter(|_| bytes.is_empty());
    #[expect(clippy::expect_used, reason = "there is no state to go on with")]
    key.expect("a stored key is not of the type that is read: do two fields share a name?")
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

integers! { u8 u16 u32 u64 u128 }

/// Signed integers: as a key with the sign inverted, so that negative ones come first.
macro_rules! signed {
    ($($ty:ty)*) => {$(
        impl Stored for $ty {
            fn store(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_be_bytes());
            }

            fn restore(bytes: &mut &[u8]) -> Option<Self> {
                take(bytes).map(Self::from_be_bytes)
            }

            fn store_key(&self, out: &mut Vec<u8>) {
                (*self ^ Self::MIN).store(out);
            }

            fn restore_key(bytes: &mut &[u8]) -> Option<Self> {
                Self::restore(bytes).map(|key| key ^ Self::MIN)
            }
        }
    )*};
}

signed! { i8 i16 i32 i64 i128 }

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

impl Stored for I256 {
    fn store(&self, out: &mut Vec<u8>) {
        self.into_raw().store(out);
    }

    fn restore(bytes: &mut &[u8]) -> Option<Self> {
        U256::restore(bytes).map(Self::from_raw)
    }

    fn store_key(&self, out: &mut Vec<u8>) {
        (self.into_raw() ^ Self::MIN.into_raw()).store(out);
    }

    fn restore_key(bytes: &mut &[u8]) -> Option<Self> {
        U256::restore(bytes).map(|key| Self::from_raw(key ^ Self::MIN.into_raw()))
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

/// Bytes as a key: a zero is followed by 255, the end is two zeros.
fn store_key_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    for byte in bytes {
        out.push(*byte);
        if *byte == 0 {
            out.push(0xff);
        }
    }
    out.extend_from_slice(&[0, 0]);
}

fn take_key_bytes(bytes: &mut &[u8]) -> Option<Vec<u8>> {
    let mut taken = Vec::new();
    loop {
        match take(bytes)? {
            [0] => match take(bytes)? {
                [0] => return Some(taken),
                [0xff] => taken.push(0),
                _ => return None,
            },
            [byte] => taken.push(byte),
        }
    }
}

impl Stored for Bytes {
    fn store(&self, out: &mut Vec<u8>) {
        store_length(self.len(), out);
        out.extend_from_slice(self);
    }

    fn restore(bytes: &mut &[u8]) -> Option<Self> {
        take_bytes(bytes).map(Into::into)
    }

    fn store_key(&self, out: &mut Vec<u8>) {
        store_key_bytes(self, out);
    }

    fn restore_key(bytes: &mut &[u8]) -> Option<Self> {
        take_key_bytes(bytes).map(Into::into)
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

    fn store_key(&self, out: &mut Vec<u8>) {
        store_key_bytes(self.as_bytes(), out);
    }

    fn restore_key(bytes: &mut &[u8]) -> Option<Self> {
        Self::from_utf8(take_key_bytes(bytes)?).ok()
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

    /// Each value after a one, and a zero at the end.
    fn store_key(&self, out: &mut Vec<u8>) {
        for value in self {
            out.push(1);
            value.store_key(out);
        }
        out.push(0);
    }

    fn restore_key(bytes: &mut &[u8]) -> Option<Self> {
        let mut values = Self::new();
        while bool::restore(bytes)? {
            values.push(T::restore_key(bytes)?);
        }
        Some(values)
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

    fn store_key(&self, out: &mut Vec<u8>) {
        self.iter().for_each(|value| value.store_key(out));
    }

    fn restore_key(bytes: &mut &[u8]) -> Option<Self> {
        let values: Option<Vec<T>> = (0..N).map(|_| T::restore_key(bytes)).collect();
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

    fn store_key(&self, out: &mut Vec<u8>) {
        self.is_some().store(out);
        if let Some(value) = self {
            value.store_key(out);
        }
    }

    fn restore_key(bytes: &mut &[u8]) -> Option<Self> {
        Some(if bool::restore(bytes)? {
            Some(T::restore_key(bytes)?)
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

            fn store_key(&self, out: &mut Vec<u8>) {
                $(self.$at.store_key(out);)*
            }

            fn restore_key(bytes: &mut &[u8]) -> Option<Self> {
                Some(($($ty::restore_key(bytes)?,)*))
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
mod tests;
