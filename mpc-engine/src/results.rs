//! Results that stay secret: masked, so that what is opened says nothing of them.
//!
//! A result is rows of an input type. Each of its columns has a mask, a column of random values that
//! the program reads like one of inputs; the difference is opened behind what everybody may see. A
//! masked row and the seeds of its mask are then an input like any other.

use std::collections::BTreeMap;

use wire::{
    kind::{InputType, Kind},
    results::{MASKS, mask_type},
    secret::Op,
};

use crate::{Column, ColumnId, Program, ProgramBuilder, ProgramError, ValueId};

/// The secret results of a program that is being built.
#[derive(Debug)]
pub struct SecretResults {
    types: Vec<InputType>,
    kept: Vec<Kept>,
}

/// One of them.
#[derive(Debug, Default)]
struct Kept {
    /// Rows, and what the contract says besides; none if it was not given.
    form: Option<(usize, u32)>,
    /// Columns by field and element.
    columns: BTreeMap<(u32, u32), ValueId>,
}

/// Which column of which result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResultColumn {
    /// Number of the result among those of the computation.
    pub result: u32,
    /// Number of the field in its type.
    pub field: u32,
    /// Number of the element in the field.
    pub element: u32,
}

impl SecretResults {
    /// Nothing yet of results of these types.
    #[must_use]
    pub fn new(types: Vec<InputType>) -> Self {
        let kept = types.iter().map(|_| Kept::default()).collect();
        Self { types, kept }
    }

    /// Makes a value a column of a result: an element for each row; none if there are no rows.
    /// `detail` is the same for all columns of a result.
    ///
    /// # Errors
    /// [`ProgramError::SecretResult`] and [`ProgramError::NoSuchValue`].
    pub fn keep(
        &mut self,
        builder: &ProgramBuilder,
        column: ResultColumn,
        value: Option<ValueId>,
        detail: u32,
    ) -> Result<(), ProgramError> {
        let ResultColumn {
            result,
            field,
            element,
        } = column;
        let wrong = |why| ProgramError::SecretResult { result, why };
        let ty = self.types.get(result as usize);
        let expected = ty
            .and_then(|ty| ty.fields.get(field as usize))
            .filter(|field| element < field.len)
            .ok_or(wrong("there is no such result, field or element"))?;
        let rows = match value {
            Some(value) if builder.kind(value)? != expected.kind => {
                return Err(wrong("a value is not of the kind of its field"));
            }
            Some(value) => builder.len(value)?,
            None => 0,
        };
        let form = (rows, detail);
        let Some(kept) = self.kept.get_mut(result as usize) else {
            return Ok(());
        };
        if *kept.form.get_or_insert(form) != form {
            return Err(wrong("its columns are not of one length"));
        }
        if let Some(value) = value
            && kept.columns.insert((field, element), value).is_some()
        {
            return Err(wrong("a column is given twice"));
        }
        Ok(())
    }

    /// Of each result that was given, how many rows it has, and what the contract said besides.
    #[must_use]
    pub fn forms(&self) -> Vec<Option<(usize, u32)>> {
        self.kept.iter().map(|kept| kept.form).collect()
    }

    /// Masks all of it and opens what that gives, after what is opened already. A program that opens
    /// nothing otherwise opens a zero.
    ///
    /// # Errors
    /// [`ProgramError::SecretResult`] if a column is missing, and [`ProgramError::TooMany`].
    pub fn seal(self, builder: &mut ProgramBuilder) -> Result<(), ProgramError> {
        let has_results = !self.types.is_empty();
        for ((result, ty), kept) in (0..).zip(self.types).zip(self.kept) {
            let Some((rows, _)) = kept.form.filter(|(rows, _)| *rows > 0) else {
                continue;
            };
            let columns: usize = ty.fields.iter().map(|field| field.len as usize).sum();
            if kept.columns.len() != columns {
                let why = "a column is missing";
                return Err(ProgramError::SecretResult { result, why });
            }
            for ((field, element), value) in kept.columns {
                let kind = builder.kind(value)?;
                let id = ColumnId {
                    input_type: mask_type(result),
                    field,
                    element,
                };
                let mask = builder.input(id, kind, rows)?;
                let difference = match kind {
                    Kind::Bool => Op::Xor,
                    _ => Op::Sub,
                };
                let masked = builder.apply(difference, &[value, mask], 0)?;
                builder.reveal(masked)?;
            }
        }
        if has_results && builder.opens_nothing() {
            let zero = builder.constant(Kind::Bool, 0, 1)?;
            builder.reveal(zero)?;
        }
        Ok(())
    }
}

