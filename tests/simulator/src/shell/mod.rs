//! What a node's shell has under way, as far as it is not ordering: sessions, and what they need.
//!
//! `sessions.rs`: attempts from the preparation to what they leave. `exchange.rs`: their frames on
//! the network. `supplies.rs`: seeds of inputs and parts of lots, from the disk or from peers.
//! `epochs.rs`: what changes with the key epoch.

mod epochs;
mod exchange;
mod sessions;
mod supplies;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use alloy_primitives::B256;
use mpc_engine::{Session, Task, Transcript};
use zk_contract_runtime::Slice;

use crate::{Event, Sim};

/// Job and attempt.
pub(crate) type SessionId = (B256, u32);

/// How often a shell looks what there is to do, in milliseconds.
const GLANCE_MS: u64 = 100;

/// What a node has in memory.
#[derive(Default)]
pub(crate) struct Shell {
    sessions: BTreeMap<B256, Current>,
    /// What ended sessions said.
    ended: VecDeque<(SessionId, Transcript)>,
    /// Disputes about sessions that have not ended here.
    disputes: BTreeMap<SessionId, Dispute>,
    /// Frames of sessions that have not begun here: sender, round, frame.
    early: BTreeMap<SessionId, Vec<(usize, u32, Frame)>>,
    /// Inputs whose seeds are asked for, with what has come.
    seeds: BTreeMap<B256, [Option<[u8; 32]>; 4]>,
    /// Inputs whose components are asked for, likewise.
    shares: BTreeMap<B256, epochs::Held>,
    /// Components of lots that are asked for.
    pieces: BTreeSet<(u64, u8)>,
    /// Since when it takes stock.
    stocking_ms: Option<u64>,
    glancing: bool,
}

struct Current {
    attempt: u32,
    state: State,
}

enum State {
    /// It waits for what it needs.
    Supplying,
    /// It waits for the others.
    Prepared {
        nonce: B256,
        task: Box<Task>,
    },
    Running(Box<Run>),
}

/// A frame of a session on its way.
#[derive(Debug)]
pub struct Frame {
    bytes: Vec<u8>,
    /// Whether it is not what an honest sender would have sent.
    altered: bool,
}

/// A session that runs.
struct Run {
    session: Option<Session>,
    transcript: Transcript,
    live: [bool; 4],
    /// The lot that it makes.
    lot: Option<u64>,
    /// The key epoch for which it shares inputs anew.
    epoch: Option<u64>,
    sent: u32,
    received: u32,
    frames: BTreeMap<(u32, usize), Frame>,
    /// Since when it waits for the next round.
    since_ms: u64,
    /// When each peer last showed that it is alive.
    heard_ms: [u64; 4],
}

/// Round, sender, backup and receiver of a stream.
#[derive(Clone, Copy)]
struct Dispute([u8; 3], u32);

/// What no session of an honest node ever uses a second time.
#[derive(Default)]
pub(crate) struct Ledger {
    /// Nonces by node, job and attempt.
    sessions: BTreeMap<(usize, B256, u32), B256>,
    /// Parts of lots, and the session that used them, by node.
    slices: Vec<(usize, Slice, SessionId)>,
}

impl Sim {
    /// Sees to it that a shell looks what there is to do, before long.
    fn glance_soon(&mut self, node: usize) {
        let shell = &mut self.machines[node].shell;
        if !shell.glancing {
            shell.glancing = true;
            let life = self.machines[node].life;
            self.at(GLANCE_MS, Event::Glance { node, life });
        }
    }

    pub(crate) fn glance(&mut self, node: usize) {
        self.machines[node].shell.glancing = false;
        let supplying = self.machines[node].shell.sessions.iter();
        let supplying: Vec<_> = supplying
            .filter(|(_, current)| matches!(current.state, State::Supplying))
            .map(|(job, current)| (*job, current.attempt))
            .collect();
        for id in supplying {
            self.try_prepare(node, id);
        }
        self.check_patience(node);
        self.ask_peers(node);
        self.check_stock(node);
        let shell = &self.machines[node].shell;
        let idle = shell.sessions.is_empty()
            && shell.seeds.is_empty()
            && shell.shares.is_empty()
            && shell.pieces.is_empty()
            && shell.stocking_ms.is_none();
        if !idle {
            self.glance_soon(node);
        }
    }
}
