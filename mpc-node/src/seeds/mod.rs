//! This node's seeds of inputs: opened from their seals, else asked for from peers.
//!
//! One task owns what is under way. Seals are opened in batches on blocking threads. A seed, from
//! wherever it comes, is believed only if it opens its commitment. Peers are asked, and answered,
//! by input id only; an answer holds no component that the asker is not to have, which is the one
//! with its own index. Seeds are kept encrypted ([`crate::storage::seed_box`]).

mod wants;

use std::{
    collections::{HashSet, VecDeque},
    sync::Arc,
    time::Duration,
};

use alloy_primitives::B256;
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinSet,
    time::Instant,
};
use wire::{
    limits::{NODES, PENDING_INPUTS},
    peer::{PeerMessage, SharedSeeds},
};
use zk_contract_runtime::PendingInput;

use crate::{
    metrics::Metrics,
    network::Network,
    questions::next_of,
    storage::{derived::Derived, epochs::EpochKeys, seed_box::HeldSeeds},
};
use wants::{Wants, Weighed};

/// Seals opened by one job.
const BATCH: usize = 128;
/// Jobs at the same time.
const JOBS: usize = 2;
/// Inputs of one request or answer between peers.
pub const PER_MESSAGE: usize = 1024;
/// Questions and answers of one peer that wait.
const QUESTIONS: usize = 16;
/// How often what is wanted is looked through.
const TICK: Duration = Duration::from_millis(100);

/// An order to the seeds' keeper.
pub enum Order {
    /// Get the seeds of an input and tell the core.
    Open {
        /// Id of the input, or of the computation that made it ([`PendingInput::seeds_id`]).
        input: B256,
        /// The input.
        pending: PendingInput,
    },
    /// Get the seeds of inputs for a session.
    Collect {
        /// The inputs.
        inputs: Vec<(B256, PendingInput)>,
        /// How long to try.
        patience: Duration,
        /// Where the seeds go.
        answer: oneshot::Sender<Vec<Option<HeldSeeds>>>,
    },
    /// Tell when nothing is about to be opened, and peers have been asked for the rest for a while.
    Settle {
        /// Told then.
        answer: oneshot::Sender<()>,
    },
    /// The input is rejected: its seeds are of no use.
    Forget {
        /// Id of the input.
        input: B256,
    },
    /// Key epochs are over: forget the inputs of which nobody has seeds any more.
    ForgetOld,
    /// A peer asks for seeds.
    Asked {
        /// Party number of the peer.
        from: u8,
        /// Ids of the inputs.
        inputs: Vec<B256>,
    },
    /// A peer sends seeds.
    Sent {
        /// Party number of the peer.
        from: u8,
        /// The seeds.
        seeds: Vec<SharedSeeds>,
    },
}

/// What the keeper tells the core.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// This node holds its seeds of the input.
    Held(B256),
    /// They cannot be had, so far.
    Missing(B256),
}

/// Gives orders; cheap to clone.
#[derive(Clone, Debug)]
pub struct SeedKeeper {
    orders: mpsc::Sender<Order>,
    /// One queue for each peer, so that nobody who floods this node keeps the others out.
    questions: [mpsc::Sender<Order>; NODES],
}

impl SeedKeeper {
    /// Starts the keeper.
    #[must_use]
    pub fn start(
        me: u8,
        epochs: EpochKeys,
        derived: Derived,
        network: Network,
        metrics: Arc<Metrics>,
        verdicts: mpsc::Sender<Verdict>,
    ) -> (Self, tokio::task::JoinHandle<()>) {
        // The log bounds how many inputs are pending, so orders always find room.
        let (orders, order_receiver) = mpsc::channel(2 * PENDING_INPUTS);
        let mut question_receivers = Vec::with_capacity(NODES);
        let questions = std::array::from_fn(|_| {
            let (sender, receiver) = mpsc::channel(QUESTIONS);
            question_receivers.push(receiver);
            sender
        });
        let keeper = Keeper {
            me,
            epochs,
            derived,
            network,
            metrics,
            verdicts,
            sealed: VecDeque::new(),
            opening: HashSet::new(),
            wants: Wants::default(),
            sessions: Vec::new(),
            settling: Vec::new(),
            jobs: JoinSet::new(),
        };
        let task = tokio::spawn(keeper.run(order_receiver, question_receivers));
        (Self { orders, questions }, task)
    }

    /// Gives an order of this node's own. Returns whether there was room.
    pub fn order(&self, order: Order) -> bool {
        self.orders.try_send(order).is_ok()
    }

