//! What is carried, and when it is due.

pub mod electorate;
pub mod result;

use crate::{l1::L1, l2::L2, sender::Sender, state::Store};

/// What came of looking.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// How many transactions were brought into blocks.
    pub carried: u64,
    /// Gas that those used.
    pub gas_used: u64,
    /// What is not due yet.
    pub waits: Vec<String>,
}

impl Outcome {
    /// Nothing to do now, and why.
    #[must_use]
    pub fn waits(why: String) -> Self {
        Self {
            waits: vec![why],
            ..Self::default()
        }
    }

    /// Adds what came of something else.
    pub fn add(&mut self, other: Self) {
        self.carried += other.carried;
        self.gas_used += other.gas_used;
        self.waits.extend(other.waits);
    }
}

/// Both chains, and what is known of them.
#[derive(Debug)]
pub struct World<'a> {
    /// L1.
    pub l1: &'a L1,
    /// The cluster.
    pub l2: &'a L2,
    /// Sends on L1.
    pub to_l1: &'a Sender,
    /// Sends on L2.
    pub to_l2: &'a Sender,
    /// What is known already.
    pub store: &'a mut Store,
}
