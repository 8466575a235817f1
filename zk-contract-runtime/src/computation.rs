//! Computations on secret inputs.
//!
//! `waiting → running(attempt) → opened → attested | failed`. A computation waits until the inputs
//! ordered before it are decided; then its inputs are frozen, its program is traced, and attempts
//! begin as soon as the computations before it leave memory for them. Three equal results open it, whatever the attempts they came from; three signatures
//! attest it. Two nodes at which the current attempt stopped begin the next, or end the computation if
//! its result is random: another attempt would draw again.

use std::{collections::BTreeSet, sync::Arc};

use alloy_primitives::{Address, B256, Bytes, keccak256};
use mpc_engine::Program;
use serde::Serialize;
use wire::{
    attestation::Attestation,
    codec,
    kind::InputType,
    limits::{ATTEMPTS, NODES, ONE_HONEST, QUORUM},
    node_transaction::StopReason,
    rpc::{ComputationInfo, ComputationStatus},
    signing::Signature,
};

/// Longest pause before an attempt, in milliseconds.
const LONGEST_PAUSE_MS: u64 = 30_000;

/// What a node needs to run the current attempt of a computation.
#[derive(Clone, Debug)]
pub struct Job {
    /// What to run.
    pub program: Arc<Program>,
    /// The frozen inputs in ordering order: id and number of the input type.
    pub inputs: Vec<(B256, u32)>,
    /// The input types that it reads, by number.
    pub types: Vec<(u32, InputType)>,
    /// Number of the attempt, from 0.
    pub attempt: u32,
    /// The attempt is not to start before this time of the chain (which includes the offset of
    /// development clusters), in milliseconds since the Unix epoch.
    pub attempt_not_before_ms: u64,
}

/// How far a computation has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) enum Phase {
    /// Inputs ordered before it are undecided, or it is about to be traced, or others take the
    /// memory that its session needs.
    Waiting,
    /// Nodes are computing.
    Running {
        /// Number of the attempt, from 0.
        attempt: u32,
        /// When it may start, in milliseconds since the Unix epoch.
        not_before_ms: u64,
    },
    /// Three nodes posted this result, which is about to be encoded.
    Encoding {
        /// Number of the attempt in which the third result came.
        attempt: u32,
    },
    /// Signatures are being collected.
    Opened,
    /// Three nodes have signed.
    Attested,
    /// It ended without a result.
    Failed {
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
    /// Merkle root over them.
    pub(crate) input_root: B256,
    /// Hash of the program.
    pub(crate) program_hash: B256,
    /// Rounds of the program.
    pub(crate) rounds: u64,
    /// Memory of its session, in bytes at one node.
    pub(crate) session_bytes: u64,
    /// Bytes of everything that the program opens.
    pub(crate) opened_bytes: usize,
    /// The program; dropped once the computation has ended.
    pub(crate) program: Option<Arc<Program>>,
}

impl Frozen {
    /// Drops what is needed only while nodes compute.
    pub(crate) fn release(&mut self) {
        self.inputs = Arc::default();
        self.program = None;
    }

