//! Type rules of searches, sums and look-ups over the elements of a vector.

use wire::{kind::Kind, secret::Op};

use super::{Form, integer, same_kind, spread, undefined, whole};
use crate::{ProgramError, program::builder::bound};

/// Elements of a table times look-ups, or groups times keys: bounds the work of one operation.
const TABLE_CELLS: usize = 1 << 26;
/// Groups of a histogram.
const GROUPS: u64 = 1 << 16;

/// `operands` are as many as the operation takes.
pub(super) fn result(op: Op, operands: &[Form], immediate: u64) -> Result<Form, ProgramError> {
    match *operands {
        [a] => unary(op, a, immediate),
        [a, b] => binary(op, a, b, immediate),
        _ => Err(undefined(op, operands)),
    }
}

fn unary(op: Op, a: Form, immediate: u64) -> Result<Form, ProgramError> {
    match op {
        Op::ArgMin | Op::ArgMax | Op::MinOf | Op::MaxOf => {
            if a.len == 0 {
                return Err(ProgramError::NoElements { op });
            }
            let kind = match op {
                Op::ArgMin | Op::ArgMax => Kind::U64,
                _ => a.kind,
            };
            Ok(Form { kind, len: 1 })
        }
        Op::All | Op::Any if a.kind == Kind::Bool => Ok(Form { len: 1, ..a }),
        Op::PrefixSum => integer(op, a).map(|()| a),
        Op::Histogram => {
            unsigned(op, a)?;
            groups(op, a.len, immediate).map(|len| Form {
                kind: Kind::U64,
                len,
            })
        }
        Op::SumRows => {
            integer(op, a)?;
            rows(op, a.len, immediate).map(|len| Form { len, ..a })
        }
        _ => Err(ProgramError::UndefinedOn { op, kind: a.kind }),
    }
}

fn binary(op: Op, a: Form, b: Form, immediate: u64) -> Result<Form, ProgramError> {
    match op {
        Op::Lookup => {
            unsigned(op, b)?;
            cells("elements of the table times look-ups", a.len, b.len)?;
            Ok(Form { len: b.len, ..a })
        }
        Op::Gather => {
            unsigned(op, b)?;
            Ok(Form { len: b.len, ..a })
        }
        Op::GroupSum => {
            unsigned(op, a)?;
            integer(op, b)?;
            let len = spread(op, a, b)?;
            groups(op, len, immediate).map(|len| Form { len, ..b })
        }
        Op::EqRows | Op::LtRows => {
            same_kind(op, a, b)?;
            let len = rows(op, spread(op, a, b)?, immediate)?;
            let kind = Kind::Bool;
            Ok(Form { kind, len })
        }
        Op::DotRows => {
            let kind = same_kind(op, a, b)?;
            integer(op, a)?;
            whole(op, a)?;
            let len = rows(op, spread(op, a, b)?, immediate)?;
            Ok(Form { kind, len })
        }
        _ => Err(ProgramError::UndefinedOn { op, kind: a.kind }),
    }
}

/// Refuses all but unsigned integers: keys and indices.
fn unsigned(op: Op, a: Form) -> Result<(), ProgramError> {
    if a.kind == Kind::Bool || a.kind.is_signed() {
        return Err(ProgramError::UndefinedOn { op, kind: a.kind });
    }
    Ok(())
}

/// How many rows of `immediate` elements there are.
fn rows(op: Op, len: usize, immediate: u64) -> Result<usize, ProgramError> {
    match usize::try_from(immediate) {
        Ok(row) if row > 0 && len.is_multiple_of(row) => Ok(len / row),
        _ => Err(ProgramError::Immediate { op, immediate }),
    }
}

fn groups(op: Op, len: usize, immediate: u64) -> Result<usize, ProgramError> {
    if immediate > GROUPS {
        return Err(ProgramError::Immediate { op, immediate });
    }
    let groups = immediate as usize;
    cells("groups times keys", groups, len)?;
    Ok(groups)
}

fn cells(what: &'static str, left: usize, right: usize) -> Result<(), ProgramError> {
    bound(what, left.saturating_mul(right), TABLE_CELLS)
}

/// Refuses indices of [`Op::Gather`] that are outside of a vector of `len` elements.
pub(crate) fn indices(len: usize, indices: &[u128]) -> Result<(), ProgramError> {
    match indices.iter().find(|i| **i >= len as u128) {
        Some(index) => Err(ProgramError::IndexOutside { index: *index, len }),
        None => Ok(()),
    }
}
