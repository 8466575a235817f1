//! Secret inputs: from values to bytes, and from bytes to sealed shares.

mod fixed;
mod json;
mod show;

use alloy_primitives::{Address, B256};
use wire::{
    committee::Committee,
    kind::{Field, InputType, Kind},
    limits::INPUT_BYTES,
    seal_keys::SealKeys,
    sealed::{self, Binding, SealedInput, Seed},
};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::ClientError;
use fixed::NotFixed;
pub use json::from_json;
pub use show::to_json;

/// The value of one field. Erased on drop, never printed.
#[derive(Zeroize, ZeroizeOnDrop, PartialEq, Eq)]
pub enum Value {
    /// For `bool`.
    Bool(bool),
    /// For any integer that it fits, and for fixed point.
    Unsigned(u128),
    /// For any integer that it fits, and for fixed point.
    Signed(i128),
    /// For fixed point: a decimal like `-1.25`, which is rounded to the nearest unit, halves away
    /// from zero.
    Decimal(String),
    /// For a field of several elements, one value each.
    List(Vec<Value>),
}

impl std::fmt::Debug for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Value(<redacted>)")
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

macro_rules! from_integers {
    ($variant:ident: $($integer:ty),*) => {
        $(impl From<$integer> for Value {
            fn from(value: $integer) -> Self {
                Self::$variant(value.into())
            }
        })*
    };
}
from_integers!(Unsigned: u8, u16, u32, u64, u128);
from_integers!(Signed: i8, i16, i32, i64, i128);

impl<T: Into<Self>> From<Vec<T>> for Value {
    fn from(values: Vec<T>) -> Self {
        Self::List(values.into_iter().map(Into::into).collect())
    }
}

/// Encodes one value per field, in the order of the fields, as [`Kind::bytes`] says.
///
/// # Errors
/// [`ClientError::WrongFields`], [`ClientError::WrongShape`], [`ClientError::OutOfRange`], none of
/// which holds a value.
pub fn encode(input: &InputType, values: &[Value]) -> Result<Zeroizing<Vec<u8>>, ClientError> {
    if values.len() != input.fields.len() {
        let (given, count) = (values.len(), input.fields.len());
        return Err(wrong_fields(
            input,
            format!("{given} values were given for {count}"),
        ));
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(input.bytes()));
    for (field, value) in input.fields.iter().zip(values) {
        encode_field(field, value, &mut bytes)?;
    }
    Ok(bytes)
}

fn encode_field(
    field: &Field,
    value: &Value,
    bytes: &mut Zeroizing<Vec<u8>>,
) -> Result<(), ClientError> {
    let single = std::slice::from_ref(value);
    let elements = match value {
        Value::List(list) => list.as_slice(),
        _ if field.len == 1 => single,
        _ => return Err(wrong_shape(field)),
    };
    if elements.len() != field.len as usize {
        return Err(wrong_shape(field));
    }
    if field.kind == Kind::Bool {
        for eight in elements.chunks(8) {
            let mut packed = 0;
            for (place, element) in eight.iter().enumerate() {
                let Value::Bool(bit) = element else {
                    return Err(wrong_shape(field));
                };
                packed |= u8::from(*bit) << place;
            }
            bytes.push(packed);
        }
        return Ok(());
    }
    let width = field.kind.bytes(1);
    for (place, element) in elements.iter().enumerate() {
        let ring = integer(field, place, element)?;
        bytes.extend_from_slice(&ring.to_le_bytes()[..width]);
    }
    Ok(())
}

/// The element of Z_2^128 whose low bits are this integer in the ring of its field.
fn integer(field: &Field, place: usize, value: &Value) -> Result<u128, ClientError> {
    let kind = field.kind;
    let (fits, ring) = if kind.fraction() > 0 {
        let most = (kind.mask() >> 1).cast_signed();
        let units = units(field, value)?.filter(|v| (-most - 1..=most).contains(v));
        (units.is_some(), units.unwrap_or(0).cast_unsigned())
    } else if kind.is_signed() {
        let most = (kind.mask() >> 1).cast_signed();
        let value = match value {
            Value::Signed(v) => Some(*v),
            Value::Unsigned(v) => i128::try_from(*v).ok(),
            _ => return Err(wrong_shape(field)),
        };
        let value = value.filter(|v| (-most - 1..=most).contains(v));
        (value.is_some(), value.unwrap_or(0).cast_unsigned())
    } else {
        let value = match value {
            Value::Unsigned(v) => Some(*v),
            Value::Signed(v) => u128::try_from(*v).ok(),
            _ => return Err(wrong_shape(field)),
        };
        let value = value.filter(|v| *v <= kind.mask());
        (value.is_some(), value.unwrap_or(0))
    };
    if fits {
        return Ok(ring);
    }
    let name = &field.name;
    Err(ClientError::OutOfRange {
        field: if field.len == 1 {
            name.clone()
        } else {
            format!("{name}[{place}]")
        },
        range: range(kind),
    })
}

