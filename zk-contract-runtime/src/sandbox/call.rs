//! One call of one entry point, in an instance of its own.

use std::sync::Arc;

use alloy_primitives::{B256, Bytes};
use wasmi::{Store, TrapCode, TypedResumableCall, errors::ErrorKind};
use wire::{
    contract::Description,
    guest::{self, CONTEXT_BYTES, Status},
};

use super::{
    guest::Thrown,
    host::{Effects, Entry, Host, Storage, Timers},
    limits::Limiter,
    module::{Compiled, Sandbox},
    others::{self, Others, Within},
    static_analysis::MEMORY,
    trace::{Traced, Tracing},
};
use crate::{ContractFault, HostFault};

/// A call to be made.
pub(crate) struct Call {
    /// Which entry point.
    pub(crate) entry: Entry,
    /// Its arguments.
    pub(crate) calldata: Bytes,
    /// The encoded context.
    pub(crate) context: [u8; CONTEXT_BYTES],
    /// The contract's storage.
    pub(crate) storage: Arc<Storage>,
    /// Its timers.
    pub(crate) timers: Timers,
    /// The index that a computation started now will have.
    pub(crate) next_computation: u64,
    /// The sequence that the call's input has or would get.
    pub(crate) input: u64,
    /// An empty program, if one is to be traced.
    pub(crate) tracing: Option<Tracing>,
    /// Fuel that it may use.
    pub(crate) fuel: u64,
}

/// How a call ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Well: its effects are to be kept.
    Ok,
    /// In the contract's own error, which is the output.
    Reverted,
    /// In a fault of the contract or of what it was given.
    Fault(ContractFault),
}

/// What came of a call.
pub(crate) struct Outcome {
    /// How it ended.
    pub(crate) ending: Ending,
    /// What it returned; the contract's ABI-encoded error if it reverted.
    pub(crate) output: Bytes,
    /// Fuel used; all of it if it ran out.
    pub(crate) fuel_used: u64,
    /// What it does; nothing unless it ended well.
    pub(crate) effects: Effects,
    /// The program that was traced.
    pub(crate) program: Option<Traced>,
}

impl Entry {
    const fn export(self) -> &'static str {
        match self {
            Self::Describe => guest::DESCRIBE,
            Self::Init => guest::INIT,
            Self::Action | Self::Nested | Self::Input(_) => guest::CALL,
            Self::Compute => guest::COMPUTE,
            Self::Encode => guest::ENCODE,
            Self::Attested => guest::ATTESTED,
            Self::Failed => guest::FAILED,
        }
    }
}

impl Compiled {
    /// Makes a call, which may call other contracts.
    ///
    /// # Errors
    /// Only what is this machine's fault; all else is in the outcome.
    pub(crate) fn run(&self, call: Call, others: &mut dyn Others) -> Result<Outcome, HostFault> {
        self.run_within(call, Within::default(), others)
    }

    /// Makes a call to which others have led.
    ///
    /// # Errors
    /// The same.
    pub(crate) fn run_within(
        &self,
        call: Call,
        within: Within,
        others: &mut dyn Others,
    ) -> Result<Outcome, HostFault> {
        let description = Some(Arc::clone(self.description()));
        self.sandbox.run(call, within, description, others)
    }
}

