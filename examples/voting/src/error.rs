//! What can stop the story.

use std::path::PathBuf;

use alloy::{contract, primitives::Address, transports::TransportError};
use client::ClientError;
use devnet::DevnetError;

use crate::report::Tally;

/// Why the story did not come to its good end.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoryError {
    /// Options that do not fit together.
    #[error("{0}")]
    Options(String),
    /// A key file or variable that cannot be used.
    #[error("the L1 key in {place} cannot be used: {why}")]
    Key {
        /// The file or the environment variable.
        place: String,
        /// What is wrong with it; never the key.
        why: String,
    },
    /// Something could not be built, started or stopped.
    #[error(transparent)]
    Devnet(#[from] DevnetError),
    /// The L2 answered otherwise than it should.
    #[error("{doing}: {source}")]
    L2 {
        /// What was being done.
        doing: String,
        /// What the client says.
        source: ClientError,
    },
    /// The L1 answered otherwise than it should.
    #[error("{doing}: {why}")]
    L1 {
        /// What was being done.
        doing: String,
        /// What alloy says.
        why: String,
    },
    /// A contract's compiled code cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Code {
        /// The WASM module.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// A contract is not where it was foretold; somebody else used the same key meanwhile.
    #[error("the {what} is at {actual}, and must be at {expected}")]
    Misplaced {
        /// Which contract.
        what: &'static str,
        /// Where it should be.
        expected: Address,
        /// Where it is.
        actual: Address,
    },
    /// What must be refused was not.
    #[error("{what} was not refused with {expected}, but: {actual}")]
    NotRefused {
        /// What was tried.
        what: String,
        /// The refusal that it should get.
        expected: &'static str,
        /// What it got.
        actual: String,
    },
    /// Something that the contracts or nodes say is not what the runner knows.
    #[error("{what} is {actual}, and must be {expected}")]
    Mismatch {
        /// What was compared.
        what: &'static str,
        /// What the runner knows.
        expected: String,
        /// What was found.
        actual: String,
    },
    /// The tally on L1 is not the sum of the ballots.
    #[error("the tally on L1 is {actual}, and the ballots that count sum up to {expected}")]
    WrongTally {
        /// The sum in clear.
        expected: Tally,
        /// What L1 published.
        actual: Tally,
    },
    /// It took too long.
    #[error("{what} did not happen within {seconds} s")]
    TimedOut {
        /// What was waited for.
        what: String,
        /// How long, in seconds.
        seconds: u64,
    },
    /// A task of the runner was lost.
    #[error("a task of the runner ended without an answer: {0}")]
    Task(#[from] tokio::task::JoinError),
}

/// Says what was being done when something failed.
pub(crate) trait Doing<T> {
    /// Adds it to the error.
    fn doing(self, what: impl Into<String>) -> Result<T, StoryError>;
}

impl<T> Doing<T> for Result<T, ClientError> {
    fn doing(self, what: impl Into<String>) -> Result<T, StoryError> {
        self.map_err(|source| StoryError::L2 {
            doing: what.into(),
            source,
        })
    }
}

macro_rules! doing_on_l1 {
    ($($error:ty),*) => {
        $(impl<T> Doing<T> for Result<T, $error> {
            fn doing(self, what: impl Into<String>) -> Result<T, StoryError> {
                self.map_err(|error| StoryError::L1 { doing: what.into(), why: error.to_string() })
            }
        })*
    };
}
doing_on_l1!(
    TransportError,
    contract::Error,
    alloy::providers::PendingTransactionError,
    alloy::sol_types::Error
);
