//! What can be asked about jobs, the reserve, and how the nodes stand.

use std::{collections::BTreeMap, sync::Arc};

use alloy_primitives::B256;
use wire::{
    limits::NODES,
    node_transaction::OpenedComponent,
    results::mask_type,
    rpc::{Contradiction, SealKeysInfo},
};

use crate::{
    Amounts, Job, JobTask, LotInfo, Runtime, Sharing,
    attempt::{Attempt, Progress},
};

impl Runtime {
    /// The current attempt of a job; none if it waits or is done.
    #[must_use]
    pub fn job(&self, job: B256) -> Option<Job> {
        let attempt = self.state.attempt(job)?;
        Some(Job {
            task: self.task(job, attempt)?,
            attempt: attempt.number,
            absent: attempt.absent,
            stage: attempt.stage()?,
        })
    }

    fn task(&self, job: B256, attempt: &Attempt) -> Option<JobTask> {
        let refresh = &self.state.jobs().refresh;
        if refresh.attempt(job).is_some() {
            let epoch = refresh.epoch();
            return Some(JobTask::Refresh { epoch });
        }
        if self.state.lot_of(job).is_some() {
            let production = self.state.jobs().reserve.production.as_ref()?;
            return Some(JobTask::Produce {
                lot: production.lot,
                amounts: production.amounts,
            });
        }
        let computation = self.state.computation(job)?;
        let (frozen, attempts) = (computation.frozen.as_ref()?, computation.attempts.as_ref()?);
        let contract = self.state.contract(computation.contract)?;
        let inputs = &contract.compiled.description().inputs;
        let numbers = contract.types_of(computation.number).iter();
        let types = numbers.filter_map(|n| Some((*n, inputs.get(*n as usize)?.clone())));
        let results = contract.compiled.interface.results_of(computation.number);
        let masks = (0..).zip(results);
        let types = types.chain(masks.map(|(result, (_, ty))| (mask_type(result), ty)));
        Some(JobTask::Compute {
            program: Arc::clone(frozen.program.as_ref()?),
            inputs: frozen.inputs.to_vec(),
            types: types.collect(),
            seed: attempts.seed,
            reserve: match attempt.absent {
                Some(_) => attempts.reserve.clone(),
                None => Vec::new(),
            },
        })
    }

    /// Ids of the jobs of which an attempt is under way: computations, and the lot that is made.
    #[must_use]
    pub fn jobs(&self) -> Vec<B256> {
        self.state.jobs_under_way()
    }

    /// The nonce with which a node has joined the current attempt of a job.
    #[must_use]
    pub fn joined(&self, job: B256, node: u8) -> Option<B256> {
        let attempt = self.state.attempt(job)?;
        match &attempt.progress {
            Progress::Joining { nonces, .. } => nonces.get(usize::from(node)).copied()?,
            Progress::Running { nonces, .. } if attempt.is_live(node) => {
                nonces.get(usize::from(node)).copied()
            }
            _ => None,
        }
    }

    /// Whether a node has said in the log that it is ready in the current attempt, which goes on.
    #[must_use]
    pub fn posted_ready(&self, job: B256, node: u8) -> bool {
        let attempt = self.state.attempt(job);
        let Some(Progress::Running { votes, .. }) = attempt.map(|a| &a.progress) else {
            return false;
        };
        votes.get(usize::from(node)).is_some_and(Option::is_some)
    }

    /// Whether a node is asked in the current attempt what it had of a disputed stream, and has not
    /// said it yet.
    #[must_use]
    pub fn wants_statement(&self, job: B256, node: u8) -> bool {
        let attempt = self.state.attempt(job);
        match attempt.map(|attempt| &attempt.progress) {
            Some(Progress::Disputed { dispute, .. }) => dispute.asks(node),
            _ => false,
        }
    }

    /// The components that the log lacks of a computation whose result is fixed, each with the
    /// commitment that must be opened.
    #[must_use]
    pub fn openings(&self, job: B256) -> Vec<(u8, B256)> {
        let attempt = self.state.attempt(job);
        let wanted = |c: u8| Some((c, attempt?.wanted(c)?));
        (0..NODES as u8).filter_map(wanted).collect()
    }

