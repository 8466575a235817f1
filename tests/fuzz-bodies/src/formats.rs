//! Formats that cross process boundaries: what decodes encodes to the same bytes again.

use alloy_consensus::{SignableTransaction as _, TxEip1559, TxEnvelope};
use alloy_eips::Encodable2718 as _;
use alloy_primitives::{Address, B256, Bytes, TxKind};
use k256::ecdsa::SigningKey;
use wire::{
    block::{Block, Header},
    consensus::{CommitCertificate, DecidedBlock, Signed, Vote, VoteKind},
    contract::Description,
    guest::{Deletion, Selection, StartOptions},
    kind::{Field, InputType, Kind},
    node_transaction::{
        NodeMessage, NodeTransaction, OpenedComponent, SignedNodeTransaction, StopReason,
    },
    peer::{InputShares, LotPart, PeerMessage, SharedSeeds},
    seal_keys::SignedSealKey,
    sealed::{Seal, SealedInput},
    signing::{self, Signature},
    transaction::{Deployment, Transaction},
};

/// Id of the chain.
pub(crate) const CHAIN_ID: u64 = 7;

/// A proposer may propose anything.
pub fn block(bytes: &[u8]) -> bool {
    let block = Block::decode(bytes);
    block.is_ok_and(|block| block.encode() == bytes || panic!("another encoding"))
}

/// A contract may describe itself as anything.
pub fn description(bytes: &[u8]) -> bool {
    serde_json::from_slice::<Description>(bytes).is_ok()
}

/// A peer may send anything.
pub fn peer_message(bytes: &[u8]) -> bool {
    let message = PeerMessage::decode(bytes);
    message.is_ok_and(|message| message.encode() == bytes || panic!("another encoding"))
}

/// A client may seal anything.
pub fn sealed_input(bytes: &[u8]) -> bool {
    let Ok(sealed) = SealedInput::decode(bytes, &input_type()) else {
        return false;
    };
    assert_eq!(sealed.masked.len(), 1);
    assert_eq!(sealed.encode(), bytes);
    true
}

/// A contract may start computations with any options, and delete any inputs.
pub fn start_options(bytes: &[u8]) -> bool {
    let deletion = Deletion::decode(bytes);
    let deletion = deletion.is_ok_and(|d| d.encode() == bytes || panic!("another encoding"));
    let options = StartOptions::decode(bytes);
    options.is_ok_and(|o| o.encode() == bytes || panic!("another encoding")) || deletion
}

/// A client may send anything.
pub fn transaction(bytes: &[u8]) -> bool {
    let bytes = Bytes::copy_from_slice(bytes);
    let deployment = Deployment::decode(&bytes);
    if let Ok(deployment) = &deployment {
        assert_eq!(deployment.encode(), bytes);
    }
    let Ok(transaction) = Transaction::decode(bytes.clone(), CHAIN_ID) else {
        return deployment.is_ok();
    };
    assert_eq!(transaction.raw, bytes);
    let _ = Deployment::decode(&transaction.data);
    true
}

/// Options of computations and deletions, one of each selection.
#[must_use]
pub fn start_options_seeds() -> Vec<Vec<u8>> {
    let inputs = Selection::Inputs(vec![3, 9]);
    let selections = [Selection::All, Selection::Group(7), inputs];
    let options = selections.map(|selection| StartOptions {
        selection,
        arguments: vec![1; 32],
        ..StartOptions::default()
    });
    let group = Deletion::Group {
        number: 0,
        group: 7,
    };
    let deletions = [group, Deletion::Inputs(vec![3, 9])];
    let options = options.iter().map(StartOptions::encode);
    options
        .chain(deletions.iter().map(Deletion::encode))
        .collect()
}

/// Blocks.
#[must_use]
pub fn block_seeds() -> Vec<Vec<u8>> {
    vec![a_block().encode()]
}

/// Descriptions.
#[must_use]
pub fn description_seeds() -> Vec<Vec<u8>> {
    let text = r#"{"name":"n","abi":[],"inputs":[{"name":"B","fields":[{"name":"c","kind":"u8","len":1}]}],"input_functions":[],"computations":[{"name":"c","inputs":[0],"output":"(uint64)"}]}"#;
    vec![text.as_bytes().to_vec()]
}

