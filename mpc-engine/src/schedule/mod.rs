//! When each operation runs.
//!
//! A [`Schedule`] decides, from the circuit alone, what each round holds: every stage whose operands
//! are there runs at once, oldest operation first, until the round is full. Independent operations of
//! the same depth so share rounds. Long vectors are worked on in chunks of lanes; new chunks start as
//! room is left in the round and in memory, so that memory stays bounded however long the vectors
//! are.
//!
//! A party acts in turns: one at the beginning, and one whenever it has received and verified the
//! oldest round that is outstanding. In a turn runs only what needs nothing of the rounds that are
//! still outstanding. If that fills further rounds, they are sent at once, up to [`WINDOW`] in all,
//! so that computing and sending overlap; work too small to be worth a round waits for the next turn,
//! unless nothing is outstanding. All parties, and the plan, run the same schedule.

mod layout;
#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    sync::Arc,
};

use wire::limits::SESSION_FRAME_BYTES;

use crate::{
    ValueId,
    circuit::Gate,
    template::{Shape, Template},
    vector::Domain,
};
pub(crate) use layout::Layout;
use layout::{CHUNK_BYTES, Cut};

/// Values sent in one round, in bytes over all links, unless one chunk alone needs more.
const ROUND_BYTES: usize = 6 << 20;
/// Stages that send less go first and find room in a full round: others may wait for them.
const SMALL_BYTES: usize = ROUND_BYTES / 64;
/// Most that a round ever sends, unless one chunk alone needs more.
const MOST_BYTES: usize = ROUND_BYTES + 4 * SMALL_BYTES;
/// Less is not sent ahead of a round that is outstanding.
const AHEAD_BYTES: usize = ROUND_BYTES / 2;
/// Rounds that may be outstanding at a time.
pub(crate) const WINDOW: usize = 4;
/// Registers of all chunks under way, in bytes at one party, unless one alone needs more.
const TASK_BYTES: usize = 64 << 20;

// What is sent over all links in a round, and so over one, fits a frame: a round carries at most
// MOST_BYTES or one stage, and a stage sends at most twice what its results, three components
// each, take as registers. With three parties a stage of a chunk sends at most CHUNK_BYTES over one
// link, and a layer of a shuffle at most as much as is shuffled, which is less than half a frame.
const _: () = assert!(MOST_BYTES < SESSION_FRAME_BYTES && 2 * CHUNK_BYTES < SESSION_FRAME_BYTES);

/// One thing to do. A turn is a list of these.
#[derive(Debug)]
pub(crate) enum Action {
    /// Make an input or a constant available.
    Load(ValueId),
    /// Run an operation that only moves lanes.
    Move(ValueId),
    /// Run a stage of a chunk.
    Run(Run),
    /// Forget a value: nobody reads it any more.
    Free(ValueId),
    /// Open all revealed values.
    Open,
    /// Send the round.
    Send,
}

/// A stage of a chunk of an operation.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    pub(crate) value: ValueId,
    pub(crate) chunk: usize,
    pub(crate) stage: usize,
    /// Which register file to use; free again after the last stage.
    pub(crate) slot: usize,
    pub(crate) start: usize,
    pub(crate) lanes: usize,
    /// Rows that sums and dot products make of the lanes. Of a shuffle the length of a row.
    pub(crate) rows: usize,
    /// The row of which the lanes are a part, if they are less than one.
    pub(crate) row: usize,
    /// Bytes of its registers, at one party.
    pub(crate) memory: usize,
    pub(crate) shape: Shape,
    pub(crate) template: Arc<Template>,
}

impl Run {
    pub(crate) fn is_last(&self) -> bool {
        self.stage == self.template.rounds()
    }
}

/// An operation of which chunks are still to start or to end.
#[derive(Clone, Copy)]
struct Progress {
    /// How the first chunk divides the components.
    partition: usize,
    next: usize,
    chunks: usize,
    left: usize,
    lanes: usize,
    shape: Shape,
    cut: Cut,
}

/// The schedule of one run.
pub(crate) struct Schedule {
    layout: Arc<Layout>,
    /// Operands that are still to come, by value.
    missing: Vec<u8>,
    /// Reads still to come, by value.
    readers: Vec<u32>,
    /// Chunks so far for which the division of the components into halves matters.
    divided: usize,
    /// Ready to run: what sends nothing and is short, and the rest, with whether it is long.
    local: BTreeSet<ValueId>,
    ready: BTreeSet<(bool, ValueId)>,
    progress: HashMap<ValueId, Progress>,
    /// Chunks under way that can go on, oldest first.
    resumable: VecDeque<Run>,
    /// Chunks with messages in the round that is being filled.
    filling: Vec<Run>,
    /// Bytes of values in that round.
    filled: usize,
    /// Chunks with messages in the rounds that were sent and not yet received.
    outstanding: VecDeque<Vec<Run>>,
    /// Registers of all chunks under way.
    active_bytes: usize,
    free_slots: Vec<usize>,
    slots: usize,
    opened: bool,
}

