use alloy_primitives::hex;
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng as _};
use serde_json::json;
use wire::{
    committee::{L1, Node},
    seal_keys::SealKeys,
    sealed::SealKey,
};

use super::*;

fn field(name: &str, kind: Kind, len: u32) -> Field {
    let name = name.to_owned();
    Field { name, kind, len }
}

fn input(fields: Vec<Field>) -> InputType {
    let name = "Thing".to_owned();
    InputType { name, fields }
}

#[test]
fn the_encoding_is_frozen() {
    let ty = input(vec![
        field("flag", Kind::Bool, 1),
        field("flags", Kind::Bool, 9),
        field("small", Kind::U8, 2),
        field("signed", Kind::I16, 2),
        field("wide", Kind::U128, 1),
        field("deep", Kind::I64, 1),
    ]);
    let bits = vec![true, false, true, true, false, false, false, true, true];
    let values = [
        true.into(),
        bits.into(),
        vec![1u8, 255].into(),
        vec![-2i16, 300].into(),
        (1u128 << 127 | 5).into(),
        i64::MIN.into(),
    ];
    let encoded = encode(&ty, &values).unwrap();
    assert_eq!(encoded.len(), ty.bytes());
    let expected = "018d0101fffeff2c01050000000000000000000000000000800000000000000080";
    assert_eq!(hex::encode(&*encoded), expected);
}

#[test]
fn every_integer_takes_its_range_and_no_more() {
    for kind in Kind::ALL.into_iter().filter(|kind| *kind != Kind::Bool) {
        let ty = input(vec![field("x", kind, 1)]);
        let takes = |value: Value| encode(&ty, &[value]);
        if kind.is_signed() {
            let most = (kind.mask() >> 1).cast_signed();
            assert!(takes(most.into()).is_ok() && takes((-most - 1).into()).is_ok());
            assert!(takes(most.cast_unsigned().into()).is_ok());
            let beyond = takes((most.cast_unsigned() + 1).into());
            assert!(
                matches!(beyond, Err(ClientError::OutOfRange { .. })),
                "{kind:?}"
            );
            let ones = takes(Value::Signed(-1)).unwrap();
            assert!(ones.iter().all(|byte| *byte == 255), "{kind:?}");
        } else {
            assert!(takes(kind.mask().into()).is_ok());
            assert!(matches!(
                takes((-1i8).into()),
                Err(ClientError::OutOfRange { .. })
            ));
        }
        if kind.bits() < 128 {
            let beyond = takes(Value::Unsigned(kind.mask() + 1));
            assert!(
                matches!(beyond, Err(ClientError::OutOfRange { .. })),
                "{kind:?}"
            );
        }
        assert!(matches!(
            takes(true.into()),
            Err(ClientError::WrongShape { .. })
        ));
    }
}

#[test]
fn errors_name_the_field_and_never_the_value() {
    let ty = input(vec![
        field("choice", Kind::U8, 1),
        field("ranks", Kind::U8, 3),
    ]);
    let error = encode(&ty, &[777u16.into(), vec![1u8, 2, 3].into()]).unwrap_err();
    assert_eq!(error.to_string(), "field `choice` takes 0 to 255");
    let error = encode(&ty, &[7u8.into(), vec![1u16, 777, 3].into()]).unwrap_err();
    assert_eq!(error.to_string(), "field `ranks[1]` takes 0 to 255");
    let error = encode(&ty, &[7u8.into(), vec![7u8, 7].into()]).unwrap_err();
    let expected = "field `ranks` takes a list of 3 elements, each an integer, 0 to 255";
    assert_eq!(error.to_string(), expected);
    let error = encode(&ty, &[7u8.into()]).unwrap_err().to_string();
    assert_eq!(
        error,
        "a Thing has the fields choice, ranks; 1 values were given for 2"
    );
    assert!(
        encode(&ty, &[7u8.into(), 7u8.into()]).is_err(),
        "a scalar for a list"
    );
    assert_eq!(format!("{:?}", Value::from(777u16)), "Value(<redacted>)");
}

