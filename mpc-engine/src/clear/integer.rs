//! Division, bits and powers of integers, lane by lane.

use wire::{kind::Kind, secret::Op};

use super::{Operand, extended, ordered};
use crate::program::Form;

pub(super) fn apply(op: Op, operands: &[Operand<'_>], immediate: u64, form: Form) -> Vec<u128> {
    let (a, b) = (&operands[0], operands.get(1));
    let lane = |i| {
        let (x, y) = (a.at(i), b.map_or(0, |b| b.at(i)));
        match b {
            Some(_) => binary(op, a.kind, x, y),
            None => unary(op, a.kind, x, immediate),
        }
    };
    (0..form.len).map(|i| lane(i) & form.kind.mask()).collect()
}

fn unary(op: Op, kind: Kind, x: u128, immediate: u64) -> u128 {
    let bits = kind.bits();
    let negative = kind.is_signed() && x >> (bits - 1) == 1;
    match op {
        Op::Abs if negative => x.wrapping_neg(),
        Op::RotateLeft => rotated(kind, x, (immediate % u64::from(bits)) as u32),
        Op::ReverseBits => x.reverse_bits() >> (128 - bits),
        Op::SwapBytes => x.swap_bytes() >> (128 - bits),
        Op::CountOnes => x.count_ones().into(),
        Op::LeadingZeros => (x.leading_zeros() - (128 - bits)).into(),
        Op::TrailingZeros => x.trailing_zeros().min(bits).into(),
        Op::Isqrt if negative => 0,
        Op::Isqrt => x.isqrt(),
        Op::Pow => power(x, immediate.into()),
        _ => x,
    }
}

fn binary(op: Op, kind: Kind, x: u128, y: u128) -> u128 {
    let bits = kind.bits();
    let by = (y % u128::from(bits)) as u32;
    let [signed_x, signed_y] = [x, y].map(|v| extended(kind, v).cast_signed());
    match op {
        Op::Div | Op::Rem if y == 0 => match op {
            Op::Div => u128::MAX,
            _ => x,
        },
        Op::Div if kind.is_signed() => quotient(kind, signed_x, signed_y),
        Op::Div => x / y,
        Op::Rem if kind.is_signed() => signed_x.wrapping_rem(signed_y).cast_unsigned(),
        Op::Rem => x % y,
        Op::Min if ordered(kind, x) < ordered(kind, y) => x,
        Op::Max if ordered(kind, x) > ordered(kind, y) => x,
        Op::ShlBy => x << by,
        Op::ShrBy if kind.is_signed() => (signed_x >> by).cast_unsigned(),
        Op::ShrBy => x >> by,
        Op::RotateLeftBy => rotated(kind, x, by),
        Op::PowBy => power(x, y),
        _ => y,
    }
}

/// On fixed point x counts units, so it is scaled up first; that wraps.
fn quotient(kind: Kind, x: i128, y: i128) -> u128 {
    let scaled = x.wrapping_shl(kind.fraction()).cast_unsigned() & kind.mask();
    let scaled = extended(kind, scaled).cast_signed();
    scaled.wrapping_div(y).cast_unsigned()
}

fn rotated(kind: Kind, x: u128, by: u32) -> u128 {
    if by == 0 {
        return x;
    }
    x << by | x >> (kind.bits() - by)
}

fn power(x: u128, mut exponent: u128) -> u128 {
    let (mut product, mut square) = (1u128, x);
    while exponent > 0 {
        if exponent & 1 == 1 {
            product = product.wrapping_mul(square);
        }
        square = square.wrapping_mul(square);
        exponent >>= 1;
    }
    product
}
