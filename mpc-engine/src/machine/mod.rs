//! Runs the schedule on one party's shares.

use std::sync::Arc;

use wire::kind::Kind;

use crate::{
    EngineError, PartyInputs, Stop, ValueId,
    circuit::Gate,
    protocol::{Crossing, Place},
    reserve::{ComponentSeeds, Reserve, ReserveShares},
    schedule::{Action, Layout, Run, Schedule},
    session::Frames,
    template::{Instruction, Public, Reg, Shape, Step},
    vector::{Domain, Share, Vector},
};

mod known;
mod permute;
mod reserve;

/// What a register holds.
#[derive(Default)]
enum Register {
    #[default]
    Empty,
    Share(Share),
    /// A whole operand, which is not copied.
    Operand(Arc<Share>),
    /// A value that two parties know; nothing at the other two.
    Known(Option<Vector>),
}

/// One party's run of a circuit, between two turns.
pub(crate) struct Machine {
    layout: Arc<Layout>,
    schedule: Schedule,
    crossing: Crossing,
    inputs: Vec<Option<Share>>,
    values: Vec<Option<Arc<Share>>>,
    files: Vec<Vec<Register>>,
    revealed: Vec<Vector>,
    /// Whether revealed values are opened; else they are kept as shares.
    opens: bool,
    /// With three parties.
    reserve: Option<Reserve>,
    /// Of a random result.
    seeds: Option<ComponentSeeds>,
}

/// What a party runs on.
pub(crate) struct Supplies {
    pub(crate) inputs: PartyInputs,
    /// What random results are drawn from, else from the session's keys.
    pub(crate) seeds: Option<ComponentSeeds>,
    /// With three parties.
    pub(crate) reserve: Option<ReserveShares>,
}

/// What comes after a turn.
pub(crate) enum Next {
    /// Rounds to send: none, one or several.
    Rounds(Vec<Frames>),
    /// The end; nothing is to be sent.
    Done(Results),
}

/// The revealed values.
pub(crate) enum Results {
    Opened(Vec<Vec<u128>>),
    /// This party's shares of them.
    Kept(Vec<Share>),
}

const fn defect(what: &'static str) -> EngineError {
    EngineError::Defect(what)
}

impl Machine {
    pub(crate) fn new(
        layout: Arc<Layout>,
        supplies: Supplies,
        mut crossing: Crossing,
        opens: bool,
    ) -> Self {
        let Supplies {
            inputs,
            seeds,
            reserve,
        } = supplies;
        if let Some(seeds) = &seeds {
            crossing.permute_by(seeds);
        }
        let count = layout.circuit().gates().len();
        Self {
            schedule: Schedule::new(layout.clone()),
            crossing,
            inputs: inputs.into_columns().into_iter().map(Some).collect(),
            values: std::iter::repeat_with(|| None).take(count).collect(),
            files: Vec::new(),
            revealed: Vec::new(),
            opens,
            reserve: reserve.map(Reserve::new),
            seeds,
            layout,
        }
    }

    /// Runs the first rounds.
    ///
    /// # Errors
    /// [`EngineError::Defect`].
    pub(crate) fn begin(&mut self) -> Result<Next, EngineError> {
        let actions = self.schedule.begin();
        self.act(actions)
    }

    /// Verifies the frames of the oldest outstanding round, then runs what can run with them.
    ///
    /// # Errors
    /// [`Stop`].
    pub(crate) fn step(&mut self, frames: Frames) -> Result<Next, Stop> {
        let mut arrivals = self.crossing.verify(frames)?;
        while let Some((place, component, value)) = arrivals.next() {
            match place {
                Place::Register { slot, register } => {
                    match &mut self.files[slot][register as usize] {
                        Register::Share(share) => share.part_mut(component).add_encoded(value),
                        _ => return Err(defect("a value came for no share").into()),
                    }
                }
                Place::Revealed(number) => self.revealed[number].add_encoded(value),
            }
        }
        self.crossing.done(arrivals);
        let actions = self.schedule.received();
        if self.schedule.is_done() {
            let values = self.revealed.iter().map(Vector::to_numbers).collect();
            return Ok(Next::Done(Results::Opened(values)));
        }
        Ok(self.act(actions)?)
    }

