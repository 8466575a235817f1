//! Attempts at a node: got ready, started, ended, and what is left of them.

use std::collections::BTreeMap;

use alloy_primitives::B256;
use mpc_engine::{Outcome, Outputs, Session, SessionBinding};
use ordering::Input;
use rand::Rng as _;
use wire::node_transaction::{OpenedComponent, StopReason};
use zeroize::Zeroizing;
use zk_contract_runtime::{Job, JobTask, Slice, Stage};

use super::{Current, Dispute, Run, SessionId, State};
use crate::{Lie, Piece, Sim, Violation};

/// Ended sessions of which it is kept what they sent.
const TRANSCRIPTS: usize = 4;

impl Sim {
    fn current_job(&self, node: usize, id: SessionId) -> Option<Job> {
        let job = self.runtime(node).job(id.0)?;
        (job.attempt == id.1).then_some(job)
    }

    pub(crate) fn prepare(&mut self, node: usize, id: SessionId) {
        let known = self.machines[node].shell.sessions.get(&id.0);
        if known.is_some_and(|current| current.attempt == id.1) {
            return;
        }
        self.stop_session(node, id.0);
        let current = Current {
            attempt: id.1,
            state: State::Supplying,
        };
        self.machines[node].shell.sessions.insert(id.0, current);
        self.try_prepare(node, id);
    }

    /// Answers if all that an attempt needs is there.
    pub(super) fn try_prepare(&mut self, node: usize, id: SessionId) {
        let Some(job) = self.current_job(node, id) else {
            return;
        };
        let task = match self.supplies(node, &job) {
            Some(Ok(task)) => task,
            Some(Err(error)) => {
                let why = error.to_string();
                return self.violate(Violation::Halted { node, why });
            }
            None => return self.glance_soon(node),
        };
        let nonce = B256::from_slice(&self.random_bytes(32));
        let (job, attempt) = id;
        if let Some(current) = self.machines[node].shell.sessions.get_mut(&job) {
            let task = Box::new(task);
            current.state = State::Prepared { nonce, task };
        }
        let input = Input::Prepared {
            job,
            attempt,
            nonce,
        };
        self.later(node, 1, input);
    }

    pub(crate) fn start_session(&mut self, node: usize, id: SessionId) {
        let Some(job) = self.current_job(node, id) else {
            return;
        };
        let Stage::Running { nonces } = job.stage else {
            return;
        };
        let current = self.machines[node].shell.sessions.get(&id.0);
        let own = current.filter(|current| current.attempt == id.1);
        match own.map(|current| &current.state) {
            Some(State::Prepared { nonce, .. }) if *nonce == nonces[node] => {}
            Some(State::Running(_)) => return,
            _ => {
                self.stop_session(node, id.0);
                let (job_id, attempt) = id;
                let input = match self.kept(node, id, &job) {
                    Some(commitments) => Input::SessionReady {
                        job: job_id,
                        attempt,
                        commitments,
                    },
                    None => Input::SessionStopped {
                        job: job_id,
                        attempt,
                        reason: StopReason::Local,
                    },
                };
                return self.later(node, 1, input);
            }
        }
        let Some(Current {
            state: State::Prepared { task, .. },
            ..
        }) = self.machines[node].shell.sessions.remove(&id.0)
        else {
            return;
        };
        self.machines[node].sessions.push(id);
        if self.is_honest(node) {
            self.note_used(node, id, &job, nonces[node]);
        }
        let mut entropy = Zeroizing::new([0; 32]);
        self.rng.fill_bytes(&mut *entropy);
        let binding = SessionBinding {
            chain_id: self.committee.chain_id,
            epoch: self.committee.epoch,
            computation: id.0.0,
            attempt: id.1,
            absent: job.absent,
            nonces: nonces.map(|nonce| nonce.0),
        };
        let me = u8::try_from(node).unwrap();
        let (session, frames) = match Session::start(me, binding, *task, entropy) {
            Ok(started) => started,
            Err(error) => {
                let why = error.to_string();
                return self.violate(Violation::Halted { node, why });
            }
        };
        let live = std::array::from_fn(|party| job.absent.map(usize::from) != Some(party));
        let run = Run {
            transcript: session.transcript(),
            session: Some(session),
            live,
            lot: match job.task {
                JobTask::Produce { lot, .. } => Some(lot),
                JobTask::Compute { .. } | JobTask::Refresh { .. } => None,
            },
            epoch: match job.task {
                JobTask::Refresh { epoch } => Some(epoch),
                JobTask::Compute { .. } | JobTask::Produce { .. } => None,
            },
            sent: 0,
            received: 0,
            frames: BTreeMap::new(),
            since_ms: self.now_ms,
            heard_ms: [self.now_ms; 4],
        };
        let current = Current {
            attempt: id.1,
            state: State::Running(Box::new(run)),
        };
        self.machines[node].shell.sessions.insert(id.0, current);
        self.send_round(node, id, frames);
        let early = self.machines[node].shell.early.remove(&id);
        for (from, round, frame) in early.into_iter().flatten() {
            self.on_frame(node, from, id, round, frame);
        }
        self.glance_soon(node);
    }

