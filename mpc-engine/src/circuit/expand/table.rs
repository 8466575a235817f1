//! Tables and groups by secret index: by one-hot codes of the indices.
//!
//! A one-hot code is the outer product of the codes of the low and of the high bits of an index.
//! Where what is to be summed is linear in one of the two, or summed over the lanes, their product
//! is never made: a public table of n elements costs 2·√n entries and one product for each bit
//! of an element, and groups cost the entries of both codes, not their products.

use std::sync::Arc;

use wire::kind::Kind;

use super::{
    super::{Gate, range::Range},
    Builder,
};
use crate::{ValueId, program::Form};

/// Bits of all elements of a public table up to which it is summed before it is multiplied.
const PUBLIC_BITS: usize = 1 << 16;

/// The bits of indices, plane by plane.
struct Index {
    bits: ValueId,
    /// How many indices.
    len: usize,
    planes: u32,
    /// Planes, from the first on, that tell apart what can be told apart; where a later one is
    /// set the index is outside.
    used: u32,
}

/// The codes of the low and the high bits of indices, plane by plane.
struct Codes {
    low: ValueId,
    low_count: usize,
    /// No entry is set where an index is outside.
    high: ValueId,
    high_count: usize,
}

impl Builder {
    /// The elements of a table at secret indices, 0 outside.
    pub(super) fn lookup(&mut self, table: ValueId, indices: ValueId) -> ValueId {
        let Form { kind, len } = self.form(table);
        let count = self.reachable(indices, len);
        if count == 0 || self.len(indices) == 0 {
            return self.constant(kind, 0, self.len(indices));
        }
        let is_short = count * kind.bits() as usize <= PUBLIC_BITS;
        let public = self.lanes(table).filter(|_| is_short);
        let public: Option<Arc<[u128]>> =
            public.map(|lanes| (0..count).map(|i| lanes.at(i)).collect());
        match public {
            Some(table) => self.look_up_public(table, indices, kind),
            None => {
                let table = self.slice(table, 0, count);
                self.look_up_secret(table, indices)
            }
        }
    }

    fn look_up_public(&mut self, table: Arc<[u128]>, indices: ValueId, kind: Kind) -> ValueId {
        let mask = table.iter().fold(0, |mask, value| mask | value);
        if mask == 0 {
            return self.constant(kind, 0, self.len(indices));
        }
        let index = self.index(indices, table.len());
        let codes = self.codes(&index, index.used / 2, table.len());
        let x = self.concat(codes.low, codes.high);
        let gate = Gate::Table {
            x,
            low: codes.low_count as u32,
            high: codes.high_count as u32,
            table,
            mask,
        };
        let form = Form {
            kind: Kind::Bool,
            len: index.len * mask.count_ones() as usize,
        };
        let bits = self.push(gate, form);
        let positions: Vec<u32> = (0..128).filter(|i| mask >> i & 1 == 1).collect();
        self.composed(bits, &positions, kind)
    }

    fn look_up_secret(&mut self, table: ValueId, indices: ValueId) -> ValueId {
        let Form { kind, len: count } = self.form(table);
        let index = self.index(indices, count);
        let code = self.decode(index.bits, index.planes, index.used, count as u32);
        let width = kind.bits();
        // In the ring a look-up takes 6 elements for each entry; in bits 6 for each bit of an
        // element, and two elements for each when they are put together.
        if kind == Kind::Bool || count < 1 + width as usize / 3 {
            let code = self.ring(code, kind);
            return self.dot_planes(code, table);
        }
        let range = self.range(table);
        let used = if range.negative { width } else { range.bits };
        let table = self.bits(table);
        let planes = (0..used as usize).map(|i| {
            let plane = self.slice(table, i * count, count);
            self.dot_planes(code, plane)
        });
        let planes = planes.collect();
        let Some(bits) = self.join(planes) else {
            return self.constant(kind, 0, index.len);
        };
        let positions: Vec<u32> = (0..used).collect();
        self.composed(bits, &positions, kind)
    }

    /// The integer of which planes are the bits at these positions; the others are 0.
    fn composed(&mut self, bits: ValueId, positions: &[u32], kind: Kind) -> ValueId {
        if kind == Kind::Bool {
            return bits;
        }
        let weights = positions.iter().map(|i| 1 << i).collect();
        let value = self.compose(bits, weights, kind);
        let top = positions.last().map_or(0, |last| last + 1);
        self.assume(value, Range::up_to(top).within(kind));
        value
    }

    /// How often each of 0 .. `groups` occurs, as `u64`.
    pub(super) fn histogram(&mut self, keys: ValueId, groups: usize) -> ValueId {
        let (count, len) = (self.reachable(keys, groups), self.len(keys));
        if count == 0 || len == 0 {
            return self.constant(Kind::U64, 0, groups);
        }
        let index = self.index(keys, count);
        let kind = counting_kind(len);
        let totals = if counts_singly(count, kind) {
            let code = self.decode(index.bits, index.planes, index.used, count as u32);
            let plane = |b: &mut Self, v: usize| {
                let plane = b.slice(code, v * len, len);
                b.count(plane)
            };
            let counts = (0..count).map(|v| plane(self, v)).collect();
            self.join(counts)
        } else {
            let codes = self.codes(&index, index.used / 2, count);
            let low = self.ring(codes.low, kind);
            let high = self.ring(codes.high, kind);
            let sums = self.products_over_lanes(low, high, len, count);
            sums.map(|sums| {
                self.assume(sums, Range::at_most(len as u128));
                self.resize(sums, Kind::U64)
            })
        };
        self.extended(totals, Kind::U64, groups)
    }

