//! Components that peers are asked for: one at a time, part by part, from one holder after another.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use mpc_engine::component_hash;
use tokio::time::Instant;
use wire::{limits::LOT_PART_BYTES, peer::LotPart};
use zeroize::Zeroizing;

use super::{Wanted, may_have};
use crate::storage::lots::Piece;

/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(3);
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// All components that are being asked for.
pub(super) struct Fetches {
    me: u8,
    missing: BTreeMap<Piece, Fetch>,
    /// The one that is under way.
    current: Option<Piece>,
}

struct Fetch {
    want: Wanted,
    bytes: Zeroizing<Vec<u8>>,
    /// The peer that the parts come from.
    peer: Option<u8>,
    asked: Option<Instant>,
    /// Peers that were of no use this time, a bit for each.
    tried: u8,
    next: Instant,
    pause: Duration,
}

/// What came of a peer's answer.
pub(super) enum Weighed {
    /// It was not asked for, or is not all.
    Nothing,
    /// It is not what the log has.
    Lie,
    /// The component is there, and is not wanted any more.
    Complete(Wanted, Zeroizing<Vec<u8>>),
}

impl Fetch {
    /// Begins anew with another peer.
    fn give_up_peer(&mut self) {
        if let Some(peer) = self.peer.take() {
            self.tried |= 1 << peer;
        }
        self.asked = None;
        self.bytes = Zeroizing::new(Vec::new());
    }

    fn missing_bytes(&self) -> u64 {
        self.want.length - self.bytes.len() as u64
    }
}

impl Fetches {
    pub(super) const fn new(me: u8) -> Self {
        Self {
            me,
            missing: BTreeMap::new(),
            current: None,
        }
    }

    /// Begins to ask for a component.
    pub(super) fn add(&mut self, want: Wanted, now: Instant) {
        let fetch = self.missing.entry(want.piece).or_insert_with(|| Fetch {
            want,
            bytes: Zeroizing::new(Vec::new()),
            peer: None,
            asked: None,
            tried: 0,
            next: now,
            pause: FIRST_PAUSE,
        });
        fetch.want = want;
    }

    /// Asks for nothing but components of these lots any more.
    pub(super) fn retain(&mut self, lots: &BTreeSet<u64>) {
        self.missing.retain(|piece, _| lots.contains(&piece.lot));
        self.current.take_if(|piece| !lots.contains(&piece.lot));
    }

    /// What to ask whom for now, if anything: peer, component, and where the part begins.
    pub(super) fn next(&mut self, connected: &[u8], now: Instant) -> Option<(u8, Piece, u64)> {
        let due = |(piece, fetch): (&Piece, &Fetch)| (fetch.next <= now).then_some(*piece);
        let piece = match self.current {
            Some(piece) => piece,
            None => self.missing.iter().find_map(due)?,
        };
        let me = self.me;
        let Some(fetch) = self.missing.get_mut(&piece) else {
            self.current = None;
            return None;
        };
        self.current = Some(piece);
        match fetch.asked {
            Some(asked) if now < asked + PATIENCE => return None,
            Some(_) => fetch.give_up_peer(),
            None => {}
        }
        let useful =
            |peer: &u8| may_have(me, *peer, piece.component) && fetch.tried >> peer & 1 == 0;
        let peer = fetch.peer.filter(|peer| connected.contains(peer));
        let peer = peer.or_else(|| connected.iter().copied().find(useful));
        let Some(peer) = peer else {
            // Nobody has it now: others' turn.
            fetch.next = now + fetch.pause;
            fetch.pause = (fetch.pause * 2).min(LONGEST_PAUSE);
            fetch.tried = 0;
            fetch.bytes = Zeroizing::new(Vec::new());
            fetch.peer = None;
            self.current = None;
            return None;
        };
        if fetch.peer != Some(peer) {
            fetch.peer = Some(peer);
            // Its room is taken at once: bytes that were moved would stay behind.
            let room = usize::try_from(fetch.want.length).unwrap_or_default();
            fetch.bytes = Zeroizing::new(Vec::with_capacity(room));
        }
        fetch.asked = Some(now);
        Some((peer, piece, fetch.bytes.len() as u64))
    }

    /// Takes a part that a peer sent.
    pub(super) fn weigh(&mut self, from: u8, part: &LotPart) -> Weighed {
        let piece = Piece {
            lot: part.lot,
            component: part.component,
        };
        let asked_for = |fetch: &&mut Fetch| {
            fetch.peer == Some(from)
                && fetch.asked.is_some()
                && fetch.bytes.len() as u64 == part.offset
        };
        let Some(fetch) = self.missing.get_mut(&piece).filter(asked_for) else {
            return Weighed::Nothing;
        };
        let expected = fetch.missing_bytes().min(LOT_PART_BYTES as u64);
        if part.bytes.len() as u64 != expected {
            fetch.give_up_peer();
            // An honest one may lack it, too.
            return if part.bytes.is_empty() {
                Weighed::Nothing
            } else {
                Weighed::Lie
            };
        }
        fetch.bytes.extend_from_slice(&part.bytes);
        fetch.asked = None;
        if fetch.missing_bytes() > 0 {
            return Weighed::Nothing;
        }
        if component_hash(&fetch.bytes) != fetch.want.hash.0 {
            fetch.give_up_peer();
            return Weighed::Lie;
        }
        let (want, bytes) = (fetch.want, std::mem::take(&mut fetch.bytes));
        self.missing.remove(&piece);
        self.current = None;
        Weighed::Complete(want, bytes)
    }
}