    /// How many attempts it may take: one if what it opens is random, since every attempt draws
    /// anew, and whoever could stop those whose result it dislikes would choose the result.
    pub(crate) fn attempts(&self) -> u32 {
        let is_random = self.program.as_ref().is_some_and(|p| p.is_random());
        if is_random { 1 } else { ATTEMPTS }
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
    /// 32 bytes that the contract fixed.
    pub(crate) context: B256,
    /// Hash of the transaction that started it.
    pub(crate) started_by: B256,
    /// Block that started it.
    pub(crate) started_in: u64,
    /// Inputs with a lower sequence are its inputs.
    pub(crate) cutoff: u64,
    /// Its inputs and its program.
    pub(crate) frozen: Option<Frozen>,
    /// Nodes at which the current attempt stopped.
    pub(crate) stopped: [bool; NODES],
    /// Party numbers that stops named, without proof of guilt.
    pub(crate) suspected: BTreeSet<u8>,
    /// What each node opened.
    pub(crate) results: [Option<Bytes>; NODES],
    /// The result that three nodes posted.
    pub(crate) opened: Option<Bytes>,
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
    /// Whether a result of a node would count.
    pub(crate) fn takes_result(&self, node: u8, opened: &[u8]) -> bool {
        let expected = self.frozen.as_ref().map(|frozen| frozen.opened_bytes);
        let posted = self.results.get(usize::from(node));
        matches!(self.phase, Phase::Running { .. })
            && posted.is_some_and(Option::is_none)
            && expected == Some(opened.len())
    }

    /// Counts a result: the first of each node, if it has the form of what the program opens.
    /// Whether this is the third equal one, which is to be encoded.
    pub(crate) fn result(&mut self, node: u8, opened: &Bytes) -> bool {
        let Phase::Running { attempt, .. } = self.phase else {
            return false;
        };
        if !self.takes_result(node, opened) {
            return false;
        }
        if let Some(slot) = self.results.get_mut(usize::from(node)) {
            *slot = Some(opened.clone());
        }
        let equal = self.results.iter().flatten().filter(|r| *r == opened);
        if equal.count() < QUORUM {
            return false;
        }
        self.opened = Some(opened.clone());
        self.phase = Phase::Encoding { attempt };
        true
    }

    /// Counts a stop of the current attempt, at `now_ms`. When it is the second, the number of the
    /// next attempt, which has then begun, or none if there were too many.
    pub(crate) fn stop(
        &mut self,
        node: u8,
        stopped: u32,
        reason: &StopReason,
        now_ms: u64,
    ) -> Option<Option<u32>> {
        let Phase::Running { attempt, .. } = self.phase else {
            return None;
        };
        let slot = self.stopped.get_mut(usize::from(node))?;
        if stopped != attempt || *slot {
            return None;
        }
        *slot = true;
        let named: &[u8] = match reason {
            StopReason::Silence { peer } | StopReason::BadFrame { peer } => &[*peer],
            StopReason::Mismatch { pair } => pair,
            StopReason::Local => &[],
        };
        let peers = named
            .iter()
            .filter(|p| usize::from(**p) < NODES && **p != node);
        self.suspected.extend(peers);
        if self.stopped.iter().filter(|s| **s).count() < ONE_HONEST {
            return None;
        }
        let next = attempt + 1;
        if next >= self.attempts() {
            return Some(None);
        }
        self.stopped = [false; NODES];
        let not_before_ms = now_ms.saturating_add(pause_ms(next));
        self.phase = Phase::Running {
            attempt: next,
            not_before_ms,
        };
        Some(Some(next))
    }

    /// How many attempts it may take.
    pub(crate) fn attempts(&self) -> u32 {
        self.frozen.as_ref().map_or(ATTEMPTS, Frozen::attempts)
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

    /// What the state's root commits to.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let frozen = self.frozen.as_ref();
        let results: Vec<_> = self
            .results
            .iter()
            .map(|r| r.as_ref().map(keccak256))
            .collect();
        codec::encode(&(
            (self.contract, self.index, self.number, self.context),
            (self.started_by, self.started_in, self.cutoff),
            frozen.map(|f| (f.input_root, f.input_count, f.program_hash)),
            (self.stopped, &self.suspected, results),
            (self.digest, &self.signatures, self.attested_in, &self.phase),
        ))
    }

    /// As users see it; `undecided` is how many inputs it waits for.
    pub(crate) fn info(&self, id: B256, name: String, undecided: u64) -> ComputationInfo {
        let frozen = self.frozen.as_ref();
        let output = || {
            self.attestation
                .as_ref()
                .map(|a| a.output.clone())
                .unwrap_or_default()
        };
        let status = match &self.phase {
            Phase::Waiting => ComputationStatus::Waiting { undecided },
            Phase::Running { attempt, .. } | Phase::Encoding { attempt } => {
                ComputationStatus::Running {
                    attempt: *attempt,
                    suspected: self.suspected.iter().copied().collect(),
                }
            }
            Phase::Opened => ComputationStatus::Opened {
                output: output(),
                signatures: self.signatures.iter().flatten().map(|_| 1).sum(),
            },
            Phase::Attested => ComputationStatus::Attested { output: output() },
            Phase::Failed { reason } => ComputationStatus::Failed {
                reason: reason.clone(),
            },
        };
        ComputationInfo {
            id,
            contract: self.contract,
            index: self.index,
            name,
            started_in: self.started_in,
            attested_in: self.attested_in,
            input_count: frozen.map(|f| f.input_count),
            program_hash: frozen.map(|f| f.program_hash),
            rounds: frozen.map(|f| f.rounds),
            status,
        }
    }
}

/// How long an attempt waits after the stop of the one before: attempt 1 not at all, then longer
/// and longer.
fn pause_ms(attempt: u32) -> u64 {
    match attempt {
        0 | 1 => 0,
        // Beyond five doublings the bound rules.
        _ => (1_000 << (attempt - 1).min(5)).min(LONGEST_PAUSE_MS),
    }
}

#[cfg(test)]
mod tests;
