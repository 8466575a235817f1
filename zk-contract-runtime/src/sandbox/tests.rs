//! What bad guests do, and that it stays with them.

mod bounds;
mod fuel;
mod mutations;

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
        key_epoch: 0,
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
    // Memory is zero there, which is the options without an argument.
    let start = |number| {
        format!("(drop (call $start (i32.const {number}) (i32.const 0x400) (i32.const 54)))")
    };
    let outcome = run_as(
        &guest(&format!("{} (i32.const 0)", start(0))),
        Entry::Action,
        FUEL,
    );
    assert_eq!(outcome.effects.started, Some((0, Default::default())));
    let index = "(if (i64.ne (call $start (i32.const 0) (i32.const 0x400) (i32.const 54)) (i64.const 4)) (then unreachable))";
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
fn a_computation_with_results_for_a_reader_starts_for_one() {
    let output = r#""output":"(uint64[3])""#;
    let run = |secrets: &str, reader: u8| {
        let description = description().replace(output, &format!("{output},{secrets}"));
        let body = format!(
            "(i32.store8 (i32.const 0x433) (i32.const {reader}))
             (drop (call $start (i32.const 0) (i32.const 0x400) (i32.const 54))) (i32.const 0)"
        );
        run_as(&described(&description, &body), Entry::Action, FUEL)
    };
    let for_reader =
        r#""secrets":[{"recipient":"contract","input":0},{"recipient":"reader","input":0}]"#;
    let refused = run(for_reader, 0);
    assert!(matches!(
        refused.ending,
        Ending::Fault(ContractFault::BadArgument { call: "start", why }) if why.contains("reader")
    ));
    assert_eq!(refused.effects.started, None);
    let started = run(for_reader, 7).effects.started;
    assert_eq!(started.map(|(_, options)| options.reader.0[19]), Some(7));
    let for_owners = r#""secrets":[{"recipient":"owners","input":0}]"#;
    assert_eq!(run(for_owners, 0).ending, Ending::Ok);
}

#[test]
fn options_of_a_computation_are_read_and_bounded() {
    let options = StartOptions {
        context: alloy_primitives::B256::repeat_byte(1),
        reader: Address::repeat_byte(2),
        delete_after: true,
        selection: Selection::Inputs(vec![3, 9]),
        arguments: b"abc".to_vec(),
    };
    let bytes = options.encode();
    let escaped: String = bytes.iter().map(|b| format!("\\{b:02x}")).collect();
    let start = |len: usize| {
        format!(
            "(data (i32.const 0x1000) \"{escaped}\") (func $body (result i32)
             (drop (call $start (i32.const 0) (i32.const 0x1000) (i32.const {len}))) (i32.const 0))"
        )
    };
    let outcome = run_as(&guest(&start(bytes.len())), Entry::Action, 50_000_000);
    assert_eq!(outcome.effects.started, Some((0, options)));
    let cut = fault(&start(60));
    assert!(matches!(
        cut,
        ContractFault::BadArgument { call: "start", .. }
    ));
    let huge = fault(&start(200_000));
    assert!(matches!(huge, ContractFault::TooLong { .. }));
}

#[test]
fn deletions_are_read_and_bounded() {
    let deletion = Deletion::Inputs(vec![3, 9]);
    let bytes = deletion.encode();
    let escaped: String = bytes.iter().map(|b| format!("\\{b:02x}")).collect();
    let body = |times: usize, len: usize| {
        let call = format!("(call $delete_inputs (i32.const 0x1000) (i32.const {len}))");
        format!(
            "(data (i32.const 0x1000) \"{escaped}\") (func $body (result i32) {} (i32.const 0))",
            call.repeat(times)
        )
    };
    for entry in [Entry::Action, Entry::Attested, Entry::Failed] {
        let outcome = run_as(&guest(&body(2, bytes.len())), entry, FUEL);
        assert_eq!(
            outcome.effects.deletions,
            [deletion.clone(), deletion.clone()]
        );
    }
    let cut = fault(&body(1, bytes.len() - 1));
    assert!(matches!(
        cut,
        ContractFault::BadArgument {
            call: "delete_inputs",
            ..
        }
    ));
    let many = fault(&body(65, bytes.len()));
    assert!(matches!(many, ContractFault::TooLong { .. }));
    let huge = fault(&body(1, 60_000));
    assert!(matches!(huge, ContractFault::TooLong { .. }));
}

