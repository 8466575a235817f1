//! The sandbox in which contracts run: WebAssembly by wasmi, metered in fuel.
//!
//! The same module, arguments and storage give the same outcome and use the same fuel on every
//! node, whether the call ends well, in the contract's own error, or in a fault. Fuel depends on
//! the interpreter: its exact version, eager compilation and the settings in `engine.rs` are
//! consensus parameters. Read `module.rs` (from code to something that can be called), `call.rs`
//! (one call), then the files named for what they bound: `static_analysis.rs`, `imports.rs`,
//! `limits.rs`.

mod call;
mod engine;
mod guest;
mod host;
mod imports;
mod inputs;
pub(crate) mod limits;
mod module;
mod others;
mod static_analysis;
mod storage;
mod timer;
mod trace;

pub(crate) use call::{Call, Ending, Outcome};
pub(crate) use host::{Effects, Entry, Event, Marks, Storage, Timers};
pub(crate) use module::Compiled;
pub(crate) use others::{Answer, Before, Nobody, Others, Within};
pub(crate) use trace::{Rows, Traced, Tracing};

#[cfg(test)]
mod tests;
