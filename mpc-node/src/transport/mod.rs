//! Connections for the frames of computations, beside the swarm.
//!
//! One TCP connection with TLS 1.3 for each session and pair of nodes, dialed by the node of lower
//! index. Each node draws a key pair at start, and tells every peer over the authenticated swarm
//! its public key, its port, and a word that opens the door ([`identity`]; ADR 0011). TLS is mutual
//! with raw public keys (RFC 7250): whoever holds any other key is refused, and who does not know
//! the word does not even get to the handshake ([`listen`]). Connections that served a session wait
//! for the next one ([`sessions`]). Everything is bounded: strangers at the door, handshakes and
//! connections by peer, what waits in both directions.
//!
//! Read [`sessions`] first. The hot path is [`link`]: a session's own thread reads and writes
//! without the asynchronous runtime, through the sans-I/O layers [`records`] and [`framing`].

pub mod connection;
pub mod framing;
pub mod identity;
pub(crate) mod link;
mod listen;
pub mod records;
pub mod sessions;

use std::time::Duration;

/// How long each step of making a connection may take.
const OPEN_TIMEOUT: Duration = Duration::from_secs(3);
