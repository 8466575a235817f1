//! Calls of contracts by contracts, with a contract that does what its calldata say.

use wire::{
    guest::{CALL_ABSENT, CALL_FAILED, CALL_REENTERS, CALL_TOO_DEEP},
    limits::CALL_DEPTH,
};

use super::*;
use crate::ContractFault;

/// What the contract does, one after another; what it gives back is what these append.
#[derive(Clone)]
enum Step {
    /// Writes a byte under a key of one byte.
    Write(u8, u8),
    /// Appends the byte under a key, or 255.
    Read(u8),
    /// Emits an event of one byte.
    Emit(u8),
    /// Calls another with these steps, appends the code (little-endian), then what it gave back.
    Call(Address, Vec<Step>),
    /// Appends the sender.
    Sender,
    /// Sets the timer of this selector to 99.
    Timer,
    Revert,
    Trap,
    Loop,
}

fn script(steps: &[Step]) -> Bytes {
    let mut bytes = call("go").to_vec();
    for step in steps {
        match step {
            Step::Write(key, value) => bytes.extend([1, *key, *value]),
            Step::Emit(data) => bytes.extend([2, *data]),
            Step::Call(to, steps) => {
                let data = script(steps);
                bytes.push(3);
                bytes.extend_from_slice(to.as_slice());
                bytes.extend((data.len() as u16).to_be_bytes());
                bytes.extend_from_slice(&data);
            }
            Step::Revert => bytes.push(4),
            Step::Trap => bytes.push(5),
            Step::Timer => bytes.push(6),
            Step::Loop => bytes.push(7),
            Step::Sender => bytes.push(8),
            Step::Read(key) => bytes.extend([9, *key]),
        }
    }
    bytes.into()
}

/// What a call gives back that ended in this code.
fn answer(code: i32, output: &[u8]) -> Vec<u8> {
    [&code.to_le_bytes(), output].concat()
}

/// The same for a call that ended well.
fn good(output: &[u8]) -> Vec<u8> {
    answer(output.len() as i32, output)
}

