//! Whether computations may run over their inputs, in the words that users see.

use alloy_primitives::Address;
use wire::guest::Fault;

use super::Transition;
use crate::contract::guard::{Sequences, TooClose};

impl Transition<'_> {
    /// Whether a computation that must have so many inputs of a type may run over this set of them.
    ///
    /// # Errors
    /// Why it fails.
    pub(super) fn guard(
        &mut self,
        address: Address,
        (number, least, set): &(u32, u64, Sequences),
    ) -> Result<(), (Fault, String)> {
        let actual = set.len();
        if actual < *least {
            let reason = format!("it has {actual} inputs, and needs {least} at least");
            return Err((Fault::TooFewInputs, reason));
        }
        let Some(contract) = self.state.contract_mut(address) else {
            return Ok(());
        };
        contract.guard(*number, *least, set).map_err(|error| {
            let reason = match error {
                TooClose::Differs { by, least } => format!(
                    "its inputs differ in {by} from those of an earlier computation, and must be \
                     the same or differ in {least} at least"
                ),
                TooClose::Full => "too many sets of inputs have been computed on: delete inputs \
                                   that are no longer needed"
                    .to_owned(),
            };
            (Fault::TooClose, reason)
        })
    }
}
