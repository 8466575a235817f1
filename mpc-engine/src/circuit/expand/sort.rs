//! Sorting.
//!
//! What is opened on the way tells nothing of what is sorted. Places are computed before anything is
//! shuffled, with equal elements in the order in which they are there, so they are a permutation p
//! whatever the elements are. Shuffled by a uniformly random permutation that nobody knows, p is a
//! uniformly random permutation itself, and only that is opened. (To shuffle the elements first and
//! open their places then would tell which are equal: those stay in the shuffled order.)

use std::sync::Arc;

use wire::kind::Kind;

use super::Builder;
use crate::ValueId;

/// x in ascending order.
pub(super) fn sort(b: &mut Builder, x: ValueId) -> ValueId {
    let len = b.len(x);
    if len <= 1 || b.single(x).is_some() {
        return x;
    }
    let places = ranks(b, x, index_kind(len));
    b.permute_secretly(&[x], places, len)[0]
}

/// The place of each element in the stable ascending order.
pub(super) fn places(b: &mut Builder, x: ValueId) -> ValueId {
    let len = b.len(x);
    if len <= 1 || b.single(x).is_some() {
        return b.count_up(Kind::U32, len);
    }
    ranks(b, x, Kind::U32)
}

/// The narrowest kind that holds places among so many.
fn index_kind(len: usize) -> Kind {
    match len {
        0..=0x100 => Kind::U8,
        0x101..=0x1_0000 => Kind::U16,
        _ => Kind::U32,
    }
}

/// How many elements are before each one: all pairs are compared at once. For i < j, element j is
/// before i if it is less, and i before j if not.
fn ranks(b: &mut Builder, x: ValueId, kind: Kind) -> ValueId {
    let len = b.len(x) as u32;
    let pairs = || (0..len).flat_map(move |i| (i + 1..len).map(move |j| (i, j)));
    let first = b.gather(x, pairs().map(|(i, _)| i).collect());
    let second = b.gather(x, pairs().map(|(_, j)| j).collect());
    let less = b.less(second, first);
    let less = b.ring(less, kind);
    // A row for each element: what its comparisons with all others add to its place.
    let number = |i: u32, j: u32| i * (2 * len - i - 1) / 2 + j - i - 1;
    let others =
        || (0..len).flat_map(move |i| (0..len).filter(move |j| *j != i).map(move |j| (i, j)));
    let lanes: Arc<[u32]> = others().map(|(i, j)| number(i.min(j), i.max(j))).collect();
    let signs = others().map(|(i, j)| if i < j { 1 } else { kind.mask() });
    let signs = b.public(kind, signs.collect());
    let rows = b.gather(less, lanes);
    let rows = b.mul(rows, signs);
    let sums = b.sum(rows, len as usize - 1);
    // Each earlier one counts for 1 where it is not greater.
    let earlier = b.count_up(kind, len as usize);
    b.add(sums, earlier)
}
