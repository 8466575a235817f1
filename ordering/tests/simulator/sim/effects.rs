//! What nodes do: their effects on disk, users, peers and sessions.

use alloy_primitives::{B256, keccak256};
use ordering::{Effect, Input, SyncBatch};
use rand::RngExt as _;
use wire::{node_transaction::StopReason, peer::PeerMessage};
use zk_contract_runtime::Applied;

use super::{Event, Sim};

impl Sim {
    pub fn step(&mut self, node: usize, input: Input) {
        let now_ms = self.clock(node);
        let Some(ordering) = &mut self.machines[node].ordering else {
            return;
        };
        let effects = ordering.step(input, now_ms);
        self.trace.update(self.now_ms.to_be_bytes());
        self.trace.update([
            u8::try_from(node).unwrap(),
            u8::try_from(effects.len() % 256).unwrap(),
        ]);
        self.perform(node, effects);
    }

    pub(super) fn perform(&mut self, node: usize, effects: Vec<Effect>) {
        let doomed = self.machines[node].doomed && !effects.is_empty();
        let last = if doomed {
            self.rng.random_range(0..effects.len())
        } else {
            usize::MAX
        };
        for (index, effect) in effects.into_iter().enumerate() {
            if index >= last {
                // A write that the crash cuts short leaves its beginning.
                if let Effect::AppendWal(record) = &effect {
                    let length = self.rng.random_range(0..record.len());
                    self.machines[node].wal.push(record.slice(..length));
                }
                self.kill(node);
                return;
            }
            self.do_effect(node, effect);
        }
    }

    fn do_effect(&mut self, node: usize, effect: Effect) {
        let machine = &mut self.machines[node];
        match effect {
            Effect::AppendWal(record) => machine.wal.push(record),
            Effect::ResetWal => machine.wal.clear(),
            Effect::AppendBlock(block) => {
                let hash = keccak256(&block.block);
                assert_eq!(block.certificate.height, machine.blocks.len() as u64 + 1);
                let index = machine.blocks.len();
                machine.blocks.push(block);
                if self.chain.len() == index {
                    self.chain.push((hash, None, self.now_ms));
                }
                assert_eq!(self.chain[index].0, hash, "seed {}: a fork", self.seed);
            }
            Effect::Send { to, message } => self.send(node, usize::from(to), &message),
            Effect::Broadcast(message) => {
                (0..4)
                    .filter(|&to| to != node)
                    .for_each(|to| self.send(node, to, &message));
            }
            Effect::SendBlocks { to, from } => {
                let mut batch = SyncBatch::default();
                let first = usize::try_from(from).unwrap() - 1;
                let rest = machine.blocks[first..].iter();
                let _ = rest
                    .map_while(|block| batch.push(block.clone()).then_some(()))
                    .count();
                self.send(
                    node,
                    usize::from(to),
                    &PeerMessage::Blocks(batch.into_blocks()),
                );
            }
            Effect::Reply { request, result } => self.users.reply(request, result, self.now_ms),
            Effect::Wake { at_ms } => {
                machine.wake_ms = Some(at_ms);
                let in_ms = at_ms.saturating_sub(self.clock(node));
                self.at(in_ms, Event::Wake { node, at_ms });
            }
            Effect::Applied(applied, block) => {
                self.on_applied(node, &applied, block.header.time_ms)
            }
            Effect::OpenSeal { input } => {
                // Two nodes that miss their seeds reject an input, so one of them is slow only.
                let slow = self.rng.random_bool(self.slow_seals) && node == 1;
                let in_ms = self.rng.random_range(1..20);
                if slow {
                    self.later(node, in_ms, Input::SeedsMissing { input });
                    self.later(node, in_ms + 300, Input::SeedsHeld { input });
                } else {
                    self.later(node, in_ms, Input::SeedsHeld { input });
                }
            }
            Effect::StartSession {
                computation,
                attempt,
                not_before_ms,
            } => {
                machine.sessions.push((computation, attempt));
                let clock_ms = self.clock(node);
                let wait_ms = not_before_ms.saturating_sub(clock_ms) + 200;
                let Some(job) = self.runtime(node).job(computation) else {
                    return;
                };
                let split = self.split_attempt && attempt == 0;
                if split && node == 3 {
                    return;
                }
                let input = if split && node == 0 {
                    Input::SessionStopped {
                        computation,
                        attempt,
                        reason: StopReason::Silence { peer: 3 },
                    }
                } else if (0..4).all(|node| self.is_up(node)) {
                    let opened = (self.opened)(self, computation, &job);
                    Input::SessionDone {
                        computation,
                        attempt,
                        opened,
                    }
                } else {
                    let peer = (0..4).find(|&node| !self.is_up(node)).unwrap();
                    Input::SessionStopped {
                        computation,
                        attempt,
                        reason: StopReason::Silence {
                            peer: u8::try_from(peer).unwrap(),
                        },
                    }
                };
                self.later(node, wait_ms, input);
            }
            Effect::StopSession { .. } => {}
            Effect::Suspect { peer, suspicion } => {
                let text = format!("{node} suspects {peer}: {suspicion}");
                if self.byzantine.is_none() {
                    let expected = matches!(suspicion, ordering::Suspicion::Clock { .. });
                    assert!(expected, "seed {}: {text}", self.seed);
                } else {
                    assert_eq!(peer, 3, "seed {}: {text}", self.seed);
                }
                *self.suspicions.entry(suspicion.to_string()).or_default() += 1;
            }
            Effect::Halt(error) => panic!("seed {}: node {node} halts: {error}", self.seed),
        }
    }

    /// Gives a node an input later, unless it has been killed until then.
    pub fn later(&mut self, node: usize, in_ms: u64, input: Input) {
        let (life, input) = (self.machines[node].life, Box::new(input));
        self.at(in_ms, Event::Input { node, input, life });
    }

    fn on_applied(&mut self, node: usize, applied: &Applied, time_ms: u64) {
        let root = self.runtime_root(node, applied.number);
        let entry = &mut self.chain[usize::try_from(applied.number).unwrap() - 1];
        if let Some(root) = root {
            let agreed = *entry.1.get_or_insert(root);
            assert_eq!(agreed, root, "seed {}: another state", self.seed);
        }
        self.trace.update(applied.hash);
        self.users.on_applied(node, applied, time_ms, self.now_ms);
    }

    /// The state root after a block, if the node has not gone on from there in the same step.
    fn runtime_root(&self, node: usize, number: u64) -> Option<B256> {
        let head = self.machines[node].ordering.as_ref()?.runtime().head();
        (head.number == number).then_some(head.state_root)
    }
}
