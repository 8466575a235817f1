//! The replicated state, in memory, with a Merkle root over all of it.
//!
//! Whatever changes goes through a method here that notes the place, so that only what changed is
//! hashed when the block ends.

mod keys;
mod tree;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
};

use alloy_primitives::{Address, B256, Bytes, FixedBytes, keccak256};
use serde::Serialize;
use wire::codec;

use crate::{
    computation::Computation, contract::Contract, input::Input, refresh::Refresh, reserve::Reserve,
    sandbox::Timers, suspicion::Standing,
};

pub use keys::StateKey;
pub(crate) use tree::Tree;
pub use tree::{BadProof, StateProof};

/// Something that the state machine owes, in the order in which it came due. It is done when a
/// block's fuel allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Work {
    /// Run a held input for real.
    DecideInput(B256),
    /// Freeze a computation's inputs and trace its program.
    Freeze(B256),
    /// Encode a computation's opened values.
    Encode(B256),
    /// Delete inputs that were only for a computation that was attested.
    Delete(Vec<B256>),
    /// Tell the contract that a computation was attested.
    TellAttested(B256),
    /// Tell the contract that a computation has failed.
    TellFailed(B256, wire::guest::Fault),
}

/// A contract's timer: its time in seconds since the Unix epoch, the contract, and the selector of the
/// function that it calls.
pub(crate) type Timer = (u64, Address, FixedBytes<4>);

/// What there is once.
#[derive(Clone, Debug, Default)]
pub(crate) struct Chain {
    /// How far time is ahead of the clocks, in milliseconds.
    pub(crate) offset_ms: u64,
    /// Requests to advance the time that took effect.
    pub(crate) time_requests: BTreeSet<B256>,
    /// Sequence of the next input.
    pub(crate) next_input: u64,
}

/// What jobs depend on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Jobs {
    /// How the nodes stand.
    pub(crate) standing: Standing,
    /// What attempts without one node use up.
    pub(crate) reserve: Reserve,
    /// To which keys inputs are sealed, and how they are shared.
    pub(crate) refresh: Refresh,
    /// Traced computations of which no attempt is under way, in the order of their turns.
    pub(crate) waiting: BTreeMap<u64, B256>,
    /// Turn of the next computation.
    pub(crate) next_turn: u64,
}

/// The state.
#[derive(Default)]
pub(crate) struct State {
    accounts: BTreeMap<Address, u64>,
    contracts: BTreeMap<Address, Contract>,
    inputs: BTreeMap<B256, Input>,
    computations: BTreeMap<B256, Computation>,
    chain: Chain,
    jobs: Jobs,
    tree: Tree,
    touched: BTreeSet<StateKey>,
    /// Secret results by contract and owner, oldest first.
    secrets: BTreeMap<(Address, Address), Vec<B256>>,
    /// The rows of each computation that has secret results.
    rows: BTreeMap<B256, Vec<B256>>,
    /// Undecided inputs by sequence.
    pub(crate) undecided: BTreeMap<u64, B256>,
    /// Undecided inputs of each sender, in ordering order.
    pub(crate) queues: BTreeMap<Address, VecDeque<B256>>,
    /// Computations that are neither attested nor failed.
    pub(crate) unfinished: BTreeSet<B256>,
    /// The timers of all contracts, in the order in which they go off.
    pub(crate) timers: BTreeSet<Timer>,
    /// What is owed.
    pub(crate) work: VecDeque<Work>,
}

impl State {
    pub(crate) fn nonce(&self, address: Address) -> u64 {
        self.accounts.get(&address).copied().unwrap_or(0)
    }

    pub(crate) fn set_nonce(&mut self, address: Address, nonce: u64) {
        self.touched.insert(StateKey::Account(address));
        self.accounts.insert(address, nonce);
    }

    pub(crate) fn contract(&self, address: Address) -> Option<&Contract> {
        self.contracts.get(&address)
    }

    pub(crate) fn contract_mut(&mut self, address: Address) -> Option<&mut Contract> {
        self.touched.insert(StateKey::Contract(address));
        self.contracts.get_mut(&address)
    }

    pub(crate) fn add_contract(&mut self, contract: Contract) {
        self.touched.insert(StateKey::Contract(contract.address));
        self.contracts.insert(contract.address, contract);
    }

    /// Changes a contract's public state.
    pub(crate) fn write(&mut self, address: Address, writes: BTreeMap<Vec<u8>, Option<Bytes>>) {
        let Some(contract) = self.contracts.get_mut(&address) else {
            return;
        };
        if writes.is_empty() {
            return;
        }
        let storage = Arc::make_mut(&mut contract.storage);
        for (key, value) in writes {
            match value {
                Some(value) => storage.insert(key.clone(), value),
                None => storage.remove(&key),
            };
            self.touched.insert(StateKey::Storage(address, key.into()));
        }
    }

    /// Changes a contract's timers, if a call has changed them.
    pub(crate) fn set_timers(&mut self, address: Address, timers: Option<Timers>) {
        let Some(timers) = timers else {
            return;
        };
        let Some(contract) = self.contract_mut(address) else {
            return;
        };
        let before = std::mem::replace(&mut contract.timers, timers.clone());
        for (selector, time) in before {
            self.timers.remove(&(time, address, selector));
        }
        let after = timers.into_iter();
        self.timers
            .extend(after.map(|(selector, time)| (time, address, selector)));
    }

