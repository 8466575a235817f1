//! What nodes say to each other besides computations: one long-lived stream in each direction.
//!
//! The writer opens a stream on every new connection, introduces the node and sends queued frames;
//! the reader of the other side acknowledges the introduction with one byte before anything else is
//! sent, since a stream that nobody took in time is dropped silently. Empty frames keep the link
//! alive.

use std::{
    net::{IpAddr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
};

use futures::{AsyncReadExt as _, AsyncWriteExt as _};
use libp2p::{PeerId, Stream};
use libp2p_stream::Control;
use tokio::{
    sync::{Semaphore, mpsc, watch},
    task::AbortHandle,
    time::{sleep, timeout},
};
use wire::{
    codec,
    limits::{LOT_PART_BYTES, NODES, PEER_FRAME_BYTES},
    peer::PeerMessage,
};

use super::{
    HEARTBEAT, Inbound, NetworkEvent, OPEN_TIMEOUT, PEER_PROTOCOL, SILENCE,
    frame::{self, FrameError},
    outbox::Outbox,
    swarm::Command,
};
use crate::{
    metrics::Metrics,
    transport::{
        identity::{INTRODUCTION_BYTES, Introduction},
        sessions::SessionLinks,
    },
};

const TAKEN: u8 = 1;
/// KiB of messages of one peer that may wait for the core.
const ROOM_KIB: usize = 32 * 1024;
/// Elements of a list in a message, at most; honest nodes send fewer. An element of one byte may
/// take a hundred in memory, so what is longer does not get to wait for the core.
const ELEMENTS: usize = 1024;

/// Sends to one peer.
pub(super) struct Writer {
    pub(super) peer: u8,
    pub(super) peer_id: PeerId,
    pub(super) control: Control,
    pub(super) connection: watch::Receiver<u64>,
    pub(super) outbox: Arc<Outbox>,
    pub(super) connected: Arc<AtomicU8>,
    pub(super) events: mpsc::Sender<NetworkEvent>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) sessions: SessionLinks,
}

impl Writer {
    /// Runs until the swarm or the core is gone.
    pub(super) async fn run(mut self) {
        let peer = self.peer;
        loop {
            if self.connection.wait_for(|id| *id != 0).await.is_err() {
                return;
            }
            let mut watched = self.connection.clone();
            let current = *watched.borrow_and_update();
            let opened = timeout(OPEN_TIMEOUT, self.open()).await;
            let mut stream = match opened {
                Ok(Ok(stream)) if current != 0 => stream,
                failure => {
                    tracing::debug!(peer, failed = failure.is_err(), "no stream yet");
                    sleep(OPEN_TIMEOUT / 10).await;
                    continue;
                }
            };
            self.outbox.set_open(true);
            self.connected.fetch_or(1 << peer, Ordering::Relaxed);
            self.sessions.set_reached(peer, true);
            self.metrics.connected_peers.inc();
            if self.events.send(NetworkEvent::Up { peer }).await.is_err() {
                return;
            }
            tokio::select! {
                error = self.pump(&mut stream) => tracing::debug!(peer, %error, "link broke"),
                _ = watched.changed() => {}
            }
            self.outbox.set_open(false);
            self.connected.fetch_and(!(1 << peer), Ordering::Relaxed);
            self.sessions.set_reached(peer, false);
            self.metrics.connected_peers.dec();
            if self.events.send(NetworkEvent::Down { peer }).await.is_err() {
                return;
            }
        }
    }

    async fn open(&mut self) -> Result<Stream, std::io::Error> {
        let opened = self.control.open_stream(self.peer_id, PEER_PROTOCOL).await;
        let mut stream = opened.map_err(std::io::Error::other)?;
        let introduction = codec::encode(&self.sessions.introduction(self.peer));
        frame::write(&mut stream, &introduction).await?;
        let mut taken = [0];
        stream.read_exact(&mut taken).await?;
        if taken == [TAKEN] {
            Ok(stream)
        } else {
            Err(std::io::Error::other("the stream was not taken"))
        }
    }

    /// Sends until the stream breaks.
    async fn pump(&self, stream: &mut Stream) -> std::io::Error {
        loop {
            let next = timeout(HEARTBEAT, self.outbox.pop()).await;
            let frame = next.unwrap_or_default();
            let written = timeout(SILENCE, frame::write(stream, &frame)).await;
            match written {
                Ok(Ok(bytes)) => {
                    self.metrics.swarm_sent[usize::from(self.peer)].inc_by(bytes);
                }
                Ok(Err(error)) => return error,
                Err(_) => return std::io::ErrorKind::TimedOut.into(),
            }
        }
    }
}

/// A peer, and where it is reached.
#[derive(Clone, Copy)]
pub(super) struct Origin {
    pub(super) party: u8,
    pub(super) ip: IpAddr,
}

/// Takes streams from one peer; the newest replaces the one before.
pub(super) struct Reader {
    origin: Origin,
    messages: mpsc::Sender<Inbound>,
    metrics: Arc<Metrics>,
    commands: mpsc::Sender<Command>,
    room: Arc<Semaphore>,
    sessions: SessionLinks,
    running: Option<AbortHandle>,
}

impl Reader {
    pub(super) fn new(
        origin: Origin,
        messages: mpsc::Sender<Inbound>,
        metrics: Arc<Metrics>,
        commands: mpsc::Sender<Command>,
        sessions: SessionLinks,
    ) -> Self {
        Self {
            origin,
            messages,
            metrics,
            commands,
            room: Arc::new(Semaphore::new(ROOM_KIB)),
            sessions,
            running: None,
        }
    }

