//! The exchange of frames with the three peers, on the session's own thread.
//!
//! Frames are queued by round and written as the sockets take them, while those of the peers are
//! read: neither waits for the other, so large frames in both directions cannot block each other,
//! and several rounds may be under way. Frames come out one round at a time, in order.

use std::{
    os::fd::AsFd as _,
    sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError, Weak},
    time::{Duration, Instant},
};

use mpc_engine::Frames;
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
};
use tokio::{runtime::Handle, task::AbortHandle, time::timeout};
use tokio_util::sync::CancellationToken;
use wire::{
    limits::{NODES, SESSION_FRAME_BYTES},
    node_transaction::StopReason,
};

use super::Outcome;
use crate::{
    filter::{FrameFilter, OutgoingFrame},
    transport::{
        connection::Connection,
        link::Link,
        sessions::{SessionId, SessionLinks},
    },
};

/// A peer that shows signs of life may take so many round time-outs for one round.
const PATIENCE: u32 = 3;
/// How long to sleep at most before looking whether the session is called off.
const GLANCE: Duration = Duration::from_millis(50);
/// How long links stay when a session stops.
const GRACE: Duration = Duration::from_secs(1);
/// Bytes that may wait for one peer to take them before the next round is begun.
const BACKLOG: usize = 2 * SESSION_FRAME_BYTES;

/// This session's links to the three peers.
pub struct Links {
    id: SessionId,
    links: Arc<Mutex<Vec<Link>>>,
    round_timeout: Duration,
    filter: Arc<dyn FrameFilter>,
    sessions: SessionLinks,
    cancelled: CancellationToken,
    alive: AbortHandle,
}

impl std::fmt::Debug for Links {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Links")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// What all links of a node's sessions share.
#[derive(Clone)]
pub struct Exchange {
    /// Makes the links.
    pub sessions: SessionLinks,
    /// How long to wait for a peer in one round.
    pub round_timeout: Duration,
    /// The seam for tests.
    pub filter: Arc<dyn FrameFilter>,
}

impl Links {
    /// Takes one connection for each peer.
    ///
    /// # Errors
    /// [`StopReason::Silence`] of a peer whose connection is of no use.
    pub fn new(
        id: SessionId,
        connections: Vec<(u8, Connection)>,
        exchange: &Exchange,
        cancelled: CancellationToken,
        runtime: &Handle,
    ) -> Result<Self, StopReason> {
        let Exchange {
            sessions,
            round_timeout,
            filter,
        } = exchange.clone();
        let mut links = Vec::with_capacity(connections.len());
        for (peer, connection) in connections {
            let metrics = sessions.metrics();
            let sent = metrics.session_sent[usize::from(peer)].clone();
            let heard = metrics.session_received[usize::from(peer)].clone();
            let link = Link::new(peer, connection, sent, heard);
            links.push(link.map_err(|_| StopReason::Silence { peer })?);
        }
        let links = Arc::new(Mutex::new(links));
        let alive = runtime.spawn(show_life(Arc::downgrade(&links), round_timeout / 4));
        Ok(Self {
            id,
            links,
            round_timeout,
            filter,
            sessions,
            cancelled,
            alive: alive.abort_handle(),
        })
    }

    /// Sends a round's frames: what the sockets take at once, and the rest as they can.
    pub fn send(&mut self, round: u32, mut frames: Frames) {
        let mut links = lock(&self.links);
        let now = Instant::now();
        for link in links.iter_mut() {
            let place = OutgoingFrame {
                session: self.id,
                round,
                to: link.peer,
            };
            let frame = std::mem::take(&mut frames[usize::from(link.peer)]);
            if let Some(frame) = self.filter.outgoing(place, frame) {
                link.push(round, frame);
            }
            link.write(now);
        }
    }

    /// Waits for a round's frames, while sending what is queued.
    ///
    /// # Errors
    /// [`StopReason::Silence`] names a peer whose frame did not come, [`StopReason::BadFrame`] one
    /// whose frame cannot be right. [`Outcome::Cancelled`] if the session is called off.
    pub fn receive(&mut self, round: u32) -> Result<Frames, Outcome> {
        let mut links = lock(&self.links);
        let began = Instant::now();
        loop {
            if let Some(link) = links.iter().find(|link| is_hopeless(link)) {
                return Err(self.hopeless(link));
            }
            if links.iter().all(is_served) {
                break;
            }
            let now = wait(&mut links)?;
            if self.cancelled.is_cancelled() {
                return Err(Outcome::Cancelled);
            }
            for link in links.iter_mut() {
                if !is_served(link) {
                    self.check_patience(link, began, now)?;
                }
                if now.duration_since(link.sent_at) >= self.round_timeout / 4 {
                    link.sign_of_life(now);
                }
            }
        }
        let mut frames = Frames::default();
        for link in links.iter_mut() {
            match link.received.take() {
                Some((of, frame)) if of == round => frames[usize::from(link.peer)] = frame,
                _ => return Err(self.bad_frame(link.peer)),
            }
        }
        Ok(frames)
    }

