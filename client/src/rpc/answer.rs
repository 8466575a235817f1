//! From alloy's errors to ours.

use alloy::transports::{RpcError, TransportError};
use alloy_primitives::Bytes;

use crate::ClientError;

/// The code of a JSON-RPC error that carries the data of a revert (as geth has it).
const REVERT_CODE: i64 = 3;

/// What a failed request means. `urls` are those that were tried.
pub fn error(method: &'static str, urls: &str, error: TransportError) -> ClientError {
    match error {
        RpcError::ErrorResp(payload) => ClientError::Refused {
            method,
            code: payload.code,
            message: payload.message.into_owned(),
        },
        RpcError::Transport(kind) => ClientError::Unreachable {
            urls: urls.to_owned(),
            why: chain(&kind),
        },
        RpcError::NullResp => ClientError::BadAnswer {
            method,
            why: "it is empty".into(),
        },
        RpcError::DeserError { err, .. } => ClientError::BadAnswer {
            method,
            why: err.to_string(),
        },
        other @ (RpcError::SerError(_)
        | RpcError::UnsupportedFeature(_)
        | RpcError::LocalUsageError(_)) => ClientError::BadAnswer {
            method,
            why: other.to_string(),
        },
    }
}

/// An error with its causes; reqwest's own message leaves out why.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        if !text.ends_with(&inner_text) {
            text = format!("{text}: {inner_text}");
        }
        cause = inner.source();
    }
    text
}

/// The revert data that an error carries, if the node says that the call reverted: as a hex string
/// (geth, anvil, Quartet), or as an object with one under `data` (others). Empty data counts only
/// with the code that means a revert.
pub fn revert_data(error: &TransportError) -> Option<Bytes> {
    let payload = error.as_error_resp()?;
    let data = payload.data.as_ref();
    let json: Option<serde_json::Value> = data.and_then(|d| serde_json::from_str(d.get()).ok());
    let text = json.as_ref().and_then(|json| match json {
        serde_json::Value::Object(object) => object.get("data")?.as_str(),
        other => other.as_str(),
    });
    match text.and_then(|text| text.parse::<Bytes>().ok()) {
        Some(bytes) if !bytes.is_empty() => Some(bytes),
        _ => (payload.code == REVERT_CODE).then(Bytes::new),
    }
}

#[cfg(test)]
mod tests {
    use alloy::{rpc::json_rpc::ErrorPayload, transports::TransportErrorKind};
    use alloy_primitives::bytes;

    use super::*;

    fn response(json: &str) -> TransportError {
        let payload: ErrorPayload = serde_json::from_str(json).unwrap();
        TransportError::ErrorResp(payload)
    }

    #[test]
    fn revert_data_is_found_where_nodes_put_it() {
        let found = Some(bytes!("08c379a0"));
        let geth = r#"{"code":3,"message":"execution reverted","data":"0x08c379a0"}"#;
        assert_eq!(revert_data(&response(geth)), found);
        let nested = r#"{"code":-32015,"message":"VM error","data":{"data":"0x08c379a0"}}"#;
        assert_eq!(revert_data(&response(nested)), found);
        let bare = r#"{"code":3,"message":"execution reverted"}"#;
        assert_eq!(revert_data(&response(bare)), Some(Bytes::new()));
        let other = r#"{"code":-32000,"message":"nonce too low: execution reverted"}"#;
        assert_eq!(revert_data(&response(other)), None);
        assert_eq!(revert_data(&TransportErrorKind::backend_gone()), None);
    }

    #[test]
    fn silence_and_limits_are_retryable_and_refusals_are_not() {
        let classify = |e| error("eth_call", "http://a", e).is_retryable();
        assert!(classify(TransportErrorKind::backend_gone()));
        assert!(classify(response(r#"{"code":-32005,"message":"limit"}"#)));
        assert!(!classify(response(
            r#"{"code":-32602,"message":"try again"}"#
        )));
        assert!(!classify(response(
            r#"{"code":-32000,"message":"timeout"}"#
        )));
    }
}
