//! The market against a clear model of it.

#![allow(
    clippy::unwrap_used,
    reason = "a helper that fails is a test that fails"
)]

use contract_testing::{NOON, World, user};
use matching_contract::matching::{
    Buy, Cleared, Contract, Fill, MarketError, Sell, Session,
    calls::{self, buy, meet, sell},
    clear,
};

type Market = World<Contract>;

const EVENING: u64 = NOON + 6 * 3_600;

fn buyer(place: usize) -> String {
    format!("buyer {place}")
}

fn seller(place: usize) -> String {
    format!("seller {place}")
}

fn with_orders(buys: &[u32], sells: &[u32]) -> Market {
    let mut market: Market = World::deploy(NOON, user("anybody"), &calls::new(EVENING)).unwrap();
    for (place, limit) in buys.iter().enumerate() {
        let order = buy(&Buy::plain(*limit));
        market.input(user(&buyer(place)), &order).unwrap();
    }
    for (place, limit) in sells.iter().enumerate() {
        let order = sell(&Sell::plain(*limit));
        market.input(user(&seller(place)), &order).unwrap();
    }
    market
}

/// The same in clear: the session, and who trades on each side.
fn model(buys: &[u32], sells: &[u32]) -> (Session, Vec<bool>, Vec<bool>) {
    let order = |limits: &[u32], key: fn(u32) -> u32| {
        let mut places: Vec<usize> = (0..limits.len()).collect();
        places.sort_by_key(|place| key(limits[*place]));
        places
    };
    let (first, second) = (order(buys, |limit| !limit), order(sells, |limit| limit));
    let pairs = first.iter().zip(&second);
    let agree = pairs.take_while(|(b, s)| buys[**b] >= sells[**s]);
    let pairs: Vec<_> = agree.collect();
    let price = pairs
        .last()
        .map_or(0, |(b, s)| buys[**b].midpoint(sells[**s]));
    let (mut buyers, mut sellers) = (vec![false; buys.len()], vec![false; sells.len()]);
    for (b, s) in &pairs {
        buyers[**b] = true;
        sellers[**s] = true;
    }
    let trades = pairs.len() as u64;
    (Session { trades, price }, buyers, sellers)
}

#[track_caller]
fn clears_as_the_model(market: &mut Market, buys: &[u32], sells: &[u32]) {
    market.advance_to(EVENING);
    let started = market.started::<clear>()[0];
    let (session, buyers, sellers) = model(buys, sells);
    assert_eq!(market.run(started), session, "{buys:?} {sells:?}");
    assert_eq!(market.view(&calls::session()), Ok(session.clone()));
    let Session { trades, price } = session;
    assert_eq!(market.events::<Cleared>(), [Cleared { trades, price }]);
    let traders = (0..buys.len())
        .map(buyer)
        .chain((0..sells.len()).map(seller));
    for (name, trades) in traders.zip(buyers.into_iter().chain(sellers)) {
        let told = market.secrets::<Fill>(user(&name));
        assert!(
            told == [Fill::plain(trades)],
            "{name} of {buys:?} {sells:?}"
        );
    }
}

#[quartet::test]
fn as_many_trade_as_agree_at_one_price() {
    let (buys, sells) = ([50, 30, 45], [60, 20, 35, 46]);
    let mut market = with_orders(&buys, &sells);
    clears_as_the_model(&mut market, &buys, &sells);
}

#[quartet::test(clear, mpc)]
fn all_kinds_of_markets() {
    let full = u32::MAX;
    for (buys, sells) in [
        (vec![10, 10, 10], vec![10, 10]),
        (vec![0, full], vec![full, 0]),
        (vec![5], vec![6]),
        (vec![6], vec![5]),
        (vec![], vec![5, 6]),
        (vec![5, 6], vec![]),
        (vec![], vec![]),
        (vec![9, 8, 7, 6], vec![1, 2, 3, 4]),
        (vec![3, 9, 3, 9, 5], vec![4, 4, 8, 2]),
    ] {
        let mut market = with_orders(&buys, &sells);
        clears_as_the_model(&mut market, &buys, &sells);
    }
}

#[quartet::test]
fn one_order_each_and_none_too_late() {
    let mut market = with_orders(&[5], &[]);
    let again = market.input(user(&buyer(0)), &sell(&Sell::plain(1)));
    assert_eq!(again, Err(MarketError::OneOrderEach));
    let early = market.call(user("anybody"), &meet()).map(|_| ());
    assert_eq!(early, Err(MarketError::NotYet { meets: EVENING }));
    assert_eq!(market.view(&calls::session()), Err(MarketError::NoSession));
    market.advance_to(EVENING);
    let late = market.input(user("late"), &buy(&Buy::plain(1)));
    assert_eq!(late, Err(MarketError::Closed));
}

#[quartet::test]
fn a_node_that_is_down_changes_nothing() {
    let (buys, sells) = ([50, 30], [20, 35]);
    let mut market = with_orders(&buys, &sells);
    market.stop_node(1);
    clears_as_the_model(&mut market, &buys, &sells);
}

#[quartet::test]
fn a_node_that_lies_changes_nothing() {
    let (buys, sells) = ([50, 30], [20, 35]);
    let mut market = with_orders(&buys, &sells);
    market.tamper(3);
    clears_as_the_model(&mut market, &buys, &sells);
}
