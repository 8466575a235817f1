//! Which inputs of a [`World`] computations read, and whether they may.

use std::collections::BTreeSet;

use quartet::{Contract, Fault, Started, contract::Computation};
use wire::guest::{Deletion, Recipient, Selection};

use super::{Input, Run, Verdict, World};
use crate::host::{Effects, Marks};

/// The inputs of a computation that must have some number of them.
pub(super) struct Opened {
    /// Number of the input type.
    number: u32,
    /// How many it must have.
    least: usize,
    /// Their places.
    places: BTreeSet<usize>,
}

/// Whether a deletion names an input.
fn names(deletion: &Deletion, place: usize, input: &Input) -> bool {
    match deletion {
        Deletion::Group { number, group } => (input.number, input.group) == (*number, *group),
        Deletion::Inputs(ids) => ids.contains(&(place as u64)),
    }
}

impl<C: Contract> World<C> {
    /// Keeps what the contract said about an input that was accepted.
    pub(super) fn mark(&mut self, place: usize, marks: Marks) {
        let (earlier, later) = self.inputs.split_at_mut(place);
        let Some(input) = later.first_mut() else {
            return;
        };
        (input.group, input.tag) = (marks.group, marks.tag);
        let of = |other: &Input| (other.number, other.owner, other.group);
        let replaced = earlier.iter_mut().filter(|other| {
            marks.replaces && of(other) == of(input) && other.verdict == Verdict::Accepted
        });
        replaced.for_each(|other| other.verdict = Verdict::Replaced(place));
    }

    /// Lets inputs count no more for computations that start from now on.
    pub(super) fn delete(&mut self, deletion: &Deletion) {
        let from = self.started.len();
        for (place, input) in self.inputs.iter_mut().enumerate() {
            if input.verdict == Verdict::Accepted && names(deletion, place, input) {
                input.verdict = Verdict::Deleted(from);
            }
        }
    }

    /// Deletes what a computation has read, if it was started so.
    pub(super) fn delete_after<P: Computation>(&mut self, started: Started<P>) {
        if !self.run_of(started).start.options.delete_after {
            return;
        }
        let index = started.index as usize;
        let places = P::INPUTS.iter().filter_map(|n| self.places(index, *n));
        let ids = places.flatten().map(|place| place as u64).collect();
        self.delete(&Deletion::Inputs(ids));
    }

    /// A computation starts over inputs that count, of types that it reads, and for a reader if it has
    /// results for one.
    pub(super) fn check_start(&self, effects: &Effects) {
        let Some(start) = &effects.started else {
            return;
        };
        let computation = &self.description.computations[start.computation as usize];
        let mut results = computation.secrets.iter();
        assert!(
            !start.options.reader.is_zero()
                || results.all(|result| result.recipient != Recipient::Reader),
            "the computation {} has results for a reader, and the zero address is nobody's: name \
             another one",
            computation.name
        );
        let Selection::Inputs(ids) = &start.options.selection else {
            return;
        };
        let types = &computation.inputs;
        for id in ids {
            let place = *id as usize;
            let counts = self.inputs.get(place).is_some_and(|input| {
                let deleted = effects.deletions.iter().any(|d| names(d, place, input));
                input.verdict == Verdict::Accepted && types.contains(&input.number) && !deleted
            });
            assert!(
                counts,
                "input {id} is no accepted input of a type that the computation reads"
            );
        }
    }

    /// Places of the inputs of a type that the computation with this index reads: those that counted
    /// when it started. None if one for which it waits is undecided.
    pub(super) fn places(&self, index: usize, number: u32) -> Option<Vec<usize>> {
        let Run { start, inputs, .. } = self.started.get(index)?;
        let of_type = self.inputs[..*inputs].iter().enumerate();
        let of_type = of_type.filter(|(_, input)| input.number == number);
        let group = match &start.options.selection {
            Selection::Inputs(ids) => {
                let named = of_type.filter(|(place, _)| ids.contains(&(*place as u64)));
                return Some(named.map(|(place, _)| place).collect());
            }
            Selection::Group(group) => Some(*group),
            Selection::All => None,
        };
        if of_type
            .clone()
            .any(|(_, input)| input.verdict == Verdict::Pending)
        {
            return None;
        }
        let counts = |input: &Input| match input.verdict {
            Verdict::Accepted => true,
            Verdict::Replaced(by) => by >= *inputs,
            Verdict::Deleted(from) => index < from,
            Verdict::Pending | Verdict::Rejected => false,
        };
        let chosen = of_type
            .filter(|(_, input)| counts(input) && group.is_none_or(|group| input.group == group));
        Some(chosen.map(|(place, _)| place).collect())
    }

    /// Says, in the order in which they were started, of computations up to this index whether they
    /// may run over their inputs; not of those that wait for inputs.
    pub(super) fn judge(&mut self, last: usize) {
        for index in 0..=last {
            let Some(run) = self.started.get(index).filter(|run| run.judged.is_none()) else {
                continue;
            };
            let computation = &self.description.computations[run.start.computation as usize];
            let least = computation.min_inputs as usize;
            let judgement = match computation.inputs.first().filter(|_| least > 0) {
                None => Ok(()),
                Some(&number) => match self.places(index, number) {
                    None => continue,
                    Some(places) => self.may_open(number, least, places),
                },
            };
            self.started[index].judged = Some(judgement);
        }
    }

    fn may_open(&mut self, number: u32, least: usize, places: Vec<usize>) -> Result<(), Fault> {
        let places: BTreeSet<usize> = places.into_iter().collect();
        if places.len() < least {
            return Err(Fault::TooFewInputs);
        }
        let earlier = self.opened.iter().filter(|opened| opened.number == number);
        for opened in earlier {
            let by = places.symmetric_difference(&opened.places).count();
            if by > 0 && by < least.max(opened.least) {
                return Err(Fault::TooClose);
            }
        }
        self.opened.push(Opened {
            number,
            least,
            places,
        });
        Ok(())
    }
}
