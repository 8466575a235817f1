//! Programs: vector circuits in single-assignment form.
//!
//! A [`Program`] is built by a [`ProgramBuilder`], which checks types as it goes, and cannot exist
//! ill-typed: decoding one builds it anew.
//!
//! Operations are those of [`wire::secret::Op`], and [`crate::clear`] is what they mean. Integers
//! wrap in the ring of their kind; one operand of length 1 is spread over the length of the others.
//! Booleans have `and or xor not eq lt le select count slice concat`, where false is less than
//! true, and the cast to an integer; they have no arithmetic and no shifts. There is no cast from
//! an integer to a boolean, as in Rust: compare with 0.
//!
//! Fixed point of k bits with f fraction bits holds −2^(k−1−f) ≤ x < 2^(k−1−f) in units of 2^−f. Sums,
//! differences, remainders, comparisons, `scale` and `abs` are exact; they wrap like the integers that
//! count the units. With one unit u = 2^−f:
//!
//! | Operation | Result | Holds for |
//! | --- | --- | --- |
//! | `mul` | x·y, less than u too small | −2^(k−1−2f) ≤ x·y < 2^(k−1−2f) |
//! | `dot` | Σxᵢ·yᵢ, less than u too small in all | likewise for the sum; terms may exceed it |
//! | `div` | x/y, less than u too close to 0 | −2^(k−1−2f) ≤ x < 2^(k−1−2f), y ≠ 0 |
//! | `cast` to fewer fraction bits | x, less than the new unit too small | the result's range |
//! | `cast` to at least as many | x | the result's range |
//!
//! Beyond that products wrap before they are shifted. The larger f, the narrower the range: take
//! `Fixed128` where 2f + 1 plus the bits of the integer part exceed 64.

mod builder;
mod opened;
#[cfg(test)]
mod tests;
pub(crate) mod typing;

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use wire::{kind::Kind, secret::Op};

use crate::{Amounts, Explanation, ProgramError, circuit::Circuit, plan::Plan, schedule::Layout};

pub use builder::ProgramBuilder;
pub use opened::{decode_opened, encode_opened};

/// Who is absent where it makes no difference.
const ABSENT: u8 = 3;

/// Handle of a value in a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ValueId(pub u32);

impl ValueId {
    pub(crate) const fn index(self) -> usize {
        self.0 as usize
    }
}

/// Names a column: one element of one field over all inputs of a type, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ColumnId {
    /// Number of the input type in the contract's description.
    pub input_type: u32,
    /// Number of the field in the type.
    pub field: u32,
    /// Number of the element in the field; 0 for a scalar.
    pub element: u32,
}

/// A column that a program reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Column {
    /// Which one.
    pub id: ColumnId,
    /// Kind of its elements.
    pub kind: Kind,
    /// How many elements, which is how many inputs.
    pub len: usize,
}

/// Kind and length of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Form {
    pub(crate) kind: Kind,
    pub(crate) len: usize,
}

/// One value of a program, by how it comes about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Node {
    /// The column with this place in the list of columns.
    Input(u32),
    /// `len` times the same public value.
    Constant { kind: Kind, value: u128, len: usize },
    /// An operation; unused operands are 0.
    Apply {
        op: Op,
        operands: [ValueId; 3],
        immediate: u64,
    },
    /// Public values, element by element.
    Public { kind: Kind, values: Vec<u128> },
}

impl Node {
    /// The operands of the value, none for inputs and constants.
    pub(crate) fn operands(&self) -> &[ValueId] {
        match self {
            Self::Apply { op, operands, .. } => &operands[..op.operands()],
            _ => &[],
        }
    }
}

/// A well-typed secret program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Encoded", into = "Encoded")]
pub struct Program {
    columns: Vec<Column>,
    nodes: Vec<Node>,
    forms: Vec<Form>,
    revealed: Vec<ValueId>,
    layout: Arc<Layout>,
    plan: Plan,
}

