//! Public values: from words on a command line, and for people to read.

use alloy_dyn_abi::{DynSolType, DynSolValue, Specifier as _};
use alloy_json_abi::{Function, JsonAbi, Param};
use client::abi;
use serde_json::{Value, json};

use crate::{error::CliError, site};

/// Units of time after `now+`, in seconds.
const UNITS: [(char, u64); 4] = [('s', 1), ('m', 60), ('h', 3_600), ('d', 86_400)];

/// What words on a command line may stand for, beside Solidity's values.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Words {
    /// Time of the cluster's last block, in seconds: what `now` means.
    pub(crate) now: u64,
    /// Whether `@ada` is the address of an account.
    pub(crate) names: bool,
}

impl Words {
    /// ABI encoding of these words as values of these types. `what` takes them.
    ///
    /// # Errors
    /// [`CliError::Arguments`], which names what is expected.
    pub(crate) fn encode(
        self,
        what: &str,
        params: &[Param],
        words: &[String],
    ) -> Result<Vec<u8>, CliError> {
        let wrong = |why: String| CliError::Arguments {
            what: what.to_owned(),
            expected: expected(params),
            why,
        };
        if params.len() != words.len() {
            let (given, count) = (words.len(), params.len());
            return Err(wrong(format!("{given} were given for {count}")));
        }
        let mut values = Vec::with_capacity(words.len());
        for (param, word) in params.iter().zip(words) {
            let refused =
                |why: String| wrong(format!("`{word}` is no {}: {why}", described(param)));
            let ty = param.resolve().map_err(|e| refused(e.to_string()))?;
            let text = self.meant(&ty, word).map_err(refused)?;
            values.push(ty.coerce_str(&text).map_err(|e| refused(e.to_string()))?);
        }
        Ok(DynSolValue::Tuple(values).abi_encode_params())
    }

    /// A word with times and names replaced, where the type has no room for them as text.
    fn meant(self, ty: &DynSolType, word: &str) -> Result<String, String> {
        let ty = ty.sol_type_name();
        if ty.contains("string") || ty.contains("bytes") {
            return Ok(word.to_owned());
        }
        let (mut text, mut token) = (String::new(), String::new());
        for letter in word.chars().chain(['\0']) {
            if !matches!(letter, '[' | ']' | '(' | ')' | ',' | ' ' | '\0') {
                token.push(letter);
                continue;
            }
            text.push_str(&self.token(&token)?);
            token.clear();
            text.extend((letter != '\0').then_some(letter));
        }
        Ok(text)
    }

    fn token(self, token: &str) -> Result<String, String> {
        if let Some(name) = token.strip_prefix('@') {
            if !self.names {
                return Err("names of accounts are for development clusters".into());
            }
            let key = site::named(name).map_err(|error| error.to_string())?;
            return Ok(key.address().to_string());
        }
        let Some(rest) = token.strip_prefix("now") else {
            return Ok(token.to_owned());
        };
        let time = time(self.now, rest);
        let time =
            time.ok_or("a time is `now`, or like `now+90s`, `now+10m`, `now+2h`, `now-1d`")?;
        Ok(time.to_string())
    }
}

/// `now` with what follows the word.
fn time(now: u64, rest: &str) -> Option<u64> {
    if rest.is_empty() {
        return Some(now);
    }
    let seconds = seconds(rest.get(1..)?)?;
    match rest.get(..1)? {
        "+" => now.checked_add(seconds),
        "-" => now.checked_sub(seconds),
        _ => None,
    }
}

/// A duration like `90`, `90s`, `10m`, `2h` or `1d`, in seconds.
pub(crate) fn seconds(text: &str) -> Option<u64> {
    let unit = UNITS.iter().find(|(letter, _)| text.ends_with(*letter));
    let (digits, unit) = match unit {
        Some((letter, unit)) => (text.strip_suffix(*letter)?, *unit),
        None => (text, 1),
    };
    if !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    digits.parse::<u64>().ok()?.checked_mul(unit)
}

/// Arguments as an author would write them: `closes: uint64, voters: address[]`.
fn expected(params: &[Param]) -> String {
    if params.is_empty() {
        return "no arguments".into();
    }
    let params: Vec<_> = params.iter().map(described).collect();
    params.join(", ")
}

fn described(param: &Param) -> String {
    let ty = param.selector_type();
    if param.name.is_empty() {
        ty.into_owned()
    } else {
        format!("{}: {ty}", param.name)
    }
}

/// The function of this name, as Solidity or as Rust writes it.
///
/// # Errors
/// [`CliError::Client`] that names those that there are.
pub(crate) fn function<'a>(contract: &'a abi::Abi, name: &str) -> Result<&'a Function, CliError> {
    match contract.function(name) {
        Ok(function) => Ok(function),
        Err(error) => Ok(contract.function(&camel_case(name)).map_err(|_| error)?),
    }
}

/// The parameters of the constructor.
pub(crate) fn constructor(contract: &JsonAbi) -> &[Param] {
    contract.constructor.as_ref().map_or(&[], |c| &c.inputs)
}

/// `add_voters` as `addVoters`.
pub(crate) fn camel_case(name: &str) -> String {
    let mut parts = name.split('_').filter(|part| !part.is_empty());
    let mut camel = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let mut letters = part.chars();
        camel.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        camel.push_str(letters.as_str());
    }
    camel
}

/// Values as people read them, a line for each; structs by the names of their fields.
pub(crate) fn lines(params: &[Param], values: &[DynSolValue]) -> String {
    let line = |(param, value)| format!("{}\n", named(param, value));
    params.iter().zip(values).map(line).collect()
}

