//! What bad guests do, and that it stays with them.

use std::sync::Arc;

use alloy_primitives::Bytes;
use wasmi::{Linker, Store};
use wire::{guest::CONTEXT_BYTES, secret::Op};

use super::{host::Storage, imports, limits::TABLE_ELEMENTS, *};
use crate::{
    ContractFault,
    tests::{IMPORTS, description, module},
};

/// A module whose every entry point but `describe` runs this body, with memory of one page.
fn guest(body: &str) -> Compiled {
    let description = description();
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
    let tracing = (entry == Entry::Compute).then(|| Tracing::new([(0, 5)].into()));
    let call = Call {
        entry,
        calldata: Bytes::from_static(b"calldata"),
        context: [0; CONTEXT_BYTES],
        storage: Arc::new(Storage::from([(
            b"key".to_vec(),
            Bytes::from_static(b"value"),
        )])),
        next_computation: 4,
        tracing,
        fuel,
    };
    guest.run(call).unwrap()
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
        description: None,
        next_computation: 0,
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
fn endless_loops_and_spam_run_out_of_fuel() {
    let outcome = run_as(
        &guest("(loop $l (br $l)) (i32.const 0)"),
        Entry::Action,
        FUEL,
    );
    assert_eq!(outcome.ending, Ending::Fault(ContractFault::OutOfFuel));
    assert_eq!(outcome.fuel_used, FUEL);
    for call in [
        "(drop (call $calldata_len))",
        "(call $keccak256 (i32.const 0) (i32.const 32) (i32.const 0))",
        "(call $storage_write (i32.const 0) (i32.const 3) (i32.const 0) (i32.const 60000))",
        "(call $output (i32.const 0) (i32.const 60000))",
        "(call $context (i32.const 0))",
        "(memory.fill (i32.const 0) (i32.const 1) (i32.const 60000))",
    ] {
        let body = format!("(loop $l {call} (br $l)) (i32.const 0)");
        assert_eq!(fault(&body), ContractFault::OutOfFuel, "{call}");
    }
}

#[test]
fn time_per_fuel_is_bounded_for_every_way_of_spending_it() {
    let fuel = 10_000_000;
    let locals = format!("(func $clear (local {}))", "i64 ".repeat(1_000));
    let results = "i64 ".repeat(32);
    let block = format!(
        "(block (result {results}) (br 0 {})) {}",
        "(i64.const 1)".repeat(32),
        "(drop)".repeat(32)
    );
    for call in [
        "(nop)",
        "(call $clear)",
        block.as_str(),
        "(drop (call $calldata_len))",
        "(call $calldata_read (i32.const 0))",
        "(call $keccak256 (i32.const 0) (i32.const 32) (i32.const 0))",
        "(call $keccak256 (i32.const 0) (i32.const 65536) (i32.const 0))",
        "(drop (call $storage_read (i32.const 0) (i32.const 32)))",
        "(call $storage_write (i32.const 0) (i32.const 4) (i32.const 0) (i32.const 1))",
        "(call $storage_write (i32.const 0) (i32.const 3) (i32.const 0) (i32.const 60000))",
        "(call $output (i32.const 0) (i32.const 60000))",
        "(memory.fill (i32.const 0) (i32.const 1) (i32.const 60000))",
        "(memory.copy (i32.const 0) (i32.const 100) (i32.const 60000))",
        "(drop (memory.grow (i32.const 1)))",
        "(drop (table.grow (ref.null func) (i32.const 1)))",
        "(table.fill (i32.const 0) (ref.null func) (i32.const 1))",
    ] {
        let body = format!(
            "{locals} (func $body (result i32)
              (loop $l
                (i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (i32.const 1)))
                {call} (br $l)) (i32.const 0))"
        );
        let guest = guest(&body);
        let start = std::time::Instant::now();
        let outcome = run_as(&guest, Entry::Action, fuel);
        let took = start.elapsed();
        assert_eq!(outcome.ending, Ending::Fault(ContractFault::OutOfFuel));
        let nanos = took.as_nanos() as f64 / fuel as f64;
        println!("{nanos:>6.2} ns per unit: {:.60}", call);
        // Up to 5 ns a unit in truth; the rest is for slow and busy machines and debug builds.
        assert!(nanos < 100.0, "{call}: {took:?}");
    }
}

