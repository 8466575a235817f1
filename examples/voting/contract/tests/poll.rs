//! The poll from its list of voters to its tally.

#![expect(
    clippy::unwrap_used,
    reason = "a helper that fails is a test that fails"
)]

use alloy_primitives::{Address, B256};
use client::electorate::Tree;
use contract_testing::{NOON, World, user};
use quartet::Fault;
use voting_contract::{
    electorate,
    voting::{
        Ballot, BatchAdded, Contract, PollError, Tallied, Tally, VoteCast,
        calls::{self, cast, close},
    },
};

type Poll = World<Contract>;

const EVENING: u64 = NOON + 6 * 3_600;
const L1_POLL: Address = Address::repeat_byte(0x11);
const NAMES: [&str; 5] = ["ada", "ben", "cleo", "dan", "eve"];

/// Batches of voters and the tree over them.
struct Electorate {
    batches: Vec<Vec<Address>>,
    tree: Tree,
}

impl Electorate {
    fn new(batches: Vec<Vec<Address>>) -> Self {
        let tree = Tree::of_batches(batches.iter().map(Vec::as_slice)).unwrap();
        Self { batches, tree }
    }

    fn root(&self) -> B256 {
        self.tree.root()
    }

    fn proof(&self, index: u32) -> Vec<B256> {
        self.tree.proof(index).unwrap().to_vec()
    }
}

/// Two batches: three voters and two.
fn electorate() -> Electorate {
    let voters = NAMES.map(user);
    Electorate::new(vec![voters[..3].to_vec(), voters[3..].to_vec()])
}

fn deployed() -> Poll {
    let deployment = calls::new(L1_POLL, electorate().root(), 2, EVENING);
    World::deploy(NOON, user("opener"), &deployment).unwrap()
}

fn add_batch(poll: &mut Poll, index: u32) -> Result<(), PollError> {
    let list = electorate();
    let voters = list.batches[index as usize].clone();
    poll.call(
        user("carrier"),
        &calls::add_voters(index, voters, list.proof(index)),
    )
}

/// A poll in which voting has opened.
fn open() -> Poll {
    let mut poll = deployed();
    add_batch(&mut poll, 1).unwrap();
    add_batch(&mut poll, 0).unwrap();
    poll
}

fn vote(poll: &mut Poll, name: &str, choice: u8) -> Result<(), PollError> {
    poll.input(user(name), &cast(&Ballot::plain(choice)))
}

/// Closes the poll and counts.
fn count(poll: &mut Poll) -> Tally {
    poll.set_time(EVENING);
    let started = poll.call(user("nobody"), &close()).unwrap();
    poll.run(started)
}

fn tally(votes: [u64; 3], invalid: u64) -> Tally {
    Tally { votes, invalid }
}

#[quartet::test]
fn right_tally() {
    let mut poll = open();
    for (name, choice) in NAMES.into_iter().zip([2, 0, 2, 1, 2]) {
        vote(&mut poll, name, choice).unwrap();
    }
    assert_eq!(poll.view(&calls::result()), Err(PollError::NotTalliedYet));
    assert_eq!(count(&mut poll), tally([1, 1, 3], 0));

    assert_eq!(poll.view(&calls::result()), Ok(tally([1, 1, 3], 0)));
    assert_eq!(
        poll.events::<Tallied>(),
        [Tallied {
            votes: [1, 1, 3],
            invalid: 0
        }]
    );
    let voters: Vec<_> = poll
        .events::<VoteCast>()
        .into_iter()
        .map(|event| event.voter)
        .collect();
    assert_eq!(voters, NAMES.map(user));
}

#[quartet::test]
fn choices_that_do_not_exist_count_as_invalid() {
    let mut poll = open();
    for (name, choice) in NAMES.into_iter().zip([3, 255, 1, 0, 130]) {
        vote(&mut poll, name, choice).unwrap();
    }
    assert_eq!(count(&mut poll), tally([1, 1, 0], 3));
}

#[quartet::test]
fn a_node_is_down() {
    let mut poll = open();
    vote(&mut poll, "ada", 2).unwrap();
    poll.stop_node(1);
    vote(&mut poll, "ben", 2).unwrap();
    assert_eq!(count(&mut poll), tally([0, 0, 2], 0));
    assert!(poll.suspects().is_empty());
}

#[quartet::test]
fn a_node_lies() {
    let mut poll = open();
    for (name, choice) in NAMES.into_iter().zip([2, 0, 2, 1, 9]) {
        vote(&mut poll, name, choice).unwrap();
    }
    poll.tamper(3);
    assert_eq!(count(&mut poll), tally([1, 1, 2], 1));
    assert!(poll.suspects().contains(&3));
}

