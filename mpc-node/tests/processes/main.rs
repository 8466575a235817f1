//! Tests with real node processes.

mod bench;
mod cli;
mod cluster;
mod contract;
mod flood;
mod refresh;
mod results;
mod rpc;
mod support;
