//! Why there is no report.

use zk_contract_runtime::{HostFault, ModuleError};

/// What keeps a contract from being looked at.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// Nodes would not take the module.
    #[error("nodes would refuse this contract: {0}; `quartet contract check` says where that is")]
    Module(#[from] ModuleError),
    /// This machine could not run it.
    #[error(transparent)]
    Host(#[from] HostFault),
    /// What it says about itself cannot be used.
    #[error("the description of {what}: {why}")]
    Description {
        /// Which part.
        what: String,
        /// What is wrong with it.
        why: String,
    },
}

impl ReportError {
    /// Wraps an error in a part of the description.
    pub(crate) fn description(
        what: impl Into<String>,
    ) -> impl FnOnce(Box<dyn std::error::Error>) -> Self {
        let what = what.into();
        move |error| Self::Description {
            what,
            why: error.to_string(),
        }
    }
}
