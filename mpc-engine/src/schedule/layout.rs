//! What all runs of a program's schedule have in common, made once per program: the gates' readers,
//! their templates, and the chunks in which they run.

use std::{
    collections::HashMap,
    sync::{Arc, OnceLock},
};

use crate::{
    ValueId,
    circuit::{Circuit, Gate},
    reserve::{Amounts, Material},
    template::{Instruction, Key, Mode, Shape, Template, lower},
    vector::Domain,
};

/// Registers of one chunk, in bytes at one party.
pub(super) const CHUNK_BYTES: usize = 4 << 20;
/// One vector of a chunk, in bytes: small enough that a product's vectors stay in the cache.
const VECTOR_BYTES: usize = 64 << 10;
/// The ways to divide four components into halves.
const PARTITIONS: usize = 3;
/// Vectors with fewer lanes are not cut up only to divide the components in all ways.
const LANES_TO_DIVIDE: usize = 3 * 1024;

/// How the lanes of a gate are cut into chunks, none of which has lanes of two rows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cut {
    lanes: usize,
    row: usize,
    chunk: usize,
}

impl Cut {
    /// Chunks of one row, at least one.
    const fn of_row(self) -> usize {
        match self.row.div_ceil(self.chunk) {
            0 => 1,
            chunks => chunks,
        }
    }

    /// How many chunks there are, at least one.
    pub(super) const fn chunks(self) -> usize {
        match self.lanes.checked_div(self.row) {
            Some(rows) => rows * self.of_row(),
            None => 1,
        }
    }

    /// The row of a chunk, its first lane, and how many it has.
    pub(super) const fn chunk(self, number: usize) -> (usize, usize, usize) {
        let row = number / self.of_row();
        let within = number % self.of_row() * self.chunk;
        let left = self.row - within;
        let lanes = if left < self.chunk { left } else { self.chunk };
        (row, row * self.row + within, lanes)
    }
}

/// How a gate is done.
#[derive(Debug)]
pub(super) struct Lowered {
    pub(super) template: Arc<Template>,
    pub(super) shape: Shape,
    /// Whether the division of the components into halves matters.
    pub(super) divides: bool,
}

impl Lowered {
    fn of(key: &Key) -> Self {
        let (template, shape) = lower(key);
        let steps = template.stages.iter().flat_map(|stage| &stage.steps);
        let mut instructions = steps.map(|step| &step.instruction);
        let divides = instructions.any(|i| matches!(i, Instruction::Half(..)));
        Self {
            template: Arc::new(template),
            shape,
            divides,
        }
    }
}

/// The template of gates of one form, for each division into halves, once it is needed.
#[derive(Debug)]
struct Form {
    /// A gate of this form.
    example: ValueId,
    lowered: [OnceLock<Option<Arc<Lowered>>>; PARTITIONS],
}

/// The unchanging part of a schedule.
#[derive(Debug, Default)]
pub(crate) struct Layout {
    mode: Mode,
    circuit: Arc<Circuit>,
    /// Who reads a value: `users[first_user[v] .. first_user[v + 1]]`.
    users: Vec<ValueId>,
    first_user: Vec<u32>,
    /// By gate, the place in `forms`.
    form: Vec<u32>,
    /// There are few: they do not depend on lengths or constants.
    forms: Vec<Form>,
    /// The same circuit run by three, by who is absent, once it is needed.
    reserve: [OnceLock<Arc<Layout>>; 4],
}

impl PartialEq for Layout {
    fn eq(&self, other: &Self) -> bool {
        self.circuit == other.circuit
    }
}

impl Eq for Layout {}

impl Layout {
    pub(crate) fn new(mode: Mode, circuit: Arc<Circuit>) -> Self {
        let (users, first_user) = users(&circuit);
        let mut places: HashMap<Option<Key>, u32> = HashMap::new();
        let mut forms = Vec::new();
        let mut form = Vec::with_capacity(circuit.gates().len());
        for value in (0..circuit.gates().len()).map(|i| ValueId(i as u32)) {
            let place = *places
                .entry(Key::of(mode, &circuit, value, 0))
                .or_insert_with(|| {
                    forms.push(Form {
                        example: value,
                        lowered: Default::default(),
                    });
                    forms.len() as u32 - 1
                });
            form.push(place);
        }
        Self {
            mode,
            circuit,
            users,
            first_user,
            form,
            forms,
            reserve: Default::default(),
        }
    }

