//! Division, bits and powers of integers, lane by lane.

use wire::{kind::Kind, secret::Op};

use super::{integer, same_kind, spread, undefined, whole};
use crate::{ProgramError, program::Form};

pub(super) fn result(op: Op, operands: &[Form]) -> Result<Form, ProgramError> {
    match *operands {
        [a] => unary(op, a),
        [a, b] => binary(op, a, b),
        _ => Err(undefined(op, operands)),
    }
}

fn unary(op: Op, a: Form) -> Result<Form, ProgramError> {
    integer(op, a)?;
    if op != Op::Abs {
        whole(op, a)?;
    }
    Ok(match op {
        Op::CountOnes | Op::LeadingZeros | Op::TrailingZeros => Form {
            kind: Kind::U32,
            ..a
        },
        _ => a,
    })
}

fn binary(op: Op, a: Form, b: Form) -> Result<Form, ProgramError> {
    let kind = match op {
        Op::Min | Op::Max => same_kind(op, a, b)?,
        Op::Div | Op::Rem => {
            integer(op, a)?;
            same_kind(op, a, b)?
        }
        _ => {
            integer(op, a)?;
            whole(op, a)?;
            unsigned(op, b)?;
            a.kind
        }
    };
    let len = spread(op, a, b)?;
    Ok(Form { kind, len })
}

/// Refuses what counts no bits and is no exponent.
fn unsigned(op: Op, b: Form) -> Result<(), ProgramError> {
    integer(op, b)?;
    if b.kind.is_signed() {
        return Err(ProgramError::UndefinedOn { op, kind: b.kind });
    }
    Ok(())
}
