//! Performing effects.

use std::{collections::BTreeMap, time::Duration};

use alloy_primitives::B256;
use ordering::{Effect, SyncBatch};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use wire::{block::Block, node_transaction::StopReason, peer::PeerMessage};
use zk_contract_runtime::{Applied, Event, Head};

use super::Running;
use crate::{
    NodeError,
    seeds::Order,
    session::{Assignment, Outcome},
    transport::sessions::SessionId,
};

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
            Effect::StartSession {
                computation,
                attempt,
                not_before_ms,
            } => self.start_session(
                SessionId {
                    computation,
                    attempt,
                },
                not_before_ms,
            ),
            Effect::StopSession { computation } => {
                if let Some((_, cancelled)) = self.sessions.remove(&computation) {
                    cancelled.cancel();
                }
            }
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
        {
            let state = core.shared.read();
            let counts = state.runtime().counts();
            let gauge = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
            metrics
                .pending_transactions
                .set(gauge(state.pending() as u64));
            metrics.pending_inputs.set(gauge(counts.pending_inputs));
            metrics
                .running_computations
                .set(gauge(counts.running_computations));
        }
        for event in &applied.events {
            if let Event::InputRejected { id } = event {
                core.seeds.order(Order::Forget { input: *id });
            }
        }
        tracing::debug!(number = applied.number, hash = %applied.hash,
            transactions = applied.receipts.len(), "block applied");
        core.shared.height.send_replace(applied.number);
        Ok(())
    }

    fn open_seal(&self, input: B256) {
        let pending = {
            let state = self.core.shared.read();
            state.runtime().pending_input(input)
        };
        let Some(pending) = pending else { return };
        if !self.core.seeds.order(Order::Open { input, pending }) {
            tracing::error!(%input, "more inputs than there may be: a seal is left closed");
        }
    }

    fn start_session(&mut self, id: SessionId, not_before_ms: u64) {
        let core = &self.core;
        let Some((assignment, collect)) = assignment(self, id, not_before_ms) else {
            return;
        };
        if !core.seeds.order(collect) {
            // The answer's channel closes, and the worker stops by itself.
            tracing::error!("the keeper of seeds takes no orders");
        }
        if let Some((attempt, earlier)) = self.sessions.remove(&id.computation) {
            tracing::debug!(computation = %id.computation, attempt, "a session is superseded");
            earlier.cancel();
        }
        let cancelled = CancellationToken::new();
        self.sessions
            .insert(id.computation, (id.attempt, cancelled.clone()));
        let outcomes = self.outcome_sender.clone();
        let started = core
            .workers
            .start(assignment, cancelled, move |id, outcome| {
                // Closed only when the core has ended.
                let _ = outcomes.blocking_send((id, outcome));
            });
        if let Err(error) = started {
            tracing::error!(%error, "no thread for a session");
            let stopped = Outcome::Stopped(StopReason::Local);
            if self.outcome_sender.try_send((id, stopped)).is_err() {
                tracing::error!("the stop of a session is not told");
            }
        }
    }
}

/// What a worker needs for a session, and the order for its seeds; none if the log is past it.
fn assignment(running: &Running, id: SessionId, not_before_ms: u64) -> Option<(Assignment, Order)> {
    let core = &running.core;
    let now_ms = core.shared.clock.now_ms();
    let state = core.shared.read();
    let runtime = state.runtime();
    let job = runtime.job(id.computation)?;
    if job.attempt != id.attempt {
        return None;
    }
    let mut inputs = Vec::with_capacity(job.inputs.len());
    let mut wanted = Vec::with_capacity(job.inputs.len());
    for (input, input_type) in job.inputs {
        let pending = runtime.pending_input(input)?;
        inputs.push((input_type, pending.sealed.clone()));
        wanted.push((input, pending));
    }
    let (answer, seeds) = oneshot::channel();
    let assignment = Assignment {
        id,
        delay: Duration::from_millis(not_before_ms.saturating_sub(now_ms)),
        program: job.program,
        inputs,
        types: job.types,
        seeds,
    };
    let collect = Order::Collect {
        inputs: wanted,
        patience: core.workers.exchange.round_timeout,
        answer,
    };
    Some((assignment, collect))
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
