//! Operations on the bits of integers.
//!
//! Bits are handled as planes: all lanes' lowest bits, then the next, as
//! [`Gate::Bits`](super::super::Gate::Bits) lays them out. Moving planes is free, so what permutes bits costs the
//! way there and back; what permutes them on the way back costs nothing more.

use wire::kind::Kind;

use super::Builder;
use crate::{ValueId, circuit::range::Range};

/// Digits of an exponent of two whose powers are found at once: 2^3 of them.
const DIGITS: usize = 3;

/// What a shifter moves in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shift {
    /// To the right, and copies of the highest bit or zeros move in.
    Right { signed: bool },
    /// To the left, and what moves out moves in.
    Rotate,
}

impl Builder {
    /// The planes of x, lowest first.
    pub(super) fn bit_planes(&mut self, x: ValueId) -> Vec<ValueId> {
        let (len, bits) = (self.len(x), self.kind(x).bits() as usize);
        let all = self.bits(x);
        (0..bits).map(|i| self.slice(all, i * len, len)).collect()
    }

    /// One after another, in a tree.
    pub(super) fn join(&mut self, parts: Vec<ValueId>) -> Option<ValueId> {
        self.tree(parts, Self::concat)
    }

    /// All by an operation on two neighbours, in a tree; nothing of none.
    pub(super) fn tree(
        &mut self,
        mut parts: Vec<ValueId>,
        operation: fn(&mut Self, ValueId, ValueId) -> ValueId,
    ) -> Option<ValueId> {
        while parts.len() > 1 {
            let two = |pair: &[ValueId]| match *pair {
                [x, y] => operation(self, x, y),
                _ => pair[0],
            };
            parts = parts.chunks(2).map(two).collect();
        }
        parts.first().copied()
    }

    /// x so many times, at least once.
    fn repeat(&mut self, x: ValueId, times: usize) -> ValueId {
        let len = self.len(x) * times;
        if let Some(value) = self.single(x) {
            return self.constant(self.kind(x), value, len);
        }
        let mut all = x;
        while self.len(all) < len {
            all = self.concat(all, all);
        }
        self.slice(all, 0, len)
    }

    /// x as an unsigned integer of the same width.
    pub(super) fn unsigned(&mut self, x: ValueId) -> ValueId {
        let kind = match self.kind(x) {
            Kind::I8 => Kind::U8,
            Kind::I16 => Kind::U16,
            Kind::I32 => Kind::U32,
            Kind::I64 => Kind::U64,
            Kind::I128 => Kind::U128,
            kind => kind,
        };
        self.resize(x, kind)
    }

    /// x rotated left by less than its width.
    pub(super) fn rotate_left(&mut self, x: ValueId, by: u32) -> ValueId {
        let kind = self.kind(x);
        if by == 0 {
            return x;
        }
        let x = self.unsigned(x);
        let high = self.scale(x, 1 << by);
        let low = self.shr(x, kind.bits() - by);
        let result = self.add(high, low);
        self.resize(result, kind)
    }

    pub(super) fn reverse_bits(&mut self, x: ValueId) -> ValueId {
        let kind = self.kind(x);
        let bits = self.bits(x);
        let weights = (0..kind.bits()).rev().map(|i| 1 << i).collect();
        self.compose(bits, weights, kind)
    }

    pub(super) fn swap_bytes(&mut self, x: ValueId) -> ValueId {
        let kind = self.kind(x);
        if kind.bits() == 8 {
            return x;
        }
        let bits = self.bits(x);
        let top = kind.bits() - 8;
        let place = |i: u32| top - i / 8 * 8 + i % 8;
        let weights = (0..kind.bits()).map(|i| 1 << place(i)).collect();
        self.compose(bits, weights, kind)
    }

    /// The sum of the bits, first in a ring that just holds it.
    pub(super) fn count_ones(&mut self, x: ValueId) -> ValueId {
        let x = self.narrowed(x);
        let width = self.kind(x).bits();
        let bits = self.bits(x);
        let weights = vec![1; width as usize].into();
        let count = self.compose(bits, weights, Kind::U8);
        let range = count_range(width);
        self.know(count, range);
        let count = self.resize(count, Kind::U32);
        self.know(count, range);
        count
    }

