//! Calls and deployments tried on a state, which changes nothing.

use std::sync::Arc;

use alloy_primitives::{Address, B256, Bytes};
use wire::{
    committee::Committee,
    limits::{PENDING_INPUTS, PENDING_INPUTS_PER_SENDER, RUNNING_COMPUTATIONS},
    transaction::Deployment,
};

use super::{Modules, Place, logs, others::Others};
use crate::{
    CallOutcome, CallStatus, ContractFault, HostFault, ModuleError,
    computation::Phase,
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
    pub(super) then: Then,
}

/// What a trial would do.
pub(super) enum Then {
    /// Nothing.
    Nothing,
    /// A contract was called.
    Call {
        /// The contract.
        contract: Address,
        /// What the call does.
        effects: Effects,
        /// The type of the input that it takes.
        input: Option<u32>,
    },
    /// A contract is new.
    Deploy {
        /// Where it will live.
        address: Address,
        /// Its code.
        compiled: Arc<Compiled>,
        /// What its constructor does.
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
        let mut others = Others::of(to, committee, state, place);
        let call = Call {
            entry: input.map_or(Entry::Action, Entry::Input),
            calldata: self.data.clone(),
            context: place.context(committee, to, self.sender),
            storage: Arc::clone(&contract.storage),
            timers: contract.timers.clone(),
            next_computation: contract.computations,
            input: state.chain().next_input,
            tracing: None,
            fuel,
        };
        let outcome = contract.compiled.run(call, &mut others)?;
        let outcome = contract.deleting(busy(state, self.sender, outcome), fuel);
        let outcome = contract.starting(outcome);
        let (outcome, effects) = tell(&contract.compiled, outcome, intrinsic);
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
        let mut others = Others::of(address, committee, state, place);
        let call = Call {
            entry: Entry::Init,
            calldata: deployment.init,
            context: place.context(committee, address, self.sender),
            storage: Arc::default(),
            timers: Default::default(),
            next_computation: 0,
            input: 0,
            tracing: None,
            fuel,
        };
        let outcome = compiled.run(call, &mut others)?;
        let carried = intrinsic + compiled.describe_fuel;
        let (outcome, effects) = tell(&compiled, outcome, carried);
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

/// Refuses what would be one input or computation too many, and inputs under keys that are not in use.
pub(super) fn busy(state: &State, sender: Address, outcome: Outcome) -> Outcome {
    let of_sender = || state.queues.get(&sender).map_or(0, |queue| queue.len());
    if let Some(sealed) = &outcome.effects.taken {
        let (refresh, given) = (&state.jobs().refresh, sealed.key_epoch);
        if !refresh.accepts(given) {
            let current = refresh.epoch();
            return outcome.refused(ContractFault::KeyEpoch { given, current });
        }
    }
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
        // Those that wait for signatures only ask for little, and one node may withhold its own.
        let opened = |id: &&B256| {
            let computation = state.computation(**id);
            computation.is_some_and(|computation| computation.phase == Phase::Opened)
        };
        let opened = state.unfinished.iter().filter(opened).count();
        (state.unfinished.len() >= limit + opened).then_some(("unfinished computations", limit))
    } else {
        None
    };
    match full {
        Some((what, limit)) => outcome.refused(ContractFault::Busy { what, limit }),
        None => outcome,
    }
}

/// What users are told of a call, and its effects if it ended well.
fn tell(compiled: &Compiled, outcome: Outcome, carried: u64) -> (CallOutcome, Option<Effects>) {
    let (status, revert_reason) = explain(compiled, &outcome);
    let logs = logs(outcome.effects.events.clone());
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
pub(super) fn explain(compiled: &Compiled, outcome: &Outcome) -> (CallStatus, Option<String>) {
    match &outcome.ending {
        Ending::Ok => (CallStatus::Ok, None),
        Ending::Reverted => {
            let reason = compiled.interface.explain(&outcome.output);
            (CallStatus::Reverted, reason)
        }
        Ending::Fault(fault) => (CallStatus::Fault(fault.clone()), Some(fault.to_string())),
    }
}
