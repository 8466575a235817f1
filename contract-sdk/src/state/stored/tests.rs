//! Encodings, which are frozen: they name what is in the state of deployed contracts.

use std::fmt::Debug;

use super::{Address, Bytes, FixedBytes, I256, Key, Stored, U256, Value, encode};

#[track_caller]
fn stored_as<T: Stored + PartialEq + Debug>(value: T, expected: &str) {
    let bytes = encode(&value);
    assert_eq!(alloy_primitives::hex::encode(&bytes), expected, "{value:?}");
    let mut rest = bytes.as_slice();
    assert_eq!(T::restore::<Value>(&mut rest), Some(value));
    assert!(rest.is_empty());
    for short in 0..bytes.len() {
        assert_eq!(
            T::restore::<Value>(&mut &bytes[..short]),
            None,
            "{short} bytes are not enough"
        );
    }
}

#[test]
fn encodings() {
    stored_as(true, "01");
    stored_as(0x0102_0304_u32, "01020304");
    stored_as(-2_i16, "fffe");
    stored_as(u128::MAX - 1, "fffffffffffffffffffffffffffffffe");
    stored_as(U256::from(5), &format!("{:064x}", 5));
    stored_as(I256::MINUS_ONE, &"f".repeat(64));
    stored_as(Address::repeat_byte(0xab), &"ab".repeat(20));
    stored_as(FixedBytes([1, 2]), "0102");
    stored_as(Bytes::from_static(&[7, 8]), "000000020708");
    stored_as(String::from("hé"), "0000000368c3a9");
    stored_as(vec![1_u16, 2], "0000000200010002");
    stored_as([1_u8, 2, 3], "010203");
    stored_as(Some(9_u8), "0109");
    stored_as(None::<u8>, "00");
    stored_as(
        (1_u8, false, Address::ZERO),
        &format!("0100{}", "00".repeat(20)),
    );
}

#[test]
fn what_is_no_encoding() {
    assert_eq!(bool::restore::<Value>(&mut [2].as_slice()), None);
    assert_eq!(
        String::restore::<Value>(&mut [0, 0, 0, 1, 0xff].as_slice()),
        None
    );
    assert_eq!(Vec::<u8>::restore::<Value>(&mut [0xff; 8].as_slice()), None);
}

fn key<T: Stored>(value: &T) -> Vec<u8> {
    let mut bytes = Vec::new();
    value.store::<Key>(&mut bytes);
    bytes
}

/// Keys of values in their order are in order, none is the beginning of the next, and each gives
/// its value back.
#[track_caller]
fn ordered<T: Stored + PartialEq + Debug>(values: &[T]) {
    for value in values {
        let bytes = key(value);
        let mut rest = bytes.as_slice();
        assert_eq!(T::restore::<Key>(&mut rest).as_ref(), Some(value));
        assert!(rest.is_empty());
        for short in 0..bytes.len() {
            assert_eq!(T::restore::<Key>(&mut &bytes[..short]), None, "{value:?}");
        }
    }
    for pair in values.windows(2) {
        let (first, second) = (key(&pair[0]), key(&pair[1]));
        assert!(first < second, "{pair:?}");
        assert!(!second.starts_with(&first), "{pair:?}");
    }
}

#[test]
fn keys_compare_as_values_do() {
    ordered(&[false, true]);
    ordered(&[0_u16, 1, 255, 256, u16::MAX]);
    ordered(&[i16::MIN, -256, -1, 0, 1, 255, 256, i16::MAX]);
    ordered(&[i128::MIN, -1, 0, i128::MAX]);
    ordered(&[I256::MIN, I256::MINUS_ONE, I256::ZERO, I256::ONE, I256::MAX]);
    ordered(&[U256::ZERO, U256::from(256), U256::MAX]);
    ordered(&["", "\0", "\0\u{1}", "a", "a\0", "a\0b", "aa", "b"].map(String::from));
    ordered(&[&[][..], &[0], &[0, 0], &[0, 255], &[255]].map(Bytes::copy_from_slice));
    ordered(&[vec![], vec![-1_i8], vec![-1, 5], vec![0]]);
    ordered(&[None, Some(-3_i64), Some(0)]);
    ordered(&[[-1_i8, 7], [0, -7], [0, 0]]);
    ordered(&[
        (String::from("a"), -1_i32),
        (String::from("a"), 1),
        (String::from("ab"), -5),
    ]);
}

#[test]
fn encodings_of_keys() {
    let hex = alloy_primitives::hex::encode;
    assert_eq!(hex(key(&0x0102_u16)), "0102");
    assert_eq!(hex(key(&-2_i16)), "7ffe");
    assert_eq!(hex(key(&2_i16)), "8002");
    assert_eq!(hex(key(&String::from("a\0b"))), "6100ff620000");
    assert_eq!(hex(key(&vec![1_u8, 2])), "0101010200");
    assert_eq!(hex(key(&Some(1_i8))), "0181");
    assert_eq!(hex(key(&I256::MINUS_ONE)), format!("7f{}", "ff".repeat(31)));
}
