//! What running a program costs, known before anything runs.

use std::{collections::VecDeque, sync::Arc};

use crate::{
    ValueId,
    circuit::{Circuit, Gate},
    frame::frame_bytes,
    program::Form,
    roles::{Links, Parties, Roles},
    schedule::{Action, Layout, Run, Schedule},
    session::{SPARE_ROUNDS, setup_frame_bytes},
    template::{Mode, VECTOR_OVERHEAD},
    vector::Domain,
};

/// The cost of a program. It depends on the program alone, never on secrets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Rounds in all, those that set up the session's keys included: frames on each link.
    pub rounds: usize,
    /// How many times in a row a party waits for its peers, set-up included: what the network's delay
    /// multiplies. Fewer than the rounds where some are sent ahead of others.
    pub latency: usize,
    /// Bytes on each directed link, frames' headers and digests included: `[from][to]`.
    pub link_bytes: [[u64; 4]; 4],
    /// Bytes of values alone, without headers, digests and second copies, over all links, set-up
    /// excluded.
    pub value_bytes: u64,
    /// Bytes of the largest frame.
    pub largest_frame: usize,
    /// Upper estimate of one party's memory for shares, for the frames that it sends and gets in the
    /// rounds that are outstanding, and for copies of what it sent lately, in bytes. Beside it a session may keep up to 64 MiB, or as
    /// much as its shares take, that it used before.
    pub memory_bytes: u64,
}

impl Plan {
    pub(crate) fn of(layout: &Arc<Layout>) -> Self {
        let circuit = layout.circuit();
        let mut meter = Meter::new(Parties::without(layout.mode().absent()));
        let mut memory = Memory::new(layout);
        let mut schedule = Schedule::new(layout.clone());
        let mut actions = schedule.begin();
        loop {
            for action in &actions {
                memory.note(circuit, action);
                match action {
                    Action::Run(run) => meter.run(run),
                    Action::Open => meter.open(circuit),
                    Action::Send => memory.hold(meter.send()),
                    Action::Load(_) | Action::Move(_) | Action::Free(_) => {}
                }
            }
            memory.held -= meter.receive();
            actions = schedule.received();
            if schedule.is_done() {
                break;
            }
        }
        Self {
            rounds: meter.rounds,
            latency: meter.depth,
            link_bytes: meter.links,
            value_bytes: meter.values,
            largest_frame: meter.largest,
            memory_bytes: memory.most,
        }
    }

    /// Bytes that one party sends.
    #[must_use]
    pub fn sent_by(&self, party: usize) -> u64 {
        self.link_bytes
            .get(party)
            .map_or(0, |links| links.iter().sum())
    }
}

impl std::fmt::Display for Plan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let sent: u64 = self.link_bytes.iter().flatten().sum();
        write!(
            f,
            "{} rounds ({} in a row), {sent} bytes between all nodes ({} of them values), frames of \
             at most {} bytes, {} bytes of memory at each node",
            self.rounds, self.latency, self.value_bytes, self.largest_frame, self.memory_bytes
        )
    }
}

/// Counts what crosses, message by message, as the parties send it.
struct Meter {
    parties: Parties,
    carried: Links,
    rounds: usize,
    /// Receipts in a row on which the next round depends.
    depth: usize,
    /// The same for the rounds that are outstanding, and the bytes of their frames at one party.
    outstanding: VecDeque<(usize, u64)>,
    links: [[u64; 4]; 4],
    values: u64,
    largest: usize,
    /// Of the rounds of which a party has copies, oldest first: how many had been received when it
    /// was sent, and bytes of the copies.
    copied: VecDeque<(usize, u64)>,
    /// Rounds that came before those.
    forgotten: usize,
    /// Rounds that have been received.
    received: usize,
    /// Bytes of this round's streams, by sender, receiver and backup.
    streams: [[[u64; 4]; 4]; 4],
}

impl Meter {
    fn new(parties: Parties) -> Self {
        let setup = setup_frame_bytes(parties.live().count());
        let mut links = [[0; 4]; 4];
        for from in parties.live() {
            for to in parties.peers(from) {
                links[from][to] = setup.iter().sum::<usize>() as u64;
            }
        }
        Self {
            parties,
            carried: Links::of(parties),
            rounds: setup.len(),
            depth: setup.len(),
            outstanding: VecDeque::new(),
            links,
            values: 0,
            largest: setup.into_iter().max().unwrap_or(0),
            copied: VecDeque::new(),
            forgotten: 0,
            received: 0,
            streams: [[[0; 4]; 4]; 4],
        }
    }

    fn message(&mut self, roles: Roles, bytes: usize) {
        self.values += bytes as u64;
        self.streams[roles.sender][roles.receiver][roles.backup] += bytes as u64;
    }

    fn run(&mut self, run: &Run) {
        for message in &run.template.stages[run.stage].messages {
            let bytes = message.bytes(run.lanes, run.rows);
            for route in 0..message.routes.elements() {
                let roles = message.routes.assign(route, &mut self.carried, bytes);
                self.message(roles, bytes);
            }
        }
    }

    fn open(&mut self, circuit: &Circuit) {
        for value in circuit.revealed() {
            let form = circuit.form(*value);
            let bytes = Domain::of(form.kind).wire_bytes(form.len);
            for receiver in self.parties.live() {
                let roles = self.carried.open(receiver, bytes);
                self.message(roles, bytes);
            }
        }
    }

