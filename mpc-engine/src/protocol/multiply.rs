//! Products and sums of products: one round, at most six elements, however many terms.
//!
//! For each pair of components {a, b}, v = Σ x_a·y_b + x_b·y_a is known to the two parties that
//! hold both. It is shared among components a and b: one of them, the receiver's, becomes a mask r
//! that all but the receiver hold, the other becomes v − r, which the sender tells the receiver.

use super::{Crossing, Pending, Place};
use crate::{
    roles::{self, PAIRS},
    vector::{Domain, Element, Share, erase, with_element},
};

impl Crossing {
    /// Σ xᵢ·yᵢ lane by lane. `pairs` are the pairs of components between which products do not
    /// vanish. What is still to come is noted for `place`.
    pub(crate) fn dot(
        &mut self,
        terms: &[(&Share, &Share)],
        (domain, lanes): (Domain, usize),
        pairs: u8,
        place: Place,
    ) -> Share {
        with_element!(domain, E => self.product::<E>(lanes, pairs, place, |a, b, sum| {
            for (x, y) in terms {
                if let (Some(x), Some(y)) = (x.part(a), y.part(b)) {
                    multiply_add(sum, E::slice(x), E::slice(y));
                }
            }
        }))
    }

    /// Σ x·y over each of so many rows of equal length. Not for bits.
    pub(crate) fn dot_rows(
        &mut self,
        (x, y): (&Share, &Share),
        rows: usize,
        pairs: u8,
        place: Place,
    ) -> Share {
        let row = x.lanes() / rows.max(1);
        with_element!(x.domain(), E => self.product::<E>(rows, pairs, place, |a, b, sums| {
            if let (Some(x), Some(y)) = (x.part(a), y.part(b)) {
                for (r, sum) in sums.iter_mut().enumerate() {
                    let row = r * row..(r + 1) * row;
                    let factors = E::slice(x)[row.clone()].iter().zip(&E::slice(y)[row]);
                    *sum = factors.map(|(x, y)| x.mul(*y)).fold(*sum, E::add);
                }
            }
        }))
    }

    /// `accumulate(a, b, sum)` adds the products of component a of the left and b of the right.
    fn product<E: Element>(
        &mut self,
        lanes: usize,
        pairs: u8,
        place: Place,
        accumulate: impl Fn(usize, usize, &mut [E]),
    ) -> Share {
        let me = self.me;
        let mut z = Share::zero(E::DOMAIN, lanes);
        for c in (0..4).filter(|c| *c != me) {
            accumulate(c, c, E::slice_mut(z.part_mut(c)));
        }
        let mut w = vec![E::default(); E::count(lanes)];
        for (pair, ([a, b], _)) in PAIRS.iter().enumerate() {
            if pairs >> pair & 1 == 0 {
                continue;
            }
            let roles = roles::rotate(pair, self.counter);
            if roles.receiver == me {
                self.receive(roles, (E::DOMAIN, lanes), place);
                continue;
            }
            let mut masks = self.draw::<E>(roles.receiver, lanes);
            add_all(E::slice_mut(z.part_mut(roles.receiver)), &masks);
            if roles.outsider != me {
                w.fill(E::default());
                accumulate(*a, *b, &mut w);
                accumulate(*b, *a, &mut w);
                for (w, r) in w.iter_mut().zip(masks.iter()) {
                    *w = w.sub(*r);
                }
                add_all(E::slice_mut(z.part_mut(roles.outsider)), &w);
                self.put(roles, &w, lanes);
            }
            erase(&mut masks);
        }
        erase(&mut w);
        if pairs != 0 {
            self.counter += 1;
        }
        z
    }

    /// Notes that the receiver, this party, gets an element for the outsider's component.
    pub(super) fn receive(
        &mut self,
        roles: roles::Roles,
        (domain, lanes): (Domain, usize),
        place: Place,
    ) {
        self.outgoing.expect(roles, domain.wire_bytes(lanes));
        self.pending.push(Pending {
            place,
            sender: roles.sender,
            backup: roles.backup,
            component: roles.outsider,
            domain,
            lanes,
        });
    }

    /// Writes a value as its sender or its backup.
    pub(super) fn put<E: Element>(&mut self, roles: roles::Roles, value: &[E], lanes: usize) {
        let stream = self.outgoing.stream(roles);
        let start = stream.len();
        stream.resize(start + E::DOMAIN.wire_bytes(lanes), 0);
        E::store(value, &mut stream[start..]);
    }
}

fn multiply_add<E: Element>(sum: &mut [E], x: &[E], y: &[E]) {
    for (sum, (x, y)) in sum.iter_mut().zip(x.iter().zip(y)) {
        *sum = sum.add(x.mul(*y));
    }
}

fn add_all<E: Element>(sum: &mut [E], x: &[E]) {
    for (sum, x) in sum.iter_mut().zip(x) {
        *sum = sum.add(*x);
    }
}
