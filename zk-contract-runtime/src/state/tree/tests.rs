use std::collections::BTreeMap;

use rand::{Rng, RngExt, SeedableRng};

use super::*;
use crate::tests::seed;

fn random(rng: &mut impl Rng) -> B256 {
    let mut bytes = [0; 32];
    rng.fill_bytes(&mut bytes);
    B256::from(bytes)
}

/// The root from its definition, all at once.
fn model(entries: &BTreeMap<B256, B256>, depth: usize) -> B256 {
    match entries.len() {
        0 => EMPTY,
        1 => entries
            .iter()
            .map(|(k, v)| hash_leaf(*k, *v))
            .next()
            .unwrap(),
        _ => {
            let side = |b| {
                let part = entries.iter().filter(|(k, _)| bit(**k, depth) == b);
                model(&part.map(|(k, v)| (*k, *v)).collect(), depth + 1)
            };
            hash_branch(side(0), side(1))
        }
    }
}

#[test]
fn updates_give_the_root_of_the_definition() {
    let mut rng = rand_chacha::ChaCha20Rng::seed_from_u64(seed());
    let keys: Vec<B256> = (0..60)
        .map(|i| {
            let mut key = random(&mut rng);
            if i % 2 == 0 {
                // Long common prefixes.
                key.0[..20].fill(0);
            }
            key
        })
        .collect();
    let (mut tree, mut entries) = (Tree::default(), BTreeMap::new());
    for _ in 0..600 {
        let key = keys[rng.random_range(0..keys.len())];
        if rng.random_bool(0.4) {
            entries.remove(&key);
            tree.set(key, None);
        } else {
            let value = random(&mut rng);
            entries.insert(key, value);
            tree.set(key, Some(value));
        }
        let root = tree.root();
        assert_eq!(root, model(&entries, 0));
        let asked = keys[rng.random_range(0..keys.len())];
        let proof = tree.prove(asked);
        assert_eq!(proof.verify(root, asked), Ok(entries.get(&asked).copied()));
    }
    for key in &keys {
        tree.set(*key, None);
    }
    assert_eq!(tree.root(), EMPTY);
}

#[test]
fn a_proof_of_something_else_is_refused() {
    let mut tree = Tree::default();
    let key = |i: u8| B256::from(keccak256([i]));
    for i in 0..20 {
        tree.set(key(i), Some(B256::with_last_byte(i)));
    }
    let root = tree.root();
    let proof = tree.prove(key(3));
    assert_eq!(
        proof.verify(root, key(3)),
        Ok(Some(B256::with_last_byte(3)))
    );
    // For another root, for another key, with another value, and cut short.
    assert_eq!(proof.verify(key(0), key(3)), Err(BadProof));
    assert_eq!(proof.verify(root, key(4)), Err(BadProof));
    let mut other = proof.clone();
    other.leaf = Some((key(3), B256::with_last_byte(4)));
    assert_eq!(other.verify(root, key(3)), Err(BadProof));
    let mut short = proof.clone();
    short.siblings.pop();
    assert_eq!(short.verify(root, key(3)), Err(BadProof));
    // A leaf from another place does not show absence.
    let absent = key(200);
    assert_eq!(tree.prove(absent).verify(root, absent), Ok(None));
    assert_eq!(proof.verify(root, absent), Err(BadProof));
}
