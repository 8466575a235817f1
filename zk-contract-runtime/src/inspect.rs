//! What tools ask about a module that no chain has yet.

use alloy_primitives::Bytes;
use wire::contract::Description;

use crate::{HostFault, ModuleError, sandbox::Compiled};

/// What a module says about itself, if nodes would take it.
///
/// # Errors
/// The inner error is the module's fault, the outer one this machine's.
pub fn describe(code: &Bytes) -> Result<Result<Description, ModuleError>, HostFault> {
    let compiled = Compiled::new(code)?;
    Ok(compiled.map(|compiled| compiled.description().as_ref().clone()))
}
