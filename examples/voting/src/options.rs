//! What can be chosen.

use std::path::PathBuf;

use devnet::FaultTools;

use crate::{error::StoryError, l1::L1Choice, narrate::Detail, trouble::Trouble};

/// The fewest voters: as many as have a part of their own in the story.
pub const FEWEST_VOTERS: usize = 6;
/// The most voters.
pub const MOST_VOTERS: usize = 10_000;

/// Options of a run.
#[derive(Clone, Debug)]
pub struct Options {
    /// Voters on the list, 6 to 10,000.
    pub voters: usize,
    /// Which L1.
    pub l1: L1Choice,
    /// Where all files go; a temporary folder, gone in the end, if none is given.
    pub directory: Option<PathBuf>,
    /// How long nodes wait for a silent peer in a round of a computation, in milliseconds; their
    /// own default if none is given.
    pub round_timeout_ms: Option<u64>,
    /// How much is told.
    pub detail: Detail,
    /// What tests need to do harm to the nodes.
    pub tools: FaultTools,
    /// What goes wrong with a node.
    pub trouble: Option<Trouble>,
    /// Lots of the reserve that the nodes keep; the usual number if none is given.
    pub reserve_lots: Option<u32>,
    /// How long a key epoch lasts, in milliseconds; as long as usual if nothing is given.
    pub refresh_ms: Option<u64>,
}

impl Options {
    /// A run with this many voters on an L1 of our own.
    #[must_use]
    pub const fn new(voters: usize) -> Self {
        Self {
            voters,
            l1: L1Choice::Embedded,
            directory: None,
            round_timeout_ms: None,
            detail: Detail::Story,
            tools: FaultTools {
                links: None,
                disk: None,
            },
            trouble: None,
            reserve_lots: None,
            refresh_ms: None,
        }
    }

    /// Checks the bounds.
    ///
    /// # Errors
    /// [`StoryError::Options`].
    pub fn check(&self) -> Result<(), StoryError> {
        if (FEWEST_VOTERS..=MOST_VOTERS).contains(&self.voters) {
            return Ok(());
        }
        Err(StoryError::Options(format!(
            "--voters {}: there can be {FEWEST_VOTERS} to {MOST_VOTERS} voters",
            self.voters
        )))
    }
}
