//! What is looked at before a module is compiled: it may import host functions only, must export
//! the entry points, and stays within bounds that the interpreter does not check by itself.

use wasmi::{ExternType, FuncType, Module, ValType};
use wasmparser::{Parser, Payload, TableInit, Validator};
use wire::{
    guest::{ATTESTED, CALL, COMPUTE, DESCRIBE, ENCODE, FAILED, INIT, MODULE},
    limits::{CODE_BYTES, MEMORY_PAGES},
};

use super::{
    engine::features_with_floats,
    imports::{IMPORTS, Import},
    limits::TABLE_ELEMENTS,
};
use crate::ModuleError;

/// Imports of one module; there are fewer host functions, but a module may name one twice.
const MAX_IMPORTS: u64 = 64;
/// Exports of one module.
const MAX_EXPORTS: u64 = 256;
/// Globals of one module.
const MAX_GLOBALS: u64 = 256;
/// Locals of one function: every call clears them.
const MAX_LOCALS: u64 = 1_000;

/// Entry points that every module has. All take nothing and return a status.
const ENTRY_POINTS: [&str; 7] = [DESCRIBE, INIT, CALL, COMPUTE, ENCODE, ATTESTED, FAILED];
const ENTRY_TYPE: &str = "() -> i32";
/// Export of the linear memory.
pub(super) const MEMORY: &str = "memory";

/// What an instance of the module takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Footprint {
    /// Pages of memory at the start.
    pub(super) pages: u64,
    /// Elements of its table.
    pub(super) table_elements: u64,
}

/// Looks at the sections, before anything is compiled.
///
/// # Errors
/// [`ModuleError`].
pub(super) fn sections(code: &[u8]) -> Result<Footprint, ModuleError> {
    if code.len() > CODE_BYTES {
        let (actual, limit) = (code.len(), CODE_BYTES);
        return Err(ModuleError::CodeBytes { actual, limit });
    }
    let invalid = |error: wasmparser::BinaryReaderError| ModuleError::Invalid(error.to_string());
    let mut footprint = Footprint::default();
    for payload in Parser::new(0).parse_all(code) {
        match payload.map_err(invalid)? {
            Payload::StartSection { .. } => return Err(ModuleError::StartFunction),
            Payload::ImportSection(reader) => at_most("imports", reader.count(), MAX_IMPORTS)?,
            Payload::ExportSection(reader) => at_most("exports", reader.count(), MAX_EXPORTS)?,
            Payload::GlobalSection(reader) => at_most("globals", reader.count(), MAX_GLOBALS)?,
            Payload::MemorySection(reader) => {
                at_most("memories", reader.count(), 1)?;
                for memory in reader {
                    let pages = memory.map_err(invalid)?.initial;
                    at_most("pages of memory", pages, u64::from(MEMORY_PAGES))?;
                    footprint.pages = pages;
                }
            }
            Payload::TableSection(reader) => {
                at_most("tables", reader.count(), 1)?;
                for table in reader {
                    let table = table.map_err(invalid)?;
                    if !matches!(table.init, TableInit::RefNull) {
                        return Err(ModuleError::Invalid("a table has an initial value".into()));
                    }
                    at_most("table elements", table.ty.initial, TABLE_ELEMENTS as u64)?;
                    footprint.table_elements = table.ty.initial;
                }
            }
            Payload::CodeSectionEntry(body) => {
                let mut locals = 0u64;
                for group in body.get_locals_reader().map_err(invalid)? {
                    locals += u64::from(group.map_err(invalid)?.0);
                }
                at_most("locals in a function", locals, MAX_LOCALS)?;
            }
            _ => {}
        }
    }
    Ok(footprint)
}

/// Refuses what the interpreter would not get to the end of: it translates each operation as soon as
/// it is found valid, also those behind the end of a function, of which it has no frame any more.
///
/// # Errors
/// [`ModuleError::Invalid`].
pub(super) fn valid(code: &[u8]) -> Result<(), ModuleError> {
    let mut with_floats = Validator::new_with_features(features_with_floats());
    match with_floats.validate_all(code) {
        Ok(_) => Ok(()),
        Err(error) => Err(ModuleError::Invalid(error.to_string())),
    }
}

/// Says why the interpreter refused a module.
pub(super) fn refusal(code: &[u8], error: &wasmi::Error) -> ModuleError {
    let mut with_floats = Validator::new_with_features(features_with_floats());
    match with_floats.validate_all(code) {
        // Valid if it were not for floating point numbers, or valid but for other limits.
        Ok(_) if is_invalid(error) => ModuleError::Floats,
        _ => ModuleError::Invalid(error.to_string()),
    }
}

fn is_invalid(error: &wasmi::Error) -> bool {
    matches!(error.kind(), wasmi::errors::ErrorKind::Wasm(_))
}

/// Looks at imports and exports of a compiled module.
///
/// # Errors
/// [`ModuleError`].
pub(super) fn interface(module: &Module) -> Result<(), ModuleError> {
    for import in module.imports() {
        let expected = (import.module() == MODULE)
            .then(|| IMPORTS.iter().find(|(name, ..)| *name == import.name()))
            .flatten();
        let Some(expected) = expected else {
            return Err(ModuleError::UnknownImport {
                module: import.module().to_owned(),
                name: import.name().to_owned(),
            });
        };
        if !fits(import.ty(), expected) {
            let (name, params, results) = expected;
            return Err(ModuleError::ImportType {
                name: (*name).to_owned(),
                expected: signature(params, results),
                actual: describe(import.ty()),
            });
        }
    }
    if !matches!(module.get_export(MEMORY), Some(ExternType::Memory(_))) {
        let (name, expected) = (MEMORY, "memory");
        return Err(ModuleError::Export { name, expected });
    }
    for name in ENTRY_POINTS {
        let entry = module.get_export(name);
        if !matches!(&entry, Some(ExternType::Func(ty)) if is_entry_point(ty)) {
            let expected = ENTRY_TYPE;
            return Err(ModuleError::Export { name, expected });
        }
    }
    Ok(())
}

fn at_most(what: &'static str, actual: impl Into<u64>, limit: u64) -> Result<(), ModuleError> {
    let actual = actual.into();
    if actual > limit {
        return Err(ModuleError::TooMany {
            what,
            actual,
            limit,
        });
    }
    Ok(())
}

fn is_entry_point(ty: &FuncType) -> bool {
    ty.params().is_empty() && ty.results() == [ValType::I32]
}

fn fits(ty: &ExternType, (_, params, results): &Import) -> bool {
    matches!(ty, ExternType::Func(ty) if ty.params() == *params && ty.results() == *results)
}

fn describe(ty: &ExternType) -> String {
    match ty {
        ExternType::Func(ty) => signature(ty.params(), ty.results()),
        ExternType::Memory(_) => "a memory".into(),
        ExternType::Table(_) => "a table".into(),
        ExternType::Global(_) => "a global".into(),
    }
}

fn signature(params: &[ValType], results: &[ValType]) -> String {
    let list = |types: &[ValType]| {
        let names: Vec<_> = types
            .iter()
            .map(|ty| format!("{ty:?}").to_lowercase())
            .collect();
        names.join(", ")
    };
    match results {
        [] => format!("({})", list(params)),
        _ => format!("({}) -> {}", list(params), list(results)),
    }
}
