//! Components of inputs that were shared anew while this node took no part, from the peers.
//!
//! A component is believed if it is proven to be the one on which the log has the nodes agree. Peers are answered by input id; an answer holds no component that the asker is not to have.

mod fetches;

use std::{sync::Arc, time::Duration};

use alloy_primitives::B256;
use tokio::{
    sync::{mpsc, oneshot},
    time::Instant,
};
use wire::{
    limits::{NODES, SHARES_BYTES, SHARES_INPUTS},
    peer::{InputShares, PeerMessage},
};
use zk_contract_runtime::Sharing;

use crate::{
    metrics::Metrics,
    network::Network,
    storage::{seed_box::HeldShares, shares::ShareStore},
};
use fetches::{Fetches, Weighed};

/// Orders of this node's own that wait.
const ORDERS: usize = 256;
/// Questions and answers of one peer that wait.
const QUESTIONS: usize = 16;
/// How often peers are asked for what is lacking.
const TICK: Duration = Duration::from_millis(500);

/// An order to the keeper.
pub enum Order {
    /// Get the components of inputs in a sharing, which counts from now on if it is a later one.
    Hold {
        /// The sharing.
        sharing: Sharing,
        /// The inputs, and how long a component of each is, in bytes.
        inputs: Vec<(B256, usize)>,
        /// Told when they are here.
        answer: oneshot::Sender<()>,
    },
    /// A peer asks for components.
    Asked {
        /// Party number of the peer.
        from: u8,
        /// Tag of the sharing.
        sharing: B256,
        /// Ids of the inputs.
        inputs: Vec<B256>,
    },
    /// A peer sends components.
    Sent {
        /// Party number of the peer.
        from: u8,
        /// Tag of the sharing.
        sharing: B256,
        /// The components.
        shares: Vec<InputShares>,
    },
}

/// Gives orders; cheap to clone.
#[derive(Clone, Debug)]
pub struct ShareKeeper {
    store: ShareStore,
    orders: mpsc::Sender<Order>,
    /// Of peers, so that they do not keep this node's own out.
    questions: mpsc::Sender<Order>,
}

impl ShareKeeper {
    /// Starts the keeper; `sharing` counts now.
    #[must_use]
    pub fn start(
        me: u8,
        sharing: Sharing,
        store: ShareStore,
        network: Network,
        metrics: Arc<Metrics>,
    ) -> (Self, tokio::task::JoinHandle<()>) {
        let (orders, own) = mpsc::channel(ORDERS);
        let (questions, asked) = mpsc::channel(NODES * QUESTIONS);
        let keeper = Keeper {
            me,
            sharing,
            store: store.clone(),
            network,
            metrics,
            fetches: Fetches::new(me, sharing.roots),
            waiting: Vec::new(),
        };
        let task = tokio::spawn(keeper.run(own, asked));
        let handle = Self {
            store,
            orders,
            questions,
        };
        (handle, task)
    }

    /// Where they are kept.
    #[must_use]
    pub const fn store(&self) -> &ShareStore {
        &self.store
    }

    /// Waits until the components of these inputs are here, however long that takes.
    pub async fn hold(&self, sharing: Sharing, inputs: Vec<(B256, usize)>) {
        let (answer, told) = oneshot::channel();
        let order = Order::Hold {
            sharing,
            inputs,
            answer,
        };
        if self.orders.send(order).await.is_err() || told.await.is_err() {
            // Another sharing counts, or the node ends.
            std::future::pending::<()>().await;
        }
    }

    /// Passes on what a peer said; dropped if there is too much of it, since peers ask again.
    pub fn peer_said(&self, order: Order) {
        let _ = self.questions.try_send(order);
    }
}

struct Keeper {
    me: u8,
    sharing: Sharing,
    store: ShareStore,
    network: Network,
    metrics: Arc<Metrics>,
    fetches: Fetches,
    waiting: Vec<(Vec<B256>, oneshot::Sender<()>)>,
}

