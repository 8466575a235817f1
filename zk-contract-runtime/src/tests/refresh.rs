//! Key epochs: new sealing keys, and inputs shared anew.

use wire::{
    limits::{JOIN_MS, OLD_KEYS_MS, SEAL_KEY_MS},
    node_transaction::{NodeMessage, StopReason},
    rpc::{ComputationStatus, InputStatus},
    seal_keys::{SignedSealKey, sharing_tag},
};

use super::{
    computations::{close, status},
    *,
};
use crate::{JobTask, Sharing, refresh_job};

const REFRESH_MS: u64 = 20_000;
const VALUES: [u64; 3] = [1, 0, 0];

/// A chain with a poll, on which key epochs end.
fn chain(lots: u32) -> (Chain, Address) {
    let mut chain = Chain::with_reserve(true, lots);
    let mut committee = committee_with(true, lots);
    committee.refresh_ms = REFRESH_MS;
    chain.runtime = Runtime::new(committee);
    for _ in 0..lots {
        chain.fill();
    }
    let poll = chain.deploy(&poll_code(), &closes_argument());
    (chain, poll)
}

/// The sealing key of a node in an epoch.
fn key_of(node: u8, epoch: u64) -> SealKey {
    SealKey::from_bytes(&[0x40 + node + 8 * epoch as u8; 32]).unwrap()
}

impl Chain {
    fn seal_key(&self, node: u8, epoch: u64) -> NodeMessage {
        let key = SignedSealKey::sign(
            key_of(node, epoch).public(),
            epoch,
            node,
            &self.keys[usize::from(node)],
            self.runtime.committee(),
        );
        NodeMessage::SealKey { epoch, key }
    }

    /// A block in which these nodes say their keys for an epoch.
    fn say_keys(&mut self, nodes: &[u8], epoch: u64) -> Applied {
        let keys = nodes
            .iter()
            .map(|node| (*node, self.seal_key(*node, epoch)));
        let keys = keys.collect();
        self.say(keys)
    }

    /// Lets the time come at which nodes are to draw keys.
    fn draw(&mut self) -> Applied {
        let due_ms = self.runtime.next_due_ms().unwrap();
        let applied = self.pass(due_ms - self.time_ms);
        let epoch = self.runtime.seal_keys().epoch + 1;
        assert_eq!(applied.events, [Event::SealKeysWanted { epoch }]);
        applied
    }

    /// Goes on to where the inputs are shared anew, without nodes that do not say their keys.
    fn share(&mut self, nodes: &[u8]) -> B256 {
        self.draw();
        let epoch = self.runtime.seal_keys().epoch + 1;
        self.say_keys(nodes, epoch);
        if self.runtime.seal_keys().epoch < epoch {
            self.pass_until_due();
        }
        assert_eq!(self.runtime.seal_keys().epoch, epoch);
        self.pass_until_due();
        refresh_job(epoch)
    }

    /// A block in which these nodes have shared the inputs anew; `root` is that of component 0.
    fn shared(&mut self, job: B256, nodes: &[u8], root: u8) -> Applied {
        let (attempt, _) = self.attempt(job);
        let ready = |node: &u8| {
            let root = |c: u8| (c != *node).then_some(B256::repeat_byte(root + c));
            let commitments = [0, 1, 2, 3].map(root);
            let message = NodeMessage::Ready {
                job,
                attempt,
                commitments,
            };
            (*node, message)
        };
        self.say(nodes.iter().map(ready).collect())
    }

    /// Whether an input under the keys of an epoch would be taken, and why not.
    fn takes(&mut self, poll: Address, epoch: u64) -> Result<(), String> {
        let voter = user(77);
        let data = self.ballot_under(&voter, poll, 0, epoch);
        let request = crate::CallRequest {
            from: voter.address,
            to: Some(poll),
            data,
            gas: None,
        };
        let outcome = self.runtime.call(&request, self.time_ms).unwrap();
        if outcome.is_ok() {
            return Ok(());
        }
        Err(outcome.revert_reason.unwrap())
    }
}

