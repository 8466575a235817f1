//! Bits of known values as shares, and trees over them.

use super::{Emitter, Reg};
use crate::vector::Domain;

/// For the bits of a known value, lowest first: its one-hot code as known bits, element v being
/// `[value = v]`.
pub(super) fn known_one_hot(e: &mut Emitter, bits: &[Reg]) -> Vec<Reg> {
    let mut code = vec![e.known_not(bits[0]), bits[0]];
    for bit in &bits[1..] {
        let clear = e.known_not(*bit);
        let low: Vec<Reg> = code.iter().map(|c| e.known_and(*c, clear)).collect();
        let high: Vec<Reg> = code.iter().map(|c| e.known_and(*c, *bit)).collect();
        code = [low, high].concat();
    }
    code
}

/// Shares of a one-hot code. Element 0 follows from the others, and is not sent.
pub(super) fn input_one_hot(e: &mut Emitter, code: &[Reg]) -> Vec<Reg> {
    let rest: Vec<Reg> = code[1..].iter().map(|c| e.input(*c)).collect();
    let sum = e.sum(&rest);
    let mut shares = vec![e.not(sum)];
    shares.extend(rest);
    shares
}

/// From a one-hot code its thermometer code: element v is `[value < v]`, for 0 < v < length.
pub(super) fn known_thermometer(e: &mut Emitter, one_hot: &[Reg]) -> Vec<Reg> {
    let mut code = vec![one_hot[0]];
    for v in &one_hot[1..one_hot.len() - 1] {
        let below = code[code.len() - 1];
        code.push(e.known_xor(below, *v));
    }
    code
}

/// From shares of a thermometer code those of the one-hot code.
pub(super) fn one_hot_of_thermometer(e: &mut Emitter, code: &[Reg]) -> Vec<Reg> {
    let mut one_hot = vec![code[0]];
    for pair in code.windows(2) {
        one_hot.push(e.add(pair[1], pair[0]));
    }
    one_hot.push(e.not(code[code.len() - 1]));
    one_hot
}

/// The and of all, in a tree.
pub(super) fn and_all(e: &mut Emitter, mut all: Vec<Reg>) -> Reg {
    while all.len() > 1 {
        let and = |pair: &[Reg]| match *pair {
            [a, b] => e.multiply(a, b),
            _ => pair[0],
        };
        all = all.chunks(2).map(and).collect();
    }
    all[0]
}

/// A shared bit as a share in a ring: with p and q the two halves' bits, p + q − 2pq.
pub(super) fn bit_to_ring(e: &mut Emitter, bit: Reg, domain: Domain) -> Reg {
    let [p, q] = [0, 1].map(|half| {
        let known = e.half(bit, half);
        let wide = e.known_widen(known, domain);
        e.input(wide)
    });
    let both = e.multiply(p, q);
    let sum = e.add(p, q);
    let twice = e.scale(both, super::Public::Literal(2));
    e.subtract(sum, twice)
}
