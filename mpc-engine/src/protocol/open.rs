//! Opening a share to all: one round, one element to each party, which is the component it lacks.
//! The component that an absent party lacks is held by all others.

use super::{Crossing, Place};
use crate::vector::{Share, Vector};

impl Crossing {
    /// Sends the components of a share to those who lack them. Returns the sum of those that this
    /// party holds; the one to come is to be added.
    pub(crate) fn open(&mut self, share: &Share, place: Place) -> Vector {
        let (domain, lanes) = (share.domain(), share.lanes());
        let mut sum = Vector::zero(domain, lanes);
        for c in 0..4 {
            if !self.parties.is_live(c) {
                if let Some(part) = share.part(c) {
                    sum.add(part);
                }
                continue;
            }
            let roles = self.links.open(c, domain.wire_bytes(lanes));
            if c == self.me {
                self.receive(roles, (domain, lanes), place);
                continue;
            }
            if let Some(part) = share.part(c) {
                sum.add(part);
            }
            if roles.outsider != self.me {
                let stream = self.outgoing.stream(roles);
                match share.part(c) {
                    Some(part) => part.write(stream),
                    None => stream.resize(stream.len() + domain.wire_bytes(lanes), 0),
                }
            }
        }
        sum
    }
}
