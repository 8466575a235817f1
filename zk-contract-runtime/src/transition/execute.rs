//! Users' transactions: tried, and done if the trial ends well.

use std::sync::Arc;

use alloy_primitives::{Address, B256};
use wire::{
    attestation::computation_id,
    guest::StartOptions,
    sealed::{Binding, SealedInput},
    transaction::Transaction,
};

use super::{
    Transition,
    attempt::{Attempt, Then},
};
use crate::{
    CallOutcome, CallStatus, Event, HostFault, Receipt,
    computation::{Computation, Phase},
    contract::Contract,
    input::{Input, Status},
    sandbox::{Compiled, limits},
};

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
                mut effects,
                input: None,
            } => {
                self.keep(contract, &mut effects);
                self.delete(contract, &effects.deletions);
                if let Some((number, options)) = effects.started {
                    self.start(tx.hash, contract, number, options);
                }
            }
            Then::Deploy {
                address,
                compiled,
                mut effects,
            } => {
                contract_address = Some(address);
                self.create(tx.sender, address, &compiled);
                self.keep(address, &mut effects);
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
            timers: Default::default(),
            timer_failure: None,
            computations: 0,
            undecided: Default::default(),
            accepted: Default::default(),
            guard: Default::default(),
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
        let undecided = contract.undecided.entry(number).or_default();
        undecided.insert(sequence, id);
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
            key_epoch: sealed.key_epoch,
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
            group: 0,
            tag: 0,
            sealed: Some(Arc::new(sealed)),
            row: None,
            votes: [None; wire::limits::NODES],
            status: Status::Ordered,
        };
        self.state.add_input(id, input);
        self.event(Event::InputOrdered { id });
    }

    /// Registers a computation over inputs that were ordered so far.
    pub(super) fn start(
        &mut self,
        started_by: B256,
        address: Address,
        number: u32,
        options: StartOptions,
    ) {
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
            options,
            started_by,
            started_in: self.place.block,
            cutoff,
            frozen: None,
            attempts: None,
            opened: None,
            commitments: None,
            attestation: None,
            digest: B256::ZERO,
            signatures: Default::default(),
            attested_in: None,
            phase: Phase::Waiting,
        };
        self.state.add_computation(id, computation);
        self.state.unfinished.insert(id);
        self.keep_place(address, number, id, cutoff);
        self.release(address);
    }
}
