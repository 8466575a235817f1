//! Quotients and remainders of integers.
//!
//! Signed numbers are divided by magnitudes. Narrow values are divided in narrow rings.
//!
//! By a public divisor d of k bits with 2^l ≤ d < 2^(l+1): ⌊x/d⌋ = ⌊(x + c)·m / 2^(k+l)⌋, exact for one
//! of two choices. With m = ⌈2^(k+l)/d⌉ and c = 0, the error of m·d is e = m·d − 2^(k+l), and the
//! product is too large by x·e/(d·2^(k+l)), less than 1/d if e ≤ 2^l. With m = ⌊2^(k+l)/d⌋ (2^k − 1 if d
//! is a power of two) and c = 1, e = 2^(k+l) − m·d > 0, and the product exceeds x/d by 1/d less
//! (x + 1)·e/(d·2^(k+l)), which is in [0, 1/d) if e ≤ 2^l. Both e sum to d unless d divides, so one of
//! them is at most 2^l. In both cases m < 2^k, and (x + c)·m < 2^2k.
//!
//! By a secret divisor: [`super::reciprocal`], and [`super::wide`] for 128 bits.

use wire::kind::Kind;

use super::Builder;
use crate::{
    ValueId,
    circuit::{public::Lanes, range::Range},
};

/// A quotient of unsigned integers, up to what is still to be taken off.
pub(super) struct Quotient {
    pub(super) value: ValueId,
    /// Booleans: where 1 is to be taken off; never together with `zero`.
    pub(super) excess: Option<ValueId>,
    /// Booleans: where the divisor is 0; there the value is 0.
    pub(super) zero: Option<ValueId>,
}

/// What ⌊x/d⌋ is computed with: the multiplier, c, and l.
#[derive(Clone, Copy)]
struct Multiplier {
    factor: u128,
    add: u128,
    shift: u32,
}

impl Builder {
    /// x / y, truncated; −1 by 0.
    pub(super) fn quotient(&mut self, x: ValueId, y: ValueId) -> ValueId {
        let (kind, len) = (self.kind(x), self.both_len(x, y));
        let (from, by) = (self.range(x), self.range(y));
        if !from.negative && !by.negative {
            let [x, y] = [x, y].map(|v| self.unsigned(v));
            let quotient = self.ratio(x, y);
            let value = self.unsigned_quotient(quotient);
            let value = self.spread(value, len);
            return self.resize(value, kind);
        }
        let top = kind.bits() - 1;
        let [sign_x, sign_y] = [x, y].map(|v| self.bit(v, top));
        let [x, y] = [x, y].map(|v| self.magnitude(v));
        let [x, y] = [x, y].map(|v| self.unsigned(v));
        let Quotient {
            mut value,
            excess,
            zero,
        } = self.ratio(x, y);
        if let Some(excess) = excess {
            let excess = self.ring(excess, self.kind(value));
            value = self.sub(value, excess);
        }
        let sign = self.add(sign_x, sign_y);
        let sign = self.ring(sign, self.kind(value));
        value = self.negated_if(sign, value);
        if let Some(zero) = zero {
            let zero = self.ring(zero, self.kind(value));
            value = self.sub(value, zero);
        }
        let value = self.spread(value, len);
        let value = self.resize(value, kind);
        // −2^b by −1 is 2^b.
        let bits = from.bits + 1;
        let negative = true;
        self.know(value, Range { bits, negative }.within(kind));
        value
    }

    /// x % y with the sign of x; x by 0.
    pub(super) fn remainder(&mut self, x: ValueId, y: ValueId) -> ValueId {
        let quotient = self.quotient(x, y);
        let product = self.mul(quotient, y);
        let result = self.sub(x, product);
        let (mut range, by) = (self.range(x), self.range(y));
        let never_zero = match self.lanes(y) {
            Some(Lanes::All(d)) => d != 0,
            Some(Lanes::Each(all)) => !all.contains(&0),
            None => false,
        };
        if never_zero && !by.negative {
            range.bits = range.bits.min(by.bits);
        }
        self.know(result, range);
        result
    }