#[test]
fn json_is_read_by_name_by_order_or_bare() {
    let ty = input(vec![
        field("choice", Kind::U8, 1),
        field("sum", Kind::I128, 2),
    ]);
    let expected = encode(&ty, &[3u8.into(), vec![-5i128, 1 << 100].into()]).unwrap();
    let large = (1u128 << 100).to_string();
    for json in [
        json!({"sum": [-5, large], "choice": 3}),
        json!(["0x3", ["-5", "0x10000000000000000000000000"]]),
    ] {
        let values = from_json(&ty, &json).unwrap();
        assert_eq!(*encode(&ty, &values).unwrap(), *expected, "{json}");
    }
    let one = input(vec![field("choice", Kind::U8, 1)]);
    for json in [json!(3), json!([3]), json!({"choice": 3}), json!("3")] {
        let values = from_json(&one, &json).unwrap();
        assert_eq!(*encode(&one, &values).unwrap(), vec![3], "{json}");
    }
    for json in [
        json!({"choice": 3}),
        json!({"choice": 3, "sum": [1, 2], "other": 1}),
        json!({"choice": 3.5, "sum": [1, 2]}),
        json!({"choice": "0x+3", "sum": [1, 2]}),
        json!({"choice": "", "sum": [1, 2]}),
        json!({"choice": null, "sum": [1, 2]}),
        json!(3),
    ] {
        assert!(from_json(&ty, &json).is_err(), "{json}");
    }
}

#[test]
fn structs_within_inputs_are_objects_within_objects() {
    let ty = input(vec![
        field("price", Kind::U16, 1),
        field("terms.days", Kind::U8, 1),
        field("terms.parts.size", Kind::U8, 2),
        field("terms.parts.flags", Kind::Bool, 4),
    ]);
    let parts = [vec![4u8, 5].into(), vec![true, false, true, true].into()];
    let [sizes, flags] = parts;
    let expected = encode(&ty, &[300u16.into(), 3u8.into(), sizes, flags]).unwrap();
    let nested = json!({"price": 300, "terms": {"days": 3, "parts": [
        {"size": 4, "flags": [true, false]},
        {"flags": [[true], true], "size": "5"},
    ]}});
    let dotted = json!({
        "terms.parts": {"size": [4, 5], "flags": [true, false, true, true]},
        "terms": {"days": 3},
        "price": 300,
    });
    let full = json!({
        "price": 300,
        "terms.days": 3,
        "terms.parts.size": [4, 5],
        "terms.parts.flags": [[true, false], [true, true]],
    });
    let listed = json!([300, 3, [4, 5], [true, false, true, true]]);
    for json in [nested, dotted, full, listed] {
        let values = from_json(&ty, &json).unwrap();
        assert_eq!(*encode(&ty, &values).unwrap(), *expected, "{json}");
    }

    let refused = |terms: serde_json::Value, problem: &str| {
        let values = from_json(&ty, &json!({"price": 300, "terms": terms}));
        let error = values.and_then(|values| encode(&ty, &values)).unwrap_err();
        assert!(error.to_string().ends_with(problem), "{error}");
    };
    let part = json!({"size": 4, "flags": [true, false]});
    refused(json!({"days": 3}), "`terms.parts.size` is missing");
    refused(json!(3), "`terms` is an object with its fields");
    refused(json!([3]), "`terms` is a list of objects");
    refused(
        json!({"days": 3, "hours": 1}),
        "`terms.hours` is none of them",
    );
    refused(json!({"days": 3, "day": {}}), "`terms.day` is none of them");
    refused(
        json!({"days": 3, "parts": [part, {"size": 4, "flags": [true]}]}),
        "`terms.parts.flags` is missing in `terms.parts` number 1",
    );
    refused(
        json!({"days": 3, "parts": [part]}),
        "`terms.parts.size` is missing in `terms.parts` number 0",
    );
    refused(json!({"days": [3, 4], "parts": [part, part]}), "0 to 255");
    let twice = json!({"price": 300, "terms": {"days": 3}, "terms.days": 4});
    let error = from_json(&ty, &twice).unwrap_err().to_string();
    assert!(error.ends_with("`terms.days` is given twice"), "{error}");
}

