//! Votes on inputs, and verdicts.

use std::{collections::BTreeSet, sync::Arc};

use alloy_primitives::{Address, B256, Bytes};
use wire::guest::Deletion;

use super::{Place, Transition, others::Others};
use crate::{
    Event, HostFault,
    computation::Computation,
    contract::inputs::Accepted,
    input::{Status, Verdict, Vote},
    sandbox::{Call, Ending, Entry, Marks, limits},
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
            input: sequence,
            tracing: None,
            fuel: input.fuel,
        };
        let mut outcome = contract.compiled.run(call, &mut others)?;
        match outcome.ending {
            Ending::Ok => {
                let Marks {
                    group,
                    tag,
                    replaces,
                } = outcome.effects.marks;
                let accepted = Accepted {
                    sequence,
                    id,
                    number,
                    group,
                    owner: input.owner,
                };
                self.keep(address, &mut outcome.effects);
                self.system_logs(id, outcome.effects.events);
                if let Some(input) = self.state.input_mut(id) {
                    (input.group, input.tag) = (group, tag);
                }
                self.event(Event::InputAccepted { id });
                self.accept(address, accepted, replaces);
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

    /// Adds an input to those that count, in place of its owner's earlier ones if it replaces them.
    fn accept(&mut self, address: Address, input: Accepted, replaces: bool) {
        let Some(contract) = self.state.contract_mut(address) else {
            return;
        };
        contract.accepted.accept(input);
        if !replaces {
            return;
        }
        for id in contract.accepted.replace(&input) {
            if let Some(earlier) = self.state.input_mut(id) {
                earlier.status = Status::Replaced(input.id);
            }
        }
        self.forget_unread(address);
    }

    /// Lets inputs of a contract that these deletions name count no more.
    pub(super) fn delete(&mut self, address: Address, deletions: &[Deletion]) {
        for deletion in deletions {
            let contract = self.state.contract(address);
            let named = contract.map(|c| c.accepted.named(deletion));
            for sequence in named.unwrap_or_default() {
                self.delete_one(address, sequence);
            }
        }
        if !deletions.is_empty() {
            self.forget_unread(address);
        }
    }

    /// Deletes the inputs of a computation that was attested. Returns the fuel used.
    pub(super) fn delete_used(&mut self, ids: &[B256]) -> u64 {
        let mut of = None;
        for id in ids {
            if let Some(input) = self.state.input(*id) {
                let (address, sequence) = (input.contract, input.sequence);
                self.delete_one(address, sequence);
                of = Some(address);
            }
        }
        if let Some(address) = of {
            self.forget_unread(address);
        }
        limits::DELETE_INPUT * ids.len() as u64
    }

    fn delete_one(&mut self, address: Address, sequence: u64) {
        let Some(contract) = self.state.contract_mut(address) else {
            return;
        };
        let from = contract.computations;
        let id = contract.accepted.delete(sequence, from);
        if let Some(input) = id.and_then(|id| self.state.input_mut(id)) {
            input.status = Status::Deleted;
        }
    }

    /// Drops what has left at once if no computation reads inputs of the contract; else it is done
    /// when one ends.
    fn forget_unread(&mut self, address: Address) {
        if self.readers(address).next().is_none() {
            self.forget_inputs(address);
        }
    }

    /// The computations of a contract that wait for their inputs or run over them.
    fn readers(&self, address: Address) -> impl Iterator<Item = &Computation> {
        let unfinished = self.state.unfinished.iter();
        unfinished
            .filter_map(|id| self.state.computation(*id))
            .filter(move |c| c.contract == address && c.reads_inputs())
    }

    /// Drops the sealed parts of inputs that have left and that no computation reads any more; not
    /// while inputs are shared anew, after which it is done.
    pub(super) fn forget_inputs(&mut self, address: Address) {
        if self.state.jobs().refresh.is_sharing() {
            return;
        }
        let contract = self.state.contract(address);
        let Some(leaving) = contract
            .map(|c| c.accepted.leaving())
            .filter(|l| !l.is_empty())
        else {
            return;
        };
        let (mut views, mut used) = (Vec::new(), BTreeSet::new());
        for computation in self.readers(address) {
            match &computation.frozen {
                // What it names it reads, also if it has left since.
                None if computation.names_inputs() => return,
                None => views.push(computation.view()),
                Some(frozen) => {
                    let inputs = frozen.inputs.iter().map(|(id, _)| *id);
                    used.extend(inputs.filter(|id| leaving.contains(id)));
                }
            }
        }
        let Some(contract) = self.state.contract_mut(address) else {
            return;
        };
        for id in contract.accepted.forget(&views, &used) {
            if let Some(input) = self.state.input_mut(id) {
                input.sealed = None;
            }
            self.event(Event::InputDropped { id });
        }
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
