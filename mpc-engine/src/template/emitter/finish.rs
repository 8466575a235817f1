//! Cutting the code into stages, and what its registers take.

use super::{Emitter, VECTOR_OVERHEAD};
use crate::template::{Class, Extent, Instruction, Message, Mode, Reg, Routes, Stage, Template};

/// Bytes of a register itself.
const REGISTER_BYTES: usize = 160;
impl Emitter {
    /// Cuts the code into stages, each step as early as its operands allow.
    pub(crate) fn finish(mut self, outputs: Vec<Reg>) -> Template {
        self.remove_unused(&outputs);
        let depths = outputs.iter().map(|r| self.registers[r.0 as usize].depth);
        let deepest = depths.max().unwrap_or(0);
        let mut stages: Vec<Stage> = Vec::new();
        stages.resize_with(deepest + 1, Stage::default);
        self.steps.sort_by_key(|(at, _)| *at);
        for (at, step) in std::mem::take(&mut self.steps) {
            let extent = self.registers[step.to.0 as usize].extent;
            let domain = step.domain;
            let routes = match &step.instruction {
                Instruction::Dot { pairs, .. } | Instruction::DotRows { pairs, .. } => {
                    Routes::Pairs(*pairs)
                }
                Instruction::Input { half, .. } | Instruction::InputProducts { half, .. } => {
                    // One message, in the place of the pair of components that it fills.
                    let half = self.halves[usize::from(*half)];
                    Routes::Pairs(1 << crate::roles::pair_of(half[0], half[1]))
                }
                Instruction::Pass { lacks, .. } => Routes::Pass(*lacks),
                Instruction::Open(_) | Instruction::Mask { .. } => Routes::All(self.mode),
                _ => Routes::Pairs(0),
            };
            let stage = &mut stages[at];
            if step.instruction.is_interactive() {
                let (count, triples) = match &step.instruction {
                    Instruction::Mask { terms, .. } => (2 * terms.len(), terms.len()),
                    instruction => (instruction.results(), 0),
                };
                stage.messages.push(Message {
                    domain,
                    extent,
                    routes,
                    count,
                    triples,
                });
            }
            stage.steps.push(step);
        }
        let (memory_64, vectors) = self.free_registers(&mut stages, &outputs);
        Template {
            halves: self.halves,
            registers: self.registers.len(),
            stages,
            outputs,
            overhead: REGISTER_BYTES * self.registers.len() + VECTOR_OVERHEAD * vectors,
            memory_64,
        }
    }

    /// Drops steps whose results nobody reads.
    fn remove_unused(&mut self, outputs: &[Reg]) {
        let mut used = vec![false; self.registers.len()];
        outputs.iter().for_each(|r| used[r.0 as usize] = true);
        let mut kept = Vec::with_capacity(self.steps.len());
        for (at, step) in std::mem::take(&mut self.steps).into_iter().rev() {
            let first = step.to.0 as usize;
            let count = step.instruction.results();
            if used[first..first + count].contains(&true) {
                step.instruction
                    .for_each_source(|r| used[r.0 as usize] = true);
                kept.push((at, step));
            }
        }
        kept.reverse();
        self.steps = kept;
    }

    /// Notes after which step each register is no longer read. Returns the most bytes that are
    /// held at a time for 64 lanes, with three components to a share, and the most vectors.
    fn free_registers(&self, stages: &mut [Stage], outputs: &[Reg]) -> (usize, usize) {
        let mut last = vec![None; self.registers.len()];
        for (s, stage) in stages.iter().enumerate() {
            for (t, step) in stage.steps.iter().enumerate() {
                // A result that nobody reads (a bit of a split) goes at once.
                let count = step.instruction.results();
                let to = step.to.0 as usize;
                last[to..to + count].fill(Some((s, t)));
                step.instruction
                    .for_each_source(|r| last[r.0 as usize] = Some((s, t)));
            }
        }
        for output in outputs {
            last[output.0 as usize] = None;
        }
        for (register, place) in last.iter().enumerate() {
            if let Some((s, t)) = place {
                stages[*s].steps[*t].last_use.push(Reg(register as u32));
            }
        }
        let held = |r: Reg| {
            let info = self.registers[r.0 as usize];
            let lanes = match info.extent {
                Extent::Lanes => 64,
                Extent::Rows => 1,
                Extent::Switches(_) => 32,
                Extent::Network(layers) => 32 * layers as usize,
            };
            let vectors = match info.class {
                // A share with fewer than three components takes less.
                Class::Share { support } if self.mode != Mode::Normal => {
                    support.count_ones().min(3) as usize
                }
                Class::Share { .. } => 3,
                Class::Known { .. } | Class::Opened => 1,
            };
            (vectors * info.domain.memory_bytes(lanes), vectors)
        };
        let (mut bytes, mut vectors) = (0, 0);
        let (mut most, mut most_vectors) = (0, 0);
        for step in stages.iter().flat_map(|stage| &stage.steps) {
            let to = step.to.0;
            for made in (to..to + step.instruction.results() as u32).map(|r| held(Reg(r))) {
                bytes += made.0;
                vectors += made.1;
            }
            // A product from the reserve works on two vectors beside its registers.
            let working = match step.instruction {
                Instruction::Mask { .. } | Instruction::Unmask { .. } => {
                    (2 * step.domain.memory_bytes(64), 2)
                }
                _ => (0, 0),
            };
            most = most.max(bytes + working.0);
            most_vectors = most_vectors.max(vectors + working.1);
            for freed in step.last_use.iter().map(|r| held(*r)) {
                bytes -= freed.0;
                vectors -= freed.1;
            }
        }
        (most, most_vectors)
    }
}
