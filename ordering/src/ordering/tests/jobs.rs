//! A node's part in a job: the making of a lot, which needs no contract.

use wire::{
    limits::{JOIN_MS, RESERVE_IDLE_MS},
    node_transaction::{NodeMessage, StopReason},
};
use zk_contract_runtime::{Stage, lot_job};

use super::*;
use crate::{fixtures::block_with, ordering::duties::opens_any};

/// One node among three of which the test tells what they do.
struct Node {
    ordering: Ordering,
    blocks: Vec<DecidedBlock>,
    now_ms: u64,
}

fn with_reserve() -> wire::committee::Committee {
    wire::committee::Committee {
        reserve_lots: 1,
        ..committee()
    }
}

fn start(blocks: &[DecidedBlock], now_ms: u64) -> (Ordering, Vec<Effect>) {
    let mut runtime = Runtime::new(with_reserve());
    for block in blocks {
        Ordering::replay(&mut runtime, block).unwrap();
    }
    let config = Config::new(with_reserve(), 0, key(0));
    Ordering::new(config, runtime, vec![], now_ms).unwrap()
}

impl Node {
    fn new() -> Self {
        Self {
            ordering: start(&[], GENESIS_MS).0,
            blocks: Vec::new(),
            now_ms: GENESIS_MS,
        }
    }

    /// The next block, after so many milliseconds, in which nodes say this.
    fn block(&mut self, after_ms: u64, said: Vec<(u8, NodeMessage)>) -> Vec<Effect> {
        self.now_ms += after_ms;
        let runtime = self.ordering.runtime();
        let height = runtime.head().number + 1;
        let block = block_with(runtime, 1, self.now_ms, said);
        let block = decided(block, height, &[1, 2, 3]);
        self.blocks.push(block.clone());
        let message = PeerMessage::Blocks(vec![block]);
        self.ordering
            .step(Input::Peer { from: 2, message }, self.now_ms)
    }

    /// What this node wants in the next block.
    fn says(&mut self) -> Vec<NodeMessage> {
        let own = self.ordering.own_transaction();
        own.map(|signed| signed.transaction.messages)
            .unwrap_or_default()
    }

    fn step(&mut self, input: Input) -> Vec<Effect> {
        self.ordering.step(input, self.now_ms)
    }

    /// Up to where nodes join the making of the first lot, which is the job.
    fn idle(&mut self) -> (B256, Vec<Effect>) {
        let mut effects = self.block(RESERVE_IDLE_MS + 1, vec![]);
        // The first block may only note that there was nothing to do.
        while self.ordering.runtime().jobs().is_empty() && self.blocks.len() < 5 {
            effects = self.block(RESERVE_IDLE_MS + 1, vec![]);
        }
        (lot_job(0), effects)
    }

    /// What the other three say when they join.
    fn joins(job: B256, nodes: &[u8]) -> Vec<(u8, NodeMessage)> {
        let join = |node: &u8| {
            let nonce = B256::repeat_byte(*node);
            (*node, join(job, nonce))
        };
        nodes.iter().map(join).collect()
    }
}

fn join(job: B256, nonce: B256) -> NodeMessage {
    NodeMessage::Join {
        job,
        attempt: 0,
        nonce,
    }
}

fn local_stop(job: B256) -> NodeMessage {
    NodeMessage::Stop {
        job,
        attempt: 0,
        reason: StopReason::Local,
    }
}

fn asks(effects: &[Effect], wanted: impl Fn(&Effect) -> bool) -> bool {
    effects.iter().any(wanted)
}

fn is_prepare(effect: &Effect) -> bool {
    matches!(effect, Effect::Prepare { attempt: 0, .. })
}

fn is_start(effect: &Effect) -> bool {
    matches!(effect, Effect::StartSession { attempt: 0, .. })
}

#[test]
fn a_block_is_made_when_the_state_has_something_to_do() {
    let (mut ordering, _) = start(&[], GENESIS_MS);
    let due_ms = ordering.runtime().next_due_ms().unwrap();
    assert!(due_ms > GENESIS_MS && due_ms < GENESIS_MS + 5_000);
    ordering.step(Input::Tick, due_ms - 1);
    assert!(!ordering.engine.is_running());
    let effects = ordering.step(Input::Tick, due_ms);
    let wakes = |effect: &Effect| matches!(effect, Effect::Wake { at_ms } if *at_ms <= due_ms + 5);
    assert!(asks(&effects, wakes) || ordering.engine.is_running());
    ordering.step(Input::Tick, due_ms + 5);
    assert!(ordering.engine.is_running());
}

#[test]
fn a_node_joins_runs_and_is_ready() {
    let mut node = Node::new();
    let (job, effects) = node.idle();
    assert!(asks(&effects, is_prepare), "{effects:?}");
    assert_eq!(node.says(), [], "not ready yet");
    let own = B256::repeat_byte(0xaa);
    node.step(Input::Prepared {
        job,
        attempt: 0,
        nonce: own,
    });
    assert_eq!(node.says(), [join(job, own)]);
    let mut said = Node::joins(job, &[1, 2, 3]);
    said.insert(0, (0, join(job, own)));
    let effects = node.block(10, said);
    assert!(asks(&effects, is_start), "{effects:?}");
    assert_eq!(node.says(), []);
    let hashes = |me: u8| {
        let hash = |c: u8| (c != me).then(|| B256::repeat_byte(c));
        [0, 1, 2, 3].map(hash)
    };
    node.step(Input::SessionReady {
        job,
        attempt: 0,
        commitments: hashes(0),
    });
    let ready = |me: u8| NodeMessage::Ready {
        job,
        attempt: 0,
        commitments: hashes(me),
    };
    assert_eq!(node.says(), [ready(0)]);
    let effects = node.block(10, (0..4).map(|me| (me, ready(me))).collect());
    let kept = |effect: &Effect| matches!(effect, Effect::KeepLot { lot: 0 });
    assert!(asks(&effects, kept), "{effects:?}");
    assert_eq!(node.says(), []);
    // The next process sees to it that the lot is there.
    let (_, effects) = start(&node.blocks, node.now_ms);
    assert!(asks(&effects, kept));
}

