//! Products by three parties, which nobody vouches for: one round, three elements. Only for random
//! values that are checked before they are used.
//!
//! Of the three live parties each has a next one. With i live, h the one after i, g the one before i,
//! and d absent, for z = x·y:
//!
//! - component d, which all three hold: x_d·y_d + Σ s_l over the live l, masks under the key of d;
//! - component g, which i and h hold: x_g·y_g + (x_d·y_g + x_g·y_d − s_g) + r_g + m_i, with
//!   m_i = x_g·y_h + x_h·y_g − r_h, which i knows and tells h; r_l are masks under the key of l.
//!
//! The masks s are not needed among the three, but the absent party gets components g later, and must
//! not learn x_d and y_d from them. All that i can do is to tell h another m_i: then z is wrong by a
//! number that i knows, and still a share.

use super::{Crossing, Pending, Place, shuffle::uniform};
use crate::{
    roles::Roles,
    vector::{Domain, Share, Vector},
};

/// Three live parties in a ring, as one of them sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ring {
    pub(crate) me: usize,
    pub(crate) next: usize,
    pub(crate) previous: usize,
    pub(crate) absent: usize,
}

impl Ring {
    /// Without `absent`, as `me` sees it: two different parties below 4.
    pub(crate) fn new(me: usize, absent: usize) -> Self {
        let after = |party: usize| {
            let next = (party + 1) % 4;
            if next == absent { (next + 1) % 4 } else { next }
        };
        Self {
            me,
            next: after(me),
            previous: after(after(me)),
            absent,
        }
    }

    /// The two live peers.
    pub(crate) const fn peers(&self) -> [usize; 2] {
        [self.next, self.previous]
    }

    /// The live parties, in the same order for all.
    pub(crate) fn live(&self) -> impl Iterator<Item = usize> + use<> {
        let absent = self.absent;
        (0..4).filter(move |party| *party != absent)
    }
}

impl Crossing {
    /// The party that takes no part, if there is one.
    pub(crate) const fn absent(&self) -> Option<usize> {
        self.parties.absent()
    }

    /// A share of x·y, which lacks at this party what `previous` tells it, for
    /// component `next`: it is to be added by [`take_product`].
    pub(crate) fn multiply_unvouched(&mut self, ring: Ring, x: &Share, y: &Share) -> Share {
        let (domain, lanes) = (x.domain(), x.lanes());
        let (h, g, d) = (ring.next, ring.previous, ring.absent);
        let mut z = Share::zero(domain, lanes);
        let product = |a: usize, b: usize| match (x.part(a), y.part(b)) {
            (Some(x), Some(y)) => x.times(y),
            _ => Vector::zero(domain, lanes),
        };
        let mut known = product(d, d);
        for l in ring.live() {
            let mask = self.masks_of(d, domain, lanes);
            known.add(&mask);
            if l != ring.me {
                let mut part = product(l, l);
                part.add(&product(d, l));
                part.add(&product(l, d));
                part.subtract(&mask);
                z.set(l, part);
            }
        }
        z.set(d, known);
        let mut told = product(g, h);
        told.add(&product(h, g));
        // Each key gives its masks in the same order to both of its holders.
        for l in [h, g] {
            let mask = self.masks_of(l, domain, lanes);
            z.part_mut(l).add(&mask);
            if l == h {
                told.subtract(&mask);
            }
        }
        z.part_mut(g).add(&told);
        told.write(self.outgoing.unvouched(h));
        self.outgoing.expect_unvouched(g, domain.wire_bytes(lanes));
        z
    }

    /// Tells a live peer what nobody vouches for.
    pub(crate) fn tell(&mut self, to: usize, bytes: &[u8]) {
        self.outgoing.unvouched(to).extend_from_slice(bytes);
    }

    /// Expects bytes for which nobody vouches.
    pub(crate) fn expect_told(&mut self, from: usize, bytes: usize) {
        self.outgoing.expect_unvouched(from, bytes);
    }

    /// Takes part in a message of public bytes that sender and backup know.
    pub(crate) fn repeat(&mut self, roles: Roles, bytes: &[u8], place: Place) {
        if roles.receiver == self.me {
            self.outgoing.expect(roles, bytes.len());
            self.pending.push(Pending {
                place,
                sender: roles.sender,
                backup: roles.backup,
                component: roles.outsider,
                domain: Domain::R8,
                lanes: bytes.len(),
            });
        } else if roles.outsider != self.me {
            self.outgoing.stream(roles).extend_from_slice(bytes);
        }
    }

    /// The next masks under the key of component `c`, which this party holds.
    fn masks_of(&mut self, c: usize, domain: Domain, lanes: usize) -> Vector {
        match &mut self.keys.masks[c] {
            Some(masks) => uniform(masks, domain, lanes, None),
            None => Vector::zero(domain, lanes), // Not reached: only c lacks the key.
        }
    }
}

/// Adds what the previous party told to a share of a product.
pub(crate) fn take_product(ring: Ring, product: &mut Share, told: &[u8]) {
    product.part_mut(ring.next).add_encoded(told);
}
