//! Questions about transactions and calls that change nothing.

use alloy_primitives::{Address, Bytes};
use wire::{limits::CALL_FUEL, transaction::Transaction};

use crate::{
    CallOutcome, CallStatus, HostFault, Refusal, Runtime,
    check::{check_gas, check_nonce},
    transition::{Attempt, Place},
};

/// What a gas limit has beyond what a trial used, since the state may differ by the time that it
/// is executed: a quarter, and this much fuel.
const ESTIMATE_MARGIN: u64 = 50_000;

/// A call that changes nothing.
#[derive(Clone, Debug, Default)]
pub struct CallRequest {
    /// Who calls.
    pub from: Address,
    /// The contract; none to try a deployment.
    pub to: Option<Address>,
    /// Selector and arguments, or an encoded deployment.
    pub data: Bytes,
    /// Fuel that it may use; none for as much as a transaction may.
    pub gas: Option<u64>,
}

impl Runtime {
    /// Whether a transaction may wait for a block, behind `pending` earlier ones of its sender.
    /// The first is tried as if it were in the next block, proposed when this node's clock shows
    /// `clock_ms` (without the offset of development clusters).
    ///
    /// # Errors
    /// [`Refusal`].
    pub fn admit(&self, tx: &Transaction, pending: u64, clock_ms: u64) -> Result<(), Refusal> {
        self.fits(tx, pending)?;
        if pending > 0 {
            return Ok(());
        }
        self.trial(tx, clock_ms).1
    }

    /// Whether a transaction has the right nonce behind `pending` earlier ones of its sender, and
    /// gas within bounds: what a block needs. Costs next to nothing.
    ///
    /// # Errors
    /// [`Refusal`].
    pub fn fits(&self, tx: &Transaction, pending: u64) -> Result<(), Refusal> {
        check_nonce(tx, self.state.nonce(tx.sender).saturating_add(pending))?;
        check_gas(tx)
    }

    /// Tries a transaction as if it were in the next block: the fuel that this took, and whether
    /// it would end well.
    ///
    /// # Errors
    /// The inner result is a [`Refusal`].
    pub fn trial(&self, tx: &Transaction, clock_ms: u64) -> (u64, Result<(), Refusal>) {
        let attempt = Attempt {
            sender: tx.sender,
            to: tx.to,
            data: &tx.data,
            gas: tx.gas_limit,
        };
        match self.attempt(&attempt, clock_ms) {
            Ok(outcome) => (outcome.gas_used, refuse(tx.to, outcome).map(|_| ())),
            Err(fault) => (0, Err(fault.into())),
        }
    }

    /// What a call would do in the next block, proposed when the clock shows `clock_ms`. Changes
    /// nothing. An input is taken as at ordering.
    ///
    /// # Errors
    /// [`HostFault`].
    pub fn call(&self, request: &CallRequest, clock_ms: u64) -> Result<CallOutcome, HostFault> {
        let attempt = Attempt {
            sender: request.from,
            to: request.to,
            data: &request.data,
            gas: request.gas.unwrap_or(CALL_FUEL).min(CALL_FUEL),
        };
        self.attempt(&attempt, clock_ms)
    }

    /// A gas limit with which such a transaction succeeds, if it does.
    ///
    /// # Errors
    /// [`Refusal`].
    pub fn estimate(&self, request: &CallRequest, clock_ms: u64) -> Result<u64, Refusal> {
        let used = refuse(request.to, self.call(request, clock_ms)?)?.gas_used;
        Ok((used + used / 4 + ESTIMATE_MARGIN).min(CALL_FUEL))
    }

    fn attempt(&self, attempt: &Attempt<'_>, clock_ms: u64) -> Result<CallOutcome, HostFault> {
        let place = Place {
            block: self.head.number + 1,
            time_ms: self.next_time_ms(clock_ms),
        };
        let tried = attempt.run(&self.committee, &self.state, &self.modules, place)?;
        Ok(tried.outcome)
    }
}

fn refuse(to: Option<Address>, outcome: CallOutcome) -> Result<CallOutcome, Refusal> {
    match outcome.status {
        CallStatus::Ok => Ok(outcome),
        CallStatus::NoContract => Err(Refusal::NoContract(to.unwrap_or_default())),
        CallStatus::Reverted | CallStatus::Fault(_) | CallStatus::Module(_) => {
            Err(Refusal::Reverted {
                data: outcome.output,
                reason: outcome.revert_reason,
            })
        }
    }
}
