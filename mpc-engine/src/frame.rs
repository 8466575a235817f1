//! The frames of one round: values, and the second copy of every value.
//!
//! Values that party s sends to h with backup k form one stream per round. k vouches for the
//! stream in the same round: by its digest under a key that only k and h hold, or by the bytes
//! themselves where they are fewer than [`COPY_BELOW`]. h uses nothing before both agree. A frame
//! from p to q is: header · the two streams of p to q, by backup · what p vouches for to q, by sender
//! · what p tells q and nobody vouches for, which is used for nothing but random values that are checked
//! later (see `reserve::refill`).

use subtle::ConstantTimeEq;

use crate::{
    FrameFault, Stop,
    digest::{DIGEST_BYTES, DigestKey},
    roles::{PAIRS, Parties, Roles, pair_of},
    session::{DisputeKeys, Frames, Streams},
};

/// Streams of fewer bytes are sent twice instead of digested.
pub(crate) const COPY_BELOW: usize = 64;
/// 12 bytes that name the session, 4 that number the round.
pub(crate) const HEADER_BYTES: usize = 16;

/// Frames whose memory is kept for others: those of two rounds.
const SPARE_FRAMES: usize = 6;

/// Bytes by which a backup vouches for a stream.
pub(crate) const fn vouching_bytes(stream: usize) -> usize {
    if stream < COPY_BELOW {
        stream
    } else {
        DIGEST_BYTES
    }
}

/// The beginning of every frame of a round.
pub(crate) fn header(session: &[u8; 12], round: u32) -> [u8; HEADER_BYTES] {
    let mut header = [0; HEADER_BYTES];
    header[..12].copy_from_slice(session);
    header[12..].copy_from_slice(&round.to_le_bytes());
    header
}

/// Keys for digests by the party with which they are shared, none at one's own place; and the name
/// of the session.
pub(crate) struct DigestKeys {
    pub(crate) keys: [Option<DigestKey>; 4],
    pub(crate) session: [u8; 12],
    pub(crate) disputes: DisputeKeys,
}

impl DigestKeys {
    pub(crate) fn header(&self, round: u32) -> [u8; HEADER_BYTES] {
        header(&self.session, round)
    }

    /// The digest of a stream under the key that this party, its backup or its receiver, shares
    /// with `peer`, the other of the two. It is bound to the session (by key and header), the round,
    /// the operations of the round, the roles and the length.
    fn digest(
        &self,
        peer: usize,
        round: u32,
        operations: &[u8; 32],
        roles: Roles,
        stream: &[u8],
    ) -> [u8; DIGEST_BYTES] {
        let Some(key) = &self.keys[peer] else {
            return [0; DIGEST_BYTES]; // Not reached: only one's own key is missing.
        };
        let roles = [roles.sender as u8, roles.backup as u8, roles.receiver as u8];
        key.digest(stream, &[&self.header(round), operations, &roles])
    }
}

/// What one party sends in a round, while it grows.
pub(crate) struct Outgoing {
    me: usize,
    parties: Parties,
    /// The frames that will be sent: room for the header, and the streams with the first backup.
    frames: Frames,
    /// Memory for further frames.
    spare: Vec<Vec<u8>>,
    /// Streams with the second backup, by receiver.
    second: [Vec<u8>; 4],
    /// What this party vouches for, by sender and receiver.
    vouched: [[Vec<u8>; 4]; 4],
    /// What nobody vouches for, by receiver.
    unvouched: [Vec<u8>; 4],
    /// Bytes to come, by sender and backup.
    expected: [[usize; 4]; 4],
    /// Bytes to come for which nobody vouches, by sender.
    expected_unvouched: [usize; 4],
    /// What the digests are bound to.
    operations: blake3::Hasher,
}

impl Outgoing {
    pub(crate) fn new(me: usize, parties: Parties) -> Self {
        Self {
            me,
            parties,
            frames: begin((me, parties), &mut Vec::new()),
            spare: Vec::new(),
            second: Default::default(),
            vouched: Default::default(),
            unvouched: Default::default(),
            expected: [[0; 4]; 4],
            expected_unvouched: [0; 4],
            operations: blake3::Hasher::new_derive_key("quartet v1 operations of a round"),
        }
    }

    /// Names an operation that takes part in this round.
    pub(crate) fn name_operation(&mut self, op: u32, chunk: u32, stage: u32) {
        for part in [op, chunk, stage] {
            self.operations.update(&part.to_le_bytes());
        }
    }

