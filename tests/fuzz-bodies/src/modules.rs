//! Contracts' modules: deployed on a chain of their own, called, and traced, with bounded fuel. Two
//! nodes come to the same state, whatever the module does, and none is at fault.

use alloy_primitives::{Address, B256, Bytes};
use arbitrary::Unstructured;
use poll::IMPORTS;
use wasm_encoder::{CodeSection, Function, MemArg, Module as Encoded, RawSection};
use wasmparser::{Parser, Payload};
use wire::{
    block::{Block, Header},
    committee::{Committee, L1, Node},
    signing,
    transaction::Deployment,
};
use zk_contract_runtime::{CallRequest, Runtime};

use crate::formats::{CHAIN_ID, signed};

/// What the contract says about itself.
const DESCRIPTION: &str = r#"{"name":"n","abi":[],"inputs":[{"name":"B","fields":[{"name":"c","kind":"u8","len":1}]}],"input_functions":[],"computations":[{"name":"c","inputs":[0],"output":"(uint64)"}]}"#;
/// Fuel of a trial.
const FUEL: u64 = 3_000_000;
/// What a contract must have besides its imports.
const MEMORY: &str = r#"(memory (export "memory") 1)"#;
const DESCRIBE: &str = "quartet_describe";
const INIT: &str = "quartet_init";
const ENTRIES: [&str; 6] = ["init", "call", "compute", "encode", "attested", "failed"];

/// Any bytes as a module.
pub fn module(bytes: &[u8]) -> bool {
    deployed_and_called(bytes)
}

/// A valid module that these bytes choose, of the right shape, which describes itself properly.
pub fn generated(bytes: &[u8]) -> bool {
    let config = wasm_smith::Config {
        module_shape: Some(shape()),
        allow_floats: false,
        simd_enabled: false,
        relaxed_simd_enabled: false,
        reference_types_enabled: false,
        gc_enabled: false,
        exceptions_enabled: false,
        tail_call_enabled: false,
        threads_enabled: false,
        memory64_enabled: false,
        multi_value_enabled: false,
        extended_const_enabled: false,
        allow_start_export: false,
        max_memories: 1,
        max_tables: 1,
        max_memory32_bytes: 4 << 20,
        max_instructions: 300,
        ..wasm_smith::Config::default()
    };
    let module = wasm_smith::Module::new(config, &mut Unstructured::new(bytes));
    let Ok(module) = module else {
        return false;
    };
    deployed_and_called(&describing(&module.to_bytes()))
}

/// Whether it could be deployed.
fn deployed_and_called(code: &[u8]) -> bool {
    let deployment = Deployment {
        salt: B256::ZERO,
        code: Bytes::copy_from_slice(code),
        init: Bytes::from_static(&[7; 32]),
    };
    let data = deployment.encode();
    let trial = CallRequest {
        data: data.clone(),
        gas: Some(30_000_000),
        ..CallRequest::default()
    };
    let mut nodes = [Runtime::new(committee()), Runtime::new(committee())];
    let tried = nodes[0].call(&trial, 0).expect("not this machine's fault");
    if !tried.is_ok() {
        return false;
    }
    let deploys = signed(0, None, data);
    let [applied, _] = nodes
        .each_mut()
        .map(|node| apply(node, vec![deploys.clone()]));
    let Some(contract) = applied else {
        return false;
    };
    let mut calldata = vec![0; 100];
    calldata[..4].copy_from_slice(&[1, 2, 3, 4]);
    let call = CallRequest {
        to: Some(contract),
        data: calldata.clone().into(),
        gas: Some(FUEL),
        ..CallRequest::default()
    };
    let outcome = nodes[0].call(&call, 0).expect("not this machine's fault");
    assert!(outcome.gas_used <= FUEL);
    let calls = signed(1, Some(contract), calldata.into());
    for transactions in [vec![calls], vec![]] {
        for node in &mut nodes {
            apply(node, transactions.clone());
        }
        assert_eq!(nodes[0].head(), nodes[1].head(), "nodes differ");
    }
    true
}

/// Applies a block of these transactions; the contract that the first one deployed.
fn apply(node: &mut Runtime, transactions: Vec<Bytes>) -> Option<Address> {
    let head = node.head();
    let block = Block {
        header: Header {
            number: head.number + 1,
            parent: head.hash,
            time_ms: head.time_ms + 1_000,
            proposer: node.committee().nodes[0].address,
            state_root: head.state_root,
        },
        node_transactions: Vec::new(),
        transactions,
    };
    let checked = node
        .check(&block.encode(), &mut |_| None)
        .expect("a valid block");
    let applied = node.apply(checked).expect("not this machine's fault");
    let receipt = applied.receipts.first()?;
    receipt.contract_address.filter(|_| receipt.status)
}

fn committee() -> Committee {
    let node = |number: u8| {
        let key = k256::ecdsa::SigningKey::from_slice(&[number; 32]).unwrap();
        Node {
            address: signing::address(key.verifying_key()),
            public_key: Bytes::new(),
            seal_key: B256::repeat_byte(number),
            listen: String::new(),
        }
    };
    Committee {
        chain_id: CHAIN_ID,
        epoch: 1,
        genesis_ms: 1,
        dev: false,
        reserve_lots: 0,
        refresh_ms: 0,
        l1: L1 {
            chain_id: 1,
            verifier: Address::repeat_byte(1),
        },
        nodes: [1, 2, 3, 4].map(node),
    }
}

/// All that a contract may import, in the order of their numbers.
fn imports() -> impl Iterator<Item = &'static str> {
    IMPORTS.lines().filter(|line| line.contains("import"))
}