#[test]
fn memory_grows_to_its_limit_and_no_further() {
    // 255 more pages are had, one more is not.
    let body = "(if (i32.ne (memory.grow (i32.const 255)) (i32.const 1)) (then unreachable))
        (i32.add (memory.grow (i32.const 1)) (i32.const 1))";
    assert_eq!(run_as(&guest(body), Entry::Action, FUEL).ending, Ending::Ok);
    let body = "(i32.add (memory.grow (i32.const 65535)) (i32.const 1))";
    assert_eq!(run_as(&guest(body), Entry::Action, FUEL).ending, Ending::Ok);
    let body = format!(
        "(i32.add (table.grow (ref.null func) (i32.const {TABLE_ELEMENTS})) (i32.const 1))"
    );
    assert_eq!(
        run_as(&guest(&body), Entry::Action, FUEL).ending,
        Ending::Ok
    );
    // A bomb.
    let body = "(loop $l (drop (memory.grow (i32.const 1))) (br $l)) (i32.const 0)";
    assert_eq!(fault(body), ContractFault::OutOfFuel);
}

#[test]
fn deep_recursion_traps() {
    let body = "(func $deep (param i32) (result i32)
          (i32.add (call $deep (i32.add (local.get 0) (i32.const 1))) (i32.const 1)))
        (func $body (result i32) (call $deep (i32.const 0)))";
    assert!(matches!(fault(body), ContractFault::Trap(_)));
}

#[test]
fn traps_use_fuel_and_leave_nothing() {
    let write = "(call $storage_write (i32.const 0) (i32.const 3) (i32.const 0) (i32.const 1))";
    let emit = "(call $emit (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 1))";
    for end in [
        "unreachable",
        "(i32.div_u (i32.const 1) (local.get $i))",
        "(i32.load (i32.const 65536))",
        "(call_indirect (result i32) (i32.const 0))",
        "(call_indirect (result i32) (i32.const 5))",
    ] {
        assert!(matches!(
            fault(&format!("{write} {emit} {end}")),
            ContractFault::Trap(_)
        ));
    }
    let outcome = run_as(
        &guest(&format!("{write} {emit} (i32.const 1)")),
        Entry::Action,
        FUEL,
    );
    assert_eq!(outcome.ending, Ending::Reverted);
    assert!(outcome.effects.writes.is_empty() && outcome.effects.events.is_empty());
    assert!(outcome.fuel_used > 10_000);
    assert_eq!(
        fault(&format!("{write} (i32.const 3)")),
        ContractFault::Status(3)
    );
    assert_eq!(
        fault(&format!("{write} (i32.const 2)")),
        ContractFault::BadCall
    );
    let outcome = run_as(
        &guest(&format!("{write} {emit} (i32.const 0)")),
        Entry::Action,
        FUEL,
    );
    assert_eq!(
        (outcome.effects.writes.len(), outcome.effects.events.len()),
        (1, 1)
    );
}

#[test]
fn pointers_outside_the_memory_are_faults() {
    for (call, body) in [
        ("calldata_read", "(call $calldata_read (i32.const 65530))"),
        ("calldata_read", "(call $calldata_read (i32.const -1))"),
        (
            "output",
            "(call $output (i32.const 65000) (i32.const 1000))",
        ),
        ("context", "(call $context (i32.const 65500))"),
        (
            "storage_read",
            "(drop (call $storage_read (i32.const -5) (i32.const 4)))",
        ),
        (
            "staged_read",
            "(i32.store (i32.const 0) (i32.const 0x0079656b))
             (drop (call $storage_read (i32.const 0) (i32.const 3)))
             (call $staged_read (i32.const 65532))",
        ),
        (
            "storage_write",
            "(call $storage_write (i32.const 0) (i32.const 3) (i32.const 65535) (i32.const 2))",
        ),
        (
            "storage_remove",
            "(call $storage_remove (i32.const 65535) (i32.const 2))",
        ),
        (
            "emit",
            "(call $emit (i32.const 65520) (i32.const 1) (i32.const 0) (i32.const 0))",
        ),
        (
            "emit",
            "(call $emit (i32.const 0) (i32.const 1) (i32.const 65535) (i32.const 2))",
        ),
        (
            "keccak256",
            "(call $keccak256 (i32.const 1) (i32.const 65536) (i32.const 0))",
        ),
        (
            "keccak256",
            "(call $keccak256 (i32.const 0) (i32.const 1) (i32.const 65520))",
        ),
        (
            "start",
            "(drop (call $start (i32.const 0) (i32.const 65505)))",
        ),
    ] {
        assert_eq!(
            fault(&format!("{body} (i32.const 0)")),
            ContractFault::OutOfBounds { call }
        );
    }
    let input = "(call $take_input (i32.const 0) (i32.const 65535) (i32.const 2)) (i32.const 0)";
    let call = "take_input";
    assert_eq!(
        fault_as(Entry::Input(0), input),
        ContractFault::OutOfBounds { call }
    );
}

