//! What a block does to the state: statements of nodes, then users' transactions, and in between
//! and after them the work that has come due.

mod attempt;
mod computations;
mod execute;
mod guard;
mod inputs;
mod jobs;
mod modules;
mod others;
mod refresh;
mod results;
mod start;
mod timers;

use std::collections::BTreeSet;

use alloy_primitives::{Address, B256};
use wire::{
    committee::Committee,
    guest::{CONTEXT_BYTES, Context},
    limits::BLOCK_FUEL,
    node_transaction::{NodeMessage, NodeTransaction},
};

use crate::{
    Applied, Event, HostFault, Log, SystemLog,
    input::Vote,
    sandbox,
    state::{State, Work},
};

pub(crate) use attempt::Attempt;
pub(crate) use computations::checked;
pub(crate) use modules::Modules;
pub(crate) use start::Lack;

/// Furthest that one request moves time, in milliseconds: ten years.
const LONGEST_ADVANCE_MS: u64 = 10 * 365 * 24 * 3_600_000;

/// Where and when something runs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    /// Number of the block.
    pub(crate) block: u64,
    /// Its time, in milliseconds since the Unix epoch.
    pub(crate) time_ms: u64,
}

impl Place {
    /// The context of a call.
    pub(crate) fn context(
        &self,
        committee: &Committee,
        contract: Address,
        sender: Address,
    ) -> [u8; CONTEXT_BYTES] {
        let context = Context {
            sender: sender.into_array(),
            contract: contract.into_array(),
            chain_id: committee.chain_id,
            block: self.block,
            time: self.time_ms / 1_000,
        };
        context.encode()
    }
}

/// One block on its way into the state.
pub(crate) struct Transition<'a> {
    pub(crate) committee: &'a Committee,
    pub(crate) state: &'a mut State,
    pub(crate) modules: &'a mut Modules,
    /// The block.
    pub(crate) place: Place,
    /// Time of the clocks, without the offset of clusters for development, in milliseconds since the
    /// Unix epoch: what deadlines go by, so that they do not pass when time is moved.
    pub(crate) now_ms: u64,
    /// Fuel that is left for work that has come due.
    fuel: u64,
    /// What came of it so far.
    pub(crate) applied: Applied,
}

impl<'a> Transition<'a> {
    pub(crate) fn new(
        committee: &'a Committee,
        state: &'a mut State,
        modules: &'a mut Modules,
        place: Place,
        hash: B256,
    ) -> Self {
        let applied = Applied {
            hash,
            number: place.block,
            receipts: Vec::new(),
            system_logs: Vec::new(),
            events: Vec::new(),
        };
        let now_ms = place.time_ms.saturating_sub(state.chain().offset_ms);
        Self {
            committee,
            state,
            modules,
            place,
            now_ms,
            fuel: BLOCK_FUEL,
            applied,
        }
    }

    /// Takes in what a node says. What makes no sense, or was said before, changes nothing.
    pub(crate) fn hear(&mut self, transaction: &NodeTransaction) {
        let (node, now_ms) = (transaction.node, self.now_ms);
        let mut signed = BTreeSet::new();
        let mut has_key = false;
        for message in &transaction.messages {
            match message {
                NodeMessage::Hold { inputs } => {
                    inputs
                        .iter()
                        .for_each(|id| self.vote(*id, node, Vote::Hold));
                }
                NodeMessage::Missing { inputs } => {
                    inputs
                        .iter()
                        .for_each(|id| self.vote(*id, node, Vote::Missing));
                }
                NodeMessage::Join {
                    job,
                    attempt,
                    nonce,
                } => self.join(*job, node, *attempt, *nonce),
                NodeMessage::Stop {
                    job,
                    attempt,
                    reason,
                } => self.about(*job, *attempt, |a| a.stop(node, reason, now_ms)),
                NodeMessage::Statement {
                    job,
                    attempt,
                    digest,
                } => self.about(*job, *attempt, |a| a.state(node, *digest)),
                NodeMessage::Ready {
                    job,
                    attempt,
                    commitments,
                } => self.about(*job, *attempt, |a| a.ready(node, commitments, now_ms)),
                NodeMessage::Open { job, components } => self.open_components(*job, components),
                NodeMessage::Here => self.come(node),
                NodeMessage::Attest {
                    computation,
                    signature,
                } => {
                    // Checking a signature takes time: one for each computation.
                    if signed.insert(*computation) {
                        self.attest(*computation, node, *signature);
                    }
                }
                NodeMessage::SealKey { epoch, key } => {
                    // Likewise: the first.
                    if !std::mem::replace(&mut has_key, true) {
                        self.seal_key(node, *epoch, key);
                    }
                }
                NodeMessage::AdvanceTime { request, by_ms } => self.advance_time(*request, *by_ms),
            }
        }
    }

    /// Moves time forward, once for each request, on clusters for development.
    fn advance_time(&mut self, request: B256, by_ms: u64) {
        let done = self.state.chain().time_requests.contains(&request);
        if !self.committee.dev || done || by_ms > LONGEST_ADVANCE_MS {
            return;
        }
        let chain = self.state.chain_mut();
        chain.time_requests.insert(request);
        chain.offset_ms = chain.offset_ms.saturating_add(by_ms);
    }

    /// Does what has come due, as far as the block's fuel goes; the rest stays for the next block.
    /// Then begins the attempts that can begin.
    ///
    /// # Errors
    /// [`HostFault`].
    pub(crate) fn settle(&mut self) -> Result<(), HostFault> {
        while self.fuel > 0 {
            let Some(work) = self.state.work.pop_front() else {
                break;
            };
            let used = match work {
                Work::DecideInput(id) => self.decide(id)?,
                Work::Freeze(id) => self.freeze(id)?,
                Work::Encode(id) => self.encode(id)?,
                Work::Delete(ids) => self.delete_used(&ids),
                Work::TellAttested(id) => self.tell_attested(id)?,
                Work::TellFailed(id, fault) => self.tell_failed(id, fault)?,
            };
            self.fuel = self.fuel.saturating_sub(used);
        }
        self.begin_attempts();
        Ok(())
    }

    fn event(&mut self, event: Event) {
        self.applied.events.push(event);
    }

    /// Keeps the events of a call that no transaction of this block made.
    fn system_logs(&mut self, tx_hash: B256, events: Vec<sandbox::Event>) {
        let logs = logs(events).into_iter();
        let logs = logs.map(|log| SystemLog { tx_hash, log });
        self.applied.system_logs.extend(logs);
    }
}

/// Events as logs.
pub(crate) fn logs(events: Vec<sandbox::Event>) -> Vec<Log> {
    let log = |event: sandbox::Event| Log {
        address: event.contract,
        topics: event.topics,
        data: event.data,
    };
    events.into_iter().map(log).collect()
}

#[cfg(test)]
mod tests;
