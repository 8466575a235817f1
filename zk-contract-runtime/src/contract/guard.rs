//! Which sets of inputs may be opened: what two results differ in may not tell about a few inputs.
//!
//! A computation with a least number of inputs runs over so many, and only over a set that equals
//! each earlier one of its type or differs from it by so many. Only pairs are compared: results over
//! three sets or more may together still tell about fewer.

use std::collections::BTreeMap;

use alloy_primitives::{B256, keccak256};
use wire::{
    codec,
    limits::{GUARDED_RANGES, GUARDED_SETS},
};

/// Sequences of inputs as ascending ranges `start..end` with gaps between them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sequences(Vec<(u64, u64)>);

impl FromIterator<u64> for Sequences {
    /// Of ascending numbers.
    fn from_iter<I: IntoIterator<Item = u64>>(sequences: I) -> Self {
        let mut ranges: Vec<(u64, u64)> = Vec::new();
        for sequence in sequences {
            match ranges.last_mut() {
                Some((_, end)) if *end == sequence => *end += 1,
                _ => ranges.push((sequence, sequence + 1)),
            }
        }
        Self(ranges)
    }
}

impl Sequences {
    /// How many there are.
    pub(crate) fn len(&self) -> u64 {
        self.0.iter().map(|(start, end)| end - start).sum()
    }

    /// How many are in both.
    fn shared(&self, other: &Self) -> u64 {
        let (mut ours, mut others) = (self.0.iter().peekable(), other.0.iter().peekable());
        let mut shared = 0;
        while let (Some((a, b)), Some((c, d))) = (ours.peek(), others.peek()) {
            shared += b.min(d).saturating_sub(*a.max(c));
            if b <= d {
                ours.next();
            } else {
                others.next();
            }
        }
        shared
    }

    /// How many are in one of the two alone.
    fn distance(&self, other: &Self) -> u64 {
        self.len() + other.len() - 2 * self.shared(other)
    }
}

/// Sets over which computations have run.
#[derive(Debug, Default)]
pub(crate) struct Guard {
    /// By number of the input type.
    sets: BTreeMap<u32, Vec<Earlier>>,
    digest: B256,
}

#[derive(Debug)]
struct Earlier {
    /// The largest least number of the computations that ran over it.
    least: u64,
    set: Sequences,
}

/// Why a set may not be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TooClose {
    /// It shares all but so many inputs with an earlier one.
    Differs {
        /// In how many they differ.
        by: u64,
        /// By how many they must.
        least: u64,
    },
    /// No more sets can be kept.
    Full,
}

impl Guard {
    /// Whether a computation with this least number of inputs may run over a set. `still` tells, if
    /// there is no more room, the largest of the contract's least numbers and the inputs of the type
    /// that may still be in a set.
    ///
    /// # Errors
    /// [`TooClose`].
    pub(crate) fn check(
        &mut self,
        number: u32,
        least: u64,
        set: &Sequences,
        still: impl FnOnce() -> (u64, Sequences),
    ) -> Result<(), TooClose> {
        let mut known = false;
        for other in self.sets.get(&number).into_iter().flatten() {
            let (by, least) = (set.distance(&other.set), least.max(other.least));
            known |= by == 0;
            if by > 0 && by < least {
                return Err(TooClose::Differs { by, least });
            }
        }
        if known || self.has_room(number, set) {
            return Ok(());
        }
        let (largest, alive) = still();
        self.prune(number, largest, &alive);
        if self.has_room(number, set) {
            return Ok(());
        }
        Err(TooClose::Full)
    }

    /// Keeps a set over which a computation runs.
    pub(crate) fn keep(&mut self, number: u32, least: u64, set: Sequences) {
        let earlier = self.sets.entry(number).or_default();
        match earlier.iter_mut().find(|other| other.set == set) {
            Some(known) => known.least = known.least.max(least),
            None => earlier.push(Earlier { least, set }),
        }
        let sets = self.sets.iter().map(|(number, sets)| {
            let sets = sets.iter().map(|earlier| (earlier.least, &earlier.set.0));
            (number, sets.collect::<Vec<_>>())
        });
        self.digest = keccak256(codec::encode(&sets.collect::<Vec<_>>()));
    }

    /// What the state's root commits to.
    pub(crate) const fn digest(&self) -> B256 {
        self.digest
    }

    /// How many ranges there are to compare with.
    pub(crate) fn ranges(&self) -> usize {
        let sets = self.sets.values().flatten();
        sets.map(|earlier| earlier.set.0.len()).sum()
    }

    fn has_room(&self, number: u32, set: &Sequences) -> bool {
        let sets = self.sets.get(&number).map_or(0, Vec::len);
        sets < GUARDED_SETS && self.ranges() + set.0.len() <= GUARDED_RANGES
    }

    /// Forgets sets of a type from which every later one differs by enough, since so many of their
    /// inputs are gone.
    fn prune(&mut self, number: u32, largest: u64, alive: &Sequences) {
        if let Some(sets) = self.sets.get_mut(&number) {
            sets.retain(|earlier| earlier.set.len() - earlier.set.shared(alive) < largest);
        }
    }
}

#[cfg(test)]
mod tests;
