//! A small contract, by hand in WebAssembly's text format.

use alloy::primitives::{B256, Bytes, U256, hex, keccak256};
use wire::{
    kind::{Field, InputType, Kind},
    transaction::Deployment,
};

use crate::support::TestResult;

/// The input type of the contract.
pub(crate) fn ballot_type() -> InputType {
    InputType {
        name: "Ballot".into(),
        fields: vec![Field {
            name: "choice".into(),
            kind: Kind::U8,
            len: 1,
        }],
    }
}

/// A selector as the guest loads it.
fn loaded(signature: &str) -> u32 {
    let [a, b, c, d] = selector(signature);
    u32::from_le_bytes([a, b, c, d])
}

/// A function's selector.
pub(crate) fn selector(signature: &str) -> [u8; 4] {
    let hash = keccak256(signature);
    [hash[0], hash[1], hash[2], hash[3]]
}

/// Calldata of `cast(bytes)`.
pub(crate) fn cast(sealed: &[u8]) -> Bytes {
    let mut data = selector("cast(bytes)").to_vec();
    for word in [32, sealed.len()] {
        data.extend_from_slice(B256::from(U256::from(word)).as_slice());
    }
    data.extend_from_slice(sealed);
    data.resize(data.len().next_multiple_of(32) + 4, 0);
    data.into()
}

/// Deploys the contract: `cast` takes a ballot, `close` counts the ones, `bump` writes and tells,
/// `spin` never ends.
pub(crate) fn deployment() -> TestResult<Deployment> {
    let ballot = serde_json::to_string(&ballot_type())?;
    let computation = r#"{"name":"ones","inputs":[0],"output":"(uint64)"}"#;
    of(include_str!("ones.wat"), "Ones", &ballot, computation)
}

/// The type of what the bank says to each voter, and of what it keeps.
pub(crate) fn note_type() -> InputType {
    InputType {
        name: "Note".into(),
        ..ballot_type()
    }
}

/// Deploys a bank in place of the poll: `close` opens the sum that it has kept, keeps the sum of that
/// and of all choices, and tells each voter the double of theirs.
pub(crate) fn bank_deployment() -> TestResult<Deployment> {
    let imports = r#"(memory (export "memory") 2)"#;
    let source = include_str!("ones.wat");
    let (before, rest) = source.split_once(";; How many ballots").ok_or("no body")?;
    let (_, after) = rest
        .split_once(r#"(func (export "quartet_encode")"#)
        .ok_or("no end")?;
    let before = before.replace(
        imports,
        &format!(
            r#"(import "quartet" "secret_count" (func $secret_count (param i32) (result i32)))
  (import "quartet" "keep" (func $keep (param i32 i32 i32 i32 i32)))
  {imports}"#
        ),
    );
    let compute = r#"
  (func (export "quartet_compute") (result i32) (local $choices i32) (local $kept i32)
    (local.set $choices (call $secret_input (i32.const 0) (i32.const 0) (i32.const 0)))
    (local.set $kept
      (if (result i32) (call $secret_count (i32.const 1))
        (then
          (call $secret_op (i32.const 6)
            (call $secret_input (i32.const 1) (i32.const 0) (i32.const 0))
            (i32.const -1) (i32.const -1) (i64.const 0)))
        (else
          (call $secret_constant (i32.const 1) (i64.const 0) (i64.const 0) (i32.const 1)))))
    (call $reveal (local.get $kept))
    (call $keep (i32.const 0) (i32.const 0) (i32.const 0)
      (call $secret_op (i32.const 0)
        (local.get $kept)
        (call $secret_op (i32.const 6)
          (local.get $choices) (i32.const -1) (i32.const -1) (i64.const 0))
        (i32.const -1) (i64.const 0))
      (i32.const 0))
    (call $keep (i32.const 1) (i32.const 0) (i32.const 0)
      (call $secret_op (i32.const 0)
        (local.get $choices) (local.get $choices) (i32.const -1) (i64.const 0))
      (i32.const 0))
    (i32.const 0))
  "#;
    let source = format!(r#"{before}{compute}(func (export "quartet_encode"){after}"#);
    let kept = InputType {
        name: "Kept".into(),
        ..ballot_type()
    };
    let types = [ballot_type(), kept, note_type()];
    let types: Result<Vec<_>, _> = types.iter().map(serde_json::to_string).collect();
    let computation = r#"{"name":"sum","inputs":[0,1],"output":"(uint64)","secrets":[{"recipient":"contract","input":1},{"recipient":"owners","input":2}]}"#;
    of(&source, "Bank", &types?.join(","), computation)
}

fn of(source: &str, name: &str, types: &str, computation: &str) -> TestResult<Deployment> {
    let selector = hex::encode_prefixed(selector("cast(bytes)"));
    let description = format!(
        r#"{{"name":"{name}","abi":[{{"type":"function","name":"cast","inputs":[{{"name":"sealed","type":"bytes"}}],"outputs":[],"stateMutability":"nonpayable"}}],"inputs":[{types}],"input_functions":[{{"name":"cast","selector":"{selector}","input":0}}],"computations":[{computation}]}}"#
    );
    let escaped: String = description
        .bytes()
        .map(|byte| format!("\\{byte:02x}"))
        .collect();
    let source = source
        .replace("{description}", &escaped)
        .replace("{length}", &description.len().to_string())
        .replace("{cast}", &loaded("cast(bytes)").to_string())
        .replace("{close}", &loaded("close()").to_string())
        .replace("{bump}", &loaded("bump()").to_string())
        .replace("{spin}", &loaded("spin()").to_string());
    Ok(Deployment {
        salt: B256::ZERO,
        code: wat::parse_str(source)?.into(),
        init: Bytes::new(),
    })
}
