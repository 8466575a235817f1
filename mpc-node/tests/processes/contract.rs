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
    let source = include_str!("ones.wat");
    let selector = hex::encode_prefixed(selector("cast(bytes)"));
    let ballot = serde_json::to_string(&ballot_type())?;
    let description = format!(
        r#"{{"name":"Ones","abi":[{{"type":"function","name":"cast","inputs":[{{"name":"sealed","type":"bytes"}}],"outputs":[],"stateMutability":"nonpayable"}}],"inputs":[{ballot}],"input_functions":[{{"name":"cast","selector":"{selector}","input":0}}],"computations":[{{"name":"ones","inputs":[0],"output":"(uint64)"}}]}}"#
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
