//! Random permutations that three parties know and the fourth does not.

use zeroize::Zeroizing;

use super::network;
use crate::{
    prf::Masks,
    vector::{Domain, Vector, Word, kernels},
};

/// Numbers drawn at once.
const BATCH: usize = 512;
/// Planes of bits from which on it pays to make words of them.
const MANY_PLANES: usize = 6;

/// Names a permutation: who lacks it, for which shuffle it is, and its length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Name {
    pub(super) lacks: usize,
    pub(super) stream: u32,
    pub(super) len: usize,
}

/// A permutation: which lane goes to each place. Three parties read memory in its order, so their
/// own caches see it; nothing that is sent depends on it but masked values.
pub(super) struct Permutation {
    pub(super) name: Name,
    order: Zeroizing<Vec<u32>>,
}

impl Permutation {
    /// Draws it under the key that all but one hold.
    pub(super) fn draw(name: Name, key: &[u8; 32]) -> Self {
        let order = Zeroizing::new(random_order(key, name.stream, name.len));
        Self { name, order }
    }

    /// How the switches of a network stand that makes it, or puts back from it.
    pub(super) fn route(&self, inverse: bool) -> Vector {
        if inverse {
            let order = Zeroizing::new(order_of(self.order.iter().copied(), self.order.len()));
            return network::route(&order);
        }
        network::route(&self.order)
    }

    /// x with every plane of the permutation's length in its order, or put back from it.
    pub(super) fn apply(&self, x: &Vector, inverse: bool) -> Vector {
        if inverse {
            let order = Zeroizing::new(order_of(self.order.iter().copied(), self.order.len()));
            return reorder(x, &order);
        }
        reorder(x, &self.order)
    }
}

/// A uniform permutation (Fisher and Yates), which key, number and length determine: which lane goes to
/// each place. Fewer than 2^32 lanes.
pub(crate) fn random_order(key: &[u8; 32], stream: u32, len: usize) -> Vec<u32> {
    let mut numbers = Numbers::new(stream, len, key);
    let mut order: Vec<u32> = (0..len as u32).collect();
    for i in (1..len).rev() {
        let j = numbers.below(i as u64 + 1) as usize;
        order.swap(i, j);
    }
    order
}

/// Which lane goes to each place, if `places` says where each lane goes. Places outside `len` are
/// passed over, and where there is none lane 0 goes, so every order that comes out is within `len`.
pub(crate) fn order_of(places: impl Iterator<Item = u32>, len: usize) -> Vec<u32> {
    let mut order = vec![0; len];
    for (lane, place) in (0..).zip(places) {
        if let Some(order) = order.get_mut(place as usize) {
            *order = lane;
        }
    }
    order
}

/// Each plane of x, as long as `order`, with lane `order[i]` at place i.
pub(crate) fn reorder(x: &Vector, order: &[u32]) -> Vector {
    let len = order.len();
    if x.lanes() == len {
        return x.gather(order);
    }
    if x.domain() == Domain::Bits && x.lanes() >= MANY_PLANES * len {
        return reorder_planes(x, order);
    }
    let mut result = Vector::zero(x.domain(), x.lanes());
    for start in (0..x.lanes()).step_by(len.max(1)) {
        result.paste(start, &x.window(start, len).gather(order), 0, len);
    }
    result
}

/// Likewise for planes of bits: 64 at a time become a word for each lane, and words are moved.
fn reorder_planes(x: &Vector, order: &[u32]) -> Vector {
    let len = order.len();
    let blocks = len.div_ceil(64);
    let planes = x.lanes() / len.max(1);
    let mut result = Vector::zero(Domain::Bits, x.lanes());
    let mut lanes = Vector::zero(Domain::Bits, 64 * 64 * blocks);
    for first in (0..planes).step_by(64) {
        let own = first..planes.min(first + 64);
        // Word w of plane p at place 64·w + p; so transposed, lane 64·w + i is word w of row i.
        let mut mixed = Vector::zero(Domain::R64, 64 * blocks);
        for (p, plane) in own.clone().enumerate() {
            let plane = x.view(plane * len, len);
            let words = plane.elements::<Word>().iter();
            let places = mixed.elements_mut::<u64>().iter_mut().skip(p).step_by(64);
            places.zip(words).for_each(|(place, word)| *place = word.0);
        }
        transpose(&mixed, &mut lanes);
        let rows = lanes.elements::<Word>();
        let moved = Vector::fill::<u64>(len, |moved| {
            for (word, lane) in moved.iter_mut().zip(order) {
                let lane = *lane as usize;
                *word = rows[lane % 64 * blocks + lane / 64].0;
            }
        });
        transpose(&moved, &mut lanes);
        for (p, plane) in own.enumerate() {
            result.paste(plane * len, &lanes, p * blocks * 64, len);
        }
    }
    result
}

/// Bit i of the words of x as row i.
fn transpose(x: &Vector, rows: &mut Vector) {
    let words = rows.elements_mut::<Word>();
    let length = words.len() / 64;
    let mut rows: Vec<&mut [Word]> = words.chunks_mut(length.max(1)).collect();
    kernels::split::<u64>(&mut rows, x.elements(), 0);
}

