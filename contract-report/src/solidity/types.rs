//! Types of results in Solidity's source.

use std::{collections::BTreeMap, fmt::Write as _};

use alloy_json_abi::Param;

use super::natspec;
use crate::{ReportError, report::structure, said::Said};

/// Words that cannot name a field, an argument or a struct.
const WORDS: &[&str] = &[
    "abstract",
    "address",
    "after",
    "alias",
    "anonymous",
    "apply",
    "as",
    "assembly",
    "auto",
    "bool",
    "break",
    "byte",
    "bytes",
    "calldata",
    "case",
    "catch",
    "constant",
    "constructor",
    "continue",
    "copyof",
    "default",
    "define",
    "delete",
    "do",
    "else",
    "emit",
    "enum",
    "error",
    "event",
    "external",
    "fallback",
    "final",
    "fixed",
    "for",
    "function",
    "hex",
    "if",
    "immutable",
    "implements",
    "import",
    "in",
    "indexed",
    "inline",
    "int",
    "interface",
    "internal",
    "is",
    "let",
    "library",
    "macro",
    "mapping",
    "match",
    "memory",
    "modifier",
    "mutable",
    "new",
    "null",
    "of",
    "override",
    "partial",
    "payable",
    "pragma",
    "private",
    "promise",
    "public",
    "pure",
    "receive",
    "reference",
    "relocatable",
    "return",
    "returns",
    "revert",
    "sealed",
    "sizeof",
    "static",
    "storage",
    "string",
    "struct",
    "super",
    "supports",
    "switch",
    "this",
    "throw",
    "try",
    "type",
    "typedef",
    "typeof",
    "uint",
    "ufixed",
    "unchecked",
    "unicode",
    "using",
    "var",
    "view",
    "virtual",
    "while",
];

/// A name that may stand in Solidity.
pub(super) fn identifier(name: &str) -> String {
    if WORDS.contains(&name) {
        return format!("{name}_");
    }
    name.to_owned()
}

/// The structs of all results, each once, by name.
#[derive(Default)]
pub(super) struct Types(BTreeMap<String, Struct>);

/// A struct.
#[derive(Clone, PartialEq)]
pub(super) struct Struct {
    /// Its name.
    pub(super) name: String,
    /// Its fields.
    pub(super) fields: Vec<Param>,
}

impl Types {
    /// Adds the structs in a parameter.
    ///
    /// # Errors
    /// [`ReportError::Description`] if a struct has no name, or two have the same.
    pub(super) fn add(&mut self, param: &Param) -> Result<(), ReportError> {
        if !param.ty.starts_with("tuple") {
            return Ok(());
        }
        let wrong = |why: &str| ReportError::Description {
            what: format!("the result {}", param.name),
            why: why.into(),
        };
        let name = structure(param).ok_or_else(|| wrong("a struct has no name"))?;
        let new = Struct {
            name: name.to_owned(),
            fields: param.components.clone(),
        };
        match self.0.insert(name.to_owned(), new.clone()) {
            Some(old) if old != new => {
                let why = format!("there are two structs {name}: name one of them otherwise");
                return Err(wrong(&why));
            }
            _ => {}
        }
        param
            .components
            .iter()
            .try_for_each(|field| self.add(field))
    }

    /// All of them.
    pub(super) fn all(&self) -> impl Iterator<Item = &Struct> {
        self.0.values()
    }

    /// The one of this name.
    pub(super) fn get(&self, name: &str) -> Option<&Struct> {
        self.0.get(name)
    }
}

impl Struct {
    /// Its source.
    pub(super) fn declaration(&self, said: Said<'_>) -> String {
        let mut out = String::new();
        let mut line = |depth: usize, text: &str| {
            let _ = writeln!(out, "{}{text}", "    ".repeat(depth));
        };
        natspec(&mut line, 0, "notice", said.item("struct", &self.name));
        line(0, &format!("struct {} {{", self.name));
        for field in &self.fields {
            let about = said.field("struct", &self.name, &field.name);
            natspec(&mut line, 1, "dev", about);
            line(1, &format!("{} {};", name(field), identifier(&field.name)));
        }
        line(0, "}");
        out
    }
}

/// A type in Solidity's source.
pub(super) fn name(param: &Param) -> String {
    crate::report::ty(param)
}

/// The type of an array's elements, if it is one.
pub(super) fn element(param: &Param) -> Option<Param> {
    let at = param.ty.rfind('[')?;
    let inner = crate::report::structure(param).map(|name| {
        let dimensions = &param.ty[..at];
        let dimensions = dimensions.strip_prefix("tuple").unwrap_or_default();
        format!("struct {name}{dimensions}")
    });
    let mut json = serde_json::json!({
        "name": param.name,
        "type": &param.ty[..at],
        "components": param.components,
    });
    if let Some(inner) = inner {
        json["internalType"] = inner.into();
    }
    serde_json::from_value(json).ok()
}

/// Whether a variable of it holds it, not a place where it is.
pub(super) fn is_value(param: &Param) -> bool {
    !param.ty.contains('[') && !matches!(param.ty.as_str(), "bytes" | "string" | "tuple")
}

/// Words of its encoding; none if that depends on the value.
pub(super) fn words(param: &Param) -> Option<usize> {
    if let Some(element) = element(param) {
        let (_, length) = param.ty.strip_suffix(']')?.rsplit_once('[')?;
        let length: usize = length.parse().ok()?;
        return length.checked_mul(words(&element)?);
    }
    match param.ty.as_str() {
        "bytes" | "string" => None,
        "tuple" => param
            .components
            .iter()
            .try_fold(0usize, |sum, field| sum.checked_add(words(field)?)),
        _ => Some(1),
    }
}
