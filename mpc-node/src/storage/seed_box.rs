//! Records of what a node holds of inputs: seeds as clients drew them, and components that were shared
//! anew. Each is encrypted under the key of its key epoch ([`super::epochs`]), bound to the input.

use alloy_primitives::B256;
use wire::{
    codec,
    limits::{INPUT_BYTES, NODES, SHARE_PROOF_BYTES},
    sealed::Seed,
};
use zeroize::Zeroizing;
use zk_contract_runtime::Sharing;

use super::epochs::EpochKeys;
use crate::NodeError;

const SEEDS_BYTES: usize = 3 * 32;
const EPOCH_BYTES: usize = 8;

/// Seals and opens records.
#[derive(Debug)]
pub struct SeedBox(EpochKeys);

/// The three seeds that one node holds of one input; the place of its own component is empty.
pub type HeldSeeds = [Option<Seed>; NODES];

/// The three components that one node holds of one input that was shared anew; likewise. In the store
/// and between nodes each has with it what proves it ([`mpc_engine::check_proven`]).
pub type HeldShares = [Option<Zeroizing<Vec<u8>>>; NODES];

impl SeedBox {
    /// Takes the keys of the epochs.
    #[must_use]
    pub const fn new(epochs: EpochKeys) -> Self {
        Self(epochs)
    }

    /// Encrypts the seeds of an input that is sealed to the keys of an epoch; none unless exactly
    /// three are there, or if the epoch is over.
    ///
    /// # Errors
    /// [`NodeError::File`].
    pub fn seal(
        &self,
        input: B256,
        epoch: u64,
        seeds: &HeldSeeds,
    ) -> Result<Option<Vec<u8>>, NodeError> {
        let mut plain = Zeroizing::new(Vec::with_capacity(1 + SEEDS_BYTES));
        plain.push(0);
        for (component, seed) in seeds.iter().enumerate() {
            if let Some(seed) = seed {
                plain.extend_from_slice(seed.expose());
                plain[0] |= 1 << component;
            }
        }
        if plain.len() != 1 + SEEDS_BYTES {
            return Ok(None);
        }
        self.seal_under(epoch, &bound_to(b"seeds", input, B256::ZERO), &plain)
    }

    /// Opens a record of seeds; none if it was altered, is another input's, or its epoch is over.
    #[must_use]
    pub fn open(&self, input: B256, record: &[u8]) -> Option<HeldSeeds> {
        let plain = self.open_any(&bound_to(b"seeds", input, B256::ZERO), record)?;
        let (mask, plain) = plain.split_first()?;
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

    /// Encrypts the components of an input in a sharing; none if its epoch is over.
    ///
    /// # Errors
    /// [`NodeError::File`].
    pub fn seal_shares(
        &self,
        sharing: &Sharing,
        input: B256,
        shares: &HeldShares,
    ) -> Result<Option<Vec<u8>>, NodeError> {
        let shares = shares.each_ref().map(|s| s.as_ref().map(|s| s.as_slice()));
        let plain = Zeroizing::new(codec::encode(&shares));
        self.seal_under(
            sharing.epoch,
            &bound_to(b"shares", input, sharing.tag),
            &plain,
        )
    }

    /// Opens a record of components.
    #[must_use]
    pub fn open_shares(&self, sharing: &Sharing, input: B256, record: &[u8]) -> Option<HeldShares> {
        let plain = self.open_any(&bound_to(b"shares", input, sharing.tag), record)?;
        let limit = NODES * (INPUT_BYTES + SHARE_PROOF_BYTES + 16);
        let shares: [Option<Vec<u8>>; NODES] = codec::decode("shares", &plain, limit).ok()?;
        Some(shares.map(|share| share.map(Zeroizing::new)))
    }

    fn seal_under(
        &self,
        epoch: u64,
        bound: &[u8],
        plain: &[u8],
    ) -> Result<Option<Vec<u8>>, NodeError> {
        let Some(keys) = self.0.obtain(epoch)? else {
            return Ok(None);
        };
        let mut record = epoch.to_be_bytes().to_vec();
        record.extend(keys.storage.seal(bound, plain)?);
        Ok(Some(record))
    }

    fn open_any(&self, bound: &[u8], record: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (epoch, record) = record.split_first_chunk::<EPOCH_BYTES>()?;
        let keys = self.0.get(u64::from_be_bytes(*epoch))?;
        keys.storage.open(bound, record)
    }
}

/// The epoch of a record.
#[must_use]
pub fn epoch_of(record: &[u8]) -> Option<u64> {
    let (epoch, _) = record.split_first_chunk::<EPOCH_BYTES>()?;
    Some(u64::from_be_bytes(*epoch))
}

fn bound_to(what: &[u8], input: B256, sharing: B256) -> Vec<u8> {
    [what, input.as_slice(), sharing.as_slice()].concat()
}

#[cfg(test)]
mod tests;
