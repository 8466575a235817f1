//! The clear-text model: what every program must compute. Tests compare the protocol with it, but
//! for programs that are random: their random elements are 0 here, and random orders the given ones.

mod basic;
mod integer;
mod random;
mod vector;

use wire::{kind::Kind, secret::Op};

use crate::{
    EngineError, Program,
    program::{Form, Node, typing::Group},
};

/// Evaluates a program on columns in the order of [`Program::columns`]; numbers are in the low
/// bits as [`Kind::mask`] says.
///
/// # Errors
/// [`EngineError::ColumnCount`] and [`EngineError::ColumnLength`].
pub fn evaluate(program: &Program, columns: &[Vec<u128>]) -> Result<Vec<Vec<u128>>, EngineError> {
    check_columns(program, columns)?;
    let mut values: Vec<Vec<u128>> = Vec::with_capacity(program.nodes().len());
    for (node, form) in program.nodes().iter().zip(program.forms()) {
        let value = match node {
            Node::Input(column) => {
                let mask = form.kind.mask();
                columns[*column as usize].iter().map(|v| v & mask).collect()
            }
            Node::Constant { value, len, .. } => vec![*value; *len],
            Node::Public { values, .. } => values.clone(),
            Node::Apply { op, immediate, .. } => {
                let operands: Vec<Operand<'_>> = node
                    .operands()
                    .iter()
                    .map(|v| Operand {
                        values: &values[v.index()],
                        kind: program.forms()[v.index()].kind,
                    })
                    .collect();
                apply(*op, &operands, *immediate, *form)
            }
        };
        values.push(value);
    }
    let output = |v: &crate::ValueId| values[v.index()].clone();
    Ok(program.revealed().iter().map(output).collect())
}

/// Refuses columns that are not what the program reads.
pub(crate) fn check_columns(program: &Program, columns: &[Vec<u128>]) -> Result<(), EngineError> {
    if columns.len() != program.columns().len() {
        return Err(EngineError::ColumnCount {
            expected: program.columns().len(),
            actual: columns.len(),
        });
    }
    for (i, (column, values)) in program.columns().iter().zip(columns).enumerate() {
        if column.len != values.len() {
            return Err(EngineError::ColumnLength {
                column: i,
                expected: column.len,
                actual: values.len(),
            });
        }
    }
    Ok(())
}

struct Operand<'a> {
    values: &'a [u128],
    kind: Kind,
}

impl Operand<'_> {
    /// Element i, where a single element stands for all.
    fn at(&self, i: usize) -> u128 {
        self.values[if self.values.len() == 1 { 0 } else { i }]
    }
}

/// The number as an ordered key: signed kinds compare as two's complement.
fn ordered(kind: Kind, x: u128) -> u128 {
    if kind.is_signed() {
        x ^ (1 << (kind.bits() - 1))
    } else {
        x
    }
}

/// x with its sign in all 128 bits where the kind is signed.
fn extended(kind: Kind, x: u128) -> u128 {
    if kind.is_signed() && x >> (kind.bits() - 1) == 1 {
        x | !kind.mask()
    } else {
        x
    }
}

/// The result of an operation that typing allows, in the form that typing says.
fn apply(op: Op, operands: &[Operand<'_>], immediate: u64, form: Form) -> Vec<u128> {
    match Group::of(op) {
        Group::Basic => basic::apply(op, operands, immediate, form),
        Group::Random => random::apply(op, operands, form),
        Group::Integer => integer::apply(op, operands, immediate, form),
        Group::Vector => vector::apply(op, operands, immediate, form),
    }
}
