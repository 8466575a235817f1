//! Sharing inputs anew: what a worker does with the key that a session has tossed.

use alloy_primitives::B256;
use mpc_engine::{RefreshKey, Tree, component};
use wire::{limits::NODES, seal_keys::sharing_tag};
use zk_contract_runtime::{PendingInput, Sharing};

use super::Commitments;
use crate::{
    NodeError,
    storage::{
        derived::Derived,
        seed_box::{HeldSeeds, HeldShares},
        shares::ShareStore,
    },
};

/// Inputs that are written, and forced to the disk, at a time.
const BATCH: usize = 256;

/// Inputs that are to be shared anew, all of which this node holds.
#[derive(Debug)]
pub struct Refresh {
    /// Where their seeds are.
    pub derived: Derived,
    /// Where components are, and will be.
    pub shares: ShareStore,
    /// The sharing that counts.
    pub from: Sharing,
    /// The key epoch of the new one.
    pub epoch: u64,
    /// The inputs.
    pub inputs: Vec<(B256, PendingInput)>,
}

impl Refresh {
    /// Shares all of them anew, beside what there is, and returns the root of each component. It is on
    /// disk when this returns. The key is gone then.
    ///
    /// # Errors
    /// [`NodeError::File`], and [`NodeError::Ended`] if an input is not here.
    pub fn keep(&self, me: u8, attempt: u32, key: RefreshKey) -> Result<Commitments, NodeError> {
        let mut leaves: [Option<Vec<_>>; NODES] = Default::default();
        for (component, place) in (0..).zip(&mut leaves) {
            *place = (component != me).then(|| Vec::with_capacity(self.inputs.len()));
        }
        for (input, pending) in &self.inputs {
            let shared = self.share(&key, *input, pending)?;
            for ((c, leaves), bytes) in (0..).zip(&mut leaves).zip(&shared) {
                if let Some((leaves, bytes)) = leaves.as_mut().zip(bytes.as_ref()) {
                    leaves.push(key.leaf(&input.0, c, bytes));
                }
            }
        }
        let trees = leaves.map(|leaves| leaves.map(Tree::new));
        self.write(attempt, &key, &trees)?;
        Ok(trees.map(|tree| tree.map(|tree| tree.root().into())))
    }

    /// Once more, since all of them together may be too large to be held: with proofs, to the disk.
    fn write(
        &self,
        attempt: u32,
        key: &RefreshKey,
        trees: &[Option<Tree>; NODES],
    ) -> Result<(), NodeError> {
        let sharing = Sharing {
            epoch: self.epoch,
            tag: sharing_tag(self.epoch, attempt),
            ..Sharing::default()
        };
        for (batch, inputs) in self.inputs.chunks(BATCH).enumerate() {
            let mut proven = Vec::with_capacity(inputs.len());
            for (place, (input, pending)) in (batch * BATCH..).zip(inputs) {
                let mut shared = self.share(key, *input, pending)?;
                for ((c, tree), bytes) in (0..).zip(trees).zip(&mut shared) {
                    if let Some((tree, bytes)) = tree.as_ref().zip(bytes.as_mut()) {
                        *bytes = key.prove(&input.0, c, bytes, (tree, place));
                    }
                }
                proven.push((*input, shared));
            }
            self.shares.keep(&sharing, &proven)?;
        }
        Ok(())
    }

    /// The components of an input in the new sharing.
    fn share(
        &self,
        key: &RefreshKey,
        input: B256,
        pending: &PendingInput,
    ) -> Result<HeldShares, NodeError> {
        let stores = (&self.derived, &self.shares);
        let held = held(stores, &self.from, input, pending);
        let mut held = held.ok_or(NodeError::Ended("sharing of an input that is gone"))?;
        for (c, bytes) in (0..).zip(&mut held) {
            if let Some(bytes) = bytes {
                key.refresh(&input.0, &pending.input_type, c, bytes)
                    .map_err(|_| NodeError::Ended("sharing of an input of another type"))?;
            }
        }
        Ok(held)
    }
}

/// The components that this node holds of an input in a sharing.
#[must_use]
pub fn held(
    (derived, shares): (&Derived, &ShareStore),
    sharing: &Sharing,
    input: B256,
    pending: &PendingInput,
) -> Option<HeldShares> {
    if pending.binding.key_epoch < sharing.epoch {
        let mut held = shares.get(sharing, input)?;
        let proven = held.iter_mut().flatten();
        proven.for_each(|bytes| bytes.truncate(pending.input_type.bytes()));
        return Some(held);
    }
    let kept = derived.seeds(pending.seeds_id(input))?;
    of_seeds(pending, &pending.seeds(&kept))
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
