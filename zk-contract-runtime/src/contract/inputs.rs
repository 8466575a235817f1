//! A contract's accepted inputs, and which of them a computation reads.
//!
//! A computation reads them as they stood at its place in the order, whenever they are frozen: those
//! that leave afterwards stay until nothing under way reads them.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{Address, B256};
use wire::guest::{Deletion, Selection};

/// An input that was accepted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Accepted {
    /// Its place among all inputs.
    pub(crate) sequence: u64,
    /// Its id.
    pub(crate) id: B256,
    /// Number of its type.
    pub(crate) number: u32,
    /// Its group.
    pub(crate) group: u64,
    /// Who sent it.
    pub(crate) owner: Address,
}

/// Accepted inputs.
#[derive(Debug, Default)]
pub(crate) struct Inputs {
    entries: BTreeMap<u64, Entry>,
    /// Sequences by number of the type and group.
    groups: BTreeMap<(u32, u64), BTreeSet<u64>>,
    /// Sequences of those that have not left, by number of the type, group and owner.
    owned: BTreeMap<(u32, u64, Address), BTreeSet<u64>>,
    /// Those that have left and are kept.
    leaving: BTreeSet<u64>,
}

/// A computation's place in the order.
#[derive(Clone, Copy, Debug)]
pub(crate) struct View {
    /// Its index.
    pub(crate) index: u64,
    /// The next sequence when it was started.
    pub(crate) cutoff: u64,
}

/// Why an input no longer counts.
#[derive(Clone, Copy, Debug)]
enum Left {
    /// In favour of the input with this sequence.
    Replaced(u64),
    /// For computations from this index on.
    Deleted(u64),
}

#[derive(Debug)]
struct Entry {
    input: Accepted,
    left: Option<Left>,
}

impl Entry {
    /// Whether it counts for a computation.
    fn counts_for(&self, view: View) -> bool {
        let here = match self.left {
            None => true,
            Some(Left::Replaced(by)) => by >= view.cutoff,
            Some(Left::Deleted(from)) => view.index < from,
        };
        here && self.input.sequence < view.cutoff
    }
}

impl Inputs {
    /// Adds one.
    pub(crate) fn accept(&mut self, input: Accepted) {
        let Accepted {
            sequence,
            number,
            group,
            owner,
            ..
        } = input;
        self.entries.insert(sequence, Entry { input, left: None });
        let group_of = self.groups.entry((number, group)).or_default();
        group_of.insert(sequence);
        let owned = self.owned.entry((number, group, owner)).or_default();
        owned.insert(sequence);
    }

    /// Lets one take the place of its owner's earlier ones of the same type and group. Returns the
    /// ids of those.
    pub(crate) fn replace(&mut self, input: &Accepted) -> Vec<B256> {
        let of_owner = (input.number, input.group, input.owner);
        let Some(owned) = self.owned.get_mut(&of_owner) else {
            return Vec::new();
        };
        let later = owned.split_off(&input.sequence);
        let earlier = std::mem::replace(owned, later);
        let mut ids = Vec::with_capacity(earlier.len());
        for sequence in earlier {
            if let Some(entry) = self.entries.get_mut(&sequence) {
                entry.left = Some(Left::Replaced(input.sequence));
                self.leaving.insert(sequence);
                ids.push(entry.input.id);
            }
        }
        ids
    }

    /// Those that count of the ones that a deletion names.
    pub(crate) fn named(&self, deletion: &Deletion) -> Vec<u64> {
        let counts = |sequence: &u64| {
            let entry = self.entries.get(sequence);
            entry.is_some_and(|entry| entry.left.is_none())
        };
        match deletion {
            Deletion::Group { number, group } => {
                let group = self.groups.get(&(*number, *group)).into_iter().flatten();
                group.copied().filter(counts).collect()
            }
            Deletion::Inputs(inputs) => inputs.iter().copied().filter(counts).collect(),
        }
    }

