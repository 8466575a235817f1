//! JSON shapes of the `quartet_*` methods. Numbers are plain JSON numbers, bytes are `0x` hex.
//!
//! | Method | Parameters | Result |
//! | --- | --- | --- |
//! | `quartet_committee` | – | [`crate::committee::Committee`] |
//! | `quartet_contract` | address | [`ContractInfo`] or null |
//! | `quartet_input` | transaction hash | [`InputInfo`] or null |
//! | `quartet_computation` | computation id | [`ComputationInfo`] or null |
//! | `quartet_computations` | address | list of [`ComputationInfo`], oldest first |
//! | `quartet_certificate` | computation id | [`crate::attestation::Certificate`] or null |
//! | `quartet_status` | – | [`NodeStatus`] |
//! | `quartet_advanceTime` | seconds | the new block's time in seconds; dev clusters only |

use alloy_primitives::{Address, B256, Bytes};
use serde::{Deserialize, Serialize};

use crate::contract::Description;

/// A deployed contract.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ContractInfo {
    /// Where it lives.
    pub address: Address,
    /// keccak-256 of its code.
    pub code_hash: B256,
    /// Who deployed it.
    pub deployer: Address,
    /// What it says about itself.
    pub description: Description,
    /// How many computations it has started.
    pub computations: u64,
}

/// How far an input has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "camelCase")]
pub enum InputStatus {
    /// It has its place in the log, and nodes are checking their seeds.
    Ordered,
    /// It counts.
    Accepted,
    /// It does not count, and left no trace in the contract.
    Rejected {
        /// Why: what the contract said, or that the seeds could not be had.
        reason: String,
        /// The contract's ABI-encoded error, empty if it was not the contract that refused.
        data: Bytes,
    },
}

/// An input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InputInfo {
    /// Hash of the transaction that carried it, which is its id.
    pub id: B256,
    /// The contract.
    pub contract: Address,
    /// Who sent it.
    pub owner: Address,
    /// Block that ordered it.
    pub ordered_in: u64,
    /// Block with the verdict.
    pub decided_in: Option<u64>,
    /// How far it has come.
    #[serde(flatten)]
    pub status: InputStatus,
}

/// How far a computation has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "camelCase")]
pub enum ComputationStatus {
    /// It waits for the verdict on inputs that were ordered before it.
    Waiting {
        /// How many those are.
        undecided: u64,
    },
    /// Nodes are computing.
    #[serde(rename_all = "camelCase")]
    Running {
        /// Number of the attempt, from 0.
        attempt: u32,
        /// Party numbers that stops of earlier attempts named, without proof of guilt.
        suspected: Vec<u8>,
    },
    /// Three nodes opened the same values; signatures are being collected.
    Opened {
        /// ABI-encoded output.
        output: Bytes,
        /// Signatures so far.
        signatures: u32,
    },
    /// Three nodes have signed.
    Attested {
        /// ABI-encoded output.
        output: Bytes,
    },
    /// It ended without a result.
    Failed {
        /// Why.
        reason: String,
    },
}

/// A computation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ComputationInfo {
    /// Its id.
    pub id: B256,
    /// The contract.
    pub contract: Address,
    /// Its number among the contract's computations.
    pub index: u64,
    /// Name of the computation in the contract's description.
    pub name: String,
    /// Block that started it.
    pub started_in: u64,
    /// Block in which three signatures were complete.
    pub attested_in: Option<u64>,
    /// How many inputs it runs on; known once they are frozen.
    pub input_count: Option<u64>,
    /// Hash of its program; known once it is traced.
    pub program_hash: Option<B256>,
    /// Rounds of its program; known once it is traced.
    pub rounds: Option<u64>,
    /// How far it has come.
    #[serde(flatten)]
    pub status: ComputationStatus,
}

/// A node about itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NodeStatus {
    /// Its party number.
    pub node: u8,
    /// Its address.
    pub address: Address,
    /// Version of its software.
    pub version: String,
    /// Number of its last block.
    pub block: u64,
    /// Hash of that block.
    pub block_hash: B256,
    /// Root of the state after it.
    pub state_root: B256,
    /// Time of that block, in seconds.
    pub time: u64,
    /// Party numbers of the peers that are connected.
    pub connected: Vec<u8>,
    /// Transactions that wait for a block.
    pub pending_transactions: u64,
    /// Inputs that wait for a verdict.
    pub pending_inputs: u64,
    /// Computations that are not finished.
    pub running_computations: u64,
    /// Bytes of computations that it sent to each party.
    pub session_bytes_sent: [u64; 4],
    /// Bytes of everything else that it sent to each party.
    pub swarm_bytes_sent: [u64; 4],
}
