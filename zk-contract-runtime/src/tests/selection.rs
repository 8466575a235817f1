//! Which inputs computations read: groups, chosen inputs, and those that replace others.

use wire::{
    attestation::computation_id,
    guest::{Deletion, Fault, Selection, StartOptions},
    rpc::{ComputationStatus, InputStatus},
};

use super::*;
use crate::JobTask::Compute;

fn chain() -> (Chain, Address) {
    chain_with(0)
}

/// A chain with a poll whose tally needs so many ballots.
fn chain_with(least: u32) -> (Chain, Address) {
    let mut chain = Chain::new(true);
    let poll = chain.deploy(&selecting_poll_code(least), &closes_argument());
    (chain, poll)
}

impl Chain {
    /// Orders a ballot of which this is said.
    fn mark(&mut self, user: &User, poll: Address, group: u64, tag: u64, replaces: bool) -> B256 {
        let ballot = self.ballot(user, poll, 1);
        let tx = self.call(user, poll, marked(&ballot, group, tag, replaces));
        let id = keccak256(&tx);
        let applied = self.block(vec![], vec![tx]);
        assert!(applied.receipts[0].status, "{:?}", applied.receipts[0]);
        id
    }

    /// The same, and has it accepted.
    fn counted(&mut self, user: &User, poll: Address, group: u64, replaces: bool) -> B256 {
        let id = self.mark(user, poll, group, 0, replaces);
        self.hold(&[0, 1, 2], &[id]);
        id
    }

    fn start(&mut self, poll: Address, selection: Selection) -> B256 {
        self.start_with(
            poll,
            StartOptions {
                selection,
                ..StartOptions::default()
            },
        )
    }

    fn start_with(&mut self, poll: Address, options: StartOptions) -> B256 {
        let (receipt, _) = self.act(&user(99), poll, closing(&options));
        assert!(receipt.status, "{receipt:?}");
        let index = self.runtime.contract(poll).unwrap().computations - 1;
        computation_id(poll, index)
    }

    fn reads(&self, computation: B256) -> Vec<B256> {
        match self.runtime.job(computation).map(|job| job.task) {
            Some(Compute { inputs, .. }) => inputs.into_iter().map(|(id, _)| id).collect(),
            other => panic!("{other:?}"),
        }
    }

    fn failure(&self, computation: B256) -> (Fault, String) {
        match self.runtime.computation(computation).unwrap().status {
            ComputationStatus::Failed { fault, reason } => (fault, reason),
            other => panic!("{other:?}"),
        }
    }

    fn delete(&mut self, poll: Address, deletion: &Deletion) -> (Receipt, Vec<Event>) {
        self.act(&user(99), poll, deleting(deletion))
    }

    fn deleted(&self, id: B256) -> bool {
        self.runtime.input(id).unwrap().status == InputStatus::Deleted
    }

    /// Signs what was opened, by three nodes.
    fn attest(&mut self, computation: B256) -> Applied {
        let attestation = self.runtime.attestation(computation).unwrap();
        let digest = attestation.digest(&self.runtime.committee().l1);
        let sign = |node: u8| NodeMessage::Attest {
            computation,
            signature: signing::sign_digest(&self.keys[usize::from(node)], digest),
        };
        let messages = (0..3).map(|node| (node, sign(node))).collect();
        self.say(messages)
    }

    fn sequence(&self, id: B256) -> u64 {
        self.runtime.input(id).unwrap().sequence
    }
}

#[test]
fn a_computation_reads_one_group_or_all() {
    let (mut chain, poll) = chain();
    let ids: Vec<_> = [7, 0, 7, 3]
        .map(|group| chain.counted(&user(1), poll, group, false))
        .into();
    let group = |chain: &mut Chain, group| {
        let started = chain.start(poll, Selection::Group(group));
        chain.reads(started)
    };
    assert_eq!(group(&mut chain, 7), [ids[0], ids[2]]);
    assert_eq!(group(&mut chain, 0), [ids[1]]);
    let all = chain.start(poll, Selection::All);
    assert_eq!(chain.reads(all), ids);
    assert!(group(&mut chain, 8).is_empty());
    let info = chain.runtime.input(ids[3]).unwrap();
    assert_eq!((info.sequence, info.group, info.tag), (3, 3, 0));
}

#[test]
fn what_is_said_of_an_input_counts_once_it_is_accepted() {
    let (mut chain, poll) = chain();
    let id = chain.mark(&user(1), poll, 5, u64::MAX, false);
    let marks = |chain: &Chain| {
        let info = chain.runtime.input(id).unwrap();
        (info.group, info.tag)
    };
    assert_eq!(marks(&chain), (0, 0));
    let waiting = chain.start(poll, Selection::Group(5));
    assert!(chain.runtime.job(waiting).is_none());
    chain.hold(&[0, 1, 2], &[id]);
    assert_eq!(marks(&chain), (5, u64::MAX));
    assert_eq!(chain.reads(waiting), [id]);
}