#[test]
fn an_input_has_an_id_and_marks() {
    let id = "(if (i64.ne (call $input_id) (i64.const 6)) (then unreachable))";
    let marks =
        "(call $input_group (i64.const -1)) (call $input_tag (i64.const 7)) (call $input_replace)";
    // Marks without the input are nothing.
    assert_eq!(
        fault_as(Entry::Input(0), &format!("{id} {marks} (i32.const 0)")),
        ContractFault::InputNotTaken
    );
    let sealed = wire::sealed::SealedInput {
        key_epoch: 0,
        masked: vec![9],
        commitments: Default::default(),
        seals: [(); 4].map(|()| wire::sealed::Seal {
            encapsulated: Default::default(),
            ciphertext: vec![0; 112],
        }),
    };
    let bytes = sealed.encode();
    let escaped: String = bytes.iter().map(|b| format!("\\{b:02x}")).collect();
    let body = format!(
        "(data (i32.const 0x1000) \"{escaped}\") (func $body (result i32)
         {marks} {id} (call $take_input (i32.const 0) (i32.const 0x1000) (i32.const {}))
         (i32.const 0))",
        bytes.len()
    );
    let outcome = run_as(&guest(&body), Entry::Input(0), FUEL);
    let expected = Marks {
        group: u64::MAX,
        tag: 7,
        replaces: true,
    };
    assert_eq!(outcome.effects.marks, expected);
}

