//! The sessions of this node: got ready, started, called off, and what is left of them.

use std::collections::{HashMap, VecDeque};

use alloy_primitives::B256;
use futures::FutureExt as _;
use mpc_engine::{Outputs, Ranges, Transcript};
use ordering::Input;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use wire::{
    limits::NODES,
    node_transaction::{OpenedComponent, StopReason},
};
use zk_contract_runtime::{Job, JobTask, Runtime, Stage};

use super::{Happening, Running};
use crate::{
    session::{
        Assignment, Commitments, Nonces, Outcome, Report,
        refresh::Refresh,
        supplies::{Needs, Portion, Supplies},
    },
    storage::lots::Piece,
    transport::sessions::SessionId,
};

/// Sessions of which it is kept what they sent last.
const TRANSCRIPTS: usize = 4;

/// What this node has under way.
#[derive(Default)]
pub(super) struct Sessions {
    by_job: HashMap<B256, Current>,
    ended: VecDeque<(SessionId, Transcript)>,
    /// Disputes about sessions that have not ended here yet.
    disputes: HashMap<SessionId, Dispute>,
}

struct Current {
    attempt: u32,
    /// Once it is drawn.
    nonce: Option<B256>,
    /// Once it is not used yet.
    go: Option<oneshot::Sender<Nonces>>,
    cancelled: CancellationToken,
}

/// A stream of which a receiver says that its two copies differ.
#[derive(Clone, Copy)]
struct Dispute {
    round: u32,
    sender: u8,
    backup: u8,
    receiver: u8,
}

impl Dispute {
    fn statement(self, id: SessionId, transcript: &Transcript) -> Option<Input> {
        let Self {
            round,
            sender,
            backup,
            receiver,
        } = self;
        let digest = transcript.statement(round, sender, backup, receiver)?;
        Some(Input::Statement {
            job: id.job,
            attempt: id.attempt,
            digest: digest.into(),
        })
    }
}

impl Sessions {
    /// Calls off whatever is under way for a job.
    pub(super) fn stop(&mut self, job: B256) {
        if let Some(current) = self.by_job.remove(&job) {
            current.cancelled.cancel();
        }
    }

    /// Calls off everything.
    pub(super) fn stop_all(&mut self) {
        for current in self.by_job.values() {
            current.cancelled.cancel();
        }
    }

    /// Notes what a worker says; what ordering is to hear of it.
    pub(super) fn report(&mut self, id: SessionId, report: Report) -> Vec<Input> {
        let SessionId { job, attempt } = id;
        match report {
            Report::Prepared(nonce) => {
                let current = self.by_job.get_mut(&job);
                let Some(current) = current.filter(|c| c.attempt == attempt) else {
                    return Vec::new();
                };
                current.nonce = Some(nonce);
                vec![Input::Prepared {
                    job,
                    attempt,
                    nonce,
                }]
            }
            Report::Ended(outcome, transcript) => {
                if self.by_job.get(&job).is_some_and(|c| c.attempt == attempt) {
                    self.by_job.remove(&job);
                }
                let dispute = self.disputes.remove(&id);
                let mut inputs = Vec::new();
                match outcome {
                    Outcome::Ready(commitments) => inputs.push(Input::SessionReady {
                        job,
                        attempt,
                        commitments: *commitments,
                    }),
                    Outcome::Stopped(reason) => inputs.push(Input::SessionStopped {
                        job,
                        attempt,
                        reason,
                    }),
                    Outcome::Cancelled => {}
                }
                if let Some(transcript) = transcript {
                    inputs.extend(dispute.and_then(|d| d.statement(id, &transcript)));
                    self.ended.push_back((id, transcript));
                    if self.ended.len() > TRANSCRIPTS {
                        self.ended.pop_front();
                    }
                }
                inputs
            }
        }
    }
}

