//! How many may shake hands at the same time who do not come from the address of a node. Whoever
//! floods the port, from one address or from many, leaves room for the nodes.

use std::{
    collections::{HashMap, HashSet},
    convert::Infallible,
    net::IpAddr,
    task::{Context, Poll},
};

use libp2p::{
    Multiaddr, PeerId,
    core::{Endpoint, transport::PortUse},
    multiaddr::Protocol,
    swarm::{
        ConnectionDenied, ConnectionId, FromSwarm, NetworkBehaviour, THandler, THandlerInEvent,
        THandlerOutEvent, ToSwarm, dummy,
    },
};

use crate::client_ip::client_of;

/// Handshakes with strangers.
const STRANGERS: usize = 128;
/// Handshakes with one of them.
const EACH: usize = 16;

/// Refuses strangers that are too many.
pub(super) struct Strangers {
    nodes: HashSet<IpAddr>,
    shaking: HashMap<ConnectionId, IpAddr>,
}

/// Why a connection is refused before the handshake.
#[derive(Debug, thiserror::Error)]
#[error("too many handshakes with those who are not nodes")]
struct TooMany;

impl Strangers {
    /// Knows the nodes by their addresses.
    pub(super) fn new(nodes: impl IntoIterator<Item = IpAddr>) -> Self {
        Self {
            nodes: nodes.into_iter().map(client_of).collect(),
            shaking: HashMap::new(),
        }
    }

    fn enter(&mut self, connection: ConnectionId, ip: IpAddr) -> Result<(), TooMany> {
        let ip = client_of(ip);
        if self.nodes.contains(&ip) {
            return Ok(());
        }
        let same = self.shaking.values().filter(|other| **other == ip).count();
        if self.shaking.len() >= STRANGERS || same >= EACH {
            return Err(TooMany);
        }
        self.shaking.insert(connection, ip);
        Ok(())
    }
}

impl NetworkBehaviour for Strangers {
    type ConnectionHandler = dummy::ConnectionHandler;
    type ToSwarm = Infallible;

    fn handle_pending_inbound_connection(
        &mut self,
        connection: ConnectionId,
        _: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<(), ConnectionDenied> {
        let ip = remote.iter().find_map(|part| match part {
            Protocol::Ip4(ip) => Some(IpAddr::V4(ip)),
            Protocol::Ip6(ip) => Some(IpAddr::V6(ip)),
            _ => None,
        });
        let ip = ip.ok_or_else(|| ConnectionDenied::new(TooMany))?;
        self.enter(connection, ip).map_err(ConnectionDenied::new)
    }

    fn handle_established_inbound_connection(
        &mut self,
        _: ConnectionId,
        _: PeerId,
        _: &Multiaddr,
        _: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        Ok(dummy::ConnectionHandler)
    }

    fn handle_established_outbound_connection(
        &mut self,
        _: ConnectionId,
        _: PeerId,
        _: &Multiaddr,
        _: Endpoint,
        _: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        Ok(dummy::ConnectionHandler)
    }

    fn on_swarm_event(&mut self, event: FromSwarm<'_>) {
        match event {
            FromSwarm::ConnectionEstablished(event) => {
                self.shaking.remove(&event.connection_id);
            }
            FromSwarm::ListenFailure(event) => {
                self.shaking.remove(&event.connection_id);
            }
            _ => {}
        }
    }

    fn on_connection_handler_event(
        &mut self,
        _: PeerId,
        _: ConnectionId,
        event: THandlerOutEvent<Self>,
    ) {
        match event {}
    }

    fn poll(&mut self, _: &mut Context<'_>) -> Poll<ToSwarm<Self::ToSwarm, THandlerInEvent<Self>>> {
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_strangers_leaves_room_for_the_nodes() {
        let ip = |third: u8, last: u8| IpAddr::from([192, 0, third, last]);
        let mut strangers = Strangers::new([ip(1, 1)]);
        let mut number = 0;
        let mut enter = |strangers: &mut Strangers, ip| {
            number += 1;
            strangers
                .enter(ConnectionId::new_unchecked(number), ip)
                .is_ok()
        };
        let crowd = (0..100).filter(|_| enter(&mut strangers, ip(2, 1))).count();
        assert_eq!(crowd, EACH);
        let all = (0..250).filter(|last| enter(&mut strangers, ip(3, *last)));
        assert_eq!(crowd + all.count(), STRANGERS);
        assert!((0..STRANGERS).all(|_| enter(&mut strangers, ip(1, 1))));
        assert_eq!(strangers.shaking.len(), STRANGERS);
    }
}
