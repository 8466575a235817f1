//! Solidity that takes a contract's results on L1: the struct of a result, its EIP-712 type, and an
//! abstract contract to inherit from.
//!
//! `Param`s come from the module's description, which nodes have checked for size; names are
//! identifiers there. What is a word of Solidity's gets an underscore.

mod hash;
mod types;

use std::fmt::Write as _;

use alloy_json_abi::Param;
use wire::{contract::Description, docs::Doc};

use self::types::Types;
use crate::{ReportError, report, said::Said};

/// Where the generated contract finds `QuartetApp.sol` and `Verifier.sol`, unless told otherwise: by
/// a remapping `quartet/=…/l1-contracts/src/`.
pub const IMPORTS: &str = "quartet/";

/// The source of a file with a contract for each computation that attests something; none if none
/// does.
///
/// # Errors
/// [`ReportError::Description`] if a result has a type that Solidity has not.
pub fn source(
    description: &Description,
    docs: &[Doc],
    imports: &str,
) -> Result<Option<String>, ReportError> {
    let said = Said(docs);
    let mut results = Vec::new();
    for computation in &description.computations {
        if let Some(result) = report::result(computation)? {
            results.push((computation.name.as_str(), result));
        }
    }
    if results.is_empty() {
        return Ok(None);
    }
    let mut types = Types::default();
    for (_, result) in &results {
        types.add(result)?;
    }
    let name = &description.name;
    let mut out = format!(
        "// SPDX-License-Identifier: MIT OR Apache-2.0\n\
         // Made from the confidential contract {name} by `quartet contract build`: inherit from it, \
         and\n// let the next build overwrite it.\n\
         pragma solidity ^0.8.24;\n\n\
         import {{QuartetApp}} from \"{imports}QuartetApp.sol\";\n\
         import {{Verifier}} from \"{imports}Verifier.sol\";\n"
    );
    for structure in types.all() {
        out.push('\n');
        out.push_str(&structure.declaration(said));
    }
    let alone = results.len() == 1;
    for (computation, result) in &results {
        let which = if alone { "" } else { computation };
        let contract = format!("{}{}App", pascal(name), pascal(which));
        out.push('\n');
        out.push_str(&app(&contract, name, computation, result, &types, said)?);
    }
    Ok(Some(out))
}

/// The abstract contract for a computation.
fn app(
    contract: &str,
    from: &str,
    computation: &str,
    result: &Param,
    types: &Types,
    said: Said<'_>,
) -> Result<String, ReportError> {
    let ty = types::name(result);
    let place = if types::is_value(result) {
        ""
    } else {
        " memory"
    };
    let variable = variable(report::structure(result).unwrap_or(computation));
    let callback = format!("_on{}", pascal(computation));
    let mut out = String::new();
    let mut line = |depth: usize, text: &str| {
        let _ = writeln!(out, "{}{text}", "    ".repeat(depth));
    };
    line(
        0,
        &format!("/// @title Takes results of {computation} of the confidential contract {from}"),
    );
    natspec(&mut line, 0, "notice", said.item("contract", from));
    line(0, &format!("abstract contract {contract} is QuartetApp {{"));
    let (constants, functions) = hash::of(result, types)?;
    for constant in &constants {
        line(1, constant);
        line(0, "");
    }
    line(1, "/// @param verifier_ checks the nodes' signatures");
    line(1, "/// @param l2ChainId_ id of the L2 chain");
    line(
        1,
        "/// @param l2Contract_ address of the confidential contract on it",
    );
    line(
        1,
        "/// @param codeHash_ keccak-256 of its code, as `quartet contract build` reports it",
    );
    line(
        1,
        "constructor(Verifier verifier_, uint64 l2ChainId_, address l2Contract_, bytes32 codeHash_)",
    );
    line(
        2,
        "QuartetApp(verifier_, l2ChainId_, l2Contract_, codeHash_)",
    );
    line(1, "{}");
    line(0, "");
    line(
        1,
        "/// @dev Takes a result that three nodes signed, once per computation.",
    );
    natspec(&mut line, 1, "dev", said.item("compute", computation));
    line(1, "/// @param computationId id of the computation");
    let about = report::structure(result).map_or("", |name| said.item("struct", name));
    let about = if about.is_empty() {
        "its result"
    } else {
        about
    };
    natspec(&mut line, 1, &format!("param {variable}"), about);
    line(
        1,
        &format!(
            "function {callback}(bytes32 computationId, {ty}{place} {variable}) internal virtual;"
        ),
    );
    line(0, "");
    line(1, "/// @inheritdoc QuartetApp");
    line(
        1,
        "function _onResult(bytes32 computationId, bytes calldata output) internal override {",
    );
    match types::words(result) {
        Some(words) => {
            line(
                2,
                &format!("if (output.length != {}) revert BadOutput();", 32 * words),
            );
            line(
                2,
                &format!("{callback}(computationId, abi.decode(output, ({ty})));"),
            );
        }
        None => {
            line(
                2,
                &format!("{ty}{place} {variable} = abi.decode(output, ({ty}));"),
            );
            line(
                2,
                &format!(
                    "if (keccak256(abi.encode({variable})) != keccak256(output)) revert BadOutput();"
                ),
            );
            line(2, &format!("{callback}(computationId, {variable});"));
        }
    }
    line(1, "}");
    for function in &functions {
        line(0, "");
        for text in function.lines() {
            line(1, text);
        }
    }
    line(0, "}");
    Ok(out)
}

/// A comment for documentation, line by line; nothing for no text.
fn natspec(line: &mut impl FnMut(usize, &str), depth: usize, tag: &str, text: &str) {
    for (place, said) in text.lines().enumerate() {
        // Words that would end or begin something of Solidity's.
        let said = said.replace("*/", "* /").replace('@', "(at)");
        match place {
            0 => line(depth, &format!("/// @{tag} {said}")),
            _ => line(depth, format!("/// {said}").trim_end()),
        }
    }
}

/// `sealed_bid` as `SealedBid`.
fn pascal(name: &str) -> String {
    let parts = name.split('_').filter(|part| !part.is_empty());
    let mut pascal = String::new();
    for part in parts {
        let mut letters = part.chars();
        pascal.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        pascal.push_str(letters.as_str());
    }
    pascal
}

/// `SealedBid` and `sealed_bid` as `sealedBid`, no word of Solidity's.
fn variable(name: &str) -> String {
    let pascal = pascal(name);
    let mut letters = pascal.chars();
    let first = letters.next().map(|first| first.to_ascii_lowercase());
    let name: String = first.into_iter().chain(letters).collect();
    match name.as_str() {
        // The other names in that function.
        "computationId" | "output" => format!("{name}_"),
        _ => types::identifier(&name),
    }
}
