//! What a contract asks for while it runs, answered from a test's state.

use std::{
    cell::{Ref, RefCell, RefMut},
    collections::BTreeMap,
    ops::Bound,
    rc::Rc,
};

use alloy_primitives::{Address, B256};
use mpc_engine::ResultColumn;
use quartet::{
    CallError,
    contract::Refused,
    host::{
        Handle,
        native::{self, Host},
    },
};
use wire::{
    guest::{Context, Deletion, Selection, StartOptions},
    kind::Kind,
    limits,
    secret::Op,
};

use crate::trace::Tracing;

/// Keys and values of public state.
pub(crate) type Storage = BTreeMap<Vec<u8>, Vec<u8>>;

/// An event.
pub(crate) struct Log {
    /// Who emitted it.
    pub(crate) contract: Address,
    pub(crate) topics: Vec<B256>,
    pub(crate) data: Vec<u8>,
}

/// A contract that is deployed.
#[derive(Clone)]
pub(crate) struct Deployed {
    /// Its dispatch.
    pub(crate) call: fn(&[u8]) -> Result<Vec<u8>, Refused>,
    pub(crate) storage: Rc<Storage>,
    pub(crate) timers: Timers,
}

/// All contracts by address.
pub(crate) type Contracts = BTreeMap<Address, Deployed>;

/// When the contract is to be called, in seconds since the Unix epoch, by the function's selector.
pub(crate) type Timers = BTreeMap<[u8; 4], u64>;

/// What a call may do.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Read.
    View,
    /// Read, write, emit, start a computation.
    Action,
    /// The same, and take the sealed input, which is of this type.
    Input(u32),
    /// Read, write and emit, called by another contract.
    Nested,
    /// Make a program.
    Trace,
}

/// A computation that a call started.
#[derive(Clone)]
pub(crate) struct Start {
    pub(crate) computation: u32,
    pub(crate) options: StartOptions,
}

/// What a call said about its input.
#[derive(Clone, Copy, Default)]
pub(crate) struct Marks {
    pub(crate) group: u64,
    pub(crate) tag: u64,
    pub(crate) replaces: bool,
}

/// The numbers that a call hands out.
#[derive(Clone, Copy, Default)]
pub(crate) struct Next {
    /// The sequence of its input.
    pub(crate) input: u64,
    /// The index of the computation that it starts.
    pub(crate) computation: u64,
}

/// What a call did to another contract.
#[derive(Clone, Default)]
pub(crate) struct Changes {
    pub(crate) writes: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
    pub(crate) timers: Option<Timers>,
}

/// What a call did so far; kept only if it ends well.
#[derive(Default)]
pub(crate) struct Effects {
    pub(crate) writes: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
    pub(crate) others: BTreeMap<Address, Changes>,
    pub(crate) events: Vec<Log>,
    /// The timers, if they changed.
    pub(crate) timers: Option<Timers>,
    pub(crate) started: Option<Start>,
    pub(crate) deletions: Vec<Deletion>,
    pub(crate) taken: bool,
    pub(crate) marks: Marks,
}

/// The host of one call.
pub(crate) struct CallHost {
    mode: Mode,
    context: Context,
    contracts: Rc<Contracts>,
    /// The contracts that run, the first caller first.
    running: Vec<Address>,
    /// Events of the calls that have led to this one.
    events_before: usize,
    next: Next,
    effects: RefCell<Effects>,
    tracing: RefCell<Option<Tracing>>,
}

impl CallHost {
    pub(crate) fn new(mode: Mode, context: Context, contracts: Rc<Contracts>, next: Next) -> Self {
        Self {
            mode,
            context,
            contracts,
            running: vec![context.contract.into()],
            events_before: 0,
            next,
            effects: RefCell::default(),
            tracing: RefCell::default(),
        }
    }

    /// A host that makes a program.
    pub(crate) fn tracing(context: Context, tracing: Tracing) -> Self {
        let host = Self::new(Mode::Trace, context, Rc::default(), Next::default());
        host.tracing.replace(Some(tracing));
        host
    }

    /// The host of a call that this one makes of another contract.
    fn nested(&self, to: &Address) -> Self {
        let effects = self.effects();
        let mut others = effects.others.clone();
        let Changes { writes, timers } = others.remove(to).unwrap_or_default();
        Self {
            mode: match self.mode {
                Mode::View => Mode::View,
                _ => Mode::Nested,
            },
            context: Context {
                sender: self.context.contract,
                contract: to.into_array(),
                ..self.context
            },
            contracts: Rc::clone(&self.contracts),
            running: self.running.iter().chain([to]).copied().collect(),
            events_before: self.events_before + effects.events.len(),
            next: Next::default(),
            effects: RefCell::new(Effects {
                writes,
                timers,
                others,
                ..Effects::default()
            }),
            tracing: RefCell::default(),
        }
    }

