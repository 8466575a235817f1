//! Four nodes on a virtual clock and a seeded network, in one thread. The same seed gives the same
//! run, to the byte.

#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::panic,
    missing_docs
)]

pub mod byzantine;
#[path = "../../../../zk-contract-runtime/src/tests/contract.rs"]
pub mod contract; // the tests of the runtime and these share one
mod effects;
mod network;
pub mod users;

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, Bytes, Keccak256};
use k256::ecdsa::SigningKey;
use ordering::{Config, Input, Ordering};
use rand::{Rng as _, RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha20Rng;
use wire::{
    committee::{Committee, L1, Node},
    consensus::{DecidedBlock, VoteKind},
    peer::PeerMessage,
    sealed::SealKey,
    signing,
};
use zk_contract_runtime::Runtime;

use self::{byzantine::Byzantine, users::Users};

pub const CHAIN_ID: u64 = 77;
pub const GENESIS_MS: u64 = 1_700_000_000_000;

/// The seed of a random test: `QUARTET_SEED`, or one that is printed.
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

/// A network that does as it likes.
#[derive(Clone, Copy, Debug)]
pub struct Network {
    /// Shortest and longest way of a message, in milliseconds.
    pub latency_ms: (u64, u64),
    /// Share of messages that are lost.
    pub loss: f64,
}

pub const CALM: Network = Network {
    latency_ms: (1, 3),
    loss: 0.0,
};

/// What happens at a time.
enum Event {
    Wake {
        node: usize,
        at_ms: u64,
    },
    Deliver {
        from: usize,
        to: usize,
        bytes: Vec<u8>,
    },
    Input {
        node: usize,
        input: Box<Input>,
        life: u32,
    },
    Links {
        a: usize,
        b: usize,
        up: bool,
    },
    Users,
    Junk,
}

/// A node with what it has on disk.
pub struct Machine {
    pub ordering: Option<Ordering>,
    pub blocks: Vec<DecidedBlock>,
    pub wal: Vec<Bytes>,
    /// Its clock minus the true one, in milliseconds.
    pub skew_ms: i64,
    /// Counts its starts, so that what was meant for an earlier life does not reach it.
    life: u32,
    wake_ms: Option<u64>,
    /// It is to be killed in the middle of what it does next.
    doomed: bool,
    pub starts: u32,
    pub sessions: Vec<(B256, u32)>,
}

/// Height, round and kind (proposal or one of the votes) of something signed.
type Slot = (usize, u64, u32, Option<VoteKind>);

pub struct Sim {
    pub seed: u64,
    pub rng: ChaCha20Rng,
    pub now_ms: u64,
    events: BTreeMap<(u64, u64), Event>,
    sequence: u64,
    pub machines: [Machine; 4],
    pub committee: Committee,
    pub keys: [SigningKey; 4],
    pub network: Network,
    /// Whether messages get from one node to another.
    pub passes: [[bool; 4]; 4],
    /// Whether two nodes are connected, as they see it.
    connected: [[bool; 4]; 4],
    pub users: Users,
    pub byzantine: Option<Byzantine>,
    /// What each honest node signed; a second, different thing in one slot is a failure.
    signed: BTreeMap<Slot, (Option<B256>, Option<u32>)>,
    /// The one chain: hash, state root and time by number.
    pub chain: Vec<(B256, Option<B256>, u64)>,
    pub messages: u64,
    pub suspicions: BTreeMap<String, u64>,
    trace: Keccak256,
    /// Adjusts each node's configuration.
    pub adjust: fn(&mut Config),
    /// Which messages the network carries at all: sender, receiver, message.
    pub filter: fn(usize, usize, &PeerMessage) -> bool,
    /// A node to which no user turns.
    pub shunned: Option<usize>,
    /// Share of seals that take node 1 a while to open.
    pub slow_seals: f64,
    pub opened: fn(&Sim, B256, &zk_contract_runtime::Job) -> Bytes,
    /// In attempt 0, node 3 breaks off at node 0 alone, when the others have all they need, and
    /// says nothing in the log.
    pub split_attempt: bool,
}

pub fn key(kind: u8, number: u8) -> SigningKey {
    let mut bytes = [kind; 32];
    bytes[31] = number;
    SigningKey::from_slice(&bytes).unwrap()
}

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
        l1: L1 {
            chain_id: 1,
            verifier: Address::repeat_byte(0x77),
        },
        nodes: [0, 1, 2, 3].map(node),
    }
}

impl Sim {
    pub fn new(seed: u64, network: Network) -> Self {
        let machine = || Machine {
            ordering: None,
            blocks: Vec::new(),
            wal: Vec::new(),
            skew_ms: 0,
            life: 0,
            wake_ms: None,
            doomed: false,
            starts: 0,
            sessions: Vec::new(),
        };
        let mut sim = Self {
            seed,
            rng: ChaCha20Rng::seed_from_u64(seed),
            now_ms: GENESIS_MS + 1_000,
            events: BTreeMap::new(),
            sequence: 0,
            machines: std::array::from_fn(|_| machine()),
            committee: committee(),
            keys: [0, 1, 2, 3].map(|number| key(0x11, number)),
            network,
            passes: [[true; 4]; 4],
            connected: [[false; 4]; 4],
            users: Users::default(),
            byzantine: None,
            signed: BTreeMap::new(),
            chain: Vec::new(),
            messages: 0,
            suspicions: BTreeMap::new(),
            trace: Keccak256::new(),
            adjust: |_| {},
            filter: |_, _, _| true,
            shunned: None,
            slow_seals: 0.5,
            opened: |_, _, _| Bytes::new(),
            split_attempt: false,
        };
        sim.at(10, Event::Users);
        sim
    }