impl Sandbox {
    pub(super) fn run(
        &self,
        call: Call,
        within: Within,
        description: Option<Arc<Description>>,
        others: &mut dyn Others,
    ) -> Result<Outcome, HostFault> {
        let (entry, fuel) = (call.entry, call.fuel);
        let Some(left) = fuel.checked_sub(self.instance_fuel) else {
            return Ok(Outcome::fault(ContractFault::OutOfFuel, fuel));
        };
        let host = Host {
            entry,
            calldata: call.calldata,
            context: call.context,
            storage: call.storage,
            timers: call.timers,
            description,
            next_computation: call.next_computation,
            input: call.input,
            memory: None,
            staged: Bytes::new(),
            staged_hash: B256::ZERO,
            output: Vec::new(),
            effects: Effects {
                writes: within.own.writes,
                timers: within.own.timers,
                others: within.others,
                ..Effects::default()
            },
            request: None,
            events_before: within.events,
            tracing: call.tracing,
            limiter: Limiter::default(),
        };
        let mut store = Store::new(&self.engine, host);
        store.limiter(|host| &mut host.limiter);
        let sandbox = |error: wasmi::Error| HostFault::Sandbox(error.to_string());
        store.set_fuel(left).map_err(sandbox)?;
        let returned = match self.enter(&mut store, entry) {
            Ok(call) => others::finish(&mut store, call, others)?,
            Err(error) => Err(fault(&error)?),
        };
        let left = store.get_fuel().map_err(sandbox)?;
        let host = store.into_data();
        if host.limiter.out_of_memory {
            return Err(HostFault::Memory);
        }
        let status =
            returned.and_then(|code| Status::from_code(code).ok_or(ContractFault::Status(code)));
        let used = match status {
            Err(ContractFault::OutOfFuel) => fuel,
            _ => fuel.saturating_sub(left),
        };
        Ok(finish(host, status, used))
    }

    /// Makes the instance and calls the entry point.
    fn enter(
        &self,
        store: &mut Store<Host>,
        entry: Entry,
    ) -> Result<TypedResumableCall<i32>, wasmi::Error> {
        let instance = self
            .linker
            .instantiate_and_start(&mut *store, &self.module)?;
        store.data_mut().memory = instance.get_memory(&*store, MEMORY);
        let function = instance.get_typed_func::<(), i32>(&*store, entry.export())?;
        function.call_resumable(&mut *store, ())
    }
}

/// Judges what the guest returned.
fn finish(host: Host, status: Result<Status, ContractFault>, fuel_used: u64) -> Outcome {
    let untaken = matches!(host.entry, Entry::Input(_)) && host.effects.taken.is_none();
    let output = Bytes::from(host.output);
    match status {
        Ok(Status::Ok) if untaken => Outcome::fault(ContractFault::InputNotTaken, fuel_used),
        Ok(Status::Ok) => match host.tracing.map(Tracing::finish).transpose() {
            Ok(program) => Outcome {
                ending: Ending::Ok,
                output,
                fuel_used,
                effects: host.effects,
                program,
            },
            Err(fault) => Outcome::fault(fault, fuel_used),
        },
        Ok(Status::Revert) => Outcome {
            ending: Ending::Reverted,
            output,
            fuel_used,
            effects: Effects::default(),
            program: None,
        },
        Ok(Status::BadCall) => Outcome::fault(ContractFault::BadCall, fuel_used),
        Err(fault) => Outcome::fault(fault, fuel_used),
    }
}

impl Outcome {
    /// The same call, which does nothing since it ends in a fault.
    pub(crate) fn refused(self, fault: ContractFault) -> Self {
        Self::fault(fault, self.fuel_used)
    }

    fn fault(fault: ContractFault, fuel_used: u64) -> Self {
        Self {
            ending: Ending::Fault(fault),
            output: Bytes::new(),
            fuel_used,
            effects: Effects::default(),
            program: None,
        }
    }
}

/// Whose fault an error of the interpreter is.
pub(super) fn fault(error: &wasmi::Error) -> Result<ContractFault, HostFault> {
    if let Some(Thrown(fault)) = error.downcast_ref::<Thrown>() {
        return Ok(fault.clone());
    }
    match error.kind() {
        ErrorKind::TrapCode(TrapCode::OutOfFuel) | ErrorKind::Fuel(_) => {
            Ok(ContractFault::OutOfFuel)
        }
        ErrorKind::TrapCode(TrapCode::OutOfSystemMemory) => Err(HostFault::Memory),
        ErrorKind::TrapCode(code) => Ok(ContractFault::Trap(code.to_string())),
        // Data or elements of the module outside its memory or table.
        ErrorKind::Instantiation(_) | ErrorKind::Memory(_) | ErrorKind::Table(_) => {
            Ok(ContractFault::Trap(error.to_string()))
        }
        _ => Err(HostFault::Sandbox(error.to_string())),
    }
}
