//! The auction from its first bid to what each learns.

#![allow(
    clippy::unwrap_used,
    reason = "a helper that fails is a test that fails"
)]

use auction_contract::auction::{
    AuctionError, Bid, BidPlaced, Contract, Notice, Outcome, Sale, Settled,
    calls::{self, bid, close},
    settle,
};
use contract_testing::{NOON, World, user};

type Auction = World<Contract>;

/// Well in the future, as time on real nodes only grows.
const EVENING: u64 = NOON + 6 * 3_600;
const RESERVE: u64 = 100;

fn opened() -> Auction {
    World::deploy(NOON, user("seller"), &calls::new(RESERVE, EVENING)).unwrap()
}

fn with_bids(bids: &[(&str, u64)]) -> Auction {
    let mut auction = opened();
    for (name, price) in bids {
        auction
            .input(user(name), &bid(&Bid::plain(*price)))
            .unwrap();
    }
    auction
}

/// Lets bidding end, and runs the computation that the timer has started.
fn settled(auction: &mut Auction) -> Outcome {
    auction.advance_to(EVENING);
    let started = auction.started::<settle>()[0];
    auction.run(started)
}

fn told(auction: &Auction, name: &str) -> Vec<quartet::Plain<Notice>> {
    auction.secrets::<Notice>(user(name))
}

#[quartet::test]
fn the_highest_bidder_pays_the_second_price_and_only_they_know() {
    let mut auction = with_bids(&[("ada", 300), ("ben", 450), ("cleo", 320)]);
    let outcome = Outcome {
        sold: true,
        price: 320,
    };
    assert_eq!(settled(&mut auction), outcome);
    assert_eq!(auction.view(&calls::outcome()), Ok(outcome));
    assert_eq!(
        auction.events::<Settled>(),
        [Settled {
            sold: true,
            price: 320
        }]
    );
    assert!(told(&auction, "ada") == [Notice::plain(false, 0)]);
    assert!(told(&auction, "ben") == [Notice::plain(true, 320)]);
    assert!(told(&auction, "cleo") == [Notice::plain(false, 0)]);
    let sales = auction.secrets::<Sale>(user("seller"));
    assert!(sales == [Sale::plain(1)]);
    assert_eq!(auction.view(&calls::bidder(1)), Ok(user("ben")));
    assert!(auction.secrets::<Sale>(user("ben")).is_empty());
}

#[quartet::test]
fn among_equal_bids_the_first_wins_at_that_price() {
    let mut auction = with_bids(&[("ada", 300), ("ben", 300), ("cleo", 300)]);
    assert_eq!(settled(&mut auction).price, 300);
    assert!(told(&auction, "ada") == [Notice::plain(true, 300)]);
    assert!(told(&auction, "ben") == [Notice::plain(false, 0)]);
}

#[quartet::test]
fn the_only_bidder_pays_the_reserve() {
    let mut auction = with_bids(&[("ada", u64::MAX)]);
    let expected = Outcome {
        sold: true,
        price: RESERVE,
    };
    assert_eq!(settled(&mut auction), expected);
}

#[quartet::test]
fn below_the_reserve_nothing_is_sold() {
    let mut auction = with_bids(&[("ada", 99), ("ben", 0)]);
    let expected = Outcome {
        sold: false,
        price: 0,
    };
    assert_eq!(settled(&mut auction), expected);
    assert!(told(&auction, "ada") == [Notice::plain(false, 0)]);
    assert!(auction.secrets::<Sale>(user("seller")) == [Sale::plain(0)]);
}

#[quartet::test]
fn without_bids_nothing_is_sold() {
    let mut auction = opened();
    assert!(!settled(&mut auction).sold);
}

#[quartet::test]
fn the_last_bid_of_each_counts() {
    let mut auction = with_bids(&[("ada", 900), ("ben", 200), ("ada", 150), ("cleo", 120)]);
    let numbers: Vec<_> = auction
        .events::<BidPlaced>()
        .iter()
        .map(|e| e.number)
        .collect();
    assert_eq!(numbers, [0, 1, 0, 2], "a bidder keeps their number");
    assert_eq!(settled(&mut auction).price, 150);
    assert!(told(&auction, "ben") == [Notice::plain(true, 150)]);
    assert!(auction.secrets::<Sale>(user("seller")) == [Sale::plain(1)]);
}

#[quartet::test]
fn who_may_bid_and_until_when() {
    let mut auction = opened();
    let refused = auction.input(user("seller"), &bid(&Bid::plain(1)));
    assert_eq!(refused, Err(AuctionError::SellerMayNotBid));
    let early = auction.call(user("ada"), &close()).map(|_| ());
    assert_eq!(early, Err(AuctionError::BiddingOpen { closes: EVENING }));
    auction.advance_to(EVENING);
    let late = auction.input(user("ada"), &bid(&Bid::plain(1)));
    assert_eq!(late, Err(AuctionError::BiddingClosed));
    let again = auction.call(user("ada"), &close()).map(|_| ());
    assert_eq!(again, Err(AuctionError::AlreadySettled));
}

#[quartet::test]
fn a_node_that_lies_changes_nothing() {
    let mut auction = with_bids(&[("ada", 300), ("ben", 450)]);
    auction.tamper(2);
    assert_eq!(settled(&mut auction).price, 300);
    assert!(told(&auction, "ben") == [Notice::plain(true, 300)]);
}

#[quartet::test]
fn a_node_that_is_down_changes_nothing() {
    let mut auction = with_bids(&[("ada", 300)]);
    auction.stop_node(0);
    auction.input(user("ben"), &bid(&Bid::plain(250))).unwrap();
    assert_eq!(settled(&mut auction).price, 250);
    assert!(told(&auction, "ada") == [Notice::plain(true, 250)]);
}
