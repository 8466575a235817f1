//! Key epochs: sealing keys that are drawn, components that are shared anew or come from peers, and
//! what is erased.

use alloy_primitives::B256;
use mpc_engine::{RefreshKey, Tree, check_proven, component};
use ordering::Input;
use rand::RngExt as _;
use wire::{
    limits::NODES,
    peer::{InputShares, PeerMessage},
    seal_keys::{SealKeys, sharing_tag},
    sealed::{self, SealKey, Seed},
};
use zk_contract_runtime::PendingInput;

use super::SessionId;
use crate::{Lie, Sim, Violation};

/// The components that a node holds of an input, perhaps with what proves them.
pub(crate) type Held = [Option<Vec<u8>>; NODES];

/// The sealing key of a node in epoch 0.
pub(crate) fn first_key(node: usize) -> [u8; 32] {
    [0x20 + u8::try_from(node).unwrap(); 32]
}

impl Sim {
    /// The keys to which users seal, as a node tells them.
    pub(crate) fn seal_keys(&self, node: usize) -> SealKeys {
        let info = self.runtime(node).seal_keys();
        SealKeys::check(&self.committee, info.epoch, &info.keys).unwrap()
    }

    /// The sealing key of a node in an epoch, if it has one that is not erased.
    pub(super) fn seal_key(&self, node: usize, epoch: u64) -> Option<SealKey> {
        let disk = &self.machines[node].disk;
        let key = match epoch {
            0 if disk.keys_from == 0 => first_key(node),
            _ => *disk.keys.get(&epoch)?,
        };
        SealKey::from_bytes(&key).ok()
    }

    pub(crate) fn draw_seal_key(&mut self, node: usize, epoch: u64) {
        let me = u8::try_from(node).unwrap();
        let wanted = self.runtime(node).wants_seal_key(me) == Some(epoch);
        if !wanted || epoch < self.machines[node].disk.keys_from {
            return;
        }
        let drawn = self.rng.random();
        let keys = &mut self.machines[node].disk.keys;
        let key = *keys.entry(epoch).or_insert(drawn);
        let key = SealKey::from_bytes(&key).unwrap().public();
        self.later(node, 1, Input::SealKeyDrawn { epoch, key });
    }

    /// Erases what belongs to epochs that are over, and asks for what this node lacks.
    pub(crate) fn erase_epochs(&mut self, node: usize) {
        let sharing = self.runtime(node).sharing();
        let disk = &mut self.machines[node].disk;
        disk.keys_from = disk.keys_from.max(sharing.epoch);
        disk.keys.retain(|epoch, _| *epoch >= sharing.epoch);
        disk.shares
            .retain(|(epoch, tag), _| *epoch > sharing.epoch || *tag == sharing.tag);
        let anew = self.runtime(node).inputs_before(sharing.epoch);
        let machine = &mut self.machines[node];
        machine.shell.shares.clear();
        for input in &anew {
            machine.disk.seeds.remove(input);
            machine.shell.seeds.remove(input);
        }
        for input in anew {
            self.has_shares(node, input);
        }
    }

    /// Whether an input is shared anew.
    pub(super) fn is_anew(&self, node: usize, pending: &PendingInput) -> bool {
        pending.binding.key_epoch < self.runtime(node).sharing().epoch
    }

    /// Whether a node has its components of an input that is shared anew.
    pub(super) fn has_shares(&mut self, node: usize, input: B256) -> bool {
        if self.shares(node, input).is_some() {
            return true;
        }
        let wanted = &mut self.machines[node].shell.shares;
        wanted.entry(input).or_default();
        self.glance_soon(node);
        false
    }

    fn shares(&self, node: usize, input: B256) -> Option<&Held> {
        let sharing = self.runtime(node).sharing();
        let shares = &self.machines[node].disk.shares;
        shares.get(&(sharing.epoch, sharing.tag))?.get(&input)
    }

    /// The components of an input that a node holds in the sharing that counts, without proofs.
    pub(super) fn components(&self, node: usize, input: B256) -> Option<Held> {
        let pending = self.runtime(node).pending_input(input)?;
        let (ty, masked) = (&pending.input_type, &pending.sealed.masked);
        if self.is_anew(node, &pending) {
            let mut held = self.shares(node, input)?.clone();
            let proven = held.iter_mut().flatten();
            proven.for_each(|bytes| bytes.truncate(ty.bytes()));
            return Some(held);
        }
        let seeds = self.machines[node].disk.seeds.get(&input)?;
        let mut held = Held::default();
        for ((c, seed), place) in (0..).zip(seeds).zip(&mut held) {
            if let Some(seed) = seed {
                let bytes = component(ty, c, masked, &Seed::new(*seed)).unwrap();
                *place = Some(bytes.to_vec());
            }
        }
        Some(held)
    }

