//! The pseudorandom function by which holders of a key draw the same masks.
//!
//! AES-128 in counter mode. A key lives for one session, its counter only grows, and both are lost
//! with the session: no mask is ever drawn twice.

use aes::{
    Aes128Enc, Block,
    cipher::{BlockCipherEncrypt, KeyInit},
};
use zerocopy::IntoBytes as _;
use zeroize::optimization_barrier;

use crate::vector::{Element, kernels};

#[cfg(target_arch = "x86_64")]
mod wide;

const BLOCK_BYTES: usize = 16;
/// Four blocks, which are made at once.
const LINE_BYTES: usize = 4 * BLOCK_BYTES;

/// The masks that the holders of one key draw, in order.
pub(crate) struct Masks {
    cipher: Cipher,
    /// Blocks that were given out.
    counter: u64,
}

/// AES-128 with one key.
enum Cipher {
    #[cfg(target_arch = "x86_64")]
    Wide(wide::Wide),
    General(Box<Aes128Enc>),
}

/// Masks that have been given out, but are still to be computed.
#[derive(Clone, Copy, Default)]
pub(crate) struct Drawn {
    first: u64,
}

impl std::fmt::Debug for Masks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Masks(<redacted>)")
    }
}

impl Masks {
    pub(crate) fn new(key: &[u8; 16]) -> Self {
        Self {
            cipher: Cipher::new(key),
            counter: 0,
        }
    }

    /// Gives out masks for `lanes` lanes, from a fresh block on.
    pub(crate) fn draw<E: Element>(&mut self, lanes: usize) -> Drawn {
        let first = self.counter;
        self.counter += (E::count(lanes) * size_of::<E>()).div_ceil(BLOCK_BYTES) as u64;
        Drawn { first }
    }

    /// Computes masks that were given out, from element `start` on, which must begin a block. Bits
    /// beyond the last lane are the caller's affair.
    pub(crate) fn fill<E: Element>(&self, drawn: Drawn, start: usize, masks: &mut [E]) {
        let first = drawn.first + (start * size_of::<E>() / BLOCK_BYTES) as u64;
        let (lines, rest) = masks.as_mut_bytes().as_chunks_mut::<LINE_BYTES>();
        self.cipher.count(first, lines);
        if !rest.is_empty() {
            let mut line = [[0; LINE_BYTES]];
            self.cipher.count(first + 4 * lines.len() as u64, &mut line);
            rest.copy_from_slice(&line[0][..rest.len()]);
            line = [[0; LINE_BYTES]];
            optimization_barrier(&line);
        }
        if cfg!(target_endian = "big") {
            masks.iter_mut().for_each(|x| *x = x.to_le());
        }
    }
}

impl Cipher {
    fn new(key: &[u8; 16]) -> Self {
        #[cfg(target_arch = "x86_64")]
        if let Some(wide) = wide::Wide::new(key) {
            return Self::Wide(wide);
        }
        Self::general(key)
    }

    fn general(key: &[u8; 16]) -> Self {
        Self::General(Box::new(Aes128Enc::new(key.into())))
    }

    /// Encrypts the numbers from `first` on, four to a line.
    fn count(&self, first: u64, lines: &mut [[u8; LINE_BYTES]]) {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Wide(wide) => wide.count(first, lines),
            Self::General(cipher) => {
                let (blocks, _) = lines.as_flattened_mut().as_chunks_mut();
                kernels::count(blocks, first);
                cipher.encrypt_blocks(Block::cast_slice_from_core_mut(blocks));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draw<E: Element>(masks: &mut Masks, lanes: usize) -> Vec<E> {
        let drawn = masks.draw::<E>(lanes);
        let mut all = vec![E::default(); E::count(lanes)];
        masks.fill(drawn, 0, &mut all);
        all
    }

    #[test]
    fn holders_draw_the_same_and_never_the_same_twice() {
        let (mut a, mut b) = (Masks::new(&[7; 16]), Masks::new(&[7; 16]));
        let mut seen = std::collections::BTreeSet::new();
        for lanes in [1, 2, 3, 127, 128, 129, 1000] {
            let x = draw::<u64>(&mut a, lanes);
            assert_eq!(x, draw::<u64>(&mut b, lanes));
            assert!(x.iter().all(|mask| seen.insert(*mask)), "a mask came twice");
        }
        let other = draw::<u64>(&mut Masks::new(&[8; 16]), 1000);
        assert!(other.iter().all(|mask| !seen.contains(mask)));
    }

    #[test]
    fn matches_aes_in_counter_mode() {
        // The zero block under the zero key.
        let x = draw::<u128>(&mut Masks::new(&[0; 16]), 1);
        let expected: [u8; 16] = [
            0x66, 0xe9, 0x4b, 0xd4, 0xef, 0x8a, 0x2c, 0x3b, 0x88, 0x4c, 0xfa, 0x59, 0xca, 0x34,
            0x2b, 0x2e,
        ];
        assert_eq!(x, [u128::from_le_bytes(expected)]);
    }
    #[test]
    fn parts_are_those_of_the_whole() {
        let mut masks = Masks::new(&[3; 16]);
        let whole = draw::<u32>(&mut masks, 1001);
        let drawn = Drawn { first: 0 };
        for (start, length) in [(0, 1), (4, 3), (8, 256), (12, 260), (996, 5), (256, 512)] {
            let mut part = vec![0u32; length];
            masks.fill(drawn, start, &mut part);
            assert_eq!(part, whole[start..start + length], "{start} {length}");
        }
    }
    #[test]
    fn implementations_agree() {
        for (key, first) in [
            ([0; 16], 0),
            ([0x5a; 16], u64::MAX / 3),
            ([0xff; 16], 1 << 32),
        ] {
            let (general, best) = (Cipher::general(&key), Cipher::new(&key));
            for lines in [0, 1, 7, 8, 9, 16, 19] {
                let (mut a, mut b) = (vec![[0; LINE_BYTES]; lines], vec![[1; LINE_BYTES]; lines]);
                general.count(first, &mut a);
                best.count(first, &mut b);
                assert_eq!(a, b, "{lines}");
            }
        }
    }
}
