//! Fixed point: whole numbers of units of 2^−F.

use alloy_sol_types::{Word, sol_data};
use wire::kind::Kind;

use super::{Number, Scalar, SecretType, Signed, Source};
use crate::{
    abi::{AbiType, Topic},
    state::{Encoding, Stored},
};

/// num / den in units of 2^−fraction, rounded to the nearest, halves away from zero; none if den is
/// 0 or the result does not fit.
const fn ratio_units(num: i128, den: i128, fraction: u32) -> Option<i128> {
    let (divisor, mut rest) = (den.unsigned_abs(), num.unsigned_abs());
    if divisor == 0 {
        return None;
    }
    let mut units = rest / divisor;
    rest %= divisor;
    let mut bit = 0;
    while bit < fraction {
        if units >> 127 != 0 {
            return None;
        }
        // What is left is less than the divisor, which is at most 2^127.
        rest <<= 1;
        units <<= 1;
        if rest >= divisor {
            rest -= divisor;
            units += 1;
        }
        bit += 1;
    }
    if rest << 1 >= divisor {
        units += 1;
    }
    let least = i128::MIN.unsigned_abs();
    match (num < 0) != (den < 0) {
        true if units <= least => Some(units.wrapping_neg().cast_signed()),
        false if units < least => Some(units.cast_signed()),
        _ => None,
    }
}

/// All digits of so many units of 2^−fraction: there are at most as many after the point.
fn write_decimal(
    f: &mut std::fmt::Formatter<'_>,
    negative: bool,
    units: u128,
    fraction: u32,
) -> std::fmt::Result {
    use std::fmt::Write as _;
    if negative {
        f.write_char('-')?;
    }
    write!(f, "{}", units >> fraction)?;
    // The fraction in units of 2^−128.
    let mut rest = units << (128 - fraction);
    if rest != 0 {
        f.write_char('.')?;
    }
    while rest != 0 {
        let low = ((rest & u128::from(u64::MAX)) * 10) >> 64;
        let digit = ((rest >> 64) * 10 + low) >> 64;
        f.write_char(char::from(b'0' + digit as u8))?;
        rest = rest.wrapping_mul(10);
    }
    Ok(())
}

macro_rules! fixed_point {
    ($(#[$doc:meta])* $name:ident: $units:ident, $kind:ident, $most:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name<const F: u8>($units);

        impl<const F: u8> $name<F> {
            const FRACTION: u32 = {
                assert!(F >= 1 && F <= $most, "too many or no bits after the point");
                F as u32
            };
            /// Zero.
            pub const ZERO: Self = Self(0);
            /// One.
            pub const ONE: Self = Self(1 << Self::FRACTION);
            /// The least number.
            pub const MIN: Self = Self($units::MIN);
            /// The greatest number.
            pub const MAX: Self = Self($units::MAX);

            /// So many units of 2^−F, which is also what it is in Solidity.
            #[must_use]
            pub const fn from_units(units: $units) -> Self {
                Self(units)
            }

            /// How many units of 2^−F.
            #[must_use]
            pub const fn units(self) -> $units {
                self.0
            }

            /// A whole number.
            ///
            /// # Panics
            /// It is out of range.
            #[must_use]
            pub const fn from_integer(number: $units) -> Self {
                Self::from_ratio(number, 1)
            }

            /// numerator / denominator, rounded to the nearest unit, halves away from zero.
            ///
            /// # Panics
            /// The denominator is 0, or the result out of range.
            #[must_use]
            pub const fn from_ratio(numerator: $units, denominator: $units) -> Self {
                let ratio =
                    ratio_units(numerator as i128, denominator as i128, Self::FRACTION);
                match ratio {
                    Some(units) if units >= $units::MIN as i128 && units <= $units::MAX as i128 => {
                        Self(units as $units)
                    }
                    _ => panic!("no such fixed-point number: divided by 0, or out of range"),
                }
            }
        }

        /// All digits: `-1.25`.
        impl<const F: u8> std::fmt::Display for $name<F> {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                let magnitude = u128::from(self.0.unsigned_abs());
                write_decimal(f, self.0 < 0, magnitude, Self::FRACTION)
            }
        }

        impl<const F: u8> SecretType for $name<F> {
            type Held = Source;
        }

        impl<const F: u8> Scalar for $name<F> {
            const KIND: Kind = Kind::$kind(Self::FRACTION as u8);

            fn to_bits(self) -> u128 {
                self.0 as u128 & Self::KIND.mask()
            }

            fn from_bits(bits: u128) -> Self {
                Self(bits as $units)
            }
        }

        impl<const F: u8> Number for $name<F> {}
        impl<const F: u8> Signed for $name<F> {}

        impl<const F: u8> AbiType for $name<F> {
            type Sol = sol_data::Int<{ $units::BITS as usize }>;

            fn to_sol(&self) -> $units {
                self.0
            }

            fn from_sol(units: $units) -> Option<Self> {
                Some(Self(units))
            }

            fn zero() -> $units {
                0
            }
        }

        impl<const F: u8> Topic for $name<F> {
            fn to_topic(&self) -> Word {
                self.0.to_topic()
            }

            fn from_topic(topic: &Word) -> Option<Self> {
                $units::from_topic(topic).map(Self)
            }
        }

        impl<const F: u8> Stored for $name<F> {
            fn store<E: Encoding>(&self, out: &mut Vec<u8>) {
                self.0.store::<E>(out);
            }

            fn restore<E: Encoding>(bytes: &mut &[u8]) -> Option<Self> {
                $units::restore::<E>(bytes).map(Self)
            }
        }
    };
}