#[test]
fn fixed_point_takes_decimals() {
    let ty = input(vec![
        field("price", Kind::Fixed64(16), 1),
        field("weights", Kind::Fixed128(100), 2),
    ]);
    let encoded = |json| encode(&ty, &from_json(&ty, &json).unwrap()).unwrap();
    let one = 1_i128 << 100;
    for (json, price, weights) in [
        (json!([1.25, ["-0.5", 3]]), 0x1_4000, [-one / 2, 3 * one]),
        (json!(["-1e-1", [1e3, 0]]), -6_554, [1_000 * one, 0]),
        (
            json!({"price": -7, "weights": ["2.5", "0"]}),
            -7 << 16,
            [5 * one / 2, 0],
        ),
    ] {
        let mut expected = i64::to_le_bytes(price).to_vec();
        expected.extend(weights.iter().flat_map(|weight| weight.to_le_bytes()));
        assert_eq!(*encoded(json), expected);
    }
    let values = [
        7u8.into(),
        vec![Value::Signed(-1), Value::Decimal("0.5".into())].into(),
    ];
    assert_eq!(
        *encode(&ty, &values).unwrap(),
        *encoded(json!([7, [-1, 0.5]]))
    );

    let refused = |value: serde_json::Value| {
        let values = from_json(&ty, &json!([value, [0, 0]]))?;
        encode(&ty, &values).map(|_| ())
    };
    let message = "field `price` takes -2^47 up to below 2^47, in steps of 2^-16";
    for json in [json!("140737488355328"), json!(-1.5e14), json!("1e100")] {
        assert_eq!(refused(json).unwrap_err().to_string(), message);
    }
    let message = format!("field `price` takes a decimal, {}", &message[20..]);
    for json in [json!("1,5"), json!(""), json!("0x10"), json!(true)] {
        assert_eq!(refused(json).unwrap_err().to_string(), message);
    }
    assert!(refused(json!([1, 2])).is_err());
    let whole = input(vec![field("x", Kind::U8, 1)]);
    let decimal = encode(&whole, &[Value::Decimal("1".into())]);
    assert!(matches!(decimal, Err(ClientError::WrongShape { .. })));
}

fn cluster() -> (Committee, Vec<SealKey>) {
    let keys: Vec<_> = (1..=4)
        .map(|i| SealKey::from_bytes(&[i; 32]).unwrap())
        .collect();
    let node = |i: usize| Node {
        address: Address::repeat_byte(i as u8),
        public_key: vec![2; 33].into(),
        seal_key: keys[i].public(),
        listen: String::new(),
    };
    let committee = Committee {
        chain_id: 7,
        epoch: 1,
        genesis_ms: 0,
        dev: true,
        reserve_lots: 8,
        refresh_ms: 0,
        l1: L1 {
            chain_id: 1,
            verifier: Address::ZERO,
        },
        nodes: [node(0), node(1), node(2), node(3)],
    };
    (committee, keys)
}

fn destination<'a>(
    (committee, keys): (&'a Committee, &'a SealKeys),
    ty: &'a InputType,
) -> Destination<'a> {
    Destination {
        committee,
        keys,
        contract: Address::repeat_byte(0xcc),
        code_hash: B256::repeat_byte(0xdd),
        input_number: 0,
        input: ty,
        sender: Address::repeat_byte(0xee),
        nonce: 5,
    }
}