/// Uniform numbers from the pseudorandom function.
struct Numbers {
    masks: Masks,
    batch: Zeroizing<Vec<u64>>,
    next: usize,
}

impl Numbers {
    fn new(stream: u32, len: usize, key: &[u8; 32]) -> Self {
        let mut hasher = blake3::Hasher::new_keyed(key);
        hasher.update(&stream.to_le_bytes());
        hasher.update(&(len as u64).to_le_bytes());
        let mut own = Zeroizing::new([0; 16]);
        hasher.finalize_xof().fill(&mut *own);
        Self {
            masks: Masks::new(&own),
            batch: Zeroizing::new(vec![0; BATCH]),
            next: BATCH,
        }
    }

    fn next(&mut self) -> u64 {
        if self.next == BATCH {
            let drawn = self.masks.draw::<u64>(BATCH);
            self.masks.fill(drawn, 0, &mut self.batch);
            self.next = 0;
        }
        self.next += 1;
        self.batch[self.next - 1]
    }

    /// A uniform number below `bound`: the high half of a product, drawn again where the low half
    /// falls among those that occur once too often (Lemire, arXiv 1805.10941).
    fn below(&mut self, bound: u64) -> u64 {
        loop {
            let product = u128::from(self.next()) * u128::from(bound);
            let low = product as u64;
            if low >= bound || low >= bound.wrapping_neg() % bound {
                return (product >> 64) as u64;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAME: Name = Name {
        lacks: 0,
        stream: 1,
        len: 5,
    };

    fn order(stream: u32, len: usize) -> Vec<u128> {
        let name = Name {
            stream,
            len,
            ..NAME
        };
        let identity: Vec<u128> = (0..len as u128).collect();
        let x = Vector::from_numbers(Domain::R32, &identity);
        Permutation::draw(name, &[3; 32])
            .apply(&x, false)
            .to_numbers()
    }

    /// All 120 orders of five lanes are equally frequent: chi-square with 119 degrees of freedom is
    /// below what chance exceeds about once in three million times (Wilson and Hilferty).
    #[test]
    fn all_orders_are_equally_frequent() {
        let (runs, mut counts) = (60_000, std::collections::BTreeMap::new());
        for stream in 0..runs {
            *counts.entry(order(stream, 5)).or_insert(0u32) += 1;
        }
        assert_eq!(counts.len(), 120);
        let expected = f64::from(runs) / 120.0;
        let deviation = |n: &u32| (f64::from(*n) - expected).powi(2) / expected;
        let chi_square: f64 = counts.values().map(deviation).sum();
        let spread = 2.0 / (9.0 * 119.0);
        let bound = 119.0 * (1.0 - spread + 5.0 * f64::sqrt(spread)).powi(3);
        assert!(chi_square < bound, "{chi_square}");
    }

    #[test]
    fn streams_and_lengths_are_independent() {
        assert_eq!(order(1, 100), order(1, 100));
        assert_ne!(order(1, 100), order(2, 100));
        let prefix: Vec<u128> = order(1, 101).into_iter().filter(|i| *i < 100).collect();
        assert_ne!(order(1, 100), prefix);
    }

    #[test]
    fn what_is_put_back_is_what_it_was() {
        for len in [1, 2, 3, 64, 65, 1000] {
            let permutation = Permutation::draw(Name { len, ..NAME }, &[4; 32]);
            for domain in [Domain::Bits, Domain::R8, Domain::R128] {
                for planes in [1, 3] {
                    let numbers: Vec<u128> = (0..(planes * len) as u128)
                        .map(|i| (i * i + i / 7) & if domain == Domain::Bits { 1 } else { 0xff })
                        .collect();
                    let x = Vector::from_numbers(domain, &numbers);
                    let there = permutation.apply(&x, false);
                    assert_eq!(permutation.apply(&there, true).to_numbers(), numbers);
                }
            }
        }
    }

    /// Every plane is moved alike, whether planes are moved one by one or as words.
    #[test]
    fn planes_are_moved_alike() {
        for len in [1, 2, 63, 64, 65, 513, 1000] {
            let permutation = Permutation::draw(Name { len, ..NAME }, &[5; 32]);
            for planes in [2, 5, 6, 7, 63, 64, 65, 130] {
                let numbers: Vec<u128> = (0..(planes * len) as u128)
                    .map(|i| i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 61 & 1)
                    .collect();
                let moved = permutation.apply(&Vector::from_numbers(Domain::Bits, &numbers), false);
                for (plane, numbers) in numbers.chunks(len).enumerate() {
                    let alone = Vector::from_numbers(Domain::Bits, numbers);
                    let alone = permutation.apply(&alone, false).to_numbers();
                    let moved = moved.window(plane * len, len);
                    assert_eq!(moved.to_numbers(), alone, "{len} {planes} {plane}");
                }
            }
        }
    }

    #[test]
    fn places_that_are_no_permutation_stay_within_bounds() {
        for places in [vec![5, 5, 5], vec![u32::MAX; 3], vec![0, 0, 2]] {
            let order = order_of(places.into_iter(), 3);
            assert!(order.len() == 3 && order.iter().all(|lane| *lane < 3));
        }
        assert_eq!(order_of([2, 0, 1].into_iter(), 3), [1, 2, 0]);
    }
}