/// The units of a fixed-point number; none if they do not fit 128 bits.
fn units(field: &Field, value: &Value) -> Result<Option<i128>, ClientError> {
    let fraction = field.kind.fraction();
    let whole = |number: Option<i128>| number.and_then(|v| v.checked_mul(1 << fraction));
    match value {
        Value::Unsigned(v) => Ok(whole(i128::try_from(*v).ok())),
        Value::Signed(v) => Ok(whole(Some(*v))),
        Value::Decimal(text) => match fixed::units(text, fraction) {
            Ok(units) => Ok(Some(units)),
            Err(NotFixed::Range) => Ok(None),
            Err(NotFixed::Syntax) => Err(wrong_shape(field)),
        },
        Value::Bool(_) | Value::List(_) => Err(wrong_shape(field)),
    }
}

fn range(kind: Kind) -> String {
    if kind.fraction() > 0 {
        let whole = kind.bits() - 1 - kind.fraction();
        let fraction = kind.fraction();
        format!("-2^{whole} up to below 2^{whole}, in steps of 2^-{fraction}")
    } else if kind.is_signed() {
        let most = (kind.mask() >> 1).cast_signed();
        format!("{} to {most}", -most - 1)
    } else {
        format!("0 to {}", kind.mask())
    }
}

fn wrong_shape(field: &Field) -> ClientError {
    let one = match field.kind {
        Kind::Bool => "true or false".to_owned(),
        kind if kind.fraction() > 0 => format!("a decimal, {}", range(kind)),
        kind => format!("an integer, {}", range(kind)),
    };
    ClientError::WrongShape {
        field: field.name.clone(),
        expected: match field.len {
            1 => one,
            len => format!("a list of {len} elements, each {one}"),
        },
    }
}

fn wrong_fields(input: &InputType, problem: String) -> ClientError {
    let names: Vec<_> = input.fields.iter().map(|f| f.name.as_str()).collect();
    ClientError::WrongFields {
        input: input.name.clone(),
        expected: names.join(", "),
        problem,
    }
}

/// Who sends an input, and where to: what its seal is bound to.
#[derive(Clone, Copy, Debug)]
pub struct Destination<'a> {
    /// The cluster. Take it from a source that you trust, not from the node that you talk to:
    /// whoever chooses the sealing keys can read the input.
    pub committee: &'a Committee,
    /// Its sealing keys, as [`SealKeys::check`] found them to be signed.
    pub keys: &'a SealKeys,
    /// The contract.
    pub contract: Address,
    /// keccak-256 of its code.
    pub code_hash: B256,
    /// Number of the input type in the contract's description.
    pub input_number: u32,
    /// The input type.
    pub input: &'a InputType,
    /// Who will sign the transaction.
    pub sender: Address,
    /// Nonce of that transaction.
    pub nonce: u64,
}

impl Destination<'_> {
    /// What the sealed parts are bound to.
    ///
    /// # Errors
    /// [`wire::WireError::TooLong`] if the type is larger than an input may be.
    pub fn binding(&self) -> Result<Binding, ClientError> {
        let actual = self.input.bytes();
        let too_long = wire::WireError::TooLong {
            what: "input",
            actual,
            limit: INPUT_BYTES,
        };
        let length = u32::try_from(actual).map_err(|_| too_long.clone())?;
        if actual > INPUT_BYTES {
            return Err(too_long.into());
        }
        Ok(Binding {
            chain_id: self.committee.chain_id,
            epoch: self.committee.epoch,
            key_epoch: self.keys.epoch,
            contract: self.contract,
            code_hash: self.code_hash,
            sender: self.sender,
            nonce: self.nonce,
            input: self.input_number,
            length,
        })
    }
}

/// Shares an encoded input with four fresh seeds from `random` and seals them to the nodes.
///
/// `random` must be a cryptographic source that was never used for another input.
///
/// # Errors
/// [`ClientError::Wire`] if `encoded` does not have the length of the type.
pub fn seal(
    to: &Destination<'_>,
    encoded: &[u8],
    random: &mut impl rand::CryptoRng,
) -> Result<SealedInput, ClientError> {
    let seeds = std::array::from_fn(|_| {
        let mut bytes = Zeroizing::new([0; 32]);
        random.fill_bytes(bytes.as_mut_slice());
        Seed::new(*bytes)
    });
    let binding = to.binding()?;
    Ok(sealed::seal(
        to.keys, &binding, to.input, encoded, &seeds, random,
    )?)
}

#[cfg(test)]
mod tests;
