//! Attempts of jobs: what nodes say about them, what the time does to them, and when they begin.

use alloy_primitives::{B256, Bytes};
use mpc_engine::{Program, combine};
use wire::{
    limits::{NODES, SESSIONS_MEMORY_BYTES},
    node_transaction::OpenedComponent,
    results::COMMITMENT_BYTES,
    rpc::Contradiction,
};

use super::{
    Transition,
    start::{Start, session_bytes},
};
use crate::{
    Event,
    attempt::{Attempt, Progress, Turn},
    computation::{Computation, Phase},
    job::Attempts,
    reserve::lot_job,
    state::{State, Work},
    suspicion::Blame,
};

impl Transition<'_> {
    /// Applies a statement to an attempt of a job, if it is the current one.
    pub(super) fn about(
        &mut self,
        job: B256,
        number: u32,
        statement: impl FnOnce(&mut Attempt) -> Turn,
    ) {
        let current = self.state.attempt(job).map(|attempt| attempt.number);
        if current != Some(number) {
            return;
        }
        let turn = self.state.attempt_mut(job).map(statement);
        if let Some(turn) = turn.filter(|turn| *turn != Turn::Nothing) {
            self.turn(job, number, turn);
        }
    }

    /// A node joins an attempt. Who joins is there.
    pub(super) fn join(&mut self, job: B256, node: u8, number: u32, nonce: B256) {
        let before = self.state.attempt(job).cloned();
        self.about(job, number, |attempt| attempt.join(node, nonce));
        if before.is_some() && self.state.attempt(job).cloned() != before {
            self.come(node);
        }
    }

    /// A node is there, and has caught up.
    pub(super) fn come(&mut self, node: u8) {
        if self.state.jobs().standing.away().contains(&node) {
            self.state.jobs_mut().standing.come(node);
            self.event(Event::NodeBack { node });
        }
    }

    /// Counts the components that open what was agreed on.
    pub(super) fn open_components(&mut self, job: B256, components: &[OpenedComponent]) {
        for opened in components {
            let Some(attempt) = self.state.attempt(job) else {
                return;
            };
            let number = attempt.number;
            if attempt.is_opened_by(job, opened) {
                let value = opened.value.clone();
                self.about(job, number, |attempt| attempt.open(opened.component, value));
            }
        }
    }

    /// Does what the time has to say.
    pub(crate) fn wake(&mut self) {
        let now_ms = self.now_ms;
        if self.state.jobs().standing.has_outdated(now_ms) {
            self.state.jobs_mut().standing.forget_outdated(now_ms);
        }
        for job in self.state.jobs_under_way() {
            let convicted = self.state.convicted_in(job);
            let due = self.state.attempt(job).and_then(Attempt::due_ms);
            if due.is_some_and(|due_ms| due_ms <= now_ms) {
                let number = self.state.attempt(job).map_or(0, |attempt| attempt.number);
                self.about(job, number, |attempt| attempt.wake(now_ms, convicted));
            }
        }
    }

    fn turn(&mut self, job: B256, attempt: u32, turn: Turn) {
        match turn {
            Turn::Nothing | Turn::Joined => {}
            Turn::Started => self.event(Event::AttemptStarted { job, attempt }),
            Turn::Disputed => self.event(Event::Disputed { job, attempt }),
            Turn::Final => self.fix(job, attempt),
            Turn::Opened => self.combine(job),
            Turn::Stopped(blames) => self.stopped(job, attempt, &blames),
        }
    }

    /// The result of an attempt is fixed.
    fn fix(&mut self, job: B256, attempt: u32) {
        let made = self.state.attempt(job).and_then(|a| match a.progress {
            Progress::Made { hashes } => Some(hashes),
            _ => None,
        });
        if let Some(hashes) = made {
            if self.state.jobs().refresh.attempt(job).is_some() {
                self.agree_on_sharing(attempt, hashes);
            } else if let Some(lot) = self.state.jobs_mut().reserve.made(hashes) {
                self.event(Event::LotAvailable { lot });
            }
            return;
        }
        if let Some(attempts) = self.attempts_mut(job) {
            attempts.seed = None;
            attempts.reserve.clear();
        }
        self.event(Event::OpeningFinal { job, attempt });
    }

    /// All components of a result are there.
    fn combine(&mut self, id: B256) {
        let computation = self.state.computation(id);
        match computation.and_then(combined) {
            Some((opened, commitments)) => {
                if let Some(computation) = self.state.computation_mut(id) {
                    computation.opened = Some(opened);
                    computation.commitments = commitments;
                    computation.phase = Phase::Encoding;
                    if let Some(attempts) = &mut computation.attempts {
                        attempts.current = None;
                    }
                }
                self.state.work.push_back(Work::Encode(id));
            }
            // Two honest nodes have agreed on each component.
            None => {
                let reason = "the opened components do not fit the program".to_owned();
                self.fail(id, wire::guest::Fault::Output, reason);
            }
        }
    }

    /// An attempt is over without a result.
    fn stopped(&mut self, job: B256, attempt: u32, blames: &[Blame]) {
        let now_ms = self.now_ms;
        self.event(Event::AttemptStopped { job, attempt });
        for blame in blames {
            match blame {
                Blame::Accused { .. } => {}
                Blame::Away(node) => {
                    if self.state.jobs_mut().standing.leave(*node) {
                        self.event(Event::NodeAway { node: *node });
                    }
                }
                Blame::Proven { pair, about } => {
                    let contradiction = Contradiction {
                        job,
                        attempt,
                        pair: *pair,
                        block: self.place.block,
                        about: about.to_string(),
                    };
                    let standing = &mut self.state.jobs_mut().standing;
                    standing.contradict(contradiction.clone(), now_ms);
                    self.event(Event::Contradiction(contradiction));
                }
            }
        }
        if self.state.jobs().refresh.attempt(job).is_some() {
            if let Some(attempts) = self.state.jobs_mut().refresh.attempts_mut() {
                attempts.stopped(blames, now_ms);
            }
        } else if let Some(lot) = self.state.lot_of(job) {
            self.state.jobs_mut().reserve.abandon(blames, now_ms);
            self.event(Event::LotDropped { lot });
        } else if let Some(attempts) = self.attempts_mut(job) {
            attempts.stopped(blames, now_ms);
            let turn = attempts.turn;
            self.state.jobs_mut().waiting.insert(turn, job);
        }
    }

    /// Lets a traced computation wait for its first attempt.
    pub(super) fn enqueue(&mut self, id: B256) {
        let jobs = self.state.jobs_mut();
        let turn = jobs.next_turn;
        jobs.next_turn += 1;
        jobs.waiting.insert(turn, id);
        let now_ms = self.now_ms;
        if let Some(computation) = self.state.computation_mut(id) {
            computation.phase = Phase::Computing;
            computation.attempts = Some(Attempts::new(turn, now_ms));
        }
    }

    /// Begins the attempts that can begin, oldest computations first.
    pub(crate) fn begin_attempts(&mut self) {
        if self.state.jobs().refresh.is_agreed() {
            return; // What they would run on is about to change.
        }
        let mut no_memory = false;
        let waiting: Vec<(u64, B256)> = {
            let waiting = self.state.jobs().waiting.iter();
            waiting.map(|(turn, id)| (*turn, *id)).collect()
        };
        for (turn, id) in waiting {
            let Ok(start) = self.state.start_of(id, self.now_ms) else {
                continue;
            };
            let bytes = self.state.computation(id).map_or(0, session_bytes);
            // A large one that waits for nothing but memory is not overtaken.
            if bytes > 0 {
                no_memory |= self.state.sessions_bytes() + bytes > SESSIONS_MEMORY_BYTES;
                if no_memory {
                    continue;
                }
            }
            self.state.jobs_mut().waiting.remove(&turn);
            self.begin(id, &start);
        }
    }

    fn begin(&mut self, id: B256, start: &Start) {
        let now_ms = self.now_ms;
        let reserve = &mut self.state.jobs_mut().reserve;
        let seed = start.seed.then(|| reserve.take_seed()).flatten();
        let slices = reserve.take(&start.need).unwrap_or_default();
        let Some(attempts) = self.attempts_mut(id) else {
            return;
        };
        attempts.seed = seed.or(attempts.seed);
        attempts.reserve.extend(slices);
        attempts.begin(start.absent, now_ms);
        let (job, attempt) = (id, attempts.number);
        self.event(Event::JoinWanted { job, attempt });
    }

    fn attempts_mut(&mut self, id: B256) -> Option<&mut Attempts> {
        self.state.computation(id)?;
        self.state.computation_mut(id)?.attempts.as_mut()
    }

    /// Forgets what nobody needs of the reserve, and makes more of it if it is time. `had_work` says
    /// whether the block brought work with it.
    pub(crate) fn keep_reserve(&mut self, had_work: bool) {
        let now_ms = self.now_ms;
        if had_work || self.state.has_work() {
            self.state.jobs_mut().reserve.busy_ms = now_ms;
        }
        let held = self.state.lots_held();
        if self.state.jobs().reserve.has_spent() {
            let reserve = &mut self.state.jobs_mut().reserve;
            let dropped = reserve.drop_spent(|lot| held.contains(&lot));
            let dropped = dropped.into_iter().map(|lot| Event::LotDropped { lot });
            self.applied.events.extend(dropped);
        }
        let target = self.committee.reserve_lots();
        let due = self.state.production_due(target, now_ms);
        if let Some((due_ms, amounts)) = due
            && due_ms <= now_ms
        {
            let absent = self.state.left_out_of(&self.state.jobs().reserve.history);
            let lot = self.state.jobs_mut().reserve.begin(amounts, absent, now_ms);
            let (job, attempt) = (lot_job(lot), 0);
            self.event(Event::JoinWanted { job, attempt });
        }
    }
}