#[test]
fn what_the_process_before_joined_is_not_joined_again() {
    let mut node = Node::new();
    let (job, _) = node.idle();
    let own = B256::repeat_byte(0xaa);
    node.block(10, vec![(0, join(job, own))]);
    // Started again while others have not joined yet.
    let (ordering, effects) = start(&node.blocks, node.now_ms);
    assert!(asks(&effects, is_prepare), "{effects:?}");
    node.ordering = ordering;
    node.step(Input::Prepared {
        job,
        attempt: 0,
        nonce: B256::repeat_byte(0xbb),
    });
    assert_eq!(node.says(), [local_stop(job)]);
    // Started again when all have.
    let (mut again, _) = start(&node.blocks, node.now_ms);
    std::mem::swap(&mut again, &mut node.ordering);
    node.block(10, Node::joins(job, &[1, 2, 3]));
    let stage = node.ordering.runtime().job(job).unwrap().stage;
    assert!(matches!(stage, Stage::Running { .. }));
    let (ordering, effects) = start(&node.blocks, node.now_ms);
    assert!(asks(&effects, is_start) && !asks(&effects, is_prepare));
    node.ordering = ordering;
    node.step(Input::SessionStopped {
        job,
        attempt: 0,
        reason: StopReason::Local,
    });
    assert_eq!(node.says(), [local_stop(job)]);
}

#[test]
fn what_is_said_of_an_attempt_that_is_over_is_forgotten() {
    let mut node = Node::new();
    let (job, _) = node.idle();
    let nonce = B256::repeat_byte(0xaa);
    node.step(Input::Prepared {
        job,
        attempt: 1,
        nonce,
    });
    assert_eq!(node.says(), [], "there is no such attempt");
    let mut said = Node::joins(job, &[1, 2, 3]);
    said.insert(0, (0, join(job, nonce)));
    node.block(10, said);
    node.step(Input::SessionStopped {
        job,
        attempt: 0,
        reason: StopReason::Silence { peer: 3 },
    });
    assert_eq!(node.says().len(), 1);
    let effects = node.block(10, vec![(2, local_stop(job))]);
    let stops = |effect: &Effect| matches!(effect, Effect::StopSession { .. });
    assert!(asks(&effects, stops), "{effects:?}");
    assert_eq!(node.says(), []);
}

#[test]
fn a_node_that_is_away_takes_stock_and_calls_itself_back() {
    let mut node = Node::new();
    let (job, _) = node.idle();
    node.block(10, Node::joins(job, &[1, 2, 3]));
    node.block(2 * JOIN_MS, vec![]);
    assert!(node.ordering.runtime().is_away(0));
    let repeat_ms = node.ordering.config.repeat_ms;
    let takes_stock = |effect: &Effect| matches!(effect, Effect::TakeStock);
    let later = |node: &mut Node| {
        node.now_ms += repeat_ms;
        let effects = node.step(Input::Tick);
        asks(&effects, takes_stock)
    };
    assert!(!later(&mut node), "nobody is connected");
    let head = node.ordering.runtime().head().number;
    for (peer, height) in [(1, head), (2, u64::MAX), (3, head)] {
        node.step(Input::PeerUp { peer });
        let message = PeerMessage::Status { height };
        node.step(Input::Peer {
            from: peer,
            message,
        });
    }
    assert!(later(&mut node), "one that boasts does not matter");
    assert!(!later(&mut node), "once");
    assert_eq!(node.says(), []);
    node.step(Input::Stocked);
    assert_eq!(node.says(), [NodeMessage::Here]);
    node.block(10, vec![(0, NodeMessage::Here)]);
    assert!(!node.ordering.runtime().is_away(0));
    assert_eq!(node.says(), []);
    assert!(!later(&mut node));
}

#[test]
fn a_late_session_opens_only_what_the_log_lacks_and_was_agreed_on() {
    let agreed = [0, 1, 2, 3].map(B256::repeat_byte);
    let own = agreed.map(|c| (c != agreed[2]).then_some(c));
    let lacks = |components: &[u8]| -> Vec<_> {
        let wanted = components.iter().map(|c| (*c, agreed[usize::from(*c)]));
        wanted.collect()
    };
    assert!(opens_any(&lacks(&[1]), &own));
    assert!(opens_any(&lacks(&[2, 3]), &own));
    assert!(!opens_any(&lacks(&[2]), &own), "it has not got that one");
    assert!(!opens_any(&[], &own));
    let other = own.map(|c| c.map(|c| c ^ B256::with_last_byte(1)));
    assert!(!opens_any(&lacks(&[0, 1, 2, 3]), &other));
}
