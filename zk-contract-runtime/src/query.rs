//! What can be asked about the state.

mod jobs;

use std::sync::Arc;

use alloy_primitives::{Address, B256, Bytes, keccak256};
use wire::{
    attestation::{Attestation, Certificate},
    limits::QUORUM,
    receipt::{self, InputReceipt},
    rpc::{ComputationInfo, ContractInfo, InputInfo, SECRETS, SecretInfo},
};

use crate::{
    PendingInput, Runtime,
    computation::{Computation, Phase},
    input::{Status, Vote},
    job::user_amounts,
    transition::Lack,
};

/// How much is under way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Inputs that await their verdict.
    pub pending_inputs: u64,
    /// Computations that are neither attested nor failed.
    pub running_computations: u64,
    /// Things that the fuel of the last block did not suffice for: the next block goes on with
    /// them, even if it has no transaction.
    pub owed: u64,
}

impl Runtime {
    /// The account's next nonce.
    #[must_use]
    pub fn nonce(&self, address: Address) -> u64 {
        self.state.nonce(address)
    }

    /// A contract's code.
    #[must_use]
    pub fn code(&self, address: Address) -> Option<Bytes> {
        let contract = self.state.contract(address)?;
        Some(contract.compiled.code.clone())
    }

    /// A contract.
    #[must_use]
    pub fn contract(&self, address: Address) -> Option<ContractInfo> {
        Some(self.state.contract(address)?.info())
    }

    /// An input.
    #[must_use]
    pub fn input(&self, id: B256) -> Option<InputInfo> {
        Some(self.state.input(id)?.info(id))
    }

    /// Ids of the inputs that await their verdict, in ordering order.
    #[must_use]
    pub fn undecided_inputs(&self) -> Vec<B256> {
        self.state.undecided.values().copied().collect()
    }

    /// Whether a node has said in the log that it holds (`true`) or misses (`false`) its seeds of
    /// an input; none if it has said nothing, or the input is not known.
    #[must_use]
    pub fn vote(&self, input: B256, node: u8) -> Option<bool> {
        let votes = &self.state.input(input)?.votes;
        votes.get(usize::from(node))?.map(|vote| vote == Vote::Hold)
    }

    /// What the nodes need of an input that is not rejected.
    #[must_use]
    pub fn pending_input(&self, id: B256) -> Option<PendingInput> {
        let input = self.state.input(id)?;
        if matches!(input.status, Status::Rejected { .. }) {
            return None;
        }
        let interface = &self.state.contract(input.contract)?.compiled.interface;
        let input_type = interface.inputs.get(input.binding.input as usize)?;
        Some(PendingInput {
            binding: input.binding.clone(),
            sealed: input.sealed.clone()?,
            input_type: Arc::clone(input_type),
            row: input.row,
        })
    }

    /// What nodes need to get the seeds that they keep under an id: an input's, or a computation's
    /// whose secret results follow from them. None if nobody needs them.
    #[must_use]
    pub fn pending_seeds(&self, id: B256) -> Option<PendingInput> {
        let rows = self.state.rows_of(id).iter();
        let mut ids = rows.copied().chain([id]);
        ids.find_map(|id| self.pending_input(id))
    }

    /// A secret result: who may read it, and where it comes from.
    #[must_use]
    pub fn secret(&self, id: B256) -> Option<SecretInfo> {
        let input = self.state.input(id)?;
        let row = input.row?;
        Some(SecretInfo {
            id,
            contract: input.contract,
            owner: input.owner,
            input: input.binding.input,
            computation: row.computation,
            result: row.result,
            row: row.row,
            block: input.ordered_in,
        })
    }

    /// The newest secret results of a contract that an owner may read, oldest first.
    #[must_use]
    pub fn secrets(&self, contract: Address, owner: Address) -> Vec<SecretInfo> {
        let ids = self.state.secrets_of(contract, owner);
        let newest = &ids[ids.len().saturating_sub(SECRETS)..];
        newest.iter().filter_map(|id| self.secret(*id)).collect()
    }

