//! Support for tests: a chain with four nodes, and users.

mod admission;
mod blocks;
mod calls;
mod computations;
mod deployment;
mod figures;
mod inputs;
mod jobs;
mod play;
mod production;
mod refresh;
mod replay;
mod results;
mod selection;
mod timers;

use std::collections::BTreeMap;

use alloy_consensus::{SignableTransaction, TxEip1559, TxEnvelope};
use alloy_primitives::{Address, B256, Bytes, Signature, TxKind, U256, keccak256};
use k256::ecdsa::SigningKey;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha20Rng;
use wire::{
    block::{Block, Header},
    committee::{Committee, L1, Node},
    node_transaction::{NodeMessage, NodeTransaction, SignedNodeTransaction},
    seal_keys::SealKeys,
    sealed::{SealKey, Seed},
    signing,
    transaction::{Deployment, Transaction},
};

use crate::{Applied, BlockError, Event, Receipt, Runtime};

pub(crate) use play::*;
pub(crate) use poll::*;

/// Gas of a call in tests, unless it matters.
pub(crate) const GAS: u64 = 3_000_000;

/// The seed of random tests: `QUARTET_SEED`, or one that is printed.
pub(crate) fn seed() -> u64 {
    let chosen = std::env::var("QUARTET_SEED")
        .ok()
        .and_then(|s| s.parse().ok());
    let clock = || {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        now.unwrap().subsec_nanos().into()
    };
    let seed = chosen.unwrap_or_else(clock);
    println!("QUARTET_SEED={seed}");
    seed
}

/// A user with a key.
#[derive(Clone)]
pub(crate) struct User {
    pub(crate) key: SigningKey,
    pub(crate) address: Address,
}

/// The user of this number, always the same.
pub(crate) fn user(number: u8) -> User {
    let key = key(0x55, number);
    let address = signing::address(key.verifying_key());
    User { key, address }
}

fn key(kind: u8, number: u8) -> SigningKey {
    let mut bytes = [kind; 32];
    bytes[31] = number;
    SigningKey::from_slice(&bytes).unwrap()
}

/// What a user sends.
pub(crate) fn sign(user: &User, nonce: u64, to: Option<Address>, data: Bytes, gas: u64) -> Bytes {
    let tx = TxEip1559 {
        chain_id: CHAIN_ID,
        nonce,
        gas_limit: gas,
        to: to.map_or(TxKind::Create, TxKind::Call),
        input: data,
        ..TxEip1559::default()
    };
    let signature = signing::sign_digest(&user.key, tx.signature_hash());
    let scalar = |word: B256| U256::from_be_bytes(word.0);
    let signature = Signature::new(scalar(signature.r), scalar(signature.s), signature.y_odd);
    let envelope = TxEnvelope::Eip1559(tx.into_signed(signature));
    alloy_eips::Encodable2718::encoded_2718(&envelope).into()
}

/// A chain with the keys of its nodes.
pub(crate) struct Chain {
    pub(crate) runtime: Runtime,
    pub(crate) keys: [SigningKey; 4],
    pub(crate) time_ms: u64,
    /// All blocks, encoded.
    pub(crate) log: Vec<Vec<u8>>,
    pub(crate) rng: ChaCha20Rng,
    nonces: BTreeMap<Address, u64>,
}

/// The committee of the tests.
pub(crate) fn committee(dev: bool) -> Committee {
    committee_with(dev, 0)
}

/// The committee of tests about the reserve.
pub(crate) fn committee_with(dev: bool, reserve_lots: u32) -> Committee {
    let node = |number: u8| {
        let key = key(0x11, number);
        Node {
            address: signing::address(key.verifying_key()),
            public_key: Bytes::new(),
            seal_key: seal_key(number).public(),
            listen: String::new(),
        }
    };
    Committee {
        chain_id: CHAIN_ID,
        epoch: 3,
        genesis_ms: GENESIS_MS,
        dev,
        reserve_lots,
        refresh_ms: 0,
        l1: L1 {
            chain_id: 1,
            verifier: Address::repeat_byte(0x77),
        },
        nodes: [0, 1, 2, 3].map(node),
    }
}

