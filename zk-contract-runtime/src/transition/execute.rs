//! Users' transactions: tried, then, if they end well, done.

use std::sync::Arc;

use alloy_primitives::{Address, B256, Bytes};
use wire::{
    attestation::computation_id,
    committee::Committee,
    limits::{PENDING_INPUTS, PENDING_INPUTS_PER_SENDER, RUNNING_COMPUTATIONS},
    sealed::{Binding, SealedInput},
    transaction::{Deployment, Transaction},
};

use super::{Modules, Place, Transition, logs};
use crate::{
    CallOutcome, CallStatus, ContractFault, Event, HostFault, ModuleError, Receipt,
    computation::{Computation, Phase},
    contract::Contract,
    input::{Input, Status},
    sandbox::{Call, Compiled, Effects, Ending, Entry, Outcome, limits},
    state::State,
};

/// A call or a deployment to be tried.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attempt<'a> {
    /// Who sends it.
    pub(crate) sender: Address,
    /// The contract, or none for a deployment.
    pub(crate) to: Option<Address>,
    /// Calldata, or an encoded deployment.
    pub(crate) data: &'a Bytes,
    /// Fuel that it may use, with what it costs before it runs.
    pub(crate) gas: u64,
}

/// What came of trying.
pub(crate) struct Tried {
    /// What users are told.
    pub(crate) outcome: CallOutcome,
    /// What is to be done if it ended well.
    then: Then,
}

enum Then {
    Nothing,
    Call {
        contract: Address,
        effects: Effects,
        input: Option<u32>,
    },
    Deploy {
        address: Address,
        compiled: Arc<Compiled>,
        effects: Effects,
    },
}

impl Attempt<'_> {
    /// Tries it on a state, at a place, and changes nothing.
    ///
    /// # Errors
    /// [`HostFault`].
    pub(crate) fn run(
        &self,
        committee: &Committee,
        state: &State,
        modules: &Modules,
        place: Place,
    ) -> Result<Tried, HostFault> {
        let intrinsic = limits::intrinsic(self.data.len(), self.to.is_none());
        let Some(fuel) = self.gas.checked_sub(intrinsic) else {
            return Ok(Tried::failed(ContractFault::OutOfFuel, self.gas));
        };
        match self.to {
            Some(to) => self.call(committee, state, place, to, fuel, intrinsic),
            None => self.deploy(committee, state, modules, place, fuel, intrinsic),
        }
    }

    fn call(
        &self,
        committee: &Committee,
        state: &State,
        place: Place,
        to: Address,
        fuel: u64,
        intrinsic: u64,
    ) -> Result<Tried, HostFault> {
        let Some(contract) = state.contract(to) else {
            let reason = format!("there is no contract at {to}");
            return Ok(Tried::nothing(CallStatus::NoContract, intrinsic, reason));
        };
        let input = contract.compiled.interface.input_of(self.data);
        let outcome = contract.compiled.run(Call {
            entry: input.map_or(Entry::Action, Entry::Input),
            calldata: self.data.clone(),
            context: place.context(committee, to, self.sender),
            storage: Arc::clone(&contract.storage),
            next_computation: contract.computations,
            tracing: None,
            fuel,
        })?;
        let outcome = busy(state, self.sender, outcome);
        let (outcome, effects) = tell(&contract.compiled, to, outcome, intrinsic);
        let then = match effects {
            Some(effects) => Then::Call {
                contract: to,
                effects,
                input,
            },
            None => Then::Nothing,
        };
        Ok(Tried { outcome, then })
    }

    fn deploy(
        &self,
        committee: &Committee,
        state: &State,
        modules: &Modules,
        place: Place,
        fuel: u64,
        intrinsic: u64,
    ) -> Result<Tried, HostFault> {
        let deployment = match Deployment::decode(self.data) {
            Ok(deployment) => deployment,
            Err(error) => return Ok(Tried::refused(error.into(), intrinsic)),
        };
        let address = deployment.address(self.sender);
        if state.contract(address).is_some() {
            return Ok(Tried::refused(ModuleError::Exists(address), intrinsic));
        }
        let compiled = match modules.get(&deployment.code)? {
            Ok(compiled) => compiled,
            Err(error) => return Ok(Tried::refused(error, intrinsic)),
        };
        let Some(fuel) = fuel.checked_sub(compiled.describe_fuel) else {
            return Ok(Tried::failed(ContractFault::OutOfFuel, self.gas));
        };
        let outcome = compiled.run(Call {
            entry: Entry::Init,
            calldata: deployment.init,
            context: place.context(committee, address, self.sender),
            storage: Arc::default(),
            next_computation: 0,
            tracing: None,
            fuel,
        })?;
        let carried = intrinsic + compiled.describe_fuel;
        let (outcome, effects) = tell(&compiled, address, outcome, carried);
        let then = match effects {
            Some(effects) => Then::Deploy {
                address,
                compiled,
                effects,
            },
            None => Then::Nothing,
        };
        Ok(Tried { outcome, then })
    }
}

