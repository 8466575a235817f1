//! Sealing: what an honest client sends opens, and opens nowhere else.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use alloy_primitives::{Address, B256};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use wire::{
    WireError,
    committee::{Committee, L1, Node},
    kind::{Field, InputType, Kind},
    seal_keys::SealKeys,
    sealed::{self, Binding, SealKey, SealedInput, Seed, check_seed, seal},
};

fn committee() -> (Committee, [SealKey; 4]) {
    let keys = [1u8, 2, 3, 4].map(|i| SealKey::from_bytes(&[i; 32]).unwrap());
    let nodes = std::array::from_fn(|i| Node {
        address: Address::repeat_byte(i as u8 + 1),
        public_key: vec![2; 33].into(),
        seal_key: keys[i].public(),
        listen: String::new(),
    });
    let l1 = L1 {
        chain_id: 1,
        verifier: Address::repeat_byte(9),
    };
    (
        Committee {
            chain_id: 7,
            epoch: 1,
            genesis_ms: 0,
            dev: false,
            reserve_lots: 8,
            refresh_ms: 0,
            l1,
            nodes,
        },
        keys,
    )
}

fn input_type() -> InputType {
    let field = |name: &str, kind, len| Field {
        name: name.into(),
        kind,
        len,
    };
    InputType {
        name: "Everything".into(),
        fields: vec![
            field("flags", Kind::Bool, 11),
            field("a", Kind::U8, 1),
            field("b", Kind::I64, 3),
        ],
    }
}

fn binding() -> Binding {
    Binding {
        chain_id: 7,
        epoch: 1,
        key_epoch: 0,
        contract: Address::repeat_byte(0xc0),
        code_hash: B256::repeat_byte(0xcc),
        sender: Address::repeat_byte(0x5e),
        nonce: 3,
        input: 0,
        length: u32::try_from(input_type().bytes()).unwrap(),
    }
}

fn sealed(x: &[u8]) -> (SealedInput, [Seed; 4]) {
    let (committee, _) = committee();
    let seeds = [10u8, 11, 12, 13].map(|i| Seed::new([i; 32]));
    let mut random = ChaCha20Rng::seed_from_u64(1);
    (
        seal(
            &SealKeys::first(&committee),
            &binding(),
            &input_type(),
            x,
            &seeds,
            &mut random,
        )
        .unwrap(),
        seeds,
    )
}

const X: [u8; 27] = {
    let mut x = [0xa7; 27];
    x[1] = 0x05;
    x
};

#[test]
fn masked_value_and_keystreams_add_up() {
    let (sealed, seeds) = sealed(&X);
    let streams = seeds.each_ref().map(|s| s.keystream(X.len()));
    for byte in 0..2 {
        let sum = streams
            .iter()
            .fold(sealed.masked[byte], |sum, s| sum ^ s[byte]);
        assert_eq!(sum, X[byte], "booleans add by xor");
    }
    let sum = streams
        .iter()
        .fold(sealed.masked[2], |sum, s| sum.wrapping_add(s[2]));
    assert_eq!(sum, X[2]);
    for at in [3, 11, 19] {
        let number = |bytes: &[u8]| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap());
        let sum = streams
            .iter()
            .fold(number(&sealed.masked), |sum, s| sum.wrapping_add(number(s)));
        assert_eq!(sum, number(&X));
    }
}

#[test]
fn each_node_gets_exactly_the_seeds_of_the_other_components() {
    let (_, keys) = committee();
    let (sealed, seeds) = sealed(&X);
    for node in 0..4u8 {
        let opened = keys[usize::from(node)]
            .open(node, &binding(), &sealed)
            .unwrap();
        for (component, seed) in opened.iter().enumerate() {
            let expected = (component != usize::from(node)).then(|| *seeds[component].expose());
            assert_eq!(seed.as_ref().map(|s| *s.expose()), expected);
        }
    }
}

