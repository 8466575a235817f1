//! What can be said of a contract before it is deployed: what it reveals and to whom, what is
//! public, what its computations and functions cost, what nodes would refuse, and the Solidity that
//! takes its results on L1.
//!
//! Pure: it is given the module, the author's comments and, for source lines, a second module with
//! them. It runs the code in the nodes' own sandbox. Read [`report`] first.

pub mod check;
pub mod compare;
mod costs;
mod error;
mod functions;
pub mod report;
mod said;
pub mod solidity;
mod text;

pub use error::ReportError;
pub use report::Report;