impl Schedule {
    pub(crate) fn new(layout: Arc<Layout>) -> Self {
        let circuit = layout.circuit();
        let count = circuit.gates().len();
        let mut readers = vec![0; count];
        let operands = circuit.gates().iter().flat_map(Gate::operands);
        for value in circuit.revealed().iter().copied().chain(operands) {
            readers[value.index()] += 1;
        }
        let operands = |gate: &Gate| gate.operands().count() as u8;
        let missing: Vec<u8> = circuit.gates().iter().map(operands).collect();
        let sources = (0..count).filter(|i| missing[*i] == 0);
        let local = sources.map(|i| ValueId(i as u32)).collect();
        Self {
            layout,
            missing,
            readers,
            divided: 0,
            local,
            ready: BTreeSet::new(),
            progress: HashMap::new(),
            resumable: VecDeque::new(),
            filling: Vec::new(),
            filled: 0,
            outstanding: VecDeque::new(),
            active_bytes: 0,
            free_slots: Vec::new(),
            slots: 0,
            opened: false,
        }
    }

    /// What to do first, in this order. The last round opens the revealed values.
    pub(crate) fn begin(&mut self) -> Vec<Action> {
        let mut actions = Vec::new();
        self.fill_rounds(&mut actions);
        actions
    }

    /// What to do, in this order, once the oldest outstanding round has been received and verified.
    pub(crate) fn received(&mut self) -> Vec<Action> {
        self.resumable
            .extend(self.outstanding.pop_front().unwrap_or_default());
        let mut actions = Vec::new();
        self.fill_rounds(&mut actions);
        actions
    }

    /// Whether the last round has been received.
    pub(crate) fn is_done(&self) -> bool {
        self.opened && self.outstanding.is_empty()
    }

    /// Fills rounds with what can run now, and sends those that are worth it.
    fn fill_rounds(&mut self, actions: &mut Vec<Action>) {
        loop {
            let mut full = self.resume(actions);
            self.run_local(actions);
            full |= self.start(actions);
            let idle = self.outstanding.is_empty() && self.filling.is_empty();
            let opens = idle && !full && !self.opened;
            if opens {
                self.opened = true;
                actions.push(Action::Open);
            }
            let worth = full || self.filled >= AHEAD_BYTES || self.outstanding.is_empty();
            let sends = opens || worth && !self.filling.is_empty();
            if !sends || self.outstanding.len() == WINDOW {
                return;
            }
            actions.push(Action::Send);
            self.outstanding
                .push_back(std::mem::take(&mut self.filling));
            self.filled = 0;
        }
    }

    /// Whether the round has room for so many more bytes.
    const fn has_room(&self, bytes: usize) -> bool {
        let most = if bytes < SMALL_BYTES {
            MOST_BYTES
        } else {
            ROUND_BYTES
        };
        bytes == 0 || self.filled == 0 || self.filled + bytes <= most
    }

    /// Chunks under way go on, oldest first. Returns whether the round is too full for some.
    fn resume(&mut self, actions: &mut Vec<Action>) -> bool {
        let mut waiting = VecDeque::new();
        while let Some(run) = self.resumable.pop_front() {
            let cost = run.template.stage_bytes(run.stage, run.lanes, run.rows);
            if !self.has_room(cost) {
                waiting.push_back(run);
                continue;
            }
            self.filled += cost;
            actions.push(Action::Run(run.clone()));
            if run.is_last() {
                self.active_bytes -= run.memory;
                self.free_slots.push(run.slot);
                self.chunk_done(run.value, actions);
            } else {
                let stage = run.stage + 1;
                self.filling.push(Run { stage, ..run });
            }
        }
        self.resumable = waiting;
        !self.resumable.is_empty()
    }

    /// Everything short that sends nothing and has its operands.
    fn run_local(&mut self, actions: &mut Vec<Action>) {
        while let Some(value) = self.local.pop_first() {
            self.run_at_once(value, actions);
        }
    }

