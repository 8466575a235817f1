//! Streams of sessions: one for each session and link, opened by the node of lower index.
//!
//! The opener sends a header that names computation and attempt. The other side answers
//! "received" when its listener has read it, and "joined" once its own worker has come to the same
//! session; the opener then says "go", and frames flow both ways. Until then everything is tried
//! again, since a stream that nobody took in time is dropped silently.

use std::{
    collections::{HashMap, VecDeque},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use alloy_primitives::B256;
use futures::{AsyncReadExt as _, AsyncWriteExt as _, StreamExt as _};
use libp2p::Stream;
use libp2p_stream::{Control, IncomingStreams};
use serde::{Deserialize, Serialize};
use tokio::{
    sync::{Notify, Semaphore},
    time::{sleep, timeout},
};
use wire::{codec, limits::NODES};

use super::{OPEN_TIMEOUT, SESSION_PROTOCOL, frame};
use crate::{config::Membership, metrics::Metrics};

const RECEIVED: u8 = 1;
const JOINED: u8 = 2;
const GO: u8 = 3;
const HEADER_BYTES: usize = 64;
/// Streams of one peer that wait for this node's workers.
const WAITING: usize = 64;
/// Streams of one peer whose header is being read.
const OPENING: usize = 16;

/// Names a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SessionId {
    /// The computation.
    pub computation: B256,
    /// Number of the attempt, from 0.
    pub attempt: u32,
}

/// Makes links between workers of the same session at two nodes; cheap to clone.
#[derive(Clone, Debug)]
pub struct SessionLinks(Arc<Inner>);

struct Inner {
    membership: Arc<Membership>,
    control: Control,
    metrics: Arc<Metrics>,
    waiting: [Peer; NODES],
    arrivals: AtomicU64,
}

struct Peer {
    streams: Mutex<Streams>,
    arrived: Notify,
    opening: Arc<Semaphore>,
}

#[derive(Default)]
struct Streams {
    by_session: HashMap<SessionId, (u64, Stream)>,
    order: VecDeque<(u64, SessionId)>,
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SessionLinks").finish_non_exhaustive()
    }
}

impl Streams {
    fn put(&mut self, arrival: u64, id: SessionId, stream: Stream) {
        self.by_session.insert(id, (arrival, stream));
        self.order.push_back((arrival, id));
        while self.order.len() > WAITING {
            if let Some((arrival, id)) = self.order.pop_front()
                && self.by_session.get(&id).is_some_and(|(a, _)| *a == arrival)
            {
                self.by_session.remove(&id);
            }
        }
    }

    fn take(&mut self, id: SessionId) -> Option<Stream> {
        let (arrival, stream) = self.by_session.remove(&id)?;
        self.order.retain(|(a, _)| *a != arrival);
        Some(stream)
    }
}

impl SessionLinks {
    pub(super) fn new(
        membership: Arc<Membership>,
        control: Control,
        metrics: Arc<Metrics>,
    ) -> Self {
        Self(Arc::new(Inner {
            membership,
            control,
            metrics,
            waiting: std::array::from_fn(|_| Peer {
                streams: Mutex::default(),
                arrived: Notify::new(),
                opening: Arc::new(Semaphore::new(OPENING)),
            }),
            arrivals: AtomicU64::new(0),
        }))
    }

    /// The metrics that count a session's bytes.
    #[must_use]
    pub fn metrics(&self) -> &Metrics {
        &self.0.metrics
    }

    /// Links this node's worker with the one of `peer`; waits for it without end, so bound it.
    pub async fn link(&self, peer: u8, id: SessionId) -> Stream {
        loop {
            let linked = if self.0.membership.me < peer {
                self.open(peer, id).await
            } else {
                self.wait(peer, id).await
            };
            match linked {
                Ok(stream) => return stream,
                Err(error) => {
                    tracing::debug!(peer, computation = %id.computation, attempt = id.attempt,
                        %error, "no link yet");
                    sleep(OPEN_TIMEOUT / 20).await;
                }
            }
        }
    }

