use k256::ecdsa::SigningKey;
use wire::{
    attestation::Attestation,
    committee::{L1, Node},
    signing::{Signature, sign_digest},
};

use super::*;

const CONTRACT: Address = Address::repeat_byte(0xcc);
const CODE: B256 = B256::repeat_byte(0xdd);

fn keys() -> [SigningKey; 4] {
    [1, 2, 3, 4].map(|i| SigningKey::from_slice(&[i; 32]).unwrap())
}

pub(crate) fn committee() -> Committee {
    let node = |key: &SigningKey| Node {
        address: signing::address(key.verifying_key()),
        public_key: vec![2; 33].into(),
        seal_key: B256::ZERO,
        listen: String::new(),
    };
    Committee {
        chain_id: 7,
        epoch: 2,
        genesis_ms: 0,
        dev: false,
        reserve_lots: 8,
        refresh_ms: 0,
        l1: L1 {
            chain_id: 1,
            verifier: Address::repeat_byte(9),
        },
        nodes: keys().each_ref().map(node),
    }
}

fn signed(by: [Option<usize>; 4]) -> Certificate {
    sign(attestation(), by)
}

pub(crate) fn attestation() -> Attestation {
    Attestation {
        l2ChainId: 7,
        l2Contract: CONTRACT,
        codeHash: CODE,
        computationId: computation_id(CONTRACT, 0),
        programHash: B256::repeat_byte(1),
        inputRoot: B256::repeat_byte(2),
        inputCount: 3,
        context: B256::repeat_byte(3),
        epoch: 2,
        output: vec![1, 2, 3].into(),
    }
}

pub(crate) fn sign(attestation: Attestation, by: [Option<usize>; 4]) -> Certificate {
    let (digest, keys) = (attestation.digest(&committee().l1), keys());
    Certificate {
        attestation,
        signatures: by.map(|key| Some(sign_digest(&keys[key?], digest))),
    }
}

#[test]
fn three_of_four_nodes_are_enough_whoever_they_are() {
    for (by, bitmap) in [
        ([Some(0), Some(1), Some(2), None], 0b0111),
        ([None, Some(1), Some(2), Some(3)], 0b1110),
        ([Some(0), None, Some(2), Some(3)], 0b1101),
        ([Some(0), Some(1), Some(2), Some(3)], 0b0111),
    ] {
        let certificate = signed(by);
        let quorum = check(&certificate, &committee()).unwrap();
        assert_eq!((quorum.bitmap, quorum.signatures.len()), (bitmap, 192));
        assert_eq!(
            certificate.quorum().unwrap(),
            (bitmap, quorum.signatures.to_vec())
        );
    }
}

#[test]
fn fewer_than_three_different_nodes_are_not_enough() {
    for by in [
        [Some(0), Some(1), None, None],
        [Some(0), Some(0), Some(0), Some(0)],
        [Some(0), Some(0), Some(1), Some(1)],
        [Some(1), Some(0), Some(3), Some(2)],
        [None, None, None, None],
    ] {
        let refused = check(&signed(by), &committee());
        assert!(
            matches!(
                refused,
                Err(ClientError::NotEnoughSignatures { valid: 0..3, .. })
            ),
            "{by:?}"
        );
    }
}

#[test]
fn a_bad_signature_does_not_spoil_three_good_ones() {
    let mut certificate = signed([Some(0), Some(1), Some(2), Some(3)]);
    certificate.signatures[1] = Some(Signature {
        r: B256::ZERO,
        s: B256::ZERO,
        y_odd: false,
    });
    assert_eq!(
        check(&certificate, &committee()).unwrap().signers,
        [0, 2, 3]
    );
}

#[test]
fn anything_altered_or_elsewhere_is_refused() {
    let all = [Some(0), Some(1), Some(2), Some(3)];
    let certificate = signed(all);
    let refused =
        |certificate: &Certificate, committee: &Committee| check(certificate, committee).is_err();
    assert!(!refused(&certificate, &committee()));

    let mut altered = certificate.clone();
    altered.attestation.output = vec![1, 2, 4].into();
    assert!(refused(&altered, &committee()), "the output");

    let mut other = committee();
    other.nodes.reverse();
    assert!(refused(&certificate, &other), "the order of the nodes");
    let mut other = committee();
    other.l1.verifier = Address::ZERO;
    assert!(refused(&certificate, &other), "the verifier");
    let mut other = committee();
    other.l1.chain_id = 2;
    assert!(refused(&certificate, &other), "the L1");
    for (chain_id, epoch) in [(8, 2), (7, 1)] {
        let other = Committee {
            chain_id,
            epoch,
            ..committee()
        };
        let refused = check(&certificate, &other);
        assert!(matches!(refused, Err(ClientError::BadCertificate { .. })));
    }
}

#[test]
fn a_high_s_counts_for_nobody() {
    // The group order minus s signs as well as s does; L1 refuses it.
    let order = alloy_primitives::uint!(
        0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141_U256
    );
    let mut certificate = signed([Some(0), Some(1), Some(2), None]);
    if let Some(signature) = &mut certificate.signatures[0] {
        let s = alloy_primitives::U256::from_be_bytes(signature.s.0);
        signature.s = (order - s).into();
        signature.y_odd = !signature.y_odd;
    }
    let refused = check(&certificate, &committee());
    assert!(matches!(
        refused,
        Err(ClientError::NotEnoughSignatures { valid: 2, .. })
    ));
}

#[test]
fn the_subject_is_one_computation_of_one_program() {
    let certificate = signed([Some(0), Some(1), Some(2), None]);
    assert!(check_subject(&certificate, CONTRACT, CODE, 0).is_ok());
    assert!(check_subject(&certificate, CONTRACT, CODE, 1).is_err());
    assert!(check_subject(&certificate, CONTRACT, B256::ZERO, 0).is_err());
    assert!(check_subject(&certificate, Address::ZERO, CODE, 0).is_err());
}