    /// Whether the log lacks a component of a computation whose result is fixed, and this opens it.
    #[must_use]
    pub fn opens(&self, job: B256, opened: &OpenedComponent) -> bool {
        let attempt = self.state.attempt(job);
        attempt.is_some_and(|attempt| attempt.is_opened_by(job, opened))
    }

    /// Whether jobs begin without a node, since it did not take part and has not said that it is
    /// back.
    #[must_use]
    pub fn is_away(&self, node: u8) -> bool {
        self.away().contains(&node)
    }

    /// The nodes that are away.
    #[must_use]
    pub fn away(&self) -> &[u8] {
        self.state.jobs().standing.away()
    }

    /// The node that contradictions prove to be corrupt, if only one is.
    #[must_use]
    pub fn convicted(&self) -> Option<u8> {
        self.state.jobs().standing.convicted()
    }

    /// Contradictions in the log, oldest first.
    #[must_use]
    pub fn contradictions(&self) -> &[Contradiction] {
        self.state.jobs().standing.contradictions()
    }

    /// A lot of the reserve; none if it is not made or has been forgotten.
    #[must_use]
    pub fn lot(&self, number: u64) -> Option<&LotInfo> {
        self.lots().get(&number)
    }

    /// All lots of the reserve, by number.
    #[must_use]
    pub fn lots(&self) -> &BTreeMap<u64, LotInfo> {
        self.state.jobs().reserve.lots()
    }

    /// What is left of the reserve.
    #[must_use]
    pub fn reserve_left(&self) -> Amounts {
        self.state.jobs().reserve.left()
    }

    /// The keys to which inputs are sealed, and the sharing that counts.
    #[must_use]
    pub fn seal_keys(&self) -> SealKeysInfo {
        let refresh = &self.state.jobs().refresh;
        SealKeysInfo {
            epoch: refresh.epoch(),
            keys: *refresh.keys(),
            sharing: refresh.sharing().epoch,
            sharing_tag: refresh.sharing().tag,
        }
    }

    /// The epoch for which a node is to say its sealing key.
    #[must_use]
    pub fn wants_seal_key(&self, node: u8) -> Option<u64> {
        self.state.jobs().refresh.wants_key(node)
    }

    /// The sharing of the inputs that counts.
    #[must_use]
    pub fn sharing(&self) -> Sharing {
        self.state.jobs().refresh.sharing()
    }

    /// Ids, in their order, of the inputs that may still be read and are sealed to keys of before an
    /// epoch.
    #[must_use]
    pub fn inputs_before(&self, epoch: u64) -> Vec<B256> {
        self.state.inputs_before(epoch)
    }

    /// From which time of the chain on a block is due for the sake of time alone, in milliseconds
    /// since the Unix epoch: an attempt has a deadline or a pause ends, a lot is to be made, or a
    /// contract's timer goes off.
    #[must_use]
    pub fn next_due_ms(&self) -> Option<u64> {
        let now_ms = self.now_ms();
        let under_way = self.state.jobs_under_way().into_iter();
        let deadlines = under_way.filter_map(|job| self.state.attempt(job)?.due_ms());
        let waiting = self.state.jobs().waiting.values();
        let pauses = waiting
            .filter_map(|id| {
                Some(
                    self.state
                        .computation(*id)?
                        .attempts
                        .as_ref()?
                        .not_before_ms,
                )
            })
            .filter(|not_before_ms| *not_before_ms > now_ms);
        let production = self
            .state
            .production_due(self.committee.reserve_lots(), now_ms);
        let production = production.map(|(due_ms, _)| due_ms);
        let idle = !self.state.has_work();
        let refresh = self.state.refresh_due_ms(self.committee.refresh_ms, idle);
        let due_ms = deadlines.chain(pauses).chain(production).chain(refresh);
        let due_ms = due_ms.map(|due_ms| due_ms.saturating_add(self.time_offset_ms()));
        // Contracts go by the time of the chain.
        let timer = self.state.timers.first();
        let timer = timer.map(|(time, ..)| time.saturating_mul(1_000));
        due_ms.chain(timer).min()
    }

    /// Time of the head by the clocks, without the offset of development clusters.
    pub(super) const fn now_ms(&self) -> u64 {
        self.head.time_ms.saturating_sub(self.time_offset_ms())
    }
}