impl State {
    /// The current attempt of a job.
    pub(crate) fn attempt(&self, job: B256) -> Option<&Attempt> {
        if let Some(attempt) = self.jobs().refresh.attempt(job) {
            return Some(attempt);
        }
        if self.lot_of(job).is_some() {
            let production = self.jobs().reserve.production.as_ref();
            return production.map(|production| &production.attempt);
        }
        self.computation(job)?.attempts.as_ref()?.current.as_ref()
    }

    fn attempt_mut(&mut self, job: B256) -> Option<&mut Attempt> {
        self.attempt(job)?;
        if self.jobs().refresh.attempt(job).is_some() {
            return self.jobs_mut().refresh.attempts_mut()?.current.as_mut();
        }
        if self.lot_of(job).is_some() {
            let production = self.jobs_mut().reserve.production.as_mut();
            return production.map(|production| &mut production.attempt);
        }
        let computation = self.computation_mut(job)?;
        computation.attempts.as_mut()?.current.as_mut()
    }

    /// The node that counts as convicted in a job.
    fn convicted_in(&self, job: B256) -> Option<u8> {
        let refresh = &self.jobs().refresh;
        let history = if refresh.attempt(job).is_some() {
            &refresh.attempts()?.history
        } else if self.lot_of(job).is_some() {
            &self.jobs().reserve.history
        } else {
            &self.computation(job)?.attempts.as_ref()?.history
        };
        self.jobs().standing.convicted_in(history)
    }

