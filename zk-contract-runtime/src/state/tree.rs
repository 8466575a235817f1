//! A Merkle tree over 256-bit keys: a binary trie in which a subtree with one entry is that entry.
//!
//! Keys are hashes, so the depth is about log₂ of the number of entries; someone who grinds keys
//! gains a few levels at most, and 256 bound it. An update touches one path; hashes are made anew
//! when the root is asked for, once for each node that changed.

use alloy_primitives::{B256, keccak256};
use serde::{Deserialize, Serialize};

/// Root of a tree without entries.
pub(crate) const EMPTY: B256 = B256::ZERO;
const LEAF: u8 = 0;
const BRANCH: u8 = 1;

/// The tree. Holds hashes of values, not values.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tree {
    root: Node,
}

#[derive(Clone, Debug, Default)]
enum Node {
    #[default]
    Empty,
    Leaf {
        key: B256,
        value: B256,
    },
    Branch(Box<Branch>),
}

#[derive(Clone, Debug)]
struct Branch {
    children: [Node; 2],
    /// None when a child has changed since.
    hash: Option<B256>,
}

impl Tree {
    /// Sets the hash of the value under a key, or removes the key.
    pub(crate) fn set(&mut self, key: B256, value: Option<B256>) {
        match value {
            Some(value) => self.root.insert(0, key, value),
            None => self.root.remove(0, key),
        }
    }

    /// The root: a commitment to all keys and values, whatever the order of updates was.
    pub(crate) fn root(&mut self) -> B256 {
        self.root.rehash()
    }

    /// Shows what is, or is not, under a key. Call [`Tree::root`] before.
    pub(crate) fn prove(&self, key: B256) -> StateProof {
        let mut siblings = Vec::new();
        let mut node = &self.root;
        while let Node::Branch(branch) = node {
            let bit = bit(key, siblings.len());
            siblings.push(branch.children[1 - bit].hash());
            node = &branch.children[bit];
        }
        let leaf = match node {
            Node::Leaf { key, value } => Some((*key, *value)),
            _ => None,
        };
        StateProof { siblings, leaf }
    }
}

impl Node {
    fn insert(&mut self, depth: usize, key: B256, value: B256) {
        match self {
            Self::Empty => *self = Self::Leaf { key, value },
            Self::Leaf { key: k, value: v } if *k == key => *v = value,
            Self::Leaf { key: k, value: v } => {
                let mut branch = Branch {
                    children: [Self::Empty, Self::Empty],
                    hash: None,
                };
                branch.children[bit(*k, depth)] = Self::Leaf { key: *k, value: *v };
                branch.children[bit(key, depth)].insert(depth + 1, key, value);
                *self = Self::Branch(Box::new(branch));
            }
            Self::Branch(branch) => {
                branch.hash = None;
                branch.children[bit(key, depth)].insert(depth + 1, key, value);
            }
        }
    }

    fn remove(&mut self, depth: usize, key: B256) {
        match self {
            Self::Empty => {}
            Self::Leaf { key: k, .. } => {
                if *k == key {
                    *self = Self::Empty;
                }
            }
            Self::Branch(branch) => {
                branch.hash = None;
                branch.children[bit(key, depth)].remove(depth + 1, key);
                let [left, right] = &mut branch.children;
                match (&left, &right) {
                    (Self::Empty, Self::Leaf { .. } | Self::Empty) => *self = std::mem::take(right),
                    (Self::Leaf { .. }, Self::Empty) => *self = std::mem::take(left),
                    _ => {}
                }
            }
        }
    }

    fn rehash(&mut self) -> B256 {
        if let Self::Branch(branch) = self
            && branch.hash.is_none()
        {
            let [left, right] = &mut branch.children;
            branch.hash = Some(hash_branch(left.rehash(), right.rehash()));
        }
        self.hash()
    }

    fn hash(&self) -> B256 {
        match self {
            Self::Empty => EMPTY,
            Self::Leaf { key, value } => hash_leaf(*key, *value),
            Self::Branch(branch) => branch.hash.unwrap_or_else(|| {
                hash_branch(branch.children[0].hash(), branch.children[1].hash())
            }),
        }
    }
}

/// What is under one key of the state, for somebody who knows only the state's root.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateProof {
    /// Hashes beside the path, from the root down.
    pub siblings: Vec<B256>,
    /// The entry where the path ends, key and keccak-256 of the value; none if there is none.
    pub leaf: Option<(B256, B256)>,
}

impl StateProof {
    /// keccak-256 of the value under `key` in the state with this root, or none if it has no such
    /// key; an error if the proof proves neither.
    ///
    /// # Errors
    /// [`BadProof`].
    pub fn verify(&self, root: B256, key: B256) -> Result<Option<B256>, BadProof> {
        if self.siblings.len() > 256 {
            return Err(BadProof);
        }
        let below = self
            .leaf
            .map_or(EMPTY, |(key, value)| hash_leaf(key, value));
        let path = self.siblings.iter().enumerate().rev();
        let computed = path.fold(below, |hash, (depth, sibling)| match bit(key, depth) {
            0 => hash_branch(hash, *sibling),
            _ => hash_branch(*sibling, hash),
        });
        if computed != root {
            return Err(BadProof);
        }
        match self.leaf {
            Some((found, value)) if found == key => Ok(Some(value)),
            // A foreign entry shows absence only where the key itself would have to be.
            Some((found, _)) if (0..self.siblings.len()).any(|d| bit(found, d) != bit(key, d)) => {
                Err(BadProof)
            }
            _ => Ok(None),
        }
    }
}

/// A proof that does not fit the root.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the proof does not fit the state root")]
pub struct BadProof;

/// The bit of a key that decides at a depth, highest first.
fn bit(key: B256, depth: usize) -> usize {
    let byte = key.get(depth / 8).copied().unwrap_or(0);
    usize::from(byte >> (7 - depth % 8) & 1)
}

fn hash_leaf(key: B256, value: B256) -> B256 {
    hash(LEAF, key, value)
}

fn hash_branch(left: B256, right: B256) -> B256 {
    hash(BRANCH, left, right)
}

fn hash(tag: u8, a: B256, b: B256) -> B256 {
    let mut bytes = [tag; 65];
    bytes[1..33].copy_from_slice(a.as_slice());
    bytes[33..].copy_from_slice(b.as_slice());
    keccak256(bytes)
}

#[cfg(test)]
mod tests;
