//! Timers of contracts.

use wire::attestation::computation_id;

use super::*;

/// A second of the tests' chain.
const NOW: u64 = GENESIS_MS / 1_000;

fn counter(chain: &Chain, poll: Address) -> u64 {
    // `bump` in a trial says what the counter would be then.
    let output = chain.read(poll, call("bump"));
    u64::from(*output.last().unwrap()) - 1
}

fn timers(chain: &Chain, poll: Address) -> Vec<(Bytes, u64)> {
    let timers = chain.runtime.contract(poll).unwrap().timers.into_iter();
    timers
        .map(|timer| (timer.selector.to_vec().into(), timer.time))
        .collect()
}

/// A block at this second.
fn block_at(chain: &mut Chain, second: u64, txs: Vec<Bytes>) -> Applied {
    let mut block = chain.next(vec![], txs);
    block.header.time_ms = second * 1_000;
    chain.accept(&block).unwrap()
}

#[test]
fn a_poll_closes_by_itself_and_is_counted() {
    let mut chain = Chain::new(true);
    let poll = chain.deploy(&poll_code(), &closes_by_itself_at(CLOSES));
    assert_eq!(timers(&chain, poll), [(call("close"), CLOSES)]);
    chain.vote(&user(1), poll, 2);
    assert_eq!(chain.runtime.next_due_ms(), Some(CLOSES * 1_000));
    block_at(&mut chain, CLOSES - 1, vec![]);
    assert!(chain.runtime.unfinished_computations().is_empty());

    block_at(&mut chain, CLOSES, vec![]);
    let computation = computation_id(poll, 0);
    assert_eq!(chain.runtime.unfinished_computations(), [computation]);
    assert_eq!(timers(&chain, poll), []);
    chain.complete(computation, &[0, 0, 1]);
    assert_eq!(chain.runtime.opened(computation), Some(&opened(&[0, 0, 1])));
    // It does so once.
    chain.pass(3_600_000);
    assert!(chain.runtime.computation(computation_id(poll, 1)).is_none());
}

#[test]
fn what_is_due_comes_before_the_users_and_when_its_time_has_come() {
    let (mut chain, poll) = Chain::with_poll();
    let (set, _) = chain.act(&user(1), poll, wake("bump", NOW + 20));
    assert!(set.status);
    // Setting it again moves it.
    chain.act(&user(1), poll, wake("bump", NOW + 10));
    assert_eq!(timers(&chain, poll), [(call("bump"), NOW + 10)]);
    block_at(&mut chain, NOW + 9, vec![]);
    assert_eq!(counter(&chain, poll), 0);
    let bump = chain.call(&user(1), poll, call("bump"));
    let applied = block_at(&mut chain, NOW + 12, vec![bump]);
    assert_eq!(
        applied.receipts[0].output.last(),
        Some(&2),
        "after the timer"
    );
    assert_eq!(applied.system_logs.len(), 1, "its event");
    assert_eq!(applied.system_logs[0].log.address, poll);
    assert_eq!(chain.runtime.next_due_ms(), None);
    block_at(&mut chain, NOW + 30, vec![]);
    assert_eq!(counter(&chain, poll), 2, "once");

    // Zero clears it; the past is the next block, not this one.
    chain.act(&user(1), poll, wake("bump", NOW + 40));
    chain.act(&user(1), poll, wake("bump", 0));
    assert_eq!(timers(&chain, poll), []);
    chain.act(&user(1), poll, wake("bump", 1));
    assert_eq!(counter(&chain, poll), 2);
    assert_eq!(chain.runtime.next_due_ms(), Some(1_000));
    chain.pass(0);
    assert_eq!(counter(&chain, poll), 3);
}

#[test]
fn moved_time_lets_timers_go_off() {
    let mut chain = Chain::new(true);
    chain.deploy(&poll_code(), &closes_by_itself_at(NOW + 1_000_000));
    let request = B256::repeat_byte(1);
    let by_ms = 1_000_000_000;
    chain.say(vec![(0, NodeMessage::AdvanceTime { request, by_ms })]);
    let due_ms = chain.runtime.next_due_ms().unwrap();
    let clock_ms = chain.time_ms;
    assert!(due_ms <= chain.runtime.next_time_ms(clock_ms));
    block_at(&mut chain, due_ms / 1_000, vec![]);
    assert_eq!(chain.runtime.unfinished_computations().len(), 1);
}

