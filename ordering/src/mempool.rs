//! Users' transactions that wait for a block.
//!
//! Nonces are strict: a sender's transactions come in order, without gaps and without
//! replacements. A full pool refuses and never evicts, so nobody can push out another's
//! transaction. Each source, which is a peer or this node's own users, has a part of the pool to
//! itself, and no source waits for a block behind all that another has: one corrupt node that
//! forwards as much as it can takes its share and no more. Nor do cheap calls wait behind all dear
//! ones.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use alloy_primitives::{Address, B256, Bytes};
use wire::{
    limits::{self, BLOCK_BYTES, BLOCK_FUEL, NODES},
    transaction::Transaction,
};

use crate::Refusal;

/// Hashes of transactions of recent blocks that are remembered, so that a copy which a peer
/// forwards late costs no signature check.
const RECENT: usize = 8_192;
/// What the encoding of a block adds to a transaction, at most.
const FRAMING_BYTES: usize = 4;

/// Sources: this node's own users, and nodes by party number.
const SOURCES: usize = 1 + NODES;
/// The part of the pool that each source has to itself; half of the pool is for all.
const OWN_PART: usize = 2 * NODES;
/// Fuel that a byte of a block stands for when sources take turns.
const BYTE_FUEL: u64 = BLOCK_FUEL / BLOCK_BYTES as u64;

/// Calls that may use less fuel than this are all alike.
const CHEAP_FUEL: u64 = 1_000_000;

/// Where a transaction came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// A user of this node, at this time of the node's own clock.
    Submitted { at_ms: u64 },
    /// A peer forwarded it.
    Peer(u8),
}

impl Origin {
    fn source(self) -> usize {
        match self {
            Self::Submitted { .. } => 0,
            Self::Peer(peer) => (1 + usize::from(peer)).min(NODES),
        }
    }
}

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
    pub(crate) transactions: usize,
    pub(crate) bytes: usize,
    pub(crate) fuel: u64,
}

struct Pending {
    transaction: Transaction,
    origin: Origin,
}

/// Transactions that wait behind each other: of one source, and of senders whose calls may use
/// about as much fuel (a power of two; none for little).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Lane {
    source: usize,
    magnitude: Option<u32>,
}

/// What one source has in the pool.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Usage {
    transactions: usize,
    bytes: usize,
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
    usage: [Usage; SOURCES],
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
        origin: Origin,
        admit: impl FnOnce(&Transaction, u64) -> Result<(), zk_contract_runtime::Refusal>,
    ) -> Result<(), Refusal> {
        let before = self.pending_of(transaction.sender);
        if before >= self.bounds.per_sender as u64 {
            return Err(Refusal::SenderFull);
        }
        let mut usage = self.usage;
        usage[origin.source()].transactions += 1;
        usage[origin.source()].bytes += transaction.raw.len();
        let Bounds {
            transactions,
            bytes,
            ..
        } = self.bounds;
        let source = origin.source();
        if !within(usage.map(|usage| usage.transactions), source, transactions)
            || !within(usage.map(|usage| usage.bytes), source, bytes)
        {
            return Err(Refusal::PoolFull);
        }
        admit(&transaction, before)?;
        let arrival = self.arrivals;
        self.arrivals += 1;
        self.usage = usage;
        self.by_hash.insert(transaction.hash, arrival);
        let nonces = self.by_sender.entry(transaction.sender).or_default();
        nonces.insert(transaction.nonce, arrival);
        let pending = Pending {
            transaction,
            origin,
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
            let usage = &mut self.usage[pending.origin.source()];
            usage.transactions -= 1;
            usage.bytes -= pending.transaction.raw.len();
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

    /// Transactions for a block, as many as there is room for: always of the source that has had
    /// least of this block, and of its senders of cheap and of dear calls likewise; among those, in
    /// order of arrival.
    pub(crate) fn select(&self, mut room: Room) -> Vec<Bytes> {
        const SMALLEST_BYTES: usize = 96;
        let mut lanes = self.lanes();
        let mut had_by_source = [0u64; SOURCES];
        let mut had_by_lane: BTreeMap<Lane, u64> = BTreeMap::new();
        // A turn goes to the sender's first transaction that is left, whatever its source was.
        let mut nonces = BTreeMap::new();
        let mut skipped = BTreeSet::new();
        let mut selected = Vec::new();
        while room.bytes >= SMALLEST_BYTES && selected.len() < room.transactions {
            let had = |lane: &Lane| {
                let of_lane = had_by_lane.get(lane).copied().unwrap_or_default();
                (had_by_source[lane.source], of_lane)
            };
            let Some(lane) = lanes.keys().copied().min_by_key(had) else {
                break;
            };
            let Some(turn) = lanes.get_mut(&lane).and_then(VecDeque::pop_front) else {
                lanes.remove(&lane);
                continue;
            };
            let sender = turn.transaction.sender;
            let arrivals = nonces.entry(sender).or_insert_with(|| {
                let arrivals = self.by_sender.get(&sender).into_iter();
                arrivals.flat_map(BTreeMap::values)
            });
            let first = arrivals
                .next()
                .and_then(|arrival| self.pending.get(arrival));
            let Some(Pending { transaction, .. }) = first else {
                continue;
            };
            let bytes = transaction.raw.len() + FRAMING_BYTES;
            let fits = bytes <= room.bytes && transaction.gas_limit <= room.fuel;
            if !fits || skipped.contains(&sender) {
                skipped.insert(sender);
                continue;
            }
            room.bytes -= bytes;
            room.fuel -= transaction.gas_limit;
            let cost = transaction.gas_limit + BYTE_FUEL * bytes as u64;
            had_by_source[lane.source] += cost;
            *had_by_lane.entry(lane).or_default() += cost;
            selected.push(transaction.raw.clone());
        }
        selected
    }

    /// What waits, by lane. A sender's lane is that of its dearest call.
    fn lanes(&self) -> BTreeMap<Lane, VecDeque<&Pending>> {
        let mut dearest: BTreeMap<Address, u64> = BTreeMap::new();
        for Pending { transaction, .. } in self.pending.values() {
            let gas = dearest.entry(transaction.sender).or_default();
            *gas = transaction.gas_limit.max(*gas);
        }
        let mut lanes: BTreeMap<_, VecDeque<_>> = BTreeMap::new();
        for pending in self.pending.values() {
            let gas = dearest.get(&pending.transaction.sender).copied();
            let lane = Lane {
                source: pending.origin.source(),
                magnitude: (gas.unwrap_or_default() / CHEAP_FUEL).checked_ilog2(),
            };
            lanes.entry(lane).or_default().push_back(pending);
        }
        lanes
    }

    /// Envelopes for peers, oldest first: those that were submitted at this node before
    /// `before_ms`, or all if none is given; at most `bytes` in all.
    pub(crate) fn to_forward(&self, before_ms: Option<u64>, bytes: usize) -> Vec<Bytes> {
        let wanted = |pending: &&Pending| match (before_ms, pending.origin) {
            (None, _) => true,
            (Some(before_ms), Origin::Submitted { at_ms }) => at_ms < before_ms,
            (Some(_), Origin::Peer(_)) => false,
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

/// Whether a source may have so much, when all sources have this: it is within its own part, or all
/// that is beyond own parts is within the part for all.
fn within(used: [usize; SOURCES], source: usize, bound: usize) -> bool {
    let own = bound / OWN_PART;
    let beyond: usize = used.iter().map(|used| used.saturating_sub(own)).sum();
    used[source] <= own || beyond <= bound - NODES * own
}

#[cfg(test)]
mod tests;
