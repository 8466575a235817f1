//! What a party sent and vouched for lately, so that it can say so when a receiver claims that its
//! two copies of a stream differ.
//!
//! The receiver, the sender and the backup each publish a digest of the stream; the digests tell in
//! which two of the three the liar is. They are made under a key that just these three hold of all
//! four (or, if a party is absent, the three that are live), so they tell nobody else anything.
//! Since the liar holds the key, too, they are made by a hash in which it finds no collisions even
//! so, unlike the digests within a session.
//!
//! Copies of a stream are kept until its receivers have verified it: when the frames of a round come,
//! their senders had verified all rounds that this party had when it sent that one, since all run the
//! same schedule. So copies are of the rounds that are outstanding and of as many before them, at most.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use zeroize::{Zeroize as _, Zeroizing};

use super::keys::{self, ECHO_ROUND};
use crate::{
    frame::{header, others, stream_roles},
    roles::{Parties, Roles},
};

/// Rounds that were forgotten and whose memory is kept for further ones.
pub(crate) const SPARE_ROUNDS: usize = 1;

/// What one party said in a session, as far as somebody may still complain about it. All copies of
/// it are the same; it outlives the session.
#[derive(Clone)]
pub struct Transcript(Arc<Mutex<Spoken>>);

struct Spoken {
    me: usize,
    parties: Parties,
    /// Digests of what each party said before there were keys, as far as it has been heard.
    heard: [Option<[u8; 32]>; 4],
    keys: Option<DisputeKeys>,
    rounds: VecDeque<Round>,
    /// Memory for further rounds.
    spare: Vec<Streams>,
}

struct Round {
    number: u32,
    /// Number of the first round that was not verified when this one was sent.
    verified: u32,
    streams: Streams,
}

/// The streams of a round that one party sent or vouched for.
#[derive(Default)]
pub(crate) struct Streams {
    /// What digests are bound to.
    pub(crate) operations: [u8; 32],
    /// By receiver.
    pub(crate) sent: [Sent; 4],
    /// By sender and receiver.
    pub(crate) vouched: [[Vec<u8>; 4]; 4],
}

/// Two streams to one receiver.
#[derive(Default)]
pub(crate) struct Sent {
    pub(crate) bytes: Vec<u8>,
    /// Bytes of the first: that with the backup that has the lower number.
    pub(crate) first: usize,
}

/// Keys for digests in disputes, by the party that lacks them.
#[derive(Clone)]
pub(crate) struct DisputeKeys {
    pub(crate) keys: [Option<Zeroizing<[u8; 32]>>; 4],
    pub(crate) session: [u8; 12],
}

impl std::fmt::Debug for Transcript {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Transcript(<redacted>)")
    }
}

impl DisputeKeys {
    /// The digest of a stream, bound to session, round, operations, roles and length. This party is
    /// not the outsider.
    pub(crate) fn digest(
        &self,
        round: u32,
        operations: &[u8; 32],
        roles: Roles,
        stream: &[u8],
    ) -> [u8; 32] {
        let Some(key) = &self.keys[roles.outsider] else {
            return [0; 32]; // Not reached: only the outsider lacks the key.
        };
        let mut hasher = blake3::Hasher::new_keyed(key);
        hasher.update(&header(&self.session, round));
        hasher.update(operations);
        hasher.update(&[roles.sender as u8, roles.backup as u8, roles.receiver as u8]);
        hasher.update(&(stream.len() as u64).to_le_bytes());
        hasher.update(stream);
        let digest = *hasher.finalize().as_bytes();
        hasher.zeroize();
        digest
    }
}

impl Streams {
    fn clear(&mut self) {
        self.sent.iter_mut().for_each(|sent| sent.bytes.clear());
        self.vouched.iter_mut().flatten().for_each(Vec::clear);
    }

    /// The stream with these roles, at the party that is its sender or its backup.
    fn of(&self, me: usize, roles: Roles) -> &[u8] {
        if roles.sender != me {
            return &self.vouched[roles.sender][roles.receiver];
        }
        let Sent { bytes, first } = &self.sent[roles.receiver];
        let (first, second) = bytes.split_at((*first).min(bytes.len()));
        if others(me, roles.receiver)[0] == roles.backup {
            first
        } else {
            second
        }
    }
}

impl Transcript {
    pub(crate) fn new(me: usize, parties: Parties) -> Self {
        Self(Arc::new(Mutex::new(Spoken {
            me,
            parties,
            heard: [None; 4],
            keys: None,
            rounds: VecDeque::new(),
            spare: Vec::new(),
        })))
    }

    fn spoken(&self) -> MutexGuard<'_, Spoken> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes the digests of what parties said in the first round.
    pub(super) fn heard(&self, said: [Option<[u8; 32]>; 4]) {
        self.spoken().heard = said;
    }

    /// Notes the keys.
    pub(super) fn has_keys(&self, keys: DisputeKeys) {
        self.spoken().keys = Some(keys);
    }

    /// Memory for the streams of a round: empty ones.
    pub(crate) fn room(&self) -> Streams {
        self.spoken().spare.pop().unwrap_or_default()
    }

    /// Notes what was said in a round, and the first round that was not verified then.
    pub(crate) fn said(&self, number: u32, verified: u32, streams: Streams) {
        let round = Round {
            number,
            verified,
            streams,
        };
        self.spoken().rounds.push_back(round);
    }

    /// Notes that a round was verified: what its senders had verified before they sent it is
    /// forgotten.
    pub(crate) fn verified(&self, number: u32) {
        let mut spoken = self.spoken();
        let round = spoken.rounds.iter().find(|round| round.number == number);
        let before = round.map_or(0, |round| round.verified);
        while spoken.rounds.front().is_some_and(|r| r.number < before) {
            if let Some(mut round) = spoken.rounds.pop_front()
                && spoken.spare.len() < SPARE_ROUNDS
            {
                round.streams.clear();
                spoken.spare.push(round.streams);
            }
        }
    }

    /// What this party, the sender or the backup, says about a stream of which the receiver claims
    /// that the two copies differ: the digest of it as it should have been sent. None if this party
    /// is neither, or if no honest receiver can still claim it.
    #[must_use]
    pub fn statement(&self, round: u32, sender: u8, backup: u8, receiver: u8) -> Option<[u8; 32]> {
        let spoken = self.spoken();
        let [sender, backup, receiver] = [sender, backup, receiver].map(usize::from);
        let all = [sender, backup, receiver];
        let distinct = sender != backup && backup != receiver && receiver != sender;
        let mine = sender == spoken.me || backup == spoken.me;
        if !distinct || !mine || !all.iter().all(|party| spoken.parties.is_live(*party)) {
            return None;
        }
        if round == ECHO_ROUND {
            let said = spoken.heard[sender].as_ref()?;
            return Some(keys::dispute(said, stream_roles(sender, backup, receiver)));
        }
        let round = spoken.rounds.iter().find(|r| r.number == round)?;
        let roles = stream_roles(sender, backup, receiver);
        let stream = round.streams.of(spoken.me, roles);
        let keys = spoken.keys.as_ref()?;
        Some(keys.digest(round.number, &round.streams.operations, roles, stream))
    }
}
