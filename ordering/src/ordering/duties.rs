//! What the log asks of this node, and what the node says in the log: votes on inputs, sessions of
//! computations, signatures of attestations.

use std::collections::BTreeMap;

use alloy_primitives::{B256, Bytes};
use wire::{
    limits::{NODES, RUNNING_COMPUTATIONS},
    node_transaction::{SignedNodeTransaction, StopReason},
    signing,
};
use zk_contract_runtime::Event;

use super::Ordering;
use crate::{
    Effect,
    node_messages::{Outbox, is_undecided, is_useful},
};

/// What this node owes to the log.
#[derive(Default)]
pub(super) struct Duties {
    outbox: Outbox,
    /// What this node itself opened since it was started.
    opened: BTreeMap<B256, Bytes>,
}

impl Ordering {
    /// After a start: opens the seals that it has not voted on, and leaves the attempts that it may
    /// have joined before. No attempt is ever joined twice.
    pub(super) fn resume_duties(&mut self) {
        let me = self.config.me;
        for input in self.runtime.undecided_inputs() {
            if self.runtime.vote(input, me) != Some(true) {
                self.effects.push(Effect::OpenSeal { input });
            }
        }
        for computation in self.runtime.unfinished_computations() {
            self.attest(computation);
            if let Some(job) = self.runtime.job(computation)
                && self.runtime.posted_result(computation, me).is_none()
            {
                let outbox = &mut self.duties.outbox;
                outbox.stop(computation, job.attempt, StopReason::Local);
            }
        }
        self.leave_attempts();
        self.duties.outbox.prune(&self.runtime, me);
        self.flush_soon();
    }

    /// Stops those attempts at this node, too, that it has nothing to gain from, and that stopped
    /// at a node which has no result. That node needs another attempt, for which two must ask; the
    /// third result might never come, since a corrupt node can end an attempt well for two only.
    fn leave_attempts(&mut self) {
        let (runtime, me) = (&self.runtime, self.config.me);
        let has_result = |id, node| runtime.posted_result(id, node).is_some();
        for id in runtime.unfinished_computations() {
            let mut nodes = (0..).take(NODES);
            let stopped = |node| runtime.posted_stop(id, node) && !has_result(id, node);
            if has_result(id, me)
                && nodes.any(stopped)
                && let Some(job) = runtime.job(id)
            {
                let outbox = &mut self.duties.outbox;
                outbox.stop(id, job.attempt, StopReason::Local);
            }
        }
    }

    /// Does what the events of a block ask for, in order.
    pub(super) fn on_events(&mut self, events: &[Event]) {
        for event in events {
            match *event {
                Event::InputOrdered { id: input } => {
                    self.effects.push(Effect::OpenSeal { input });
                }
                Event::AttemptStarted {
                    computation,
                    attempt,
                } => self.start_session(computation, attempt),
                Event::Opened { computation } => self.attest(computation),
                Event::Failed { computation } => {
                    self.duties.opened.remove(&computation);
                    self.effects.push(Effect::StopSession { computation });
                }
                Event::InputAccepted { .. }
                | Event::InputRejected { .. }
                | Event::Attested { .. }
                | Event::ContractDeployed { .. } => {}
            }
        }
        self.leave_attempts();
        let (runtime, me) = (&self.runtime, self.config.me);
        self.duties.outbox.prune(runtime, me);
        // A result is kept until its signature is in the log, unless three nodes have another one.
        self.duties.opened.retain(|&id, own| {
            let other = runtime.opened(id).is_some_and(|opened| opened != own);
            !other && !runtime.posted_signature(id, me)
        });
        for peer in &mut self.peers {
            let stale = |signed: &SignedNodeTransaction| !is_useful(runtime, &signed.transaction);
            peer.transaction.take_if(|signed| stale(signed));
        }
        self.flush_soon();
    }

    /// What is in the log need not be said again, whatever came of it.
    pub(super) fn note_said(&mut self, transactions: &[SignedNodeTransaction]) {
        for signed in transactions {
            let node = signed.transaction.node;
            if node == self.config.me {
                self.duties.outbox.said(&signed.transaction.messages);
            } else if let Some(peer) = self.peers.get_mut(usize::from(node)) {
                peer.transaction.take_if(|waiting| waiting == signed);
                peer.said = Some(signed.signature);
            }
        }
    }

    fn start_session(&mut self, computation: B256, attempt: u32) {
        let Some(job) = self.runtime.job(computation) else {
            return;
        };
        // The job has the chain's time; the shell has its clock.
        let offset_ms = self.runtime.time_offset_ms();
        self.effects.push(Effect::StartSession {
            computation,
            attempt,
            not_before_ms: job.attempt_not_before_ms.saturating_sub(offset_ms),
        });
    }

    pub(super) fn on_seeds(&mut self, input: B256, held: bool) {
        if !is_undecided(&self.runtime, input) {
            return;
        }
        if held {
            self.duties.outbox.hold(input);
        } else {
            self.duties.outbox.miss(input);
        }
        self.prune_outbox();
    }

    pub(super) fn on_session_done(&mut self, computation: B256, opened: Bytes) {
        let known = self.runtime.computation(computation).is_some();
        if !known || self.duties.opened.len() >= 4 * RUNNING_COMPUTATIONS {
            return;
        }
        self.duties.opened.insert(computation, opened.clone());
        self.duties.outbox.result(computation, opened);
        self.attest(computation);
        self.prune_outbox();
    }

    pub(super) fn on_session_stopped(
        &mut self,
        computation: B256,
        attempt: u32,
        reason: StopReason,
    ) {
        self.duties.outbox.stop(computation, attempt, reason);
        self.prune_outbox();
    }

    pub(super) fn on_advance_time(&mut self, request: B256, by_ms: u64) {
        self.duties.outbox.advance_time(request, by_ms);
        self.prune_outbox();
    }

    /// Signs the attestation of a computation if this node opened the very values itself: it
    /// remembers them, or said so in the log before it was started anew.
    fn attest(&mut self, computation: B256) {
        let posted = self.runtime.posted_result(computation, self.config.me);
        let own = self.duties.opened.get(&computation).or(posted);
        if own.is_none() || own != self.runtime.opened(computation) {
            return;
        }
        if let Some(attestation) = self.runtime.attestation(computation) {
            let digest = attestation.digest(&self.config.committee.l1);
            let signature = signing::sign_digest(&self.config.key, digest);
            self.duties.outbox.attest(computation, signature);
        }
    }

    fn prune_outbox(&mut self) {
        self.duties.outbox.prune(&self.runtime, self.config.me);
        self.flush_soon();
    }

    /// What this node wants in the next block, if anything.
    pub(super) fn own_transaction(&mut self) -> Option<SignedNodeTransaction> {
        let config = &self.config;
        let outbox = &mut self.duties.outbox;
        outbox
            .transaction(config.me, &config.key, &config.committee)
            .cloned()
    }

    /// Whether a block has something to carry.
    pub(super) fn has_work(&self) -> bool {
        !self.mempool.is_empty()
            || self.height.time_moved
            || self.runtime.counts().owed > 0
            || !self.duties.outbox.is_empty()
            || self.peers.iter().any(|peer| peer.transaction.is_some())
    }
}
