//! The poll in clear, on four parties in this process and, if asked for, on four real nodes.

use contract_testing::{NOON, World, user};
use my_contract::my_contract::{
    Contract, PollError, Tally, Vote,
    calls::{self, close, vote},
    count,
};

/// Well in the future, as time on real nodes only grows.
const EVENING: u64 = NOON + 6 * 3_600;

fn open_poll() -> World<Contract> {
    World::deploy(NOON, user("opener"), &calls::new(EVENING)).unwrap()
}

#[quartet::test]
fn votes_are_counted() {
    let mut poll = open_poll();
    for (name, yes) in [("ada", true), ("ben", false), ("cleo", true)] {
        poll.input(user(name), &vote(&Vote::plain(yes))).unwrap();
    }
    assert_eq!(poll.view(&calls::result()), Err(PollError::NoResult));

    // In the evening the poll closes by itself.
    poll.advance_to(EVENING);
    let started = poll.started::<count>()[0];
    assert_eq!(poll.run(started), Tally { yes: 2, no: 1 });
    assert_eq!(poll.view(&calls::result()), Ok(Tally { yes: 2, no: 1 }));
}

#[quartet::test]
fn nobody_votes_twice_or_late_or_counts_early() {
    let mut poll = open_poll();
    let (ada, yes) = (user("ada"), Vote::plain(true));
    poll.input(ada, &vote(&yes)).unwrap();
    assert_eq!(poll.input(ada, &vote(&yes)), Err(PollError::AlreadyVoted));
    let early = PollError::StillOpen { closes: EVENING };
    assert_eq!(poll.call(ada, &close()).err(), Some(early));

    poll.advance_to(EVENING);
    assert_eq!(poll.input(user("ben"), &vote(&yes)), Err(PollError::Closed));
    assert_eq!(poll.view(&calls::votes()), Ok(1));
}
