//! Key epochs: to which keys inputs are sealed, and in which sharing the nodes hold them.
//!
//! `resting → drawing → old keys → sharing → agreed → resting`. When a key epoch is over, nodes draw
//! new sealing keys. Once three have, and the others had time to, clients seal to the new ones; for a
//! while inputs under the old keys are taken as well. When all of those have their verdict, the nodes
//! toss a key by which each shares the accepted inputs anew. When all who take part have done so,
//! and no session uses the sharing before, the new one counts, and everything of the epoch before is
//! erased. Nothing here is secret.

use alloy_primitives::{B256, keccak256};
use serde::Serialize;
use wire::{
    limits::{NODES, OLD_KEYS_MS, QUORUM, SEAL_KEY_MS},
    seal_keys::{SignedSealKey, sharing_tag},
};

use crate::{attempt::Attempt, job::Attempts};

/// A cluster that is never idle lets a key epoch last longer by this part of its length at most.
const PATIENCE: u64 = 8;

/// The sharing of the inputs that counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Sharing {
    /// Its number: inputs that are sealed to the keys of this epoch, or of a later one, are shared as
    /// their clients did, and earlier ones anew.
    pub epoch: u64,
    /// What names it: [`wire::seal_keys::sharing_tag`]. Zero in epoch 0.
    pub tag: B256,
    /// For each component, what proves it to belong to an input: the root of its commitments.
    pub roots: [B256; NODES],
}

/// What the refresh is at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) enum Phase {
    /// Nothing is under way.
    Resting {
        /// When the last one ended, in the time of the chain: the length of an epoch is a promise to
        /// users, not a deadline of nodes.
        since_ms: u64,
    },
    /// Nodes draw keys for the next epoch.
    Drawing {
        /// Those that they have said.
        keys: [Option<SignedSealKey>; NODES],
        /// When it goes on without the others, once three have.
        deadline_ms: Option<u64>,
    },
    /// New keys are in use; inputs that are sealed to the ones before are still taken.
    OldKeys {
        /// For how long.
        until_ms: u64,
    },
    /// Inputs are shared anew.
    Sharing(Attempts),
    /// All who took part have, and sessions that use the sharing before come to their end.
    Agreed {
        /// The attempt that has made the new sharing.
        attempt: u32,
        /// Roots of its components.
        roots: [B256; NODES],
    },
}

impl Default for Phase {
    fn default() -> Self {
        Self::Resting { since_ms: 0 }
    }
}

/// Keys and sharing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Refresh {
    epoch: u64,
    keys: [Option<SignedSealKey>; NODES],
    sharing: Sharing,
    /// What it is at.
    pub(crate) phase: Phase,
}

/// Id of the job that shares inputs anew for a key epoch.
#[must_use]
pub fn refresh_job(epoch: u64) -> B256 {
    keccak256([&b"quartet refresh"[..], &epoch.to_be_bytes()].concat())
}

impl Refresh {
    /// Before anything has happened.
    pub(crate) fn new(now_ms: u64) -> Self {
        Self {
            phase: Phase::Resting { since_ms: now_ms },
            ..Self::default()
        }
    }

    /// The key epoch.
    pub(crate) const fn epoch(&self) -> u64 {
        self.epoch
    }

    /// What nodes have said of their keys in this epoch; nothing in epoch 0.
    pub(crate) const fn keys(&self) -> &[Option<SignedSealKey>; NODES] {
        &self.keys
    }

    /// The sharing that counts.
    pub(crate) const fn sharing(&self) -> Sharing {
        self.sharing
    }

    /// Whether an input may be sealed to the keys of an epoch.
    pub(crate) const fn accepts(&self, epoch: u64) -> bool {
        let is_before = epoch.saturating_add(1) == self.epoch;
        epoch == self.epoch || (is_before && matches!(self.phase, Phase::OldKeys { .. }))
    }

    /// The epoch for which a node is to say its key. A node that was away may say it later.
    pub(crate) fn wants_key(&self, node: u8) -> Option<u64> {
        let lacks = |keys: &[Option<SignedSealKey>; NODES]| {
            let key = keys.get(usize::from(node));
            key.is_some_and(Option::is_none)
        };
        match &self.phase {
            Phase::Drawing { keys, .. } if lacks(keys) => Some(self.epoch.saturating_add(1)),
            _ if self.epoch > 0 && lacks(&self.keys) => Some(self.epoch),
            _ => None,
        }
    }

    /// Takes a node's key, the signature of which was checked; `epoch` is one that is wanted.
    pub(crate) fn say_key(&mut self, node: u8, epoch: u64, key: SignedSealKey, now_ms: u64) {
        let place = usize::from(node);
        match &mut self.phase {
            Phase::Drawing { keys, deadline_ms } if epoch > self.epoch => {
                if let Some(slot) = keys.get_mut(place) {
                    slot.get_or_insert(key);
                }
                if keys.iter().flatten().count() >= QUORUM {
                    deadline_ms.get_or_insert(now_ms.saturating_add(SEAL_KEY_MS));
                }
            }
            _ => {
                if let Some(slot) = self.keys.get_mut(place) {
                    slot.get_or_insert(key);
                }
            }
        }
    }

