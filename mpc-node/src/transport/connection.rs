//! A connection outside of a session: its handshake, and the few short messages that agree on one.

use std::io;

use tokio::{
    net::TcpStream,
    sync::OwnedSemaphorePermit,
    time::{Instant, timeout},
};

use super::{
    OPEN_TIMEOUT,
    records::{RECORD, Records, State},
};

/// An encrypted connection to a peer whose key was checked.
pub struct Connection {
    pub(super) stream: TcpStream,
    pub(super) records: Records,
    /// Plaintext that has arrived and was not read yet.
    pub(super) plain: Vec<u8>,
    /// Since when it has not been in a session.
    pub(super) idle_since: Instant,
    /// Its place among the peer's connections.
    pub(super) place: OwnedSemaphorePermit,
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection").finish_non_exhaustive()
    }
}

impl Connection {
    /// Shakes hands.
    pub(super) async fn new(
        stream: TcpStream,
        records: Records,
        place: OwnedSemaphorePermit,
    ) -> io::Result<Self> {
        let mut connection = Self {
            stream,
            records,
            plain: Vec::new(),
            idle_since: Instant::now(),
            place,
        };
        let shaking = async {
            loop {
                let state = connection.process()?;
                connection.flush().await?;
                match state {
                    State::Open => return Ok::<_, io::Error>(()),
                    State::Ended => return Err(io::ErrorKind::UnexpectedEof.into()),
                    State::Handshaking => connection.fill().await?,
                }
            }
        };
        timeout(OPEN_TIMEOUT, shaking).await??;
        Ok(connection)
    }

    fn process(&mut self) -> io::Result<State> {
        let plain = &mut self.plain;
        self.records.process(|bytes| plain.extend_from_slice(bytes))
    }

    /// Waits until something has arrived.
    async fn fill(&mut self) -> io::Result<()> {
        loop {
            self.stream.readable().await?;
            match self.stream.try_read(self.records.space()) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(count) => {
                    self.records.arrived(count);
                    return Ok(());
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Writes all that is encrypted.
    pub(super) async fn flush(&mut self) -> io::Result<()> {
        while !self.records.pending().is_empty() {
            self.stream.writable().await?;
            match self.stream.try_write(self.records.pending()) {
                Ok(count) => self.records.written(count),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Sends all of it.
    pub(super) async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        for record in bytes.chunks(RECORD) {
            if !self.records.has_room() {
                self.flush().await?;
            }
            self.records.encrypt(record)?;
        }
        self.flush().await
    }

    /// Waits for so many bytes.
    pub(super) async fn read(&mut self, count: usize) -> io::Result<Vec<u8>> {
        while self.plain.len() < count {
            self.more().await?;
        }
        Ok(self.plain.drain(..count).collect())
    }

    /// Waits until more plaintext than before is there, or something else has happened.
    pub(super) async fn more(&mut self) -> io::Result<()> {
        self.fill().await?;
        match self.process()? {
            State::Open => self.flush().await,
            _ => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }

    /// Waits for one byte, which must be this one.
    pub(super) async fn expect(&mut self, expected: u8) -> io::Result<()> {
        if self.read(1).await? == [expected] {
            Ok(())
        } else {
            Err(io::Error::other("an unexpected answer to a session's name"))
        }
    }
}
