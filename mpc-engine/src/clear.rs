//! The clear-text model: what every program must compute. Tests compare the protocol with it.

use wire::{kind::Kind, secret::Op};

use crate::{
    EngineError, Program,
    program::{Form, Node, typing::slice_range},
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

fn apply(op: Op, operands: &[Operand<'_>], immediate: u64, form: Form) -> Vec<u128> {
    let (a, mask) = (&operands[0], form.kind.mask());
    let unary = |f: &dyn Fn(u128) -> u128| a.values.iter().map(|x| f(*x) & mask).collect();
    let binary = |f: &dyn Fn(u128, u128) -> u128| -> Vec<u128> {
        let (b, len) = (&operands[1], form.len);
        (0..len).map(|i| f(a.at(i), b.at(i)) & mask).collect()
    };
    match op {
        Op::Add => binary(&u128::wrapping_add),
        Op::Sub => binary(&u128::wrapping_sub),
        Op::Mul => binary(&u128::wrapping_mul),
        Op::Neg => unary(&u128::wrapping_neg),
        Op::Scale => unary(&|x| x.wrapping_mul(u128::from(immediate))),
        Op::Not => unary(&|x| !x),
        Op::And => binary(&|x, y| x & y),
        Op::Or => binary(&|x, y| x | y),
        Op::Xor => binary(&|x, y| x ^ y),
        Op::Eq => binary(&|x, y| u128::from(x == y)),
        Op::Lt => binary(&|x, y| u128::from(ordered(a.kind, x) < ordered(a.kind, y))),
        Op::Le => binary(&|x, y| u128::from(ordered(a.kind, x) <= ordered(a.kind, y))),
        Op::Shl => unary(&|x| x << immediate),
        Op::Shr => unary(&|x| {
            let x = extended(a.kind, x);
            if a.kind.is_signed() {
                (x.cast_signed() >> immediate).cast_unsigned()
            } else {
                x >> immediate
            }
        }),
        Op::Cast => unary(&|x| extended(a.kind, x)),
        Op::Sum | Op::Count => {
            vec![a.values.iter().fold(0, |s: u128, x| s.wrapping_add(*x)) & mask]
        }
        Op::Dot => {
            let (b, len) = (&operands[1], a.values.len());
            let len = if len == 1 { b.values.len() } else { len };
            let sum = (0..len).fold(0, |s: u128, i| {
                s.wrapping_add(a.at(i).wrapping_mul(b.at(i)))
            });
            vec![sum & mask]
        }
        Op::Select => {
            let (b, c) = (&operands[1], &operands[2]);
            let pick = |i| if a.at(i) == 1 { b.at(i) } else { c.at(i) };
            (0..form.len).map(pick).collect()
        }
        Op::Slice => {
            let (start, len) = slice_range(immediate);
            a.values[start..start + len].to_vec()
        }
        Op::Concat => [a.values, operands[1].values].concat(),
        _ => Vec::new(), // Not reached: typing refuses it.
    }
}
