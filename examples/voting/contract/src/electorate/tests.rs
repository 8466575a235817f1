use alloy_primitives::keccak256;
use alloy_sol_types::SolValue;

use super::*;

fn voters(count: u8) -> Vec<Address> {
    (1..=count).map(Address::with_last_byte).collect()
}

fn batches(count: u8) -> Vec<Vec<Address>> {
    (1..=count)
        .map(|i| vec![Address::repeat_byte(i); usize::from(i)])
        .collect()
}

/// The root by the definition, from the top down.
fn naive_root(leaves: &[B256], height: usize) -> B256 {
    match (height, leaves) {
        (0, []) => B256::ZERO,
        (0, [leaf, ..]) => *leaf,
        _ => {
            let (left, right) = leaves.split_at(leaves.len().min(1 << (height - 1)));
            let children = [
                naive_root(left, height - 1).0,
                naive_root(right, height - 1).0,
            ];
            keccak256(children.concat())
        }
    }
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

#[test]
fn root_and_proofs() {
    for count in [0, 1, 2, 3, 5, 8, 13] {
        let list = Electorate::of_batches(batches(count)).unwrap();
        let leaves: Vec<_> = (0..)
            .zip(list.batches())
            .map(|(i, batch)| leaf(i, batch))
            .collect();
        assert_eq!(list.root(), naive_root(&leaves, DEPTH), "{count} batches");
        for (index, batch) in (0..).zip(list.batches()) {
            let proof = list.proof(index);
            assert_eq!(proof.len(), DEPTH);
            assert_eq!(
                root_from(index, batch, &proof),
                Some(list.root()),
                "{index} of {count}"
            );
        }
    }
}

#[test]
fn what_proves_nothing() {
    let list = Electorate::of_batches(batches(5)).unwrap();
    let (batch, proof, root) = (&list.batches()[2], list.proof(2), Some(list.root()));
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
        let mut altered = proof.clone();
        altered[level].0[31] ^= 1;
        assert_ne!(
            root_from(2, batch, &altered),
            root,
            "altered at level {level}"
        );
    }
}

#[test]
fn batches_of_500() {
    let many = vec![Address::ZERO; 2 * BATCH_VOTERS + 1];
    let list = Electorate::new(&many).unwrap();
    let sizes: Vec<_> = list.batches().iter().map(Vec::len).collect();
    assert_eq!(sizes, [BATCH_VOTERS, BATCH_VOTERS, 1]);
    let too_many = vec![Vec::new(); MAX_BATCHES as usize + 1];
    let actual = too_many.len();
    assert_eq!(
        Electorate::of_batches(too_many),
        Err(TooManyBatches { actual })
    );
}
