//! Sharing a value that two parties know: one round, one element.

use super::{Crossing, Place};
use crate::{
    roles,
    vector::{Domain, Element, Share, Vector, with_element},
};

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
        let roles = roles::rotate(roles::pair_of(half[0], half[1]), self.counter);
        self.counter += 1;
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
}
