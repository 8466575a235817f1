//! From code to something that can be called, once for each code.

use std::sync::Arc;

use alloy_primitives::{B256, Bytes, keccak256};
use wasmi::{Engine, Linker, Module};
use wire::{contract::Description, guest::CONTEXT_BYTES};

use super::{
    call::{Call, Ending},
    engine,
    host::{Entry, Host, Timers},
    imports,
    limits::{self, DESCRIBE_FUEL},
    others::{Nobody, Within},
    static_analysis::{self, Footprint},
};
use crate::{ContractFault, HostFault, ModuleError, contract::interface::Interface};

/// A module that may be deployed: analysed, compiled, and asked what it is.
pub(crate) struct Compiled {
    /// The code.
    pub(crate) code: Bytes,
    /// keccak-256 of the code.
    pub(crate) code_hash: B256,
    /// What it says about itself.
    pub(crate) interface: Interface,
    /// Fuel that it used to say so.
    pub(crate) describe_fuel: u64,
    pub(super) sandbox: Sandbox,
}

/// The interpreter with one module.
pub(super) struct Sandbox {
    pub(super) engine: Engine,
    pub(super) module: Module,
    pub(super) linker: Linker<Host>,
    /// Fuel that an instance costs.
    pub(super) instance_fuel: u64,
}

impl Compiled {
    /// Analyses and compiles code, and lets it describe itself.
    ///
    /// # Errors
    /// The inner error is the module's fault, the outer one this machine's.
    pub(crate) fn new(code: &Bytes) -> Result<Result<Self, ModuleError>, HostFault> {
        let sandbox = match Sandbox::new(code)? {
            Ok(sandbox) => sandbox,
            Err(error) => return Ok(Err(error)),
        };
        let call = Call {
            entry: Entry::Describe,
            calldata: Bytes::new(),
            context: [0; CONTEXT_BYTES],
            storage: Arc::default(),
            timers: Timers::new(),
            next_computation: 0,
            input: 0,
            tracing: None,
            fuel: DESCRIBE_FUEL,
        };
        let outcome = sandbox.run(call, Within::default(), None, &mut Nobody)?;
        Ok(match outcome.ending {
            Ending::Ok => Interface::read(&outcome.output).map(|interface| Self {
                code: code.clone(),
                code_hash: keccak256(code),
                interface,
                describe_fuel: outcome.fuel_used,
                sandbox,
            }),
            Ending::Reverted => Err(ModuleError::Describe(ContractFault::BadCall)),
            Ending::Fault(fault) => Err(ModuleError::Describe(fault)),
        })
    }

    /// What it says about itself.
    pub(crate) fn description(&self) -> &Arc<Description> {
        &self.interface.description
    }
}

impl Sandbox {
    fn new(code: &Bytes) -> Result<Result<Self, ModuleError>, HostFault> {
        let footprint = match static_analysis::sections(code) {
            Ok(footprint) => footprint,
            Err(error) => return Ok(Err(error)),
        };
        if let Err(error) = static_analysis::valid(code) {
            return Ok(Err(error));
        }
        let engine = engine::engine();
        let module = match Module::new(&engine, code) {
            Ok(module) => module,
            Err(error) => return Ok(Err(static_analysis::refusal(code, &error))),
        };
        if let Err(error) = static_analysis::interface(&module) {
            return Ok(Err(error));
        }
        let mut linker = Linker::new(&engine);
        imports::link(&mut linker).map_err(|error| HostFault::Sandbox(error.to_string()))?;
        let Footprint {
            pages,
            table_elements,
        } = footprint;
        Ok(Ok(Self {
            engine,
            module,
            linker,
            instance_fuel: limits::instance(pages, table_elements, code.len()),
        }))
    }
}
