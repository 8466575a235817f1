//! Users who send transactions, one after another, to whichever node answers, and again when none
//! does or when the transaction is in no block after a while.

use std::collections::BTreeMap;

use alloy_consensus::{SignableTransaction as _, TxEip1559, TxEnvelope};
use alloy_eips::Encodable2718 as _;
use alloy_primitives::{Address, B256, Bytes, Signature, TxKind, U256, keccak256};
use k256::ecdsa::SigningKey;
use ordering::{Input, Refusal};
use rand::RngExt as _;
use wire::{
    sealed::{self, Seed},
    signing,
    transaction::Deployment,
};
use zk_contract_runtime::Applied;

use super::{CHAIN_ID, Sim, contract};

/// Gas of a call.
const GAS: u64 = 3_000_000;
const ANSWER_MS: u64 = 800;
const INCLUSION_MS: u64 = 4_000;

pub struct User {
    pub key: SigningKey,
    pub address: Address,
    /// All that it sends, in order.
    pub script: Vec<(Option<Address>, Bytes)>,
    acknowledged: usize,
    /// What it waits for: request, and until when.
    asked: Option<(u64, u64)>,
    /// It sends nothing new before this.
    idle_until_ms: u64,
    sent: Vec<(B256, Bytes, u64)>,
}

#[derive(Default)]
pub struct Users {
    pub users: Vec<User>,
    requests: u64,
    asked: BTreeMap<u64, usize>,
    /// How often each transaction was in a block, as the first node to apply it saw.
    pub included: BTreeMap<B256, u32>,
    /// Receipts of the first node to apply a block.
    pub failed: Vec<(B256, Option<String>)>,
    applied: u64,
    pub last_time_ms: u64,
    pub times: Vec<(u64, u64)>,
    pub latencies_ms: Vec<u64>,
    /// Choices of ballots by input id.
    pub choices: BTreeMap<B256, u8>,
    /// Longest pause of a user between two transactions.
    pub pause_ms: u64,
}

impl Users {
    pub fn add(&mut self, script: Vec<(Option<Address>, Bytes)>) -> usize {
        let number = u8::try_from(self.users.len()).unwrap();
        let key = super::key(0x55, number);
        self.users.push(User {
            address: signing::address(key.verifying_key()),
            key,
            script,
            acknowledged: 0,
            asked: None,
            idle_until_ms: 0,
            sent: Vec::new(),
        });
        usize::from(number)
    }

    pub fn reply(&mut self, request: u64, result: Result<B256, Refusal>, now_ms: u64) {
        let Some(index) = self.asked.remove(&request) else {
            return;
        };
        let user = &mut self.users[index];
        if user.asked.is_none_or(|(asked, _)| asked != request) {
            return;
        }
        match result {
            Ok(hash) => {
                user.asked = None;
                assert_eq!(hash, user.sent[user.acknowledged].0);
                user.acknowledged += 1;
            }
            // The node is behind, or the sender has too many pending: later, elsewhere.
            Err(Refusal::State(_) | Refusal::SenderFull) => {
                user.asked = Some((request, now_ms + 50));
            }
            Err(refusal) => panic!("user {index}: {refusal}"),
        }
    }

    pub fn on_applied(&mut self, _: usize, applied: &Applied, time_ms: u64, now_ms: u64) {
        if applied.number <= self.applied {
            return;
        }
        assert_eq!(applied.number, self.applied + 1);
        assert!(time_ms >= self.last_time_ms);
        self.applied = applied.number;
        self.last_time_ms = time_ms;
        self.times.push((time_ms, now_ms));
        for receipt in &applied.receipts {
            *self.included.entry(receipt.tx_hash).or_default() += 1;
            let sent = self.users.iter().flat_map(|user| &user.sent);
            let sent_ms = sent
                .clone()
                .find(|sent| sent.0 == receipt.tx_hash)
                .map(|sent| sent.2);
            self.latencies_ms
                .extend(sent_ms.map(|sent_ms| now_ms - sent_ms));
            if !receipt.status {
                self.failed
                    .push((receipt.tx_hash, receipt.revert_reason.clone()));
            }
        }
    }

    pub fn progress(&self) -> Vec<(usize, usize, usize)> {
        let row = |user: &User| {
            let included = user
                .sent
                .iter()
                .filter(|s| self.included.contains_key(&s.0))
                .count();
            (included, user.acknowledged, user.script.len())
        };
        self.users.iter().map(row).collect()
    }

    /// Whether everything is in a block.
    pub fn is_done(&self) -> bool {
        self.progress()
            .iter()
            .all(|(included, _, all)| included == all)
    }

    /// Everything is in exactly one block, and took effect.
    pub fn check(&self) {
        assert!(self.is_done());
        assert!(self.included.values().all(|count| *count == 1));
        let all: usize = self.users.iter().map(|user| user.script.len()).sum();
        assert_eq!(self.included.len(), all);
        assert_eq!(self.failed, []);
    }
}

