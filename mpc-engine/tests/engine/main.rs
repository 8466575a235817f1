//! The engine from outside: every operation against the clear-text model, its costs, and what
//! happens when somebody lies.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]
#![allow(unreachable_pub, reason = "modules of one test")]

mod catalogue;
mod cost_table;
mod costs;
mod disputes;
mod every_operation;
mod fixed;
mod gates;
mod inputs;
mod integers;
mod local_faults;
mod operations;
mod outputs;
mod privacy;
mod production;
mod refill;
mod reserve;
mod shuffle;
mod sort;
mod support;
mod tampering;
mod three;
mod toss;
mod vectors;
