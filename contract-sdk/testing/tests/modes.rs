//! Tests under `#[quartet::test]`, with nodes that fail.

use contract_testing::{Mode, World, mode, user};

#[quartet::contract]
mod sums {
    use quartet::prelude::*;

    #[state]
    pub struct Sums {
        last: u64,
    }

    #[derive(SecretInput)]
    pub struct Number {
        pub value: Secret<u64>,
    }

    #[input]
    fn give(_s: &mut Sums, _number: Sealed<Number>) {}

    #[action]
    fn square(_s: &mut Sums) -> Start<squares> {
        Start::with_context(B256::ZERO)
    }

    #[compute]
    fn squares(numbers: SecretVec<Number>) -> Secret<u64> {
        numbers.value.dot(numbers.value)
    }

    #[attested]
    fn done(s: &mut Sums, sum: u64) {
        s.last = sum;
    }

    #[view]
    fn last(s: &Sums) -> u64 {
        s.last
    }
}

use sums::{Contract, Number, calls};

fn world() -> World<Contract> {
    let Ok(mut world) = World::deploy(1_000, user("d"), &calls::deploy());
    for value in [3, 4] {
        world
            .input(user("ada"), &calls::give(&Number::plain(value)))
            .unwrap();
    }
    world
}

fn squares(world: &mut World<Contract>) -> u64 {
    let started = world.call(user("ben"), &calls::square()).unwrap();
    let result = world.run(started);
    assert_eq!(world.view(&calls::last()), Ok(result));
    result
}

#[quartet::test(clear, mpc)]
fn nobody_fails() {
    let mut world = world();
    assert_eq!(squares(&mut world), 25);
    assert!(world.suspects().is_empty());
}

#[quartet::test(clear, mpc)]
fn a_stopped_node_is_not_missed() {
    for node in 0..4 {
        let mut world = world();
        world.stop_node(node);
        assert_eq!(squares(&mut world), 25);
        assert!(world.suspects().is_empty(), "silence is no lie");
        world.start_node(node);
        world.stop_node((node + 1) % 4);
        assert_eq!(squares(&mut world), 25);
    }
}

#[quartet::test(clear, mpc)]
fn a_liar_is_suspected_and_changes_nothing() {
    for node in 0..4 {
        let mut world = world();
        world.tamper(node);
        assert_eq!(squares(&mut world), 25);
        assert!(world.suspects().contains(&node), "{:?}", world.suspects());
        assert!(world.suspects().len() <= 2, "{:?}", world.suspects());
        world.start_node(node);
        let before = world.suspects();
        assert_eq!(squares(&mut world), 25);
        assert_eq!(world.suspects(), before, "it lies no more");
    }
}

#[quartet::test(clear, mpc)]
#[should_panic(expected = "a cluster bears one")]
fn two_nodes_may_not_fail() {
    let mut world = world();
    world.tamper(1);
    world.stop_node(2);
}

#[quartet::test(mpc, clear)]
fn a_test_may_return_a_result() -> Result<(), String> {
    match mode() {
        Mode::Clear | Mode::Mpc => Ok(()),
        Mode::Nodes => Err("this mode was not asked for".into()),
    }
}

#[test]
fn other_tests_run_on_four_parties() {
    assert_eq!(mode(), Mode::Mpc);
}
