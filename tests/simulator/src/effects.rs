//! What nodes do: their effects on disk, users, peers and sessions.

use alloy_primitives::{B256, keccak256};
use ordering::{Effect, Input, Suspicion, SyncBatch};
use rand::RngExt as _;
use wire::{block::Block, codec, node_transaction::StopReason, peer::PeerMessage};
use zk_contract_runtime::{Applied, Event as Happened};

use crate::{Event, Lie, Sim, Violation};

/// After this time seeds that a seal does not give count as missing, unless a peer has sent them.
const SEEDS_MS: u64 = 8_000;

impl Sim {
    pub(crate) fn step(&mut self, node: usize, input: Input) {
        let now_ms = self.clock(node);
        let Some(ordering) = &mut self.machines[node].ordering else {
            return;
        };
        let text = self.tracing.then(|| input_text(&input));
        let effects = ordering.step(input, now_ms);
        if let Some(text) = text {
            let done: Vec<_> = effects.iter().map(effect_text).collect();
            self.note(|| format!("node {node} {text} -> {}", done.join(", ")));
        }
        self.record(&self.now_ms.to_be_bytes());
        let count = u8::try_from(effects.len() % 256).unwrap();
        self.record(&[u8::try_from(node).unwrap(), count]);
        self.perform(node, effects);
    }

    /// Performs effects in order. What is written is synced before anything else is done.
    pub(crate) fn perform(&mut self, node: usize, effects: Vec<Effect>) {
        let doomed = self.machines[node].doomed.is_some() && !effects.is_empty();
        let last = if doomed {
            self.rng.random_range(0..effects.len())
        } else {
            usize::MAX
        };
        for (index, effect) in effects.into_iter().enumerate() {
            if index >= last {
                self.interrupt(node, effect);
                self.kill(node);
                return;
            }
            if !matches!(effect, Effect::AppendWal(_)) {
                self.machines[node].disk.wal.sync();
            }
            self.do_effect(node, effect);
        }
        self.machines[node].disk.wal.sync();
    }

    /// The beginning of an effect in whose middle the node dies.
    fn interrupt(&mut self, node: usize, effect: Effect) {
        let disk = &mut self.machines[node].disk;
        match effect {
            Effect::AppendWal(record) => disk.wal.append(&record),
            Effect::AppendBlock(block) => disk.blocks.append(&codec::encode(&block)),
            Effect::ResetWal if self.rng.random_bool(0.5) => disk.wal.clear(),
            Effect::Broadcast(message) => {
                disk.wal.sync();
                let to = self.rng.random_range(0..4);
                if to != node {
                    self.send(node, to, &message);
                }
            }
            _ => {}
        }
    }

    fn do_effect(&mut self, node: usize, effect: Effect) {
        let machine = &mut self.machines[node];
        match effect {
            Effect::AppendWal(record) => machine.disk.wal.append(&record),
            Effect::ResetWal => machine.disk.wal.clear(),
            Effect::AppendBlock(block) => {
                machine.disk.blocks.append(&codec::encode(&block));
                machine.disk.blocks.sync();
                let (number, index) = (block.certificate.height, machine.blocks.len());
                let hash = keccak256(&block.block);
                machine.blocks.push(block);
                if self.chain.len() == index {
                    self.chain.push((hash, None, self.now_ms));
                }
                if number != index as u64 + 1 {
                    self.violate(Violation::Order { number });
                } else if self.chain[index].0 != hash {
                    self.violate(Violation::Fork { number });
                }
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
                let blocks = PeerMessage::Blocks(batch.into_blocks());
                self.send(node, usize::from(to), &blocks);
            }
            Effect::Reply { request, result } => {
                let answered = self.users.reply(request, result, self.now_ms);
                self.require(answered);
            }
            Effect::Wake { at_ms } => {
                machine.wake_ms = Some(at_ms);
                let in_ms = at_ms.saturating_sub(self.clock(node));
                self.at(in_ms, Event::Wake { node, at_ms });
            }
            Effect::Applied(applied, block) => self.on_applied(node, &applied, &block),
            Effect::OpenSeal { input } => self.open_seal(node, input),
            Effect::Prepare { job, attempt } => self.prepare(node, (job, attempt)),
            Effect::StartSession { job, attempt } => self.begin_session(node, (job, attempt)),
            Effect::StopSession { job } => self.stop_session(node, job),
            Effect::AnswerDispute { job, attempt } => self.answer_dispute(node, (job, attempt)),
            Effect::OpenOutputs { job, attempt } => self.open_outputs(node, (job, attempt)),
            Effect::DropOutputs { job } => self.drop_outputs(node, job),
            Effect::KeepLot { lot } => self.keep_lot(node, lot),
            Effect::DropLot { .. } => self.forget_lots(node),
            Effect::TakeStock => self.take_stock(node),
            Effect::DrawSealKey { epoch } => self.draw_seal_key(node, epoch),
            Effect::EraseEpochs { .. } => self.erase_epochs(node),
            Effect::Suspect { peer, suspicion } => {
                self.on_suspicion(node, usize::from(peer), &suspicion);
            }
            Effect::Halt(_) if !self.is_honest(node) => self.kill(node),
            Effect::Halt(error) => {
                let why = error.to_string();
                self.violate(Violation::Halted { node, why });
            }
        }
    }

