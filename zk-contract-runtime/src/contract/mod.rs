//! Deployed contracts.

mod effects;
pub(crate) mod guard;
pub(crate) mod inputs;
pub(crate) mod interface;

use std::{collections::BTreeMap, sync::Arc};

use alloy_primitives::{Address, B256};
use wire::{
    codec,
    rpc::{ContractInfo, TimerFailure, TimerInfo},
};

use guard::{Guard, Sequences, TooClose};
use inputs::Inputs;

use crate::sandbox::{Compiled, Storage, Timers};

/// A deployed contract with its public state.
pub(crate) struct Contract {
    /// Where it lives.
    pub(crate) address: Address,
    /// Who deployed it.
    pub(crate) deployer: Address,
    /// Its code, ready to be called.
    pub(crate) compiled: Arc<Compiled>,
    /// Its public state. Shared with the calls that read it, of which none is left when it
    /// changes.
    pub(crate) storage: Arc<Storage>,
    /// When it is to be called.
    pub(crate) timers: Timers,
    /// The last call by a timer that did not end well.
    pub(crate) timer_failure: Option<TimerFailure>,
    /// How many computations it has started.
    pub(crate) computations: u64,
    /// Its inputs that await their verdict, by number of the type, then by sequence.
    pub(crate) undecided: BTreeMap<u32, BTreeMap<u64, B256>>,
    /// Its accepted inputs.
    pub(crate) accepted: Inputs,
    /// Over which of them computations with a least number have run.
    pub(crate) guard: Guard,
    /// Its computations that wait for inputs, oldest first.
    pub(crate) waiting: Vec<B256>,
}

impl Contract {
    /// What the state's root commits to, besides the storage.
    pub(crate) fn encode(&self) -> Vec<u8> {
        // The reason in words may change with the nodes' version.
        let failure = self.timer_failure.as_ref().map(|f| (f.selector, f.block));
        codec::encode(&(
            (self.deployer, self.compiled.code_hash, self.computations),
            (&self.timers, failure, self.guard.digest()),
        ))
    }

    /// As users see it.
    pub(crate) fn info(&self) -> ContractInfo {
        ContractInfo {
            address: self.address,
            code_hash: self.compiled.code_hash,
            deployer: self.deployer,
            description: self.compiled.description().as_ref().clone(),
            computations: self.computations,
            timers: self
                .timers
                .iter()
                .map(|(selector, time)| TimerInfo {
                    selector: *selector,
                    time: *time,
                })
                .collect(),
            timer_failure: self.timer_failure.clone(),
        }
    }

    /// The type of which one of its computations must have so many inputs, if it must.
    pub(crate) fn guarded(&self, computation: u32) -> Option<(u32, u64)> {
        let computations = &self.compiled.description().computations;
        let computation = computations.get(computation as usize)?;
        let least = u64::from(computation.min_inputs);
        let first = computation.inputs.first().copied();
        first.map(|number| (number, least)).filter(|_| least > 0)
    }

    /// Whether a set of inputs of a type may be opened by a computation that must have so many.
    ///
    /// # Errors
    /// [`TooClose`].
    pub(crate) fn guard(
        &mut self,
        number: u32,
        least: u64,
        set: &Sequences,
    ) -> Result<(), TooClose> {
        let computations = &self.compiled.description().computations;
        let accepted = &self.accepted;
        let still = || {
            let of_type = computations
                .iter()
                .filter(|c| c.inputs.first() == Some(&number));
            let largest = of_type.map(|c| u64::from(c.min_inputs)).max();
            (largest.unwrap_or(0), accepted.of_type(number).collect())
        };
        self.guard.check(number, least, set, still)
    }

    /// Numbers of the input types that one of its computations reads.
    pub(crate) fn types_of(&self, computation: u32) -> &[u32] {
        let computations = &self.compiled.description().computations;
        let computation = computations.get(computation as usize);
        computation.map_or(&[], |c| c.inputs.as_slice())
    }

    /// Numbers of the types of the secret results that one of its computations makes.
    pub(crate) fn made_by(&self, computation: u32) -> Vec<u32> {
        let computations = &self.compiled.description().computations;
        let computation = computations.get(computation as usize);
        let secrets = computation.into_iter().flat_map(|c| &c.secrets);
        secrets.map(|secret| secret.input).collect()
    }

    /// Numbers of the types that one of its computations reads or makes: before it begins there is
    /// none undecided.
    pub(crate) fn awaited_by(&self, computation: u32) -> Vec<u32> {
        let mut types = [self.types_of(computation), &self.made_by(computation)].concat();
        types.sort_unstable();
        types.dedup();
        types
    }

    /// Its undecided inputs of these types, ordered before `cutoff`.
    pub(crate) fn undecided_before<'a>(
        &'a self,
        cutoff: u64,
        types: &'a [u32],
    ) -> impl Iterator<Item = B256> + 'a {
        let of_types = types.iter().filter_map(|ty| self.undecided.get(ty));
        of_types.flat_map(move |inputs| inputs.range(..cutoff).map(|(_, id)| *id))
    }
}
