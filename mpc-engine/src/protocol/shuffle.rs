//! Shuffling: four rounds, twelve elements.
//!
//! Pass l permutes by a permutation π that all but party l know, drawn under the key that l lacks.
//! The others permute the components that they hold. Component c ≠ l becomes y_c = π(x_c) + m_c for
//! a mask m_c under the same key, and y_l = π(x_l) − Σ m_c. What party l lacks are y_c for the three
//! c ≠ l; each is known to the two parties other than l and c, of which one sends it and the other
//! vouches for it. After four passes, one for each l, nobody knows the order: every party lacks one
//! of the four permutations.
//!
//! Nobody learns anything: party l sees three vectors under masks that it lacks. Party c ≠ l knows
//! m_c, but not x_c, and is sent nothing. Putting back takes the passes in reverse.

use zeroize::Zeroizing;

use super::{
    Crossing, Place,
    permutation::{Name, Permutation},
};
use crate::vector::{Domain, Element, Share, Vector, with_element};

/// Random numbers below a bound that are drawn at once.
const BATCH: usize = 512;

/// Which permutation a pass applies. Lanes are planes of `len` lanes, permuted alike.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pass {
    /// The party that does not know it.
    pub(crate) lacks: usize,
    /// Shuffles with the same number and the same length have the same permutation.
    pub(crate) stream: u32,
    pub(crate) len: usize,
    /// Whether lanes are put back.
    pub(crate) inverse: bool,
}

impl Crossing {
    /// One pass of a shuffle. What is still to come at the party that lacks the permutation is
    /// noted for `place`.
    pub(crate) fn pass(&mut self, x: &Share, pass: Pass, place: Place) -> Share {
        with_element!(x.domain(), E => self.pass_as::<E>(x, pass, place))
    }

    fn pass_as<E: Element>(&mut self, x: &Share, pass: Pass, place: Place) -> Share {
        let (me, l, lanes) = (self.me, pass.lacks, x.lanes());
        let bytes = E::DOMAIN.wire_bytes(lanes);
        let roles = [0, 1, 2].map(|turn| self.links.pass(l, turn, bytes));
        let mut y = Share::zero(E::DOMAIN, lanes);
        if me == l {
            for roles in roles {
                self.receive(roles, (E::DOMAIN, lanes), place);
            }
            return y;
        }
        let name = Name {
            lacks: l,
            stream: pass.stream,
            len: pass.len,
        };
        let permutation = match self.permutation.take() {
            Some(last) if last.name == name => last,
            _ => Permutation::draw(
                name,
                self.keys.permutations[l].as_deref().unwrap_or(&[0; 32]),
            ),
        };
        let permuted = |c: usize| match x.part(c) {
            Some(part) => permutation.apply(part, pass.inverse),
            None => Vector::zero(E::DOMAIN, lanes),
        };
        let mut rest = permuted(l);
        for roles in roles {
            let c = roles.outsider;
            let mask = self.mask::<E>(l, lanes);
            rest.subtract(&mask);
            if c != me {
                let component = permuted(c).plus(&mask);
                component.write(self.outgoing.stream(roles));
                y.set(c, component);
            }
        }
        y.set(l, rest);
        self.permutation = Some(permutation);
        y
    }

    /// A share of uniformly random elements: each component is drawn by those who hold it, under a
    /// key of the session, so another attempt draws others.
    pub(crate) fn random(&mut self, domain: Domain, lanes: usize) -> Share {
        let mut share = Share::zero(domain, lanes);
        let me = self.me;
        for c in (0..4).filter(|c| *c != me) {
            share.set(c, with_element!(domain, E => self.mask::<E>(c, lanes)));
        }
        share
    }

    /// A share of uniformly random numbers below `bound`, as the sum of the components modulo
    /// `bound`; each component is below `bound` itself, so that the sum does not wrap in a ring of
    /// at least 4·`bound` elements.
    pub(crate) fn random_below(&mut self, domain: Domain, lanes: usize, bound: u128) -> Share {
        let mut share = Share::zero(domain, lanes);
        let me = self.me;
        for c in (0..4).filter(|c| *c != me) {
            let mut component = Vector::zero(domain, lanes);
            for start in (0..lanes).step_by(BATCH) {
                let count = BATCH.min(lanes - start);
                let numbers = Zeroizing::new(self.numbers_below(c, count, bound));
                component.paste(start, &Vector::from_numbers(domain, &numbers), 0, count);
            }
            share.set(c, component);
        }
        share
    }

    /// Uniform numbers below `bound`, under the key that all but `l` hold: as many bits as it takes,
    /// and once more where they are not below.
    fn numbers_below(&mut self, l: usize, count: usize, bound: u128) -> Vec<u128> {
        let bits = 128 - bound.saturating_sub(1).leading_zeros();
        let mask = u128::MAX.checked_shr(128 - bits).unwrap_or(0);
        let mut numbers = Vec::with_capacity(count);
        while numbers.len() < count {
            // One in two is below at least.
            let drawn = self.mask::<u128>(l, count - numbers.len());
            let fit = drawn.elements::<u128>().iter().map(|x| x & mask);
            numbers.extend(fit.filter(|x| *x < bound));
            if self.keys.masks[l].is_none() {
                numbers.resize(count, 0); // Not reached: only l lacks the key.
            }
        }
        numbers
    }

    /// The next masks under the key that all but `l` hold, computed.
    fn mask<E: Element>(&mut self, l: usize, lanes: usize) -> Vector {
        let drawn = self.draw::<E>(l, lanes);
        Vector::fill::<E>(lanes, |masks| {
            self.fill(l, drawn, 0, masks);
            E::mask_tail(masks, lanes);
        })
    }
}
