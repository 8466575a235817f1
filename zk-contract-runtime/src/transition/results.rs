//! Results of computations that stay secret become inputs: rows that nodes hold as they hold what
//! clients sealed, and that later computations read.
//!
//! A computation with such results keeps a place in the order of inputs when it starts. Computations
//! that start later, and read or make rows of the same types, wait for it, as they do for inputs.

use std::sync::Arc;

use alloy_primitives::{Address, B256};
use mpc_engine::OpenedParts;
use wire::{
    contract::SecretResult,
    guest::{REPLACE, Recipient, Selection},
    limits::{NODES, OUTPUT_BYTES},
    results::RowPlace,
    sealed::{Binding, Seal, SealedInput},
};

use super::Transition;
use crate::{
    Event,
    contract::inputs::Accepted,
    input::{Input, Status},
};

/// Most rows of one computation: each has a bit at least.
const ROWS: u64 = OUTPUT_BYTES as u64 * 8;

impl Transition<'_> {
    /// Keeps a place in the order of inputs for the secret results of a computation that starts.
    pub(super) fn keep_place(&mut self, address: Address, number: u32, id: B256, place: u64) {
        let Some(contract) = self.state.contract_mut(address) else {
            return;
        };
        let types = contract.made_by(number);
        if types.is_empty() {
            return;
        }
        for ty in types {
            let undecided = contract.undecided.entry(ty).or_default();
            undecided.insert(place, id);
        }
        self.state.chain_mut().next_input = place.saturating_add(ROWS);
    }

    /// There will be no more secret results of a computation: lets those go on that wait for them.
    pub(super) fn leave_place(&mut self, id: B256) {
        let Some(computation) = self.state.computation(id) else {
            return;
        };
        let (address, place) = (computation.contract, computation.cutoff);
        let number = computation.number;
        let Some(contract) = self.state.contract_mut(address) else {
            return;
        };
        for ty in contract.made_by(number) {
            if let Some(undecided) = contract.undecided.get_mut(&ty) {
                undecided.remove(&place);
            }
        }
        self.release(address);
    }

    /// Adds the rows of a computation's secret results, of which the masked part was opened.
    pub(super) fn add_rows(&mut self, id: B256, parts: &OpenedParts) {
        let Some((computation, contract)) = self.find(id) else {
            return;
        };
        let (Some(frozen), Some(commitments)) = (&computation.frozen, computation.commitments)
        else {
            return;
        };
        let described = contract.compiled.description();
        let described = described.computations.get(computation.number as usize);
        let secrets: Vec<SecretResult> = described.map(|c| c.secrets.clone()).unwrap_or_default();
        let (address, reader) = (computation.contract, computation.options.reader);
        let (cutoff, code_hash) = (computation.cutoff, contract.compiled.code_hash);
        // Those of the group over which it ran, if it ran over one.
        let group = match computation.options.selection {
            Selection::Group(group) => group,
            _ => 0,
        };
        let (forms, inputs) = (frozen.results.clone(), Arc::clone(&frozen.inputs));
        let mut sequences = cutoff..cutoff.saturating_add(ROWS);
        for (result, (secret, form)) in (0..).zip(secrets.into_iter().zip(forms)) {
            let Some((_, detail)) = form else { continue };
            let SecretResult { recipient, input } = secret;
            if recipient == Recipient::Contract && detail == REPLACE {
                self.replace_kept((address, id), input, group, cutoff);
            }
            let rows = parts.rows.get(result as usize).into_iter().flatten();
            let mut of = inputs.iter().filter(|(_, ty)| *ty == detail);
            for ((row, masked), sequence) in (0..).zip(rows).zip(&mut sequences) {
                let owner = match recipient {
                    Recipient::Contract => address,
                    Recipient::Reader => reader,
                    Recipient::Owners => {
                        let input = of.next().and_then(|(id, _)| self.state.input(*id));
                        input.map_or(Address::ZERO, |input| input.owner)
                    }
                };
                let place = RowPlace {
                    computation: id,
                    result,
                    row,
                };
                let sealed = SealedInput {
                    key_epoch: self.state.jobs().refresh.sharing().epoch,
                    masked: masked.clone(),
                    commitments,
                    seals: [const { Seal::NONE }; NODES],
                };
                self.add_row(
                    place,
                    (sequence, group),
                    (address, code_hash, owner),
                    input,
                    sealed,
                );
            }
        }
        self.event(Event::ResultsKept { computation: id });
    }

    fn add_row(
        &mut self,
        place: RowPlace,
        (sequence, group): (u64, u64),
        (address, code_hash, owner): (Address, B256, Address),
        number: u32,
        sealed: SealedInput,
    ) {
        let block = self.place.block;
        let input = Input {
            contract: address,
            owner,
            binding: Binding {
                chain_id: self.committee.chain_id,
                epoch: self.committee.epoch,
                key_epoch: sealed.key_epoch,
                contract: address,
                code_hash,
                sender: owner,
                nonce: 0,
                input: number,
                length: u32::try_from(sealed.masked.len()).unwrap_or(u32::MAX),
            },
            sequence,
            ordered_in: block,
            ordered_ms: self.place.time_ms,
            decided_in: Some(block),
            fuel: 0,
            data: Default::default(),
            sealed: Some(Arc::new(sealed)),
            row: Some(place),
            group,
            tag: 0,
            votes: [None; NODES],
            status: Status::Accepted,
        };
        let id = place.id();
        if let Some(contract) = self.state.contract_mut(address) {
            contract.accepted.accept(Accepted {
                sequence,
                id,
                number,
                group,
                owner,
            });
        }
        self.state.add_secret(id, input);
    }

    /// Results of a computation take the place of what a contract has kept of a type.
    fn replace_kept(
        &mut self,
        (address, id): (Address, B256),
        number: u32,
        group: u64,
        sequence: u64,
    ) {
        let Some(contract) = self.state.contract_mut(address) else {
            return;
        };
        let results = Accepted {
            sequence,
            id,
            number,
            group,
            owner: address,
        };
        for earlier in contract.accepted.replace(&results) {
            if let Some(input) = self.state.input_mut(earlier) {
                input.status = Status::Replaced(id);
            }
        }
    }
}
