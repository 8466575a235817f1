//! Frozen vectors: an encoding that changes by accident fails here.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use alloy_primitives::{Address, B256, b256, hex};
use k256::ecdsa::SigningKey;
use wire::{
    WireError,
    attestation::{Attestation, Certificate, computation_id},
    block::{Block, Header},
    codec,
    committee::{Committee, L1, Node},
    consensus::{Vote, VoteKind},
    guest::{Context, DELETION_BYTES, Deletion, START_BYTES, Selection, StartOptions},
    kind::Kind,
    limits,
    node_transaction::{NodeMessage, OpenedComponent, StopReason},
    peer::{InputShares, LotPart, PeerMessage, SharedSeeds},
    rpc::ContractInfo,
    seal_keys::{SealKeys, SignedSealKey, sharing_tag},
    signing::{self, Domain, Purpose},
    transaction::{Deployment, Transaction},
};

fn attestation() -> Attestation {
    Attestation {
        l2ChainId: 7,
        l2Contract: Address::repeat_byte(0xc0),
        codeHash: B256::repeat_byte(0xcc),
        computationId: computation_id(Address::repeat_byte(0xc0), 2),
        programHash: B256::repeat_byte(1),
        inputRoot: B256::repeat_byte(2),
        inputCount: 25,
        context: B256::repeat_byte(3),
        epoch: 1,
        output: vec![9; 64].into(),
    }
}

const DOMAIN: Domain = Domain {
    chain_id: 7,
    epoch: 1,
};

fn key(byte: u8) -> SigningKey {
    SigningKey::from_slice(&[byte; 32]).unwrap()
}

#[test]
fn the_digest_of_an_attestation_is_frozen() {
    let l1 = L1 {
        chain_id: 31337,
        verifier: Address::repeat_byte(0x11),
    };
    let digest = attestation().digest(&l1);
    assert_eq!(
        digest,
        b256!("9356646109edf498b9029c5802d53dd480222d29347f591cb4ae49b399df494b")
    );
    let other = L1 { chain_id: 1, ..l1 };
    assert_ne!(attestation().digest(&other), digest);
}

#[test]
fn the_hash_of_a_block_is_frozen() {
    let header = Header {
        number: 1,
        parent: B256::repeat_byte(1),
        time_ms: 1_700_000_000_000,
        proposer: Address::repeat_byte(2),
        state_root: B256::repeat_byte(3),
    };
    let block = Block {
        header,
        node_transactions: vec![],
        transactions: vec![vec![1, 2].into()],
    };
    assert_eq!(
        block.hash(),
        b256!("41e52491925e217ddccf0ca3258715ebe0135a9d4b63cc78fdbd27e080a00536")
    );
    assert_eq!(Block::decode(&block.encode()).unwrap(), block);
}

#[test]
fn messages_of_peers_are_frozen() {
    let message = PeerMessage::WantSeeds {
        inputs: vec![B256::repeat_byte(5)],
    };
    assert_eq!(
        hex::encode(message.encode()),
        format!("080120{}", "05".repeat(32))
    );
    assert_eq!(PeerMessage::decode(&message.encode()).unwrap(), message);
    let seeds = SharedSeeds {
        input: B256::ZERO,
        seeds: vec![(1, [0xee; 32])],
    };
    assert!(
        !format!("{seeds:?}").contains("238"),
        "seeds are not printed"
    );
}

