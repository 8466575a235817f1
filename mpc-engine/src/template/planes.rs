//! One-hot codes and tables, on planes of bits.

use super::{Emitter, Public, Reg, arithmetic};
use crate::vector::Domain;

/// A one-hot code: at most one entry is set, and exactly one if it is complete.
struct Code {
    entries: Vec<Reg>,
    is_complete: bool,
}

/// The one-hot code, up to `count` entries, of the number in the first `bits` of `planes` planes; no
/// entry is set where one of the other planes is.
pub(super) fn decode(e: &mut Emitter, planes: u32, bits: u32, count: u32) -> Vec<Reg> {
    let all: Vec<Reg> = (0..planes).map(|i| e.plane(i)).collect();
    let (bits, rest) = all.split_at(bits as usize);
    let count = count as usize;
    if rest.is_empty() {
        return code(e, bits, count).entries;
    }
    let rest = rest.iter().map(|bit| not(e, *bit)).collect();
    let gate = arithmetic::and_all(e, rest);
    let (low, high) = bits.split_at(bits.len() / 2);
    if low.is_empty() {
        let high = code(e, high, count);
        return gated(e, high, gate).entries;
    }
    let low = code(e, low, 1 << low.len());
    let high = code(e, high, count.div_ceil(low.entries.len()));
    let high = gated(e, high, gate);
    outer(e, &low, &high, count).entries
}

/// The code of one or more bits: the outer product of those of its halves.
fn code(e: &mut Emitter, bits: &[Reg], count: usize) -> Code {
    if let [bit] = *bits {
        let mut entries = vec![not(e, bit), bit];
        entries.truncate(count);
        let is_complete = count >= 2;
        return Code {
            entries,
            is_complete,
        };
    }
    let (low, high) = bits.split_at(bits.len() / 2);
    let low = code(e, low, 1 << low.len());
    let high = code(e, high, count.div_ceil(low.entries.len()));
    outer(e, &low, &high, count)
}

/// A code that has no entry set where the gate is not.
fn gated(e: &mut Emitter, code: Code, gate: Reg) -> Code {
    let products = |e: &mut Emitter, of: &[Reg]| -> Vec<Reg> {
        of.iter().map(|entry| e.multiply(*entry, gate)).collect()
    };
    let entries = if code.is_complete {
        let rest = products(e, &code.entries[1..]);
        with_first(e, gate, rest)
    } else {
        products(e, &code.entries)
    };
    Code {
        entries,
        is_complete: false,
    }
}

/// Entry h·(entries of low) + l is low[l]·high[h], up to `count`; low is complete. What sums give is
/// not multiplied: over l to high[h], over h, if high is complete, to low[l].
fn outer(e: &mut Emitter, low: &Code, high: &Code, count: usize) -> Code {
    let width = low.entries.len();
    let is_complete = high.is_complete && count >= width * high.entries.len();
    let skipped = usize::from(is_complete);
    let mut rows: Vec<Vec<Reg>> = Vec::new();
    for (h, high) in high.entries.iter().enumerate().skip(skipped) {
        let whole = count - h * width >= width;
        let from = usize::from(whole);
        let own = &low.entries[from..width.min(count - h * width)];
        let products = own.iter().map(|low| e.multiply(*low, *high)).collect();
        rows.push(if whole {
            with_first(e, *high, products)
        } else {
            products
        });
    }
    if is_complete {
        let first = low.entries.iter().enumerate().map(|(l, low)| {
            let column: Vec<Reg> = rows.iter().map(|row| row[l]).collect();
            let column = e.sum(&column);
            e.add(*low, column)
        });
        let first = first.collect();
        rows.insert(0, first);
    }
    Code {
        entries: rows.concat(),
        is_complete,
    }
}

/// 1 − a on bits.
fn not(e: &mut Emitter, a: Reg) -> Reg {
    e.add_public(a, Public::Literal(1))
}

/// The entries whose sum is `total`, of which all but the first are given.
fn with_first(e: &mut Emitter, total: Reg, rest: Vec<Reg>) -> Vec<Reg> {
    let mut first = total;
    for entry in &rest {
        first = e.add(first, *entry);
    }
    [vec![first], rest].concat()
}

/// Σ plane v of the first operand · lane v of the second: one exchange.
pub(super) fn dot(e: &mut Emitter, count: usize, domain: Domain) -> Reg {
    let term = |v| (e.plane_of(v, domain), e.lane(v, domain));
    let terms = (0..count as u32).map(term).collect();
    e.dot(terms)
}

/// The bits in `mask` of table[h·low + l] for the codes of l and h in planes. Sums over l are free, so
/// each bit costs one product, summed over h.
pub(super) fn table(
    e: &mut Emitter,
    [low, high]: [u32; 2],
    table: &[u128],
    mask: u128,
) -> Vec<Reg> {
    let planes: Vec<Reg> = (0..low + high).map(|i| e.plane(i)).collect();
    let (low, high) = planes.split_at(low as usize);
    let mut outputs = Vec::new();
    for position in (0..128).filter(|i| mask >> i & 1 == 1) {
        let mut terms = Vec::new();
        for (high, row) in high.iter().zip(table.chunks(low.len())) {
            let set = low
                .iter()
                .zip(row)
                .filter(|(_, value)| **value >> position & 1 == 1);
            let set: Vec<Reg> = set.map(|(low, _)| *low).collect();
            if !set.is_empty() {
                terms.push((*high, e.sum(&set)));
            }
        }
        outputs.push(e.dot(terms));
    }
    outputs
}
