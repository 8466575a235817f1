//! Components that peers are asked for: one at a time, part by part, from one holder after another.
//!
//! Only two peers hold what this node lacks, and one of them may be corrupt. So it is remembered who
//! lied, and how long peers take: the best is asked first, and none is waited for long.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use mpc_engine::component_hash;
use tokio::time::Instant;
use wire::{
    limits::{LOT_PART_BYTES, NODES},
    peer::LotPart,
};
use zeroize::Zeroizing;

use super::{Wanted, may_have};
use crate::storage::lots::Piece;

/// How long a part is waited for; twice as long whenever nobody was of use, since the network may be
/// slow.
const PATIENCE: Duration = Duration::from_secs(1);
const LONGEST_PATIENCE: Duration = Duration::from_secs(8);
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// All components that are being asked for.
pub(super) struct Fetches {
    me: u8,
    missing: BTreeMap<Piece, Fetch>,
    /// The one that is under way.
    current: Option<Piece>,
    peers: [Standing; NODES],
    /// Who is asked first of those of whom nothing is known.
    first: u8,
}

/// What is known of a peer: the less, the better.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Standing {
    /// It sent what is not in the log.
    lied: bool,
    /// How long it takes for a part.
    takes: Duration,
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
    patience: Duration,
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
    /// Begins anew with another peer. Who it was.
    fn give_up_peer(&mut self) -> Option<u8> {
        let peer = self.peer.take();
        if let Some(peer) = peer {
            self.tried |= 1 << peer;
        }
        self.asked = None;
        self.bytes = Zeroizing::new(Vec::new());
        peer
    }

    fn missing_bytes(&self) -> u64 {
        self.want.length - self.bytes.len() as u64
    }
}

impl Fetches {
    /// Nothing yet. `first` is the peer that is asked first while they are all the same.
    pub(super) fn new(me: u8, first: u8) -> Self {
        Self {
            me,
            missing: BTreeMap::new(),
            current: None,
            peers: Default::default(),
            first,
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
            patience: PATIENCE,
        });
        fetch.want = want;
    }

    /// Asks for nothing but components of these lots any more.
    pub(super) fn retain(&mut self, lots: &BTreeSet<u64>) {
        self.missing.retain(|piece, _| lots.contains(&piece.lot));
        self.current.take_if(|piece| !lots.contains(&piece.lot));
    }

    /// What to ask whom for now, if anything: peer, component, and where the part begins. Of what is
    /// not under way yet, `urgent` comes first, in this order.
    pub(super) fn next<'a>(
        &mut self,
        connected: &[u8],
        urgent: impl IntoIterator<Item = &'a Piece>,
        now: Instant,
    ) -> Option<(u8, Piece, u64)> {
        let is_due = |piece: &&Piece| self.missing.get(piece).is_some_and(|f| f.next <= now);
        let piece = self
            .current
            .or_else(|| urgent.into_iter().find(is_due).copied())
            .or_else(|| self.missing.keys().find(is_due).copied())?;
        let (me, first) = (self.me, self.first);
        let Some(fetch) = self.missing.get_mut(&piece) else {
            self.current = None;
            return None;
        };
        self.current = Some(piece);
        match fetch.asked {
            Some(asked) if now < asked + fetch.patience => return None,
            Some(_) => {
                let slow = fetch.give_up_peer().map(usize::from);
                if let Some(slow) = slow.and_then(|slow| self.peers.get_mut(slow)) {
                    slow.takes = slow.takes.max(fetch.patience);
                }
            }
            None => {}
        }
        let useful =
            |peer: &u8| may_have(me, *peer, piece.component) && fetch.tried >> peer & 1 == 0;
        let peer = fetch.peer.filter(|peer| connected.contains(peer));
        let standing = |peer: &u8| {
            let known = self.peers.get(usize::from(*peer)).copied();
            (
                known.unwrap_or_default(),
                peer.wrapping_sub(first) % NODES as u8,
            )
        };
        let best = || {
            connected
                .iter()
                .copied()
                .filter(useful)
                .min_by_key(standing)
        };
        let Some(peer) = peer.or_else(best) else {
            // Nobody has it now: others' turn.
            fetch.next = now + fetch.pause;
            fetch.pause = (fetch.pause * 2).min(LONGEST_PAUSE);
            fetch.patience = (fetch.patience * 2).min(LONGEST_PATIENCE);
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
    pub(super) fn weigh(&mut self, from: u8, part: &LotPart, now: Instant) -> Weighed {
        let weighed = self.add_part(from, part, now);
        match weighed {
            Weighed::Nothing => {}
            Weighed::Lie => {
                if let Some(standing) = self.peers.get_mut(usize::from(from)) {
                    standing.lied = true;
                }
            }
            // The others may have become faster: they are tried again some time.
            Weighed::Complete(..) => {
                let all = (0..).zip(&mut self.peers);
                for (_, other) in all.filter(|(peer, _)| *peer != from) {
                    other.takes /= 2;
                }
            }
        }
        weighed
    }

    fn add_part(&mut self, from: u8, part: &LotPart, now: Instant) -> Weighed {
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
        let took = fetch.asked.take().map(|asked| now.duration_since(asked));
        if let (Some(standing), Some(took)) = (self.peers.get_mut(usize::from(from)), took) {
            standing.takes = (standing.takes + took) / 2;
        }
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
