//! A contract's code by itself, outside of any chain: what it says, what its computations become
//! and what its functions use up. For those who judge a contract before it is deployed.

use std::{collections::BTreeMap, sync::Arc};

use alloy_primitives::{Address, B256, Bytes};
use mpc_engine::{Amounts, Plan, Program};
use wire::{
    contract::Description,
    guest::{CONTEXT_BYTES, Context},
    limits::{CALL_FUEL, TRACE_FUEL},
};

use crate::{
    HostFault, ModuleError,
    reserve::LOT,
    sandbox::{Call, Compiled, Ending, Entry, Nobody, Outcome, Rows, Storage, Tracing, limits},
    transition::checked,
};

/// Code that nodes would take.
pub struct Inspection {
    compiled: Compiled,
    storage: Arc<Storage>,
}

/// What came of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trial {
    /// Fuel that it used, with what its transaction costs before it runs.
    pub fuel: u64,
    /// Why it did not end well, if it did not.
    pub refused: Option<String>,
}

/// What a computation becomes.
pub struct Traced {
    /// Fuel that tracing used.
    pub fuel: u64,
    /// The program with its plans, or why nodes would not run it.
    pub program: Result<Planned, String>,
}

/// A program that nodes would run.
pub struct Planned {
    /// The program.
    pub program: Program,
    /// What it costs with four nodes.
    pub plan: Plan,
    /// What it costs with three.
    pub three: Plan,
    /// What three take of the reserve.
    pub need: Amounts,
}

/// What a module says about itself, if nodes would take it.
///
/// # Errors
/// The inner error is the module's fault, the outer one this machine's.
pub fn describe(code: &Bytes) -> Result<Result<Description, ModuleError>, HostFault> {
    let compiled = Compiled::new(code)?;
    Ok(compiled.map(|compiled| compiled.description().as_ref().clone()))
}

/// What a lot of the reserve holds.
pub const RESERVE_LOT: Amounts = LOT;

impl Inspection {
    /// Analyses and compiles code, and lets it describe itself.
    ///
    /// # Errors
    /// The inner error is the module's fault, the outer one this machine's.
    pub fn new(code: &Bytes) -> Result<Result<Self, ModuleError>, HostFault> {
        let storage = Arc::default();
        Ok(Compiled::new(code)?.map(|compiled| Self { compiled, storage }))
    }

    /// What it says about itself.
    #[must_use]
    pub fn description(&self) -> &Description {
        self.compiled.description()
    }

    /// keccak-256 of the code.
    #[must_use]
    pub const fn code_hash(&self) -> B256 {
        self.compiled.code_hash
    }

    /// Deploys it with these arguments; calls that follow find the state that this leaves.
    ///
    /// # Errors
    /// [`HostFault`].
    pub fn deploy(&mut self, arguments: Bytes) -> Result<Trial, HostFault> {
        let data_bytes = self.compiled.code.len() + arguments.len();
        let spent = limits::intrinsic(data_bytes, true) + self.compiled.describe_fuel;
        let outcome = self.run(Entry::Init, arguments, None, CALL_FUEL)?;
        let trial = self.trial(&outcome, spent);
        let writes = outcome.effects.writes.into_iter();
        let storage = writes.filter_map(|(key, value)| Some((key, value?)));
        self.storage = Arc::new(storage.collect());
        Ok(trial)
    }

    /// Calls a function; nothing of it stays.
    ///
    /// # Errors
    /// [`HostFault`].
    pub fn call(&self, data: Bytes) -> Result<Trial, HostFault> {
        let input = self.compiled.interface.input_of(&data);
        let entry = input.map_or(Entry::Action, Entry::Input);
        let spent = limits::intrinsic(data.len(), false);
        let outcome = self.run(entry, data, None, CALL_FUEL)?;
        Ok(self.trial(&outcome, spent))
    }

    /// Traces a computation without public arguments over so many inputs of each type that it reads.
    ///
    /// # Errors
    /// [`HostFault`].
    pub fn trace(&self, computation: u32, inputs: BTreeMap<u32, u64>) -> Result<Traced, HostFault> {
        self.trace_with(computation, &[], inputs)
    }

    /// The same with these ABI-encoded public arguments. All inputs are of one owner, with tag 0.
    ///
    /// # Errors
    /// [`HostFault`].
    pub fn trace_with(
        &self,
        computation: u32,
        arguments: &[u8],
        inputs: BTreeMap<u32, u64>,
    ) -> Result<Traced, HostFault> {
        let mut calldata = computation.to_be_bytes().to_vec();
        calldata.extend_from_slice(arguments);
        let rows = |count| {
            let mut rows = Rows::default();
            (0..count).for_each(|_| rows.push(OWNER, 0));
            rows
        };
        let inputs = inputs
            .into_iter()
            .map(|(number, count)| (number, rows(count)));
        let results = self.compiled.interface.results_of(computation);
        let tracing = Some(Tracing::new(inputs.collect(), results));
        let outcome = self.run(Entry::Compute, calldata.into(), tracing, TRACE_FUEL)?;
        let fuel = outcome.fuel_used;
        let program = checked(outcome).map(|(traced, three)| Planned {
            plan: traced.program.plan(),
            need: traced.program.reserve_need(),
            program: traced.program,
            three,
        });
        Ok(Traced { fuel, program })
    }

    fn run(
        &self,
        entry: Entry,
        calldata: Bytes,
        tracing: Option<Tracing>,
        fuel: u64,
    ) -> Result<Outcome, HostFault> {
        let call = Call {
            entry,
            calldata,
            context: context(),
            storage: Arc::clone(&self.storage),
            timers: Default::default(),
            next_computation: 0,
            input: 0,
            tracing,
            fuel,
        };
        self.compiled.run(call, &mut Nobody)
    }

    fn trial(&self, outcome: &Outcome, spent: u64) -> Trial {
        let refused = match &outcome.ending {
            Ending::Ok => None,
            Ending::Reverted => {
                let reason = self.compiled.interface.explain(&outcome.output);
                Some(reason.unwrap_or_else(|| "it refused".into()))
            }
            Ending::Fault(fault) => Some(fault.to_string()),
        };
        Trial {
            fuel: spent + outcome.fuel_used,
            refused,
        }
    }
}

/// Who sends all that is looked at.
const OWNER: Address = Address::repeat_byte(1);

/// Some user's call in the first second of some chain.
fn context() -> [u8; CONTEXT_BYTES] {
    let context = Context {
        sender: OWNER.into_array(),
        contract: [2; 20],
        chain_id: 1,
        block: 1,
        time: 1,
    };
    context.encode()
}
