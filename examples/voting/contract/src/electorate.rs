//! The list of voters as batches in a Merkle tree, as `Voting.sol` on L1 builds it.
//!
//! The tree has a fixed depth and grows from the left; an empty leaf is zero, an inner node
//! `keccak256(left ‖ right)`. A leaf is `keccak256(abi.encode(index, keccak256(packed)))`, where
//! `packed` has 32 bytes for each voter, as Solidity packs elements of arrays. The index in the leaf
//! and the length of the proof keep leaves and inner nodes apart.

use quartet::{
    abi,
    alloy_primitives::{Address, B256},
    keccak256,
};

/// Levels above the leaves.
pub const DEPTH: usize = 16;
/// Batches that a list can have: as many leaves, less one that the tree on L1 keeps free.
pub const MAX_BATCHES: u32 = (1 << DEPTH) - 1;
/// Voters that L1 takes in one batch.
pub const BATCH_VOTERS: usize = 500;

const WORD_BYTES: usize = 32;

/// The leaf of a batch.
#[must_use]
pub fn leaf(index: u32, voters: &[Address]) -> B256 {
    let mut packed = Vec::with_capacity(voters.len() * WORD_BYTES);
    for voter in voters {
        packed.extend_from_slice(voter.into_word().as_slice());
    }
    keccak256(&abi::encode(&(index, keccak256(&packed))))
}

/// The root that this batch and its siblings, from the leaf up, lead to; none when they are not as
/// many as the tree has levels, or the tree has no such leaf.
#[must_use]
pub fn root_from(index: u32, voters: &[Address], proof: &[B256]) -> Option<B256> {
    if proof.len() != DEPTH || index >= MAX_BATCHES {
        return None;
    }
    let climb = |node, (level, sibling): (usize, &B256)| {
        if index >> level & 1 == 0 {
            parent(&node, sibling)
        } else {
            parent(sibling, &node)
        }
    };
    Some(proof.iter().enumerate().fold(leaf(index, voters), climb))
}

/// What L1 expects in the attestation: for which poll, over which list, the tally was made.
#[must_use]
pub fn context(l1_poll: Address, tree_root: B256, batches: u32) -> B256 {
    keccak256(&abi::encode(&(l1_poll, tree_root, batches)))
}

fn parent(left: &B256, right: &B256) -> B256 {
    keccak256(&[left.0, right.0].concat())
}

#[cfg(not(target_arch = "wasm32"))]
pub use list::{Electorate, TooManyBatches};

/// The list as a whole, for those who carry it.
#[cfg(not(target_arch = "wasm32"))]
mod list {
    use super::{Address, B256, BATCH_VOTERS, DEPTH, MAX_BATCHES, leaf, parent};

    /// A whole list of voters, in batches.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Electorate {
        batches: Vec<Vec<Address>>,
        /// From the leaves up, without what is empty.
        levels: Vec<Vec<B256>>,
        /// The node of an empty subtree, by level.
        empty: Vec<B256>,
    }

    impl Electorate {
        /// Splits the voters into batches of [`BATCH_VOTERS`].
        ///
        /// # Errors
        /// See [`Electorate::of_batches`].
        pub fn new(voters: &[Address]) -> Result<Self, TooManyBatches> {
            Self::of_batches(
                voters
                    .chunks(BATCH_VOTERS)
                    .map(<[Address]>::to_vec)
                    .collect(),
            )
        }

        /// With these batches.
        ///
        /// # Errors
        /// There are more batches than the tree has leaves.
        pub fn of_batches(batches: Vec<Vec<Address>>) -> Result<Self, TooManyBatches> {
            let count = u32::try_from(batches.len())
                .ok()
                .filter(|count| *count <= MAX_BATCHES);
            let count = count.ok_or(TooManyBatches {
                actual: batches.len(),
            })?;
            let mut level: Vec<B256> = (0..count)
                .zip(&batches)
                .map(|(index, voters)| leaf(index, voters))
                .collect();
            let mut empty = vec![B256::ZERO];
            let mut levels = Vec::with_capacity(DEPTH);
            for height in 0..DEPTH {
                let nothing = empty[height];
                let above = level
                    .chunks(2)
                    .map(|pair| parent(&pair[0], pair.get(1).unwrap_or(&nothing)))
                    .collect();
                levels.push(std::mem::replace(&mut level, above));
                empty.push(parent(&nothing, &nothing));
            }
            levels.push(level);
            Ok(Self {
                batches,
                levels,
                empty,
            })
        }

        /// The batches in order.
        #[must_use]
        pub fn batches(&self) -> &[Vec<Address>] {
            &self.batches
        }

        /// The root.
        #[must_use]
        pub fn root(&self) -> B256 {
            self.node(DEPTH, 0)
        }

        /// The siblings of a batch, from the leaf up.
        #[must_use]
        pub fn proof(&self, index: u32) -> Vec<B256> {
            (0..DEPTH)
                .map(|height| self.node(height, (index as usize >> height) ^ 1))
                .collect()
        }

        fn node(&self, height: usize, at: usize) -> B256 {
            self.levels[height]
                .get(at)
                .copied()
                .unwrap_or(self.empty[height])
        }
    }

    /// A list with more batches than the tree has leaves.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct TooManyBatches {
        /// How many there are.
        pub actual: usize,
    }

    impl std::fmt::Display for TooManyBatches {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            write!(
                f,
                "{} batches of voters, and at most {MAX_BATCHES} fit",
                self.actual
            )
        }
    }

    impl std::error::Error for TooManyBatches {}
}

#[cfg(test)]
mod tests;
