//! Memory, stack, pointers and lengths.

use super::*;

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
            "storage_next",
            "(drop (call $storage_next (i32.const 0) (i32.const 65535) (i32.const 2)))",
        ),
        (
            "storage_previous",
            "(drop (call $storage_previous (i32.const 0) (i32.const 65535) (i32.const 2)))",
        ),
        (
            "call",
            "(drop (call $call (i32.const 65520) (i32.const 0) (i32.const 4)))",
        ),
        (
            "call",
            "(drop (call $call (i32.const 0) (i32.const 65533) (i32.const 4)))",
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
            "(drop (call $start (i32.const 0) (i32.const 65505) (i32.const 54)))",
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
        "(drop (call $storage_next (i32.const 0) (i32.const 0) (i32.const 1026)))",
        "(drop (call $storage_previous (i32.const 0) (i32.const 0) (i32.const 1026)))",
        "(drop (call $call (i32.const 0) (i32.const 0) (i32.const 65537)))",
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