/// What is encoded of a program: forms, circuit and plan follow from the rest.
#[derive(Serialize, Deserialize)]
struct Encoded {
    columns: Vec<Column>,
    nodes: Vec<Node>,
    revealed: Vec<ValueId>,
}

impl From<Program> for Encoded {
    fn from(program: Program) -> Self {
        Self {
            columns: program.columns,
            nodes: program.nodes,
            revealed: program.revealed,
        }
    }
}

impl TryFrom<Encoded> for Program {
    type Error = ProgramError;

    fn try_from(encoded: Encoded) -> Result<Self, ProgramError> {
        let mut builder = ProgramBuilder::new();
        for node in &encoded.nodes {
            match node {
                Node::Input(column) => {
                    let column = encoded
                        .columns
                        .get(*column as usize)
                        .ok_or(ProgramError::NoSuchValue { value: *column })?;
                    builder.input(column.id, column.kind, column.len)?;
                }
                Node::Constant { kind, value, len } => {
                    builder.constant(*kind, *value, *len)?;
                }
                Node::Public { kind, values } => {
                    builder.public(*kind, values)?;
                }
                Node::Apply { op, immediate, .. } => {
                    builder.apply(*op, node.operands(), *immediate)?;
                }
            }
        }
        for value in encoded.revealed {
            builder.reveal(value)?;
        }
        builder.finish()
    }
}

impl Program {
    /// The hash of its canonical encoding: equal programs, and only they, have equal hashes.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new_derive_key("quartet v1 program");
        hasher.update(&wire::codec::encode(self));
        *hasher.finalize().as_bytes()
    }

    /// The columns that it reads, in the order in which their values are to be given.
    #[must_use]
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// Kind and length of each value that it opens, in order.
    #[must_use]
    pub fn outputs(&self) -> Vec<(Kind, usize)> {
        let form = |v: &ValueId| (self.forms[v.index()].kind, self.forms[v.index()].len);
        self.revealed.iter().map(form).collect()
    }

    /// What running it costs: rounds, bytes and memory.
    #[must_use]
    pub fn plan(&self) -> Plan {
        self.plan.clone()
    }

    /// What an attempt with three parties takes of the reserve, whoever is absent. Seeds are not among
    /// it: a computation whose result [is random](Self::is_random) takes one, for all its attempts.
    #[must_use]
    pub fn reserve_need(&self) -> Amounts {
        self.layout.without(ABSENT).reserve_need()
    }

    /// What an attempt with three parties costs: here without the last one, and alike without any
    /// other.
    #[must_use]
    pub fn reserve_plan(&self) -> Plan {
        Plan::of(self.layout.without(ABSENT))
    }

    /// What it does and what each part costs, for people to read.
    #[must_use]
    pub fn explain(&self) -> Explanation {
        Explanation::of(self)
    }

    /// Whether anything that it opens depends on random values or random orders, so that two runs on
    /// the same inputs can open different values. Sorting does not, though it is done with random orders.
    #[must_use]
    pub fn is_random(&self) -> bool {
        let mut random = Vec::with_capacity(self.nodes.len());
        for node in &self.nodes {
            let own = matches!(
                node,
                Node::Apply {
                    op: Op::Shuffle | Op::Random | Op::RandomBelow | Op::RandomPermutation,
                    ..
                }
            );
            random.push(own || node.operands().iter().any(|v| random[v.index()]));
        }
        self.revealed.iter().any(|v| random[v.index()])
    }

    pub(crate) fn circuit(&self) -> &Circuit {
        self.layout.circuit()
    }

    pub(crate) const fn layout(&self) -> &Arc<Layout> {
        &self.layout
    }

    /// The layout for a session with all four, or without one.
    pub(crate) fn layout_without(&self, absent: Option<u8>) -> Arc<Layout> {
        match absent {
            None => self.layout.clone(),
            Some(absent) => self.layout.without(absent).clone(),
        }
    }

    pub(crate) fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    pub(crate) fn forms(&self) -> &[Form] {
        &self.forms
    }

    pub(crate) fn revealed(&self) -> &[ValueId] {
        &self.revealed
    }
}
