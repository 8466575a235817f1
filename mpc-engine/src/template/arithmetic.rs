//! Trees over shares, and bits as ring elements.

use super::{Emitter, Mode, Reg, reserve};
use crate::vector::Domain;

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
    if e.mode() != Mode::Normal {
        return reserve::bit_to_ring(e, bit, domain);
    }
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
