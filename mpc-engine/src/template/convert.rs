//! Between rings, and between rings and bits.

use super::{
    Emitter, Mode, Public, Reg, arithmetic,
    compare::{self, Aim, Carry, Chunk},
    reserve,
};
use crate::{circuit::Bound, vector::Domain};

/// Bits of a chunk whose carries are found at once when all bits are wanted.
const CHUNK: usize = 4;

/// Moves a value up, so that it is not negative, and below half the range if it is bounded. Returns
/// by how much.
pub(super) fn lift_sign(e: &mut Emitter, x: Reg, signed: bool, bound: Bound) -> (Reg, u128) {
    let half = 1 << (e.domain(x).bits() - 1);
    let by = match bound {
        Bound::Any if signed => half,
        Bound::Any | Bound::Low => return (x, 0),
        Bound::Middle => half / 2,
    };
    (e.add_public(x, Public::Literal(by)), by)
}

/// The smallest ring with at least so many bits.
pub(super) fn ring_of(bits: u32) -> Domain {
    use Domain::{Bits, R8, R16, R32, R64, R128};
    let fits = |domain: &Domain| domain.bits() >= bits;
    [Bits, R8, R16, R32, R64]
        .into_iter()
        .find(fits)
        .unwrap_or(R128)
}

/// The wrap of the halves of x, times 2^shift, in a ring: only as many of its bits matter as are not
/// shifted out, so that it is made in a ring that just holds these, and lifted. `wrap` gives it as a
/// bit from the bits of the halves. If x is below half the range, it wraps if and only if the
/// highest bit of either half is set: with these two, which are known, p + q − pq.
fn shifted_wrap(
    e: &mut Emitter,
    [a, b]: [&[Reg]; 2],
    (domain, shift): (Domain, u32),
    bound: Bound,
    wrap: impl FnOnce(&mut Emitter) -> Reg,
) -> Reg {
    let matter = domain.bits() - shift;
    let small = ring_of(matter);
    let wrap = if bound == Bound::Any {
        let wrap = wrap(e);
        if small == Domain::Bits {
            wrap
        } else {
            arithmetic::bit_to_ring(e, wrap, small)
        }
    } else {
        let highest = [a[a.len() - 1], b[b.len() - 1]];
        let [p, q] = highest.map(|bit| {
            let wide = e.known_widen(bit, small);
            e.input(wide)
        });
        let both = e.multiply(p, q);
        let sum = e.add(p, q);
        e.subtract(sum, both)
    };
    let wrap = e.scale(wrap, Public::Literal(1 << (small.bits() - matter)));
    e.lift(wrap, domain)
}

/// x in a wider ring, with its sign if it has one: A + B − 2^k·w, where the halves A and B are
/// known and are input anew.
pub(super) fn widen(
    e: &mut Emitter,
    x: Reg,
    to: Domain,
    (signed, bound): (bool, Bound),
    aim: Aim,
) -> Reg {
    if e.mode() != Mode::Normal {
        return reserve::widen(e, x, to, signed, bound);
    }
    let bits = e.domain(x).bits();
    let (x, lifted) = lift_sign(e, x, signed, bound);
    let sum = [0, 1].map(|half| {
        let known = e.half(x, half);
        let wide = e.known_widen(known, to);
        e.input(wide)
    });
    let [a, b] = compare::bits_of_halves(e, x);
    let wrapped = shifted_wrap(e, [&a, &b], (to, bits), bound, |e| {
        Carry::of(e, &a, &b, aim, false).made(e)
    });
    let sum = e.add(sum[0], sum[1]);
    let wide = e.subtract(sum, wrapped);
    lower(e, wide, lifted)
}

/// x − by.
pub(super) fn lower(e: &mut Emitter, x: Reg, by: u128) -> Reg {
    if by == 0 {
        return x;
    }
    e.add_public(x, Public::Literal(by.wrapping_neg()))
}

/// x >> by for 0 < by < k: (A >> by) + (B >> by) + carry − 2^(k−by)·w, where the carry is that of
/// the low `by` bits of A + B. The wrap goes on from the carry, so both cost little more than one.
pub(super) fn shift_right(
    e: &mut Emitter,
    x: Reg,
    by: u32,
    (signed, bound): (bool, Bound),
    aim: Aim,
) -> Reg {
    if e.mode() != Mode::Normal {
        return reserve::shift_right(e, x, by, signed, bound);
    }
    let domain = e.domain(x);
    // What x is moved up by must be a multiple of 2^by.
    let bound = match bound {
        Bound::Middle if by == domain.bits() - 1 => Bound::Any,
        bound => bound,
    };
    let (x, lifted) = lift_sign(e, x, signed, bound);
    let sum = [0, 1].map(|half| {
        let known = e.half(x, half);
        let shifted = e.known_shift(known, by);
        e.input(shifted)
    });
    let [a, b] = compare::bits_of_halves(e, x);
    let cut = by as usize;
    let mut low = Carry::of(e, &a[..cut], &b[..cut], aim, false);
    let carry = low.made(e);
    let wrapped = shifted_wrap(e, [&a, &b], (domain, domain.bits() - by), bound, |e| {
        let high = Carry::of(e, &a[cut..], &b[cut..], aim, true);
        low.below(e, &high).made(e)
    });
    let carry = arithmetic::bit_to_ring(e, carry, domain);
    let sum = e.add(sum[0], sum[1]);
    let sum = e.add(sum, carry);
    let shifted = e.subtract(sum, wrapped);
    lower(e, shifted, lifted >> by)
}

