//! Users who send transactions, one after another, to whichever node answers, and again when none
//! does or when the transaction is in no block after a while.

use std::collections::{BTreeMap, BTreeSet};

use alloy_consensus::{SignableTransaction as _, TxEip1559, TxEnvelope};
use alloy_eips::Encodable2718 as _;
use alloy_primitives::{Address, B256, Bytes, Signature, TxKind, U256, keccak256};
use k256::ecdsa::SigningKey;
use ordering::{Input, Refusal};
use poll::CHAIN_ID;
use rand::RngExt as _;
use wire::{
    rpc::FETCH_KEYS_AGAIN,
    sealed::{self, Seed},
    signing,
    transaction::{Deployment, Transaction},
};
use zk_contract_runtime::Applied;

use crate::{Sim, Violation, key};

/// Gas of a call.
const GAS: u64 = 3_000_000;
const ANSWER_MS: u64 = 800;
const INCLUSION_MS: u64 = 4_000;

/// What a user wants.
#[derive(Clone, Debug)]
pub struct Call {
    /// The contract; none to deploy.
    pub to: Option<Address>,
    /// Calldata or deployment.
    pub data: Bytes,
    /// From this time on it may fail or be given up: a ballot after the poll closes.
    pub until_ms: u64,
    /// Whether it may fail before this time, and is sent again then: the call that closes a poll.
    pub from_ms: u64,
    /// The ballot that it casts, sealed when it is sent first.
    pub ballot: Option<Ballot>,
}

/// A ballot.
#[derive(Clone, Copy, Debug)]
pub struct Ballot {
    /// Its choice.
    pub choice: u8,
    /// The node that cannot open its seal, if there is one.
    pub spoiled: Option<usize>,
}

impl Call {
    /// One that is always in time.
    #[must_use]
    pub const fn new(to: Option<Address>, data: Bytes) -> Self {
        let (until_ms, from_ms) = (u64::MAX, 0);
        Self {
            to,
            data,
            until_ms,
            from_ms,
            ballot: None,
        }
    }
}

/// A user.
pub struct User {
    key: SigningKey,
    /// Its account.
    pub address: Address,
    /// All that it sends, in order.
    pub script: Vec<Call>,
    acknowledged: usize,
    /// What it waits for: request, and until when.
    asked: Option<(u64, u64)>,
    /// It sends nothing new before this.
    pub idle_until_ms: u64,
    sent: Vec<(B256, Bytes, u64)>,
    /// What it gave up since the keys had changed, by its place among what is sent: some node may
    /// have taken it.
    given_up: Vec<(usize, (B256, Bytes, u64))>,
}

impl User {
    /// The call of a transaction that it sent.
    fn call_of(&self, transaction: B256) -> Option<&Call> {
        let index = self.sent.iter().position(|sent| sent.0 == transaction)?;
        self.script.get(index)
    }

    /// Notes that a transaction is in a block which it had given up.
    fn regret(&mut self, transaction: B256) {
        let found = self.given_up.iter().find(|(_, sent)| sent.0 == transaction);
        if let Some((index, sent)) = found.cloned() {
            self.sent.truncate(index);
            self.sent.push(sent);
            self.acknowledged = index + 1;
            self.asked = None;
        }
    }
}

/// All users, and what they saw.
#[derive(Default)]
pub struct Users {
    /// The users.
    pub users: Vec<User>,
    requests: u64,
    asked: BTreeMap<u64, usize>,
    /// How often each transaction was in a block, as the first node to apply it saw.
    pub included: BTreeMap<B256, u32>,
    /// Transactions that took no effect, and may have.
    pub excused: u64,
    /// How often a ballot had to be sealed again since the keys had changed.
    pub sealed_again: u64,
    applied: u64,
    last_time_ms: u64,
    /// Time of each block, and true time at which it was first applied.
    pub times: Vec<(u64, u64)>,
    /// From sending to inclusion, in milliseconds.
    pub latencies_ms: Vec<u64>,
    /// Choices of ballots by input id.
    pub choices: BTreeMap<B256, u8>,
    /// Ids of ballots with a seal that one node cannot open.
    pub(crate) spoiled: BTreeSet<B256>,
    /// Ids of ballots that were rejected, and may have been.
    pub(crate) rejected: BTreeSet<B256>,
    /// Ids of ballots in the log that take effect if they are accepted, in order.
    pub ordered: Vec<B256>,
    /// How many of them are before each call that started a tally.
    pub tallied: Vec<usize>,
    /// When the poll closes by itself, in milliseconds; none if it does not, or has.
    pub closes_ms: Option<u64>,
    /// Longest pause of a user between two transactions.
    pub pause_ms: u64,
}

