//! Tests with real node processes.

mod cli;
mod cluster;
mod contract;
mod rpc;
mod support;
