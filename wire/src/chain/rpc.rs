//! JSON shapes of the `quartet_*` methods. Numbers are plain JSON numbers, bytes are `0x` hex.
//!
//! | Method | Parameters | Result |
//! | --- | --- | --- |
//! | `quartet_committee` | – | [`crate::committee::Committee`] |
//! | `quartet_contract` | address | [`ContractInfo`] or null |
//! | `quartet_input` | transaction hash | [`InputInfo`] or null |
//! | `quartet_inputReceipt` | transaction hash, computation id | [`crate::receipt::InputReceipt`] or null |
//! | `quartet_computation` | computation id | [`ComputationInfo`] or null |
//! | `quartet_computations` | address | list of [`ComputationInfo`], oldest first |
//! | `quartet_certificate` | computation id | [`crate::attestation::Certificate`] or null |
//! | `quartet_sealKeys` | – | [`SealKeysInfo`] |
//! | `quartet_getSecrets` | contract, owner | list of [`SecretInfo`], oldest first, at most [`SECRETS`] of the newest |
//! | `quartet_readSecret` | id, [`crate::read::ReadRequest`] | [`crate::read::SecretAnswer`] |
//! | `quartet_status` | – | [`NodeStatus`] |
//! | `quartet_advanceTime` | seconds | the new block's time in seconds; dev clusters only |

use alloy_primitives::{Address, B256, Bytes, FixedBytes};
use serde::{Deserialize, Serialize};

use crate::{contract::Description, guest::Fault, limits::NODES, seal_keys::SignedSealKey};

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
    /// Its timers, by their functions' selectors.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub timers: Vec<TimerInfo>,
    /// The last call by a timer that did not end well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timer_failure: Option<TimerFailure>,
}

/// A timer of a contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TimerInfo {
    /// Selector of the function that is called.
    pub selector: FixedBytes<4>,
    /// When, in seconds since the Unix epoch.
    pub time: u64,
}

/// A call by a timer that did not end well: it changed nothing, and is not made again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TimerFailure {
    /// Selector of the function that was called.
    pub selector: FixedBytes<4>,
    /// Block in which it was called.
    pub block: u64,
    /// Why: what the contract said, or its fault.
    pub reason: String,
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
    /// It counted until its owner sent another in its place.
    Replaced {
        /// Id of the other.
        by: B256,
    },
    /// It counted until its contract deleted it.
    Deleted,
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
    /// Its place among all inputs, by which contracts name it.
    pub sequence: u64,
    /// The set of inputs to which its contract put it; 0 before the verdict.
    pub group: u64,
    /// What its contract says about it in public; 0 before the verdict.
    pub tag: u64,
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
    /// It waits for the verdict on inputs that were ordered before it, for its turn, or for the
    /// reserve.
    Waiting {
        /// How many inputs are undecided.
        undecided: u64,
        /// What the reserve lacks for it, if it waits for that.
        missing: Option<ReserveAmounts>,
    },
    /// Nodes are computing.
    #[serde(rename_all = "camelCase")]
    Running {
        /// Number of the attempt, from 0.
        attempt: u32,
        /// What the attempt is at.
        stage: AttemptStage,
        /// Party number of the node that the attempt does without.
        absent: Option<u8>,
        /// Pairs of party numbers that stops of earlier attempts named; one of each pair is at fault,
        /// or the link between them.
        suspected: Vec<[u8; 2]>,
    },
    /// The values were opened; signatures are being collected.
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
        /// Why, as the contract is told.
        fault: Fault,
        /// Why, in words.
        reason: String,
    },
}

/// What an attempt of a job is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum AttemptStage {
    /// Nodes say that they take part.
    Joining,
    /// Nodes compute.
    Running,
    /// It stopped, and two nodes say what they sent.
    Disputed,
    /// The result is fixed, and its components are being opened.
    Opening,
}

/// What there is in the reserve, or what it lacks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReserveAmounts {
    /// Bit triples.
    pub bits: u64,
    /// Triples of 64-bit numbers.
    pub r64: u64,
    /// Triples of 128-bit numbers.
    pub r128: u64,
    /// Seeds of computations.
    pub seeds: u64,
}

/// Two signed statements in the log that exclude each other: one of the two nodes lied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Contradiction {
    /// The job.
    pub job: B256,
    /// Number of the attempt.
    pub attempt: u32,
    /// Party numbers of the two.
    pub pair: [u8; 2],
    /// Block that has the later statement.
    pub block: u64,
    /// What they contradict each other about, in words.
    pub about: String,
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
    /// What the contract puts into its attestation.
    pub context: B256,
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

/// What a node says of an input that is sealed to keys that are not in use any more.
pub const FETCH_KEYS_AGAIN: &str = "fetch the keys again (quartet_sealKeys)";

/// The keys to which inputs are sealed now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SealKeysInfo {
    /// The key epoch. The keys of epoch 0 are in the committee's file.
    pub epoch: u64,
    /// By party number: what the node has signed; none of one that has said nothing in this epoch.
    pub keys: [Option<SignedSealKey>; NODES],
    /// Epoch of the sharing of the inputs; smaller than the key epoch while a refresh is under way.
    pub sharing: u64,
    /// What names that sharing; zero in epoch 0.
    pub sharing_tag: B256,
}

/// Most secrets of one owner that a node lists.
pub const SECRETS: usize = 1_000;

/// A result that is for one user, or that a contract keeps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SecretInfo {
    /// Its id.
    pub id: B256,
    /// The contract.
    pub contract: Address,
    /// Who may read it; if it is the contract, nobody.
    pub owner: Address,
    /// Number of its type in the contract's description.
    pub input: u32,
    /// The computation of which it is a result.
    pub computation: B256,
    /// Number of the result among the secret ones of the computation.
    pub result: u32,
    /// Number of the row.
    pub row: u32,
    /// Block in which it was made.
    pub block: u64,
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
    /// Party numbers of nodes without which jobs begin, since they did not take part.
    pub away: Vec<u8>,
    /// What is left in the reserve.
    pub reserve: ReserveAmounts,
    /// Contradictions in the log, oldest first.
    pub contradictions: Vec<Contradiction>,
    /// Bytes of computations that it sent to each party.
    pub session_bytes_sent: [u64; 4],
    /// Bytes of everything else that it sent to each party.
    pub swarm_bytes_sent: [u64; 4],
}
