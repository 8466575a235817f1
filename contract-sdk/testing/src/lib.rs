//! Runs contracts in tests, natively, without WASM and without nodes.
//!
//! A [`World`] is one deployed contract with its users, time, state and inputs. Calls go through the
//! contract's own dispatch and ABI. A computation is traced into the same program as in a node and
//! then runs twice, in clear and on four parties in this process; the results must agree.
//!
//! ```
//! # #[quartet::contract]
//! # mod guess {
//! #     use quartet::prelude::*;
//! #     #[state]
//! #     pub struct Game { closes: Time }
//! #     #[derive(SecretInput)]
//! #     pub struct Guess { pub number: Secret<u16> }
//! #     #[error]
//! #     pub enum GameError { Closed, StillOpen { closes: Time } }
//! #     #[init]
//! #     fn new(s: &mut Game, closes: Time) { s.closes = closes; }
//! #     #[input]
//! #     fn guess(s: &mut Game, ctx: &Ctx, _guess: Sealed<Guess>) -> Result<()> {
//! #         ensure!(ctx.time < s.closes, GameError::Closed);
//! #         Ok(())
//! #     }
//! #     #[action]
//! #     fn close(s: &mut Game, ctx: &Ctx) -> Result<Start<total>> {
//! #         ensure!(ctx.time >= s.closes, GameError::StillOpen { closes: s.closes });
//! #         Ok(Start::with_context(B256::ZERO))
//! #     }
//! #     #[compute]
//! #     fn total(guesses: SecretVec<Guess>) -> Secret<u64> {
//! #         guesses.number.cast::<u64>().sum()
//! #     }
//! # }
//! # use contract_testing::{World, user};
//! # use guess::{GameError, Guess, calls};
//! let mut game = World::deploy(100, user("host"), &calls::new(200)).unwrap();
//! game.input(user("ada"), &calls::guess(&Guess::plain(40_000))).unwrap();
//! game.input(user("ben"), &calls::guess(&Guess::plain(50_000))).unwrap();
//! assert_eq!(
//!     game.call(user("ada"), &calls::close()),
//!     Err(GameError::StillOpen { closes: 200 })
//! );
//!
//! game.set_time(200);
//! let started = game.call(user("ada"), &calls::close()).unwrap();
//! assert_eq!(game.run(started), 90_000);
//! ```
//!
//! A test under `#[quartet::test]` runs in each [`Mode`]: in clear, on four parties in this process,
//! and, if the feature `nodes` is on, on four real nodes. [`World::stop_node`] and [`World::tamper`] let
//! a node fail.
//!
//! [`World::advance_to`] lets time pass and what is due run by itself. [`World::deploy_beside`] adds
//! contracts that the first one calls.
//!
//! What a node bounds, this bounds too, except fuel and memory. What traps in a node panics here.
//!
//! Read [`World`] first. Owns the order of things in a test; what an operation means is the
//! engine's.

mod host;
mod mode;
#[cfg_attr(not(feature = "nodes"), path = "no_nodes.rs")]
mod nodes;
mod trace;
mod world;

use alloy_primitives::Address;
use quartet::Time;

pub use mode::{Mode, mode, run};
pub use mpc_engine::Explanation;
pub use world::{Pending, TimerFailure, World};

#[cfg(feature = "nodes")]
pub use nodes::L1;

/// A time for tests to begin at, in seconds since the Unix epoch: later than the clocks of real nodes.
pub const NOON: Time = 4_000_000_000;

/// The address of a user with this name.
#[must_use]
pub fn user(name: &str) -> Address {
    nodes::user(name)
}