    /// Waits until this node has opened all seals that it was told to open, and got what peers have
    /// of the rest.
    pub async fn settled(&self) {
        let (answer, settled) = oneshot::channel();
        if self.orders.send(Order::Settle { answer }).await.is_err() || settled.await.is_err() {
            // The keeper has ended, and so does the node.
            std::future::pending::<()>().await;
        }
    }

    /// Passes on what a peer said; dropped if there is too much of it, since peers ask again.
    /// Returns whether there was room.
    pub fn peer_said(&self, from: u8, order: Order) -> bool {
        let queue = self.questions.get(usize::from(from));
        let taken = queue.is_some_and(|queue| queue.try_send(order).is_ok());
        if !taken {
            tracing::debug!(from, "too many questions about seeds at once: dropping one");
        }
        taken
    }
}

struct Keeper {
    me: u8,
    epochs: EpochKeys,
    derived: Derived,
    network: Network,
    metrics: Arc<Metrics>,
    verdicts: mpsc::Sender<Verdict>,
    sealed: VecDeque<(B256, PendingInput)>,
    opening: HashSet<B256>,
    wants: Wants,
    sessions: Vec<Collection>,
    settling: Vec<oneshot::Sender<()>>,
    jobs: JoinSet<Vec<(B256, PendingInput, bool)>>,
}

