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
use wire::{guest::Context, kind::Kind, limits, secret::Op};

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
#[derive(Clone, Copy)]
pub(crate) struct Start {
    pub(crate) computation: u32,
    pub(crate) context: B256,
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
    pub(crate) starts: Vec<Start>,
    pub(crate) taken: bool,
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
    next_computation: u64,
    effects: RefCell<Effects>,
    tracing: RefCell<Option<Tracing>>,
}

impl CallHost {
    pub(crate) fn new(
        mode: Mode,
        context: Context,
        contracts: Rc<Contracts>,
        next_computation: u64,
    ) -> Self {
        Self {
            mode,
            context,
            contracts,
            running: vec![context.contract.into()],
            events_before: 0,
            next_computation,
            effects: RefCell::default(),
            tracing: RefCell::default(),
        }
    }

    /// A host that makes a program.
    pub(crate) fn tracing(context: Context, tracing: Tracing) -> Self {
        let host = Self::new(Mode::Trace, context, Rc::default(), 0);
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
            next_computation: 0,
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

    fn trace(&self) -> RefMut<'_, Tracing> {
        RefMut::map(self.tracing.borrow_mut(), |tracing| {
            #[expect(clippy::expect_used, reason = "in a node the call traps")]
            tracing
                .as_mut()
                .expect("secret values exist only in #[compute] functions")
        })
    }
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
        let storage = &self.own().storage;
        bound(
            "bytes of where a search begins",
            from.len(),
            limits::STORAGE_KEY_BYTES + 1,
        );
        let prefix = &from[..prefix_len];
        let effects = self.effects();
        let range = (Bound::Included(from), Bound::Unbounded);
        let stored = storage.range::<[u8], _>(range).map(|(key, _)| key);
        let stored = stored
            .take_while(|key| key.starts_with(prefix))
            .find(|key| !effects.writes.contains_key(*key));
        let mut written = effects.writes.range::<[u8], _>(range);
        let written = written
            .find(|(_, value)| value.is_some())
            .map(|(key, _)| key)
            .filter(|key| key.starts_with(prefix));
        stored.into_iter().chain(written).min().cloned()
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

    fn start(&self, computation: u32, context: &B256) -> u64 {
        assert!(
            self.mode != Mode::Nested,
            "only the world's own contract, called from outside, starts computations"
        );
        let mut effects = self.change("start a computation");
        effects.starts.push(Start {
            computation,
            context: *context,
        });
        self.next_computation + effects.starts.len() as u64 - 1
    }

    fn secret_input(&self, number: u32, field: u32, element: u32) -> Handle {
        self.trace().input(number, field, element)
    }

    fn secret_count(&self, number: u32) -> usize {
        self.trace().count(number)
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