    /// The contract that runs, before the call.
    fn own(&self) -> &Deployed {
        assert!(
            self.mode != Mode::Trace,
            "a #[compute] function cannot read public state"
        );
        &self.contracts[&Address::from(self.context.contract)]
    }

    /// What the call did.
    pub(crate) fn take_effects(&self) -> Effects {
        self.effects.take()
    }

    /// The program that the call made.
    pub(crate) fn take_tracing(&self) -> Option<Tracing> {
        self.tracing.take()
    }

    /// The key of the contract's state that is nearest to this one, which may be it on the way up, and
    /// begins with as many of its bytes.
    fn nearest(&self, way: Way, prefix_len: usize, key: &[u8]) -> Option<Vec<u8>> {
        bound(
            "bytes of where a search begins",
            key.len(),
            limits::STORAGE_KEY_BYTES + 1,
        );
        let (storage, effects) = (&self.own().storage, self.effects());
        let range = match way {
            Way::Up => (Bound::Included(key), Bound::Unbounded),
            Way::Down => (Bound::Unbounded, Bound::Excluded(key)),
        };
        let stored = storage.range::<[u8], _>(range).map(|(key, _)| key);
        let mut stored = stored.filter(|key| !effects.writes.contains_key(*key));
        let written = effects.writes.range::<[u8], _>(range);
        let mut written = written.filter_map(|(key, value)| value.as_ref().map(|_| key));
        let found = match way {
            Way::Up => stored.next().into_iter().chain(written.next()).min(),
            Way::Down => {
                let found = stored.next_back().into_iter();
                found.chain(written.next_back()).max()
            }
        };
        found
            .filter(|found| found.starts_with(&key[..prefix_len]))
            .cloned()
    }

    fn effects(&self) -> Ref<'_, Effects> {
        self.effects.borrow()
    }

    /// To change something, which this call must be allowed to do.
    fn change(&self, what: &str) -> RefMut<'_, Effects> {
        assert!(
            matches!(self.mode, Mode::Action | Mode::Input(_) | Mode::Nested),
            "a view or a #[compute] function cannot {what}"
        );
        self.effects.borrow_mut()
    }

    /// To say something about the input of this call.
    fn marks(&self) -> RefMut<'_, Marks> {
        assert!(
            matches!(self.mode, Mode::Input(_)),
            "only an #[input] function has an input"
        );
        RefMut::map(self.effects.borrow_mut(), |effects| &mut effects.marks)
    }

    fn trace(&self) -> RefMut<'_, Tracing> {
        RefMut::map(self.tracing.borrow_mut(), |tracing| {
            #[expect(clippy::expect_used, reason = "in a node the call traps")]
            tracing
                .as_mut()
                .expect("secret values exist only in #[compute] functions")
        })
    }
}

/// Which way the keys of the state are gone through.
#[derive(Clone, Copy)]
enum Way {
    Up,
    Down,
}

fn bound(what: &str, actual: usize, limit: usize) {
    assert!(
        actual <= limit,
        "{what}: {actual}, and at most {limit} are allowed"
    );
}

impl Host for CallHost {
    fn context(&self) -> Context {
        self.context
    }

    fn storage_read(&self, key: &[u8]) -> Option<Vec<u8>> {
        let storage = &self.own().storage;
        bound(
            "bytes of a storage key",
            key.len(),
            limits::STORAGE_KEY_BYTES,
        );
        match self.effects().writes.get(key) {
            Some(written) => written.clone(),
            None => storage.get(key).cloned(),
        }
    }

    fn storage_write(&self, key: &[u8], value: &[u8]) {
        bound(
            "bytes of a storage key",
            key.len(),
            limits::STORAGE_KEY_BYTES,
        );
        bound(
            "bytes of a stored value",
            value.len(),
            limits::STORAGE_VALUE_BYTES,
        );
        self.change("write")
            .writes
            .insert(key.to_vec(), Some(value.to_vec()));
    }

    fn storage_remove(&self, key: &[u8]) {
        self.change("write").writes.insert(key.to_vec(), None);
    }

    fn storage_next(&self, prefix_len: usize, from: &[u8]) -> Option<Vec<u8>> {
        self.nearest(Way::Up, prefix_len, from)
    }

    fn storage_previous(&self, prefix_len: usize, before: &[u8]) -> Option<Vec<u8>> {
        self.nearest(Way::Down, prefix_len, before)
    }

    fn set_timer(&self, selector: [u8; 4], time: u64) {
        let mut effects = self.change("set a timer");
        let timers = &self.own().timers;
        let timers = effects.timers.get_or_insert_with(|| timers.clone());
        if time == 0 {
            timers.remove(&selector);
        } else {
            timers.insert(selector, time);
        }
        bound("timers of a contract", timers.len(), limits::TIMERS);
    }

