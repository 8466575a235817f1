//! Permutations by switches, for parties that must not see them.
//!
//! A Beneš network of any length n (B. Beauquier and É. Darrot, On arbitrary size Waksman networks and
//! their vulnerability, 2002), in place: with L = ⌈log₂ n⌉ it has 2L − 1 layers, of depths
//! 0, 1, …, L − 1, …, 1, 0. In a layer of depth d lanes i and i + 2^d meet, for all i whose bit d is not
//! set, and are exchanged or not. The two parts of a network of one depth, which go on by themselves
//! at the next, are so its even and its odd lanes; where their number is odd, the last goes through
//! the even part.
//!
//! What is public are the length and the layers. How the switches stand is found by those who know the
//! permutation, each for himself, by following its cycles; they so read memory in its order.

use zeroize::Zeroizing;

use crate::vector::{Domain, Element, Vector, Word, with_element};

/// Layers of a network on so many lanes.
pub(crate) const fn layers(len: usize) -> u32 {
    if len < 2 {
        return 0;
    }
    2 * (usize::BITS - (len - 1).leading_zeros()) - 1
}

/// The depth of a layer.
pub(crate) const fn depth(layer: u32, layers: u32) -> u32 {
    if layer < layers.div_ceil(2) {
        layer
    } else {
        layers - 1 - layer
    }
}

/// Switches of a layer of this depth.
pub(crate) const fn switches(len: usize, depth: u32) -> usize {
    let step = 1 << depth;
    let rest = len % (2 * step);
    len / (2 * step) * step + rest.saturating_sub(step)
}

/// Switches of all layers.
pub(crate) const fn all_switches(len: usize) -> usize {
    first_switch(len, layers(len))
}

/// The number of the first switch of a layer, in the order of the layers.
const fn first_switch(len: usize, layer: u32) -> usize {
    let all = layers(len);
    let (mut before, mut sum) = (0, 0);
    while before < layer {
        sum += switches(len, depth(before, all));
        before += 1;
    }
    sum
}

/// The lanes that meet in a layer of this depth, in the order of its switches.
fn pairs(len: usize, depth: u32) -> impl Iterator<Item = (usize, usize)> {
    let step = 1 << depth;
    let firsts = (0..len).step_by(2 * step);
    let firsts = firsts.flat_map(move |block| block..block + step);
    firsts
        .map(move |first| (first, first + step))
        .take_while(move |(_, second)| *second < len)
}

/// How the switches stand that bring lane `order[i]` to place i: one bit each, layer by layer.
pub(super) fn route(order: &[u32]) -> Vector {
    let len = order.len();
    let layers = layers(len);
    let mut bits = Vector::zero(Domain::Bits, all_switches(len));
    let words = bits.elements_mut::<Word>();
    let mut set = |layer: u32, lane: usize, crossed: usize| {
        let depth = depth(layer, layers);
        let number = lane >> (depth + 1) << depth | lane & ((1 << depth) - 1);
        let at = first_switch(len, layer) + number;
        words[at / 64].0 |= (crossed as u64) << (at % 64);
    };
    let mut parts = Zeroizing::new(order.to_vec());
    for depth in 0..layers.div_ceil(2) {
        let is_middle = depth == layers / 2;
        let mut next = Zeroizing::new(vec![0; len]);
        for offset in 0..(1 << depth).min(len) {
            let part = Part {
                offset,
                depth,
                len: (len - offset).div_ceil(1 << depth),
            };
            if is_middle {
                if part.len == 2 {
                    set(depth, offset, parts[offset] as usize);
                }
                continue;
            }
            part.divide(&parts, &mut next, |layer, lane, crossed| {
                let layer = if layer == 0 {
                    depth
                } else {
                    layers - 1 - depth
                };
                set(layer, lane, crossed);
            });
        }
        parts = next;
    }
    bits
}

/// One of the networks of a depth: lanes `offset`, `offset + 2^depth` and so on.
#[derive(Clone, Copy)]
struct Part {
    offset: usize,
    depth: u32,
    len: usize,
}

impl Part {
    /// The lane of the whole network that is lane i of this one.
    const fn lane(self, i: usize) -> usize {
        self.offset + (i << self.depth)
    }

    /// Divides this network's permutation among the two of the next depth; `set` is told of its first
    /// (0) and last (1) layer which switches, by their first lanes, are crossed.
    fn divide(self, order: &[u32], next: &mut [u32], mut set: impl FnMut(u32, usize, usize)) {
        const UNSET: u32 = u32::MAX;
        let len = self.len;
        // Where each lane goes; erased once it is followed.
        let mut places = Zeroizing::new(vec![0; len]);
        for place in 0..len {
            places[order[self.lane(place)] as usize] = place as u32;
        }
        // Lane i comes out at `place` by way of this half: even lanes are 0, odd lanes 1.
        let mut through = |place: usize, lane: usize, half: usize| {
            next[self.lane(2 * (place / 2) + half)] = (lane / 2) as u32;
            if lane ^ 1 < len {
                set(0, self.lane(lane & !1), lane & 1 ^ half);
            }
            if place ^ 1 < len {
                set(1, self.lane(place & !1), place & 1 ^ half);
            }
        };
        // The last place first: if it is alone, it is in the even half.
        for start in (0..len).step_by(2).rev() {
            let mut place = start;
            loop {
                let lane = order[self.lane(place)] as usize;
                if std::mem::replace(&mut places[lane], UNSET) == UNSET {
                    break;
                }
                through(place, lane, 0);
                let partner = lane ^ 1;
                if partner >= len {
                    break;
                }
                let other = std::mem::replace(&mut places[partner], UNSET) as usize;
                through(other, partner, 1);
                place = other ^ 1;
                if place >= len {
                    break;
                }
            }
        }
    }
}