    fn act(&mut self, actions: Vec<Action>) -> Result<Next, EngineError> {
        let mut rounds = Vec::new();
        for action in actions {
            match action {
                Action::Load(value) => self.load(value)?,
                Action::Move(value) => self.move_lanes(value)?,
                Action::Run(run) => self.run(&run)?,
                Action::Free(value) => self.values[value.index()] = None,
                // The last thing to do, but for sending.
                Action::Open => {
                    if self
                        .reserve
                        .as_ref()
                        .is_some_and(|reserve| !reserve.is_used_up())
                    {
                        return Err(defect("less of the reserve was used than was needed"));
                    }
                    if !self.opens {
                        return Ok(Next::Done(self.results()?));
                    }
                    self.open()?;
                }
                Action::Send => rounds.push(self.crossing.close()),
            }
        }
        Ok(Next::Rounds(rounds))
    }

    fn value(&self, value: ValueId) -> Result<&Arc<Share>, EngineError> {
        let value = self.values.get(value.index()).and_then(Option::as_ref);
        value.ok_or(defect("a value is read before it is there"))
    }

    fn load(&mut self, value: ValueId) -> Result<(), EngineError> {
        let kind = self.layout.circuit().kind(value);
        let share = match self.layout.circuit().gate(value) {
            Gate::Input(column) => self
                .inputs
                .get_mut(*column as usize)
                .and_then(Option::take)
                .ok_or(defect("an input is missing"))?,
            // One lane stands for all, on component 0.
            Gate::Constant(value) => self.public_share(kind, &[*value]),
            Gate::Public(values) => self.public_share(kind, values),
            _ => return Err(defect("a gate is loaded")),
        };
        self.values[value.index()] = Some(Arc::new(share));
        Ok(())
    }

    /// A share of public values, on component 0.
    fn public_share(&self, kind: Kind, values: &[u128]) -> Share {
        let domain = Domain::of(kind);
        let mut share = Share::zero(domain, values.len());
        if self.crossing.me != 0 {
            share.set(0, Vector::from_numbers(domain, values));
        }
        share
    }

    fn move_lanes(&mut self, value: ValueId) -> Result<(), EngineError> {
        let form = self.layout.circuit().form(value);
        let mut moved = Share::zero(Domain::of(form.kind), form.len);
        match self.layout.circuit().gate(value) {
            Gate::Slice { x, start } => moved = self.value(*x)?.window(*start, form.len),
            Gate::Gather { x, lanes } => moved = self.value(*x)?.gather(lanes),
            Gate::PrefixSum(x) => {
                let x = self.value(*x)?.view(0, form.len);
                moved = x.map(x.domain(), form.len, Vector::prefix_sum);
            }
            gate => {
                let mut at = 0;
                for operand in gate.operands() {
                    let len = self.layout.circuit().form(operand).len;
                    moved.paste(at, &self.value(operand)?.window(0, len));
                    at += len;
                }
            }
        }
        self.values[value.index()] = Some(Arc::new(moved));
        Ok(())
    }

    fn open(&mut self) -> Result<(), EngineError> {
        self.crossing.name_operation(u32::MAX, 0, 0);
        let layout = self.layout.clone();
        let circuit = layout.circuit();
        for (number, value) in circuit.revealed().iter().enumerate() {
            let len = circuit.form(*value).len;
            let share = self.value(*value)?.clone();
            let sum = if share.lanes() == len {
                self.crossing.open(&share, Place::Revealed(number))
            } else {
                self.crossing
                    .open(&share.window(0, len), Place::Revealed(number))
            };
            self.revealed.push(sum);
        }
        Ok(())
    }