impl Tried {
    fn nothing(status: CallStatus, gas_used: u64, reason: String) -> Self {
        let outcome = CallOutcome {
            status,
            output: Bytes::new(),
            gas_used,
            logs: Vec::new(),
            revert_reason: Some(reason),
        };
        let then = Then::Nothing;
        Self { outcome, then }
    }

    fn failed(fault: ContractFault, gas_used: u64) -> Self {
        let reason = fault.to_string();
        Self::nothing(CallStatus::Fault(fault), gas_used, reason)
    }

    fn refused(error: ModuleError, gas_used: u64) -> Self {
        let reason = error.to_string();
        Self::nothing(CallStatus::Module(error), gas_used, reason)
    }
}

/// Refuses what would be one input or computation too many.
fn busy(state: &State, sender: Address, mut outcome: Outcome) -> Outcome {
    let of_sender = || state.queues.get(&sender).map_or(0, |queue| queue.len());
    let full = if outcome.effects.taken.is_some() {
        let limit = PENDING_INPUTS;
        let what = "undecided inputs";
        (state.undecided.len() >= limit)
            .then_some((what, limit))
            .or_else(|| {
                let limit = PENDING_INPUTS_PER_SENDER;
                (of_sender() >= limit).then_some(("undecided inputs of this sender", limit))
            })
    } else if outcome.effects.started.is_some() {
        let limit = RUNNING_COMPUTATIONS;
        (state.unfinished.len() >= limit).then_some(("unfinished computations", limit))
    } else {
        None
    };
    if let Some((what, limit)) = full {
        outcome.ending = Ending::Fault(ContractFault::Busy { what, limit });
        outcome.output = Bytes::new();
        outcome.effects = Effects::default();
    }
    outcome
}

/// What users are told of a call, and its effects if it ended well.
fn tell(
    compiled: &Compiled,
    contract: Address,
    outcome: Outcome,
    carried: u64,
) -> (CallOutcome, Option<Effects>) {
    let (status, revert_reason) = explain(compiled, &outcome);
    let logs = logs(contract, outcome.effects.events.clone());
    let kept = (status == CallStatus::Ok).then_some(outcome.effects);
    let told = CallOutcome {
        status,
        output: outcome.output,
        gas_used: outcome.fuel_used.saturating_add(carried),
        logs,
        revert_reason,
    };
    (told, kept)
}

/// How a call ended, and why, in words.
fn explain(compiled: &Compiled, outcome: &Outcome) -> (CallStatus, Option<String>) {
    match &outcome.ending {
        Ending::Ok => (CallStatus::Ok, None),
        Ending::Reverted => {
            let reason = compiled.interface.explain(&outcome.output);
            (CallStatus::Reverted, reason)
        }
        Ending::Fault(fault) => (CallStatus::Fault(fault.clone()), Some(fault.to_string())),
    }
}

