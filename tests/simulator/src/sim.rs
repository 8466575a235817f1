//! The four nodes, the clock, and what happens when.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{Address, B256, Bytes, Keccak256};
use k256::ecdsa::SigningKey;
use ordering::{Config, Input, Ordering};
use poll::{CHAIN_ID, GENESIS_MS};
use rand::{Rng as _, RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha20Rng;
use wire::{
    attestation::Attestation,
    codec,
    committee::{Committee, L1, Node},
    consensus::{DecidedBlock, VoteKind},
    limits::PEER_FRAME_BYTES,
    peer::PeerMessage,
    sealed::SealKey,
    signing,
};
use zk_contract_runtime::{Amounts, Event as Happened, Runtime};

use crate::{
    Corrupt, Disk, Fault, Network, Users, Violation,
    rogues::Rogues,
    shell::{Frame, Ledger, Shell},
};

/// The seed of a random test: `QUARTET_SEED`, or one that is printed.
#[must_use]
pub fn seed() -> u64 {
    let given = std::env::var("QUARTET_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok());
    let seed = given.unwrap_or_else(|| {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        u64::from(now.unwrap().subsec_nanos())
    });
    println!("QUARTET_SEED={seed}");
    seed
}

/// Lots that are made in no time: enough for a few tallies.
const LOT: Amounts = Amounts {
    bits: 4_096,
    r64: 512,
    r128: 64,
    seeds: 8,
};
/// How many of them are kept.
const RESERVE_LOTS: u32 = 2;

/// What happens at a time.
#[derive(Debug)]
pub enum Event {
    /// The time that a node asked to be told of.
    Wake {
        /// The node.
        node: usize,
        /// Which time it asked for, by its clock.
        at_ms: u64,
    },
    /// A message arrives.
    Deliver {
        /// The sender.
        from: usize,
        /// The receiver.
        to: usize,
        /// The encoded message.
        bytes: Vec<u8>,
    },
    /// Something else happens at a node.
    Input {
        /// The node.
        node: usize,
        /// What.
        input: Box<Input>,
        /// The life of the node for which it is meant.
        life: u32,
    },
    /// Two nodes notice whether they are connected.
    Links {
        /// One.
        a: usize,
        /// The other.
        b: usize,
        /// Whether they could be.
        up: bool,
    },
    /// A frame of a session arrives.
    Frame {
        /// The sender.
        from: usize,
        /// The receiver.
        to: usize,
        /// Job and attempt.
        id: (B256, u32),
        /// Number of the round.
        round: u32,
        /// The frame.
        frame: Frame,
        /// The lives of sender and receiver between which the connection is.
        lives: [u32; 2],
    },
    /// A node's shell looks what there is to do.
    Glance {
        /// The node.
        node: usize,
        /// The life of the node for which it is meant.
        life: u32,
    },
    /// Users look what there is to do.
    Users,
    /// The corrupt node sends rubbish.
    Junk,
    /// A fault begins.
    Fault(Fault),
    /// A cut between nodes ends.
    Join(Vec<(usize, usize)>),
    /// A node that is down is started.
    Start(usize),
}

/// A node with what it has on disk.
#[derive(Default)]
pub struct Machine {
    /// Its part in the log; none while it is down.
    pub ordering: Option<Ordering>,
    /// What survives it.
    pub disk: Disk,
    /// The decided blocks of its disk.
    pub blocks: Vec<DecidedBlock>,
    /// Its clock minus the true one, in milliseconds.
    pub skew_ms: i64,
    /// Counts its starts and ends, so that what was meant for an earlier life does not reach it.
    pub(crate) life: u32,
    pub(crate) wake_ms: Option<u64>,
    /// It is to be killed in the middle of what it does next, and how long it stays down then.
    pub(crate) doomed: Option<u64>,
    /// An older copy of its disk.
    pub(crate) copy: Option<Disk>,
    /// Heights of which it may have forgotten what it signed, since its disk is an older copy.
    pub(crate) forgot_to: u64,
    /// What its shell has in memory.
    pub(crate) shell: Shell,
    /// How often it was started.
    pub starts: u32,
    /// Sessions that it ran: job and attempt.
    pub sessions: Vec<(B256, u32)>,
}

/// Node, height, round and kind (proposal or one of the votes) of something signed.
pub(crate) type Slot = (usize, u64, u32, Option<VoteKind>);

/// The whole world.
pub struct Sim {
    /// Where all that is random in it comes from.
    pub rng: ChaCha20Rng,
    /// The true time, in milliseconds since the Unix epoch.
    pub now_ms: u64,
    events: BTreeMap<(u64, u64), Event>,
    sequence: u64,
    /// The nodes.
    pub machines: [Machine; 4],
    /// Who they are.
    pub committee: Committee,
    /// Their signing keys.
    pub keys: [SigningKey; 4],
    /// The network between them.
    pub network: Network,
    /// Whether messages get from one node to another.
    pub passes: [[bool; 4]; 4],
    /// Whether two nodes are connected, as they see it.
    pub(crate) connected: [[bool; 4]; 4],
    /// Who sends transactions.
    pub users: Users,
    /// Who sends what does harm.
    pub(crate) rogues: Rogues,
    /// The node that lies, if one does.
    pub corrupt: Option<Corrupt>,
    /// What each honest node signed; a second, different thing in one slot is a failure.
    pub(crate) signed: BTreeMap<Slot, (Option<B256>, Option<u32>)>,
    /// The one chain: hash, state root and true time by number.
    pub chain: Vec<(B256, Option<B256>, u64)>,
    /// How many messages were sent.
    pub messages: u64,
    /// What nodes suspected each other of, and how often.
    pub suspicions: BTreeMap<String, u64>,
    trace: Keccak256,
    /// Whether everything that happens is printed.
    pub tracing: bool,
    /// Adjusts each node's configuration.
    pub adjust: fn(&mut Config),
    /// Which messages the network carries at all: sender, receiver, message.
    pub filter: fn(usize, usize, &PeerMessage) -> bool,
    /// A node to which no user turns.
    pub shunned: Option<usize>,
    /// Share of seals that take node 1 a while to open.
    pub slow_seals: f64,
    /// What sessions of honest nodes used.
    pub(crate) ledger: Ledger,
    /// The contract's code.
    pub code: Bytes,
    /// What a lot of the reserve has.
    pub lot: Amounts,
    /// How many key epochs are to end.
    pub refreshes: u64,
    /// What was certified, by computation.
    pub certified: BTreeMap<B256, Attestation>,
    /// Computations that have a certificate.
    pub ended: BTreeSet<B256>,
    /// Inputs that count.
    pub accepted: BTreeSet<B256>,
    /// What happened, and how often.
    pub seen: BTreeMap<&'static str, u64>,
    /// Number of the last block whose events are counted.
    pub(crate) counted: u64,
    /// The first promise that was broken: nothing happens any more.
    pub violation: Option<Violation>,
}

/// A signing key: nodes' are of kind `0x11`, users' of kind `0x55`.
#[must_use]
pub fn key(kind: u8, number: u8) -> SigningKey {
    let mut bytes = [kind; 32];
    bytes[31] = number;
    SigningKey::from_slice(&bytes).unwrap()
}

/// The four nodes.
#[must_use]
pub fn committee() -> Committee {
    let node = |number: u8| Node {
        address: signing::address(key(0x11, number).verifying_key()),
        public_key: Bytes::new(),
        seal_key: SealKey::from_bytes(&[0x20 + number; 32]).unwrap().public(),
        listen: String::new(),
    };
    Committee {
        chain_id: CHAIN_ID,
        epoch: 3,
        genesis_ms: GENESIS_MS,
        dev: true,
        reserve_lots: RESERVE_LOTS,
        refresh_ms: 0,
        l1: L1 {
            chain_id: 1,
            verifier: Address::repeat_byte(0x77),
        },
        nodes: [0, 1, 2, 3].map(node),
    }
}

impl Sim {
    /// Four nodes that are down, on empty disks.
    #[must_use]
    pub fn new(seed: u64, network: Network) -> Self {
        let mut sim = Self {
            rng: ChaCha20Rng::seed_from_u64(seed),
            now_ms: GENESIS_MS + 1_000,
            events: BTreeMap::new(),
            sequence: 0,
            machines: std::array::from_fn(|_| Machine::default()),
            committee: committee(),
            keys: [0, 1, 2, 3].map(|number| key(0x11, number)),
            network,
            passes: [[true; 4]; 4],
            connected: [[false; 4]; 4],
            users: Users::default(),
            rogues: Rogues::default(),
            corrupt: None,
            signed: BTreeMap::new(),
            chain: Vec::new(),
            messages: 0,
            suspicions: BTreeMap::new(),
            trace: Keccak256::new(),
            tracing: false,
            adjust: |_| {},
            filter: |_, _, _| true,
            shunned: None,
            slow_seals: 0.5,
            ledger: Ledger::default(),
            code: poll::poll_code(),
            lot: LOT,
            refreshes: 0,
            certified: BTreeMap::new(),
            ended: BTreeSet::new(),
            accepted: BTreeSet::new(),
            seen: BTreeMap::new(),
            counted: 0,
            violation: None,
        };
        sim.at(10, Event::Users);
        sim
    }

    pub(crate) fn at(&mut self, in_ms: u64, event: Event) {
        self.sequence += 1;
        self.events
            .insert((self.now_ms + in_ms, self.sequence), event);
    }

    /// Forgets the events that are not kept.
    pub(crate) fn retain(&mut self, keep: impl Fn(&Event) -> bool) {
        self.events.retain(|_, event| keep(event));
    }

    /// Starts all nodes.
    pub fn start_all(&mut self) {
        (0..4).for_each(|node| self.start(node));
    }

    /// Whether a node runs.
    #[must_use]
    pub fn is_up(&self, node: usize) -> bool {
        self.machines[node].ordering.is_some()
    }

    /// The nodes that run.
    pub fn up(&self) -> impl Iterator<Item = usize> {
        (0..4).filter(|&node| self.is_up(node))
    }

    /// Whether a node keeps to the rules.
    #[must_use]
    pub fn is_honest(&self, node: usize) -> bool {
        self.corrupt
            .as_ref()
            .is_none_or(|corrupt| corrupt.node != node && corrupt.accomplice != Some(node))
    }

    /// The honest nodes that run.
    pub fn honest(&self) -> impl Iterator<Item = usize> {
        self.up().filter(|&node| self.is_honest(node))
    }

    /// The state of a node that runs.
    #[must_use]
    pub fn runtime(&self, node: usize) -> &Runtime {
        self.machines[node].ordering.as_ref().unwrap().runtime()
    }

    pub(crate) fn clock(&self, node: usize) -> u64 {
        self.now_ms
            .saturating_add_signed(self.machines[node].skew_ms)
    }

    /// Starts a node from its disk.
    pub fn start(&mut self, node: usize) {
        assert!(!self.is_up(node));
        let machine = &mut self.machines[node];
        machine.blocks.clear();
        let mut runtime = Runtime::new(self.committee.clone()).with_lots_of(self.lot);
        let mut inputs = Vec::new();
        for record in machine.disk.blocks.recover() {
            let block: DecidedBlock = codec::decode("block", &record, PEER_FRAME_BYTES).unwrap();
            let applied = match Ordering::replay(&mut runtime, &block) {
                Ok(applied) => applied,
                Err(error) => {
                    let why = error.to_string();
                    return self.violate(Violation::NoStart { node, why });
                }
            };
            inputs.extend(applied.events.iter().filter_map(|event| match event {
                Happened::InputOrdered { id } => Some(*id),
                _ => None,
            }));
            machine.blocks.push(block);
        }
        let wal = machine.disk.wal.recover();
        let wal = wal.into_iter().map(Bytes::from).collect();
        let me = u8::try_from(node).unwrap();
        let mut config = Config::new(self.committee.clone(), me, self.keys[node].clone());
        (self.adjust)(&mut config);
        let (ordering, effects) = match Ordering::new(config, runtime, wal, self.clock(node)) {
            Ok(started) => started,
            // It has heard back what it signed as a liar: it forgets that.
            Err(_) if !self.is_honest(node) => {
                self.machines[node].disk.wal.clear();
                return self.start(node);
            }
            Err(error) => {
                let why = error.to_string();
                return self.violate(Violation::NoStart { node, why });
            }
        };
        self.note(|| {
            format!(
                "node {node} starts at height {}",
                ordering.runtime().head().number
            )
        });
        let machine = &mut self.machines[node];
        machine.ordering = Some(ordering);
        machine.life += 1;
        machine.starts += 1;
        machine.wake_ms = None;
        if self.runtime(node).sharing().epoch > 0 {
            self.erase_epochs(node);
        }
        // What an older copy of the disk lacks.
        for input in inputs {
            self.has_seeds(node, input);
        }
        self.perform(node, effects);
        for peer in (0..4).filter(|&peer| peer != node) {
            if self.is_up(peer) {
                let (a, b, up) = (node, peer, true);
                self.at(2, Event::Links { a, b, up });
            }
        }
    }

    /// Kills a node in the middle of what it does next; it stays down until it is started.
    pub fn doom(&mut self, node: usize) {
        self.machines[node].doomed = Some(u64::MAX);
    }

    /// Kills a node between two steps.
    pub fn kill(&mut self, node: usize) {
        self.note(|| format!("node {node} is killed"));
        let machine = &mut self.machines[node];
        machine.disk.cut(&mut self.rng);
        machine.ordering = None;
        machine.shell = Shell::default();
        machine.life += 1;
        let doomed = machine.doomed.take();
        if let Some(down_ms) = doomed.filter(|down_ms| *down_ms < u64::MAX) {
            self.at(down_ms, Event::Start(node));
        }
        for peer in (0..4).filter(|&peer| peer != node) {
            let (a, b, up) = (node, peer, false);
            self.at(1, Event::Links { a, b, up });
        }
    }

    /// Runs until it is done; whether it was within a time, and nothing was violated.
    pub fn reaches(&mut self, limit_ms: u64, done: impl Fn(&Self) -> bool) -> bool {
        let end_ms = self.now_ms + limit_ms;
        while self.violation.is_none() && self.now_ms <= end_ms {
            if done(self) {
                return true;
            }
            self.next();
        }
        false
    }

    /// The same, and fails if it does not come.
    pub fn run(&mut self, limit_ms: u64, what: &str, done: impl Fn(&Self) -> bool) {
        let reached = self.reaches(limit_ms, done);
        self.check_sound();
        assert!(
            reached,
            "{what}: not done after {limit_ms} ms; heads {:?}, users {:?}",
            self.heads(),
            self.users.progress(),
        );
    }

    /// Runs for a time.
    pub fn pass(&mut self, for_ms: u64) {
        self.go(for_ms);
        self.check_sound();
    }

    /// Fails if a promise was broken.
    pub fn check_sound(&self) {
        if let Some(violation) = &self.violation {
            panic!("{violation}");
        }
    }

    /// Runs for a time, or until a promise is broken.
    pub(crate) fn go(&mut self, for_ms: u64) {
        let end_ms = self.now_ms + for_ms;
        let due = |sim: &Self| {
            let next = sim.events.first_key_value();
            sim.violation.is_none() && next.is_some_and(|((at_ms, _), _)| *at_ms <= end_ms)
        };
        while due(self) {
            self.next();
        }
        self.now_ms = end_ms;
    }

    fn next(&mut self) {
        let ((at_ms, _), event) = self.events.pop_first().expect("something always comes");
        self.now_ms = at_ms;
        match event {
            Event::Wake { node, at_ms } => {
                if self.machines[node].wake_ms == Some(at_ms) {
                    self.machines[node].wake_ms = None;
                    self.step(node, Input::Tick);
                }
            }
            Event::Deliver { from, to, bytes } => {
                let message = PeerMessage::decode(&bytes).unwrap();
                if let Some(message) = self.hear(to, from, message) {
                    let from = u8::try_from(from).unwrap();
                    self.step(to, Input::Peer { from, message });
                }
            }
            Event::Input { node, input, life } => {
                if self.machines[node].life == life {
                    self.step(node, *input);
                }
            }
            Event::Frame {
                from,
                to,
                id,
                round,
                frame,
                lives,
            } => self.carry_frame((from, to), id, round, frame, lives),
            Event::Glance { node, life } => {
                if self.machines[node].life == life && self.is_up(node) {
                    self.glance(node);
                }
            }
            Event::Links { a, b, up } => self.on_links(a, b, up),
            Event::Users => {
                self.act_users();
                self.act_rogues();
                self.at(10, Event::Users);
            }
            Event::Junk => {
                self.send_junk();
                self.at(40, Event::Junk);
            }
            Event::Fault(fault) => self.strike(&fault),
            Event::Join(links) => self.join(&links),
            Event::Start(node) => {
                if !self.is_up(node) {
                    self.start(node);
                }
            }
        }
    }

    /// Notes the first promise that is broken, after which nothing happens any more.
    pub(crate) fn violate(&mut self, violation: Violation) {
        self.note(|| format!("VIOLATION: {violation}"));
        self.violation.get_or_insert(violation);
    }

    /// Takes the violation of a check.
    pub(crate) fn require(&mut self, checked: Result<(), Violation>) {
        if let Err(violation) = checked {
            self.violate(violation);
        }
    }

    /// Prints what happens, if that is wanted.
    pub(crate) fn note(&self, line: impl FnOnce() -> String) {
        if self.tracing {
            println!("{:>9} {}", self.now_ms - GENESIS_MS, line());
        }
    }

    /// What names the run takes this in.
    pub(crate) fn record(&mut self, bytes: &[u8]) {
        self.trace.update(bytes);
    }

    /// Numbers of the heads of the nodes that run.
    #[must_use]
    pub fn heads(&self) -> Vec<u64> {
        let number = |node| self.runtime(node).head().number;
        self.up().map(number).collect()
    }

    /// The highest of the heads.
    #[must_use]
    pub fn head(&self) -> u64 {
        self.heads().into_iter().max().unwrap_or(0)
    }

    /// Whether all honest nodes that run have the same head.
    #[must_use]
    pub fn agrees(&self) -> bool {
        let mut heads = self.honest().map(|node| *self.runtime(node).head());
        let first = heads.next();
        heads.all(|head| Some(head) == first)
    }

    /// Names the whole run.
    #[must_use]
    pub fn fingerprint(&self) -> B256 {
        self.trace.clone().finalize()
    }

    pub(crate) fn random_up(&mut self) -> Option<usize> {
        let up: Vec<_> = self
            .honest()
            .filter(|node| Some(*node) != self.shunned)
            .collect();
        (!up.is_empty()).then(|| up[self.rng.random_range(0..up.len())])
    }

    pub(crate) fn random_bytes(&mut self, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        self.rng.fill_bytes(&mut bytes);
        bytes
    }
}
