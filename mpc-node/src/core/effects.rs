//! Performing effects.

use std::collections::BTreeMap;

use alloy_primitives::B256;
use ordering::{Effect, SyncBatch};
use wire::{block::Block, peer::PeerMessage};
use zk_contract_runtime::{Applied, Event, Head};

use super::Running;
use crate::{NodeError, seeds::Order, transport::sessions::SessionId};

impl Running {
    /// Performs effects in order. `head` is the head after the steps that gave them.
    pub(super) fn perform(&mut self, effects: Vec<Effect>, head: &Head) -> Result<(), NodeError> {
        let roots = state_roots(&effects, head);
        for effect in effects {
            if !matches!(effect, Effect::AppendWal(_)) {
                // One fsync for entries that follow each other.
                self.core.wal.sync()?;
            }
            self.perform_one(effect, &roots)?;
        }
        self.core.wal.sync()
    }

    fn perform_one(
        &mut self,
        effect: Effect,
        roots: &BTreeMap<u64, B256>,
    ) -> Result<(), NodeError> {
        let core = &mut self.core;
        match effect {
            Effect::AppendWal(entry) => core.wal.append(&entry)?,
            Effect::ResetWal => core.wal.clear()?,
            Effect::AppendBlock(block) => core.blocks.append(&block)?,
            Effect::Send { to, message } => core.network.send(to, &message),
            Effect::Broadcast(message) => core.network.broadcast(&message),
            Effect::SendBlocks { to, from } => self.send_blocks(to, from)?,
            Effect::Reply { request, result } => {
                if let Some(answer) = self.replies.remove(&request) {
                    // Whoever asked may be gone.
                    let _ = answer.send(result);
                }
            }
            Effect::Wake { at_ms } => self.wake_ms = Some(at_ms),
            Effect::Applied(applied, block) => self.applied(&applied, &block, roots)?,
            Effect::OpenSeal { input } => self.open_seal(input),
            Effect::Prepare { job, attempt } => self.prepare(SessionId { job, attempt }),
            Effect::StartSession { job, attempt } => {
                self.start_session(SessionId { job, attempt });
            }
            Effect::StopSession { job } => self.sessions.stop(job),
            Effect::AnswerDispute { job, attempt } => {
                self.answer_dispute(SessionId { job, attempt });
            }
            Effect::OpenOutputs { job, attempt } => self.open_outputs(SessionId { job, attempt }),
            Effect::DropOutputs { job } => core.workers.outputs.remove(job)?,
            Effect::KeepLot { lot } => self.keep_lot(lot),
            Effect::DropLot { lot } => self.forget_lots(Some(lot)),
            Effect::TakeStock => self.take_stock(),
            Effect::DrawSealKey { epoch } => self.draw_seal_key(epoch)?,
            Effect::EraseEpochs { .. } => self.erase_epochs()?,
            Effect::Suspect { peer, suspicion } => {
                if let Some(counter) = core.metrics.suspicions.get(usize::from(peer)) {
                    counter.inc();
                }
                if core.metrics.may_complain(peer) {
                    tracing::warn!(peer, %suspicion, "a peer's message was refused");
                }
            }
            Effect::Halt(error) => return Err(NodeError::Halted(error.to_string())),
        }
        Ok(())
    }

    fn send_blocks(&self, to: u8, from: u64) -> Result<(), NodeError> {
        let core = &self.core;
        let reader = core.blocks.reader();
        let mut batch = SyncBatch::default();
        let mut number = from;
        while let Some(block) = reader.block(number)? {
            if !batch.push(block) {
                break;
            }
            number += 1;
        }
        let blocks = batch.into_blocks();
        if !blocks.is_empty() {
            core.network.send(to, &PeerMessage::Blocks(blocks));
        }
        Ok(())
    }

    fn applied(
        &mut self,
        applied: &Applied,
        block: &Block,
        roots: &BTreeMap<u64, B256>,
    ) -> Result<(), NodeError> {
        let core = &self.core;
        let root = roots.get(&applied.number).copied().unwrap_or_default();
        core.derived.index(applied, block, root)?;
        let metrics = &core.metrics;
        metrics
            .block
            .set(i64::try_from(applied.number).unwrap_or(i64::MAX));
        let seconds = block.header.time_ms / 1000;
        metrics
            .block_time
            .set(i64::try_from(seconds).unwrap_or(i64::MAX));
        metrics.transactions.inc_by(applied.receipts.len() as u64);
        self.measure();
        let core = &self.core;
        for event in &applied.events {
            match event {
                Event::InputRejected { id } | Event::InputDropped { id } => {
                    core.seeds.order(Order::Forget { input: *id });
                }
                Event::ResultsKept { computation } => {
                    if let Some((epoch, seeds)) = core.workers.results.get(*computation) {
                        core.derived.keep_seeds(*computation, epoch, &seeds)?;
                    }
                    // Gets them from the peers if it has others, or none.
                    self.open_seal(*computation);
                }
                Event::Contradiction(contradiction) => {
                    tracing::warn!(?contradiction, "two nodes contradict each other in the log");
                }
                Event::NodeAway { node } => tracing::warn!(node, "jobs begin without a node"),
                Event::NodeBack { node } => tracing::info!(node, "a node is back"),
                _ => {}
            }
        }
        tracing::debug!(number = applied.number, hash = %applied.hash,
            transactions = applied.receipts.len(), "block applied");
        core.shared.height.send_replace(applied.number);
        Ok(())
    }

    /// Shows in the metrics what the state says.
    fn measure(&self) {
        let metrics = &self.core.metrics;
        let state = self.core.shared.read();
        let runtime = state.runtime();
        let counts = runtime.counts();
        let gauge = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        metrics
            .pending_transactions
            .set(gauge(state.pending() as u64));
        metrics.pending_inputs.set(gauge(counts.pending_inputs));
        metrics
            .running_computations
            .set(gauge(counts.running_computations));
        metrics
            .contradictions
            .set(gauge(runtime.contradictions().len() as u64));
        for (node, away) in (0..).zip(&metrics.away) {
            away.set(i64::from(runtime.is_away(node)));
        }
        metrics.show_reserve(&runtime.reserve_left());
    }

    fn open_seal(&self, input: B256) {
        let pending = {
            let state = self.core.shared.read();
            state.runtime().pending_seeds(input)
        };
        let Some(pending) = pending else { return };
        if !self.core.seeds.order(Order::Open { input, pending }) {
            tracing::error!(%input, "more inputs than there may be: a seal is left closed");
        }
    }
}

/// Roots of the state after each block that the effects apply: the next block's header has it, and
/// for the last one the head.
fn state_roots(effects: &[Effect], head: &Head) -> BTreeMap<u64, B256> {
    let mut roots = BTreeMap::new();
    for effect in effects {
        if let Effect::Applied(_, block) = effect {
            let header = &block.header;
            roots.insert(header.number.saturating_sub(1), header.state_root);
        }
    }
    roots.insert(head.number, head.state_root);
    roots
}
