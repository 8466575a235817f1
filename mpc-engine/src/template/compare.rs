//! Comparisons, over the full range.
//!
//! Halves: x = A + B − 2^k·w, with A known to two parties, B to the other two, and w the wrap
//! `[A + B ≥ 2^k]`, the carry out of the highest bit. Bit j of x is that of A, plus that of B, plus
//! the carry of the bits below. A carry is found in chunks of a few bits. Of a chunk with bits aᵢ and
//! bᵢ it matters whether it makes a carry by itself, and whether it passes one on, which it does
//! if all aᵢ + bᵢ = 1. With a^U for the product of the aᵢ with i in U:
//!
//! - passes on: Πᵢ (aᵢ + bᵢ) = Σ over all sets U of a^U · b^(not U);
//! - makes one: Σᵢ aᵢbᵢ · Π over j > i of (aⱼ + bⱼ), which likewise is a sum in which each a^U with
//!   U ≠ ∅ stands once, times one b^V.
//!
//! So once the products of each side, which its knowers compute, are input (2·(2^m − 1) bits for a
//! chunk of m), both are one dot product, and no other sums of shares are needed. Only four of the
//! six pairs of components meet in it. A tree joins the chunks: high and low make a carry if high
//! does, or if it passes on that of low. The first of these two needs no message of its own: its
//! terms go into the dot product of whoever needs the sum.
//!
//! Bits sent for a carry out of 63 bits: 670 in 6 rounds in chunks of four, 570 in 7 in chunks of
//! three, which also takes the least work.

use super::{Emitter, Mode, Reg, arithmetic, reserve};

/// Bits of a chunk in which "passes on" is found, where nothing else is: fewest rounds for 64 bits
/// at the fewest bits sent.
const EQUAL_CHUNK: usize = 2;

/// Whether operations should rather take few rounds or little work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Aim {
    /// For short vectors.
    FewRounds,
    /// For long vectors.
    LittleWork,
}

/// Lanes from which on a vector is long.
const LONG: usize = 4096;

impl Aim {
    /// For a vector of so many lanes.
    pub(crate) const fn for_lanes(lanes: usize) -> Self {
        if lanes < LONG {
            Self::FewRounds
        } else {
            Self::LittleWork
        }
    }

    /// Bits of a chunk.
    const fn chunk(self) -> usize {
        match self {
            Self::FewRounds => 4,
            Self::LittleWork => 3,
        }
    }
}

/// Products of the bits of the two halves in a chunk, as shares: that of the bits in the set u at
/// place u − 1.
pub(super) struct Chunk {
    a: Vec<Reg>,
    b: Vec<Reg>,
}

impl Chunk {
    /// Inputs the products of known bits, lowest first, `a` of one half and `b` of the other.
    pub(super) fn new(e: &mut Emitter, a: &[Reg], b: &[Reg]) -> Self {
        let [a, b] = [a, b].map(|bits| e.input_products(bits));
        Self { a, b }
    }

    /// The terms whose sum says whether the low `bits` bits make a carry.
    pub(super) fn makes(&self, bits: usize) -> Vec<(Reg, Reg)> {
        let term = |u: usize| {
            let lowest = u & u.wrapping_neg();
            let above = (1 << bits) - 2 * lowest;
            (self.a[u - 1], self.b[(above & !u | lowest) - 1])
        };
        (1..1 << bits).map(term).collect()
    }

    /// Whether the low `bits` bits pass a carry on.
    pub(super) fn passes(&self, e: &mut Emitter, bits: usize) -> Reg {
        let all = (1 << bits) - 1;
        let alone = e.add(self.a[all - 1], self.b[all - 1]);
        if all == 1 {
            return alone;
        }
        let term = |u: usize| (self.a[u - 1], self.b[(all & !u) - 1]);
        let mixed = e.dot((1..all).map(term).collect());
        e.add(mixed, alone)
    }

    /// The carry out of the low `bits` bits.
    pub(super) fn carry(&self, e: &mut Emitter, bits: usize, need_passes: bool) -> Carry {
        Carry {
            made: None,
            terms: self.makes(bits),
            passes: need_passes.then(|| self.passes(e, bits)),
        }
    }

    /// The sum of bit i of the two, without a carry.
    pub(super) fn half_sum(&self, e: &mut Emitter, i: usize) -> Reg {
        let place = (1 << i) - 1;
        e.add(self.a[place], self.b[place])
    }
}

/// What is known of the carry out of some bits.
#[derive(Clone)]
pub(super) struct Carry {
    /// Whether the bits make one: this and the sum of the terms.
    made: Option<Reg>,
    terms: Vec<(Reg, Reg)>,
    /// Whether they pass one on; left out where nobody needs it, which is only over the lowest bits.
    passes: Option<Reg>,
}

