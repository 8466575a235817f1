//! Shuffles, permutations that have been opened, and random values.

use super::{Gate, Machine, Place, Register, Run, defect};
use crate::{
    EngineError,
    protocol::{Pass, order_of, reorder, uniform},
    vector::{Domain, Share},
};

impl Machine {
    /// The pass of a shuffle by the permutation that party `lacks` lacks.
    pub(super) fn pass_of(&self, run: &Run, lacks: u8) -> Result<Pass, EngineError> {
        let Gate::Shuffle {
            stream,
            len,
            inverse,
            ..
        } = *self.layout.circuit().gate(run.value)
        else {
            return Err(defect("a pass belongs to no shuffle"));
        };
        Ok(Pass {
            lacks: lacks.into(),
            stream,
            len,
            inverse,
        })
    }

    /// Opens x to all. The sum of what this party holds is kept beside what is to come, so that the
    /// sum of both is the value.
    pub(super) fn open_within(&mut self, x: &Share, place: Place) -> Register {
        let mut opened = Share::zero(x.domain(), x.lanes());
        let own = self.crossing.open(x, place);
        opened.set(self.crossing.me, own);
        Register::Share(opened)
    }

    /// x in the order of the places that the gate's second operand has opened.
    pub(super) fn permuted(&self, run: &Run, x: &Share) -> Result<Share, EngineError> {
        let Gate::Permute {
            places, inverse, ..
        } = *self.layout.circuit().gate(run.value)
        else {
            return Err(defect("an order belongs to no permutation"));
        };
        let places = self.value(places)?.total();
        let len = places.lanes();
        let numbers = (0..len).map(|i| places.get(i) as u32);
        let order = if inverse {
            // Whatever has been opened, no lane is outside.
            numbers
                .map(|place| if (place as usize) < len { place } else { 0 })
                .collect()
        } else {
            order_of(numbers, len)
        };
        Ok(x.map(x.domain(), x.lanes(), |part| reorder(part, &order)))
    }

    /// Random lanes of the gate's kind: from the seeds of the computation, if it has some, else from
    /// keys of the session. Each component is drawn by those who hold it.
    pub(super) fn random(&mut self, run: &Run, domain: Domain) -> Result<Share, EngineError> {
        let Gate::Random { stream, below } = *self.layout.circuit().gate(run.value) else {
            return Err(defect("random lanes belong to no random gate"));
        };
        let Some(seeds) = &self.seeds else {
            return Ok(self.crossing.random(domain, run.lanes, below));
        };
        let mut share = Share::zero(domain, run.lanes);
        for c in (0..4).filter(|c| *c != self.crossing.me) {
            let masks = seeds.masks(c, stream);
            let mut masks = masks.ok_or(defect("a seed is missing"))?;
            share.set(c, uniform(&mut masks, domain, run.lanes, below));
        }
        Ok(share)
    }
}
