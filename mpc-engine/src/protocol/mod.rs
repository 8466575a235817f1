//! How values cross: the only operations of which other parties see anything.
//!
//! A [`Crossing`] is one party's end of the rounds. Its operations compute what this party sends and
//! vouches for in the next round, add the masks that it holds, and note what it will receive;
//! [`Crossing::close`] ends the round. Further rounds may be closed before its frames come;
//! [`Arrivals`] gives out what came, round by round, after it has been verified.

mod input;
mod multiply;
pub(crate) mod network;
mod open;
mod permutation;
mod refill;
mod reserve;
mod shuffle;

use std::collections::VecDeque;

use zeroize::Zeroizing;

use crate::{
    Stop,
    frame::{DigestKeys, Expected, Incoming, Outgoing},
    prf::{Drawn, Masks},
    roles::{Links, Parties},
    session::{Frames, SETUP_FRAME_BYTES, Transcript},
    vector::{Domain, Element},
};

use permutation::Permutation;
pub(crate) use permutation::{order_of, random_order, reorder};
pub(crate) use refill::{Ring, take_product};
pub(crate) use reserve::unmask;
pub(crate) use shuffle::{Pass, uniform};

/// Where a value that is still to come belongs.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Place {
    /// A register of a register file.
    Register { slot: usize, register: u32 },
    /// A revealed value, by its number.
    Revealed(usize),
}

/// A value that is still to come.
#[derive(Clone, Copy, Debug)]
struct Pending {
    place: Place,
    sender: usize,
    backup: usize,
    /// The component of `place` to which it is added.
    component: usize,
    domain: Domain,
    lanes: usize,
}

/// Keys of a session as one party uses them: by the party that lacks them.
pub(crate) struct SessionKeys {
    pub(crate) masks: [Option<Masks>; 4],
    /// For permutations.
    pub(crate) permutations: [Option<Zeroizing<[u8; 32]>>; 4],
    pub(crate) digests: DigestKeys,
}

/// One party's end of the rounds of a session.
pub(crate) struct Crossing {
    pub(crate) me: usize,
    parties: Parties,
    keys: SessionKeys,
    transcript: Transcript,
    round: u32,
    /// What all links have carried, so that roles change.
    links: Links,
    outgoing: Outgoing,
    /// The permutation that was used last, for the next column.
    permutation: Option<Permutation>,
    /// What the round that grows will bring.
    pending: Vec<Pending>,
    /// What the rounds will bring that were sent and whose frames are to come, oldest first.
    outstanding: VecDeque<(Expected, Vec<Pending>)>,
    #[cfg(feature = "insecure-late-checks")]
    late: Option<Stop>,
}

impl Crossing {
    /// Party `me` begins, after the rounds that set up the keys. What it says goes to the transcript.
    pub(crate) fn new(
        (me, parties): (usize, Parties),
        keys: SessionKeys,
        transcript: Transcript,
    ) -> Self {
        Self {
            me,
            parties,
            keys,
            transcript,
            round: SETUP_FRAME_BYTES.len() as u32,
            links: Links::of(parties),
            outgoing: Outgoing::new(me, parties),
            permutation: None,
            pending: Vec::new(),
            outstanding: VecDeque::new(),
            #[cfg(feature = "insecure-late-checks")]
            late: None,
        }
    }

    /// Binds this round's digests to an operation that takes part in it.
    pub(crate) fn name_operation(&mut self, op: u32, chunk: u32, stage: u32) {
        self.outgoing.name_operation(op, chunk, stage);
    }

    /// Ends the round: the frames to send.
    pub(crate) fn close(&mut self) -> Frames {
        let mut streams = self.transcript.room();
        let (frames, expected) = self
            .outgoing
            .close(self.round, &self.keys.digests, &mut streams);
        let verified = self.awaited();
        self.transcript.said(self.round, verified, streams);
        let pending = std::mem::take(&mut self.pending);
        self.outstanding.push_back((expected, pending));
        self.round += 1;
        frames
    }

    /// Number of the oldest round whose frames are to come.
    pub(crate) fn awaited(&self) -> u32 {
        self.round - self.outstanding.len() as u32
    }

    /// Verifies the frames of the oldest round whose frames are to come. Nothing of them can be used
    /// before.
    ///
    /// # Errors
    /// [`Stop`] names who is to blame.
    pub(crate) fn verify(&mut self, frames: Frames) -> Result<Arrivals, Stop> {
        let Some((expected, pending)) = self.outstanding.pop_front() else {
            return Err(
                crate::EngineError::Defect("frames for a round that was not closed").into(),
            );
        };
        let round = expected.round;
        let incoming = expected.verify(frames, &self.keys.digests)?;
        #[cfg(feature = "insecure-late-checks")]
        if let Some(stop) = std::mem::replace(&mut self.late, incoming.late.clone()) {
            return Err(stop);
        }
        self.transcript.verified(round);
        Ok(Arrivals {
            incoming,
            pending: pending.into_iter(),
        })
    }

    /// Ends the reading of what came: its memory serves for what will be sent.
    pub(crate) fn done(&mut self, arrivals: Arrivals) {
        self.outgoing.reuse(arrivals.incoming.into_frames());
    }

    /// Draws the next masks under the key that all but `l`, and so this party, hold.
    fn draw<E: Element>(&mut self, l: usize, lanes: usize) -> Drawn {
        match &mut self.keys.masks[l] {
            Some(masks) => masks.draw::<E>(lanes),
            None => Drawn::default(), // Not reached: only l lacks the key.
        }
    }

    /// Computes masks that were drawn, from element `start` on.
    fn fill<E: Element>(&self, l: usize, drawn: Drawn, start: usize, masks: &mut [E]) {
        if let Some(keys) = &self.keys.masks[l] {
            keys.fill(drawn, start, masks);
        }
    }
}

/// Verified values, in the order in which they are expected.
pub(crate) struct Arrivals {
    incoming: Incoming,
    pending: std::vec::IntoIter<Pending>,
}

impl Arrivals {
    /// The next value, encoded: where it belongs, to which component it is to be added.
    pub(crate) fn next(&mut self) -> Option<(Place, usize, &[u8])> {
        let p = self.pending.next()?;
        let bytes = p.domain.wire_bytes(p.lanes);
        let bytes = self.incoming.take(p.sender, p.backup, bytes);
        Some((p.place, p.component, bytes))
    }

    /// What a peer said and nobody vouched for. It may be anything, in the length that was expected.
    pub(crate) fn unvouched(&self, sender: usize) -> &[u8] {
        self.incoming.unvouched(sender)
    }
}