    fn emit(&self, topics: &[B256], data: &[u8]) {
        bound("bytes of an event", data.len(), limits::EVENT_BYTES);
        let mut effects = self.change("emit events");
        effects.events.push(Log {
            contract: self.context.contract.into(),
            topics: topics.to_vec(),
            data: data.to_vec(),
        });
        bound(
            "events of a call",
            self.events_before + effects.events.len(),
            limits::EVENTS_PER_CALL,
        );
    }

    fn call(&self, to: &Address, data: &[u8]) -> Result<Vec<u8>, CallError> {
        bound("bytes of a call", data.len(), limits::CALL_BYTES);
        if self.running.contains(to) {
            return Err(CallError::Reenters);
        }
        if self.running.len() > limits::CALL_DEPTH {
            return Err(CallError::TooDeep);
        }
        let deployed = self.contracts.get(to).ok_or(CallError::Absent)?;
        let nested = Rc::new(self.nested(to));
        let output = native::with(Rc::clone(&nested) as _, || (deployed.call)(data));
        let output = output.map_err(|refused| match refused {
            Refused::Revert(data) => CallError::Refused(data),
            Refused::BadCall => CallError::Failed,
        })?;
        let Effects {
            writes,
            others,
            events,
            timers,
            ..
        } = nested.take_effects();
        let mut effects = self.effects.borrow_mut();
        effects.others = others;
        effects.others.insert(*to, Changes { writes, timers });
        effects.events.extend(events);
        Ok(output)
    }

    fn take_input(&self, number: u32, _sealed: &[u8]) {
        assert!(
            self.mode == Mode::Input(number),
            "this call carries no input of type {number}"
        );
        let mut effects = self.change("take an input");
        assert!(!effects.taken, "an input is taken once");
        effects.taken = true;
    }

    fn input_id(&self) -> u64 {
        let _ = self.marks();
        self.next.input
    }

    fn input_group(&self, group: u64) {
        self.marks().group = group;
    }

    fn input_tag(&self, tag: u64) {
        self.marks().tag = tag;
    }

    fn input_replace(&self) {
        self.marks().replaces = true;
    }

    fn start(&self, computation: u32, options: &StartOptions) -> u64 {
        if let Selection::Inputs(inputs) = &options.selection {
            bound(
                "inputs of a computation",
                inputs.len(),
                limits::START_INPUTS,
            );
        }
        let arguments = options.arguments.len();
        bound(
            "bytes of a computation's arguments",
            arguments,
            limits::START_ARGUMENT_BYTES,
        );
        assert!(
            self.mode == Mode::Action,
            "only an #[action] can start a computation"
        );
        let mut effects = self.change("start a computation");
        assert!(
            effects.started.is_none(),
            "a call starts one computation at most"
        );
        let options = options.clone();
        effects.started = Some(Start {
            computation,
            options,
        });
        self.next.computation
    }

    fn delete_inputs(&self, deletion: &Deletion) {
        assert!(
            self.mode == Mode::Action,
            "only an #[action] and a callback can delete inputs"
        );
        let mut effects = self.change("delete inputs");
        effects.deletions.push(deletion.clone());
        bound(
            "deletions of a call",
            effects.deletions.len(),
            limits::DELETIONS_PER_CALL,
        );
    }

    fn secret_input(&self, number: u32, field: u32, element: u32) -> Handle {
        self.trace().input(number, field, element)
    }

    fn secret_count(&self, number: u32) -> usize {
        self.trace().rows(number).len()
    }

    fn secret_tags(&self, number: u32) -> Vec<u64> {
        let trace = self.trace();
        trace.rows(number).iter().map(|row| row.tag).collect()
    }

    fn secret_owners(&self, number: u32) -> Vec<Address> {
        let trace = self.trace();
        trace.rows(number).iter().map(|row| row.owner).collect()
    }

    fn secret_constant(&self, kind: Kind, value: u128, len: u32) -> Handle {
        self.trace().constant(kind, value, len)
    }

    fn secret_public(&self, kind: Kind, values: &[u128]) -> Handle {
        self.trace().public(kind, values)
    }

    fn secret_op(&self, op: Op, operands: &[Handle], immediate: u64) -> Handle {
        self.trace().apply(op, operands, immediate)
    }

    fn reveal(&self, handle: Handle) {
        self.trace().reveal(handle);
    }

    fn keep(&self, result: u32, field: u32, element: u32, handle: Handle, detail: u32) {
        let column = ResultColumn {
            result,
            field,
            element,
        };
        self.trace().keep(column, handle, detail);
    }
}
