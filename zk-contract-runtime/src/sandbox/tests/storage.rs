//! Public state.

use super::*;

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
