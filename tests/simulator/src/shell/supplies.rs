//! Seeds of inputs and parts of lots: from the disk, else from peers, and checked.

use mpc_engine::{
    ComponentSeeds, Ending, EngineError, InputCollector, Ranges, ReserveShares, Task,
    component_hash,
};
use ordering::Input;
use rand::RngExt as _;
use wire::{
    limits::{LOT_PART_BYTES, NODES},
    peer::{LotPart, PeerMessage, SharedSeeds},
    sealed::Seed,
};
use zk_contract_runtime::{Job, JobTask};

use crate::{Lie, Piece, Sim};
use alloy_primitives::B256;

/// How long a node tries to get what it lacks before it is back, in milliseconds.
const STOCKING_MS: u64 = 30_000;

impl Sim {
    /// What an attempt needs; none as long as something is missing, for which peers are asked.
    pub(super) fn supplies(&mut self, node: usize, job: &Job) -> Option<Result<Task, EngineError>> {
        let (program, inputs, types, seed, reserve) = match &job.task {
            JobTask::Produce { amounts, .. } => {
                return Some(Ok(Task::Produce { amounts: *amounts }));
            }
            JobTask::Refresh { epoch } => {
                let mut complete = true;
                for input in self.runtime(node).inputs_before(*epoch) {
                    complete &= self.has_input(node, input);
                }
                return complete.then_some(Ok(Task::Toss));
            }
            JobTask::Compute {
                program,
                inputs,
                types,
                seed,
                reserve,
            } => (program, inputs, types, seed, reserve),
        };
        let mut complete = true;
        for (input, _) in inputs {
            complete &= self.has_input(node, *input);
        }
        let lots = reserve.iter().map(|slice| slice.lot);
        for lot in lots.chain(seed.map(|seed| seed.lot)) {
            complete &= self.has_lot(node, lot);
        }
        if !complete {
            return None;
        }
        let me = u8::try_from(node).unwrap();
        let collect = || {
            let mut collector = InputCollector::new(me, program, types)?;
            for (input, input_type) in inputs {
                if let Some(held) = self.components(node, *input) {
                    let held = held.each_ref().map(|component| component.as_deref());
                    collector.push_components(*input_type, held)?;
                }
            }
            let mut shares = ReserveShares::new(me);
            for slice in reserve {
                let parts = self.parts(node, slice.lot, &slice.ranges);
                let Some(info) = self.runtime(node).lot(slice.lot) else {
                    continue;
                };
                let parts = parts.each_ref().map(|part| part.as_deref());
                shares.push(&info.amounts, &slice.ranges, parts)?;
            }
            let seeds = match seed {
                Some(seed) => {
                    let ranges = Ranges {
                        seeds: seed.index..seed.index + 1,
                        ..Ranges::default()
                    };
                    let parts = self.parts(node, seed.lot, &ranges);
                    let parts = parts.each_ref().map(|part| part.as_deref());
                    Some(ComponentSeeds::new(me, parts)?)
                }
                None => None,
            };
            Ok(Task::Compute {
                program: program.clone(),
                inputs: collector.finish()?,
                seeds,
                reserve: job.absent.map(|_| shares),
                ending: Ending::Commit,
            })
        };
        Some(collect())
    }

    /// These ranges of the components of a lot that a node holds; the seeds alone if there is
    /// nothing else.
    fn parts(&self, node: usize, lot: u64, ranges: &Ranges) -> [Option<Vec<u8>>; NODES] {
        let Some(info) = self.runtime(node).lot(lot) else {
            return [const { None }; NODES];
        };
        let mut places = info.amounts.byte_ranges(ranges);
        if ranges.seeds.end > ranges.seeds.start {
            places = vec![info.amounts.seed_range(ranges.seeds.start)];
        }
        std::array::from_fn(|component| {
            let component = u8::try_from(component).unwrap();
            let piece = self.machines[node].disk.lots.get(&(lot, component))?;
            let mut bytes = Vec::new();
            for place in &places {
                let [start, end] = [place.start, place.end].map(|at| usize::try_from(at).unwrap());
                bytes.extend_from_slice(piece.bytes.get(start..end)?);
            }
            Some(bytes)
        })
    }

