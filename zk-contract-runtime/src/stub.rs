//! Stands in for what the engine is about to offer.
#![allow(missing_docs, clippy::missing_errors_doc, clippy::unnecessary_wraps)]

use std::ops::Range;

use mpc_engine::{Plan, Program};
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Amounts {
    pub bits: u64,
    pub r64: u64,
    pub r128: u64,
    pub seeds: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Ranges {
    pub bits: Range<u64>,
    pub r64: Range<u64>,
    pub r128: Range<u64>,
    pub seeds: Range<u64>,
}

impl Amounts {
    #[must_use]
    pub const fn plus(&self, other: &Self) -> Self {
        Self {
            bits: self.bits.saturating_add(other.bits),
            r64: self.r64.saturating_add(other.r64),
            r128: self.r128.saturating_add(other.r128),
            seeds: self.seeds.saturating_add(other.seeds),
        }
    }

    #[must_use]
    pub const fn minus(&self, other: &Self) -> Self {
        Self {
            bits: self.bits.saturating_sub(other.bits),
            r64: self.r64.saturating_sub(other.r64),
            r128: self.r128.saturating_sub(other.r128),
            seeds: self.seeds.saturating_sub(other.seeds),
        }
    }

    #[must_use]
    pub const fn covers(&self, other: &Self) -> bool {
        self.bits >= other.bits
            && self.r64 >= other.r64
            && self.r128 >= other.r128
            && self.seeds >= other.seeds
    }

    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.bits == 0 && self.r64 == 0 && self.r128 == 0 && self.seeds == 0
    }
}

/// What an attempt without one node takes, and what it costs.
pub(crate) fn reserve_of(program: &Program) -> (Amounts, Plan) {
    let plan = program.plan().clone();
    let need = Amounts {
        bits: 64 * plan.rounds as u64,
        ..Amounts::default()
    };
    (need, plan)
}
