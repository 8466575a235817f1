//! What a call wants to do with a contract's inputs, judged before it is done.

use std::collections::BTreeSet;

use wire::guest::Selection;

use super::Contract;
use crate::{
    ContractFault,
    sandbox::{Outcome, limits::DELETE_INPUT},
};

impl Contract {
    /// Takes fuel for the inputs that a call deletes, of the fuel that the call had.
    pub(crate) fn deleting(&self, mut outcome: Outcome, fuel: u64) -> Outcome {
        let deletions = outcome.effects.deletions.iter();
        let inputs: usize = deletions.map(|d| self.accepted.named(d).len()).sum();
        let used = outcome.fuel_used + DELETE_INPUT * inputs as u64;
        if used > fuel {
            outcome.fuel_used = fuel;
            return outcome.refused(ContractFault::OutOfFuel);
        }
        outcome.fuel_used = used;
        outcome
    }

    /// Refuses to start a computation over inputs that do not count or that it does not read.
    pub(crate) fn starting(&self, outcome: Outcome) -> Outcome {
        let Some((number, options)) = &outcome.effects.started else {
            return outcome;
        };
        let Selection::Inputs(inputs) = &options.selection else {
            return outcome;
        };
        let types = self.types_of(*number);
        let deletions = outcome.effects.deletions.iter();
        let deleted: BTreeSet<u64> = deletions.flat_map(|d| self.accepted.named(d)).collect();
        let unfit = inputs
            .iter()
            .find(|input| deleted.contains(input) || !self.accepted.has(**input, types));
        let fault = unfit.map(|input| ContractFault::BadArgument {
            call: "start",
            why: format!("input {input} is no accepted input of a type that the computation reads"),
        });
        match fault {
            Some(fault) => outcome.refused(fault),
            None => outcome,
        }
    }
}
