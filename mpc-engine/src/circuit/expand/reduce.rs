//! Searches and trees over a vector: in each round half of the elements go.

use wire::kind::Kind;

use super::{super::range::Range, Builder};
use crate::ValueId;

/// Elements up to which indices are carried as `u64`: a wider index costs less than the rounds in
/// which a narrow one is widened.
const SHORT: usize = 1024;

impl Builder {
    /// The least or the greatest lane of one or more.
    pub(super) fn extreme(&mut self, mut x: ValueId, greatest: bool) -> ValueId {
        while self.len(x) > 1 {
            let [low, high, rest] = self.halves(x);
            let chosen = self.better(low, high, greatest).1;
            x = self.concat(chosen, rest);
        }
        x
    }

    /// The index of the first least or greatest lane of one or more, as `u64`.
    pub(super) fn search(&mut self, mut x: ValueId, greatest: bool) -> ValueId {
        let len = self.len(x);
        let kind = index_kind(len, self.kind(x));
        let mut index = None;
        // Neighbours meet, so that the order of indices stays and the first of equals wins.
        while self.len(x) > 1 {
            let [even, odd, rest] = self.neighbours(x);
            let (later, chosen) = self.better(even, odd, greatest);
            let (next, last) = match index {
                None => {
                    let first = self.count_up(kind, self.len(even));
                    let first = self.scale(first, 2);
                    let step = self.ring(later, kind);
                    let last = self.constant(kind, len as u128 - 1, self.len(rest));
                    (self.add(first, step), last)
                }
                Some(index) => {
                    let [even, odd, rest] = self.neighbours(index);
                    (self.select(later, odd, even), rest)
                }
            };
            self.assume(next, Range::at_most(len as u128).within(kind));
            index = Some(self.concat(next, last));
            x = self.concat(chosen, rest);
        }
        let Some(index) = index else {
            return self.constant(Kind::U64, 0, 1);
        };
        let unsigned = unsigned(kind.bits());
        let index = self.resize(index, unsigned);
        self.resize(index, Kind::U64)
    }

    /// Whether y is better than x, and the better one, which is x if they are equal.
    fn better(&mut self, x: ValueId, y: ValueId, greatest: bool) -> (ValueId, ValueId) {
        let is_y = if greatest {
            self.less(x, y)
        } else {
            self.less(y, x)
        };
        (is_y, self.select(is_y, y, x))
    }

    /// Whether all booleans of a vector are true.
    pub(super) fn all(&mut self, x: ValueId) -> ValueId {
        if self.len(x) == 0 {
            return self.constant(Kind::Bool, 1, 1);
        }
        self.all_planes(x, 1)
    }

    /// Whether any boolean of a vector is true.
    pub(super) fn any(&mut self, x: ValueId) -> ValueId {
        let not = self.not(x);
        let none = self.all(not);
        self.not(none)
    }

    /// The and of planes of so many lanes each.
    pub(super) fn all_planes(&mut self, mut x: ValueId, lanes: usize) -> ValueId {
        while self.len(x) > lanes {
            let planes = self.len(x) / lanes;
            let half = planes / 2 * lanes;
            let low = self.slice(x, 0, half);
            let high = self.slice(x, half, half);
            let rest = self.slice(x, 2 * half, self.len(x) - 2 * half);
            let both = self.mul(low, high);
            x = self.concat(both, rest);
        }
        x
    }

    /// Two halves of a vector, and the last lane if their number is odd.
    fn halves(&mut self, x: ValueId) -> [ValueId; 3] {
        let len = self.len(x);
        let half = len / 2;
        [(0, half), (half, half), (2 * half, len % 2)].map(|(at, len)| self.slice(x, at, len))
    }

    /// The lanes at even and at odd places, and the last lane if their number is odd.
    fn neighbours(&mut self, x: ValueId) -> [ValueId; 3] {
        let len = self.len(x);
        let half = len as u32 / 2;
        if !self.has_room(8 * len) {
            return self.halves(x);
        }
        let even = self.gather(x, (0..half).map(|i| 2 * i).collect());
        let odd = self.gather(x, (0..half).map(|i| 2 * i + 1).collect());
        [even, odd, self.slice(x, len - len % 2, len % 2)]
    }
}

/// The kind in which indices into so many elements of a kind are selected: the same ring where
/// that is the narrowest that fits, so that one condition serves both.
const fn index_kind(len: usize, kind: Kind) -> Kind {
    let narrowest = if len <= SHORT {
        Kind::U64
    } else if len <= 0x1_0000 {
        Kind::U16
    } else {
        Kind::U32
    };
    if kind.bits() == narrowest.bits() {
        kind
    } else {
        narrowest
    }
}

const fn unsigned(bits: u32) -> Kind {
    match bits {
        16 => Kind::U16,
        32 => Kind::U32,
        _ => Kind::U64,
    }
}
