//! Deployments, good and bad.

use super::*;
use crate::{CallRequest, CallStatus, ModuleError};

fn attempt(chain: &Chain, code: &[u8], init: &[u8]) -> CallStatus {
    let request = CallRequest {
        data: deployment(&Bytes::copy_from_slice(code), init).encode(),
        ..CallRequest::default()
    };
    chain.runtime.call(&request, chain.time_ms).unwrap().status
}

fn refusal(code: &[u8]) -> ModuleError {
    match attempt(&Chain::new(true), code, &closes_argument()) {
        CallStatus::Module(error) => error,
        other => panic!("{other:?}"),
    }
}

/// A module with the needed exports, this description, and something more.
fn with(more: &str, description: &str) -> Vec<u8> {
    let escaped: String = description.bytes().map(|b| format!("\\{b:02x}")).collect();
    let length = description.len();
    module(&format!(
        r#"(module
  (import "quartet" "output" (func $output (param i32 i32)))
  {more}
  (memory (export "memory") 2)
  (data (i32.const 0) "{escaped}")
  (func $ok (result i32) (i32.const 0))
  (func (export "quartet_describe") (result i32)
    (call $output (i32.const 0) (i32.const {length})) (i32.const 0))
  (export "quartet_init" (func $ok))
  (export "quartet_call" (func $ok))
  (export "quartet_compute" (func $ok))
  (export "quartet_encode" (func $ok))
  (export "quartet_attested" (func $ok))
  (export "quartet_failed" (func $ok)))"#
    ))
}

fn plain(more: &str) -> Vec<u8> {
    with(more, &description())
}

#[test]
fn a_contract_lives_where_its_deployment_says() {
    let mut chain = Chain::new(true);
    let expected = deployment(&poll_code(), &closes_argument()).address(user(0).address);
    let deployed = deployment(&poll_code(), &closes_argument()).encode();
    let tx = chain.send(&user(0), None, deployed.clone(), 100_000_000);
    let applied = chain.block(vec![], vec![tx]);
    let receipt = &applied.receipts[0];
    assert!(receipt.status, "{:?}", receipt.revert_reason);
    assert_eq!(receipt.contract_address, Some(expected));
    assert_eq!(
        applied.events,
        [Event::ContractDeployed { address: expected }]
    );
    assert_eq!(chain.runtime.code(expected), Some(poll_code()));
    let info = chain.runtime.contract(expected).unwrap();
    assert_eq!(
        (info.deployer, info.description.name.as_str()),
        (user(0).address, "Poll")
    );
    assert_eq!(info.code_hash, keccak256(poll_code()));

    // The same again is refused; the same by another deployer is another contract.
    let again = chain.send(&user(0), None, deployed.clone(), 100_000_000);
    let other = chain.send(&user(1), None, deployed, 100_000_000);
    let applied = chain.block(vec![], vec![again, other]);
    assert!(!applied.receipts[0].status && applied.receipts[1].status);
    assert!(
        applied.receipts[0]
            .revert_reason
            .as_ref()
            .unwrap()
            .contains("another salt")
    );
    assert_ne!(applied.receipts[1].contract_address, Some(expected));
}

#[test]
fn an_init_that_fails_deploys_nothing() {
    let mut chain = Chain::new(true);
    let deployed = deployment(&poll_code(), &[1, 2, 3]);
    let tx = chain.send(&user(0), None, deployed.encode(), 100_000_000);
    let applied = chain.block(vec![], vec![tx]);
    assert!(!applied.receipts[0].status);
    assert_eq!(applied.receipts[0].contract_address, None);
    assert!(
        chain
            .runtime
            .code(deployed.address(user(0).address))
            .is_none()
    );
}

#[test]
fn a_deployment_pays_for_its_code() {
    let mut chain = Chain::new(true);
    let deployed = deployment(&poll_code(), &closes_argument()).encode();
    let needed = crate::sandbox::limits::intrinsic(deployed.len(), true);
    let tx = chain.send(&user(0), None, deployed, needed);
    let applied = chain.block(vec![], vec![tx]);
    assert_eq!(
        applied.receipts[0].revert_reason.as_deref(),
        Some("out of gas")
    );
    assert_eq!(applied.receipts[0].gas_used, needed);
}

#[test]
fn a_module_that_fits_is_taken() {
    assert_eq!(attempt(&Chain::new(true), &plain(""), &[]), CallStatus::Ok);
}

