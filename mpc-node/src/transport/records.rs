//! TLS records, between bytes of a socket and plaintext. No I/O: the owner of the socket moves the
//! bytes. Plaintext is decrypted where it arrived, and encrypted into the buffer that is sent.

use std::{io, sync::Arc};

use rustls::{
    ClientConfig, ServerConfig,
    client::UnbufferedClientConnection,
    pki_types::ServerName,
    server::UnbufferedServerConnection,
    unbuffered::{ConnectionState, UnbufferedStatus},
};

/// Plaintext of one record, at most (RFC 8446, section 5.1).
pub const RECORD: usize = 16 * 1024;
/// What a record may take besides, and what TLS may want to say before it.
const OVERHEAD: usize = 1024;
/// Bytes that are read, or written, at once.
const BUFFER: usize = 128 * 1024;

/// One connection's TLS.
pub struct Records {
    tls: Tls,
    incoming: Buffer,
    outgoing: Buffer,
}

enum Tls {
    Client(Box<UnbufferedClientConnection>),
    Server(Box<UnbufferedServerConnection>),
}

/// How far a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Bytes of the handshake are still to come.
    Handshaking,
    /// Plaintext may be sent.
    Open,
    /// The peer has said that nothing more comes.
    Ended,
}

/// Bytes between `start` and `end`.
struct Buffer {
    bytes: Vec<u8>,
    start: usize,
    end: usize,
}

impl Buffer {
    fn new() -> Self {
        // Zeroed lazily by the system: what is not used takes no memory.
        Self {
            bytes: vec![0; BUFFER + RECORD + OVERHEAD],
            start: 0,
            end: 0,
        }
    }

    fn take_front(&mut self, count: usize) {
        self.start = self.end.min(self.start + count);
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        }
    }
}

enum Next {
    /// There is more to process.
    Again,
    Reached(State),
}

fn invalid(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

impl Records {
    /// TLS of the side that dials.
    ///
    /// # Errors
    /// If the configuration is of no use.
    pub fn client(config: Arc<ClientConfig>) -> io::Result<Self> {
        // Not sent and not looked at: the key decides.
        let name = ServerName::try_from("quartet").map_err(invalid)?;
        let tls = UnbufferedClientConnection::new(config, name).map_err(invalid)?;
        Ok(Self::new(Tls::Client(Box::new(tls))))
    }

    /// TLS of the side that is dialed.
    ///
    /// # Errors
    /// If the configuration is of no use.
    pub fn server(config: Arc<ServerConfig>) -> io::Result<Self> {
        let tls = UnbufferedServerConnection::new(config).map_err(invalid)?;
        Ok(Self::new(Tls::Server(Box::new(tls))))
    }

    fn new(tls: Tls) -> Self {
        Self {
            tls,
            incoming: Buffer::new(),
            outgoing: Buffer::new(),
        }
    }

    /// Where bytes from the socket go; never empty after [`Self::process`].
    pub fn space(&mut self) -> &mut [u8] {
        let buffer = &mut self.incoming;
        if buffer.bytes.len() - buffer.end < RECORD + OVERHEAD {
            buffer.bytes.copy_within(buffer.start..buffer.end, 0);
            (buffer.start, buffer.end) = (0, buffer.end - buffer.start);
        }
        &mut buffer.bytes[buffer.end..]
    }

    /// Notes that so many bytes were put into [`Self::space`].
    pub fn arrived(&mut self, count: usize) {
        self.incoming.end = self.incoming.bytes.len().min(self.incoming.end + count);
    }

    /// Processes all that has arrived, and hands over the plaintext.
    ///
    /// # Errors
    /// If the peer breaks the protocol, or has another key. The connection is of no use then.
    pub fn process(&mut self, mut take: impl FnMut(&[u8])) -> io::Result<State> {
        loop {
            match self.advance(&[], &mut take)? {
                Next::Again => {}
                Next::Reached(state) => return Ok(state),
            }
        }
    }

    /// Whether one more record fits into what is to be sent.
    pub fn has_room(&self) -> bool {
        self.outgoing.bytes.len() - self.outgoing.end >= RECORD + OVERHEAD
    }

    /// Encrypts at most [`RECORD`] bytes; call it while there [is room](Self::has_room).
    ///
    /// # Errors
    /// If the connection cannot send.
    pub fn encrypt(&mut self, plain: &[u8]) -> io::Result<()> {
        loop {
            // All that arrived has been processed, so no plaintext comes now that could be lost.
            let mut lost = false;
            let next = self.advance(plain, &mut |_| lost = true)?;
            match next {
                _ if lost => return Err(invalid("what arrived was not processed")),
                Next::Again => {}
                Next::Reached(State::Open) => return Ok(()),
                Next::Reached(_) => return Err(io::ErrorKind::NotConnected.into()),
            }
        }
    }

    /// What is to be written to the socket.
    pub fn pending(&self) -> &[u8] {
        &self.outgoing.bytes[self.outgoing.start..self.outgoing.end]
    }

    /// Notes that so many bytes of [`Self::pending`] were written.
    pub fn written(&mut self, count: usize) {
        self.outgoing.take_front(count);
    }

    fn advance(&mut self, plain: &[u8], take: &mut dyn FnMut(&[u8])) -> io::Result<Next> {
        let Self {
            tls,
            incoming,
            outgoing,
        } = self;
        let arrived = &mut incoming.bytes[incoming.start..incoming.end];
        let (discard, next) = match tls {
            Tls::Client(tls) => handle(tls.process_tls_records(arrived), outgoing, plain, take),
            Tls::Server(tls) => handle(tls.process_tls_records(arrived), outgoing, plain, take),
        };
        incoming.take_front(discard);
        next
    }
}

fn handle<Data>(
    status: UnbufferedStatus<'_, '_, Data>,
    outgoing: &mut Buffer,
    plain: &[u8],
    take: &mut dyn FnMut(&[u8]),
) -> (usize, io::Result<Next>) {
    let UnbufferedStatus { mut discard, state } = status;
    let space = &mut outgoing.bytes[outgoing.end..];
    let next = match state {
        Ok(ConnectionState::ReadTraffic(mut traffic)) => loop {
            match traffic.next_record() {
                Some(Ok(record)) => {
                    discard += record.discard;
                    take(record.payload);
                }
                Some(Err(error)) => break Err(invalid(error)),
                None => break Ok(Next::Again),
            }
        },
        Ok(ConnectionState::EncodeTlsData(mut data)) => match data.encode(space) {
            Ok(count) => {
                outgoing.end += count;
                Ok(Next::Again)
            }
            Err(error) => Err(invalid(error)),
        },
        Ok(ConnectionState::TransmitTlsData(data)) => {
            // It is in the buffer, in its place.
            data.done();
            Ok(Next::Again)
        }
        Ok(ConnectionState::BlockedHandshake) => Ok(Next::Reached(State::Handshaking)),
        Ok(ConnectionState::WriteTraffic(mut traffic)) => {
            if plain.is_empty() {
                Ok(Next::Reached(State::Open))
            } else {
                match traffic.encrypt(plain, space) {
                    Ok(count) => {
                        outgoing.end += count;
                        Ok(Next::Reached(State::Open))
                    }
                    Err(error) => Err(invalid(error)),
                }
            }
        }
        Ok(ConnectionState::PeerClosed | ConnectionState::Closed) => {
            Ok(Next::Reached(State::Ended))
        }
        Ok(_) => Err(io::ErrorKind::Unsupported.into()),
        Err(error) => Err(invalid(error)),
    };
    (discard, next)
}
