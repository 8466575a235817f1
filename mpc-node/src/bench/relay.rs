//! A network that is slower than this machine's own: bytes of each direction of each link arrive
//! after a delay, and no faster than a bandwidth.

use std::{
    collections::VecDeque,
    io::{self, Read as _, Write as _},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Condvar, Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

const PIECE: usize = 64 * 1024;
/// Bytes under way in one direction, at least; more where delay times bandwidth is more.
const WINDOW: usize = 8 << 20;

/// What the network is like, in each direction of each link.
#[derive(Clone, Copy, Debug)]
pub(super) struct Network {
    pub(super) delay: Duration,
    /// Bytes for each second.
    pub(super) bandwidth: Option<f64>,
}

impl Network {
    /// Takes connections, and passes on what they say to `to` and back. Runs as long as the process.
    pub(super) fn relay(self, to: SocketAddr) -> io::Result<SocketAddr> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        thread::spawn(move || {
            for near in listener.incoming().flatten() {
                // Whoever cannot be reached here is not reached by the party either.
                let _ = self.join(near, to);
            }
        });
        Ok(address)
    }

    fn join(self, near: TcpStream, to: SocketAddr) -> io::Result<()> {
        let far = TcpStream::connect(to)?;
        near.set_nodelay(true)?;
        far.set_nodelay(true)?;
        self.carry(near.try_clone()?, far.try_clone()?);
        self.carry(far, near);
        Ok(())
    }

    fn carry(self, mut from: TcpStream, mut to: TcpStream) {
        let pipe = Arc::new(Pipe::default());
        let flying = self.bandwidth.unwrap_or(1e9) * self.delay.as_secs_f64();
        let window = WINDOW.max(2 * flying as usize);
        let entry = pipe.clone();
        thread::spawn(move || {
            let mut piece = vec![0; PIECE];
            let mut free = Instant::now();
            while let Ok(count @ 1..) = from.read(&mut piece) {
                free = free.max(Instant::now());
                if let Some(bandwidth) = self.bandwidth {
                    free += Duration::from_secs_f64(count as f64 / bandwidth);
                }
                entry.put(Some((free + self.delay, piece[..count].to_vec())), window);
            }
            entry.put(None, window);
        });
        thread::spawn(move || {
            while let Some((at, piece)) = pipe.take() {
                thread::sleep(at.saturating_duration_since(Instant::now()));
                if to.write_all(&piece).is_err() {
                    break;
                }
            }
            let _ = to.shutdown(Shutdown::Write);
        });
    }
}

type Piece = Option<(Instant, Vec<u8>)>;

/// Pieces under way, with the time at which each arrives.
#[derive(Default)]
struct Pipe {
    pieces: Mutex<(VecDeque<Piece>, usize)>,
    changed: Condvar,
}

impl Pipe {
    fn put(&self, piece: Piece, window: usize) {
        let pieces = self.pieces.lock().unwrap_or_else(PoisonError::into_inner);
        let full = |(_, bytes): &mut (_, usize)| *bytes > window;
        let waited = self.changed.wait_while(pieces, full);
        let mut pieces = waited.unwrap_or_else(PoisonError::into_inner);
        pieces.1 += piece.as_ref().map_or(0, |(_, bytes)| bytes.len());
        pieces.0.push_back(piece);
        self.changed.notify_all();
    }

    fn take(&self) -> Piece {
        let pieces = self.pieces.lock().unwrap_or_else(PoisonError::into_inner);
        let empty = |(pieces, _): &mut (VecDeque<Piece>, usize)| pieces.is_empty();
        let waited = self.changed.wait_while(pieces, empty);
        let mut pieces = waited.unwrap_or_else(PoisonError::into_inner);
        let piece = pieces.0.pop_front().flatten();
        pieces.1 -= piece.as_ref().map_or(0, |(_, bytes)| bytes.len());
        self.changed.notify_all();
        piece
    }
}