impl Transition<'_> {
    /// Executes a user's transaction. Whatever comes of it, its nonce is used.
    ///
    /// # Errors
    /// [`HostFault`].
    pub(crate) fn execute(&mut self, tx: &Transaction) -> Result<(), HostFault> {
        let attempt = Attempt {
            sender: tx.sender,
            to: tx.to,
            data: &tx.data,
            gas: tx.gas_limit,
        };
        let tried = attempt.run(self.committee, self.state, self.modules, self.place)?;
        self.state.set_nonce(tx.sender, tx.nonce.saturating_add(1));
        let CallOutcome {
            status,
            output,
            gas_used,
            mut logs,
            revert_reason,
        } = tried.outcome;
        let mut contract_address = None;
        match tried.then {
            Then::Nothing => {}
            Then::Call {
                contract,
                effects,
                input: Some(number),
            } => {
                // A dry run: nothing of it stays but the input.
                logs.clear();
                if let Some(sealed) = effects.taken {
                    self.order(tx, contract, number, sealed);
                }
            }
            Then::Call {
                contract,
                effects,
                input: None,
            } => {
                self.state.write(contract, effects.writes);
                if let Some((number, context)) = effects.started {
                    self.start(tx.hash, contract, number, context);
                }
            }
            Then::Deploy {
                address,
                compiled,
                effects,
            } => {
                contract_address = Some(address);
                self.create(tx.sender, address, &compiled);
                self.state.write(address, effects.writes);
            }
        }
        let before = self.applied.receipts.last();
        let before = before.map_or(0, |receipt| receipt.cumulative_gas_used);
        self.applied.receipts.push(Receipt {
            tx_hash: tx.hash,
            from: tx.sender,
            to: tx.to,
            contract_address,
            status: status == CallStatus::Ok,
            gas_used,
            cumulative_gas_used: before.saturating_add(gas_used),
            logs,
            output,
            revert_reason,
        });
        Ok(())
    }

    fn create(&mut self, deployer: Address, address: Address, compiled: &Arc<Compiled>) {
        self.modules.keep(compiled);
        self.state.add_contract(Contract {
            address,
            deployer,
            compiled: Arc::clone(compiled),
            storage: Arc::default(),
            computations: 0,
            undecided: Default::default(),
            accepted: Default::default(),
            waiting: Vec::new(),
        });
        self.event(Event::ContractDeployed { address });
    }

    /// Gives an input its place in the order.
    fn order(&mut self, tx: &Transaction, address: Address, number: u32, sealed: SealedInput) {
        let id = tx.hash;
        let chain = self.state.chain_mut();
        let sequence = chain.next_input;
        chain.next_input += 1;
        let Some(contract) = self.state.contract_mut(address) else {
            return;
        };
        contract.undecided.insert(sequence, (id, number));
        let code_hash = contract.compiled.code_hash;
        self.state.undecided.insert(sequence, id);
        self.state
            .queues
            .entry(tx.sender)
            .or_default()
            .push_back(id);
        let binding = Binding {
            chain_id: self.committee.chain_id,
            epoch: self.committee.epoch,
            contract: address,
            code_hash,
            sender: tx.sender,
            nonce: tx.nonce,
            input: number,
            length: u32::try_from(sealed.masked.len()).unwrap_or(u32::MAX),
        };
        let input = Input {
            contract: address,
            owner: tx.sender,
            binding,
            sequence,
            ordered_in: self.place.block,
            ordered_ms: self.place.time_ms,
            decided_in: None,
            fuel: tx.gas_limit - limits::intrinsic(tx.data.len(), false).min(tx.gas_limit),
            data: tx.data.clone(),
            sealed: Some(Arc::new(sealed)),
            votes: [None; wire::limits::NODES],
            status: Status::Ordered,
        };
        self.state.add_input(id, input);
        self.event(Event::InputOrdered { id });
    }

    /// Registers a computation over all inputs that were ordered so far.
    fn start(&mut self, started_by: B256, address: Address, number: u32, context: B256) {
        let cutoff = self.state.chain().next_input;
        let Some(contract) = self.state.contract_mut(address) else {
            return;
        };
        let index = contract.computations;
        contract.computations += 1;
        let id = computation_id(address, index);
        contract.waiting.push(id);
        let computation = Computation {
            contract: address,
            index,
            number,
            context,
            started_by,
            started_in: self.place.block,
            cutoff,
            frozen: None,
            stopped: Default::default(),
            suspected: Default::default(),
            results: Default::default(),
            opened: None,
            attestation: None,
            digest: B256::ZERO,
            signatures: Default::default(),
            attested_in: None,
            phase: Phase::Waiting,
        };
        self.state.add_computation(id, computation);
        self.state.unfinished.insert(id);
        self.release(address);
    }
}