/// Values in one line.
pub(crate) fn list(params: &[Param], values: &[DynSolValue]) -> String {
    let values: Vec<_> = params
        .iter()
        .zip(values)
        .map(|(p, v)| named(p, v))
        .collect();
    values.join(", ")
}

fn named(param: &Param, value: &DynSolValue) -> String {
    let text = shown(param, value);
    if param.name.is_empty() {
        text
    } else {
        format!("{}: {text}", param.name)
    }
}

fn shown(param: &Param, value: &DynSolValue) -> String {
    match value {
        DynSolValue::Tuple(values) if param.components.len() == values.len() => {
            format!("({})", list(&param.components, values))
        }
        DynSolValue::Array(values) | DynSolValue::FixedArray(values) => {
            let values: Vec<_> = values.iter().map(|value| shown(param, value)).collect();
            format!("[{}]", values.join(", "))
        }
        other => abi::render(other),
    }
}

/// Values as JSON: one as it is, several as a list; numbers as text when they are wider than 53 bits
/// may be.
pub(crate) fn to_json(params: &[Param], values: &[DynSolValue]) -> Value {
    let all: Vec<_> = params.iter().zip(values).map(|(p, v)| one(p, v)).collect();
    match <[Value; 1]>::try_from(all) {
        Ok([single]) => single,
        Err(all) => Value::Array(all),
    }
}

fn one(param: &Param, value: &DynSolValue) -> Value {
    match value {
        DynSolValue::Tuple(values) if param.components.len() == values.len() => {
            let fields = param.components.iter().zip(values);
            if param.components.iter().any(|field| field.name.is_empty()) {
                return fields.map(|(field, value)| one(field, value)).collect();
            }
            let fields = fields.map(|(field, value)| (field.name.clone(), one(field, value)));
            Value::Object(fields.collect())
        }
        DynSolValue::Array(values) | DynSolValue::FixedArray(values) => {
            values.iter().map(|value| one(param, value)).collect()
        }
        DynSolValue::Bool(bit) => json!(bit),
        DynSolValue::String(text) => json!(text),
        DynSolValue::Uint(number, bits) if *bits <= 32 => json!(number.saturating_to::<u32>()),
        other => json!(abi::render(other)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORDS: Words = Words {
        now: 1_000_000,
        names: true,
    };

    fn params(json: Value) -> Vec<Param> {
        serde_json::from_value(json).unwrap()
    }

    fn word(ty: &str, word: &str) -> Result<DynSolValue, CliError> {
        let params = params(json!([{"name": "x", "type": ty}]));
        let bytes = WORDS.encode("f", &params, &[word.into()])?;
        let ty = DynSolType::Tuple(vec![params[0].resolve().unwrap()]);
        let DynSolValue::Tuple(mut values) = ty.abi_decode_params(&bytes).unwrap() else {
            panic!("no tuple");
        };
        Ok(values.remove(0))
    }

    #[test]
    fn times_and_names_stand_for_numbers_and_addresses() {
        let number = |text| {
            word("uint64", text)
                .unwrap()
                .as_uint()
                .unwrap()
                .0
                .to::<u64>()
        };
        for (text, seconds) in [
            ("7", 7),
            ("now", 1_000_000),
            ("now+90", 1_000_090),
            ("now+90s", 1_000_090),
            ("now+10m", 1_000_600),
            ("now+2h", 1_007_200),
            ("now-1d", 913_600),
        ] {
            assert_eq!(number(text), seconds, "{text}");
        }
        for text in ["now+", "now+m", "now*2", "now+-5", "now-99999d", "later"] {
            assert!(word("uint64", text).is_err(), "{text}");
        }
        let ada = site::named("ada").unwrap().address();
        assert_eq!(word("address", "@ada").unwrap().as_address(), Some(ada));
        let list = word("address[]", "[@ada, @ben]").unwrap();
        assert_eq!(list.as_array().unwrap()[0].as_address(), Some(ada));
        let text = word("string", "@ada now").unwrap();
        assert_eq!(text.as_str(), Some("@ada now"));

        let stranger = Words {
            names: false,
            ..WORDS
        };
        let params = params(json!([{"name": "x", "type": "address"}]));
        assert!(stranger.encode("f", &params, &["@ada".into()]).is_err());
    }

    #[test]
    fn wrong_arguments_are_told_with_what_is_expected() {
        let params = params(json!([
            {"name": "closes", "type": "uint64"},
            {"name": "", "type": "tuple[]", "components": [{"name": "a", "type": "bool"}]},
        ]));
        let error = WORDS.encode("the constructor", &params, &[]).unwrap_err();
        let error = error.to_string();
        assert!(error.contains("closes: uint64, (bool)[]"), "{error}");
        let error = WORDS.encode("f", &[], &["1".into()]).unwrap_err();
        assert!(error.to_string().contains("no arguments"), "{error}");
    }

    #[test]
    fn structs_are_shown_by_the_names_of_their_fields() {
        let params = params(json!([{
            "name": "", "type": "tuple",
            "components": [{"name": "yes", "type": "uint64"}, {"name": "by", "type": "bool[]"}],
        }]));
        let inner = DynSolValue::Array(vec![DynSolValue::Bool(true)]);
        let value = DynSolValue::Tuple(vec![DynSolValue::from(3u64), inner]);
        let values = std::slice::from_ref(&value);
        assert_eq!(lines(&params, values), "(yes: 3, by: [true])\n");
        assert_eq!(to_json(&params, values), json!({"yes": "3", "by": [true]}));
    }

    #[test]
    fn camel_case_is_that_of_the_sdk() {
        for (rust, solidity) in [("close", "close"), ("add_voters", "addVoters"), ("_x", "x")] {
            assert_eq!(camel_case(rust), solidity);
        }
    }
}
