//! Quotients by a secret divisor, by way of its reciprocal.
//!
//! Let k be the width, d the divisor, s the power of two for which 2^(k−1) ≤ s·d < 2^k, and
//! y = s·d/2^k in [1/2, 1). A cubic polynomial c approximates 1/y with
//! 1 − y·c(y) = T₄(3 − 4y)/577, T₄ being Chebyshev's polynomial. It is evaluated on the highest 16
//! bits of y: cut off there, 1/y changes by at most 2^−14 relative to itself, and rounding the
//! coefficients adds 2^−13, so that the error e of 1 − y·r = e starts below 2^−9.
//!
//! Newton's step r + r·(1 − y·r) squares it: e' = e² + y·t, where t is what cutting off to f fraction
//! bits loses, less than 2·2^−f. After the steps of [`plan`], e ≤ 2^−(k+1)/2. The products
//! fit the ring: |r·(1 − y·r)|·2^(k+2f) < 2^(1+k+2f)·e, which [`plan`] keeps below a quarter of it.
//!
//! The last step ends with k − 1 fraction bits. It would undershoot 1/y by less than 2e² ≤ 2^−k; that
//! much is added, then it is cut off, and one unit of 2^(1−k) is added. So 1/y < r ≤ 1/y + 2^−k + 2^(1−k).
//! Then R = ⌈s·r⌉ satisfies 2^k/d ≤ R ≤ 2^k/d + 1 + s/2^k, where rounding
//! up adds at most 1 − s·2^(1−k). As s/2^k < 1/d and x < 2^k, x·R/2^k is at least x/d and less than
//! x/d + 1 + 1/d − …, so that its integer part is the quotient or one more. The sign of
//! x − q·d tells. For d = 0, s is set to 0; then R and q are 0. x·R fits 2k bits: R ≤ 2^k + 1, with
//! equality for d = 1.

use wire::kind::Kind;

use super::{
    Builder,
    division::{Quotient, double},
};
use crate::{ValueId, circuit::range::Range};

/// Bits of y that the polynomial looks at.
const LOOK: u32 = 16;
/// Fraction bits of its value.
const FRACTION: u32 = 60;
/// Its coefficients, times 577: constant first.
const CUBIC: [i128; 4] = [3264, -6784, 6144, -2048];

/// For a width: the ring of the iteration, and the fraction bits after the polynomial and after each
/// step but the last.
const fn plan(bits: u32) -> (Kind, &'static [u32]) {
    match bits {
        8 => (Kind::I32, &[7]),
        16 => (Kind::I64, &[15]),
        32 => (Kind::I64, &[18, 22]),
        _ => (Kind::I128, &[32, 38, 46]),
    }
}

impl Builder {
    /// x / d for unsigned x and d of at most 64 bits; d may have one lane.
    pub(super) fn by_secret(&mut self, x: ValueId, d: ValueId) -> Quotient {
        let kind = self.kind(x);
        let (bits, wide) = (kind.bits(), double(kind).unwrap_or(Kind::U128));
        let (digits, any) = self.first_one(d, true);
        let scale = self.power_of_two(&digits, Some(any), kind);
        let y = self.mul(d, scale);
        let reciprocal = self.reciprocal(y);
        let [reciprocal, scale] = [reciprocal, scale].map(|v| self.resize(v, wide));
        // s·r in units of 2^(1−k); what r has beyond 1 is below 1 and a little, so that it fits.
        let one = self.constant(wide, 1 << (bits - 1), 1);
        let beyond = self.sub(reciprocal, one);
        let beyond = self.mul(beyond, scale);
        let up = self.constant(wide, (1 << (bits - 1)) - 1, 1);
        let beyond = self.add(beyond, up);
        self.know(beyond, Range::up_to(2 * bits - 1));
        let beyond = self.shr(beyond, bits - 1);
        let factor = self.add(beyond, scale);
        let [dividend, divisor] = [x, d].map(|v| self.resize(v, wide));
        let quotient = self.mul(dividend, factor);
        let quotient = self.shr(quotient, bits);
        let product = self.mul(quotient, divisor);
        let rest = self.sub(dividend, product);
        Quotient {
            value: self.resize(quotient, kind),
            excess: Some(self.sign_bit(rest, bits)),
            zero: Some(self.not(any)),
        }
    }