#[test]
fn a_computation_reads_exactly_the_inputs_that_it_names() {
    let (mut chain, poll) = chain();
    let ids: Vec<_> = (0..4)
        .map(|group| chain.counted(&user(1), poll, group, false))
        .collect();
    // Which is not accepted, and need not be waited for.
    let undecided = chain.mark(&user(2), poll, 0, 0, false);
    let named = chain.start(poll, Selection::Inputs(vec![1, 3]));
    assert_eq!(chain.reads(named), [ids[1], ids[3]]);
    let unknown = chain.sequence(undecided) + 1;
    for wrong in [
        vec![1, chain.sequence(undecided)],
        vec![unknown],
        vec![u64::MAX],
    ] {
        let options = StartOptions {
            selection: Selection::Inputs(wrong),
            ..StartOptions::default()
        };
        let (receipt, _) = chain.act(&user(99), poll, closing(&options));
        assert!(!receipt.status);
        let reason = receipt.revert_reason.unwrap();
        assert!(reason.contains("is no accepted input"), "{reason}");
    }
    assert_eq!(chain.runtime.contract(poll).unwrap().computations, 1);
}

#[test]
fn nobody_names_inputs_of_another_contract() {
    let (mut chain, poll) = chain();
    let deployment = Deployment {
        salt: B256::repeat_byte(1),
        ..deployment(&selecting_poll_code(0), &closes_argument())
    };
    let tx = chain.send(&user(0), None, deployment.encode(), 100_000_000);
    let other = chain.block(vec![], vec![tx]).receipts[0]
        .contract_address
        .unwrap();
    chain.counted(&user(1), other, 0, false);
    let options = StartOptions {
        selection: Selection::Inputs(vec![0]),
        ..StartOptions::default()
    };
    let (receipt, _) = chain.act(&user(99), poll, closing(&options));
    assert!(!receipt.status);
}

#[test]
fn the_last_of_an_owner_counts_in_its_group() {
    let (mut chain, poll) = chain();
    let [ada, ben] = [user(1), user(2)];
    let first = chain.counted(&ada, poll, 0, true);
    let elsewhere = chain.counted(&ada, poll, 1, true);
    let bens = chain.counted(&ben, poll, 0, true);
    let kept = chain.counted(&ada, poll, 0, false);
    assert!(chain.runtime.pending_input(first).is_some());
    // It takes the place of both: also of the one that replaced nothing.
    let id = chain.mark(&ada, poll, 0, 0, true);
    let applied = chain.hold(&[0, 1, 2], &[id]);
    let dropped = |id| Event::InputDropped { id };
    let accepted = Event::InputAccepted { id };
    assert_eq!(applied.events, [accepted, dropped(first), dropped(kept)]);
    for replaced in [first, kept] {
        let status = chain.runtime.input(replaced).unwrap().status;
        assert_eq!(status, InputStatus::Replaced { by: id });
        assert!(chain.runtime.pending_input(replaced).is_none());
    }
    let all = chain.start(poll, Selection::All);
    assert_eq!(chain.reads(all), [elsewhere, bens, id]);
}

#[test]
fn a_computation_under_way_keeps_what_it_reads() {
    let (mut chain, poll) = chain();
    let [ada, ben] = [user(1), user(2)];
    let first = chain.counted(&ada, poll, 0, true);
    // One runs over it; one waits for a vote of somebody else.
    let running = chain.start(poll, Selection::All);
    let undecided = chain.mark(&ben, poll, 0, 0, false);
    let waiting = chain.start(poll, Selection::All);
    let second = chain.mark(&ada, poll, 0, 0, true);
    let applied = chain.hold(&[0, 1, 2], &[second]);
    assert_eq!(applied.events, [Event::InputAccepted { id: second }]);
    assert!(chain.runtime.pending_input(first).is_some());
    chain.hold(&[0, 1, 2], &[undecided]);
    // What waited was started before the second one.
    assert_eq!(chain.reads(waiting), [first, undecided]);
    let later = chain.start(poll, Selection::All);
    assert_eq!(chain.reads(later), [undecided, second]);

    let dropped = |applied: &Applied| {
        let dropped = applied.events.iter();
        dropped
            .filter(|e| matches!(e, Event::InputDropped { .. }))
            .count()
    };
    assert_eq!(dropped(&chain.complete(running, &[0, 1, 0])), 0);
    assert_eq!(dropped(&chain.complete(waiting, &[0, 2, 0])), 1);
    assert!(chain.runtime.pending_input(first).is_none());
    assert!(chain.runtime.pending_input(second).is_some());
}

#[test]
fn a_computation_with_too_few_inputs_is_not_traced() {
    let (mut chain, poll) = chain_with(3);
    for number in 1..3 {
        chain.counted(&user(number), poll, 0, false);
    }
    chain.counted(&user(3), poll, 1, false);
    let few = chain.start(poll, Selection::Group(0));
    let (fault, reason) = chain.failure(few);
    assert_eq!(fault, Fault::TooFewInputs);
    assert_eq!(reason, "it has 2 inputs, and needs 3 at least");
    assert!(
        chain
            .runtime
            .computation(few)
            .unwrap()
            .program_hash
            .is_none()
    );
    // The contract hears it.
    let told = chain.read(poll, call("result"));
    assert_eq!(told[12..], (Fault::TooFewInputs as u32).to_be_bytes());
    let enough = chain.start(poll, Selection::All);
    assert_eq!(chain.reads(enough).len(), 3);
}

