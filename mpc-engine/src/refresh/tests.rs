use std::collections::BTreeMap;

use rand_chacha::{
    ChaCha20Rng,
    rand_core::{Rng as _, SeedableRng as _},
};
use wire::kind::{Field, Kind};

use super::*;

fn random() -> ChaCha20Rng {
    let seed = std::env::var("QUARTET_SEED")
        .ok()
        .and_then(|s| s.parse().ok())
        .unwrap_or(2024);
    println!("QUARTET_SEED={seed}");
    ChaCha20Rng::seed_from_u64(seed)
}

fn key(byte: u8) -> RefreshKey {
    RefreshKey::new(Zeroizing::new([byte; 32]))
}

/// One field of each kind, with lengths at which booleans leave bits unused.
fn everything() -> InputType {
    let kinds = Kind::ALL
        .into_iter()
        .chain([Kind::Fixed64(7), Kind::Fixed128(90)]);
    InputType {
        name: "Everything".into(),
        fields: (1..)
            .zip(kinds)
            .map(|(len, kind)| Field {
                name: format!("field {len}"),
                kind,
                len: if kind == Kind::Bool { 13 } else { len },
            })
            .collect(),
    }
}

/// The sum of components, field by field, by another way than the code under test.
fn sum(ty: &InputType, components: &[Vec<u8>; 4]) -> Vec<Vec<u128>> {
    let mut at = 0;
    let mut sums = Vec::new();
    for field in &ty.fields {
        let (kind, len) = (field.kind, field.len as usize);
        let end = at + kind.bytes(len);
        let mut total = vec![0u128; len];
        for component in components {
            for (place, total) in total.iter_mut().enumerate() {
                let bytes = &component[at..end];
                if kind == Kind::Bool {
                    *total ^= u128::from(bytes[place / 8] >> (place % 8) & 1);
                } else {
                    let width = kind.bytes(1);
                    let mut number = [0; 16];
                    number[..width].copy_from_slice(&bytes[place * width..][..width]);
                    *total = total.wrapping_add(u128::from_le_bytes(number)) & kind.mask();
                }
            }
        }
        sums.push(total);
        at = end;
    }
    sums
}

fn refreshed(
    key: &RefreshKey,
    input: &[u8; 32],
    ty: &InputType,
    old: &[Vec<u8>; 4],
) -> [Vec<u8>; 4] {
    let mut new = old.clone();
    for (c, bytes) in (0..).zip(&mut new) {
        key.refresh(input, ty, c, bytes).unwrap();
    }
    new
}

#[test]
fn the_value_stays_and_every_component_changes() {
    let (mut random, ty) = (random(), everything());
    for round in 0..50u8 {
        let old: [Vec<u8>; 4] = std::array::from_fn(|_| {
            let mut bytes = vec![0; ty.bytes()];
            random.fill_bytes(&mut bytes);
            bytes
        });
        let new = refreshed(&key(round), &[round; 32], &ty, &old);
        assert_eq!(sum(&ty, &new), sum(&ty, &old), "round {round}");
        for c in 0..4 {
            assert_ne!(new[c], old[c], "component {c} of round {round}");
        }
        // And once more, as the next refresh does.
        let newer = refreshed(&key(!round), &[round; 32], &ty, &new);
        assert_eq!(sum(&ty, &newer), sum(&ty, &old));
    }
}

/// Components of before with components of after, one of them missing, say nothing: what is added is
/// uniform whatever key and input it follows from, and no two are alike.
#[test]
fn what_is_added_is_uniform_and_never_the_same() {
    let ty = InputType {
        name: "Bytes".into(),
        fields: vec![Field {
            name: "x".into(),
            kind: Kind::U8,
            len: 64,
        }],
    };
    let zero = [const { Vec::new() }; 4].map(|_: Vec<u8>| vec![0; 64]);
    let mut counts = [[0u32; 256]; 4];
    let mut seen = BTreeMap::new();
    for byte in 0..64u8 {
        for input in 0..16u8 {
            let added = refreshed(&key(byte), &[input; 32], &ty, &zero);
            for (c, bytes) in added.into_iter().enumerate() {
                bytes
                    .iter()
                    .for_each(|byte| counts[c][usize::from(*byte)] += 1);
                let before = seen.insert(bytes, (byte, input, c));
                assert_eq!(before, None, "{byte} {input} {c}");
            }
        }
    }
    // 65,536 bytes for each component, 256 expected of each value: 255 degrees of freedom, of which
    // 400 is beyond 8 standard deviations.
    for (c, counts) in counts.iter().enumerate() {
        let square = |count: &u32| (f64::from(*count) - 256.0).powi(2) / 256.0;
        let statistic: f64 = counts.iter().map(square).sum();
        assert!(statistic < 400.0, "component {c}: {statistic}");
    }
}

/// The component of input `i` in the test below.
fn bytes_of(i: usize) -> Vec<u8> {
    vec![i as u8; 5]
}

#[test]
fn a_component_is_proven_by_what_comes_with_it() {
    for count in (1..20).chain([100]) {
        let (key, component) = (key(count as u8), 2);
        let input = |i: usize| [i as u8; 32];
        let leaves = (0..count).map(|i| key.leaf(&input(i), component, &bytes_of(i)));
        let tree = Tree::new(leaves.collect());
        let root = tree.root();
        for i in 0..count {
            let proven = key.prove(&input(i), component, &bytes_of(i), (&tree, i));
            let check = |c, length, proven: &[u8]| {
                let bytes = check_proven(&root, &input(i), c, length, proven);
                bytes.map(<[u8]>::to_vec)
            };
            assert_eq!(
                check(component, 5, &proven),
                Some(bytes_of(i)),
                "{i} of {count}"
            );
            assert_eq!(check(3, 5, &proven), None, "another component");
            assert_eq!(check(component, 4, &proven), None);
            assert_eq!(check(component, 6, &proven), None);
            let other = check_proven(&root, &input(i + 1), component, 5, &proven);
            assert_eq!(other, None, "another input");
            for at in 0..proven.len() {
                let mut altered = proven.to_vec();
                altered[at] ^= 1;
                assert_eq!(check(component, 5, &altered), None, "byte {at}");
                assert_eq!(check(component, 5, &proven[..at]), None, "cut at {at}");
            }
            let longer = [&proven[..], &[0; 32]].concat();
            assert_eq!(check(component, 5, &longer), None);
        }
    }
    assert_eq!(Tree::new(Vec::new()).root(), [0; 32]);
}

/// Nothing can be tried out on the commitment to a small value: it has a blinding of its own.
#[test]
fn no_two_commitments_are_alike() {
    let mut seen = BTreeMap::new();
    for (byte, input, c) in
        (0..4u8).flat_map(|k| (0..4u8).flat_map(move |i| (0..4).map(move |c| (k, i, c))))
    {
        let leaf = key(byte).leaf(&[input; 32], c, &[0]);
        assert_eq!(seen.insert(leaf, (byte, input, c)), None);
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let ty = everything();
    let mut short = vec![0; ty.bytes() - 1];
    let refused = key(1).refresh(&[0; 32], &ty, 0, &mut short);
    assert!(matches!(refused, Err(EngineError::InputLength { .. })));
    let mut good = vec![0; ty.bytes()];
    let refused = key(1).refresh(&[0; 32], &ty, 4, &mut good);
    assert_eq!(refused, Err(EngineError::NoSuchParty { party: 4 }));
    assert_eq!(format!("{:?}", key(7)), "RefreshKey(<redacted>)");
}
