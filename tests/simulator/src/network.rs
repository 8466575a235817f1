//! The network: connections, losses and delays, and what honest nodes may send.

use alloy_primitives::keccak256;
use ordering::Input;
use rand::RngExt as _;
use wire::peer::PeerMessage;

use crate::{Event, Sim, Violation};

/// A network that does as it likes.
#[derive(Clone, Copy, Debug)]
pub struct Network {
    /// Shortest and longest way of a message, in milliseconds; those that differ change places.
    pub latency_ms: (u64, u64),
    /// Share of messages that are lost.
    pub loss: f64,
}

/// One without faults.
pub const CALM: Network = Network {
    latency_ms: (1, 3),
    loss: 0.0,
};

impl Sim {
    /// Cuts or joins what two nodes see as their connection.
    pub fn link(&mut self, a: usize, b: usize, up: bool) {
        (self.passes[a][b], self.passes[b][a]) = (up, up);
        self.at(1, Event::Links { a, b, up });
    }

    pub(crate) fn on_links(&mut self, a: usize, b: usize, up: bool) {
        let up = up && self.is_up(a) && self.is_up(b) && (self.passes[a][b] || self.passes[b][a]);
        for (node, peer) in [(a, b), (b, a)] {
            let before = std::mem::replace(&mut self.connected[node][peer], up);
            // A node that was started anew has lost its connections without noticing.
            if self.is_up(node) && (up || before) {
                let peer = u8::try_from(peer).unwrap();
                let input = if up {
                    Input::PeerUp { peer }
                } else {
                    Input::PeerDown { peer }
                };
                self.step(node, input);
            }
        }
    }

    pub(crate) fn send(&mut self, from: usize, to: usize, message: &PeerMessage) {
        if !self.is_honest(from) {
            if let Some((message, late_ms)) = self.twist(to, message) {
                self.post(from, to, &message, late_ms);
            }
            return;
        }
        self.note_signed(from, message);
        self.post(from, to, message, 0);
    }

    /// No honest node ever signs two different things for one step of one round, unless its disk
    /// is an older copy.
    fn note_signed(&mut self, node: usize, message: &PeerMessage) {
        let (height, slot, what) = match message {
            PeerMessage::Proposal(signed) if usize::from(signed.message.proposer) == node => {
                let proposal = &signed.message;
                let what = (Some(keccak256(&proposal.block)), proposal.pol_round);
                let slot = (node, proposal.height, proposal.round, None);
                (proposal.height, slot, what)
            }
            PeerMessage::Vote(signed) if usize::from(signed.message.voter) == node => {
                let vote = &signed.message;
                let slot = (node, vote.height, vote.round, Some(vote.kind));
                (vote.height, slot, (vote.block, None))
            }
            _ => return,
        };
        let before = *self.signed.entry(slot).or_insert(what);
        if before != what && height > self.machines[node].forgot_to {
            self.violate(Violation::Contradiction { node, height });
        }
    }

    pub(crate) fn post(&mut self, from: usize, to: usize, message: &PeerMessage, late_ms: u64) {
        let carried = self.passes[from][to] && (self.filter)(from, to, message);
        if !carried || !self.is_up(to) || self.rng.random_bool(self.network.loss) {
            return;
        }
        let (shortest, longest) = self.network.latency_ms;
        let in_ms = late_ms + self.rng.random_range(shortest..=longest);
        self.messages += 1;
        let bytes = message.encode();
        self.at(in_ms, Event::Deliver { from, to, bytes });
    }
}
