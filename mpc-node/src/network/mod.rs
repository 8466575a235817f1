//! Connections between the four nodes.
//!
//! One libp2p swarm over TCP, Noise and Yamux, pinned to the committee ([`pinned`]). The node of
//! lower index dials. On each connection runs one long-lived stream in each direction with what
//! nodes say to each other (`link`); the first thing said is how to reach the node for computations
//! ([`crate::transport`]). Everything is bounded: queues drop their oldest (`outbox`) or hold up the
//! sender, frames have a length ([`frame`]), connections and streams a number. Read `swarm` first.

pub mod frame;
mod link;
mod outbox;
pub mod pinned;
mod strangers;
mod swarm;

use std::{
    net::SocketAddr,
    sync::{Arc, atomic::AtomicU8, atomic::Ordering},
    time::Duration,
};

use alloy_primitives::Bytes;
use futures::StreamExt as _;
use libp2p::StreamProtocol;
use tokio::{
    net::TcpListener,
    sync::{mpsc, watch},
    task::JoinSet,
};
use wire::{
    limits::{NODES, PEER_FRAME_BYTES},
    peer::PeerMessage,
};

use crate::{
    NodeError, config::Membership, keys::NodeKeys, metrics::Metrics,
    transport::sessions::SessionLinks,
};
pub use link::{MessageError, decode_message};
use outbox::Outbox;

const PEER_PROTOCOL: StreamProtocol = StreamProtocol::new("/quartet/peer/2");

/// How long opening a stream and its acknowledgement may take.
const OPEN_TIMEOUT: Duration = Duration::from_secs(3);
/// A sign of life is sent after this silence.
const HEARTBEAT: Duration = Duration::from_secs(2);
/// A peer that was silent for so long is taken for gone, and its connection is closed.
const SILENCE: Duration = Duration::from_secs(15);

/// What the network tells the core.
#[derive(Debug)]
pub enum NetworkEvent {
    /// A peer can be sent messages.
    Up {
        /// Party number of the peer.
        peer: u8,
    },
    /// It cannot any more.
    Down {
        /// Party number of the peer.
        peer: u8,
    },
}

/// A message of a peer, with its share of the memory that this peer may fill.
#[derive(Debug)]
pub struct Inbound {
    /// The message.
    pub message: PeerMessage,
    /// Given back when the message has been dealt with.
    pub _room: tokio::sync::OwnedSemaphorePermit,
}

/// What the core reads from the network.
#[derive(Debug)]
pub struct Inlets {
    /// Connections coming and going.
    pub events: mpsc::Receiver<NetworkEvent>,
    /// Messages by peer; that of this node itself stays empty.
    pub messages: [mpsc::Receiver<Inbound>; NODES],
}

/// Sends to peers; cheap to clone.
#[derive(Clone, Debug)]
pub struct Network {
    me: u8,
    outboxes: [Arc<Outbox>; NODES],
    connected: Arc<AtomicU8>,
    metrics: Arc<Metrics>,
    sessions: SessionLinks,
}

/// The running tasks; they end when this is dropped.
pub type NetworkTasks = JoinSet<&'static str>;