    /// A key is tossed: this node's components of a new sharing, and the root of each.
    pub(super) fn share_anew(
        &mut self,
        node: usize,
        epoch: u64,
        id: SessionId,
        key: &RefreshKey,
    ) -> [Option<[u8; 32]>; NODES] {
        let mut shared = Vec::new();
        for input in self.runtime(node).inputs_before(epoch) {
            let Some(mut held) = self.components(node, input) else {
                self.violate(Violation::Seeds { node, input });
                return [None; NODES];
            };
            if let Some(pending) = self.runtime(node).pending_input(input) {
                for (c, bytes) in (0..).zip(&mut held) {
                    if let Some(bytes) = bytes {
                        key.refresh(&input.0, &pending.input_type, c, bytes)
                            .unwrap();
                    }
                }
            }
            shared.push((input, held));
        }
        let mut roots = [None; NODES];
        for (c, place) in (0..4u8).zip(&mut roots) {
            let at = usize::from(c);
            if at == node {
                continue;
            }
            let bytes = |held: &Held| held[at].clone().unwrap();
            let leaves = shared.iter().map(|(id, h)| key.leaf(&id.0, c, &bytes(h)));
            let tree = Tree::new(leaves.collect());
            for (place, (id, held)) in shared.iter_mut().enumerate() {
                let proven = key.prove(&id.0, c, &bytes(held), (&tree, place));
                held[at] = Some(proven.to_vec());
            }
            *place = Some(tree.root());
        }
        let name = (epoch, sharing_tag(epoch, id.1));
        let disk = &mut self.machines[node].disk;
        disk.shares.insert(name, shared.into_iter().collect());
        roots
    }

    pub(super) fn ask_for_shares(&mut self, node: usize) {
        let inputs: Vec<B256> = self.machines[node].shell.shares.keys().copied().collect();
        if inputs.is_empty() {
            return;
        }
        let sharing = self.runtime(node).sharing().tag;
        let message = PeerMessage::WantShares { sharing, inputs };
        for to in (0..4).filter(|to| *to != node) {
            self.send(node, to, &message);
        }
    }

    /// What a peer may have of the components that a node holds.
    pub(super) fn give_shares(&mut self, node: usize, peer: usize, tag: B256, inputs: Vec<B256>) {
        if self.runtime(node).sharing().tag != tag {
            return;
        }
        let lie = u8::from(self.lies(node, Lie::Parts));
        let entitled = |input: B256| {
            let held = self.shares(node, input).into_iter().flatten().zip(0u8..);
            let components = held
                .filter(|(_, component)| usize::from(*component) != peer)
                .filter_map(|(bytes, component)| {
                    let mut bytes = bytes.clone()?;
                    bytes.iter_mut().take(1).for_each(|byte| *byte ^= lie);
                    Some((component, bytes))
                });
            InputShares {
                input,
                components: components.collect(),
            }
        };
        let shares = inputs.into_iter().map(entitled).collect();
        let sharing = tag;
        self.send(node, peer, &PeerMessage::Shares { sharing, shares });
    }

    pub(super) fn take_shares(&mut self, node: usize, tag: B256, shares: &[InputShares]) {
        let sharing = self.runtime(node).sharing();
        if sharing.tag != tag {
            return;
        }
        for InputShares { input, components } in shares {
            let Some(pending) = self.runtime(node).pending_input(*input) else {
                continue;
            };
            let machine = &mut self.machines[node];
            let Some(got) = machine.shell.shares.get_mut(input) else {
                continue;
            };
            for (c, proven) in components {
                let (place, length) = (usize::from(*c), pending.input_type.bytes());
                let root = sharing.roots.get(place).filter(|_| place != node);
                let check = |root: &B256| check_proven(&root.0, &input.0, *c, length, proven);
                if root.and_then(check).is_some() {
                    got[place] = Some(proven.clone());
                }
            }
            if got.iter().flatten().count() == NODES - 1 {
                let name = (sharing.epoch, tag);
                let held = machine.shell.shares.remove(input).unwrap_or_default();
                let kept = machine.disk.shares.entry(name).or_default();
                kept.insert(*input, held);
                *self.seen.entry("shares from peers").or_default() += 1;
            }
        }
    }

    /// Whether an honest node lacks components of what is shared anew.
    pub(crate) fn lacks_shares(&self) -> Option<usize> {
        self.honest()
            .find(|node| !self.machines[*node].shell.shares.is_empty())
    }

    /// Any two honest nodes hold what an accepted input says, and nothing of an epoch that is over.
    pub(crate) fn check_sharing(&mut self, nodes: [usize; 2], input: B256, value: u8) {
        let [one, two] = nodes.map(|node| self.components(node, input));
        let ty = poll::ballot_type();
        let mut sum = vec![0; ty.bytes()];
        let complete = one.zip(two).is_some_and(|(one, two)| {
            one.into_iter().zip(two).all(|(a, b)| {
                let agree = a.is_none() || b.is_none() || a == b;
                let component = a.or(b);
                component.is_some_and(|bytes| {
                    sealed::add(&ty, &mut sum, &bytes);
                    agree
                })
            })
        });
        let [node, _] = nodes;
        if !complete || sum != [value] {
            return self.violate(Violation::Seeds { node, input });
        }
        let epoch = self.runtime(node).sharing().epoch;
        let disk = &self.machines[node].disk;
        let is_old = |pending: &PendingInput| pending.binding.key_epoch < epoch;
        let old = self.runtime(node).pending_input(input).filter(is_old);
        let kept_seeds = old.is_some() && disk.seeds.contains_key(&input);
        let kept_keys = disk.keys_from < epoch || disk.keys.keys().any(|of| *of < epoch);
        let kept_shares = disk.shares.keys().any(|(of, _)| *of < epoch);
        if kept_seeds || kept_keys || kept_shares {
            self.violate(Violation::Kept { node, epoch });
        }
    }
}
