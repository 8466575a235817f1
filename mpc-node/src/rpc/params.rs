//! What methods accept.

use alloy_primitives::{Address, B256, Bytes, U256};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;
use zk_contract_runtime::CallRequest;

use super::error::RpcError;

/// The positional parameters of a request.
#[derive(Clone, Debug, Default)]
pub struct Arguments(Vec<Value>);

impl Arguments {
    /// Reads a JSON array, or nothing.
    ///
    /// # Errors
    /// [`RpcError::Params`].
    pub fn parse(json: Option<&str>) -> Result<Self, RpcError> {
        match json {
            None => Ok(Self::default()),
            Some(json) => serde_json::from_str(json)
                .map(Self)
                .map_err(|_| RpcError::Params("the parameters must be an array".into())),
        }
    }

    /// A parameter that must be there.
    ///
    /// # Errors
    /// [`RpcError::Params`] names it.
    pub fn get<T: DeserializeOwned>(&self, index: usize, name: &str) -> Result<T, RpcError> {
        let value = self.0.get(index).unwrap_or(&Value::Null);
        if value.is_null() {
            return Err(RpcError::Params(format!(
                "parameter {index} ({name}) is missing"
            )));
        }
        T::deserialize(value)
            .map_err(|error| RpcError::Params(format!("parameter {index} ({name}): {error}")))
    }

    /// A parameter that may be missing or null.
    ///
    /// # Errors
    /// [`RpcError::Params`] names it.
    pub fn optional<T: DeserializeOwned>(
        &self,
        index: usize,
        name: &str,
    ) -> Result<Option<T>, RpcError> {
        match self.0.get(index) {
            None | Some(Value::Null) => Ok(None),
            Some(_) => self.get(index, name).map(Some),
        }
    }
}

/// A number as Ethereum writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quantity(pub u64);

impl<'de> Deserialize<'de> for Quantity {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = U256::deserialize(deserializer)?;
        u64::try_from(number)
            .map(Self)
            .map_err(|_| serde::de::Error::custom("the number does not fit 64 bits"))
    }
}

/// Which block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlockTag {
    /// The last one; every block is final, so "safe", "finalized" and "pending" are the same.
    Latest,
    /// What will be the next one, with pending transactions.
    Pending,
    /// By number.
    Number(u64),
    /// By hash.
    Hash(B256),
}

impl<'de> Deserialize<'de> for BlockTag {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Form {
            Text(String),
            Number(u64),
            #[serde(rename_all = "camelCase")]
            Hash {
                block_hash: B256,
            },
            #[serde(rename_all = "camelCase")]
            Object {
                block_number: Quantity,
            },
        }
        let bad = |text: &str| {
            serde::de::Error::custom(format!(
                "\"{text}\" is no block: give a number in hexadecimal, \"latest\" or \"pending\""
            ))
        };
        Ok(match Form::deserialize(deserializer)? {
            Form::Number(number) => Self::Number(number),
            Form::Object { block_number } => Self::Number(block_number.0),
            Form::Hash { block_hash } => Self::Hash(block_hash),
            Form::Text(text) => match text.as_str() {
                "latest" | "safe" | "finalized" => Self::Latest,
                "pending" => Self::Pending,
                "earliest" => Self::Number(0),
                hex if hex.len() == 66 => Self::Hash(hex.parse().map_err(|_| bad(hex))?),
                hex => {
                    let digits = hex.strip_prefix("0x").ok_or_else(|| bad(hex))?;
                    Self::Number(u64::from_str_radix(digits, 16).map_err(|_| bad(hex))?)
                }
            },
        })
    }
}

/// A transaction that is only tried. Fields that make no difference here are ignored.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct CallArguments {
    from: Option<Address>,
    to: Option<Address>,
    data: Option<Bytes>,
    input: Option<Bytes>,
    gas: Option<Quantity>,
    value: Option<U256>,
}

impl CallArguments {
    /// What is to be tried, with no more gas than `limit`.
    ///
    /// # Errors
    /// [`RpcError::Params`] if it carries value, or two different data.
    pub fn request(self, limit: u64) -> Result<CallRequest, RpcError> {
        if self.value.is_some_and(|value| !value.is_zero()) {
            return Err(RpcError::Params(
                "value must be 0: this chain has no coin".into(),
            ));
        }
        let data = match (self.input, self.data) {
            (Some(input), Some(data)) if input != data => {
                return Err(RpcError::Params("input and data differ: give one".into()));
            }
            (input, data) => input.or(data).unwrap_or_default(),
        };
        Ok(CallRequest {
            from: self.from.unwrap_or_default(),
            to: self.to,
            data,
            gas: Some(self.gas.map_or(limit, |gas| gas.0.min(limit))),
        })
    }
}

/// One or several.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum OneOrMany<T> {
    /// One.
    One(T),
    /// Several.
    Many(Vec<T>),
}

impl<T> OneOrMany<T> {
    /// As a list.
    #[must_use]
    pub fn into_vec(self) -> Vec<T> {
        match self {
            Self::One(one) => vec![one],
            Self::Many(many) => many,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn blocks_are_named_in_all_the_usual_ways() {
        let tag = |value| serde_json::from_value::<BlockTag>(value).ok();
        let hash = B256::repeat_byte(1);
        for (value, expected) in [
            (json!("latest"), Some(BlockTag::Latest)),
            (json!("finalized"), Some(BlockTag::Latest)),
            (json!("pending"), Some(BlockTag::Pending)),
            (json!("earliest"), Some(BlockTag::Number(0))),
            (json!("0x1f"), Some(BlockTag::Number(31))),
            (json!(7), Some(BlockTag::Number(7))),
            (json!({"blockNumber": "0x2"}), Some(BlockTag::Number(2))),
            (json!({"blockHash": hash}), Some(BlockTag::Hash(hash))),
            (json!("1f"), None),
            (json!("0x"), None),
            (json!("newest"), None),
            (json!(-1), None),
            (json!({}), None),
        ] {
            assert_eq!(tag(value.clone()), expected, "{value}");
        }
    }

    #[test]
    fn calls_are_bounded_and_carry_no_value() {
        let call = |value| {
            let call: Result<CallArguments, _> = serde_json::from_value(value);
            call.map_err(|e| e.to_string())
                .and_then(|call| call.request(1000).map_err(|e| e.to_string()))
        };
        assert!(matches!(call(json!({})), Ok(request) if request.gas == Some(1000)));
        assert!(matches!(call(json!({"gas": "0x5"})), Ok(request) if request.gas == Some(5)));
        assert!(matches!(call(json!({"gas": "0xffffff"})), Ok(r) if r.gas == Some(1000)));
        let both = call(json!({"data": "0x01", "input": "0x01", "nonce": "0x0", "type": "0x2"}));
        assert!(matches!(both, Ok(request) if request.data == Bytes::from_static(&[1])));
        assert!(call(json!({"data": "0x01", "input": "0x02"})).is_err());
        assert!(call(json!({"value": "0x1"})).is_err());
        assert!(call(json!({"to": "0x12"})).is_err());
        assert!(call(json!({"gas": "0x10000000000000000"})).is_err());
    }
}