#[test]
fn a_call_that_ends_badly_changes_nothing_and_is_told() {
    let (mut chain, poll) = Chain::with_poll();
    for (name, reason) in [
        ("close", "PollStillOpen"),
        ("nothing", "no function"),
        ("result", "refused"),
    ] {
        chain.act(&user(1), poll, wake(name, NOW));
        let root = |chain: &Chain| chain.runtime.head().state_root;
        let before = root(&chain);
        chain.pass(0);
        let info = chain.runtime.contract(poll).unwrap();
        let failure = info.timer_failure.unwrap();
        assert_eq!(failure.selector, call(name)[..]);
        assert_eq!(failure.block, chain.runtime.head().number);
        assert!(failure.reason.contains(reason), "{}", failure.reason);
        assert!(info.timers.is_empty());
        assert_ne!(root(&chain), before, "the root tells");
        assert!(chain.runtime.unfinished_computations().is_empty());
    }
}

#[test]
fn the_contract_is_the_sender_and_takes_no_input() {
    let (mut chain, poll) = Chain::with_poll();
    let cast = |chain: &mut Chain| {
        let selector = B256::right_padding_from(&cast_calldata(&[])[..4]);
        let time = B256::from(U256::from(NOW));
        let data = selector_with("wake(bytes4,uint64)", &[selector, time]);
        chain.act(&user(1), poll, data);
        chain.pass(0);
    };
    cast(&mut chain);
    let info = chain.runtime.contract(poll).unwrap();
    assert!(info.timer_failure.unwrap().reason.contains("take_input"));
    assert!(!chain.has_voted(poll, poll));
}

#[test]
fn a_computation_too_many_is_put_off() {
    let mut chain = Chain::new(true);
    let poll = chain.deploy(&poll_code(), &closes_by_itself_at(CLOSES));
    // Users start as many as may be under way.
    let other = chain.deploy(&poll_code(), &closes_at(NOW));
    let limit = wire::limits::RUNNING_COMPUTATIONS;
    let closes = (0..limit).map(|_| chain.call(&user(2), other, call("close")));
    let closes = closes.collect();
    let applied = chain.block(vec![], closes);
    assert!(applied.receipts.iter().all(|receipt| receipt.status));
    assert_eq!(chain.runtime.unfinished_computations().len(), limit);

    block_at(&mut chain, CLOSES + 5, vec![]);
    let later = CLOSES + 5 + wire::limits::TIMER_PAUSE_S;
    assert_eq!(timers(&chain, poll), [(call("close"), later)]);
    assert!(
        chain
            .runtime
            .contract(poll)
            .unwrap()
            .timer_failure
            .is_none()
    );
    assert!(chain.runtime.computation(computation_id(poll, 0)).is_none());
}

#[test]
fn blocks_with_timers_are_replayed_to_the_same_roots() {
    let mut chain = Chain::new(true);
    let poll = chain.deploy(&poll_code(), &closes_by_itself_at(CLOSES));
    chain.act(&user(1), poll, wake("bump", NOW + 7));
    for second in [NOW + 7, CLOSES, CLOSES + 1] {
        block_at(&mut chain, second, vec![]);
    }
    let mut again = Runtime::new(chain.runtime.committee().clone());
    for bytes in &chain.log {
        let checked = again.check(bytes, &mut |_| None).unwrap();
        again.apply(checked).unwrap();
    }
    assert_eq!(again.head(), chain.runtime.head());
    assert_eq!(again.contract(poll), chain.runtime.contract(poll));
}

#[test]
fn every_contracts_timers_go_off_in_the_order_of_their_times() {
    let (mut chain, poll) = Chain::with_poll();
    let other = chain.deploy(&poll_code(), &closes_at(5));
    chain.act(&user(1), poll, wake("bump", NOW + 20));
    chain.act(&user(1), other, wake("bump", NOW + 19));
    let applied = block_at(&mut chain, NOW + 30, vec![]);
    let by: Vec<_> = applied.system_logs.iter().map(|s| s.log.address).collect();
    assert_eq!(by, [other, poll]);
    let ids: Vec<_> = applied.system_logs.iter().map(|s| s.tx_hash).collect();
    assert_ne!(ids[0], ids[1]);
}
