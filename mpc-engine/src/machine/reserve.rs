//! What only three parties do: products from the reserve, and shares of what two know.

use super::{Machine, Place, Register, Run, defect, known, share, take};
use crate::{
    EngineError,
    protocol::{self, network},
    template::{Extent, Instruction, Reg, Step},
    vector::{Share, Vector},
};

/// The terms of a sum of products, and how many rows are summed, if any.
type Products<'a> = (&'a [(Reg, Reg)], Option<usize>);

impl Machine {
    /// Runs an instruction that only three parties run.
    pub(super) fn execute_with_three(
        &mut self,
        run: &Run,
        step: &Step,
        file: &mut [Register],
    ) -> Result<(), EngineError> {
        let result = match &step.instruction {
            Instruction::Mask { terms, rows } => {
                let rows = rows.then_some(run.rows);
                return self.mask(run, step, (terms, rows), file);
            }
            Instruction::Unmask {
                terms,
                masked,
                rows,
            } => Register::Share(unmask(
                self.crossing.me,
                (terms, rows.then_some(run.rows)),
                *masked,
                file,
            )?),
            Instruction::Rearrange { x, lacks } => {
                let pass = self.pass_of(run, *lacks)?;
                Register::Share(self.crossing.rearranged(share(file, *x)?, pass))
            }
            Instruction::Route { lacks, .. } => {
                let pass = self.pass_of(run, *lacks)?;
                Register::Known(self.crossing.route(pass))
            }
            Instruction::Switches {
                route,
                lacks,
                layer,
                ..
            } => {
                let len = run.rows;
                let planes = run.lanes / len.max(1);
                let depth = network::depth(*layer, network::layers(len));
                let lanes = Extent::Switches(depth).of(run.lanes, len);
                let mut switches = Share::zero(step.domain, lanes);
                if let Some(all) = known::known(file, *route)? {
                    let of_layer = network::switches_of(all, (len, planes), *layer, step.domain);
                    switches.set(usize::from(*lacks), of_layer);
                }
                Register::Share(switches)
            }
            Instruction::Differences { x, layer } => {
                let x = share(file, *x)?;
                let lanes = Extent::Switches(*layer).of(run.lanes, run.rows);
                let of = |part: &Vector| network::differences(part, run.rows, *layer);
                Register::Share(x.map(step.domain, lanes, of))
            }
            Instruction::Exchange { x, by, layer } => {
                let mut exchanged = take(file, step, *x, *by)?;
                let by = share(file, *by)?;
                for c in (0..4).filter(|c| *c != self.crossing.me) {
                    if let Some(by) = by.part(c) {
                        network::exchange(exchanged.part_mut(c), by, run.rows, *layer);
                    }
                }
                Register::Share(exchanged)
            }
            Instruction::Summand { a, of, and } => {
                let knows = self.crossing.me != usize::from(*of);
                let a = share(file, *a)?;
                let and = and.unwrap_or(*of);
                Register::Known(knows.then(|| a.summand(usize::from(*of), usize::from(and))))
            }
            Instruction::Place {
                known: a,
                component,
            } => {
                let mut placed = Share::zero(step.domain, run.lanes);
                if let Some(value) = known::known(file, *a)? {
                    placed.set(usize::from(*component), value.copy());
                }
                Register::Share(placed)
            }
            _ => return Err(defect("an instruction is not implemented")),
        };
        file[step.to.0 as usize] = result;
        Ok(())
    }

    /// Opens the factors of products under those of triples.
    fn mask(
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
fn unmask(
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