    /// Runs a gate that sends nothing.
    fn run_at_once(&mut self, value: ValueId, actions: &mut Vec<Action>) {
        let layout = self.layout.clone();
        match layout.circuit().gate(value) {
            Gate::Input(_) | Gate::Constant(_) | Gate::Public(_) => {
                actions.push(Action::Load(value));
            }
            gate if gate.is_move() => actions.push(Action::Move(value)),
            _ => {
                let slot = self.take_slot();
                if let Some(lowered) = layout.lowered(value, 0) {
                    actions.push(Action::Run(Run {
                        value,
                        chunk: 0,
                        stage: 0,
                        slot,
                        start: 0,
                        lanes: layout.lanes(value),
                        memory: layout.memory(value, lowered, layout.lanes(value)),
                        rows: layout.rows(value),
                        row: 0,
                        shape: lowered.shape,
                        template: lowered.template.clone(),
                    }));
                }
                self.free_slots.push(slot);
            }
        }
        self.value_done(value, actions);
    }

    /// New chunks start, short operations and then the oldest first, while there is room. Returns whether the round is
    /// too full for one.
    fn start(&mut self, actions: &mut Vec<Action>) -> bool {
        while let Some((_, value)) = self.ready.first().copied() {
            let Some(mut progress) = self.progress.get(&value).copied() else {
                self.ready.pop_first();
                self.run_at_once(value, actions);
                self.run_local(actions);
                continue;
            };
            let chunk = progress.next;
            let partition = progress.partition + chunk;
            let Some(lowered) = self.layout.lowered(value, partition) else {
                self.ready.pop_first();
                continue;
            };
            let (row, start, lanes) = progress.cut.chunk(chunk);
            let rows = self.layout.circuit().form(value).len;
            let run = Run {
                rows: match progress.shape {
                    Shape::Whole => self.layout.rows(value),
                    Shape::Rows => lanes * rows / progress.lanes.max(1),
                    Shape::Lanes | Shape::Partial => 1,
                },
                row,
                value,
                chunk,
                stage: 0,
                slot: 0,
                start,
                lanes,
                memory: self.layout.memory(value, lowered, lanes),
                shape: progress.shape,
                template: lowered.template.clone(),
            };
            let cost = run.template.stage_bytes(0, run.lanes, run.rows);
            let memory = run.memory;
            if !self.has_room(cost) {
                return true;
            }
            if self.active_bytes > 0 && self.active_bytes + memory > TASK_BYTES {
                return false;
            }
            self.filled += cost;
            self.active_bytes += memory;
            let slot = self.take_slot();
            let run = Run { slot, ..run };
            actions.push(Action::Run(run.clone()));
            self.filling.push(Run { stage: 1, ..run });
            progress.next += 1;
            if progress.next == progress.chunks {
                self.ready.pop_first();
            }
            self.progress.insert(value, progress);
        }
        false
    }

    fn take_slot(&mut self) -> usize {
        self.free_slots.pop().unwrap_or_else(|| {
            self.slots += 1;
            self.slots - 1
        })
    }

    fn chunk_done(&mut self, value: ValueId, actions: &mut Vec<Action>) {
        let Some(progress) = self.progress.get_mut(&value) else {
            return;
        };
        progress.left -= 1;
        if progress.left == 0 {
            self.progress.remove(&value);
            self.value_done(value, actions);
        }
    }

    /// A value is there: its operands may be free, its users may be ready.
    fn value_done(&mut self, value: ValueId, actions: &mut Vec<Action>) {
        let layout = self.layout.clone();
        for operand in layout.circuit().gate(value).operands() {
            self.readers[operand.index()] -= 1;
            if self.readers[operand.index()] == 0 {
                actions.push(Action::Free(operand));
            }
        }
        for user in layout.users(value) {
            self.missing[user.index()] -= 1;
            if self.missing[user.index()] == 0 {
                self.value_ready(*user);
            }
        }
    }

    /// Sorts a value whose operands are there by whether it sends anything.
    fn value_ready(&mut self, value: ValueId) {
        let lowered = self.layout.lowered(value, 0);
        let Some(lowered) = lowered.filter(|lowered| lowered.template.rounds() > 0) else {
            // What is long waits until those before it have begun, so that it is not held for long.
            let form = self.layout.circuit().form(value);
            let makes = Domain::of(form.kind).memory_bytes(form.len);
            if makes >= SMALL_BYTES {
                self.ready.insert((true, value));
            } else {
                self.local.insert(value);
            }
            return;
        };
        let lanes = self.layout.lanes(value);
        let (shape, cut) = self.layout.cut(value, lowered, lanes);
        let chunks = cut.chunks();
        let progress = Progress {
            partition: self.divided,
            next: 0,
            chunks,
            left: chunks,
            lanes,
            shape,
            cut,
        };
        if lowered.divides {
            self.divided += chunks;
        }
        let rows = self.layout.circuit().form(value).len;
        let is_long = lowered.template.stage_bytes(0, lanes, rows) >= SMALL_BYTES;
        self.progress.insert(value, progress);
        self.ready.insert((is_long, value));
    }
}