impl Running {
    /// Lets a worker get ready for an attempt, unless one does already.
    pub(super) fn prepare(&mut self, id: SessionId) {
        let known = self.sessions.by_job.get(&id.job);
        if known.is_some_and(|current| current.attempt == id.attempt) {
            return;
        }
        self.sessions.stop(id.job);
        let core = &self.core;
        let (absent, lot, refresh, needs, sharing) = {
            let state = core.shared.read();
            let Some(job) = current_job(state.runtime(), id) else {
                return;
            };
            let Some(needs) = needs(state.runtime(), &job) else {
                tracing::error!(job = %id.job, "the log does not say what an attempt needs");
                return;
            };
            let lot = match job.task {
                JobTask::Produce { lot, .. } => Some(lot),
                JobTask::Compute { .. } | JobTask::Refresh { .. } => None,
            };
            let sharing = state.runtime().sharing();
            let refresh = match (&job.task, &needs) {
                (JobTask::Refresh { epoch }, Needs::Refresh { inputs }) => Some(Refresh {
                    derived: core.derived.clone(),
                    shares: core.shares.store().clone(),
                    from: sharing,
                    epoch: *epoch,
                    inputs: inputs.clone(),
                }),
                _ => None,
            };
            (job.absent, lot, refresh, needs, sharing)
        };
        let supplies = Supplies {
            me: core.workers.membership.me,
            job: id.job,
            seeds: core.seeds.clone(),
            lots: core.lots.clone(),
            shares: core.shares.clone(),
            sharing,
            patience: core.workers.exchange.round_timeout,
        };
        let (go, going) = oneshot::channel();
        let assignment = Assignment {
            id,
            absent,
            lot,
            refresh,
            task: supplies.get(needs).boxed(),
            go: going,
        };
        let cancelled = CancellationToken::new();
        let happenings = self.happenings.clone();
        let started = core
            .workers
            .start(assignment, cancelled.clone(), move |id, report| {
                // Closed only when the core has ended.
                let _ = happenings.blocking_send(Happening::Session(id, report));
            });
        if let Err(error) = started {
            tracing::error!(%error, "no thread for a session");
            return;
        }
        let current = Current {
            attempt: id.attempt,
            nonce: None,
            go: Some(go),
            cancelled,
        };
        self.sessions.by_job.insert(id.job, current);
    }

    /// Lets the worker of an attempt begin, if its nonce is the one in the log.
    pub(super) fn start_session(&mut self, id: SessionId) {
        let me = self.core.workers.membership.me;
        let (nonces, own) = {
            let state = self.core.shared.read();
            let Some(job) = current_job(state.runtime(), id) else {
                return;
            };
            let Stage::Running { nonces } = job.stage else {
                return;
            };
            (nonces, state.runtime().joined(id.job, me))
        };
        let current = self.sessions.by_job.get_mut(&id.job);
        let current = current.filter(|current| current.attempt == id.attempt);
        let own = current.filter(|current| own.is_some() && current.nonce == own);
        if let Some(current) = own {
            if let Some(go) = current.go.take() {
                // A worker that is gone has said why.
                let _ = go.send(nonces);
            }
            return;
        }
        self.sessions.stop(id.job);
        let (job, attempt) = (id.job, id.attempt);
        let answer = match self.kept(id) {
            Some(commitments) => Input::SessionReady {
                job,
                attempt,
                commitments,
            },
            None => Input::SessionStopped {
                job,
                attempt,
                reason: StopReason::Local,
            },
        };
        self.answers.push_back(answer);
    }

    /// What the process before this one has made in an attempt, if it is on disk.
    fn kept(&self, id: SessionId) -> Option<Commitments> {
        let workers = &self.core.workers;
        let task = {
            let state = self.core.shared.read();
            current_job(state.runtime(), id)?.task
        };
        if matches!(task, JobTask::Refresh { .. }) {
            return None; // Another attempt costs little.
        }
        let JobTask::Produce { lot, .. } = task else {
            let outputs = workers.outputs.get(id.job, id.attempt)?;
            let outputs = Outputs::decode(&outputs).ok()?;
            return Some(outputs.commitments().map(|c| c.map(B256::from)));
        };
        let mut hashes = [None; NODES];
        let me = workers.membership.me;
        for (component, hash) in (0..).zip(&mut hashes).filter(|(c, _)| *c != me) {
            let piece = Piece { lot, component };
            let header = workers.lots.header(piece)?;
            let whole = workers.lots.is_whole(piece, header.hash, header.length);
            *hash = (header.attempt == id.attempt && whole).then_some(header.hash);
            (*hash)?;
        }
        Some(hashes)
    }

