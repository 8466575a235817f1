//! What a node reads: its files, its configuration, its records, and requests.

use std::sync::OnceLock;

use alloy_primitives::{Address, B256, Bytes, keccak256};
use mpc_node::{
    config::{Config, Membership},
    keys::{self, NodeKeys},
    rpc::{
        logs::Filter,
        params::{Arguments, BlockTag, CallArguments, OneOrMany, Quantity},
        server::requests_in,
    },
    storage::{
        derived::{BlockLogEntry, BlockRecord, TransactionPlace, decode_record, encode_record},
        epochs::{EpochKeys, FirstEpoch},
        records::read_record,
        secret_box::SecretBox,
        seed_box::SeedBox,
    },
};
use ordering::Ordering;
use wire::{
    block::Block,
    codec,
    committee::{Committee, L1},
    consensus::DecidedBlock,
    limits::PEER_FRAME_BYTES,
    sealed::{SealKey, Seed},
};
use zk_contract_runtime::Runtime;

use crate::formats::decided_block;

/// A configuration is a text.
pub fn config(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_ok_and(|text| Config::parse(text).is_ok())
}

/// The committee file, read by a node that is in the one of the seeds.
pub fn committee(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return false;
    };
    let Ok(committee) = toml::from_str::<Committee>(text) else {
        return false;
    };
    Membership::new(committee, &keys()[0]).is_ok()
}

/// A key file.
pub fn key_file(bytes: &[u8]) -> bool {
    keys::parse_key(bytes).is_some()
}

/// A record of the write-ahead log of consensus, without its checksum.
pub fn consensus_wal(bytes: &[u8]) -> bool {
    let mut record = bytes.to_vec();
    record.extend_from_slice(&keccak256(bytes)[..8]);
    let committee = a_committee().clone();
    let runtime = Runtime::new(committee.clone());
    let config = ordering::Config::new(committee, 0, keys()[0].signing());
    let raw = Bytes::copy_from_slice(bytes);
    Ordering::new(config, runtime, vec![record.into(), raw], 1_000).is_ok()
}

/// A file of records after its header: decided blocks.
pub fn stored_records(bytes: &[u8]) -> bool {
    let (mut rest, mut link, mut good) = (bytes, ORIGIN, false);
    let mut left = bytes.len() as u64;
    while let Ok(Some((next, record))) = read_record(&mut rest, link, PEER_FRAME_BYTES, left) {
        link = next;
        left = rest.len() as u64;
        let Ok(decided) = codec::decode::<DecidedBlock>("block", &record, PEER_FRAME_BYTES) else {
            return false;
        };
        let _ = Block::decode(&decided.block);
        good = true;
    }
    good
}

const ORIGIN: B256 = B256::repeat_byte(5);

/// A value of the store of derived data, and a record of seeds; with and without their checksums.
pub fn stored_values(bytes: &[u8]) -> bool {
    const LIMIT: usize = 1 << 20;
    let (tree, key) = (b"tree", b"key");
    let whole = decode_record::<BlockRecord>(tree, key, bytes).is_some()
        || decode_record::<TransactionPlace>(tree, key, bytes).is_some()
        || decode_record::<Vec<BlockLogEntry>>(tree, key, bytes).is_some();
    let bare = codec::decode::<BlockRecord>("record", bytes, LIMIT).is_ok()
        || codec::decode::<TransactionPlace>("record", bytes, LIMIT).is_ok()
        || codec::decode::<Vec<BlockLogEntry>>("record", bytes, LIMIT).is_ok();
    let seeds = seed_box().open(B256::ZERO, bytes).is_some();
    whole || bare || seeds
}

/// The parameters of a request: every kind that a method takes, at every place.
pub fn rpc_request(bytes: &[u8]) -> bool {
    const GAS: u64 = 1_000;
    const BLOCKS: u64 = 10;
    assert!(requests_in(bytes) as usize <= bytes.len().max(1));
    let Ok(text) = std::str::from_utf8(bytes) else {
        return false;
    };
    let Ok(arguments) = Arguments::parse(Some(text)) else {
        return false;
    };
    let mut taken = false;
    for place in 0..3 {
        taken |= arguments.get::<BlockTag>(place, "block").is_ok()
            | arguments.get::<Quantity>(place, "number").is_ok()
            | arguments.get::<Address>(place, "address").is_ok()
            | arguments.get::<OneOrMany<B256>>(place, "hash").is_ok()
            | arguments.get::<Vec<f64>>(place, "percentiles").is_ok();
        if let Ok(raw) = arguments.get::<Bytes>(place, "transaction") {
            taken |= crate::formats::transaction(&raw);
        }
        if let Ok(call) = arguments.get::<CallArguments>(place, "call")
            && let Ok(request) = call.request(GAS)
        {
            assert!(request.gas.is_some_and(|gas| gas <= GAS));
            taken = true;
        }
        if let Ok(filter) = arguments.get::<Filter>(place, "filter")
            && let Ok(Some(range)) = filter.resolve(100, BLOCKS, |_| Some(3))
        {
            assert!(range.to <= 100 && range.to - range.from < BLOCKS);
            taken = true;
        }
    }
    taken
}