/// The number of the variant, then its parts in order; numbers are varints, `00` and `01` say
/// whether there is something.
#[test]
fn messages_of_nodes_are_frozen() {
    let (job, attempt) = (B256::repeat_byte(0xaa), 300);
    let stop = |reason| NodeMessage::Stop {
        job,
        attempt,
        reason,
    };
    let component = OpenedComponent {
        component: 3,
        blinding: B256::repeat_byte(0xcc),
        value: vec![1, 2].into(),
    };
    let commitments = std::array::from_fn(|c| (c != 1).then(|| B256::repeat_byte(c as u8 + 1)));
    let some = |byte: &str| format!("0120{}", byte.repeat(32));
    let about = format!("20{}ac02", "aa".repeat(32));
    for (message, expected) in [
        (
            NodeMessage::Join {
                job,
                attempt,
                nonce: B256::repeat_byte(0xbb),
            },
            format!("02{about}20{}", "bb".repeat(32)),
        ),
        (
            stop(StopReason::Silence { peer: 2 }),
            format!("03{about}0002"),
        ),
        (
            stop(StopReason::Mismatch {
                round: 200,
                sender: 0,
                backup: 2,
                digest: B256::repeat_byte(0xdd),
            }),
            format!("03{about}01c801000220{}", "dd".repeat(32)),
        ),
        (
            stop(StopReason::BadFrame { peer: 1 }),
            format!("03{about}0201"),
        ),
        (stop(StopReason::Local), format!("03{about}03")),
        (stop(StopReason::Spoiled), format!("03{about}04")),
        (
            NodeMessage::Statement {
                job,
                attempt,
                digest: B256::repeat_byte(0xdd),
            },
            format!("04{about}20{}", "dd".repeat(32)),
        ),
        (
            NodeMessage::Ready {
                job,
                attempt,
                commitments,
            },
            format!("05{about}{}00{}{}", some("01"), some("03"), some("04")),
        ),
        (
            NodeMessage::Open {
                job,
                components: vec![component],
            },
            format!("0620{}010320{}020102", "aa".repeat(32), "cc".repeat(32)),
        ),
        (NodeMessage::Here, "07".to_owned()),
        (
            NodeMessage::SealKey {
                epoch: 300,
                key: seal_key(),
            },
            format!(
                "0aac0220{}20{}20{}00",
                "05".repeat(32),
                hex::encode(seal_key().signature.r),
                hex::encode(seal_key().signature.s)
            ),
        ),
    ] {
        let bytes = codec::encode(&message);
        assert_eq!(hex::encode(&bytes), expected, "{message:?}");
        let decoded = codec::decode::<NodeMessage>("message", &bytes, 1_000).unwrap();
        assert_eq!(decoded, message);
    }
}

#[test]
fn parts_of_lots_are_frozen_and_not_printed() {
    let part = LotPart {
        lot: 5,
        component: 2,
        offset: 300,
        bytes: vec![0xee; 3],
    };
    assert!(!format!("{part:?}").contains("238"));
    for (message, expected) in [
        (
            PeerMessage::WantLot {
                lot: 5,
                component: 2,
                offset: 300,
            },
            "0a0502ac02",
        ),
        (PeerMessage::LotPart(part), "0b0502ac0203eeeeee"),
    ] {
        assert_eq!(hex::encode(message.encode()), expected);
        assert_eq!(PeerMessage::decode(&message.encode()).unwrap(), message);
    }
}

#[test]
fn shares_of_inputs_are_frozen_and_not_printed() {
    let shares = InputShares {
        input: B256::repeat_byte(5),
        components: vec![(2, vec![0xee; 3])],
    };
    assert!(!format!("{shares:?}").contains("238"));
    let sharing = B256::repeat_byte(6);
    let (tag, input) = ("06".repeat(32), "05".repeat(32));
    for (message, expected) in [
        (
            PeerMessage::WantShares {
                sharing,
                inputs: vec![B256::repeat_byte(5)],
            },
            format!("0c20{tag}0120{input}"),
        ),
        (
            PeerMessage::Shares {
                sharing,
                shares: vec![shares],
            },
            format!("0d20{tag}0120{input}010203eeeeee"),
        ),
    ] {
        assert_eq!(hex::encode(message.encode()), expected);
        assert_eq!(PeerMessage::decode(&message.encode()).unwrap(), message);
    }
}

#[test]
fn the_tag_of_a_sharing_is_frozen() {
    assert_eq!(
        sharing_tag(3, 1),
        b256!("55852765c2ea7f251dd866bdba5d644304f25f793db87270a144b3db5ad6ffc0")
    );
}

fn committee() -> Committee {
    let node = |i: u8| Node {
        address: signing::address(key(i).verifying_key()),
        public_key: vec![2; 33].into(),
        seal_key: B256::repeat_byte(i),
        listen: String::new(),
    };
    Committee {
        chain_id: DOMAIN.chain_id,
        epoch: DOMAIN.epoch,
        genesis_ms: 0,
        dev: false,
        reserve_lots: 8,
        refresh_ms: 0,
        l1: L1 {
            chain_id: 1,
            verifier: Address::ZERO,
        },
        nodes: [1, 2, 3, 4].map(node),
    }
}

fn seal_key() -> SignedSealKey {
    SignedSealKey::sign(B256::repeat_byte(5), 300, 2, &key(3), &committee())
}

