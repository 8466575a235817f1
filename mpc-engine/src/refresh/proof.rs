//! What lets a party believe a component of a new sharing that one peer sends it.
//!
//! All holders of a component commit to it for every input, and agree on one hash of all commitments:
//! the root of a binary tree whose leaves are they. A component travels, and is stored, with the
//! blinding of its commitment and the siblings of its leaf on the way up: *proven*. The order of two
//! siblings does not matter, since a leaf says to which input and component it belongs, and nodes are
//! hashed in another domain than leaves.

use wire::limits::SHARE_PROOF_BYTES;
use zeroize::{Zeroize as _, Zeroizing};

use super::RefreshKey;

const HASH_BYTES: usize = 32;

/// A hash.
type Hash = [u8; HASH_BYTES];

/// The commitments to one component of all inputs, in order, and their hashes up to the root.
#[derive(Debug)]
pub struct Tree {
    /// Leaves first, the root last; every level but the last has more than one.
    levels: Vec<Vec<Hash>>,
}

impl Tree {
    /// From the leaves.
    #[must_use]
    pub fn new(leaves: Vec<Hash>) -> Self {
        let mut levels = vec![leaves];
        while let Some(below) = levels.last().filter(|level| level.len() > 1) {
            let above = below.chunks(2).map(|children| match children {
                [a, b] => node(a, b),
                // The last one of an odd number goes up as it is.
                alone => alone.first().copied().unwrap_or_default(),
            });
            let above = above.collect();
            levels.push(above);
        }
        Self { levels }
    }

    /// The hash of all; zero if there is nothing.
    #[must_use]
    pub fn root(&self) -> Hash {
        let top = self.levels.last().and_then(|level| level.first());
        top.copied().unwrap_or_default()
    }

    /// Siblings on the way up from a leaf.
    fn path(&self, mut place: usize) -> impl Iterator<Item = &Hash> {
        self.levels.iter().filter_map(move |level| {
            let sibling = level.get(place ^ 1);
            place /= 2;
            sibling
        })
    }
}

impl RefreshKey {
    /// The commitment to a component of an input in the new sharing.
    #[must_use]
    pub fn leaf(&self, input: &[u8; 32], component: u8, bytes: &[u8]) -> Hash {
        leaf(input, component, bytes, &self.blinding(input, component))
    }

    /// A component with what proves it, where `tree` has its leaf at this place.
    #[must_use]
    pub fn prove(
        &self,
        input: &[u8; 32],
        component: u8,
        bytes: &[u8],
        (tree, place): (&Tree, usize),
    ) -> Zeroizing<Vec<u8>> {
        // Its room is taken at once: bytes that were moved would stay behind.
        let mut proven = Zeroizing::new(Vec::with_capacity(bytes.len() + SHARE_PROOF_BYTES));
        proven.extend_from_slice(bytes);
        proven.extend_from_slice(&*self.blinding(input, component));
        for sibling in tree.path(place) {
            proven.extend_from_slice(sibling);
        }
        proven
    }

    fn blinding(&self, input: &[u8; 32], component: u8) -> Zeroizing<Hash> {
        let mut hasher = blake3::Hasher::new_derive_key("quartet v1 blinding of a share");
        hasher.update(&*self.0).update(input).update(&[component]);
        let blinding = Zeroizing::new(*hasher.finalize().as_bytes());
        hasher.zeroize();
        blinding
    }
}

/// The component of `length` bytes that `proven` begins with, if it is the one of this input under
/// this root.
#[must_use]
pub fn check_proven<'a>(
    root: &Hash,
    input: &[u8; 32],
    component: u8,
    length: usize,
    proven: &'a [u8],
) -> Option<&'a [u8]> {
    let (bytes, proof) = proven.split_at_checked(length)?;
    let (blinding, path) = proof.split_first_chunk::<HASH_BYTES>()?;
    let (siblings, rest) = path.as_chunks::<HASH_BYTES>();
    if proof.len() > SHARE_PROOF_BYTES || !rest.is_empty() {
        return None;
    }
    let leaf = leaf(input, component, bytes, blinding);
    let top = siblings
        .iter()
        .fold(leaf, |below, sibling| node(&below, sibling));
    (top == *root).then_some(bytes)
}

fn leaf(input: &[u8; 32], component: u8, bytes: &[u8], blinding: &Hash) -> Hash {
    let mut hasher = blake3::Hasher::new_derive_key("quartet v1 commitment to a share");
    hasher.update(blinding).update(input).update(&[component]);
    hasher.update(bytes);
    let leaf = *hasher.finalize().as_bytes();
    hasher.zeroize();
    leaf
}

fn node(a: &Hash, b: &Hash) -> Hash {
    let mut hasher = blake3::Hasher::new_derive_key("quartet v1 commitments to shares");
    hasher.update(a.min(b)).update(a.max(b));
    *hasher.finalize().as_bytes()
}
