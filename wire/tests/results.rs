//! Secret results: what their seeds follow from, and how their owners read them.

#![cfg(feature = "chain")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use alloy_primitives::{Address, B256, b256};
use k256::ecdsa::SigningKey;
use rand::SeedableRng as _;
use wire::{
    codec,
    kind::{Field, InputType, Kind},
    read::{self, Components, ReadKey, ReadRequest, SecretAnswer, combine},
    results::{MASKS, RowPlace, check_base, commit, mask_type},
    sealed::{self, Seed},
    signing,
};

const ID: B256 = B256::repeat_byte(0x11);
const CHAIN: u64 = 77;

fn random() -> rand::rngs::StdRng {
    rand::rngs::StdRng::from_seed([9; 32])
}

fn ty() -> InputType {
    let field = |name: &str, kind, len| Field {
        name: name.into(),
        kind,
        len,
    };
    InputType {
        name: "Fill".into(),
        fields: vec![
            field("trades", Kind::Bool, 9),
            field("price", Kind::U32, 1),
            field("profit", Kind::I128, 1),
        ],
    }
}

/// What each node holds of a value: sums of components.
fn shared(value: &[u8], epoch: u64) -> Vec<Components> {
    let seeds: Vec<Seed> = (1..4).map(|c| Seed::new([c + epoch as u8; 32])).collect();
    let mut first = value.to_vec();
    let mut components = vec![Vec::new()];
    for seed in &seeds {
        let stream = seed.keystream(value.len()).to_vec();
        sealed::subtract(&ty(), &mut first, &stream);
        components.push(stream);
    }
    components[0] = first;
    let held = |node: usize| Components {
        epoch,
        components: std::array::from_fn(|c| (c != node).then(|| components[c].clone())),
    };
    (0..4).map(held).collect()
}

fn value() -> Vec<u8> {
    let mut value = vec![0b0101_0101, 1];
    value.extend_from_slice(&1_000_u32.to_le_bytes());
    value.extend_from_slice(&(-5_i128).to_le_bytes());
    value
}

#[test]
fn formats_stay_as_they_are() {
    let place = RowPlace {
        computation: ID,
        result: 1,
        row: 2,
    };
    assert_eq!(mask_type(3), MASKS | 3);
    let base = Seed::new([7; 32]);
    let seen = [
        place.id(),
        B256::from(*place.seed(&base).expose()),
        commit(ID, 2, &base),
        read::digest(CHAIN, ID, B256::repeat_byte(3), 1_700_000_000),
    ];
    let expected = [
        b256!("0xdc1ff469d026b8b10da045bb26f9161e3dba2b147c81754e6b581f9e7dbaf805"),
        b256!("0xd040859a3a9a72b3becb4db621138b8bc7f830c7f8ad50746f97ea0b76227734"),
        b256!("0xdbf0d1e431b7fce22a0c9b97f080bb9e8893bfdd6776df04fa272a48db96a6f3"),
        b256!("0xc88f91bbac98d1d925c2d9fecf0d12c857574c6b7cf51e2db379ada7eeec8b81"),
    ];
    assert_eq!(seen, expected, "a format has changed");
    let held = Components {
        epoch: 300,
        components: [Some(vec![1, 2]), None, Some(vec![3]), Some(vec![])],
    };
    let bytes = codec::encode(&held);
    assert_eq!(bytes, [172, 2, 1, 2, 1, 2, 0, 1, 1, 3, 1, 0]);
}

#[test]
fn base_seeds_open_their_own_commitments_only() {
    let (base, other) = (Seed::new([7; 32]), Seed::new([8; 32]));
    let commitment = commit(ID, 2, &base);
    assert!(check_base(ID, 2, &base, &commitment).is_ok());
    assert!(check_base(ID, 2, &other, &commitment).is_err());
    assert!(check_base(ID, 1, &base, &commitment).is_err());
    assert!(check_base(B256::ZERO, 2, &base, &commitment).is_err());
}