    fn at(&mut self, in_ms: u64, event: Event) {
        self.sequence += 1;
        self.events
            .insert((self.now_ms + in_ms, self.sequence), event);
    }

    pub fn start_all(&mut self) {
        (0..4).for_each(|node| self.start(node));
    }

    pub fn is_up(&self, node: usize) -> bool {
        self.machines[node].ordering.is_some()
    }

    pub fn up(&self) -> impl Iterator<Item = usize> {
        (0..4).filter(|&node| self.is_up(node))
    }

    pub fn runtime(&self, node: usize) -> &Runtime {
        self.machines[node].ordering.as_ref().unwrap().runtime()
    }

    fn clock(&self, node: usize) -> u64 {
        self.now_ms
            .saturating_add_signed(self.machines[node].skew_ms)
    }

    /// Starts a node from its disk.
    pub fn start(&mut self, node: usize) {
        assert!(!self.is_up(node));
        let mut runtime = Runtime::new(self.committee.clone());
        for block in &self.machines[node].blocks {
            Ordering::replay(&mut runtime, block).unwrap();
        }
        let me = u8::try_from(node).unwrap();
        let mut config = Config::new(self.committee.clone(), me, self.keys[node].clone());
        (self.adjust)(&mut config);
        let (wal, now_ms) = (self.machines[node].wal.clone(), self.clock(node));
        let started = Ordering::new(config, runtime, wal, now_ms);
        let (ordering, effects) =
            started.unwrap_or_else(|error| panic!("seed {}: node {node}: {error}", self.seed));
        let machine = &mut self.machines[node];
        machine.ordering = Some(ordering);
        machine.life += 1;
        machine.starts += 1;
        machine.wake_ms = None;
        self.perform(node, effects);
        for peer in (0..4).filter(|&peer| peer != node) {
            if self.is_up(peer) {
                self.at(
                    2,
                    Event::Links {
                        a: node,
                        b: peer,
                        up: true,
                    },
                );
            }
        }
    }

    /// Kills a node in the middle of what it does next.
    pub fn doom(&mut self, node: usize) {
        self.machines[node].doomed = true;
    }

    pub fn kill(&mut self, node: usize) {
        let machine = &mut self.machines[node];
        machine.ordering = None;
        machine.life += 1;
        machine.doomed = false;
        for peer in (0..4).filter(|&peer| peer != node) {
            self.at(
                1,
                Event::Links {
                    a: node,
                    b: peer,
                    up: false,
                },
            );
        }
    }

    /// Runs until it is done, or fails after a time.
    pub fn run(&mut self, limit_ms: u64, what: &str, done: impl Fn(&Self) -> bool) {
        let end_ms = self.now_ms + limit_ms;
        while !done(self) {
            assert!(
                self.now_ms <= end_ms,
                "seed {}: {what}: not done after {limit_ms} ms; heads {:?}, users {:?}",
                self.seed,
                self.up()
                    .map(|n| self.runtime(n).head().number)
                    .collect::<Vec<_>>(),
                self.users.progress(),
            );
            self.next();
        }
    }

    /// Runs for a time.
    pub fn pass(&mut self, for_ms: u64) {
        let end_ms = self.now_ms + for_ms;
        while self
            .events
            .first_key_value()
            .is_some_and(|((at_ms, _), _)| *at_ms <= end_ms)
        {
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
                let from = u8::try_from(from).unwrap();
                self.step(to, Input::Peer { from, message });
            }
            Event::Input { node, input, life } => {
                if self.machines[node].life == life {
                    self.step(node, *input);
                }
            }
            Event::Links { a, b, up } => self.on_links(a, b, up),
            Event::Users => {
                self.act_users();
                self.at(10, Event::Users);
            }
            Event::Junk => {
                self.send_junk();
                self.at(40, Event::Junk);
            }
        }
    }

    pub fn begin_junk(&mut self) {
        self.at(40, Event::Junk);
    }

    /// The highest of the heads.
    pub fn head(&self) -> u64 {
        self.up()
            .map(|node| self.runtime(node).head().number)
            .max()
            .unwrap_or(0)
    }

    /// Whether all nodes that are up (but one that is corrupt) have the same head.
    pub fn agrees(&self) -> bool {
        let corrupt = self.byzantine.as_ref().map(|byzantine| byzantine.node);
        let honest = self.up().filter(|node| Some(*node) != corrupt);
        let mut heads = honest.map(|node| *self.runtime(node).head());
        let first = heads.next();
        heads.all(|head| Some(head) == first)
    }

    /// Names the whole run.
    pub fn fingerprint(&self) -> B256 {
        self.trace.clone().finalize()
    }

    pub fn random_up(&mut self) -> Option<usize> {
        let corrupt = self.byzantine.as_ref().map(|byzantine| byzantine.node);
        let up: Vec<_> = self
            .up()
            .filter(|node| Some(*node) != corrupt && Some(*node) != self.shunned)
            .collect();
        (!up.is_empty()).then(|| up[self.rng.random_range(0..up.len())])
    }

    pub fn random_bytes(&mut self, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        self.rng.fill_bytes(&mut bytes);
        bytes
    }
}
