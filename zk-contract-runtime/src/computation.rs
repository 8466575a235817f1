//! Computations on secret inputs.
//!
//! `waiting → computing → encoding → opened → attested | failed`. A computation waits until the inputs
//! ordered before it are decided; then its inputs are frozen and its program is traced. Attempts begin
//! when there are memory, a seed and the reserve that it needs, and go on until one of them fixes the
//! result (`attempt.rs`), which is opened in the log. Three signatures attest it.

use std::sync::Arc;

use alloy_primitives::{Address, B256, Bytes, keccak256};
use mpc_engine::Program;
use serde::Serialize;
use wire::{
    attestation::Attestation,
    codec,
    guest::{Fault, Selection, StartOptions},
    limits::{NODES, QUORUM},
    receipt::InputTree,
    rpc::{AttemptStage, ComputationInfo, ComputationStatus, ReserveAmounts},
    signing::Signature,
};

use crate::{Amounts, attempt::Attempt, contract::inputs::View, job::Attempts};

/// How far a computation has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) enum Phase {
    /// Inputs ordered before it are undecided, or it is about to be traced.
    Waiting,
    /// Attempts are made, or wait for what they need.
    Computing,
    /// All components of the result are in the log, and it is about to be encoded.
    Encoding,
    /// Signatures are being collected.
    Opened,
    /// Three nodes have signed.
    Attested,
    /// It ended without a result.
    Failed {
        /// Why, as the contract is told.
        fault: Fault,
        /// Why, in words, which the state's root does not depend on.
        #[serde(skip)]
        reason: String,
    },
}

/// The inputs and the program of a computation, once they are fixed.
#[derive(Clone, Debug)]
pub(crate) struct Frozen {
    /// The inputs, in ordering order: id and number of the type; dropped with the program.
    pub(crate) inputs: Arc<[(B256, u32)]>,
    /// How many inputs there are, or were.
    pub(crate) input_count: u64,
    /// Merkle tree over them; it stays, for receipts.
    pub(crate) tree: Arc<InputTree>,
    /// Hash of the program.
    pub(crate) program_hash: B256,
    /// Rounds of the program.
    pub(crate) rounds: u64,
    /// Memory of its session, with all nodes or without one, in bytes at one node.
    pub(crate) session_bytes: u64,
    /// What an attempt without one node takes of the reserve.
    pub(crate) need: Amounts,
    /// Whether it takes a seed, since its result is random or some of it stays secret.
    pub(crate) takes_seed: bool,
    /// Of each secret result that was given, how many rows it has, and the detail.
    pub(crate) results: Vec<Option<(usize, u32)>>,
    /// The program; dropped once the computation has ended.
    pub(crate) program: Option<Arc<Program>>,
}

impl Frozen {
    /// Drops what is needed only while nodes compute, but for the inputs if they are to be deleted.
    pub(crate) fn release(&mut self, deletes: bool) {
        if !deletes {
            self.inputs = Arc::default();
        }
        self.program = None;
    }
}

/// A computation in the state.
#[derive(Clone, Debug)]
pub(crate) struct Computation {
    /// The contract.
    pub(crate) contract: Address,
    /// Its number among the contract's computations.
    pub(crate) index: u64,
    /// Its number in the contract's description.
    pub(crate) number: u32,
    /// How the contract started it.
    pub(crate) options: StartOptions,
    /// Hash of the transaction that started it.
    pub(crate) started_by: B256,
    /// Block that started it.
    pub(crate) started_in: u64,
    /// Inputs with a lower sequence are its inputs.
    pub(crate) cutoff: u64,
    /// Its inputs and its program.
    pub(crate) frozen: Option<Frozen>,
    /// Its attempts, once it is traced.
    pub(crate) attempts: Option<Attempts>,
    /// The result.
    pub(crate) opened: Option<Bytes>,
    /// Commitments to the base seeds of its secret results, by component.
    pub(crate) commitments: Option<[B256; NODES]>,
    /// What is signed.
    pub(crate) attestation: Option<Attestation>,
    /// Its EIP-712 digest.
    pub(crate) digest: B256,
    /// Signatures of the digest.
    pub(crate) signatures: [Option<Signature>; NODES],
    /// Block in which three signatures were complete.
    pub(crate) attested_in: Option<u64>,
    /// How far it has come.
    pub(crate) phase: Phase,
}