impl Carry {
    /// The carry out of one place with these two shared bits.
    pub(super) fn of_place(e: &mut Emitter, a: Reg, b: Reg, need_passes: bool) -> Self {
        Self {
            made: None,
            terms: vec![(a, b)],
            passes: need_passes.then(|| e.add(a, b)),
        }
    }

    /// The carry out of all parts, lowest first, of which there must be at least one: in a tree.
    pub(super) fn join(e: &mut Emitter, mut parts: Vec<Self>) -> Self {
        while parts.len() > 1 {
            let mut joined = Vec::with_capacity(parts.len().div_ceil(2));
            for pair in parts.chunks_mut(2) {
                joined.push(match pair {
                    [low, high] => low.below(e, high),
                    _ => pair[0].clone(),
                });
            }
            parts = joined;
        }
        parts.swap_remove(0)
    }

    /// The carries out of the first part, of the first two, and so on: Sklansky's prefix tree.
    pub(super) fn prefixes(e: &mut Emitter, mut prefix: Vec<Self>) -> Vec<Reg> {
        let mut span = 1;
        while span < prefix.len() {
            for i in 0..prefix.len() {
                if i & span != 0 {
                    // The prefix that ends just below this block.
                    let below = (i | (span - 1)) - span;
                    prefix[below].made(e);
                    prefix[i] = prefix[below].clone().below(e, &prefix[i]);
                }
            }
            span *= 2;
        }
        prefix.iter_mut().map(|carry| carry.made(e)).collect()
    }

    /// The carry out of bits of A and B, lowest first.
    pub(super) fn of(e: &mut Emitter, a: &[Reg], b: &[Reg], aim: Aim, need_passes: bool) -> Self {
        let size = aim.chunk();
        let mut parts: Vec<Self> = Vec::new();
        for (a, b) in a.chunks(size).zip(b.chunks(size)) {
            let chunk = Chunk::new(e, a, b);
            parts.push(chunk.carry(e, a.len(), need_passes || !parts.is_empty()));
        }
        Self::join(e, parts)
    }

    /// Of these bits and, above them, `high`.
    pub(super) fn below(&mut self, e: &mut Emitter, high: &Self) -> Self {
        let mut terms = high.terms.clone();
        if let Some(through) = high.passes {
            terms.push((through, self.made(e)));
        }
        let both = |(high, low)| e.multiply(high, low);
        Self {
            made: high.made,
            terms,
            passes: high.passes.zip(self.passes).map(both),
        }
    }

    /// Whether the bits make a carry.
    pub(super) fn made(&mut self, e: &mut Emitter) -> Reg {
        let made = match self.made {
            Some(made) if self.terms.is_empty() => made,
            Some(made) => {
                let sum = e.dot(std::mem::take(&mut self.terms));
                e.add(sum, made)
            }
            None => e.dot(std::mem::take(&mut self.terms)),
        };
        self.made = Some(made);
        made
    }
}

/// The bits of the two halves of a share.
pub(super) fn bits_of_halves(e: &mut Emitter, x: Reg) -> [Vec<Reg>; 2] {
    [0, 1].map(|half| {
        let known = e.half(x, half);
        e.known_split(known)
    })
}

/// Bit `position` of x: those of A and B, and the carry into it.
pub(super) fn bit(e: &mut Emitter, x: Reg, position: u32, aim: Aim) -> Reg {
    if e.mode() != Mode::Normal {
        return reserve::bit(e, x, position);
    }
    let at = position as usize;
    let [a, b] = bits_of_halves(e, x);
    let [a_bit, b_bit] = [a[at], b[at]].map(|bit| e.input(bit));
    let sum = e.add(a_bit, b_bit);
    if at == 0 {
        return sum;
    }
    let carry = Carry::of(e, &a[..at], &b[..at], aim, false).made(e);
    e.add(sum, carry)
}

/// `[x = 0]`: then A + (B − 1) is 2^k − 1, which means that all its bits would pass a carry on.
pub(super) fn is_zero(e: &mut Emitter, x: Reg) -> Reg {
    if e.mode() != Mode::Normal {
        return reserve::is_zero(e, x);
    }
    let [a, b] = [0, 1].map(|half| e.half(x, half));
    let b = e.known_negate(b);
    let b = e.known_not(b);
    let (a, b) = (e.known_split(a), e.known_split(b));
    let pairs = a.chunks(EQUAL_CHUNK).zip(b.chunks(EQUAL_CHUNK));
    let parts = pairs
        .map(|(a, b)| Chunk::new(e, a, b).passes(e, a.len()))
        .collect();
    arithmetic::and_all(e, parts)
}