    /// Clears a timer; false if it is not set, or to another time.
    pub(crate) fn disarm(&mut self, (time, address, selector): Timer) -> bool {
        let was_set = self.timers.remove(&(time, address, selector));
        if was_set && let Some(contract) = self.contract_mut(address) {
            contract.timers.remove(&selector);
        }
        was_set
    }

    pub(crate) fn input(&self, id: B256) -> Option<&Input> {
        self.inputs.get(&id)
    }

    pub(crate) fn input_mut(&mut self, id: B256) -> Option<&mut Input> {
        self.touched.insert(StateKey::Input(id));
        self.inputs.get_mut(&id)
    }

    /// Ids, in their order, of the inputs that may still be read and are sealed to keys of before an
    /// epoch. While they are shared anew, they stay the same.
    pub(crate) fn inputs_before(&self, epoch: u64) -> Vec<B256> {
        let is_kept = |input: &Input| input.decided_in.is_some() && input.sealed.is_some();
        let counts = |input: &Input| is_kept(input) && input.binding.key_epoch < epoch;
        let inputs = self.inputs.iter().filter(|(_, input)| counts(input));
        inputs.map(|(id, _)| *id).collect()
    }

    /// Addresses of all contracts.
    pub(crate) fn addresses(&self) -> Vec<Address> {
        self.contracts.keys().copied().collect()
    }

    pub(crate) fn add_input(&mut self, id: B256, input: Input) {
        self.touched.insert(StateKey::Input(id));
        self.inputs.insert(id, input);
    }

    /// Adds a row of a secret result.
    pub(crate) fn add_secret(&mut self, id: B256, input: Input) {
        let own = self.secrets.entry((input.contract, input.owner));
        own.or_default().push(id);
        if let Some(row) = input.row {
            self.rows.entry(row.computation).or_default().push(id);
        }
        self.add_input(id, input);
    }

    /// Secret results of a contract that an owner may read.
    pub(crate) fn secrets_of(&self, contract: Address, owner: Address) -> &[B256] {
        self.secrets
            .get(&(contract, owner))
            .map_or(&[], Vec::as_slice)
    }

    /// The rows of the secret results of a computation.
    pub(crate) fn rows_of(&self, computation: B256) -> &[B256] {
        self.rows.get(&computation).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn computation(&self, id: B256) -> Option<&Computation> {
        self.computations.get(&id)
    }

    pub(crate) fn computation_mut(&mut self, id: B256) -> Option<&mut Computation> {
        self.touched.insert(StateKey::Computation(id));
        self.computations.get_mut(&id)
    }

    pub(crate) fn add_computation(&mut self, id: B256, computation: Computation) {
        self.touched.insert(StateKey::Computation(id));
        self.computations.insert(id, computation);
    }

    pub(crate) const fn chain(&self) -> &Chain {
        &self.chain
    }

    pub(crate) fn chain_mut(&mut self) -> &mut Chain {
        self.touched.insert(StateKey::Chain);
        &mut self.chain
    }

    pub(crate) const fn jobs(&self) -> &Jobs {
        &self.jobs
    }

    pub(crate) fn jobs_mut(&mut self) -> &mut Jobs {
        self.touched.insert(StateKey::Jobs);
        &mut self.jobs
    }

    /// Hashes what has changed and returns the new root.
    pub(crate) fn commit(&mut self) -> B256 {
        for key in std::mem::take(&mut self.touched) {
            let value = self.encoded(&key).map(keccak256);
            self.tree.set(key.hash(), value);
        }
        self.tree.root()
    }

    /// What the tree commits to at a place, and the proof that it does. Only between blocks.
    pub(crate) fn prove(&self, key: &StateKey) -> (Option<Vec<u8>>, StateProof) {
        (self.encoded(key), self.tree.prove(key.hash()))
    }

    fn encoded(&self, key: &StateKey) -> Option<Vec<u8>> {
        match key {
            StateKey::Account(address) => {
                let nonce = self.accounts.get(address)?;
                Some(nonce.to_be_bytes().to_vec())
            }
            StateKey::Contract(address) => self.contracts.get(address).map(Contract::encode),
            StateKey::Storage(address, key) => {
                let value = self.contracts.get(address)?.storage.get(key.as_ref())?;
                Some(value.to_vec())
            }
            StateKey::Input(id) => self.inputs.get(id).map(Input::encode),
            StateKey::Computation(id) => self.computations.get(id).map(Computation::encode),
            StateKey::Chain => {
                let Chain {
                    offset_ms,
                    time_requests,
                    next_input,
                } = &self.chain;
                if (*offset_ms, *next_input) == (0, 0) {
                    return None;
                }
                Some(codec::encode(&(
                    offset_ms,
                    time_requests.len() as u64,
                    next_input,
                )))
            }
            StateKey::Jobs => {
                let changed = self.jobs != Jobs::default();
                changed.then(|| codec::encode(&self.jobs))
            }
        }
    }
}