    /// The shares of the revealed values.
    fn results(&self) -> Result<Results, EngineError> {
        let circuit = self.layout.circuit();
        let mut kept = Vec::with_capacity(circuit.revealed().len());
        for value in circuit.revealed() {
            let share = self.value(*value)?;
            let len = circuit.form(*value).len;
            kept.push(if share.lanes() == len {
                share.copy()
            } else {
                share.window(0, len)
            });
        }
        Ok(Results::Kept(kept))
    }

    /// Runs a stage of a chunk; after its last stage the result becomes part of the value.
    fn run(&mut self, run: &Run) -> Result<(), EngineError> {
        let template = run.template.clone();
        if self.files.len() <= run.slot {
            self.files.resize_with(run.slot + 1, Vec::new);
        }
        let mut file = std::mem::take(&mut self.files[run.slot]);
        if run.stage == 0 {
            file.clear();
            file.resize_with(template.registers, Register::default);
        }
        let stage = &template.stages[run.stage];
        if !stage.messages.is_empty() {
            self.crossing
                .name_operation(run.value.0, run.chunk as u32, run.stage as u32);
        }
        for step in &stage.steps {
            self.execute(run, step, &mut file)?;
            for register in &step.last_use {
                file[register.0 as usize] = Register::Empty;
            }
        }
        if run.is_last() {
            for (plane, output) in template.outputs.iter().enumerate() {
                let output = std::mem::take(&mut file[output.0 as usize]);
                self.keep(run, output, plane)?;
            }
            file.clear();
        }
        self.files[run.slot] = file;
        Ok(())
    }

    fn keep(&mut self, run: &Run, output: Register, plane: usize) -> Result<(), EngineError> {
        let output = match output {
            Register::Share(share) => Arc::new(share),
            Register::Operand(share) => share,
            _ => return Err(defect("an operation has no result")),
        };
        let at = run.value.index();
        let form = self.layout.circuit().form(run.value);
        let planes = run.template.outputs.len();
        let covers = run.shape == Shape::Whole || output.lanes() == form.len && run.chunk == 0;
        if planes == 1 && covers && run.shape != Shape::Partial {
            self.values[at] = Some(output);
            return Ok(());
        }
        let zero = || Share::zero(Domain::of(form.kind), form.len);
        let mut whole = match self.values[at].take() {
            None => zero(),
            Some(whole) => {
                Arc::into_inner(whole).ok_or(defect("a value is read before it is whole"))?
            }
        };
        if run.shape == Shape::Partial {
            whole.add_at(run.row, &output);
        } else {
            let start = match run.shape {
                Shape::Rows => run.start / (run.lanes / run.rows.max(1)).max(1),
                _ => run.start,
            };
            whole.paste(plane * (form.len / planes) + start, &output);
        }
        self.values[at] = Some(Arc::new(whole));
        Ok(())
    }

