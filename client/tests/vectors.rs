//! The vectors that the Solidity tests read too: trees of voters, and signatures of nodes.

#![expect(clippy::unwrap_used, reason = "a failed read fails the test")]

use alloy_primitives::{Address, B256, Bytes};
use client::{certificate, electorate};
use serde::{Deserialize, de::DeserializeOwned};
use wire::{
    attestation::{Attestation, Certificate},
    committee::{Committee, L1, Node},
    signing::Signature,
};

fn read<T: DeserializeOwned>(name: &str) -> T {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../l1-contracts/vectors");
    let text = std::fs::read_to_string(format!("{folder}/{name}")).unwrap();
    serde_json::from_str(&text).unwrap()
}

#[derive(Deserialize)]
struct Electorates {
    depth: usize,
    cases: Vec<Electorate>,
}

#[derive(Deserialize)]
struct Electorate {
    name: String,
    batches: Vec<Vec<Address>>,
    leaves: Vec<B256>,
    root: B256,
    proofs: Vec<[B256; electorate::DEPTH]>,
}

#[test]
fn electorates_have_the_leaves_roots_and_proofs_of_l1() {
    let file: Electorates = read("electorate.json");
    assert_eq!(file.depth, electorate::DEPTH);
    assert!(!file.cases.is_empty());
    for case in file.cases {
        let tree = electorate::Tree::of_batches(case.batches.iter().map(Vec::as_slice)).unwrap();
        assert_eq!(tree.root(), case.root, "{}", case.name);
        for ((index, batch), (leaf, proof)) in (0u32..)
            .zip(&case.batches)
            .zip(case.leaves.iter().zip(&case.proofs))
        {
            assert_eq!(electorate::leaf(index, batch), *leaf, "{}", case.name);
            assert_eq!(tree.proof(index).unwrap(), *proof, "{}", case.name);
            assert!(
                electorate::verify(case.root, index, batch, proof),
                "{}",
                case.name
            );
        }
    }
}

#[derive(Deserialize)]
struct Attestations {
    l1: Domain,
    nodes: Vec<Key>,
    cases: Vec<Signed>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Domain {
    chain_id: u64,
    verifier: Address,
}

#[derive(Deserialize)]
struct Key {
    address: Address,
}

#[derive(Deserialize)]
struct Signed {
    name: String,
    attestation: Attestation,
    digest: B256,
    signatures: Vec<Bytes>,
    bitmap: u8,
    quorum: Bytes,
}

fn expand(compact: &[u8]) -> Signature {
    let mut s = B256::from_slice(&compact[32..64]);
    let y_odd = s[0] >> 7 == 1;
    s[0] &= 0x7f;
    let r = B256::from_slice(&compact[..32]);
    Signature { r, s, y_odd }
}

#[test]
fn certificates_become_the_quorums_that_l1_takes() {
    let file: Attestations = read("attestation.json");
    assert!(!file.cases.is_empty());
    for case in file.cases {
        let l1 = L1 {
            chain_id: file.l1.chain_id,
            verifier: file.l1.verifier,
        };
        assert_eq!(case.attestation.digest(&l1), case.digest, "{}", case.name);
        let committee = Committee {
            chain_id: case.attestation.l2ChainId,
            epoch: case.attestation.epoch,
            genesis_ms: 0,
            dev: false,
            reserve_lots: 8,
            refresh_ms: 0,
            l1,
            nodes: std::array::from_fn(|i| Node {
                address: file.nodes[i].address,
                public_key: Bytes::new(),
                seal_key: B256::ZERO,
                listen: String::new(),
            }),
        };
        let signatures = std::array::from_fn(|i| {
            (case.bitmap >> i & 1 == 1).then(|| expand(&case.signatures[i]))
        });
        let attestation = case.attestation;
        let certificate = Certificate {
            attestation,
            signatures,
        };
        let quorum = certificate::check(&certificate, &committee).unwrap();
        assert_eq!(quorum.bitmap, case.bitmap, "{}", case.name);
        assert_eq!(quorum.signatures, case.quorum, "{}", case.name);
    }
}
