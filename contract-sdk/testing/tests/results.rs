//! Results that stay secret: kept for a later computation, for each owner of an input, and for one
//! reader.

use contract_testing::{World, user};
use quartet::{Plain, secret::SecretField};

/// A bank that adds what people pay in to balances that nobody sees.
#[quartet::contract]
mod bank {
    use quartet::prelude::*;

    #[state]
    pub struct Bank {
        rounds: u64,
    }

    #[derive(SecretInput)]
    pub struct Payment {
        pub amount: Secret<u32>,
        pub kind: Kind,
    }

    #[derive(SecretInput)]
    pub struct Kind {
        pub urgent: Secret<bool>,
        pub codes: [Secret<u8>; 2],
    }

    /// What the bank has, and never shows.
    #[derive(SecretInput)]
    pub struct Balance {
        pub total: Secret<u64>,
    }

    /// What each learns.
    #[derive(SecretInput)]
    pub struct Receipt {
        pub amount: Secret<i64>,
        pub kinds: [Kind; 2],
        pub large: Secret<bool>,
    }

    #[input]
    fn pay(_s: &mut Bank, _payment: Sealed<Payment>) {}

    #[action]
    fn settle(_s: &mut Bank) -> Start<round> {
        Start::with_context(B256::ZERO)
    }

    #[action]
    fn show(_s: &mut Bank) -> Start<sum> {
        Start::with_context(B256::ZERO)
    }

    #[action]
    fn log(_s: &mut Bank, empty: bool) -> Start<log_round> {
        let _ = empty;
        Start::with_context(B256::ZERO)
    }

    #[compute]
    fn round(
        payments: SecretVec<Payment>,
        balances: SecretVec<Balance>,
    ) -> (Kept<Balance>, Secret<u64>, ToOwners<Receipt>) {
        let amounts = payments.amount.cast::<u64>();
        let total = amounts.sum() + balances.total.sum();
        let receipts = ReceiptColumns {
            amount: SecretVec::<i64>::repeat(-1, payments.len()) * amounts.cast::<i64>(),
            kinds: [payments.kind, payments.kind],
            large: payments.amount.gt(10),
        };
        (
            Kept::new(Balance { total }),
            balances.total.sum(),
            ToOwners::new(&payments, receipts),
        )
    }

    #[compute]
    fn sum(balances: SecretVec<Balance>) -> Secret<u64> {
        balances.total.sum() * 1000 + Secret::public(balances.len() as u64)
    }

    /// Opens nothing.
    #[compute]
    fn log_round(payments: SecretVec<Payment>) -> Kept<Balance> {
        let totals = payments.amount.cast::<u64>();
        Kept::append_rows(BalanceColumns { total: totals })
    }

    /// What an auditor learns, and nobody else.
    #[derive(SecretInput)]
    pub struct Audit {
        pub total: Secret<u64>,
        pub large: Secret<bool>,
    }

    #[action]
    fn audit(_s: &mut Bank, auditor: Address) -> Start<total> {
        Start::new().reader(auditor).context(B256::ZERO)
    }

    #[compute]
    fn total(payments: SecretVec<Payment>) -> ToReader<Audit> {
        let total = payments.amount.cast::<u64>().sum();
        let large = total.gt(10);
        ToReader::new(Audit { total, large })
    }

    #[attested(log_round)]
    fn logged(s: &mut Bank, _nothing: ()) {
        s.rounds += 1;
    }

    #[view]
    fn rounds(s: &Bank) -> u64 {
        s.rounds
    }
}

use bank::{Audit, Balance, Contract, Kind, Payment, Receipt, calls};

fn world() -> World<Contract> {
    let Ok(world) = World::deploy(1_000, user("d"), &calls::deploy());
    world
}

fn pay(world: &mut World<Contract>, who: &str, amount: u32) -> Plain<Kind> {
    let kind = Kind::plain(amount % 2 == 1, [amount as u8, 255]);
    let payment = Payment::plain(amount, kind.clone());
    let Ok(()) = world.input(user(who), &calls::pay(&payment));
    kind
}

