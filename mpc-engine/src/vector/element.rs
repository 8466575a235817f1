//! The arithmetic of one element, and of the word that stands for 64 bits.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use super::Domain;

/// 64 elements of Z_2: sum is exclusive or, product is and.
#[derive(Clone, Copy, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(transparent)]
pub(crate) struct Word(pub(crate) u64);

/// An element of a ring, or 64 of Z_2. All arithmetic wraps. In memory it is plain bytes.
pub(crate) trait Element:
    Copy + Default + PartialEq + FromBytes + IntoBytes + Immutable + Send + Sync + 'static
{
    const DOMAIN: Domain;

    fn add(self, other: Self) -> Self;
    fn sub(self, other: Self) -> Self;
    fn mul(self, other: Self) -> Self;
    /// The low bits of a number; of a word, its lowest bit in every place.
    fn splat(value: u128) -> Self;
    /// Elements that hold `lanes` lanes.
    fn count(lanes: usize) -> usize;
    /// Clears what is beyond the last lane.
    fn mask_tail(elements: &mut [Self], lanes: usize);
    /// With the bytes of the encoding, lowest first, in memory; and back.
    fn to_le(self) -> Self;
    /// Adds elements from their encoding; bytes that do not make an element are left over.
    fn add_encoded(elements: &mut [Self], bytes: &[u8]);
}

macro_rules! ring {
    ($T:ident, $D:ident) => {
        impl Element for $T {
            const DOMAIN: Domain = Domain::$D;

            #[inline]
            fn add(self, other: Self) -> Self {
                self.wrapping_add(other)
            }
            #[inline]
            fn sub(self, other: Self) -> Self {
                self.wrapping_sub(other)
            }
            #[inline]
            fn mul(self, other: Self) -> Self {
                self.wrapping_mul(other)
            }
            #[inline]
            fn splat(value: u128) -> Self {
                value as Self
            }
            fn count(lanes: usize) -> usize {
                lanes
            }
            fn mask_tail(_: &mut [Self], _: usize) {}
            #[inline]
            fn to_le(self) -> Self {
                self.to_le()
            }
            #[inline(always)]
            fn add_encoded(elements: &mut [Self], bytes: &[u8]) {
                let (chunks, _) = bytes.as_chunks::<{ size_of::<Self>() }>();
                for (x, chunk) in elements.iter_mut().zip(chunks) {
                    *x = x.wrapping_add(Self::from_le_bytes(*chunk));
                }
            }
        }
    };
}

ring!(u8, R8);
ring!(u16, R16);
ring!(u32, R32);
ring!(u64, R64);
ring!(u128, R128);

impl Element for Word {
    const DOMAIN: Domain = Domain::Bits;

    #[inline]
    fn add(self, other: Self) -> Self {
        Self(self.0 ^ other.0)
    }
    #[inline]
    fn sub(self, other: Self) -> Self {
        Self(self.0 ^ other.0)
    }
    #[inline]
    fn mul(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
    #[inline]
    fn splat(value: u128) -> Self {
        Self(0u64.wrapping_sub((value & 1) as u64))
    }
    fn count(lanes: usize) -> usize {
        lanes.div_ceil(64)
    }
    fn mask_tail(elements: &mut [Self], lanes: usize) {
        let used = lanes % 64;
        if used != 0
            && let Some(last) = elements.last_mut()
        {
            last.0 &= (1 << used) - 1;
        }
    }
    #[inline]
    fn to_le(self) -> Self {
        Self(self.0.to_le())
    }
    #[inline(always)]
    fn add_encoded(elements: &mut [Self], bytes: &[u8]) {
        let (chunks, rest) = bytes.as_chunks::<8>();
        for (x, chunk) in elements.iter_mut().zip(chunks) {
            x.0 ^= u64::from_le_bytes(*chunk);
        }
        if let Some(last) = elements.get_mut(chunks.len()) {
            let mut word = [0; 8];
            word[..rest.len()].copy_from_slice(rest);
            last.0 ^= u64::from_le_bytes(word);
        }
    }
}

/// Appends the first `bytes` bytes of the encoding of elements.
pub(crate) fn append<E: Element>(elements: &[E], bytes: usize, out: &mut Vec<u8>) {
    if cfg!(target_endian = "big") {
        let mut encoded: Vec<E> = elements.iter().map(|x| x.to_le()).collect();
        out.extend_from_slice(&encoded.as_bytes()[..bytes]);
        super::erase(&mut encoded);
    } else {
        out.extend_from_slice(&elements.as_bytes()[..bytes]);
    }
}

/// Copies `lanes` bits from bit `from` of `source` to bit `at` of `to`, at any alignment.
pub(super) fn paste_bits(to: &mut [Word], at: usize, source: &[Word], from: usize, lanes: usize) {
    if at.is_multiple_of(64) && from.is_multiple_of(64) {
        let whole = lanes / 64;
        let (t, s) = (at / 64, from / 64);
        to[t..t + whole].copy_from_slice(&source[s..s + whole]);
        if !lanes.is_multiple_of(64) {
            let mask = (1u64 << (lanes % 64)) - 1;
            let word = &mut to[t + whole].0;
            *word = *word & !mask | source[s + whole].0 & mask;
        }
        return;
    }
    let mut done = 0;
    while done < lanes {
        let (t, s) = (at + done, from + done);
        let count = (lanes - done).min(64 - t % 64).min(64 - s % 64);
        let mask = u64::MAX >> (64 - count);
        let bits = source[s / 64].0 >> (s % 64) & mask;
        let word = &mut to[t / 64].0;
        *word = *word & !(mask << (t % 64)) | bits << (t % 64);
        done += count;
    }
}

/// Clears `lanes` bits from bit `at` on.
pub(super) fn clear_bits(words: &mut [Word], at: usize, lanes: usize) {
    let mut done = 0;
    while done < lanes {
        let place = at + done;
        let count = (lanes - done).min(64 - place % 64);
        words[place / 64].0 &= !(u64::MAX >> (64 - count) << (place % 64));
        done += count;
    }
}