/// The key with which a node opens its seals.
pub(crate) fn seal_key(node: u8) -> SealKey {
    SealKey::from_bytes(&[0x20 + node; 32]).unwrap()
}

impl Chain {
    pub(crate) fn new(dev: bool) -> Self {
        Self::with_reserve(dev, 0)
    }

    /// A chain that keeps so many lots in reserve.
    pub(crate) fn with_reserve(dev: bool, lots: u32) -> Self {
        Self {
            runtime: Runtime::new(committee_with(dev, lots)),
            keys: [0, 1, 2, 3].map(|number| key(0x11, number)),
            time_ms: GENESIS_MS,
            log: Vec::new(),
            rng: ChaCha20Rng::seed_from_u64(7),
            nonces: BTreeMap::new(),
        }
    }

    /// A chain on which the poll of [`contract`] is deployed.
    pub(crate) fn with_poll() -> (Self, Address) {
        let mut chain = Self::new(true);
        let poll = chain.deploy(&poll_code(), &closes_argument());
        (chain, poll)
    }

    pub(crate) fn deploy(&mut self, code: &Bytes, init: &[u8]) -> Address {
        let deployment = deployment(code, init);
        let tx = self.send(&user(0), None, deployment.encode(), 100_000_000);
        let applied = self.block(vec![], vec![tx]);
        let receipt = &applied.receipts[0];
        assert!(receipt.status, "{:?}", receipt.revert_reason);
        receipt.contract_address.unwrap()
    }

    /// Signs a transaction with the sender's next nonce.
    pub(crate) fn send(
        &mut self,
        user: &User,
        to: Option<Address>,
        data: Bytes,
        gas: u64,
    ) -> Bytes {
        let nonce = self.nonces.entry(user.address).or_default();
        let tx = sign(user, *nonce, to, data, gas);
        *nonce += 1;
        tx
    }

    pub(crate) fn call(&mut self, user: &User, to: Address, data: Bytes) -> Bytes {
        self.send(user, Some(to), data, GAS)
    }

    /// A sealed ballot for a choice, as calldata of the poll's `cast`.
    pub(crate) fn ballot(&mut self, user: &User, poll: Address, choice: u8) -> Bytes {
        let epoch = self.runtime.seal_keys().epoch;
        self.ballot_under(user, poll, choice, epoch)
    }

    /// The same under the keys of this epoch; none of them opens it unless it is the current one.
    pub(crate) fn ballot_under(
        &mut self,
        user: &User,
        poll: Address,
        choice: u8,
        epoch: u64,
    ) -> Bytes {
        let nonce = self.nonces.get(&user.address).copied().unwrap_or(0);
        let code_hash = keccak256(self.runtime.code(poll).unwrap());
        let mut keys = self.seal_keys();
        keys.epoch = epoch;
        let mut binding = binding(poll, code_hash, user.address, nonce);
        binding.key_epoch = keys.epoch;
        let seeds = std::array::from_fn(|_| {
            let mut bytes = [0; 32];
            self.rng.fill_bytes(&mut bytes);
            Seed::new(bytes)
        });
        let sealed = wire::sealed::seal(
            &keys,
            &binding,
            &ballot_type(),
            &[choice],
            &seeds,
            &mut self.rng,
        );
        cast_calldata(&sealed.unwrap().encode())
    }

    /// The keys to which inputs are sealed.
    pub(crate) fn seal_keys(&self) -> SealKeys {
        let info = self.runtime.seal_keys();
        SealKeys::check(self.runtime.committee(), info.epoch, &info.keys).unwrap()
    }

    /// Signs a transaction that casts a ballot; also its id.
    pub(crate) fn cast(&mut self, user: &User, poll: Address, choice: u8) -> (Bytes, B256) {
        let data = self.ballot(user, poll, choice);
        let tx = self.call(user, poll, data);
        let id = keccak256(&tx);
        (tx, id)
    }

    pub(crate) fn speak(&self, node: u8, messages: Vec<NodeMessage>) -> SignedNodeTransaction {
        let transaction = NodeTransaction { node, messages };
        transaction.sign(&self.keys[usize::from(node)], self.runtime.committee())
    }

