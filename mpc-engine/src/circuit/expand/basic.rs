//! Arithmetic, comparison, selection, and moving lanes.

use wire::{kind::Kind, secret::Op};

use super::{super::Gate, Builder, Operand};
use crate::{
    ValueId,
    program::{Form, typing::slice_range},
};

pub(super) fn apply(
    b: &mut Builder,
    op: Op,
    operands: &[Operand],
    immediate: u64,
    form: Form,
) -> ValueId {
    match *operands {
        [x] => unary(b, op, x, immediate, form),
        [x, y] => binary(b, op, x.value, y.value, form.kind),
        [condition, x, y] => b.select(condition.value, x.value, y.value),
        _ => b.constant(form.kind.integer(), 0, form.len), // Not reached: typing refuses it.
    }
}

fn unary(
    b: &mut Builder,
    op: Op,
    Operand { value: x, kind }: Operand,
    immediate: u64,
    form: Form,
) -> ValueId {
    match op {
        Op::Neg => b.scale(x, u128::MAX),
        Op::Scale => b.scale(x, u128::from(immediate)),
        Op::Shl => b.scale(x, 1 << immediate),
        Op::Shr => b.shr(x, immediate as u32),
        Op::Not => b.not(x),
        Op::Sum if b.len(x) == 0 => b.constant(form.kind.integer(), 0, 1),
        Op::Sum => b.sum(x, b.len(x)),
        Op::Count => b.count(x),
        Op::Slice => {
            let (start, len) = slice_range(immediate);
            b.slice(x, start, len)
        }
        _ => b.cast(x, kind, form.kind),
    }
}

fn binary(b: &mut Builder, op: Op, x: ValueId, y: ValueId, kind: Kind) -> ValueId {
    match op {
        Op::Add => b.add(x, y),
        Op::Sub => b.sub(x, y),
        Op::Mul => {
            let product = b.mul(x, y);
            b.rescaled(product, kind)
        }
        Op::Dot => {
            let len = b.both_len(x, y);
            if len == 0 {
                return b.constant(b.kind(x), 0, 1);
            }
            let (x, y) = (b.spread(x, len), b.spread(y, len));
            let product = b.dot(x, y, len);
            b.rescaled(product, kind)
        }
        Op::And => b.and(x, y),
        Op::Or => b.or(x, y),
        Op::Xor => b.xor(x, y),
        Op::Eq => b.equal(x, y),
        Op::Lt => b.less(x, y),
        Op::Le => {
            let greater = b.less(y, x);
            b.not(greater)
        }
        _ => b.concat(x, y),
    }
}

/// Operations that are not gates, but without which no other can be written.
impl Builder {
    pub(super) fn both_len(&self, x: ValueId, y: ValueId) -> usize {
        match self.len(x) {
            1 => self.len(y),
            len => len,
        }
    }

    /// x & y, bit by bit on integers.
    pub(crate) fn and(&mut self, x: ValueId, y: ValueId) -> ValueId {
        let kind = self.kind(x);
        if kind == Kind::Bool {
            return self.mul(x, y);
        }
        let len = self.both_len(x, y);
        let [x, y] = [x, y].map(|v| self.spread(v, len));
        let [x, y] = [x, y].map(|v| self.bits(v));
        let both = self.mul(x, y);
        self.integer(both, kind)
    }

    /// x | y, bit by bit on integers.
    pub(crate) fn or(&mut self, x: ValueId, y: ValueId) -> ValueId {
        let both = self.and(x, y);
        if self.kind(x) == Kind::Bool {
            let either = self.add(x, y);
            return self.add(either, both);
        }
        let sum = self.add(x, y);
        self.sub(sum, both)
    }

    /// x ^ y, bit by bit on integers.
    pub(crate) fn xor(&mut self, x: ValueId, y: ValueId) -> ValueId {
        if self.kind(x) == Kind::Bool {
            return self.add(x, y);
        }
        let both = self.and(x, y);
        let sum = self.add(x, y);
        let twice = self.scale(both, 2);
        self.sub(sum, twice)
    }

    /// The integer with these bits, plane by plane.
    pub(crate) fn integer(&mut self, bits: ValueId, kind: Kind) -> ValueId {
        let weights = (0..kind.bits()).map(|i| 1 << i).collect();
        self.compose(bits, weights, kind)
    }

    /// `[x = y]`.
    pub(crate) fn equal(&mut self, x: ValueId, y: ValueId) -> ValueId {
        let difference = self.sub(x, y);
        self.is_zero(difference)
    }

    /// `[x < y]`; signed where the kind is. The sign of x − y tells, unless it wraps: then one is
    /// in the upper half of the range and the other in the lower, and their highest bits tell.
    pub(crate) fn less(&mut self, x: ValueId, y: ValueId) -> ValueId {
        let kind = self.kind(x);
        if kind == Kind::Bool {
            let not_x = self.not(x);
            return self.mul(not_x, y);
        }
        let top = kind.bits() - 1;
        let (a, b) = (self.range(x), self.range(y));
        let difference = self.sub(x, y);
        // |x − y| < 2^most.
        let most = match (a.negative, b.negative) {
            (false, false) => a.bits.max(b.bits),
            _ => a.bits.max(b.bits) + 1,
        };
        if most <= top {
            return self.sign_bit(difference, most);
        }
        let [x, y, difference] = [x, y, difference].map(|v| self.bit(v, top));
        // Where the signs differ it is x's if signed, y's if not.
        let differ = self.add(x, y);
        let tells = if kind.is_signed() { x } else { y };
        let other = self.add(tells, difference);
        let change = self.mul(differ, other);
        self.add(difference, change)
    }

    /// The sign of x, of which −2^bits ≤ x < 2^bits is known, as its bit number `bits`.
    pub(super) fn sign_bit(&mut self, x: ValueId, bits: u32) -> ValueId {
        let (kind, len) = (Kind::Bool, self.len(x));
        let gate = Gate::Bit { x, position: bits };
        self.push(gate, Form { kind, len })
    }

    /// y + condition·(x − y).
    pub(crate) fn select(&mut self, condition: ValueId, x: ValueId, y: ValueId) -> ValueId {
        let kind = self.kind(x);
        let difference = self.sub(x, y);
        let condition = self.ring(condition, kind);
        let chosen = self.mul(condition, difference);
        let result = self.add(y, chosen);
        let range = self.range(x).or(self.range(y));
        let len = self.len(result);
        if len > 0 && self.single(result).is_none() {
            self.assume(result, range);
        }
        result
    }
}
