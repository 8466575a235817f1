//! The contracts that a running one can call.

use std::sync::Arc;

use alloy_primitives::{Address, Bytes};
use wire::{committee::Committee, limits::CALL_DEPTH};

use super::{Place, Transition};
use crate::{
    HostFault,
    sandbox::{self, Answer, Before, Call, Effects, Entry, Within},
    state::State,
};

/// The contracts of a state, for one that runs.
pub(super) struct Others<'a> {
    committee: &'a Committee,
    state: &'a State,
    place: Place,
    /// Those that run, the first caller first.
    running: Vec<Address>,
}

impl<'a> Others<'a> {
    /// For a contract that is called at a place.
    pub(super) fn of(
        caller: Address,
        committee: &'a Committee,
        state: &'a State,
        place: Place,
    ) -> Self {
        Self {
            committee,
            state,
            place,
            running: vec![caller],
        }
    }
}

impl sandbox::Others for Others<'_> {
    fn call(
        &mut self,
        to: Address,
        data: Bytes,
        before: Before<'_>,
        fuel: u64,
    ) -> Result<Answer, HostFault> {
        if self.running.contains(&to) {
            return Ok(Answer::Reenters);
        }
        if self.running.len() > CALL_DEPTH {
            return Ok(Answer::TooDeep);
        }
        let state = self.state;
        let (Some(contract), Some(caller)) = (state.contract(to), self.running.last()) else {
            return Ok(Answer::Absent);
        };
        let call = Call {
            entry: Entry::Nested,
            calldata: data,
            context: self.place.context(self.committee, to, *caller),
            storage: Arc::clone(&contract.storage),
            timers: contract.timers.clone(),
            next_computation: contract.computations,
            input: 0,
            tracing: None,
            fuel,
        };
        let mut others = before.others.clone();
        let within = Within {
            own: others.remove(&to).unwrap_or_default(),
            others,
            events: before.events,
        };
        self.running.push(to);
        let outcome = contract.compiled.run_within(call, within, self)?;
        self.running.pop();
        Ok(Answer::Ran(Box::new(outcome)))
    }
}

impl Transition<'_> {
    /// Makes last what a contract's call did to it and to others, apart from events and what it
    /// started.
    pub(super) fn keep(&mut self, address: Address, effects: &mut Effects) {
        self.state
            .write(address, std::mem::take(&mut effects.writes));
        self.state.set_timers(address, effects.timers.take());
        for (address, changes) in std::mem::take(&mut effects.others) {
            self.state.write(address, changes.writes);
            self.state.set_timers(address, changes.timers);
        }
    }
}
