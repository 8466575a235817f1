//! What a contract can ask of the node that runs it: `wire::guest` as Rust functions.
//!
//! In WASM they are imports; natively they go to the [`native::Host`] of the current thread, which
//! `contract-testing` installs. Contract authors use the types built on top of these instead.

#[cfg(target_arch = "wasm32")]
mod imports;
#[cfg(not(target_arch = "wasm32"))]
pub mod native;

#[cfg(target_arch = "wasm32")]
pub use imports::*;
#[cfg(not(target_arch = "wasm32"))]
pub use native::functions::*;

/// A value of the secret program that is being traced. Not a share: only its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Handle(pub i32);
