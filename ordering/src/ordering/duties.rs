//! What the log asks of this node, and what the node says in the log: votes on inputs, its part in
//! attempts of jobs, signatures of attestations.

use alloy_primitives::B256;
use wire::{
    limits::NODES,
    node_transaction::{OpenedComponent, SignedNodeTransaction, StopReason},
    seal_keys::SignedSealKey,
    signing,
};
use zk_contract_runtime::{Event, Job, Stage};

use super::Ordering;
use crate::{
    Effect,
    node_messages::{Outbox, is_undecided, is_useful},
};

/// What this node owes to the log.
#[derive(Default)]
pub(super) struct Duties {
    outbox: Outbox,
    /// Whether the shell is asked to take stock.
    taking_stock: bool,
}

impl Ordering {
    /// After a start: opens the seals that it has not voted on, and goes on with the jobs that are
    /// under way. What it was at before is only on disk: the shell says what has become of that.
    pub(super) fn resume_duties(&mut self) {
        let me = self.config.me;
        for input in self.runtime.undecided_inputs() {
            if self.runtime.vote(input, me) != Some(true) {
                self.effects.push(Effect::OpenSeal { input });
            }
        }
        for &lot in self.runtime.lots().keys() {
            self.effects.push(Effect::KeepLot { lot });
        }
        for id in self.runtime.jobs() {
            if let Some(job) = self.runtime.job(id) {
                self.resume_job(id, &job);
            }
        }
        for computation in self.runtime.unfinished_computations() {
            self.attest(computation);
        }
        self.want_seal_key();
        self.duties.outbox.prune(&self.runtime, me);
        self.flush_soon();
    }

    fn resume_job(&mut self, id: B256, job: &Job) {
        let attempt = job.attempt;
        match job.stage {
            Stage::Joining => self.prepare(id, attempt),
            Stage::Running { .. } => self.start_session(id, attempt),
            // What it sent before is forgotten.
            Stage::Disputed { .. } => {}
            Stage::Opening => self.effects.push(Effect::OpenOutputs { job: id, attempt }),
        }
    }

