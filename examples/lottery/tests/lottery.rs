//! One draw for each closing.

#![allow(
    clippy::unwrap_used,
    reason = "a helper that fails is a test that fails"
)]

#[cfg(feature = "nodes")]
use alloy::{eips::BlockId, primitives::U256, providers::Provider as _, sol};
use contract_testing::{NOON, World, user};
use lottery_contract::lottery::{
    Contract, Drawn, LotteryError, Winner,
    calls::{self, draw},
};
use quartet::{
    Fault, abi,
    alloy_primitives::{Address, B256},
    keccak256,
};

type Lottery = World<Contract>;

const L1_LOTTERY: Address = Address::repeat_byte(0x11);
const CLOSING: B256 = B256::repeat_byte(0x22);

/// How long tickets are sold on L1, in seconds.
#[cfg(feature = "nodes")]
const SALE: u64 = 3_600;

#[cfg(feature = "nodes")]
sol!(
    #[sol(rpc)]
    OnL1,
    "../../l1-contracts/artifacts/Lottery.json"
);

fn deployed() -> Lottery {
    World::deploy(NOON, user("anybody"), &calls::new(L1_LOTTERY)).unwrap()
}

/// Draws for so many tickets, for a closing of its own.
fn drawn(lottery: &mut Lottery, tickets: u64, closing: u64) -> u64 {
    let closing = B256::left_padding_from(&closing.to_be_bytes());
    let started = lottery
        .call(user("anybody"), &draw(tickets, closing))
        .unwrap();
    lottery.run(started).ticket
}

#[quartet::test]
fn a_ticket_that_was_sold_wins() {
    let mut lottery = deployed();
    let started = lottery.call(user("anybody"), &draw(3, CLOSING)).unwrap();
    let context = lottery.context_of(started);
    let Winner { ticket } = lottery.run(started);
    assert!(ticket < 3);
    assert_eq!(lottery.events::<Drawn>(), [Drawn { context, ticket }]);
}

/// What `Lottery.sol` expects.
#[quartet::test(clear, mpc)]
fn the_context_is_that_of_l1() {
    let mut lottery = deployed();
    let started = lottery.call(user("anybody"), &draw(3, CLOSING)).unwrap();
    let expected = keccak256(&abi::encode(&(L1_LOTTERY, 3_u64, CLOSING)));
    assert_eq!(lottery.context_of(started), expected);
}

/// In clear there is only a stand-in for what is random.
#[quartet::test(mpc)]
fn every_ticket_can_win() {
    let mut lottery = deployed();
    let mut seen = [false; 3];
    for closing in 0..64 {
        seen[usize::try_from(drawn(&mut lottery, 3, closing)).unwrap()] = true;
    }
    assert_eq!(seen, [true; 3], "each is missed once in 2^37 runs");
    assert_eq!(drawn(&mut lottery, 1, 64), 0);
}

#[quartet::test]
fn nobody_draws_again() {
    let mut lottery = deployed();
    let started = lottery.call(user("ada"), &draw(3, CLOSING)).unwrap();
    let again = lottery.call(user("ada"), &draw(3, CLOSING)).map(|_| ());
    assert_eq!(again, Err(LotteryError::AlreadyDrawn));
    lottery.run(started);
    let again = lottery.call(user("ada"), &draw(3, CLOSING)).map(|_| ());
    assert_eq!(again, Err(LotteryError::AlreadyDrawn));

    // For another number of tickets it may be, and L1 does not take that.
    assert!(lottery.call(user("ada"), &draw(4, CLOSING)).is_ok());
    let none = lottery.call(user("ada"), &draw(0, CLOSING)).map(|_| ());
    assert_eq!(none, Err(LotteryError::NoTickets));
}

#[quartet::test(clear, mpc)]
fn a_failed_draw_can_be_asked_for_again() {
    let mut lottery = deployed();
    let started = lottery.call(user("ada"), &draw(3, CLOSING)).unwrap();
    lottery.fail(started, Fault::Program);
    assert!(lottery.call(user("ada"), &draw(3, CLOSING)).is_ok());
}

/// From the tickets to the prize, with three nodes.
#[cfg(feature = "nodes")]
#[quartet::test(nodes)]
fn the_winner_takes_the_prize_on_l1() {
    let (seller, price) = (user("seller"), U256::from(1_000_000));
    let on_l1 = seller.create(0);
    let deployment = calls::new(on_l1);
    let mut lottery: Lottery = World::deploy(NOON, user("anybody"), &deployment).unwrap();
    lottery.stop_node(3);

    let l1 = lottery.l1();
    let latest = l1.wait(l1.provider().get_block(BlockId::latest()));
    let closes = latest.unwrap().unwrap().header.timestamp + SALE;
    let creation = OnL1::deploy_builder(
        l1.provider(),
        l1.verifier(),
        l1.l2_chain_id(),
        lottery.address(),
        l1.code_hash(),
        price,
        closes,
    );
    assert_eq!(l1.deploy(seller, creation.calldata().clone()), on_l1);
    let app = OnL1::new(on_l1, l1.provider().clone());
    let buyers = ["ada", "ben", "cleo", "dan"].map(user);
    for buyer in buyers {
        assert!(l1.send(buyer, app.buy().value(price).into_transaction_request()));
    }
    let close = || l1.send(seller, app.close().into_transaction_request());
    assert!(!close(), "the sale has not ended");
    l1.pass(SALE);
    assert!(close());

    let closing = l1.wait(app.closing().call()).unwrap();
    let started = lottery.call(user("anybody"), &draw(4, closing)).unwrap();
    let Winner { ticket } = lottery.run(started);
    let l1 = lottery.l1();
    l1.accepts(on_l1, started);
    let winner = l1.wait(app.winner().call()).unwrap();
    assert_eq!(winner, buyers[usize::try_from(ticket).unwrap()]);
    assert!(l1.send(winner, app.claim().into_transaction_request()));
    assert!(!l1.send(winner, app.claim().into_transaction_request()));
    let left = l1.wait(l1.provider().get_balance(on_l1));
    assert_eq!(left.unwrap(), U256::ZERO);
    l1.rejects_replay(on_l1, started);
}

#[quartet::test]
fn a_node_that_lies_changes_nothing() {
    let mut lottery = deployed();
    lottery.tamper(1);
    assert!(drawn(&mut lottery, 1_000, 0) < 1_000);
}