impl Users {
    /// A new user who sends these one after another.
    pub fn add(&mut self, script: Vec<Call>) -> usize {
        let number = u8::try_from(self.users.len()).unwrap();
        let key = key(0x55, number);
        self.users.push(User {
            address: signing::address(key.verifying_key()),
            key,
            script,
            acknowledged: 0,
            asked: None,
            idle_until_ms: 0,
            sent: Vec::new(),
            given_up: Vec::new(),
        });
        usize::from(number)
    }

    pub(crate) fn reply(
        &mut self,
        request: u64,
        result: Result<B256, Refusal>,
        now_ms: u64,
    ) -> Result<(), Violation> {
        let Some(index) = self.asked.remove(&request) else {
            return Ok(());
        };
        let user = &mut self.users[index];
        if user.asked.is_none_or(|(asked, _)| asked != request) {
            return Ok(());
        }
        let refused = |why: String| Err(Violation::Refused { user: index, why });
        match result {
            Ok(hash) if hash == user.sent[user.acknowledged].0 => {
                user.asked = None;
                user.acknowledged += 1;
                Ok(())
            }
            Ok(_) => refused("another hash".into()),
            // It is sealed to keys that are not in use: later, anew.
            Err(Refusal::State(refusal))
                if refusal.to_string().contains(FETCH_KEYS_AGAIN)
                    && user.script[user.acknowledged].until_ms > now_ms =>
            {
                let sent = user.sent.pop();
                user.given_up
                    .extend(sent.map(|sent| (user.acknowledged, sent)));
                user.asked = Some((request, now_ms + 50));
                self.sealed_again += 1;
                Ok(())
            }
            // The node is behind, or the sender has too many pending: later, elsewhere.
            Err(Refusal::State(_) | Refusal::CatchingUp(_) | Refusal::SenderFull) => {
                let call = &user.script[user.acknowledged];
                if call.until_ms <= now_ms {
                    // It is too late. Whether or not it got somewhere, nothing follows it.
                    user.script.truncate(user.acknowledged);
                    user.sent.truncate(user.acknowledged);
                    user.asked = None;
                } else {
                    user.asked = Some((request, now_ms + 50));
                }
                Ok(())
            }
            Err(refusal) => refused(refusal.to_string()),
        }
    }