    /// The same circuit run by the three others from the reserve.
    pub(crate) fn without(&self, absent: u8) -> &Arc<Self> {
        self.reserve[usize::from(absent % 4)].get_or_init(|| {
            let mode = Mode::Reserve { absent: absent % 4 };
            Arc::new(Self::new(mode, self.circuit.clone()))
        })
    }

    pub(crate) const fn mode(&self) -> Mode {
        self.mode
    }

    pub(crate) fn circuit(&self) -> &Circuit {
        &self.circuit
    }

    /// What it takes of the reserve, without a seed.
    pub(crate) fn reserve_need(&self) -> Amounts {
        let mut need = Amounts::default();
        for value in (0..self.circuit.gates().len()).map(|i| ValueId(i as u32)) {
            let Some(lowered) = self.lowered(value, 0) else {
                continue;
            };
            let (lanes, rows) = (self.lanes(value), self.rows(value));
            for message in lowered
                .template
                .stages
                .iter()
                .flat_map(|stage| &stage.messages)
            {
                let count = (message.triples * message.extent.of(lanes, rows)) as u64;
                *need.of_mut(Material::of(message.domain)) += count;
            }
        }
        need.bits = need.bits.next_multiple_of(64);
        need
    }

    /// The rows in the lanes of a gate that is done in one piece; of one that shuffles, the length of
    /// a row.
    pub(super) fn rows(&self, value: ValueId) -> usize {
        match self.circuit.gate(value) {
            Gate::Shuffle { len, .. } => *len,
            _ => self.circuit.form(value).len,
        }
    }

    /// The gates that read a value, once per operand.
    pub(super) fn users(&self, value: ValueId) -> &[ValueId] {
        let [first, end] = [0, 1].map(|next| self.first_user[value.index() + next] as usize);
        &self.users[first..end]
    }

    /// The template of a gate for this division of the components (modulo 3). Nothing for inputs,
    /// public values and gates that only move lanes.
    pub(super) fn lowered(&self, value: ValueId, partition: usize) -> Option<&Arc<Lowered>> {
        let form = &self.forms[self.form[value.index()] as usize];
        let of = |partition: usize| {
            let lowered = form.lowered[partition].get_or_init(|| {
                let key = Key::of(self.mode, &self.circuit, form.example, partition)?;
                Some(Arc::new(Lowered::of(&key)))
            });
            lowered.as_ref()
        };
        of(0)
            .filter(|lowered| !lowered.divides)
            .or_else(|| of(partition % PARTITIONS))
    }

    /// Lanes that a gate works on: those of its longest operand, or of its planes, or that it makes.
    pub(super) fn lanes(&self, value: ValueId) -> usize {
        match self.circuit.gate(value) {
            Gate::Compose { .. } | Gate::DotPlanes { .. } | Gate::Random { .. } => {
                return self.circuit.form(value).len;
            }
            Gate::Compress { bits: x, planes } | Gate::Decode { x, planes, .. } => {
                return self.circuit.form(*x).len / *planes as usize;
            }
            Gate::Table { x, low, high, .. } => {
                return self.circuit.form(*x).len / (low + high) as usize;
            }
            _ => {}
        }
        let spread = |len: usize, v: ValueId| match (len, self.circuit.form(v).len) {
            (1, other) => other,
            (len, _) => len,
        };
        self.circuit.gate(value).operands().fold(1, spread)
    }

