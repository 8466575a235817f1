//! What a client reads to believe it: receipts, and what nodes say of a secret.

use std::sync::OnceLock;

use alloy_primitives::{Address, B256, Bytes};
use client::receipt;
use k256::ecdsa::SigningKey;
use rand::SeedableRng as _;
use rand_chacha::ChaCha20Rng;
use wire::{
    attestation::{Attestation, Certificate},
    codec,
    committee::{Committee, L1, Node},
    kind::{Field, InputType, Kind},
    limits::{INPUT_BYTES, NODES},
    read::{Components, ReadKey, SecretAnswer, combine},
    receipt::{InputReceipt, InputTree},
    sealed::{self, Seed},
    signing,
};

/// The file of a receipt. One that is believed is about an input of [`receipt_seeds`], since three
/// nodes signed those alone.
pub fn receipt(bytes: &[u8]) -> bool {
    let Ok(read) = serde_json::from_slice::<InputReceipt>(bytes) else {
        return false;
    };
    let again = serde_json::to_vec(&read).unwrap();
    assert_eq!(
        serde_json::from_slice::<InputReceipt>(&again).unwrap(),
        read
    );
    let proven = receipt::check_proof(&read).is_ok();
    let believed = receipt::check(&read, &a_committee()).is_ok();
    assert!(proven || !believed);
    if believed {
        let mut known = receipts(read.certificate.attestation.inputCount).into_iter();
        let of_it = known.find(|known| known.input == read.input).unwrap();
        let subject = |r: &InputReceipt| (r.leaf(), r.owner, r.place, r.path.clone());
        assert_eq!(
            subject(&of_it),
            subject(&read),
            "three signed no such input"
        );
        assert_eq!(of_it.certificate.attestation, read.certificate.attestation);
    }
    believed
}

/// What one node says of a secret, in JSON or still to be sealed, after a byte that tells when
/// it answers. With the answers of the other three there is the right value, and with fewer no other.
pub fn secret_answer(bytes: &[u8]) -> bool {
    let Some((turn, told)) = bytes.split_first() else {
        return false;
    };
    let answer = if let Ok(answer) = serde_json::from_slice(told) {
        answer
    } else {
        let Ok(told) = codec::decode::<Components>("components", told, LONGEST) else {
            return false;
        };
        sealed_answer(&told)
    };
    let opened = read_key().open(ID, &answer);
    let Ok(opened) = opened else {
        return false;
    };
    let mut held = held()[1..].to_vec();
    let turn = usize::from(*turn) % NODES;
    held.insert(turn, opened);
    for answers in 1..=NODES {
        let value = combine(&secret_type(), &held[..answers]);
        let right = value.as_ref().map(|value| value[..] == VALUE);
        assert_ne!(right, Some(false), "a wrong value from {answers} answers");
        assert!(answers < NODES || right.is_some(), "no value from all");
    }
    true
}

/// Receipts of trees of several shapes.
#[must_use]
pub fn receipt_seeds() -> Vec<Vec<u8>> {
    let all = [1, 3, 6].into_iter().flat_map(receipts);
    all.map(|receipt| serde_json::to_vec(&receipt).unwrap())
        .collect()
}

/// What an honest node says, at every turn, and what one says that is an epoch behind.
#[must_use]
pub fn secret_answer_seeds() -> Vec<Vec<u8>> {
    let honest = held()[0].clone();
    let mut behind = honest.clone();
    behind.epoch -= 1;
    let said = |turn: u8, held: &Components| [vec![turn], codec::encode(held)].concat();
    let json = serde_json::to_vec(&sealed_answer(&honest)).unwrap();
    let mut seeds: Vec<_> = (0..4).map(|turn| said(turn, &honest)).collect();
    seeds.push(said(0, &behind));
    seeds.push([vec![1], json].concat());
    seeds
}