/// Starts the swarm, and takes connections of sessions at `session_listen`. Both listen when this
/// returns.
///
/// # Errors
/// [`NodeError::Swarm`] if the address in the committee file cannot be listened on;
/// [`NodeError::Listen`] and [`NodeError::Transport`].
pub async fn start(
    membership: Arc<Membership>,
    keys: &NodeKeys,
    session_listen: SocketAddr,
    metrics: Arc<Metrics>,
) -> Result<(Network, Inlets, NetworkTasks), NodeError> {
    let swarm_error = |error: String| NodeError::Swarm(error);
    let mut swarm = swarm::build(&membership, keys)?;
    let mut control = swarm.behaviour().streams.new_control();
    let mut peer_streams = control
        .accept(PEER_PROTOCOL)
        .map_err(|e| swarm_error(e.to_string()))?;
    swarm::listen(&mut swarm, &membership).await?;
    let (sessions, session_listener) = listen(&membership, session_listen, &metrics).await?;

    let (event_sender, events) = mpsc::channel(16);
    let (commands, command_receiver) = mpsc::channel(16);
    let connections: [watch::Sender<u64>; NODES] = std::array::from_fn(|_| watch::Sender::new(0));
    let network = Network {
        me: membership.me,
        outboxes: std::array::from_fn(|_| Arc::default()),
        connected: Arc::new(AtomicU8::new(0)),
        metrics: metrics.clone(),
        sessions: sessions.clone(),
    };

    let mut tasks = JoinSet::new();
    let mut receivers = Vec::with_capacity(NODES);
    let mut readers: [Option<link::Reader>; NODES] = [const { None }; NODES];
    for (party, reader) in (0u8..).zip(&mut readers) {
        let (sender, receiver) = mpsc::channel(256);
        receivers.push(receiver);
        if party == membership.me {
            continue;
        }
        let at = usize::from(party);
        let ip = membership.ip(party);
        let ip = ip.ok_or_else(|| swarm_error(format!("node {party} has no IP address")))?;
        *reader = Some(link::Reader::new(
            link::Origin { party, ip },
            sender,
            metrics.clone(),
            commands.clone(),
            sessions.clone(),
        ));
        let writer = link::Writer {
            peer: party,
            peer_id: membership.peers[at],
            control: control.clone(),
            connection: connections[at].subscribe(),
            outbox: network.outboxes[at].clone(),
            connected: network.connected.clone(),
            events: event_sender.clone(),
            metrics: metrics.clone(),
            sessions: sessions.clone(),
        };
        tasks.spawn(async move {
            writer.run().await;
            "writer to a peer"
        });
    }
    let accepting = membership.clone();
    tasks.spawn(async move {
        // libp2p-stream drops a stream that is not taken at once; the peer then tries again.
        while let Some((peer_id, stream)) = peer_streams.next().await {
            let party = accepting.index_of(&peer_id).map(usize::from);
            if let Some(reader) = party.and_then(|party| readers[party].as_mut()) {
                reader.take(stream);
            }
        }
        "stream listener"
    });
    tasks.spawn(async move {
        sessions.accept(session_listener).await;
        "session listener"
    });
    tasks.spawn(async move {
        swarm::run(swarm, membership, connections, command_receiver, metrics).await;
        "swarm"
    });
    let messages = receivers
        .try_into()
        .map_err(|_| swarm_error("there are not four nodes".into()))?;
    Ok((network, Inlets { events, messages }, tasks))
}

/// Takes the address for connections of sessions.
async fn listen(
    membership: &Membership,
    address: SocketAddr,
    metrics: &Arc<Metrics>,
) -> Result<(SessionLinks, TcpListener), NodeError> {
    let failed = |source| NodeError::Listen {
        what: "computations (`session_listen` in the configuration)",
        address,
        source,
    };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let port = listener.local_addr().map_err(failed)?.port();
    let sessions = SessionLinks::new(membership.me, port, metrics.clone())?;
    Ok((sessions, listener))
}

impl Network {
    /// Queues a message for one peer; it is lost if the peer is not connected or too slow.
    pub fn send(&self, to: u8, message: &PeerMessage) {
        self.send_frame(to, encode(message));
    }

    /// Queues a message for every peer.
    pub fn broadcast(&self, message: &PeerMessage) {
        let frame = encode(message);
        for peer in (0..4u8).filter(|peer| *peer != self.me) {
            self.send_frame(peer, frame.clone());
        }
    }

    fn send_frame(&self, to: u8, frame: Bytes) {
        if frame.len() > PEER_FRAME_BYTES {
            tracing::error!(
                bytes = frame.len(),
                "a message is too long for a frame: not sent"
            );
        } else if let Some(outbox) = self.outboxes.get(usize::from(to)) {
            let dropped = outbox.push(frame);
            self.metrics.swarm_dropped[usize::from(to)].inc_by(dropped);
        }
    }

    /// Party numbers of the peers that can be sent messages.
    #[must_use]
    pub fn connected(&self) -> Vec<u8> {
        let bits = self.connected.load(Ordering::Relaxed);
        (0..4u8).filter(|party| bits >> party & 1 == 1).collect()
    }

    /// Links of sessions.
    #[must_use]
    pub const fn sessions(&self) -> &SessionLinks {
        &self.sessions
    }
}

fn encode(message: &PeerMessage) -> Bytes {
    Bytes::from(message.encode())
}

#[cfg(test)]
pub(crate) mod tests;
