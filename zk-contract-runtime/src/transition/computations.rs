//! What becomes of computations: inputs frozen, programs traced, results and signatures counted.

use std::{collections::BTreeMap, sync::Arc};

use alloy_primitives::{Address, B256, Bytes};
use mpc_engine::{OpenedParts, Plan};
use wire::{
    attestation::Attestation,
    guest::Fault,
    kind::InputType,
    limits::{
        CALL_FUEL, MOST_RESERVE_LOTS, SESSION_FRAME_BYTES, SESSION_LINK_BYTES, SESSION_ROUNDS,
        SESSIONS_MEMORY_BYTES, TRACE_FUEL,
    },
    receipt::{self, InputTree},
    signing::{self, Signature},
};

use super::{Transition, others::Others};
use crate::{
    Amounts, ContractFault, Event, HostFault,
    computation::{Computation, Frozen, Phase},
    contract::{Contract, guard::Sequences},
    reserve::LOT,
    sandbox::{Call, Ending, Entry, Outcome, Rows, Traced, Tracing},
    state::Work,
};

/// Fuel that freezing one input stands for.
const FREEZE_INPUT_FUEL: u64 = 2_000;
/// How many inputs are deleted before other work goes on.
const DELETED_AT_ONCE: usize = 1_000;
/// Fuel that comparing the inputs with a range of earlier ones stands for.
const COMPARE_RANGE_FUEL: u64 = 20;

