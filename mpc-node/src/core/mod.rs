//! The one thread that owns this node's part in the log.
//!
//! It takes what happens (peers, users, seeds, sessions, time), gives it to
//! [`ordering::Ordering`], and performs the effects strictly in order (`effects`; `sessions` and
//! `stock` for those of jobs and of the reserve): what must be on disk is fsynced before the next
//! effect is performed. It has a thread of its own since it runs contracts and waits for the disk.
//!
//! JSON-RPC reads the same state under a lock. Whoever writes goes first, calls are bounded in
//! number and fuel, and everything that waits is taken in one go, so readers can slow this thread
//! down by at most one bounded call for each round of messages, and never stop it.

mod effects;
pub(crate) mod epochs;
mod sessions;
mod stock;

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, RwLock, RwLockReadGuard},
};

use alloy_primitives::{B256, Bytes};
use ordering::{Effect, Input, Ordering, Refusal};
use tokio::{
    runtime::Handle,
    sync::{mpsc, oneshot, watch},
};
use tokio_util::sync::CancellationToken;
use wire::{limits::NODES, peer::PeerMessage};

use crate::{
    NodeError,
    clock::Clock,
    filter::FrameFilter,
    lots::{self, LotKeeper},
    metrics::Metrics,
    network::{Inbound, Inlets, Network, NetworkEvent},
    seeds::{Order, SeedKeeper, Verdict},
    session::{Report, Workers},
    shares::{self, ShareKeeper},
    storage::{block_log::BlockLog, derived::Derived, epochs::EpochKeys, lots::Piece, wal::Wal},
    transport::sessions::SessionId,
};
use sessions::Sessions;

/// Inputs taken in one go.
const AT_ONCE: usize = 64;

/// What RPC asks of the core.
#[derive(Debug)]
pub enum Command {
    /// A user's transaction.
    Submit {
        /// The envelope.
        raw: Bytes,
        /// Where the answer goes.
        answer: oneshot::Sender<Result<B256, Refusal>>,
    },
    /// Time is to move forward; development only.
    AdvanceTime {
        /// Names the request.
        request: B256,
        /// By how much, in milliseconds.
        by_ms: u64,
    },
}

/// The state that the core and RPC share.
#[derive(Debug)]
pub struct Shared {
    ordering: RwLock<OrderingCell>,
    height: watch::Sender<u64>,
    /// The clock of this node.
    pub clock: Clock,
}

struct OrderingCell(Ordering);

impl std::fmt::Debug for OrderingCell {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Ordering")
    }
}

/// Reads the state; keep it short.
pub struct StateGuard<'a>(RwLockReadGuard<'a, OrderingCell>);

impl std::ops::Deref for StateGuard<'_> {
    type Target = Ordering;

    fn deref(&self) -> &Ordering {
        &self.0.0
    }
}

impl Shared {
    /// Takes the state.
    #[must_use]
    pub fn new(ordering: Ordering, clock: Clock) -> Self {
        let height = watch::Sender::new(ordering.runtime().head().number);
        Self {
            ordering: RwLock::new(OrderingCell(ordering)),
            height,
            clock,
        }
    }

    /// The state for reading. Blocks while a block is applied; not for asynchronous tasks.
    pub fn read(&self) -> StateGuard<'_> {
        StateGuard(self.ordering.read().unwrap_or_else(|e| e.into_inner()))
    }

    /// Number of the last block that is applied and indexed.
    #[must_use]
    pub fn height(&self) -> watch::Receiver<u64> {
        self.height.subscribe()
    }
}

/// What the core works with.
pub struct Core {
    /// The state.
    pub shared: Arc<Shared>,
    /// The log of decided blocks.
    pub blocks: BlockLog,
    /// The write-ahead log.
    pub wal: Wal,
    /// Indices.
    pub derived: Derived,
    /// The other nodes.
    pub network: Network,
    /// What comes from them.
    pub inlets: Inlets,
    /// The keeper of seeds.
    pub seeds: SeedKeeper,
    /// The keeper of lots.
    pub lots: LotKeeper,
    /// The keeper of components of inputs.
    pub shares: ShareKeeper,
    /// The secrets of key epochs.
    pub epochs: EpochKeys,
    /// What the keeper of seeds says.
    pub verdicts: mpsc::Receiver<Verdict>,
    /// What RPC asks.
    pub commands: mpsc::Receiver<Command>,
    /// Starts sessions.
    pub workers: Workers,
    /// Counters.
    pub metrics: Arc<Metrics>,
}