/// A sealing key counts only for the epoch, the node and the cluster for which it was signed.
#[test]
fn sealing_keys_are_believed_if_their_nodes_signed_them() {
    let (committee, signed) = (committee(), seal_key());
    assert!(signed.verify(300, 2, &committee).is_ok());
    assert!(signed.verify(299, 2, &committee).is_err());
    for node in [0, 1, 3, 4] {
        assert!(signed.verify(300, node, &committee).is_err());
    }
    let other = Committee {
        chain_id: 8,
        ..committee.clone()
    };
    assert!(signed.verify(300, 2, &other).is_err());
    let mut altered = signed;
    altered.key = B256::repeat_byte(6);
    assert!(altered.verify(300, 2, &committee).is_err());

    let keys = SealKeys::check(&committee, 300, &[None, None, Some(signed), None]).unwrap();
    assert_eq!(keys.keys, [None, None, Some(signed.key), None]);
    assert!(SealKeys::check(&committee, 300, &[None, Some(signed), None, None]).is_err());
    // Those of epoch 0 are pinned, whatever anybody says.
    let first = SealKeys::check(&committee, 0, &[Some(signed); 4]).unwrap();
    assert_eq!(first, SealKeys::first(&committee));
}

/// A committee's file that was written before there was a reserve means the usual one.
#[test]
fn a_committee_without_reserve_lots_has_the_usual_number() {
    let node = format!(
        r#"{{"address":"0x{}","public_key":"0x02","seal_key":"0x{}","listen":""}}"#,
        "11".repeat(20),
        "22".repeat(32)
    );
    let file = format!(
        r#"{{"chain_id":7,"epoch":1,"genesis_ms":0,"l1":{{"chain_id":1,"verifier":"0x{}"}},
            "nodes":[{node},{node},{node},{node}]}}"#,
        "33".repeat(20)
    );
    let committee: Committee = serde_json::from_str(&file).unwrap();
    assert_eq!(committee.reserve_lots, limits::RESERVE_LOTS);
    assert_eq!(committee.refresh_ms, 24 * 3_600_000);
    let asked = file.replacen("\"epoch\"", "\"reserve_lots\":3,\"epoch\"", 1);
    let committee: Committee = serde_json::from_str(&asked).unwrap();
    assert_eq!(committee.reserve_lots, 3);
}

#[test]
fn only_the_canonical_encoding_decodes() {
    let vote = Vote {
        kind: VoteKind::Prevote,
        height: 5,
        round: 0,
        block: None,
        voter: 1,
    };
    let bytes = vote.signed_bytes();
    assert_eq!(codec::decode::<Vote>("vote", &bytes, 100).unwrap(), vote);
    // The height as a two-byte varint of the same value.
    let longer = [&bytes[..1], &[0x85, 0x00], &bytes[2..]].concat();
    assert!(codec::decode::<Vote>("vote", &longer, 100).is_err());
    assert!(codec::decode::<Vote>("vote", &[bytes.clone(), vec![0]].concat(), 100).is_err());
    let error = codec::decode::<Vote>("vote", &bytes, 2).unwrap_err();
    assert_eq!(
        error,
        WireError::TooLong {
            what: "vote",
            actual: bytes.len(),
            limit: 2
        }
    );
}

#[test]
fn a_signature_verifies_for_its_purpose_chain_epoch_and_key_alone() {
    let signer = signing::address(key(1).verifying_key());
    let signature = signing::sign(&key(1), Purpose::Vote, DOMAIN, b"payload");
    let verify = |purpose, domain, payload: &[u8]| {
        signing::verify("it", signer, purpose, domain, payload, &signature)
    };
    assert!(verify(Purpose::Vote, DOMAIN, b"payload").is_ok());
    for purpose in [
        Purpose::Proposal,
        Purpose::NodeTransaction,
        Purpose::SealKey,
    ] {
        assert!(verify(purpose, DOMAIN, b"payload").is_err());
    }
    assert!(
        verify(
            Purpose::Vote,
            Domain {
                chain_id: 8,
                ..DOMAIN
            },
            b"payload"
        )
        .is_err()
    );
    assert!(verify(Purpose::Vote, Domain { epoch: 2, ..DOMAIN }, b"payload").is_err());
    assert!(verify(Purpose::Vote, DOMAIN, b"Payload").is_err());
    let other = signing::address(key(2).verifying_key());
    assert!(signing::verify("it", other, Purpose::Vote, DOMAIN, b"payload", &signature).is_err());
}

