//! When a height begins, and all timers.
//!
//! An idle cluster makes a block only now and then. A height begins when there is work (after
//! gathering for a few milliseconds), when the state itself has something to do by now, when peers have
//! begun it, or when nothing has happened for long; and never sooner after the last block than the least interval. One peer alone cannot make
//! the others produce empty blocks at that rate: its own proposal begins a height at once, its mere
//! vote only after a while.

use wire::peer::PeerMessage;

use super::Ordering;
use crate::{Config, Effect};

/// A guard against an endless loop of timers; far more than can be due at once.
const ROUNDS_OF_TIMERS: usize = 64;
/// How long a node that is fetching blocks does not begin a height.
const SYNC_MS: u64 = 500;

/// The node's time, and what is due when. All times here are of the node's own clock, which never
/// goes back: when the shell's does, it stands still.
pub(super) struct Pace {
    wall_ms: u64,
    now_ms: u64,
    committed_at_ms: u64,
    work_since_ms: Option<u64>,
    flush_at_ms: Option<u64>,
    repeat_at_ms: u64,
    syncing_until_ms: u64,
    woken_for: Option<u64>,
}

impl Pace {
    pub(super) const fn new(now_ms: u64, config: &Config) -> Self {
        Self {
            wall_ms: now_ms,
            now_ms,
            committed_at_ms: now_ms,
            work_since_ms: None,
            flush_at_ms: None,
            repeat_at_ms: now_ms.saturating_add(config.repeat_ms),
            syncing_until_ms: 0,
            woken_for: None,
        }
    }

    pub(super) const fn tick(&mut self, wall_ms: u64) {
        self.now_ms += wall_ms.saturating_sub(self.wall_ms);
        self.wall_ms = wall_ms;
    }

    /// The node's own time, for timers.
    pub(super) const fn now_ms(&self) -> u64 {
        self.now_ms
    }

    /// The shell's time, for blocks.
    pub(super) const fn wall_ms(&self) -> u64 {
        self.wall_ms
    }

    pub(super) const fn committed(&mut self) {
        self.committed_at_ms = self.now_ms;
        self.work_since_ms = None;
    }

    pub(super) const fn syncing(&mut self) {
        self.syncing_until_ms = self.now_ms.saturating_add(SYNC_MS);
    }

    pub(super) const fn synced(&mut self) {
        self.syncing_until_ms = 0;
    }
}

impl Ordering {
    /// What is new is sent on after a short while, together with what comes until then.
    pub(super) fn flush_soon(&mut self) {
        let at_ms = self.pace.now_ms.saturating_add(self.config.gather_ms);
        self.pace.flush_at_ms.get_or_insert(at_ms);
    }

    /// Does whatever is due, and asks to be woken for what is due next.
    pub(super) fn settle(&mut self) {
        for _ in 0..ROUNDS_OF_TIMERS {
            if self.halted || !self.do_one() {
                break;
            }
        }
        if self.halted {
            return;
        }
        let Some(due_ms) = self.next_due() else {
            return;
        };
        let wait_ms = due_ms.saturating_sub(self.pace.now_ms).max(1);
        let at_ms = self.pace.wall_ms.saturating_add(wait_ms);
        let waiting = self
            .pace
            .woken_for
            .is_some_and(|before| before > self.pace.wall_ms);
        if !(waiting && self.pace.woken_for == Some(at_ms)) {
            self.pace.woken_for = Some(at_ms);
            self.effects.push(Effect::Wake { at_ms });
        }
    }

    /// Does one thing that is due; false if nothing is.
    fn do_one(&mut self) -> bool {
        let now_ms = self.pace.now_ms;
        self.pace.work_since_ms = self
            .has_work()
            .then(|| self.pace.work_since_ms.unwrap_or(now_ms));
        if self.pace.flush_at_ms.is_some_and(|at_ms| at_ms <= now_ms) {
            self.pace.flush_at_ms = None;
            self.flush();
        } else if self.pace.repeat_at_ms <= now_ms {
            self.pace.repeat_at_ms = now_ms.saturating_add(self.config.repeat_ms);
            self.repeat();
        } else if self.judge_waiting() {
        } else if let Some(outputs) = self.engine.fire(now_ms) {
            self.act(outputs);
        } else if self.start_due().is_some_and(|at_ms| at_ms <= now_ms) {
            self.begin_height();
        } else {
            return false;
        }
        true
    }

    fn next_due(&self) -> Option<u64> {
        [
            Some(self.pace.repeat_at_ms),
            self.pace.flush_at_ms,
            self.engine.deadline_ms(),
            self.start_due(),
            self.state_due_ms()
                .filter(|wait_ms| *wait_ms > 0)
                .map(|wait_ms| self.pace.now_ms.saturating_add(wait_ms)),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// How long it takes until the state has something to do by itself, in milliseconds: 0 if a block
    /// with this node's time would do it.
    pub(super) fn state_due_ms(&self) -> Option<u64> {
        let due_ms = self.runtime.next_due_ms()?;
        Some(due_ms.saturating_sub(self.own_ms()))
    }

    /// When the next height begins; none while one is under way.
    fn start_due(&self) -> Option<u64> {
        if self.engine.is_running() || self.height.undelivered.is_some() {
            return None;
        }
        let since_ms = self.pace.committed_at_ms;
        let mut at_ms = since_ms.saturating_add(self.config.idle_block_ms);
        if let Some(work_ms) = self.pace.work_since_ms {
            at_ms = at_ms.min(work_ms.saturating_add(self.config.gather_ms));
        }
        if let Some(wait_ms) = self.peers_wish(self.config.repeat_ms) {
            at_ms = at_ms.min(since_ms.saturating_add(wait_ms));
        }
        let earliest_ms = since_ms.saturating_add(self.config.min_block_ms);
        Some(at_ms.max(earliest_ms).max(self.pace.syncing_until_ms))
    }

    /// Sends on what has gathered.
    fn flush(&mut self) {
        self.forward();
        if let Some(transaction) = self.own_transaction() {
            self.broadcast(PeerMessage::NodeTransaction(transaction));
        }
    }

    /// Tells peers the height, and repeats what has not reached a block: messages may be lost.
    fn repeat(&mut self) {
        let height = self.runtime.head().number;
        self.broadcast(PeerMessage::Status { height });
        self.come_back();
        self.want_seal_key();
        self.forward_again();
        if let Some(transaction) = self.own_transaction() {
            self.broadcast(PeerMessage::NodeTransaction(transaction));
        }
    }
}