impl Computation {
    /// Whether the contract said input by input over which it runs.
    pub(crate) const fn names_inputs(&self) -> bool {
        matches!(self.options.selection, Selection::Inputs(_))
    }

    /// Its place in the order.
    pub(crate) const fn view(&self) -> View {
        View {
            index: self.index,
            cutoff: self.cutoff,
        }
    }

    /// Whether the nodes may still need its inputs.
    pub(crate) const fn reads_inputs(&self) -> bool {
        matches!(
            self.phase,
            Phase::Waiting | Phase::Computing | Phase::Encoding
        )
    }

    /// Counts a signature that was checked. Whether it is the third.
    pub(crate) fn signature(&mut self, node: u8, signature: Signature) -> bool {
        let Some(slot) = self.signatures.get_mut(usize::from(node)) else {
            return false;
        };
        if slot.is_some() {
            return false;
        }
        *slot = Some(signature);
        self.phase == Phase::Opened && self.signatures.iter().flatten().count() == QUORUM
    }

    /// Whether some of its results stay secret, once it is traced.
    pub(crate) fn makes_rows(&self) -> bool {
        let program = self.frozen.as_ref().and_then(|f| f.program.as_ref());
        program.is_some_and(|program| program.has_secret_results())
    }

    /// What the state's root commits to.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let frozen = self.frozen.as_ref();
        codec::encode(&(
            (self.contract, self.index, self.number),
            keccak256(self.options.encode()),
            (self.started_by, self.started_in, self.cutoff),
            frozen.map(|f| (f.tree.root(), f.input_count, f.program_hash)),
            (
                &self.attempts,
                self.opened.as_ref().map(keccak256),
                self.commitments,
            ),
            (self.digest, &self.signatures, self.attested_in, &self.phase),
        ))
    }

    /// As users see it; `undecided` is how many inputs it waits for, and `missing` what of the
    /// reserve.
    pub(crate) fn info(
        &self,
        id: B256,
        name: String,
        undecided: u64,
        missing: Option<ReserveAmounts>,
    ) -> ComputationInfo {
        let frozen = self.frozen.as_ref();
        let output = || {
            self.attestation
                .as_ref()
                .map(|a| a.output.clone())
                .unwrap_or_default()
        };
        let status = match &self.phase {
            Phase::Waiting => ComputationStatus::Waiting { undecided, missing },
            Phase::Computing | Phase::Encoding => match &self.attempts {
                Some(attempts) if missing.is_none() && attempts.has_begun() => {
                    let current = attempts.current.as_ref();
                    ComputationStatus::Running {
                        attempt: attempts.number,
                        stage: match &self.phase {
                            Phase::Encoding => AttemptStage::Opening,
                            _ => current.map_or(AttemptStage::Joining, Attempt::user_stage),
                        },
                        absent: current.and_then(|attempt| attempt.absent),
                        suspected: attempts.history.pairs(),
                    }
                }
                _ => ComputationStatus::Waiting { undecided, missing },
            },
            Phase::Opened => ComputationStatus::Opened {
                output: output(),
                signatures: self.signatures.iter().flatten().map(|_| 1).sum(),
            },
            Phase::Attested => ComputationStatus::Attested { output: output() },
            Phase::Failed { fault, reason } => ComputationStatus::Failed {
                fault: *fault,
                reason: reason.clone(),
            },
        };
        ComputationInfo {
            id,
            contract: self.contract,
            index: self.index,
            name,
            started_in: self.started_in,
            context: self.options.context,
            attested_in: self.attested_in,
            input_count: frozen.map(|f| f.input_count),
            program_hash: frozen.map(|f| f.program_hash),
            rounds: frozen.map(|f| f.rounds),
            status,
        }
    }
}
