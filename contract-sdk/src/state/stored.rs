//! The two encodings of public state. As a value: integers big-endian at their own width, lengths as
//! `u32`. As the key of an entry: such that bytes compare as values do, and no key is the beginning
//! of another.

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
    fn store<E: Encoding>(&self, out: &mut Vec<u8>);

    /// Takes it off the front of the bytes; `None` when they are not its encoding.
    fn restore<E: Encoding>(bytes: &mut &[u8]) -> Option<Self>;
}

/// [`Value`] or [`Key`].
pub trait Encoding {
    /// Whether encodings compare as values do.
    const ORDERED: bool;
}

/// How a value is encoded in an entry or a field.
pub enum Value {}

/// How the key of an entry is encoded.
pub enum Key {}

impl Encoding for Value {
    const ORDERED: bool = false;
}

impl Encoding for Key {
    const ORDERED: bool = true;
}

/// The encoding of one value.
pub(super) fn encode<T: Stored>(value: &T) -> Vec<u8> {
    let mut bytes = Vec::new();
    value.store::<Value>(&mut bytes);
    bytes
}

/// The value that was stored.
///
/// # Panics
/// The bytes are no encoding of `T`. Only the contract's own code writes its state, so this is a
/// fault in the contract; the call traps.
#[must_use]
pub fn decode<T: Stored>(bytes: &[u8]) -> T {
    whole::<T, Value>(bytes)
}

/// The key that was stored.
///
/// # Panics
/// See [`decode`].
pub(super) fn decode_key<T: Stored>(bytes: &[u8]) -> T {
    whole::<T, Key>(bytes)
}

fn whole<T: Stored, E: Encoding>(mut bytes: &[u8]) -> T {
    let value = T::restore::<E>(&mut bytes).filter(|_| bytes.is_empty());
    #[expect(clippy::expect_used, reason = "there is no state to go on with")]
    value.expect("stored bytes are not of the type that is read: do two fields share a name?")
}