    /// Does what the events of a block ask for, in order.
    pub(super) fn on_events(&mut self, events: &[Event]) {
        for event in events {
            match *event {
                Event::InputOrdered { id: input } => {
                    self.effects.push(Effect::OpenSeal { input });
                }
                Event::JoinWanted { job, attempt } => self.prepare(job, attempt),
                Event::AttemptStarted { job, attempt } => self.start_session(job, attempt),
                Event::AttemptStopped { job, .. } => {
                    self.effects.push(Effect::StopSession { job });
                }
                Event::Disputed { job, attempt } => {
                    self.effects.push(Effect::StopSession { job });
                    self.effects.push(Effect::AnswerDispute { job, attempt });
                }
                Event::OpeningFinal { job, attempt } => {
                    self.effects.push(Effect::OpenOutputs { job, attempt });
                }
                Event::Opened { computation } => {
                    let job = computation;
                    self.effects.push(Effect::StopSession { job });
                    self.effects.push(Effect::DropOutputs { job });
                    self.attest(computation);
                }
                Event::Failed { computation: job } => {
                    self.effects.push(Effect::StopSession { job });
                    self.effects.push(Effect::DropOutputs { job });
                }
                Event::LotAvailable { lot } => self.effects.push(Effect::KeepLot { lot }),
                Event::LotDropped { lot } => self.effects.push(Effect::DropLot { lot }),
                Event::SealKeysWanted { .. } => self.want_seal_key(),
                Event::InputsRefreshed { epoch: before } => {
                    self.effects.push(Effect::EraseEpochs { before });
                }
                Event::InputAccepted { .. }
                | Event::InputRejected { .. }
                | Event::InputDropped { .. }
                | Event::ResultsKept { .. }
                | Event::Attested { .. }
                | Event::Contradiction(_)
                | Event::NodeAway { .. }
                | Event::NodeBack { .. }
                | Event::SealKeysTurned { .. }
                | Event::ContractDeployed { .. } => {}
            }
        }
        let (runtime, me) = (&self.runtime, self.config.me);
        self.duties.outbox.prune(runtime, me);
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

    /// Whether this node has a part in the current attempt of a job, and this is that attempt.
    fn has_part(&self, job: B256, attempt: u32) -> bool {
        let me = Some(self.config.me);
        let job = self.runtime.job(job);
        job.is_some_and(|job| job.attempt == attempt && job.absent != me)
    }

    fn prepare(&mut self, job: B256, attempt: u32) {
        if self.has_part(job, attempt) {
            self.effects.push(Effect::Prepare { job, attempt });
        }
    }

    fn start_session(&mut self, job: B256, attempt: u32) {
        if self.has_part(job, attempt) {
            self.effects.push(Effect::StartSession { job, attempt });
        }
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

    /// Joins an attempt, once: should the log have another nonce of this node, that was drawn by
    /// the process before this one, and with it went what could have been sent under it.
    pub(super) fn on_prepared(&mut self, job: B256, attempt: u32, nonce: B256) {
        if !self.has_part(job, attempt) {
            return;
        }
        match self.runtime.joined(job, self.config.me) {
            None => self.duties.outbox.join(job, attempt, nonce),
            Some(known) if known == nonce => {}
            Some(_) => self.duties.outbox.stop(job, attempt, StopReason::Local),
        }
        self.prune_outbox();
    }

    /// Says that a session has come to its end here. Should the others have fixed the result
    /// meanwhile, what this node has is opened, too, so that no component hangs on one disk.
    pub(super) fn on_session_ready(
        &mut self,
        job: B256,
        attempt: u32,
        commitments: [Option<B256>; NODES],
    ) {
        let current = self.runtime.job(job).map(|job| (job.attempt, job.stage));
        if current == Some((attempt, Stage::Opening))
            && opens_any(&self.runtime.openings(job), &commitments)
        {
            self.effects.push(Effect::OpenOutputs { job, attempt });
        }
        self.duties.outbox.ready(job, attempt, commitments);
        self.prune_outbox();
    }

    pub(super) fn on_session_stopped(&mut self, job: B256, attempt: u32, reason: StopReason) {
        self.duties.outbox.stop(job, attempt, reason);
        self.prune_outbox();
    }

    pub(super) fn on_statement(&mut self, job: B256, attempt: u32, digest: B256) {
        self.duties.outbox.state(job, attempt, digest);
        self.prune_outbox();
    }

    pub(super) fn on_outputs_opened(
        &mut self,
        job: B256,
        attempt: u32,
        components: Vec<OpenedComponent>,
    ) {
        for component in components {
            self.duties.outbox.open(job, attempt, component);
        }
        self.prune_outbox();
    }

    /// If the state says that this node is away although it has caught up, sees to it that it has
    /// all that it may be asked for. Called again and again.
    pub(super) fn come_back(&mut self) {
        let away = self.runtime.is_away(self.config.me);
        if !away {
            self.duties.taking_stock = false;
        } else if !self.duties.taking_stock && self.has_caught_up() {
            self.duties.taking_stock = true;
            self.effects.push(Effect::TakeStock);
        }
    }

    /// If the state lacks this node's sealing key, sees to it that there is one. Called again and again.
    pub(super) fn want_seal_key(&mut self) {
        if let Some(epoch) = self.runtime.wants_seal_key(self.config.me)
            && !self.duties.outbox.has_seal_key(epoch)
        {
            self.effects.push(Effect::DrawSealKey { epoch });
        }
    }

    pub(super) fn on_seal_key_drawn(&mut self, epoch: u64, key: B256) {
        let config = &self.config;
        let key = SignedSealKey::sign(key, epoch, config.me, &config.key, &config.committee);
        self.duties.outbox.seal_key(epoch, key);
        self.prune_outbox();
    }

    pub(super) fn on_stocked(&mut self) {
        // Should the state have moved on too far meanwhile, it is asked again.
        self.duties.taking_stock = false;
        if self.has_caught_up() {
            self.duties.outbox.here();
        }
        self.prune_outbox();
    }

    pub(super) fn on_advance_time(&mut self, request: B256, by_ms: u64) {
        self.duties.outbox.advance_time(request, by_ms);
        self.prune_outbox();
    }

    /// Signs the attestation of a computation that is opened: its components are in the log, and
    /// each opens the commitment that three nodes agreed on.
    fn attest(&mut self, computation: B256) {
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
            || self.state_due_ms() == Some(0)
            || !self.duties.outbox.is_empty()
            || self.peers.iter().any(|peer| peer.transaction.is_some())
    }
}

/// Whether one of these commitments is that to a component that the log lacks.
pub(super) fn opens_any(wanted: &[(u8, B256)], commitments: &[Option<B256>; NODES]) -> bool {
    let own = |component: u8| commitments.get(usize::from(component)).copied().flatten();
    let mut known = wanted
        .iter()
        .filter_map(|(c, agreed)| Some((own(*c)?, agreed)));
    known.any(|(own, agreed)| own == *agreed)
}