/// An envelope.
pub fn sign(key: &SigningKey, nonce: u64, to: Option<Address>, data: Bytes) -> Bytes {
    let transaction = TxEip1559 {
        chain_id: CHAIN_ID,
        nonce,
        gas_limit: if to.is_some() { GAS } else { 100_000_000 },
        to: to.map_or(TxKind::Create, TxKind::Call),
        input: data,
        ..TxEip1559::default()
    };
    let signature = signing::sign_digest(key, transaction.signature_hash());
    let scalar = |word: B256| U256::from_be_bytes(word.0);
    let signature = Signature::new(scalar(signature.r), scalar(signature.s), signature.y_odd);
    TxEnvelope::Eip1559(transaction.into_signed(signature))
        .encoded_2718()
        .into()
}

/// The poll's deployment, and where it will live when user 0 sends it.
pub fn poll() -> (Bytes, Address) {
    let deployment = Deployment {
        salt: B256::ZERO,
        code: contract::poll_code(),
        init: contract::closes_argument().into(),
    };
    let deployer = signing::address(super::key(0x55, 0).verifying_key());
    (deployment.encode(), deployment.address(deployer))
}

impl Sim {
    /// User 0 deploys the poll, then `users` users (that one too) call it `calls` times each, with
    /// pauses up to `pause_ms`.
    pub fn with_users(&mut self, users: usize, calls: usize, pause_ms: u64) -> Address {
        self.users.pause_ms = pause_ms;
        let (deployment, poll) = poll();
        self.users.add(vec![(None, deployment)]);
        self.run(30_000, "deployment", |sim| {
            let deployed = |node| sim.runtime(node).contract(poll).is_some();
            sim.users.is_done() && sim.up().all(deployed)
        });
        let bumps = vec![(Some(poll), contract::call("bump")); calls];
        self.users.users[0].script.extend(bumps.clone());
        for _ in 1..users {
            self.users.add(bumps.clone());
        }
        poll
    }

    /// A new user who casts one ballot.
    pub fn add_voter(&mut self, poll: Address, choice: u8) {
        let user = self.users.add(Vec::new());
        let User { key, address, .. } = &self.users.users[user];
        let (key, sender) = (key.clone(), *address);
        let code_hash = keccak256(contract::poll_code());
        let binding = contract::binding(poll, code_hash, sender, 0);
        let seeds = std::array::from_fn(|_| Seed::new(self.rng.random()));
        let (input_type, rng) = (contract::ballot_type(), &mut self.rng);
        let sealed = sealed::seal(
            &self.committee,
            &binding,
            &input_type,
            &[choice],
            &seeds,
            rng,
        )
        .unwrap();
        let data = contract::cast_calldata(&sealed.encode());
        let id = keccak256(sign(&key, 0, Some(poll), data.clone()));
        self.users.choices.insert(id, choice);
        self.users.users[user].script.push((Some(poll), data));
    }

    pub(super) fn act_users(&mut self) {
        for index in 0..self.users.users.len() {
            let (now_ms, user) = (self.now_ms, &mut self.users.users[index]);
            if user.asked.is_some_and(|(_, until_ms)| until_ms > now_ms) {
                continue;
            }
            let late = |(hash, _, sent_ms): &&(B256, Bytes, u64)| {
                sent_ms + INCLUSION_MS < now_ms && !self.users.included.contains_key(hash)
            };
            let user = &self.users.users[index];
            let lost = user
                .sent
                .iter()
                .take(user.acknowledged)
                .position(|sent| late(&sent));
            if let Some(lost) = lost {
                // It was acknowledged, and whoever knew of it has crashed.
                let raw = self.users.users[index].sent[lost].1.clone();
                self.users.users[index].sent[lost].2 = now_ms;
                self.submit(raw);
                continue;
            }
            let next = user.acknowledged;
            if next >= user.script.len() {
                continue;
            }
            if user.sent.len() == next {
                if user.idle_until_ms > now_ms {
                    continue;
                }
                let pause_ms = self.rng.random_range(0..=self.users.pause_ms);
                self.users.users[index].idle_until_ms = now_ms + pause_ms;
                let user = &self.users.users[index];
                let (to, data) = user.script[next].clone();
                let raw = sign(&user.key, next as u64, to, data);
                let sent = (keccak256(&raw), raw, now_ms);
                self.users.users[index].sent.push(sent);
            }
            let raw = self.users.users[index].sent[next].1.clone();
            if let Some(request) = self.submit(raw) {
                self.users.asked.insert(request, index);
                self.users.users[index].asked = Some((request, now_ms + ANSWER_MS));
            }
        }
    }

    fn submit(&mut self, raw: Bytes) -> Option<u64> {
        let node = self.random_up()?;
        self.users.requests += 1;
        let request = self.users.requests;
        let in_ms = self.rng.random_range(0..3);
        self.later(node, in_ms, Input::Submit { request, raw });
        Some(request)
    }
}
