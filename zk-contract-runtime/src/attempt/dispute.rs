//! Three nodes about one stream: which of them contradict each other.

use alloy_primitives::B256;
use serde::Serialize;

use crate::suspicion::{Blame, Lie, pair};

/// A stream whose two copies differ, as its receiver says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Dispute {
    /// Number of the round.
    pub(crate) round: u32,
    /// Who sent it.
    pub(crate) sender: u8,
    /// Who vouched for it.
    pub(crate) backup: u8,
    /// Who says that the copies differ.
    pub(crate) receiver: u8,
    /// Digest of the stream as it came from the sender, as the receiver says.
    seen: B256,
    /// Digest of what the sender sent, as it says.
    sent: Option<B256>,
    /// Digest of what the backup vouched for, as it says.
    vouched: Option<B256>,
}

impl Dispute {
    /// A dispute between a sender, a backup and a receiver.
    pub(crate) const fn new(round: u32, [sender, backup, receiver]: [u8; 3], seen: B256) -> Self {
        Self {
            round,
            sender,
            backup,
            receiver,
            seen,
            sent: None,
            vouched: None,
        }
    }

    /// Whether a node is asked and has not answered.
    pub(crate) fn asks(&self, node: u8) -> bool {
        (node == self.sender && self.sent.is_none())
            || (node == self.backup && self.vouched.is_none())
    }

    /// Takes the first answer of each of the two.
    pub(crate) fn state(&mut self, node: u8, digest: B256) {
        if !self.asks(node) {
            return;
        }
        if node == self.sender {
            self.sent = Some(digest);
        } else {
            self.vouched = Some(digest);
        }
    }

    /// Whether both have answered.
    pub(crate) const fn is_complete(&self) -> bool {
        self.sent.is_some() && self.vouched.is_some()
    }

    /// Who contradicts whom. Both sender and backup had the whole stream, so honest ones say the
    /// same; so do an honest sender and an honest receiver. If all three digests are equal, the
    /// receiver denies what the backup says.
    pub(crate) fn verdict(&self) -> Vec<Blame> {
        let round = self.round;
        let proven = |a, b, about| Blame::Proven {
            pair: pair(a, b),
            about,
        };
        let mut blames = Vec::new();
        if let (Some(sent), Some(vouched)) = (self.sent, self.vouched)
            && sent != vouched
        {
            blames.push(proven(self.sender, self.backup, Lie::Held { round }));
        }
        if self.sent.is_some_and(|sent| sent != self.seen) {
            blames.push(proven(self.receiver, self.sender, Lie::Sent { round }));
        }
        if !blames.is_empty() {
            return blames;
        }
        let accused = |accused| Blame::Accused {
            accuser: self.receiver,
            accused,
        };
        vec![match (self.sent, self.vouched) {
            (None, _) => accused(self.sender),
            (Some(_), None) => accused(self.backup),
            (Some(_), Some(_)) => proven(self.receiver, self.backup, Lie::Sent { round }),
        }]
    }
}