    /// r, with k − 1 fraction bits, in a ring of at least twice the width; for the unsigned y·2^k.
    pub(super) fn reciprocal(&mut self, y: ValueId) -> ValueId {
        let bits = self.kind(y).bits();
        let (ring, fractions) = plan(bits);
        let value = self.approximate(y, fractions[0]);
        let mut value = self.resize(value, ring);
        let high = self.constant(ring, 1 << (bits - 1), 1);
        let y = self.without_top(y);
        let y = self.resize(y, ring);
        let y = self.add(y, high);
        for pair in fractions.windows(2) {
            let change = self.newton(y, value, bits, pair[0]);
            let change = self.shr(change, bits + 2 * pair[0] - pair[1]);
            let kept = self.scale(value, 1 << (pair[1] - pair[0]));
            value = self.add(kept, change);
        }
        let fraction = fractions[fractions.len() - 1];
        let change = self.newton(y, value, bits, fraction);
        let up = self.constant(ring, 1 << (2 * fraction), 1);
        let change = self.add(change, up);
        let change = self.shr(change, 2 * fraction + 1);
        let one = self.constant(ring, 1, 1);
        let change = self.add(change, one);
        let kept = self.scale(value, 1 << (bits - 1 - fraction));
        self.add(kept, change)
    }

    /// r·(2^(k+f) − y·r), for y of k bits and r of f fraction bits.
    fn newton(&mut self, y: ValueId, r: ValueId, k: u32, f: u32) -> ValueId {
        let one = self.constant(self.kind(r), 1 << (k + f), 1);
        let product = self.mul(y, r);
        let error = self.sub(one, product);
        let change = self.mul(r, error);
        let bits = self.kind(r).bits() - 2;
        let negative = true;
        self.know(change, Range { bits, negative });
        change
    }

    /// y without its highest bit, which is set. (If it is not, the divisor is 0, and what comes of it
    /// is multiplied by 0.)
    pub(super) fn without_top(&mut self, y: ValueId) -> ValueId {
        let (kind, top) = (self.kind(y), self.kind(y).bits() - 1);
        let high = self.constant(kind, 1 << top, 1);
        let low = self.sub(y, high);
        self.know(low, Range::up_to(top));
        low
    }

    /// The polynomial at y, an `i64` with so many fraction bits.
    fn approximate(&mut self, y: ValueId, fraction: u32) -> ValueId {
        let kind = Kind::I64;
        let bits = self.kind(y).bits();
        let y = self.without_top(y);
        let y = self.shr(y, bits.saturating_sub(LOOK));
        let y = self.resize(y, kind);
        let y = self.scale(y, 1 << LOOK.saturating_sub(bits));
        let high = self.constant(kind, 1 << (LOOK - 1), 1);
        let y = self.add(y, high);
        let square = self.mul(y, y);
        let cube = self.mul(square, y);
        let one = self.constant(kind, 1, 1);
        let mut sum = None;
        for (i, (power, coefficient)) in [one, y, square, cube].into_iter().zip(CUBIC).enumerate() {
            let unit = 1i128 << (FRACTION - LOOK * i as u32);
            let term = self.scale(power, (coefficient * unit / 577).cast_unsigned());
            sum = Some(sum.map_or(term, |sum| self.add(sum, term)));
        }
        let sum = sum.unwrap_or(one);
        // c(y) < 2.1.
        self.know(sum, Range::up_to(FRACTION + 2));
        self.shr(sum, FRACTION - fraction)
    }
}
