//! Orders, permutations and random values.

use wire::{kind::Kind, secret::Op};

use super::{Form, integer, undefined, whole};
use crate::ProgramError;

/// Four random numbers below a bound are added up in at most 128 bits.
const MOST_BOUND: u128 = 1 << 126;

pub(super) fn result(op: Op, operands: &[Form], immediate: u64) -> Result<Form, ProgramError> {
    let refused = ProgramError::Immediate { op, immediate };
    match (op, operands) {
        (Op::Sort | Op::Shuffle, [a]) => Ok(*a),
        (Op::Places, [a]) => Ok(Form {
            kind: Kind::U32,
            ..*a
        }),
        (Op::TopK, [a]) => match usize::try_from(immediate) {
            Ok(len) if len <= a.len => Ok(Form { len, ..*a }),
            _ => Err(refused),
        },
        (Op::Permute, [a, places]) => {
            if places.kind != Kind::U32 {
                return Err(undefined(op, &operands[1..]));
            }
            if places.len != a.len {
                return Err(ProgramError::LengthsDiffer {
                    op,
                    left: a.len,
                    right: places.len,
                });
            }
            Ok(*a)
        }
        (Op::Random, []) => random_form(immediate).ok_or(refused),
        (Op::RandomPermutation, []) => match usize::try_from(immediate) {
            Ok(len) => Ok(Form {
                kind: Kind::U32,
                len,
            }),
            Err(_) => Err(refused),
        },
        (Op::RandomBelow, [bound]) => {
            integer(op, *bound).and(whole(op, *bound))?;
            if bound.len != 1 {
                return Err(ProgramError::LengthsDiffer {
                    op,
                    left: bound.len,
                    right: 1,
                });
            }
            let len = usize::try_from(immediate).map_err(|_| refused)?;
            Ok(Form { len, ..*bound })
        }
        _ => Err(undefined(op, operands)),
    }
}

/// Kind and length of [`Op::Random`].
fn random_form(immediate: u64) -> Option<Form> {
    let kind = Kind::from_code((immediate >> 32) as u32)?;
    let len = (immediate & 0xffff_ffff) as usize;
    Some(Form { kind, len })
}

/// Refuses what cannot be the bound of [`Op::RandomBelow`]: nothing (it is not public), 0, a negative
/// number, or more than 2^126.
pub(crate) fn check_bound(kind: Kind, bound: Option<u128>) -> Result<(), ProgramError> {
    let most = MOST_BOUND.min(kind.mask() >> u32::from(kind.is_signed()));
    match bound {
        Some(bound) if (1..=most).contains(&bound) => Ok(()),
        _ => Err(ProgramError::RandomBound { bound }),
    }
}