    fn check_patience(&self, link: &Link, began: Instant, now: Instant) -> Result<(), StopReason> {
        let moved = if link.received.has_frame() {
            link.sent_at
        } else {
            link.heard_at
        };
        let quiet = now.saturating_duration_since(moved.max(began));
        let waited = now.saturating_duration_since(began);
        if quiet > self.round_timeout || waited > self.round_timeout * PATIENCE {
            return Err(StopReason::Silence { peer: link.peer });
        }
        Ok(())
    }

    fn hopeless(&self, link: &Link) -> Outcome {
        if link.received.is_bad() {
            return self.bad_frame(link.peer);
        }
        StopReason::Silence { peer: link.peer }.into()
    }

    fn bad_frame(&self, peer: u8) -> Outcome {
        self.sessions.metrics().bad_frames[usize::from(peer)].inc();
        StopReason::BadFrame { peer }.into()
    }

    /// Ends the links. What was sent is still delivered, since peers may need it. After a result
    /// the connections are kept for other sessions; otherwise they break, which tells the peers:
    /// a little later, so that these see for themselves what this node saw, and blame nobody who
    /// only ended because of it.
    pub fn close(self, runtime: &Handle, result: bool) {
        for link in std::mem::take(&mut *lock(&self.links)) {
            if result {
                let patience = self.round_timeout * PATIENCE;
                runtime.spawn(self.sessions.clone().finish(link, patience));
            } else {
                runtime.spawn(async move { timeout(GRACE, link.abandon()).await });
            }
        }
    }
}

impl Drop for Links {
    fn drop(&mut self) {
        self.alive.abort();
    }
}

fn lock(links: &Mutex<Vec<Link>>) -> MutexGuard<'_, Vec<Link>> {
    links.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether a link has what the round needs of it.
fn is_served(link: &Link) -> bool {
    link.received.has_frame() && link.queued_bytes() <= BACKLOG
}

/// Whether what the round needs of a link will never come.
fn is_hopeless(link: &Link) -> bool {
    link.is_finished() && !link.received.has_frame()
}

/// Sleeps until a socket can be read or written, or for a glance; then reads and writes. Returns
/// the time after the sleep.
fn wait(links: &mut [Link]) -> Result<Instant, StopReason> {
    let glance = Timespec {
        tv_sec: 0,
        tv_nsec: i64::from(GLANCE.subsec_nanos()),
    };
    let mut happened = [PollFlags::empty(); NODES];
    {
        // Who is waited for: a socket of which nothing is wanted could only disturb the sleep.
        let wanted = links.iter().enumerate().filter_map(|(at, link)| {
            let mut wanted = PollFlags::empty();
            wanted.set(PollFlags::IN, link.wants_read());
            wanted.set(PollFlags::OUT, link.wants_write());
            let socket = PollFd::from_borrowed_fd(link.as_fd(), wanted);
            (!wanted.is_empty()).then_some((at, socket))
        });
        let (places, mut sockets): (Vec<usize>, Vec<PollFd<'_>>) = wanted.unzip();
        match poll(&mut sockets, Some(&glance)) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(_) => return Err(StopReason::Local),
        }
        for (at, socket) in places.into_iter().zip(&sockets) {
            happened[at] = socket.revents();
        }
    }
    let now = Instant::now();
    for (link, happened) in links.iter_mut().zip(happened) {
        if happened.is_empty() {
            continue;
        }
        if link.wants_write() {
            link.write(now);
        }
        if link.wants_read() && happened != PollFlags::OUT {
            link.read(now);
        }
    }
    Ok(now)
}

/// Shows the peers that this node lives while it computes; a thread that exchanges does so itself.
async fn show_life(links: Weak<Mutex<Vec<Link>>>, every: Duration) {
    let mut ticks = tokio::time::interval(every.max(Duration::from_millis(1)));
    loop {
        ticks.tick().await;
        let Some(links) = links.upgrade() else { return };
        match links.try_lock() {
            Ok(mut links) => {
                let now = Instant::now();
                for link in links.iter_mut() {
                    link.write(now);
                    if now.saturating_duration_since(link.sent_at) >= every {
                        link.sign_of_life(now);
                    }
                }
            }
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Poisoned(_)) => return,
        };
    }
}

#[cfg(test)]
mod tests;
