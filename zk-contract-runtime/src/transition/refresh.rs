//! How key epochs end: see [`crate::refresh`].

use alloy_primitives::B256;
use wire::{limits::NODES, seal_keys::SignedSealKey};

use super::Transition;
use crate::{
    Event,
    attempt::Attempt,
    computation::{self, Computation},
    job::Attempts,
    refresh::Phase,
    state::State,
};

impl Transition<'_> {
    /// A node says its sealing key of an epoch.
    pub(super) fn seal_key(&mut self, node: u8, epoch: u64, key: &SignedSealKey) {
        let wanted = self.state.jobs().refresh.wants_key(node);
        if wanted != Some(epoch) || key.verify(epoch, node, self.committee).is_err() {
            return;
        }
        let now_ms = self.now_ms;
        let refresh = &mut self.state.jobs_mut().refresh;
        refresh.say_key(node, epoch, *key, now_ms);
    }

    /// Goes on with the refresh as far as it goes now. `had_work` says whether the block brought work
    /// with it.
    pub(crate) fn keep_epochs(&mut self, had_work: bool) {
        let now_ms = self.now_ms;
        let idle = !had_work && !self.state.has_work();
        let due_ms = self.state.refresh_due_ms(self.committee.refresh_ms, idle);
        let due = due_ms.is_some_and(|due_ms| due_ms <= now_ms);
        match &self.state.jobs().refresh.phase {
            Phase::Resting { .. } if due => {
                let refresh = &mut self.state.jobs_mut().refresh;
                refresh.draw();
                let epoch = refresh.epoch().saturating_add(1);
                self.event(Event::SealKeysWanted { epoch });
            }
            Phase::Drawing { .. } => {
                let jobs = self.state.jobs_mut();
                if jobs.refresh.turn_keys(jobs.standing.away(), now_ms) {
                    let epoch = jobs.refresh.epoch();
                    self.event(Event::SealKeysTurned { epoch });
                }
            }
            Phase::OldKeys { .. } if due => {
                self.state.jobs_mut().refresh.end_old_keys(now_ms);
                self.begin_sharing();
            }
            Phase::Sharing(_) => self.begin_sharing(),
            Phase::Agreed { .. } if !self.state.uses_sharing() => self.switch(),
            _ => {}
        }
    }

    fn begin_sharing(&mut self) {
        let now_ms = self.now_ms;
        let Some(attempts) = self.state.jobs().refresh.attempts() else {
            return;
        };
        let waits = attempts.current.is_some() || attempts.not_before_ms > now_ms;
        if waits || !self.state.old_inputs_are_decided() {
            return;
        }
        let (number, absent) = (attempts.number, self.state.left_out_of(&attempts.history));
        let amount = self.state.amount_to_share();
        let refresh = &mut self.state.jobs_mut().refresh;
        let job = refresh.job();
        if let Some(attempts) = refresh.attempts_mut() {
            attempts.current = Some(Attempt::sharing((number, absent), amount, now_ms));
            let attempt = number;
            self.event(Event::JoinWanted { job, attempt });
        }
    }

    /// All who took part have shared the inputs anew.
    pub(super) fn agree_on_sharing(&mut self, attempt: u32, roots: [B256; NODES]) {
        self.state.jobs_mut().refresh.phase = Phase::Agreed { attempt, roots };
    }

    /// The new sharing counts. Nothing of the reserve goes over from one epoch to the next but the
    /// seeds of computations that have begun, on which their results depend.
    fn switch(&mut self) {
        let chain_ms = self.place.time_ms;
        let jobs = self.state.jobs_mut();
        let Some(sharing) = jobs.refresh.switch(chain_ms) else {
            return;
        };
        // Another node may be the corrupt one from now on.
        jobs.standing.forget_proofs();
        jobs.reserve.spend_all();
        for id in self.state.unfinished.clone() {
            let holds = |c: &Computation| {
                let attempts = c.attempts.as_ref();
                attempts.is_some_and(|attempts| !attempts.reserve.is_empty())
            };
            // Their masks would follow from a seed of the epoch that is over.
            if self
                .state
                .computation(id)
                .is_some_and(Computation::makes_rows)
                && let Some(computation) = self.state.computation_mut(id)
                && let Some(attempts) = &mut computation.attempts
            {
                attempts.seed = None;
            }
            if self.state.computation(id).is_some_and(holds)
                && let Some(computation) = self.state.computation_mut(id)
                && let Some(attempts) = &mut computation.attempts
            {
                attempts.reserve.clear();
            }
        }
        let epoch = sharing.epoch;
        self.event(Event::InputsRefreshed { epoch });
        for address in self.state.addresses() {
            self.forget_inputs(address);
        }
        // Those that waited for this.
        self.begin_attempts();
    }
}

impl State {
    /// Whether all inputs have their verdict that are sealed to keys of before the current ones.
    fn old_inputs_are_decided(&self) -> bool {
        // What comes of these belongs to the sharing before.
        let makes_rows = |c: &Computation| {
            let under_way = c.attempts.as_ref().is_some_and(|a| a.current.is_some());
            c.makes_rows() && (under_way || c.phase == computation::Phase::Encoding)
        };
        let mut unfinished = self
            .unfinished
            .iter()
            .filter_map(|id| self.computation(*id));
        if unfinished.any(makes_rows) {
            return false;
        }
        let epoch = self.jobs().refresh.epoch();
        let mut undecided = self.undecided.values().filter_map(|id| self.input(*id));
        undecided.all(|input| input.binding.key_epoch >= epoch)
    }

    /// How many inputs are to be shared anew, and their bytes.
    fn amount_to_share(&self) -> (u64, u64) {
        let inputs = self.inputs_before(self.jobs().refresh.epoch());
        let bytes = inputs
            .iter()
            .filter_map(|id| self.input(*id)?.sealed.as_ref())
            .map(|sealed| sealed.masked.len() as u64);
        (inputs.len() as u64, bytes.sum())
    }

    /// When the refresh goes on by itself.
    pub(crate) fn refresh_due_ms(&self, refresh_ms: u64, idle: bool) -> Option<u64> {
        let refresh = &self.jobs().refresh;
        let settled = refresh.attempts().is_some() && self.old_inputs_are_decided();
        refresh.due_ms((refresh_ms, self.chain().offset_ms), idle, settled)
    }

    /// Whether a session may be under way that uses the sharing, or the reserve.
    fn uses_sharing(&self) -> bool {
        let computations = self.unfinished.iter();
        let mut attempts = computations.filter_map(|id| self.computation(*id)?.attempts.as_ref());
        attempts.any(Attempts::is_active) || self.jobs().reserve.production.is_some()
    }
}