#[test]
fn lengths_beyond_the_limits_are_faults() {
    for body in [
        "(call $output (i32.const 0) (i32.const 65537))",
        "(call $output (i32.const 0) (i32.const -1))",
        "(drop (call $storage_read (i32.const 0) (i32.const 1025)))",
        "(call $storage_write (i32.const 0) (i32.const 3) (i32.const 0) (i32.const 65537))",
        "(call $storage_write (i32.const 0) (i32.const 1025) (i32.const 0) (i32.const 1))",
        "(call $storage_remove (i32.const 0) (i32.const 0x7fffffff))",
        "(call $emit (i32.const 0) (i32.const 5) (i32.const 0) (i32.const 0))",
        "(call $emit (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 16385))",
        "(call $keccak256 (i32.const 0) (i32.const -1) (i32.const 0))",
        "(loop $l (call $emit (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)) (br $l))",
    ] {
        let fault = fault(&format!("{body} (i32.const 0)"));
        assert!(
            matches!(fault, ContractFault::TooLong { .. }),
            "{body}: {fault}"
        );
    }
    // A huge key is refused before it costs anything but fuel.
    let body = "(call $storage_write (i32.const 0) (i32.const -1) (i32.const 0) (i32.const 1))";
    let refused = fault(&format!("{body} (i32.const 0)"));
    assert!(matches!(
        refused,
        ContractFault::OutOfFuel | ContractFault::TooLong { .. }
    ));
}

#[test]
fn what_an_entry_point_may_not_call_is_a_fault() {
    let refused = |entry, call, body: &str| {
        let fault = fault_as(entry, &format!("{body} (i32.const 0)"));
        assert_eq!(fault, ContractFault::NotHere { call }, "{entry:?}");
    };
    let take = "(call $take_input (i32.const 0) (i32.const 0) (i32.const 8))";
    let start = "(drop (call $start (i32.const 0) (i32.const 0)))";
    let reveal = "(call $reveal (i32.const 0))";
    let write = "(call $storage_write (i32.const 0) (i32.const 3) (i32.const 0) (i32.const 1))";
    let read = "(drop (call $storage_read (i32.const 0) (i32.const 3)))";
    let emit = "(call $emit (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))";
    for entry in [
        Entry::Init,
        Entry::Action,
        Entry::Attested,
        Entry::Failed,
        Entry::Compute,
    ] {
        refused(entry, "take_input", take);
    }
    for entry in [
        Entry::Init,
        Entry::Input(0),
        Entry::Attested,
        Entry::Compute,
        Entry::Encode,
    ] {
        refused(entry, "start", start);
    }
    for entry in [Entry::Init, Entry::Action, Entry::Input(0), Entry::Encode] {
        refused(entry, "reveal", reveal);
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
    }
    for entry in [Entry::Compute, Entry::Encode] {
        refused(entry, "storage_write", write);
        refused(entry, "storage_read", read);
        refused(entry, "emit", emit);
    }
}

#[test]
fn inputs_are_taken_once_of_the_right_type_and_not_forgotten() {
    assert_eq!(
        fault_as(Entry::Input(0), "(i32.const 0)"),
        ContractFault::InputNotTaken
    );
    let take = |ty| format!("(call $take_input (i32.const {ty}) (i32.const 0) (i32.const 8))");
    let wrong = fault_as(Entry::Input(0), &format!("{} (i32.const 0)", take(1)));
    assert!(matches!(
        wrong,
        ContractFault::BadArgument {
            call: "take_input",
            ..
        }
    ));
    let rubbish = fault_as(Entry::Input(0), &format!("{} (i32.const 0)", take(0)));
    assert!(matches!(rubbish, ContractFault::SealedInput(_)));
    // A sealed input of the right lengths, in the guest's memory.
    let seal = wire::sealed::Seal {
        encapsulated: Default::default(),
        ciphertext: vec![0; 112],
    };
    let sealed = wire::sealed::SealedInput {
        masked: vec![9],
        commitments: Default::default(),
        seals: [(); 4].map(|()| seal.clone()),
    };
    let bytes = sealed.encode();
    let escaped: String = bytes.iter().map(|b| format!("\\{b:02x}")).collect();
    let take = format!(
        "(call $take_input (i32.const 0) (i32.const 0x1000) (i32.const {}))",
        bytes.len()
    );
    let body = |calls: &str| {
        format!(
            "(data (i32.const 0x1000) \"{escaped}\") (func $body (result i32) {calls} (i32.const 0))"
        )
    };
    let outcome = run_as(&guest(&body(&take)), Entry::Input(0), FUEL);
    assert_eq!(outcome.ending, Ending::Ok);
    assert_eq!(outcome.effects.taken, Some(sealed));
    let call = "take_input";
    let twice = body(&format!("{take} {take}"));
    assert_eq!(
        fault_as(Entry::Input(0), &twice),
        ContractFault::Twice { call }
    );
}

