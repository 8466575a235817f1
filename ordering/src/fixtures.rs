//! A committee with its keys, and blocks, for unit tests.

use alloy_consensus::{SignableTransaction as _, TxEip1559, TxEnvelope};
use alloy_eips::Encodable2718 as _;
use alloy_primitives::{Address, B256, Bytes, Signature, TxKind, U256, keccak256};
use k256::ecdsa::SigningKey;
use wire::{
    block::{Block, Header},
    committee::{Committee, L1, Node},
    consensus::{CommitCertificate, DecidedBlock, Proposal, Signed, Vote, VoteKind},
    node_transaction::{NodeMessage, NodeTransaction},
    signing::{self, Purpose},
};
use zk_contract_runtime::Runtime;

pub(crate) const GENESIS_MS: u64 = 1_700_000_000_000;

pub(crate) fn key(node: u8) -> SigningKey {
    SigningKey::from_slice(&[node + 1; 32]).unwrap()
}

pub(crate) fn committee() -> Committee {
    let node = |number: u8| Node {
        address: signing::address(key(number).verifying_key()),
        public_key: Bytes::new(),
        seal_key: B256::ZERO,
        listen: String::new(),
    };
    Committee {
        chain_id: 77,
        epoch: 1,
        genesis_ms: GENESIS_MS,
        dev: false,
        reserve_lots: 0,
        refresh_ms: 0,
        l1: L1 {
            chain_id: 1,
            verifier: Address::ZERO,
        },
        nodes: [0, 1, 2, 3].map(node),
    }
}

pub(crate) fn sign_vote(message: Vote) -> Signed<Vote> {
    let (key, domain) = (key(message.voter), committee().domain());
    let signature = signing::sign(&key, Purpose::Vote, domain, &message.signed_bytes());
    Signed { message, signature }
}

pub(crate) fn vote(voter: u8, height: u64, round: u32, block: Option<B256>) -> Signed<Vote> {
    sign_vote(Vote {
        kind: VoteKind::Precommit,
        height,
        round,
        block,
        voter,
    })
}

pub(crate) fn proposal(proposer: u8, height: u64, round: u32, block: Bytes) -> Signed<Proposal> {
    sign_proposal(Proposal {
        height,
        round,
        pol_round: None,
        proposer,
        block,
    })
}

pub(crate) fn sign_proposal(message: Proposal) -> Signed<Proposal> {
    let (key, domain) = (key(message.proposer), committee().domain());
    let signature = signing::sign(&key, Purpose::Proposal, domain, &message.signed_bytes());
    Signed { message, signature }
}

/// An empty block after the head.
pub(crate) fn block(runtime: &Runtime, proposer: u8, time_ms: u64) -> Bytes {
    block_with(runtime, proposer, time_ms, Vec::new())
}

/// A block after the head in which nodes say something.
pub(crate) fn block_with(
    runtime: &Runtime,
    proposer: u8,
    time_ms: u64,
    said: Vec<(u8, NodeMessage)>,
) -> Bytes {
    let sign = |(node, message)| {
        let messages = vec![message];
        NodeTransaction { node, messages }.sign(&key(node), runtime.committee())
    };
    let head = runtime.head();
    let header = Header {
        number: head.number + 1,
        parent: head.hash,
        time_ms,
        proposer: committee().nodes[usize::from(proposer)].address,
        state_root: head.state_root,
    };
    let block = Block {
        header,
        node_transactions: said.into_iter().map(sign).collect(),
        transactions: Vec::new(),
    };
    block.encode().into()
}

/// A block with the precommits of these nodes.
pub(crate) fn decided(block: Bytes, height: u64, voters: &[u8]) -> DecidedBlock {
    let hash = keccak256(&block);
    let signature = |voter: &u8| (*voter, vote(*voter, height, 0, Some(hash)).signature);
    let certificate = CommitCertificate {
        height,
        round: 0,
        block: hash,
        signatures: voters.iter().map(signature).collect(),
    };
    DecidedBlock { block, certificate }
}

/// The first transaction of a user, to an address that holds no contract.
pub(crate) fn call_of_nobody(user: u16, data: Bytes) -> Bytes {
    let mut secret = [7; 32];
    secret[..2].copy_from_slice(&user.to_be_bytes());
    let key = SigningKey::from_slice(&secret).unwrap();
    let transaction = TxEip1559 {
        chain_id: committee().chain_id,
        gas_limit: 100_000 + 16 * data.len() as u64,
        to: TxKind::Call(Address::repeat_byte(9)),
        input: data,
        ..TxEip1559::default()
    };
    let signature = signing::sign_digest(&key, transaction.signature_hash());
    let scalar = |word: B256| U256::from_be_bytes(word.0);
    let signature = Signature::new(scalar(signature.r), scalar(signature.s), signature.y_odd);
    TxEnvelope::Eip1559(transaction.into_signed(signature))
        .encoded_2718()
        .into()
}
