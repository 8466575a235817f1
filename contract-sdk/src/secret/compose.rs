//! Operations that are composed of others, on operands of any type and shape.
//!
//! Not generic, so that a contract's code holds each of them once.

use wire::{kind::Kind, secret::Op};

use super::{Operand, operand::lanes};

/// An operation that gives the kind of its first operand.
pub(super) fn lane(op: Op, operands: &[Operand]) -> Operand {
    lanes(op, operands, 0, operands[0].kind)
}

/// A comparison.
fn test(op: Op, a: Operand, b: Operand) -> Operand {
    lanes(op, &[a, b], 0, Kind::Bool)
}

fn differ(a: Operand, b: Operand) -> Operand {
    lane(Op::Not, &[test(Op::Eq, a, b)])
}

fn select(bit: Operand, yes: Operand, no: Operand) -> Operand {
    lanes(Op::Select, &[bit, yes, no], 0, yes.kind)
}

pub(super) fn cast(a: Operand, kind: Kind) -> Operand {
    if a.kind == kind {
        return a;
    }
    lanes(Op::Cast, &[a], u64::from(kind.code()), kind)
}

fn shift_right(a: Operand, bits: u32) -> Operand {
    lanes(Op::Shr, &[a], u64::from(bits), a.kind)
}

fn shift_left(a: Operand, bits: u32) -> Operand {
    lanes(Op::Shl, &[a], u64::from(bits), a.kind)
}

/// A public number of the same kind.
const fn like(a: Operand, bits: u128) -> Operand {
    Operand::public(a.kind, bits)
}

/// The greatest number of a kind.
const fn greatest(kind: Kind) -> u128 {
    kind.mask() >> (kind.is_signed() as u32)
}

/// The least number of a kind.
const fn least(kind: Kind) -> u128 {
    if kind.is_signed() {
        1 << (kind.bits() - 1)
    } else {
        0
    }
}

pub(super) const fn unsigned(kind: Kind) -> Kind {
    match kind {
        Kind::I8 => Kind::U8,
        Kind::I16 => Kind::U16,
        Kind::I32 => Kind::U32,
        Kind::I64 => Kind::U64,
        Kind::I128 => Kind::U128,
        kind => kind,
    }
}

/// The integer kind of twice the width and the same sign, if there is one.
const fn wide(kind: Kind) -> Option<Kind> {
    Some(match kind {
        Kind::U8 => Kind::U16,
        Kind::U16 => Kind::U32,
        Kind::U32 => Kind::U64,
        Kind::U64 => Kind::U128,
        Kind::I8 => Kind::I16,
        Kind::I16 => Kind::I32,
        Kind::I32 => Kind::I64,
        Kind::I64 => Kind::I128,
        _ => return None,
    })
}

pub(super) fn is_negative(a: Operand) -> Operand {
    test(Op::Lt, a, like(a, 0))
}

pub(super) fn is_positive(a: Operand) -> Operand {
    test(Op::Lt, like(a, 0), a)
}

pub(super) fn signum(a: Operand) -> Operand {
    let one = 1 << a.kind.fraction();
    let rest = select(
        is_negative(a),
        like(a, u128::MAX << a.kind.fraction()),
        like(a, 0),
    );
    select(is_positive(a), like(a, one), rest)
}

pub(super) fn clamp(a: Operand, least: Operand, greatest: Operand) -> Operand {
    lane(Op::Min, &[lane(Op::Max, &[a, least]), greatest])
}

pub(super) fn abs_diff(a: Operand, b: Operand) -> Operand {
    let difference = lane(Op::Sub, &[a, b]);
    let turned = lane(Op::Neg, &[difference]);
    let distance = select(test(Op::Lt, a, b), turned, difference);
    cast(distance, unsigned(a.kind))
}

pub(super) fn count(op: Op, a: Operand) -> Operand {
    lanes(op, &[a], 0, Kind::U32)
}

/// The same of the clear bits.
pub(super) fn count_clear(op: Op, a: Operand) -> Operand {
    count(op, lane(Op::Not, &[a]))
}

pub(super) fn ilog2(a: Operand) -> Operand {
    let highest = Operand::public(Kind::U32, u128::from(a.kind.bits() - 1));
    lane(Op::Sub, &[highest, count(Op::LeadingZeros, a)])
}

/// a ⊕ (a − 1) has the bits up to the lowest set one of a: more than a − 1 if that is the only one.
pub(super) fn is_power_of_two(a: Operand) -> Operand {
    let before = lane(Op::Sub, &[a, like(a, 1)]);
    test(Op::Lt, before, lane(Op::Xor, &[a, before]))
}

pub(super) fn rotate_right_by(a: Operand, bits: Operand) -> Operand {
    lane(Op::RotateLeftBy, &[a, lane(Op::Neg, &[bits])])
}

/// Quotient and remainder by one division.
fn quotient_and_rest(a: Operand, b: Operand) -> (Operand, Operand) {
    let quotient = lane(Op::Div, &[a, b]);
    let product = lane(Op::Mul, &[quotient, b]);
    (quotient, lane(Op::Sub, &[a, product]))
}

pub(super) fn div_euclid(a: Operand, b: Operand) -> Operand {
    let (quotient, rest) = quotient_and_rest(a, b);
    if !a.kind.is_signed() {
        return quotient;
    }
    let step = select(is_positive(b), like(a, 1), like(a, u128::MAX));
    let step = select(is_negative(rest), step, like(a, 0));
    lane(Op::Sub, &[quotient, step])
}

pub(super) fn rem_euclid(a: Operand, b: Operand) -> Operand {
    let (_, rest) = quotient_and_rest(a, b);
    if !a.kind.is_signed() {
        return rest;
    }
    let step = select(is_negative(rest), lane(Op::Abs, &[b]), like(a, 0));
    lane(Op::Add, &[rest, step])
}

