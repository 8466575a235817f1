//! Sharing inputs anew: what a worker does with the key that a session has tossed.

use alloy_primitives::B256;
use mpc_engine::{RefreshKey, component};
use wire::{limits::NODES, seal_keys::sharing_tag};
use zk_contract_runtime::{PendingInput, Sharing};

use super::Commitments;
use crate::{
    NodeError,
    storage::{
        derived::Derived,
        seed_box::{HeldSeeds, HeldShares},
    },
};

/// Inputs between two times that what was written is forced to the disk.
const BATCH: usize = 1024;

/// Inputs that are to be shared anew, all of which this node holds.
#[derive(Debug)]
pub struct Refresh {
    /// Where they are, and will be.
    pub derived: Derived,
    /// The sharing that counts.
    pub from: Sharing,
    /// The key epoch of the new one.
    pub epoch: u64,
    /// The inputs.
    pub inputs: Vec<(B256, PendingInput)>,
}

impl Refresh {
    /// Shares all of them anew, beside what there is, and says so. It is on disk when this returns.
    /// The key is gone then.
    ///
    /// # Errors
    /// [`NodeError::Derived`], [`NodeError::File`], and [`NodeError::Ended`] if an input is not here.
    pub fn keep(&self, me: u8, key: RefreshKey) -> Result<Commitments, NodeError> {
        let tag = sharing_tag(key.expose());
        let sharing = Sharing {
            epoch: self.epoch,
            tag,
        };
        for batch in self.inputs.chunks(BATCH) {
            for (input, pending) in batch {
                let held = held(&self.derived, &self.from, *input, pending);
                let mut held = held.ok_or(NodeError::Ended("sharing of an input that is gone"))?;
                for (c, bytes) in (0..).zip(&mut held) {
                    if let Some(bytes) = bytes {
                        key.refresh(&input.0, &pending.input_type, c, bytes)
                            .map_err(|_| NodeError::Ended("sharing of an input of another type"))?;
                    }
                }
                self.derived.keep_shares(&sharing, *input, &held)?;
            }
            self.derived.flush()?;
        }
        drop(key);
        let all = (0..NODES as u8).map(|c| (c != me).then_some(tag));
        let mut commitments = [None; NODES];
        commitments
            .iter_mut()
            .zip(all)
            .for_each(|(to, from)| *to = from);
        Ok(commitments)
    }
}

/// The components that this node holds of an input in a sharing.
#[must_use]
pub fn held(
    derived: &Derived,
    sharing: &Sharing,
    input: B256,
    pending: &PendingInput,
) -> Option<HeldShares> {
    if pending.binding.key_epoch < sharing.epoch {
        return derived.shares(sharing, input);
    }
    of_seeds(pending, &derived.seeds(input)?)
}

/// The components that follow from seeds.
fn of_seeds(pending: &PendingInput, seeds: &HeldSeeds) -> Option<HeldShares> {
    let mut held = HeldShares::default();
    for ((c, seed), place) in (0..).zip(seeds).zip(&mut held) {
        if let Some(seed) = seed {
            let bytes = component(&pending.input_type, c, &pending.sealed.masked, seed);
            *place = Some(bytes.ok()?);
        }
    }
    Some(held)
}