/// Integers: as a key with the sign of signed ones inverted, so that negative ones come first.
macro_rules! integers {
    ($($ty:ty)*) => {$(
        impl Stored for $ty {
            fn store<E: Encoding>(&self, out: &mut Vec<u8>) {
                let inverted = if E::ORDERED { Self::MIN } else { 0 };
                out.extend_from_slice(&(*self ^ inverted).to_be_bytes());
            }

            fn restore<E: Encoding>(bytes: &mut &[u8]) -> Option<Self> {
                let inverted = if E::ORDERED { Self::MIN } else { 0 };
                take(bytes).map(|bytes| Self::from_be_bytes(bytes) ^ inverted)
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
    fn store<E: Encoding>(&self, out: &mut Vec<u8>) {
        out.push(u8::from(*self));
    }

    fn restore<E: Encoding>(bytes: &mut &[u8]) -> Option<Self> {
        match take(bytes)? {
            [0] => Some(false),
            [1] => Some(true),
            _ => None,
        }
    }
}

impl<const N: usize> Stored for FixedBytes<N> {
    fn store<E: Encoding>(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.0);
    }

    fn restore<E: Encoding>(bytes: &mut &[u8]) -> Option<Self> {
        take(bytes).map(Self)
    }
}

impl Stored for Address {
    fn store<E: Encoding>(&self, out: &mut Vec<u8>) {
        self.0.store::<E>(out);
    }

    fn restore<E: Encoding>(bytes: &mut &[u8]) -> Option<Self> {
        FixedBytes::restore::<E>(bytes).map(Self)
    }
}

impl Stored for U256 {
    fn store<E: Encoding>(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.to_be_bytes::<32>());
    }

    fn restore<E: Encoding>(bytes: &mut &[u8]) -> Option<Self> {
        take::<32>(bytes).map(Self::from_be_bytes)
    }
}

impl Stored for I256 {
    fn store<E: Encoding>(&self, out: &mut Vec<u8>) {
        (self.into_raw() ^ inverted::<E>()).store::<E>(out);
    }

    fn restore<E: Encoding>(bytes: &mut &[u8]) -> Option<Self> {
        U256::restore::<E>(bytes).map(|bits| Self::from_raw(bits ^ inverted::<E>()))
    }
}

/// The bits of an `I256` that an encoding inverts.
fn inverted<E: Encoding>() -> U256 {
    if E::ORDERED {
        I256::MIN.into_raw()
    } else {
        U256::ZERO
    }
}

/// Bytes: after their length; as a key a zero is followed by 255, and the end is two zeros.
fn store_bytes<E: Encoding>(bytes: &[u8], out: &mut Vec<u8>) {
    if !E::ORDERED {
        store_length(bytes.len(), out);
        out.extend_from_slice(bytes);
        return;
    }
    for byte in bytes {
        out.push(*byte);
        if *byte == 0 {
            out.push(0xff);
        }
    }
    out.extend_from_slice(&[0, 0]);
}

fn take_bytes<E: Encoding>(bytes: &mut &[u8]) -> Option<Vec<u8>> {
    if !E::ORDERED {
        let length = take_length(bytes)? as usize;
        let (front, rest) = bytes.split_at_checked(length)?;
        *bytes = rest;
        return Some(front.to_vec());
    }
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

fn store_length(length: usize, out: &mut Vec<u8>) {
    (length as u32).store::<Value>(out);
}

fn take_length(bytes: &mut &[u8]) -> Option<u32> {
    u32::restore::<Value>(bytes)
}

impl Stored for Bytes {
    fn store<E: Encoding>(&self, out: &mut Vec<u8>) {
        store_bytes::<E>(self, out);
    }

    fn restore<E: Encoding>(bytes: &mut &[u8]) -> Option<Self> {
        take_bytes::<E>(bytes).map(Into::into)
    }
}

impl Stored for String {
    fn store<E: Encoding>(&self, out: &mut Vec<u8>) {
        store_bytes::<E>(self.as_bytes(), out);
    }

    fn restore<E: Encoding>(bytes: &mut &[u8]) -> Option<Self> {
        Self::from_utf8(take_bytes::<E>(bytes)?).ok()
    }
}

/// Lists: after their length; as a key each value after a one, and a zero at the end.
impl<T: Stored> Stored for Vec<T> {
    fn store<E: Encoding>(&self, out: &mut Vec<u8>) {
        if !E::ORDERED {
            store_length(self.len(), out);
        }
        for value in self {
            if E::ORDERED {
                out.push(1);
            }
            value.store::<E>(out);
        }
        if E::ORDERED {
            out.push(0);
        }
    }

    fn restore<E: Encoding>(bytes: &mut &[u8]) -> Option<Self> {
        if !E::ORDERED {
            let length = take_length(bytes)?;
            return (0..length).map(|_| T::restore::<E>(bytes)).collect();
        }
        let mut values = Self::new();
        while bool::restore::<E>(bytes)? {
            values.push(T::restore::<E>(bytes)?);
        }
        Some(values)
    }
}

impl<T: Stored, const N: usize> Stored for [T; N] {
    fn store<E: Encoding>(&self, out: &mut Vec<u8>) {
        self.iter().for_each(|value| value.store::<E>(out));
    }

    fn restore<E: Encoding>(bytes: &mut &[u8]) -> Option<Self> {
        let values: Option<Vec<T>> = (0..N).map(|_| T::restore::<E>(bytes)).collect();
        values?.try_into().ok()
    }
}

impl<T: Stored> Stored for Option<T> {
    fn store<E: Encoding>(&self, out: &mut Vec<u8>) {
        self.is_some().store::<E>(out);
        if let Some(value) = self {
            value.store::<E>(out);
        }
    }

    fn restore<E: Encoding>(bytes: &mut &[u8]) -> Option<Self> {
        Some(if bool::restore::<E>(bytes)? {
            Some(T::restore::<E>(bytes)?)
        } else {
            None
        })
    }
}

macro_rules! tuples {
    ($(($($ty:ident $at:tt),*);)*) => {$(
        impl<$($ty: Stored),*> Stored for ($($ty,)*) {
            fn store<E: Encoding>(&self, out: &mut Vec<u8>) {
                $(self.$at.store::<E>(out);)*
            }

            fn restore<E: Encoding>(bytes: &mut &[u8]) -> Option<Self> {
                Some(($($ty::restore::<E>(bytes)?,)*))
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