/// One message of most kinds.
#[must_use]
pub fn peer_message_seeds() -> Vec<Vec<u8>> {
    let vote = Vote {
        kind: VoteKind::Precommit,
        height: 9,
        round: 1,
        block: None,
        voter: 3,
    };
    let seeds = SharedSeeds {
        input: B256::ZERO,
        seeds: vec![(1, [5; 32])],
    };
    let messages = [
        PeerMessage::Vote(Signed {
            message: vote,
            signature: signature(),
        }),
        PeerMessage::NodeTransaction(node_transaction()),
        PeerMessage::Blocks(vec![decided_block()]),
        PeerMessage::WantSeeds {
            inputs: vec![B256::repeat_byte(1)],
        },
        PeerMessage::Seeds(vec![seeds]),
        PeerMessage::WantLot {
            lot: 300,
            component: 1,
            offset: 1 << 20,
        },
        PeerMessage::LotPart(LotPart {
            lot: 300,
            component: 1,
            offset: 1 << 20,
            bytes: vec![7; 20],
        }),
        PeerMessage::WantShares {
            sharing: B256::repeat_byte(3),
            inputs: vec![B256::repeat_byte(1)],
        },
        PeerMessage::Shares {
            sharing: B256::repeat_byte(3),
            shares: vec![InputShares {
                input: B256::repeat_byte(1),
                components: vec![(2, vec![7; 9])],
            }],
        },
        PeerMessage::Transactions(vec![vec![1, 2].into()]),
    ];
    messages.iter().map(PeerMessage::encode).collect()
}

/// Sealed inputs.
#[must_use]
pub fn sealed_input_seeds() -> Vec<Vec<u8>> {
    let seal = Seal {
        encapsulated: B256::repeat_byte(4),
        ciphertext: vec![1; 112],
    };
    let sealed = SealedInput {
        key_epoch: 0,
        masked: vec![9],
        commitments: [B256::repeat_byte(6); 4],
        seals: std::array::from_fn(|_| seal.clone()),
    };
    vec![sealed.encode()]
}

/// Transactions, and what one that deploys carries.
#[must_use]
pub fn transaction_seeds() -> Vec<Vec<u8>> {
    let deployment = Deployment {
        salt: B256::ZERO,
        code: vec![1; 40].into(),
        init: vec![2; 32].into(),
    };
    let deploys = signed(0, None, deployment.encode());
    let calls = signed(5, Some(Address::repeat_byte(1)), vec![1, 2, 3, 4].into());
    vec![
        deployment.encode().to_vec(),
        deploys.to_vec(),
        calls.to_vec(),
    ]
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
            commitments: std::array::from_fn(|c| (c != 2).then_some(B256::repeat_byte(4))),
        },
        NodeMessage::Open {
            job,
            components: vec![component],
        },
        NodeMessage::Here,
        NodeMessage::SealKey {
            epoch: 3,
            key: SignedSealKey {
                key: B256::repeat_byte(7),
                signature: signature(),
            },
        },
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

fn a_block() -> Block {
    let header = Header {
        number: 9,
        parent: B256::repeat_byte(1),
        time_ms: 1_700_000_000_000,
        proposer: Address::repeat_byte(2),
        state_root: B256::repeat_byte(3),
    };
    Block {
        header,
        node_transactions: vec![node_transaction()],
        transactions: vec![Bytes::from_static(&[2, 0xc0])],
    }
}

pub(crate) fn decided_block() -> DecidedBlock {
    let certificate = CommitCertificate {
        height: 9,
        round: 0,
        block: a_block().hash(),
        signatures: vec![(0, signature()), (2, signature())],
    };
    DecidedBlock {
        block: a_block().encode().into(),
        certificate,
    }
}

/// A transaction of the same account, whatever is asked for.
pub(crate) fn signed(nonce: u64, to: Option<Address>, input: Bytes) -> Bytes {
    let key = SigningKey::from_slice(&[1; 32]).unwrap();
    let transaction = TxEip1559 {
        chain_id: CHAIN_ID,
        nonce,
        gas_limit: 100_000_000,
        to: to.map_or(TxKind::Create, TxKind::Call),
        input,
        ..TxEip1559::default()
    };
    let Signature { r, s, y_odd } = signing::sign_digest(&key, transaction.signature_hash());
    let signature = alloy_primitives::Signature::new(r.into(), s.into(), y_odd);
    let envelope = TxEnvelope::from(transaction.into_signed(signature));
    envelope.encoded_2718().into()
}