#[quartet::test]
fn nobody_voted() {
    assert_eq!(count(&mut open()), tally([0, 0, 0], 0));
}

#[quartet::test]
fn not_on_the_list() {
    let mut poll = open();
    assert_eq!(vote(&mut poll, "mallory", 1), Err(PollError::NotOnTheList));
    assert_eq!(vote(&mut poll, "opener", 1), Err(PollError::NotOnTheList));
    assert_eq!(count(&mut poll), tally([0, 0, 0], 0));
}

#[quartet::test]
fn the_last_ballot_counts() {
    let mut poll = open();
    vote(&mut poll, "ada", 1).unwrap();
    vote(&mut poll, "ben", 0).unwrap();
    vote(&mut poll, "ada", 2).unwrap();
    assert_eq!(
        poll.view(&calls::votes_cast()),
        Ok(2),
        "voters, not ballots"
    );
    assert_eq!(count(&mut poll), tally([1, 0, 1], 0));
}

#[quartet::test(clear, mpc)]
fn two_ballots_at_once_through_two_nodes() {
    let mut poll = open();
    let first = poll.order(user("ada"), &cast(&Ballot::plain(0))).unwrap();
    let second = poll.order(user("ada"), &cast(&Ballot::plain(1))).unwrap();
    poll.accept(first).unwrap();
    poll.accept(second).unwrap();
    assert_eq!(poll.view(&calls::votes_cast()), Ok(1));
    assert_eq!(count(&mut poll), tally([0, 1, 0], 0));
}

#[quartet::test(clear, mpc)]
fn a_ballot_that_is_rejected_replaces_nothing() {
    let mut poll = open();
    vote(&mut poll, "ada", 1).unwrap();
    let rubbish = poll.order(user("ada"), &cast(&Ballot::plain(0))).unwrap();
    poll.reject(rubbish);
    assert_eq!(count(&mut poll), tally([0, 1, 0], 0));
}

#[quartet::test]
fn who_is_named_more_than_once_has_as_many_votes() {
    let (ada, ben) = (user("ada"), user("ben"));
    let list = Electorate::new(vec![vec![ada, ben, ada], vec![ada]]);
    let deployment = calls::new(L1_POLL, list.root(), 2, EVENING);
    let mut poll: Poll = World::deploy(NOON, user("opener"), &deployment).unwrap();
    for (index, batch) in (0..).zip(&list.batches) {
        let batch = calls::add_voters(index, batch.clone(), list.proof(index));
        poll.call(user("carrier"), &batch).unwrap();
    }
    vote(&mut poll, "ada", 2).unwrap();
    vote(&mut poll, "ben", 9).unwrap();
    assert_eq!(count(&mut poll), tally([0, 0, 3], 1));
}

#[quartet::test(clear, mpc)]
fn a_rejected_ballot_leaves_no_trace() {
    let mut poll = open();
    let rubbish = poll.order(user("ada"), &cast(&Ballot::plain(0))).unwrap();
    poll.reject(rubbish);
    assert_eq!(poll.view(&calls::votes_cast()), Ok(0));
    vote(&mut poll, "ada", 2).unwrap();
    assert_eq!(count(&mut poll), tally([0, 0, 1], 0));
}

#[quartet::test(clear, mpc)]
fn after_the_deadline() {
    let mut poll = open();
    poll.set_time(EVENING - 1);
    vote(&mut poll, "ada", 0).unwrap();
    let in_time = poll.order(user("ben"), &cast(&Ballot::plain(1))).unwrap();
    poll.set_time(EVENING);
    assert_eq!(vote(&mut poll, "cleo", 2), Err(PollError::PollClosed));

    poll.accept(in_time)
        .expect("it was ordered in time, though accepted later");
    assert_eq!(count(&mut poll), tally([1, 1, 0], 0));
}

#[quartet::test]
fn a_ballot_ordered_after_the_count_began_is_not_in_it() {
    let mut poll = open();
    vote(&mut poll, "ada", 0).unwrap();
    poll.set_time(EVENING);
    let started = poll.call(user("nobody"), &close()).unwrap();
    assert_eq!(vote(&mut poll, "ben", 0), Err(PollError::PollClosed));
    assert_eq!(poll.run(started), tally([1, 0, 0], 0));
}