impl Column {
    /// Whether it masks a result that stays secret.
    #[must_use]
    pub const fn is_mask(&self) -> bool {
        self.id.input_type >= MASKS
    }
}

impl Program {
    /// Whether a part of what it computes stays secret.
    #[must_use]
    pub fn has_secret_results(&self) -> bool {
        self.columns().iter().any(Column::is_mask)
    }

    /// How many rows each of so many secret results has.
    #[must_use]
    pub fn result_rows(&self, results: usize) -> Vec<usize> {
        let mut rows = vec![0; results];
        for column in self.columns().iter().filter(|column| column.is_mask()) {
            if let Some(rows) = rows.get_mut((column.id.input_type - MASKS) as usize) {
                *rows = column.len;
            }
        }
        rows
    }
}

/// What was opened of a program, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenedParts {
    /// How many bytes of it everybody may see; the others are masked.
    pub public: usize,
    /// Of each secret result its masked rows, each in the encoding of its type.
    pub rows: Vec<Vec<Vec<u8>>>,
}

impl OpenedParts {
    /// Takes apart what was opened of a program with secret results of these types; none if it is not
    /// of this program.
    #[must_use]
    pub fn of(program: &Program, types: &[InputType], opened: &[u8]) -> Option<Self> {
        let outputs = program.outputs();
        let masks = program.columns().iter().filter(|column| column.is_mask());
        let masks: Vec<&Column> = masks.collect();
        let (open, masked) = outputs.split_at_checked(outputs.len().checked_sub(masks.len())?)?;
        let public = open.iter().map(|(kind, len)| kind.bytes(*len)).sum();
        let (_, mut rest) = opened.split_at_checked(public)?;
        let mut rows: Vec<Vec<Vec<u8>>> = types.iter().map(|_| Vec::new()).collect();
        for (column, (kind, len)) in masks.into_iter().zip(masked) {
            let (own, after) = rest.split_at_checked(kind.bytes(*len))?;
            rest = after;
            let result = (column.id.input_type - MASKS) as usize;
            let (ty, rows) = types.get(result).zip(rows.get_mut(result))?;
            if rows.is_empty() {
                *rows = vec![vec![0; ty.bytes()]; *len];
            }
            let before = ty.fields.iter().take(column.id.field as usize);
            let offset: usize = before.map(|f| f.kind.bytes(f.len as usize)).sum();
            let values = kind.unpack(own, *len)?;
            for (row, value) in rows.iter_mut().zip(values) {
                place(row.get_mut(offset..)?, *kind, column.id.element, value)?;
            }
        }
        rest.is_empty().then_some(Self { public, rows })
    }
}

/// Puts an element into its place in an encoded field.
fn place(field: &mut [u8], kind: Kind, element: u32, value: u128) -> Option<()> {
    let element = element as usize;
    if kind == Kind::Bool {
        *field.get_mut(element / 8)? |= u8::from(value & 1 == 1) << (element % 8);
    } else {
        let width = kind.bytes(1);
        let place = field.get_mut(element * width..)?.get_mut(..width)?;
        place.copy_from_slice(value.to_le_bytes().get(..width)?);
    }
    Some(())
}

#[cfg(test)]
mod tests;
