//! Host functions that build the secret program while `#[compute]` is traced.
//!
//! The guest holds handles, which the builder checks. It never sees a value.

use std::collections::BTreeMap;

use alloy_primitives::Address;
use mpc_engine::{
    ColumnId, Program, ProgramBuilder, ProgramError, ResultColumn, SecretResults, ValueId,
};
use wire::{
    guest::{APPEND, Recipient},
    kind::{InputType, Kind},
    limits::PUBLIC_ELEMENTS,
    secret::Op,
};

use super::{
    guest::{Guest, bad_argument, charge, length, read, throw, write},
    limits::{COPY_BYTE, PUBLIC_ELEMENT, SECRET_OPERATION},
};
use crate::ContractFault;

/// What a computation sees of the inputs of one type beside their secrets.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rows {
    owners: Vec<Address>,
    tags: Vec<u64>,
}

impl Rows {
    /// Adds the next input.
    pub(crate) fn push(&mut self, owner: Address, tag: u64) {
        self.owners.push(owner);
        self.tags.push(tag);
    }
}

/// A program that is being traced.
pub(crate) struct Tracing {
    builder: ProgramBuilder,
    inputs: BTreeMap<u32, Rows>,
    recipients: Vec<Recipient>,
    results: SecretResults,
}

/// A program that was traced.
pub(crate) struct Traced {
    /// The program.
    pub(crate) program: Program,
    /// Of each secret result, how many rows it has, and the detail; none if the contract did not give
    /// it.
    pub(crate) results: Vec<Option<(usize, u32)>>,
}

impl Tracing {
    /// Starts an empty program over these inputs of each type, with these secret results.
    pub(crate) fn new(inputs: BTreeMap<u32, Rows>, results: Vec<(Recipient, InputType)>) -> Self {
        let (recipients, types) = results.into_iter().unzip();
        Self {
            builder: ProgramBuilder::new(),
            inputs,
            recipients,
            results: SecretResults::new(types),
        }
    }

    /// The program, if it is one.
    pub(crate) fn finish(mut self) -> Result<Traced, ContractFault> {
        let results = self.results.forms();
        for (recipient, form) in self.recipients.iter().zip(&results) {
            let fits = match (recipient, form) {
                (_, None) => true,
                (Recipient::Contract, Some((_, detail))) => *detail <= APPEND,
                (Recipient::Reader, Some((_, detail))) => *detail == 0,
                (Recipient::Owners, Some((rows, of))) => {
                    self.inputs.get(of).map(|of| of.tags.len()) == Some(*rows)
                }
            };
            if !fits {
                let why = "a secret result does not have a row for each input of the type that it \
                           names, or has a detail that its recipient does not have";
                return Err(ContractFault::Program(why.to_owned()));
            }
        }
        let sealed = self.results.seal(&mut self.builder);
        let program = sealed.and_then(|()| self.builder.finish());
        let program = program.map_err(|error| self::program(&error))?;
        Ok(Traced { program, results })
    }

    fn rows(&self, call: &'static str, number: i32) -> Result<&Rows, wasmi::Error> {
        let rows = self.inputs.get(&number.cast_unsigned());
        rows.ok_or_else(|| {
            let why = format!("the computation does not read inputs of type {number}");
            bad_argument(call, why)
        })
    }
}

/// A value as the guest names it, which may not exist.
fn value(handle: i32) -> ValueId {
    ValueId(handle.cast_unsigned())
}

fn handle(value: Result<ValueId, ProgramError>) -> Result<i32, wasmi::Error> {
    value
        .map(|value| value.0.cast_signed())
        .map_err(|error| throw(program(&error)))
}

fn program(error: &ProgramError) -> ContractFault {
    ContractFault::Program(error.to_string())
}

fn kind_of(call: &'static str, code: i32) -> Result<Kind, wasmi::Error> {
    let kind = Kind::from_code(code.cast_unsigned());
    kind.ok_or_else(|| bad_argument(call, format!("no kind has code {code}")))
}

fn tracing<'g>(
    guest: &'g mut Guest<'_>,
    call: &'static str,
) -> Result<&'g mut Tracing, wasmi::Error> {
    charge(guest, SECRET_OPERATION)?;
    let tracing = guest.data_mut().tracing.as_mut();
    tracing.ok_or_else(|| throw(ContractFault::NotHere { call }))
}

/// `secret_input(type, field, element) -> i32`
pub(super) fn secret_input(
    mut guest: Guest<'_>,
    number: i32,
    field: i32,
    element: i32,
) -> Result<i32, wasmi::Error> {
    const CALL: &str = "secret_input";
    let count = tracing(&mut guest, CALL)?.rows(CALL, number)?.tags.len();
    let id = ColumnId {
        input_type: number.cast_unsigned(),
        field: field.cast_unsigned(),
        element: element.cast_unsigned(),
    };
    let host = guest.data_mut();
    let types = host.description.as_ref().map(|d| d.inputs.as_slice());
    let kind = types
        .and_then(|types| types.get(id.input_type as usize))
        .and_then(|input| input.fields.get(id.field as usize))
        .filter(|field| id.element < field.len)
        .map(|field| field.kind)
        .ok_or_else(|| bad_argument(CALL, "no such input type, field or element"))?;
    let tracing = host.tracing.as_mut();
    let tracing = tracing.ok_or_else(|| throw(ContractFault::NotHere { call: CALL }))?;
    handle(tracing.builder.input(id, kind, count))
}

/// `secret_count(type) -> i32`
pub(super) fn secret_count(mut guest: Guest<'_>, number: i32) -> Result<i32, wasmi::Error> {
    const CALL: &str = "secret_count";
    let count = tracing(&mut guest, CALL)?.rows(CALL, number)?.tags.len();
    Ok(i32::try_from(count).unwrap_or(i32::MAX))
}

