//! Blocks: made when it is this node's turn, judged when it is another's.

use alloy_primitives::{Bytes, keccak256};
use wire::{
    block::{Block, Header},
    codec,
    limits::{BLOCK_BYTES, BLOCK_FUEL, BLOCK_NODE_BYTES, BLOCK_TRANSACTIONS},
    node_transaction::SignedNodeTransaction,
};
use zk_contract_runtime::{BlockError, CheckedBlock};

use super::{Ordering, agree::Candidate};
use crate::{
    Suspicion,
    consensus::{Offer, Output},
    mempool::Room,
};

/// Room for the header and the framing of a block.
const MARGIN_BYTES: usize = 1024;
/// Proposed blocks that are kept for one height.
const CANDIDATES: usize = 8;
/// How often a block is made again without a transaction that turned out not to fit.
const TRIES: usize = 16;

impl Ordering {
    /// Makes a block and proposes it, unless peers have told this node what it proposed in this round
    /// before it forgot that.
    pub(super) fn propose(&mut self, round: u32) -> Vec<Output> {
        if self.height.offers.contains_key(&round) {
            return Vec::new();
        }
        let Some((bytes, checked)) = self.make_block() else {
            return Vec::new();
        };
        let hash = checked.hash();
        self.keep(Candidate {
            checked,
            bytes,
            round,
            timely: true,
        });
        self.engine.propose(round, hash, self.pace.now_ms())
    }

    /// A valid block with what waits for one. Nobody's transaction can keep this node from making
    /// a block: one that does not fit after all is dropped.
    fn make_block(&mut self) -> Option<(Bytes, CheckedBlock)> {
        for _ in 0..TRIES {
            let node_transactions = self.node_transactions();
            let node_bytes = codec::encode(&node_transactions).len();
            let room = Room {
                transactions: BLOCK_TRANSACTIONS,
                bytes: BLOCK_BYTES - MARGIN_BYTES - node_bytes,
                fuel: BLOCK_FUEL,
            };
            let transactions = self.mempool.select(room);
            let bytes = self.encode_block(node_transactions, transactions);
            match self.check_block(&bytes) {
                Ok(checked) => return Some((bytes, checked)),
                Err(BlockError::Transaction { hash, .. }) => self.mempool.remove(&hash),
                Err(_) => break,
            }
        }
        let bytes = self.encode_block(Vec::new(), Vec::new());
        let checked = self.check_block(&bytes).ok()?;
        Some((bytes, checked))
    }

    fn encode_block(
        &self,
        node_transactions: Vec<SignedNodeTransaction>,
        transactions: Vec<Bytes>,
    ) -> Bytes {
        let head = self.runtime.head();
        let header = Header {
            number: head.number + 1,
            parent: head.hash,
            time_ms: self.runtime.next_time_ms(self.pace.wall_ms()),
            proposer: self.config.committee.nodes[usize::from(self.config.me)].address,
            state_root: head.state_root,
        };
        let block = Block {
            header,
            node_transactions,
            transactions,
        };
        block.encode().into()
    }

    /// The newest transaction of each node, as far as there is room, in order of party number. The
    /// node's own comes first when there is little.
    fn node_transactions(&mut self) -> Vec<SignedNodeTransaction> {
        let own = self.own_transaction();
        let others = self
            .peers
            .iter()
            .filter_map(|peer| peer.transaction.clone());
        let mut room = BLOCK_NODE_BYTES - MARGIN_BYTES;
        let mut chosen: Vec<_> = own
            .into_iter()
            .chain(others)
            .filter(
                |signed| match room.checked_sub(codec::encode(signed).len()) {
                    Some(left) => {
                        room = left;
                        true
                    }
                    None => false,
                },
            )
            .collect();
        chosen.sort_by_key(|signed| signed.transaction.node);
        chosen
    }

    /// Checks a block against the head, without checking signatures again that the pool has
    /// checked, nor a block again that has been proposed.
    pub(super) fn check_block(&self, bytes: &Bytes) -> Result<CheckedBlock, BlockError> {
        if let Some(candidate) = self.height.blocks.get(&keccak256(bytes)) {
            return Ok(candidate.checked.clone());
        }
        let mut known = |raw: &Bytes| self.mempool.get(&keccak256(raw)).cloned();
        self.runtime.check(bytes, &mut known)
    }

