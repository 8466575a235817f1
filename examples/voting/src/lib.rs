//! The main job: a secret ballot from the voter list on L1 to the tally on L1, with real processes.
//!
//! Also the model for whoever runs a confidential contract: [`deploy`] shows how the two sides of an
//! app come to name each other, [`ballots`] how inputs are sent, [`count`] how a computation is
//! awaited, [`result`] what L1 takes. [`story`] is the order of things; read it first. The contract
//! itself is in `contract/`, its L1 side in `l1-contracts/`.

pub mod ballots;
pub mod count;
pub mod deploy;
pub mod electorate;
pub mod error;
pub mod l1;
pub mod narrate;
pub mod options;
pub mod report;
pub mod result;
pub mod stage;
pub mod story;
pub mod trouble;

pub use self::{error::StoryError, options::Options, report::Report};
