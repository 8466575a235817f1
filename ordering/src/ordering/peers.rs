//! What is kept of each peer, and sync of decided blocks.

use std::collections::VecDeque;

use wire::{
    consensus::{DecidedBlock, Proposal, Signed, Vote},
    node_transaction::SignedNodeTransaction,
    peer::PeerMessage,
    signing::Signature,
};

use super::{Ordering, budget::Budget};
use crate::{
    Effect, Lag, OrderingError, Suspicion, consensus::verify_decided, node_messages::is_useful,
};

/// Least time between two answers of the same kind to one peer, or two questions.
const TELL_MS: u64 = 100;
/// Least time between two batches of blocks to one peer.
const SERVE_MS: u64 = 20;
/// How long an answer with blocks is waited for.
const ASK_MS: u64 = 400;
/// Messages of a peer that wait for their height, at most.
const HELD: usize = 16;
/// Proposals among them.
const HELD_PROPOSALS: usize = 2;
/// Signatures of users' and nodes' transactions that are checked for one peer in a burst, and the
/// number of them in a second.
const SIGNATURES: u64 = 4_000;

/// A message of consensus whose signature has been checked.
#[derive(Clone, Debug)]
pub(super) enum Held {
    Proposal(Signed<Proposal>),
    Vote(Signed<Vote>),
}

impl Held {
    const fn height(&self) -> u64 {
        match self {
            Self::Proposal(proposal) => proposal.message.height,
            Self::Vote(vote) => vote.message.height,
        }
    }
}

/// What is kept of one peer.
#[derive(Default)]
pub(super) struct Peer {
    connected: bool,
    /// Number of its last block, as far as it said or showed.
    height: Option<u64>,
    told_at_ms: Option<u64>,
    asked_at_ms: Option<u64>,
    greeted_at_ms: Option<u64>,
    served_at_ms: Option<u64>,
    /// Checked messages for the next two heights, which wait until they begin.
    held: VecDeque<Held>,
    /// What it wants in the next block.
    pub(super) transaction: Option<SignedNodeTransaction>,
    /// Signature of the last one that a block held.
    pub(super) said: Option<Signature>,
    signatures: Budget<SIGNATURES>,
}

#[cfg(test)]
impl Peer {
    pub(super) fn held_len(&self) -> usize {
        self.held.len()
    }
}

/// Whether enough time has passed since the last time, which is then noted.
fn due(last_ms: &mut Option<u64>, now_ms: u64, interval_ms: u64) -> bool {
    let due = last_ms.is_none_or(|last_ms| now_ms >= last_ms.saturating_add(interval_ms));
    if due {
        *last_ms = Some(now_ms);
    }
    due
}

impl Ordering {
    pub(super) fn peer(&mut self, peer: u8) -> &mut Peer {
        &mut self.peers[usize::from(peer)]
    }

    pub(super) fn on_peer_up(&mut self, peer: u8) {
        if peer == self.config.me || usize::from(peer) >= self.peers.len() {
            return;
        }
        self.peer(peer).connected = true;
        self.engine.set_connected(peer, true);
        let (now_ms, interval_ms) = (self.pace.now_ms(), self.config.repeat_ms);
        let height = self.runtime.head().number;
        self.send(peer, PeerMessage::Status { height });
        if due(&mut self.peer(peer).greeted_at_ms, now_ms, interval_ms) {
            self.send_round(peer);
            self.send_pending(peer);
        }
    }

    pub(super) fn on_peer_down(&mut self, peer: u8) {
        if usize::from(peer) < self.peers.len() {
            self.peer(peer).connected = false;
            self.engine.set_connected(peer, false);
        }
    }

    /// Whether one more signature may be checked on a peer's account.
    pub(super) fn may_check(&mut self, peer: u8) -> bool {
        let now_ms = self.pace.now_ms();
        self.peer(peer).signatures.take(now_ms)
    }

    pub(super) fn on_status(&mut self, from: u8, height: u64) {
        self.peer(from).height = Some(height);
        if height > self.runtime.head().number {
            self.ask_blocks(from);
        }
    }

    /// Notes that a peer takes part in a height: then it has the block before.
    pub(super) fn note_height(&mut self, from: u8, height: u64) {
        let known = &mut self.peer(from).height;
        *known = (*known).max(height.checked_sub(1));
    }

    /// How far this node is behind; none if it is not, as far as it can know. Two peers must be
    /// ahead, since one of any two is honest; and as long as fewer than two connected ones have told
    /// their height, which is so after a start, this node cannot know.
    #[must_use]
    pub fn lag(&self) -> Option<Lag> {
        let head = self.runtime.head().number;
        let told = |peer: &&Peer| peer.connected && peer.height.is_some();
        let known = self.peers.iter().filter(told).count() >= 2;
        let mut heights: Vec<u64> = self.peers.iter().filter_map(|peer| peer.height).collect();
        heights.sort_unstable_by(|a, b| b.cmp(a));
        let highest = heights.get(1).copied().unwrap_or_default();
        (highest > head || !known).then_some(Lag {
            start: self.start,
            head,
            highest: highest.max(head),
        })
    }

