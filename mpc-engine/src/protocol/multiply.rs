//! Products and sums of products: one round, at most six elements, however many terms.
//!
//! For each pair of components {a, b}, v = Σ x_a·y_b + x_b·y_a is known to the two parties that
//! hold both. It is shared among components a and b: one of them, the receiver's, becomes a mask r
//! that all but the receiver hold, the other becomes v − r, which the sender tells the receiver.
//!
//! A product goes through its operands once, in blocks that stay in the nearest cache: sums, masks
//! and what is sent are made there.

use super::{Crossing, Pending, Place};
use crate::{
    prf::Drawn,
    roles::{PAIRS, Roles},
    vector::{Domain, Element, Share, Vector, append, kernels, with_element},
};

/// Bytes of one vector in a block.
const BLOCK_BYTES: usize = 2048;

/// The part of a product that crosses between two components.
#[derive(Clone, Copy)]
struct Cross {
    components: [usize; 2],
    roles: Roles,
    /// The masks of the receiver's component.
    masks: Drawn,
    /// Whether this party knows the value: it is sender or backup.
    known: bool,
}

impl Cross {
    /// The products whose sum crosses.
    fn products<'a, E: Element>(
        &self,
        terms: &[(&'a Share, &'a Share)],
    ) -> impl Iterator<Item = (&'a [E], &'a [E])> {
        let [a, b] = self.components;
        products(terms, a, b).chain(products(terms, b, a))
    }
}

/// Products of component a of the left and b of the right.
fn products<'a, E: Element>(
    terms: &[(&'a Share, &'a Share)],
    a: usize,
    b: usize,
) -> impl Iterator<Item = (&'a [E], &'a [E])> {
    let both = move |(x, y): &(&'a Share, &'a Share)| Some((x.part(a)?, y.part(b)?));
    let factors = terms.iter().filter_map(both);
    factors.map(|(x, y)| (x.elements(), y.elements()))
}

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
        with_element!(domain, E => self.dot_as::<E>(terms, lanes, pairs, place))
    }

    fn dot_as<E: Element>(
        &mut self,
        terms: &[(&Share, &Share)],
        lanes: usize,
        pairs: u8,
        place: Place,
    ) -> Share {
        let me = self.me;
        let crosses = self.crosses::<E>(lanes, pairs, place);
        let crosses = crosses.iter().flatten();
        let is_there = |c: usize| {
            let touched = |x: &Cross| x.roles.receiver == c || x.known && x.roles.outsider == c;
            let own = || products::<E>(terms, c, c).next().is_some();
            c != me && (own() || crosses.clone().any(touched))
        };
        let mut z: [Option<Vector>; 4] =
            std::array::from_fn(|c| is_there(c).then(|| Vector::unset(E::DOMAIN, lanes)));
        let mut sums = z
            .each_mut()
            .map(|part| part.as_mut().map_or(&mut [][..], Vector::elements_mut::<E>));

        let count = E::count(lanes);
        let step = BLOCK_BYTES / size_of::<E>();
        let mut room = Vector::unset(E::DOMAIN, 2 * BLOCK_BYTES * 8 / E::DOMAIN.bits() as usize);
        let (masks, value) = room.elements_mut::<E>().split_at_mut(step);
        for start in (0..count).step_by(step) {
            let end = count.min(start + step);
            let (masks, value) = (&mut masks[..end - start], &mut value[..end - start]);
            for (c, sum) in sums.iter_mut().enumerate() {
                if !sum.is_empty() {
                    add_up(&mut sum[start..end], products(terms, c, c), start);
                }
            }
            for cross in crosses.clone() {
                let Roles {
                    receiver: h,
                    outsider: g,
                    ..
                } = cross.roles;
                self.fill(h, cross.masks, start, masks);
                if end == count {
                    E::mask_tail(masks, lanes);
                }
                if !cross.known {
                    kernels::add_to(&mut sums[h][start..end], masks);
                    continue;
                }
                add_up(value, cross.products(terms), start);
                if let Ok([h, g]) = sums.get_disjoint_mut([h, g]) {
                    kernels::split_off(value, masks, &mut h[start..end], &mut g[start..end]);
                }
                let bytes = E::DOMAIN.wire_bytes(lanes) - start * size_of::<E>();
                let bytes = bytes.min(size_of_val(&*value));
                append(value, bytes, self.outgoing.stream(cross.roles));
            }
        }
        Share::of(E::DOMAIN, lanes, z)
    }

    /// Σ x·y over each of so many rows of equal length. Not for bits.
    pub(crate) fn dot_rows(
        &mut self,
        (x, y): (&Share, &Share),
        rows: usize,
        pairs: u8,
        place: Place,
    ) -> Share {
        with_element!(x.domain(), E => self.dot_rows_as::<E>((x, y), rows, pairs, place))
    }

    fn dot_rows_as<E: Element>(
        &mut self,
        (x, y): (&Share, &Share),
        rows: usize,
        pairs: u8,
        place: Place,
    ) -> Share {
        let terms = [(x, y)];
        let mut z = Share::zero(E::DOMAIN, rows);
        for c in (0..4).filter(|c| *c != self.me) {
            z.set(c, add_up_rows::<E>(products(&terms, c, c), rows));
        }
        for cross in self.crosses::<E>(rows, pairs, place).iter().flatten() {
            let masks = Vector::fill::<E>(rows, |masks| {
                self.fill(cross.roles.receiver, cross.masks, 0, masks);
            });
            z.part_mut(cross.roles.receiver).add(&masks);
            if cross.known {
                let mut value = add_up_rows::<E>(cross.products(&terms), rows);
                value.subtract(&masks);
                z.part_mut(cross.roles.outsider).add(&value);
                value.write(self.outgoing.stream(cross.roles));
            }
        }
        z
    }

    /// What crosses in a product, as far as this party has to do with it before the round ends:
    /// masks are drawn; what it will receive is noted.
    fn crosses<E: Element>(
        &mut self,
        lanes: usize,
        pairs: u8,
        place: Place,
    ) -> [Option<Cross>; PAIRS.len()] {
        let mut crosses = [None; PAIRS.len()];
        for (pair, (components, _)) in PAIRS.iter().enumerate() {
            if pairs >> pair & 1 == 0 {
                continue;
            }
            let roles = self.links.cross(pair, E::DOMAIN.wire_bytes(lanes));
            if roles.receiver == self.me {
                self.receive(roles, (E::DOMAIN, lanes), place);
                continue;
            }
            crosses[pair] = Some(Cross {
                components: *components,
                roles,
                masks: self.draw::<E>(roles.receiver, lanes),
                known: roles.outsider != self.me,
            });
        }
        crosses
    }

    /// Notes that the receiver, this party, gets an element for the outsider's component.
    pub(super) fn receive(&mut self, roles: Roles, (domain, lanes): (Domain, usize), place: Place) {
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
}