    fn execute(
        &mut self,
        run: &Run,
        step: &Step,
        file: &mut [Register],
    ) -> Result<(), EngineError> {
        let place = Place::Register {
            slot: run.slot,
            register: step.to.0,
        };
        let result = match &step.instruction {
            Instruction::Operand(number) => self.operand(run, *number)?,
            Instruction::Plane(plane) => self.plane(run, *plane)?,
            Instruction::Lane(lane) => self.lane(run, *lane)?,
            Instruction::Constant(value) => {
                let value = self.public(run, *value)?;
                let mut share = Share::zero(step.domain, run.lanes);
                if self.crossing.me != 0 {
                    share.set(0, Vector::splat(step.domain, value, run.lanes));
                }
                Register::Share(share)
            }
            Instruction::Add(a, b) => {
                let mut sum = take(file, step, *a, *b)?;
                sum.add(share(file, *b)?);
                Register::Share(sum)
            }
            Instruction::Subtract(a, b) => {
                let mut difference = take(file, step, *a, *b)?;
                difference.subtract(share(file, *b)?);
                Register::Share(difference)
            }
            Instruction::AddPublic { a, value, on } => {
                let value = self.public(run, *value)?;
                let mut sum = take(file, step, *a, step.to)?;
                if self.crossing.me != usize::from(*on) {
                    sum.part_mut(usize::from(*on)).add_public(value);
                }
                Register::Share(sum)
            }
            Instruction::Scale(a, factor) => {
                let factor = self.public(run, *factor)?;
                let mut scaled = take(file, step, *a, step.to)?;
                scaled.scale(factor);
                Register::Share(scaled)
            }
            Instruction::Narrow(a) => {
                let a = share(file, *a)?;
                let narrow = |part: &Vector| part.resize(step.domain);
                Register::Share(a.map(step.domain, a.lanes(), narrow))
            }
            Instruction::Lift(a) => {
                let a = share(file, *a)?;
                let factor = 1 << (step.domain.bits() - a.domain().bits());
                let lift = |part: &Vector| {
                    let mut lifted = part.resize(step.domain);
                    lifted.scale(factor);
                    lifted
                };
                Register::Share(a.map(step.domain, a.lanes(), lift))
            }
            Instruction::ScaleLanes(a) => {
                let mut scaled = take(file, step, *a, step.to)?;
                let Some(Gate::Public(factors)) = self.operand_gate(run, 1) else {
                    return Err(defect("a factor is not public"));
                };
                let factors = Vector::from_numbers(step.domain, factors);
                if scaled.lanes() != factors.lanes() {
                    scaled = scaled.window(0, factors.lanes());
                }
                scaled.multiply(&factors);
                Register::Share(scaled)
            }
            Instruction::SumRows(a) => {
                let sum = |part: &Vector| part.sum_rows(run.rows);
                Register::Share(share(file, *a)?.map(step.domain, run.rows, sum))
            }
            Instruction::Dot { terms, pairs } => {
                let mut factors = Vec::with_capacity(terms.len());
                for (x, y) in terms {
                    factors.push((share(file, *x)?, share(file, *y)?));
                }
                let lanes = factors.first().map_or(0, |(x, _)| x.lanes());
                Register::Share(
                    self.crossing
                        .dot(&factors, (step.domain, lanes), *pairs, place),
                )
            }
            Instruction::DotRows { x, y, pairs } => {
                let (x, y) = (share(file, *x)?, share(file, *y)?);
                Register::Share(self.crossing.dot_rows((x, y), run.rows, *pairs, place))
            }
            Instruction::Input { known: a, half } => {
                let half = run.template.halves[usize::from(*half)];
                let form = (step.domain, run.lanes);
                let Register::Known(value) = &file[a.0 as usize] else {
                    return Err(defect("a share is input"));
                };
                Register::Share(self.crossing.input(value.as_ref(), half, form, place))
            }
            Instruction::Pass { x, lacks } => {
                let pass = self.pass_of(run, *lacks)?;
                Register::Share(self.crossing.pass(share(file, *x)?, pass, place))
            }
            Instruction::Open(a) => self.open_within(share(file, *a)?, place),
            Instruction::Permute(a) => Register::Share(self.permuted(run, share(file, *a)?)?),
            Instruction::Random => Register::Share(self.random(run, step.domain)?),
            Instruction::InputProducts { bits, half } => {
                let half = run.template.halves[usize::from(*half)];
                let known = bits.iter().map(|bit| known::known(file, *bit));
                let known: Vec<Option<&Vector>> = known.collect::<Result<_, _>>()?;
                let place = |i: usize| Place::Register {
                    slot: run.slot,
                    register: step.to.0 + i as u32,
                };
                let shares = self.crossing.input_products(&known, half, run.lanes, place);
                let to = &mut file[step.to.0 as usize..];
                for (register, share) in to.iter_mut().zip(shares) {
                    *register = Register::Share(share);
                }
                return Ok(());
            }
            Instruction::Half(a, half) => {
                let [a0, a1] = run.template.halves[usize::from(*half)];
                let knows = run.template.knowers(*half).contains(&self.crossing.me);
                let a = share(file, *a)?;
                Register::Known(knows.then(|| a.half(a0, a1)))
            }
            Instruction::Mask { .. }
            | Instruction::Unmask { .. }
            | Instruction::Rearrange { .. }
            | Instruction::Route { .. }
            | Instruction::Switches { .. }
            | Instruction::Differences { .. }
            | Instruction::Exchange { .. }
            | Instruction::Summand { .. }
            | Instruction::Place { .. } => return self.execute_with_three(run, step, file),
            instruction => return known::execute(instruction, step, file),
        };
        file[step.to.0 as usize] = result;
        Ok(())
    }

