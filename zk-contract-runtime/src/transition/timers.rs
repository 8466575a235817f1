//! Contracts' timers: calls that a contract makes to itself at a time that it has set.

use std::sync::Arc;

use alloy_primitives::{B256, keccak256};
use wire::{
    codec,
    limits::{BLOCK_TIMERS, CALL_FUEL, TIMER_PAUSE_S},
    rpc::TimerFailure,
};

use super::{
    Transition,
    attempt::{busy, explain},
    others::Others,
};
use crate::{
    ContractFault, HostFault,
    sandbox::{Call, Ending, Entry},
    state::Timer,
};

impl Transition<'_> {
    /// Lets the timers go off that were due when the block began, the earliest first. Those that the
    /// fuel does not suffice for, and those that are set by these calls, wait for the next block.
    ///
    /// # Errors
    /// [`HostFault`].
    pub(crate) fn fire_timers(&mut self) -> Result<(), HostFault> {
        let now = self.place.time_ms / 1_000;
        let due = self.state.timers.iter().take_while(|timer| timer.0 <= now);
        let due: Vec<_> = due.copied().take(BLOCK_TIMERS).collect();
        let mut fuel = CALL_FUEL;
        for timer in due {
            if fuel == 0 {
                break;
            }
            // A call before this one may have cleared it.
            if self.state.disarm(timer) {
                fuel = fuel.saturating_sub(self.fire(timer)?);
            }
        }
        Ok(())
    }

    /// Makes the call of a timer, which is not set any more. Returns the fuel used.
    fn fire(&mut self, (_, address, selector): Timer) -> Result<u64, HostFault> {
        let Some(contract) = self.state.contract(address) else {
            return Ok(0);
        };
        let mut others = Others::of(address, self.committee, self.state, self.place);
        let call = Call {
            entry: Entry::Action,
            calldata: selector.to_vec().into(),
            context: self.place.context(self.committee, address, address),
            storage: Arc::clone(&contract.storage),
            timers: contract.timers.clone(),
            next_computation: contract.computations,
            input: 0,
            tracing: None,
            fuel: CALL_FUEL,
        };
        let outcome = contract.compiled.run(call, &mut others)?;
        let outcome = contract.deleting(busy(self.state, address, outcome), CALL_FUEL);
        let mut outcome = contract.starting(outcome);
        let (_, reason) = explain(&contract.compiled, &outcome);
        let block = self.place.block;
        match outcome.ending {
            Ending::Ok => {
                let id = call_id((block, address, selector));
                self.keep(address, &mut outcome.effects);
                self.system_logs(id, outcome.effects.events);
                self.delete(address, &outcome.effects.deletions);
                if let Some((number, options)) = outcome.effects.started {
                    self.start(id, address, number, options);
                }
            }
            Ending::Fault(ContractFault::Busy { .. }) => {
                let mut timers = contract.timers.clone();
                timers.insert(selector, self.place.time_ms / 1_000 + TIMER_PAUSE_S);
                self.state.set_timers(address, Some(timers));
            }
            Ending::Reverted | Ending::Fault(_) => {
                if let Some(contract) = self.state.contract_mut(address) {
                    contract.timer_failure = Some(TimerFailure {
                        selector,
                        block,
                        reason: reason.unwrap_or_else(|| "the contract refused".to_owned()),
                    });
                }
            }
        }
        Ok(outcome.fuel_used)
    }
}

/// What stands for the transaction of a call by a timer: block, contract and selector.
fn call_id(call: Timer) -> B256 {
    keccak256(codec::encode(&("quartet v1 timer", call)))
}
