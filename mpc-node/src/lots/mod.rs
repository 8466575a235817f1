//! This node's lots of the reserve: kept on disk, got from peers when they are missing or damaged,
//! and given to peers.
//!
//! One task owns what is under way. A component from a peer is believed only if its hash is the one
//! in the log. A peer is given no component that it is not to have, which is the one with its own
//! index, and only so much in a second. Reading the disk is the business of blocking threads.

mod fetch;

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use alloy_primitives::B256;
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinSet,
    time::Instant,
};
use wire::{
    limits::{LOT_PART_BYTES, NODES},
    peer::{LotPart, PeerMessage},
};
use zeroize::Zeroizing;

use crate::{
    keys,
    metrics::Metrics,
    network::Network,
    questions::next_of,
    storage::lots::{LotStore, Piece},
};
use fetch::{Fetches, Weighed};

/// Orders of this node that wait: those of sessions, and of lots that come and go.
const ORDERS: usize = 4096;
/// Questions and answers of one peer that wait.
const QUESTIONS: usize = 4;
/// How often a part is asked for: bounds what getting everything anew costs this node and its peers.
const TICK: Duration = Duration::from_millis(100);
/// One peer is given a part in this time.
const PER_PART: Duration = Duration::from_millis(50);
/// By how much it may be ahead of that.
const AHEAD: Duration = Duration::from_millis(500);

/// A component that this node is to hold, as the log has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Which.
    pub piece: Piece,
    /// Its hash.
    pub hash: B256,
    /// Its bytes.
    pub length: u64,
}

/// An order to the keeper of lots.
pub enum Order {
    /// See to it that these components are here and whole.
    Hold {
        /// The components.
        pieces: Vec<Wanted>,
        /// Told when they all are.
        answer: Option<oneshot::Sender<()>>,
    },
    /// Forget all lots but these.
    Retain {
        /// Numbers of the lots.
        lots: BTreeSet<u64>,
        /// The newest lot of which anything was known then. Later ones stay: they are being made
        /// since.
        newest: u64,
    },
    /// A peer asks for a part.
    Asked {
        /// Party number of the peer.
        from: u8,
        /// Of which component.
        piece: Piece,
        /// Where the part begins.
        offset: u64,
    },
    /// A peer sends a part.
    Sent {
        /// Party number of the peer.
        from: u8,
        /// The part.
        part: LotPart,
    },
}

/// Gives orders; cheap to clone.
#[derive(Clone, Debug)]
pub struct LotKeeper {
    store: LotStore,
    orders: mpsc::Sender<Order>,
    /// One queue for each peer, so that nobody who floods this node keeps the others out.
    questions: [mpsc::Sender<Order>; NODES],
}

impl LotKeeper {
    /// Starts the keeper.
    #[must_use]
    pub fn start(
        me: u8,
        store: LotStore,
        network: Network,
        metrics: Arc<Metrics>,
    ) -> (Self, tokio::task::JoinHandle<()>) {
        let (orders, order_receiver) = mpsc::channel(ORDERS);
        let mut question_receivers = Vec::with_capacity(NODES);
        let questions = std::array::from_fn(|_| {
            let (sender, receiver) = mpsc::channel(QUESTIONS);
            question_receivers.push(receiver);
            sender
        });
        let keeper = Keeper {
            me,
            store: store.clone(),
            network,
            metrics,
            fetches: Fetches::new(me, anybody()),
            waiting: Vec::new(),
            served: [None; NODES],
            jobs: JoinSet::new(),
        };
        let task = tokio::spawn(keeper.run(order_receiver, question_receivers));
        let handle = Self {
            store,
            orders,
            questions,
        };
        (handle, task)
    }

    /// The files.
    #[must_use]
    pub const fn store(&self) -> &LotStore {
        &self.store
    }

    /// Gives an order of this node's own. Returns whether there was room.
    pub fn order(&self, order: Order) -> bool {
        self.orders.try_send(order).is_ok()
    }