#[test]
fn computations_see_owners_and_tags() {
    let check = "(call $secret_owners (i32.const 0) (i32.const 0x400))
         (if (i64.ne (i64.load (i32.const 0x450)) (i64.const 0x0404040404040404)) (then unreachable))
         (if (i64.ne (i64.load (i32.const 0x464)) (i64.const 0)) (then unreachable))
         (call $secret_tags (i32.const 0) (i32.const 0x500))
         (if (i64.ne (i64.load (i32.const 0x518)) (i64.const 0x0300000000000000)) (then unreachable))
         (call $reveal (call $secret_input (i32.const 0) (i32.const 0) (i32.const 0)))
         (i32.const 0)";
    let outcome = run_as(&guest(check), Entry::Compute, FUEL);
    assert_eq!(outcome.ending, Ending::Ok);
    for call in ["secret_tags", "secret_owners"] {
        let outside = fault_as(
            Entry::Compute,
            &format!("(call ${call} (i32.const 0) (i32.const 65530)) (i32.const 0)"),
        );
        assert_eq!(outside, ContractFault::OutOfBounds { call });
        let other = fault_as(
            Entry::Compute,
            &format!("(call ${call} (i32.const 1) (i32.const 0)) (i32.const 0)"),
        );
        assert!(matches!(other, ContractFault::BadArgument { .. }));
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

#[test]
fn storage_is_gone_through_in_the_order_of_keys() {
    // The storage has "key". Each step compares what is found with what is expected.
    let find = |call: &str, prefix: u32, from: &str, found: &str| {
        let put = |text: &str| {
            let bytes = text.bytes().enumerate();
            bytes
                .map(|(i, b)| format!("(i32.store8 (i32.const {i}) (i32.const {b}))"))
                .collect::<String>()
        };
        let expected = if found.is_empty() {
            "(i32.const -1)".to_owned()
        } else {
            format!("(i32.const {})", found.len())
        };
        let bytes = found.bytes().enumerate().map(|(i, byte)| {
            format!(
                "(if (i32.ne (i32.load8_u (i32.const {})) (i32.const {byte})) (then unreachable))",
                256 + i
            )
        });
        format!(
            "{} (if (i32.ne (call ${call} (i32.const {prefix}) (i32.const 0) (i32.const {}))
                 {expected}) (then unreachable))
             (call $staged_read (i32.const 256)) {}",
            put(from),
            from.len(),
            bytes.collect::<String>()
        )
    };
    let next = |prefix, from: &str, found: &str| find("storage_next", prefix, from, found);
    let before = |prefix, end: &str, found: &str| find("storage_previous", prefix, end, found);
    let key = |text: &str, change: &str| {
        let bytes = text.bytes().enumerate();
        let put: String = bytes
            .map(|(i, b)| format!("(i32.store8 (i32.const {i}) (i32.const {b}))"))
            .collect();
        put + &change.replace("LEN", &text.len().to_string())
    };
    let write = "(call $storage_write (i32.const 0) (i32.const LEN) (i32.const 0) (i32.const 1))";
    let remove = "(call $storage_remove (i32.const 0) (i32.const LEN))";
    let steps = [
        next(0, "", "key"),
        next(3, "key", "key"),
        next(3, "key\0", ""),
        next(1, "l", ""),
        before(1, "kf", "key"),
        before(3, "key\0", "key"),
        before(3, "key", ""),
        before(0, "", ""),
        before(2, "ka", ""),
        key("kex", write),
        key("key1", write),
        key("kf", write),
        next(2, "ke", "kex"),
        next(2, "kex\0", "key"),
        next(3, "key\0", "key1"),
        next(3, "key2", ""),
        next(1, "key2", "kf"),
        before(1, "l", ""),
        before(0, "l", "kf"),
        before(1, "kf", "key1"),
        before(3, "key1", "key"),
        before(2, "key", "kex"),
        before(3, "key", ""),
        key("kex", remove),
        key("key", remove),
        next(0, "", "key1"),
        next(2, "kez", ""),
        before(0, "key1", ""),
        before(1, "kf", "key1"),
        key("key1", remove),
        before(1, "kf", ""),
        before(0, "l", "kf"),
    ];
    let body = format!("{} (i32.const 0)", steps.concat());
    let outcome = run_as(&guest(&body), Entry::Action, FUEL);
    assert_eq!(outcome.ending, Ending::Ok);
    for call in ["storage_next", "storage_previous"] {
        let bad = format!("(drop (call ${call} (i32.const 4) (i32.const 0) (i32.const 3)))");
        let bad = fault(&format!("{bad} (i32.const 0)"));
        assert!(matches!(bad, ContractFault::BadArgument { call: at, .. } if at == call));
        for entry in [Entry::Compute, Entry::Encode] {
            let body = format!("(drop (call ${call} (i32.const 0) (i32.const 0) (i32.const 0)))");
            let fault = fault_as(entry, &format!("{body} (i32.const 0)"));
            assert_eq!(fault, ContractFault::NotHere { call });
        }
    }
}

#[test]
fn passing_over_what_was_removed_costs_fuel() {
    let run = |search: &str, removed: u32| {
        let body = format!(
            "(loop $l
               (i32.store (i32.const 0) (local.get $i))
               (call $storage_write (i32.const 0) (i32.const 4) (i32.const 0) (i32.const 1))
               (call $storage_remove (i32.const 0) (i32.const 4))
               (local.set $i (i32.add (local.get $i) (i32.const 1)))
               (br_if $l (i32.lt_u (local.get $i) (i32.const {removed}))))
             (i32.store8 (i32.const 0) (i32.const 0x6b))
             (drop {search})
             (i32.const 0)"
        );
        run_as(&guest(&body), Entry::Action, FUEL).fuel_used
    };
    for search in [
        "(call $storage_next (i32.const 0) (i32.const 0) (i32.const 0))",
        "(call $storage_previous (i32.const 0) (i32.const 0) (i32.const 1))",
    ] {
        let step = run(search, 2) - run(search, 1);
        assert_eq!(run(search, 100), run(search, 1) + 99 * step);
        assert!(step >= 22_000, "{step}");
    }
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
