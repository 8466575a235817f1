//! What a user of the cluster needs: share and seal secret inputs, sign transactions, submit them,
//! wait for verdicts and results, and check that three nodes signed.
//!
//! Without the feature `rpc` the crate is pure (no clock, no socket, no randomness of its own) and
//! builds for a browser; `rpc` adds [`Client`], which talks to nodes over HTTP. The way of an input
//! is: [`input::encode`] the values, [`input::seal`] them, put them into calldata with
//! [`abi::Abi::input_call`], sign with [`transaction::sign`], send. Read [`input`] first.

pub mod abi;
pub mod certificate;
pub mod electorate;
mod error;
pub mod input;
mod key;
pub mod receipt;
pub mod transaction;

#[cfg(feature = "rpc")]
pub mod key_file;
#[cfg(feature = "rpc")]
pub mod rpc;

pub use error::ClientError;
pub use key::UserKey;
#[cfg(feature = "rpc")]
pub use rpc::Client;
