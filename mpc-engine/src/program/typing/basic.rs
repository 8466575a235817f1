//! Arithmetic, comparison, selection, and moving lanes.

use wire::{kind::Kind, secret::Op};

use super::{integer, same_kind, slice_range, spread, undefined, whole};
use crate::{ProgramError, program::Form};

pub(super) fn result(op: Op, operands: &[Form], immediate: u64) -> Result<Form, ProgramError> {
    match *operands {
        [a] => unary(op, a, immediate),
        [a, b] => binary(op, a, b),
        [a, b, c] => select(op, a, b, c),
        _ => Err(undefined(op, operands)),
    }
}

fn unary(op: Op, a: Form, immediate: u64) -> Result<Form, ProgramError> {
    let refused = ProgramError::Immediate { op, immediate };
    match op {
        Op::Neg | Op::Scale => integer(op, a).map(|()| a),
        Op::Sum => integer(op, a).map(|()| Form { len: 1, ..a }),
        Op::Count if a.kind == Kind::Bool => Ok(Form {
            kind: Kind::U64,
            len: 1,
        }),
        Op::Count => Err(ProgramError::UndefinedOn { op, kind: a.kind }),
        Op::Shl | Op::Shr => {
            integer(op, a)?;
            whole(op, a)?;
            if immediate >= u64::from(a.kind.bits()) {
                return Err(refused);
            }
            Ok(a)
        }
        Op::Cast => {
            let code = u32::try_from(immediate).map_err(|_| refused.clone())?;
            let kind = Kind::from_code(code).ok_or(refused)?;
            if kind == Kind::Bool && a.kind != Kind::Bool {
                return Err(ProgramError::NoSuchCast {
                    from: a.kind,
                    to: kind,
                });
            }
            Ok(Form { kind, ..a })
        }
        Op::Slice => {
            let (start, len) = slice_range(immediate);
            if start.saturating_add(len) > a.len {
                return Err(refused);
            }
            Ok(Form { len, ..a })
        }
        Op::Not => whole(op, a).map(|()| a),
        _ => Err(ProgramError::UndefinedOn { op, kind: a.kind }),
    }
}

fn binary(op: Op, a: Form, b: Form) -> Result<Form, ProgramError> {
    let kind = same_kind(op, a, b)?;
    if op == Op::Concat {
        let len = a.len.saturating_add(b.len);
        return Ok(Form { kind, len });
    }
    let len = spread(op, a, b)?;
    match op {
        Op::Add | Op::Sub | Op::Mul => integer(op, a).map(|()| Form { kind, len }),
        Op::Dot => integer(op, a).map(|()| Form { kind, len: 1 }),
        Op::Eq | Op::Lt | Op::Le => Ok(Form {
            kind: Kind::Bool,
            len,
        }),
        Op::And | Op::Or | Op::Xor => whole(op, a).map(|()| Form { kind, len }),
        _ => Err(ProgramError::UndefinedOn { op, kind }),
    }
}

fn select(op: Op, a: Form, b: Form, c: Form) -> Result<Form, ProgramError> {
    if a.kind != Kind::Bool {
        return Err(ProgramError::UndefinedOn { op, kind: a.kind });
    }
    let kind = same_kind(op, b, c)?;
    let values = Form {
        kind,
        len: spread(op, b, c)?,
    };
    let len = spread(op, a, values)?;
    Ok(Form { kind, len })
}
