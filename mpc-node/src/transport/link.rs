//! One link of a running session, driven by the session's own thread: a socket that never blocks,
//! frames that wait to be sent, and frames that have come.

use std::{
    collections::VecDeque,
    io::{self, Read as _, Write as _},
    net::TcpStream,
    os::fd::{AsFd, BorrowedFd},
    time::Instant,
};

use prometheus_client::metrics::counter::Counter;
use tokio::sync::OwnedSemaphorePermit;

use super::{
    connection::Connection,
    framing::{self, ALIVE, HEADER_BYTES, OVER, Received},
    records::{RECORD, Records, State},
};

/// Bytes of frames of later rounds that are taken in before their turn.
const READ_AHEAD: usize = 4 << 20;

/// A link of a session.
pub(crate) struct Link {
    pub(crate) peer: u8,
    socket: TcpStream,
    records: Records,
    pub(crate) received: Received,
    queue: VecDeque<Outgoing>,
    queued_bytes: usize,
    /// Nothing can be sent any more.
    deaf: bool,
    /// Nothing more comes.
    silent: bool,
    /// When something was last sent.
    pub(crate) sent_at: Instant,
    /// When something last came.
    pub(crate) heard_at: Instant,
    sent: Counter,
    heard: Counter,
    place: OwnedSemaphorePermit,
}

/// A frame that waits, or is under way.
struct Outgoing {
    round: u32,
    frame: Vec<u8>,
    /// Bytes of it that are encrypted; the header counts as none, and goes with the first.
    done: usize,
    begun: bool,
}

impl Link {
    /// Begins a session on a connection.
    pub(crate) fn new(
        peer: u8,
        connection: Connection,
        sent: Counter,
        heard: Counter,
    ) -> io::Result<Self> {
        let Connection {
            stream,
            records,
            plain,
            place,
            ..
        } = connection;
        let mut received = Received::default();
        received.push(&plain);
        let now = Instant::now();
        Ok(Self {
            peer,
            socket: stream.into_std()?,
            records,
            received,
            queue: VecDeque::new(),
            queued_bytes: 0,
            deaf: false,
            silent: false,
            sent_at: now,
            heard_at: now,
            sent,
            heard,
            place,
        })
    }

    /// Queues a frame.
    pub(crate) fn push(&mut self, round: u32, frame: Vec<u8>) {
        self.sent.inc_by((HEADER_BYTES + frame.len()) as u64);
        self.queued_bytes += frame.len();
        self.queue.push_back(Outgoing {
            round,
            frame,
            done: 0,
            begun: false,
        });
    }

    /// Bytes of frames that are not encrypted yet.
    pub(crate) const fn queued_bytes(&self) -> usize {
        self.queued_bytes
    }

    /// Whether there is something to write.
    pub(crate) fn wants_write(&self) -> bool {
        let nothing = self.queue.is_empty() && self.records.pending().is_empty();
        !(self.deaf || nothing)
    }

    /// Whether reading makes sense: there is no frame yet, or room for those of later rounds.
    pub(crate) fn wants_read(&self) -> bool {
        let room = !self.received.has_frame() || self.received.waiting_bytes() < READ_AHEAD;
        room && !self.is_finished()
    }

    /// Whether nothing more comes.
    pub(crate) const fn is_finished(&self) -> bool {
        self.silent || self.received.is_over() || self.received.is_bad()
    }

    /// Writes as much as the socket takes.
    pub(crate) fn write(&mut self, now: Instant) {
        if let Err(error) = self.try_write(now) {
            tracing::debug!(peer = self.peer, %error, "cannot send in a session");
            self.deaf = true;
            self.queue.clear();
            self.queued_bytes = 0;
        }
    }

