//! The network: connections, losses and delays, and what honest nodes may send.

use alloy_primitives::keccak256;
use ordering::Input;
use rand::RngExt as _;
use wire::peer::PeerMessage;

use super::{Event, Sim};

impl Sim {
    /// Cuts or joins what two nodes see as their connection.
    pub fn link(&mut self, a: usize, b: usize, up: bool) {
        (self.passes[a][b], self.passes[b][a]) = (up, up);
        self.at(1, Event::Links { a, b, up });
    }

    pub(super) fn on_links(&mut self, a: usize, b: usize, up: bool) {
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

    pub fn send(&mut self, from: usize, to: usize, message: &PeerMessage) {
        let corrupt = self
            .byzantine
            .as_ref()
            .is_some_and(|byzantine| byzantine.node == from);
        if corrupt {
            if let Some(message) = self.corrupt(to, message) {
                self.post(from, to, &message);
            }
        } else {
            self.note_signed(from, message);
            self.post(from, to, message);
        }
    }

    /// No honest node ever signs two different things for one step of one round.
    fn note_signed(&mut self, from: usize, message: &PeerMessage) {
        let (slot, what) = match message {
            PeerMessage::Proposal(signed) if usize::from(signed.message.proposer) == from => {
                let proposal = &signed.message;
                let what = (Some(keccak256(&proposal.block)), proposal.pol_round);
                ((from, proposal.height, proposal.round, None), what)
            }
            PeerMessage::Vote(signed) if usize::from(signed.message.voter) == from => {
                let vote = &signed.message;
                (
                    (from, vote.height, vote.round, Some(vote.kind)),
                    (vote.block, None),
                )
            }
            _ => return,
        };
        let before = *self.signed.entry(slot).or_insert(what);
        assert_eq!(
            before, what,
            "seed {}: node {from} contradicts itself",
            self.seed
        );
    }

    pub fn post(&mut self, from: usize, to: usize, message: &PeerMessage) {
        let carried = self.passes[from][to] && (self.filter)(from, to, message);
        if !carried || !self.is_up(to) || self.rng.random_bool(self.network.loss) {
            return;
        }
        let (shortest, longest) = self.network.latency_ms;
        let in_ms = self.rng.random_range(shortest..=longest);
        self.messages += 1;
        let bytes = message.encode();
        self.at(in_ms, Event::Deliver { from, to, bytes });
    }
}
