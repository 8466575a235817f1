//! Methods that work element by element, by Rust's names, alike on single values and vectors.
//!
//! Arithmetic wraps and nothing panics on secrets: where Rust's method would, the documentation
//! says what there is instead.

use wire::secret::Op;

use super::{
    Integer, Number, ScalarOperand, Secret, SecretVec, Signed, Unsigned, VectorOperand, compose,
    compose::lane, operand::lanes,
};

/// Methods with the same words for [`Secret`] and [`SecretVec`]: in square brackets self and the
/// secret operands, in parentheses the public ones.
macro_rules! methods {
    ($bound:ident: $(
        $(#[$doc:meta])*
        fn $name:ident[$this:ident $(, $operand:ident: $of:ty)*]($($public:ident: $plain:ty),*)
            -> $out:ty $body:block
    )*) => {
        impl<T: $bound> Secret<T> {$(
            $(#[$doc])*
            #[must_use]
            pub fn $name(self $(, $operand: impl ScalarOperand<$of>)* $(, $public: $plain)*)
                -> Secret<$out>
            {
                let $this = self.operand();
                $(let $operand = $operand.operand();)*
                Secret::of($body)
            }
        )*}

        impl<T: $bound> SecretVec<T> {$(
            $(#[$doc])*
            #[must_use]
            pub fn $name(self $(, $operand: impl VectorOperand<$of>)* $(, $public: $plain)*)
                -> SecretVec<$out>
            {
                let $this = self.operand();
                $(let $operand = $operand.operand();)*
                SecretVec::of($body)
            }
        )*}
    };
}

methods! { Number:
    /// The lesser of the two. Costs a comparison and a selection.
    fn min[a, other: T]() -> T { lane(Op::Min, &[a, other]) }

    /// The greater of the two. Costs a comparison and a selection.
    fn max[a, other: T]() -> T { lane(Op::Max, &[a, other]) }

    /// This, or the nearer of two bounds if it is not between them; the greatest if they are not in
    /// order. Costs two comparisons and two selections.
    fn clamp[a, least: T, greatest: T]() -> T { compose::clamp(a, least, greatest) }
}

methods! { Signed:
    /// The number without its sign; the least number stays as it is. Costs a comparison with a
    /// public number and a selection.
    fn abs[a]() -> T { lane(Op::Abs, &[a]) }

    /// 1, 0 or −1 as the number is positive, zero or negative. Costs two comparisons with a public
    /// number and two selections.
    fn signum[a]() -> T { compose::signum(a) }

    /// Whether it is less than zero. Costs its highest bit.
    fn is_negative[a]() -> bool { compose::is_negative(a) }

    /// Whether it is greater than zero. Costs a comparison with a public number.
    fn is_positive[a]() -> bool { compose::is_positive(a) }
}

methods! { Integer:
    /// The distance of the two numbers. Costs a comparison and a selection.
    fn abs_diff[a, other: T]() -> T::Unsigned { compose::abs_diff(a, other) }

    /// To a public power. Costs up to twice as many multiplications as the exponent has bits.
    fn pow[a](exponent: u32) -> T { lanes(Op::Pow, &[a], u64::from(exponent), T::KIND) }

    /// The integer part of the square root; 0 of a negative number. Costs half as many comparisons
    /// and subtractions as the type has bits, one after another.
    fn isqrt[a]() -> T { lane(Op::Isqrt, &[a]) }

    /// The place of the highest bit, from 0; `u32::MAX` of 0. Costs as much as
    /// [`Self::leading_zeros`].
    fn ilog2[a]() -> u32 { compose::ilog2(a) }

    /// How many of the highest bits are clear. Costs the bits and a count of them.
    fn leading_zeros[a]() -> u32 { compose::count(Op::LeadingZeros, a) }

    /// How many of the lowest bits are clear. Costs the bits and a count of them.
    fn trailing_zeros[a]() -> u32 { compose::count(Op::TrailingZeros, a) }

    /// How many of the highest bits are set. Costs the bits and a count of them.
    fn leading_ones[a]() -> u32 { compose::count_clear(Op::LeadingZeros, a) }

    /// How many of the lowest bits are set. Costs the bits and a count of them.
    fn trailing_ones[a]() -> u32 { compose::count_clear(Op::TrailingZeros, a) }

    /// How many bits are set. Costs the bits and a count of them.
    fn count_ones[a]() -> u32 { compose::count(Op::CountOnes, a) }

    /// How many bits are clear. Costs the bits and a count of them.
    fn count_zeros[a]() -> u32 { compose::count_clear(Op::CountOnes, a) }

    /// The bytes in reverse. Costs the bits.
    fn swap_bytes[a]() -> T { lane(Op::SwapBytes, &[a]) }

    /// The bits in reverse. Costs the bits.
    fn reverse_bits[a]() -> T { lane(Op::ReverseBits, &[a]) }

    /// Turned to the left by a public number of bits, modulo the width. Costs the bits.
    fn rotate_left[a](bits: u32) -> T {
        lanes(Op::RotateLeft, &[a], u64::from(bits % T::KIND.bits()), T::KIND)
    }

    /// Turned to the right by a public number of bits, modulo the width. Costs the bits.
    fn rotate_right[a](bits: u32) -> T {
        let width = T::KIND.bits();
        lanes(Op::RotateLeft, &[a], u64::from((width - bits % width) % width), T::KIND)
    }

    /// The quotient that leaves a remainder of at least 0. Costs a division, a multiplication, two
    /// comparisons with a public number and two selections; less on unsigned types. By 0, it has no
    /// meaning.
    fn div_euclid[a, other: T]() -> T { compose::div_euclid(a, other) }

    /// The remainder that is at least 0. Costs a division, two multiplications, two comparisons
    /// with a public number and two selections; less on unsigned types. By 0, it is this number.
    fn rem_euclid[a, other: T]() -> T { compose::rem_euclid(a, other) }

    /// The mean of the two without overflow, rounded towards zero. Costs the bits of both.
    fn midpoint[a, other: T]() -> T { compose::midpoint(a, other) }

    /// The sum, or the end of the range beyond which it lies. Costs a comparison and a selection;
    /// the bits of both besides on signed types.
    fn saturating_add[a, other: T]() -> T { compose::saturating_add(a, other) }

    /// The difference, or the end of the range beyond which it lies. Costs a comparison and a
    /// selection; the bits of both besides on signed types.
    fn saturating_sub[a, other: T]() -> T { compose::saturating_sub(a, other) }

    /// The product, or the end of the range beyond which it lies. Costs a multiplication at twice
    /// the width with two widenings, a comparison and a selection; at 128 bits, about four times
    /// that.
    fn saturating_mul[a, other: T]() -> T { compose::saturating_mul(a, other) }
}

methods! { Unsigned:
    /// The quotient, rounded up. Costs a division, a multiplication and a comparison. By 0, it has
    /// no meaning.
    fn div_ceil[a, other: T]() -> T { compose::div_ceil(a, other) }

    /// The least multiple of the other that is not less than this, wrapping. Costs a division, a
    /// multiplication, a comparison and a selection. Of 0, it is 0.
    fn next_multiple_of[a, other: T]() -> T { compose::next_multiple_of(a, other) }

    /// Whether it is a power of two. Costs the bits and a comparison.
    fn is_power_of_two[a]() -> bool { compose::is_power_of_two(a) }
}

/// Methods that also say whether the result was wrapped.
macro_rules! overflowing {
    ($($(#[$doc:meta])* fn $name:ident;)*) => {
        impl<T: Integer> Secret<T> {$(
            $(#[$doc])*
            #[must_use]
            pub fn $name(self, other: impl ScalarOperand<T>) -> (Self, Secret<bool>) {
                let (value, overflow) = compose::$name(self.operand(), other.operand());
                (Self::of(value), Secret::of(overflow))
            }
        )*}

        impl<T: Integer> SecretVec<T> {$(
            $(#[$doc])*
            #[must_use]
            pub fn $name(self, other: impl VectorOperand<T>) -> (Self, SecretVec<bool>) {
                let (value, overflow) = compose::$name(self.operand(), other.operand());
                (Self::of(value), SecretVec::of(overflow))
            }
        )*}
    };
}

overflowing! {
    /// The sum, and whether it wrapped. Costs a comparison; the bits of both besides on signed
    /// types.
    fn overflowing_add;

    /// The difference, and whether it wrapped. Costs a comparison; the bits of both besides on
    /// signed types.
    fn overflowing_sub;

    /// The product, and whether it wrapped. Costs a multiplication at twice the width with two
    /// widenings and a comparison; at 128 bits, about four times that.
    fn overflowing_mul;
}

/// Methods by a secret unsigned number, which may be of another width.
macro_rules! by_secret {
    ($($(#[$doc:meta])* fn $name:ident = $compose:expr;)*) => {
        impl<T: Integer> Secret<T> {$(
            $(#[$doc])*
            #[must_use]
            pub fn $name<B: Unsigned>(self, by: Secret<B>) -> Self {
                Self::of($compose(self.operand(), by.operand()))
            }
        )*}

        impl<T: Integer> SecretVec<T> {$(
            $(#[$doc])*
            #[must_use]
            pub fn $name<B: Unsigned>(self, by: SecretVec<B>) -> Self {
                Self::of($compose(self.operand(), by.operand()))
            }
        )*}
    };
}

by_secret! {
    /// To a secret power. Costs two multiplications and a selection per bit of the exponent, so
    /// take it as narrow as it can be.
    fn pow_by = |a, by| lane(Op::PowBy, &[a, by]);

    /// Turned to the left by a secret number of bits, modulo the width. Costs one selection per bit
    /// of that number which matters.
    fn rotate_left_by = |a, by| lane(Op::RotateLeftBy, &[a, by]);

    /// Turned to the right by a secret number of bits, modulo the width. Costs one selection per
    /// bit of that number which matters.
    fn rotate_right_by = compose::rotate_right_by;
}
