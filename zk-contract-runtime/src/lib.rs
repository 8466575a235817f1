//! The replicated state machine: blocks in, state and receipts out, the same on every node.
//!
//! Owns accounts, contracts and their public state (a Merkle tree), the sandbox in which contracts
//! run, the tracing of secret computations into programs, and the lives of inputs, computations
//! and attestations. No clock, no disk, no socket, no thread: time comes with blocks, and what a
//! block leads to leaves as [`Event`]s. It never sees a secret or a share.
//!
//! Read `runtime.rs` first (how a block is applied), then `transition/` (what its parts do),
//! `input.rs`, `computation.rs` and `attempt.rs` (what they go through), `suspicion.rs` (who is left
//! out), `reserve.rs` (what attempts without one node use up), `refresh.rs` (how key epochs end), and `sandbox/` (how contracts run).

mod admit;
mod attempt;
mod check;
mod computation;
mod contract;
mod error;
mod input;
pub mod inspect;
mod job;
mod query;
mod receipt;
mod refresh;
mod reserve;
mod runtime;
mod sandbox;
mod state;
mod suspicion;
mod transition;

pub use mpc_engine::{Amounts, Ranges};

pub use admit::CallRequest;
pub use check::CheckedBlock;
pub use error::{BlockError, ContractFault, HostFault, ModuleError, Refusal};
pub use input::PendingInput;
pub use inspect::describe;
pub use job::{Job, JobTask, Stage};
pub use query::Counts;
pub use receipt::{Applied, CallOutcome, CallStatus, Event, Log, Receipt, SystemLog};
pub use refresh::{Sharing, refresh_job};
pub use reserve::{LotInfo, SeedRef, Slice, lot_job};
pub use runtime::{Head, Runtime};
pub use state::{BadProof, StateKey, StateProof};

#[cfg(test)]
mod tests;