#[test]
fn sets_that_are_computed_on_are_far_apart() {
    let (mut chain, poll) = chain_with(3);
    for number in 1..4 {
        chain.counted(&user(number), poll, 0, true);
    }
    let first = chain.start(poll, Selection::All);
    assert_eq!(chain.reads(first).len(), 3);
    let again = chain.start(poll, Selection::Inputs(vec![0, 1, 2]));
    assert_eq!(chain.reads(again).len(), 3);
    // One more, and one in place of another.
    let more = chain.counted(&user(4), poll, 0, true);
    let close = chain.start(poll, Selection::All);
    let expected = "its inputs differ in 1 from those of an earlier computation, and must be the \
                    same or differ in 3 at least";
    assert_eq!(chain.failure(close), (Fault::TooClose, expected.into()));
    chain.counted(&user(1), poll, 0, true);
    let swapped = vec![1, 2, chain.sequence(more) + 1];
    let close = chain.start(poll, Selection::Inputs(swapped));
    assert!(chain.failure(close).1.starts_with("its inputs differ in 2"));
    // Ballots of user 5 and the two changes make three.
    chain.counted(&user(5), poll, 0, true);
    let far = chain.start(poll, Selection::All);
    assert_eq!(chain.reads(far).len(), 5);
}

#[test]
fn what_is_deleted_is_dropped_once_nobody_reads_it() {
    let (mut chain, poll) = chain();
    let ids: Vec<_> = [1, 1, 2, 2, 3]
        .map(|group| chain.counted(&user(1), poll, group, false))
        .into();
    let dropped = |ids: &[B256]| -> Vec<_> {
        ids.iter()
            .map(|id| Event::InputDropped { id: *id })
            .collect()
    };
    let none = Deletion::Group {
        number: 0,
        group: 77,
    };
    let (cheap, _) = chain.delete(poll, &none);
    let group = Deletion::Group {
        number: 0,
        group: 1,
    };
    let (receipt, events) = chain.delete(poll, &group);
    assert!(receipt.status, "{receipt:?}");
    assert_eq!(events, dropped(&ids[..2]));
    assert!(chain.deleted(ids[0]) && chain.deleted(ids[1]) && !chain.deleted(ids[2]));
    assert!(chain.runtime.pending_input(ids[0]).is_none());
    // It costs fuel for each input.
    assert!(receipt.gas_used >= cheap.gas_used + 2 * 2_000);

    let running = chain.start(poll, Selection::All);
    assert_eq!(chain.reads(running), ids[2..]);
    // Those that do not count are passed over.
    let (_, events) = chain.delete(poll, &Deletion::Inputs(vec![0, 2, 99]));
    assert_eq!(events, []);
    assert!(chain.deleted(ids[2]) && chain.runtime.pending_input(ids[2]).is_some());
    let later = chain.start(poll, Selection::All);
    assert_eq!(chain.reads(later), ids[3..]);
    let named = StartOptions {
        selection: Selection::Inputs(vec![2]),
        ..StartOptions::default()
    };
    let (refused, _) = chain.act(&user(99), poll, closing(&named));
    assert!(!refused.status);
    let applied = chain.complete(running, &[0, 3, 0]);
    assert!(applied.events.contains(&Event::InputDropped { id: ids[2] }));
    assert_eq!(chain.reads(later), ids[3..]);
}

#[test]
fn a_group_that_costs_more_than_the_gas_is_not_deleted() {
    let (mut chain, poll) = chain();
    let id = chain.counted(&user(1), poll, 0, false);
    let group = Deletion::Group {
        number: 0,
        group: 0,
    };
    let (enough, _) = chain.delete(poll, &Deletion::Inputs(vec![77]));
    let gas = enough.gas_used + 1_000;
    let tx = chain.send(&user(99), Some(poll), deleting(&group), gas);
    let applied = chain.block(vec![], vec![tx]);
    assert!(!applied.receipts[0].status);
    assert_eq!(applied.receipts[0].gas_used, gas);
    assert!(!chain.deleted(id));
}

#[test]
fn a_computation_deletes_its_inputs_once_it_is_attested() {
    let (mut chain, poll) = chain();
    let ids: Vec<_> = (0..3)
        .map(|number| chain.counted(&user(number), poll, 0, false))
        .collect();
    let options = StartOptions {
        selection: Selection::Inputs(vec![0, 2]),
        delete_after: true,
        ..StartOptions::default()
    };
    let computation = chain.start_with(poll, options);
    chain.complete(computation, &[0, 2, 0]);
    assert!(!chain.deleted(ids[0]));
    let applied = chain.attest(computation);
    let dropped = [ids[0], ids[2]].map(|id| Event::InputDropped { id });
    assert_eq!(applied.events[1..], dropped);
    assert!(chain.deleted(ids[0]) && !chain.deleted(ids[1]) && chain.deleted(ids[2]));
    let all = chain.start(poll, Selection::All);
    assert_eq!(chain.reads(all), [ids[1]]);
}
