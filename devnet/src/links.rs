//! The network between the nodes of a cluster, so that tests can have it slow, lossy or cut.
//!
//! Each node has a committee file of its own, in which every other node has an address of this
//! module's: whatever node a sends to node b goes through a listener on the loopback address
//! [`address`]`(a, b)`, with the port that b itself has on 127.0.0.1. Each direction of each pair has
//! a [`Weather`], which holds for all its connections, old and new. What happens to the bytes of one
//! connection is in `pump`.

mod pump;

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    sync::watch,
    task::JoinSet,
};
use wire::limits::NODES;

use crate::DevnetError;

/// Whether bytes get through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Flow {
    /// They do.
    #[default]
    Open,
    /// They wait, as they do while a network loses every packet: nobody is told.
    Held,
    /// Connections are closed, and new ones, too, at once.
    Cut,
}

/// What a link does, in one direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Weather {
    /// Whether bytes get through.
    pub flow: Flow,
    /// How long they take.
    pub delay: Duration,
    /// Pieces of at most 64 KiB, of a thousand, that take [`STALL`] longer, and hold up what comes
    /// behind: so a lost packet looks to those who use TCP.
    pub lost_per_mille: u16,
}

/// How long TCP takes, at least, to send a lost packet again.
pub const STALL: Duration = Duration::from_millis(200);

/// Connections that wait to be taken.
const BACKLOG: u32 = 128;

impl Weather {
    /// A link that does this with the flow, and is good otherwise.
    #[must_use]
    pub const fn flow(flow: Flow) -> Self {
        Self {
            flow,
            delay: Duration::ZERO,
            lost_per_mille: 0,
        }
    }
}

/// Where a node listens.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ears {
    /// For the other nodes.
    pub(crate) listen: u16,
    /// For the other nodes, for computations.
    pub(crate) sessions: u16,
}

/// Weather by sender and receiver.
type Map = [[watch::Sender<Weather>; NODES]; NODES];

/// The network of a running cluster. It is gone when this is dropped.
#[derive(Debug)]
pub struct Links {
    weather: Arc<Map>,
    _listeners: JoinSet<()>,
}

/// Where node `from` finds node `to`.
#[must_use]
pub fn address(from: usize, to: usize) -> Ipv4Addr {
    // No other loopback address than 127.0.0.1 is in use, so every port is free on these.
    let octet = |node| u8::try_from(node + 1).unwrap_or(u8::MAX);
    Ipv4Addr::new(127, 1, octet(from), octet(to))
}

impl Links {
    /// Starts to listen for all nodes, in good weather; must be called within a runtime. `seed`
    /// draws what is lost.
    ///
    /// # Errors
    /// [`DevnetError::Links`].
    pub(crate) fn start(nodes: [Ears; NODES], seed: u64) -> Result<Self, DevnetError> {
        let weather: Arc<Map> = Arc::default();
        let mut listeners = JoinSet::new();
        for (from, to) in pairs() {
            let Ears { listen, sessions } = nodes[to];
            for port in [listen, sessions] {
                let place = SocketAddr::from((address(from, to), port));
                let failed = |source| DevnetError::Links { place, source };
                let listener = listener_at(place).map_err(failed)?;
                let target = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
                let there = weather[from][to].subscribe();
                let back = weather[to][from].subscribe();
                let seed = seed ^ u64::from(port) << 16 ^ from as u64;
                listeners.spawn(serve(listener, target, there, back, seed));
            }
        }
        Ok(Self {
            weather,
            _listeners: listeners,
        })
    }

    /// Changes the weather in one direction.
    ///
    /// # Errors
    /// [`DevnetError::NoSuchNode`].
    pub fn set(&self, from: usize, to: usize, weather: Weather) -> Result<(), DevnetError> {
        let row = self.weather.get(from);
        let row = row.ok_or(DevnetError::NoSuchNode(from))?;
        let link = row.get(to).ok_or(DevnetError::NoSuchNode(to))?;
        link.send_replace(weather);
        Ok(())
    }

    /// Changes the weather between all nodes.
    pub fn set_all(&self, weather: Weather) {
        for (from, to) in pairs() {
            self.weather[from][to].send_replace(weather);
        }
    }

    /// Changes the weather between these nodes and all others, both ways.
    ///
    /// # Errors
    /// [`DevnetError::NoSuchNode`].
    pub fn part(&self, nodes: &[usize], weather: Weather) -> Result<(), DevnetError> {
        for (from, to) in pairs() {
            if nodes.contains(&from) != nodes.contains(&to) {
                self.set(from, to, weather)?;
            }
        }
        nodes.iter().try_for_each(|node| match *node {
            0..NODES => Ok(()),
            _ => Err(DevnetError::NoSuchNode(*node)),
        })
    }

    /// Good weather everywhere.
    pub fn heal(&self) {
        self.set_all(Weather::default());
    }
}

fn pairs() -> impl Iterator<Item = (usize, usize)> {
    let all = (0..NODES).flat_map(|from| (0..NODES).map(move |to| (from, to)));
    all.filter(|(from, to)| from != to)
}

/// Listens, and lets others use the port on other addresses: nodes dial from the port on which they
/// listen, whatever their address is.
fn listener_at(place: SocketAddr) -> io::Result<TcpListener> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.set_reuseport(true)?;
    socket.bind(place)?;
    socket.listen(BACKLOG)
}

/// Takes connections for ever, and carries each to its target.
async fn serve(
    listener: TcpListener,
    target: SocketAddr,
    there: watch::Receiver<Weather>,
    back: watch::Receiver<Weather>,
    seed: u64,
) {
    let mut connections = JoinSet::new();
    let mut count = 0;
    loop {
        tokio::select! {
            Ok((near, _)) = listener.accept() => {
                count += 1;
                let links = [there.clone(), back.clone()];
                connections.spawn(carry(near, target, links, seed ^ count << 40));
            }
            Some(_) = connections.join_next() => {}
            // An accept that failed, while no connection is there.
            else => tokio::task::yield_now().await,
        }
    }
}

/// Carries one connection until it ends or is cut. Dropping both its sides closes them.
async fn carry(
    near: TcpStream,
    target: SocketAddr,
    [there, back]: [watch::Receiver<Weather>; 2],
    seed: u64,
) {
    let cut = |mut link: watch::Receiver<Weather>| async move {
        // That nobody can change the weather any more is an end, too.
        let _ = link.wait_for(|weather| weather.flow == Flow::Cut).await;
    };
    let carried = async {
        pump::passable(&mut there.clone()).await?;
        let far = TcpStream::connect(target).await?;
        near.set_nodelay(true)?;
        far.set_nodelay(true)?;
        let (near_out, near_in) = near.into_split();
        let (far_out, far_in) = far.into_split();
        tokio::try_join!(
            pump::pump(near_out, far_in, there.clone(), seed),
            pump::pump(far_out, near_in, back.clone(), !seed),
        )
    };
    tokio::select! {
        // Over what is cut nothing even connects.
        biased;
        () = cut(there.clone()) => {}
        () = cut(back.clone()) => {}
        // How a connection ends is seen by the nodes.
        _ = carried => {}
    }
}

#[cfg(test)]
mod tests;