/// Seeds that a session waits for.
struct Collection {
    inputs: Vec<B256>,
    missing: HashSet<B256>,
    until: Instant,
    answer: oneshot::Sender<Vec<Option<HeldSeeds>>>,
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
                    Some(order) => self.take(order).await,
                    None => return,
                },
                Some(order) = next_of(&mut questions) => self.take(order).await,
                Some(opened) = self.jobs.join_next() => match opened {
                    Ok(opened) => self.opened(opened).await,
                    Err(error) => tracing::error!(%error, "a job that opens seals failed"),
                },
                _ = tick.tick() => self.tick().await,
            }
            self.start_jobs();
        }
    }

    async fn take(&mut self, order: Order) {
        match order {
            // Shared anew: nobody has seeds of it any more.
            Order::Open { pending, .. } if self.epochs.is_over(pending.binding.key_epoch) => {}
            Order::Open { input, pending } => {
                if self.derived.has_seeds(input) && self.holds(input, &pending) {
                    self.held(input).await;
                } else if self.opening.insert(input) {
                    self.sealed.push_back((input, pending));
                }
            }
            Order::Collect {
                inputs,
                patience,
                answer,
            } => {
                let ids = inputs.iter().map(|(id, _)| *id).collect();
                let mut missing = HashSet::new();
                for (id, pending) in inputs {
                    if !self.holds(id, &pending) {
                        missing.insert(id);
                        if self.opening.insert(id) {
                            self.sealed.push_back((id, pending));
                        }
                    }
                }
                let collection = Collection {
                    inputs: ids,
                    missing,
                    until: Instant::now() + patience,
                    answer,
                };
                self.sessions.push(collection);
                self.answer_sessions();
            }
            Order::Settle { answer } => self.settling.push(answer),
            Order::Forget { input } => {
                // Should its seal be about to be opened, nothing comes of that.
                self.opening.remove(&input);
                self.wants.forget(input);
            }
            Order::ForgetOld => {
                let epochs = &self.epochs;
                self.wants.retain(|epoch| !epochs.is_over(epoch));
            }
            Order::Asked { from, inputs } => self.answer_peer(from, inputs),
            Order::Sent { from, seeds } => {
                for shared in seeds {
                    match self.wants.weigh(from, &shared) {
                        Weighed::Complete(epoch, seeds) => {
                            self.keep(shared.input, epoch, &seeds).await;
                        }
                        Weighed::Lie => {
                            self.metrics.suspicions[usize::from(from)].inc();
                            if self.metrics.may_complain(from) {
                                tracing::warn!(from, input = %shared.input,
                                    "a peer sent a seed that does not open its commitment");
                            }
                        }
                        Weighed::Nothing => {}
                    }
                }
                self.answer_sessions();
            }
        }
    }

    /// Whether the seeds under an id are here. Those of results may be of an attempt that came to
    /// nothing.
    fn holds(&self, id: B256, pending: &PendingInput) -> bool {
        let Some(seeds) = self.derived.seeds(id) else {
            return false;
        };
        let mut held = (0..)
            .zip(&seeds)
            .filter_map(|(c, s)| Some((c, s.as_ref()?)));
        pending.row.is_none() || held.all(|(c, seed)| pending.check_seed(c, seed).is_ok())
    }

    /// Opens seals on blocking threads, a batch at a time.
    fn start_jobs(&mut self) {
        while self.jobs.len() < JOBS && !self.sealed.is_empty() {
            let batch: Vec<_> = self.sealed.drain(..BATCH.min(self.sealed.len())).collect();
            let (me, epochs, derived) = (self.me, self.epochs.clone(), self.derived.clone());
            self.jobs.spawn_blocking(move || {
                let open = |(input, pending): (B256, PendingInput)| {
                    let epoch = pending.binding.key_epoch;
                    // Nothing is sealed of what nodes have made.
                    let keys = epochs.get(epoch).filter(|_| pending.row.is_none());
                    let opened = keys.and_then(|keys| {
                        let opened = keys.seal.open(me, &pending.binding, &pending.sealed);
                        opened.ok()
                    });
                    let kept = opened.is_some_and(|s| derived.keep_seeds(input, epoch, &s).is_ok());
                    (input, pending, kept)
                };
                batch.into_iter().map(open).collect()
            });
        }
    }

    async fn opened(&mut self, opened: Vec<(B256, PendingInput, bool)>) {
        for (input, pending, kept) in opened {
            if !self.opening.remove(&input) {
                continue; // Rejected meanwhile.
            }
            if kept {
                self.held(input).await;
            } else {
                if pending.row.is_none() {
                    self.metrics.seals_bad.inc();
                    tracing::info!(%input, "the seal for this node does not open: asking the peers");
                }
                self.wants.add(input, pending, self.me, Instant::now());
            }
        }
        self.answer_sessions();
        self.ask();
    }

    async fn keep(&mut self, input: B256, epoch: u64, seeds: &HeldSeeds) {
        match self.derived.keep_seeds(input, epoch, seeds) {
            Ok(()) => {
                tracing::info!(%input, "the seeds came from the peers");
                self.held(input).await;
            }
            Err(error) => tracing::error!(%error, "seeds could not be kept"),
        }
    }

    async fn held(&mut self, input: B256) {
        self.metrics.seeds_held.inc();
        for session in &mut self.sessions {
            session.missing.remove(&input);
        }
        let _ = self.verdicts.send(Verdict::Held(input)).await;
    }

    async fn tick(&mut self) {
        self.ask();
        let connected = self.network.connected();
        for input in self.wants.overdue(&connected, Instant::now()) {
            self.metrics.seeds_missing.inc();
            tracing::warn!(%input, "no peer has the seeds that this node lacks, so far");
            let _ = self.verdicts.send(Verdict::Missing(input)).await;
        }
        self.answer_sessions();
        if self.opening.is_empty() && self.wants.are_old() {
            for answer in self.settling.drain(..) {
                // Whoever waited may be gone.
                let _ = answer.send(());
            }
        }
    }

    /// Asks all peers for what is due.
    fn ask(&mut self) {
        let due = self.wants.due(Instant::now());
        for inputs in due.chunks(PER_MESSAGE) {
            self.network.broadcast(&PeerMessage::WantSeeds {
                inputs: inputs.to_vec(),
            });
        }
    }

    fn answer_peer(&self, from: u8, inputs: Vec<B256>) {
        let seeds = inputs.into_iter().take(PER_MESSAGE).map(|input| {
            let held = self.derived.seeds(input);
            entitled(from, input, held.as_ref())
        });
        let answer = PeerMessage::Seeds(seeds.collect());
        self.network.send(from, &answer);
    }

    /// Answers sessions that have all they need, or have waited long enough.
    fn answer_sessions(&mut self) {
        let now = Instant::now();
        let (ready, waiting) = std::mem::take(&mut self.sessions)
            .into_iter()
            .partition(|session| session.missing.is_empty() || session.until <= now);
        self.sessions = waiting;
        let ready: Vec<Collection> = ready;
        for session in ready {
            let derived = self.derived.clone();
            tokio::task::spawn_blocking(move || {
                let seeds = session.inputs.iter().map(|id| derived.seeds(*id));
                let _ = session.answer.send(seeds.collect());
            });
        }
    }
}

/// What `asker` may have of the seeds that this node holds of an input: every component but the
/// one that the asker is never to hold.
fn entitled(asker: u8, input: B256, held: Option<&HeldSeeds>) -> SharedSeeds {
    let seeds = held.into_iter().flatten().zip(0u8..);
    let shared = seeds
        .filter(|(_, component)| *component != asker)
        .filter_map(|(seed, component)| Some((component, *seed.as_ref()?.expose())));
    SharedSeeds {
        input,
        seeds: shared.collect(),
    }
}

#[cfg(test)]
mod tests;
