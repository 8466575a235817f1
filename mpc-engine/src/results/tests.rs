use wire::kind::Field;

use super::*;
use crate::{clear, encode_opened};

fn ty() -> InputType {
    let field = |name: &str, kind, len| Field {
        name: name.into(),
        kind,
        len,
    };
    InputType {
        name: "Row".into(),
        fields: vec![
            field("flags", Kind::Bool, 10),
            field("price", Kind::U16, 1),
            field("sizes", Kind::I128, 2),
        ],
    }
}

fn columns() -> Vec<ResultColumn> {
    let mut columns = Vec::new();
    for (field, ty) in (0..).zip(ty().fields) {
        columns.extend((0..ty.len).map(|element| ResultColumn {
            result: 0,
            field,
            element,
        }));
    }
    columns
}

fn value(column: usize, row: usize) -> u128 {
    0x9e37_79b9_7f4a_7c15_u128.wrapping_mul((7 * column + row + 1) as u128)
}

/// A program that opens one number, and keeps rows of values that it reads.
fn program(rows: usize) -> Program {
    let mut builder = ProgramBuilder::new();
    let mut results = SecretResults::new(vec![ty()]);
    let mut first = None;
    for (number, column) in (0..).zip(columns()) {
        let kind = ty().fields[column.field as usize].kind;
        let id = ColumnId {
            input_type: 0,
            field: number,
            element: 0,
        };
        let value = builder.input(id, kind, rows).unwrap();
        first = Some(value);
        results.keep(&builder, column, Some(value), 5).unwrap();
    }
    let sum = builder.apply(Op::Sum, &[first.unwrap()], 0).unwrap();
    builder.reveal(sum).unwrap();
    assert_eq!(results.forms(), [Some((rows, 5))]);
    results.seal(&mut builder).unwrap();
    builder.finish().unwrap()
}

#[test]
fn masked_rows_and_masks_give_the_values() {
    const ROWS: usize = 3;
    let program = program(ROWS);
    assert!(program.has_secret_results());
    assert_eq!(program.result_rows(1), [ROWS]);
    let mask = |column: usize, row: usize| value(column + 100, row);
    let mut read = 0;
    let mut masks = 0;
    let inputs: Vec<Vec<u128>> = program
        .columns()
        .iter()
        .map(|column| {
            let counter = if column.is_mask() {
                &mut masks
            } else {
                &mut read
            };
            let number = *counter;
            *counter += 1;
            let of = |row| match column.is_mask() {
                true => mask(number, row),
                false => value(number, row),
            };
            (0..ROWS).map(|row| of(row) & column.kind.mask()).collect()
        })
        .collect();
    let opened = clear::evaluate(&program, &inputs).unwrap();
    let opened = encode_opened(&program, &opened).unwrap();
    let parts = OpenedParts::of(&program, &[ty()], &opened).unwrap();
    assert_eq!(parts.public, 16);
    for (row, masked) in parts.rows[0].iter().enumerate() {
        let mut at = 0;
        let mut column = 0;
        for field in ty().fields {
            let bytes = field.kind.bytes(field.len as usize);
            let elements = field
                .kind
                .unpack(&masked[at..at + bytes], field.len as usize);
            at += bytes;
            for element in elements.unwrap() {
                let (x, m) = (value(column, row), mask(column, row));
                let expected = match field.kind {
                    Kind::Bool => x ^ m,
                    _ => x.wrapping_sub(m),
                };
                assert_eq!(
                    element,
                    expected & field.kind.mask(),
                    "{field:?}, row {row}"
                );
                column += 1;
            }
        }
    }
    let short = &opened[..opened.len() - 1];
    assert_eq!(OpenedParts::of(&program, &[ty()], short), None);
    assert_eq!(OpenedParts::of(&program, &[], &opened), None);
}

#[test]
fn what_is_no_result_is_refused() {
    let mut builder = ProgramBuilder::new();
    let number = builder.constant(Kind::U16, 1, 2).unwrap();
    let column = |field, element| ResultColumn {
        result: 0,
        field,
        element,
    };
    let mut results = SecretResults::new(vec![ty()]);
    let refused = |result: Result<(), ProgramError>, text: &str| {
        let error = result.unwrap_err().to_string();
        assert!(error.contains(text), "{error}");
    };
    refused(
        results.keep(&builder, column(3, 0), Some(number), 0),
        "no such",
    );
    refused(
        results.keep(&builder, column(1, 1), Some(number), 0),
        "no such",
    );
    refused(
        results.keep(&builder, column(0, 0), Some(number), 0),
        "kind",
    );
    results
        .keep(&builder, column(1, 0), Some(number), 0)
        .unwrap();
    refused(
        results.keep(&builder, column(1, 0), Some(number), 0),
        "twice",
    );
    let other = builder.constant(Kind::I128, 1, 3).unwrap();
    refused(
        results.keep(&builder, column(2, 0), Some(other), 0),
        "one length",
    );
    let same = builder.constant(Kind::I128, 1, 2).unwrap();
    refused(
        results.keep(&builder, column(2, 0), Some(same), 1),
        "one length",
    );
    refused(results.seal(&mut builder), "missing");
}

#[test]
fn a_program_without_rows_opens_a_zero() {
    let mut builder = ProgramBuilder::new();
    let mut results = SecretResults::new(vec![ty()]);
    for column in columns() {
        results.keep(&builder, column, None, 1).unwrap();
    }
    assert_eq!(results.forms(), [Some((0, 1))]);
    results.seal(&mut builder).unwrap();
    let program = builder.finish().unwrap();
    assert_eq!(program.outputs(), [(Kind::Bool, 1)]);
    assert!(!program.has_secret_results());
    let parts = OpenedParts::of(&program, &[ty()], &[0]).unwrap();
    assert_eq!((parts.public, parts.rows), (1, vec![vec![]]));
}
