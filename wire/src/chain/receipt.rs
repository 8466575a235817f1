//! Receipts: that an input is among those that a computation ran on.
//!
//! Nodes sign the root of a Merkle tree over a computation's inputs, in ordering order. A leaf is
//! `keccak256(0x00 ‖ id ‖ owner ‖ commitments ‖ keccak256(masked))`; pairs are hashed as
//! `keccak256(0x01 ‖ left ‖ right)`, one that is left over goes up as it is; the root of none is zero.
//! The number of inputs is signed too, so the shape of the tree is known.

use alloy_primitives::{Address, B256, keccak256};
use serde::{Deserialize, Serialize};

use crate::{attestation::Certificate, limits::NODES, sealed::SealedInput};

/// What an owner keeps: it needs no node to be checked, only the committee's addresses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct InputReceipt {
    /// Hash of the transaction that carried the input, which is its id.
    pub input: B256,
    /// Who sent it.
    pub owner: Address,
    /// Commitments to its seeds, by component.
    pub commitments: [B256; NODES],
    /// keccak-256 of its masked part.
    pub masked_hash: B256,
    /// Its place among the computation's inputs, from 0.
    pub place: u64,
    /// The siblings on the way to the root, lowest first; none where its node was left over.
    pub path: Vec<B256>,
    /// The signed result of the computation.
    pub certificate: Certificate,
}

impl InputReceipt {
    /// Its leaf in the tree.
    #[must_use]
    pub fn leaf(&self) -> B256 {
        leaf(self.input, self.owner, &self.commitments, self.masked_hash)
    }

    /// Whether the path leads from the input to the root that the certificate names. The signatures
    /// are not looked at.
    #[must_use]
    pub fn is_among_inputs(&self) -> bool {
        let attestation = &self.certificate.attestation;
        climb(self.leaf(), self.place, attestation.inputCount, &self.path)
            == Some(attestation.inputRoot)
    }
}

/// The leaf of a sealed input.
#[must_use]
pub fn leaf_of(id: B256, owner: Address, sealed: &SealedInput) -> B256 {
    leaf(id, owner, &sealed.commitments, keccak256(&sealed.masked))
}

fn leaf(id: B256, owner: Address, commitments: &[B256; NODES], masked_hash: B256) -> B256 {
    let mut bytes = Vec::with_capacity(1 + 32 + 20 + 32 * (NODES + 1));
    bytes.push(0);
    bytes.extend_from_slice(id.as_slice());
    bytes.extend_from_slice(owner.as_slice());
    for commitment in commitments {
        bytes.extend_from_slice(commitment.as_slice());
    }
    bytes.extend_from_slice(masked_hash.as_slice());
    keccak256(bytes)
}

fn parent(left: B256, right: B256) -> B256 {
    keccak256([&[1], left.as_slice(), right.as_slice()].concat())
}

/// Follows a path from a leaf; none if it is not as long as this place among so many asks for.
fn climb(leaf: B256, mut place: u64, mut count: u64, path: &[B256]) -> Option<B256> {
    if place >= count {
        return None;
    }
    let (mut node, mut path) = (leaf, path.iter());
    while count > 1 {
        if place ^ 1 < count {
            let sibling = *path.next()?;
            node = if place & 1 == 0 {
                parent(node, sibling)
            } else {
                parent(sibling, node)
            };
        }
        (place, count) = (place / 2, count.div_ceil(2));
    }
    path.next().is_none().then_some(node)
}

/// The tree over the inputs of one computation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputTree {
    /// The leaves, and above them level by level up to the root.
    levels: Vec<Vec<B256>>,
}

impl InputTree {
    /// The tree over these leaves, in ordering order.
    #[must_use]
    pub fn new(leaves: Vec<B256>) -> Self {
        let mut levels = vec![leaves];
        while let Some(level) = levels.last()
            && level.len() > 1
        {
            let above = level.chunks(2).map(|nodes| match *nodes {
                [left, right] => parent(left, right),
                [single] => single,
                _ => B256::ZERO,
            });
            levels.push(above.collect());
        }
        Self { levels }
    }

    /// Its root.
    #[must_use]
    pub fn root(&self) -> B256 {
        let root = self.levels.last().and_then(|level| level.first());
        root.copied().unwrap_or(B256::ZERO)
    }

    /// The place of a leaf and its path to the root; none if it is not in the tree.
    #[must_use]
    pub fn proof(&self, leaf: B256) -> Option<(u64, Vec<B256>)> {
        let leaves = self.levels.first()?;
        let place = leaves.iter().position(|known| *known == leaf)?;
        let siblings = self
            .levels
            .iter()
            .enumerate()
            .filter_map(|(height, level)| {
                let sibling = (place >> height) ^ 1;
                level.get(sibling).copied()
            });
        Some((place as u64, siblings.collect()))
    }
}

#[cfg(test)]
mod tests {
    use alloy_primitives::b256;

    use super::*;

    fn leaves(count: u8) -> Vec<B256> {
        (1..=count).map(B256::repeat_byte).collect()
    }

    #[test]
    fn every_leaf_proves_itself_and_nothing_else() {
        for count in 1..20 {
            let tree = InputTree::new(leaves(count));
            for (place, leaf) in (0u64..).zip(leaves(count)) {
                let (found, path) = tree.proof(leaf).unwrap();
                let count = u64::from(count);
                assert_eq!(found, place);
                let climb = |place, count, path: &[B256]| climb(leaf, place, count, path);
                assert_eq!(climb(place, count, &path), Some(tree.root()));
                // Another place, another count, a path too long or too short.
                for other in (0..count + 1).filter(|other| *other != place) {
                    assert_ne!(climb(other, count, &path), Some(tree.root()), "{other}");
                }
                let longer = [&path[..], &[B256::ZERO]].concat();
                assert_eq!(climb(place, count, &longer), None);
                if let Some((_, shorter)) = path.split_last() {
                    assert_eq!(climb(place, count, shorter), None);
                }
            }
            assert_eq!(tree.proof(B256::ZERO), None);
        }
        assert_eq!(InputTree::new(vec![]).root(), B256::ZERO);
        assert_eq!(climb(B256::ZERO, 0, 0, &[]), None);
    }

    #[test]
    fn the_root_depends_on_every_leaf_their_order_and_number() {
        let leaves = |n: u8| (0..n).map(B256::repeat_byte).collect::<Vec<_>>();
        let root = |leaves| InputTree::new(leaves).root();
        let mut roots: Vec<_> = (0..9).map(|n| root(leaves(n))).collect();
        let mut swapped = leaves(8);
        swapped.swap(2, 5);
        roots.push(root(swapped));
        let mut changed = leaves(8);
        changed[7].0[31] ^= 1;
        roots.push(root(changed));
        roots.sort();
        roots.dedup();
        // The first leaf is zero, as is the root of none.
        assert_eq!(roots.len(), 10);
        let [a, b, c] = [1, 2, 3].map(B256::repeat_byte);
        assert_eq!(root(vec![a, b, c]), parent(parent(a, b), c));
    }

    #[test]
    fn the_rule_is_frozen() {
        let commitments = [4, 5, 6, 7].map(B256::repeat_byte);
        let owner = Address::repeat_byte(2);
        let leaf = leaf(
            B256::repeat_byte(1),
            owner,
            &commitments,
            B256::repeat_byte(3),
        );
        let root = InputTree::new(vec![leaf, B256::repeat_byte(9)]).root();
        let frozen = b256!("0x3461d34097c5b837061eb65a3f77359c554a5617690abe492e95e33f16e196e7");
        assert_eq!(root, frozen);
    }
}
