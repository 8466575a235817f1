//! Votes on inputs, and verdicts.

use std::sync::Arc;

use alloy_primitives::{Address, B256, Bytes};

use super::{Place, Transition, others::Others};
use crate::{
    Event, HostFault,
    input::{Status, Verdict, Vote},
    sandbox::{Call, Ending, Entry},
    state::Work,
};

const MISSING: &str = "two nodes could get their seeds neither from the seal nor from the others";

impl Transition<'_> {
    /// Counts a node's vote on an input.
    pub(super) fn vote(&mut self, id: B256, node: u8, vote: Vote) {
        let ordered = self
            .state
            .input(id)
            .is_some_and(|i| i.status == Status::Ordered);
        if !ordered {
            return;
        }
        let Some(input) = self.state.input_mut(id) else {
            return;
        };
        match input.vote(node, vote) {
            None => {}
            Some(Verdict::Held) => {
                input.status = Status::Held;
                let owner = input.owner;
                // Unless an earlier one of the sender is undecided.
                if self.next_of(owner) == Some(id) {
                    self.state.work.push_back(Work::DecideInput(id));
                }
            }
            Some(Verdict::Missing) => self.reject(id, MISSING.to_owned(), Bytes::new()),
        }
    }

    /// The first undecided input of a sender.
    fn next_of(&self, owner: Address) -> Option<B256> {
        self.state.queues.get(&owner)?.front().copied()
    }

    /// Runs a held input for real, as if at its place in the order. Returns the fuel used.
    ///
    /// # Errors
    /// [`HostFault`].
    pub(super) fn decide(&mut self, id: B256) -> Result<u64, HostFault> {
        let Some(input) = self.state.input(id).filter(|i| i.status == Status::Held) else {
            return Ok(0);
        };
        let address = input.contract;
        let Some(contract) = self.state.contract(address) else {
            return Ok(0);
        };
        let place = Place {
            block: input.ordered_in,
            time_ms: input.ordered_ms,
        };
        let (number, sequence) = (input.binding.input, input.sequence);
        let mut others = Others::of(address, self.committee, self.state, place);
        let call = Call {
            entry: Entry::Input(number),
            calldata: input.data.clone(),
            context: place.context(self.committee, address, input.owner),
            storage: Arc::clone(&contract.storage),
            timers: contract.timers.clone(),
            next_computation: contract.computations,
            tracing: None,
            fuel: input.fuel,
        };
        let mut outcome = contract.compiled.run(call, &mut others)?;
        match outcome.ending {
            Ending::Ok => {
                self.keep(address, &mut outcome.effects);
                self.system_logs(id, outcome.effects.events);
                if let Some(contract) = self.state.contract_mut(address) {
                    let accepted = contract.accepted.entry(number).or_default();
                    accepted.insert(sequence, id);
                }
                self.event(Event::InputAccepted { id });
                self.decided(id, Status::Accepted);
            }
            Ending::Reverted => {
                let reason = contract.compiled.interface.explain(&outcome.output);
                let reason = reason.unwrap_or_else(|| "the contract refused".to_owned());
                self.reject(id, reason, outcome.output);
            }
            Ending::Fault(fault) => self.reject(id, fault.to_string(), Bytes::new()),
        }
        Ok(outcome.fuel_used)
    }

    fn reject(&mut self, id: B256, reason: String, data: Bytes) {
        self.event(Event::InputRejected { id });
        self.decided(id, Status::Rejected { reason, data });
    }

    /// Keeps a verdict, and lets what waited for it go on: the sender's next input, and
    /// computations.
    fn decided(&mut self, id: B256, status: Status) {
        let block = self.place.block;
        let Some(input) = self.state.input_mut(id) else {
            return;
        };
        if matches!(status, Status::Rejected { .. }) {
            input.sealed = None;
        }
        input.status = status;
        input.decided_in = Some(block);
        input.data = Bytes::new();
        let (owner, sequence, address) = (input.owner, input.sequence, input.contract);
        let number = input.binding.input;
        self.state.undecided.remove(&sequence);
        if let Some(contract) = self.state.contract_mut(address)
            && let Some(undecided) = contract.undecided.get_mut(&number)
        {
            undecided.remove(&sequence);
        }
        let was_next = self.next_of(owner) == Some(id);
        if let Some(queue) = self.state.queues.get_mut(&owner) {
            queue.retain(|other| *other != id);
            if queue.is_empty() {
                self.state.queues.remove(&owner);
            }
        }
        if was_next {
            let next = self.next_of(owner);
            let held = |id: &B256| {
                let input = self.state.input(*id);
                input.is_some_and(|input| input.status == Status::Held)
            };
            if let Some(next) = next.filter(held) {
                self.state.work.push_back(Work::DecideInput(next));
            }
        }
        self.release(address);
    }
}