#[test]
fn an_epoch_ends_with_new_keys_and_a_new_sharing() {
    let (mut chain, poll) = chain(0);
    assert_eq!(chain.runtime.sharing(), Sharing::default());
    let before = chain.vote(&user(1), poll, 0);
    assert_eq!(
        chain.runtime.next_due_ms(),
        Some(GENESIS_MS + REFRESH_MS),
        "from the genesis on"
    );
    chain.draw();
    assert_eq!(chain.runtime.wants_seal_key(2), Some(1));
    assert_eq!(chain.say_keys(&[0, 1, 2], 1).events, []);
    assert_eq!(chain.runtime.wants_seal_key(2), None);
    // One ballot under the old keys before the new ones are there, and one after.
    let (early, early_id) = chain.cast(&user(2), poll, 1);
    assert!(chain.block(vec![], vec![early]).receipts[0].status);
    let applied = chain.say_keys(&[3], 1);
    assert_eq!(applied.events, [Event::SealKeysTurned { epoch: 1 }]);
    let keys = chain.seal_keys();
    assert_eq!(
        keys.keys,
        [0, 1, 2, 3].map(|node| Some(key_of(node, 1).public()))
    );
    assert_eq!(
        (chain.takes(poll, 0), chain.takes(poll, 1)),
        (Ok(()), Ok(()))
    );
    assert!(chain.takes(poll, 2).is_err());
    let new = chain.vote(&user(3), poll, 2);
    let turned_ms = chain.time_ms;
    while chain.time_ms < turned_ms + OLD_KEYS_MS {
        chain.pass(1_000);
    }
    let refused = chain.takes(poll, 0).unwrap_err();
    assert!(
        refused.contains("key epoch 0") && refused.contains("of 1 are"),
        "{refused}"
    );
    assert!(refused.contains("fetch the keys again"), "{refused}");
    // The ballot from before still awaits its verdict: it is to be shared anew with the others.
    let job = refresh_job(1);
    assert!(chain.runtime.job(job).is_none());
    assert_eq!(chain.runtime.next_due_ms(), None);
    let applied = chain.hold(&[0, 1, 3], &[early_id]);
    assert!(
        applied
            .events
            .contains(&Event::JoinWanted { job, attempt: 0 })
    );
    assert!(matches!(
        chain.runtime.job(job).unwrap().task,
        JobTask::Refresh { epoch: 1 }
    ));
    let mut inputs = chain.runtime.inputs_before(1);
    inputs.sort_unstable();
    let mut expected = vec![before, early_id];
    expected.sort_unstable();
    assert_eq!(inputs, expected, "and not {new}");

    chain.join_all(job);
    assert_eq!(chain.shared(job, &[0, 1, 2], 9).events, []);
    assert_eq!(chain.runtime.sharing().epoch, 0);
    let applied = chain.shared(job, &[3], 9);
    assert_eq!(applied.events, [Event::InputsRefreshed { epoch: 1 }]);
    let expected = Sharing {
        epoch: 1,
        tag: sharing_tag(1, 0),
        roots: [0, 1, 2, 3].map(|c| B256::repeat_byte(9 + c)),
    };
    assert_eq!(chain.runtime.sharing(), expected);
    assert!(chain.runtime.job(job).is_none());
    assert_eq!(
        chain.runtime.next_due_ms(),
        Some(chain.time_ms + REFRESH_MS)
    );
    // The next epoch shares all of them anew.
    let job = chain.share(&[0, 1, 2, 3]);
    assert_eq!(job, refresh_job(2));
    assert_eq!(chain.runtime.inputs_before(2).len(), 3);
}

#[test]
fn keys_that_nodes_did_not_sign_or_nobody_wants_do_not_count() {
    let (mut chain, _) = chain(0);
    // Too early, and of epoch 0, whose keys are pinned.
    chain.say_keys(&[0, 1, 2], 1);
    chain.say_keys(&[0, 1, 2], 0);
    assert_eq!(chain.runtime.wants_seal_key(0), None);
    chain.draw();
    let NodeMessage::SealKey { key, .. } = chain.seal_key(1, 1) else {
        panic!("a key");
    };
    // Another's key, one of another epoch, and only the first of a transaction is looked at.
    let stolen = NodeMessage::SealKey { epoch: 1, key };
    chain.say(vec![(0, stolen.clone()), (1, chain.seal_key(1, 2))]);
    chain.block(vec![(0, vec![stolen, chain.seal_key(0, 1)])], vec![]);
    for node in 0..4 {
        assert_eq!(chain.runtime.wants_seal_key(node), Some(1), "node {node}");
    }
    // The first one counts.
    chain.say_keys(&[2], 1);
    let other = SignedSealKey::sign(B256::ZERO, 1, 2, &chain.keys[2], chain.runtime.committee());
    chain.say(vec![(
        2,
        NodeMessage::SealKey {
            epoch: 1,
            key: other,
        },
    )]);
    chain.say_keys(&[0, 1, 3], 1);
    assert_eq!(chain.seal_keys().keys[2], Some(key_of(2, 1).public()));
}