#[test]
fn a_signature_with_high_s_is_refused() {
    let digest = B256::repeat_byte(8);
    let good = signing::sign_digest(&key(1), digest);
    assert!(signing::recover("it", digest, &good).is_ok());
    let order = hex!("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141");
    let order = alloy_primitives::U256::from_be_bytes(order);
    let high = order - alloy_primitives::U256::from_be_bytes(good.s.0);
    let malleable = signing::Signature {
        s: high.into(),
        y_odd: !good.y_odd,
        ..good
    };
    assert!(signing::recover("it", digest, &malleable).is_err());
}

#[test]
fn a_quorum_is_three_signatures_in_order_of_party() {
    let sign = |i| Some(signing::sign_digest(&key(i), B256::repeat_byte(8)));
    let mut certificate = Certificate {
        attestation: attestation(),
        signatures: [sign(1), None, sign(3), None],
    };
    assert_eq!(certificate.quorum(), None);
    certificate.signatures[3] = sign(4);
    let (bitmap, bytes) = certificate.quorum().unwrap();
    assert_eq!(bitmap, 0b1101);
    assert_eq!(bytes.len(), 3 * 64);
    assert_eq!(bytes[..64], sign(1).unwrap().compact());
    certificate.signatures[1] = sign(2);
    assert_eq!(
        certificate.quorum().unwrap().0,
        0b0111,
        "the first three suffice"
    );
}

#[test]
fn a_deployment_round_trips_and_names_its_address() {
    let deployment = Deployment {
        salt: B256::repeat_byte(1),
        code: vec![0, 0x61, 0x73, 0x6d].into(),
        init: vec![7; 32].into(),
    };
    let data = deployment.encode();
    assert_eq!(Deployment::decode(&data).unwrap(), deployment);
    for cut in 0..41 {
        assert!(
            Deployment::decode(&data.slice(..cut)).is_err(),
            "cut at {cut}"
        );
    }
    let deployer = Address::repeat_byte(2);
    let other = Deployment {
        init: vec![8; 32].into(),
        ..deployment.clone()
    };
    assert_ne!(deployment.address(deployer), other.address(deployer));
    assert_ne!(
        deployment.address(deployer),
        deployment.address(Address::ZERO)
    );
}

#[test]
fn transactions_that_are_not_for_us_are_refused() {
    for (what, raw) in [
        ("nothing", vec![]),
        ("an empty list", vec![0xc0]),
        ("an unknown type", vec![0x7f, 0xc0]),
        ("noise", vec![0x02, 0xff, 0xff, 0xff]),
    ] {
        let error = Transaction::decode(raw.into(), 7).unwrap_err();
        assert!(
            matches!(error, WireError::Malformed { .. }),
            "{what}: {error}"
        );
    }
    let long = vec![0; limits::DEPLOYMENT_BYTES + 1];
    assert!(matches!(
        Transaction::decode(long.into(), 7),
        Err(WireError::TooLong { .. })
    ));
}

#[test]
fn the_context_of_a_guest_round_trips() {
    let context = Context {
        sender: [1; 20],
        contract: [2; 20],
        chain_id: 3,
        block: 4,
        time: 1_700_000_000,
    };
    assert_eq!(Context::decode(&context.encode()), context);
}

#[test]
fn what_users_are_told_of_timers_is_frozen() {
    let json = r#"{"address":"0x0101010101010101010101010101010101010101","codeHash":"0x0202020202020202020202020202020202020202020202020202020202020202","deployer":"0x0303030303030303030303030303030303030303","description":{"name":"n","abi":[],"inputs":[],"input_functions":[],"computations":[]},"computations":4,"timers":[{"selector":"0x26080b4e","time":1700000040}],"timerFailure":{"selector":"0x26080b4e","block":9,"reason":"too early"}}"#;
    let info: ContractInfo = serde_json::from_str(json).unwrap();
    assert_eq!(info.timers[0].selector, [0x26, 0x08, 0x0b, 0x4e]);
    assert_eq!(serde_json::to_string(&info).unwrap(), json);
    let without = ContractInfo {
        timers: vec![],
        timer_failure: None,
        ..info
    };
    let shown = serde_json::to_string(&without).unwrap();
    assert!(!shown.contains("timer"), "{shown}");
    assert_eq!(
        serde_json::from_str::<ContractInfo>(&shown).unwrap(),
        without
    );
}