    fn unsigned_quotient(&mut self, quotient: Quotient) -> ValueId {
        let kind = self.kind(quotient.value);
        let less = match (quotient.excess, quotient.zero) {
            (Some(excess), Some(zero)) => Some(self.add(excess, zero)),
            (excess, zero) => excess.or(zero),
        };
        match less {
            Some(less) => {
                let less = self.ring(less, kind);
                self.sub(quotient.value, less)
            }
            None => quotient.value,
        }
    }

    /// x / y of one unsigned kind, in the narrowest ring that holds both.
    fn ratio(&mut self, x: ValueId, y: ValueId) -> Quotient {
        let (kind, from, by) = (self.kind(x), self.range(x), self.range(y));
        let kinds = [Kind::U8, Kind::U16, Kind::U32, Kind::U64];
        let holds = |k: &Kind| k.bits() >= from.bits.max(by.bits) && k.bits() < kind.bits();
        if let Some(narrow) = kinds.into_iter().find(holds) {
            let [x, y] = [x, y].map(|v| self.resize(v, narrow));
            let quotient = self.ratio(x, y);
            let mut value = self.resize(quotient.value, kind);
            if let Some(excess) = quotient.excess {
                let excess = self.ring(excess, kind);
                value = self.sub(value, excess);
            }
            self.know(value, from);
            return Quotient {
                value,
                excess: None,
                zero: quotient.zero,
            };
        }
        if let Some(quotient) = self.by_public(x, y) {
            return quotient;
        }
        let len = self.both_len(x, y);
        let x = self.spread(x, len);
        if kind == Kind::U128 {
            self.by_secret_wide(x, y)
        } else {
            self.by_secret(x, y)
        }
    }

    /// x / y if y is public.
    fn by_public(&mut self, x: ValueId, y: ValueId) -> Option<Quotient> {
        let (kind, range, len) = (self.kind(x), self.range(x), self.both_len(x, y));
        let divisors: Vec<u128> = match self.lanes(y)? {
            Lanes::All(d) => vec![d],
            Lanes::Each(all) => all.to_vec(),
        };
        let zero = if divisors.contains(&0) {
            let lanes: Vec<u128> = divisors.iter().map(|d| u128::from(*d == 0)).collect();
            let zero = self.public(Kind::Bool, lanes.into());
            Some(self.spread(zero, len))
        } else {
            None
        };
        let least = divisors.iter().filter(|d| **d > 0).min().copied();
        let least = least.map_or(0, u128::ilog2);
        let value = match divisors[..] {
            [0] => self.constant(kind, 0, len),
            _ if range.bits <= least => self.constant(kind, 0, len),
            [d] if d.is_power_of_two() => self.shr(x, d.ilog2()),
            _ => {
                let all: Vec<Multiplier> = divisors
                    .iter()
                    .map(|d| Multiplier::of(*d, kind.bits()))
                    .collect();
                let x = if all.len() == 1 {
                    x
                } else {
                    self.spread(x, len)
                };
                self.scaled_down(x, &all)?
            }
        };
        let bits = range.bits.saturating_sub(least);
        let negative = false;
        self.know(value, Range { bits, negative });
        Some(Quotient {
            value,
            excess: None,
            zero,
        })
    }

    /// ⌊(x + c)·m / 2^(k+l)⌋, or nothing if there is no ring for it.
    fn scaled_down(&mut self, x: ValueId, all: &[Multiplier]) -> Option<ValueId> {
        let kind = self.kind(x);
        let bits = kind.bits();
        let most = all.iter().map(|m| m.shift).max()?;
        let uniform = all.iter().all(|m| m.shift == most);
        let [factors, adds, shifts] = [
            |m: &Multiplier, _| m.factor,
            |m: &Multiplier, _| m.add,
            |m: &Multiplier, most| 1u128 << (most - m.shift),
        ]
        .map(|f: fn(&Multiplier, u32) -> u128| all.iter().map(|m| f(m, most)).collect::<Vec<_>>());
        let Some(wide) = double(kind) else {
            let shifted = uniform.then(|| self.high_product(x, &factors, &adds))?;
            return Some(self.shr(shifted, most));
        };
        let x = self.resize(x, wide);
        let factors = self.public(wide, factors.into());
        let adds = self.public(wide, adds.into());
        let x = self.add(x, adds);
        let product = self.mul(x, factors);
        let result = if uniform {
            self.shr(product, bits + most)
        } else {
            let high = self.shr(product, bits);
            let shifts = self.public(wide, shifts.into());
            let high = self.mul(high, shifts);
            self.shr(high, most)
        };
        Some(self.resize(result, kind))
    }

