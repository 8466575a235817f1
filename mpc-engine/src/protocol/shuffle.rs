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
use crate::{
    prf::Masks,
    reserve::ComponentSeeds,
    vector::{Domain, Element, Share, Vector, with_element},
};

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
    /// Takes the permutations from the seeds of a random result, not from the session's keys.
    pub(crate) fn permute_by(&mut self, seeds: &ComponentSeeds) {
        self.keys.permutations = std::array::from_fn(|l| seeds.permutations(l));
    }

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
        let permutation = self.permutation_of(pass);
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

    /// The permutation of a pass, which this party knows.
    fn permutation_of(&mut self, pass: Pass) -> Permutation {
        let name = Name {
            lacks: pass.lacks,
            stream: pass.stream,
            len: pass.len,
        };
        match self.permutation.take() {
            Some(last) if last.name == name => last,
            _ => Permutation::draw(
                name,
                self.keys.permutations[pass.lacks]
                    .as_deref()
                    .unwrap_or(&[0; 32]),
            ),
        }
    }

    /// One pass by a permutation that all who take part know.
    pub(crate) fn rearranged(&mut self, x: &Share, pass: Pass) -> Share {
        let permutation = self.permutation_of(pass);
        let rearranged = x.map(x.domain(), x.lanes(), |part| {
            permutation.apply(part, pass.inverse)
        });
        self.permutation = Some(permutation);
        rearranged
    }

    /// How the switches stand of a network that makes a pass; nothing at the party that must not know.
    pub(crate) fn route(&mut self, pass: Pass) -> Option<Vector> {
        if pass.lacks == self.me {
            return None;
        }
        let permutation = self.permutation_of(pass);
        let route = permutation.route(pass.inverse);
        self.permutation = Some(permutation);
        Some(route)
    }

    /// A share of random elements under the keys of the session, so that another attempt draws
    /// others: see [`uniform`].
    pub(crate) fn random(&mut self, domain: Domain, lanes: usize, below: Option<u128>) -> Share {
        let mut share = Share::zero(domain, lanes);
        let masks = self.keys.masks.iter_mut().enumerate();
        for (c, masks) in masks.filter_map(|(c, masks)| Some((c, masks.as_mut()?))) {
            share.set(c, uniform(masks, domain, lanes, below));
        }
        share
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

/// One component of random elements: uniform, or uniform numbers below a bound. The sum of four of
/// these is uniform modulo the bound, and does not wrap in a ring of at least four times as many
/// elements.
pub(crate) fn uniform(
    masks: &mut Masks,
    domain: Domain,
    lanes: usize,
    below: Option<u128>,
) -> Vector {
    let Some(bound) = below else {
        return with_element!(domain, E => {
            let drawn = masks.draw::<E>(lanes);
            Vector::fill::<E>(lanes, |all| {
                masks.fill(drawn, 0, all);
                E::mask_tail(all, lanes);
            })
        });
    };
    let mut component = Vector::zero(domain, lanes);
    for start in (0..lanes).step_by(BATCH) {
        let count = BATCH.min(lanes - start);
        let numbers = Zeroizing::new(numbers_below(masks, count, bound));
        component.paste(start, &Vector::from_numbers(domain, &numbers), 0, count);
    }
    component
}

/// Uniform numbers below `bound`: as many bits as it takes, and once more where they are not below.
fn numbers_below(masks: &mut Masks, count: usize, bound: u128) -> Vec<u128> {
    let bits = 128 - bound.saturating_sub(1).leading_zeros();
    let mask = u128::MAX.checked_shr(128 - bits).unwrap_or(0);
    let mut numbers = Vec::with_capacity(count);
    while numbers.len() < count {
        // One in two is below at least.
        let drawn = uniform(masks, Domain::R128, count - numbers.len(), None);
        let fit = drawn.elements::<u128>().iter().map(|x| x & mask);
        numbers.extend(fit.filter(|x| *x < bound));
    }
    numbers
}
