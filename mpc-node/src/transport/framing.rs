//! Frames in a connection's plaintext: a length (4 bytes, big-endian), and so many bytes, of which
//! the first 4 are the number of the round. Two lengths mean something else: 0 is a sign of life,
//! and [`END`] says that the session is over on this side.

use std::collections::VecDeque;

use wire::limits::SESSION_FRAME_BYTES;

/// Bytes before a frame's contents: its length and its round.
pub const HEADER_BYTES: usize = 8;
const ROUND_BYTES: usize = 4;
/// In the place of a length: nothing more comes in this session.
const END: u32 = u32::MAX;
/// A sign of life.
pub const ALIVE: [u8; 4] = [0; 4];
/// Says that the session is over.
pub const OVER: [u8; 4] = END.to_be_bytes();
/// What a frame that waits takes besides its contents, in bytes; so empty ones count, too.
const PLACE_BYTES: usize = 64;
/// Memory for a frame is taken at once up to this, and beyond it as bytes arrive.
const TRUSTED: usize = 1 << 20;

/// The header of a frame.
pub fn header(round: u32, bytes: usize) -> [u8; HEADER_BYTES] {
    let length = u32::try_from(ROUND_BYTES + bytes).unwrap_or(END - 1);
    let mut header = [0; HEADER_BYTES];
    header[..4].copy_from_slice(&length.to_be_bytes());
    header[4..].copy_from_slice(&round.to_be_bytes());
    header
}

/// What has been received of a session, in order.
#[derive(Default)]
pub struct Received {
    header: [u8; HEADER_BYTES],
    /// Bytes of the header that are there.
    have: usize,
    frame: Vec<u8>,
    /// Bytes that the frame still lacks.
    lack: usize,
    ready: VecDeque<(u32, Vec<u8>)>,
    ready_bytes: usize,
    /// What came after the end of the session.
    rest: Vec<u8>,
    over: bool,
    bad: bool,
}

impl Received {
    /// Takes plaintext as it comes.
    pub fn push(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() && !self.bad {
            if self.over {
                self.rest.extend_from_slice(bytes);
                return;
            }
            if self.lack > 0 {
                let (now, later) = bytes.split_at(self.lack.min(bytes.len()));
                self.frame.extend_from_slice(now);
                self.lack -= now.len();
                bytes = later;
                if self.lack == 0 {
                    self.finish();
                }
                continue;
            }
            let wanted = if self.have < 4 { 4 } else { HEADER_BYTES };
            let (now, later) = bytes.split_at((wanted - self.have).min(bytes.len()));
            self.header[self.have..self.have + now.len()].copy_from_slice(now);
            self.have += now.len();
            bytes = later;
            if self.have == wanted {
                self.read_header();
            }
        }
    }

    fn read_header(&mut self) {
        let [l0, l1, l2, l3, ..] = self.header;
        let length = u32::from_be_bytes([l0, l1, l2, l3]);
        if self.have == 4 {
            match length {
                0 => self.have = 0,
                END => self.over = true,
                _ => {
                    let allowed = ROUND_BYTES..=ROUND_BYTES + SESSION_FRAME_BYTES;
                    self.bad = !allowed.contains(&(length as usize));
                }
            }
            return;
        }
        self.lack = (length as usize).saturating_sub(ROUND_BYTES);
        self.frame = Vec::with_capacity(self.lack.min(TRUSTED));
        if self.lack == 0 {
            self.finish();
        }
    }

    fn finish(&mut self) {
        let [.., r0, r1, r2, r3] = self.header;
        let frame = std::mem::take(&mut self.frame);
        self.ready_bytes += PLACE_BYTES + frame.len();
        self.ready
            .push_back((u32::from_be_bytes([r0, r1, r2, r3]), frame));
        self.have = 0;
    }

    /// Whether a whole frame is there.
    pub fn has_frame(&self) -> bool {
        !self.ready.is_empty()
    }

    /// Memory of whole frames that nobody has taken yet, in bytes.
    pub const fn waiting_bytes(&self) -> usize {
        self.ready_bytes
    }

    /// The next frame with its round.
    pub fn take(&mut self) -> Option<(u32, Vec<u8>)> {
        let (round, frame) = self.ready.pop_front()?;
        self.ready_bytes -= PLACE_BYTES + frame.len();
        Some((round, frame))
    }

    /// Whether the peer has said that its session is over.
    pub const fn is_over(&self) -> bool {
        self.over
    }

    /// Whether something came that no honest peer sends.
    pub const fn is_bad(&self) -> bool {
        self.bad
    }

    /// What came after the end of the session.
    pub fn into_rest(self) -> Vec<u8> {
        self.rest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(round: u32, contents: &[u8]) -> Vec<u8> {
        [&header(round, contents.len())[..], contents].concat()
    }

    #[test]
    fn frames_come_out_whole_however_they_arrive() {
        let bytes = [
            frame(0, b"first"),
            ALIVE.to_vec(),
            frame(1, b""),
            frame(7, &[9; 300]),
            OVER.to_vec(),
            b"next".to_vec(),
        ]
        .concat();
        for piece in [1, 2, 3, 5, 8, 64, bytes.len()] {
            let mut received = Received::default();
            bytes.chunks(piece).for_each(|piece| received.push(piece));
            assert_eq!(received.waiting_bytes(), 305 + 3 * PLACE_BYTES);
            assert_eq!(received.take(), Some((0, b"first".to_vec())));
            assert_eq!(received.take(), Some((1, vec![])));
            assert_eq!(received.take(), Some((7, vec![9; 300])));
            assert_eq!(received.waiting_bytes(), 0);
            assert!(!received.has_frame() && received.is_over() && !received.is_bad());
            assert_eq!(received.into_rest(), b"next");
        }
    }

    #[test]
    fn lengths_that_no_frame_has_are_bad() {
        let longest = u32::try_from(ROUND_BYTES + SESSION_FRAME_BYTES).unwrap_or(0);
        for length in [1, 3, longest + 1, END - 1] {
            let mut received = Received::default();
            received.push(&frame(0, b"good"));
            received.push(&length.to_be_bytes());
            received.push(&[0; 100]);
            assert!(received.is_bad(), "{length}");
            assert_eq!(received.take(), Some((0, b"good".to_vec())));
            assert_eq!(received.take(), None);
        }
    }

    #[test]
    fn a_huge_announcement_takes_no_memory() {
        let mut received = Received::default();
        received.push(&header(0, SESSION_FRAME_BYTES));
        received.push(&[1; 10]);
        assert!(received.frame.capacity() <= TRUSTED);
    }
}