    /// ⌊(x + c)·m / 2^128⌋ by limbs of 64 bits. No term wraps: limbs are below 2^64, x's low one plus c
    /// is at most that, and (2^64 − 1)·2^64 + 2^64 − 1 < 2^128.
    fn high_product(&mut self, x: ValueId, factors: &[u128], adds: &[u128]) -> ValueId {
        let kind = Kind::U128;
        let limb = |f: fn(u128) -> u128| factors.iter().map(|m| f(*m)).collect::<Vec<_>>();
        let factor_low = self.public(kind, limb(|m| m & u128::from(u64::MAX)).into());
        let factor_high = self.public(kind, limb(|m| m >> 64).into());
        let adds = self.public(kind, adds.into());
        let (low, high) = self.limbs(x);
        let low = self.add(low, adds);
        let lowest = self.mul(low, factor_low);
        let carry = self.shr(lowest, 64);
        let middle = self.mul(low, factor_high);
        let middle = self.add(middle, carry);
        let middle_high = self.shr(middle, 64);
        let part = self.scale(middle_high, 1 << 64);
        let middle_low = self.sub(middle, part);
        let other = self.mul(high, factor_low);
        let other = self.add(other, middle_low);
        let carry = self.shr(other, 64);
        let top = self.mul(high, factor_high);
        let top = self.add(top, middle_high);
        self.add(top, carry)
    }

    /// The low and the high 64 bits of a `u128`.
    pub(super) fn limbs(&mut self, x: ValueId) -> (ValueId, ValueId) {
        let high = self.shr(x, 64);
        let part = self.scale(high, 1 << 64);
        let low = self.sub(x, part);
        let range = Range {
            bits: 64,
            negative: false,
        };
        self.know(low, range);
        self.know(high, range);
        (low, high)
    }
}

impl Multiplier {
    /// For a divisor of so many bits; by 0 gives 0.
    fn of(divisor: u128, bits: u32) -> Self {
        if divisor == 0 {
            return Self {
                factor: 0,
                add: 0,
                shift: 0,
            };
        }
        let shift = divisor.ilog2();
        let (floor, rest) = power_by(bits + shift, divisor);
        let mask = u128::MAX >> (128 - bits);
        if rest != 0 && divisor - rest <= 1 << shift && floor < mask {
            return Self {
                factor: floor + 1,
                add: 0,
                shift,
            };
        }
        let factor = if rest == 0 { mask } else { floor };
        Self {
            factor,
            add: 1,
            shift,
        }
    }
}

/// 2^exponent / divisor and the remainder, bit by bit; of the quotient the low 128 bits.
fn power_by(exponent: u32, divisor: u128) -> (u128, u128) {
    let (mut quotient, mut rest) = (0u128, 0u128);
    for i in 0..=exponent {
        let carry = rest >> 127 == 1;
        rest = rest << 1 | u128::from(i == 0);
        let fits = carry || rest >= divisor;
        if fits {
            rest = rest.wrapping_sub(divisor);
        }
        quotient = quotient << 1 | u128::from(fits);
    }
    (quotient, rest)
}

/// The unsigned kind of twice the width.
pub(super) const fn double(kind: Kind) -> Option<Kind> {
    Some(match kind {
        Kind::U8 => Kind::U16,
        Kind::U16 => Kind::U32,
        Kind::U32 => Kind::U64,
        Kind::U64 => Kind::U128,
        _ => return None,
    })
}
