//! The poll in a world without nodes: in clear, and on four parties in this process.

use contract_testing::{World, user};
use my_contract::my_contract::{
    Contract, PollError, Tally, Vote,
    calls::{self, close, vote},
};

const NOON: u64 = 1_000_000;
const EVENING: u64 = NOON + 6 * 3_600;

fn open_poll() -> World<Contract> {
    World::deploy(NOON, user("opener"), &calls::new(EVENING)).unwrap()
}

#[test]
fn votes_are_counted() {
    let mut poll = open_poll();
    for (name, yes) in [("ada", true), ("ben", false), ("cleo", true)] {
        poll.input(user(name), &vote(&Vote::plain(yes))).unwrap();
    }
    assert_eq!(poll.view(&calls::result()), Err(PollError::NoResult));

    poll.set_time(EVENING);
    let started = poll.call(user("anybody"), &close()).unwrap();
    assert_eq!(poll.run(started), Tally { yes: 2, no: 1 });
    assert_eq!(poll.view(&calls::result()), Ok(Tally { yes: 2, no: 1 }));
}

#[test]
fn nobody_votes_twice_or_late_or_counts_early() {
    let mut poll = open_poll();
    let (ada, yes) = (user("ada"), Vote::plain(true));
    poll.input(ada, &vote(&yes)).unwrap();
    assert_eq!(poll.input(ada, &vote(&yes)), Err(PollError::AlreadyVoted));
    let early = PollError::StillOpen { closes: EVENING };
    assert_eq!(poll.call(ada, &close()).err(), Some(early));

    poll.set_time(EVENING);
    assert_eq!(poll.input(user("ben"), &vote(&yes)), Err(PollError::Closed));
    assert_eq!(poll.view(&calls::votes()), Ok(1));
}
