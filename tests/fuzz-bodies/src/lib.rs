//! What is fuzzed: a function for each parser of what comes from outside, with inputs to begin with.
//!
//! A body takes any bytes; it must not panic, and neither its time nor its memory may grow much
//! beyond its input. It says whether the parser took the input, so that a test can see that its
//! seeds mean something. The same bodies run in two ways: under libFuzzer in `fuzz/`, which needs
//! nightly, and over seeded mutations in this crate's test, which everybody runs.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a body fails by panicking"
)]

pub mod client;
pub mod engine;
pub mod formats;
pub mod l1;
pub mod modules;
pub mod node;
pub mod transport;

use rand::{Rng, RngExt as _};

/// A body with its seeds.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name, which is that of the fuzz target too.
    pub name: &'static str,
    /// Runs it, and says whether the parser took the bytes.
    pub run: fn(&[u8]) -> bool,
    /// Inputs that the parser takes.
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// How much dearer a run is than one of the cheapest bodies.
    pub cost: usize,
}

/// All of them.
pub const TARGETS: &[Target] = &[
    target("block", formats::block, formats::block_seeds, 1),
    target("config", node::config, node::config_seeds, 1),
    target("committee", node::committee, node::committee_seeds, 20),
    target(
        "consensus_wal",
        node::consensus_wal,
        node::consensus_wal_seeds,
        4,
    ),
    target(
        "description",
        formats::description,
        formats::description_seeds,
        1,
    ),
    target("engine_session", engine::session, engine::session_seeds, 20),
    target(
        "generated_module",
        modules::generated,
        modules::generated_seeds,
        40,
    ),
    target("key_file", node::key_file, node::key_file_seeds, 1),
    target("l1_log", l1::log, l1::log_seeds, 1),
    target("module", modules::module, modules::module_seeds, 40),
    target(
        "peer_frames",
        transport::peer_frames,
        transport::peer_frames_seeds,
        1,
    ),
    target(
        "peer_message",
        formats::peer_message,
        formats::peer_message_seeds,
        1,
    ),
    target("receipt", client::receipt, client::receipt_seeds, 4),
    target("rpc_request", node::rpc_request, node::rpc_request_seeds, 1),
    target(
        "sealed_input",
        formats::sealed_input,
        formats::sealed_input_seeds,
        1,
    ),
    target(
        "secret_answer",
        client::secret_answer,
        client::secret_answer_seeds,
        20,
    ),
    target(
        "session_frames",
        transport::session_frames,
        transport::session_frames_seeds,
        1,
    ),
    target(
        "session_greeting",
        transport::greeting,
        transport::greeting_seeds,
        1,
    ),
    target("session_tls", transport::tls, transport::tls_seeds, 20),
    target(
        "start_options",
        formats::start_options,
        formats::start_options_seeds,
        1,
    ),
    target(
        "stored_records",
        node::stored_records,
        node::stored_records_seeds,
        1,
    ),
    target(
        "stored_values",
        node::stored_values,
        node::stored_values_seeds,
        1,
    ),
    target(
        "transaction",
        formats::transaction,
        formats::transaction_seeds,
        8,
    ),
];

const fn target(
    name: &'static str,
    run: fn(&[u8]) -> bool,
    seeds: fn() -> Vec<Vec<u8>>,
    cost: usize,
) -> Target {
    Target {
        name,
        run,
        seeds,
        cost,
    }
}

/// Flips, cuts, repeats or inserts at random places.
pub fn mutate(random: &mut impl Rng, valid: &[u8]) -> Vec<u8> {
    let mut bytes = valid.to_vec();
    for _ in 0..random.random_range(1..4) {
        let at = random.random_range(0..=bytes.len().saturating_sub(1));
        match random.random_range(0..6) {
            0 => bytes.truncate(at),
            1 => bytes.insert(at.min(bytes.len()), random.random()),
            2 if !bytes.is_empty() => bytes[at] ^= 1 << random.random_range(0..8),
            3 if !bytes.is_empty() => bytes[at] = [0, 0x7f, 0x80, 0xff][at % 4],
            4 if !bytes.is_empty() => drop(bytes.remove(at)),
            _ => {
                let tail = bytes[at.min(bytes.len())..].to_vec();
                bytes.extend(tail);
            }
        }
    }
    bytes
}
