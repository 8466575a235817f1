//! The order of things in a test is that of the real one, and what it cannot be is refused.

use contract_testing::{World, user};
use quartet::{Fault, Message};

/// A contract whose functions misbehave on demand, and which has no `#[error]` enum.
#[quartet::contract]
mod rude {
    use quartet::prelude::*;

    #[state]
    pub struct Log {
        seen: Vec<u64>,
        failures: Vec<u64>,
    }

    #[derive(SecretInput)]
    pub struct Number {
        pub value: Secret<u64>,
    }

    #[input]
    fn give(s: &mut Log, ctx: &Ctx, at_most: u64, _number: Sealed<Number>) -> Result<u64> {
        ensure!((s.seen.len() as u64) < at_most, "enough");
        s.seen.push(ctx.block);
        Ok(ctx.time)
    }

    #[action]
    fn sum(_s: &mut Log) -> Start<total> {
        Start::with_context(B256::repeat_byte(1))
    }

    #[action]
    fn store(s: &mut Log, bytes: u32) {
        s.seen = vec![0; bytes as usize / 8];
    }

    #[view]
    fn log(s: &Log) -> (Vec<u64>, Vec<u64>) {
        (s.seen.clone(), s.failures.clone())
    }

    #[view]
    fn emit(_s: &Log) {
        quartet::host::emit(&[], &[]);
    }

    #[view]
    fn peek(_s: &Log) {
        let _ = Secret::<u64>::ONE + Secret::ONE;
    }

    #[compute]
    fn total(numbers: SecretVec<Number>) -> Secret<u64> {
        numbers.value.sum()
    }

    #[attested]
    fn done(_s: &mut Log, index: u64, total: u64) -> Result<()> {
        ensure!(total != 666, "not that");
        ensure!(index < 10, "too often");
        Ok(())
    }

    #[failed]
    fn failed(s: &mut Log, index: u64, fault: Fault) {
        s.failures.push(index * 10 + fault as u64);
    }
}

use rude::{Contract, Number, calls};

fn world() -> World<Contract> {
    let Ok(world) = World::deploy(1_000, user("d"), &calls::deploy());
    world
}

#[test]
fn an_input_runs_as_of_the_block_that_ordered_it() {
    let mut world = world();
    let pending = world
        .order(user("ada"), &calls::give(9, &Number::plain(1)))
        .unwrap();
    let ordered_in = 2;
    world.set_time(5_000);
    world.call(user("ben"), &calls::sum()).unwrap();
    assert_eq!(world.accept(pending), Ok(1_000));
    assert_eq!(world.view(&calls::log()).unwrap().0, [ordered_in]);
}

#[test]
fn what_is_refused_when_it_is_accepted_does_not_count() {
    let mut world = world();
    let call = calls::give(1, &Number::plain(5));
    let first = world.order(user("ada"), &call).unwrap();
    let second = world.order(user("ben"), &call).unwrap();
    assert_eq!(
        world.accept(second),
        Ok(1_000),
        "another sender need not wait"
    );
    assert_eq!(world.accept(first), Err(Message::from("enough")));
    let started = world.call(user("d"), &calls::sum()).unwrap();
    assert_eq!(world.run(started), 5);
}

#[test]
fn inputs_ordered_after_the_start_are_not_read() {
    let mut world = world();
    world
        .input(user("ada"), &calls::give(9, &Number::plain(3)))
        .unwrap();
    let started = world.call(user("d"), &calls::sum()).unwrap();
    world
        .input(user("ben"), &calls::give(9, &Number::plain(4)))
        .unwrap();
    let again = world.call(user("d"), &calls::sum()).unwrap();
    assert_eq!((started.index, again.index), (0, 1));
    assert_eq!(world.program(started).columns()[0].len, 1);
    assert_eq!(world.run(again), 7);
    assert_eq!(world.run(started), 3);
}

#[test]
fn a_computation_is_explained_before_it_runs() {
    let mut world = world();
    for value in [3, 4] {
        let call = calls::give(9, &Number::plain(value));
        world.input(user("ada"), &call).unwrap();
    }
    let started = world.call(user("d"), &calls::sum()).unwrap();
    let explanation = world.explain(started);
    assert_eq!(explanation.plan, world.program(started).plan());
    let texts: Vec<_> = explanation.operations.iter().map(|o| &*o.text).collect();
    assert_eq!(texts, ["input type 0, field 0, element 0", "sum %0"]);
    let text = explanation.to_string();
    assert!(text.contains("%1 = sum %0: u64[1], opened; "), "{text}");
    assert_eq!(world.run(started), 7);
}

#[test]
fn failures_are_told() {
    let mut world = world();
    let _ = world.call(user("d"), &calls::sum()).unwrap();
    let started = world.call(user("d"), &calls::sum()).unwrap();
    world.fail(started, Fault::Output);
    assert_eq!(world.view(&calls::log()).unwrap().1, [12]);
}

#[test]
#[should_panic(expected = "in the order in which they were ordered")]
fn inputs_of_one_sender_are_decided_in_order() {
    let mut world = world();
    let _first = world
        .order(user("ada"), &calls::give(9, &Number::plain(3)))
        .unwrap();
    let second = world
        .order(user("ada"), &calls::give(9, &Number::plain(3)))
        .unwrap();
    let _ = world.accept(second);
}

#[test]
#[should_panic(expected = "accept or reject them")]
fn a_computation_waits_for_undecided_inputs() {
    let mut world = world();
    let _pending = world
        .order(user("ada"), &calls::give(9, &Number::plain(3)))
        .unwrap();
    let started = world.call(user("d"), &calls::sum()).unwrap();
    world.run(started);
}

#[test]
#[should_panic(expected = "the computation has ended")]
fn a_computation_ends_once() {
    let mut world = world();
    let started = world.call(user("d"), &calls::sum()).unwrap();
    world.run(started);
    world.run(started);
}

#[test]
#[should_panic(expected = "refused the end of its own computation")]
fn a_callback_that_refuses_fails_the_test() {
    let mut world = world();
    world
        .input(user("ada"), &calls::give(9, &Number::plain(666)))
        .unwrap();
    let started = world.call(user("d"), &calls::sum()).unwrap();
    world.run(started);
}

#[test]
#[should_panic(expected = "cannot emit events")]
fn a_view_changes_nothing() {
    let _ = world().view(&calls::emit());
}

#[test]
#[should_panic(expected = "only in #[compute] functions")]
fn secrets_belong_to_computations() {
    let _ = world().view(&calls::peek());
}

#[test]
#[should_panic(expected = "bytes of a stored value: 65540")]
fn stored_values_are_bounded() {
    let _ = world().call(user("d"), &calls::store(1 << 16));
}