    /// A computation.
    #[must_use]
    pub fn computation(&self, id: B256) -> Option<ComputationInfo> {
        let computation = self.state.computation(id)?;
        let contract = self.state.contract(computation.contract)?;
        let types = contract.awaited_by(computation.number);
        let undecided = match computation.phase {
            Phase::Waiting => contract
                .undecided_before(computation.cutoff, &types)
                .count(),
            _ => 0,
        };
        let described = &contract.compiled.description().computations;
        let name = described.get(computation.number as usize);
        let name = name.map(|c| c.name.clone()).unwrap_or_default();
        let missing = match self.state.start_of(id, self.now_ms()) {
            Err(Lack::Reserve(missing)) => Some(user_amounts(&missing)),
            _ => None,
        };
        Some(computation.info(id, name, undecided as u64, missing))
    }

    /// A contract's computations, oldest first.
    #[must_use]
    pub fn computations(&self, contract: Address) -> Vec<ComputationInfo> {
        let started = self.state.contract(contract).map_or(0, |c| c.computations);
        let id = |index| wire::attestation::computation_id(contract, index);
        (0..started)
            .filter_map(|index| self.computation(id(index)))
            .collect()
    }

    /// Ids of the computations that are neither attested nor failed.
    #[must_use]
    pub fn unfinished_computations(&self) -> Vec<B256> {
        self.state.unfinished.iter().copied().collect()
    }

    /// The result, once all its components are in the log.
    #[must_use]
    pub fn opened(&self, computation: B256) -> Option<&Bytes> {
        self.state.computation(computation)?.opened.as_ref()
    }

    /// What the nodes sign, once a computation is opened.
    #[must_use]
    pub fn attestation(&self, computation: B256) -> Option<Attestation> {
        self.state.computation(computation)?.attestation.clone()
    }

    /// Whether a node's signature of the attestation is in the log.
    #[must_use]
    pub fn posted_signature(&self, computation: B256, node: u8) -> bool {
        let signatures = self.state.computation(computation).map(|c| &c.signatures);
        let signature = signatures.and_then(|s| s.get(usize::from(node)));
        signature.is_some_and(Option::is_some)
    }

    /// The attestation with its signatures, once there are three.
    #[must_use]
    pub fn certificate(&self, computation: B256) -> Option<Certificate> {
        let Computation {
            attestation,
            signatures,
            ..
        } = self.state.computation(computation)?;
        if signatures.iter().flatten().count() < QUORUM {
            return None;
        }
        Some(Certificate {
            attestation: attestation.clone()?,
            signatures: *signatures,
        })
    }

    /// That an accepted input is among those of an attested computation. None if it is not, or if
    /// there are not three signatures yet.
    #[must_use]
    pub fn input_receipt(&self, input: B256, computation: B256) -> Option<InputReceipt> {
        let certificate = self.certificate(computation)?;
        let frozen = self.state.computation(computation)?.frozen.as_ref()?;
        let known = self.state.input(input)?;
        let sealed = known.sealed.as_deref()?;
        let leaf = receipt::leaf_of(input, known.owner, sealed);
        let (place, path) = frozen.tree.proof(leaf)?;
        Some(InputReceipt {
            input,
            owner: known.owner,
            commitments: sealed.commitments,
            masked_hash: keccak256(&sealed.masked),
            place,
            path,
            certificate,
        })
    }

    /// Whether a request to advance the time has taken effect.
    #[must_use]
    pub fn time_request_applied(&self, request: B256) -> bool {
        self.state.chain().time_requests.contains(&request)
    }

    /// How much is under way.
    #[must_use]
    pub fn counts(&self) -> Counts {
        Counts {
            pending_inputs: self.state.undecided.len() as u64,
            running_computations: self.state.unfinished.len() as u64,
            owed: self.state.work.len() as u64,
        }
    }
}