/// A node that is silent costs its own key, for as long as it has not said it.
#[test]
fn it_goes_on_without_a_node_that_says_nothing() {
    let (mut chain, poll) = chain(0);
    chain.vote(&user(1), poll, 0);
    chain.draw();
    chain.say_keys(&[0, 2], 1);
    assert_eq!(chain.runtime.next_due_ms(), None, "two are not enough");
    chain.say_keys(&[3], 1);
    let due_ms = chain.time_ms + SEAL_KEY_MS;
    assert_eq!(chain.runtime.next_due_ms(), Some(due_ms));
    let applied = chain.pass_until_due();
    assert_eq!(applied.events, [Event::SealKeysTurned { epoch: 1 }]);
    assert_eq!(chain.seal_keys().keys[1], None);
    chain.pass_until_due();
    let job = refresh_job(1);
    chain.join(job, &[0, 2, 3]);
    chain.pass(JOIN_MS);
    assert!(chain.runtime.is_away(1));
    assert_eq!(chain.attempt(job), (1, vec![0, 2, 3]));
    chain.join_all(job);
    let applied = chain.shared(job, &[0, 2, 3], 5);
    assert_eq!(applied.events, [Event::InputsRefreshed { epoch: 1 }]);
    // It is back, and says its key.
    assert_eq!(chain.runtime.wants_seal_key(1), Some(1));
    chain.say_keys(&[1], 1);
    assert_eq!(chain.seal_keys().keys[1], Some(key_of(1, 1).public()));
    assert_eq!(chain.runtime.wants_seal_key(1), None);
}

#[test]
fn nodes_that_are_away_are_not_waited_for() {
    let (mut chain, poll) = chain(0);
    chain.vote(&user(1), poll, 0);
    chain.share(&[0, 1, 2, 3]);
    chain.join(refresh_job(1), &[0, 1, 2]);
    chain.pass(JOIN_MS);
    chain.join_all(refresh_job(1));
    chain.shared(refresh_job(1), &[0, 1, 2], 1);
    chain.draw();
    let applied = chain.say_keys(&[0, 1, 2], 2);
    assert_eq!(applied.events, [Event::SealKeysTurned { epoch: 2 }]);
}

/// Who does not say the same as the others, or says that something was spoiled that cannot be, does
/// not hold it up for long.
#[test]
fn attempts_find_who_lies() {
    let (mut chain, poll) = chain(0);
    chain.vote(&user(1), poll, 0);
    let job = chain.share(&[0, 1, 2, 3]);
    chain.join_all(job);
    chain.shared(job, &[0, 1], 1);
    let applied = chain.shared(job, &[3], 2);
    let stopped = Event::AttemptStopped { job, attempt: 0 };
    assert_eq!(applied.events[0], stopped);
    let wanted = Event::JoinWanted { job, attempt: 1 };
    assert!(applied.events.contains(&wanted), "{:?}", applied.events);
    assert_eq!(chain.runtime.contradictions().len(), 2);
    // Both pairs have node 3.
    assert_eq!(chain.attempt(job), (1, vec![0, 1, 2]));
    chain.join_all(job);
    chain.say(vec![(2, stop(job, 1, StopReason::Spoiled))]);
    assert!(chain.runtime.job(job).is_none_or(|job| job.attempt == 2));
    assert_eq!(chain.runtime.sharing().epoch, 0);
}

