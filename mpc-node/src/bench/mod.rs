//! Workloads on four processes over the nodes' own transport: what `mpc-bench` runs.
//!
//! The parent ([`run`]) starts four children of its own program ([`party`]), tells each where the
//! others are, and checks what they open against the clear-text model. To emulate a network, it
//! puts a relay between them ([`relay`]). What there is to run is listed in [`workload`]. With a party
//! absent, all four first make the part of the reserve that the other three then need.

pub mod party;
mod relay;
pub mod run;
pub mod workload;

use serde::{Deserialize, Serialize};
use wire::limits::NODES;

use crate::transport::identity::Introduction;

/// What the parent tells a child first.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Job {
    me: u8,
    workload: String,
    count: usize,
    seed: u64,
    absent: Option<u8>,
}

/// What a child answers: what each of the others has to know of it.
type Introductions = [Introduction; NODES];

/// How to reach a peer.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Contact {
    address: std::net::SocketAddr,
    introduction: Introduction,
}

/// What a child has measured.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Measured {
    /// Of the program alone: without set-up.
    seconds: f64,
    /// Of the program alone, all threads.
    cpu_seconds: f64,
    rounds: u32,
    /// Bytes sent to each party, set-up included.
    sent: [u64; NODES],
    /// The most memory that was resident since the inputs were dealt.
    rss_bytes: u64,
    /// What was opened, encoded; nothing if this party was absent, or lots were made.
    opened: Vec<u8>,
    /// Of the last lot that was made: by component, its hash.
    hashes: [Option<[u8; 32]>; NODES],
    /// Time in which the reserve was made for it.
    reserve_seconds: f64,
    /// Bytes of a component of that reserve.
    reserve_bytes: usize,
}

/// What keeps a benchmark from running.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BenchError {
    /// There is no such workload.
    #[error("there is no workload `{0}`: `mpc-bench --help` lists them")]
    NoSuchWorkload(String),
    /// The engine refuses the program.
    #[error("the program cannot be built for this count: {0}")]
    Program(#[from] mpc_engine::ProgramError),
    /// The engine refuses the inputs.
    #[error("the inputs do not fit the program: {0}")]
    Inputs(#[from] mpc_engine::EngineError),
    /// The session stopped.
    #[error("party {me} stopped: {outcome}")]
    Stopped {
        /// Which party.
        me: u8,
        /// How it ended.
        outcome: String,
    },
    /// A party has ended without a word.
    #[error("party {0} ended: see its message above")]
    Ended(u8),
    /// What was opened is not what the clear-text model gives.
    #[error("party {0} has opened something else than the clear-text model")]
    Wrong(u8),
    /// Two parties hold different lots.
    #[error("parties do not hold the same component {0} of a lot")]
    Lots(u8),
    /// An absent party cannot be.
    #[error("{0}")]
    Absent(&'static str),
    /// The transport could not be set up.
    #[error(transparent)]
    Node(#[from] crate::NodeError),
    /// A message between parent and child.
    #[error("a message between the processes is not valid: {0}")]
    Message(#[from] serde_json::Error),
    /// The system.
    #[error("the system refuses: {0}")]
    System(#[from] std::io::Error),
}
