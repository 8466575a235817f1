//! Records of seeds at rest: which components there are, and a [`SecretBox`]'s record of them, bound
//! to the input.

use alloy_primitives::B256;
use wire::{limits::NODES, sealed::Seed};
use zeroize::Zeroizing;

use super::secret_box::SecretBox;
use crate::NodeError;

const SEEDS_BYTES: usize = 3 * 32;

/// Seals and opens records of seeds.
#[derive(Debug)]
pub struct SeedBox(SecretBox);

/// The three seeds that one node holds of one input; the place of its own component is empty.
pub type HeldSeeds = [Option<Seed>; NODES];

impl SeedBox {
    /// Takes the key of [`crate::keys::NodeKeys::storage_key`].
    #[must_use]
    pub fn new(key: &[u8; 32]) -> Self {
        Self(SecretBox::new(key))
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
        let mut record = vec![mask];
        record.extend(self.0.seal(&bound_to(input, mask), &plain)?);
        Ok(Some(record))
    }

    /// Opens a record; none if it was altered, is another input's, or was made under other keys.
    #[must_use]
    pub fn open(&self, input: B256, record: &[u8]) -> Option<HeldSeeds> {
        let (mask, rest) = record.split_first()?;
        let plain = self.0.open(&bound_to(input, *mask), rest)?;
        if plain.len() != SEEDS_BYTES {
            return None;
        }
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