    /// Whether this node is about as far as its peers: at least half of those that are connected say
    /// so. One that boasts cannot change that alone, and nothing depends on it but when this node
    /// calls itself back.
    pub(super) fn has_caught_up(&self) -> bool {
        /// Blocks that may be under way.
        const NEAR: u64 = 2;
        let head = self.runtime.head().number;
        let connected = self.peers.iter().filter(|peer| peer.connected);
        let (near, far): (Vec<&Peer>, Vec<&Peer>) =
            connected.partition(|peer| peer.height <= Some(head.saturating_add(NEAR)));
        !near.is_empty() && near.len() >= far.len()
    }

    /// Tells a peer that is behind how far this node is.
    pub(super) fn tell_height(&mut self, peer: u8) {
        let now_ms = self.pace.now_ms();
        if due(&mut self.peer(peer).told_at_ms, now_ms, TELL_MS) {
            let height = self.runtime.head().number;
            self.send(peer, PeerMessage::Status { height });
        }
    }

    /// Asks a peer that is ahead for the blocks after the head.
    pub(super) fn ask_blocks(&mut self, peer: u8) {
        let now_ms = self.pace.now_ms();
        if due(&mut self.peer(peer).asked_at_ms, now_ms, ASK_MS) {
            let from = self.next_height();
            self.send(peer, PeerMessage::WantBlocks { from });
        }
    }

    /// Asks every peer for the blocks after the head.
    pub(super) fn ask_all(&mut self) {
        let from = self.next_height();
        self.broadcast(PeerMessage::WantBlocks { from });
    }

    pub(super) fn on_want_blocks(&mut self, from: u8, first: u64) {
        if first == 0 || first > self.runtime.head().number {
            return;
        }
        let now_ms = self.pace.now_ms();
        if due(&mut self.peer(from).served_at_ms, now_ms, SERVE_MS) {
            self.effects.push(Effect::SendBlocks {
                to: from,
                from: first,
            });
        }
    }

    pub(super) fn on_blocks(&mut self, from: u8, blocks: Vec<DecidedBlock>) {
        let head = self.runtime.head().number;
        for decided in blocks {
            let number = decided.certificate.height;
            if number < self.next_height() {
                continue;
            }
            if number > self.next_height() || self.halted {
                break;
            }
            if let Err(error) = verify_decided(self.engine.checker(), &decided) {
                self.suspect(from, Suspicion::Certificate { number, error });
                break;
            }
            match self.check_block(&decided.block) {
                Ok(checked) => self.commit(checked, decided),
                // Three nodes decided it and this one cannot apply it: it must not go on.
                Err(error) => self.halt(OrderingError::Block { number, error }),
            }
        }
        let new = self.runtime.head().number - head;
        if new == 0 {
            return;
        }
        // It answered: the next question need not wait.
        let head = self.runtime.head().number;
        let behind = self.peer(from).height > Some(head);
        if behind {
            // One block alone is what a peer has that is quicker, or one that only boasts.
            if new > 1 {
                self.pace.syncing();
            }
            self.peer(from).asked_at_ms = None;
            self.ask_blocks(from);
        } else {
            self.pace.synced();
        }
    }

    /// Keeps a checked message for its height, which is the next one or the one after.
    pub(super) fn hold(&mut self, from: u8, message: Held) {
        let held = &mut self.peer(from).held;
        let is_proposal = |held: &Held| matches!(held, Held::Proposal(_));
        let proposals = held.iter().filter(|held| is_proposal(held)).count();
        if held.len() < HELD && (proposals < HELD_PROPOSALS || !is_proposal(&message)) {
            held.push_back(message);
        }
    }

    /// Drops messages of heights that are decided.
    pub(super) fn drop_stale(&mut self) {
        let height = self.next_height();
        for peer in &mut self.peers {
            peer.held.retain(|message| message.height() >= height);
        }
    }

    /// The messages that waited for a height which begins.
    pub(super) fn take_held(&mut self, height: u64) -> Vec<Held> {
        let mut taken = Vec::new();
        for peer in &mut self.peers {
            let (now, later): (VecDeque<_>, _) = std::mem::take(&mut peer.held)
                .into_iter()
                .partition(|message| message.height() == height);
            peer.held = later;
            taken.extend(now);
        }
        taken
    }

    /// How long after the last block peers want the next height to begin: at once if there is a
    /// proposal or two nodes have voted, after `lone_ms` if only one has.
    pub(super) fn peers_wish(&self, lone_ms: u64) -> Option<u64> {
        let height = self.next_height();
        let of_height = |peer: &&Peer| peer.held.iter().any(|held| held.height() == height);
        let proposed = self.peers.iter().flat_map(|peer| &peer.held).any(
            |held| matches!(held, Held::Proposal(proposal) if proposal.message.height == height),
        );
        match self.peers.iter().filter(of_height).count() {
            0 => None,
            1 if !proposed => Some(lone_ms),
            _ => Some(0),
        }
    }

    pub(super) fn on_node_transaction(&mut self, from: u8, signed: SignedNodeTransaction) {
        if signed.transaction.node != from {
            return self.suspect(from, Suspicion::Unexpected);
        }
        let peer = self.peer(from);
        if peer.transaction.as_ref() == Some(&signed) || peer.said == Some(signed.signature) {
            return;
        }
        if !self.may_check(from) {
            return self.suspect(from, Suspicion::Flood("node transactions"));
        }
        if let Err(error) = signed.verify(&self.config.committee) {
            return self.suspect(from, error.into());
        }
        let useful = is_useful(&self.runtime, &signed.transaction);
        if useful {
            self.peer(from).transaction = Some(signed);
        }
    }
}