    /// Nothing that protects a secret is used by two sessions of an honest node.
    fn note_used(&mut self, node: usize, id: SessionId, job: &Job, nonce: B256) {
        let (job_id, attempt) = id;
        let before = self.ledger.sessions.insert((node, job_id, attempt), nonce);
        if before.is_some() {
            self.violate(Violation::UsedTwice { node, job: job_id });
        }
        let JobTask::Compute { reserve, .. } = &job.task else {
            return;
        };
        for slice in reserve {
            let same = |(by, used, _): &&(usize, Slice, SessionId)| {
                *by == node && used.lot == slice.lot && overlaps(used, slice)
            };
            if self.ledger.slices.iter().any(|used| same(&used)) {
                self.violate(Violation::UsedTwice { node, job: job_id });
            }
            self.ledger.slices.push((node, slice.clone(), id));
            *self.seen.entry("parts of lots used").or_default() += 1;
        }
    }

    /// What the process before this one has made in an attempt, if it is on disk.
    fn kept(&self, node: usize, id: SessionId, job: &Job) -> Option<[Option<B256>; 4]> {
        let disk = &self.machines[node].disk;
        if matches!(job.task, JobTask::Refresh { .. }) {
            return None; // Another attempt costs little.
        }
        let JobTask::Produce { lot, .. } = job.task else {
            let outputs = Outputs::decode(disk.outputs.get(&id)?).ok()?;
            return Some(outputs.commitments().map(|c| c.map(B256::from)));
        };
        let mut hashes = [None; 4];
        for (component, hash) in (0..4u8).zip(&mut hashes) {
            if usize::from(component) != node {
                let piece = disk.lots.get(&(lot, component))?;
                if piece.attempt != Some(id.1) {
                    return None;
                }
                *hash = Some(mpc_engine::component_hash(&piece.bytes).into());
            }
        }
        Some(hashes)
    }

    /// A session has run to its end.
    pub(super) fn session_done(&mut self, node: usize, id: SessionId, outcome: &Outcome) {
        let (job, attempt) = id;
        let (lot, epoch) = match self.running(node, id) {
            Some(run) => (run.lot, run.epoch),
            None => return,
        };
        let disk = &mut self.machines[node].disk;
        let mut commitments = match (outcome, lot) {
            (Outcome::Tossed(key), None) if epoch.is_some() => {
                self.share_anew(node, epoch.unwrap_or_default(), id, key)
            }
            (Outcome::Committed(outputs), _) => {
                disk.outputs.insert(id, outputs.encode().to_vec());
                outputs.commitments()
            }
            (Outcome::Made(shares), Some(lot)) => {
                for component in 0..4u8 {
                    if let Some(bytes) = shares.component(component) {
                        let piece = Piece {
                            attempt: Some(attempt),
                            bytes: bytes.to_vec(),
                        };
                        disk.lots.insert((lot, component), piece);
                    }
                }
                shares.hashes()
            }
            _ => {
                let why = "a session ended as none should".into();
                return self.violate(Violation::Halted { node, why });
            }
        }
        .map(|c| c.map(B256::from));
        if self.lies(node, Lie::Ready) {
            let held = commitments.iter_mut().flatten().next();
            held.into_iter().for_each(|c| c.0[0] ^= 1);
        }
        let input = Input::SessionReady {
            job,
            attempt,
            commitments,
        };
        self.later(node, 2, input);
        self.leave_session(node, id);
    }