/// How the switches of a layer stand, out of those of all, as elements 0 or 1 of a domain, once for each
/// of so many planes.
pub(crate) fn switches_of(
    all: &Vector,
    (len, planes): (usize, usize),
    layer: u32,
    domain: Domain,
) -> Vector {
    let count = switches(len, depth(layer, layers(len)));
    let one = all.window(first_switch(len, layer), count).resize(domain);
    let mut spread = Vector::zero(domain, planes * count);
    for plane in 0..planes {
        spread.paste(plane * count, &one, 0, count);
    }
    spread
}

/// The first less the second of the lanes that meet in a layer of this depth, plane by plane.
pub(crate) fn differences(x: &Vector, len: usize, depth: u32) -> Vector {
    let planes = x.lanes() / len.max(1);
    let count = switches(len, depth);
    if x.domain() == Domain::Bits {
        let own = x.elements::<Word>();
        let bit = |i: usize| own[i / 64].0 >> (i % 64) & 1;
        return Vector::fill::<Word>(planes * count, |words| {
            words.fill(Word::default());
            for plane in 0..planes {
                let start = plane * len;
                for (number, (a, b)) in (plane * count..).zip(pairs(len, depth)) {
                    words[number / 64].0 |= (bit(start + a) ^ bit(start + b)) << (number % 64);
                }
            }
        });
    }
    with_element!(x.domain(), E => Vector::fill::<E>(planes * count, |differences| {
        let x = x.elements::<E>();
        for plane in 0..planes {
            let x = &x[plane * len..(plane + 1) * len];
            let differences = &mut differences[plane * count..(plane + 1) * count];
            for (difference, (a, b)) in differences.iter_mut().zip(pairs(len, depth)) {
                *difference = x[a].sub(x[b]);
            }
        }
    }))
}

/// Takes `by` from the first and adds it to the second of the lanes that meet in a layer of this depth,
/// plane by plane.
pub(crate) fn exchange(x: &mut Vector, by: &Vector, len: usize, depth: u32) {
    let planes = x.lanes() / len.max(1);
    let count = switches(len, depth);
    if x.domain() == Domain::Bits {
        let by = by.elements::<Word>();
        let own = x.elements_mut::<Word>();
        for plane in 0..planes {
            let start = plane * len;
            for (number, (a, b)) in (plane * count..).zip(pairs(len, depth)) {
                let bit = by[number / 64].0 >> (number % 64) & 1;
                for lane in [start + a, start + b] {
                    own[lane / 64].0 ^= bit << (lane % 64);
                }
            }
        }
        return;
    }
    with_element!(x.domain(), E => {
        let by = by.elements::<E>();
        let x = x.elements_mut::<E>();
        for plane in 0..planes {
            let x = &mut x[plane * len..(plane + 1) * len];
            let by = &by[plane * count..(plane + 1) * count];
            for (by, (a, b)) in by.iter().zip(pairs(len, depth)) {
                x[a] = x[a].sub(*by);
                x[b] = x[b].add(*by);
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A permutation of so many places that follows from `seed`.
    fn order(len: usize, seed: u64) -> Vec<u32> {
        let mut state = seed;
        let mut next = |bound: usize| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize % bound
        };
        let mut order: Vec<u32> = (0..len as u32).collect();
        for i in (1..len).rev() {
            order.swap(i, next(i + 1));
        }
        order
    }

    /// Runs the network in clear.
    fn run(order: &[u32], domain: Domain, planes: usize) {
        let len = order.len();
        let numbers: Vec<u128> = (0..planes * len)
            .map(|i| {
                ((i as u128 * 0x9e37_79b9) >> 7) & if domain == Domain::Bits { 1 } else { 0xff }
            })
            .collect();
        let mut x = Vector::from_numbers(domain, &numbers);
        let all = route(order);
        let layers = layers(len);
        for layer in 0..layers {
            let depth = depth(layer, layers);
            let mut by = differences(&x, len, depth);
            by.multiply(&switches_of(&all, (len, planes), layer, domain));
            exchange(&mut x, &by, len, depth);
        }
        let expected: Vec<u128> = (0..planes)
            .flat_map(|plane| order.iter().map(move |i| (plane, *i)))
            .map(|(plane, i)| numbers[plane * len + i as usize])
            .collect();
        assert_eq!(x.to_numbers(), expected, "{order:?}");
    }

    #[test]
    fn makes_every_order_of_few() {
        for len in 1..6usize {
            let count: usize = (1..=len).product();
            for number in 0..count {
                let (mut left, mut rest) = (number, (0..len as u32).collect::<Vec<u32>>());
                let mut order = Vec::new();
                for i in (1..=len).rev() {
                    order.push(rest.remove(left % i));
                    left /= i;
                }
                run(&order, Domain::R8, 1);
            }
        }
    }

    #[test]
    fn makes_orders_of_any_length() {
        for len in [2, 3, 7, 25, 31, 32, 33, 63, 64, 65, 100, 1000] {
            for seed in 0..3 {
                run(&order(len, seed), Domain::R16, 1);
                run(&order(len, seed), Domain::Bits, 3);
                run(&order(len, seed), Domain::R128, 2);
            }
        }
    }

    #[test]
    fn takes_as_many_switches_as_said() {
        for len in 0..200 {
            let layers = layers(len);
            let each = (0..layers).map(|layer| pairs(len, depth(layer, layers)).count());
            assert_eq!(each.sum::<usize>(), all_switches(len), "{len}");
        }
        assert_eq!((layers(2), layers(3), layers(4), layers(5)), (1, 3, 3, 5));
        assert_eq!(
            (all_switches(2), all_switches(4), all_switches(8)),
            (1, 6, 20)
        );
    }
}