/// The bits of x, lowest first: A + B added in binary. Carries into chunks come from a parallel
/// prefix over the chunks; those within a chunk, made there or passed on, are one dot product each.
/// The highest bit belongs to no chunk, for nobody needs its carry.
pub(super) fn to_bits(e: &mut Emitter, x: Reg) -> Vec<Reg> {
    if e.mode() != Mode::Normal {
        return reserve::to_bits(e, x);
    }
    let [a, b] = compare::bits_of_halves(e, x);
    let top = a.len() - 1;
    let mut chunks = Vec::new();
    for (a, b) in a[..top].chunks(CHUNK).zip(b[..top].chunks(CHUNK)) {
        chunks.push((Chunk::new(e, a, b), a.len()));
    }
    let [a_top, b_top] = [a[top], b[top]].map(|bit| e.input(bit));
    let mut bits = Vec::with_capacity(a.len());
    for ((chunk, size), carry) in chunks.iter().zip(carries_into(e, &chunks)) {
        let is_last = bits.len() + size == top;
        for j in 0..size + usize::from(is_last) {
            let sum = if j < *size {
                chunk.half_sum(e, j)
            } else {
                e.add(a_top, b_top)
            };
            let into = match (j, carry) {
                (0, carry) => carry,
                (_, None) => Some(e.dot(chunk.makes(j))),
                (_, Some(carry)) => {
                    let mut terms = chunk.makes(j);
                    terms.push((chunk.passes(e, j), carry));
                    Some(e.dot(terms))
                }
            };
            bits.push(into.map_or(sum, |carry| e.add(sum, carry)));
        }
    }
    bits
}

/// The carry into each chunk, none into the first.
fn carries_into(e: &mut Emitter, chunks: &[(Chunk, usize)]) -> Vec<Option<Reg>> {
    let mut parts: Vec<Carry> = Vec::new();
    for (i, (chunk, size)) in chunks[..chunks.len() - 1].iter().enumerate() {
        parts.push(chunk.carry(e, *size, i > 0));
    }
    let carries = Carry::prefixes(e, parts).into_iter().map(Some);
    std::iter::once(None).chain(carries).collect()
}

/// Σ weightᵢ·bᵢ in a ring, for shared bits. With pᵢ and qᵢ the halves' bits, input as ring elements:
/// Σ weightᵢ·(pᵢ + qᵢ − 2·pᵢqᵢ), one product in all. Terms whose weights are multiples of a high power
/// of two are summed in a narrower ring that holds what is not shifted out, and lifted.
pub(super) fn compose(e: &mut Emitter, bits: &[Reg], weights: &[u128], domain: Domain) -> Reg {
    let matter = |weight: u128| domain.bits().saturating_sub(weight.trailing_zeros());
    let mut rings: Vec<Domain> = weights.iter().map(|w| ring_of(matter(*w).max(1))).collect();
    let terms: Vec<(Reg, u128, Domain)> = bits
        .iter()
        .zip(weights)
        .zip(&rings)
        .map(|((bit, weight), ring)| (*bit, *weight, *ring))
        .collect();
    rings.sort_by_key(|ring| ring.bits());
    rings.dedup();
    let mut sums = Vec::with_capacity(rings.len());
    for ring in rings {
        let shift = domain.bits() - ring.bits();
        let terms = terms.iter().filter(|(_, _, own)| *own == ring);
        let terms = terms.map(|(bit, weight, _)| (*bit, weight >> shift));
        let sum = compose_in(e, &terms.collect::<Vec<_>>(), ring);
        sums.push(e.lift(sum, domain));
    }
    e.sum(&sums)
}

/// Σ weightᵢ·bᵢ in this ring.
fn compose_in(e: &mut Emitter, terms: &[(Reg, u128)], ring: Domain) -> Reg {
    let (mut sum, mut products) = (Vec::new(), Vec::new());
    for (bit, weight) in terms {
        if ring == Domain::Bits {
            sum.push(e.scale(*bit, Public::Literal(*weight)));
            continue;
        }
        let Some([p, q]) = two_parts(e, *bit, ring) else {
            let bit = arithmetic::bit_to_ring(e, *bit, ring);
            sum.push(e.scale(bit, Public::Literal(*weight)));
            continue;
        };
        let either = e.add(p, q);
        sum.push(e.scale(either, Public::Literal(*weight)));
        let twice = e.scale(p, Public::Literal(weight.wrapping_mul(2)));
        products.push((twice, q));
    }
    let sum = e.sum(&sum);
    if products.is_empty() {
        return sum;
    }
    let both = e.dot(products);
    e.subtract(sum, both)
}

/// Two ring elements, 0 or 1, whose sum modulo 2 is a shared bit, as far as that takes two.
fn two_parts(e: &mut Emitter, bit: Reg, ring: Domain) -> Option<[Reg; 2]> {
    if e.mode() != Mode::Normal {
        return reserve::two_parts(e, bit, ring);
    }
    Some([0, 1].map(|half| {
        let known = e.half(bit, half);
        let wide = e.known_widen(known, ring);
        e.input(wide)
    }))
}
