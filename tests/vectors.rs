//! What crosses to Solidity, checked against the vectors that `forge test` reads too.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{fs, path::Path};

use alloy::primitives::{Address, B256, Bytes};
use client::electorate;
use serde_json::Value;
use wire::{
    attestation::{Attestation, Certificate},
    committee::L1,
    signing,
};

fn vectors(name: &str) -> Value {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../l1-contracts/vectors");
    serde_json::from_slice(&fs::read(folder.join(name)).unwrap()).unwrap()
}

fn get<T: serde::de::DeserializeOwned>(value: &Value) -> T {
    serde_json::from_value(value.clone()).unwrap()
}

#[test]
fn attestations_have_the_digests_and_signatures_that_solidity_expects() {
    let vectors = vectors("attestation.json");
    let l1 = L1 {
        chain_id: get(&vectors["l1"]["chainId"]),
        verifier: get(&vectors["l1"]["verifier"]),
    };
    let keys: Vec<k256::ecdsa::SigningKey> = vectors["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|node| {
            let secret: B256 = get(&node["privateKey"]);
            let key = k256::ecdsa::SigningKey::from_slice(secret.as_slice()).unwrap();
            assert_eq!(
                signing::address(key.verifying_key()),
                get::<Address>(&node["address"])
            );
            key
        })
        .collect();
    let cases = vectors["cases"].as_array().unwrap();
    assert!(cases.len() >= 4);
    for case in cases {
        let attestation: Attestation = get(&case["attestation"]);
        let digest = attestation.digest(&l1);
        assert_eq!(digest, get::<B256>(&case["digest"]), "{}", case["name"]);
        let expected: Vec<Bytes> = get(&case["signatures"]);
        let bitmap: u8 = get(&case["bitmap"]);
        let mut signatures = [None; 4];
        for (node, key) in keys.iter().enumerate() {
            let signature = signing::sign_digest(key, digest);
            assert_eq!(
                signature.compact()[..],
                expected[node][..],
                "{}",
                case["name"]
            );
            if bitmap & (1 << node) != 0 {
                signatures[node] = Some(signature);
            }
        }
        let quorum = Certificate {
            attestation,
            signatures,
        }
        .quorum()
        .unwrap();
        assert_eq!(quorum.0, bitmap);
        assert_eq!(quorum.1[..], get::<Bytes>(&case["quorum"])[..]);
    }
}

#[test]
fn voter_lists_have_the_roots_and_proofs_that_solidity_builds() {
    let vectors = vectors("electorate.json");
    assert_eq!(get::<usize>(&vectors["depth"]), electorate::DEPTH);
    let cases = vectors["cases"].as_array().unwrap();
    assert!(cases.len() >= 2);
    for case in cases {
        let batches: Vec<Vec<Address>> = get(&case["batches"]);
        let leaves: Vec<B256> = get(&case["leaves"]);
        let proofs: Vec<[B256; electorate::DEPTH]> = get(&case["proofs"]);
        let tree = electorate::Tree::of_batches(batches.iter().map(Vec::as_slice)).unwrap();
        let root: B256 = get(&case["root"]);
        assert_eq!(tree.root(), root, "{}", case["name"]);
        for (index, voters) in (0u32..).zip(&batches) {
            let place = index as usize;
            assert_eq!(electorate::leaf(index, voters), leaves[place]);
            assert_eq!(tree.proof(index).unwrap(), proofs[place]);
            assert!(electorate::verify(root, index, voters, &proofs[place]));
        }
    }
}
