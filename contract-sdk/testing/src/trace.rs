//! Secret programs: made from a contract's `#[compute]` function, and run in two ways.

use std::collections::BTreeMap;

use mpc_engine::{
    ColumnId, Program, ProgramBuilder, ProgramError, ValueId, clear,
    local::{self, Faults, Ran},
};
use quartet::host::Handle;
use wire::{kind::InputType, kind::Kind, secret::Op};

/// The inputs of a computation: per type its inputs, each field by field the bits of its elements.
pub(crate) type Inputs = BTreeMap<u32, Vec<Vec<Vec<u128>>>>;

/// A program that is being made.
pub(crate) struct Tracing {
    builder: ProgramBuilder,
    types: Vec<InputType>,
    counts: BTreeMap<u32, usize>,
}

/// What the contract asked for is no program; in a node the computation fails.
#[track_caller]
fn checked<T>(result: Result<T, ProgramError>) -> T {
    #[expect(clippy::panic, reason = "in a node the computation fails")]
    result.unwrap_or_else(|error| panic!("not a valid computation: {error}"))
}

fn handle(value: ValueId) -> Handle {
    Handle(value.0.cast_signed())
}

fn value(handle: Handle) -> ValueId {
    ValueId(handle.0.cast_unsigned())
}

impl Tracing {
    pub(crate) fn new(types: Vec<InputType>, inputs: &Inputs) -> Self {
        let counts = inputs
            .iter()
            .map(|(number, inputs)| (*number, inputs.len()))
            .collect();
        Self {
            builder: ProgramBuilder::new(),
            types,
            counts,
        }
    }

    /// The program.
    pub(crate) fn finish(self) -> Program {
        checked(self.builder.finish())
    }

    pub(crate) fn count(&self, number: u32) -> usize {
        #[expect(clippy::expect_used, reason = "in a node the computation fails")]
        *self
            .counts
            .get(&number)
            .expect("the computation does not read this input type")
    }

    pub(crate) fn input(&mut self, number: u32, field: u32, element: u32) -> Handle {
        let len = self.count(number);
        let kind = self
            .types
            .get(number as usize)
            .and_then(|ty| ty.fields.get(field as usize))
            .filter(|field| element < field.len)
            .map(|field| field.kind);
        #[expect(clippy::expect_used, reason = "in a node the computation fails")]
        let kind = kind.expect("the input type has no such field");
        let id = ColumnId {
            input_type: number,
            field,
            element,
        };
        handle(checked(self.builder.input(id, kind, len)))
    }

    pub(crate) fn constant(&mut self, kind: Kind, bits: u128, len: u32) -> Handle {
        handle(checked(self.builder.constant(kind, bits, len as usize)))
    }

    pub(crate) fn public(&mut self, kind: Kind, values: &[u128]) -> Handle {
        handle(checked(self.builder.public(kind, values)))
    }

    pub(crate) fn apply(&mut self, op: Op, operands: &[Handle], immediate: u64) -> Handle {
        let operands: Vec<ValueId> = operands.iter().map(|operand| value(*operand)).collect();
        handle(checked(self.builder.apply(op, &operands, immediate)))
    }

    pub(crate) fn reveal(&mut self, handle: Handle) {
        checked(self.builder.reveal(value(handle)));
    }
}

/// The columns that a program reads.
fn columns(program: &Program, inputs: &Inputs) -> Vec<Vec<u128>> {
    let column = |id: ColumnId| {
        let inputs = inputs.get(&id.input_type).into_iter().flatten();
        inputs
            .map(|fields| fields[id.field as usize][id.element as usize])
            .collect()
    };
    program.columns().iter().map(|one| column(one.id)).collect()
}

/// Runs a program in clear.
#[expect(clippy::panic, reason = "a test that finds this has failed")]
pub(crate) fn in_clear(program: &Program, inputs: &Inputs) -> Vec<Vec<u128>> {
    clear::evaluate(program, &columns(program, inputs))
        .unwrap_or_else(|error| panic!("the computation does not run in clear: {error}"))
}

/// Runs a program on four parties with randomness from the seed, and compares with what it gives in
/// clear.
#[expect(clippy::panic, reason = "a test that finds this has failed")]
pub(crate) fn on_parties(program: &Program, inputs: &Inputs, seed: u64, faults: Faults) -> Ran {
    let ran = local::run_with(program, &columns(program, inputs), seed, faults);
    let ran = ran.unwrap_or_else(|stop| {
        panic!("the computation does not run on four parties with QUARTET_SEED={seed}: {stop}")
    });
    // In clear there is only a stand-in for what is random.
    if !program.is_random() {
        assert_eq!(
            ran.opened,
            in_clear(program, inputs),
            "four parties open something else than in clear with QUARTET_SEED={seed}"
        );
    }
    ran
}