    pub(super) fn leading_zeros(&mut self, x: ValueId) -> ValueId {
        let width = self.kind(x).bits();
        let x = self.narrowed(x);
        let clear = width - self.kind(x).bits();
        let zeros = self.zeros(x, true);
        let clear = self.constant(Kind::U32, clear.into(), 1);
        let result = self.add(zeros, clear);
        self.know(result, count_range(width));
        result
    }

    pub(super) fn trailing_zeros(&mut self, x: ValueId) -> ValueId {
        self.zeros(x, false)
    }

    /// How many of the highest or lowest bits are clear. For x = 0 all digits are 1, and one more
    /// makes the width.
    fn zeros(&mut self, x: ValueId, leading: bool) -> ValueId {
        let width = self.kind(x).bits();
        let (digits, any) = self.first_one(x, leading);
        let mut weights: Vec<u128> = (0..digits.len()).map(|i| 1 << i).collect();
        weights.push(1);
        let none = self.not(any);
        let mut planes = digits;
        planes.push(none);
        let planes = self.join(planes).unwrap_or(none);
        let zeros = self.compose(planes, weights.into(), Kind::U32);
        self.know(zeros, count_range(width));
        zeros
    }

    /// The digits, lowest first, of the number of bits that are clear before the first set one from
    /// above or below, all 1 if there is none; and whether there is one.
    ///
    /// A tree joins neighbouring blocks of bits: the digits of the nearer block if anything is set
    /// in it, else those of the farther one; and the next digit says which. With planes in the order of
    /// their reversed numbers, neighbours are the same places of both halves at every level.
    pub(super) fn first_one(&mut self, x: ValueId, leading: bool) -> (Vec<ValueId>, ValueId) {
        let len = self.len(x);
        let planes = self.bit_planes(x);
        let width = planes.len();
        let levels = width.ilog2();
        let reversed = |i: usize| i.reverse_bits() >> (usize::BITS - levels);
        let order: Vec<ValueId> = (0..width).map(|i| planes[reversed(i)]).collect();
        let Some(mut any) = self.join(order) else {
            return (Vec::new(), x); // Not reached: an integer has bits.
        };
        let mut digits: Vec<ValueId> = Vec::new();
        let mut half = width / 2 * len;
        while half >= len && half > 0 {
            let halves = |b: &mut Self, v: ValueId| {
                let (low, high) = (b.slice(v, 0, half), b.slice(v, half, half));
                if leading { (high, low) } else { (low, high) }
            };
            let (near, far) = halves(self, any);
            let mut changes = vec![far];
            let mut fars = Vec::new();
            for digit in &digits {
                let (near, far) = halves(self, *digit);
                changes.push(self.add(near, far));
                fars.push(far);
            }
            let condition = self.repeat(near, changes.len());
            let changes = self.join(changes).unwrap_or(far);
            let products = self.mul(condition, changes);
            let both = self.slice(products, 0, half);
            for (i, far) in fars.into_iter().enumerate() {
                let change = self.slice(products, (i + 1) * half, half);
                digits[i] = self.add(far, change);
            }
            digits.push(self.not(near));
            let either = self.add(near, far);
            any = self.add(either, both);
            half /= 2;
        }
        (digits, any)
    }

    /// The lowest digits of an amount of bits by which a value of so many bits is moved.
    fn amount(&mut self, by: ValueId, width: u32) -> Vec<ValueId> {
        let by = self.resize(by, Kind::U8);
        let mut planes = self.bit_planes(by);
        planes.truncate(width.ilog2() as usize);
        planes
    }