    /// Waits until these components are here and whole, however long that takes.
    pub async fn hold(&self, pieces: Vec<Wanted>) {
        let (answer, held) = oneshot::channel();
        let order = Order::Hold {
            pieces,
            answer: Some(answer),
        };
        if self.orders.send(order).await.is_err() || held.await.is_err() {
            // The keeper has ended, and so does the node.
            std::future::pending::<()>().await;
        }
    }

    /// Passes on what a peer said; dropped if there is too much of it, since peers ask again.
    pub fn peer_said(&self, from: u8, order: Order) {
        let queue = self.questions.get(usize::from(from));
        let taken = queue.is_some_and(|queue| queue.try_send(order).is_ok());
        if !taken {
            tracing::debug!(from, "too many questions about lots at once: dropping one");
        }
    }
}

struct Keeper {
    me: u8,
    store: LotStore,
    network: Network,
    metrics: Arc<Metrics>,
    fetches: Fetches,
    waiting: Vec<Waiting>,
    /// Until when each peer has had its due.
    served: [Option<Instant>; NODES],
    jobs: JoinSet<Done>,
}

/// Somebody who waits for components.
struct Waiting {
    missing: BTreeSet<Piece>,
    answer: oneshot::Sender<()>,
}

/// What a blocking thread has found or done.
enum Done {
    /// Of these components, those are not here.
    Checked {
        missing: Vec<Wanted>,
        answer: Option<oneshot::Sender<()>>,
    },
    /// A component came from a peer and is on disk now, or not.
    Kept(Wanted, bool),
    /// A part for a peer.
    Part(u8, LotPart),
    Nothing,
}

