//! Operations of programs as gates.

mod basic;
mod bitwise;
mod division;
mod fixed;
mod integer;
mod random;
mod reciprocal;
mod reduce;
mod rows;
mod sort;
mod table;
mod vector;
mod wide;

use wire::{kind::Kind, secret::Op};

use super::Builder;
use crate::{
    ValueId,
    program::{Form, typing::Group},
};

/// An operand: its value, and its kind in the program, which may be fixed point.
#[derive(Clone, Copy)]
pub(super) struct Operand {
    pub(super) value: ValueId,
    pub(super) kind: Kind,
}

/// Adds the gates of an operation whose result has this form in the program. Operands are what
/// [`crate::program::typing`] allows.
pub(super) fn apply(
    b: &mut Builder,
    op: Op,
    operands: &[Operand],
    immediate: u64,
    form: Form,
) -> ValueId {
    if form.len == 0 {
        return b.constant(form.kind.integer(), 0, 0);
    }
    match Group::of(op) {
        Group::Basic => basic::apply(b, op, operands, immediate, form),
        Group::Random => random::apply(b, op, operands, immediate, form),
        Group::Integer => integer::apply(b, op, operands, immediate, form),
        Group::Vector => vector::apply(b, op, operands, immediate, form),
    }
}