/// A configuration with everything in it.
#[must_use]
pub fn config_seeds() -> Vec<Vec<u8>> {
    let text = include_str!("../../../mpc-node/node.example.toml");
    vec![text.as_bytes().to_vec()]
}

/// The committee of this process.
#[must_use]
pub fn committee_seeds() -> Vec<Vec<u8>> {
    vec![toml::to_string(a_committee()).unwrap().into_bytes()]
}

/// Keys as they are written, and as people write them.
#[must_use]
pub fn key_file_seeds() -> Vec<Vec<u8>> {
    let digits = "0a".repeat(32);
    vec![
        format!("{digits}\n").into_bytes(),
        format!("  0x{digits}").into_bytes(),
    ]
}

/// A time-out that elapsed, and a block.
#[must_use]
pub fn consensus_wal_seeds() -> Vec<Vec<u8>> {
    let block = [&[1, 1, 0, 3][..], b"xyz"].concat();
    vec![vec![1, 1, 5, 0, 0], block, vec![1, 0]]
}

/// Two blocks.
#[must_use]
pub fn stored_records_seeds() -> Vec<Vec<u8>> {
    let (mut file, mut link) = (Vec::new(), ORIGIN);
    let record = codec::encode(&decided_block());
    for _ in 0..2 {
        let mut hasher = blake3::Hasher::new();
        hasher.update(link.as_slice());
        hasher.update(&(record.len() as u64).to_be_bytes());
        hasher.update(&record);
        link = B256::from(*hasher.finalize().as_bytes());
        file.extend_from_slice(&u32::try_from(record.len()).unwrap().to_be_bytes());
        file.extend_from_slice(link.as_slice());
        file.extend_from_slice(&record);
    }
    vec![file]
}

/// One of each kind.
#[must_use]
pub fn stored_values_seeds() -> Vec<Vec<u8>> {
    let (tree, key) = (b"tree", b"key");
    let block = BlockRecord {
        hash: B256::repeat_byte(1),
        state_root: B256::repeat_byte(2),
        receipts: Vec::new(),
    };
    let place = TransactionPlace { block: 3, index: 4 };
    let seeds = [1, 2, 3, 4].map(|byte| (byte != 2).then(|| Seed::new([byte; 32])));
    let sealed = seed_box().seal(B256::ZERO, 0, &seeds).unwrap().unwrap();
    vec![
        encode_record(tree, key, &block),
        codec::encode(&block),
        encode_record(tree, key, &place),
        codec::encode(&place),
        codec::encode(&Vec::<BlockLogEntry>::new()),
        sealed,
    ]
}

/// Parameters of the methods that take most.
#[must_use]
pub fn rpc_request_seeds() -> Vec<Vec<u8>> {
    let hash = B256::repeat_byte(1);
    let address = Address::repeat_byte(2);
    let raw = crate::formats::transaction_seeds().pop().map(Bytes::from);
    let parameters = [
        serde_json::json!([address, "latest"]),
        serde_json::json!([{"to": address, "data": "0x01020304", "gas": "0x10"}, {"blockHash": hash}]),
        serde_json::json!([{"fromBlock": "0x5a", "toBlock": "0x60", "address": [address], "topics": [null, [hash], hash]}]),
        serde_json::json!([{"blockHash": hash}]),
        serde_json::json!(["0x5", "pending", [1.5, 20]]),
        serde_json::json!([raw]),
    ];
    let texts = parameters.iter().map(|parameters| parameters.to_string());
    texts.map(String::into_bytes).collect()
}

/// Of key epoch 0 only, so that its folder stays empty.
fn seed_box() -> &'static SeedBox {
    static SEED_BOX: OnceLock<SeedBox> = OnceLock::new();
    SEED_BOX.get_or_init(|| {
        let folder = std::env::temp_dir().join("quartet-fuzz-epochs");
        let first = FirstEpoch {
            seal: SealKey::from_bytes(&[7; 32]).unwrap(),
            storage: SecretBox::new(&[7; 32]),
            file: folder.join("seal.key"),
        };
        SeedBox::new(EpochKeys::open(&folder, &[7; 32], Some(first)).unwrap())
    })
}

fn keys() -> &'static [NodeKeys; 4] {
    static KEYS: OnceLock<[NodeKeys; 4]> = OnceLock::new();
    KEYS.get_or_init(|| std::array::from_fn(|_| NodeKeys::generate().unwrap()))
}

fn a_committee() -> &'static Committee {
    static COMMITTEE: OnceLock<Committee> = OnceLock::new();
    COMMITTEE.get_or_init(|| Committee {
        chain_id: 7,
        epoch: 1,
        genesis_ms: 1,
        dev: false,
        reserve_lots: 0,
        refresh_ms: 0,
        l1: L1 {
            chain_id: 1,
            verifier: Address::repeat_byte(1),
        },
        nodes: keys()
            .each_ref()
            .map(|keys| keys.public("/ip4/192.0.2.1/tcp/7000").unwrap()),
    })
}
