//! Links of sessions: which connection serves which session.
//!
//! The node of lower index brings a connection, one that waits or a new one, and names the session
//! on it. The other answers "received" at once, and "joined" when its own worker has come to the
//! same session; the first then says "go", and frames flow both ways. When both have said that the
//! session is over, the connection waits for the next one.

use std::{
    collections::{HashMap, VecDeque},
    io,
    net::SocketAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use alloy_primitives::B256;
use rustls::{ClientConfig, ServerConfig};
use serde::{Deserialize, Serialize};
use tokio::{
    io::AsyncWriteExt as _,
    net::TcpStream,
    sync::{Notify, Semaphore, TryAcquireError, watch},
    time::{sleep, timeout},
};
use wire::{WireError, codec, limits::NODES};

use super::{
    OPEN_TIMEOUT,
    connection::Connection,
    identity::{DOOR_BYTES, Identity, Introduction, Pinned},
    link::Link,
    records::Records,
};
use crate::{NodeError, keys, metrics::Metrics};

const RECEIVED: u8 = 1;
const JOINED: u8 = 2;
const GO: u8 = 3;
/// The longest name of a session.
const NAME_BYTES: usize = 64;
/// Connections to and from one peer: in sessions, waiting for workers, and idle.
const CONNECTIONS: usize = 128;
/// Handshakes with one peer at the same time.
const HANDSHAKES: usize = 8;
/// Connections of one peer that wait for this node's workers.
const WAITING: usize = 64;
/// Connections to one peer that are kept for coming sessions.
const IDLE: usize = 4;
/// How long a connection is kept by the side that brought it.
const KEPT: Duration = Duration::from_secs(60);
/// How long a peer may be unreachable that was reached before: some dials fit into it.
const GONE: Duration = Duration::from_secs(2);
/// How long the other side waits for it to be used: longer, so that it is not closed while used.
const UNUSED: Duration = Duration::from_secs(90);

/// Names a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SessionId {
    /// The computation, or the lot of the reserve that is made.
    pub job: B256,
    /// Number of the attempt, from 0.
    pub attempt: u32,
}

impl SessionId {
    /// Understands the name of a session, as a peer says it.
    ///
    /// # Errors
    /// [`WireError`].
    pub fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        codec::decode("the name of a session", bytes, NAME_BYTES)
    }
}

/// Makes links between workers of the same session at two nodes; cheap to clone.
#[derive(Clone)]
pub struct SessionLinks(Arc<Inner>);

struct Inner {
    me: u8,
    port: u16,
    key: Vec<u8>,
    metrics: Arc<Metrics>,
    peers: [Peer; NODES],
    arrivals: AtomicU64,
}

struct Peer {
    /// What it has to say first when it connects.
    door: [u8; DOOR_BYTES],
    /// Where it is, and what to say there first; none before it has introduced itself.
    there: Mutex<Option<(SocketAddr, [u8; DOOR_BYTES])>>,
    key: Pinned,
    client: Arc<ClientConfig>,
    server: Arc<ServerConfig>,
    /// Whether the swarm reaches it.
    reached: watch::Sender<bool>,
    waiting: Mutex<Waiting>,
    arrived: Notify,
    idle: Mutex<Vec<Connection>>,
    connections: Arc<Semaphore>,
    handshakes: Semaphore,
}

/// Looks whether the swarm reaches a peer.
pub(crate) struct Reach {
    reached: watch::Receiver<bool>,
    /// Whether it did at first.
    before: bool,
}

impl Reach {
    /// Ends when the peer was reached, since this was made, and then is not for [`GONE`] in one go: it
    /// has ended, and the one that comes after it knows nothing of sessions. One that was never
    /// reached is not lost.
    pub(crate) async fn lost(mut self) {
        let Self { reached, before } = &mut self;
        let mut known = *before || reached.wait_for(|reached| *reached).await.is_ok();
        while known {
            known = reached.wait_for(|reached| !reached).await.is_ok();
            let back = timeout(GONE, reached.wait_for(|reached| *reached)).await;
            if known && back.is_err() {
                return;
            }
        }
        // The node itself has ended.
        std::future::pending().await
    }
}

/// Connections that wait for this node's workers.
#[derive(Default)]
struct Waiting {
    by_session: HashMap<SessionId, (u64, Connection)>,
    order: VecDeque<(u64, SessionId)>,
}

impl std::fmt::Debug for SessionLinks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SessionLinks").finish_non_exhaustive()
    }
}

impl Waiting {
    fn put(&mut self, arrival: u64, id: SessionId, connection: Connection) {
        self.by_session.insert(id, (arrival, connection));
        self.order.push_back((arrival, id));
        while self.order.len() > WAITING {
            if let Some((arrival, id)) = self.order.pop_front()
                && self.by_session.get(&id).is_some_and(|(a, _)| *a == arrival)
            {
                self.by_session.remove(&id);
            }
        }
    }