impl Keeper {
    async fn run(
        mut self,
        mut orders: mpsc::Receiver<Order>,
        mut questions: Vec<mpsc::Receiver<Order>>,
    ) {
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                order = orders.recv() => match order {
                    Some(order) => self.take(order),
                    None => return,
                },
                Some(order) = next_of(&mut questions) => self.take(order),
                Some(done) = self.jobs.join_next() => match done {
                    Ok(done) => self.done(done),
                    Err(error) => tracing::error!(%error, "a job on lots failed"),
                },
                _ = tick.tick() => self.ask(),
            }
        }
    }

    fn take(&mut self, order: Order) {
        match order {
            Order::Hold { pieces, answer } => {
                let store = self.store.clone();
                self.jobs.spawn_blocking(move || {
                    let lacks = |want: &Wanted| !store.is_whole(want.piece, want.hash, want.length);
                    let missing = pieces.into_iter().filter(lacks).collect();
                    Done::Checked { missing, answer }
                });
            }
            Order::Retain { lots, newest } => {
                self.fetches.retain(&lots);
                let store = self.store.clone();
                self.jobs.spawn_blocking(move || {
                    if let Err(error) = forget_others(&store, &lots, newest) {
                        tracing::error!(%error, "lots could not be removed");
                    }
                    Done::Nothing
                });
            }
            Order::Asked {
                from,
                piece,
                offset,
            } => self.answer_peer(from, piece, offset),
            Order::Sent { from, part } => match self.fetches.weigh(from, &part, Instant::now()) {
                Weighed::Nothing => {}
                Weighed::Lie => {
                    self.metrics.suspicions[usize::from(from) % NODES].inc();
                    if self.metrics.may_complain(from) {
                        let LotPart { lot, component, .. } = part;
                        tracing::warn!(
                            from,
                            lot,
                            component,
                            "a peer sent a component of a lot that is not the one in the log"
                        );
                    }
                }
                Weighed::Complete(want, bytes) => self.keep(want, bytes),
            },
        }
    }

    fn keep(&mut self, want: Wanted, bytes: Zeroizing<Vec<u8>>) {
        let store = self.store.clone();
        self.jobs.spawn_blocking(move || {
            let kept = store.write(want.piece, FROM_PEERS, want.hash, &bytes);
            if let Err(error) = &kept {
                tracing::error!(%error, "a component of a lot could not be kept");
            }
            Done::Kept(want, kept.is_ok())
        });
    }

    fn done(&mut self, done: Done) {
        let now = Instant::now();
        match done {
            Done::Checked { missing, answer } => {
                for want in &missing {
                    self.fetches.add(*want, now);
                }
                let missing = missing.into_iter().map(|want| want.piece).collect();
                if let Some(answer) = answer {
                    self.waiting.push(Waiting { missing, answer });
                    self.answer_waiting();
                }
            }
            Done::Kept(want, true) => {
                let Piece { lot, component } = want.piece;
                tracing::info!(lot, component, "a component of a lot came from a peer");
                self.metrics.lots_refetched.inc();
                for waiting in &mut self.waiting {
                    waiting.missing.remove(&want.piece);
                }
                self.answer_waiting();
            }
            Done::Kept(want, false) => self.fetches.add(want, now),
            Done::Part(to, part) => self.network.send(to, &PeerMessage::LotPart(part)),
            Done::Nothing => {}
        }
    }

    fn answer_waiting(&mut self) {
        let all = std::mem::take(&mut self.waiting);
        for waiting in all {
            if waiting.missing.is_empty() {
                // Whoever waited may be gone.
                let _ = waiting.answer.send(());
            } else if !waiting.answer.is_closed() {
                self.waiting.push(waiting);
            }
        }
    }

    /// Asks a peer for the next part of what is missing.
    fn ask(&mut self) {
        let connected = self.network.connected();
        // Whoever waits for the least comes first: an attempt, not the whole of the reserve.
        self.waiting.sort_by_key(|waiting| waiting.missing.len());
        let urgent = self.waiting.iter().flat_map(|waiting| &waiting.missing);
        let next = self.fetches.next(&connected, urgent, Instant::now());
        if let Some((peer, piece, offset)) = next {
            let Piece { lot, component } = piece;
            let question = PeerMessage::WantLot {
                lot,
                component,
                offset,
            };
            self.network.send(peer, &question);
        }
    }

    /// Gives a peer a part of a component that both are to hold.
    fn answer_peer(&mut self, from: u8, piece: Piece, offset: u64) {
        if !may_have(self.me, from, piece.component) || !self.has_its_turn(from) {
            return;
        }
        let store = self.store.clone();
        self.jobs
            .spawn_blocking(move || Done::Part(from, part_of(&store, piece, offset)));
    }

    fn has_its_turn(&mut self, peer: u8) -> bool {
        let Some(until) = self.served.get_mut(usize::from(peer)) else {
            return false;
        };
        let now = Instant::now();
        let due = until.map_or(now, |until| until.max(now));
        let admitted = due <= now + AHEAD;
        if admitted {
            *until = Some(due + PER_PART);
        }
        admitted
    }
}

/// What the header says of a component that came from a peer: it is of no attempt of this node.
const FROM_PEERS: u32 = u32::MAX;

/// The number of a node, by chance.
fn anybody() -> u8 {
    let random = keys::random();
    random.map_or(0, |bytes| bytes.first().copied().unwrap_or_default()) % NODES as u8
}

/// Whether `asker` may be sent a component by `me`: it is neither's own.
fn may_have(me: u8, asker: u8, component: u8) -> bool {
    usize::from(component) < NODES && component != asker && component != me && asker != me
}

/// A part of a component; empty if it is not here.
fn part_of(store: &LotStore, piece: Piece, offset: u64) -> LotPart {
    let Piece { lot, component } = piece;
    let bytes = store.header(piece).and_then(|header| {
        let end = offset.checked_add(LOT_PART_BYTES as u64)?;
        store.read(piece, header.hash, offset..end.min(header.length))
    });
    LotPart {
        lot,
        component,
        offset,
        bytes: bytes
            .map(|mut bytes| std::mem::take(&mut *bytes))
            .unwrap_or_default(),
    }
}

fn forget_others(
    store: &LotStore,
    lots: &BTreeSet<u64>,
    newest: u64,
) -> Result<(), crate::NodeError> {
    let here = store.lots()?;
    let mut others = here.difference(lots).filter(|lot| **lot <= newest);
    others.try_for_each(|lot| store.remove(*lot))
}

#[cfg(test)]
mod tests;