#[test]
fn elements_are_packed_and_unpacked() {
    for (kind, values, expected) in [
        (Kind::Bool, vec![1, 0, 1, 1, 0, 0, 0, 0, 1], "0d01"),
        (Kind::I8, vec![0xff, 3], "ff03"),
        (Kind::Fixed64(16), vec![0x1_8000], "0080010000000000"),
        (
            Kind::U128,
            vec![1 << 127],
            "00000000000000000000000000000080",
        ),
    ] {
        let bytes = kind.pack(&values);
        assert_eq!(hex::encode(&bytes), expected, "{kind:?}");
        assert_eq!(kind.unpack(&bytes, values.len()), Some(values));
    }
    assert_eq!(Kind::Bool.unpack(&[2], 1), None, "an unused bit");
    assert_eq!(Kind::U16.unpack(&[1, 2, 3], 1), None);
    assert_eq!(Kind::U16.unpack(&[], 0), Some(vec![]));
}

fn start_options(selection: Selection) -> StartOptions {
    StartOptions {
        context: B256::repeat_byte(1),
        reader: Address::repeat_byte(2),
        delete_after: true,
        selection,
        arguments: vec![5, 6],
    }
}

#[test]
fn options_of_a_computation_are_frozen() {
    for (selection, encoded) in [
        (Selection::All, "00"),
        (Selection::Group(0x0304), "010000000000000304"),
        (
            Selection::Inputs(vec![7, 256]),
            "020000000200000000000000070000000000000100",
        ),
    ] {
        let options = start_options(selection);
        let bytes = [
            &[1; 32][..],
            &[2; 20],
            &[1],
            &hex::decode(encoded).unwrap(),
            &[5, 6],
        ]
        .concat();
        assert_eq!(options.encode(), bytes);
        assert_eq!(StartOptions::decode(&bytes), Ok(options));
    }
    assert_eq!(StartOptions::default().encode(), [0; 54]);
}

#[test]
fn options_of_a_computation_are_bounded_and_canonical() {
    let full = StartOptions {
        arguments: vec![0; limits::START_ARGUMENT_BYTES],
        ..start_options(Selection::Inputs(
            (0..limits::START_INPUTS as u64).collect(),
        ))
    };
    let bytes = full.encode();
    assert_eq!(bytes.len(), START_BYTES);
    assert_eq!(StartOptions::decode(&bytes), Ok(full));
    let too_long = StartOptions::decode(&[bytes, vec![0]].concat());
    assert!(matches!(too_long, Err(WireError::TooLong { .. })));
    for inputs in [vec![3, 3], vec![4, 3], vec![0; limits::START_INPUTS + 1]] {
        let bytes = start_options(Selection::Inputs(inputs)).encode();
        assert!(StartOptions::decode(&bytes).is_err());
    }
    for (place, byte) in [(52, 2), (53, 3)] {
        let mut bytes = start_options(Selection::All).encode();
        bytes[place] = byte;
        assert!(StartOptions::decode(&bytes).is_err());
    }
    assert!(StartOptions::decode(&[0; 53]).is_err());
}

#[test]
fn deletions_of_inputs_are_frozen_and_bounded() {
    for (deletion, encoded) in [
        (
            Deletion::Group {
                number: 1,
                group: 0x0203,
            },
            "01000000010000000000000203",
        ),
        (Deletion::Inputs(vec![7]), "02000000010000000000000007"),
    ] {
        let bytes = hex::decode(encoded).unwrap();
        assert_eq!(deletion.encode(), bytes);
        assert_eq!(Deletion::decode(&bytes), Ok(deletion));
        assert!(Deletion::decode(&bytes[1..]).is_err());
        assert!(Deletion::decode(&[&bytes[..], &[0]].concat()).is_err());
    }
    let full = Deletion::Inputs((0..limits::START_INPUTS as u64).collect());
    assert_eq!(full.encode().len(), DELETION_BYTES);
    assert!(Deletion::decode(&full.encode()).is_ok());
    let over = Deletion::Inputs((0..=limits::START_INPUTS as u64).collect());
    assert!(Deletion::decode(&over.encode()).is_err());
    assert!(Deletion::decode(&Deletion::Inputs(vec![7, 7]).encode()).is_err());
}
