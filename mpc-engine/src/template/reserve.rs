//! Three parties, from the reserve.
//!
//! Summands: x = s_a + s_b + s_c (mod 2^k) for the three live parties a, b and c, where s_l is the
//! component of x that l lacks and the others know; that of the absent party, which all three know,
//! is part of one of them. The bits of a summand, and anything else that follows from it alone, are
//! shared without a message. So bits of x come from an adder of three numbers whose bits are shared:
//! first full adders (a + b + c = (a ⊕ b ⊕ c) + 2·m, with the majority m = (a ⊕ c)(b ⊕ c) ⊕ c),
//! which leave two rows of bits, then carries in a tree. With one product to a bit for the full adders,
//! one for what each place makes and up to two to a node of the tree, a carry takes about 4 products
//! of bits to a bit of x, and 2 + log₂ k rounds.

use super::{
    Emitter, Instruction, Public, Reg, arithmetic,
    compare::Carry,
    convert::{lift_sign, lower, ring_of},
    emitter::FULL,
};
use crate::{circuit::Bound, protocol::network, vector::Domain};

impl Emitter {
    /// Σ xᵢ·yᵢ from triples: with d = x − a and e = y − b opened, x·y is d·y + e·x − d·e + c
    /// (D. Beaver, Efficient multiparty protocols using circuit randomization, 1991).
    pub(super) fn beaver(&mut self, terms: Vec<(Reg, Reg)>, rows: bool) -> Reg {
        let domain = self.domain(terms[0].0);
        let masked = self.mask(terms.clone(), rows);
        let unmask = Instruction::Unmask {
            terms,
            masked,
            rows,
        };
        self.share(unmask, domain, FULL)
    }

    /// The summands of x, each known to two parties; those that vanish are left out.
    fn summands(&mut self, x: Reg) -> Vec<Reg> {
        let support = self.support(x);
        let has = |c: usize| support >> c & 1 == 1;
        let absent = self.mode().absent();
        let mut and = absent.filter(|c| has(*c)).map(|c| c as u8);
        let live = self.mode().live();
        // The component that all know goes with the first other, or stands alone.
        let alone = !live.clone().any(has);
        let mut summands = Vec::with_capacity(3);
        for of in live {
            if has(of) || alone && and.is_some() {
                let of = of as u8;
                let summand = Instruction::Summand {
                    a: x,
                    of,
                    and: and.take(),
                };
                summands.push(self.known(summand, self.domain(x), of));
            }
        }
        summands
    }

    /// x shuffled, or put back: for each pass a network of switches that nobody sees but those who
    /// know its permutation; the permutation that the absent party lacks is known to all three.
    pub(super) fn shuffle_by_networks(
        &mut self,
        mut x: Reg,
        inverse: bool,
        layers: u32,
        absent: u8,
    ) -> Reg {
        let domain = self.domain(x);
        for pass in 0..4 {
            let lacks = if inverse { 3 - pass } else { pass };
            if lacks == absent {
                x = self.share(Instruction::Rearrange { x, lacks }, domain, self.support(x));
                continue;
            }
            let route = self.route(x, lacks, layers);
            for layer in 0..layers {
                let depth = network::depth(layer, layers);
                let switches = Instruction::Switches {
                    route,
                    lacks,
                    x,
                    layer,
                };
                let switches = self.share(switches, domain, 1 << lacks);
                let differences = Instruction::Differences { x, layer: depth };
                let differences = self.share(differences, domain, FULL);
                let by = self.multiply(switches, differences);
                let layer = depth;
                x = self.share(Instruction::Exchange { x, by, layer }, domain, FULL);
            }
        }
        x
    }
}

/// Numbers whose sum is x in its ring, by their shared bits: two rows, and what goes beyond.
struct Rows {
    low: Vec<Reg>,
    /// By place; none where it is 0.
    high: Vec<Option<Reg>>,
    /// What the full adders carry out of the highest place.
    over: Option<Reg>,
}

impl Rows {
    /// Of the sum of known summands.
    fn of(e: &mut Emitter, summands: &[Reg]) -> Self {
        let mut rows: Vec<Vec<Reg>> = Vec::with_capacity(3);
        for summand in summands {
            let bits = e.known_split(*summand);
            rows.push(bits.into_iter().map(|bit| e.input(bit)).collect());
        }
        let width = rows[0].len();
        match <[Vec<Reg>; 3]>::try_from(rows) {
            Ok([a, b, c]) => {
                let (mut low, mut high) = (Vec::with_capacity(width), vec![None]);
                for ((a, b), c) in a.into_iter().zip(b).zip(c) {
                    let (a_c, b_c) = (e.add(a, c), e.add(b, c));
                    low.push(e.add(a_c, b));
                    let product = e.multiply(a_c, b_c);
                    high.push(Some(e.add(product, c)));
                }
                let over = high.pop().flatten();
                Self { low, high, over }
            }
            Err(mut rows) => {
                let second = (rows.len() > 1).then(|| rows.swap_remove(1));
                Self {
                    low: rows.swap_remove(0),
                    high: match second {
                        Some(bits) => bits.into_iter().map(Some).collect(),
                        None => vec![None; width],
                    },
                    over: None,
                }
            }
        }
    }