impl Transition<'_> {
    /// Puts those computations of a contract to work whose inputs are all decided.
    pub(super) fn release(&mut self, address: Address) {
        let Some(contract) = self.state.contract(address) else {
            return;
        };
        let ready = |id: &B256| {
            self.state.computation(*id).is_none_or(|computation| {
                let types = match computation.names_inputs() {
                    true => contract.made_by(computation.number),
                    false => contract.awaited_by(computation.number),
                };
                let mut undecided = contract.undecided_before(computation.cutoff, &types);
                undecided.next().is_none()
            })
        };
        let ready: Vec<_> = contract.waiting.iter().copied().filter(ready).collect();
        if ready.is_empty() {
            return;
        }
        if let Some(contract) = self.state.contract_mut(address) {
            contract.waiting.retain(|id| !ready.contains(id));
        }
        self.state.work.extend(ready.into_iter().map(Work::Freeze));
    }

    /// Freezes the inputs of a computation, traces its program and lets it wait for its first
    /// attempt. Returns the fuel used.
    ///
    /// # Errors
    /// [`HostFault`].
    pub(super) fn freeze(&mut self, id: B256) -> Result<u64, HostFault> {
        let Some((computation, contract)) = self.find(id) else {
            return Ok(0);
        };
        let types = contract.types_of(computation.number);
        let options = &computation.options;
        let inputs = contract
            .accepted
            .select(&options.selection, types, computation.view());
        let mut rows: BTreeMap<u32, Rows> = types.iter().map(|ty| (*ty, Rows::default())).collect();
        for input in &inputs {
            let tag = self.state.input(input.id).map_or(0, |input| input.tag);
            rows.entry(input.number).or_default().push(input.owner, tag);
        }
        let guarded = contract.guarded(computation.number);
        let guarded = guarded.map(|(number, least)| {
            let of_type = inputs.iter().filter(|input| input.number == number);
            let set: Sequences = of_type.map(|input| input.sequence).collect();
            (number, least, set)
        });
        let inputs: Vec<_> = inputs.iter().map(|i| (i.id, i.number)).collect();
        let freezing = FREEZE_INPUT_FUEL * inputs.len() as u64
            + COMPARE_RANGE_FUEL * contract.guard.ranges() as u64;
        let (number, address) = (computation.number, contract.address);
        let arguments = options.arguments.clone();
        if let Some(guarded) = &guarded
            && let Err((fault, reason)) = self.guard(address, guarded)
        {
            self.fail(id, fault, reason);
            return Ok(freezing);
        }
        let Some(contract) = self.state.contract(address) else {
            return Ok(freezing);
        };
        let mut calldata = number.to_be_bytes().to_vec();
        calldata.extend_from_slice(&arguments);
        let results = contract.compiled.interface.results_of(number);
        let tracing = Some(Tracing::new(rows, results));
        let outcome = self.tell(contract, Entry::Compute, calldata, tracing, TRACE_FUEL)?;
        let used = outcome.fuel_used + freezing;
        match checked(outcome) {
            Ok((traced, reserve_plan)) => {
                if let Some((number, least, set)) = guarded
                    && let Some(contract) = self.state.contract_mut(address)
                {
                    contract.guard.keep(number, least, set);
                }
                self.run(id, inputs, traced, &reserve_plan);
            }
            Err(reason) => self.fail(id, Fault::Program, reason),
        }
        Ok(used)
    }

    fn run(&mut self, id: B256, inputs: Vec<(B256, u32)>, traced: Traced, reserve_plan: &Plan) {
        let Traced { program, results } = traced;
        let leaves = inputs.iter().filter_map(|(id, _)| {
            let input = self.state.input(*id)?;
            let sealed = input.sealed.as_deref()?;
            Some(receipt::leaf_of(*id, input.owner, sealed))
        });
        let plan = program.plan();
        let frozen = Frozen {
            tree: Arc::new(InputTree::new(leaves.collect())),
            input_count: inputs.len() as u64,
            inputs: inputs.into(),
            program_hash: B256::from(program.hash()),
            rounds: plan.rounds as u64,
            session_bytes: plan.memory_bytes.max(reserve_plan.memory_bytes),
            need: program.reserve_need(),
            takes_seed: program.is_random() || program.has_secret_results(),
            results,
            program: Some(Arc::new(program)),
        };
        if let Some(computation) = self.state.computation_mut(id) {
            computation.frozen = Some(frozen);
            self.enqueue(id);
        }
    }

    /// Lets the contract encode what was opened, and fixes what is to be signed. Returns the fuel
    /// used.
    ///
    /// # Errors
    /// [`HostFault`].
    pub(super) fn encode(&mut self, id: B256) -> Result<u64, HostFault> {
        let Some((computation, contract)) = self.find(id) else {
            return Ok(0);
        };
        let Some(parts) = parts(computation, contract) else {
            return Ok(0);
        };
        let mut calldata = computation.number.to_be_bytes().to_vec();
        let opened = computation.opened.iter().flatten();
        calldata.extend(opened.take(parts.public));
        let outcome = self.tell(contract, Entry::Encode, calldata, None, CALL_FUEL)?;
        let code_hash = contract.compiled.code_hash;
        match outcome.ending {
            Ending::Ok => {
                self.add_rows(id, &parts);
                self.open(id, code_hash, outcome.output);
            }
            ref ending => {
                let reason = format!("the contract could not encode the result: {}", why(ending));
                self.fail(id, Fault::Output, reason);
            }
        }
        Ok(outcome.fuel_used)
    }

    fn open(&mut self, id: B256, code_hash: B256, output: Bytes) {
        let committee = self.committee;
        let Some(computation) = self.state.computation_mut(id) else {
            return;
        };
        let Some(frozen) = &mut computation.frozen else {
            return;
        };
        frozen.release(computation.options.delete_after);
        let address = computation.contract;
        let attestation = Attestation {
            l2ChainId: committee.chain_id,
            l2Contract: computation.contract,
            codeHash: code_hash,
            computationId: id,
            programHash: frozen.program_hash,
            inputRoot: frozen.tree.root(),
            inputCount: frozen.input_count,
            context: computation.options.context,
            epoch: committee.epoch,
            output,
        };
        computation.digest = attestation.digest(&committee.l1);
        computation.attestation = Some(attestation);
        computation.phase = Phase::Opened;
        self.event(Event::Opened { computation: id });
        self.forget_inputs(address);
        self.leave_place(id);
    }

    /// Checks and counts a node's signature of an attestation. Those after the third are kept too.
    pub(super) fn attest(&mut self, id: B256, node: u8, signature: Signature) {
        let Some(computation) = self.state.computation(id) else {
            return;
        };
        let place = usize::from(node);
        let known = computation
            .signatures
            .get(place)
            .is_some_and(Option::is_some);
        if computation.attestation.is_none() || known {
            return;
        }
        let signer = signing::recover("attestation", computation.digest, &signature).ok();
        let expected = self.committee.nodes.get(place).map(|node| node.address);
        if signer.is_none() || signer != expected {
            return;
        }
        let block = self.place.block;
        if let Some(computation) = self.state.computation_mut(id)
            && computation.signature(node, signature)
        {
            computation.phase = Phase::Attested;
            computation.attested_in = Some(block);
            let frozen = computation.frozen.as_mut();
            let inputs = frozen.map(|frozen| std::mem::take(&mut frozen.inputs));
            self.state.unfinished.remove(&id);
            for inputs in inputs.unwrap_or_default().chunks(DELETED_AT_ONCE) {
                let ids = inputs.iter().map(|(id, _)| *id).collect();
                self.state.work.push_back(Work::Delete(ids));
            }
            self.state.work.push_back(Work::TellAttested(id));
            self.event(Event::Attested { computation: id });
        }
    }

    pub(super) fn fail(&mut self, id: B256, fault: Fault, reason: String) {
        if let Some(computation) = self.state.computation_mut(id) {
            computation.phase = Phase::Failed { fault, reason };
            computation.attempts = None;
            if let Some(frozen) = &mut computation.frozen {
                frozen.release(false);
            }
            let address = computation.contract;
            self.forget_inputs(address);
        }
        self.state.unfinished.remove(&id);
        self.state.work.push_back(Work::TellFailed(id, fault));
        self.event(Event::Failed { computation: id });
        self.leave_place(id);
    }

    /// Tells the contract that a computation was attested; what it does then is kept if it ends
    /// well. Returns the fuel used.
    ///
    /// # Errors
    /// [`HostFault`].
    pub(super) fn tell_attested(&mut self, id: B256) -> Result<u64, HostFault> {
        let Some((computation, _)) = self.find(id) else {
            return Ok(0);
        };
        let output = computation.attestation.as_ref().map(|a| a.output.clone());
        self.call_back(id, Entry::Attested, &output.unwrap_or_default())
    }

    /// Tells the contract that a computation has failed, likewise.
    ///
    /// # Errors
    /// [`HostFault`].
    pub(super) fn tell_failed(&mut self, id: B256, fault: Fault) -> Result<u64, HostFault> {
        self.call_back(id, Entry::Failed, &(fault as u32).to_be_bytes())
    }

    fn call_back(&mut self, id: B256, entry: Entry, last: &[u8]) -> Result<u64, HostFault> {
        let Some((computation, contract)) = self.find(id) else {
            return Ok(0);
        };
        let mut calldata = computation.number.to_be_bytes().to_vec();
        calldata.extend_from_slice(&computation.index.to_be_bytes());
        calldata.extend_from_slice(last);
        let (started_by, address) = (computation.started_by, contract.address);
        let outcome = self.tell(contract, entry, calldata, None, CALL_FUEL)?;
        let mut outcome = contract.deleting(outcome, CALL_FUEL);
        if outcome.ending == Ending::Ok {
            self.keep(address, &mut outcome.effects);
            self.delete(address, &outcome.effects.deletions);
            self.system_logs(started_by, outcome.effects.events);
        }
        Ok(outcome.fuel_used)
    }

    /// Calls a contract in the name of nobody.
    fn tell(
        &self,
        contract: &Contract,
        entry: Entry,
        calldata: Vec<u8>,
        tracing: Option<Tracing>,
        fuel: u64,
    ) -> Result<Outcome, HostFault> {
        let place = self.place;
        let mut others = Others::of(contract.address, self.committee, self.state, place);
        let call = Call {
            entry,
            calldata: calldata.into(),
            context: place.context(self.committee, contract.address, Address::ZERO),
            storage: Arc::clone(&contract.storage),
            timers: contract.timers.clone(),
            next_computation: contract.computations,
            input: 0,
            tracing,
            fuel,
        };
        contract.compiled.run(call, &mut others)
    }

    pub(super) fn find(&self, id: B256) -> Option<(&Computation, &Contract)> {
        let computation = self.state.computation(id)?;
        let contract = self.state.contract(computation.contract)?;
        Some((computation, contract))
    }
}

