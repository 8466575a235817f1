//! Four-party computation on additive shares, secure against one malicious party; three parties can
//! go on without the fourth.
//!
//! Owns shares, the keys of a session, [`Program`] (a vector circuit in single-assignment form),
//! its planning into rounds, and its execution. It is pure and synchronous: a [`Session`] takes the
//! frames of a round and returns those of the next; who carries them, and when, is the caller's
//! affair. It has no clock, no thread and no randomness but the entropy that it is given.
//!
//! Party p holds the components x_c, c ≠ p, of every `x = x₀ + x₁ + x₂ + x₃`. No byte that depends on
//! a received message leaves a party before that message's second copy has matched.
//!
//! Read [`program`] first, then `circuit` (what a program becomes), `template` (what a gate is made
//! of), `schedule` (when it runs), `protocol` (how values cross) and [`session`]; and `reserve`, from
//! which three parties compute without the fourth.

/// Whether what comes is checked too late: only to show what that would cost.
pub const INSECURE: bool = cfg!(feature = "insecure-late-checks");

mod circuit;
pub mod clear;
mod digest;
mod error;
mod explain;
mod frame;
mod input;
pub mod local;
mod machine;
mod plan;
mod prf;
pub mod program;
mod protocol;
mod refresh;
mod reserve;
mod results;
mod roles;
mod schedule;
pub mod session;
mod template;
mod vector;

pub use error::{EngineError, FrameFault, ProgramError, Stop};
pub use explain::Explanation;
pub use input::{InputCollector, PartyInputs, component};
pub use plan::Plan;
pub use program::{
    Column, ColumnId, Program, ProgramBuilder, ValueId, decode_opened, encode_opened,
};
pub use refresh::{RefreshKey, Tree, check_proven};
pub use reserve::{
    Amounts, ComponentSeeds, LotShares, Ranges, ReserveShares, SEED_BYTES, component_hash,
};
pub use results::{OpenedParts, ResultColumn, SecretResults};
pub use session::{
    Ending, Frames, Opened, Opening, Outcome, Outputs, Session, SessionBinding, Step, Task,
    Transcript, combine, commitment,
};
