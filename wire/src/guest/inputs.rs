//! What a contract says about its accepted inputs: over which of them a computation runs, and which
//! are deleted.

use alloy_primitives::{Address, B256};

use crate::{
    WireError,
    limits::{START_ARGUMENT_BYTES, START_INPUTS},
};

/// Some of the accepted inputs of a contract.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Selection {
    /// All of them, whatever their group.
    #[default]
    All,
    /// Those of one group.
    Group(u64),
    /// Those with these sequences, in ascending order; at most [`START_INPUTS`].
    Inputs(Vec<u64>),
}

/// How a computation is started. Encoded in the order of its fields, integers big-endian: a byte for
/// `delete_after`; the selection as a byte 0, as a byte 1 and the group, or as a byte 2, how many
/// inputs there are in 4 bytes and 8 bytes for each; the arguments up to the end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StartOptions {
    /// 32 bytes in the attestation, by which L1 can tell for what it was made.
    pub context: B256,
    /// Who may read what the computation gives to its reader; zero if nobody.
    pub reader: Address,
    /// Whether its inputs are deleted once it is attested.
    pub delete_after: bool,
    /// Over which inputs it runs.
    pub selection: Selection,
    /// Its ABI-encoded public arguments; at most [`START_ARGUMENT_BYTES`].
    pub arguments: Vec<u8>,
}

/// Accepted inputs that are deleted. Encoded as a byte 1, the number of the type in 4 bytes and the
/// group, or as a byte 2, how many inputs there are in 4 bytes and 8 bytes for each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deletion {
    /// Those of a type and group.
    Group {
        /// Number of the type.
        number: u32,
        /// The group.
        group: u64,
    },
    /// Those with these sequences, in ascending order; at most [`START_INPUTS`].
    Inputs(Vec<u64>),
}

/// Most bytes of an encoded [`Deletion`].
pub const DELETION_BYTES: usize = 1 + 4 + 8 * START_INPUTS;

/// Most bytes of encoded [`StartOptions`].
pub const START_BYTES: usize = 32 + 20 + 1 + 1 + 4 + 8 * START_INPUTS + START_ARGUMENT_BYTES;

const START: &str = "the options of a computation";
const DELETION: &str = "a deletion of inputs";
const ALL: u8 = 0;
const GROUP: u8 = 1;
const INPUTS: u8 = 2;

impl StartOptions {
    /// Encodes them.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = self.context.to_vec();
        bytes.extend_from_slice(self.reader.as_slice());
        bytes.push(u8::from(self.delete_after));
        match &self.selection {
            Selection::All => bytes.push(ALL),
            Selection::Group(group) => {
                bytes.push(GROUP);
                bytes.extend_from_slice(&group.to_be_bytes());
            }
            Selection::Inputs(inputs) => {
                bytes.push(INPUTS);
                push_list(inputs, &mut bytes);
            }
        }
        bytes.extend_from_slice(&self.arguments);
        bytes
    }

    /// Decodes them.
    ///
    /// # Errors
    /// [`WireError::TooLong`] and [`WireError::Malformed`].
    pub fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        let mut reader = Reader {
            what: START,
            rest: bytes,
        };
        let context = B256::new(reader.take()?);
        let address = Address::new(reader.take()?);
        let delete_after = match reader.byte()? {
            0 => false,
            1 => true,
            _ => return Err(malformed(START, "a flag is neither 0 nor 1")),
        };
        let selection = match reader.byte()? {
            ALL => Selection::All,
            GROUP => Selection::Group(reader.number()?),
            INPUTS => Selection::Inputs(reader.list()?),
            _ => return Err(malformed(START, "no selection has this number")),
        };
        at_most(
            "the arguments of a computation",
            reader.rest.len(),
            START_ARGUMENT_BYTES,
        )?;
        Ok(Self {
            context,
            reader: address,
            delete_after,
            selection,
            arguments: reader.rest.to_vec(),
        })
    }
}

impl Deletion {
    /// Encodes it.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        match self {
            Self::Group { number, group } => {
                bytes.push(GROUP);
                bytes.extend_from_slice(&number.to_be_bytes());
                bytes.extend_from_slice(&group.to_be_bytes());
            }
            Self::Inputs(inputs) => {
                bytes.push(INPUTS);
                push_list(inputs, &mut bytes);
            }
        }
        bytes
    }

    /// Decodes it.
    ///
    /// # Errors
    /// [`WireError::TooLong`] and [`WireError::Malformed`].
    pub fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        let mut reader = Reader {
            what: DELETION,
            rest: bytes,
        };
        let deletion = match reader.byte()? {
            GROUP => Self::Group {
                number: u32::from_be_bytes(reader.take()?),
                group: reader.number()?,
            },
            INPUTS => Self::Inputs(reader.list()?),
            _ => return Err(malformed(DELETION, "no selection has this number")),
        };
        if !reader.rest.is_empty() {
            return Err(malformed(DELETION, "it goes on after its end"));
        }
        Ok(deletion)
    }
}

fn push_list(inputs: &[u64], bytes: &mut Vec<u8>) {
    let count = u32::try_from(inputs.len()).unwrap_or(u32::MAX);
    bytes.extend_from_slice(&count.to_be_bytes());
    for input in inputs {
        bytes.extend_from_slice(&input.to_be_bytes());
    }
}

fn malformed(what: &'static str, why: &str) -> WireError {
    let why = why.into();
    WireError::Malformed { what, why }
}

fn at_most(what: &'static str, actual: usize, limit: usize) -> Result<(), WireError> {
    if actual > limit {
        return Err(WireError::TooLong {
            what,
            actual,
            limit,
        });
    }
    Ok(())
}

/// Bytes that are being decoded.
struct Reader<'a> {
    what: &'static str,
    rest: &'a [u8],
}

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], WireError> {
        let (front, rest) = self
            .rest
            .split_first_chunk()
            .ok_or_else(|| malformed(self.what, "it ends too early"))?;
        self.rest = rest;
        Ok(*front)
    }

    fn byte(&mut self) -> Result<u8, WireError> {
        let [byte] = self.take()?;
        Ok(byte)
    }

    fn number(&mut self) -> Result<u64, WireError> {
        self.take().map(u64::from_be_bytes)
    }

    fn list(&mut self) -> Result<Vec<u64>, WireError> {
        let count = u32::from_be_bytes(self.take()?) as usize;
        at_most("a list of inputs", count, START_INPUTS)?;
        let inputs = (0..count)
            .map(|_| self.number())
            .collect::<Result<Vec<_>, _>>()?;
        if inputs.windows(2).any(|pair| pair[0] >= pair[1]) {
            return Err(malformed(
                self.what,
                "its inputs are not in ascending order",
            ));
        }
        Ok(inputs)
    }
}
