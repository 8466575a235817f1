//! Tests with real node processes.

mod bench;
mod cli;
mod cluster;
mod contract;
mod rpc;
mod support;