    /// Σ of the values with each of the keys 0 .. `groups`.
    pub(super) fn group_sum(&mut self, keys: ValueId, values: ValueId, groups: usize) -> ValueId {
        let (count, len, kind) = (
            self.reachable(keys, groups),
            self.len(keys),
            self.kind(values),
        );
        if count == 0 || len == 0 {
            return self.constant(kind, 0, groups);
        }
        let index = self.index(keys, count);
        let codes = self.codes(&index, low_bits(index.used), count);
        let high = self.ring(codes.high, kind);
        // The values whose low bits are 0, 1 and so on. The first are what the others leave.
        let mut low = values;
        if codes.low_count > 1 {
            let rest = self.slice(codes.low, len, (codes.low_count - 1) * len);
            let rest = self.ring(rest, kind);
            let repeated = self.join(vec![values; codes.low_count - 1]);
            let products = self.mul(rest, repeated.unwrap_or(values));
            let mut first = values;
            for l in 0..codes.low_count - 1 {
                let product = self.slice(products, l * len, len);
                first = self.sub(first, product);
            }
            low = self.concat(first, products);
        }
        let totals = self.products_over_lanes(low, high, len, count);
        self.extended(totals, kind, groups)
    }

    /// For h and l, Σ over the lanes of plane l of one and plane h of the other, l running faster, up
    /// to `count` sums: no more is sent than one element for each.
    fn products_over_lanes(
        &mut self,
        low: ValueId,
        high: ValueId,
        len: usize,
        count: usize,
    ) -> Option<ValueId> {
        let width = self.len(low) / len.max(1);
        let sum = |place| {
            let l = self.slice(low, place % width * len, len);
            let h = self.slice(high, place / width * len, len);
            self.dot(l, h, len)
        };
        let sums = (0..count).map(sum).collect();
        self.join(sums)
    }

    /// How many of `count` places the indices can name at all.
    fn reachable(&self, indices: ValueId, count: usize) -> usize {
        let bits = self.range(indices).bits;
        1usize
            .checked_shl(bits)
            .map_or(count, |most| count.min(most))
    }

    /// The bits of indices into `count` places, which is at least 1.
    fn index(&mut self, indices: ValueId, count: usize) -> Index {
        let (range, len) = (self.range(indices), self.len(indices));
        let narrow = self.narrowed(indices);
        let used = (usize::BITS - (count - 1).leading_zeros()).max(1);
        let planes = range.bits.max(used);
        let bits = self.bits(narrow);
        let bits = self.slice(bits, 0, planes as usize * len);
        Index {
            bits,
            len,
            planes,
            used,
        }
    }

    /// The codes of the first `low` bits and of the others, for `count` places.
    fn codes(&mut self, index: &Index, low: u32, count: usize) -> Codes {
        let low_count = 1usize << low;
        let high_count = count.div_ceil(low_count);
        let at = low as usize * index.len;
        let low_bits = self.slice(index.bits, 0, at);
        let low_code = if low == 0 {
            self.constant(Kind::Bool, 1, index.len)
        } else {
            self.decode(low_bits, low, low, low_count as u32)
        };
        let high_bits = self.slice(index.bits, at, self.len(index.bits) - at);
        let (planes, used) = (index.planes - low, index.used - low);
        let high = self.decode(high_bits, planes, used, high_count as u32);
        Codes {
            low: low_code,
            low_count,
            high,
            high_count,
        }
    }

    /// `len` lanes: those given, then zeros.
    fn extended(&mut self, value: Option<ValueId>, kind: Kind, len: usize) -> ValueId {
        let Some(value) = value else {
            return self.constant(kind, 0, len);
        };
        let rest = self.constant(kind, 0, len - self.len(value));
        self.concat(value, rest)
    }
}

/// The narrowest ring that holds a count, but for few lanes: widening costs rounds.
const fn counting_kind(len: usize) -> Kind {
    match len {
        ..1024 => Kind::U64,
        1024..0x1_0000 => Kind::U16,
        _ => Kind::U32,
    }
}

/// Whether it takes fewer bits to count the entries of one code of so many than to multiply the
/// entries of two: 6 bits and two elements for each, or six elements for each of about 2·√count.
fn counts_singly(count: usize, kind: Kind) -> bool {
    let codes = 2 * count.isqrt() * 6 * kind.bits() as usize;
    count * (6 + 2 * 64) < codes
}

/// How many of the bits of a key go to the code with which values are multiplied: that takes twelve
/// elements for each entry but the first, and six for each of the other code.
fn low_bits(bits: u32) -> u32 {
    let cost = |low: u32| 2 * ((1u64 << low) - 1) + (1 << (bits - low));
    (0..bits).min_by_key(|low| cost(*low)).unwrap_or(0)
}
