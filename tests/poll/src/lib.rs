//! A small confidential poll, by hand in WebAssembly's text format: what the tests of the runtime
//! and the simulator run.
//!
//! Anybody casts a ballot, a choice of one byte, and only until the poll closes; the tally says how
//! many chose 0, 1 and 2. `bump()` adds one to a public counter. `wake(bytes4,uint64)` sets a timer.
//! A second argument of the constructor that is not empty lets the poll close by itself.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use wire::{
    guest::{Deletion, StartOptions},
    kind::{Field, InputType, Kind},
    sealed::Binding,
};

/// Chain id of the tests' clusters.
pub const CHAIN_ID: u64 = 77;
/// Time of their genesis, in milliseconds.
pub const GENESIS_MS: u64 = 1_700_000_000_000;
/// When the poll closes, in seconds.
pub const CLOSES: u64 = GENESIS_MS / 1_000 + 60;
/// The context with which the poll starts its tally.
pub const CONTEXT: B256 = B256::repeat_byte(0xc7);

/// The poll's code.
pub fn poll_code() -> Bytes {
    module(&poll_source()).into()
}

/// Translates text into a module.
pub fn module(source: &str) -> Vec<u8> {
    wat::parse_str(source).unwrap()
}

/// ABI-encoded argument of the poll's constructor.
pub fn closes_argument() -> Vec<u8> {
    closes_at(CLOSES)
}

/// The same for a poll that closes at another time, in seconds.
pub fn closes_at(seconds: u64) -> Vec<u8> {
    U256::from(seconds).to_be_bytes::<32>().to_vec()
}

/// The same for a poll that closes by itself.
pub fn closes_by_itself_at(seconds: u64) -> Vec<u8> {
    [closes_at(seconds), vec![1; 32]].concat()
}

/// Calldata that sets a timer of a poll: the function of this name is called at that time, in
/// seconds.
pub fn wake(name: &str, seconds: u64) -> Bytes {
    let selector = B256::right_padding_from(&call(name));
    let time = B256::from(U256::from(seconds));
    selector_with("wake(bytes4,uint64)", &[selector, time])
}

/// The type of its only input.
pub fn ballot_type() -> InputType {
    InputType {
        name: "Ballot".into(),
        fields: vec![Field {
            name: "choice".into(),
            kind: Kind::U8,
            len: 1,
        }],
    }
}

/// What a ballot is sealed for.
pub fn binding(poll: Address, code_hash: B256, sender: Address, nonce: u64) -> Binding {
    Binding {
        chain_id: CHAIN_ID,
        key_epoch: 0,
        epoch: 3,
        contract: poll,
        code_hash,
        sender,
        nonce,
        input: 0,
        length: 1,
    }
}

/// A function's selector and words.
pub fn selector_with(signature: &str, words: &[B256]) -> Bytes {
    let mut data = keccak256(signature)[..4].to_vec();
    words
        .iter()
        .for_each(|word| data.extend_from_slice(word.as_slice()));
    data.into()
}

/// Calldata of `cast(bytes)`.
pub fn cast_calldata(sealed: &[u8]) -> Bytes {
    let word = |n: usize| B256::from(U256::from(n));
    let mut data = selector_with("cast(bytes)", &[word(32), word(sealed.len())]).to_vec();
    data.extend_from_slice(sealed);
    data.resize(data.len().next_multiple_of(32) + 4, 0);
    data.into()
}

/// Calldata of a function without arguments.
pub fn call(name: &str) -> Bytes {
    selector_with(&format!("{name}()"), &[])
}

/// The poll's description.
pub fn description() -> String {
    let selector = alloy_primitives::hex::encode_prefixed(&keccak256("cast(bytes)")[..4]);
    let function = |name: &str, inputs: &str, outputs: &str| {
        format!(
            r#"{{"type":"function","name":"{name}","inputs":[{inputs}],"outputs":[{outputs}],"stateMutability":"nonpayable"}}"#
        )
    };
    let sealed = r#"{"name":"sealed","type":"bytes"}"#;
    let abi = [
        function("cast", sealed, ""),
        function("close", "", ""),
        function(
            "voted",
            r#"{"name":"who","type":"address"}"#,
            r#"{"name":"","type":"bool"}"#,
        ),
        function("bump", "", r#"{"name":"","type":"uint256"}"#),
        function(
            "wake",
            r#"{"name":"selector","type":"bytes4"},{"name":"time","type":"uint64"}"#,
            "",
        ),
        r#"{"type":"error","name":"AlreadyVoted","inputs":[]}"#.to_owned(),
        r#"{"type":"error","name":"PollClosed","inputs":[]}"#.to_owned(),
        r#"{"type":"error","name":"PollStillOpen","inputs":[{"name":"closes","type":"uint64"}]}"#
            .to_owned(),
    ];
    let (abi, ballot) = (
        abi.join(","),
        serde_json::to_string(&ballot_type()).unwrap(),
    );
    format!(
        r#"{{"name":"Poll","abi":[{abi}],"inputs":[{ballot}],"input_functions":[{{"name":"cast","selector":"{selector}","input":0}}],"computations":[{{"name":"tally","inputs":[0],"output":"(uint64[3])"}}]}}"#
    )
}

/// Text as a WAT string of escaped bytes.
fn escaped(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("\\{byte:02x}")).collect()
}