    /// Nodes are to draw keys.
    pub(crate) fn draw(&mut self) {
        self.phase = Phase::Drawing {
            keys: [None; NODES],
            deadline_ms: None,
        };
    }

    /// Goes on with new keys if there are enough: of all but those that are `away`, or by the time of
    /// three. Returns whether it did.
    pub(crate) fn turn_keys(&mut self, away: &[u8], now_ms: u64) -> bool {
        let Phase::Drawing { keys, deadline_ms } = &self.phase else {
            return false;
        };
        let said = |node: u8| keys.get(usize::from(node)).is_some_and(Option::is_some);
        let all = (0..NODES as u8).all(|node| said(node) || away.contains(&node));
        let late = deadline_ms.is_some_and(|at_ms| at_ms <= now_ms);
        // There is a deadline only once three have said theirs.
        if deadline_ms.is_none() || !(all || late) {
            return false;
        }
        self.keys = *keys;
        self.epoch = self.epoch.saturating_add(1);
        self.phase = Phase::OldKeys {
            until_ms: now_ms.saturating_add(OLD_KEYS_MS),
        };
        true
    }

    /// Takes no inputs any more that are sealed to the keys before, if it is time.
    pub(crate) fn end_old_keys(&mut self, now_ms: u64) {
        if let Phase::OldKeys { until_ms } = self.phase
            && until_ms <= now_ms
        {
            self.phase = Phase::Sharing(Attempts::new(0, now_ms));
        }
    }

    /// Attempts at sharing anew.
    pub(crate) const fn attempts(&self) -> Option<&Attempts> {
        match &self.phase {
            Phase::Sharing(attempts) => Some(attempts),
            _ => None,
        }
    }

    /// Likewise, to be changed.
    pub(crate) const fn attempts_mut(&mut self) -> Option<&mut Attempts> {
        match &mut self.phase {
            Phase::Sharing(attempts) => Some(attempts),
            _ => None,
        }
    }

    /// The current attempt, if this is its job.
    pub(crate) fn attempt(&self, job: B256) -> Option<&Attempt> {
        self.attempts()?
            .current
            .as_ref()
            .filter(|_| job == self.job())
    }

    /// The job that shares anew for the epoch of the keys.
    pub(crate) fn job(&self) -> B256 {
        refresh_job(self.epoch)
    }

    /// Whether inputs are being shared anew, so that none of them may be dropped: nodes that are not
    /// equally far in the log would not have the same ones.
    pub(crate) const fn is_sharing(&self) -> bool {
        matches!(self.phase, Phase::Sharing(_) | Phase::Agreed { .. })
    }

    /// Whether no session may begin that uses the sharing.
    pub(crate) const fn is_agreed(&self) -> bool {
        matches!(self.phase, Phase::Agreed { .. })
    }

    /// The new sharing counts. Returns it.
    pub(crate) fn switch(&mut self, chain_ms: u64) -> Option<Sharing> {
        let Phase::Agreed { attempt, roots } = self.phase else {
            return None;
        };
        self.sharing = Sharing {
            epoch: self.epoch,
            tag: sharing_tag(self.epoch, attempt),
            roots,
        };
        self.phase = Phase::Resting { since_ms: chain_ms };
        Some(self.sharing)
    }

    /// When the time alone has something to say, by the clocks; `refresh_ms` is how long an epoch
    /// lasts, `offset_ms` how far the chain's time is ahead, `idle` says that nothing else is under
    /// way, and `settled` that no input under old keys awaits its verdict.
    pub(crate) fn due_ms(
        &self,
        (refresh_ms, offset_ms): (u64, u64),
        idle: bool,
        settled: bool,
    ) -> Option<u64> {
        match &self.phase {
            Phase::Resting { .. } if refresh_ms == 0 => None,
            Phase::Resting { since_ms } => {
                let due_ms = since_ms.saturating_add(refresh_ms);
                let patience_ms = if idle { 0 } else { refresh_ms / PATIENCE };
                let due_ms = due_ms.saturating_add(patience_ms);
                Some(due_ms.saturating_sub(offset_ms))
            }
            Phase::Drawing { deadline_ms, .. } => *deadline_ms,
            Phase::OldKeys { until_ms } => Some(*until_ms),
            Phase::Sharing(attempts) => {
                let begins = attempts.current.is_none() && settled;
                begins.then_some(attempts.not_before_ms)
            }
            Phase::Agreed { .. } => None,
        }
    }
}
