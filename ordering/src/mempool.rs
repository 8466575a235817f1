//! Users' transactions that wait for a block.
//!
//! Nonces are strict: a sender's transactions come in order, without gaps and without
//! replacements. A full pool refuses and never evicts, so nobody can push out another's
//! transaction.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use alloy_primitives::{Address, B256, Bytes};
use wire::{limits, transaction::Transaction};

use crate::Refusal;

/// Hashes of transactions of recent blocks that are remembered, so that a copy which a peer
/// forwards late costs no signature check.
const RECENT: usize = 8_192;
/// What the encoding of a block adds to a transaction, at most.
const FRAMING_BYTES: usize = 4;

/// Bounds of a pool.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) per_sender: usize,
    pub(crate) transactions: usize,
    pub(crate) bytes: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            per_sender: limits::PENDING_PER_SENDER,
            transactions: limits::PENDING_TRANSACTIONS,
            bytes: limits::PENDING_BYTES,
        }
    }
}

/// What one block still has room for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Room {
    pub(crate) bytes: usize,
    pub(crate) fuel: u64,
}

struct Pending {
    transaction: Transaction,
    /// When it was submitted at this node; none if a peer forwarded it.
    submitted_ms: Option<u64>,
}

/// The pool.
#[derive(Default)]
pub(crate) struct Mempool {
    bounds: Bounds,
    /// In order of arrival, which for each sender is the order of nonces.
    pending: BTreeMap<u64, Pending>,
    arrivals: u64,
    by_hash: BTreeMap<B256, u64>,
    /// Sender, nonce, arrival.
    by_sender: BTreeMap<Address, BTreeMap<u64, u64>>,
    bytes: usize,
    recent: VecDeque<B256>,
    recent_set: BTreeSet<B256>,
}

impl Mempool {
    pub(crate) fn len(&self) -> usize {
        self.pending.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.pending.is_empty()
    }

    /// Whether a transaction is pending, or was in one of the last blocks.
    pub(crate) fn knows(&self, hash: &B256) -> bool {
        self.by_hash.contains_key(hash) || self.recent_set.contains(hash)
    }

    /// A pending transaction.
    pub(crate) fn get(&self, hash: &B256) -> Option<&Transaction> {
        let arrival = self.by_hash.get(hash)?;
        Some(&self.pending.get(arrival)?.transaction)
    }

    /// How many of a sender's transactions are pending.
    pub(crate) fn pending_of(&self, sender: Address) -> u64 {
        self.by_sender
            .get(&sender)
            .map_or(0, |nonces| nonces.len() as u64)
    }

    /// Takes a transaction if it is within bounds and `admit` (given the number of the sender's
    /// transactions before it) takes it too.
    ///
    /// # Errors
    /// [`Refusal`]; nothing has changed then.
    pub(crate) fn insert(
        &mut self,
        transaction: Transaction,
        submitted_ms: Option<u64>,
        admit: impl FnOnce(&Transaction, u64) -> Result<(), zk_contract_runtime::Refusal>,
    ) -> Result<(), Refusal> {
        let before = self.pending_of(transaction.sender);
        if before >= self.bounds.per_sender as u64 {
            return Err(Refusal::SenderFull);
        }
        let bytes = self.bytes + transaction.raw.len();
        if self.pending.len() >= self.bounds.transactions || bytes > self.bounds.bytes {
            return Err(Refusal::PoolFull);
        }
        admit(&transaction, before)?;
        let arrival = self.arrivals;
        self.arrivals += 1;
        self.bytes = bytes;
        self.by_hash.insert(transaction.hash, arrival);
        let nonces = self.by_sender.entry(transaction.sender).or_default();
        nonces.insert(transaction.nonce, arrival);
        let pending = Pending {
            transaction,
            submitted_ms,
        };
        self.pending.insert(arrival, pending);
        Ok(())
    }

    /// Removes one transaction, and the later ones of its sender, which cannot come without it.
    pub(crate) fn remove(&mut self, hash: &B256) {
        let Some(transaction) = self.get(hash) else {
            return;
        };
        let (sender, nonce) = (transaction.sender, transaction.nonce);
        if let Some(nonces) = self.by_sender.get_mut(&sender) {
            let arrivals: Vec<_> = nonces.split_off(&nonce).into_values().collect();
            self.forget(sender, &arrivals);
        }
    }

    /// Drops what a block made stale: whatever is below its sender's next nonce.
    pub(crate) fn prune(
        &mut self,
        included: impl Iterator<Item = (B256, Address)>,
        nonce: impl Fn(Address) -> u64,
    ) {
        for (hash, sender) in included {
            self.remember(hash);
            let Some(nonces) = self.by_sender.get_mut(&sender) else {
                continue;
            };
            let fresh = nonces.split_off(&nonce(sender));
            let stale: Vec<_> = std::mem::replace(nonces, fresh).into_values().collect();
            self.forget(sender, &stale);
        }
    }

    fn forget(&mut self, sender: Address, arrivals: &[u64]) {
        for pending in arrivals
            .iter()
            .filter_map(|arrival| self.pending.remove(arrival))
        {
            self.bytes -= pending.transaction.raw.len();
            self.by_hash.remove(&pending.transaction.hash);
        }
        if self.by_sender.get(&sender).is_some_and(BTreeMap::is_empty) {
            self.by_sender.remove(&sender);
        }
    }

    fn remember(&mut self, hash: B256) {
        if self.recent_set.insert(hash) {
            self.recent.push_back(hash);
        }
        if self.recent.len() > RECENT
            && let Some(oldest) = self.recent.pop_front()
        {
            self.recent_set.remove(&oldest);
        }
    }

    /// Transactions for a block, in order of arrival, as many as there is room for.
    pub(crate) fn select(&self, mut room: Room) -> Vec<Bytes> {
        const SMALLEST_BYTES: usize = 96;
        let mut selected = Vec::new();
        let mut skipped = BTreeSet::new();
        for Pending { transaction, .. } in self.pending.values() {
            let bytes = transaction.raw.len() + FRAMING_BYTES;
            let fits = bytes <= room.bytes && transaction.gas_limit <= room.fuel;
            if !fits || skipped.contains(&transaction.sender) {
                skipped.insert(transaction.sender);
            } else {
                room.bytes -= bytes;
                room.fuel -= transaction.gas_limit;
                selected.push(transaction.raw.clone());
            }
            if room.bytes < SMALLEST_BYTES {
                break;
            }
        }
        selected
    }

    /// Envelopes for peers, oldest first: those that were submitted at this node before
    /// `before_ms`, or all if none is given; at most `bytes` in all.
    pub(crate) fn to_forward(&self, before_ms: Option<u64>, bytes: usize) -> Vec<Bytes> {
        let wanted = |pending: &&Pending| match (before_ms, pending.submitted_ms) {
            (None, _) => true,
            (Some(before_ms), Some(submitted_ms)) => submitted_ms < before_ms,
            (Some(_), None) => false,
        };
        let mut left = bytes;
        let fitting = self.pending.values().filter(wanted).map_while(|pending| {
            let raw = &pending.transaction.raw;
            left = left.checked_sub(raw.len())?;
            Some(raw.clone())
        });
        fitting.collect()
    }
}

#[cfg(test)]
mod tests;
