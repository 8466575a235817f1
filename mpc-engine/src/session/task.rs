//! What a session is bound to, what it is to do, and what comes of it.

use std::sync::Arc;

use super::{Opened, Outputs};
use crate::{
    ComponentSeeds, EngineError, LotShares, PartyInputs, Program, RefreshKey, ReserveShares,
    reserve::Amounts,
};

/// What a session is bound to besides its task; all its parties must agree on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionBinding {
    /// Id of the L2 chain.
    pub chain_id: u64,
    /// Epoch of the committee.
    pub epoch: u64,
    /// The computation, or the lot of the reserve.
    pub computation: [u8; 32],
    /// Number of the attempt.
    pub attempt: u32,
    /// The party that takes no part, if one does not.
    pub absent: Option<u8>,
    /// A fresh and random number of each party, from the log; zeros for the absent.
    pub nonces: [[u8; 32]; 4],
}

/// What a session is to do.
pub enum Task {
    /// Run a program.
    Compute {
        /// What all parties run.
        program: Arc<Program>,
        /// This party's shares of what the program reads.
        inputs: PartyInputs,
        /// What random results are drawn from; needed if the program has any.
        seeds: Option<ComponentSeeds>,
        /// Needed if a party is absent, and only then.
        reserve: Option<ReserveShares>,
        /// How it ends.
        ending: Ending,
    },
    /// Make a lot of the reserve.
    Produce {
        /// How much of each material.
        amounts: Amounts,
    },
    /// Toss a key that all live parties know, to share inputs anew.
    Toss,
}

/// How a computation ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The results are opened to all parties in the session.
    Open,
    /// Nothing is opened: each party keeps its components of the results.
    Commit,
}

/// What a session that ran to its end leaves.
#[derive(Debug)]
pub enum Outcome {
    /// The results, of [`Ending::Open`].
    Opened(Opened),
    /// This party's components of the results, of [`Ending::Commit`].
    Committed(Outputs),
    /// This party's shares of a lot.
    Made(LotShares),
    /// What inputs are shared anew with.
    Tossed(RefreshKey),
}

impl std::fmt::Debug for Task {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Compute { ending, .. } => write!(f, "Compute({ending:?}, <redacted>)"),
            Self::Produce { amounts } => write!(f, "Produce({amounts:?})"),
            Self::Toss => f.write_str("Toss"),
        }
    }
}

impl Task {
    /// Runs a program with all four parties and opens its results; without random results.
    #[must_use]
    pub const fn open(program: Arc<Program>, inputs: PartyInputs) -> Self {
        Self::Compute {
            program,
            inputs,
            seeds: None,
            reserve: None,
            ending: Ending::Open,
        }
    }
}

impl Outcome {
    /// The results, if they were opened in the session.
    #[must_use]
    pub fn into_opened(self) -> Option<Opened> {
        match self {
            Self::Opened(opened) => Some(opened),
            Self::Committed(_) | Self::Made(_) | Self::Tossed(_) => None,
        }
    }
}

impl SessionBinding {
    /// The hash that all parties must agree on: of this, and of the hash of the task.
    pub(super) fn hash(&self, task: &[u8; 32]) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new_derive_key("quartet v1 session binding");
        hasher.update(&self.chain_id.to_le_bytes());
        hasher.update(&self.epoch.to_le_bytes());
        hasher.update(&self.computation);
        hasher.update(&self.attempt.to_le_bytes());
        hasher.update(task);
        let live = 0b1111 & !self.absent.map_or(0, |absent| 1 << (absent & 3));
        hasher.update(&[live]);
        hasher.update(self.nonces.as_flattened());
        *hasher.finalize().as_bytes()
    }

    /// The absent party, if there is one.
    ///
    /// # Errors
    /// [`EngineError::NoSuchParty`] if it is none of the four, or `me`.
    pub(super) fn absent(&self, me: u8) -> Result<Option<usize>, EngineError> {
        match self.absent {
            Some(party) if party >= 4 || party == me => Err(EngineError::NoSuchParty { party }),
            absent => Ok(absent.map(usize::from)),
        }
    }
}
