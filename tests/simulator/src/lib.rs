//! Four nodes with the real consensus, pool and state machine in one thread, on a virtual clock, a
//! virtual network and virtual disks. One seed is one run, to the byte.
//!
//! Owns faults and what must hold under them; the nodes' code is the real one, up to and with the
//! engine's sessions. What stands in for the shell of a node is in `shell/`. `Sim` is the four
//! nodes and what is between them; a [`Scenario`] is a random mix of faults, which [`run()`] plays
//! and judges. Read [`Sim`] first, then `scenario.rs`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod byzantine;
mod disk;
mod effects;
mod faults;
mod network;
mod rogues;
mod run;
mod scenario;
mod shell;
mod shrink;
mod sim;
mod users;
mod violation;

pub use byzantine::{Corrupt, Lie};
pub use disk::{Disk, File, Piece, Shares};
pub use network::{CALM, Network};
pub use rogues::Mischief;
pub use run::{Report, fingerprint_text, run};
pub use scenario::{Cut, Fault, Feature, Scenario};
pub use shrink::shrink;
pub use sim::{Event, Machine, Sim, committee, key, seed};
pub use users::{Ballot, Call, User, Users};
pub use violation::Violation;
