//! Comparisons, over the full range.
//!
//! Halves: x = A + B − 2^k·w, with A known to two parties, B to the other two, and w the wrap
//! `[A + B ≥ 2^k]` = `[A > 2^k − 1 − B]`. That compares two values each of which two parties know, in
//! chunks of four bits: one side's one-hot code times the other's thermometer code gives
//! "greater" in one product, one-hot times one-hot gives "equal", and a tree joins the chunks.
//!
//! Bit j of x is that of A, plus that of B, plus the carry of the bits below, which is the wrap of
//! as many bits.

use super::{Emitter, Reg, arithmetic};

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

/// Bit `position` of x: those of A and B, and the carry into it.
pub(super) fn bit(e: &mut Emitter, x: Reg, position: u32) -> Reg {
    let at = position as usize;
    let (a, c) = halves_for_wrap(e, x);
    let [a_bit, c_bit] = [a[at], c[at]].map(|bit| e.input(bit));
    // Bit j of B is that of its complement, plus 1.
    let sum = e.add(a_bit, c_bit);
    let sum = e.not(sum);
    if at == 0 {
        return sum;
    }
    let carry = greater(e, &a[..at], &c[..at], false).0;
    e.add(sum, carry)
}

/// `[x = 0]`: A and −B in chunks, one-hot times one-hot, then an and-tree.
pub(super) fn is_zero(e: &mut Emitter, x: Reg) -> Reg {
    let a = e.half(x, 0);
    let b = e.half(x, 1);
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