    /// What the first node that applies a block sees in it.
    pub(crate) fn on_applied(
        &mut self,
        applied: &Applied,
        time_ms: u64,
        now_ms: u64,
    ) -> Result<(), Violation> {
        if applied.number <= self.applied {
            return Ok(());
        }
        if applied.number != self.applied + 1 || time_ms < self.last_time_ms {
            let number = applied.number;
            return Err(Violation::Order { number });
        }
        self.applied = applied.number;
        self.last_time_ms = time_ms;
        self.times.push((time_ms, now_ms));
        // That comes before the block's transactions.
        if self
            .closes_ms
            .take_if(|closes_ms| *closes_ms <= time_ms)
            .is_some()
        {
            self.tallied.push(self.ordered.len());
        }
        for receipt in &applied.receipts {
            let transaction = receipt.tx_hash;
            let count = self.included.entry(transaction).or_default();
            *count += 1;
            if *count > 1 {
                return Err(Violation::Twice { transaction });
            }
            let user = self.users.iter_mut().find(|u| u.address == receipt.from);
            let Some(user) = user else { continue };
            user.regret(transaction);
            let sent = user.sent.iter().find(|sent| sent.0 == transaction);
            self.latencies_ms
                .extend(sent.map(|(_, _, sent_ms)| now_ms - sent_ms));
            let call = user.call_of(transaction).cloned();
            if !receipt.status {
                let in_time = |call: &Call| (call.from_ms..call.until_ms).contains(&time_ms);
                let why = receipt.revert_reason.clone().unwrap_or_default();
                let other_keys = why.contains(FETCH_KEYS_AGAIN);
                if call.as_ref().is_some_and(in_time) && !other_keys {
                    return Err(Violation::NoEffect { transaction, why });
                }
                self.excused += 1;
                self.sealed_again += u64::from(other_keys);
                // Too early, or to keys that were not in use any more: again.
                user.script
                    .extend(call.filter(|call| call.until_ms > time_ms));
            } else if self.choices.contains_key(&transaction) {
                self.ordered.push(transaction);
            } else if call.is_some_and(|call| call.data == poll::call("close")) {
                self.tallied.push(self.ordered.len());
            }
        }
        Ok(())
    }

    /// Ballots that were sent: the envelope, and the call in it.
    pub(crate) fn sealed(&self) -> Vec<(Bytes, Bytes)> {
        let sent = self.users.iter().flat_map(|user| &user.sent);
        let ballots = sent.filter(|(hash, _, _)| self.choices.contains_key(hash));
        let call = |(_, raw, _): &(B256, Bytes, u64)| {
            let transaction = Transaction::decode(raw.clone(), CHAIN_ID).unwrap();
            (raw.clone(), transaction.data)
        };
        ballots.map(call).collect()
    }

    /// How many ballots of each choice a tally counts.
    #[must_use]
    pub fn tally(&self, number: usize) -> [u64; 3] {
        let counted = self.tallied.get(number).copied().unwrap_or(0);
        let mut counts = [0; 3];
        let accepted = |id: &&B256| !self.rejected.contains(*id);
        for id in self.ordered[..counted].iter().filter(accepted) {
            if let Some(count) = counts.get_mut(usize::from(self.choices[id])) {
                *count += 1;
            }
        }
        counts
    }

    /// Of each user: how many of its transactions are in a block, are acknowledged, are to be.
    #[must_use]
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

    /// Whether everything is in a block, or too late.
    #[must_use]
    pub fn is_done(&self) -> bool {
        let done = |(call, sent): (&Call, Option<&(B256, Bytes, u64)>)| {
            let included = sent.is_some_and(|sent| self.included.contains_key(&sent.0));
            included || call.until_ms <= self.last_time_ms
        };
        self.users.iter().all(|user| {
            let sent = user.sent.iter().map(Some).chain(std::iter::repeat(None));
            user.script.iter().zip(sent).all(done)
        })
    }

    /// Everything is in exactly one block, and took effect.
    pub fn check(&self) {
        assert!(self.is_done());
        assert!(self.included.values().all(|count| *count == 1));
        let all: usize = self.users.iter().map(|user| user.script.len()).sum();
        assert_eq!(self.included.len(), all);
        assert_eq!(self.excused, 0);
    }
}