    fn try_write(&mut self, now: Instant) -> io::Result<()> {
        if self.deaf {
            return Ok(());
        }
        loop {
            while self.records.has_room() && !self.queue.is_empty() {
                self.encrypt_next()?;
            }
            if self.records.pending().is_empty() {
                return Ok(());
            }
            match self.socket.write(self.records.pending()) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => {
                    self.records.written(count);
                    self.sent_at = now;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Encrypts the next piece of the first frame in the queue.
    fn encrypt_next(&mut self) -> io::Result<()> {
        let Some(next) = self.queue.front_mut() else {
            return Ok(());
        };
        let count;
        if next.begun {
            count = (next.frame.len() - next.done).min(RECORD);
            let piece = &next.frame[next.done..next.done + count];
            self.records.encrypt(piece)?;
        } else {
            count = next.frame.len().min(RECORD - HEADER_BYTES);
            let header = framing::header(next.round, next.frame.len());
            let first = [&header[..], &next.frame[..count]].concat();
            self.records.encrypt(&first)?;
            next.begun = true;
        }
        next.done += count;
        self.queued_bytes -= count;
        if next.done == next.frame.len() {
            self.queue.pop_front();
        }
        Ok(())
    }

    /// Tells the peer that this side lives, unless something else is under way.
    pub(crate) fn sign_of_life(&mut self, now: Instant) {
        if !self.wants_write() && !self.deaf {
            let _ = self.records.encrypt(&ALIVE);
            self.sent.inc_by(ALIVE.len() as u64);
            self.write(now);
        }
    }

    /// Reads once.
    pub(crate) fn read(&mut self, now: Instant) {
        match self.try_read() {
            Ok(0) => self.silent = true,
            Ok(_) => self.heard_at = now,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => {
                tracing::debug!(peer = self.peer, %error, "a link of a session broke");
                self.silent = true;
            }
        }
    }

    fn try_read(&mut self) -> io::Result<usize> {
        let count = self.socket.read(self.records.space())?;
        self.records.arrived(count);
        let mut bytes = 0;
        let received = &mut self.received;
        let state = self.records.process(|plain| {
            bytes += plain.len() as u64;
            received.push(plain);
        })?;
        self.heard.inc_by(bytes);
        if state != State::Open {
            self.silent = true;
        }
        Ok(count)
    }

    /// Ends the session on this side: sends what is queued and says that it is over, then waits
    /// for the peer to say so too. Must be called within the asynchronous runtime.
    ///
    /// # Errors
    /// If the connection breaks, so that it is of no further use.
    pub(crate) async fn finish(self) -> io::Result<Connection> {
        let (mut connection, received) = self.deliver().await?;
        connection.write(&OVER).await?;
        ended(connection, received).await
    }

    /// Breaks the session off: sends what is queued, and listens until the peer has ended, too, or
    /// this is dropped. Must be called within the asynchronous runtime.
    pub(crate) async fn abandon(self) {
        if let Ok((connection, received)) = self.deliver().await {
            let _ = ended(connection, received).await;
        }
    }

    async fn deliver(self) -> io::Result<(Connection, Received)> {
        let Self {
            socket,
            records,
            received,
            queue,
            deaf,
            silent,
            place,
            ..
        } = self;
        if deaf || silent || received.is_bad() {
            return Err(io::ErrorKind::NotConnected.into());
        }
        let mut connection = Connection {
            stream: tokio::net::TcpStream::from_std(socket)?,
            records,
            plain: Vec::new(),
            idle_since: tokio::time::Instant::now(),
            place,
        };
        for next in queue {
            if !next.begun {
                let header = framing::header(next.round, next.frame.len());
                connection.write(&header).await?;
            }
            connection.write(&next.frame[next.done..]).await?;
        }
        connection.flush().await?;
        Ok((connection, received))
    }
}

/// Reads until the peer says that its session is over. What comes before is of no interest.
async fn ended(mut connection: Connection, mut received: Received) -> io::Result<Connection> {
    loop {
        received.push(&std::mem::take(&mut connection.plain));
        while received.take().is_some() {}
        if received.is_over() {
            connection.plain = received.into_rest();
            connection.idle_since = tokio::time::Instant::now();
            return Ok(connection);
        }
        if received.is_bad() {
            return Err(io::ErrorKind::InvalidData.into());
        }
        connection.more().await?;
    }
}

impl AsFd for Link {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