    /// Where the sender, or the backup, writes a value. Both write the same.
    pub(crate) fn stream(&mut self, roles: Roles) -> &mut Vec<u8> {
        if roles.sender == self.me {
            let [first, _] = others(self.me, roles.receiver);
            let streams = if roles.backup == first {
                &mut self.frames
            } else {
                &mut self.second
            };
            &mut streams[roles.receiver]
        } else {
            &mut self.vouched[roles.sender][roles.receiver]
        }
    }

    /// Notes that the receiver will get `bytes` bytes.
    pub(crate) fn expect(&mut self, roles: Roles, bytes: usize) {
        self.expected[roles.sender][roles.backup] += bytes;
    }

    /// Where this party writes what nobody vouches for.
    pub(crate) const fn unvouched(&mut self, to: usize) -> &mut Vec<u8> {
        &mut self.unvouched[to]
    }

    /// Notes that a peer will send `bytes` bytes for which nobody vouches.
    pub(crate) const fn expect_unvouched(&mut self, from: usize, bytes: usize) {
        self.expected_unvouched[from] += bytes;
    }

    /// Closes the round: the frames to send, and what to check the frames to come against. What
    /// comes after belongs to the next round. Copies of all streams that this party sends or vouches
    /// for go to `said`, which has room for them.
    pub(crate) fn close(
        &mut self,
        round: u32,
        keys: &DigestKeys,
        said: &mut Streams,
    ) -> (Frames, Expected) {
        let me = self.me;
        let operations = *self.operations.finalize().as_bytes();
        let begun = begin((me, self.parties), &mut self.spare);
        let mut frames = std::mem::replace(&mut self.frames, begun);
        said.operations = operations;
        for to in self.parties.peers(me) {
            let frame = &mut frames[to];
            frame[..HEADER_BYTES].copy_from_slice(&keys.header(round));
            said.sent[to].first = frame.len() - HEADER_BYTES;
            frame.extend_from_slice(&self.second[to]);
            said.sent[to]
                .bytes
                .extend_from_slice(&frame[HEADER_BYTES..]);
            for sender in others(me, to) {
                let stream = &self.vouched[sender][to];
                if stream.len() < COPY_BELOW {
                    frame.extend_from_slice(stream);
                } else {
                    let roles = stream_roles(sender, me, to);
                    frame.extend_from_slice(&keys.digest(to, round, &operations, roles, stream));
                }
            }
            frame.extend_from_slice(&self.unvouched[to]);
        }
        let expected = Expected {
            me,
            parties: self.parties,
            round,
            bytes: std::mem::take(&mut self.expected),
            unvouched: std::mem::take(&mut self.expected_unvouched),
            operations,
        };
        self.second.iter_mut().for_each(Vec::clear);
        self.unvouched.iter_mut().for_each(Vec::clear);
        std::mem::swap(&mut self.vouched, &mut said.vouched);
        self.operations.reset();
        (frames, expected)
    }

    /// Takes frames that were received and read: their memory serves for those to be sent.
    pub(crate) fn reuse(&mut self, frames: Frames) {
        let room = SPARE_FRAMES.saturating_sub(self.spare.len());
        let used = frames.into_iter().filter(|frame| frame.capacity() > 0);
        self.spare.extend(used.take(room));
    }
}

/// Frames with room for their headers.
fn begin((me, parties): (usize, Parties), spare: &mut Vec<Vec<u8>>) -> Frames {
    std::array::from_fn(|to| {
        if to == me || !parties.is_live(to) {
            return Vec::new();
        }
        let mut frame = spare.pop().unwrap_or_default();
        frame.clear();
        frame.resize(HEADER_BYTES, 0);
        frame
    })
}

/// The two parties that are neither a nor b, in order.
pub(crate) const fn others(a: usize, b: usize) -> [usize; 2] {
    PAIRS[pair_of(a, b)].1
}

pub(crate) const fn stream_roles(sender: usize, backup: usize, receiver: usize) -> Roles {
    Roles {
        sender,
        backup,
        receiver,
        outsider: 6 - sender - backup - receiver,
    }
}

/// What the frames of a round must be like.
pub(crate) struct Expected {
    me: usize,
    parties: Parties,
    pub(crate) round: u32,
    /// Bytes of streams to come, by sender and backup.
    bytes: [[usize; 4]; 4],
    /// Bytes for which nobody vouches, by sender.
    unvouched: [usize; 4],
    operations: [u8; 32],
}