/// An envelope.
pub(crate) fn sign(key: &SigningKey, nonce: u64, to: Option<Address>, data: Bytes) -> Bytes {
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

/// The deployment of a poll with this code and these arguments, and where it will live when user 0
/// sends it.
#[must_use]
pub(crate) fn deployment(code: Bytes, init: Vec<u8>) -> (Bytes, Address) {
    let deployment = Deployment {
        salt: B256::ZERO,
        code,
        init: init.into(),
    };
    let deployer = signing::address(key(0x55, 0).verifying_key());
    (deployment.encode(), deployment.address(deployer))
}

impl Sim {
    /// User 0 deploys the poll, then `users` users (that one too) call it `calls` times each, with
    /// pauses up to `pause_ms`.
    pub fn with_users(&mut self, users: usize, calls: usize, pause_ms: u64) -> Address {
        self.users.pause_ms = pause_ms;
        let poll = self.deploy(poll::closes_argument());
        let bumps = vec![Call::new(Some(poll), poll::call("bump")); calls];
        self.users.users[0].script.extend(bumps.clone());
        for _ in 1..users {
            self.users.add(bumps.clone());
        }
        poll
    }

    /// A new user, who is user 0, deploys the poll with these arguments.
    pub fn deploy(&mut self, init: Vec<u8>) -> Address {
        let (deployment, poll) = deployment(self.code.clone(), init);
        self.users.add(vec![Call::new(None, deployment)]);
        self.run(30_000, "deployment", |sim| {
            let deployed = |node| sim.runtime(node).contract(poll).is_some();
            sim.users.is_done() && sim.up().all(deployed)
        });
        poll
    }

    /// A new user who casts one ballot, which need not count after a time.
    pub fn add_voter(&mut self, poll: Address, choice: u8, until_ms: u64) -> usize {
        self.add_sloppy_voter(poll, choice, until_ms, None)
    }

    /// The same, with a seal that one node cannot open.
    pub(crate) fn add_sloppy_voter(
        &mut self,
        poll: Address,
        choice: u8,
        until_ms: u64,
        spoiled: Option<usize>,
    ) -> usize {
        let call = Call {
            until_ms,
            ballot: Some(Ballot { choice, spoiled }),
            ..Call::new(Some(poll), Bytes::new())
        };
        self.users.add(vec![call])
    }

    /// What a user sends to cast a ballot as its transaction `nonce`, sealed to the keys of which a
    /// node tells it.
    fn seal_ballot(
        &mut self,
        user: usize,
        nonce: u64,
        poll: Address,
        ballot: Ballot,
    ) -> Option<Bytes> {
        let node = self.random_up()?;
        let keys = self.seal_keys(node);
        let mut binding = poll::binding(
            poll,
            keccak256(&self.code),
            self.users.users[user].address,
            nonce,
        );
        binding.key_epoch = keys.epoch;
        let seeds = std::array::from_fn(|_| Seed::new(self.rng.random()));
        let (input_type, rng) = (poll::ballot_type(), &mut self.rng);
        let sealed = sealed::seal(&keys, &binding, &input_type, &[ballot.choice], &seeds, rng);
        let mut sealed = sealed.unwrap();
        if let Some(node) = ballot.spoiled {
            sealed.seals[node].ciphertext[0] ^= 1;
        }
        Some(poll::cast_calldata(&sealed.encode()))
    }

    pub(crate) fn act_users(&mut self) {
        for index in 0..self.users.users.len() {
            if index > 0 && self.users.included.is_empty() {
                continue; // The poll is not deployed.
            }
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
                let (key, nonce) = (user.key.clone(), next as u64);
                let Call {
                    to,
                    mut data,
                    ballot,
                    ..
                } = user.script[next].clone();
                if let Some((ballot, poll)) = ballot.zip(to) {
                    match self.seal_ballot(index, nonce, poll, ballot) {
                        Some(sealed) => data = sealed,
                        None => continue, // There is no node that tells the keys.
                    }
                }
                let raw = sign(&key, nonce, to, data);
                let id = keccak256(&raw);
                if let Some(Ballot { choice, spoiled }) = ballot {
                    self.users.choices.insert(id, choice);
                    self.users.spoiled.extend(spoiled.map(|_| id));
                }
                self.users.users[index].sent.push((id, raw, now_ms));
            }
            let raw = self.users.users[index].sent[next].1.clone();
            if let Some(request) = self.submit(raw) {
                self.users.asked.insert(request, index);
                self.users.users[index].asked = Some((request, now_ms + ANSWER_MS));
            }
        }
    }

    pub(crate) fn submit(&mut self, raw: Bytes) -> Option<u64> {
        let node = self.random_up()?;
        self.users.requests += 1;
        let request = self.users.requests;
        let in_ms = self.rng.random_range(0..3);
        self.later(node, in_ms, Input::Submit { request, raw });
        Some(request)
    }
}
