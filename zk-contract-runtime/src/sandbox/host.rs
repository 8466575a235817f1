//! What the host knows and collects during one call.

use std::{collections::BTreeMap, sync::Arc};

use alloy_primitives::{Address, B256, Bytes, FixedBytes};
use wasmi::Memory;
use wire::{
    contract::Description,
    guest::{CONTEXT_BYTES, Context, Deletion, StartOptions},
    sealed::SealedInput,
};

use super::{limits::Limiter, trace::Tracing};

/// A contract's public state.
pub(crate) type Storage = BTreeMap<Vec<u8>, Bytes>;

/// When a contract is to be called, in seconds since the Unix epoch, by the function's selector.
pub(crate) type Timers = BTreeMap<FixedBytes<4>, u64>;

/// Which entry point is called, and with it what the guest may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    /// The module describes itself.
    Describe,
    /// The contract is deployed.
    Init,
    /// A public function.
    Action,
    /// A public function, called by another contract.
    Nested,
    /// A public function that takes a sealed input of this type.
    Input(u32),
    /// A computation is traced.
    Compute,
    /// Opened values are encoded.
    Encode,
    /// The contract hears that a computation was attested.
    Attested,
    /// The contract hears that a computation has failed.
    Failed,
}

impl Host {
    /// The contract that runs.
    pub(super) fn own(&self) -> Address {
        Address::from(Context::decode(&self.context).contract)
    }

    /// Events so far, with those of the calls that have led to this one.
    pub(super) fn events(&self) -> usize {
        self.events_before + self.effects.events.len()
    }
}

impl Entry {
    /// Whether it reads and changes the contract's state.
    pub(super) const fn has_state(self) -> bool {
        !matches!(self, Self::Describe | Self::Compute | Self::Encode)
    }

    /// Whether it knows where it runs.
    pub(super) const fn has_context(self) -> bool {
        !matches!(self, Self::Describe)
    }
}

/// An event, before it is known whether the call ends well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Event {
    /// Who emitted it.
    pub(crate) contract: Address,
    /// At most four topics.
    pub(crate) topics: Vec<B256>,
    /// ABI-encoded data.
    pub(crate) data: Bytes,
}

/// What a call does to another contract if it ends well.
#[derive(Clone, Debug, Default)]
pub(crate) struct Changes {
    /// Changed entries of its storage; none where one was removed.
    pub(crate) writes: BTreeMap<Vec<u8>, Option<Bytes>>,
    /// Its timers, if they changed.
    pub(crate) timers: Option<Timers>,
}

/// What a call does if it ends well.
#[derive(Debug, Default)]
pub(crate) struct Effects {
    /// Changed entries of the storage; none where one was removed.
    pub(crate) writes: BTreeMap<Vec<u8>, Option<Bytes>>,
    /// The contract's timers, if they changed.
    pub(crate) timers: Option<Timers>,
    /// What it does to other contracts.
    pub(crate) others: BTreeMap<Address, Changes>,
    /// Events of all of them, in order.
    pub(crate) events: Vec<Event>,
    /// The input that was taken.
    pub(crate) taken: Option<SealedInput>,
    /// What is said about it.
    pub(crate) marks: Marks,
    /// Inputs that are deleted.
    pub(crate) deletions: Vec<Deletion>,
    /// Number and options of the computation that was started.
    pub(crate) started: Option<(u32, StartOptions)>,
}

/// What a contract says about the input that it takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Marks {
    /// The set of inputs to which it belongs.
    pub(crate) group: u64,
    /// What computations see beside it.
    pub(crate) tag: u64,
    /// Whether it takes the place of its owner's earlier ones.
    pub(crate) replaces: bool,
}

/// A call of another contract.
pub(super) struct Request {
    pub(super) to: Address,
    pub(super) data: Bytes,
}

/// The host's side of one call.
pub(super) struct Host {
    /// What is called.
    pub(super) entry: Entry,
    /// Its arguments.
    pub(super) calldata: Bytes,
    /// The encoded context.
    pub(super) context: [u8; CONTEXT_BYTES],
    /// The contract's storage before the call.
    pub(super) storage: Arc<Storage>,
    /// Its timers before the call.
    pub(super) timers: Timers,
    /// What the contract says about itself; empty while it is asked.
    pub(super) description: Option<Arc<Description>>,
    /// The index that a computation started now will have.
    pub(super) next_computation: u64,
    /// The call of another contract that the guest waits for.
    pub(super) request: Option<Request>,
    /// Events of the calls that have led to this one.
    pub(super) events_before: usize,
    /// The sequence that the call's input has or would get.
    pub(super) input: u64,
    /// The guest's memory, once there is an instance.
    pub(super) memory: Option<Memory>,
    /// The value that `staged_read` copies.
    pub(super) staged: Bytes,
    /// The hash on its way to the guest.
    pub(super) staged_hash: B256,
    /// What the guest returned.
    pub(super) output: Vec<u8>,
    /// What it wants to happen.
    pub(super) effects: Effects,
    /// The program, while one is traced.
    pub(super) tracing: Option<Tracing>,
    /// Bounds of memory.
    pub(super) limiter: Limiter,
}