#[test]
fn a_call_starts_one_computation() {
    let start = |number| format!("(drop (call $start (i32.const {number}) (i32.const 0)))");
    let outcome = run_as(
        &guest(&format!("{} (i32.const 0)", start(0))),
        Entry::Action,
        FUEL,
    );
    assert_eq!(outcome.effects.started, Some((0, Default::default())));
    let index =
        "(if (i64.ne (call $start (i32.const 0) (i32.const 0)) (i64.const 4)) (then unreachable))";
    let outcome = run_as(
        &guest(&format!("{index} (i32.const 0)")),
        Entry::Action,
        FUEL,
    );
    assert_eq!(outcome.ending, Ending::Ok);
    let call = "start";
    let twice = format!("{} {} (i32.const 0)", start(0), start(0));
    assert_eq!(fault(&twice), ContractFault::Twice { call });
    for number in [1, -1] {
        let fault = fault(&format!("{} (i32.const 0)", start(number)));
        assert!(matches!(
            fault,
            ContractFault::BadArgument { call: "start", .. }
        ));
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
    let program = outcome.program.unwrap();
    assert_eq!(program.outputs(), [(wire::kind::Kind::U8, 1)]);
    let again = run_as(&guest(&good), Entry::Compute, FUEL).program.unwrap();
    assert_eq!(program.hash(), again.hash());

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
        op(21, 0, 0, -1),
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
    // An endless program runs out of fuel.
    let endless = format!(
        "(loop $l (drop (call $secret_op (i32.const 2) {column} (i32.const -1) (i32.const -1) (i64.const 0))) (br $l)) (i32.const 0)"
    );
    assert_eq!(fault_as(Entry::Compute, &endless), ContractFault::OutOfFuel);
}

#[test]
fn the_same_call_uses_the_same_fuel() {
    let body = "(loop $l
        (call $keccak256 (i32.const 0) (i32.const 64) (i32.const 0))
        (drop (call $storage_read (i32.const 0) (i32.const 4)))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br_if $l (i32.lt_u (local.get $i) (i32.const 20))))
        (i32.const 0)";
    let (first, second) = (guest(body), guest(body));
    let used = run_as(&first, Entry::Action, FUEL).fuel_used;
    assert_eq!(used, run_as(&first, Entry::Action, FUEL).fuel_used);
    assert_eq!(used, run_as(&second, Entry::Action, 2 * FUEL).fuel_used);
    // Exactly so much suffices.
    assert_eq!(run_as(&first, Entry::Action, used).ending, Ending::Ok);
    let short = run_as(&first, Entry::Action, used - 1);
    assert_eq!(short.ending, Ending::Fault(ContractFault::OutOfFuel));
    assert_eq!(short.fuel_used, used - 1);
    let none = run_as(&first, Entry::Action, 10);
    assert_eq!(
        (none.ending, none.fuel_used),
        (Ending::Fault(ContractFault::OutOfFuel), 10)
    );
}

#[test]
fn storage_reads_see_writes_of_the_same_call() {
    let body = r#"(i32.store (i32.const 0) (i32.const 0x0079656b))
        (if (i32.ne (call $storage_read (i32.const 0) (i32.const 3)) (i32.const 5)) (then unreachable))
        (call $storage_write (i32.const 0) (i32.const 3) (i32.const 0) (i32.const 2))
        (if (i32.ne (call $storage_read (i32.const 0) (i32.const 3)) (i32.const 2)) (then unreachable))
        (call $storage_remove (i32.const 0) (i32.const 3))
        (if (i32.ne (call $storage_read (i32.const 0) (i32.const 3)) (i32.const -1)) (then unreachable))
        (call $staged_read (i32.const 0))
        (i32.const 0)"#;
    let outcome = run_as(&guest(body), Entry::Action, FUEL);
    assert_eq!(outcome.ending, Ending::Ok);
    assert_eq!(outcome.effects.writes, [(b"key".to_vec(), None)].into());
}