/// The core at work: what it has under way.
struct Running {
    core: Core,
    sessions: Sessions,
    /// What workers and others in the background have to tell.
    happenings: mpsc::Sender<Happening>,
    /// What ordering is to hear of what it has asked for.
    answers: VecDeque<Input>,
    replies: HashMap<u64, oneshot::Sender<Result<B256, Refusal>>>,
    next_request: u64,
    /// The peer whose messages are looked at first.
    turn: usize,
    wake_ms: Option<u64>,
}

/// Something that happened.
enum Happening {
    Network(NetworkEvent),
    Message(u8, Inbound),
    Command(Command),
    Verdict(Verdict),
    Session(SessionId, Report),
    Stocked,
    Tick,
    Stop,
}

impl Core {
    /// Runs until `stop` is cancelled, on the calling thread.
    ///
    /// # Errors
    /// [`NodeError::Halted`] if ordering cannot go on safely; [`NodeError::File`] if the disk
    /// fails.
    pub fn run(
        self,
        first: Vec<Effect>,
        stop: &CancellationToken,
        runtime: &Handle,
    ) -> Result<(), NodeError> {
        let (happenings, mut told) = mpsc::channel(64);
        let mut running = Running {
            core: self,
            sessions: Sessions::default(),
            happenings,
            answers: VecDeque::new(),
            replies: HashMap::new(),
            next_request: 0,
            turn: 0,
            wake_ms: None,
        };
        let head = {
            let state = running.core.shared.read();
            *state.runtime().head()
        };
        running.perform(first, &head)?;
        running.forget_lots(None);
        running.answer()?;
        let result = loop {
            let happening = runtime.block_on(running.next(&mut told, stop));
            if matches!(happening, Happening::Stop) {
                break Ok(());
            }
            let mut inputs = Vec::new();
            // Room that messages take is given back once they are dealt with.
            let mut rooms = Vec::new();
            running.translate(happening, &mut inputs, &mut rooms);
            for _ in 0..AT_ONCE {
                let Some(more) = running.next_at_once(&mut told) else {
                    break;
                };
                running.translate(more, &mut inputs, &mut rooms);
            }
            if let Err(error) = running.take(inputs) {
                break Err(error);
            }
        };
        running.sessions.stop_all();
        running.core.wal.sync()?;
        running.core.derived.flush()?;
        result
    }
}

impl Running {
    async fn next(
        &mut self,
        told: &mut mpsc::Receiver<Happening>,
        stop: &CancellationToken,
    ) -> Happening {
        let core = &mut self.core;
        let [m0, m1, m2, m3] = &mut core.inlets.messages;
        let wake = self.wake_ms.map(|at_ms| core.shared.clock.instant(at_ms));
        let timer = async {
            match wake {
                Some(at) => tokio::time::sleep_until(at.into()).await,
                None => std::future::pending().await,
            }
        };
        // Branches are polled in random order: nobody who floods this node keeps the others out.
        tokio::select! {
            () = stop.cancelled() => Happening::Stop,
            () = timer => {
                self.wake_ms = None;
                Happening::Tick
            }
            Some(event) = core.inlets.events.recv() => Happening::Network(event),
            Some(message) = m0.recv() => Happening::Message(0, message),
            Some(message) = m1.recv() => Happening::Message(1, message),
            Some(message) = m2.recv() => Happening::Message(2, message),
            Some(message) = m3.recv() => Happening::Message(3, message),
            Some(verdict) = core.verdicts.recv() => Happening::Verdict(verdict),
            Some(happening) = told.recv() => happening,
            Some(command) = core.commands.recv() => Happening::Command(command),
        }
    }

    /// What else has happened by now, peers in turn. Not what users want: that is tried one at a
    /// time, so that peers are heard in between.
    fn next_at_once(&mut self, told: &mut mpsc::Receiver<Happening>) -> Option<Happening> {
        let core = &mut self.core;
        if let Ok(event) = core.inlets.events.try_recv() {
            return Some(Happening::Network(event));
        }
        for offset in 0..NODES {
            let party = (self.turn + offset) % NODES;
            if let Ok(message) = core.inlets.messages[party].try_recv() {
                self.turn = party + 1;
                let from = u8::try_from(party).unwrap_or(u8::MAX);
                return Some(Happening::Message(from, message));
            }
        }
        if let Ok(verdict) = core.verdicts.try_recv() {
            return Some(Happening::Verdict(verdict));
        }
        told.try_recv().ok()
    }

