//! The swarm itself: who is dialed, which connections are kept.

use std::{num::NonZeroU8, sync::Arc, time::Duration};

use futures::StreamExt as _;
use libp2p::{
    Swarm,
    connection_limits::{Behaviour as Limits, ConnectionLimits},
    core::{transport::upgrade, upgrade::Version},
    swarm::{
        Config, ConnectionId, NetworkBehaviour, SwarmEvent,
        dial_opts::{DialOpts, PeerCondition},
    },
    tcp, yamux,
};
use tokio::{
    sync::{mpsc, watch},
    time::{Instant, sleep_until},
};
use wire::limits::NODES;

use super::{pinned::PinnedNoise, strangers::Strangers};
use crate::{NodeError, config::Membership, keys::NodeKeys, metrics::Metrics};

const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(5);
/// Handshakes at the same time, also with strangers, of whom there may be fewer.
const HANDSHAKES: u32 = 256;
const FIRST_BACKOFF: Duration = Duration::from_millis(100);
const LONGEST_BACKOFF: Duration = Duration::from_secs(2);
/// Streams that one connection may carry: two long-lived ones, and those that take their place.
const STREAMS: usize = 32;

/// What runs on the swarm.
#[derive(NetworkBehaviour)]
pub(super) struct Behaviour {
    limits: Limits,
    strangers: Strangers,
    /// Streams of both protocols.
    pub(super) streams: libp2p_stream::Behaviour,
}

/// An order to the swarm.
#[derive(Clone, Copy, Debug)]
pub(super) enum Command {
    /// Close all connections to a peer that has gone silent; they are made again.
    Disconnect {
        /// Party number of the peer.
        peer: u8,
    },
}

/// Sets up the swarm without starting anything.
///
/// # Errors
/// [`NodeError::Swarm`].
pub(super) fn build(
    membership: &Membership,
    keys: &NodeKeys,
) -> Result<Swarm<Behaviour>, NodeError> {
    let identity = keys.libp2p()?;
    let others = membership
        .others()
        .map(|p| membership.peers[usize::from(p)]);
    let noise = PinnedNoise::new(&identity, &membership.committee, others)
        .map_err(|error| NodeError::Swarm(error.to_string()))?;
    let mut muxer = yamux::Config::default();
    muxer.set_max_num_streams(STREAMS);
    let tcp = tcp::tokio::Transport::new(tcp::Config::default().nodelay(true));
    let transport = upgrade::Builder::new(tcp, Version::V1Lazy)
        .authenticate(noise)
        .multiplex(muxer)
        .timeout(HANDSHAKE_TIMEOUT)
        .boxed();
    // One connection to each peer is enough; a second one is let in so that a peer that came back
    // is not kept out by its own dead connection.
    let limits = ConnectionLimits::default()
        .with_max_pending_incoming(Some(HANDSHAKES))
        .with_max_established_incoming(Some(12))
        .with_max_established(Some(12))
        .with_max_established_per_peer(Some(3));
    let behaviour = Behaviour {
        limits: Limits::new(limits),
        strangers: Strangers::new((0u8..4).filter_map(|party| membership.ip(party))),
        streams: libp2p_stream::Behaviour::new(),
    };
    let config = Config::with_tokio_executor()
        .with_idle_connection_timeout(Duration::from_secs(3600))
        .with_max_negotiating_inbound_streams(64)
        .with_dial_concurrency_factor(NonZeroU8::MIN);
    let peer_id = identity.public().to_peer_id();
    Ok(Swarm::new(transport, behaviour, peer_id, config))
}

/// Listens on the address of the committee file.
///
/// # Errors
/// [`NodeError::Swarm`].
pub(super) async fn listen(
    swarm: &mut Swarm<Behaviour>,
    membership: &Membership,
) -> Result<(), NodeError> {
    let address = membership.addresses[usize::from(membership.me)].clone();
    let failed = |why: String| {
        NodeError::Swarm(format!(
            "cannot listen on {address}, which the committee file gives this node: {why}; is \
             another process using the port?"
        ))
    };
    swarm
        .listen_on(address.clone())
        .map_err(|error| failed(error.to_string()))?;
    loop {
        match swarm.select_next_some().await {
            SwarmEvent::NewListenAddr { .. } => return Ok(()),
            SwarmEvent::ListenerClosed { reason, .. } => return Err(failed(format!("{reason:?}"))),
            SwarmEvent::ListenerError { error, .. } => return Err(failed(error.to_string())),
            _ => {}
        }
    }
}

/// What the swarm remembers of one peer.
#[derive(Default)]
struct PeerState {
    connections: Vec<ConnectionId>,
    backoff: Duration,
    dial_at: Option<Instant>,
}

