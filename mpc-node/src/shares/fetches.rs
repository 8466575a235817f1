//! Components that peers are asked for.

use std::{collections::BTreeMap, time::Duration};

use alloy_primitives::B256;
use mpc_engine::check_proven;
use tokio::time::Instant;
use wire::{limits::NODES, peer::InputShares};
use zeroize::Zeroizing;

use crate::storage::seed_box::HeldShares;

const PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// What is lacking.
pub(super) struct Fetches {
    me: u8,
    /// The roots of the components.
    roots: [B256; NODES],
    wanted: BTreeMap<B256, Want>,
}

struct Want {
    length: usize,
    /// What there is of it.
    found: HeldShares,
    next: Instant,
    pause: Duration,
}

/// What came of a peer's answer.
pub(super) enum Weighed {
    /// It was not asked for, or did not help yet.
    Nothing,
    /// Something in it is not proven.
    False,
    /// All three components are there; the input is not wanted any more.
    Complete(HeldShares),
}

impl Fetches {
    pub(super) const fn new(me: u8, roots: [B256; NODES]) -> Self {
        Self {
            me,
            roots,
            wanted: BTreeMap::new(),
        }
    }

    /// Begins to ask for the components of an input, each so many bytes long.
    pub(super) fn add(&mut self, input: B256, length: usize, now: Instant) {
        self.wanted.entry(input).or_insert_with(|| Want {
            length,
            found: HeldShares::default(),
            next: now,
            pause: PAUSE,
        });
    }

    /// Whether an input is lacking.
    pub(super) fn wants(&self, input: B256) -> bool {
        self.wanted.contains_key(&input)
    }

    /// At most so many inputs that peers are to be asked for now; the next time is noted.
    pub(super) fn due(&mut self, now: Instant, limit: usize) -> Vec<B256> {
        let due = self.wanted.iter_mut().filter(|(_, want)| want.next <= now);
        let due = due.take(limit).map(|(input, want)| {
            want.next = now + want.pause;
            want.pause = (want.pause * 2).min(LONGEST_PAUSE);
            *input
        });
        due.collect()
    }

    /// Takes what a peer sent, if it proves it.
    pub(super) fn weigh(&mut self, shares: &InputShares) -> Weighed {
        let Some(want) = self.wanted.get_mut(&shares.input) else {
            return Weighed::Nothing;
        };
        let mut verdict = Weighed::Nothing;
        for (component, proven) in &shares.components {
            let place = usize::from(*component);
            let (Some(root), Some(found)) = (self.roots.get(place), want.found.get_mut(place))
            else {
                verdict = Weighed::False;
                continue;
            };
            let input = &shares.input.0;
            let bytes = check_proven(&root.0, input, *component, want.length, proven);
            if *component == self.me || bytes.is_none() {
                verdict = Weighed::False;
            } else if found.is_none() {
                *found = Some(Zeroizing::new(proven.clone()));
            }
        }
        if want.found.iter().flatten().count() == NODES - 1
            && let Some(want) = self.wanted.remove(&shares.input)
        {
            return Weighed::Complete(want.found);
        }
        verdict
    }
}

#[cfg(test)]
mod tests;