    /// The lot that a job makes.
    pub(crate) fn lot_of(&self, job: B256) -> Option<u64> {
        let production = self.jobs().reserve.production.as_ref()?;
        (lot_job(production.lot) == job).then_some(production.lot)
    }

    /// The jobs of which an attempt is under way.
    pub(crate) fn jobs_under_way(&self) -> Vec<B256> {
        let production = self.jobs().reserve.production.as_ref();
        let production = production.map(|production| lot_job(production.lot));
        let under_way = |id: &B256| self.attempt(*id).is_some();
        let computations = self.unfinished.iter().copied().filter(under_way);
        let refresh = &self.jobs().refresh;
        let sharing = Some(refresh.job()).filter(|job| refresh.attempt(*job).is_some());
        computations.chain(production).chain(sharing).collect()
    }
}

/// The result of a computation, if all its components are there, and the commitments to the base seeds
/// of its secret results, which are at the end of each component.
fn combined(computation: &Computation) -> Option<(Bytes, Option<[B256; NODES]>)> {
    let attempt = computation.attempts.as_ref()?.current.as_ref()?;
    let Progress::Opening { components, .. } = &attempt.progress else {
        return None;
    };
    let [Some(a), Some(b), Some(c), Some(d)] = components else {
        return None;
    };
    let program: &Program = computation.frozen.as_ref()?.program.as_ref()?;
    let mut components = [a, b, c, d].map(|bytes| &bytes[..]);
    let mut commitments = None;
    if program.has_secret_results() {
        let mut tails = [B256::ZERO; NODES];
        for (component, tail) in components.iter_mut().zip(&mut tails) {
            let (value, commitment) = component.split_last_chunk::<COMMITMENT_BYTES>()?;
            (*component, *tail) = (value, B256::new(*commitment));
        }
        commitments = Some(tails);
    }
    let opened = combine(&program.outputs(), components).ok()?;
    Some((Bytes::from(opened), commitments))
}
