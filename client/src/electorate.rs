//! The voter list as L1 commits to it: an incremental Merkle tree of batches.
//!
//! Batch i is leaf i of a tree of depth [`DEPTH`]: `keccak256(abi.encode(uint32 i,
//! keccak256(abi.encodePacked(voters))))`, where `encodePacked` of an address array pads each
//! address to 32 bytes as Solidity does. An inner node is `keccak256(left ‖ right)`, an absent leaf
//! is 32 zero bytes. So a batch with its [`DEPTH`] siblings can be carried by anybody.

use alloy_primitives::{Address, B256, keccak256};
use alloy_sol_types::SolValue as _;

use crate::ClientError;

/// Levels below the root.
pub const DEPTH: usize = 16;
/// Batches that a list can have: L1 keeps the last leaf of the tree free.
pub const BATCHES: usize = (1 << DEPTH) - 1;
/// Voters of one batch.
pub const BATCH_VOTERS: usize = 500;

/// The leaf of a batch.
#[must_use]
pub fn leaf(index: u32, voters: &[Address]) -> B256 {
    let voters = keccak256(voters.abi_encode_packed());
    keccak256((index, voters).abi_encode())
}

/// An inner node.
#[must_use]
pub fn parent(left: B256, right: B256) -> B256 {
    keccak256([left.0, right.0].concat())
}

/// The tree over all batches.
#[derive(Clone, Debug)]
pub struct Tree {
    /// Level 0 are the leaves, the last level is the root; nodes over absent leaves are left out.
    levels: Vec<Vec<B256>>,
    /// Root of an empty subtree of each height.
    empty: [B256; DEPTH + 1],
}

impl Tree {
    /// Builds it over these leaves.
    ///
    /// # Errors
    /// [`ClientError::Electorate`] if there are more than [`BATCHES`].
    pub fn new(leaves: Vec<B256>) -> Result<Self, ClientError> {
        if leaves.len() > BATCHES {
            let count = leaves.len();
            return Err(ClientError::Electorate(format!(
                "{count} batches, and at most {BATCHES} are allowed"
            )));
        }
        let mut empty = [B256::ZERO; DEPTH + 1];
        for height in 0..DEPTH {
            empty[height + 1] = parent(empty[height], empty[height]);
        }
        let mut levels = vec![leaves];
        for absent in &empty[..DEPTH] {
            let below = levels.last().map(Vec::as_slice).unwrap_or_default();
            let above = below.chunks(2).map(|pair| match *pair {
                [left, right] => parent(left, right),
                [left] => parent(left, *absent),
                _ => *absent,
            });
            let above = above.collect();
            levels.push(above);
        }
        Ok(Self { levels, empty })
    }

    /// Builds it over lists of voters.
    ///
    /// # Errors
    /// [`ClientError::Electorate`] if there are more than [`BATCHES`].
    pub fn of_batches<'a>(
        batches: impl IntoIterator<Item = &'a [Address]>,
    ) -> Result<Self, ClientError> {
        let leaves = (0u32..).zip(batches).map(|(i, voters)| leaf(i, voters));
        Self::new(leaves.take(BATCHES + 1).collect())
    }

    /// How many batches it holds.
    #[must_use]
    pub fn batches(&self) -> usize {
        self.levels.first().map_or(0, Vec::len)
    }

    /// Its root.
    #[must_use]
    pub fn root(&self) -> B256 {
        self.node(DEPTH, 0)
    }

    /// The siblings on the way from leaf `index` to the root, lowest first.
    ///
    /// # Errors
    /// [`ClientError::Electorate`] if there is no such batch.
    pub fn proof(&self, index: u32) -> Result<[B256; DEPTH], ClientError> {
        let index = index as usize;
        if index >= self.batches() {
            let count = self.batches();
            return Err(ClientError::Electorate(format!(
                "no batch {index} among {count}"
            )));
        }
        Ok(std::array::from_fn(|height| {
            self.node(height, (index >> height) ^ 1)
        }))
    }

    fn node(&self, height: usize, place: usize) -> B256 {
        let level = self.levels.get(height);
        let known = level.and_then(|level| level.get(place)).copied();
        known.unwrap_or(self.empty[height])
    }
}

