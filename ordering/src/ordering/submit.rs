//! Users' transactions: taken, refused, and sent on to peers.

use alloy_primitives::{B256, Bytes, keccak256};
use wire::{peer::PeerMessage, transaction::Transaction};

use super::Ordering;
use crate::{Effect, Refusal, Suspicion, mempool::Origin};

/// Fuel in a second for trying what users of this node submit. What comes beyond it is taken
/// untried: at worst it is ordered and reverts. Blocks bound the fuel of what is ordered; without
/// this bound, users could keep a node from all else.
pub(super) const TRIAL_FUEL: u64 = 250_000_000;
/// Envelopes in one message, at most.
const BATCH: usize = 512;
/// Bytes of them.
const BATCH_BYTES: usize = 2 * 1024 * 1024;

impl Ordering {
    /// Takes a user's transaction. The answer follows when peers have been sent it, so that it does
    /// not hang on this node alone. A transaction that is known already is as good as a new one.
    pub(super) fn on_submit(&mut self, request: u64, raw: Bytes) {
        let hash = keccak256(&raw);
        if !self.mempool.knows(&hash) {
            let at_ms = self.pace.now_ms();
            if let Err(refusal) = self.take(raw.clone(), Origin::Submitted { at_ms }) {
                let result = Err(self.excused(refusal));
                self.effects.push(Effect::Reply { request, result });
                return;
            }
            self.to_forward.push(raw);
        }
        self.replies.push((request, hash));
        self.flush_soon();
    }

    /// What a user is told who is refused: a node that is behind cannot judge.
    fn excused(&self, refusal: Refusal) -> Refusal {
        match (refusal, self.lag()) {
            (Refusal::State(_), Some(lag)) => Refusal::CatchingUp(lag),
            (refusal, _) => refusal,
        }
    }

    /// Takes transactions that a peer has admitted. Those that this node would not take are
    /// dropped: whoever can will propose them.
    pub(super) fn on_transactions(&mut self, from: u8, envelopes: Vec<Bytes>) {
        for raw in envelopes {
            if self.mempool.knows(&keccak256(&raw)) {
                continue;
            }
            if !self.may_check(from) {
                return self.suspect(from, Suspicion::Flood("transactions"));
            }
            // It has admitted what it forwards, so the rest of such a message is not worth reading.
            if let Err(Refusal::Wire(error)) = self.take(raw, Origin::Peer(from)) {
                return self.suspect(from, error.into());
            }
        }
    }

    /// Only what a user submits here is tried: a peer has done so with what it forwards, and if it
    /// has not, it must not cost more than the block that holds it.
    fn take(&mut self, raw: Bytes, origin: Origin) -> Result<B256, Refusal> {
        let transaction = Transaction::decode(raw, self.config.committee.chain_id)?;
        let (hash, clock_ms) = (transaction.hash, self.pace.wall_ms());
        let tried = match origin {
            Origin::Submitted { at_ms } => self.trials.has_some(at_ms),
            Origin::Peer(_) => false,
        };
        let Self {
            mempool,
            runtime,
            trials,
            ..
        } = self;
        mempool.insert(transaction, origin, |transaction, before| {
            runtime.fits(transaction, before)?;
            if before > 0 || !tried {
                return Ok(());
            }
            let (fuel, outcome) = runtime.trial(transaction, clock_ms);
            trials.spend(fuel);
            outcome
        })?;
        Ok(hash)
    }

    /// Sends on what has been submitted here since the last time, then answers.
    pub(super) fn forward(&mut self) {
        let envelopes = std::mem::take(&mut self.to_forward);
        for batch in batches(envelopes) {
            self.broadcast(PeerMessage::Transactions(batch));
        }
        for (request, hash) in std::mem::take(&mut self.replies) {
            let result = Ok(hash);
            self.effects.push(Effect::Reply { request, result });
        }
    }

    /// Sends again what was submitted here a while ago and is in no block yet.
    pub(super) fn forward_again(&mut self) {
        let before_ms = self.pace.now_ms().saturating_sub(self.config.repeat_ms);
        let envelopes = self.mempool.to_forward(Some(before_ms), BATCH_BYTES);
        for batch in batches(envelopes) {
            self.broadcast(PeerMessage::Transactions(batch));
        }
    }

    /// Sends all that waits for a block to a peer that has just connected, within bounds.
    pub(super) fn send_pending(&mut self, peer: u8) {
        for batch in batches(self.mempool.to_forward(None, BATCH_BYTES)) {
            self.send(peer, PeerMessage::Transactions(batch));
        }
        if let Some(transaction) = self.own_transaction() {
            self.send(peer, PeerMessage::NodeTransaction(transaction));
        }
    }
}

/// Cuts envelopes into messages.
fn batches(envelopes: Vec<Bytes>) -> Vec<Vec<Bytes>> {
    let mut batches: Vec<Vec<Bytes>> = Vec::new();
    let mut bytes = 0;
    for raw in envelopes {
        bytes += raw.len();
        match batches.last_mut() {
            Some(batch) if batch.len() < BATCH && bytes <= BATCH_BYTES => batch.push(raw),
            _ => {
                bytes = raw.len();
                batches.push(vec![raw]);
            }
        }
    }
    batches
}