/// Receipts of all inputs of a computation that ran on so many.
fn receipts(count: u64) -> Vec<InputReceipt> {
    const MOST: u64 = 6;
    let committee = a_committee();
    let mut attestation = Attestation {
        l2ChainId: committee.chain_id,
        l2Contract: Address::repeat_byte(1),
        codeHash: B256::repeat_byte(2),
        computationId: B256::repeat_byte(3),
        programHash: B256::repeat_byte(4),
        inputRoot: B256::ZERO,
        inputCount: count,
        context: B256::repeat_byte(5),
        epoch: committee.epoch,
        output: Bytes::from_static(&[6; 32]),
    };
    let mut receipts = Vec::new();
    for number in 0..u8::try_from(count.min(MOST)).unwrap() {
        receipts.push(InputReceipt {
            input: B256::repeat_byte(number),
            owner: Address::repeat_byte(0x10 + number),
            commitments: [0x20, 0x30, 0x40, 0x50].map(|byte| B256::repeat_byte(byte + number)),
            masked_hash: B256::repeat_byte(0x60 + number),
            place: 0,
            path: Vec::new(),
            certificate: Certificate {
                attestation: attestation.clone(),
                signatures: [None; NODES],
            },
        });
    }
    let tree = InputTree::new(receipts.iter().map(InputReceipt::leaf).collect());
    attestation.inputRoot = tree.root();
    let digest = attestation.digest(&committee.l1);
    let signatures = node_keys().map(|key| Some(signing::sign_digest(&key, digest)));
    for receipt in &mut receipts {
        (receipt.place, receipt.path) = tree.proof(receipt.leaf()).unwrap();
        receipt.certificate.attestation = attestation.clone();
        receipt.certificate.signatures = signatures;
        // Three are enough.
        receipt.certificate.signatures[usize::try_from(receipt.place).unwrap() % NODES] = None;
    }
    receipts
}

fn node_keys() -> [SigningKey; NODES] {
    [1, 2, 3, 4].map(|byte| SigningKey::from_slice(&[byte; 32]).unwrap())
}

fn a_committee() -> Committee {
    Committee {
        chain_id: 7,
        epoch: 2,
        genesis_ms: 0,
        dev: false,
        reserve_lots: 0,
        refresh_ms: 0,
        l1: L1 {
            chain_id: 1,
            verifier: Address::repeat_byte(9),
        },
        nodes: node_keys().map(|key| Node {
            address: signing::address(key.verifying_key()),
            public_key: Bytes::new(),
            seal_key: B256::ZERO,
            listen: String::new(),
        }),
    }
}

/// Bytes of what a node says, at most; as [`ReadKey::open`] has it.
const LONGEST: usize = NODES * (INPUT_BYTES + 16);
const ID: B256 = B256::repeat_byte(0x11);
/// Node 0 answers as the bytes say.
const NODE: u8 = 0;
/// Nine booleans and a number of 32 bits.
const VALUE: [u8; 6] = [0b0101_0101, 1, 1, 2, 3, 4];

fn secret_type() -> InputType {
    let field = |name: &str, kind, len| Field {
        name: name.into(),
        kind,
        len,
    };
    InputType {
        name: "Fill".into(),
        fields: vec![field("trades", Kind::Bool, 9), field("price", Kind::U32, 1)],
    }
}

/// What each node holds of the secret.
fn held() -> [Components; NODES] {
    let mut first = VALUE.to_vec();
    let mut components = vec![Vec::new()];
    for number in 1..4 {
        let stream = Seed::new([number; 32]).keystream(VALUE.len()).to_vec();
        sealed::subtract(&secret_type(), &mut first, &stream);
        components.push(stream);
    }
    components[0] = first;
    std::array::from_fn(|node| Components {
        epoch: 3,
        components: std::array::from_fn(|c| (c != node).then(|| components[c].clone())),
    })
}

fn read_key() -> &'static ReadKey {
    static KEY: OnceLock<ReadKey> = OnceLock::new();
    KEY.get_or_init(|| ReadKey::random(&mut ChaCha20Rng::seed_from_u64(1)))
}

fn sealed_answer(held: &Components) -> SecretAnswer {
    let mut random = ChaCha20Rng::seed_from_u64(2);
    SecretAnswer::seal(NODE, ID, read_key().public(), held, &mut random).unwrap()
}
