//! Fuel: it runs out, it counts on faults, and a unit of it is about the same time whatever it buys.

use super::*;

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
        "(drop (call $storage_next (i32.const 0) (i32.const 0) (i32.const 32)))",
        "(drop (call $storage_previous (i32.const 0) (i32.const 0) (i32.const 32)))",
        "(drop (call $call (i32.const 0) (i32.const 0) (i32.const 4)))",
        "(call $set_timer (i32.const 5) (i64.const 5))",
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