fixed_point! {
    /// A number of 64 bits, F of them after the point (1 to 62): `Fixed<16>` is from −2^47 to 2^47
    /// in steps of 2^−16. In Solidity it is an `int64` that counts units of 2^−F.
    ///
    /// As a secret, it has `+ - * / %`, comparisons and the methods of numbers. Sums, differences and
    /// remainders are exact and wrap. With u = 2^−F:
    ///
    /// | Operation | Result | Holds for |
    /// | --- | --- | --- |
    /// | `a * b`, `dot` | less than u too small | −2^(63−2F) ≤ result < 2^(63−2F) |
    /// | `a / b` | less than u too close to 0 | −2^(63−2F) ≤ a < 2^(63−2F), b ≠ 0 |
    /// | `cast` to fewer bits after the point, or to an integer | rounded down | the result's range |
    /// | `cast` to more, or from an integer | exact | the result's range |
    ///
    /// A public whole factor is exact in the whole range. The larger F, the narrower the ranges of
    /// products: take [`Fixed128`], where 127 is in the place of 63.
    ///
    /// ```
    /// use quartet::Fixed;
    ///
    /// const FEE: Fixed<16> = Fixed::from_ratio(-5, 4);
    /// assert_eq!(FEE.to_string(), "-1.25");
    /// ```
    Fixed: i64, Fixed64, 62
}

fixed_point! {
    /// A number of 128 bits, F of them after the point (1 to 126); see [`Fixed`]. In Solidity it is
    /// an `int128` that counts units of 2^−F.
    Fixed128: i128, Fixed128, 126
}

#[cfg(test)]
mod tests {
    use super::{Fixed, Fixed128};

    #[test]
    fn ratios_are_rounded_to_the_nearest_unit() {
        let units = |num, den| Fixed::<2>::from_ratio(num, den).units();
        for (num, den, expected) in [
            (1, 4, 1),
            (5, 4, 5),
            (-5, 4, -5),
            (5, -4, -5),
            (1, 8, 1),
            (-1, 8, -1),
            (1, 9, 0),
            (2, 3, 3),
            (-2, -3, 3),
            (i64::MAX / 4, 1, i64::MAX / 4 * 4),
        ] {
            assert_eq!(units(num, den), expected, "{num}/{den}");
        }
        assert_eq!(Fixed128::<126>::from_integer(-2), Fixed128::MIN);
        assert_eq!(
            Fixed128::<1>::from_ratio(i128::MIN, i128::MIN),
            Fixed128::ONE
        );
        assert_eq!(Fixed::<16>::from_integer(3).units(), 3 << 16);
    }

    #[test]
    #[should_panic(expected = "out of range")]
    fn what_does_not_fit_is_no_number() {
        let _ = Fixed::<62>::from_integer(2);
    }

    #[test]
    #[should_panic(expected = "divided by 0")]
    fn nothing_is_divided_by_zero() {
        let _ = Fixed::<16>::from_ratio(1, 0);
    }

    #[test]
    fn all_digits_are_shown() {
        let show = |units| Fixed::<16>::from_units(units).to_string();
        assert_eq!(show(0), "0");
        assert_eq!(show(-3 << 15), "-1.5");
        assert_eq!(show(1), "0.0000152587890625");
        assert_eq!(Fixed128::<126>::MIN.to_string(), "-2");
        let quarter = Fixed128::<100>::from_ratio(-1, 4);
        assert_eq!(quarter.to_string(), "-0.25");
        let least = Fixed128::<126>::from_units(1).to_string();
        assert!(least.starts_with("0.0000000000000000000000000000000000000117549435"));
        assert_eq!(least.len(), 128);
    }
}
