//! Sorting.
//!
//! Few elements are compared in all pairs at once; the number of those that are before an element is
//! its place. More are sorted by digits of [`DIGIT`] bits, lowest first, as in Hamada, Ikarashi,
//! Chida and Takahashi (ePrint 2014/121) and Asharov and others (ePrint 2022/1595): the places for a
//! stable sort by one digit follow from prefix sums over the digit's one-hot code; bits that are still
//! to come, and the index of each element, are moved to them. Rounds and bytes depend on the kind
//! and the length alone.
//!
//! For n elements of k bits with indices of w = 8, 16 or 32 bits, the bits on all links and rounds
//! above those of the comparisons (all pairs) or of the bits (digits) of the elements:
//!
//! | | Bits | Rounds |
//! | --- | --- | --- |
//! | all pairs | 3·n·(n − 1)·w + 12·n·(k + w) + 4·n·w | 7 |
//! | each digit, with r bits still to come | n·(76·w + 24 + 12·r) | 10 |
//! | at the end | n·(12·k + 16·w) | 9 |
//!
//! What is opened on the way tells nothing of what is sorted. Equal elements stay in the order in
//! which they are, so places, and the indices in the end, are a permutation p whatever the elements
//! are. Only p shuffled by a uniformly random permutation that nobody knows is opened, which is a
//! uniformly random permutation itself. (To shuffle the elements first and open their places then
//! would tell which are equal: those stay in the shuffled order.)

use std::sync::Arc;

use wire::kind::Kind;

use super::Builder;
use crate::ValueId;

/// Bits of a digit. More cost fewer rounds, and from here on more bytes.
const DIGIT: u32 = 3;
/// Bits on all links that are worth a round: what a gigabit carries in the delay of a local network,
/// and a long way from what it carries in that of a wide one.
const ROUND_BITS: u64 = 8 << 16;

/// x in ascending order.
pub(super) fn sort(b: &mut Builder, x: ValueId) -> ValueId {
    let len = b.len(x);
    if len <= 1 || b.single(x).is_some() {
        return x;
    }
    if by_pairs(b, x) {
        let places = ranks(b, x, index_kind(len));
        return b.permute_secretly(&[x], places, len)[0];
    }
    // Indices in a random order are opened, and the elements that they name are put back from it.
    let order = order(b, x);
    let stream = b.stream();
    let shuffled = b.shuffle(order, stream, len);
    let opened = b.open(shuffled);
    let taken = b.take(x, opened);
    b.unshuffle(taken, stream, len)
}

/// The place of each element in the stable ascending order.
pub(super) fn places(b: &mut Builder, x: ValueId) -> ValueId {
    let len = b.len(x);
    let numbers = b.count_up(Kind::U32, len);
    if len <= 1 || b.single(x).is_some() {
        return numbers;
    }
    if by_pairs(b, x) {
        return ranks(b, x, Kind::U32);
    }
    let order = order(b, x);
    b.permute_secretly(&[numbers], order, len)[0]
}

/// The narrowest kind that holds places among so many.
fn index_kind(len: usize) -> Kind {
    match len {
        0..=0x100 => Kind::U8,
        0x101..=0x1_0000 => Kind::U16,
        _ => Kind::U32,
    }
}

/// Bits by which elements differ: those of their kind, or of their range, the sign included.
fn key_bits(b: &Builder, x: ValueId) -> u32 {
    let range = b.range(x);
    let bits = range.bits + u32::from(range.negative);
    bits.clamp(1, b.kind(x).bits())
}

/// Whether to compare all pairs rather than to sort by digits, by bytes and rounds.
fn by_pairs(b: &Builder, x: ValueId) -> bool {
    let (len, bits) = (b.len(x) as u64, u64::from(key_bits(b, x)));
    let index = u64::from(index_kind(b.len(x)).bits());
    let digits = bits.div_ceil(DIGIT.into());
    // A comparison takes about 13 bits for each bit of its operands.
    let pairs = len * (len - 1) / 2 * (13 * bits + 6 * index) + 14 * ROUND_BITS;
    let digit = len * (76 * index + 24 + 6 * bits) + 10 * ROUND_BITS;
    pairs <= digits * digit + 9 * ROUND_BITS
}

/// How many elements are before each one: all pairs are compared at once. For i < j, element j is
/// before i if it is less, and i before j if not.
fn ranks(b: &mut Builder, x: ValueId, kind: Kind) -> ValueId {
    let len = b.len(x) as u32;
    if !b.has_room(32 * b.len(x) * b.len(x)) {
        return b.count_up(kind, b.len(x));
    }
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

/// The index of the element that belongs at each place, by digits.
fn order(b: &mut Builder, x: ValueId) -> ValueId {
    let (len, bits) = (b.len(x), key_bits(b, x) as usize);
    let kind = index_kind(len);
    let mut planes = b.bits(x);
    if b.kind(x).is_signed() && b.range(x).negative {
        // With the sign the other way round, signed numbers are in the order of unsigned ones.
        let rest = b.slice(planes, 0, (bits - 1) * len);
        let sign = b.slice(planes, (bits - 1) * len, len);
        let sign = b.not(sign);
        planes = b.concat(rest, sign);
    } else {
        planes = b.slice(planes, 0, bits * len);
    }
    let mut indices = b.count_up(kind, len);
    let digits = bits.div_ceil(DIGIT as usize);
    let mut kept: Option<Arc<[u32]>> = None;
    for digit in 0..digits {
        if !b.has_room(len << (DIGIT + 3)) {
            return indices;
        }
        let width = (digit + 1) * bits / digits - digit * bits / digits;
        let own: Vec<ValueId> = (0..width).map(|i| b.slice(planes, i * len, len)).collect();
        let left = b.len(planes) - width * len;
        let rows = kept
            .take_if(|rows| rows.len() == len << width)
            .unwrap_or_else(|| row_lanes(1 << width, len));
        let places = digit_places(b, &own, kind, &rows);
        kept = Some(rows);
        if left == 0 {
            return b.permute_secretly(&[indices], places, len)[0];
        }
        let rest = b.slice(planes, width * len, left);
        let moved = b.permute_secretly(&[rest, indices], places, len);
        (planes, indices) = (moved[0], moved[1]);
    }
    indices
}

/// The places for a stable sort by a digit: an element with digit v goes behind all with a lesser
/// digit and behind those with the same that are before it, which prefix sums over the planes of the
/// one-hot code count.
fn digit_places(b: &mut Builder, bits: &[ValueId], kind: Kind, rows: &Arc<[u32]>) -> ValueId {
    let code = b.one_hot(bits);
    let (values, len) = (code.len(), b.len(code[0]));
    let rest = code[1..].to_vec();
    let rest = b.join(rest).unwrap_or(code[0]); // There are at least two.
    let rest = b.ring(rest, kind);
    // One entry is set; the first follows from the others.
    let mut first = b.constant(kind, 1, len);
    for v in 0..values - 1 {
        let entry = b.slice(rest, v * len, len);
        first = b.sub(first, entry);
    }
    let code = b.concat(first, rest);
    let behind = b.prefix_sum(code);
    let code = b.gather(code, rows.clone());
    let behind = b.gather(behind, rows.clone());
    let places = b.dot(code, behind, values);
    let one = b.constant(kind, 1, 1);
    b.sub(places, one)
}

/// Rows of one element's entries, out of planes of so many values each.
fn row_lanes(values: usize, len: usize) -> Arc<[u32]> {
    let lanes = (0..len).flat_map(|i| (0..values).map(move |v| (v * len + i) as u32));
    lanes.collect()
}
