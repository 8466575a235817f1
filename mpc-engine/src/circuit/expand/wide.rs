//! Quotients of 128 bits by a secret divisor, in three digits, because there is no wider ring.
//!
//! With z = 2^128 and s·d normalised as in [`super::reciprocal`], y = s·d/z. From its highest 64 bits
//! [`Builder::reciprocal`] gives r with 0 < r − 1/y < 7·2^−64; 4 units of 2^−63 less give
//! 0 < 1/y − r < 2^−61.
//!
//! A digit at position p: let t = ⌊rest / 2^p⌋. As t/d = (t·s/z)/y, and t·s may exceed the ring,
//! u ≈ t·s/2^b is computed as t·(s/2^b) where s ≥ 2^b, and else as ⌊t/2^b⌋·s, which loses less than s. Then
//! ⌊u/2^c⌋·r, cut off, is the digit q: never more than t/d. What it lacks of t/d, in units of the digit:
//!
//! | p  | t/d less than | b  | c  | cut off u | lost in u | error of r | cut off q | sum     |
//! | -- | ------------- | -- | -- | --------- | --------- | ---------- | --------- | ------- |
//! | 68 | 2^60          | 64 | 64 | 2         | —         | 1/2        | 1         | 3.5     |
//! | 11 | 2^60          | 64 | 64 | 2         | 1         | 1/2        | 1         | 4.5     |
//! | 0  | 2^14          | 32 | 48 | 2^−47     | 2^−64     | 2^−47      | 1         | 1+2^−45 |
//!
//! (At the first position t < 2^60; where s < 2^64, d ≥ 2^64 and t/d < 1: the digit is 0, and nothing is
//! multiplied.) The rest after a digit that lacks less than 4.5 is below 5.5·d·2^p, which bounds the next
//! t/d. After the last, the rest is below 2·d: one comparison tells. All rests are exact modulo z and
//! never negative. For d = 0, s is set to 0, and all digits are 0.

use wire::kind::Kind;

use super::{super::range::Range, Builder, division::Quotient};
use crate::ValueId;

/// Fraction bits of r.
const FRACTION: u32 = 63;

/// One line of the table.
struct Digit {
    position: u32,
    /// The quotient of what is left is below 2^bits.
    bits: u32,
    base: u32,
    cut: u32,
}

const DIGITS: [Digit; 3] = [
    Digit {
        position: 68,
        bits: 60,
        base: 64,
        cut: 64,
    },
    Digit {
        position: 11,
        bits: 60,
        base: 64,
        cut: 64,
    },
    Digit {
        position: 0,
        bits: 14,
        base: 32,
        cut: 48,
    },
];

impl Builder {
    /// x / d for `u128`; d may have one lane.
    pub(super) fn by_secret_wide(&mut self, x: ValueId, d: ValueId) -> Quotient {
        let kind = Kind::U128;
        let (digits, any) = self.first_one(d, true);
        let scales = self.scales(&digits, any);
        let scale = self.weighted(&scales, 0);
        let y = self.mul(d, scale);
        let y = self.without_top(y);
        let y = self.shr(y, 64);
        let high = self.constant(kind, 1 << 63, 1);
        let y = self.add(y, high);
        let y = self.resize(y, Kind::U64);
        let r = self.reciprocal(y);
        let r = self.resize(r, kind);
        let four = self.constant(kind, 4, 1);
        let r = self.sub(r, four);
        self.know(r, Range::up_to(64));
        let (mut quotient, mut rest) = (None, x);
        for Digit {
            position,
            bits,
            base,
            cut,
        } in DIGITS
        {
            let t = self.shr(rest, position);
            let large = self.weighted(&scales, base);
            let mut u = self.mul(t, large);
            if position + base < 128 {
                let small = &scales[..base as usize / 32];
                let small = self.weighted(small, 0);
                let t = self.shr(rest, position + base);
                let t = self.mul(t, small);
                u = self.add(u, t);
            }
            self.know(u, Range::up_to(128 + bits - base));
            let u = self.shr(u, cut);
            let digit = self.mul(u, r);
            let digit = self.shr(digit, FRACTION + 128 - base - cut);
            let digit = self.scale(digit, 1 << position);
            let product = self.mul(digit, d);
            rest = self.sub(rest, product);
            quotient = Some(quotient.map_or(digit, |q| self.add(q, digit)));
        }
        let quotient = quotient.unwrap_or(x);
        // One more where the rest is at least d, and d is not 0.
        let less = self.less(rest, d);
        let fits = self.not(less);
        let fits = self.mul(fits, any);
        let fits = self.ring(fits, kind);
        Quotient {
            value: self.add(quotient, fits),
            excess: None,
            zero: Some(self.not(any)),
        }
    }

    /// For h in 0..4: s/2^32h where s is in 2^32h .. 2^32(h+1), else 0.
    fn scales(&mut self, digits: &[ValueId], any: ValueId) -> [ValueId; 4] {
        let kind = Kind::U128;
        let (low, high) = digits.split_at(5);
        let low = self.power_of_two(low, Some(any), kind);
        let code = self.one_hot(high);
        let mut scales = [low; 4];
        for h in 1..4 {
            let is = self.ring(code[h], kind);
            scales[h] = self.mul(low, is);
            scales[0] = self.sub(scales[0], scales[h]);
        }
        scales
    }

    /// s/2^base where s ≥ 2^base, else 0; base is a multiple of 32.
    fn weighted(&mut self, scales: &[ValueId], base: u32) -> ValueId {
        let terms = (0..).step_by(32).zip(scales);
        let mut sum = self.constant(Kind::U128, 0, self.len(scales[0]));
        for (power, scale) in terms.filter(|(power, _)| *power >= base) {
            let term = self.scale(*scale, 1 << (power - base));
            sum = self.add(sum, term);
        }
        sum
    }
}
