//! Orders, permutations and random values. Randomness has a stand-in: random elements are 0, and a
//! random order is the one that is there.

use wire::secret::Op;

use super::{Operand, ordered};
use crate::program::Form;

pub(super) fn apply(op: Op, operands: &[Operand<'_>], form: Form) -> Vec<u128> {
    match (op, operands) {
        (Op::Sort, [a]) => sorted(a),
        (Op::TopK, [a]) => sorted(a).into_iter().rev().take(form.len).collect(),
        (Op::Places, [a]) => {
            let mut places = vec![0; a.values.len()];
            for (place, from) in (0..).zip(stable_order(a)) {
                places[from] = place;
            }
            places
        }
        (Op::Permute, [a, places]) => {
            let mut result = vec![0; a.values.len()];
            for (value, place) in a.values.iter().zip(places.values) {
                if let Some(result) = result.get_mut(*place as usize) {
                    *result = *value;
                }
            }
            result
        }
        (Op::Shuffle, [a]) => a.values.to_vec(),
        (Op::RandomPermutation, _) => (0..form.len as u128).collect(),
        _ => vec![0; form.len],
    }
}

/// Indices of elements, least first, equal ones in the order in which they are there.
fn stable_order(a: &Operand<'_>) -> Vec<usize> {
    let mut order: Vec<usize> = (0..a.values.len()).collect();
    order.sort_by_key(|i| ordered(a.kind, a.values[*i]));
    order
}

fn sorted(a: &Operand<'_>) -> Vec<u128> {
    stable_order(a).into_iter().map(|i| a.values[i]).collect()
}