    /// Reads from this stream from now on.
    pub(super) fn take(&mut self, mut stream: Stream) {
        if let Some(running) = self.running.take() {
            running.abort();
        }
        let (origin, messages) = (self.origin, self.messages.clone());
        let (peer, sessions) = (origin.party, self.sessions.clone());
        let (metrics, commands, room) = (
            self.metrics.clone(),
            self.commands.clone(),
            self.room.clone(),
        );
        let task = tokio::spawn(async move {
            let error = match meet(&mut stream, origin, &sessions).await {
                Ok(()) => read_all(stream, peer, &messages, &metrics, &room).await,
                Err(error) => error,
            };
            match error {
                ReadError::Silent => {
                    let _ = commands.send(Command::Disconnect { peer }).await;
                }
                ReadError::Frame(FrameError::Stream(error)) => {
                    tracing::debug!(peer, %error, "a peer's stream ended");
                }
                ReadError::Frame(error @ FrameError::TooLong { .. }) => {
                    complain(peer, &error, &metrics);
                }
                ReadError::Message(error) => complain(peer, &error, &metrics),
                ReadError::Ended => {}
            }
        });
        self.running = Some(task.abort_handle());
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            running.abort();
        }
    }
}

fn complain(peer: u8, error: &dyn std::fmt::Display, metrics: &Metrics) {
    metrics.bad_frames[usize::from(peer)].inc();
    if metrics.may_complain(peer) {
        tracing::warn!(peer, %error, "a bad frame: closing the stream");
    }
}

/// Understands a frame of a peer.
///
/// # Errors
/// [`MessageError`].
pub fn decode_message(frame: &[u8]) -> Result<PeerMessage, MessageError> {
    let message = PeerMessage::decode(frame)?;
    if is_excessive(&message) {
        return Err(MessageError::Excessive);
    }
    Ok(message)
}

/// Why a frame is none of an honest peer.
#[derive(Debug, thiserror::Error)]
pub enum MessageError {
    /// It does not decode.
    #[error(transparent)]
    Malformed(#[from] wire::WireError),
    /// A list in it is too long.
    #[error("a list of too many elements")]
    Excessive,
}

/// Whether a list in a message is longer than any honest node's.
fn is_excessive(message: &PeerMessage) -> bool {
    let elements = match message {
        PeerMessage::Transactions(envelopes) => envelopes.len(),
        PeerMessage::NodeTransaction(signed) => signed.transaction.messages.len(),
        PeerMessage::RoundCertificate(certificate) => certificate.votes.len(),
        PeerMessage::Blocks(blocks) => blocks.len(),
        PeerMessage::WantSeeds { inputs } | PeerMessage::WantShares { inputs, .. } => inputs.len(),
        PeerMessage::Shares { shares, .. } => {
            if shares.iter().any(|shares| shares.components.len() > NODES) {
                return true;
            }
            shares.len()
        }
        PeerMessage::Seeds(shared) => {
            if shared.iter().any(|shared| shared.seeds.len() > NODES) {
                return true;
            }
            shared.len()
        }
        PeerMessage::Proposal(_)
        | PeerMessage::Vote(_)
        | PeerMessage::Status { .. }
        | PeerMessage::WantBlocks { .. }
        | PeerMessage::WantLot { .. } => 0,
        PeerMessage::LotPart(part) => return part.bytes.len() > LOT_PART_BYTES,
    };
    elements > ELEMENTS
}

enum ReadError {
    Silent,
    Ended,
    Frame(FrameError),
    Message(MessageError),
}

impl From<MessageError> for ReadError {
    fn from(error: MessageError) -> Self {
        Self::Message(error)
    }
}

impl From<FrameError> for ReadError {
    fn from(error: FrameError) -> Self {
        Self::Frame(error)
    }
}

/// Reads the peer's introduction, and acknowledges it.
async fn meet(
    stream: &mut Stream,
    origin: Origin,
    sessions: &SessionLinks,
) -> Result<(), ReadError> {
    let reading = timeout(OPEN_TIMEOUT, frame::read(stream, INTRODUCTION_BYTES)).await;
    let bytes = reading.map_err(|_| ReadError::Ended)??;
    let introduction = Introduction::decode(&bytes).map_err(MessageError::from)?;
    let address = SocketAddr::new(origin.ip, introduction.port);
    sessions.meet(origin.party, address, introduction);
    let acknowledging = async {
        stream.write_all(&[TAKEN]).await?;
        stream.flush().await
    };
    acknowledging.await.map_err(FrameError::Stream)?;
    Ok(())
}

async fn read_all(
    mut stream: Stream,
    peer: u8,
    messages: &mpsc::Sender<Inbound>,
    metrics: &Metrics,
    room: &Arc<Semaphore>,
) -> ReadError {
    let reading = async {
        loop {
            let next = timeout(SILENCE, frame::read_length(&mut stream, PEER_FRAME_BYTES)).await;
            let length = next.map_err(|_| ReadError::Silent)??;
            metrics.swarm_received[usize::from(peer)].inc_by((frame::PREFIX_BYTES + length) as u64);
            if length == 0 {
                continue;
            }
            let kib = u32::try_from(length.div_ceil(1024)).unwrap_or(u32::MAX);
            let permit = room.clone().acquire_many_owned(kib).await;
            let _room = permit.map_err(|_| ReadError::Ended)?;
            let contents = timeout(SILENCE, frame::read_contents(&mut stream, length)).await;
            let contents = contents.map_err(|_| ReadError::Silent)??;
            let message = decode_message(&contents)?;
            let inbound = Inbound { message, _room };
            messages.send(inbound).await.map_err(|_| ReadError::Ended)?;
        }
    };
    let result: Result<std::convert::Infallible, ReadError> = reading.await;
    match result {
        Ok(never) => match never {},
        Err(error) => error,
    }
}
