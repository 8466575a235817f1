//! How actions start computations: over which inputs, with which public arguments, for whom. And
//! how they delete inputs.

use std::marker::PhantomData;

use alloy_primitives::{Address, B256};
use wire::{
    guest::{Deletion, Selection, StartOptions},
    limits::START_INPUTS,
};

use crate::{
    abi::Params,
    contract::{Computation, Output},
    host,
    secret::{InputId, InputNumber},
};

/// Deletes the accepted inputs of a type in a group: no computation that starts from now on reads
/// them, and the nodes erase them once none under way does. For actions and callbacks; a group so
/// large that the call's fuel does not suffice is deleted in parts with [`delete_inputs`].
pub fn delete_group<T: InputNumber>(group: u64) {
    let number = T::NUMBER;
    host::delete_inputs(&Deletion::Group { number, group });
}

/// Deletes these inputs likewise. Those that do not count are passed over.
pub fn delete_inputs(inputs: &[InputId]) {
    for inputs in sequences(inputs).chunks(START_INPUTS) {
        host::delete_inputs(&Deletion::Inputs(inputs.to_vec()));
    }
}

/// In ascending order, each once.
fn sequences(inputs: &[InputId]) -> Vec<u64> {
    let mut sequences: Vec<u64> = inputs.iter().map(|input| input.0).collect();
    sequences.sort_unstable();
    sequences.dedup();
    sequences
}

/// What an action returns to start the computation `C`, which reads the accepted inputs of its types
/// as they are now, in the order in which they were ordered: all of them, unless it says which.
#[must_use = "a computation starts when the action returns this"]
pub struct Start<C, R = Ready> {
    options: StartOptions,
    computation: PhantomData<(C, R)>,
}

/// A [`Start`] that an action can return.
pub enum Ready {}

/// A [`Start`] of which [`Start::reader`] is still to say who the reader is.
pub enum NoReader {}

/// A computation whose [`Start`] is like this at first: [`NoReader`] if it has a
/// [`ToReader`](crate::ToReader), else [`Ready`]. Made by the macro.
#[diagnostic::on_unimplemented(
    message = "a start of `{Self}` names a reader if the computation has a ToReader, and only then",
    label = "a reader is missing here, or there is nothing to read",
    note = "if `{Self}` returns a ToReader, write `Start::new().reader(address)`; else remove `reader`"
)]
pub trait Begins<R>: Computation {}

impl<C: Begins<R, Args = ()>, R> Start<C, R> {
    /// Starts it.
    pub fn new() -> Self {
        Self::with(())
    }

    /// Starts it with these 32 bytes in the attestation: `Start::new().context(context)`.
    pub fn with_context(context: B256) -> Self {
        Self::new().context(context)
    }
}

impl<C: Begins<R, Args = ()>, R> Default for Start<C, R> {
    fn default() -> Self {
        Self::new()
    }
}

impl<C: Begins<R>, R> Start<C, R> {
    /// Starts it with these public arguments: those of the `#[compute]` function after its
    /// `SecretVec`s, as a tuple.
    pub fn with(arguments: C::Args) -> Self {
        Self {
            options: StartOptions {
                arguments: arguments.encode(),
                ..StartOptions::default()
            },
            computation: PhantomData,
        }
    }
}

impl<C: Computation> Start<C, NoReader> {
    /// Lets this user, and nobody else, read what the computation gives to its reader: each
    /// [`ToReader`](crate::ToReader). The call fails for the zero address, which is nobody's.
    pub fn reader(self, reader: Address) -> Start<C> {
        Start {
            options: StartOptions {
                reader,
                ..self.options
            },
            computation: PhantomData,
        }
    }
}

impl<C: Computation, R> Start<C, R> {
    /// Puts these 32 bytes into the attestation, by which L1 can tell for what it was made.
    pub const fn context(mut self, context: B256) -> Self {
        self.options.context = context;
        self
    }

    /// Runs it over the inputs of one group.
    pub fn group(mut self, group: u64) -> Self {
        self.options.selection = Selection::Group(group);
        self
    }

    /// Runs it over exactly these inputs, still in the order in which they were ordered. The call
    /// fails if one of them does not count, or if there are more than
    /// `wire::limits::START_INPUTS`.
    pub fn inputs(mut self, inputs: &[InputId]) -> Self {
        self.options.selection = Selection::Inputs(sequences(inputs));
        self
    }

    /// Deletes its inputs once it is attested; if it fails, they stay.
    pub const fn delete_after(mut self) -> Self {
        self.options.delete_after = true;
        self
    }
}

/// A computation that was started, as callers see it.
pub struct Started<C> {
    /// The contract's how manyth computation it is, counted from 0.
    pub index: u64,
    computation: PhantomData<C>,
}

impl<C> Clone for Started<C> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<C> Copy for Started<C> {}

impl<C> PartialEq for Started<C> {
    fn eq(&self, other: &Self) -> bool {
        self.index == other.index
    }
}

impl<C: Computation> std::fmt::Debug for Started<C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Started(")?;
        f.write_str(C::NAME)?;
        f.write_str(")")
    }
}

impl<C: Computation> Output for Start<C> {
    type Abi = (u64,);
    type Seen = Started<C>;

    fn into_abi(self) -> (u64,) {
        (host::start(C::NUMBER, &self.options),)
    }

    fn seen(abi: (u64,)) -> Started<C> {
        Started {
            index: abi.0,
            computation: PhantomData,
        }
    }
}
