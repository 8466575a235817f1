//! Between rings, and between rings and bits.

use super::{Emitter, Public, Reg, arithmetic, compare};
use crate::vector::Domain;

/// Chunk of bits whose carries are found at once.
const CHUNK: usize = 4;

/// Moves a signed value up by half the range, so that it can be treated as unsigned.
fn lift_sign(e: &mut Emitter, x: Reg, signed: bool) -> Reg {
    if !signed {
        return x;
    }
    let sign = 1 << (e.domain(x).bits() - 1);
    e.add_public(x, Public::Literal(sign))
}

/// x in a wider ring, with its sign if it has one: A + B − 2^k·w, where the halves A and B are
/// known and are input anew.
pub(super) fn widen(e: &mut Emitter, x: Reg, to: Domain, signed: bool) -> Reg {
    let bits = e.domain(x).bits();
    let x = lift_sign(e, x, signed);
    let sum = [0, 1].map(|half| {
        let known = e.half(x, half);
        let wide = e.known_widen(known, to);
        e.input(wide)
    });
    let wrap = compare::wrap(e, x);
    let wrap = arithmetic::bit_to_ring(e, wrap, to);
    let sum = e.add(sum[0], sum[1]);
    let wrapped = e.scale(wrap, Public::Literal(1 << bits));
    let wide = e.subtract(sum, wrapped);
    if signed {
        let sign = 0u128.wrapping_sub(1 << (bits - 1));
        return e.add_public(wide, Public::Literal(sign));
    }
    wide
}

/// x >> by for 0 < by < k: (A >> by) + (B >> by) + carry − 2^(k−by)·w, where the carry is that of
/// the low `by` bits of A + B. The wrap goes on from the carry, so both cost little more than one.
pub(super) fn shift_right(e: &mut Emitter, x: Reg, by: u32, signed: bool) -> Reg {
    let domain = e.domain(x);
    let bits = domain.bits();
    let x = lift_sign(e, x, signed);
    let sum = [0, 1].map(|half| {
        let known = e.half(x, half);
        let shifted = e.known_shift(known, by);
        e.input(shifted)
    });
    let (a, c) = compare::halves_for_wrap(e, x);
    let cut = by as usize;
    let low = compare::greater(e, &a[..cut], &c[..cut], false);
    let high = compare::greater(e, &a[cut..], &c[cut..], true);
    let wrap = compare::join_two(e, low, high).0;
    let carry = arithmetic::bit_to_ring(e, low.0, domain);
    let wrap = arithmetic::bit_to_ring(e, wrap, domain);
    let sum = e.add(sum[0], sum[1]);
    let sum = e.add(sum, carry);
    let wrapped = e.scale(wrap, Public::Literal(1 << (bits - by)));
    let shifted = e.subtract(sum, wrapped);
    if signed {
        let sign = 0u128.wrapping_sub(1 << (bits - by - 1));
        return e.add_public(shifted, Public::Literal(sign));
    }
    shifted
}

/// The bits of x, lowest first: A + B added in binary. In each chunk of four bits all carries are
/// products of one-hot codes; a parallel prefix joins the chunks.
pub(super) fn to_bits(e: &mut Emitter, x: Reg) -> Vec<Reg> {
    let (a, c) = compare::halves_for_wrap(e, x);
    let chunks: Vec<Chunk> = a
        .chunks(CHUNK)
        .zip(c.chunks(CHUNK))
        .map(|(a, c)| Chunk::new(e, a, c))
        .collect();
    let carries = carries_into(e, &chunks);
    let mut bits = Vec::with_capacity(a.len());
    for (chunk, carry) in chunks.iter().zip(carries) {
        for (j, sum) in chunk.half_sums.iter().enumerate() {
            let mut bit = *sum;
            if j > 0 {
                bit = e.add(bit, chunk.generate[j - 1]);
            }
            if let Some(carry) = carry {
                let through = if j > 0 {
                    e.multiply(chunk.propagate[j - 1], carry)
                } else {
                    carry
                };
                bit = e.add(bit, through);
            }
            bits.push(bit);
        }
    }
    bits
}

