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

#[cfg(test)]
mod tests;