    /// The oldest outstanding round is received: what is sent now depends on it. Returns the bytes of
    /// its frames at one party, and of copies that it forgets; the memory of some serves again.
    fn receive(&mut self) -> u64 {
        let (depth, mut bytes) = self.outstanding.pop_front().unwrap_or((self.depth, 0));
        self.depth = depth;
        let round = self.copied.get(self.received - self.forgotten);
        let verified = round.map_or(0, |(verified, _)| *verified);
        while self.forgotten + SPARE_ROUNDS < verified {
            bytes += self.copied.pop_front().map_or(0, |(_, bytes)| bytes);
            self.forgotten += 1;
        }
        self.received += 1;
        bytes
    }

    /// Closes a round. Returns the bytes of its frames at the party that has most, those that it
    /// sends and those that it gets, and of the copies of what a party sends and vouches for.
    fn send(&mut self) -> u64 {
        let mut at_party = [0; 4];
        self.rounds += 1;
        for from in self.parties.live() {
            for to in self.parties.peers(from) {
                let bytes = frame_bytes(&self.streams, from, to);
                self.links[from][to] += bytes;
                self.largest = self.largest.max(bytes as usize);
                at_party[from] += bytes;
                at_party[to] += bytes;
            }
        }
        // Three parties send in many pieces, so that buffers grow to at most twice what they hold.
        let grown = if self.parties.live().count() == 4 {
            1
        } else {
            2
        };
        let copies = (0..4).map(|party| self.said_by(party)).max().unwrap_or(0);
        let copies = grown * copies;
        self.copied.push_back((self.received, copies));
        self.streams = [[[0; 4]; 4]; 4];
        let most = grown * at_party.into_iter().max().unwrap_or(0);
        self.outstanding.push_back((self.depth + 1, most));
        most + copies
    }

    /// Bytes of this round's streams that a party sends or vouches for.
    fn said_by(&self, party: usize) -> u64 {
        let sent = self.streams[party].as_flattened().iter();
        let vouched = self.streams.as_flattened().iter().map(|by| &by[party]);
        sent.chain(vouched).sum()
    }
}

/// Follows how much one party holds.
pub(crate) struct Memory {
    mode: Mode,
    values: Vec<u64>,
    pub(crate) held: u64,
    most: u64,
}

impl Memory {
    pub(crate) fn new(layout: &Layout) -> Self {
        let circuit = layout.circuit();
        let share = |form: &Form| {
            3 * (Domain::of(form.kind).memory_bytes(form.len) + VECTOR_OVERHEAD) as u64
        };
        let columns: u64 = circuit.columns().iter().map(share).sum();
        // The order of the last shuffle is kept.
        let order = |gate: &Gate| match gate {
            Gate::Shuffle { len, .. } => ORDER_BYTES * *len as u64,
            _ => 0,
        };
        // What is taken of the reserve is held to the end, in vectors whose sizes are rounded up by at
        // most a quarter.
        let reserve = 3 * layout.reserve_need().component_bytes() as u64 / 4 * 5;
        let held = columns + reserve + circuit.gates().iter().map(order).max().unwrap_or(0);
        Self {
            mode: layout.mode(),
            values: circuit.forms().iter().map(share).collect(),
            held,
            most: held,
        }
    }

    pub(crate) fn note(&mut self, circuit: &Circuit, action: &Action) {
        let mode = self.mode;
        let registers = |run: &Run| run.memory as u64 + order_bytes(mode, circuit, run.value);
        match action {
            // Inputs are held from the beginning, constants as one element.
            Action::Load(_) | Action::Open | Action::Send => {}
            Action::Move(value) => self.hold(self.values[value.index()]),
            Action::Run(run) => {
                let rounds = run.template.rounds();
                if run.stage == 0 {
                    self.hold(registers(run));
                    if run.chunk == 0 {
                        self.hold(self.values[run.value.index()]);
                    }
                }
                if run.stage == rounds {
                    self.held -= registers(run);
                }
            }
            Action::Free(value) => {
                if !matches!(circuit.gate(*value), Gate::Constant(_) | Gate::Public(_)) {
                    self.held = self.held.saturating_sub(self.values[value.index()]);
                }
            }
        }
    }

    fn hold(&mut self, bytes: u64) {
        self.held += bytes;
        self.most = self.most.max(self.held);
    }
}

/// Bytes of one element of an order.
const ORDER_BYTES: u64 = size_of::<u32>() as u64;

/// What rearranging the elements of a value takes beside registers, in bytes: the order and its inverse
/// or the places; if there are several planes, some of them; and two vectors of a pass, masks and
/// a component that is rearranged but not masked yet.
fn order_bytes(mode: Mode, circuit: &Circuit, value: ValueId) -> u64 {
    let form = circuit.form(value);
    let (len, vectors) = match circuit.gate(value) {
        Gate::Shuffle { len, .. } => (*len, 2),
        Gate::Permute { places, .. } => (circuit.form(*places).len, 0),
        _ => return 0,
    };
    let planes = if form.len > len { 32 } else { 0 };
    let vectors = vectors * Domain::of(form.kind).memory_bytes(form.len) as u64;
    // With three parties, switches are found on four more vectors of the length of an order.
    let orders = if mode == Mode::Normal { 2 } else { 6 };
    (orders * ORDER_BYTES + planes) * len as u64 + vectors
}