#[test]
fn a_seal_opens_in_no_other_context() {
    let (_, keys) = committee();
    let (sealed, seeds) = sealed(&X);
    type Change = fn(&mut Binding);
    let changes: [(&str, Change); 9] = [
        ("chain", |b| b.chain_id += 1),
        ("epoch", |b| b.epoch += 1),
        ("key epoch", |b| b.key_epoch += 1),
        ("contract", |b| b.contract = Address::ZERO),
        ("code", |b| b.code_hash = B256::ZERO),
        ("sender", |b| b.sender = Address::ZERO),
        ("nonce", |b| b.nonce += 1),
        ("input type", |b| b.input += 1),
        ("length", |b| b.length += 1),
    ];
    for (what, change) in changes {
        let mut other = binding();
        change(&mut other);
        let error = keys[0].open(0, &other, &sealed).unwrap_err();
        assert_eq!(error, WireError::SealDoesNotOpen { node: 0 }, "{what}");
        let error = check_seed(&other, &sealed, 1, &seeds[1]).unwrap_err();
        assert_eq!(
            error,
            WireError::CommitmentMismatch { component: 1 },
            "{what}"
        );
    }
    assert!(
        keys[1].open(0, &binding(), &sealed).is_err(),
        "another node's key"
    );
    assert!(keys[1].open(1, &binding(), &sealed).is_ok());
}

#[test]
fn altered_parts_are_noticed() {
    let (_, keys) = committee();
    let (original, seeds) = sealed(&X);
    let mut altered = original.clone();
    altered.masked[0] ^= 1;
    assert!(
        keys[0].open(0, &binding(), &altered).is_err(),
        "the masked value is bound"
    );
    let mut altered = original.clone();
    altered.seals[2].ciphertext[5] ^= 1;
    assert!(keys[2].open(2, &binding(), &altered).is_err());
    assert!(
        keys[3].open(3, &binding(), &altered).is_ok(),
        "others are not concerned"
    );
    let mut altered = original;
    altered.commitments[2] = B256::ZERO;
    assert!(check_seed(&binding(), &altered, 2, &seeds[2]).is_err());
}

#[test]
fn wrong_sizes_are_refused_by_name() {
    let (sealed, _) = sealed(&X);
    let good = sealed.encode();
    assert_eq!(SealedInput::decode(&good, &input_type()).unwrap(), sealed);
    let mut short = sealed.clone();
    short.masked.pop();
    let error = SealedInput::decode(&short.encode(), &input_type())
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("26 bytes, and a Everything has 27"),
        "{error}"
    );
    let mut long = sealed;
    long.seals[1].ciphertext.push(0);
    assert!(SealedInput::decode(&long.encode(), &input_type()).is_err());
    assert!(SealedInput::decode(&good[..good.len() - 1], &input_type()).is_err());
    assert!(
        SealedInput::decode(&[good, vec![0]].concat(), &input_type()).is_err(),
        "trailing"
    );
    assert!(matches!(
        SealedInput::decode(&vec![0; 70_000], &input_type()),
        Err(WireError::TooLong { .. })
    ));
}

/// A node that has no key, or one under which nothing is secret, costs its own seal only.
#[test]
fn a_node_without_a_key_gets_nothing_that_opens() {
    let (committee, keys) = committee();
    let mut to = SealKeys::first(&committee);
    to.keys[1] = None;
    to.keys[2] = Some(B256::ZERO);
    let seeds = [10u8, 11, 12, 13].map(|i| Seed::new([i; 32]));
    let mut random = ChaCha20Rng::seed_from_u64(2);
    let (bound, ty) = (binding(), input_type());
    let sealed = seal(&to, &bound, &ty, &X, &seeds, &mut random).unwrap();
    for (node, key) in (0..).zip(&keys) {
        assert_eq!(
            key.open(node, &bound, &sealed).is_ok(),
            node == 0 || node == 3
        );
    }
    assert_eq!(SealedInput::decode(&sealed.encode(), &ty).unwrap(), sealed);
    let other = SealKeys { epoch: 1, ..to };
    assert!(seal(&other, &bound, &ty, &X, &seeds, &mut random).is_err());
}

#[test]
fn sums_and_differences_are_those_of_the_fields_rings() {
    let ty = input_type();
    let y: Vec<u8> = (0..27).map(|i| 0x91u8.wrapping_mul(i + 3)).collect();
    let mut x = X;
    sealed::add(&ty, &mut x, &y);
    assert_eq!(x[..2], [X[0] ^ y[0], X[1] ^ y[1]]);
    assert_eq!(x[2], X[2].wrapping_add(y[2]));
    for at in [3, 11, 19] {
        let number = |bytes: &[u8]| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap());
        assert_eq!(number(&x), number(&X).wrapping_add(number(&y)));
    }
    sealed::subtract(&ty, &mut x, &y);
    assert_eq!(x, X);
}

#[test]
fn secrets_are_not_printed() {
    assert_eq!(format!("{:?}", Seed::new([7; 32])), "Seed(<redacted>)");
}
