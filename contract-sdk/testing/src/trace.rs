//! Secret programs: made from a contract's `#[compute]` function, and run in two ways.

use std::collections::BTreeMap;

use alloy_primitives::Address;
use mpc_engine::{
    Column, ColumnId, Program, ProgramBuilder, ProgramError, ResultColumn, SecretResults, ValueId,
    clear,
    local::{self, Faults, Ran},
};
use quartet::host::Handle;
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use wire::{
    kind::{InputType, Kind},
    results::mask_type,
    secret::Op,
};

/// An input of a computation.
#[derive(Clone)]
pub(crate) struct Row {
    pub(crate) owner: Address,
    pub(crate) tag: u64,
    /// Field by field the bits of its elements.
    pub(crate) fields: Vec<Vec<u128>>,
}

/// The inputs of a computation, by type.
pub(crate) type Inputs = BTreeMap<u32, Vec<Row>>;

/// A program that is being made.
pub(crate) struct Tracing {
    builder: ProgramBuilder,
    results: SecretResults,
    types: Vec<InputType>,
    inputs: Inputs,
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
    /// Of a computation whose secret results have these input types.
    pub(crate) fn new(types: Vec<InputType>, results: &[u32], inputs: &Inputs) -> Self {
        let results = results.iter().map(|number| types[*number as usize].clone());
        let results = SecretResults::new(results.collect());
        Self {
            builder: ProgramBuilder::new(),
            results,
            types,
            inputs: inputs.clone(),
        }
    }

    /// The program.
    pub(crate) fn finish(mut self) -> Traced {
        let results = self.results.forms();
        checked(self.results.seal(&mut self.builder));
        let program = checked(self.builder.finish());
        Traced { program, results }
    }

    pub(crate) fn rows(&self, number: u32) -> &[Row] {
        #[expect(clippy::expect_used, reason = "in a node the computation fails")]
        self.inputs
            .get(&number)
            .expect("the computation does not read this input type")
    }

    pub(crate) fn input(&mut self, number: u32, field: u32, element: u32) -> Handle {
        let len = self.rows(number).len();
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

    pub(crate) fn keep(&mut self, column: ResultColumn, handle: Handle, detail: u32) {
        let kept = (handle.0 >= 0).then_some(value(handle));
        checked(self.results.keep(&self.builder, column, kept, detail));
    }
}

/// A program that was made.
pub(crate) struct Traced {
    pub(crate) program: Program,
    /// Of each secret result that was given, how many rows it has, and the detail.
    pub(crate) results: Vec<Option<(usize, u32)>>,
}

/// The rows of a secret result of this type, from what was opened and the columns that a program read:
/// field by field the bits of the elements.
pub(crate) fn rows(
    program: &Program,
    (opened, columns): (&[Vec<u128>], &[Vec<u128>]),
    ty: &InputType,
    result: u32,
) -> Vec<Vec<Vec<u128>>> {
    let empty = ty.fields.iter().map(|field| vec![0; field.len as usize]);
    let empty: Vec<Vec<u128>> = empty.collect();
    let read = program.columns().iter().zip(columns);
    let masks: Vec<_> = read.filter(|(column, _)| column.is_mask()).collect();
    let masked = &opened[opened.len() - masks.len()..];
    let of_result = masks.into_iter().zip(masked);
    let of_result = of_result.filter(|((c, _), _)| c.id.input_type == mask_type(result));
    let mut rows = Vec::new();
    for ((column, masks), masked) in of_result {
        rows.resize(masked.len(), empty.clone());
        for ((row, mask), masked) in rows.iter_mut().zip(masks).zip(masked) {
            let value = match column.kind {
                Kind::Bool => masked ^ mask,
                _ => masked.wrapping_add(*mask),
            };
            let field: &mut Vec<u128> = &mut row[column.id.field as usize];
            field[column.id.element as usize] = value & column.kind.mask();
        }
    }
    rows
}

/// The columns that a program reads; those of masks are random.
pub(crate) fn columns(program: &Program, inputs: &Inputs, seed: u64) -> Vec<Vec<u128>> {
    let mut random = StdRng::seed_from_u64(seed);
    let mut column = |column: &Column| {
        if column.is_mask() {
            let mask = |_| random.random::<u128>() & column.kind.mask();
            return (0..column.len).map(mask).collect();
        }
        let id = column.id;
        let inputs = inputs.get(&id.input_type).into_iter().flatten();
        inputs
            .map(|row| row.fields[id.field as usize][id.element as usize])
            .collect()
    };
    program.columns().iter().map(&mut column).collect()
}

/// Runs a program in clear.
#[expect(clippy::panic, reason = "a test that finds this has failed")]
pub(crate) fn in_clear(program: &Program, columns: &[Vec<u128>]) -> Vec<Vec<u128>> {
    clear::evaluate(program, columns)
        .unwrap_or_else(|error| panic!("the computation does not run in clear: {error}"))
}

/// Runs a program on four parties with randomness from the seed of the test and the index of the
/// computation, and compares with what it gives in clear.
#[expect(clippy::panic, reason = "a test that finds this has failed")]
pub(crate) fn on_parties(
    program: &Program,
    columns: &[Vec<u128>],
    (seed, index): (u64, u64),
    faults: Faults,
) -> Ran {
    let ran = local::run_with(program, columns, seed.wrapping_add(index), faults);
    let ran = ran.unwrap_or_else(|stop| {
        panic!("the computation does not run on four parties with QUARTET_SEED={seed}: {stop}")
    });
    // In clear there is only a stand-in for what is random.
    if !program.is_random() {
        assert_eq!(
            ran.opened,
            in_clear(program, columns),
            "four parties open something else than in clear with QUARTET_SEED={seed}"
        );
    }
    ran
}
