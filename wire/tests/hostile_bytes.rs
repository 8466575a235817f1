//! Bytes from outside never panic a parser, and never decode to something that encodes otherwise.
//!
//! The same parsers are fuzzed in `fuzz/`; this is the short, seeded run. Set `QUARTET_SEED` to
//! repeat one.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use alloy_consensus::{SignableTransaction as _, TxEip1559, TxEnvelope};
use alloy_eips::Encodable2718 as _;
use alloy_primitives::{Address, B256, Bytes};
use k256::ecdsa::SigningKey;
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha20Rng;
use wire::{
    WireError,
    block::{Block, Header},
    codec,
    consensus::{CommitCertificate, DecidedBlock, Signed, Vote, VoteKind},
    contract::Description,
    kind::{Field, InputType, Kind},
    node_transaction::{
        NodeMessage, NodeTransaction, OpenedComponent, SignedNodeTransaction, StopReason,
    },
    peer::{LotPart, PeerMessage, SharedSeeds},
    sealed::{Seal, SealedInput},
    signing::{self, Signature},
    transaction::{Deployment, Transaction},
};

const ROUNDS: usize = 20_000;

fn random() -> ChaCha20Rng {
    let seed = std::env::var("QUARTET_SEED")
        .ok()
        .and_then(|s| s.parse().ok())
        .unwrap_or(1);
    println!("QUARTET_SEED={seed}");
    ChaCha20Rng::seed_from_u64(seed)
}

/// Flips, cuts, repeats or inserts at random places.
fn mutate(random: &mut impl Rng, valid: &[u8]) -> Vec<u8> {
    let mut bytes = valid.to_vec();
    for _ in 0..random.random_range(1..4) {
        let at = random.random_range(0..=bytes.len().saturating_sub(1));
        match random.random_range(0..5) {
            0 => bytes.truncate(at),
            1 => bytes.insert(at.min(bytes.len()), random.random()),
            2 if !bytes.is_empty() => bytes[at] ^= 1 << random.random_range(0..8),
            3 if !bytes.is_empty() => bytes[at] = *[0, 0x7f, 0x80, 0xff].get(at % 4).unwrap(),
            _ => {
                let tail = bytes[at.min(bytes.len())..].to_vec();
                bytes.extend(tail);
            }
        }
    }
    bytes
}

fn signature() -> Signature {
    Signature {
        r: B256::repeat_byte(1),
        s: B256::repeat_byte(2),
        y_odd: true,
    }
}

fn input_type() -> InputType {
    let field = Field {
        name: "choice".into(),
        kind: Kind::U8,
        len: 1,
    };
    InputType {
        name: "Ballot".into(),
        fields: vec![field],
    }
}

fn node_transaction() -> SignedNodeTransaction {
    let job = B256::repeat_byte(7);
    let mismatch = StopReason::Mismatch {
        round: 3,
        sender: 0,
        backup: 2,
        digest: B256::repeat_byte(9),
    };
    let component = OpenedComponent {
        component: 2,
        blinding: B256::repeat_byte(8),
        value: vec![1, 2, 3].into(),
    };
    let commitments = std::array::from_fn(|c| (c != 2).then_some(B256::repeat_byte(4)));
    let messages = vec![
        NodeMessage::Hold {
            inputs: vec![B256::repeat_byte(3); 3],
        },
        NodeMessage::Join {
            job,
            attempt: 1,
            nonce: B256::repeat_byte(5),
        },
        NodeMessage::Stop {
            job,
            attempt: 1,
            reason: mismatch,
        },
        NodeMessage::Statement {
            job,
            attempt: 1,
            digest: B256::repeat_byte(6),
        },
        NodeMessage::Ready {
            job,
            attempt: 2,
            commitments,
        },
        NodeMessage::Open {
            job,
            components: vec![component],
        },
        NodeMessage::Here,
        NodeMessage::Attest {
            computation: job,
            signature: signature(),
        },
    ];
    SignedNodeTransaction {
        transaction: NodeTransaction { node: 2, messages },
        signature: signature(),
    }
}

fn block() -> Block {
    let header = Header {
        number: 9,
        parent: B256::repeat_byte(1),
        time_ms: 1_700_000_000_000,
        proposer: Address::repeat_byte(2),
        state_root: B256::repeat_byte(3),
    };
    let transactions = vec![Bytes::from_static(&[2, 0xc0])];
    Block {
        header,
        node_transactions: vec![node_transaction()],
        transactions,
    }
}