/// Whether `proof` leads from this batch to `root`.
#[must_use]
pub fn verify(root: B256, index: u32, voters: &[Address], proof: &[B256; DEPTH]) -> bool {
    let climbed = (0..)
        .zip(proof)
        .fold(leaf(index, voters), |node, (height, sibling)| {
            if index >> height & 1 == 0 {
                parent(node, *sibling)
            } else {
                parent(*sibling, node)
            }
        });
    (index as usize) < BATCHES && climbed == root
}

#[cfg(test)]
mod tests {
    use alloy_primitives::b256;

    use super::*;

    fn voters(count: u64, salt: u64) -> Vec<Address> {
        let word = |i: u64| keccak256((salt, i).abi_encode());
        (0..count).map(|i| Address::from_word(word(i))).collect()
    }

    /// The deposit contract's way, as L1 does it: one frontier, one leaf at a time.
    fn incremental_root(leaves: &[B256]) -> B256 {
        let (mut frontier, mut empty) = ([B256::ZERO; DEPTH], [B256::ZERO; DEPTH]);
        for h in 1..DEPTH {
            empty[h] = parent(empty[h - 1], empty[h - 1]);
        }
        for (i, leaf) in leaves.iter().enumerate() {
            let (mut node, mut place) = (*leaf, i);
            for left in &mut frontier {
                if place & 1 == 0 {
                    *left = node;
                    break;
                }
                node = parent(*left, node);
                place >>= 1;
            }
        }
        let mut node = B256::ZERO;
        for h in 0..DEPTH {
            node = if leaves.len() >> h & 1 == 1 {
                parent(frontier[h], node)
            } else {
                parent(node, empty[h])
            };
        }
        node
    }

    #[test]
    fn roots_are_those_of_the_incremental_tree() {
        for count in [0, 1, 2, 3, 4, 5, 7, 8, 20, 33] {
            let batches: Vec<_> = (0..count).map(|i| voters(3, i)).collect();
            let tree = Tree::of_batches(batches.iter().map(Vec::as_slice)).unwrap();
            let leaves: Vec<_> = (0u32..).zip(&batches).map(|(i, b)| leaf(i, b)).collect();
            assert_eq!(tree.root(), incremental_root(&leaves), "{count} batches");
        }
    }

    #[test]
    fn every_batch_proves_itself_and_nothing_else() {
        let batches: Vec<_> = (0..5).map(|i| voters(2 + i, i)).collect();
        let tree = Tree::of_batches(batches.iter().map(Vec::as_slice)).unwrap();
        let root = tree.root();
        for (i, batch) in (0u32..).zip(&batches) {
            let proof = tree.proof(i).unwrap();
            assert!(verify(root, i, batch, &proof));
            assert!(!verify(root, i ^ 1, batch, &proof), "another place");
            assert!(
                !verify(root, i + (1 << 16), batch, &proof),
                "beyond the tree"
            );
            assert!(!verify(root, i, &batch[1..], &proof), "a voter less");
            let mut twisted = proof;
            twisted[3].0[0] ^= 1;
            assert!(!verify(root, i, batch, &twisted), "another sibling");
            assert!(!verify(B256::ZERO, i, batch, &proof), "another root");
        }
        assert!(tree.proof(5).is_err());
    }

    #[test]
    fn the_rule_is_frozen() {
        let empty = Tree::new(vec![]).unwrap().root();
        // Zero-subtree hash of height 16, well known from Ethereum's deposit contracts.
        let known = b256!("0x2733e50f526ec2fa19a22b31e8ed50f23cd1fdf94c9154ed3a7609a2f1ff981f");
        assert_eq!(empty, known);
        let two = [Address::repeat_byte(1), Address::repeat_byte(2)];
        let packed = keccak256([two[0].into_word().0, two[1].into_word().0].concat());
        let by_hand = keccak256([B256::with_last_byte(7).0, packed.0].concat());
        assert_eq!(leaf(7, &two), by_hand);
    }
}