/// The first four bytes of a signature's hash, as the guest loads them.
fn loaded(signature: &str) -> u32 {
    u32::from_le_bytes(keccak256(signature)[..4].try_into().unwrap())
}

/// The imports that the tests' modules use.
pub const IMPORTS: &str = r#"
  (import "quartet" "calldata_len" (func $calldata_len (result i32)))
  (import "quartet" "calldata_read" (func $calldata_read (param i32)))
  (import "quartet" "output" (func $output (param i32 i32)))
  (import "quartet" "context" (func $context (param i32)))
  (import "quartet" "storage_read" (func $storage_read (param i32 i32) (result i32)))
  (import "quartet" "staged_read" (func $staged_read (param i32)))
  (import "quartet" "storage_write" (func $storage_write (param i32 i32 i32 i32)))
  (import "quartet" "storage_remove" (func $storage_remove (param i32 i32)))
  (import "quartet" "storage_next" (func $storage_next (param i32 i32 i32) (result i32)))
  (import "quartet" "storage_previous" (func $storage_previous (param i32 i32 i32) (result i32)))
  (import "quartet" "set_timer" (func $set_timer (param i32 i64)))
  (import "quartet" "call" (func $call (param i32 i32 i32) (result i32)))
  (import "quartet" "emit" (func $emit (param i32 i32 i32 i32)))
  (import "quartet" "keccak256" (func $keccak256 (param i32 i32 i32)))
  (import "quartet" "take_input" (func $take_input (param i32 i32 i32)))
  (import "quartet" "input_id" (func $input_id (result i64)))
  (import "quartet" "input_group" (func $input_group (param i64)))
  (import "quartet" "input_tag" (func $input_tag (param i64)))
  (import "quartet" "input_replace" (func $input_replace))
  (import "quartet" "start" (func $start (param i32 i32 i32) (result i64)))
  (import "quartet" "delete_inputs" (func $delete_inputs (param i32 i32)))
  (import "quartet" "secret_input" (func $secret_input (param i32 i32 i32) (result i32)))
  (import "quartet" "secret_count" (func $secret_count (param i32) (result i32)))
  (import "quartet" "secret_tags" (func $secret_tags (param i32 i32)))
  (import "quartet" "secret_owners" (func $secret_owners (param i32 i32)))
  (import "quartet" "secret_constant" (func $secret_constant (param i32 i64 i64 i32) (result i32)))
  (import "quartet" "secret_public" (func $secret_public (param i32 i32 i32) (result i32)))
  (import "quartet" "secret_op" (func $secret_op (param i32 i32 i32 i32 i64) (result i32)))
  (import "quartet" "secret_len" (func $secret_len (param i32) (result i32)))
  (import "quartet" "reveal" (func $reveal (param i32)))
  (import "quartet" "keep" (func $keep (param i32 i32 i32 i32 i32)))"#;

/// The poll's code with another program in place of the comparison with a choice.
pub fn poll_that_computes(body: &str) -> Bytes {
    let comparison = r#"(call $secret_op (i32.const 12)
            (local.get $column)
            (call $secret_constant (i32.const 1) (i64.extend_i32_u (local.get $i)) (i64.const 0) (i32.const 1))
            (i32.const -1) (i64.const 0))"#;
    let source = poll_source();
    assert!(source.contains(comparison));
    module(&source.replace(comparison, body)).into()
}

/// The poll with another program that says the same: it shuffles the ballots before it counts them,
/// so it needs a seed of the reserve.
pub fn shuffling_poll_code() -> Bytes {
    poll_that_computes(
        r#"(call $secret_op (i32.const 12)
            (call $secret_op (i32.const 51)
              (local.get $column) (i32.const -1) (i32.const -1) (i64.const 0))
            (call $secret_constant (i32.const 1) (i64.extend_i32_u (local.get $i)) (i64.const 0) (i32.const 1))
            (i32.const -1) (i64.const 0))"#,
    )
}