#[test]
fn what_is_kept_feeds_the_next_computation_and_owners_read_theirs() {
    let mut world = world();
    let ada = pay(&mut world, "ada", 7);
    let ben = pay(&mut world, "ben", 1_000_000);
    let Ok(first) = world.call(user("d"), &calls::settle());
    assert_eq!(world.run(first), 0);
    let receipt = |amount: i64, kind: &Plain<Kind>, large| {
        Receipt::plain(-amount, [kind.clone(), kind.clone()], large)
    };
    assert_eq!(
        world.secrets::<Receipt>(user("ada")),
        [receipt(7, &ada, false)]
    );
    assert_eq!(
        world.secrets::<Receipt>(user("ben")),
        [receipt(1_000_000, &ben, true)]
    );
    assert!(world.secrets::<Receipt>(user("cleo")).is_empty());

    let cleo = pay(&mut world, "cleo", 11);
    let Ok(second) = world.call(user("d"), &calls::settle());
    let Ok(sum) = world.call(user("d"), &calls::show());
    assert_eq!(world.run(second), 1_000_007);
    assert_eq!(
        world.secrets::<Receipt>(user("cleo")),
        [receipt(11, &cleo, true)]
    );
    assert_eq!(world.secrets::<Receipt>(user("ada")).len(), 2);
    // Payments of before were counted again, and there is one balance.
    assert_eq!(world.run(sum), (2 * 1_000_007 + 11) * 1000 + 1);
    assert_eq!(
        world.secrets::<Balance>(world.address()),
        [Balance::plain(2_000_025)]
    );
}

#[test]
fn rows_are_appended_and_nothing_need_be_opened() {
    let mut world = world();
    let Ok(nothing) = world.call(user("d"), &calls::log(true));
    world.run(nothing);
    pay(&mut world, "ada", 3);
    pay(&mut world, "ben", 4);
    for _ in 0..2 {
        let Ok(started) = world.call(user("d"), &calls::log(false));
        world.run(started);
    }
    let Ok(sum) = world.call(user("d"), &calls::show());
    assert_eq!(world.run(sum), 14 * 1000 + 4);
    assert_eq!(world.view(&calls::rounds()), Ok(3));
}

#[test]
#[should_panic(expected = "waits for the secret results of earlier ones")]
fn a_computation_waits_for_what_an_earlier_one_keeps() {
    let mut world = world();
    let Ok(_first) = world.call(user("d"), &calls::settle());
    let Ok(second) = world.call(user("d"), &calls::show());
    world.run(second);
}

#[test]
fn a_reader_reads_alone() {
    let mut world = world();
    pay(&mut world, "ada", 3);
    pay(&mut world, "ben", 4);
    for (auditor, paid) in [("cleo", 0), ("dan", 5)] {
        if paid > 0 {
            pay(&mut world, "ada", paid);
        }
        let Ok(started) = world.call(user("d"), &calls::audit(user(auditor)));
        world.run(started);
    }
    assert!(world.secrets::<Audit>(user("cleo")) == [Audit::plain(7, false)]);
    assert!(world.secrets::<Audit>(user("dan")) == [Audit::plain(12, true)]);
    for other in ["ada", "d"] {
        assert!(world.secrets::<Audit>(user(other)).is_empty());
    }
}

/// What is for the zero address nobody could ever read. Without `reader` it does not compile; see
/// `reader.rs` of the SDK's tests.
#[test]
#[should_panic(expected = "has results for a reader, and the zero address is nobody's")]
fn what_is_for_a_reader_is_for_somebody() {
    let mut world = world();
    let _ = world.call(
        user("d"),
        &calls::audit(quartet::alloy_primitives::Address::ZERO),
    );
}

#[test]
fn one_that_failed_is_not_waited_for() {
    let mut world = world();
    let Ok(first) = world.call(user("d"), &calls::settle());
    let Ok(second) = world.call(user("d"), &calls::show());
    world.fail(first, quartet::Fault::Program);
    assert_eq!(world.run(second), 0);
}

/// A row that says where its columns come from goes to its own field and element.
#[test]
fn columns_of_nested_structs_are_in_the_order_of_the_description() {
    let mut names = Vec::new();
    Receipt::fields("", 1, &mut |name, _, len| {
        names.push((name.to_owned(), len))
    });
    let names: Vec<_> = names.iter().map(|(n, len)| (n.as_str(), *len)).collect();
    let expected = [
        ("amount", 1),
        ("kinds.urgent", 2),
        ("kinds.codes", 4),
        ("large", 1),
    ];
    assert_eq!(names, expected);
}