/// Carries within a chunk: of its low j + 1 bits, whether they carry by themselves, and whether
/// they pass a carry on.
struct Chunk {
    half_sums: Vec<Reg>,
    generate: Vec<Reg>,
    propagate: Vec<Reg>,
}

impl Chunk {
    /// From the bits of A and of the complement of B.
    fn new(e: &mut Emitter, a: &[Reg], c: &[Reg]) -> Self {
        let [a, c] = [a, c].map(|bits| {
            let code = arithmetic::known_one_hot(e, bits);
            arithmetic::input_one_hot(e, &code)
        });
        let mut chunk = Self {
            half_sums: Vec::new(),
            generate: Vec::new(),
            propagate: Vec::new(),
        };
        let mut values = 2;
        while values <= a.len() {
            // The codes of the low bits: sums over the values that agree in them.
            let [low_a, low_c] = [&a, &c].map(|code| fold_code(e, code, values));
            let mut below = vec![low_c[0]];
            for v in &low_c[1..values - 1] {
                let last = below[below.len() - 1];
                below.push(e.add(last, *v));
            }
            let terms = low_a[1..].iter().copied().zip(below);
            chunk.generate.push(e.dot(terms.collect()));
            let terms = low_a.iter().copied().zip(low_c.iter().copied());
            chunk.propagate.push(e.dot(terms.collect()));
            // Bit j of A and of B = not C: a_j + c_j + 1.
            let [a_bit, c_bit] = [&low_a, &low_c].map(|code| e.sum(&code[values / 2..]));
            let sum = e.add(a_bit, c_bit);
            chunk.half_sums.push(e.not(sum));
            values *= 2;
        }
        chunk
    }
}

/// The one-hot code of a value mod `values`.
fn fold_code(e: &mut Emitter, code: &[Reg], values: usize) -> Vec<Reg> {
    let residue = |v: usize| {
        let same: Vec<Reg> = code.iter().skip(v).step_by(values).copied().collect();
        e.sum(&same)
    };
    (0..values).map(residue).collect()
}

/// The carry into each chunk, none into the first: Sklansky's prefix tree.
fn carries_into(e: &mut Emitter, chunks: &[Chunk]) -> Vec<Option<Reg>> {
    let last = |all: &[Reg]| all[all.len() - 1];
    let mut prefix: Vec<(Reg, Option<Reg>)> = chunks[..chunks.len() - 1]
        .iter()
        .map(|chunk| (last(&chunk.generate), Some(last(&chunk.propagate))))
        .collect();
    let mut span = 1;
    while span < prefix.len() {
        for i in 0..prefix.len() {
            if i & span != 0 {
                // The prefix that ends just below this block.
                let low = prefix[(i | (span - 1)) - span];
                let low_reaches_zero = i < 2 * span;
                let low = (low.0, low.1.filter(|_| !low_reaches_zero));
                prefix[i] = compare::join_two(e, low, prefix[i]);
            }
        }
        span *= 2;
    }
    let carries = prefix.into_iter().map(|(generate, _)| Some(generate));
    std::iter::once(None).chain(carries).collect()
}

/// Σ weightᵢ·bᵢ in a ring, for shared bits. With pᵢ and qᵢ the halves' bits, input as ring elements:
/// Σ weightᵢ·(pᵢ + qᵢ − 2·pᵢqᵢ), one product in all.
pub(super) fn compose(e: &mut Emitter, bits: &[Reg], weights: &[u128], domain: Domain) -> Reg {
    let (mut sum, mut terms) = (Vec::new(), Vec::new());
    for (bit, weight) in bits.iter().zip(weights) {
        let [p, q] = [0, 1].map(|half| {
            let known = e.half(*bit, half);
            let wide = e.known_widen(known, domain);
            e.input(wide)
        });
        let either = e.add(p, q);
        sum.push(e.scale(either, Public::Literal(*weight)));
        let twice = e.scale(p, Public::Literal(weight.wrapping_mul(2)));
        terms.push((twice, q));
    }
    let both = e.dot(terms);
    let sum = e.sum(&sum);
    e.subtract(sum, both)
}
