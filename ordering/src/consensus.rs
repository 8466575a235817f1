//! Consensus: Malachite's I/O-free core over this system's messages, keys and write-ahead log.
//!
//! Read `context.rs` (the types that the core is given), then `engine.rs` (one height, driven by
//! messages and timers), `host.rs` (what the core asks for), `wal.rs` (what survives a crash) and
//! `certificates.rs` (proofs).

mod certificates;
mod context;
mod engine;
mod host;
mod wal;

pub(crate) use certificates::{Checker, verify_decided};
pub(crate) use context::{BlockHash, Number, Offer, Party, SignedOffer};
pub(crate) use engine::{Engine, Output};
pub(crate) use wal::{Entry, RECORD_BYTES, decode as decode_records, encode as encode_record};
