//! Events of L1, as a node that the relayer asks may tell them.

use alloy::{
    primitives::{Address, B256, Bytes, LogData},
    rpc::types::Log,
    sol_types::SolEvent as _,
};
use relayer::{abi::Electorate::VotersAdded, l1::Batch};

/// An answer in JSON, or the topics and data of one event.
pub fn log(bytes: &[u8]) -> bool {
    if let Ok(logs) = serde_json::from_slice::<Vec<Log>>(bytes) {
        return logs.iter().filter_map(Batch::from_log).count() > 0;
    }
    let Some((count, rest)) = bytes.split_first() else {
        return false;
    };
    let topics = usize::from(count % 6).min(rest.len() / 32);
    let (topics, data) = rest.split_at(32 * topics);
    let topics = topics.chunks_exact(32).map(B256::from_slice).collect();
    let Some(data) = LogData::new(topics, Bytes::copy_from_slice(data)) else {
        return false;
    };
    let inner = alloy::primitives::Log {
        address: Address::ZERO,
        data,
    };
    let log = Log {
        inner,
        block_number: Some(1),
        ..Log::default()
    };
    let Some(batch) = Batch::from_log(&log) else {
        return false;
    };
    // A list may point at the same words more than once, but not into nothing.
    assert!(32 * batch.voters.len() <= bytes.len());
    true
}

/// Both forms of the same event.
#[must_use]
pub fn log_seeds() -> Vec<Vec<u8>> {
    let event = VotersAdded {
        index: 3,
        voters: vec![Address::repeat_byte(1), Address::repeat_byte(2)],
    };
    let data = event.encode_log_data();
    let topics = data.topics().iter().flat_map(|topic| topic.0);
    let count = u8::try_from(data.topics().len()).unwrap();
    let raw = [count].into_iter().chain(topics).chain(data.data.to_vec());
    let log = Log {
        inner: alloy::primitives::Log {
            address: Address::ZERO,
            data: data.clone(),
        },
        block_number: Some(1),
        ..Log::default()
    };
    vec![raw.collect(), serde_json::to_vec(&[log]).unwrap()]
}