/// A module of the right shape that does nothing.
fn shape() -> Vec<u8> {
    let entries = ENTRIES.map(|name| format!("\"quartet_{name}\""));
    let exports = std::iter::once(format!("\"{DESCRIBE}\"")).chain(entries);
    let functions: String = exports
        .map(|name| format!("(func (export {name}) (result i32) (i32.const 0))\n"))
        .collect();
    wat::parse_str(format!("(module {IMPORTS} {MEMORY} {functions})")).unwrap()
}

/// The same module, but that it describes itself as [`DESCRIPTION`], and is content with being
/// deployed.
fn describing(module: &[u8]) -> Vec<u8> {
    let mut encoded = Encoded::new();
    let (mut bodies, mut describe, mut init) = (CodeSection::new(), None, None);
    let imports = imports().count() as u32;
    let (mut body, mut expected) = (imports, 0);
    for payload in Parser::new(0).parse_all(module) {
        let payload = payload.unwrap();
        match &payload {
            Payload::ExportSection(reader) => {
                for export in reader.clone() {
                    let export = export.unwrap();
                    match export.name {
                        DESCRIBE => describe = Some(export.index),
                        INIT => init = Some(export.index),
                        _ => {}
                    }
                }
            }
            Payload::CodeSectionStart { count, .. } => expected = *count,
            Payload::CodeSectionEntry(reader) => {
                if describe == Some(body) {
                    bodies.function(&describe_body());
                } else if init == Some(body) {
                    let mut content = Function::new([]);
                    content.instructions().i32_const(0).end();
                    bodies.function(&content);
                } else {
                    bodies.raw(&module[reader.range()]);
                }
                body += 1;
                if body == imports + expected {
                    encoded.section(&bodies);
                }
                continue;
            }
            _ => {}
        }
        if let Some((id, range)) = payload.as_section().filter(|(id, _)| *id != 10) {
            let data = &module[range];
            encoded.section(&RawSection { id, data });
        }
    }
    encoded.finish()
}

/// Writes the description to memory, eight bytes at a time, and returns it.
fn describe_body() -> Function {
    let mut body = Function::new([]);
    let place = MemArg {
        offset: 0,
        align: 0,
        target: wasm_encoder::MemArgTarget::Memory(0),
        ordering: None,
    };
    let mut instructions = body.instructions();
    for (at, bytes) in (0..).step_by(8).zip(DESCRIPTION.as_bytes().chunks(8)) {
        let mut word = [0; 8];
        word[..bytes.len()].copy_from_slice(bytes);
        instructions
            .i32_const(at)
            .i64_const(i64::from_le_bytes(word))
            .i64_store(place);
    }
    let length = i32::try_from(DESCRIPTION.len()).unwrap();
    let output = imports()
        .position(|line| line.contains("$output "))
        .unwrap() as u32;
    instructions
        .i32_const(0)
        .i32_const(length)
        .call(output)
        .i32_const(0)
        .end();
    body
}

/// A contract that stores, hashes, emits, and starts and traces a computation.
#[must_use]
pub fn module_seeds() -> Vec<Vec<u8>> {
    let escaped: String = DESCRIPTION.bytes().map(|b| format!("\\{b:02x}")).collect();
    let length = DESCRIPTION.len();
    let quiet: String = ["init", "encode", "attested", "failed"]
        .map(|name| format!("(func (export \"quartet_{name}\") (result i32) (i32.const 0))\n"))
        .concat();
    let source = format!(
        r#"(module {IMPORTS} {MEMORY}
  (data (i32.const 0x8000) "{escaped}")
  (table 1 funcref)
  (global $calls (mut i32) (i32.const 0))
  (func (export "quartet_describe") (result i32)
    (call $output (i32.const 0x8000) (i32.const {length})) (i32.const 0))
  {quiet}
  (func (export "quartet_call") (result i32) (local $i i32)
    (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
    (call $calldata_read (i32.const 0))
    (call $context (i32.const 0x400))
    (loop $again
      (i32.store8 (local.get $i) (i32.load8_u (i32.add (local.get $i) (i32.const 1))))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $again (i32.lt_u (local.get $i) (i32.const 40))))
    (call $keccak256 (i32.const 0) (i32.const 64) (i32.const 0x1000))
    (call $storage_write (i32.const 0) (i32.const 4) (i32.const 0x1000) (i32.const 32))
    (drop (call $storage_read (i32.const 0) (i32.const 4)))
    (call $staged_read (i32.const 0x2000))
    (call $emit (i32.const 0x1000) (i32.const 1) (i32.const 0) (i32.const 8))
    (i64.store (i32.const 0x3000) (call $start (i32.const 0) (i32.const 0x1000) (i32.const 54)))
    (call $output (i32.const 0x3000) (i32.const 8))
    (i32.const 0))
  (func (export "quartet_compute") (result i32) (local $a i32)
    (local.set $a (call $secret_constant (i32.const 1) (i64.const 5) (i64.const 0) (i32.const 2)))
    (drop (call $secret_count (i32.const 0)))
    (drop (call $secret_len (local.get $a)))
    (call $reveal (call $secret_op (i32.const 0) (local.get $a) (local.get $a) (i32.const -1) (i64.const 0)))
    (i32.const 0)))"#
    );
    vec![wat::parse_str(source).unwrap(), describing(&shape())]
}

/// Choices for the generator.
#[must_use]
pub fn generated_seeds() -> Vec<Vec<u8>> {
    let byte = |seed: usize, i: usize| u8::try_from((i * i * (seed + 3) + i * 7) % 251).unwrap();
    (0..6)
        .map(|seed| (0..600).map(|i| byte(seed, i)).collect())
        .collect()
}