/// `secret_tags(type, ptr)`
pub(super) fn secret_tags(mut guest: Guest<'_>, number: i32, ptr: i32) -> Result<(), wasmi::Error> {
    let bytes = |rows: &Rows| rows.tags.iter().flat_map(|tag| tag.to_be_bytes()).collect();
    copy_rows(
        &mut guest,
        "secret_tags",
        number,
        ptr,
        size_of::<u64>(),
        bytes,
    )
}

/// `secret_owners(type, ptr)`
pub(super) fn secret_owners(
    mut guest: Guest<'_>,
    number: i32,
    ptr: i32,
) -> Result<(), wasmi::Error> {
    let bytes = |rows: &Rows| rows.owners.iter().flat_map(|owner| owner.0.0).collect();
    copy_rows(
        &mut guest,
        "secret_owners",
        number,
        ptr,
        Address::len_bytes(),
        bytes,
    )
}

/// Copies a part of each row into the guest, `width` bytes each.
fn copy_rows(
    guest: &mut Guest<'_>,
    call: &'static str,
    number: i32,
    ptr: i32,
    width: usize,
    bytes: impl FnOnce(&Rows) -> Vec<u8>,
) -> Result<(), wasmi::Error> {
    let count = tracing(guest, call)?.rows(call, number)?.tags.len();
    charge(guest, COPY_BYTE * (width * count) as u64)?;
    let staged = bytes(tracing(guest, call)?.rows(call, number)?);
    guest.data_mut().staged = staged.into();
    write(guest, call, ptr, |host| &host.staged)
}

/// `secret_constant(kind, low, high, len) -> i32`
pub(super) fn secret_constant(
    mut guest: Guest<'_>,
    kind: i32,
    low: i64,
    high: i64,
    len: i32,
) -> Result<i32, wasmi::Error> {
    const CALL: &str = "secret_constant";
    let tracing = tracing(&mut guest, CALL)?;
    let kind = kind_of(CALL, kind)?;
    let value = u128::from(high.cast_unsigned()) << 64 | u128::from(low.cast_unsigned());
    let len = len.cast_unsigned() as usize;
    handle(tracing.builder.constant(kind, value & kind.mask(), len))
}

/// `secret_public(kind, ptr, len) -> i32`
pub(super) fn secret_public(
    mut guest: Guest<'_>,
    kind: i32,
    ptr: i32,
    len: i32,
) -> Result<i32, wasmi::Error> {
    const CALL: &str = "secret_public";
    let len = length("a public vector", len, PUBLIC_ELEMENTS)?;
    charge(&mut guest, PUBLIC_ELEMENT * len as u64)?;
    tracing(&mut guest, CALL)?;
    let kind = kind_of(CALL, kind)?;
    let bytes = read(&guest, CALL, ptr, kind.bytes(len))?;
    let values = kind.unpack(&bytes, len);
    let values = values.ok_or_else(|| bad_argument(CALL, "unused bits are not zero"))?;
    let tracing = guest.data_mut().tracing.as_mut();
    let tracing = tracing.ok_or_else(|| throw(ContractFault::NotHere { call: CALL }))?;
    handle(tracing.builder.public(kind, &values))
}

/// `secret_op(op, a, b, c, immediate) -> i32`
pub(super) fn secret_op(
    mut guest: Guest<'_>,
    op: i32,
    a: i32,
    b: i32,
    c: i32,
    immediate: i64,
) -> Result<i32, wasmi::Error> {
    const CALL: &str = "secret_op";
    let tracing = tracing(&mut guest, CALL)?;
    let op = Op::from_code(op.cast_unsigned())
        .ok_or_else(|| bad_argument(CALL, format!("no operation has code {op}")))?;
    let operands = [a, b, c];
    let (used, unused) = operands.split_at(op.operands());
    if unused.iter().any(|handle| *handle != -1) {
        return Err(bad_argument(CALL, format!("{op:?} has fewer operands")));
    }
    let operands: Vec<_> = used.iter().copied().map(value).collect();
    let immediate = immediate.cast_unsigned();
    handle(tracing.builder.apply(op, &operands, immediate))
}

/// `secret_len(handle) -> i32`
pub(super) fn secret_len(mut guest: Guest<'_>, handle: i32) -> Result<i32, wasmi::Error> {
    let tracing = tracing(&mut guest, "secret_len")?;
    let len = tracing.builder.len(value(handle));
    let len = len.map_err(|error| throw(program(&error)))?;
    Ok(i32::try_from(len).unwrap_or(i32::MAX))
}

/// `reveal(handle)`
pub(super) fn reveal(mut guest: Guest<'_>, handle: i32) -> Result<(), wasmi::Error> {
    let tracing = tracing(&mut guest, "reveal")?;
    let revealed = tracing.builder.reveal(value(handle));
    revealed.map_err(|error| throw(program(&error)))
}

/// `keep(result, field, element, handle, detail)`
pub(super) fn keep(
    mut guest: Guest<'_>,
    result: i32,
    field: i32,
    element: i32,
    handle: i32,
    detail: i32,
) -> Result<(), wasmi::Error> {
    let tracing = tracing(&mut guest, "keep")?;
    let column = ResultColumn {
        result: result.cast_unsigned(),
        field: field.cast_unsigned(),
        element: element.cast_unsigned(),
    };
    let kept = (handle != -1).then(|| value(handle));
    let (builder, detail) = (&tracing.builder, detail.cast_unsigned());
    let kept = tracing.results.keep(builder, column, kept, detail);
    kept.map_err(|error| throw(program(&error)))
}
