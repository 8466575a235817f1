//! Functions that run by themselves.

use contract_testing::{TimerFailure, World, user};
use quartet::{Message, contract::ContractError as _};

/// A contract that runs by itself in several ways.
#[quartet::contract]
mod clockwork {
    use quartet::prelude::*;

    #[state]
    pub struct Clockwork {
        owner: Address,
        closes: Time,
        reminds: Option<Time>,
        ticks: Item<Time>,
        every: u64,
        log: List<String>,
        closed_by: Address,
        total: u64,
    }

    #[derive(SecretInput)]
    pub struct Bid {
        pub price: Secret<u64>,
    }

    #[init]
    fn new(s: &mut Clockwork, ctx: &Ctx, closes: Time) {
        s.owner = ctx.sender;
        s.closes = closes;
    }

    #[input]
    fn bid(s: &mut Clockwork, ctx: &Ctx, extend: Time, _bid: Sealed<Bid>) -> Result<()> {
        ensure!(ctx.time < s.closes, "closed");
        s.closes += extend;
        Ok(())
    }

    #[action(only = owner)]
    #[at(closes)]
    fn close(s: &mut Clockwork, ctx: &Ctx) -> Result<Start<total>> {
        ensure!(ctx.time >= s.closes, "still open");
        s.closed_by = ctx.sender;
        s.log.push(&format!("close {}", ctx.time));
        Ok(Start::with_context(B256::ZERO))
    }

    #[action]
    #[at(reminds)]
    fn remind(s: &mut Clockwork, ctx: &Ctx) -> Result<()> {
        s.log.push(&format!("remind {}", ctx.time));
        ensure!(ctx.time.is_multiple_of(2), "not at an odd time");
        Ok(())
    }

    #[action]
    #[at(ticks)]
    fn tick(s: &mut Clockwork, ctx: &Ctx) {
        s.log.push(&format!("tick {}", ctx.time));
        match s.every {
            0 => s.ticks.clear(),
            every => s.ticks.set(&(ctx.time + every)),
        }
    }

    #[action]
    fn plan(
        s: &mut Clockwork,
        reminds: Option<Time>,
        ticks: Time,
        every: u64,
        good: bool,
    ) -> Result<()> {
        s.reminds = reminds;
        s.ticks.set(&ticks);
        s.every = every;
        ensure!(good, "not good");
        Ok(())
    }

    #[view]
    fn log(s: &Clockwork) -> Vec<String> {
        s.log.iter().collect()
    }

    #[view]
    fn end(s: &Clockwork) -> (Address, u64) {
        (s.closed_by, s.total)
    }

    #[compute]
    fn total(bids: SecretVec<Bid>) -> Secret<u64> {
        bids.price.sum()
    }

    #[attested]
    fn done(s: &mut Clockwork, total: u64) {
        s.total = total;
        s.reminds = Some(1_000);
    }
}

use clockwork::{Bid, Contract, calls, total};

fn world(closes: u64) -> World<Contract> {
    let Ok(world) = World::deploy(100, user("host"), &calls::new(closes));
    world
}

fn log(world: &World<Contract>) -> Vec<String> {
    let Ok(log) = world.view(&calls::log());
    log
}

#[test]
fn an_auction_closes_by_itself() {
    let mut world = world(200);
    assert_eq!(world.next_due(), Some(200));
    let bid = |price, extend| calls::bid(extend, &Bid::plain(price));
    assert_eq!(world.input(user("ada"), &bid(5, 0)), Ok(()));
    assert_eq!(world.input(user("ben"), &bid(7, 50)), Ok(()));
    assert_eq!(
        world.next_due(),
        Some(250),
        "a later time replaces the one before"
    );
    world.advance_to(249);
    assert!(world.started::<total>().is_empty());
    world.advance_to(300);
    assert_eq!(
        log(&world),
        ["close 250"],
        "at its time, not when somebody looks"
    );
    assert_eq!(world.time(), 300);
    assert_eq!(world.next_due(), None);
    let [started] = world.started::<total>()[..] else {
        panic!("it was started once");
    };
    assert_eq!(world.run(started), 12);
    assert_eq!(world.view(&calls::end()), Ok((world.address(), 12)));
    assert_eq!(world.next_due(), Some(1_000), "callbacks set timers too");

    // A time that has gone off does so no more, whatever else is called.
    assert_eq!(
        world.call(user("ada"), &calls::plan(None, 0, 0, true)),
        Ok(())
    );
    world.advance_to(2_000);
    assert_eq!(log(&world), ["close 250"]);
}

#[test]
fn zero_and_none_are_never() {
    let mut world = world(0);
    assert_eq!(world.next_due(), None);
    assert_eq!(
        world.call(user("ada"), &calls::plan(Some(150), 160, 0, true)),
        Ok(())
    );
    assert_eq!(world.next_due(), Some(150));
    assert_eq!(
        world.call(user("ada"), &calls::plan(None, 0, 0, true)),
        Ok(())
    );
    assert_eq!(world.next_due(), None);
    let refused = world.call(user("ada"), &calls::plan(Some(150), 160, 0, false));
    assert_eq!(refused, Err(Message::from("not good")));
    assert_eq!(
        world.next_due(),
        None,
        "an error drops timers as it drops writes"
    );
}

#[test]
fn a_timer_that_is_moved_on_goes_off_again_and_again() {
    let mut world = world(0);
    assert_eq!(
        world.call(user("ada"), &calls::plan(Some(110), 105, 10, true)),
        Ok(())
    );
    world.advance_to(130);
    assert_eq!(
        log(&world),
        ["tick 105", "remind 110", "tick 115", "tick 125"]
    );
    assert_eq!(world.next_due(), Some(135));
    // A jump of the clock is one block at a later time.
    world.set_time(150);
    assert_eq!(
        world.call(user("ada"), &calls::plan(None, 400, 0, true)),
        Ok(())
    );
    assert_eq!(log(&world).last().map(String::as_str), Some("tick 150"));
    assert_eq!(world.next_due(), Some(400));
}

#[test]
fn a_call_that_refuses_is_lost_and_told() {
    let mut world = world(0);
    assert_eq!(
        world.call(user("ada"), &calls::plan(Some(111), 0, 0, true)),
        Ok(())
    );
    world.advance_to(200);
    assert!(log(&world).is_empty());
    let refused = Message::from("not at an odd time").encode();
    let [
        TimerFailure {
            time: 111,
            refused: found,
            ..
        },
    ] = world.timer_failures()
    else {
        panic!("{:?}", world.timer_failures());
    };
    assert_eq!(*found, quartet::contract::Refused::Revert(refused));
    assert_eq!(world.next_due(), None);
    // Whoever may call it may also do it by hand.
    assert_eq!(world.call(user("ada"), &calls::remind()), Ok(()));
}