/// Runs the swarm for ever. `connections` shows, for each peer, a number that changes with every
/// new connection and is 0 while there is none.
pub(super) async fn run(
    mut swarm: Swarm<Behaviour>,
    membership: Arc<Membership>,
    connections: [watch::Sender<u64>; NODES],
    mut commands: mpsc::Receiver<Command>,
    metrics: Arc<Metrics>,
) {
    let mut peers: [PeerState; NODES] = std::array::from_fn(|party| PeerState {
        dial_at: (party > usize::from(membership.me)).then(Instant::now),
        ..PeerState::default()
    });
    let mut generation = 0;
    loop {
        let next_dial = peers.iter().filter_map(|peer| peer.dial_at).min();
        let wait = async {
            match next_dial {
                Some(at) => sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            event = swarm.select_next_some() => {
                observe(event, &mut swarm, &membership, &mut peers, &connections, &mut generation, &metrics);
            }
            Some(Command::Disconnect { peer }) = commands.recv() => {
                tracing::warn!(peer, "a peer has gone silent: closing its connections");
                let _ = swarm.disconnect_peer_id(membership.peers[usize::from(peer)]);
            }
            () = wait => dial_due(&mut swarm, &membership, &mut peers),
        }
    }
}

fn dial_due(swarm: &mut Swarm<Behaviour>, membership: &Membership, peers: &mut [PeerState; NODES]) {
    let now = Instant::now();
    for (party, peer) in peers.iter_mut().enumerate() {
        if peer.dial_at.is_none_or(|at| at > now) {
            continue;
        }
        peer.dial_at = None;
        if !peer.connections.is_empty() {
            continue;
        }
        let options = DialOpts::peer_id(membership.peers[party])
            .condition(PeerCondition::DisconnectedAndNotDialing)
            .addresses(vec![membership.addresses[party].clone()])
            .build();
        if let Err(error) = swarm.dial(options) {
            tracing::debug!(party, %error, "dialing failed at once");
            retry(peer);
        }
    }
}

/// Dials again after a pause that doubles.
fn retry(peer: &mut PeerState) {
    peer.backoff = (peer.backoff * 2).clamp(FIRST_BACKOFF, LONGEST_BACKOFF);
    peer.dial_at = Some(Instant::now() + peer.backoff);
}

fn observe(
    event: SwarmEvent<BehaviourEvent>,
    swarm: &mut Swarm<Behaviour>,
    membership: &Membership,
    peers: &mut [PeerState; NODES],
    connections: &[watch::Sender<u64>; NODES],
    generation: &mut u64,
    metrics: &Metrics,
) {
    let party_of = |peer_id| membership.index_of(peer_id).map(usize::from);
    match event {
        SwarmEvent::ConnectionEstablished {
            peer_id,
            connection_id,
            ..
        } => {
            let Some(party) = party_of(&peer_id) else {
                // The handshake refuses strangers; this is the second lock on the door.
                swarm.close_connection(connection_id);
                return;
            };
            tracing::info!(peer = party, "connected");
            // The newest connection is the live one: a peer dials anew only after losing the old.
            for old in std::mem::take(&mut peers[party].connections) {
                swarm.close_connection(old);
            }
            peers[party].connections.push(connection_id);
            peers[party].backoff = Duration::ZERO;
            peers[party].dial_at = None;
            *generation += 1;
            connections[party].send_replace(*generation);
        }
        SwarmEvent::ConnectionClosed {
            peer_id,
            connection_id,
            cause,
            ..
        } => {
            let Some(party) = party_of(&peer_id) else {
                return;
            };
            let peer = &mut peers[party];
            peer.connections.retain(|id| *id != connection_id);
            if peer.connections.is_empty() {
                let cause = cause.map(|cause| cause.to_string()).unwrap_or_default();
                tracing::info!(peer = party, cause, "disconnected");
                connections[party].send_replace(0);
                if party > usize::from(membership.me) {
                    retry(peer);
                }
            }
        }
        SwarmEvent::OutgoingConnectionError { peer_id, error, .. } => {
            let Some(party) = peer_id.as_ref().and_then(party_of) else {
                return;
            };
            tracing::debug!(peer = party, %error, "dialing failed");
            if peers[party].connections.is_empty() {
                retry(&mut peers[party]);
            }
        }
        SwarmEvent::IncomingConnectionError {
            send_back_addr,
            error,
            ..
        } => {
            metrics.refused_connections.inc();
            if metrics.may_complain_of_strangers() {
                tracing::warn!(from = %send_back_addr, %error, "a connection was refused");
            }
        }
        _ => {}
    }
}
