//! What bad guests do, and that it stays with them.

mod bounds;
mod fuel;
mod inputs;
mod mutations;
mod storage;

use std::sync::Arc;

use alloy_primitives::{Address, Bytes, FixedBytes};
use wasmi::{Linker, Store};
use wire::{
    guest::{CONTEXT_BYTES, Deletion, Selection, StartOptions},
    secret::Op,
};

use super::{host::Storage, imports, limits::TABLE_ELEMENTS, *};
use crate::{
    ContractFault,
    tests::{IMPORTS, description, module},
};

/// A module whose every entry point but `describe` runs this body, with memory of one page.
fn guest(body: &str) -> Compiled {
    described(&description(), body)
}

/// The same with this description.
fn described(description: &str, body: &str) -> Compiled {
    let escaped: String = description.bytes().map(|b| format!("\\{b:02x}")).collect();
    let length = description.len();
    let exports: String = ["init", "call", "compute", "encode", "attested", "failed"]
        .map(|name| format!(r#"(export "quartet_{name}" (func $body))"#))
        .concat();
    let source = format!(
        r#"(module {IMPORTS}
  (memory (export "memory") 1)
  (table 1 funcref)
  (global $g (mut i32) (i32.const 0))
  (data (i32.const 0x8000) "{escaped}")
  (func (export "quartet_describe") (result i32)
    (call $output (i32.const 0x8000) (i32.const {length})) (i32.const 0))
  {exports}
  {})"#,
        if body.contains("(func $body") {
            body.to_owned()
        } else {
            format!("(func $body (result i32) (local $i i32) {body})")
        }
    );
    match Compiled::new(&module(&source).into()).unwrap() {
        Ok(compiled) => compiled,
        Err(error) => panic!("{error}"),
    }
}

fn run_as(guest: &Compiled, entry: Entry, fuel: u64) -> Outcome {
    let tracing = || Tracing::new([(0, five_rows())].into(), Vec::new());
    let tracing = (entry == Entry::Compute).then(tracing);
    let call = Call {
        entry,
        calldata: Bytes::from_static(b"calldata"),
        context: [0; CONTEXT_BYTES],
        storage: Arc::new(Storage::from([(
            b"key".to_vec(),
            Bytes::from_static(b"value"),
        )])),
        timers: Timers::from([(FixedBytes([0, 0, 0, 1]), 100)]),
        next_computation: 4,
        input: 6,
        tracing,
        fuel,
    };
    guest.run(call, &mut Nobody).unwrap()
}

/// Five inputs, whose owners and tags are their places.
fn five_rows() -> Rows {
    let mut rows = Rows::default();
    for place in 0..5 {
        rows.push(Address::repeat_byte(place), place.into());
    }
    rows
}

const FUEL: u64 = 5_000_000;

/// The fault in which a body ends, run as an action.
#[track_caller]
fn fault(body: &str) -> ContractFault {
    fault_as(Entry::Action, body)
}

#[track_caller]
fn fault_as(entry: Entry, body: &str) -> ContractFault {
    let outcome = run_as(&guest(body), entry, FUEL);
    assert!(outcome.effects.writes.is_empty() && outcome.effects.events.is_empty());
    assert!(outcome.fuel_used > 0 && outcome.fuel_used <= FUEL);
    match outcome.ending {
        Ending::Fault(fault) => fault,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_table_of_imports_is_what_is_linked() {
    let engine = super::engine::engine();
    let mut linker = Linker::new(&engine);
    imports::link(&mut linker).unwrap();
    // A module that imports every function with the type in the table can be instantiated.
    let list = |kind: &str, types: &[wasmi::ValType]| {
        let types = types.iter().map(|ty| format!(" {ty:?}").to_lowercase());
        format!("({kind}{})", types.collect::<String>())
    };
    let import = |(name, params, results): &imports::Import| {
        let (params, results) = (list("param", params), list("result", results));
        format!(r#"(import "quartet" "{name}" (func {params} {results}))"#)
    };
    let all: String = imports::IMPORTS.iter().map(import).collect();
    let wasm = module(&format!("(module {all})"));
    let module = wasmi::Module::new(&engine, wasm).unwrap();
    let host = super::host::Host {
        entry: Entry::Describe,
        calldata: Bytes::new(),
        context: [0; CONTEXT_BYTES],
        storage: Arc::default(),
        timers: Timers::new(),
        description: None,
        next_computation: 0,
        request: None,
        events_before: 0,
        input: 0,
        memory: None,
        staged: Bytes::new(),
        staged_hash: Default::default(),
        output: Vec::new(),
        effects: Effects::default(),
        tracing: None,
        limiter: Default::default(),
    };
    let mut store = Store::new(&engine, host);
    store.set_fuel(1_000_000).unwrap();
    assert!(linker.instantiate_and_start(&mut store, &module).is_ok());
}

#[test]
fn what_an_entry_point_may_not_call_is_a_fault() {
    let refused = |entry, call, body: &str| {
        let fault = fault_as(entry, &format!("{body} (i32.const 0)"));
        assert_eq!(fault, ContractFault::NotHere { call }, "{entry:?}");
    };
    let take = "(call $take_input (i32.const 0) (i32.const 0) (i32.const 8))";
    let start = "(drop (call $start (i32.const 0) (i32.const 0x400) (i32.const 54)))";
    let reveal = "(call $reveal (i32.const 0))";
    let write = "(call $storage_write (i32.const 0) (i32.const 3) (i32.const 0) (i32.const 1))";
    let read = "(drop (call $storage_read (i32.const 0) (i32.const 3)))";
    let emit = "(call $emit (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))";
    for entry in [
        Entry::Init,
        Entry::Action,
        Entry::Nested,
        Entry::Attested,
        Entry::Failed,
        Entry::Compute,
    ] {
        refused(entry, "take_input", take);
    }
    for entry in [
        Entry::Init,
        Entry::Action,
        Entry::Attested,
        Entry::Compute,
        Entry::Encode,
    ] {
        refused(entry, "input_id", "(drop (call $input_id))");
        refused(entry, "input_group", "(call $input_group (i64.const 1))");
        refused(entry, "input_tag", "(call $input_tag (i64.const 1))");
        refused(entry, "input_replace", "(call $input_replace)");
    }
    for entry in [
        Entry::Init,
        Entry::Input(0),
        Entry::Nested,
        Entry::Attested,
        Entry::Compute,
        Entry::Encode,
    ] {
        refused(entry, "start", start);
    }
    let delete = "(call $delete_inputs (i32.const 0x400) (i32.const 13))";
    for entry in [Entry::Init, Entry::Input(0), Entry::Compute, Entry::Encode] {
        refused(entry, "delete_inputs", delete);
    }
    for entry in [Entry::Init, Entry::Action, Entry::Input(0), Entry::Encode] {
        refused(entry, "reveal", reveal);
        refused(
            entry,
            "secret_public",
            "(drop (call $secret_public (i32.const 1) (i32.const 0) (i32.const 1)))",
        );
        refused(
            entry,
            "secret_len",
            "(drop (call $secret_len (i32.const 0)))",
        );
        let column = "(call $secret_input (i32.const 0) (i32.const 0) (i32.const 0))";
        refused(entry, "secret_input", &format!("(drop {column})"));
        refused(
            entry,
            "secret_count",
            "(drop (call $secret_count (i32.const 0)))",
        );
        for call in ["secret_tags", "secret_owners"] {
            let body = format!("(call ${call} (i32.const 0) (i32.const 0))");
            refused(entry, call, &body);
        }
    }
    for entry in [Entry::Compute, Entry::Encode] {
        refused(entry, "storage_write", write);
        refused(entry, "storage_read", read);
        refused(entry, "emit", emit);
        let other = "(drop (call $call (i32.const 0) (i32.const 0) (i32.const 4)))";
        refused(entry, "call", other);
    }
}

#[test]
fn secret_programs_are_checked() {
    let column = "(call $secret_input (i32.const 0) (i32.const 0) (i32.const 0))";
    let good = format!(
        "(if (i32.ne (call $secret_count (i32.const 0)) (i32.const 5)) (then unreachable))
         (local.set $i {column})
         (if (i32.ne (call $secret_len (local.get $i)) (i32.const 5)) (then unreachable))
         (call $reveal (call $secret_op (i32.const {}) (local.get $i) (i32.const -1) (i32.const -1) (i64.const 0)))
         (i32.const 0)",
        Op::Sum as u32
    );
    let outcome = run_as(&guest(&good), Entry::Compute, FUEL);
    assert_eq!(outcome.ending, Ending::Ok);
    let program = outcome.program.unwrap().program;
    assert_eq!(program.outputs(), [(wire::kind::Kind::U8, 1)]);
    let again = run_as(&guest(&good), Entry::Compute, FUEL).program.unwrap();
    assert_eq!(program.hash(), again.program.hash());

    let op = |op: i32, a: i32, b: i32, c: i32| {
        format!(
            "(drop {column}) (call $reveal (call $secret_op (i32.const {op}) (i32.const {a}) (i32.const {b}) (i32.const {c}) (i64.const 0)))"
        )
    };
    for body in [
        // Nothing is revealed; handles that do not exist; operations that do not.
        String::new(),
        "(call $reveal (i32.const 0))".into(),
        "(call $reveal (i32.const -1))".into(),
        "(drop (call $secret_len (i32.const 99)))".into(),
        op(Op::Add as i32, 0, 1, -1),
        op(Op::Add as i32, 0, -1, -1),
        op(Op::Add as i32, 0, 0, 0),
        op(Op::ALL.len() as i32, 0, 0, -1),
        op(-1, 0, 0, -1),
        op(Op::Count as i32, 0, -1, -1),
        // Columns that do not exist.
        "(drop (call $secret_input (i32.const 1) (i32.const 0) (i32.const 0)))".into(),
        "(drop (call $secret_input (i32.const 0) (i32.const 1) (i32.const 0)))".into(),
        "(drop (call $secret_input (i32.const 0) (i32.const 0) (i32.const 1)))".into(),
        "(drop (call $secret_input (i32.const -1) (i32.const -1) (i32.const -1)))".into(),
        "(drop (call $secret_count (i32.const 1)))".into(),
        // Constants of no kind and of too many elements.
        "(drop (call $secret_constant (i32.const 11) (i64.const 0) (i64.const 0) (i32.const 1)))".into(),
        "(drop (call $secret_constant (i32.const 1) (i64.const 0) (i64.const 0) (i32.const -1)))".into(),
        // More than may be opened.
        "(call $reveal (call $secret_constant (i32.const 1) (i64.const 0) (i64.const 0) (i32.const 65537)))".into(),
        "(loop $l (call $reveal (call $secret_constant (i32.const 1) (i64.const 0) (i64.const 0) (i32.const 60000))) (br $l))".into(),
    ] {
        let fault = fault_as(Entry::Compute, &format!("{body} (i32.const 0)"));
        let expected = matches!(fault, ContractFault::Program(_) | ContractFault::BadArgument { .. });
        assert!(expected, "{body}: {fault:?}");
    }
    // Endless programs run out of fuel.
    let endless = format!(
        "(loop $l (drop (call $secret_op (i32.const 2) {column} (i32.const -1) (i32.const -1) (i64.const 0))) (br $l)) (i32.const 0)"
    );
    assert_eq!(fault_as(Entry::Compute, &endless), ContractFault::OutOfFuel);
    let endless = "(loop $l (drop (call $secret_public (i32.const 1) (i32.const 0) (i32.const 60000))) (br $l)) (i32.const 0)";
    assert_eq!(fault_as(Entry::Compute, endless), ContractFault::OutOfFuel);
}

#[test]
fn public_vectors_are_read_from_the_guest_and_checked() {
    use wire::kind::Kind;
    let body = |kind: Kind, len: usize| {
        format!(
            "(data (i32.const 0x1000) \"\\05\\01\\ff\\80\")
             (func $body (result i32)
               (call $reveal (call $secret_public (i32.const {}) (i32.const 0x1000) (i32.const {len})))
               (i32.const 0))",
            kind.code()
        )
    };
    for (kind, len, expected) in [
        (Kind::U8, 4, vec![5, 1, 255, 128]),
        (Kind::I16, 2, vec![0x0105, 0x80ff]),
        (Kind::Bool, 3, vec![1, 0, 1]),
        (Kind::Bool, 9, vec![1, 0, 1, 0, 0, 0, 0, 0, 1]),
        (Kind::U32, 0, vec![]),
    ] {
        let outcome = run_as(&guest(&body(kind, len)), Entry::Compute, FUEL);
        let program = outcome.program.expect("a program").program;
        assert_eq!(program.outputs(), [(kind, len)]);
        let opened = mpc_engine::clear::evaluate(&program, &[]).unwrap();
        assert_eq!(opened, [expected], "{kind:?}");
    }
    let fault = fault_as(Entry::Compute, &body(Kind::Bool, 2));
    assert!(
        matches!(fault, ContractFault::BadArgument { .. }),
        "unused bits: {fault}"
    );
    let call = |kind: u32, ptr: i32, len: i32| {
        let call =
            format!("(call $secret_public (i32.const {kind}) (i32.const {ptr}) (i32.const {len}))");
        fault_as(Entry::Compute, &format!("(drop {call}) (i32.const 0)"))
    };
    assert!(matches!(call(13, 0, 1), ContractFault::BadArgument { .. }));
    assert!(matches!(call(1, 0, 65_537), ContractFault::TooLong { .. }));
    assert!(matches!(call(1, 0, -1), ContractFault::TooLong { .. }));
    assert_eq!(
        call(5, 8, 4_096),
        ContractFault::OutOfBounds {
            call: "secret_public"
        }
    );
}

#[test]
fn timers_are_set_and_bounded() {
    let set = |selector: u32, time: i64| {
        format!("(call $set_timer (i32.const {selector}) (i64.const {time}))")
    };
    let timers = |body: String| {
        let outcome = run_as(
            &guest(&format!("{body} (i32.const 0)")),
            Entry::Action,
            FUEL,
        );
        assert_eq!(outcome.ending, Ending::Ok);
        outcome.effects.timers
    };
    let selector = |number: u32| FixedBytes(number.to_be_bytes());
    assert_eq!(timers(String::new()), None);
    assert_eq!(timers(set(1, 0)), Some(Timers::new()));
    assert_eq!(timers(set(9, 0)), Some([(selector(1), 100)].into()));
    let all = [(selector(1), 7), (selector(0xa0b0_c0d0), u64::MAX)];
    let changed = [set(1, 5), set(0xa0b0_c0d0, -1), set(1, 7)].concat();
    assert_eq!(timers(changed), Some(all.into()));

    let many = |count: u32| {
        (2..2 + count)
            .map(|number| set(number, 1))
            .collect::<String>()
    };
    assert_eq!(timers(many(7)).unwrap().len(), 8);
    assert_eq!(timers(set(1, 0) + &many(8)).unwrap().len(), 8);
    let too_many = fault(&format!("{} (i32.const 0)", many(8)));
    assert!(matches!(
        too_many,
        ContractFault::TooLong {
            actual: 9,
            limit: 8,
            ..
        }
    ));

    let body = format!("{} (i32.const 0)", set(1, 5));
    for entry in [Entry::Init, Entry::Action, Entry::Attested, Entry::Failed] {
        let outcome = run_as(&guest(&body), entry, FUEL);
        assert_eq!(outcome.effects.timers, Some([(selector(1), 5)].into()));
    }
    for entry in [Entry::Compute, Entry::Encode] {
        let call = "set_timer";
        assert_eq!(fault_as(entry, &body), ContractFault::NotHere { call });
    }
    let reverts = format!("{} (i32.const 1)", set(1, 5));
    let outcome = run_as(&guest(&reverts), Entry::Action, FUEL);
    assert_eq!(
        (outcome.ending, outcome.effects.timers),
        (Ending::Reverted, None)
    );
}
