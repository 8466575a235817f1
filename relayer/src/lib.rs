//! The relayer: carries voter lists from L1 to L2 and results from L2 to L1.
//!
//! It holds no power that any other account lacks: L2 checks every batch of voters against the root
//! that it was deployed with, L1 checks the signatures of three nodes. So it can delay, never alter,
//! and anybody may run another one. What it must know is on the chains; its one small file only
//! saves work.
//!
//! The tree is the pipeline: [`l1`] and [`l2`] read the chains, [`stages::electorate`] and
//! [`stages::result`] decide what is due, [`sender`] gets a transaction into a block. [`relay`] goes
//! round; read it first.

pub mod abi;
pub mod admin;
pub mod chain;
pub mod config;
mod error;
pub mod fees;
pub mod l1;
pub mod l2;
pub mod metrics;
pub mod relay;
pub mod sender;
pub mod stages;
pub mod state;

pub use error::{Class, RelayerError};
