//! One node's part in the log, as `step(input, now) -> effects`.
//!
//! Owns consensus (Malachite's I/O-free core), the mempool, what the node itself says in the log
//! (votes on inputs, its part in attempts of jobs, signatures), sync of decided blocks, and the pace of blocks.
//! It does no I/O and reads no clock: the shell performs the [`Effect`]s, in order, and the
//! simulator of `tests/simulator` does the same. Read [`Ordering`] first, then `consensus`.

mod config;
mod consensus;
mod effects;
mod error;
#[cfg(test)]
mod fixtures;
mod mempool;
mod node_messages;
mod ordering;
mod sync;

pub use config::{Config, Timeouts};
pub use effects::{Effect, Input, Lag, Refusal, Suspicion};
pub use error::{CertificateError, OrderingError};
pub use ordering::Ordering;
pub use sync::SyncBatch;