impl Keeper {
    async fn run(mut self, mut orders: mpsc::Receiver<Order>, mut asked: mpsc::Receiver<Order>) {
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                order = orders.recv() => match order {
                    Some(order) => self.take(order),
                    None => return,
                },
                Some(order) = asked.recv() => self.take(order),
                _ = tick.tick() => self.ask(),
            }
        }
    }

    fn take(&mut self, order: Order) {
        match order {
            Order::Hold {
                sharing,
                inputs,
                answer,
            } => {
                if sharing.epoch > self.sharing.epoch {
                    self.sharing = sharing;
                    self.fetches = Fetches::new(self.me, sharing.roots);
                    self.waiting.clear();
                }
                if sharing != self.sharing {
                    return;
                }
                let ids = inputs.iter().map(|(id, _)| *id).collect();
                for (id, length) in inputs {
                    if self.store.get(&sharing, id).is_none() {
                        self.fetches.add(id, length, Instant::now());
                    }
                }
                self.waiting.push((ids, answer));
                self.answer();
                self.ask();
            }
            Order::Asked {
                from,
                sharing,
                inputs,
            } => {
                if sharing == self.sharing.tag {
                    self.answer_peer(from, inputs);
                }
            }
            Order::Sent {
                from,
                sharing,
                shares,
            } => {
                if sharing == self.sharing.tag {
                    self.sent(from, shares);
                }
            }
        }
    }

    fn sent(&mut self, from: u8, shares: Vec<InputShares>) {
        let mut complete = Vec::new();
        for share in &shares {
            match self.fetches.weigh(share) {
                Weighed::Nothing => {}
                Weighed::False => {
                    self.metrics.suspicions[usize::from(from)].inc();
                    if self.metrics.may_complain(from) {
                        tracing::warn!(from, input = %share.input,
                            "a peer sent what is no component of an input");
                    }
                }
                Weighed::Complete(held) => complete.push((share.input, held)),
            }
        }
        if let Err(error) = self.store.keep(&self.sharing, &complete) {
            tracing::error!(%error, "shares could not be kept");
        }
        self.answer();
        self.ask();
    }

    /// Asks all peers for what is due.
    fn ask(&mut self) {
        let due = self.fetches.due(Instant::now(), SHARES_INPUTS);
        if !due.is_empty() {
            self.network.broadcast(&PeerMessage::WantShares {
                sharing: self.sharing.tag,
                inputs: due,
            });
        }
    }

    fn answer_peer(&self, from: u8, inputs: Vec<B256>) {
        let mut room = SHARES_BYTES;
        let mut shares = Vec::new();
        for input in inputs.into_iter().take(SHARES_INPUTS) {
            let held = self.store.get(&self.sharing, input);
            let share = entitled(from, input, held.as_ref());
            let bytes: usize = share.components.iter().map(|(_, c)| c.len() + 8).sum();
            if bytes > room && !shares.is_empty() {
                break;
            }
            room = room.saturating_sub(bytes + 40);
            shares.push(share);
        }
        let sharing = self.sharing.tag;
        self.network
            .send(from, &PeerMessage::Shares { sharing, shares });
    }

    /// Tells those for whom everything is here.
    fn answer(&mut self) {
        let fetches = &self.fetches;
        let is_here = |ids: &[B256]| !ids.iter().any(|id| fetches.wants(*id));
        let waiting = std::mem::take(&mut self.waiting);
        for (ids, answer) in waiting {
            if is_here(&ids) {
                // Whoever waited may be gone.
                let _ = answer.send(());
            } else if !answer.is_closed() {
                self.waiting.push((ids, answer));
            }
        }
    }
}

/// What `asker` may have of the components that this node holds of an input.
fn entitled(asker: u8, input: B256, held: Option<&HeldShares>) -> InputShares {
    let held = held.into_iter().flatten().zip(0u8..);
    let components = held
        .filter(|(_, component)| *component != asker)
        .filter_map(|(bytes, component)| Some((component, bytes.as_ref()?.to_vec())));
    InputShares {
        input,
        components: components.collect(),
    }
}