#[test]
fn three_nodes_give_the_value_whoever_is_missing_and_four_whoever_lies() {
    let held = shared(&value(), 1);
    for missing in 0..4 {
        let mut three = held.clone();
        three.remove(missing);
        assert_eq!(combine(&ty(), &three).as_deref(), Some(&value()));
        for lies in 0..4 {
            let mut four = held.clone();
            four[lies]
                .components
                .iter_mut()
                .flatten()
                .for_each(|c| c[3] ^= 1 << missing);
            assert_eq!(combine(&ty(), &four).as_deref(), Some(&value()));
            four[lies]
                .components
                .iter_mut()
                .flatten()
                .for_each(|c| c.truncate(3));
            assert_eq!(combine(&ty(), &four).as_deref(), Some(&value()));
            four[lies].epoch += 1;
            assert_eq!(combine(&ty(), &four).as_deref(), Some(&value()));
        }
    }
}

/// With one component missing any value is as likely as any other; any two nodes have all four.
#[test]
fn one_node_does_not_determine_the_value_and_two_do() {
    let held = shared(&value(), 1);
    for node in 0..4 {
        assert_eq!(held[node].components[node], None);
        assert_eq!(combine(&ty(), &held[node..=node]), None);
        // The same components belong to any other value.
        let mut other = value();
        other[2] ^= 0xff;
        let mut missing = other.clone();
        for component in held[node].components.iter().flatten() {
            sealed::subtract(&ty(), &mut missing, component);
        }
        let mut components = held[node].components.clone();
        components[node] = Some(missing);
        let mut sum = vec![0; other.len()];
        for component in components.iter().flatten() {
            sealed::add(&ty(), &mut sum, component);
        }
        assert_eq!(sum, other);
        for second in (0..4).filter(|second| *second != node) {
            let mut sum = vec![0; value().len()];
            let both = held[node].components.iter().zip(&held[second].components);
            for (a, b) in both {
                sealed::add(&ty(), &mut sum, a.as_ref().or(b.as_ref()).unwrap());
            }
            assert_eq!(sum, value());
        }
    }
}

#[test]
fn components_of_two_sharings_are_not_mixed() {
    let (old, new) = (shared(&value(), 1), shared(&value(), 2));
    let mixed = [
        old[0].clone(),
        old[1].clone(),
        new[2].clone(),
        new[3].clone(),
    ];
    assert_eq!(combine(&ty(), &mixed), None);
    let most = [
        old[0].clone(),
        new[1].clone(),
        new[2].clone(),
        new[3].clone(),
    ];
    assert_eq!(combine(&ty(), &most).as_deref(), Some(&value()));
}

#[test]
fn answers_are_for_one_key_one_secret_and_from_one_node() {
    let key = ReadKey::random(&mut random());
    let held = &shared(&value(), 1)[2];
    let mut answer = SecretAnswer::seal(2, ID, key.public(), held, &mut random()).unwrap();
    assert_eq!(&key.open(ID, &answer).unwrap(), held);
    assert!(key.open(B256::ZERO, &answer).is_err());
    let mut seed = random();
    let _ = ReadKey::random(&mut seed);
    assert!(ReadKey::random(&mut seed).open(ID, &answer).is_err());
    answer.node = 1;
    assert!(key.open(ID, &answer).is_err());
    // Whoever says that it has what it can never have is not believed.
    let lie = SecretAnswer::seal(1, ID, key.public(), held, &mut random()).unwrap();
    assert!(key.open(ID, &lie).is_err());
    assert!(SecretAnswer::seal(2, ID, B256::ZERO, held, &mut random()).is_err());
}

#[test]
fn a_request_is_signed_for_one_secret_key_time_and_chain() {
    let key = SigningKey::from_slice(&[5; 32]).unwrap();
    let owner = signing::address(key.verifying_key());
    let (public_key, expires) = (B256::repeat_byte(3), 100);
    let request = ReadRequest {
        public_key,
        expires,
        signature: signing::sign_digest(&key, read::digest(CHAIN, ID, public_key, expires)),
    };
    assert_eq!(request.signer(CHAIN, ID), Ok(owner));
    let other: [Option<Address>; 4] = [
        request.signer(CHAIN + 1, ID).ok(),
        request.signer(CHAIN, B256::ZERO).ok(),
        ReadRequest {
            expires: 101,
            ..request
        }
        .signer(CHAIN, ID)
        .ok(),
        ReadRequest {
            public_key: ID,
            ..request
        }
        .signer(CHAIN, ID)
        .ok(),
    ];
    assert!(other.iter().all(|signer| *signer != Some(owner)));
    let json = serde_json::to_value(request).unwrap();
    assert!(json.get("publicKey").is_some());
    assert_eq!(
        serde_json::from_value::<ReadRequest>(json).unwrap(),
        request
    );
}
