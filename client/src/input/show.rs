//! Values of a type as JSON, the counterpart of [`super::from_json`].

use serde_json::{Map, Value};
use wire::kind::{Field, InputType, Kind};

use crate::ClientError;

/// An object with the fields of a value in the encoding of its type; fields of nested structs, which
/// have dots in their names, within objects. Integers of more than 32 bits and fixed point are strings
/// in decimal.
///
/// # Errors
/// [`ClientError::Wire`] if the bytes are no value of the type.
pub fn to_json(ty: &InputType, mut bytes: &[u8]) -> Result<Value, ClientError> {
    let malformed = || wire::WireError::Malformed {
        what: "secret value",
        why: format!("it is no {}", ty.name),
    };
    let mut object = Map::new();
    for field in &ty.fields {
        let len = field.len as usize;
        let own = bytes.split_at_checked(field.kind.bytes(len));
        let (own, rest) = own.ok_or_else(malformed)?;
        bytes = rest;
        let elements = field.kind.unpack(own, len).ok_or_else(malformed)?;
        put(&mut object, &field.name, of_field(field, &elements));
    }
    Ok(Value::Object(object))
}

fn of_field(field: &Field, elements: &[u128]) -> Value {
    let element = |bits: &u128| text(field.kind, *bits);
    match elements {
        [single] => element(single),
        several => several.iter().map(element).collect(),
    }
}

/// Puts a value where its name, with dots between the parts, says.
fn put(object: &mut Map<String, Value>, name: &str, value: Value) {
    match name.split_once('.') {
        Some((first, rest)) => {
            let inner = object.entry(first);
            if let Value::Object(inner) = inner.or_insert_with(|| Value::Object(Map::new())) {
                put(inner, rest, value);
            }
        }
        None => {
            object.insert(name.to_owned(), value);
        }
    }
}

fn text(kind: Kind, bits: u128) -> Value {
    let shift = 128 - kind.bits();
    let signed = (bits << shift).cast_signed() >> shift;
    match kind {
        Kind::Bool => Value::Bool(bits == 1),
        Kind::Fixed64(_) | Kind::Fixed128(_) => Value::String(decimal(signed, kind.fraction())),
        _ if kind.bits() <= 32 && kind.is_signed() => Value::from(signed as i64),
        _ if kind.bits() <= 32 => Value::from(bits as u64),
        _ if kind.is_signed() => Value::String(signed.to_string()),
        _ => Value::String(bits.to_string()),
    }
}

/// Units of 2^−fraction as a decimal, exactly.
fn decimal(units: i128, fraction: u32) -> String {
    let sign = if units < 0 { "-" } else { "" };
    let magnitude = units.unsigned_abs();
    let mask = (1_u128 << fraction) - 1;
    let mut text = format!("{sign}{}", magnitude >> fraction);
    let mut rest = magnitude & mask;
    if rest > 0 {
        text.push('.');
    }
    while rest > 0 {
        // Below 2^126, so times 10 may not fit: in two steps.
        let (high, low) = (rest >> 64, rest & u128::from(u64::MAX));
        let low = low * 10;
        let high = high * 10 + (low >> 64);
        let low = low & u128::from(u64::MAX);
        let digit = if fraction >= 64 {
            high >> (fraction - 64)
        } else {
            (high << (64 - fraction)) | (low >> fraction)
        };
        text.push(char::from(b'0' + digit as u8));
        rest = if fraction >= 64 {
            ((high & ((1 << (fraction - 64)) - 1)) << 64) | low
        } else {
            low & mask
        };
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::input::{encode, from_json};

    #[test]
    fn what_is_shown_is_what_was_given() {
        let field = |name: &str, kind, len| Field {
            name: name.into(),
            kind,
            len,
        };
        let ty = InputType {
            name: "Row".into(),
            fields: vec![
                field("won", Kind::Bool, 3),
                field("terms.days", Kind::I8, 1),
                field("terms.sizes", Kind::U64, 2),
                field("rate", Kind::Fixed64(16), 1),
                field("wide", Kind::Fixed128(100), 2),
                field("all", Kind::I128, 1),
            ],
        };
        let shown = json!({
            "won": [true, false, true],
            "terms": { "days": -3, "sizes": ["7", "18446744073709551615"] },
            "rate": "-1.25",
            "wide": ["0.5", "-100000.0009765625"],
            "all": i128::MIN.to_string(),
        });
        let values = from_json(&ty, &shown).unwrap();
        let bytes = encode(&ty, &values).unwrap();
        assert_eq!(to_json(&ty, &bytes).unwrap(), shown);
        assert!(to_json(&ty, &bytes[1..]).is_err());
    }
}
