//! The pseudorandom function by which holders of a key draw the same masks.
//!
//! AES-128 in counter mode. A key lives for one session, its counter only grows, and both are lost
//! with the session: no mask is ever drawn twice.

use aes::{
    Aes128Enc, Block,
    cipher::{BlockCipherEncrypt, KeyInit},
};
use zeroize::Zeroizing;

use crate::vector::Element;

const BLOCK_BYTES: usize = 16;
/// Blocks made at once: enough to keep the AES unit busy.
const BATCH_BLOCKS: usize = 64;

/// The masks that the holders of one key draw, in order.
pub(crate) struct Masks {
    cipher: Aes128Enc,
    counter: u128,
    buffer: Zeroizing<Vec<u8>>,
    blocks: Box<[Block; BATCH_BLOCKS]>,
}

impl std::fmt::Debug for Masks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Masks(<redacted>)")
    }
}

impl Drop for Masks {
    fn drop(&mut self) {
        self.blocks.iter_mut().for_each(|b| b.fill(0));
        zeroize::optimization_barrier(&*self.blocks);
    }
}

impl Masks {
    pub(crate) fn new(key: &[u8; 16]) -> Self {
        Self {
            cipher: Aes128Enc::new(key.into()),
            counter: 0,
            buffer: Zeroizing::new(Vec::new()),
            blocks: Box::new([Block::default(); BATCH_BLOCKS]),
        }
    }

    /// Draws a uniform vector of `lanes` lanes into `out`.
    pub(crate) fn draw<E: Element>(&mut self, lanes: usize, out: &mut Vec<E>) {
        let bytes = E::DOMAIN.memory_bytes(lanes);
        self.fill(bytes);
        out.clear();
        out.resize(E::count(lanes), E::default());
        E::load(&self.buffer[..bytes], out);
        E::mask_tail(out, lanes);
    }

    /// Makes the next `bytes` bytes of the stream, from a fresh block on.
    fn fill(&mut self, bytes: usize) {
        if self.buffer.len() < bytes {
            self.buffer.resize(bytes.next_multiple_of(BLOCK_BYTES), 0);
        }
        for batch in self.buffer[..bytes].chunks_mut(BATCH_BLOCKS * BLOCK_BYTES) {
            let blocks = &mut self.blocks[..batch.len().div_ceil(BLOCK_BYTES)];
            for block in &mut *blocks {
                *block = self.counter.to_le_bytes().into();
                self.counter += 1;
            }
            self.cipher.encrypt_blocks(blocks);
            for (bytes, block) in batch.chunks_mut(BLOCK_BYTES).zip(blocks) {
                bytes.copy_from_slice(&block[..bytes.len()]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holders_draw_the_same_and_never_the_same_twice() {
        let (mut a, mut b) = (Masks::new(&[7; 16]), Masks::new(&[7; 16]));
        let (mut x, mut y) = (Vec::<u64>::new(), Vec::new());
        let mut seen = std::collections::BTreeSet::new();
        for lanes in [1, 2, 3, 127, 128, 129, 1000] {
            a.draw(lanes, &mut x);
            b.draw(lanes, &mut y);
            assert_eq!(x, y);
            assert!(x.iter().all(|mask| seen.insert(*mask)), "a mask came twice");
        }
        Masks::new(&[8; 16]).draw(1000, &mut y);
        assert!(y.iter().all(|mask| !seen.contains(mask)));
    }

    #[test]
    fn matches_aes_in_counter_mode() {
        // FIPS 197, appendix B has another plaintext; block 0 under the zero key is a known answer.
        let mut x = Vec::<u128>::new();
        Masks::new(&[0; 16]).draw(1, &mut x);
        let expected: [u8; 16] = [
            0x66, 0xe9, 0x4b, 0xd4, 0xef, 0x8a, 0x2c, 0x3b, 0x88, 0x4c, 0xfa, 0x59, 0xca, 0x34,
            0x2b, 0x2e,
        ];
        assert_eq!(x, [u128::from_le_bytes(expected)]);
    }
}
