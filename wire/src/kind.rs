//! Types of secret values, and the layout of a secret input.

use serde::{Deserialize, Deserializer, Serialize, de::Error as _};

/// Type of the elements of a secret value.
///
/// Integers live in the ring Z_2^k of their width k, booleans in Z_2. Whether a comparison, a
/// widening cast or a right shift is signed follows from the kind. Fixed point is a signed integer
/// that counts units of 2^−f, for f declared fraction bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[repr(u8)]
#[expect(missing_docs, reason = "Rust's own names")]
pub enum Kind {
    Bool = 0,
    U8 = 1,
    U16 = 2,
    U32 = 3,
    U64 = 4,
    U128 = 5,
    I8 = 6,
    I16 = 7,
    I32 = 8,
    I64 = 9,
    I128 = 10,
    /// Signed 64-bit fixed point: units of 2^−f for this f, 1 to 62.
    Fixed64(u8) = 11,
    /// Signed 128-bit fixed point: units of 2^−f for this f, 1 to 126.
    Fixed128(u8) = 12,
}

impl Kind {
    /// Booleans and integers, in the order of their codes.
    pub const ALL: [Self; 11] = [
        Self::Bool,
        Self::U8,
        Self::U16,
        Self::U32,
        Self::U64,
        Self::U128,
        Self::I8,
        Self::I16,
        Self::I32,
        Self::I64,
        Self::I128,
    ];

    /// The kind with this code in the guest ABI.
    #[must_use]
    pub fn from_code(code: u32) -> Option<Self> {
        let [kind, fraction, 0, 0] = code.to_le_bytes() else {
            return None;
        };
        match (kind, fraction) {
            (11, 1..=62) => Some(Self::Fixed64(fraction)),
            (12, 1..=126) => Some(Self::Fixed128(fraction)),
            (_, 0) => Self::ALL.get(usize::from(kind)).copied(),
            _ => None,
        }
    }

    /// Whether the number of fraction bits is one of those that the kind can have. A kind that was
    /// decoded may not be.
    #[must_use]
    pub const fn is_valid(self) -> bool {
        match self {
            Self::Fixed64(fraction) => matches!(fraction, 1..=62),
            Self::Fixed128(fraction) => matches!(fraction, 1..=126),
            _ => true,
        }
    }

    /// Its code in the guest ABI: the number of the variant, and the fraction bits << 8.
    #[must_use]
    pub const fn code(self) -> u32 {
        match self {
            Self::Bool => 0,
            Self::U8 => 1,
            Self::U16 => 2,
            Self::U32 => 3,
            Self::U64 => 4,
            Self::U128 => 5,
            Self::I8 => 6,
            Self::I16 => 7,
            Self::I32 => 8,
            Self::I64 => 9,
            Self::I128 => 10,
            Self::Fixed64(fraction) => 11 | (fraction as u32) << 8,
            Self::Fixed128(fraction) => 12 | (fraction as u32) << 8,
        }
    }

    /// Fraction bits; 0 for booleans and integers.
    #[must_use]
    pub const fn fraction(self) -> u32 {
        match self {
            Self::Fixed64(fraction) | Self::Fixed128(fraction) => fraction as u32,
            _ => 0,
        }
    }

    /// The integer by which it is represented: itself, but for fixed point.
    #[must_use]
    pub const fn integer(self) -> Self {
        match self {
            Self::Fixed64(_) => Self::I64,
            Self::Fixed128(_) => Self::I128,
            kind => kind,
        }
    }

    /// Width of an element, in bits.
    #[must_use]
    pub const fn bits(self) -> u32 {
        match self {
            Self::Bool => 1,
            Self::U8 | Self::I8 => 8,
            Self::U16 | Self::I16 => 16,
            Self::U32 | Self::I32 => 32,
            Self::U64 | Self::I64 | Self::Fixed64(_) => 64,
            Self::U128 | Self::I128 | Self::Fixed128(_) => 128,
        }
    }

    /// Whether this is a signed integer.
    #[must_use]
    pub const fn is_signed(self) -> bool {
        matches!(
            self,
            Self::I8
                | Self::I16
                | Self::I32
                | Self::I64
                | Self::I128
                | Self::Fixed64(_)
                | Self::Fixed128(_)
        )
    }

    /// Bits that an element may have set: `2^bits − 1`.
    #[must_use]
    pub const fn mask(self) -> u128 {
        u128::MAX >> (128 - self.bits())
    }

    /// Bytes of `count` elements: integers little-endian one after another, booleans packed eight
    /// to a byte, lowest bit first, unused bits zero.
    #[must_use]
    pub const fn bytes(self, count: usize) -> usize {
        match self {
            Self::Bool => count.div_ceil(8),
            _ => count * (self.bits() as usize / 8),
        }
    }

    /// Encodes the lowest [`Self::bits`] of each value as [`Self::bytes`] says.
    #[must_use]
    pub fn pack(self, values: &[u128]) -> Vec<u8> {
        if self == Self::Bool {
            let eight = |bits: &[u128]| {
                let places = bits.iter().enumerate();
                places.fold(0, |byte, (place, bit)| byte | ((*bit & 1) as u8) << place)
            };
            return values.chunks(8).map(eight).collect();
        }
        let width = self.bytes(1);
        let bytes = values
            .iter()
            .flat_map(|v| v.to_le_bytes().into_iter().take(width));
        bytes.collect()
    }

    /// Decodes what [`Self::pack`] makes of `count` values, and nothing else.
    #[must_use]
    pub fn unpack(self, bytes: &[u8], count: usize) -> Option<Vec<u128>> {
        if bytes.len() != self.bytes(count) {
            return None;
        }
        if self == Self::Bool {
            let bit = |i: usize| Some(u128::from(bytes.get(i / 8)? >> (i % 8) & 1));
            let values: Vec<u128> = (0..count).map(bit).collect::<Option<_>>()?;
            return (self.pack(&values) == bytes).then_some(values);
        }
        let number = |element: &[u8]| {
            let low_first = element.iter().rev();
            low_first.fold(0, |number, byte| number << 8 | u128::from(*byte))
        };
        Some(bytes.chunks_exact(self.bytes(1)).map(number).collect())
    }
}

/// One field of a secret input: `len` elements of one kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Field {
    /// Its name in the contract's source.
    pub name: String,
    /// Type of its elements.
    #[serde(deserialize_with = "valid_kind")]
    pub kind: Kind,
    /// How many elements: 1 for a scalar.
    pub len: u32,
}

/// Decodes a kind, and refuses numbers of fraction bits that it cannot have.
fn valid_kind<'de, D: Deserializer<'de>>(decoder: D) -> Result<Kind, D::Error> {
    let kind = Kind::deserialize(decoder)?;
    if kind.is_valid() {
        return Ok(kind);
    }
    let fraction = kind.fraction();
    Err(D::Error::custom(format!(
        "{fraction} fraction bits: there are 1 to 62 of 64-bit and 1 to 126 of 128-bit fixed point"
    )))
}

/// A secret input type that a contract declares.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputType {
    /// Its name in the contract's source.
    pub name: String,
    /// Its fields in order; each starts at a byte boundary of the encoding.
    pub fields: Vec<Field>,
}

impl InputType {
    /// Bytes of the masked encoding of one input: the fields one after another.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.fields
            .iter()
            .map(|field| field.kind.bytes(field.len as usize))
            .sum()
    }
}
