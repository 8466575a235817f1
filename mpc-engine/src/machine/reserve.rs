//! Products from the reserve.

use super::{Machine, Place, Register, Run, defect, share};
use crate::{
    EngineError, protocol,
    template::{Reg, Step},
    vector::{Share, Vector},
};

/// The terms of a sum of products, and how many rows are summed, if any.
type Products<'a> = (&'a [(Reg, Reg)], Option<usize>);

impl Machine {
    /// Opens the factors of products under those of triples.
    pub(super) fn mask(
        &mut self,
        run: &Run,
        step: &Step,
        (terms, rows): Products<'_>,
        file: &mut [Register],
    ) -> Result<(), EngineError> {
        let factors = factors(terms, file)?;
        let reserve = self.reserve.as_mut().ok_or(defect("there is no reserve"))?;
        let place = |number: usize| Place::Register {
            slot: run.slot,
            register: step.to.0 + number as u32,
        };
        let results = self.crossing.mask_factors(&factors, reserve, rows, place)?;
        let to = &mut file[step.to.0 as usize..];
        for (register, share) in to.iter_mut().zip(results) {
            *register = Register::Share(share);
        }
        Ok(())
    }
}

/// The sum of products whose masked factors have been opened.
pub(super) fn unmask(
    me: usize,
    (terms, rows): Products<'_>,
    masked: Reg,
    file: &mut [Register],
) -> Result<Share, EngineError> {
    let last = masked.0 as usize + 2 * terms.len();
    let Register::Share(mut sum) = std::mem::take(&mut file[last]) else {
        return Err(defect("a product was not masked"));
    };
    let mut opened: Vec<&Vector> = Vec::with_capacity(2 * terms.len());
    for register in masked.0..last as u32 {
        let value = share(file, Reg(register))?.part(me);
        opened.push(value.ok_or(defect("a masked factor was not opened"))?);
    }
    protocol::unmask(me, &factors(terms, file)?, &opened, &mut sum, rows);
    Ok(sum)
}

fn factors<'a>(
    terms: &[(Reg, Reg)],
    file: &'a [Register],
) -> Result<Vec<(&'a Share, &'a Share)>, EngineError> {
    let factors = |(x, y): &(Reg, Reg)| Ok((share(file, *x)?, share(file, *y)?));
    terms.iter().map(factors).collect()
}