#[test]
fn any_two_nodes_together_have_the_value_and_none_alone() {
    let (committee, keys) = cluster();
    let ty = input(vec![field("a", Kind::U64, 1), field("b", Kind::Bool, 3)]);
    let encoded = encode(
        &ty,
        &[0xdead_beef_u64.into(), vec![true, false, true].into()],
    )
    .unwrap();
    let first_keys = SealKeys::first(&committee);
    let to = destination((&committee, &first_keys), &ty);
    let mut random = ChaCha20Rng::from_seed([9; 32]);
    let sealed = seal(&to, &encoded, &mut random).unwrap();
    let sealed = SealedInput::decode(&sealed.encode(), &ty).unwrap();
    let binding = to.binding().unwrap();

    let mut seeds = [const { None }; 4];
    for (node, key) in (0u8..).zip(&keys) {
        let opened = key.open(node, &binding, &sealed).unwrap();
        assert!(opened[usize::from(node)].is_none());
        for (place, seed) in opened.into_iter().enumerate() {
            seeds[place] = seed.or(seeds[place].take());
        }
    }
    let (mut number, mut bits) = ([0; 8], sealed.masked[8]);
    number.copy_from_slice(&sealed.masked[..8]);
    let mut sum = u64::from_le_bytes(number);
    for seed in seeds.iter().flatten() {
        let stream = seed.keystream(9);
        number.copy_from_slice(&stream[..8]);
        sum = sum.wrapping_add(u64::from_le_bytes(number));
        bits ^= stream[8];
    }
    assert_eq!((sum, bits & 7), (0xdead_beef, 0b101));
}

#[test]
fn a_copied_input_opens_nowhere_else() {
    let (committee, keys) = cluster();
    let ty = input(vec![field("a", Kind::U8, 1)]);
    let first_keys = SealKeys::first(&committee);
    let to = destination((&committee, &first_keys), &ty);
    let sealed = seal(&to, &[3], &mut ChaCha20Rng::from_seed([9; 32])).unwrap();
    let opens = |to: &Destination<'_>, node: u8| {
        let binding = to.binding().unwrap();
        keys[usize::from(node)]
            .open(node, &binding, &sealed)
            .is_ok()
    };
    assert!((0..4).all(|node| opens(&to, node)));
    let other = Address::repeat_byte(1);
    let next_keys = SealKeys {
        epoch: 1,
        ..first_keys
    };
    let elsewhere = Committee {
        chain_id: 8,
        ..committee.clone()
    };
    let later = Committee {
        epoch: 2,
        ..committee.clone()
    };
    for (what, to) in [
        (
            "sender",
            Destination {
                sender: other,
                ..to
            },
        ),
        (
            "contract",
            Destination {
                contract: other,
                ..to
            },
        ),
        (
            "code",
            Destination {
                code_hash: B256::ZERO,
                ..to
            },
        ),
        ("nonce", Destination { nonce: 6, ..to }),
        (
            "type",
            Destination {
                input_number: 1,
                ..to
            },
        ),
        (
            "chain",
            Destination {
                committee: &elsewhere,
                ..to
            },
        ),
        (
            "key epoch",
            Destination {
                keys: &next_keys,
                ..to
            },
        ),
        (
            "epoch",
            Destination {
                committee: &later,
                ..to
            },
        ),
    ] {
        assert!((0..4).all(|node| !opens(&to, node)), "another {what}");
    }
}

#[test]
fn two_seals_of_one_value_have_nothing_in_common() {
    let (committee, _) = cluster();
    let ty = input(vec![field("a", Kind::U64, 1)]);
    let first_keys = SealKeys::first(&committee);
    let to = destination((&committee, &first_keys), &ty);
    let mut random = ChaCha20Rng::from_seed([9; 32]);
    let first = seal(&to, &[0; 8], &mut random).unwrap();
    let second = seal(&to, &[0; 8], &mut random).unwrap();
    assert_ne!(first.masked, second.masked);
    assert!(
        first
            .commitments
            .iter()
            .all(|c| !second.commitments.contains(c))
    );
}

#[test]
fn too_large_an_input_is_refused() {
    let (committee, _) = cluster();
    let ty = input(vec![field("a", Kind::U64, (INPUT_BYTES / 8 + 1) as u32)]);
    let first_keys = SealKeys::first(&committee);
    let to = destination((&committee, &first_keys), &ty);
    let sealed = seal(
        &to,
        &vec![0; ty.bytes()],
        &mut ChaCha20Rng::from_seed([9; 32]),
    );
    assert!(matches!(
        sealed,
        Err(ClientError::Wire(wire::WireError::TooLong { .. }))
    ));
}