/// No session uses two sharings, and nothing of the reserve goes over to the next epoch.
#[test]
fn the_sharing_changes_between_sessions() {
    let (mut chain, poll) = chain(1);
    chain.vote(&user(1), poll, 0);
    let job = chain.share(&[0, 1, 2, 3]);
    let first = close(&mut chain, poll);
    chain.join_all(first);
    chain.join_all(job);
    assert_eq!(chain.shared(job, &[0, 1, 2, 3], 7).events, []);
    assert_eq!(chain.runtime.sharing().epoch, 0);
    // What comes meanwhile waits.
    let second = close(&mut chain, poll);
    assert!(chain.runtime.job(second).is_none());
    assert!(matches!(
        status(&chain, second),
        ComputationStatus::Waiting { .. }
    ));
    let applied = chain.ready(first, &[0, 1, 2], &VALUES);
    let expected = [
        Event::OpeningFinal {
            job: first,
            attempt: 0,
        },
        Event::InputsRefreshed { epoch: 1 },
        Event::JoinWanted {
            job: second,
            attempt: 0,
        },
        Event::LotDropped { lot: 0 },
    ];
    assert_eq!(applied.events, expected);
    assert!(chain.runtime.lots().is_empty());
}

/// Who waits with a part of the reserve in hand gives it back.
#[test]
fn a_part_of_the_reserve_does_not_outlast_its_epoch() {
    let (mut chain, poll) = chain(1);
    chain.vote(&user(1), poll, 0);
    let job = chain.share(&[0, 1, 2, 3]);
    let id = close(&mut chain, poll);
    chain.join_all(id);
    chain.say(vec![(2, silence(id, 0, 3))]);
    assert_eq!(chain.attempt(id), (1, vec![0, 1, 2]));
    chain.join_all(job);
    chain.shared(job, &[0, 1, 2, 3], 7);
    // It has not begun its session, keeps its part, and then nobody joins.
    chain.say(vec![(0, stop(id, 1, StopReason::Local))]);
    assert_eq!(chain.runtime.sharing().epoch, 1);
    assert!(
        chain.runtime.lots().is_empty(),
        "{:?}",
        chain.runtime.lots()
    );
    assert!(matches!(
        status(&chain, id),
        ComputationStatus::Waiting {
            missing: Some(_),
            ..
        } | ComputationStatus::Running { .. }
    ));
}

#[test]
fn a_busy_cluster_refreshes_a_little_later() {
    let (mut chain, poll) = chain(0);
    let (tx, _) = chain.cast(&user(1), poll, 0);
    chain.block(vec![], vec![tx]);
    assert_eq!(chain.runtime.counts().pending_inputs, 1);
    let due_ms = GENESIS_MS + REFRESH_MS + REFRESH_MS / 8;
    let offset_ms = chain.runtime.time_offset_ms();
    assert_eq!(chain.runtime.next_due_ms(), Some(due_ms + offset_ms));
}

/// The length of an epoch is in the chain's time; whoever moves that moves the end of an epoch.
#[test]
fn an_epoch_ends_when_time_is_moved() {
    let (mut chain, _) = chain(0);
    let by_ms = 5 * REFRESH_MS;
    let advance = NodeMessage::AdvanceTime {
        request: B256::ZERO,
        by_ms,
    };
    let applied = chain.say(vec![(0, advance)]);
    assert_eq!(applied.events, [Event::SealKeysWanted { epoch: 1 }]);
    chain.pass(by_ms);
    chain.say_keys(&[0, 1, 2, 3], 1);
    // Nodes' deadlines do not pass faster.
    assert_eq!(
        chain.runtime.next_due_ms(),
        Some(chain.time_ms + OLD_KEYS_MS)
    );
}

#[test]
fn without_a_length_an_epoch_never_ends() {
    let (mut chain, poll) = Chain::with_poll();
    chain.vote(&user(1), poll, 0);
    assert_eq!(chain.runtime.next_due_ms(), None);
    chain.pass(1 << 40);
    assert_eq!(chain.runtime.wants_seal_key(0), None);
}

/// What was refused at the end of an epoch leaves no trace, and the same voter can try again.
#[test]
fn a_ballot_under_old_keys_can_be_sealed_again() {
    let (mut chain, poll) = chain(0);
    chain.vote(&user(1), poll, 0);
    let voter = user(5);
    let data = chain.ballot(&voter, poll, 1);
    chain.share(&[0, 1, 2, 3]);
    let (receipt, _) = chain.act(&voter, poll, data);
    assert!(!receipt.status);
    assert!(!chain.has_voted(poll, voter.address));
    let id = chain.vote(&voter, poll, 1);
    let info = chain.runtime.input(id).unwrap();
    assert_eq!(info.status, InputStatus::Accepted);
}