    /// How a gate with this template is laid over its lanes, and cut into chunks: of a multiple of 64
    /// lanes, unless it is all in one piece or goes by rows. A row is cut only with three parties, who
    /// open as much as they multiply, into chunks whose results add up.
    pub(super) fn cut(&self, value: ValueId, lowered: &Lowered, lanes: usize) -> (Shape, Cut) {
        let whole = |chunk: usize| Cut {
            lanes,
            row: lanes,
            chunk: chunk.max(1),
        };
        if lowered.shape == Shape::Whole {
            return (Shape::Whole, whole(lanes));
        }
        let most = self.most_lanes(value, lowered);
        let row = (lanes / self.circuit.form(value).len.max(1)).max(1);
        match lowered.shape {
            Shape::Rows if row > most && self.mode != Mode::Normal => {
                let cut = Cut {
                    lanes,
                    row,
                    chunk: row.div_ceil(row.div_ceil(most)),
                };
                (Shape::Partial, cut)
            }
            Shape::Rows => (Shape::Rows, whole((most / row).max(1) * row)),
            shape if lowered.divides && lanes >= LANES_TO_DIVIDE => {
                // As many chunks of each division, so that all links carry the same.
                let chunks = lanes.div_ceil(most).next_multiple_of(PARTITIONS);
                (shape, whole(lanes.div_ceil(chunks).next_multiple_of(64)))
            }
            shape => (shape, whole(most)),
        }
    }

    /// Most lanes of a chunk, if it does not go by rows: a multiple of 64, or with three parties a
    /// power of two below that.
    fn most_lanes(&self, value: ValueId, lowered: &Lowered) -> usize {
        let operands = self.circuit.gate(value).operands();
        let operands = operands.map(|v| Domain::of(self.circuit.kind(v)));
        let stages = lowered.template.stages.iter();
        let messages = stages.flat_map(|stage| stage.messages.iter().map(|m| m.domain));
        let bits = operands
            .chain(messages)
            .map(|domain| domain.bits() as usize);
        let widest = bits.max().unwrap_or(1);
        let by_memory = CHUNK_BYTES / lowered.template.memory_64.max(1) * 64;
        let by_vector = (VECTOR_BYTES * 8 / widest).next_multiple_of(64);
        let most = by_memory.min(by_vector).max(64);
        if self.mode == Mode::Normal {
            return most;
        }
        // Three parties open all factors: what one stage sends by one route must fit a frame.
        let stages = lowered.template.stages.iter();
        let by_route = stages.map(|stage| stage.messages.iter().map(|m| m.bytes(64, 1)).sum());
        let by_route: usize = by_route.max().unwrap_or(0);
        match CHUNK_BYTES * 64 / by_route.max(1) {
            0 => 1,
            lanes if lanes < 64 => 1 << lanes.ilog2(),
            lanes => most.min(lanes / 64 * 64),
        }
    }

    /// Bytes of the registers of a piece of a gate, at one party.
    pub(super) fn memory(&self, value: ValueId, lowered: &Lowered, lanes: usize) -> usize {
        let registers = lowered.template.memory_64 * lanes.div_ceil(64);
        let registers = registers + lowered.template.overhead;
        if lowered.template.rounds() > 0 && lowered.shape != Shape::Rows {
            return registers;
        }
        // Operands are read where they are, unless one lane is spread or bits are shifted.
        let operands = self.circuit.gate(value).operands();
        let in_place = operands.filter(|v| self.circuit.form(*v).len == self.lanes(value));
        let domains = in_place.map(|v| Domain::of(self.circuit.kind(v)));
        let viewed = domains.filter(|domain| *domain != Domain::Bits);
        let viewed: usize = viewed.map(|domain| 3 * domain.memory_bytes(lanes)).sum();
        registers.saturating_sub(viewed)
    }
}

/// For each value the gates that read it, once per operand.
fn users(circuit: &Circuit) -> (Vec<ValueId>, Vec<u32>) {
    let count = circuit.gates().len();
    let mut first = vec![0u32; count + 1];
    let reads = || {
        let gates = circuit.gates().iter().enumerate();
        gates.flat_map(|(i, gate)| gate.operands().map(move |v| (v, ValueId(i as u32))))
    };
    for (operand, _) in reads() {
        first[operand.index() + 1] += 1;
    }
    for i in 0..count {
        first[i + 1] += first[i];
    }
    let mut next = first.clone();
    let mut users = vec![ValueId(0); first[count] as usize];
    for (operand, user) in reads() {
        users[next[operand.index()] as usize] = user;
        next[operand.index()] += 1;
    }
    (users, first)
}