#[quartet::test]
fn closing() {
    let mut poll = open();
    let refused = PollError::PollStillOpen { closes: EVENING };
    assert_eq!(poll.call(user("nobody"), &close()), Err(refused.clone()));
    // The clocks of real nodes move on.
    poll.set_time(EVENING - 60);
    assert_eq!(poll.call(user("opener"), &close()), Err(refused));
    poll.set_time(EVENING);

    let started = poll.call(user("nobody"), &close()).unwrap();
    assert_eq!(
        poll.context_of(started),
        electorate::context(L1_POLL, electorate().root(), 2)
    );
    assert_eq!(
        poll.call(user("nobody"), &close()),
        Err(PollError::AlreadyStarted)
    );
}

#[quartet::test(clear, mpc)]
fn a_failed_count_can_be_started_again() {
    let mut poll = open();
    vote(&mut poll, "eve", 1).unwrap();
    poll.set_time(EVENING);
    let started = poll.call(user("nobody"), &close()).unwrap();
    poll.fail(started, Fault::Program);
    assert_eq!(poll.view(&calls::result()), Err(PollError::NotTalliedYet));
    assert_eq!(count(&mut poll), tally([0, 1, 0], 0));
}

#[quartet::test]
fn voting_opens_when_the_list_is_complete() {
    let mut poll = deployed();
    assert_eq!(
        vote(&mut poll, "ada", 1),
        Err(PollError::ElectorateIncomplete)
    );
    add_batch(&mut poll, 0).unwrap();
    assert_eq!(poll.view(&calls::complete()), Ok(false));
    assert_eq!(poll.view(&calls::batch_added(0)), Ok(true));
    assert_eq!(poll.view(&calls::batch_added(1)), Ok(false));
    assert_eq!(
        vote(&mut poll, "ada", 1),
        Err(PollError::ElectorateIncomplete)
    );

    add_batch(&mut poll, 1).unwrap();
    assert_eq!(poll.view(&calls::complete()), Ok(true));
    vote(&mut poll, "ada", 1).unwrap();
    let events = [
        BatchAdded {
            index: 0,
            voters: 3,
        },
        BatchAdded {
            index: 1,
            voters: 2,
        },
    ];
    assert_eq!(poll.events::<BatchAdded>(), events);
}

#[quartet::test]
fn a_poll_that_never_opened_has_no_result() {
    let mut poll = deployed();
    add_batch(&mut poll, 0).unwrap();
    poll.set_time(EVENING);
    let closed = poll.call(user("nobody"), &close()).map(|_| ());
    assert_eq!(closed, Err(PollError::ElectorateIncomplete));
}

#[quartet::test]
fn a_hostile_carrier_spoils_nothing() {
    let mut poll = deployed();
    let list = electorate();
    let right = list.batches[0].clone();
    let mut add = |index, voters: &[Address], proof: Vec<B256>| {
        poll.call(
            user("mallory"),
            &calls::add_voters(index, voters.to_vec(), proof),
        )
    };
    let refused = Err(PollError::NotInElectorate);
    assert_eq!(
        add(0, &[user("mallory")], list.proof(0)),
        refused,
        "other voters"
    );
    assert_eq!(
        add(0, &right[..2], list.proof(0)),
        refused,
        "a voter left out"
    );
    assert_eq!(add(1, &right, list.proof(0)), refused, "another place");
    assert_eq!(add(2, &[], list.proof(1)), refused, "a batch more");
    assert_eq!(
        add(u32::MAX, &right, list.proof(0)),
        refused,
        "a place that does not exist"
    );
    assert_eq!(add(0, &right, list.proof(1)), refused, "another proof");
    assert_eq!(add(0, &right, vec![]), refused, "no proof");
    assert_eq!(
        add(0, &right, list.proof(0)),
        Ok(()),
        "the right one still goes through"
    );
    assert_eq!(add(0, &right, list.proof(0)), Err(PollError::AlreadyAdded));

    assert_eq!(
        poll.view(&calls::complete()),
        Ok(false),
        "a batch twice counts once"
    );
    add_batch(&mut poll, 1).unwrap();
    assert_eq!(vote(&mut poll, "mallory", 0), Err(PollError::NotOnTheList));
    vote(&mut poll, "ada", 0).unwrap();
    assert_eq!(count(&mut poll), tally([1, 0, 0], 0));
}

#[quartet::test]
fn batches_of_another_list_are_refused() {
    let mut poll = deployed();
    let other = Electorate::new(vec![vec![user("mallory")]]);
    let batch = calls::add_voters(0, other.batches[0].clone(), other.proof(0));
    assert_eq!(
        poll.call(user("mallory"), &batch),
        Err(PollError::NotInElectorate)
    );
}