    /// A session ends without a result.
    pub(super) fn session_stopped(&mut self, node: usize, id: SessionId, reason: StopReason) {
        self.note(|| format!("node {node} stops attempt {} of {}: {reason:?}", id.1, id.0));
        let (job, attempt) = id;
        let input = Input::SessionStopped {
            job,
            attempt,
            reason,
        };
        self.later(node, 1, input);
        self.leave_session(node, id);
    }

    pub(super) fn running(&mut self, node: usize, id: SessionId) -> Option<&mut Run> {
        let current = self.machines[node].shell.sessions.get_mut(&id.0)?;
        match &mut current.state {
            State::Running(run) if current.attempt == id.1 => Some(run),
            _ => None,
        }
    }

    /// Calls off whatever is under way for a job.
    pub(crate) fn stop_session(&mut self, node: usize, job: B256) {
        let current = self.machines[node].shell.sessions.get(&job);
        if let Some(attempt) = current.map(|current| current.attempt) {
            self.leave_session(node, (job, attempt));
        }
    }

    fn leave_session(&mut self, node: usize, id: SessionId) {
        let shell = &mut self.machines[node].shell;
        let current = shell.sessions.remove(&id.0);
        let Some(State::Running(run)) = current.map(|current| current.state) else {
            return;
        };
        shell.ended.push_back((id, run.transcript));
        if shell.ended.len() > TRANSCRIPTS {
            shell.ended.pop_front();
        }
        if let Some(dispute) = shell.disputes.remove(&id) {
            self.state(node, id, dispute);
        }
    }

    pub(crate) fn answer_dispute(&mut self, node: usize, id: SessionId) {
        let stage = self.current_job(node, id).map(|job| job.stage);
        let Some(Stage::Disputed {
            round,
            sender,
            backup,
            receiver,
            ..
        }) = stage
        else {
            return;
        };
        if [sender, backup].map(usize::from).contains(&node) {
            self.state(node, id, Dispute([sender, backup, receiver], round));
        }
    }

    fn state(&mut self, node: usize, id: SessionId, dispute: Dispute) {
        let Dispute([sender, backup, receiver], round) = dispute;
        let ended = &self.machines[node].shell.ended;
        let Some((_, transcript)) = ended.iter().find(|(ended, _)| *ended == id) else {
            self.machines[node].shell.disputes.insert(id, dispute);
            return;
        };
        let Some(mut digest) = transcript.statement(round, sender, backup, receiver) else {
            return;
        };
        if self.lies(node, Lie::Statements) {
            digest[0] ^= 1;
        }
        let input = Input::Statement {
            job: id.0,
            attempt: id.1,
            digest: digest.into(),
        };
        self.later(node, 1, input);
    }

    pub(crate) fn open_outputs(&mut self, node: usize, id: SessionId) {
        let Some(bytes) = self.machines[node].disk.outputs.get(&id) else {
            return;
        };
        let outputs = Outputs::decode(bytes).unwrap();
        let mut components = Vec::new();
        for component in 0..4u8 {
            if let Some(opening) = outputs.opening(component) {
                components.push(OpenedComponent {
                    component,
                    blinding: opening.blinding.into(),
                    value: opening.value.clone().into(),
                });
            }
        }
        if self.lies(node, Lie::Openings) {
            components.truncate(1);
        }
        let input = Input::OutputsOpened {
            job: id.0,
            attempt: id.1,
            components,
        };
        self.later(node, 1, input);
    }

    pub(crate) fn drop_outputs(&mut self, node: usize, job: B256) {
        let outputs = &mut self.machines[node].disk.outputs;
        outputs.retain(|(of, _), _| *of != job);
    }
}

/// Whether two parts of one lot have something in common.
fn overlaps(a: &Slice, b: &Slice) -> bool {
    let common = |a: &std::ops::Range<u64>, b: &std::ops::Range<u64>| {
        a.start.max(b.start) < a.end.min(b.end)
    };
    let (a, b) = (&a.ranges, &b.ranges);
    common(&a.bits, &b.bits) || common(&a.r64, &b.r64) || common(&a.r128, &b.r128)
}
