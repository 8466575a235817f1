//! Shuffles, permutations and random values.
//!
//! | Operation on n elements of k bits | Bits on all links | Rounds |
//! | --- | --- | --- |
//! | shuffle | 12·n·k | 4 |
//! | permute | 12·n·(k + 32) + 128·n | 5 |
//! | random | 0 | 0 |
//! | random below B | two comparisons with a public number of log₂ 4B bits | |
//! | random permutation | 384·n | 4 |

use wire::{kind::Kind, secret::Op};

use super::{Builder, Operand, sort};
use crate::{ValueId, program::Form};

pub(super) fn apply(
    b: &mut Builder,
    op: Op,
    operands: &[Operand],
    immediate: u64,
    form: Form,
) -> ValueId {
    let kind = form.kind.integer();
    match (op, operands) {
        (Op::Sort, [x]) => sort::sort(b, x.value),
        (Op::TopK, [x]) => {
            let sorted = sort::sort(b, x.value);
            let len = b.len(x.value) as u32;
            if !b.has_room(4 * form.len) {
                return b.nothing(Form { kind, ..form });
            }
            b.gather(sorted, (len - form.len as u32..len).rev().collect())
        }
        (Op::Places, [x]) => sort::places(b, x.value),
        (Op::Permute, [x, places]) => {
            let len = b.len(x.value);
            b.permute_secretly(&[x.value], places.value, len)[0]
        }
        (Op::Shuffle, [x]) => {
            let (stream, len) = (b.stream(), b.len(x.value));
            b.shuffle(x.value, stream, len)
        }
        (Op::RandomPermutation, _) => {
            let (stream, numbers) = (b.stream(), b.count_up(kind, form.len));
            b.shuffle(numbers, stream, form.len)
        }
        (Op::RandomBelow, [bound]) => {
            let bound = b.single(bound.value).unwrap_or(1);
            random_below(b, kind, bound, immediate as usize)
        }
        _ => b.random(Form { kind, ..form }),
    }
}

/// Uniform numbers below `bound`. Every component of a sum s is a uniform number below it, so s
/// modulo the bound is uniform to whoever lacks one. 0 ≤ s < 4·bound: two comparisons reduce it.
fn random_below(b: &mut Builder, kind: Kind, bound: u128, len: usize) -> ValueId {
    if bound == 1 || len == 0 {
        return b.constant(kind, 0, len);
    }
    let bits = 130 - (bound - 1).leading_zeros();
    let wide = [Kind::U8, Kind::U16, Kind::U32, Kind::U64, Kind::U128]
        .into_iter()
        .find(|wide| wide.bits() >= bits && wide.bits() >= kind.bits());
    let wide = wide.unwrap_or(Kind::U128);
    let mut sum = b.random_sum(wide, bound, len);
    for multiple in [2 * bound, bound] {
        let limit = b.constant(wide, multiple, 1);
        let below = b.less(sum, limit);
        let below = b.ring(below, wide);
        let kept = b.scale(below, multiple);
        let rest = b.sub(sum, limit);
        sum = b.add(rest, kept);
        b.assume_below(sum, multiple);
    }
    b.resize(sum, kind)
}

impl Builder {
    /// The columns with lane i of every plane of `len` lanes at place `places[i]`, for secret places
    /// that are a permutation. Places and columns are shuffled alike; then the places are in an order
    /// that nobody knows, which makes them a uniformly random permutation, and are opened.
    pub(crate) fn permute_secretly(
        &mut self,
        columns: &[ValueId],
        places: ValueId,
        len: usize,
    ) -> Vec<ValueId> {
        if len <= 1 {
            return columns.to_vec();
        }
        let stream = self.stream();
        let places = self.shuffle(places, stream, len);
        let places = self.open(places);
        let move_column = |column: &ValueId| {
            let column = self.shuffle(*column, stream, len);
            self.permute(column, places)
        };
        columns.iter().map(move_column).collect()
    }

    /// 0, 1, 2, ...
    pub(crate) fn count_up(&mut self, kind: Kind, len: usize) -> ValueId {
        if !self.has_room(32 * len) {
            return self.nothing(Form { kind, len });
        }
        self.public(kind, (0..len as u128).collect())
    }
}