    /// Says what this node sent of a disputed stream, or will when its session has ended.
    pub(super) fn answer_dispute(&mut self, id: SessionId) {
        let me = self.core.workers.membership.me;
        let dispute = {
            let state = self.core.shared.read();
            match current_job(state.runtime(), id).map(|job| job.stage) {
                Some(Stage::Disputed {
                    round,
                    sender,
                    backup,
                    receiver,
                    ..
                }) if me == sender || me == backup => Dispute {
                    round,
                    sender,
                    backup,
                    receiver,
                },
                _ => return,
            }
        };
        let ended = self.sessions.ended.iter().find(|(ended, _)| *ended == id);
        match ended {
            Some((_, transcript)) => self.answers.extend(dispute.statement(id, transcript)),
            None => {
                // Those of sessions that never end here are few, and worth nothing.
                if self.sessions.disputes.len() > 2 * wire::limits::RUNNING_COMPUTATIONS {
                    self.sessions.disputes.clear();
                }
                self.sessions.disputes.insert(id, dispute);
            }
        }
    }

    /// Opens the outputs of an attempt whose result is final.
    pub(super) fn open_outputs(&mut self, id: SessionId) {
        let Some(bytes) = self.core.workers.outputs.get(id.job, id.attempt) else {
            return; // It had no part in it.
        };
        let outputs = match Outputs::decode(&bytes) {
            Ok(outputs) => outputs,
            Err(error) => {
                tracing::error!(%error, job = %id.job, "kept outputs cannot be read");
                return;
            }
        };
        let components = (0..4u8).filter_map(|component| {
            let opening = outputs.opening(component)?;
            Some(OpenedComponent {
                component,
                blinding: opening.blinding.into(),
                value: opening.value.into(),
            })
        });
        self.answers.push_back(Input::OutputsOpened {
            job: id.job,
            attempt: id.attempt,
            components: components.collect(),
        });
    }
}

/// The job of a session, if the log is not past it.
fn current_job(runtime: &Runtime, id: SessionId) -> Option<Job> {
    let job = runtime.job(id.job)?;
    (job.attempt == id.attempt).then_some(job)
}

fn needs(runtime: &Runtime, job: &Job) -> Option<Needs> {
    let (program, inputs, types, seed, reserve) = match &job.task {
        JobTask::Produce { amounts, .. } => return Some(Needs::Produce { amounts: *amounts }),
        JobTask::Refresh { epoch } => {
            let ids = runtime.inputs_before(*epoch).into_iter();
            let inputs = ids.map(|id| Some((id, runtime.pending_input(id)?)));
            let inputs = inputs.collect::<Option<_>>()?;
            return Some(Needs::Refresh { inputs });
        }
        JobTask::Compute {
            program,
            inputs,
            types,
            seed,
            reserve,
        } => (program, inputs, types, seed, reserve),
    };
    let inputs = inputs
        .iter()
        .map(|(id, input_type)| Some((*id, *input_type, runtime.pending_input(*id)?)));
    let seed = match seed {
        Some(seed) => {
            let one = seed.index..seed.index + 1;
            let ranges = Ranges {
                seeds: one,
                ..Ranges::default()
            };
            Some(Box::new(portion(runtime, seed.lot, ranges)?))
        }
        None => None,
    };
    let reserve = match job.absent {
        Some(_) => {
            let slices = reserve.iter();
            let portions = slices.map(|slice| portion(runtime, slice.lot, slice.ranges.clone()));
            Some(portions.collect::<Option<_>>()?)
        }
        None => None,
    };
    Some(Needs::Compute {
        program: program.clone(),
        inputs: inputs.collect::<Option<_>>()?,
        types: types.clone(),
        seed,
        reserve,
    })
}

fn portion(runtime: &Runtime, lot: u64, ranges: Ranges) -> Option<Portion> {
    let info = runtime.lot(lot)?;
    Some(Portion {
        lot,
        amounts: info.amounts,
        hashes: info.hashes,
        ranges,
    })
}
