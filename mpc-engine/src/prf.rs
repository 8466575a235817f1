//! The pseudorandom function by which holders of a key draw the same masks.
//!
//! AES-128 in counter mode. A key lives for one session, its counter only grows, and both are lost
//! with the session: no mask is ever drawn twice.

use aes::{
    Aes128Enc, Block,
    cipher::{BlockCipherEncrypt, KeyInit},
};
use zeroize::optimization_barrier;

use crate::vector::Element;

const BLOCK_BYTES: usize = 16;
/// Blocks made at once: enough to keep the AES unit busy, few enough to stay in the nearest cache.
const BATCH_BLOCKS: usize = 64;

/// The masks that the holders of one key draw, in order.
pub(crate) struct Masks {
    cipher: Aes128Enc,
    counter: u128,
    blocks: Box<[[u8; BLOCK_BYTES]; BATCH_BLOCKS]>,
}

impl std::fmt::Debug for Masks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Masks(<redacted>)")
    }
}

impl Drop for Masks {
    fn drop(&mut self) {
        self.blocks.fill([0; BLOCK_BYTES]);
        optimization_barrier(&*self.blocks);
    }
}

impl Masks {
    pub(crate) fn new(key: &[u8; 16]) -> Self {
        Self {
            cipher: Aes128Enc::new(key.into()),
            counter: 0,
            blocks: Box::new([[0; BLOCK_BYTES]; BATCH_BLOCKS]),
        }
    }

    /// Draws a uniform vector of `lanes` lanes, from a fresh block on.
    pub(crate) fn draw<E: Element>(&mut self, lanes: usize) -> Vec<E> {
        let mut out = vec![E::default(); E::count(lanes)];
        let per_block = BLOCK_BYTES / size_of::<E>();
        for batch in out.chunks_mut(BATCH_BLOCKS * per_block) {
            let blocks = &mut self.blocks[..batch.len().div_ceil(per_block)];
            for block in &mut *blocks {
                *block = self.counter.to_le_bytes();
                self.counter = self.counter.wrapping_add(1);
            }
            self.cipher
                .encrypt_blocks(Block::cast_slice_from_core_mut(blocks));
            E::load(blocks.as_flattened(), batch);
        }
        E::mask_tail(&mut out, lanes);
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holders_draw_the_same_and_never_the_same_twice() {
        let (mut a, mut b) = (Masks::new(&[7; 16]), Masks::new(&[7; 16]));
        let mut seen = std::collections::BTreeSet::new();
        for lanes in [1, 2, 3, 127, 128, 129, 1000] {
            let x = a.draw::<u64>(lanes);
            assert_eq!(x, b.draw::<u64>(lanes));
            assert!(x.iter().all(|mask| seen.insert(*mask)), "a mask came twice");
        }
        let other = Masks::new(&[8; 16]).draw::<u64>(1000);
        assert!(other.iter().all(|mask| !seen.contains(mask)));
    }

    #[test]
    fn matches_aes_in_counter_mode() {
        // The zero block under the zero key.
        let x = Masks::new(&[0; 16]).draw::<u128>(1);
        let expected: [u8; 16] = [
            0x66, 0xe9, 0x4b, 0xd4, 0xef, 0x8a, 0x2c, 0x3b, 0x88, 0x4c, 0xfa, 0x59, 0xca, 0x34,
            0x2b, 0x2e,
        ];
        assert_eq!(x, [u128::from_le_bytes(expected)]);
    }
}