/// The traced program and its plan without one node, if the nodes can run both.
pub(crate) fn checked(outcome: Outcome) -> Result<(Traced, Plan), String> {
    let traced = match (outcome.ending, outcome.program) {
        (Ending::Ok, Some(traced)) => traced,
        (ending, _) => {
            let why = why(&ending);
            return Err(format!("the program could not be traced: {why}"));
        }
    };
    let program = &traced.program;
    check(&program.plan(), "")?;
    let reserve_plan = program.reserve_plan();
    check(&reserve_plan, " without one node")?;
    check_need(&program.reserve_need())?;
    Ok((traced, reserve_plan))
}

/// Whether the largest reserve holds what a session without one node takes.
pub(super) fn check_need(need: &Amounts) -> Result<(), String> {
    let lots = u64::from(MOST_RESERVE_LOTS);
    for (what, actual, lot) in [
        ("bit triples", need.bits, LOT.bits),
        ("triples of 64-bit numbers", need.r64, LOT.r64),
        ("triples of 128-bit numbers", need.r128, LOT.r128),
    ] {
        let limit = lots * lot;
        if actual > limit {
            return Err(format!(
                "the program takes {actual} {what} of the reserve without one node, and the \
                 largest reserve holds {limit}"
            ));
        }
    }
    Ok(())
}

/// Whether the nodes can run a session with this plan.
fn check(plan: &Plan, how: &str) -> Result<(), String> {
    let link_bytes = plan.link_bytes.iter().flatten().copied().max();
    for (what, actual, limit) in [
        (
            "bytes in a frame",
            plan.largest_frame as u64,
            SESSION_FRAME_BYTES as u64,
        ),
        ("rounds", plan.rounds as u64, SESSION_ROUNDS as u64),
        (
            "bytes on a link",
            link_bytes.unwrap_or_default(),
            SESSION_LINK_BYTES,
        ),
        ("bytes of memory", plan.memory_bytes, SESSIONS_MEMORY_BYTES),
    ] {
        if actual > limit {
            return Err(format!(
                "the program takes {actual} {what}{how}, and at most {limit} are allowed"
            ));
        }
    }
    Ok(())
}

/// What was opened of a computation, taken apart.
fn parts(computation: &Computation, contract: &Contract) -> Option<OpenedParts> {
    let program = computation.frozen.as_ref()?.program.as_ref()?;
    let results = contract.compiled.interface.results_of(computation.number);
    let types: Vec<InputType> = results.into_iter().map(|(_, ty)| ty).collect();
    OpenedParts::of(program, &types, computation.opened.as_ref()?)
}

fn why(ending: &Ending) -> String {
    match ending {
        Ending::Fault(fault) => ContractFault::to_string(fault),
        Ending::Ok | Ending::Reverted => "it refused".to_owned(),
    }
}
