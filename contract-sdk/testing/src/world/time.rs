//! The time of a [`World`], and what runs by itself when it comes.

use std::rc::Rc;

use alloy_primitives::Address;
use quartet::{
    Contract, Started, Time,
    contract::{Computation, Output, Refused},
};

use super::{Real, World};

/// A call by a timer that did not end well: it changed nothing, and is not made again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimerFailure {
    /// The contract.
    pub contract: Address,
    /// Selector of the function that was called.
    pub selector: [u8; 4],
    /// Time of the block in which it was called.
    pub time: Time,
    /// How the contract refused.
    pub refused: Refused,
}

impl<C: Contract> World<C> {
    /// Time of the next block, in seconds since the Unix epoch.
    #[must_use]
    pub fn time(&self) -> Time {
        self.real.as_ref().map_or(self.time, Real::time)
    }

    /// Sets the time of the next block, in seconds since the Unix epoch. What has come due by then
    /// runs at the beginning of that block; see [`World::advance_to`].
    ///
    /// # Panics
    /// Time only grows.
    pub fn set_time(&mut self, time: Time) {
        assert!(time >= self.time, "time only grows");
        self.time = time;
        if let Some(real) = &self.real {
            real.advance_to(time);
        }
    }

    /// Lets time pass: what the contract does by itself until then runs when its time has come, each
    /// time in a block of its own, as nodes do that have nothing else to do.
    ///
    /// # Panics
    /// Time only grows.
    pub fn advance_to(&mut self, time: Time) {
        assert!(time >= self.time, "time only grows");
        if self.real.is_some() {
            self.set_time(time);
            return;
        }
        while let Some(due) = self.next_due().filter(|due| *due <= time) {
            self.time = self.time.max(due);
            self.next_block();
        }
        self.time = time;
    }

    /// When the contract next does something by itself, in seconds since the Unix epoch.
    #[must_use]
    pub fn next_due(&self) -> Option<Time> {
        self.in_process();
        let timers = self.contracts.values().map(|contract| &contract.timers);
        timers.flat_map(|timers| timers.values()).min().copied()
    }

    /// Calls by timers that did not end well, oldest first.
    #[must_use]
    pub fn timer_failures(&self) -> &[TimerFailure] {
        self.in_process();
        &self.timer_failures
    }

    /// The computations of this kind that have been started, oldest first.
    #[must_use]
    pub fn started<P: Computation>(&self) -> Vec<Started<P>> {
        if let Some(real) = &self.real {
            let started = real.started(self.address, P::NAME).into_iter();
            return started
                .map(|index| <quartet::Start<P> as Output>::seen((index,)))
                .collect();
        }
        let of_kind = |(index, run): (u64, &super::Run)| {
            let is_one = run.start.computation == P::NUMBER;
            is_one.then(|| <quartet::Start<P> as Output>::seen((index,)))
        };
        (0..).zip(&self.started).filter_map(of_kind).collect()
    }

    /// Begins the next block with what is due.
    pub(super) fn next_block(&mut self) {
        self.block += 1;
        self.fire_due();
    }

    /// What is due runs, the earliest first. What these calls set runs in the next block at the
    /// earliest.
    pub(super) fn fire_due(&mut self) {
        let mut due: Vec<_> = self
            .contracts
            .iter()
            .flat_map(|(address, contract)| {
                let timers = contract.timers.iter();
                timers.map(|(selector, time)| (*time, *address, *selector))
            })
            .filter(|(time, ..)| *time <= self.time)
            .collect();
        due.sort_unstable();
        for (time, address, selector) in due {
            // A call before this one may have cleared it.
            let contract = Rc::make_mut(&mut self.contracts).get_mut(&address);
            let timers = contract.map(|contract| &mut contract.timers);
            if let Some(timers) = timers.filter(|t| t.get(&selector) == Some(&time)) {
                timers.remove(&selector);
                self.fire(address, selector);
            }
        }
    }

    fn fire(&mut self, address: Address, selector: [u8; 4]) {
        let call = self.contracts[&address].call;
        let mode = self.mode_of(address);
        let context = self.context_of_call(address, address);
        match self.enter(mode, context, || call(&selector)) {
            Ok((_, effects)) => self.keep(address, effects),
            Err(refused) => self.timer_failures.push(TimerFailure {
                contract: address,
                selector,
                time: self.time,
                refused,
            }),
        }
    }
}