    fn operand(&self, run: &Run, number: u8) -> Result<Register, EngineError> {
        let operand = self
            .layout
            .circuit()
            .gate(run.value)
            .operands()
            .nth(number.into());
        let whole = self.value(operand.ok_or(defect("an operand is missing"))?)?;
        if whole.lanes() == run.lanes && (run.start == 0) {
            return Ok(Register::Operand(whole.clone()));
        }
        Ok(Register::Share(whole.view(run.start, run.lanes)))
    }

    /// The lanes of a plane of the first operand.
    fn plane(&self, run: &Run, plane: u32) -> Result<Register, EngineError> {
        let operand = self.layout.circuit().gate(run.value).operands().next();
        let planes = self.value(operand.ok_or(defect("an operand is missing"))?)?;
        let results = run.template.outputs.len();
        let lanes = self.layout.circuit().form(run.value).len / results.max(1);
        let start = plane as usize * lanes + run.start;
        Ok(Register::Share(planes.view(start, run.lanes)))
    }

    /// One lane of the second operand, in all lanes.
    fn lane(&self, run: &Run, lane: u32) -> Result<Register, EngineError> {
        let operand = self.layout.circuit().gate(run.value).operands().nth(1);
        let lanes = self.value(operand.ok_or(defect("an operand is missing"))?)?;
        let lane = lanes.window(lane as usize, 1);
        Ok(Register::Share(lane.window(0, run.lanes)))
    }

    fn operand_gate(&self, run: &Run, number: u8) -> Option<&Gate> {
        let mut operands = self.layout.circuit().gate(run.value).operands();
        operands
            .nth(number.into())
            .map(|v| self.layout.circuit().gate(v))
    }

    /// The public number that an instruction names.
    fn public(&self, run: &Run, public: Public) -> Result<u128, EngineError> {
        match (public, self.layout.circuit().gate(run.value)) {
            (Public::Literal(value), _) => Ok(value),
            (Public::Factor, Gate::Scale(_, factor)) => Ok(*factor),
            (Public::Factor, _) => Err(defect("a gate has no factor")),
            (Public::Operand(number), _) => match self.operand_gate(run, number) {
                Some(Gate::Constant(value)) => Ok(*value),
                _ => Err(defect("a secret operand is taken for a constant")),
            },
        }
    }
}

fn share(file: &[Register], register: Reg) -> Result<&Share, EngineError> {
    match &file[register.0 as usize] {
        Register::Share(share) => Ok(share),
        Register::Operand(share) => Ok(share),
        _ => Err(defect("a register holds no share")),
    }
}

/// The share in `register` to change: itself if the step is the last to read it, else a copy.
fn take(
    file: &mut [Register],
    step: &Step,
    register: Reg,
    other: Reg,
) -> Result<Share, EngineError> {
    if register != other
        && step.last_use.contains(&register)
        && let Register::Share(share) = &mut file[register.0 as usize]
    {
        let empty = Share::zero(share.domain(), share.lanes());
        return Ok(std::mem::replace(share, empty));
    }
    Ok(share(file, register)?.copy())
}
