//! The state machine, and how a block is applied.

use alloy_primitives::{B256, keccak256};
use wire::{codec, committee::Committee};

use crate::{
    Amounts, Applied, CheckedBlock, HostFault, StateKey, StateProof,
    refresh::Refresh,
    state::State,
    transition::{Modules, Place, Transition},
};

/// The last block that was applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Its number; 0 before the first block.
    pub number: u64,
    /// Its hash; before the first block, that of the committee.
    pub hash: B256,
    /// Its time, in milliseconds since the Unix epoch.
    pub time_ms: u64,
    /// Root of the state after it.
    pub state_root: B256,
}

/// The state machine of one chain, in memory.
pub struct Runtime {
    pub(crate) committee: Committee,
    pub(crate) head: Head,
    pub(crate) state: State,
    pub(crate) modules: Modules,
}

impl Runtime {
    /// The state before the first block.
    #[must_use]
    pub fn new(committee: Committee) -> Self {
        let mut state = State::default();
        let jobs = state.jobs_mut();
        jobs.reserve.busy_ms = committee.genesis_ms;
        jobs.refresh = Refresh::new(committee.genesis_ms);
        let head = Head {
            number: 0,
            hash: keccak256(codec::encode(&("quartet v1 genesis", committee.identity()))),
            time_ms: committee.genesis_ms,
            state_root: state.commit(),
        };
        let modules = Modules::default();
        Self {
            committee,
            head,
            state,
            modules,
        }
    }

    /// The same with other lots of the reserve, which all nodes must agree on: small ones for tests.
    #[must_use]
    pub fn with_lots_of(mut self, amounts: Amounts) -> Self {
        self.state.jobs_mut().reserve.whole_lot = amounts;
        self
    }

    /// The committee.
    #[must_use]
    pub const fn committee(&self) -> &Committee {
        &self.committee
    }

    /// The last block.
    #[must_use]
    pub const fn head(&self) -> &Head {
        &self.head
    }

    /// How far the chain's time is ahead of the clocks, in milliseconds; only in development.
    #[must_use]
    pub const fn time_offset_ms(&self) -> u64 {
        self.state.chain().offset_ms
    }

    /// Time of a block that is proposed when the proposer's clock shows `clock_ms`.
    #[must_use]
    pub fn next_time_ms(&self, clock_ms: u64) -> u64 {
        let shifted = clock_ms.saturating_add(self.time_offset_ms());
        shifted.max(self.head.time_ms)
    }

    /// Applies a block that [`Runtime::check`] found valid after this very head.
    ///
    /// # Errors
    /// [`HostFault`], after which this runtime must not be used any more.
    pub fn apply(&mut self, block: CheckedBlock) -> Result<Applied, HostFault> {
        let header = &block.block.header;
        if header.parent != self.head.hash {
            return Err(HostFault::WrongBlock);
        }
        let place = Place {
            block: header.number,
            time_ms: header.time_ms,
        };
        let mut transition = Transition::new(
            &self.committee,
            &mut self.state,
            &mut self.modules,
            place,
            block.hash,
        );
        for signed in &block.block.node_transactions {
            transition.hear(&signed.transaction);
        }
        // After the statements: what comes in the block that is late is not too late.
        transition.wake();
        transition.settle()?;
        transition.fire_timers()?;
        for transaction in &block.transactions {
            transition.execute(transaction)?;
        }
        transition.settle()?;
        let had_work = !block.transactions.is_empty();
        transition.keep_epochs(had_work);
        transition.keep_reserve(had_work);
        let applied = transition.applied;
        self.head = Head {
            number: header.number,
            hash: block.hash,
            time_ms: header.time_ms,
            state_root: self.state.commit(),
        };
        Ok(applied)
    }

    /// What the head's state root commits to at a place, none if nothing, and the proof that it
    /// does.
    #[must_use]
    pub fn prove(&self, key: &StateKey) -> (Option<Vec<u8>>, StateProof) {
        self.state.prove(key)
    }
}