    fn translate(
        &mut self,
        happening: Happening,
        inputs: &mut Vec<Input>,
        rooms: &mut Vec<tokio::sync::OwnedSemaphorePermit>,
    ) {
        match happening {
            Happening::Stop => {}
            Happening::Tick => inputs.push(Input::Tick),
            Happening::Network(NetworkEvent::Up { peer }) => inputs.push(Input::PeerUp { peer }),
            Happening::Network(NetworkEvent::Down { peer }) => {
                inputs.push(Input::PeerDown { peer });
            }
            Happening::Message(from, Inbound { message, _room }) => {
                match message {
                    PeerMessage::WantSeeds { inputs } => {
                        let asked = Order::Asked { from, inputs };
                        self.core.seeds.peer_said(from, asked);
                    }
                    PeerMessage::Seeds(seeds) => {
                        self.core.seeds.peer_said(from, Order::Sent { from, seeds });
                    }
                    PeerMessage::WantLot {
                        lot,
                        component,
                        offset,
                    } => {
                        let asked = lots::Order::Asked {
                            from,
                            piece: Piece { lot, component },
                            offset,
                        };
                        self.core.lots.peer_said(from, asked);
                    }
                    PeerMessage::WantShares { sharing, inputs } => {
                        self.core.shares.peer_said(shares::Order::Asked {
                            from,
                            sharing,
                            inputs,
                        });
                    }
                    PeerMessage::Shares { sharing, shares } => {
                        self.core.shares.peer_said(shares::Order::Sent {
                            from,
                            sharing,
                            shares,
                        });
                    }
                    PeerMessage::LotPart(part) => {
                        self.core
                            .lots
                            .peer_said(from, lots::Order::Sent { from, part });
                    }
                    message => inputs.push(Input::Peer { from, message }),
                }
                rooms.push(_room);
            }
            Happening::Verdict(Verdict::Held(input)) => inputs.push(Input::SeedsHeld { input }),
            Happening::Verdict(Verdict::Missing(input)) => {
                inputs.push(Input::SeedsMissing { input });
            }
            Happening::Session(id, report) => inputs.extend(self.sessions.report(id, report)),
            Happening::Stocked => inputs.push(Input::Stocked),
            Happening::Command(Command::Submit { raw, answer }) => {
                let request = self.next_request;
                self.next_request += 1;
                self.replies.insert(request, answer);
                inputs.push(Input::Submit { request, raw });
            }
            Happening::Command(Command::AdvanceTime { request, by_ms }) => {
                inputs.push(Input::AdvanceTime { request, by_ms });
            }
        }
    }

    /// Gives inputs to ordering, and performs what comes of them.
    fn take(&mut self, inputs: Vec<Input>) -> Result<(), NodeError> {
        self.give(inputs)?;
        self.answer()
    }

    /// Gives ordering the answers to what it has asked for, and performs what comes of them. No
    /// answer leads to the same question again.
    fn answer(&mut self) -> Result<(), NodeError> {
        while !self.answers.is_empty() {
            let answers = std::mem::take(&mut self.answers);
            self.give(answers.into())?;
        }
        Ok(())
    }

    fn give(&mut self, inputs: Vec<Input>) -> Result<(), NodeError> {
        let now_ms = self.core.shared.clock.now_ms();
        let shared = self.core.shared.clone();
        let filter = self.core.workers.exchange.filter.clone();
        let (effects, head) = {
            let mut state = shared.ordering.write().unwrap_or_else(|e| e.into_inner());
            let effects = inputs
                .into_iter()
                .map(|input| said(input, filter.as_ref()))
                .flat_map(|input| state.0.step(input, now_ms));
            let effects: Vec<Effect> = effects.collect();
            (effects, *state.0.runtime().head())
        };
        self.perform(effects, &head)
    }
}

/// What this node says in a dispute goes through the filter, as what it sends does.
fn said(mut input: Input, filter: &dyn FrameFilter) -> Input {
    if let Input::Statement { digest, .. } = &mut input {
        *digest = filter.statement(*digest);
    }
    input
}
