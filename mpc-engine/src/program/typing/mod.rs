//! The type rules of operations, by groups.

mod basic;
mod integer;
mod random;
mod vector;

use wire::{kind::Kind, secret::Op};

use super::Form;
use crate::ProgramError;

pub(crate) use random::check_bound;
pub(crate) use vector::indices;

/// What belongs together: each group has its type rules, its meaning in clear text, and its gates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Group {
    /// Arithmetic, comparison, selection, and moving lanes.
    Basic,
    /// Division, bits and powers of integers, lane by lane.
    Integer,
    /// Searches, sums and look-ups over the elements of a vector.
    Vector,
    /// Orders, permutations and random values.
    Random,
}

impl Group {
    pub(crate) const fn of(op: Op) -> Self {
        match op {
            Op::Add
            | Op::Sub
            | Op::Neg
            | Op::Mul
            | Op::Scale
            | Op::Dot
            | Op::Sum
            | Op::Count
            | Op::And
            | Op::Or
            | Op::Xor
            | Op::Not
            | Op::Eq
            | Op::Lt
            | Op::Le
            | Op::Select
            | Op::Shl
            | Op::Shr
            | Op::Cast
            | Op::Slice
            | Op::Concat => Self::Basic,
            Op::Div
            | Op::Rem
            | Op::Min
            | Op::Max
            | Op::Abs
            | Op::ShlBy
            | Op::ShrBy
            | Op::RotateLeft
            | Op::RotateLeftBy
            | Op::ReverseBits
            | Op::SwapBytes
            | Op::CountOnes
            | Op::LeadingZeros
            | Op::TrailingZeros
            | Op::Isqrt
            | Op::Pow
            | Op::PowBy => Self::Integer,
            Op::ArgMin
            | Op::ArgMax
            | Op::MinOf
            | Op::MaxOf
            | Op::All
            | Op::Any
            | Op::PrefixSum
            | Op::Lookup
            | Op::Histogram
            | Op::GroupSum
            | Op::EqRows
            | Op::LtRows
            | Op::Gather
            | Op::SumRows
            | Op::DotRows => Self::Vector,
            Op::Sort
            | Op::Places
            | Op::Permute
            | Op::Shuffle
            | Op::TopK
            | Op::Random
            | Op::RandomBelow
            | Op::RandomPermutation => Self::Random,
        }
    }
}

/// The form of the result, or why there is none.
pub(crate) fn result(op: Op, operands: &[Form], immediate: u64) -> Result<Form, ProgramError> {
    if operands.len() != op.operands() {
        return Err(ProgramError::OperandCount {
            op,
            expected: op.operands(),
            actual: operands.len(),
        });
    }
    let form = match Group::of(op) {
        Group::Basic => basic::result(op, operands, immediate)?,
        Group::Random => random::result(op, operands, immediate)?,
        Group::Integer => integer::result(op, operands)?,
        Group::Vector => vector::result(op, operands, immediate)?,
    };
    if immediate != 0 && !has_immediate(op) {
        return Err(ProgramError::NoImmediate { op, immediate });
    }
    Ok(form)
}

/// Whether the operation has a public number.
const fn has_immediate(op: Op) -> bool {
    matches!(
        op,
        Op::Scale
            | Op::Shl
            | Op::Shr
            | Op::Cast
            | Op::Slice
            | Op::RotateLeft
            | Op::Pow
            | Op::Histogram
            | Op::GroupSum
            | Op::TopK
            | Op::EqRows
            | Op::LtRows
            | Op::SumRows
            | Op::DotRows
            | Op::Random
            | Op::RandomBelow
            | Op::RandomPermutation
    )
}

/// The refusal of an operation on the kind of its first operand.
fn undefined(op: Op, operands: &[Form]) -> ProgramError {
    let kind = operands.first().map_or(Kind::Bool, |form| form.kind);
    ProgramError::UndefinedOn { op, kind }
}

/// Refuses booleans.
fn integer(op: Op, a: Form) -> Result<(), ProgramError> {
    if a.kind == Kind::Bool {
        return Err(ProgramError::UndefinedOn { op, kind: a.kind });
    }
    Ok(())
}

/// Refuses fixed point.
fn whole(op: Op, a: Form) -> Result<(), ProgramError> {
    if a.kind.fraction() > 0 {
        return Err(ProgramError::UndefinedOn { op, kind: a.kind });
    }
    Ok(())
}

/// The one kind of two operands.
fn same_kind(op: Op, a: Form, b: Form) -> Result<Kind, ProgramError> {
    if a.kind != b.kind {
        return Err(ProgramError::KindsDiffer {
            op,
            left: a.kind,
            right: b.kind,
        });
    }
    Ok(a.kind)
}

/// The length of a result lane by lane, where one element stands for all.
fn spread(op: Op, a: Form, b: Form) -> Result<usize, ProgramError> {
    match (a.len, b.len) {
        (a, b) if a == b => Ok(a),
        (1, b) => Ok(b),
        (a, 1) => Ok(a),
        (left, right) => Err(ProgramError::LengthsDiffer { op, left, right }),
    }
}

/// First element and number of elements of [`Op::Slice`].
pub(crate) const fn slice_range(immediate: u64) -> (usize, usize) {
    (
        (immediate >> 32) as usize,
        (immediate & 0xffff_ffff) as usize,
    )
}
