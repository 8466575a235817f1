//! Comparisons, over the full range.
//!
//! Halves: x = A + B − 2^k·w, with A known to two parties, B to the other two, and w the wrap
//! `[A + B ≥ 2^k]` = `[A > 2^k − 1 − B]`. That compares two values each of which two parties know, in
//! chunks of four bits: one side's one-hot code times the other's thermometer code gives
//! "greater" in one product, one-hot times one-hot gives "equal", and a tree joins the chunks.
//!
//! For x < y, with d = x − y mod 2^k: over the integers, x − y + 2^k·`[x < y]` = d. Writing each of
//! x, y, d in halves, with u_A = `[A_x < A_y]` and u_B = `[B_x < B_y]` known, gives
//! `[x < y]` = w_x − w_y + u_A + u_B − w_d, which mod 2 is an exclusive or: three wraps side by side,
//! no overflow, and no further round.

use super::{Emitter, Public, Reg, arithmetic};
use crate::vector::Domain;

/// Bits of a chunk in "greater": fewest rounds for 64 bits at nearly the fewest bits sent.
const CHUNK: usize = 4;
/// Bits of a chunk in "equal", likewise.
const EQUAL_CHUNK: usize = 2;

/// `[a > c]` and `[a = c]` for known a and c, given by their bits, a of one half and c of the other.
/// The second is left out for the lowest chunk when `need_equal` is false, for then nobody needs it.
pub(super) fn greater(
    e: &mut Emitter,
    a: &[Reg],
    c: &[Reg],
    need_equal: bool,
) -> (Reg, Option<Reg>) {
    let mut parts = Vec::new();
    for (place, (a, c)) in a.chunks(CHUNK).zip(c.chunks(CHUNK)).enumerate() {
        let a_code = arithmetic::known_one_hot(e, a);
        let a = arithmetic::input_one_hot(e, &a_code);
        let c_code = arithmetic::known_one_hot(e, c);
        let below = arithmetic::known_thermometer(e, &c_code);
        let below: Vec<Reg> = below.iter().map(|t| e.input(*t)).collect();
        let terms = a[1..].iter().copied().zip(below.iter().copied()).collect();
        let greater = e.dot(terms);
        let equal = (place > 0 || need_equal).then(|| {
            let c = arithmetic::one_hot_of_thermometer(e, &below);
            e.dot(a.iter().copied().zip(c).collect())
        });
        parts.push((greater, equal));
    }
    join(e, parts)
}

/// Joins chunks, lowest first, in a tree.
fn join(e: &mut Emitter, mut parts: Vec<(Reg, Option<Reg>)>) -> (Reg, Option<Reg>) {
    while parts.len() > 1 {
        let mut joined = Vec::with_capacity(parts.len().div_ceil(2));
        for pair in parts.chunks(2) {
            joined.push(match *pair {
                [low, high] => join_two(e, low, high),
                _ => pair[0],
            });
        }
        parts = joined;
    }
    parts[0]
}

/// Greater if the high part is, or if it is equal and the low part is.
pub(super) fn join_two(
    e: &mut Emitter,
    low: (Reg, Option<Reg>),
    high: (Reg, Option<Reg>),
) -> (Reg, Option<Reg>) {
    let Some(high_equal) = high.1 else {
        return high; // Not reached: only the lowest part has none.
    };
    let through = e.multiply(high_equal, low.0);
    let equal = low.1.map(|equal| e.multiply(high_equal, equal));
    (e.add(high.0, through), equal)
}

/// The two halves of a share: A, and the complement of B, in bits.
pub(super) fn halves_for_wrap(e: &mut Emitter, x: Reg) -> (Vec<Reg>, Vec<Reg>) {
    let a = e.half(x, 0);
    let b = e.half(x, 1);
    let c = e.known_not(b);
    (e.known_split(a), e.known_split(c))
}

/// `[A + B ≥ 2^k]` of a share's halves.
pub(super) fn wrap(e: &mut Emitter, x: Reg) -> Reg {
    let (a, c) = halves_for_wrap(e, x);
    greater(e, &a, &c, false).0
}

/// `[x < y]`; signed if asked for. `x_public` and `y_public`: constants do not wrap.
pub(super) fn less(
    e: &mut Emitter,
    (mut x, x_public): (Reg, bool),
    (mut y, y_public): (Reg, bool),
    signed: bool,
) -> Reg {
    if signed {
        // Moving both by half the range turns signed order into unsigned order.
        let sign = Public::Literal(1 << (e.domain(x).bits() - 1));
        x = e.add_public(x, sign);
        y = e.add_public(y, sign);
    }
    let difference = e.subtract(x, y);
    let mut terms = Vec::with_capacity(5);
    for half in [0, 1] {
        let (a, b) = (e.half(x, half), e.half(y, half));
        let below = e.known_less(a, b);
        terms.push(e.input(below));
    }
    for (value, public) in [
        (x, x_public),
        (y, y_public),
        (difference, x_public && y_public),
    ] {
        if !public {
            terms.push(wrap(e, value));
        }
    }
    e.sum(&terms)
}

/// `[x = y]`: A and −B of x − y in chunks, one-hot times one-hot, then an and-tree.
pub(super) fn equal(e: &mut Emitter, x: Reg, y: Reg) -> Reg {
    let difference = e.subtract(x, y);
    let a = e.half(difference, 0);
    let b = e.half(difference, 1);
    let c = e.known_negate(b);
    let (a, c) = (e.known_split(a), e.known_split(c));
    let mut parts = Vec::new();
    for (a, c) in a.chunks(EQUAL_CHUNK).zip(c.chunks(EQUAL_CHUNK)) {
        let codes = [a, c].map(|bits| {
            let code = arithmetic::known_one_hot(e, bits);
            arithmetic::input_one_hot(e, &code)
        });
        let terms = codes[0].iter().copied().zip(codes[1].iter().copied());
        parts.push(e.dot(terms.collect()));
    }
    arithmetic::and_all(e, parts)
}

/// `[x < y]` for bits: not x, and y.
pub(super) fn less_bits(e: &mut Emitter, x: Reg, y: Reg) -> Reg {
    debug_assert_eq!(e.domain(x), Domain::Bits);
    let not_x = e.not(x);
    e.multiply(not_x, y)
}
