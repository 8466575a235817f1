//! Jobs: what nodes run together in sessions. A computation, or the production of a lot.

use std::sync::Arc;

use alloy_primitives::B256;
use mpc_engine::Program;
use serde::Serialize;
use wire::{
    kind::InputType,
    limits::NODES,
    rpc::{AttemptStage, ReserveAmounts},
};

use crate::{
    Amounts, SeedRef, Slice,
    attempt::{Attempt, Progress, pause_ms},
    suspicion::{Blame, History},
};

/// What a node needs to take part in the current attempt of a job.
#[derive(Clone, Debug)]
pub struct Job {
    /// What to run.
    pub task: JobTask,
    /// Number of the attempt, from 0.
    pub attempt: u32,
    /// The node that the attempt does without; it does so with the reserve.
    pub absent: Option<u8>,
    /// What the attempt is at.
    pub stage: Stage,
}

/// What to run.
#[derive(Clone, Debug)]
pub enum JobTask {
    /// A computation.
    Compute {
        /// Its program.
        program: Arc<Program>,
        /// The frozen inputs in ordering order: id and number of the input type.
        inputs: Vec<(B256, u32)>,
        /// The input types that it reads, by number.
        types: Vec<(u32, InputType)>,
        /// Its seed, the same in all attempts; none if its result is not random.
        seed: Option<SeedRef>,
        /// What it takes of the reserve, in this order; nothing if nobody is left out.
        reserve: Vec<Slice>,
    },
    /// A lot of the reserve is made.
    Produce {
        /// Its number.
        lot: u64,
        /// What is to be in it.
        amounts: Amounts,
    },
    /// The accepted inputs that are sealed to keys of earlier epochs are shared anew.
    Refresh {
        /// The key epoch.
        epoch: u64,
    },
}

/// What an attempt is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Nodes join it.
    Joining,
    /// Nodes run a session.
    Running {
        /// What they joined with; zero for the absent.
        nonces: [B256; NODES],
    },
    /// It stopped. Sender and backup say what they had of a stream.
    Disputed {
        /// Number of the round.
        round: u32,
        /// Who sent the stream.
        sender: u8,
        /// Who vouched for it.
        backup: u8,
        /// Who got it.
        receiver: u8,
    },
    /// The result is fixed, and whoever has components that the log lacks opens them.
    Opening,
}

/// As users see amounts.
pub(crate) const fn user_amounts(amounts: &Amounts) -> ReserveAmounts {
    ReserveAmounts {
        bits: amounts.bits,
        r64: amounts.r64,
        r128: amounts.r128,
        seeds: amounts.seeds,
    }
}

/// All attempts of one computation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Attempts {
    /// Its place among the jobs that wait.
    pub(crate) turn: u64,
    /// Number of the current attempt, or of the next one.
    pub(crate) number: u32,
    /// No attempt begins before this time.
    pub(crate) not_before_ms: u64,
    /// The current attempt; none while it waits.
    pub(crate) current: Option<Attempt>,
    /// What stopped earlier ones.
    pub(crate) history: History,
    /// Its seed.
    pub(crate) seed: Option<SeedRef>,
    /// What it has of the reserve for the next session without one node.
    pub(crate) reserve: Vec<Slice>,
}

impl Attempts {
    /// Before the first attempt.
    pub(crate) fn new(turn: u64, now_ms: u64) -> Self {
        Self {
            turn,
            number: 0,
            not_before_ms: now_ms,
            current: None,
            history: History::default(),
            seed: None,
            reserve: Vec::new(),
        }
    }

    /// Begins the next attempt.
    pub(crate) fn begin(&mut self, absent: Option<u8>, now_ms: u64) {
        self.current = Some(Attempt::new(self.number, absent, now_ms));
    }

    /// The current attempt is over. If its session had begun, its part of the reserve is used.
    pub(crate) fn stopped(&mut self, blames: &[Blame], now_ms: u64) {
        let Some(attempt) = self.current.take() else {
            return;
        };
        let joining = matches!(attempt.progress, Progress::Joining { .. });
        if attempt.absent.is_some() && !joining {
            self.reserve.clear();
        }
        self.history.note(attempt.number, attempt.absent, blames);
        self.number = attempt.number.saturating_add(1);
        self.not_before_ms = now_ms.saturating_add(pause_ms(self.number));
    }

    /// Whether there was an attempt.
    pub(crate) const fn has_begun(&self) -> bool {
        self.number > 0 || self.current.is_some()
    }

    /// Whether a session may be under way.
    pub(crate) const fn is_active(&self) -> bool {
        match &self.current {
            Some(attempt) => !matches!(attempt.progress, Progress::Opening { .. }),
            None => false,
        }
    }
}

impl Attempt {
    /// As nodes see it; none if it is over.
    pub(crate) fn stage(&self) -> Option<Stage> {
        Some(match &self.progress {
            Progress::Joining { .. } => Stage::Joining,
            Progress::Running { nonces, .. } => Stage::Running { nonces: *nonces },
            Progress::Disputed { dispute, .. } => Stage::Disputed {
                round: dispute.round,
                sender: dispute.sender,
                backup: dispute.backup,
                receiver: dispute.receiver,
            },
            Progress::Opening { .. } => Stage::Opening,
            Progress::Made { .. } => return None,
        })
    }

    /// As users see it.
    pub(crate) const fn user_stage(&self) -> AttemptStage {
        match &self.progress {
            Progress::Joining { .. } => AttemptStage::Joining,
            Progress::Running { .. } => AttemptStage::Running,
            Progress::Disputed { .. } => AttemptStage::Disputed,
            Progress::Opening { .. } | Progress::Made { .. } => AttemptStage::Opening,
        }
    }
}