    /// Lets one that counts do so no more for computations from this index on. Returns its id.
    pub(crate) fn delete(&mut self, sequence: u64, from: u64) -> Option<B256> {
        let entry = self.entries.get_mut(&sequence)?;
        if entry.left.is_some() {
            return None;
        }
        entry.left = Some(Left::Deleted(from));
        self.leaving.insert(sequence);
        let input = entry.input;
        let of_owner = (input.number, input.group, input.owner);
        if let Some(owned) = self.owned.get_mut(&of_owner) {
            owned.remove(&sequence);
            if owned.is_empty() {
                self.owned.remove(&of_owner);
            }
        }
        Some(input.id)
    }

    /// Whether a computation that starts now may run over the input with this sequence.
    pub(crate) fn has(&self, sequence: u64, types: &[u32]) -> bool {
        let entry = self.entries.get(&sequence);
        entry.is_some_and(|e| e.left.is_none() && types.contains(&e.input.number))
    }

    /// Those of these types that a computation reads, in ordering order.
    pub(crate) fn select<'a>(
        &'a self,
        selection: &'a Selection,
        types: &'a [u32],
        view: View,
    ) -> Vec<&'a Accepted> {
        let cutoff = view.cutoff;
        let sequences: BTreeSet<u64> = match selection {
            Selection::All => {
                let groups = types
                    .iter()
                    .flat_map(|ty| self.groups.range((*ty, 0)..=(*ty, u64::MAX)));
                let sequences = groups.flat_map(|(_, sequences)| sequences.range(..cutoff));
                sequences.copied().collect()
            }
            Selection::Group(group) => {
                let groups = types
                    .iter()
                    .filter_map(|ty| self.groups.get(&(*ty, *group)));
                let sequences = groups.flat_map(|sequences| sequences.range(..cutoff));
                sequences.copied().collect()
            }
            // They counted when it started, which is what it says.
            Selection::Inputs(sequences) => {
                let entries = sequences.iter().filter_map(|s| self.entries.get(s));
                return entries.map(|entry| &entry.input).collect();
            }
        };
        let entries = sequences.iter().filter_map(|s| self.entries.get(s));
        let counting = entries.filter(|e| e.counts_for(view));
        counting.map(|entry| &entry.input).collect()
    }

    /// Forgets those that have left and that no computation reads: neither one that waits, with one
    /// of these views, nor one that runs over `used`. Returns their ids.
    pub(crate) fn forget(&mut self, views: &[View], used: &BTreeSet<B256>) -> Vec<B256> {
        let gone = |sequence: &u64| {
            let Some(entry) = self.entries.get(sequence) else {
                return true;
            };
            let waited_for = views.iter().any(|view| entry.counts_for(*view));
            !waited_for && !used.contains(&entry.input.id)
        };
        let gone: Vec<u64> = self.leaving.iter().copied().filter(gone).collect();
        let mut ids = Vec::with_capacity(gone.len());
        for sequence in gone {
            self.leaving.remove(&sequence);
            let Some(Entry { input, .. }) = self.entries.remove(&sequence) else {
                continue;
            };
            let group = (input.number, input.group);
            if let Some(sequences) = self.groups.get_mut(&group) {
                sequences.remove(&sequence);
                if sequences.is_empty() {
                    self.groups.remove(&group);
                }
            }
            ids.push(input.id);
        }
        ids
    }

    /// Sequences of those of a type, in ascending order.
    pub(crate) fn of_type(&self, number: u32) -> impl Iterator<Item = u64> {
        let of_type = self
            .entries
            .values()
            .filter(move |e| e.input.number == number);
        of_type.map(|entry| entry.input.sequence)
    }

    /// Ids of those that have left and are kept.
    pub(crate) fn leaving(&self) -> BTreeSet<B256> {
        let entries = self.leaving.iter().filter_map(|s| self.entries.get(s));
        entries.map(|entry| entry.input.id).collect()
    }
}

#[cfg(test)]
mod tests;