    /// Keeps a block that was in the write-ahead log.
    pub(super) fn restore_block(&mut self, bytes: &Bytes) {
        if let Ok(checked) = self.check_block(bytes) {
            self.height.logged_blocks.insert(checked.hash());
            self.keep(Candidate {
                checked,
                bytes: bytes.clone(),
                round: 0,
                timely: true,
            });
        }
    }

    /// Says whether this node may vote for a proposal; none if that depends on a proof of lock
    /// which has not arrived. Its proposer has signed it, and answers for it, whoever passed it on.
    pub(super) fn judge(&mut self, offer: &Offer, bytes: &Bytes) -> Option<bool> {
        let round = offer.round.as_u32().unwrap_or_default();
        let checked = match self.check_block(bytes) {
            Ok(checked) => checked,
            Err(error) => {
                self.suspect(offer.proposer.0, error.into());
                return Some(false);
            }
        };
        let repeated = offer.pol_round.is_defined();
        let header = &checked.block().header;
        let proposer = self
            .config
            .committee
            .nodes
            .get(usize::from(offer.proposer.0));
        if !repeated && proposer.is_none_or(|node| node.address != header.proposer) {
            self.suspect(offer.proposer.0, Suspicion::ForeignBlock);
            return Some(false);
        }
        let (hash, block_ms) = (checked.hash(), header.time_ms);
        let seen = self.height.blocks.get(&hash);
        let timely =
            self.is_timely(block_ms, round) || (repeated && seen.is_some_and(|seen| seen.timely));
        self.keep(Candidate {
            checked,
            bytes: bytes.clone(),
            round,
            timely,
        });
        if timely || self.is_locked(offer) {
            return Some(true);
        }
        if repeated {
            return None;
        }
        let own_ms = self.own_ms();
        self.suspect(offer.proposer.0, Suspicion::Clock { block_ms, own_ms });
        Some(false)
    }

    /// Judges the repeated proposals whose proof of lock has arrived; false if there are none.
    pub(super) fn judge_waiting(&mut self) -> bool {
        let ready = self
            .height
            .waiting
            .iter()
            .position(|offer| self.is_locked(offer));
        let Some(index) = ready.filter(|_| self.engine.is_running()) else {
            return false;
        };
        let offer = self.height.waiting.swap_remove(index);
        let outputs = self.engine.judged(&offer, true, self.pace.now_ms());
        self.act(outputs);
        true
    }

    /// Whether three nodes prevoted for the block in the round that a repeated proposal names: then
    /// an honest one found its time acceptable.
    fn is_locked(&self, offer: &Offer) -> bool {
        let pol_round = offer.pol_round.as_u32();
        pol_round.is_some_and(|round| self.engine.has_polka(round, offer.block.0))
    }

    /// This node's time, moved as the log says.
    pub(super) fn own_ms(&self) -> u64 {
        self.pace
            .wall_ms()
            .saturating_add(self.runtime.time_offset_ms())
    }

    /// Whether the time of a new block is near enough to this node's. The parent's time is always
    /// allowed when it is ahead: such a block moves nothing. A block may be the older the later its
    /// round, as proposals are waited for longer: a large one takes its time on a slow link.
    fn is_timely(&self, block_ms: u64, round: u32) -> bool {
        let (own_ms, bound_ms) = (self.own_ms(), self.config.clock_bound_ms);
        let age_ms = bound_ms.saturating_add(self.config.timeouts.grown_ms(round));
        let latest_ms = own_ms
            .saturating_add(bound_ms)
            .max(self.runtime.head().time_ms);
        block_ms <= latest_ms && block_ms >= own_ms.saturating_sub(age_ms)
    }

    /// Keeps a proposed block; the one of the earliest round that is locked nowhere goes when there
    /// are too many.
    fn keep(&mut self, candidate: Candidate) {
        let hash = candidate.checked.hash();
        self.height.blocks.insert(hash, candidate);
        if self.height.blocks.len() <= CANDIDATES {
            return;
        }
        let locked = |block| self.engine.is_locked_on(block);
        let others = self
            .height
            .blocks
            .iter()
            .filter(|(other, _)| **other != hash);
        let free = others.filter(|(other, _)| !locked(**other));
        let oldest = free
            .min_by_key(|(other, kept)| (kept.round, **other))
            .map(|(other, _)| *other);
        if let Some(oldest) = oldest {
            self.height.blocks.remove(&oldest);
        }
    }
}
