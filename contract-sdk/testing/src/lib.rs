//! Runs contracts in tests, natively, without WASM and without nodes.
//!
//! A [`World`] is one deployed contract with its users, time, state and inputs. Calls go through the
//! contract's own dispatch and ABI. A computation is traced into the same program as in a node and
//! then runs twice, in clear and on four parties in this process; the results must agree.
//!
//! ```ignore
//! let mut poll = World::deploy(NOON, user("opener"), &calls::new(l1_poll, root, 1, EVENING))?;
//! poll.input(user("alice"), &calls::cast(&Ballot::plain(2)))?;
//! assert_eq!(poll.call(user("bob"), &calls::close()), Err(PollError::PollStillOpen { closes: EVENING }));
//! poll.set_time(EVENING);
//! let started = poll.call(user("bob"), &calls::close())?;
//! assert_eq!(poll.run(started).votes, [0, 0, 1]);
//! ```
//!
//! What a node bounds, this bounds too, except fuel and memory. What traps in a node panics here.
//!
//! Read [`World`] first. Owns the order of things in a test; what an operation means is the
//! engine's.

mod host;
mod trace;
mod world;

use alloy_primitives::{Address, keccak256};

pub use world::{Pending, World};

/// The address of a user with this name.
#[must_use]
pub fn user(name: &str) -> Address {
    Address::from_word(keccak256(name))
}