#[test]
fn peer_messages() {
    let vote = Vote {
        kind: VoteKind::Precommit,
        height: 9,
        round: 1,
        block: None,
        voter: 3,
    };
    let certificate = CommitCertificate {
        height: 9,
        round: 0,
        block: block().hash(),
        signatures: vec![(0, signature()), (2, signature())],
    };
    let decided = DecidedBlock {
        block: block().encode().into(),
        certificate,
    };
    let seeds = SharedSeeds {
        input: B256::ZERO,
        seeds: vec![(1, [5; 32])],
    };
    let part = LotPart {
        lot: 300,
        component: 1,
        offset: 1 << 20,
        bytes: vec![7; 20],
    };
    let valid = [
        PeerMessage::Vote(Signed {
            message: vote,
            signature: signature(),
        }),
        PeerMessage::NodeTransaction(node_transaction()),
        PeerMessage::Blocks(vec![decided]),
        PeerMessage::Seeds(vec![seeds]),
        PeerMessage::Transactions(vec![vec![1, 2].into()]),
        PeerMessage::WantLot {
            lot: 300,
            component: 1,
            offset: 1 << 20,
        },
        PeerMessage::LotPart(part),
    ]
    .map(|message| message.encode());
    let mut random = random();
    for round in 0..ROUNDS {
        let bytes = mutate(&mut random, &valid[round % valid.len()]);
        if let Ok(message) = PeerMessage::decode(&bytes) {
            assert_eq!(message.encode(), bytes);
        }
    }
}

#[test]
fn blocks() {
    let valid = block().encode();
    let mut random = random();
    for _ in 0..ROUNDS {
        let bytes = mutate(&mut random, &valid);
        if let Ok(block) = Block::decode(&bytes) {
            assert_eq!(block.encode(), bytes);
        }
    }
}

#[test]
fn sealed_inputs() {
    let seal = Seal {
        encapsulated: B256::repeat_byte(4),
        ciphertext: vec![1; 112],
    };
    let sealed = SealedInput {
        masked: vec![9],
        commitments: [B256::repeat_byte(6); 4],
        seals: std::array::from_fn(|_| seal.clone()),
    };
    let valid = sealed.encode();
    let mut random = random();
    for _ in 0..ROUNDS {
        let bytes = mutate(&mut random, &valid);
        if let Ok(sealed) = SealedInput::decode(&bytes, &input_type()) {
            assert_eq!(sealed.encode(), bytes);
            assert_eq!(sealed.masked.len(), 1);
        }
    }
}

#[test]
fn deployments_and_descriptions() {
    let deployment = Deployment {
        salt: B256::ZERO,
        code: vec![1; 40].into(),
        init: vec![2; 32].into(),
    };
    let valid = deployment.encode();
    let description = r#"{"name":"n","abi":[],"inputs":[{"name":"B","fields":[{"name":"c","kind":"u8","len":1}]}],"input_functions":[],"computations":[]}"#;
    assert!(serde_json::from_str::<Description>(description).is_ok());
    for (kind, valid) in [
        (r#"{"fixed64":62}"#, true),
        (r#"{"fixed64":63}"#, false),
        (r#"{"fixed64":0}"#, false),
        (r#"{"fixed128":126}"#, true),
        (r#"{"fixed128":127}"#, false),
    ] {
        let description = description.replace(r#""u8""#, kind);
        let decoded = serde_json::from_str::<Description>(&description);
        assert_eq!(decoded.is_ok(), valid, "{kind}: {decoded:?}");
    }
    let mut random = random();
    for _ in 0..ROUNDS {
        let bytes: Bytes = mutate(&mut random, &valid).into();
        if let Ok(deployment) = Deployment::decode(&bytes) {
            assert_eq!(deployment.encode(), bytes);
        }
        let _ = serde_json::from_slice::<Description>(&mutate(&mut random, description.as_bytes()));
    }
}

fn key() -> SigningKey {
    SigningKey::from_slice(&[1; 32]).unwrap()
}

fn signed_transaction(chain_id: u64, input: Vec<u8>) -> Bytes {
    let transaction = TxEip1559 {
        chain_id,
        nonce: 5,
        gas_limit: 100_000,
        to: Address::repeat_byte(1).into(),
        input: input.into(),
        ..TxEip1559::default()
    };
    let Signature { r, s, y_odd } = signing::sign_digest(&key(), transaction.signature_hash());
    let signature = alloy_primitives::Signature::new(r.into(), s.into(), y_odd);
    TxEnvelope::from(transaction.into_signed(signature))
        .encoded_2718()
        .into()
}

#[test]
fn transactions() {
    let valid = signed_transaction(7, vec![1, 2, 3, 4]);
    let decoded = Transaction::decode(valid.clone(), 7).unwrap();
    assert_eq!(decoded.sender, signing::address(key().verifying_key()));
    assert_eq!(
        (decoded.nonce, decoded.gas_limit, decoded.data.len()),
        (5, 100_000, 4)
    );
    let error = Transaction::decode(valid.clone(), 8).unwrap_err();
    assert_eq!(
        error,
        WireError::WrongChain {
            expected: 8,
            actual: 7
        }
    );
    let mut random = random();
    for _ in 0..ROUNDS / 4 {
        let bytes: Bytes = mutate(&mut random, &valid).into();
        if let Ok(transaction) = Transaction::decode(bytes.clone(), 7) {
            assert_eq!(transaction.raw, bytes);
        }
    }
}

#[test]
fn a_length_that_promises_more_than_there_is_takes_no_memory() {
    // A list of 2^60 inputs in a few bytes.
    let bytes = [&[8u8][..], &[0xff; 8], &[0x0f]].concat();
    assert!(PeerMessage::decode(&bytes).is_err());
    assert!(codec::decode::<Vec<u64>>("numbers", &[0xff, 0xff, 0xff, 0xff, 0x0f], 100).is_err());
}
