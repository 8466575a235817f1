//! Arithmetic, comparison, selection, and moving lanes.

use wire::{kind::Kind, secret::Op};

use super::{Operand, extended, ordered};
use crate::program::{Form, typing::slice_range};

pub(super) fn apply(op: Op, operands: &[Operand<'_>], immediate: u64, form: Form) -> Vec<u128> {
    let (a, mask) = (&operands[0], form.kind.mask());
    let unary = |f: &dyn Fn(u128) -> u128| a.values.iter().map(|x| f(*x) & mask).collect();
    let binary = |f: &dyn Fn(u128, u128) -> u128| -> Vec<u128> {
        let (b, len) = (&operands[1], form.len);
        (0..len).map(|i| f(a.at(i), b.at(i)) & mask).collect()
    };
    match op {
        Op::Add => binary(&u128::wrapping_add),
        Op::Sub => binary(&u128::wrapping_sub),
        Op::Mul => binary(&|x, y| shifted(a.kind, x.wrapping_mul(y))),
        Op::Neg => unary(&u128::wrapping_neg),
        Op::Scale => unary(&|x| x.wrapping_mul(u128::from(immediate))),
        Op::Not => unary(&|x| !x),
        Op::And => binary(&|x, y| x & y),
        Op::Or => binary(&|x, y| x | y),
        Op::Xor => binary(&|x, y| x ^ y),
        Op::Eq => binary(&|x, y| u128::from(x == y)),
        Op::Lt => binary(&|x, y| u128::from(ordered(a.kind, x) < ordered(a.kind, y))),
        Op::Le => binary(&|x, y| u128::from(ordered(a.kind, x) <= ordered(a.kind, y))),
        Op::Shl => unary(&|x| x << immediate),
        Op::Shr => unary(&|x| {
            let x = extended(a.kind, x);
            if a.kind.is_signed() {
                (x.cast_signed() >> immediate).cast_unsigned()
            } else {
                x >> immediate
            }
        }),
        Op::Cast => unary(&|x| cast(a.kind, form.kind, x)),
        Op::Sum | Op::Count => {
            vec![a.values.iter().fold(0, |s: u128, x| s.wrapping_add(*x)) & mask]
        }
        Op::Dot => {
            let (b, len) = (&operands[1], a.values.len());
            let len = if len == 1 { b.values.len() } else { len };
            let sum = (0..len).fold(0, |s: u128, i| {
                s.wrapping_add(a.at(i).wrapping_mul(b.at(i)))
            });
            vec![shifted(a.kind, sum) & mask]
        }
        Op::Select => {
            let (b, c) = (&operands[1], &operands[2]);
            let pick = |i| if a.at(i) == 1 { b.at(i) } else { c.at(i) };
            (0..form.len).map(pick).collect()
        }
        Op::Slice => {
            let (start, len) = slice_range(immediate);
            a.values[start..start + len].to_vec()
        }
        Op::Concat => [a.values, operands[1].values].concat(),
        _ => Vec::new(), // Not reached: typing refuses it.
    }
}

/// A product of two, for fixed point with one set of fraction bits cut off.
fn shifted(kind: Kind, x: u128) -> u128 {
    let x = extended(kind, x & kind.mask()).cast_signed();
    (x >> kind.fraction()).cast_unsigned()
}

/// The floor where fraction bits go.
fn cast(from: Kind, to: Kind, x: u128) -> u128 {
    let x = extended(from, x);
    match (from.fraction(), to.fraction()) {
        (f, g) if f > g => (x.cast_signed() >> (f - g)).cast_unsigned(),
        (f, g) => x << (g - f),
    }
}
