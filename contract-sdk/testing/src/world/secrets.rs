//! Results of computations that stay secret, in clear.

use alloy_primitives::Address;
use quartet::{
    Contract, Plain, Started,
    contract::Computation,
    secret::{InputNumber, Recipient},
};
use wire::guest::REPLACE;

use super::{Run, Verdict, World};
use crate::trace::{self, Traced};

/// A row of a secret result, which later computations read like an input.
#[derive(Clone)]
pub(super) struct Row {
    number: u32,
    owner: Address,
    fields: Vec<Vec<u128>>,
}

impl<C: Contract> World<C> {
    /// What computations made for a user alone, of this type, oldest first. For the contract's
    /// address it is what the contract keeps, which nobody can read in a cluster.
    #[must_use]
    pub fn secrets<T: InputNumber>(&self, owner: Address) -> Vec<Plain<T>> {
        let rows = self.started.iter().flat_map(|run| &run.rows);
        let own = rows.filter(|row| row.number == T::NUMBER && row.owner == owner);
        own.map(|row| Plain::new(row.fields.clone())).collect()
    }

    /// The inputs that a computation reads, with their owners: accepted ones that were ordered before
    /// it started, and rows of results of computations that started before.
    pub(super) fn owned_inputs_of<P: Computation>(
        &self,
        started: Started<P>,
        number: u32,
    ) -> Vec<(Address, Vec<Vec<u128>>)> {
        let run = self.run_of(started);
        let earlier = self.earlier(started, number);
        let ordered = self.inputs[..run.inputs].iter().enumerate();
        let of_type = ordered.filter(|(_, input)| input.number == number);
        assert!(
            of_type
                .clone()
                .all(|(_, input)| input.verdict != Verdict::Pending),
            "a computation waits for inputs that were ordered before it: accept or reject them"
        );
        let accepted = of_type.filter(|(_, input)| input.verdict == Verdict::Accepted);
        let mut all: Vec<_> = accepted
            .map(|(place, input)| (2 * place + 1, input.owner, input.fields.clone()))
            .collect();
        for run in earlier {
            let rows = run.rows.iter().filter(|row| row.number == number);
            // After the inputs that were ordered before that computation started.
            all.extend(rows.map(|row| (2 * run.inputs, row.owner, row.fields.clone())));
        }
        all.sort_by_key(|(place, ..)| *place);
        all.into_iter()
            .map(|(_, owner, fields)| (owner, fields))
            .collect()
    }

    /// The computations that started before one, of which none makes rows of this type any more.
    fn earlier<P: Computation>(&self, started: Started<P>, number: u32) -> &[Run] {
        let earlier = &self.started[..started.index as usize];
        let makes = |run: &Run| {
            let described = &self.description.computations;
            let computation = described.get(run.start.computation as usize);
            let mut results = computation.into_iter().flat_map(|c| &c.secrets);
            results.any(|result| result.input == number)
        };
        assert!(
            earlier.iter().all(|run| run.finished || !makes(run)),
            "a computation waits for the secret results of earlier ones, of types that it reads or \
             makes itself: run those before, or let them fail"
        );
        earlier
    }

    /// Keeps the secret results of a computation that opened something and read some columns.
    pub(super) fn keep_results<P: Computation>(
        &mut self,
        started: Started<P>,
        traced: &Traced,
        run: (&[Vec<u128>], &[Vec<u128>]),
    ) {
        let (contract, reader) = (self.address(), Address::ZERO);
        let mut rows = Vec::new();
        for ((result, (recipient, number)), form) in (0..).zip(P::SECRETS).zip(&traced.results) {
            let Some((_, detail)) = *form else { continue };
            self.earlier(started, *number);
            let owners: Vec<Address> = match recipient {
                Recipient::Owners => {
                    let owned = self.owned_inputs_of(started, detail);
                    owned.into_iter().map(|(owner, _)| owner).collect()
                }
                Recipient::Contract => {
                    if detail == REPLACE {
                        self.drop_kept(started.index as usize, *number);
                    }
                    vec![contract]
                }
                Recipient::Reader => vec![reader],
            };
            let ty = &self.description.inputs[*number as usize];
            let fields = trace::rows(&traced.program, run, ty, result);
            let all = fields.into_iter().zip(owners.into_iter().cycle());
            rows.extend(all.map(|(fields, owner)| Row {
                number: *number,
                owner,
                fields,
            }));
        }
        self.started[started.index as usize].rows = rows;
    }

    /// Forgets what the contract has kept of a type.
    fn drop_kept(&mut self, before: usize, number: u32) {
        let contract = self.address();
        for run in &mut self.started[..before] {
            run.rows
                .retain(|row| row.number != number || row.owner != contract);
        }
    }
}
