//! Adding up planes of bits.
//!
//! A full adder makes of three bits of one weight one of this weight and one of twice that:
//! a + b + c = (a ⊕ b ⊕ c) + 2·m, with the majority m = (a ⊕ c)(b ⊕ c) ⊕ c. It costs one product, 6
//! bits, and leaves a plane less. Levels of them (C. S. Wallace, A suggestion for a fast multiplier,
//! 1964) leave about two thirds of the planes each.

use super::{Emitter, Reg};

/// Levels of adders, and so rounds.
const LEVELS: usize = 6;

/// Adds planes of weight 1 until `LEVELS` are done or no three of one weight are left. Returns for
/// each power of two the planes of that weight.
fn reduce<T>(planes: Vec<T>, mut adder: impl FnMut([T; 3]) -> [T; 2]) -> Vec<Vec<T>> {
    let mut columns = vec![planes];
    for _ in 0..LEVELS {
        let mut next: Vec<Vec<T>> = Vec::new();
        next.resize_with(columns.len() + 1, Vec::new);
        for (i, mut column) in columns.into_iter().enumerate() {
            while column.len() >= 3 {
                let rest = column.split_off(3);
                if let Ok(three) = column.try_into() {
                    let [sum, carry] = adder(three);
                    next[i].push(sum);
                    next[i + 1].push(carry);
                }
                column = rest;
            }
            next[i].extend(column);
        }
        if next.last().is_some_and(Vec::is_empty) {
            next.pop();
        }
        columns = next;
    }
    columns
}

/// How many planes of each power of two are left of so many.
pub(crate) fn planes_left(planes: usize) -> Vec<usize> {
    let columns = reduce(vec![(); planes], |_| [(), ()]);
    columns.iter().map(Vec::len).collect()
}

/// The planes that are left, lowest weight first.
pub(super) fn compress(e: &mut Emitter, planes: Vec<Reg>) -> Vec<Reg> {
    let adder = |[a, b, c]: [Reg; 3]| {
        let (a_c, b_c) = (e.add(a, c), e.add(b, c));
        let sum = e.add(a_c, b);
        let product = e.multiply(a_c, b_c);
        [sum, e.add(product, c)]
    };
    reduce(planes, adder).concat()
}
