//! Results of computations that stay secret, in clear.

use alloy_primitives::Address;
use quartet::{
    Contract, Plain, Started,
    contract::Computation,
    secret::{InputNumber, Recipient},
};
use wire::guest::{REPLACE, Selection};

use super::{Run, World};
use crate::trace::{self, Row as Input, Traced};

/// A row of a secret result, which later computations read like an input.
#[derive(Clone)]
pub(super) struct Row {
    number: u32,
    owner: Address,
    fields: Vec<Vec<u128>>,
}

impl Run {
    /// The group to which its secret results belong.
    const fn group(&self) -> u64 {
        match self.start.options.selection {
            Selection::Group(group) => group,
            Selection::All | Selection::Inputs(_) => 0,
        }
    }
}

impl<C: Contract> World<C> {
    /// What computations made for a user alone, of this type, oldest first. For the contract's
    /// address it is what the contract keeps.
    ///
    /// # Panics
    /// This is on real nodes, and the owner is not a user: nobody can read what a contract keeps.
    #[must_use]
    pub fn secrets<T: InputNumber>(&self, owner: Address) -> Vec<Plain<T>> {
        if let Some(real) = &self.real {
            let secrets = real.secrets(self.address, owner, T::NUMBER).into_iter();
            return secrets.map(Plain::new).collect();
        }
        let rows = self.started.iter().flat_map(|run| &run.rows);
        let own = rows.filter(|row| row.number == T::NUMBER && row.owner == owner);
        own.map(|row| Plain::new(row.fields.clone())).collect()
    }

    /// What a computation reads of a type: inputs, and rows of results of computations that started
    /// before. Those belong to the group of which their computation was, and cannot be named.
    pub(super) fn rows_of<P: Computation>(&self, started: Started<P>, number: u32) -> Vec<Input> {
        let index = started.index as usize;
        let selection = &self.run_of(started).start.options.selection;
        let earlier = self.earlier(started, number);
        #[expect(clippy::expect_used, reason = "a mistake in the test")]
        let places = self.places(index, number).expect(
            "a computation waits for inputs that were ordered before it: accept or reject them",
        );
        let input = |place: usize| {
            let input = &self.inputs[place];
            let row = Input {
                owner: input.owner,
                tag: input.tag,
                fields: input.fields.clone(),
            };
            (2 * place + 1, row)
        };
        let mut all: Vec<_> = places.into_iter().map(input).collect();
        for run in earlier {
            let of_group = match selection {
                Selection::All => true,
                Selection::Group(group) => run.group() == *group,
                Selection::Inputs(_) => false,
            };
            let rows = run.rows.iter();
            let rows = rows.filter(|row| of_group && row.number == number);
            // After the inputs that were ordered before that computation started.
            let place = 2 * run.inputs;
            all.extend(rows.map(|row| {
                let row = Input {
                    owner: row.owner,
                    tag: 0,
                    fields: row.fields.clone(),
                };
                (place, row)
            }));
        }
        all.sort_by_key(|(place, _)| *place);
        all.into_iter().map(|(_, row)| row).collect()
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
        let contract = self.address();
        let reader = self.run_of(started).start.options.reader;
        let mut rows = Vec::new();
        for ((result, (recipient, number)), form) in (0..).zip(P::SECRETS).zip(&traced.results) {
            let Some((_, detail)) = *form else { continue };
            self.earlier(started, *number);
            let owners: Vec<Address> = match recipient {
                Recipient::Owners => {
                    let read = self.rows_of(started, detail);
                    read.into_iter().map(|row| row.owner).collect()
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

    /// Forgets what the contract has kept of a type in a computation's group.
    fn drop_kept(&mut self, before: usize, number: u32) {
        let contract = self.address();
        let group = self.started[before].group();
        let earlier = self.started[..before].iter_mut();
        for run in earlier.filter(|run| run.group() == group) {
            run.rows
                .retain(|row| row.number != number || row.owner != contract);
        }
    }
}
