//! Values from JSON, for command lines and files.

use wire::kind::{Field, InputType};

use super::{Value, wrong_fields};
use crate::ClientError;

/// Reads one value per field of `input` from an object with the names of the fields, from a list
/// in their order, or, if there is one field of one element, from the bare value.
///
/// What has dots in its name is a field of a struct within the input: `terms.days` may be given by
/// that name, or as the field `days` of an object `terms`. An array of structs is a list of objects.
/// Lists in lists are put together.
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
        serde_json::Value::Object(_) => {
            let mut reader = Reader::new(input);
            reader.read("", json)?;
            reader.finish()
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

/// Gathers the elements of each field from objects within objects.
struct Reader<'a> {
    input: &'a InputType,
    elements: Vec<Vec<Value>>,
}

impl<'a> Reader<'a> {
    fn new(input: &'a InputType) -> Self {
        let elements = input.fields.iter().map(|_| Vec::new()).collect();
        Self { input, elements }
    }

    /// Reads what stands at this place: a field, or a struct of fields, or a list of such structs.
    fn read(&mut self, at: &str, json: &serde_json::Value) -> Result<(), ClientError> {
        let input = self.input;
        let mut fields = input.fields.iter().zip(&mut self.elements);
        if let Some((field, elements)) = fields.find(|(field, _)| field.name == at) {
            if elements.len() >= field.len as usize {
                return Err(self.wrong(format!("`{at}` is given twice")));
            }
            return push(field, json, elements);
        }
        if !input.fields.iter().any(|field| is_in(field, at)) {
            return Err(self.wrong(format!("`{at}` is none of them")));
        }
        match json {
            serde_json::Value::Object(object) => {
                for (name, json) in object {
                    let dot = if at.is_empty() { "" } else { "." };
                    self.read(&[at, dot, name].concat(), json)?;
                }
                Ok(())
            }
            serde_json::Value::Array(list) if !at.is_empty() => {
                for (place, json) in list.iter().enumerate() {
                    if !json.is_object() {
                        return Err(self.wrong(format!("`{at}` is a list of objects")));
                    }
                    self.read(at, json)?;
                    self.check_elements(at, place + 1, list.len())?;
                }
                Ok(())
            }
            _ => Err(self.wrong(format!("`{at}` is an object with its fields"))),
        }
    }

    /// Whether the first of so many structs at this place have given their part of each field.
    fn check_elements(&self, at: &str, given: usize, of: usize) -> Result<(), ClientError> {
        let fields = self.input.fields.iter().zip(&self.elements);
        for (field, elements) in fields.filter(|(field, _)| is_in(field, at)) {
            if elements.len() * of != field.len as usize * given {
                let (name, given) = (&field.name, given - 1);
                return Err(self.wrong(format!("`{name}` is missing in `{at}` number {given}")));
            }
        }
        Ok(())
    }

    fn finish(self) -> Result<Vec<Value>, ClientError> {
        let mut fields = self.input.fields.iter().zip(&self.elements);
        if let Some((field, _)) = fields.find(|(_, elements)| elements.is_empty()) {
            return Err(self.wrong(format!("`{}` is missing", field.name)));
        }
        Ok(self.elements.into_iter().map(Value::List).collect())
    }

    fn wrong(&self, problem: String) -> ClientError {
        wrong_fields(self.input, problem)
    }
}

/// Whether a field belongs to the struct at this place; all belong to the input, which has no name.
fn is_in(field: &Field, at: &str) -> bool {
    let rest = field.name.strip_prefix(at);
    at.is_empty() || rest.is_some_and(|rest| rest.starts_with('.'))
}

fn value(field: &Field, json: &serde_json::Value) -> Result<Value, ClientError> {
    if !json.is_array() {
        return single(field, json);
    }
    let mut elements = Vec::new();
    push(field, json, &mut elements)?;
    Ok(Value::List(elements))
}

/// Appends an element, or those of a list.
fn push(
    field: &Field,
    json: &serde_json::Value,
    elements: &mut Vec<Value>,
) -> Result<(), ClientError> {
    match json {
        serde_json::Value::Array(list) => {
            list.iter().try_for_each(|json| push(field, json, elements))
        }
        _ => {
            elements.push(single(field, json)?);
            Ok(())
        }
    }
}

fn single(field: &Field, json: &serde_json::Value) -> Result<Value, ClientError> {
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
        serde_json::Value::Array(_) | serde_json::Value::Null | serde_json::Value::Object(_) => {
            return Err(wrong());
        }
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
