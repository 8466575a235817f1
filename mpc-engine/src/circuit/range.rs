//! How large values can get: what makes comparisons of small values cheap.

use wire::kind::Kind;

/// Bounds of all lanes of a value, as the integer that its kind says it is: −2^bits ≤ x < 2^bits, or
/// 0 ≤ x < 2^bits if it cannot be negative. That no operation wraps is implied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Range {
    pub(crate) bits: u32,
    pub(crate) negative: bool,
}

impl Range {
    /// All that a kind can hold.
    pub(crate) const fn full(kind: Kind) -> Self {
        let negative = kind.is_signed();
        Self {
            bits: kind.bits() - negative as u32,
            negative,
        }
    }

    /// Of what is not negative and has so many bits.
    pub(crate) const fn up_to(bits: u32) -> Self {
        Self {
            bits,
            negative: false,
        }
    }

    /// Of what is not negative, and at most `most`.
    pub(crate) const fn at_most(most: u128) -> Self {
        Self::up_to(128 - most.leading_zeros())
    }

    /// Of one public value of a kind.
    pub(crate) const fn of(kind: Kind, value: u128) -> Self {
        let negative = kind.is_signed() && value >> (kind.bits() - 1) & 1 == 1;
        let magnitude = if negative {
            !value & kind.mask()
        } else {
            value
        };
        Self {
            bits: 128 - magnitude.leading_zeros(),
            negative,
        }
    }

    /// That of either.
    pub(crate) fn or(self, other: Self) -> Self {
        Self {
            bits: self.bits.max(other.bits),
            negative: self.negative || other.negative,
        }
    }

    /// Itself if the kind can hold it, else all of the kind: then the operation may have wrapped.
    pub(crate) fn within(self, kind: Kind) -> Self {
        let full = Self::full(kind);
        if self.bits > full.bits || self.negative && !full.negative {
            return full;
        }
        self
    }

    /// Of a sum of two.
    pub(crate) fn plus(self, other: Self, kind: Kind) -> Self {
        let or = self.or(other);
        let bits = match (self.bits, other.bits) {
            // The sum with 0 stays.
            (0, _) if !self.negative => other.bits,
            (_, 0) if !other.negative => self.bits,
            _ => or.bits + 1,
        };
        Self { bits, ..or }.within(kind)
    }

    /// Of a difference. It fits one bit more than the larger, and has a sign.
    pub(crate) fn minus(self, other: Self, kind: Kind) -> Self {
        if other.bits == 0 && !other.negative {
            return self;
        }
        Self {
            // −y for −2^b ≤ y is at most 2^b, which takes a bit more.
            bits: self.bits.max(other.bits) + u32::from(self.negative || other.negative),
            negative: true,
        }
        .within(kind)
    }

    /// Of a product.
    pub(crate) fn times(self, other: Self, kind: Kind) -> Self {
        let negative = self.negative || other.negative;
        Self {
            bits: self.bits + other.bits + u32::from(self.negative && other.negative),
            negative,
        }
        .within(kind)
    }

    /// Of a sum of `count` terms.
    pub(crate) fn sum(self, count: usize, kind: Kind) -> Self {
        let more = count.next_power_of_two().trailing_zeros();
        Self {
            bits: self.bits + more,
            ..self
        }
        .within(kind)
    }
}

/// What a gate may rely on of its operand of k bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Bound {
    /// Nothing.
    Any,
    /// It is not negative and below 2^(k−1).
    Low,
    /// It is at least −2^(k−2) and below 2^(k−2).
    Middle,
}

impl Bound {
    /// What a range says of a value of this kind.
    pub(crate) const fn of(range: Range, kind: Kind) -> Self {
        if !range.negative && range.bits < kind.bits() {
            Self::Low
        } else if range.bits + 2 <= kind.bits() {
            Self::Middle
        } else {
            Self::Any
        }
    }
}
