//! What attempts need to begin, and when a lot of the reserve is to be made.

use alloy_primitives::B256;
use wire::limits::SMALL_SESSION_BYTES;

use crate::{
    Amounts,
    computation::{Computation, Frozen, Phase},
    job::Attempts,
    reserve::whole,
    state::State,
    suspicion::History,
};

/// With what an attempt can begin.
pub(crate) struct Start {
    /// Who is left out.
    pub(super) absent: Option<u8>,
    /// Whether a seed is to be taken.
    pub(super) seed: bool,
    /// What is to be taken of the reserve.
    pub(super) need: Amounts,
}

/// Why an attempt cannot begin.
pub(crate) enum Lack {
    /// It pauses, or sessions of others take the memory.
    Turn,
    /// The reserve has not got this.
    Reserve(Amounts),
}

impl State {
    /// Memory of the large sessions that are under way, in bytes at one node.
    pub(super) fn sessions_bytes(&self) -> u64 {
        let unfinished = self.unfinished.iter();
        let active = unfinished
            .filter_map(|id| self.computation(*id))
            .filter(|c| c.attempts.as_ref().is_some_and(Attempts::is_active));
        active.map(session_bytes).sum()
    }

    /// With what the next attempt of a computation begins, apart from memory.
    ///
    /// # Errors
    /// [`Lack`]: it does not begin.
    pub(crate) fn start_of(&self, id: B256, now_ms: u64) -> Result<Start, Lack> {
        let Some((attempts, frozen)) = self.computing(id) else {
            return Err(Lack::Turn);
        };
        if attempts.current.is_some() || attempts.not_before_ms > now_ms {
            return Err(Lack::Turn);
        }
        let makes_rows = frozen
            .program
            .as_ref()
            .is_some_and(|p| p.has_secret_results());
        if makes_rows && self.jobs().refresh.is_sharing() {
            return Err(Lack::Turn); // Its rows would come too late to be shared anew.
        }
        let out = self.jobs().standing.out_of(&attempts.history);
        let absent = self.left_out_of(&attempts.history);
        let seed = frozen.takes_seed && attempts.seed.is_none();
        let need = |absent: Option<u8>| need(attempts, frozen, absent);
        let claimed = self.claimed_before(attempts.turn);
        let lacks = |need: &Amounts| {
            let seeds = u64::from(seed);
            let need = Amounts { seeds, ..*need };
            self.jobs().reserve.lacks(&need, &claimed)
        };
        let start = |absent| Start {
            absent,
            seed,
            need: need(absent),
        };
        let lack = lacks(&need(absent));
        if lack.is_empty() {
            return Ok(start(absent));
        }
        // All four try again if none is known to be missing. Meanwhile a lot is made.
        if out.is_none() && lacks(&Amounts::default()).is_empty() {
            return Ok(start(None));
        }
        Err(Lack::Reserve(lack))
    }

    /// A computation of which attempts are made, or wait.
    fn computing(&self, id: B256) -> Option<(&Attempts, &Frozen)> {
        let computation = self.computation(id)?;
        let parts = computation
            .attempts
            .as_ref()
            .zip(computation.frozen.as_ref());
        parts.filter(|_| computation.phase == Phase::Computing)
    }

    /// What computations that have waited longer will take of the reserve: nobody else gets it, else
    /// small ones could keep a large one waiting for ever.
    fn claimed_before(&self, turn: u64) -> Amounts {
        let older = self.jobs().waiting.range(..turn);
        older.filter_map(|(_, id)| self.computing(*id)).fold(
            Amounts::default(),
            |sum, (attempts, frozen)| {
                let absent = self.left_out_of(&attempts.history);
                let seeds = u64::from(frozen.takes_seed && attempts.seed.is_none());
                let need = need(attempts, frozen, absent);
                sum.plus(&whole(&Amounts { seeds, ..need }))
            },
        )
    }

    /// Who is left out of the next attempt of a job with this history.
    pub(super) fn left_out_of(&self, history: &History) -> Option<u8> {
        let standing = &self.jobs().standing;
        let out = standing.out_of(history);
        out.or_else(|| standing.next_of(history))
    }

    /// What the reserve lacks for a computation to begin, or to go on without a node after a stop.
    fn lacking(&self, id: B256, now_ms: u64) -> Option<Amounts> {
        if let Err(Lack::Reserve(missing)) = self.start_of(id, now_ms) {
            return Some(missing);
        }
        let (attempts, frozen) = self.computing(id)?;
        // If all four try again, they may be stopped again.
        self.jobs().standing.next_of(&attempts.history)?;
        let opening = attempts.current.is_some() && !attempts.is_active();
        let lacks = !opening && attempts.reserve.is_empty();
        let none = Amounts::default();
        lacks.then(|| self.jobs().reserve.lacks(&frozen.need, &none))
    }

    /// When the next production of a lot begins, and of what. If a node is left out, three make it.
    pub(crate) fn production_due(&self, target: u32, now_ms: u64) -> Option<(u64, Amounts)> {
        let reserve = &self.jobs().reserve;
        if reserve.production.is_some() || self.jobs().refresh.is_agreed() {
            return None;
        }
        let unfinished = self.unfinished.iter();
        let missing = unfinished
            .filter_map(|id| self.lacking(*id, now_ms))
            .fold(Amounts::default(), |sum, missing| sum.plus(&missing));
        if !missing.is_empty() {
            return Some((reserve.not_before_ms(), reserve.lot_for(&missing)));
        }
        let amounts = reserve.short_of(target);
        let idle = !amounts.is_empty() && !self.has_work();
        idle.then(|| (reserve.idle_ms(), amounts))
    }

    /// Whether inputs or computations are under way.
    pub(crate) fn has_work(&self) -> bool {
        !(self.undecided.is_empty() && self.unfinished.is_empty() && self.work.is_empty())
    }

    /// Lots of which computations hold parts.
    pub(super) fn lots_held(&self) -> Vec<u64> {
        let computations = self
            .unfinished
            .iter()
            .filter_map(|id| self.computation(*id));
        let attempts = computations.filter_map(|c| c.attempts.as_ref());
        attempts
            .flat_map(|attempts| {
                let slices = attempts.reserve.iter().map(|slice| slice.lot);
                slices.chain(attempts.seed.map(|seed| seed.lot))
            })
            .collect()
    }
}

/// What the next attempt takes of the reserve, apart from a seed.
fn need(attempts: &Attempts, frozen: &Frozen, absent: Option<u8>) -> Amounts {
    match absent {
        Some(_) if attempts.reserve.is_empty() => frozen.need,
        _ => Amounts::default(),
    }
}

/// Memory that is counted for a computation while it runs.
pub(super) fn session_bytes(computation: &Computation) -> u64 {
    let frozen = computation.frozen.as_ref();
    let bytes = frozen.map(|frozen| frozen.session_bytes);
    bytes
        .filter(|bytes| *bytes > SMALL_SESSION_BYTES)
        .unwrap_or(0)
}
