//! Inputs, what is deleted of them, and the computations over them.

use super::*;

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