    async fn open(&self, peer: u8, id: SessionId) -> std::io::Result<Stream> {
        let peer_id = self.0.membership.peers[usize::from(peer)];
        let mut control = self.0.control.clone();
        let opening = async {
            let opened = control.open_stream(peer_id, SESSION_PROTOCOL).await;
            let mut stream = opened.map_err(std::io::Error::other)?;
            frame::write(&mut stream, &codec::encode(&id)).await?;
            expect(&mut stream, RECEIVED).await?;
            Ok::<_, std::io::Error>(stream)
        };
        let mut stream = timeout(OPEN_TIMEOUT, opening).await??;
        expect(&mut stream, JOINED).await?;
        stream.write_all(&[GO]).await?;
        stream.flush().await?;
        Ok(stream)
    }

    async fn wait(&self, peer: u8, id: SessionId) -> std::io::Result<Stream> {
        let place = &self.0.waiting[usize::from(peer)];
        let mut stream = loop {
            let arrived = place.arrived.notified();
            tokio::pin!(arrived);
            // Registered before looking, so that nothing that arrives in between is missed.
            arrived.as_mut().enable();
            let found = {
                let mut streams = place.streams.lock().unwrap_or_else(PoisonError::into_inner);
                streams.take(id)
            };
            match found {
                Some(stream) => break stream,
                None => arrived.await,
            }
        };
        let joining = async {
            stream.write_all(&[JOINED]).await?;
            stream.flush().await?;
            expect(&mut stream, GO).await
        };
        timeout(OPEN_TIMEOUT, joining).await??;
        Ok(stream)
    }

    /// Takes streams that peers open, until the swarm is gone.
    pub(super) async fn accept(&self, mut incoming: IncomingStreams) {
        while let Some((peer_id, stream)) = incoming.next().await {
            let Some(peer) = self.0.membership.index_of(&peer_id) else {
                continue;
            };
            let opening = self.0.waiting[usize::from(peer)].opening.clone();
            let Ok(permit) = opening.try_acquire_owned() else {
                tracing::debug!(peer, "too many streams at once: dropping one");
                continue;
            };
            let links = self.clone();
            tokio::spawn(async move {
                let received = timeout(OPEN_TIMEOUT, links.receive(peer, stream)).await;
                if let Ok(Err(error)) = received {
                    let metrics = &links.0.metrics;
                    metrics.bad_frames[usize::from(peer)].inc();
                    if metrics.may_complain(peer) {
                        tracing::warn!(peer, %error, "a session stream without a proper header");
                    }
                }
                drop(permit);
            });
        }
    }

    async fn receive(&self, peer: u8, mut stream: Stream) -> Result<(), frame::FrameError> {
        let header = frame::read(&mut stream, HEADER_BYTES).await?;
        let id: SessionId = codec::decode("session header", &header, HEADER_BYTES)
            .map_err(|error| std::io::Error::other(error.to_string()))?;
        if peer > self.0.membership.me {
            let why = "the node of lower index opens a session's streams";
            return Err(std::io::Error::other(why).into());
        }
        stream.write_all(&[RECEIVED]).await?;
        stream.flush().await?;
        let arrival = self.0.arrivals.fetch_add(1, Ordering::Relaxed);
        let place = &self.0.waiting[usize::from(peer)];
        place
            .streams
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .put(arrival, id, stream);
        place.arrived.notify_waiters();
        Ok(())
    }
}

async fn expect(stream: &mut Stream, expected: u8) -> std::io::Result<()> {
    let mut byte = [0];
    stream.read_exact(&mut byte).await?;
    if byte == [expected] {
        Ok(())
    } else {
        Err(std::io::Error::other(
            "an unexpected answer to a session's header",
        ))
    }
}