/// Sets `sum` to the sum of products, of which it is the block from `start` on.
fn add_up<'a, E: Element>(
    sum: &mut [E],
    products: impl Iterator<Item = (&'a [E], &'a [E])>,
    start: usize,
) {
    let block = start..start + sum.len();
    let mut rest = products.map(|(x, y)| (&x[block.clone()], &y[block.clone()]));
    match (rest.next(), rest.next()) {
        (None, _) => sum.fill(E::default()),
        (Some((x, y)), None) => kernels::multiply(sum, x, y),
        (Some((p, q)), Some((x, y))) => kernels::multiply_two(sum, p, q, x, y),
    }
    while let Some((p, q)) = rest.next() {
        match rest.next() {
            None => kernels::multiply_add(sum, p, q),
            Some((x, y)) => kernels::multiply_add_two(sum, p, q, x, y),
        }
    }
}

/// The sum of products over each of so many rows of equal length.
fn add_up_rows<'a, E: Element>(
    products: impl Iterator<Item = (&'a [E], &'a [E])>,
    rows: usize,
) -> Vector {
    Vector::fill::<E>(rows, |sums| {
        sums.fill(E::default());
        for (x, y) in products {
            let row = x.len() / rows.max(1);
            for (r, sum) in sums.iter_mut().enumerate() {
                let row = r * row..(r + 1) * row;
                *sum = sum.add(kernels::dot(&x[row.clone()], &y[row]));
            }
        }
    })
}
