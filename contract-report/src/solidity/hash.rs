//! EIP-712: the type of a struct, and functions that hash one.

use std::collections::{BTreeMap, BTreeSet};

use alloy_json_abi::Param;

use super::types::{Struct, Types, element, identifier, is_value, name};
use crate::{ReportError, report::structure};

/// More arguments than this are encoded in parts: the EVM's stack is not deep.
const ARGUMENTS: usize = 6;
/// Characters of an expression that stays on the line of what it is in.
const SHORT: usize = 72;

/// The constants and the functions for a result; none of both if it is no struct.
pub(super) fn of(result: &Param, types: &Types) -> Result<(Vec<String>, Vec<String>), ReportError> {
    let mut functions = BTreeMap::new();
    let mut constants = Vec::new();
    let mut wanted: BTreeSet<_> = structure(result).map(str::to_owned).into_iter().collect();
    let mut done = BTreeSet::new();
    while let Some(name) = wanted.pop_first() {
        let Some(structure) = types.get(&name).filter(|_| done.insert(name.clone())) else {
            continue;
        };
        wanted.extend(referenced(structure));
        let constant = constant(&name);
        constants.push(format!(
            "/// @dev EIP-712 type of {name}.\n    bytes32 internal constant {constant} =\n        \
             keccak256(\"{}\");",
            encode_type(structure, types)
        ));
        let function = struct_hash(structure, &mut functions);
        functions.insert(format!("_hash{name}"), function);
    }
    Ok((constants, functions.into_values().collect()))
}

fn constant(name: &str) -> String {
    let mut constant = String::new();
    let mut before = None;
    for letter in name.chars() {
        let begins = letter.is_ascii_uppercase()
            && before.is_some_and(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit());
        if begins {
            constant.push('_');
        }
        constant.push(letter.to_ascii_uppercase());
        before = Some(letter);
    }
    format!("{constant}_TYPEHASH")
}

/// Names of the structs among the fields.
fn referenced(structure: &Struct) -> impl Iterator<Item = String> + '_ {
    let names = structure.fields.iter().filter_map(self::structure_of);
    names.map(str::to_owned)
}

fn structure_of(param: &Param) -> Option<&str> {
    structure(param)
}

/// `encodeType` of EIP-712: the struct, then those that it refers to, by name.
pub(super) fn encode_type(structure: &Struct, types: &Types) -> String {
    let mut all = BTreeSet::new();
    let mut wanted: Vec<_> = referenced(structure).collect();
    while let Some(name) = wanted.pop() {
        if let Some(found) = types.get(&name).filter(|_| all.insert(name.clone())) {
            wanted.extend(referenced(found));
        }
    }
    all.remove(&structure.name);
    let one = |structure: &Struct| {
        let fields = structure.fields.iter();
        let fields = fields.map(|f| format!("{} {}", name(f), identifier(&f.name)));
        format!(
            "{}({})",
            structure.name,
            fields.collect::<Vec<_>>().join(",")
        )
    };
    let others = all.iter().filter_map(|name| types.get(name)).map(one);
    one(structure) + &others.collect::<String>()
}

/// The function that hashes a struct.
fn struct_hash(structure: &Struct, functions: &mut BTreeMap<String, String>) -> String {
    let fields = structure.fields.iter();
    let mut parts = vec![constant(&structure.name)];
    parts.extend(fields.map(|field| {
        let value = format!("value.{}", identifier(&field.name));
        hashed(field, &value, functions)
    }));
    let encoded = parts
        .chunks(ARGUMENTS)
        .map(|parts| format!("abi.encode({})", parts.join(", ")));
    let encoded: Vec<_> = encoded.collect();
    let name = &structure.name;
    let data = match encoded.as_slice() {
        [one] if one.len() <= SHORT => one.clone(),
        [one] => format!("\n        {one}\n    "),
        many => format!(
            "\n        bytes.concat(\n            {}\n        )\n    ",
            many.join(",\n            ")
        ),
    };
    format!(
        "/// @dev The hash of a {name} by EIP-712.\n\
         function _hash{name}({name} memory value) internal pure returns (bytes32) {{\n    \
         return keccak256({data});\n}}"
    )
}

/// The word that stands for a value in the encoding of its struct. Adds the functions that it needs.
fn hashed(param: &Param, value: &str, functions: &mut BTreeMap<String, String>) -> String {
    let Some(element) = element(param) else {
        return match (param.ty.as_str(), structure(param)) {
            ("tuple", Some(name)) => format!("_hash{name}({value})"),
            ("bytes", _) => format!("keccak256({value})"),
            ("string", _) => format!("keccak256(bytes({value}))"),
            _ => value.to_owned(),
        };
    };
    if is_value(&element) {
        return format!("keccak256(abi.encodePacked({value}))");
    }
    let ty = name(param);
    let function = format!("_hash{}", ty.replace('[', "Array").replace(']', ""));
    if !functions.contains_key(&function) {
        let inner = hashed(&element, "values[i]", functions);
        let source = format!(
            "function {function}({ty} memory values) private pure returns (bytes32) {{\n    \
             bytes32[] memory hashes = new bytes32[](values.length);\n    \
             for (uint256 i = 0; i < values.length; ++i) {{\n        \
             hashes[i] = {inner};\n    }}\n    \
             return keccak256(abi.encodePacked(hashes));\n}}"
        );
        functions.insert(function.clone(), source);
    }
    format!("{function}({value})")
}
