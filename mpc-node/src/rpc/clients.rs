//! How many connections each client has, and how fast it asks.
//!
//! A client is an IP address; of IPv6, where one customer has many, the first 64 bits of it.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use crate::{client_ip::client_of, config::RpcLimits};

/// How far a client may be ahead of its rate.
const BURST: Duration = Duration::from_secs(2);

/// All clients of a server.
#[derive(Debug)]
pub(super) struct Clients {
    limits: RpcLimits,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    connections: u32,
    clients: HashMap<IpAddr, Client>,
}

#[derive(Debug, Default)]
struct Client {
    connections: u32,
    /// When all that it has asked will have been within its rate; none if it always was.
    paid_at: Option<Instant>,
}

/// One connection's place; it is given back when this is dropped.
#[derive(Debug)]
pub(super) struct Place {
    clients: Arc<Clients>,
    ip: IpAddr,
}

impl Clients {
    pub(super) fn new(limits: RpcLimits) -> Arc<Self> {
        Arc::new(Self {
            limits,
            state: Mutex::default(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for one more connection from this address; none if there are too many.
    pub(super) fn enter(self: &Arc<Self>, ip: IpAddr, now: Instant) -> Option<Place> {
        let ip = client_of(ip);
        let mut state = self.lock();
        if state.connections >= self.limits.max_connections {
            return None;
        }
        // Those who are gone are remembered only until their rate allows the next request.
        if state.clients.len() >= 2 * self.limits.max_connections as usize {
            let owes = |client: &Client| client.paid_at.is_some_and(|paid_at| paid_at > now);
            state
                .clients
                .retain(|_, client| client.connections > 0 || owes(client));
        }
        let client = state.clients.entry(ip).or_default();
        if client.connections >= self.limits.max_connections_per_ip {
            return None;
        }
        client.connections += 1;
        state.connections += 1;
        Some(Place {
            clients: Arc::clone(self),
            ip,
        })
    }
}

impl Place {
    /// Counts requests of this client, and tells how long they have to wait.
    pub(super) fn ask(&self, requests: u32, now: Instant) -> Duration {
        let each = Duration::from_secs(1) / self.clients.limits.max_requests_per_s;
        let mut state = self.clients.lock();
        let client = state.clients.entry(self.ip).or_default();
        let paid_at = client.paid_at.map_or(now, |paid_at| paid_at.max(now)) + each * requests;
        client.paid_at = Some(paid_at);
        paid_at.saturating_duration_since(now + BURST)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut state = self.clients.lock();
        state.connections -= 1;
        if let Some(client) = state.clients.get_mut(&self.ip) {
            client.connections -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn clients() -> Arc<Clients> {
        Clients::new(RpcLimits {
            max_connections: 5,
            max_connections_per_ip: 2,
            max_requests_per_s: 10,
            ..RpcLimits::default()
        })
    }

    fn ip(last: u8) -> IpAddr {
        Ipv4Addr::new(192, 0, 2, last).into()
    }

    #[test]
    fn connections_are_bounded_by_client_and_in_all() {
        let (clients, now) = (clients(), Instant::now());
        let mut places: Vec<_> = [1, 1, 2, 2]
            .iter()
            .map(|last| clients.enter(ip(*last), now))
            .collect();
        assert!(places.iter().all(Option::is_some));
        assert!(clients.enter(ip(1), now).is_none());
        places.push(clients.enter(ip(3), now));
        assert!(places[4].is_some() && clients.enter(ip(4), now).is_none());
        drop(places.swap_remove(0));
        assert!(clients.enter(ip(1), now).is_some());
    }

    #[test]
    fn whoever_asks_too_fast_waits_and_nobody_else_does() {
        let (clients, now) = (clients(), Instant::now());
        let [Some(fast), Some(slow)] = [1, 2].map(|last| clients.enter(ip(last), now)) else {
            unreachable!("there is room");
        };
        assert_eq!(fast.ask(20, now), Duration::ZERO);
        assert_eq!(fast.ask(10, now), Duration::from_secs(1));
        assert_eq!(slow.ask(1, now), Duration::ZERO);
        // A new connection does not help, also when the list of clients is looked through.
        drop(fast);
        let others: Vec<_> = (10..24).map(|last| clients.enter(ip(last), now)).collect();
        drop(others);
        let again = clients.enter(ip(1), now).map(|place| place.ask(0, now));
        assert_eq!(again, Some(Duration::from_secs(1)));
        let later = now + Duration::from_secs(3);
        let again = clients
            .enter(ip(1), later)
            .map(|place| place.ask(20, later));
        assert_eq!(again, Some(Duration::ZERO));
    }
}
