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
const BLOCK_BYTES: usize = 4096;

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

/// The components of a factor; of those that are absent, no elements.
type Parts<'a, E> = [&'a [E]; 4];

fn parts<E: Element>(share: &Share) -> Parts<'_, E> {
    std::array::from_fn(|c| share.part(c).map_or(&[][..], Vector::elements))
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
        let terms: Vec<[Parts<'_, E>; 2]> =
            terms.iter().map(|(x, y)| [parts(x), parts(y)]).collect();
        let crosses = self.crosses::<E>(lanes, pairs, place);
        let crosses = crosses.iter().flatten();
        let is_there = |c: usize| {
            let touched = |x: &Cross| x.roles.receiver == c || x.known && x.roles.outsider == c;
            let own = |[x, y]: &[Parts<'_, E>; 2]| !x[c].is_empty() && !y[c].is_empty();
            c != me && (terms.iter().any(own) || crosses.clone().any(touched))
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
                    add_up(&mut sum[start..end], &terms, &[(c, c)], start);
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
                let [a, b] = cross.components;
                add_up(value, &terms, &[(a, b), (b, a)], start);
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
        let (x, y) = (parts::<E>(x), parts::<E>(y));
        let mut z = Share::zero(E::DOMAIN, rows);
        for c in (0..4).filter(|c| *c != self.me) {
            z.set(c, add_up_rows(&[(x[c], y[c])], rows));
        }
        for cross in self.crosses::<E>(rows, pairs, place).iter().flatten() {
            let masks = Vector::fill::<E>(rows, |masks| {
                self.fill(cross.roles.receiver, cross.masks, 0, masks);
            });
            z.part_mut(cross.roles.receiver).add(&masks);
            if cross.known {
                let [a, b] = cross.components;
                let mut value = add_up_rows(&[(x[a], y[b]), (x[b], y[a])], rows);
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

/// Sets `sum` to the sum of products of components, all over the terms: the block from `start` on.
fn add_up<E: Element>(
    sum: &mut [E],
    terms: &[[Parts<'_, E>; 2]],
    components: &[(usize, usize)],
    start: usize,
) {
    let block = start..start + sum.len();
    let mut is_set = false;
    let mut waiting: Option<(&[E], &[E])> = None;
    for [x, y] in terms {
        for (a, b) in components {
            let (Some(x), Some(y)) = (x[*a].get(block.clone()), y[*b].get(block.clone())) else {
                continue; // One of them is absent.
            };
            match waiting.take() {
                None => waiting = Some((x, y)),
                Some((p, q)) if is_set => kernels::multiply_add_two(sum, p, q, x, y),
                Some((p, q)) => {
                    kernels::multiply_two(sum, p, q, x, y);
                    is_set = true;
                }
            }
        }
    }
    match waiting {
        Some((x, y)) if is_set => kernels::multiply_add(sum, x, y),
        Some((x, y)) => kernels::multiply(sum, x, y),
        None if is_set => {}
        None => sum.fill(E::default()),
    }
}

/// The sum of products over each of so many rows of equal length.
fn add_up_rows<E: Element>(products: &[(&[E], &[E])], rows: usize) -> Vector {
    Vector::fill::<E>(rows, |sums| {
        sums.fill(E::default());
        for (x, y) in products {
            let row = x.len().min(y.len()) / rows.max(1);
            for (r, sum) in sums.iter_mut().enumerate() {
                let row = r * row..(r + 1) * row;
                *sum = sum.add(kernels::dot(&x[row.clone()], &y[row]));
            }
        }
    })
}
