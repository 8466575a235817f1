use alloy_primitives::keccak256;
use alloy_sol_types::SolValue;
use client::electorate::Tree;

use super::*;

fn voters(count: u8) -> Vec<Address> {
    (1..=count).map(Address::with_last_byte).collect()
}

fn batches(count: u8) -> Vec<Vec<Address>> {
    (1..=count)
        .map(|i| vec![Address::repeat_byte(i); usize::from(i)])
        .collect()
}

#[test]
fn leaf_is_what_solidity_hashes() {
    for (index, voters) in [(0, voters(0)), (1, voters(1)), (65_534, voters(3))] {
        let packed = keccak256(voters.abi_encode_packed());
        assert_eq!(
            packed,
            keccak256(voters.abi_encode().split_at(64).1),
            "32 bytes for each"
        );
        assert_eq!(
            leaf(index, &voters),
            keccak256((index, packed).abi_encode())
        );
    }
}

#[test]
fn context_is_what_solidity_hashes() {
    let (poll, root) = (Address::repeat_byte(7), B256::repeat_byte(9));
    assert_eq!(
        context(poll, root, 3),
        keccak256((poll, root, 3_u32).abi_encode())
    );
}

fn tree(batches: &[Vec<Address>]) -> Tree {
    Tree::of_batches(batches.iter().map(Vec::as_slice)).unwrap()
}

/// Whoever carries the list builds the tree by the client; both must have one rule.
#[test]
fn proofs_of_the_client_lead_to_its_root() {
    for count in [1, 2, 3, 5, 8, 13] {
        let batches = batches(count);
        let tree = tree(&batches);
        for (index, batch) in (0..).zip(&batches) {
            let proof = tree.proof(index).unwrap();
            let root = root_from(index, batch, &proof);
            assert_eq!(root, Some(tree.root()), "{index} of {count}");
        }
    }
}

#[test]
fn what_proves_nothing() {
    let batches = batches(5);
    let list = tree(&batches);
    let (batch, proof, root) = (&batches[2], list.proof(2).unwrap(), Some(list.root()));
    assert_eq!(root_from(2, batch, &proof), root);
    assert_ne!(root_from(3, batch, &proof), root, "another index");
    assert_ne!(
        root_from(2 + (1 << DEPTH), batch, &proof),
        root,
        "an index outside the tree"
    );
    assert_ne!(root_from(2, &batch[1..], &proof), root, "a voter less");
    assert_ne!(root_from(2, &voters(2), &proof), root, "other voters");
    assert_eq!(
        root_from(2, batch, &proof[1..]),
        None,
        "a proof that is too short"
    );
    assert_eq!(
        root_from(2, batch, &[&proof[..], &proof[..1]].concat()),
        None,
        "and too long"
    );
    for level in 0..DEPTH {
        let mut altered = proof;
        altered[level].0[31] ^= 1;
        assert_ne!(
            root_from(2, batch, &altered),
            root,
            "altered at level {level}"
        );
    }
}