    /// Whether a node has its components of an input, or its seeds if it is as its user shared it.
    fn has_input(&mut self, node: usize, input: B256) -> bool {
        let pending = self.runtime(node).pending_input(input);
        match pending.is_some_and(|pending| self.is_anew(node, &pending)) {
            true => self.has_shares(node, input),
            false => self.has_seeds(node, input),
        }
    }

    /// Whether a node has its seeds of an input, of which the seal is opened if need be, or needs none.
    pub(crate) fn has_seeds(&mut self, node: usize, input: B256) -> bool {
        if self.machines[node].disk.seeds.contains_key(&input) {
            return true;
        }
        let Some(pending) = self.runtime(node).pending_input(input) else {
            return true; // It is rejected: nobody needs them.
        };
        if self.is_anew(node, &pending) {
            return true;
        }
        let me = u8::try_from(node).unwrap();
        let key = self.seal_key(node, pending.binding.key_epoch);
        let opened = key.and_then(|key| key.open(me, &pending.binding, &pending.sealed).ok());
        if let Some(seeds) = opened {
            let bytes = seeds.map(|seed| seed.map(|seed| *seed.expose()));
            self.machines[node].disk.seeds.insert(input, bytes);
            return true;
        }
        let wanted = &mut self.machines[node].shell.seeds;
        wanted.entry(input).or_default();
        self.glance_soon(node);
        false
    }

    /// Asks no more for the seeds of an input that is rejected.
    pub(crate) fn forget_seeds(&mut self, node: usize, input: B256) {
        self.machines[node].shell.seeds.remove(&input);
    }

    /// Whether a node has its components of a lot.
    fn has_lot(&mut self, node: usize, lot: u64) -> bool {
        let me = u8::try_from(node).unwrap();
        let Some(info) = self.runtime(node).lot(lot) else {
            return true;
        };
        let hashes = info.hashes;
        let mut complete = true;
        for component in (0..4u8).filter(|component| *component != me) {
            let piece = self.machines[node].disk.lots.get(&(lot, component));
            let hash = hashes[usize::from(component)];
            if piece.is_none_or(|piece| component_hash(&piece.bytes) != hash.0) {
                self.machines[node].shell.pieces.insert((lot, component));
                complete = false;
            }
        }
        if !complete {
            self.glance_soon(node);
        }
        complete
    }

    pub(crate) fn keep_lot(&mut self, node: usize, lot: u64) {
        self.has_lot(node, lot);
    }

    pub(crate) fn forget_lots(&mut self, node: usize) {
        let runtime = self.runtime(node);
        let mut wanted: Vec<u64> = runtime.lots().keys().copied().collect();
        for job in runtime.jobs() {
            if let Some(JobTask::Produce { lot, .. }) = runtime.job(job).map(|job| job.task) {
                wanted.push(lot);
            }
        }
        let machine = &mut self.machines[node];
        machine.disk.lots.retain(|(lot, _), _| wanted.contains(lot));
        machine.shell.pieces.retain(|(lot, _)| wanted.contains(lot));
    }

    pub(crate) fn take_stock(&mut self, node: usize) {
        self.machines[node].shell.stocking_ms = Some(self.now_ms);
        self.glance_soon(node);
    }

    pub(super) fn check_stock(&mut self, node: usize) {
        let Some(since_ms) = self.machines[node].shell.stocking_ms else {
            return;
        };
        let lots: Vec<u64> = self.runtime(node).lots().keys().copied().collect();
        let shell = &self.machines[node].shell;
        let mut complete = shell.seeds.is_empty() && shell.shares.is_empty();
        for lot in lots {
            complete &= self.has_lot(node, lot);
        }
        if complete || self.now_ms - since_ms > STOCKING_MS {
            self.machines[node].shell.stocking_ms = None;
            self.later(node, 1, Input::Stocked);
        }
    }

    /// Asks peers for what this node lacks.
    pub(super) fn ask_peers(&mut self, node: usize) {
        let shell = &self.machines[node].shell;
        let inputs: Vec<B256> = shell.seeds.keys().copied().collect();
        let pieces: Vec<_> = shell.pieces.iter().copied().collect();
        if !inputs.is_empty() {
            let message = PeerMessage::WantSeeds { inputs };
            for to in (0..4).filter(|to| *to != node) {
                self.send(node, to, &message);
            }
        }
        self.ask_for_shares(node);
        for (lot, component) in pieces {
            let to = self.rng.random_range(0..4);
            let known = self.runtime(node).lot(lot).is_some();
            if !known {
                self.machines[node].shell.pieces.remove(&(lot, component));
            } else if to != node && to != usize::from(component) {
                let offset = 0;
                let message = PeerMessage::WantLot {
                    lot,
                    component,
                    offset,
                };
                self.send(node, to, &message);
            }
        }
    }