    /// The next block, one second after the last.
    pub(crate) fn next(&self, nodes: Vec<SignedNodeTransaction>, txs: Vec<Bytes>) -> Block {
        let head = self.runtime.head();
        Block {
            header: Header {
                number: head.number + 1,
                parent: head.hash,
                time_ms: self.time_ms + 1_000,
                proposer: self.runtime.committee().nodes[0].address,
                state_root: head.state_root,
            },
            node_transactions: nodes,
            transactions: txs,
        }
    }

    /// Checks and applies a block.
    pub(crate) fn accept(&mut self, block: &Block) -> Result<Applied, BlockError> {
        let bytes = block.encode();
        let checked = self.runtime.check(&bytes, &mut |_| None)?;
        self.log.push(bytes);
        self.time_ms = block.header.time_ms;
        Ok(self.runtime.apply(checked).unwrap())
    }

    /// Makes and applies the next block.
    pub(crate) fn block(&mut self, nodes: Vec<(u8, Vec<NodeMessage>)>, txs: Vec<Bytes>) -> Applied {
        let mut nodes: Vec<_> = nodes
            .into_iter()
            .map(|(node, m)| self.speak(node, m))
            .collect();
        nodes.sort_by_key(|signed| signed.transaction.node);
        let block = self.next(nodes, txs);
        self.accept(&block).unwrap()
    }

    /// A block of one call.
    pub(crate) fn act(&mut self, user: &User, to: Address, data: Bytes) -> (Receipt, Vec<Event>) {
        let tx = self.call(user, to, data);
        let mut applied = self.block(vec![], vec![tx]);
        (applied.receipts.remove(0), applied.events)
    }

    /// A block in which these nodes hold their seeds.
    pub(crate) fn hold(&mut self, nodes: &[u8], inputs: &[B256]) -> Applied {
        let inputs = inputs.to_vec();
        let say = |node: &u8| {
            let inputs = inputs.clone();
            (*node, vec![NodeMessage::Hold { inputs }])
        };
        let nodes = nodes.iter().map(say).collect();
        self.block(nodes, vec![])
    }

    /// Casts a ballot and has it decided.
    pub(crate) fn vote(&mut self, user: &User, poll: Address, choice: u8) -> B256 {
        let (tx, id) = self.cast(user, poll, choice);
        let applied = self.block(vec![], vec![tx]);
        assert!(applied.receipts[0].status, "{:?}", applied.receipts[0]);
        self.hold(&[0, 1, 2], &[id]);
        id
    }

    /// Whether an address counts as having voted, as the contract says.
    pub(crate) fn has_voted(&self, poll: Address, who: Address) -> bool {
        let output = self.read(poll, selector_with("voted(address)", &[who.into_word()]));
        output.last() == Some(&1)
    }

    /// What a view returns.
    pub(crate) fn read(&self, contract: Address, data: Bytes) -> Bytes {
        let request = crate::CallRequest {
            to: Some(contract),
            data,
            ..Default::default()
        };
        let outcome = self.runtime.call(&request, self.time_ms).unwrap();
        assert!(outcome.is_ok(), "{outcome:?}");
        outcome.output
    }
}

/// Closes a poll with one ballot, for the first choice, and has its tally opened.
pub(crate) fn opened_tally(chain: &mut Chain, poll: Address) -> B256 {
    chain.time_ms = CLOSES * 1_000;
    chain.act(&user(99), poll, call("close"));
    let computation = wire::attestation::computation_id(poll, 0);
    chain.complete(computation, &[1, 0, 0]);
    computation
}

/// A deployment with salt 0.
pub(crate) fn deployment(code: &Bytes, init: &[u8]) -> Deployment {
    Deployment {
        salt: B256::ZERO,
        code: code.clone(),
        init: init.to_vec().into(),
    }
}

/// Decodes an envelope.
pub(crate) fn decoded(tx: &Bytes) -> Transaction {
    Transaction::decode(tx.clone(), CHAIN_ID).unwrap()
}
