//! Users who mean harm. They waste what is theirs, and nothing else: of what they send with one nonce
//! one thing at most is in a block, and what they copy never counts.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{Address, B256, Bytes, keccak256};
use k256::ecdsa::SigningKey;
use rand::RngExt as _;
use wire::{limits::PENDING_PER_SENDER, signing};
use zk_contract_runtime::{Applied, Event};

use crate::{Sim, Violation, key, users::sign};

/// Longest pause between two deeds, in milliseconds.
const PAUSE_MS: u64 = 200;

/// How a user means harm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mischief {
    /// Sends more than one sender may have pending, here and there.
    Flood,
    /// Sends nonces that are used already, or come too soon, or different things with one nonce.
    Nonces,
    /// Sends other people's sealed inputs as its own, and their transactions once more.
    Copies,
}

/// All who mean harm, and what came of it.
#[derive(Default)]
pub(crate) struct Rogues {
    rogues: Vec<Rogue>,
    /// Sender and nonce of what they sent.
    sent: BTreeMap<B256, (Address, u64)>,
    /// Those of what is in a block.
    used: BTreeSet<(Address, u64)>,
    /// Ids of copied inputs.
    copies: BTreeSet<B256>,
}

struct Rogue {
    key: SigningKey,
    address: Address,
    mischief: Mischief,
    poll: Address,
    from_ms: u64,
    left: u32,
}

impl Sim {
    /// A new user who does so many evil deeds to a poll, from a time on.
    pub fn add_rogue(&mut self, poll: Address, mischief: Mischief, from_ms: u64, deeds: u32) {
        let key = key(0x66, u8::try_from(self.rogues.rogues.len()).unwrap());
        self.rogues.rogues.push(Rogue {
            address: signing::address(key.verifying_key()),
            key,
            mischief,
            poll,
            from_ms,
            left: deeds,
        });
    }

    pub(crate) fn act_rogues(&mut self) {
        if self.users.included.is_empty() {
            return; // The poll is not deployed.
        }
        for index in 0..self.rogues.rogues.len() {
            let rogue = &self.rogues.rogues[index];
            if rogue.left == 0 || rogue.from_ms > self.now_ms {
                continue;
            }
            let Some(node) = self.random_up() else { return };
            let pause_ms = self.rng.random_range(0..=PAUSE_MS);
            let rogue = &mut self.rogues.rogues[index];
            rogue.left -= 1;
            rogue.from_ms = self.now_ms + pause_ms;
            let (mischief, next) = (rogue.mischief, self.machines_nonce(node, index));
            match mischief {
                Mischief::Flood => self.flood(index, next),
                Mischief::Nonces => self.spoil_nonces(index, next),
                Mischief::Copies => self.copy(index, next),
            }
        }
    }

    /// A rogue's next nonce, as a node has it.
    fn machines_nonce(&self, node: usize, index: usize) -> u64 {
        self.runtime(node).nonce(self.rogues.rogues[index].address)
    }

    fn flood(&mut self, index: usize, next: u64) {
        for more in 0..PENDING_PER_SENDER as u64 + 2 {
            for _ in 0..2 {
                self.send_rogue(index, next + more, poll::call("bump"));
            }
        }
    }

    fn spoil_nonces(&mut self, index: usize, next: u64) {
        let far = self.rng.random_range(1..40);
        for nonce in [next.saturating_sub(1), next, next, next + far, u64::MAX] {
            let mark = self.rng.random_range(0..=u8::MAX);
            let data = [&poll::call("bump")[..], &[mark]].concat();
            self.send_rogue(index, nonce, data.into());
        }
    }

    fn copy(&mut self, index: usize, next: u64) {
        let victims = self.users.sealed();
        if victims.is_empty() {
            return;
        }
        let (raw, data) = victims[self.rng.random_range(0..victims.len())].clone();
        self.submit(raw);
        let id = self.send_rogue(index, next, data);
        self.rogues.copies.insert(id);
    }

    /// Sends a call of a rogue to some node; its hash.
    fn send_rogue(&mut self, index: usize, nonce: u64, data: Bytes) -> B256 {
        let Rogue {
            key, address, poll, ..
        } = &self.rogues.rogues[index];
        let raw = sign(key, nonce, Some(*poll), data);
        let hash = keccak256(&raw);
        self.rogues.sent.insert(hash, (*address, nonce));
        self.submit(raw);
        hash
    }

    /// Looks at what is in a block of what rogues sent, once for each block.
    pub(crate) fn check_rogues(&mut self, applied: &Applied) {
        for receipt in &applied.receipts {
            let transaction = receipt.tx_hash;
            if let Some(place) = self.rogues.sent.get(&transaction) {
                *self.seen.entry("transactions of rogues").or_default() += 1;
                if !self.rogues.used.insert(*place) {
                    self.violate(Violation::Twice { transaction });
                }
            }
        }
        for event in &applied.events {
            match event {
                Event::InputRejected { id } if self.rogues.copies.contains(id) => {
                    *self.seen.entry("copies rejected").or_default() += 1;
                }
                Event::InputAccepted { id } if self.rogues.copies.contains(id) => {
                    self.violate(Violation::Copied { input: *id });
                }
                _ => {}
            }
        }
    }
}