    /// Takes the messages between peers that are not for ordering; gives back the others.
    pub(crate) fn hear(
        &mut self,
        node: usize,
        from: usize,
        message: PeerMessage,
    ) -> Option<PeerMessage> {
        if !self.is_up(node) {
            return None;
        }
        match message {
            PeerMessage::WantSeeds { inputs } => {
                let seeds = inputs
                    .into_iter()
                    .map(|input| self.shared(node, from, input));
                let seeds = PeerMessage::Seeds(seeds.collect());
                self.send(node, from, &seeds);
            }
            PeerMessage::Seeds(seeds) => {
                for shared in seeds {
                    self.take_seeds(node, &shared);
                }
            }
            PeerMessage::WantShares { sharing, inputs } => {
                self.give_shares(node, from, sharing, inputs);
            }
            PeerMessage::Shares { sharing, shares } => {
                self.take_shares(node, sharing, &shares);
            }
            PeerMessage::WantLot {
                lot,
                component,
                offset,
            } => {
                let entitled = usize::from(component) != from;
                let piece = self.machines[node].disk.lots.get(&(lot, component));
                if let Some(piece) = piece.filter(|_| entitled) {
                    let start = usize::try_from(offset).unwrap_or(usize::MAX);
                    let rest = piece.bytes.get(start..).unwrap_or_default();
                    let mut bytes = rest[..rest.len().min(LOT_PART_BYTES)].to_vec();
                    if self.lies(node, Lie::Parts) {
                        bytes.iter_mut().take(1).for_each(|byte| *byte ^= 1);
                    }
                    let part = LotPart {
                        lot,
                        component,
                        offset,
                        bytes,
                    };
                    self.send(node, from, &PeerMessage::LotPart(part));
                }
            }
            PeerMessage::LotPart(part) => {
                let info = self.runtime(node).lot(part.lot);
                let hash = info.and_then(|info| info.hashes.get(usize::from(part.component)));
                let good = hash.is_some_and(|hash| hash.0 == component_hash(&part.bytes));
                let place = (part.lot, part.component);
                if good && self.machines[node].shell.pieces.remove(&place) {
                    let piece = Piece {
                        attempt: None,
                        bytes: part.bytes.clone(),
                    };
                    self.machines[node].disk.lots.insert(place, piece);
                    *self.seen.entry("parts of lots from peers").or_default() += 1;
                }
            }
            other => return Some(other),
        }
        None
    }

    /// What a peer may have of the seeds that a node holds.
    fn shared(&self, node: usize, peer: usize, input: B256) -> SharedSeeds {
        let held = self.machines[node].disk.seeds.get(&input);
        let lie = u8::from(self.lies(node, Lie::Parts));
        let seeds = held.into_iter().flatten().zip(0u8..);
        let seeds = seeds
            .filter(|(_, component)| usize::from(*component) != peer)
            .filter_map(|(seed, component)| {
                let mut seed = (*seed)?;
                seed[0] ^= lie;
                Some((component, seed))
            });
        SharedSeeds {
            input,
            seeds: seeds.collect(),
        }
    }

    fn take_seeds(&mut self, node: usize, shared: &SharedSeeds) {
        let input = shared.input;
        let Some(pending) = self.runtime(node).pending_input(input) else {
            return;
        };
        let machine = &mut self.machines[node];
        let Some(got) = machine.shell.seeds.get_mut(&input) else {
            return;
        };
        for (component, bytes) in &shared.seeds {
            let place = usize::from(*component);
            let expected = pending.sealed.commitments.get(place);
            let commitment = pending.binding.commit(*component, &Seed::new(*bytes));
            if place != node && expected == Some(&commitment) {
                got[place] = Some(*bytes);
            }
        }
        if got.iter().flatten().count() == NODES - 1 {
            machine.disk.seeds.insert(input, *got);
            machine.shell.seeds.remove(&input);
            self.later(node, 1, Input::SeedsHeld { input });
        }
    }
}
