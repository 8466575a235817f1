//! Products from the reserve, with three parties.
//!
//! For x·y and a triple (a, b, c = a·b), d = x − a and e = y − b are opened to the three: each lacks
//! one component, which one of the two others sends and the other vouches for. That is all that crosses.
//! What is opened is uniformly random to everybody, for nobody knows a or b.

use super::{Crossing, Pending, Place};
use crate::{
    EngineError,
    reserve::Reserve,
    vector::{Element, Share, Vector, kernels, with_element},
};

impl Crossing {
    /// Opens both factors of each term under those of a triple; x₀ − a₀, y₀ − b₀, x₁ − a₁ and so on,
    /// of which what is still to come is noted for `place` of their numbers; then Σ c, over each of so
    /// many rows if there are any.
    ///
    /// # Errors
    /// [`EngineError::Defect`].
    pub(crate) fn mask_factors(
        &mut self,
        terms: &[(&Share, &Share)],
        reserve: &mut Reserve,
        rows: Option<usize>,
        place: impl Fn(usize) -> Place,
    ) -> Result<Vec<Share>, EngineError> {
        let (domain, lanes) = terms
            .first()
            .map(|(x, _)| (x.domain(), x.lanes()))
            .ok_or(EngineError::Defect("a product has no terms"))?;
        let me = self.me;
        let taken = reserve.take(domain, terms.len() * lanes)?;
        let bytes = 2 * terms.len() * domain.wire_bytes(lanes);
        let mut roles = [None; 4];
        for receiver in self.parties.live() {
            roles[receiver] = Some(self.links.open(receiver, bytes));
        }
        let mut results = Vec::with_capacity(2 * terms.len() + 1);
        let mut products = Share::zero(domain, rows.unwrap_or(lanes));
        for (i, (x, y)) in terms.iter().enumerate() {
            for (abc, factor) in [x, y].into_iter().enumerate() {
                let number = 2 * i + abc;
                let mut sum = Vector::zero(domain, lanes);
                for (c, roles) in roles.iter().enumerate() {
                    if c == me {
                        continue;
                    }
                    let mut part = reserve.part(taken, abc, c, i * lanes, lanes);
                    part = match factor.part(c) {
                        Some(factor) => factor.minus(&part),
                        None => part.affine(u128::MAX, 0),
                    };
                    sum.add(&part);
                    if let Some(roles) = roles {
                        part.write(self.outgoing.stream(*roles));
                    }
                }
                if let Some(roles) = roles[me] {
                    self.outgoing.expect(roles, domain.wire_bytes(lanes));
                    self.pending.push(Pending {
                        place: place(number),
                        sender: roles.sender,
                        backup: roles.backup,
                        component: me,
                        domain,
                        lanes,
                    });
                }
                let mut opened = Share::zero(domain, lanes);
                opened.set(me, sum);
                results.push(opened);
            }
            for c in (0..4).filter(|c| *c != me) {
                let part = reserve.part(taken, 2, c, i * lanes, lanes);
                let sum = products.part_mut(c);
                match rows {
                    Some(rows) => sum.add(&part.sum_rows(rows)),
                    None => sum.add(&part),
                }
            }
        }
        results.push(products);
        Ok(results)
    }
}

/// Σ x·y = Σ (d·y + e·x − d·e) + Σ c, for d = x − a and e = y − b opened, in turn in `opened`; over each
/// of so many rows if there are any. The party `me` adds it to `sum`, its share of Σ c.
pub(crate) fn unmask(
    me: usize,
    terms: &[(&Share, &Share)],
    opened: &[&Vector],
    sum: &mut Share,
    rows: Option<usize>,
) {
    with_element!(sum.domain(), E => unmask_as::<E>(me, terms, opened, sum, rows));
}

fn unmask_as<E: Element>(
    me: usize,
    terms: &[(&Share, &Share)],
    opened: &[&Vector],
    sum: &mut Share,
    rows: Option<usize>,
) {
    for c in (0..4).filter(|c| *c != me) {
        let sum = sum.part_mut(c);
        for ((x, y), opened) in terms.iter().zip(opened.chunks(2)) {
            let [d, e] = opened else { continue };
            for (opened, factor) in [(d, y), (e, x)] {
                if let Some(factor) = factor.part(c) {
                    add_products::<E>(sum, opened, factor, rows);
                }
            }
            // On one component that is there at most parties.
            if c == 0 {
                let negative = d.affine(u128::MAX, 0);
                add_products::<E>(sum, &negative, e, rows);
            }
        }
    }
}

/// `sum += x·y`, or its sum over each of so many rows.
fn add_products<E: Element>(sum: &mut Vector, x: &Vector, y: &Vector, rows: Option<usize>) {
    let (x, y) = (x.elements::<E>(), y.elements::<E>());
    let sums = sum.elements_mut::<E>();
    let Some(rows) = rows else {
        kernels::multiply_add(sums, x, y);
        return;
    };
    let row = x.len() / rows.max(1);
    for (r, sum) in sums.iter_mut().enumerate() {
        let row = r * row..(r + 1) * row;
        *sum = sum.add(kernels::dot(&x[row.clone()], &y[row]));
    }
}