    fn take(&mut self, id: SessionId) -> Option<Connection> {
        let (arrival, connection) = self.by_session.remove(&id)?;
        self.order.retain(|(a, _)| *a != arrival);
        Some(connection)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl SessionLinks {
    /// Draws this process's key. Connections come by [`Self::accept`], to this port.
    ///
    /// # Errors
    /// [`NodeError::Transport`] if there is no key to be had.
    pub fn new(me: u8, port: u16, metrics: Arc<Metrics>) -> Result<Self, NodeError> {
        let failed = |error: rustls::Error| NodeError::Transport(error.to_string());
        let identity = Identity::new().map_err(failed)?;
        let mut peers = Vec::with_capacity(NODES);
        for _ in 0..NODES {
            let random = keys::random()?;
            let mut door = [0; DOOR_BYTES];
            door.copy_from_slice(&random[..DOOR_BYTES]);
            let key = Pinned::default();
            let (client, server) = identity.configs(key.clone()).map_err(failed)?;
            peers.push(Peer {
                door,
                there: Mutex::default(),
                key,
                client,
                server,
                reached: watch::Sender::new(false),
                waiting: Mutex::default(),
                arrived: Notify::new(),
                idle: Mutex::default(),
                connections: Arc::new(Semaphore::new(CONNECTIONS)),
                handshakes: Semaphore::new(HANDSHAKES),
            });
        }
        let four = |_| NodeError::Transport("there are not four nodes".into());
        Ok(Self(Arc::new(Inner {
            me,
            port,
            key: identity.public(),
            metrics,
            peers: peers.try_into().map_err(four)?,
            arrivals: AtomicU64::new(0),
        })))
    }

    /// The metrics that count a session's bytes.
    #[must_use]
    pub fn metrics(&self) -> &Metrics {
        &self.0.metrics
    }

    fn peer(&self, peer: u8) -> &Peer {
        &self.0.peers[usize::from(peer) % NODES]
    }

    /// Notes whether the swarm reaches a peer.
    pub(crate) fn set_reached(&self, peer: u8, reached: bool) {
        self.peer(peer).reached.send_replace(reached);
    }

    /// Looks from now on whether the swarm reaches a peer.
    pub(crate) fn reach(&self, peer: u8) -> Reach {
        let reached = self.peer(peer).reached.subscribe();
        let before = *reached.borrow();
        Reach { reached, before }
    }

    /// What this node has to tell a peer, and nobody else.
    #[must_use]
    pub fn introduction(&self, peer: u8) -> Introduction {
        Introduction {
            port: self.0.port,
            key: self.0.key.clone(),
            door: self.peer(peer).door,
        }
    }

    /// Takes a peer's introduction, which must have come over a channel that is known to be the
    /// peer's. Connections with another key are refused from now on.
    pub fn meet(&self, peer: u8, address: SocketAddr, introduction: Introduction) {
        let Introduction { key, door, .. } = introduction;
        let place = self.peer(peer);
        let known = {
            let mut pinned = place.key.write().unwrap_or_else(PoisonError::into_inner);
            pinned.replace(key.clone()).is_some_and(|old| old == key)
        };
        *lock(&place.there) = Some((address, door));
        if !known {
            lock(&place.idle).clear();
        }
    }

    /// Links this node's worker with the one of `peer`; waits for it without end, so bound it.
    pub async fn link(&self, peer: u8, id: SessionId) -> Connection {
        loop {
            let linked = if self.0.me < peer {
                self.open(peer, id).await
            } else {
                self.wait(peer, id).await
            };
            match linked {
                Ok(connection) => return connection,
                Err(error) => {
                    tracing::debug!(peer, job = %id.job, attempt = id.attempt,
                        %error, "no link yet");
                    sleep(OPEN_TIMEOUT / 20).await;
                }
            }
        }
    }

    async fn open(&self, peer: u8, id: SessionId) -> io::Result<Connection> {
        let mut connection = match self.name_on_idle(peer, id).await {
            Some(connection) => connection,
            None => {
                let mut connection = self.dial(peer).await?;
                name(&mut connection, id).await?;
                connection
            }
        };
        connection.expect(JOINED).await?;
        connection.write(&[GO]).await?;
        Ok(connection)
    }

    /// Names a session on a connection that is there already, if one is and lives.
    async fn name_on_idle(&self, peer: u8, id: SessionId) -> Option<Connection> {
        loop {
            let mut connection = lock(&self.peer(peer).idle).pop()?;
            if connection.idle_since.elapsed() < KEPT && name(&mut connection, id).await.is_ok() {
                return Some(connection);
            }
        }
    }

    async fn dial(&self, peer: u8) -> io::Result<Connection> {
        let place = self.peer(peer);
        let (address, door) = lock(&place.there)
            .ok_or_else(|| io::Error::other("the peer has not introduced itself"))?;
        let connection = place.connections.clone().try_acquire_owned();
        let connection = connection.map_err(full)?;
        let _handshake = place.handshakes.acquire().await.map_err(io::Error::other)?;
        let connecting = async {
            let mut stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            stream.write_all(&door).await?;
            Ok::<_, io::Error>(stream)
        };
        let stream = timeout(OPEN_TIMEOUT, connecting).await??;
        Connection::new(stream, Records::client(place.client.clone())?, connection).await
    }

    async fn wait(&self, peer: u8, id: SessionId) -> io::Result<Connection> {
        let place = self.peer(peer);
        let mut connection = loop {
            let arrived = place.arrived.notified();
            tokio::pin!(arrived);
            // Registered before looking, so that nothing that arrives in between is missed.
            arrived.as_mut().enable();
            let found = lock(&place.waiting).take(id);
            match found {
                Some(connection) => break connection,
                None => arrived.await,
            }
        };
        let joining = async {
            connection.write(&[JOINED]).await?;
            connection.expect(GO).await
        };
        timeout(OPEN_TIMEOUT, joining).await??;
        Ok(connection)
    }

    /// Whose word this is.
    pub(super) fn whose(&self, word: &[u8; DOOR_BYTES]) -> Option<u8> {
        let words = (0u8..).zip(&self.0.peers);
        let others = words.filter(|(peer, _)| *peer != self.0.me);
        let mut theirs = others.filter(|(_, peer)| peer.door == *word);
        theirs.next().map(|(peer, _)| peer)
    }

    /// Counts a connection that is not let in.
    pub(super) fn refused(&self, why: &str) {
        let metrics = &self.0.metrics;
        metrics.refused_connections.inc();
        if metrics.may_complain_of_strangers() {
            tracing::warn!(why, "a connection of a session was refused");
        }
    }

    /// Takes a connection of somebody who knows the word that `peer` was told.
    pub(super) fn welcome(&self, peer: u8, stream: TcpStream) {
        let links = self.clone();
        let place = self.peer(peer);
        let Ok(connection) = place.connections.clone().try_acquire_owned() else {
            return self.refused("the peer has too many connections");
        };
        tokio::spawn(async move {
            let shaken = {
                let place = links.peer(peer);
                let Ok(_handshake) = place.handshakes.try_acquire() else {
                    return links.refused("too many handshakes with the peer");
                };
                let accepting = async {
                    stream.set_nodelay(true)?;
                    let records = Records::server(place.server.clone())?;
                    Connection::new(stream, records, connection).await
                };
                accepting.await
            };
            match shaken {
                Ok(connection) => links.serve(peer, connection).await,
                Err(error) => links.refused(&error.to_string()),
            }
        });
    }

    /// Waits for the name of the session that a peer's connection is for.
    async fn serve(&self, peer: u8, mut connection: Connection) {
        match timeout(UNUSED, read_name(&mut connection)).await {
            Ok(Ok(id)) => {
                let arrival = self.0.arrivals.fetch_add(1, Ordering::Relaxed);
                let place = self.peer(peer);
                lock(&place.waiting).put(arrival, id, connection);
                place.arrived.notify_waiters();
            }
            Ok(Err(error)) if error.kind() == io::ErrorKind::InvalidData => {
                let metrics = &self.0.metrics;
                metrics.bad_frames[usize::from(peer)].inc();
                if metrics.may_complain(peer) {
                    tracing::warn!(peer, %error, "a session without a proper name");
                }
            }
            Ok(Err(error)) => tracing::debug!(peer, %error, "an idle connection ended"),
            Err(_) => {}
        }
    }

    /// Ends a session on this side with its last frames delivered, and keeps the connection for
    /// another one if the peer's session ends within `patience`. Must be called within the
    /// asynchronous runtime.
    pub(crate) async fn finish(self, link: Link, patience: Duration) {
        let peer = link.peer;
        match timeout(patience, link.finish()).await {
            Ok(Ok(connection)) if self.0.me < peer => {
                let mut idle = lock(&self.peer(peer).idle);
                if idle.len() >= IDLE {
                    idle.remove(0);
                }
                idle.push(connection);
            }
            Ok(Ok(connection)) => self.serve(peer, connection).await,
            Ok(Err(error)) => tracing::debug!(peer, %error, "a link broke after its session"),
            Err(_) => tracing::debug!(peer, "the peer's session does not end"),
        }
    }
}

fn full(_: TryAcquireError) -> io::Error {
    io::Error::other("too many connections to the peer")
}

async fn name(connection: &mut Connection, id: SessionId) -> io::Result<()> {
    let name = codec::encode(&id);
    let length = u8::try_from(name.len()).map_err(io::Error::other)?;
    let naming = async {
        connection
            .write(&[&[length], name.as_slice()].concat())
            .await?;
        connection.expect(RECEIVED).await
    };
    timeout(OPEN_TIMEOUT, naming).await?
}

async fn read_name(connection: &mut Connection) -> io::Result<SessionId> {
    let bad = |why: String| io::Error::new(io::ErrorKind::InvalidData, why);
    let length = usize::from(connection.read(1).await?[0]);
    if length > NAME_BYTES {
        return Err(bad(format!("a name of {length} bytes")));
    }
    let name = connection.read(length).await?;
    let id = SessionId::decode(&name).map_err(|error| bad(error.to_string()))?;
    connection.write(&[RECEIVED]).await?;
    Ok(id)
}

#[cfg(test)]
pub(crate) mod tests;