    fn of_share(e: &mut Emitter, x: Reg) -> Self {
        let summands = e.summands(x);
        Self::of(e, &summands)
    }

    /// The sum of both bits of a place, without a carry.
    fn half_sum(&self, e: &mut Emitter, place: usize) -> Reg {
        match self.high[place] {
            Some(high) => e.add(self.low[place], high),
            None => self.low[place],
        }
    }

    /// What becomes of carries in these places. From the lowest places nothing comes where only one
    /// row has bits.
    fn places(&self, e: &mut Emitter, from: usize, to: usize, passes: bool) -> Vec<Carry> {
        let mut parts = Vec::with_capacity(to - from);
        for place in from..to {
            if let Some(high) = self.high[place] {
                let passes = passes || !parts.is_empty();
                parts.push(Carry::of_place(e, self.low[place], high, passes));
            }
        }
        parts
    }

    /// The carry out of the places below `place`.
    fn carry_into(&self, e: &mut Emitter, place: usize) -> Option<Carry> {
        let parts = self.places(e, 0, place, false);
        (!parts.is_empty()).then(|| Carry::join(e, parts))
    }
}

/// Bit `position` of x.
pub(super) fn bit(e: &mut Emitter, x: Reg, position: u32) -> Reg {
    let rows = Rows::of_share(e, x);
    let at = position as usize;
    let sum = rows.half_sum(e, at);
    match rows.carry_into(e, at) {
        Some(mut carry) => {
            let carry = carry.made(e);
            e.add(sum, carry)
        }
        None => sum,
    }
}

/// The bits of x, lowest first.
pub(super) fn to_bits(e: &mut Emitter, x: Reg) -> Vec<Reg> {
    let rows = Rows::of_share(e, x);
    let width = rows.low.len();
    // Nobody needs the carry out of the highest place.
    let parts = rows.places(e, 0, width - 1, false);
    let first = width - parts.len();
    let carries = Carry::prefixes(e, parts);
    let mut bits = Vec::with_capacity(width);
    for place in 0..width {
        let sum = rows.half_sum(e, place);
        bits.push(match place.checked_sub(first) {
            Some(carry) => e.add(sum, carries[carry]),
            None => sum,
        });
    }
    bits
}

/// `[x = 0]`: then x − 1 is 2^k − 1, and the sum of two rows of bits is that only if each place has
/// one bit set.
pub(super) fn is_zero(e: &mut Emitter, x: Reg) -> Reg {
    let mut summands = e.summands(x);
    // The complement of −s is s − 1.
    let negative = e.known_negate(summands[0]);
    summands[0] = e.known_not(negative);
    let rows = Rows::of(e, &summands);
    let sums = (0..rows.low.len()).map(|place| rows.half_sum(e, place));
    let sums = sums.collect();
    arithmetic::and_all(e, sums)
}

/// The summands of a bit as ring elements, 0 or 1.
fn bits_in_ring(e: &mut Emitter, bit: Reg, ring: Domain) -> Vec<Reg> {
    let mut parts = e.summands(bit);
    for part in &mut parts {
        let wide = e.known_widen(*part, ring);
        *part = e.input(wide);
    }
    parts
}

/// p ⊕ q as a number: p + q − 2pq.
fn either(e: &mut Emitter, p: Reg, q: Reg) -> Reg {
    let both = e.multiply(p, q);
    let twice = e.scale(both, Public::Literal(2));
    let sum = e.add(p, q);
    e.subtract(sum, twice)
}

/// Two ring elements, 0 or 1, whose sum modulo 2 is a shared bit; nothing if one is enough.
pub(super) fn two_parts(e: &mut Emitter, bit: Reg, ring: Domain) -> Option<[Reg; 2]> {
    match *bits_in_ring(e, bit, ring) {
        [a, b, c] => Some([either(e, a, b), c]),
        [a, b] => Some([a, b]),
        _ => None,
    }
}