#[test]
fn data_that_is_no_deployment_is_refused() {
    let chain = Chain::new(true);
    let request = CallRequest {
        data: Bytes::from_static(b"\0asm and more"),
        ..CallRequest::default()
    };
    let outcome = chain.runtime.call(&request, 0).unwrap();
    assert!(matches!(
        outcome.status,
        CallStatus::Module(ModuleError::Deployment(_))
    ));
}

#[test]
fn code_that_is_not_webassembly_is_refused() {
    assert!(matches!(refusal(b"rubbish"), ModuleError::Invalid(_)));
    assert!(matches!(refusal(b""), ModuleError::Invalid(_)));
    let mut cut = plain("");
    cut.truncate(cut.len() / 2);
    assert!(matches!(refusal(&cut), ModuleError::Invalid(_)));
    let huge = vec![0; wire::limits::CODE_BYTES + 1];
    assert!(matches!(refusal(&huge), ModuleError::CodeBytes { .. }));
}

#[test]
fn foreign_imports_are_refused() {
    let unknown = |module: &str, name: &str| {
        let import = format!(r#"(import "{module}" "{name}" (func (param i32)))"#);
        let (module, name) = (module.to_owned(), name.to_owned());
        assert_eq!(
            refusal(&plain(&import)),
            ModuleError::UnknownImport { module, name }
        );
    };
    unknown("env", "output");
    unknown("wasi_snapshot_preview1", "fd_write");
    unknown("quartet", "random");
    let memory = refusal(&plain(r#"(import "quartet" "start" (global i32))"#));
    assert!(matches!(memory, ModuleError::ImportType { .. }));
    let error = refusal(&plain(r#"(import "quartet" "reveal" (func (param i64)))"#));
    let expected = ModuleError::ImportType {
        name: "reveal".into(),
        expected: "(i32)".into(),
        actual: "(i64)".into(),
    };
    assert_eq!(error, expected);
}

#[test]
fn a_start_function_is_refused() {
    assert_eq!(
        refusal(&plain("(func $begin) (start $begin)")),
        ModuleError::StartFunction
    );
}

#[test]
fn floats_are_refused() {
    let inside = plain("(func (drop (f64.add (f64.const 1) (f64.const 2))))");
    assert_eq!(refusal(&inside), ModuleError::Floats);
    assert_eq!(refusal(&plain("(func (param f32))")), ModuleError::Floats);
}

#[test]
fn simd_threads_and_other_extensions_are_refused() {
    let simd = plain("(func (result v128) (v128.const i64x2 0 0))");
    assert!(matches!(refusal(&simd), ModuleError::Invalid(_)));
    let tail = plain("(func $loop (return_call $loop))");
    assert!(matches!(refusal(&tail), ModuleError::Invalid(_)));
}

#[test]
fn missing_exports_are_named() {
    let source = String::from_utf8(plain_text()).unwrap();
    for name in [
        "memory",
        "quartet_describe",
        "quartet_call",
        "quartet_failed",
    ] {
        let renamed = source.replace(&format!("\"{name}\""), "\"other\"");
        match refusal(&module(&renamed)) {
            ModuleError::Export { name: missing, .. } => assert_eq!(missing, name),
            other => panic!("{other:?}"),
        }
    }
    let typed = source.replace("(func $ok (result i32) (i32.const 0))", "(func $ok)");
    assert!(matches!(
        refusal(&module(&typed)),
        ModuleError::Export { .. }
    ));
}

fn plain_text() -> Vec<u8> {
    let exports: String = [
        "init", "call", "compute", "encode", "attested", "failed", "describe",
    ]
    .map(|name| format!(r#"(export "quartet_{name}" (func $ok))"#))
    .concat();
    format!(
        r#"(module (memory (export "memory") 1) (func $ok (result i32) (i32.const 0)) {exports})"#
    )
    .into_bytes()
}

#[test]
fn memories_tables_and_globals_are_bounded() {
    let source = String::from_utf8(plain_text()).unwrap();
    let memory = source.replace("(export \"memory\") 1", "(export \"memory\") 257");
    let expected = ModuleError::TooMany {
        what: "pages of memory",
        actual: 257,
        limit: 256,
    };
    assert_eq!(refusal(&module(&memory)), expected);
    let table = refusal(&plain("(table 10001 funcref)"));
    assert!(matches!(
        table,
        ModuleError::TooMany {
            what: "table elements",
            ..
        }
    ));
    let tables = refusal(&plain("(table 1 funcref) (table 1 funcref)"));
    assert!(matches!(
        tables,
        ModuleError::TooMany { what: "tables", .. }
    ));
    let globals = "(global (mut i32) (i32.const 0))".repeat(257);
    assert!(matches!(
        refusal(&plain(&globals)),
        ModuleError::TooMany {
            what: "globals",
            ..
        }
    ));
    let locals = format!("(func (local {}))", "i64 ".repeat(1_001));
    assert!(matches!(
        refusal(&plain(&locals)),
        ModuleError::TooMany {
            what: "locals in a function",
            ..
        }
    ));
    let imports = r#"(import "quartet" "reveal" (func (param i32)))"#.repeat(65);
    assert!(matches!(
        refusal(&plain(&imports)),
        ModuleError::TooMany {
            what: "imports",
            ..
        }
    ));
}

#[test]
fn data_outside_the_memory_is_the_contracts_fault() {
    let status = attempt(
        &Chain::new(true),
        &plain("(data (i32.const 131071) \"ab\")"),
        &[],
    );
    assert!(matches!(
        status,
        CallStatus::Module(ModuleError::Describe(crate::ContractFault::Trap(_)))
    ));
}

#[test]
fn descriptions_must_make_sense() {
    let refused = |change: &dyn Fn(&str) -> String, why: &str| {
        let changed = change(&description());
        assert_ne!(changed, description());
        match refusal(&with("", &changed)) {
            ModuleError::Description(text) => assert!(text.contains(why), "{text}"),
            other => panic!("{other:?}"),
        }
    };
    let replace = |from: &'static str, to: &'static str| move |d: &str| d.replace(from, to);
    refused(&|_| "not json".into(), "expected");
    let nested = format!(r#"{{"name":"Poll","abi":{}"#, "[".repeat(5_000));
    refused(&|_| nested.clone(), "recursion");
    refused(&replace(r#""Poll""#, r#""a b""#), "identifier");
    refused(
        &replace(r#""Poll","#, r#""Poll","more":1,"#),
        "unknown field",
    );
    refused(
        &replace(r#""kind":"u8""#, r#""kind":"f64""#),
        "unknown variant",
    );
    refused(&replace(r#""len":1"#, r#""len":0"#), "no elements");
    refused(&replace(r#""len":1"#, r#""len":65537"#), "at most 65536");
    refused(&replace(r#""len":1"#, r#""len":4294967295"#), "at most");
    refused(&replace(r#""input":0"#, r#""input":1"#), "does not exist");
    refused(
        &replace(r#""inputs":[0]"#, r#""inputs":[1]"#),
        "does not exist",
    );
    refused(&replace(r#""inputs":[0]"#, r#""inputs":[0,0]"#), "twice");
    refused(&replace("(uint64[3])", "(uint64"), "output type");
    refused(
        &replace(
            r#""name":"sealed","type":"bytes""#,
            r#""name":"sealed","type":"bytes32""#,
        ),
        "ABI lacks",
    );
    let deep = "[]".repeat(200);
    refused(
        &|d| d.replace(r#""type":"uint64""#, &format!(r#""type":"uint64{deep}""#)),
        "characters",
    );
    let silent = with("", "");
    assert!(matches!(refusal(&silent), ModuleError::Description(_)));
}

#[test]
fn a_describe_that_misbehaves_is_refused() {
    let source = String::from_utf8(plain_text()).unwrap();
    let describe = |body: &str| {
        let function = format!(r#"(func (export "quartet_describe") (result i32) {body})"#);
        let import = r#"(module (import "quartet" "context" (func $context (param i32)))"#;
        let changed = source.replace(r#"(export "quartet_describe" (func $ok))"#, &function);
        refusal(&module(&changed.replace("(module", import)))
    };
    let fault = |body| match describe(body) {
        ModuleError::Describe(fault) => fault,
        other => panic!("{other:?}"),
    };
    use crate::ContractFault::{NotHere, OutOfFuel, Status, Trap};
    assert_eq!(fault("(loop $l (br $l)) (i32.const 0)"), OutOfFuel);
    assert!(matches!(fault("unreachable"), Trap(_)));
    assert_eq!(fault("(i32.const 7)"), Status(7));
    let call = "context";
    assert_eq!(
        fault("(call $context (i32.const 0)) (i32.const 0)"),
        NotHere { call }
    );
}
