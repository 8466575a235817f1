//! Sharing a value that two parties know: one round, one element.

use super::{Crossing, Place};
use crate::{
    roles,
    vector::{Domain, Element, Share, Vector, Word, kernels, with_element},
};

/// Lanes of bits in a cache line.
const LINE_LANES: usize = 512;

impl Crossing {
    /// Shares the sum of a half's components, `halves`, which the two parties outside the half
    /// know and the others do not. The receiver's component becomes a mask r, the outsider's
    /// value − r.
    pub(crate) fn input(
        &mut self,
        value: Option<&Vector>,
        half: [usize; 2],
        (domain, lanes): (Domain, usize),
        place: Place,
    ) -> Share {
        with_element!(domain, E => self.input_as::<E>(value, half, lanes, place))
    }

    fn input_as<E: Element>(
        &mut self,
        value: Option<&Vector>,
        half: [usize; 2],
        lanes: usize,
        place: Place,
    ) -> Share {
        let pair = roles::pair_of(half[0], half[1]);
        let roles = self.links.cross(pair, E::DOMAIN.wire_bytes(lanes));
        let mut share = Share::zero(E::DOMAIN, lanes);
        if roles.receiver == self.me {
            self.receive(roles, (E::DOMAIN, lanes), place);
            return share;
        }
        let drawn = self.draw::<E>(roles.receiver, lanes);
        let masks = Vector::fill::<E>(lanes, |masks| {
            self.fill(roles.receiver, drawn, 0, masks);
            E::mask_tail(masks, lanes);
        });
        if let Some(value) = value {
            let rest = value.minus(&masks);
            rest.write(self.outgoing.stream(roles));
            share.set(roles.outsider, rest);
        }
        share.set(roles.receiver, masks);
        share
    }

    /// Shares the products of all sets of bits but the empty one, that of the set u at place u − 1,
    /// at once. All parties give as many `bits`; the two that know them give their values.
    pub(crate) fn input_products(
        &mut self,
        bits: &[Option<&Vector>],
        half: [usize; 2],
        lanes: usize,
        place: impl Fn(usize) -> Place,
    ) -> Vec<Share> {
        let count = (1 << bits.len()) - 1;
        let bytes = count * Domain::Bits.wire_bytes(lanes);
        let roles = self.links.cross(roles::pair_of(half[0], half[1]), bytes);
        let zero = || Share::zero(Domain::Bits, lanes);
        let mut shares: Vec<Share> = std::iter::repeat_with(zero).take(count).collect();
        if roles.receiver == self.me {
            (0..count).for_each(|i| self.receive(roles, (Domain::Bits, lanes), place(i)));
            return shares;
        }
        // All in one piece of memory, each from a cache line on.
        let stride = lanes.max(1).next_multiple_of(LINE_LANES);
        let (words, used) = (Word::count(stride), Word::count(lanes));
        let drawn = self.draw::<Word>(roles.receiver, count * stride);
        let masks = Vector::fill::<Word>(count * stride, |masks| {
            self.fill(roles.receiver, drawn, 0, masks);
            for masks in masks.chunks_mut(words) {
                Word::mask_tail(&mut masks[..used], lanes);
            }
        });
        let at = |i: usize| i * stride;
        for (i, share) in shares.iter_mut().enumerate() {
            share.set(roles.receiver, masks.view(at(i), lanes));
        }
        let known: Option<Vec<&Vector>> = bits.iter().copied().collect();
        if let Some(known) = known {
            let rest = Vector::fill::<Word>(count * stride, |rest| {
                multiply_all(rest, words, &known);
                kernels::subtract_from(rest, masks.elements());
            });
            for (i, share) in shares.iter_mut().enumerate() {
                let rest = rest.view(at(i), lanes);
                rest.write(self.outgoing.stream(roles));
                share.set(roles.outsider, rest);
            }
        }
        shares
    }
}

/// Sets `products`, each of so many words, to those of all sets of bits but the empty one.
fn multiply_all(products: &mut [Word], words: usize, bits: &[&Vector]) {
    for (i, bit) in bits.iter().enumerate() {
        let bit = bit.elements::<Word>();
        let (below, from) = products.split_at_mut(((1 << i) - 1) * words);
        let (own, with) = from.split_at_mut(words.min(from.len()));
        own[..bit.len()].copy_from_slice(bit);
        for (with, below) in with.chunks_mut(words).zip(below.chunks(words)) {
            kernels::multiply(&mut with[..bit.len()], &below[..bit.len()], bit);
        }
    }
}