pub(super) fn div_ceil(a: Operand, b: Operand) -> Operand {
    let (quotient, rest) = quotient_and_rest(a, b);
    let more = cast(differ(rest, like(a, 0)), a.kind);
    lane(Op::Add, &[quotient, more])
}

pub(super) fn next_multiple_of(a: Operand, b: Operand) -> Operand {
    let (_, rest) = quotient_and_rest(a, b);
    let missing = lane(Op::Sub, &[b, rest]);
    let whole = test(Op::Eq, rest, like(a, 0));
    lane(Op::Add, &[a, select(whole, like(a, 0), missing)])
}

/// ⌊(a + b) / 2⌋ is half of the bits that differ and all that are common; below zero, what was
/// dropped is added again.
pub(super) fn midpoint(a: Operand, b: Operand) -> Operand {
    let (differing, common) = (lane(Op::Xor, &[a, b]), lane(Op::And, &[a, b]));
    let floor = lane(Op::Add, &[shift_right(differing, 1), common]);
    if !a.kind.is_signed() {
        return floor;
    }
    let below = shift_right(floor, a.kind.bits() - 1);
    let dropped = lane(Op::And, &[differing, below]);
    let dropped = lane(Op::And, &[dropped, like(a, 1)]);
    lane(Op::Add, &[floor, dropped])
}

/// A value and whether it overflowed.
pub(super) type Overflowing = (Operand, Operand);

pub(super) fn overflowing_add(a: Operand, b: Operand) -> Overflowing {
    let sum = lane(Op::Add, &[a, b]);
    if !a.kind.is_signed() {
        return (sum, test(Op::Lt, sum, a));
    }
    // Only numbers of one sign overflow, and then the sum has the other.
    let (from_a, from_b) = (lane(Op::Xor, &[a, sum]), lane(Op::Xor, &[b, sum]));
    (sum, is_negative(lane(Op::And, &[from_a, from_b])))
}

pub(super) fn overflowing_sub(a: Operand, b: Operand) -> Overflowing {
    let difference = lane(Op::Sub, &[a, b]);
    if !a.kind.is_signed() {
        return (difference, test(Op::Lt, a, b));
    }
    let (from_b, from_a) = (lane(Op::Xor, &[a, b]), lane(Op::Xor, &[a, difference]));
    (difference, is_negative(lane(Op::And, &[from_b, from_a])))
}

pub(super) fn overflowing_mul(a: Operand, b: Operand) -> Overflowing {
    if let Some(wide) = wide(a.kind) {
        let exact = lane(Op::Mul, &[cast(a, wide), cast(b, wide)]);
        let product = cast(exact, a.kind);
        return (product, differ(cast(product, wide), exact));
    }
    if !a.kind.is_signed() {
        return overflowing_mul_128(a, b);
    }
    let magnitude = |x: Operand| cast(lane(Op::Abs, &[x]), Kind::U128);
    let (product, too_wide) = overflowing_mul_128(magnitude(a), magnitude(b));
    let minus = signs_differ(a, b);
    let most = Operand::public(Kind::U128, greatest(Kind::I128));
    let most = lane(Op::Add, &[most, cast(minus, Kind::U128)]);
    let beyond = test(Op::Lt, most, product);
    let overflow = lane(Op::Or, &[too_wide, beyond]);
    (lane(Op::Mul, &[a, b]), overflow)
}

/// For `u128`, of which there is no wider kind, in halves of 64 bits.
fn overflowing_mul_128(a: Operand, b: Operand) -> Overflowing {
    let halves = |x: Operand| {
        let high = shift_right(x, 64);
        (high, lane(Op::Sub, &[x, shift_left(high, 64)]))
    };
    let ((a_high, a_low), (b_high, b_low)) = (halves(a), halves(b));
    let zero = like(a, 0);
    let both = lane(Op::And, &[differ(a_high, zero), differ(b_high, zero)]);
    // At most one of the two is not 0, unless both are high.
    let crossed = [
        lane(Op::Mul, &[a_high, b_low]),
        lane(Op::Mul, &[a_low, b_high]),
    ];
    let crossed = lane(Op::Add, &crossed);
    let too_wide = test(Op::Lt, like(a, u128::from(u64::MAX)), crossed);
    let low = lane(Op::Mul, &[a_low, b_low]);
    let product = lane(Op::Add, &[low, shift_left(crossed, 64)]);
    let carried = test(Op::Lt, product, low);
    let overflow = lane(Op::Or, &[lane(Op::Or, &[both, too_wide]), carried]);
    (product, overflow)
}

fn signs_differ(a: Operand, b: Operand) -> Operand {
    lane(Op::Xor, &[is_negative(a), is_negative(b)])
}

/// The value, or the end of the range beyond which it lies: the lower one where `low` holds.
fn saturated((value, overflow): Overflowing, low: impl FnOnce() -> Operand) -> Operand {
    let top = like(value, greatest(value.kind));
    let end = if value.kind.is_signed() {
        select(low(), like(value, least(value.kind)), top)
    } else {
        top
    };
    select(overflow, end, value)
}

pub(super) fn saturating_add(a: Operand, b: Operand) -> Operand {
    saturated(overflowing_add(a, b), || is_negative(a))
}

pub(super) fn saturating_sub(a: Operand, b: Operand) -> Operand {
    if a.kind.is_signed() {
        return saturated(overflowing_sub(a, b), || is_negative(a));
    }
    let (difference, below) = overflowing_sub(a, b);
    select(below, like(a, 0), difference)
}

pub(super) fn saturating_mul(a: Operand, b: Operand) -> Operand {
    saturated(overflowing_mul(a, b), || signs_differ(a, b))
}
