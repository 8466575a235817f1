//! The digests by which a backup vouches for a stream.
//!
//! A digest is keyed with a key that the stream's sender does not hold. So the sender, who would have
//! to find two streams with one digest, knows nothing of the function: a universal hash condenses
//! the stream, and only what it leaves, a 128th, goes through a cryptographic hash. ADR 12 has the
//! argument.
//!
//! The universal hash is NH with four Toeplitz passes (Black, Halevi, Krawczyk, Krovetz and Rogaway,
//! "UMAC", 1999, sections 4 and 5): two different blocks leave the same with probability 2^-128.

use zeroize::{Zeroize as _, Zeroizing};

use crate::vector::kernels;

/// Bytes of a digest.
pub(crate) const DIGEST_BYTES: usize = 16;
/// Words of a stream that are condensed into [`PASSES`] words.
pub(crate) const BLOCK_WORDS: usize = 512;
pub(crate) const PASSES: usize = 4;
/// Words of the key by which one pass is away from the next.
pub(crate) const SHIFT: usize = 8;
/// Words of the key of the universal hash.
const KEY_WORDS: usize = BLOCK_WORDS + (PASSES - 1) * SHIFT;
const WORD_BYTES: usize = 8;

/// Blocks that are condensed before what is left of them is hashed.
const BATCH: usize = 64;

/// A key that two parties hold.
pub(crate) struct DigestKey {
    /// The low and the high halves of the words of the universal hash's key.
    universal: [Zeroizing<Vec<u64>>; 2],
    hash: Zeroizing<[u8; 32]>,
}

impl DigestKey {
    /// Both keys from one.
    pub(crate) fn new(key: &[u8; 32]) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key("quartet v1 digest keys");
        let mut stream = hasher.update(key).finalize_xof();
        let mut hash = Zeroizing::new([0; 32]);
        stream.fill(&mut *hash);
        let universal = std::array::from_fn(|_| {
            let mut bytes = Zeroizing::new([0; 4 * KEY_WORDS]);
            stream.fill(&mut *bytes);
            let halves = bytes.as_chunks().0.iter();
            Zeroizing::new(halves.map(|x| u32::from_le_bytes(*x).into()).collect())
        });
        stream.zeroize();
        hasher.zeroize();
        Self { universal, hash }
    }

    /// The digest of a stream, bound to its length and to `context`, whose length must be fixed.
    pub(crate) fn digest(&self, stream: &[u8], context: &[&[u8]]) -> [u8; DIGEST_BYTES] {
        let mut hasher = blake3::Hasher::new_keyed(&self.hash);
        for part in context {
            hasher.update(part);
        }
        hasher.update(&(stream.len() as u64).to_le_bytes());
        let (words, rest) = stream.as_chunks::<WORD_BYTES>();
        hasher.update(rest);
        let mut left = [[0; PASSES]; BATCH];
        for words in words.chunks(BATCH * BLOCK_WORDS) {
            let left = &mut left[..words.len().div_ceil(BLOCK_WORDS)];
            kernels::condense(left, [&self.universal[0], &self.universal[1]], words);
            update(&mut hasher, left);
        }
        let mut digest = [0; DIGEST_BYTES];
        hasher.finalize_xof().fill(&mut digest);
        hasher.zeroize();
        digest
    }
}

/// Hashes what is left of blocks.
fn update(hasher: &mut blake3::Hasher, left: &[[u64; PASSES]]) {
    let mut bytes = [0; 8 * PASSES * BATCH];
    for (to, word) in bytes.as_chunks_mut().0.iter_mut().zip(left.as_flattened()) {
        *to = word.to_le_bytes();
    }
    hasher.update(&bytes[..8 * PASSES * left.len()]);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(length: usize) -> Vec<u8> {
        (0..length)
            .map(|i| (i * 7 + i / 256 * 31 + i / 5) as u8)
            .collect()
    }

    #[test]
    fn every_byte_the_length_the_context_and_the_key_count() {
        let key = DigestKey::new(&[1; 32]);
        for length in [64, 65, 4095, 4096, 4097, 4104, 65 * 4096 + 7] {
            let mut stream = stream(length);
            let digest = key.digest(&stream, &[b"round 1"]);
            assert_eq!(digest, key.digest(&stream.clone(), &[b"round 1"]));
            assert_ne!(digest, key.digest(&stream, &[b"round 2"]));
            assert_ne!(
                digest,
                DigestKey::new(&[2; 32]).digest(&stream, &[b"round 1"])
            );
            assert_ne!(digest, key.digest(&stream[..length - 1], &[b"round 1"]));
            for place in (0..length).step_by(length / 50).chain([length - 1]) {
                stream[place] ^= 0x80;
                assert_ne!(
                    digest,
                    key.digest(&stream, &[b"round 1"]),
                    "{length} {place}"
                );
                stream[place] ^= 0x80;
            }
            stream.push(0);
            assert_ne!(digest, key.digest(&stream, &[b"round 1"]));
        }
    }

    #[test]
    fn blocks_are_condensed_as_defined() {
        let key = DigestKey::new(&[3; 32]);
        let bytes = stream(8 * (2 * BLOCK_WORDS + 13));
        let mut left = [[0; PASSES]; 3];
        let universal = [&key.universal[0][..], &key.universal[1]];
        kernels::condense(&mut left, universal, bytes.as_chunks().0);
        let half = |bytes: &[u8]| u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
        for (block, left) in bytes.chunks(8 * BLOCK_WORDS).zip(left) {
            for (pass, left) in left.into_iter().enumerate() {
                let mut sum = 0u64;
                for (i, pair) in block.chunks(8).enumerate() {
                    let [low, high] = universal.map(|key| key[pass * SHIFT + i] as u32);
                    let low = half(pair).wrapping_add(low);
                    let high = half(&pair[4..]).wrapping_add(high);
                    sum = sum.wrapping_add(u64::from(low) * u64::from(high));
                }
                assert_eq!(left, sum);
            }
        }
    }
}
