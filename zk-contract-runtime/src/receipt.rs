//! What came of transactions and blocks, for users and for the shell.

use alloy_primitives::{Address, B256, Bytes};
use serde::{Deserialize, Serialize};
use wire::rpc::Contradiction;

/// An event of a contract.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Log {
    /// The contract.
    pub address: Address,
    /// At most four topics.
    pub topics: Vec<B256>,
    /// ABI-encoded data.
    pub data: Bytes,
}

/// What came of one user's transaction when its block was applied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// Its Ethereum hash.
    pub tx_hash: B256,
    /// Who sent it.
    pub from: Address,
    /// The contract that was called; none for a deployment.
    pub to: Option<Address>,
    /// The contract that was deployed.
    pub contract_address: Option<Address>,
    /// Whether it took effect; an input took effect in being ordered.
    pub status: bool,
    /// Fuel used, with what it costs to carry the transaction.
    pub gas_used: u64,
    /// Fuel used in this block up to and including this transaction.
    pub cumulative_gas_used: u64,
    /// Events, in order.
    pub logs: Vec<Log>,
    /// What the call returned, or the ABI-encoded error.
    pub output: Bytes,
    /// Why it did not take effect, in words.
    pub revert_reason: Option<String>,
}

/// A contract's events that no transaction of the block itself caused: those of an input that was
/// accepted, or of a computation that ended. They belong to the transaction that carried the input
/// or started the computation, and to the block with the verdict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SystemLog {
    /// Hash of that transaction.
    pub tx_hash: B256,
    /// The event.
    pub log: Log,
}

/// What happened while a block was applied, in order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// An input has its place in the log: open the seal.
    InputOrdered {
        /// Its id.
        id: B256,
    },
    /// An input counts.
    InputAccepted {
        /// Its id.
        id: B256,
    },
    /// An input does not count.
    InputRejected {
        /// Its id.
        id: B256,
    },
    /// An input that counted does no more, and nothing under way needs it: forget its seeds.
    InputDropped {
        /// Its id.
        id: B256,
    },
    /// An attempt of a job waits for nodes to join it: prepare it, and join.
    JoinWanted {
        /// The job.
        job: B256,
        /// Number of the attempt, from 0.
        attempt: u32,
    },
    /// All have joined an attempt: run a session.
    AttemptStarted {
        /// The job.
        job: B256,
        /// Number of the attempt.
        attempt: u32,
    },
    /// A receiver says that two copies of a stream differ: the two who sent them say what they had.
    Disputed {
        /// The job.
        job: B256,
        /// Number of the attempt.
        attempt: u32,
    },
    /// An attempt is over without a result.
    AttemptStopped {
        /// The job.
        job: B256,
        /// Number of the attempt.
        attempt: u32,
    },
    /// Three nodes commit to the same result: open the components that the log lacks.
    OpeningFinal {
        /// The computation.
        job: B256,
        /// Number of the attempt.
        attempt: u32,
    },
    /// The result is in the log and encoded: sign.
    Opened {
        /// The computation.
        computation: B256,
    },
    /// Results of a computation stay secret: keep what their seeds follow from, or get it.
    ResultsKept {
        /// The computation.
        computation: B256,
    },
    /// A lot of the reserve is made.
    LotAvailable {
        /// Its number.
        lot: u64,
    },
    /// Nothing of a lot is left, and nobody needs what was handed out: forget it. Also one that was
    /// not made in the end.
    LotDropped {
        /// Its number.
        lot: u64,
    },
    /// A key epoch is over: nodes are to say sealing keys for the next.
    SealKeysWanted {
        /// The next key epoch.
        epoch: u64,
    },
    /// Clients seal to new keys.
    SealKeysTurned {
        /// Their key epoch.
        epoch: u64,
    },
    /// The inputs are shared anew: forget keys, shares and what is left of seeds of earlier epochs.
    InputsRefreshed {
        /// The key epoch of the sharing that counts.
        epoch: u64,
    },
    /// Two nodes contradict each other.
    Contradiction(Contradiction),
    /// Jobs begin without a node, since it did not take part.
    NodeAway {
        /// Its party number.
        node: u8,
    },
    /// A node that was away is back.
    NodeBack {
        /// Its party number.
        node: u8,
    },
    /// Three nodes have signed.
    Attested {
        /// The computation.
        computation: B256,
    },
    /// A computation ended without a result.
    Failed {
        /// The computation.
        computation: B256,
    },
    /// A contract was deployed.
    ContractDeployed {
        /// Where.
        address: Address,
    },
}

/// What came of a block.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Applied {
    /// Hash of the block.
    pub hash: B256,
    /// Its number.
    pub number: u64,
    /// Receipts of its users' transactions, in order.
    pub receipts: Vec<Receipt>,
    /// Events that no transaction of this block caused, after all receipts.
    pub system_logs: Vec<SystemLog>,
    /// What happened, in order.
    pub events: Vec<Event>,
}

/// How a call ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallStatus {
    /// Well.
    Ok,
    /// With the contract's own error, which is the output.
    Reverted,
    /// By another fault of the call or the contract.
    Fault(crate::ContractFault),
    /// There is no contract at the address.
    NoContract,
    /// The module cannot be deployed.
    Module(crate::ModuleError),
}

/// What came of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallOutcome {
    /// How it ended.
    pub status: CallStatus,
    /// What it returned, or the ABI-encoded error.
    pub output: Bytes,
    /// Fuel used, with what it costs to carry a transaction with this data.
    pub gas_used: u64,
    /// Events, in order; none unless it ended well.
    pub logs: Vec<Log>,
    /// Why it did not end well, in words.
    pub revert_reason: Option<String>,
}

impl CallOutcome {
    /// Whether it ended well.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.status == CallStatus::Ok
    }
}
