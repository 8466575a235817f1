//! Encryption of seeds at rest: XChaCha20-Poly1305 under a key that follows from the node's own
//! keys, with a random nonce, bound to the input. The tag is the checksum.

use alloy_primitives::B256;
use chacha20poly1305::{AeadInOut as _, KeyInit as _, XChaCha20Poly1305};
use wire::{limits::NODES, sealed::Seed};
use zeroize::Zeroizing;

use crate::{NodeError, keys};

const NONCE_BYTES: usize = 24;
const TAG_BYTES: usize = 16;
const SEEDS_BYTES: usize = 3 * 32;

/// Seals and opens records of seeds.
pub struct SeedBox(XChaCha20Poly1305);

impl std::fmt::Debug for SeedBox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SeedBox(<redacted>)")
    }
}

/// The three seeds that one node holds of one input; the place of its own component is empty.
pub type HeldSeeds = [Option<Seed>; NODES];

impl SeedBox {
    /// Takes the key of [`keys::NodeKeys::storage_key`].
    #[must_use]
    pub fn new(key: &[u8; 32]) -> Self {
        Self(XChaCha20Poly1305::new(key.into()))
    }

    /// Encrypts the seeds of an input; none unless exactly three are there.
    ///
    /// # Errors
    /// [`NodeError::File`] if the system has no randomness.
    pub fn seal(&self, input: B256, seeds: &HeldSeeds) -> Result<Option<Vec<u8>>, NodeError> {
        let mut plain = Zeroizing::new(Vec::with_capacity(SEEDS_BYTES));
        let mut mask = 0u8;
        for (component, seed) in seeds.iter().enumerate() {
            if let Some(seed) = seed {
                plain.extend_from_slice(seed.expose());
                mask |= 1 << component;
            }
        }
        if plain.len() != SEEDS_BYTES {
            return Ok(None);
        }
        let random = keys::random()?;
        let mut record = vec![mask];
        record.extend_from_slice(&random[..NONCE_BYTES]);
        let nonce: [u8; NONCE_BYTES] = std::array::from_fn(|i| random[i]);
        let bound = bound_to(input, mask);
        let sealed =
            self.0
                .encrypt_inout_detached(&nonce.into(), &bound, plain.as_mut_slice().into());
        let Ok(tag) = sealed else { return Ok(None) };
        record.extend_from_slice(&plain);
        record.extend_from_slice(&tag);
        Ok(Some(record))
    }

    /// Opens a record; none if it was altered, is another input's, or was made under other keys.
    #[must_use]
    pub fn open(&self, input: B256, record: &[u8]) -> Option<HeldSeeds> {
        let (mask, rest) = record.split_first()?;
        let (nonce, rest) = rest.split_first_chunk::<NONCE_BYTES>()?;
        let (cipher, tag) = rest.split_first_chunk::<SEEDS_BYTES>()?;
        let tag: &[u8; TAG_BYTES] = tag.try_into().ok()?;
        let mut plain = Zeroizing::new(*cipher);
        let bound = bound_to(input, *mask);
        self.0
            .decrypt_inout_detached(
                &(*nonce).into(),
                &bound,
                plain.as_mut_slice().into(),
                &(*tag).into(),
            )
            .ok()?;
        let mut parts = plain.chunks_exact(32);
        let mut seeds = [const { None }; NODES];
        for (component, seed) in seeds.iter_mut().enumerate() {
            if mask >> component & 1 == 1 {
                *seed = Some(Seed::new(parts.next()?.try_into().ok()?));
            }
        }
        Some(seeds)
    }
}

fn bound_to(input: B256, mask: u8) -> [u8; 33] {
    std::array::from_fn(|i| input.get(i).copied().unwrap_or(mask))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seeds() -> HeldSeeds {
        [
            Some(Seed::new([1; 32])),
            None,
            Some(Seed::new([3; 32])),
            Some(Seed::new([4; 32])),
        ]
    }

    #[test]
    fn only_the_right_key_and_input_open_a_record() -> Result<(), Box<dyn std::error::Error>> {
        let (keeper, input) = (SeedBox::new(&[7; 32]), B256::repeat_byte(1));
        let record = keeper.seal(input, &seeds())?.ok_or("sealed")?;
        let opened = keeper.open(input, &record).ok_or("opens")?;
        let bytes = |seeds: &HeldSeeds| seeds.each_ref().map(|s| s.as_ref().map(|s| *s.expose()));
        assert_eq!(bytes(&opened), bytes(&seeds()));
        assert!(keeper.open(B256::repeat_byte(2), &record).is_none());
        assert!(SeedBox::new(&[8; 32]).open(input, &record).is_none());
        assert!(keeper.open(input, &record[..record.len() - 1]).is_none());
        for at in 0..record.len() {
            let mut altered = record.clone();
            altered[at] ^= 1;
            assert!(keeper.open(input, &altered).is_none(), "byte {at}");
        }
        Ok(())
    }

    #[test]
    fn nothing_of_a_seed_is_readable_and_no_nonce_repeats() -> Result<(), Box<dyn std::error::Error>>
    {
        let keeper = SeedBox::new(&[7; 32]);
        let one = keeper.seal(B256::ZERO, &seeds())?.ok_or("sealed")?;
        let two = keeper.seal(B256::ZERO, &seeds())?.ok_or("sealed")?;
        assert_ne!(one[1..25], two[1..25]);
        for seed in [[1; 8], [3; 8], [4; 8]] {
            assert!(!one.windows(8).any(|w| w == seed));
        }
        let two_only = [
            None,
            None,
            Some(Seed::new([3; 32])),
            Some(Seed::new([4; 32])),
        ];
        assert!(keeper.seal(B256::ZERO, &two_only)?.is_none());
        Ok(())
    }
}
