//! Decimal text as fixed point.

use zeroize::Zeroizing;

/// Bytes of a decimal's text.
const TEXT_BYTES: usize = 256;
/// Powers of ten by which a decimal may be scaled.
const MOST_EXPONENT: i32 = 128;

/// Why a text is no fixed-point number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NotFixed {
    /// It is no decimal.
    Syntax,
    /// It does not fit 128 bits.
    Range,
}

/// The number of units of 2^−fraction nearest to a decimal: digits with an optional sign, point and
/// exponent (`-1.25`, `3e-2`). Halves are rounded away from zero.
pub(super) fn units(text: &str, fraction: u32) -> Result<i128, NotFixed> {
    if text.len() > TEXT_BYTES {
        return Err(NotFixed::Syntax);
    }
    let (negative, unsigned) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, self::exponent(exponent)?),
        None => (unsigned, 0),
    };
    let (whole, after) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = || whole.bytes().chain(after.bytes());
    if !digits().all(|byte| byte.is_ascii_digit()) || digits().count() == 0 {
        return Err(NotFixed::Syntax);
    }
    // The point is before the digit with this index, which may be none of those there are.
    let point = whole.len() as i32 + exponent;
    let mut integer = Zeroizing::new(0_u128);
    let mut rest = Zeroizing::new(Vec::with_capacity(TEXT_BYTES + MOST_EXPONENT as usize));
    rest.resize(usize::try_from(-point).unwrap_or(0), 0);
    for (place, byte) in (0_i32..).zip(digits()) {
        let digit = byte - b'0';
        if place < point {
            *integer = appended(*integer, digit)?;
        } else {
            rest.push(digit);
        }
    }
    for _ in digits().count() as i32..point {
        *integer = appended(*integer, 0)?;
    }
    for _ in 0..fraction {
        *integer = integer.checked_mul(2).ok_or(NotFixed::Range)? + double(&mut rest);
    }
    *integer = integer
        .checked_add(double(&mut rest))
        .ok_or(NotFixed::Range)?;
    let least = i128::MIN.unsigned_abs();
    match (negative, *integer) {
        (true, magnitude) if magnitude <= least => Ok(magnitude.wrapping_neg().cast_signed()),
        (false, magnitude) if magnitude < least => Ok(magnitude.cast_signed()),
        _ => Err(NotFixed::Range),
    }
}

fn exponent(text: &str) -> Result<i32, NotFixed> {
    let exponent: i32 = text.parse().map_err(|_| NotFixed::Syntax)?;
    if !(-MOST_EXPONENT..=MOST_EXPONENT).contains(&exponent) {
        return Err(NotFixed::Range);
    }
    Ok(exponent)
}

/// The number with a digit more.
fn appended(number: u128, digit: u8) -> Result<u128, NotFixed> {
    let shifted = number.checked_mul(10);
    let more = shifted.and_then(|number| number.checked_add(digit.into()));
    more.ok_or(NotFixed::Range)
}

/// Doubles the digits after the point; returns what moves before it.
fn double(digits: &mut [u8]) -> u128 {
    let mut carry = 0;
    for digit in digits.iter_mut().rev() {
        let doubled = 2 * *digit + carry;
        (*digit, carry) = (doubled % 10, doubled / 10);
    }
    carry.into()
}

#[cfg(test)]
mod tests {
    use super::{NotFixed, units};

    #[test]
    fn decimals_become_the_nearest_unit() {
        for (text, fraction, expected) in [
            ("1.25", 16, 0x1_4000),
            ("-1.25", 16, -0x1_4000),
            ("0.1", 16, 6_554),
            ("-0", 16, 0),
            ("007", 1, 14),
            (".5", 1, 1),
            ("3.", 1, 6),
            ("125e-2", 2, 5),
            ("0.0125E+2", 2, 5),
            ("1e3", 1, 2_000),
            ("0.25", 1, 1),
            ("-0.25", 1, -1),
            ("0.2499999999999999999999999999999999999999999999", 1, 0),
            ("5e-100", 62, 0),
            ("0e128", 8, 0),
            ("-2", 126, i128::MIN),
            ("1.99999999999999999999999999999999999999", 126, i128::MAX),
        ] {
            assert_eq!(units(text, fraction), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_decimal_or_too_large() {
        for text in [
            "", "-", ".", "e1", "1e", "+1", "--1", "1.2.3", "0x1", "1,5", "inf", " 1",
        ] {
            assert_eq!(units(text, 16), Err(NotFixed::Syntax), "{text}");
        }
        assert_eq!(units(&"1".repeat(257), 16), Err(NotFixed::Syntax));
        for text in ["2", "1e40", "1e129", "-2.1", "1e-129"] {
            assert_eq!(units(text, 126), Err(NotFixed::Range), "{text}");
        }
    }
}