fn code() -> Bytes {
    let description = r#"{"name":"Script","abi":[{"type":"function","name":"go","inputs":[],"outputs":[],"stateMutability":"nonpayable"}],"inputs":[],"input_functions":[],"computations":[]}"#;
    let escaped: String = description
        .bytes()
        .map(|byte| format!("\\{byte:02x}"))
        .collect();
    let length = description.len();
    let nothing: String = ["init", "compute", "encode", "attested", "failed"]
        .map(|name| format!(r#"(func (export "quartet_{name}") (result i32) (i32.const 0))"#))
        .concat();
    module(&format!(
        r#"(module {IMPORTS}
  (memory (export "memory") 8)
  (data (i32.const 0) "{escaped}")
  (data (i32.const 0x3000) "no!")
  (func (export "quartet_describe") (result i32)
    (call $output (i32.const 0) (i32.const {length})) (i32.const 0))
  {nothing}
  (func (export "quartet_call") (result i32)
    (local $p i32) (local $end i32) (local $op i32) (local $out i32) (local $n i32)
    (call $calldata_read (i32.const 0x10000))
    (local.set $end (i32.add (i32.const 0x10000) (call $calldata_len)))
    (local.set $p (i32.const 0x10004))
    (local.set $out (i32.const 0x40000))
    (block $done (loop $next
      (br_if $done (i32.ge_u (local.get $p) (local.get $end)))
      (local.set $op (i32.load8_u (local.get $p)))
      (local.set $p (i32.add (local.get $p) (i32.const 1)))
      (if (i32.eq (local.get $op) (i32.const 1)) (then
        (call $storage_write (local.get $p) (i32.const 1)
          (i32.add (local.get $p) (i32.const 1)) (i32.const 1))
        (local.set $p (i32.add (local.get $p) (i32.const 2)))))
      (if (i32.eq (local.get $op) (i32.const 2)) (then
        (call $emit (i32.const 0) (i32.const 0) (local.get $p) (i32.const 1))
        (local.set $p (i32.add (local.get $p) (i32.const 1)))))
      (if (i32.eq (local.get $op) (i32.const 3)) (then
        (local.set $n (i32.or
          (i32.shl (i32.load8_u offset=20 (local.get $p)) (i32.const 8))
          (i32.load8_u offset=21 (local.get $p))))
        (i32.store (local.get $out)
          (call $call (local.get $p) (i32.add (local.get $p) (i32.const 22)) (local.get $n)))
        (local.set $p (i32.add (local.get $p) (i32.add (local.get $n) (i32.const 22))))
        (local.set $n (i32.load (local.get $out)))
        (local.set $out (i32.add (local.get $out) (i32.const 4)))
        (if (i32.lt_s (local.get $n) (i32.const 0)) (then
          (local.set $n (i32.sub (i32.const -1) (local.get $n)))))
        (if (i32.lt_u (local.get $n) (i32.const 0x10000)) (then
          (call $staged_read (local.get $out))
          (local.set $out (i32.add (local.get $out) (local.get $n)))))))
      (if (i32.eq (local.get $op) (i32.const 4)) (then
        (call $output (i32.const 0x3000) (i32.const 3))
        (return (i32.const 1))))
      (if (i32.eq (local.get $op) (i32.const 5)) (then unreachable))
      (if (i32.eq (local.get $op) (i32.const 6)) (then
        (call $set_timer (i32.const 5) (i64.const 99))))
      (if (i32.eq (local.get $op) (i32.const 7)) (then (loop $ever (br $ever))))
      (if (i32.eq (local.get $op) (i32.const 8)) (then
        (call $context (i32.const 0x3100))
        (memory.copy (local.get $out) (i32.const 0x3100) (i32.const 20))
        (local.set $out (i32.add (local.get $out) (i32.const 20)))))
      (if (i32.eq (local.get $op) (i32.const 9)) (then
        (i32.store8 (local.get $out) (i32.const 255))
        (if (i32.ge_s (call $storage_read (local.get $p) (i32.const 1)) (i32.const 0)) (then
          (call $staged_read (local.get $out))))
        (local.set $out (i32.add (local.get $out) (i32.const 1)))
        (local.set $p (i32.add (local.get $p) (i32.const 1)))))
      (br $next)))
    (call $output (i32.const 0x40000) (i32.sub (local.get $out) (i32.const 0x40000)))
    (i32.const 0)))"#
    ))
    .into()
}

/// A chain with so many of these contracts.
fn chain<const N: usize>() -> (Chain, [Address; N]) {
    let mut chain = Chain::new(true);
    let contracts = std::array::from_fn(|number| chain.deploy(&code(), &[number as u8]));
    (chain, contracts)
}

/// Runs steps in a contract, in a block of one call.
fn run(chain: &mut Chain, contract: Address, steps: &[Step]) -> Receipt {
    chain.act(&user(1), contract, script(steps)).0
}

fn stored(chain: &Chain, contract: Address, key: u8) -> u8 {
    chain.read(contract, script(&[Step::Read(key)]))[0]
}

#[test]
fn another_contract_is_called_within_the_call() {
    let (mut chain, [a, b]) = chain();
    let inner = vec![
        Step::Sender,
        Step::Write(1, 7),
        Step::Emit(20),
        Step::Read(1),
        Step::Timer,
    ];
    let steps = [
        Step::Write(1, 5),
        Step::Emit(10),
        Step::Call(b, inner),
        Step::Read(1),
        Step::Emit(11),
    ];
    let receipt = run(&mut chain, a, &steps);
    assert!(receipt.status, "{:?}", receipt.revert_reason);
    let seen = [a.as_slice(), &[7]].concat();
    assert_eq!(receipt.output, [good(&seen), vec![5]].concat());
    let logs: Vec<_> = receipt
        .logs
        .iter()
        .map(|log| (log.address, log.data[0]))
        .collect();
    assert_eq!(logs, [(a, 10), (b, 20), (a, 11)]);
    assert_eq!((stored(&chain, a, 1), stored(&chain, b, 1)), (5, 7));
    let timers = |contract| chain.runtime.contract(contract).unwrap().timers.len();
    assert_eq!((timers(a), timers(b)), (0, 1));
    // A trial changes nothing.
    let before = chain.runtime.head().state_root;
    chain.read(a, script(&[Step::Call(b, vec![Step::Write(1, 9)])]));
    assert_eq!(chain.runtime.head().state_root, before);
    assert_eq!(stored(&chain, b, 1), 7);
}

#[test]
fn later_calls_see_what_earlier_ones_did_whoever_makes_them() {
    let (mut chain, [a, b, c]) = chain();
    let write = |value| Step::Call(b, vec![Step::Read(1), Step::Write(1, value)]);
    let steps = [
        write(1),
        Step::Call(c, vec![write(2), Step::Write(1, 9)]),
        write(3),
        Step::Call(
            c,
            vec![
                Step::Read(1),
                Step::Call(b, vec![Step::Read(1), Step::Sender]),
            ],
        ),
    ];
    let receipt = run(&mut chain, a, &steps);
    let last = [&[3], c.as_slice()].concat();
    let expected = [
        good(&[255]),
        good(&good(&[1])),
        good(&[2]),
        good(&[vec![9], good(&last)].concat()),
    ];
    assert_eq!(receipt.output, expected.concat());
    assert_eq!((stored(&chain, b, 1), stored(&chain, c, 1)), (3, 9));
}

#[test]
fn what_a_call_did_that_ended_badly_is_undone() {
    let (mut chain, [a, b, c]) = chain();
    for (end, expected) in [
        (Step::Revert, answer(-4, b"no!")),
        (Step::Trap, answer(CALL_FAILED, &[])),
    ] {
        let bad = vec![
            Step::Write(1, 2),
            Step::Emit(2),
            Step::Timer,
            Step::Call(c, vec![Step::Write(1, 2), Step::Emit(3)]),
            end,
        ];
        let steps = [
            Step::Call(b, vec![Step::Write(1, 1), Step::Emit(1)]),
            Step::Call(b, bad),
            Step::Call(b, vec![Step::Read(1)]),
            Step::Call(c, vec![Step::Read(1)]),
        ];
        let receipt = run(&mut chain, a, &steps);
        assert!(receipt.status, "the caller goes on: {receipt:?}");
        let expected = [good(&[]), expected, good(&[1]), good(&[255])];
        assert_eq!(receipt.output, expected.concat());
        assert_eq!(receipt.logs.len(), 1);
        assert!(chain.runtime.contract(b).unwrap().timers.is_empty());
    }
    // What the outer call undoes, it undoes everywhere.
    let steps = [
        Step::Call(b, vec![Step::Write(1, 3), Step::Emit(1), Step::Timer]),
        Step::Revert,
    ];
    let receipt = run(&mut chain, a, &steps);
    assert!(!receipt.status && receipt.logs.is_empty());
    assert_eq!(stored(&chain, b, 1), 1);
    assert!(chain.runtime.contract(b).unwrap().timers.is_empty());
}

#[test]
fn nobody_is_entered_twice_and_calls_are_not_too_deep() {
    let (mut chain, [a, b, c, d, e, f]) = chain();
    let nobody = Address::repeat_byte(9);
    let receipt = run(
        &mut chain,
        a,
        &[Step::Call(nobody, vec![]), Step::Call(a, vec![])],
    );
    let expected = [answer(CALL_ABSENT, &[]), answer(CALL_REENTERS, &[])];
    assert_eq!(receipt.output, expected.concat());
    let back = Step::Call(
        b,
        vec![Step::Call(
            c,
            vec![Step::Call(a, vec![]), Step::Call(b, vec![])],
        )],
    );
    let receipt = run(&mut chain, a, &[back, Step::Call(b, vec![])]);
    let refused = [answer(CALL_REENTERS, &[]), answer(CALL_REENTERS, &[])].concat();
    assert_eq!(receipt.output, [good(&good(&refused)), good(&[])].concat());

    let deep = [b, c, d, e, f]
        .into_iter()
        .rev()
        .fold(vec![], |inner, contract| vec![Step::Call(contract, inner)]);
    let mut expected = answer(CALL_TOO_DEEP, &[]);
    for _ in 0..CALL_DEPTH {
        expected = good(&expected);
    }
    assert_eq!(run(&mut chain, a, &deep).output, expected);
}

#[test]
fn fuel_is_shared_and_what_runs_out_takes_all_of_it() {
    let (mut chain, [a, b]) = chain();
    let tx = chain.send(
        &user(1),
        Some(a),
        script(&[Step::Call(b, vec![Step::Loop])]),
        GAS,
    );
    let applied = chain.block(vec![], vec![tx]);
    let receipt = &applied.receipts[0];
    assert!(!receipt.status);
    assert_eq!(receipt.gas_used, GAS);
    assert_eq!(
        receipt.revert_reason,
        Some(ContractFault::OutOfFuel.to_string())
    );

    let gas = |chain: &mut Chain, steps: &[Step]| run(chain, a, steps).gas_used;
    let once = gas(&mut chain, &[Step::Call(b, vec![])]);
    let written = gas(&mut chain, &[Step::Call(b, vec![Step::Write(1, 1)])]);
    assert!(
        written > once + 10_000,
        "the inner call's work is paid: {once}, {written}"
    );
    // What calls before have changed is copied for those after it, which is paid too.
    let write = |count: u8| Step::Call(b, (0..count).map(|key| Step::Write(key, 1)).collect());
    let after = |chain: &mut Chain, count| {
        gas(chain, &[write(count), Step::Call(b, vec![])]) - gas(chain, &[write(count)])
    };
    let (few, many) = (after(&mut chain, 1), after(&mut chain, 101));
    assert_eq!(many - few, 100 * (100 + 2));
}

#[test]
fn events_of_all_contracts_are_bounded_together() {
    let (mut chain, [a, b]) = chain();
    let limit = wire::limits::EVENTS_PER_CALL;
    let emit = |count: usize| vec![Step::Emit(1); count];
    let fits = [emit(limit - 10), vec![Step::Call(b, emit(10))]].concat();
    assert_eq!(run(&mut chain, a, &fits).logs.len(), limit);
    let inner = [emit(limit - 10), vec![Step::Call(b, emit(11))]].concat();
    let receipt = run(&mut chain, a, &inner);
    assert_eq!(receipt.output, answer(CALL_FAILED, &[]), "the one too many");
    let after = [vec![Step::Call(b, emit(limit))], emit(1)].concat();
    assert!(!run(&mut chain, a, &after).status);
}

#[test]
fn a_contract_that_is_called_starts_no_computation() {
    let (mut chain, [a]) = chain();
    let poll = chain.deploy(&poll_code(), &closes_argument());
    chain.time_ms = CLOSES * 1_000;
    let mut data = call("go").to_vec();
    for inner in [call("close"), call("bump")] {
        data.push(3);
        data.extend_from_slice(poll.as_slice());
        data.extend((inner.len() as u16).to_be_bytes());
        data.extend_from_slice(&inner);
    }
    let (receipt, _) = chain.act(&user(1), a, data.into());
    assert!(receipt.status, "{receipt:?}");
    assert_eq!(receipt.output[..4], CALL_FAILED.to_le_bytes());
    assert_eq!(receipt.output.last(), Some(&1), "the counter");
    assert!(chain.runtime.unfinished_computations().is_empty());
}
