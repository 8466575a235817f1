//! The type rules of operations.

use wire::{kind::Kind, secret::Op};

use super::Form;
use crate::ProgramError;

/// The form of the result, or why there is none.
pub(crate) fn result(op: Op, operands: &[Form], immediate: u64) -> Result<Form, ProgramError> {
    let form = match *operands {
        [a] if op.operands() == 1 => unary(op, a, immediate)?,
        [a, b] if op.operands() == 2 => binary(op, a, b)?,
        [a, b, c] if op.operands() == 3 => select(op, a, b, c)?,
        _ => {
            return Err(ProgramError::OperandCount {
                op,
                expected: op.operands(),
                actual: operands.len(),
            });
        }
    };
    let has_immediate = matches!(op, Op::Scale | Op::Shl | Op::Shr | Op::Cast | Op::Slice);
    if immediate != 0 && !has_immediate {
        return Err(ProgramError::NoImmediate { op, immediate });
    }
    Ok(form)
}

fn integer(op: Op, a: Form) -> Result<(), ProgramError> {
    if a.kind == Kind::Bool {
        return Err(ProgramError::UndefinedOn { op, kind: a.kind });
    }
    Ok(())
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
            whole(op, a)?;
            whole(op, Form { kind, ..a })?;
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

/// Refuses fixed point.
fn whole(op: Op, a: Form) -> Result<(), ProgramError> {
    if a.kind.fraction() > 0 {
        return Err(ProgramError::UndefinedOn { op, kind: a.kind });
    }
    Ok(())
}

fn binary(op: Op, a: Form, b: Form) -> Result<Form, ProgramError> {
    let kind = same_kind(op, a, b)?;
    if op == Op::Concat {
        let len = a.len.saturating_add(b.len);
        return Ok(Form { kind, len });
    }
    let len = spread(op, a, b)?;
    match op {
        Op::Add | Op::Sub => integer(op, a).map(|()| Form { kind, len }),
        Op::Mul => integer(op, a)
            .and(whole(op, a))
            .map(|()| Form { kind, len }),
        Op::Dot => integer(op, a)
            .and(whole(op, a))
            .map(|()| Form { kind, len: 1 }),
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
