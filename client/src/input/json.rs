//! Values from JSON, for command lines and files.

use wire::kind::{Field, InputType};

use super::{Value, wrong_fields};
use crate::ClientError;

/// Reads one value per field of `input` from an object with the names of the fields, from a list
/// in their order, or, if there is one field of one element, from the bare value.
///
/// Integers are numbers, or strings in decimal or `0x` hexadecimal (JSON numbers hold 64 bits).
/// Fixed point is a number like `1.25` or a string like `"1.25"`, rounded to the nearest unit; a JSON
/// number has about 16 digits, a string as many as it is given.
/// The caller's `json` is not erased.
///
/// # Errors
/// [`ClientError::WrongFields`] and [`ClientError::WrongShape`], neither of which holds a value.
pub fn from_json(input: &InputType, json: &serde_json::Value) -> Result<Vec<Value>, ClientError> {
    match json {
        serde_json::Value::Object(object) => {
            if let Some(name) = object
                .keys()
                .find(|name| input.fields.iter().all(|field| field.name != **name))
            {
                return Err(wrong_fields(input, format!("`{name}` is none of them")));
            }
            let mut values = Vec::with_capacity(input.fields.len());
            for field in &input.fields {
                let missing = || wrong_fields(input, format!("`{}` is missing", field.name));
                let json = object.get(&field.name).ok_or_else(missing)?;
                values.push(value(field, json)?);
            }
            Ok(values)
        }
        serde_json::Value::Array(list) if list.len() == input.fields.len() => input
            .fields
            .iter()
            .zip(list)
            .map(|(field, json)| value(field, json))
            .collect(),
        bare => match input.fields.as_slice() {
            [field] => Ok(vec![value(field, bare)?]),
            _ => Err(wrong_fields(
                input,
                "give an object with these names, or a list in this order".into(),
            )),
        },
    }
}

fn value(field: &Field, json: &serde_json::Value) -> Result<Value, ClientError> {
    let wrong = || ClientError::WrongShape {
        field: field.name.clone(),
        expected: "true, false, an integer or a decimal, also as a string, or a list of these"
            .into(),
    };
    let fixed = field.kind.fraction() > 0;
    Ok(match json {
        serde_json::Value::Number(number) if fixed => Value::Decimal(number.to_string()),
        serde_json::Value::String(text) if fixed => Value::Decimal(text.clone()),
        serde_json::Value::Bool(bit) => Value::Bool(*bit),
        serde_json::Value::Number(number) => match (number.as_u64(), number.as_i64()) {
            (Some(v), _) => Value::Unsigned(v.into()),
            (None, Some(v)) => Value::Signed(v.into()),
            (None, None) => return Err(wrong()),
        },
        serde_json::Value::String(text) => integer(text).ok_or_else(wrong)?,
        serde_json::Value::Array(list) => {
            let values: Result<_, _> = list.iter().map(|json| value(field, json)).collect();
            Value::List(values?)
        }
        serde_json::Value::Null | serde_json::Value::Object(_) => return Err(wrong()),
    })
}

fn integer(text: &str) -> Option<Value> {
    if let Some(digits) = text.strip_prefix("0x") {
        // `from_str_radix` would take a sign.
        let hexadecimal = digits.bytes().all(|b| b.is_ascii_hexdigit());
        let value = u128::from_str_radix(digits, 16)
            .ok()
            .filter(|_| hexadecimal);
        return value.map(Value::Unsigned);
    }
    match text.parse::<u128>() {
        Ok(value) => Some(Value::Unsigned(value)),
        Err(_) => text.parse::<i128>().ok().map(Value::Signed),
    }
}
