//! The lesser and the greater of two, and powers. What works on bits is in [`super::bitwise`].

use wire::{kind::Kind, secret::Op};

use super::{Builder, Operand};
use crate::{ValueId, circuit::range::Range, program::Form};

pub(super) fn apply(
    b: &mut Builder,
    op: Op,
    operands: &[Operand],
    immediate: u64,
    form: Form,
) -> ValueId {
    match *operands {
        [x] => unary(b, op, x.value, immediate),
        [x, y] => binary(b, op, x, y.value),
        _ => b.constant(form.kind.integer(), 0, form.len), // Not reached: typing refuses it.
    }
}

fn unary(b: &mut Builder, op: Op, x: ValueId, immediate: u64) -> ValueId {
    match op {
        Op::Abs => b.magnitude(x),
        Op::RotateLeft => {
            let by = immediate % u64::from(b.kind(x).bits());
            b.rotate_left(x, by as u32)
        }
        Op::ReverseBits => b.reverse_bits(x),
        Op::SwapBytes => b.swap_bytes(x),
        Op::CountOnes => b.count_ones(x),
        Op::LeadingZeros => b.leading_zeros(x),
        Op::TrailingZeros => b.trailing_zeros(x),
        Op::Isqrt => square_root(b, x),
        _ => power(b, x, immediate),
    }
}

fn binary(b: &mut Builder, op: Op, x: Operand, y: ValueId) -> ValueId {
    let Operand { value: x, kind } = x;
    match op {
        Op::Min | Op::Max => {
            let less = b.less(x, y);
            let [x, y] = if op == Op::Min { [x, y] } else { [y, x] };
            b.select(less, x, y)
        }
        Op::Div => b.fixed_quotient(x, y, kind),
        Op::Rem => b.remainder(x, y),
        Op::ShlBy => b.shl_by(x, y),
        Op::ShrBy => b.shr_by(x, y),
        Op::RotateLeftBy => b.rotate_left_by(x, y),
        _ => power_by(b, x, y),
    }
}

/// x to a public power, by squaring.
fn power(b: &mut Builder, x: ValueId, exponent: u64) -> ValueId {
    let one = b.constant(b.kind(x), 1, b.len(x));
    let mut square = x;
    let mut factors = Vec::new();
    for i in 0..64 - exponent.leading_zeros() {
        if i > 0 {
            square = b.mul(square, square);
        }
        if exponent >> i & 1 == 1 {
            factors.push(square);
        }
    }
    b.product(factors).unwrap_or(one)
}

/// x to a secret power: the product over the bits b of the exponent of 1 + b·(x^2^i − 1).
fn power_by(b: &mut Builder, x: ValueId, exponent: ValueId) -> ValueId {
    let kind = b.kind(x);
    let exponent = b.narrowed(exponent);
    let digits = b.bit_planes(exponent);
    let one = b.constant(kind, 1, 1);
    let mut square = x;
    let mut factors = Vec::new();
    for (i, digit) in digits.into_iter().enumerate() {
        if i > 0 {
            square = b.mul(square, square);
        }
        let digit = b.ring(digit, kind);
        let change = b.sub(square, one);
        let change = b.mul(digit, change);
        factors.push(b.add(change, one));
    }
    b.product(factors).unwrap_or(one)
}

/// ⌊√x⌋, bit by bit from the top: bit i is set if what is left of x after the square of the bits
/// above is at least 2·y·2^i + 4^i. What is left is less than 2^(k/2 + i + 2).
fn square_root(b: &mut Builder, x: ValueId) -> ValueId {
    let kind = b.kind(x);
    let mut rest = x;
    if b.range(x).negative {
        let zero = b.constant(kind, 0, 1);
        let negative = b.bit(x, kind.bits() - 1);
        rest = b.select(negative, zero, x);
        let bits = kind.bits() - 1;
        b.know(rest, Range::up_to(bits));
    }
    let unsigned = b.unsigned(rest);
    rest = b.narrowed(unsigned);
    let (narrow, len) = (b.kind(rest), b.len(rest));
    let half = narrow.bits() / 2;
    let mut root = b.constant(narrow, 0, len);
    for i in (0..half).rev() {
        let range = Range {
            bits: narrow.bits().min(half + i + 2),
            negative: false,
        };
        let square = b.constant(narrow, 1 << (2 * i), len);
        let cross = b.scale(root, 1 << (i + 1));
        let least = b.add(cross, square);
        b.know(least, range);
        b.know(rest, range);
        let less = b.less(rest, least);
        let fits = b.not(less);
        let fits = b.ring(fits, narrow);
        let taken = b.mul(fits, least);
        rest = b.sub(rest, taken);
        let bit = b.scale(fits, 1 << i);
        root = b.add(root, bit);
    }
    let bits = half;
    b.know(root, Range::up_to(bits));
    b.resize(root, kind)
}

impl Builder {
    /// The product of all, in a tree; nothing of none.
    pub(super) fn product(&mut self, factors: Vec<ValueId>) -> Option<ValueId> {
        self.tree(factors, Self::mul)
    }

    /// |x|, wrapping.
    pub(super) fn magnitude(&mut self, x: ValueId) -> ValueId {
        let (kind, range) = (self.kind(x), self.range(x));
        if !range.negative {
            return x;
        }
        let sign = self.bit(x, kind.bits() - 1);
        let sign = self.ring(sign, kind);
        let result = self.negated_if(sign, x);
        // −2^b is in the range, and its magnitude takes a bit more.
        let bits = range.bits + 1;
        if bits < kind.bits() {
            self.know(result, Range::up_to(bits));
        }
        result
    }

    /// x, or −x where the sign, 0 or 1, says so.
    pub(super) fn negated_if(&mut self, sign: ValueId, x: ValueId) -> ValueId {
        let twice = self.scale(x, 2);
        let change = self.mul(sign, twice);
        self.sub(x, change)
    }

    /// Says what is known of a result, unless it is public or an operand itself.
    pub(super) fn know(&mut self, value: ValueId, range: Range) {
        if !self.gate(value).is_public() {
            self.assume(value, range);
        }
    }

    /// A value that is not negative in the narrowest unsigned kind that holds it. Free.
    pub(super) fn narrowed(&mut self, x: ValueId) -> ValueId {
        let (kind, range) = (self.kind(x), self.range(x));
        let holds = |k: &Kind| !range.negative && k.bits() >= range.bits;
        let kinds = [Kind::U8, Kind::U16, Kind::U32, Kind::U64, Kind::U128];
        match kinds.into_iter().find(holds) {
            Some(narrow) if narrow.bits() < kind.bits() => self.resize(x, narrow),
            _ => x,
        }
    }
}