/// A shared bit as a share in a ring.
pub(super) fn bit_to_ring(e: &mut Emitter, bit: Reg, ring: Domain) -> Reg {
    let parts = bits_in_ring(e, bit, ring);
    let mut sum = parts[0];
    for part in &parts[1..] {
        sum = either(e, sum, *part);
    }
    sum
}

/// The number of true lanes: the second of the products that take a bit to the ring is summed before
/// it is opened.
pub(super) fn count(e: &mut Emitter, bits: Reg) -> Reg {
    let Some([p, q]) = two_parts(e, bits, Domain::R64) else {
        let bits = bit_to_ring(e, bits, Domain::R64);
        return e.sum_rows(bits);
    };
    let both = e.dot_rows(p, q);
    let twice = e.scale(both, Public::Literal(2));
    let either = e.add(p, q);
    let sum = e.sum_rows(either);
    e.subtract(sum, twice)
}

/// The sum of bits in a ring, times 2^shift: only as many of its bits matter as are not shifted out,
/// so that it is made in a ring that just holds these, and lifted.
fn shifted(e: &mut Emitter, bits: &[Reg], domain: Domain, shift: u32) -> Reg {
    let matter = domain.bits() - shift;
    let small = ring_of(matter);
    let mut parts = Vec::with_capacity(bits.len());
    for bit in bits {
        parts.push(if small == Domain::Bits {
            *bit
        } else {
            bit_to_ring(e, *bit, small)
        });
    }
    let sum = e.sum(&parts);
    let sum = e.scale(sum, Public::Literal(1 << (small.bits() - matter)));
    e.lift(sum, domain)
}

/// x in a wider ring, with its sign if it has one: the sum of the summands less 2^k for each time
/// that it wraps, which are two at most: a carry of the full adders, and one of the two rows.
pub(super) fn widen(e: &mut Emitter, x: Reg, to: Domain, signed: bool, bound: Bound) -> Reg {
    let bits = e.domain(x).bits();
    let (x, lifted) = lift_sign(e, x, signed, bound);
    let summands = e.summands(x);
    let mut parts = Vec::with_capacity(3);
    for summand in &summands {
        let wide = e.known_widen(*summand, to);
        parts.push(e.input(wide));
    }
    let rows = Rows::of(e, &summands);
    let mut wraps: Vec<Reg> = rows.over.into_iter().collect();
    if let Some(mut carry) = rows.carry_into(e, bits as usize) {
        wraps.push(carry.made(e));
    }
    let mut wide = e.sum(&parts);
    if !wraps.is_empty() {
        let wrapped = shifted(e, &wraps, to, bits);
        wide = e.subtract(wide, wrapped);
    }
    lower(e, wide, lifted)
}

/// x >> by for 0 < by < k: the sum of the summands >> by, plus what the low bits carry, less 2^(k−by)
/// for each time that the sum wraps. Either comes from the full adders and from the two rows.
pub(super) fn shift_right(e: &mut Emitter, x: Reg, by: u32, signed: bool, bound: Bound) -> Reg {
    let domain = e.domain(x);
    // What x is moved up by must be a multiple of 2^by.
    let bound = match bound {
        Bound::Middle if by == domain.bits() - 1 => Bound::Any,
        bound => bound,
    };
    let (x, lifted) = lift_sign(e, x, signed, bound);
    let summands = e.summands(x);
    let mut parts = Vec::with_capacity(5);
    for summand in &summands {
        let cut = e.known_shift(*summand, by);
        parts.push(e.input(cut));
    }
    let rows = Rows::of(e, &summands);
    let (cut, width) = (by as usize, rows.low.len());
    let mut low = rows.carry_into(e, cut);
    let mut carries: Vec<Reg> = low.iter_mut().map(|carry| carry.made(e)).collect();
    if summands.len() == 3 {
        carries.extend(rows.high[cut]);
    }
    for carry in carries {
        parts.push(bit_to_ring(e, carry, domain));
    }
    let high = rows.places(e, cut, width, low.is_some());
    let high = (!high.is_empty()).then(|| Carry::join(e, high));
    let out = match (low, high) {
        (Some(mut low), Some(high)) => Some(low.below(e, &high)),
        (None, high) => high,
        (low, None) => low,
    };
    let mut wraps: Vec<Reg> = rows.over.into_iter().collect();
    wraps.extend(out.map(|mut carry| carry.made(e)));
    let mut sum = e.sum(&parts);
    if !wraps.is_empty() {
        let wrapped = shifted(e, &wraps, domain, domain.bits() - by);
        sum = e.subtract(sum, wrapped);
    }
    lower(e, sum, lifted >> by)
}