impl Expected {
    /// Checks all frames of a round, and only then gives access to their values.
    ///
    /// # Errors
    /// [`Stop::BadFrame`] for a frame of the wrong form, else [`Stop::Mismatch`] with the sender
    /// and the backup of a stream whose two copies differ.
    pub(crate) fn verify(self, frames: Frames, keys: &DigestKeys) -> Result<Incoming, Stop> {
        let (me, round) = (self.me, self.round);
        let header = keys.header(round);
        for peer in self.parties.peers(me) {
            let bad = |fault| Stop::BadFrame {
                round,
                peer: peer as u8,
                fault,
            };
            let (expected, actual) = (self.frame_bytes(peer), frames[peer].len());
            if actual != expected {
                return Err(bad(FrameFault::Length { expected, actual }));
            }
            if frames[peer][..HEADER_BYTES] != header {
                return Err(bad(FrameFault::Header));
            }
        }
        #[cfg(feature = "insecure-late-checks")]
        let mut late = None;
        let mut starts = [[0; 4]; 4];
        for sender in self.parties.peers(me) {
            let mut at = HEADER_BYTES;
            for backup in others(me, sender) {
                starts[sender][backup] = at;
                at += self.bytes[sender][backup];
            }
        }
        for sender in self.parties.peers(me) {
            for backup in others(me, sender) {
                if !self.parties.is_live(backup) {
                    continue;
                }
                let bytes = self.bytes[sender][backup];
                let start = starts[sender][backup];
                let stream = &frames[sender][start..start + bytes];
                let at = self.vouching_start(backup, sender);
                let vouching = &frames[backup][at..at + vouching_bytes(bytes)];
                let roles = stream_roles(sender, backup, me);
                let same = if bytes < COPY_BELOW {
                    stream.ct_eq(vouching)
                } else {
                    keys.digest(backup, round, &self.operations, roles, stream)
                        .ct_eq(vouching)
                };
                if !bool::from(same) {
                    let disputes = &keys.disputes;
                    let stop = Stop::Mismatch {
                        round,
                        sender: sender as u8,
                        backup: backup as u8,
                        digest: disputes.digest(round, &self.operations, roles, stream),
                    };
                    #[cfg(not(feature = "insecure-late-checks"))]
                    return Err(stop);
                    #[cfg(feature = "insecure-late-checks")]
                    late.get_or_insert(stop);
                }
            }
        }
        Ok(Incoming {
            frames,
            next: starts,
            unvouched: self.unvouched,
            #[cfg(feature = "insecure-late-checks")]
            late,
        })
    }

    /// Bytes of the frame from a peer.
    fn frame_bytes(&self, peer: usize) -> usize {
        self.vouching_start(peer, 4) + self.unvouched[peer]
    }

    /// Where in a backup's frame it vouches for the stream of `sender`; with 4, where that ends.
    fn vouching_start(&self, backup: usize, sender: usize) -> usize {
        let others = others(self.me, backup);
        let own: usize = others.iter().map(|k| self.bytes[backup][*k]).sum();
        let earlier = others.iter().filter(|s| **s < sender);
        let vouched: usize = earlier
            .map(|s| vouching_bytes(self.bytes[*s][backup]))
            .sum();
        HEADER_BYTES + own + vouched
    }
}

/// Values of a round that have been verified.
pub(crate) struct Incoming {
    frames: Frames,
    /// Where the next value of a stream begins, by sender and backup.
    next: [[usize; 4]; 4],
    /// Bytes for which nobody vouched, by sender: the ends of their frames.
    unvouched: [usize; 4],
    /// What is told a round too late.
    #[cfg(feature = "insecure-late-checks")]
    pub(crate) late: Option<Stop>,
}

impl Incoming {
    /// The next value of the stream with these roles.
    pub(crate) fn take(&mut self, sender: usize, backup: usize, bytes: usize) -> &[u8] {
        let start = self.next[sender][backup];
        self.next[sender][backup] = start + bytes;
        &self.frames[sender][start..start + bytes]
    }

    /// What a peer said and nobody vouched for. It may be anything.
    pub(crate) fn unvouched(&self, sender: usize) -> &[u8] {
        let frame = &self.frames[sender];
        &frame[frame.len() - self.unvouched[sender]..]
    }

    /// The frames, when all is taken.
    pub(crate) fn into_frames(self) -> Frames {
        self.frames
    }
}

/// Bytes of a frame with these streams; mirrors [`Outgoing::close`] for the plan. `streams` is by
/// sender, receiver and backup.
pub(crate) fn frame_bytes(streams: &[[[u64; 4]; 4]; 4], from: usize, to: usize) -> u64 {
    let values: u64 = streams[from][to].iter().sum();
    let vouched = others(from, to).map(|sender| {
        let bytes = streams[sender][to][from];
        if bytes < COPY_BELOW as u64 {
            bytes
        } else {
            DIGEST_BYTES as u64
        }
    });
    HEADER_BYTES as u64 + values + vouched.iter().sum::<u64>()
}