/// The poll with nothing refused: one may vote again, at any time, and close it at any time.
/// Calldata of `cast` ends in what is said about the ballot, and that of `close` is the options with
/// which the tally starts; see [`marked`] and [`closing`]. The tally needs so many ballots. Calldata of
/// `bump` may end in ballots that are deleted; see [`deleting`].
pub fn selecting_poll_code(least: u32) -> Bytes {
    let output = r#""output":"(uint64[3])""#;
    let guarded = format!(r#""min_inputs":{least},{output}"#);
    let mut source = poll_source_of(&description().replace(output, &guarded));
    for (from, to) in [
        (
            "(func $bump (result i32)",
            r"(func $bump (result i32)
    (if (i32.gt_u (call $calldata_len) (i32.const 4))
      (then (call $delete_inputs (i32.const 0x10004) (i32.sub (call $calldata_len) (i32.const 4)))))",
        ),
        (
            "(if (i64.ge_u (call $now) (call $closes))",
            "(if (i32.const 0)",
        ),
        (
            "(if (i64.lt_u (call $now) (call $closes))",
            "(if (i32.const 0)",
        ),
        (
            "(return (call $revert (i32.const {already}))",
            "(drop (i32.const 0)",
        ),
        (
            "(call $take_input ",
            r#"(call $be64 (i32.add (call $calldata_len) (i32.const 0xffef)))
    (call $input_group)
    (call $be64 (i32.add (call $calldata_len) (i32.const 0xfff7)))
    (call $input_tag)
    (if (i32.load8_u (i32.add (call $calldata_len) (i32.const 0xffff)))
      (then (call $input_replace)))
    (call $take_input "#,
        ),
        (
            "(call $start (i32.const 0) (i32.const 0x3100)",
            "(call $start (i32.const 0) (i32.const 0x10004)",
        ),
    ] {
        let from = match from.split_once("{already}") {
            Some((before, after)) => {
                format!("{before}{}{after}", loaded("AlreadyVoted()"))
            }
            None => from.to_owned(),
        };
        assert!(source.contains(&from), "{from}");
        source = source.replace(&from, to);
    }
    let length = StartOptions::default().encode().len();
    let length = format!("(i32.const 0x10004) (i32.const {length})");
    assert!(source.contains(&length));
    let length_of_call = "(i32.const 0x10004) (i32.sub (call $calldata_len) (i32.const 4))";
    module(&source.replace(&length, length_of_call)).into()
}

/// A ballot's calldata with what is said about it.
pub fn marked(ballot: &Bytes, group: u64, tag: u64, replaces: bool) -> Bytes {
    let (group, tag) = (group.to_be_bytes(), tag.to_be_bytes());
    let marks = [&group[..], &tag, &[u8::from(replaces)]];
    [ballot, &marks.concat()[..]].concat().into()
}

/// Calldata that deletes ballots.
pub fn deleting(deletion: &Deletion) -> Bytes {
    [&call("bump")[..], &deletion.encode()].concat().into()
}

/// Calldata that closes a poll and starts its tally in a way.
pub fn closing(options: &StartOptions) -> Bytes {
    [&call("close")[..], &options.encode()].concat().into()
}

/// The poll with a tally that gives each voter the choice that they made, as a secret ballot of theirs:
/// later tallies count those, too.
pub fn keeping_poll_code() -> Bytes {
    let first = "(loop $choices";
    let keep =
        "(call $keep (i32.const 0) (i32.const 0) (i32.const 0) (local.get $column) (i32.const 0))";
    let output = r#""output":"(uint64[3])""#;
    let secrets = r#""secrets":[{"recipient":"owners","input":0}]"#;
    let described = description().replace(output, &format!("{output},{secrets}"));
    let source = poll_source_of(&described);
    assert!(source.contains(first));
    module(&source.replace(first, &format!("{keep} {first}"))).into()
}

/// Memory: 0 description, 0x3000 constants, 0x4000 context, 0x5000 scratch, 0x10000 calldata.
fn poll_source() -> String {
    poll_source_of(&description())
}

/// The same with another description.
fn poll_source_of(description: &str) -> String {
    let length = description.len();
    assert!(length < 0x3000);
    let [cast, close, voted, bump, result, wake] = [
        "cast(bytes)",
        "close()",
        "voted(address)",
        "bump()",
        "result()",
        "wake(bytes4,uint64)",
    ]
    .map(loaded);
    let close_by_itself = close.swap_bytes();
    let [already, closed, open] =
        ["AlreadyVoted()", "PollClosed()", "PollStillOpen(uint64)"].map(loaded);
    let description = escaped(description.as_bytes());
    let context = escaped(CONTEXT.as_slice());
    let options = StartOptions {
        context: CONTEXT,
        ..StartOptions::default()
    };
    let options = options.encode();
    let (options, options_length) = (escaped(&options), options.len());
    format!(
        r#"(module {IMPORTS}
  (memory (export "memory") 2)
  (data (i32.const 0) "{description}")
  (data (i32.const 0x3000) "closes")
  (data (i32.const 0x3010) "counter")
  (data (i32.const 0x3020) "result")
  (data (i32.const 0x3030) "failed")
  (data (i32.const 0x3040) "{context}")
  (data (i32.const 0x3080) "v")
  (data (i32.const 0x3100) "{options}")

  (func $be32 (param $p i32) (result i32)
    (i32.or
      (i32.or (i32.shl (i32.load8_u (local.get $p)) (i32.const 24))
              (i32.shl (i32.load8_u offset=1 (local.get $p)) (i32.const 16)))
      (i32.or (i32.shl (i32.load8_u offset=2 (local.get $p)) (i32.const 8))
              (i32.load8_u offset=3 (local.get $p)))))
  (func $be64 (param $p i32) (result i64)
    (i64.or (i64.shl (i64.extend_i32_u (call $be32 (local.get $p))) (i64.const 32))
            (i64.extend_i32_u (call $be32 (i32.add (local.get $p) (i32.const 4))))))
  (func $closes (result i64)
    (drop (call $storage_read (i32.const 0x3000) (i32.const 6)))
    (call $staged_read (i32.const 0x5000))
    (call $be64 (i32.const 0x5018)))
  (func $now (result i64)
    (call $context (i32.const 0x4000))
    (call $be64 (i32.const 0x4038)))
  (func $revert (param $selector i32) (result i32)
    (i32.store (i32.const 0x5100) (local.get $selector))
    (call $output (i32.const 0x5100) (i32.const 4))
    (i32.const 1))
  (func $key (param $who i32)
    (memory.copy (i32.const 0x3081) (local.get $who) (i32.const 20)))

  (func (export "quartet_describe") (result i32)
    (call $output (i32.const 0) (i32.const {length}))
    (i32.const 0))
  (func (export "quartet_init") (result i32)
    (if (i32.and (i32.ne (call $calldata_len) (i32.const 32)) (i32.ne (call $calldata_len) (i32.const 64)))
      (then (return (i32.const 2))))
    (call $calldata_read (i32.const 0x10000))
    (call $storage_write (i32.const 0x3000) (i32.const 6) (i32.const 0x10000) (i32.const 32))
    (if (i32.eq (call $calldata_len) (i32.const 64))
      (then (call $set_timer (i32.const {close_by_itself}) (call $be64 (i32.const 0x10018)))))
    (i32.const 0))

  (func $cast (result i32)
    (if (i64.ge_u (call $now) (call $closes)) (then (return (call $revert (i32.const {closed})))))
    (call $key (i32.const 0x4000))
    (if (i32.ge_s (call $storage_read (i32.const 0x3080) (i32.const 21)) (i32.const 0))
      (then (return (call $revert (i32.const {already})))))
    (call $take_input (i32.const 0) (i32.const 0x10044) (call $be32 (i32.const 0x10040)))
    (call $storage_write (i32.const 0x3080) (i32.const 21) (i32.const 0x3080) (i32.const 1))
    (call $emit (i32.const 0x3040) (i32.const 1) (i32.const 0x4000) (i32.const 20))
    (i32.const 0))
  (func $close (result i32)
    (if (i64.lt_u (call $now) (call $closes))
      (then
        (drop (call $closes))
        (i32.store (i32.const 0x4ffc) (i32.const {open}))
        (call $output (i32.const 0x4ffc) (i32.const 36))
        (return (i32.const 1))))
    (i64.store (i32.const 0x5000) (call $start (i32.const 0) (i32.const 0x3100) (i32.const {options_length})))
    (i32.const 0))
  (func $voted (result i32)
    (call $key (i32.const 0x10010))
    (i32.store8 (i32.const 0x501f)
      (i32.ge_s (call $storage_read (i32.const 0x3080) (i32.const 21)) (i32.const 0)))
    (call $output (i32.const 0x5000) (i32.const 32))
    (i32.const 0))
  (func $bump (result i32)
    (if (i32.ge_s (call $storage_read (i32.const 0x3010) (i32.const 7)) (i32.const 0))
      (then (call $staged_read (i32.const 0x501c))))
    (i32.store8 (i32.const 0x501f)
      (i32.add (i32.load8_u (i32.const 0x501f)) (i32.const 1)))
    (call $storage_write (i32.const 0x3010) (i32.const 7) (i32.const 0x501c) (i32.const 4))
    (call $emit (i32.const 0x3040) (i32.const 1) (i32.const 0x501c) (i32.const 4))
    (call $output (i32.const 0x5000) (i32.const 32))
    (i32.const 0))
  (func $wake (result i32)
    (call $set_timer (call $be32 (i32.const 0x10004)) (call $be64 (i32.const 0x1003c)))
    (i32.const 0))
  (func $result (result i32) (local $n i32)
    (local.set $n (call $storage_read (i32.const 0x3020) (i32.const 6)))
    (if (i32.lt_s (local.get $n) (i32.const 0)) (then (return (i32.const 1))))
    (call $staged_read (i32.const 0x5000))
    (call $output (i32.const 0x5000) (local.get $n))
    (i32.const 0))
  (func (export "quartet_call") (result i32) (local $s i32)
    (if (i32.or (i32.lt_u (call $calldata_len) (i32.const 4))
                (i32.gt_u (call $calldata_len) (i32.const 0x8000)))
      (then (return (i32.const 2))))
    (call $calldata_read (i32.const 0x10000))
    (local.set $s (i32.load (i32.const 0x10000)))
    (if (i32.eq (local.get $s) (i32.const {cast})) (then (return (call $cast))))
    (if (i32.eq (local.get $s) (i32.const {close})) (then (return (call $close))))
    (if (i32.eq (local.get $s) (i32.const {voted})) (then (return (call $voted))))
    (if (i32.eq (local.get $s) (i32.const {bump})) (then (return (call $bump))))
    (if (i32.eq (local.get $s) (i32.const {result})) (then (return (call $result))))
    (if (i32.eq (local.get $s) (i32.const {wake})) (then (return (call $wake))))
    (i32.const 2))

  (func (export "quartet_compute") (result i32) (local $column i32) (local $i i32) (local $j i32) (local $n i32)
    (local.set $column (call $secret_input (i32.const 0) (i32.const 0) (i32.const 0)))
    (loop $choices
      (call $reveal
        (call $secret_op (i32.const 7)
          (call $secret_op (i32.const 12)
            (local.get $column)
            (call $secret_constant (i32.const 1) (i64.extend_i32_u (local.get $i)) (i64.const 0) (i32.const 1))
            (i32.const -1) (i64.const 0))
          (i32.const -1) (i32.const -1) (i64.const 0)))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $choices (i32.lt_u (local.get $i) (i32.const 3))))
    (i32.const 0))
  (func (export "quartet_encode") (result i32) (local $i i32) (local $j i32)
    (if (i32.ne (call $calldata_len) (i32.const 28)) (then (return (i32.const 2))))
    (call $calldata_read (i32.const 0x10000))
    (loop $values
      (local.set $j (i32.const 0))
      (loop $bytes
        (i32.store8
          (i32.sub
            (i32.add (i32.const 0x501f) (i32.mul (local.get $i) (i32.const 32)))
            (local.get $j))
          (i32.load8_u
            (i32.add (i32.const 0x10004)
              (i32.add (i32.mul (local.get $i) (i32.const 8)) (local.get $j)))))
        (local.set $j (i32.add (local.get $j) (i32.const 1)))
        (br_if $bytes (i32.lt_u (local.get $j) (i32.const 8))))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $values (i32.lt_u (local.get $i) (i32.const 3))))
    (call $output (i32.const 0x5000) (i32.const 96))
    (i32.const 0))
  (func (export "quartet_attested") (result i32)
    (if (i32.ne (call $calldata_len) (i32.const 108)) (then (return (i32.const 2))))
    (call $calldata_read (i32.const 0x10000))
    (call $storage_write (i32.const 0x3020) (i32.const 6) (i32.const 0x1000c) (i32.const 96))
    (call $emit (i32.const 0x3040) (i32.const 1) (i32.const 0x1000c) (i32.const 96))
    (i32.const 0))
  (func (export "quartet_failed") (result i32)
    (if (i32.ne (call $calldata_len) (i32.const 16)) (then (return (i32.const 2))))
    (call $calldata_read (i32.const 0x10000))
    (call $storage_write (i32.const 0x3020) (i32.const 6) (i32.const 0x10000) (i32.const 16))
    (i32.const 0))
)"#
    )
}