    fn open_seal(&mut self, node: usize, input: B256) {
        let in_ms = self.rng.random_range(1..20);
        if self.lies(node, Lie::Seeds) {
            return self.later(node, in_ms, Input::SeedsMissing { input });
        }
        // Two nodes that miss their seeds reject an input, so one of them is slow only.
        let slow = self.rng.random_bool(self.slow_seals) && node == 1 && self.corrupt.is_none();
        if !self.has_seeds(node, input) {
            // Peers are asked; this does not count if they help in time.
            return self.later(node, SEEDS_MS, Input::SeedsMissing { input });
        }
        let held_ms = if slow {
            self.later(node, in_ms, Input::SeedsMissing { input });
            in_ms + 300
        } else {
            in_ms
        };
        self.later(node, held_ms, Input::SeedsHeld { input });
    }

    fn begin_session(&mut self, node: usize, id: (B256, u32)) {
        let (job, attempt) = id;
        let mut pretended = Vec::new();
        if self.lies(node, Lie::Stops) && self.rng.random_bool(0.5) {
            let peer = u8::try_from((node + 1) % 4).unwrap();
            pretended.push(StopReason::Silence { peer });
        }
        if self.lies(node, Lie::Complaints) {
            let peer = |offset: usize| u8::try_from((node + offset) % 4).unwrap();
            pretended.push(StopReason::Mismatch {
                round: self.rng.random_range(0..6),
                sender: peer(1),
                backup: peer(2),
                digest: B256::from(self.rng.random::<[u8; 32]>()),
            });
        }
        for reason in pretended {
            let input = Input::SessionStopped {
                job,
                attempt,
                reason,
            };
            let in_ms = self.rng.random_range(1..200);
            self.later(node, in_ms, input);
        }
        self.start_session(node, id);
    }

    fn on_suspicion(&mut self, by: usize, peer: usize, suspicion: &Suspicion) {
        let clocks = matches!(suspicion, Suspicion::Clock { .. });
        let forgot = self.machines[peer].forgot_to > 0;
        let excused = clocks || (forgot && matches!(suspicion, Suspicion::Equivocation(_)));
        if self.is_honest(by) && self.is_honest(peer) && !excused {
            let of = suspicion.to_string();
            self.violate(Violation::Blamed { by, peer, of });
        }
        *self.suspicions.entry(suspicion.to_string()).or_default() += 1;
    }

    /// Gives a node an input later, unless it has been killed until then.
    pub fn later(&mut self, node: usize, in_ms: u64, input: Input) {
        let (life, input) = (self.machines[node].life, Box::new(input));
        self.at(in_ms, Event::Input { node, input, life });
    }

    fn on_applied(&mut self, node: usize, applied: &Applied, block: &Block) {
        let number = applied.number;
        let root = self.runtime_root(node, number);
        let entry = &mut self.chain[usize::try_from(number).unwrap() - 1];
        if root.is_some_and(|root| *entry.1.get_or_insert(root) != root) {
            self.violate(Violation::State { number });
        }
        self.record(applied.hash.as_slice());
        let time_ms = block.header.time_ms;
        let judged = self.users.on_applied(applied, time_ms, self.now_ms);
        self.require(judged);
        self.check_computations(node, applied);
        for event in &applied.events {
            if let Happened::InputRejected { id } = event {
                self.forget_seeds(node, *id);
            }
        }
    }

    /// The state root after a block, if the node has not gone on from there in the same step.
    fn runtime_root(&self, node: usize, number: u64) -> Option<B256> {
        let head = self.machines[node].ordering.as_ref()?.runtime().head();
        (head.number == number).then_some(head.state_root)
    }
}

fn input_text(input: &Input) -> String {
    match input {
        Input::Peer { from, message } => format!("hears from {from}: {}", message_text(message)),
        Input::Submit { request, .. } => format!("is sent request {request}"),
        other => short(&format!("{other:?}")),
    }
}

fn effect_text(effect: &Effect) -> String {
    match effect {
        Effect::AppendWal(record) => format!("log {} bytes", record.len()),
        Effect::AppendBlock(block) => format!("store block {}", block.certificate.height),
        Effect::Send { to, message } => format!("tell {to} {}", message_text(message)),
        Effect::Broadcast(message) => format!("tell all {}", message_text(message)),
        Effect::Applied(applied, _) => {
            let events: Vec<_> = applied.events.iter().map(|e| format!("{e:?}")).collect();
            format!("applied {} [{}]", applied.number, events.join("; "))
        }
        Effect::Reply { request, result } => short(&format!("answer {request}: {result:?}")),
        other => short(&format!("{other:?}")),
    }
}

fn message_text(message: &PeerMessage) -> String {
    match message {
        PeerMessage::Proposal(signed) => {
            let p = &signed.message;
            let hash = &keccak256(&p.block).to_string()[..10];
            format!("proposal {}/{} {hash}", p.height, p.round)
        }
        PeerMessage::Vote(signed) => {
            let v = &signed.message;
            let block = v
                .block
                .map_or_else(|| "nil".into(), |b| b.to_string()[..10].to_owned());
            format!("{:?} {}/{} {block}", v.kind, v.height, v.round)
        }
        PeerMessage::Blocks(blocks) => format!("{} blocks", blocks.len()),
        PeerMessage::Transactions(envelopes) => format!("{} transactions", envelopes.len()),
        PeerMessage::NodeTransaction(signed) => {
            short(&format!("{:?}", signed.transaction.messages))
        }
        other => short(&format!("{other:?}")),
    }
}

fn short(text: &str) -> String {
    text.chars().take(160).collect()
}