    /// 2^Σ 2^i·digitᵢ, or 0 where a condition does not hold: for each group of digits the sum of the
    /// powers, each times whether it is the one; then the product.
    pub(super) fn power_of_two(
        &mut self,
        digits: &[ValueId],
        condition: Option<ValueId>,
        kind: Kind,
    ) -> ValueId {
        let mut factors = Vec::new();
        for (group, digits) in digits.chunks(DIGITS).enumerate() {
            let mut code = self.one_hot(digits);
            let step = 1 << (DIGITS * group);
            let power = |i: usize| 1u128.checked_shl(i as u32 * step).unwrap_or(0);
            let mut weights: Vec<u128> = (0..code.len()).map(power).collect();
            let condition = condition.filter(|_| group == 0);
            if let Some(condition) = condition {
                code = code.iter().map(|c| self.mul(*c, condition)).collect();
            } else {
                // 1 + Σ (power − 1)·code, without the first, whose power is 1.
                code.remove(0);
                weights.remove(0);
                weights.iter_mut().for_each(|w| *w = w.wrapping_sub(1));
            }
            let Some(planes) = self.join(code) else {
                continue;
            };
            let mut factor = self.compose(planes, weights.into(), kind);
            if condition.is_none() {
                let one = self.constant(kind, 1, 1);
                factor = self.add(factor, one);
            }
            factors.push(factor);
        }
        let one = self.constant(kind, 1, 1);
        self.product(factors).unwrap_or(one)
    }

    /// For every number of so many digits, whether the digits are it.
    pub(super) fn one_hot(&mut self, digits: &[ValueId]) -> Vec<ValueId> {
        let mut code: Vec<ValueId> = Vec::new();
        for (i, digit) in digits.iter().enumerate() {
            if i == 0 {
                code = vec![self.not(*digit), *digit];
                continue;
            }
            // The first product is what the others leave of the digit.
            let mut first = *digit;
            let mut high = vec![first];
            for lane in &code[1..] {
                let product = self.mul(*lane, *digit);
                first = self.add(first, product);
                high.push(product);
            }
            high[0] = first;
            for (low, high) in code.iter_mut().zip(&high) {
                *low = self.add(*low, *high);
            }
            code.extend(high);
        }
        code
    }

    /// x << by modulo the width: x times a power of two.
    pub(super) fn shl_by(&mut self, x: ValueId, by: ValueId) -> ValueId {
        let kind = self.kind(x);
        let digits = self.amount(by, kind.bits());
        let power = self.power_of_two(&digits, None, kind);
        self.mul(x, power)
    }

    /// x >> by modulo the width.
    pub(super) fn shr_by(&mut self, x: ValueId, by: ValueId) -> ValueId {
        let kind = self.kind(x);
        if let Some(amount) = self.single(by) {
            let len = self.both_len(x, by);
            let x = self.spread(x, len);
            return self.shr(x, (amount % u128::from(kind.bits())) as u32);
        }
        let signed = kind.is_signed();
        let result = self.shifted(x, by, Shift::Right { signed });
        let range = self.range(x);
        self.know(result, range);
        result
    }

    pub(super) fn rotate_left_by(&mut self, x: ValueId, by: ValueId) -> ValueId {
        self.shifted(x, by, Shift::Rotate)
    }

    /// A barrel shifter: for each digit of the amount, all planes move by its weight or stay.
    fn shifted(&mut self, x: ValueId, by: ValueId, shift: Shift) -> ValueId {
        let kind = self.kind(x);
        let len = self.both_len(x, by);
        let digits = self.amount(by, kind.bits());
        let x = self.spread(x, len);
        let width = kind.bits() as usize;
        let mut planes = self.bits(x);
        for (i, digit) in digits.into_iter().enumerate() {
            let (step, rest) = (len << i, len * width - (len << i));
            let moved = match shift {
                Shift::Right { signed } => {
                    let kept = self.slice(planes, step, rest);
                    let fill = if signed {
                        let top = self.slice(planes, len * (width - 1), len);
                        self.repeat(top, 1 << i)
                    } else {
                        self.constant(Kind::Bool, 0, step)
                    };
                    self.concat(kept, fill)
                }
                Shift::Rotate => {
                    let kept = self.slice(planes, 0, rest);
                    let fill = self.slice(planes, rest, step);
                    self.concat(fill, kept)
                }
            };
            let digit = self.spread(digit, len);
            let condition = self.repeat(digit, width);
            let change = self.add(planes, moved);
            let change = self.mul(condition, change);
            planes = self.add(planes, change);
        }
        self.integer(planes, kind)
    }
}

/// Of a number of bits, up to all.
fn count_range(width: u32) -> Range {
    Range {
        bits: width.ilog2() + 1,
        negative: false,
    }
}
