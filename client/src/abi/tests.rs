use alloy_primitives::{Address, B256, U256, keccak256};
use alloy_sol_types::{SolCall as _, SolError as _, SolValue as _, sol};
use serde_json::json;
use wire::sealed::Seal;

use super::*;

sol! {
    error PollStillOpen(uint64 closes);
    error NotOnTheList(address voter);
    error Unknown();
    function cast(bytes sealed) external;
    function bid(uint32 round, string[] notes, bytes sealed) external;
}

fn description() -> Description {
    let bytes = json!({"name": "sealed", "type": "bytes"});
    let function = |name: &str, inputs: serde_json::Value, outputs: serde_json::Value| {
        json!({"type": "function", "name": name, "stateMutability": "nonpayable",
               "inputs": inputs, "outputs": outputs})
    };
    serde_json::from_value(json!({
        "name": "Voting",
        "abi": [
            function("cast", json!([bytes]), json!([])),
            function("bid", json!([{"name": "round", "type": "uint32"},
                                   {"name": "notes", "type": "string[]"}, bytes]), json!([])),
            function("closes", json!([]), json!([{"name": "", "type": "uint64"}])),
            {"type": "error", "name": "PollStillOpen",
             "inputs": [{"name": "closes", "type": "uint64"}]},
            {"type": "error", "name": "NotOnTheList",
             "inputs": [{"name": "voter", "type": "address"}]},
        ],
        "inputs": [{"name": "Ballot", "fields": [{"name": "choice", "kind": "u8", "len": 1}]}],
        "input_functions": [{"name": "cast", "selector": "0x00000000", "input": 0},
                            {"name": "lost", "selector": "0x00000000", "input": 1}],
        "computations": [],
    }))
    .unwrap()
}

fn sealed() -> SealedInput {
    SealedInput {
        key_epoch: 0,
        masked: vec![7],
        commitments: [B256::ZERO; 4],
        seals: std::array::from_fn(|_| Seal {
            encapsulated: B256::ZERO,
            ciphertext: vec![1; 112],
        }),
    }
}

#[test]
fn calldata_of_an_input_is_solidity_s() {
    let (abi, sealed) = (Abi::new(&description()).unwrap(), sealed());
    let expected = castCall {
        sealed: sealed.encode().into(),
    };
    assert_eq!(
        abi.input_call("cast", &[], &sealed).unwrap(),
        expected.abi_encode()
    );

    // A dynamic argument before the sealed one: its offset moves.
    let notes = vec!["a".to_owned(), "bc".to_owned()];
    let public = (5u32, notes.clone()).abi_encode_params();
    let expected = bidCall {
        round: 5,
        notes,
        sealed: sealed.encode().into(),
    };
    assert_eq!(
        abi.input_call("bid", &public, &sealed).unwrap(),
        expected.abi_encode()
    );
}

#[test]
fn public_arguments_that_do_not_fit_are_refused() {
    let (abi, sealed) = (Abi::new(&description()).unwrap(), sealed());
    for (function, public) in [
        ("cast", 5u32.abi_encode()),
        ("bid", vec![]),
        ("bid", 5u32.abi_encode()),
        ("closes", vec![]),
    ] {
        let refused = abi.input_call(function, &public, &sealed);
        assert!(
            matches!(refused, Err(ClientError::Abi { .. })),
            "{function}"
        );
    }
    let error = abi
        .input_call("casts", &[], &sealed)
        .unwrap_err()
        .to_string();
    assert_eq!(
        error,
        "the contract has no function `casts`; it has bid, cast, closes"
    );
}

#[test]
fn reasons_are_named_with_their_arguments() {
    let abi = Abi::new(&description()).unwrap();
    let data = PollStillOpen { closes: 99 }.abi_encode();
    assert_eq!(abi.reason(&data), "PollStillOpen(99)");
    let voter = Address::repeat_byte(0x11);
    let data = NotOnTheList { voter }.abi_encode();
    assert_eq!(abi.reason(&data), format!("NotOnTheList({voter})"));
    let selector = keccak256("Unknown()");
    let unknown = format!("unknown error {}", hex::encode_prefixed(&selector[..4]));
    assert_eq!(abi.reason(&Unknown {}.abi_encode()), unknown);
    assert_eq!(abi.reason(&[]), "no reason given");
    let text = alloy_sol_types::Revert::from("too late").abi_encode();
    assert_eq!(abi.reason(&text), "too late");
}

#[test]
fn text_arguments_and_results() {
    let abi = Abi::new(&description()).unwrap();
    let data = abi
        .call_text("bid", &["5", "[\"a\",\"bc\"]", "0x0102"])
        .unwrap();
    let expected = bidCall {
        round: 5,
        notes: vec!["a".into(), "bc".into()],
        sealed: vec![1, 2].into(),
    };
    assert_eq!(data, expected.abi_encode());
    assert!(abi.call_text("bid", &["5"]).is_err());
    assert!(abi.call_text("bid", &["x", "[]", "0x"]).is_err());
    let results = abi.results("closes", &U256::from(12).abi_encode()).unwrap();
    assert_eq!(results.iter().map(render).collect::<Vec<_>>(), ["12"]);
}

#[test]
fn input_functions_are_found_by_name() {
    let description = description();
    let (function, ty) = input_function(&description, "cast").unwrap();
    assert_eq!((function.input, ty.name.as_str()), (0, "Ballot"));
    assert!(matches!(
        input_function(&description, "closes"),
        Err(ClientError::NoSuchFunction { .. })
    ));
    assert!(matches!(
        input_function(&description, "lost"),
        Err(ClientError::Abi { .. })
    ));
}
