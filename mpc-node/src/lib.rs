//! One node of a cluster: the shell around the pure crates.
//!
//! Owns what they may not have: the swarm, files and sled, JSON-RPC, session workers, keys and
//! the clock. It decides nothing that nodes must agree on. Read [`node`] first (what runs beside
//! what), then [`core`] (the one thread that owns ordering), [`network`], [`session`], [`transport`],
//! [`seeds`], [`lots`], [`storage`] and [`rpc`].

const _: () = assert!(
    !mpc_engine::INSECURE,
    "no node runs an engine that checks too late"
);

pub mod admin;
pub mod bench;
pub mod cli;
mod client_ip;
pub mod clock;
pub mod config;
pub mod core;
mod error;
pub mod filter;
pub mod keys;
pub mod lots;
pub mod metrics;
pub mod network;
pub mod node;
mod questions;
pub mod rpc;
pub mod seeds;
pub mod session;
pub mod shares;
mod sparing;
pub mod storage;
pub mod transport;

pub use error::NodeError;
