//! JSON of blocks, transactions, receipts and events, as Ethereum's tools expect it.

use alloy_consensus::{Transaction as _, TxEnvelope};
use alloy_eips::Decodable2718 as _;
use alloy_primitives::{Address, B64, B256, Bloom, Bytes, U64, U256, keccak256};
use serde_json::{Value, json};
use wire::{block::Header, limits::BLOCK_FUEL};
use zk_contract_runtime::{Log, Receipt};

use crate::storage::derived::BlockRecord;

/// A number as Ethereum writes it.
#[must_use]
pub fn quantity(number: u64) -> Value {
    json!(U64::from(number))
}

/// Anything with a JSON form.
#[must_use]
pub fn value<T: serde::Serialize>(of: &T) -> Value {
    // The types of `wire::rpc` and of alloy always have one.
    serde_json::to_value(of).unwrap_or(Value::Null)
}

/// Where a transaction or an event is.
#[derive(Clone, Copy, Debug)]
pub struct BlockPlace {
    /// Hash of the block.
    pub hash: B256,
    /// Number of the block.
    pub number: u64,
    /// Its time, in seconds since the Unix epoch.
    pub time: u64,
}

/// The filter of a block or receipt.
#[must_use]
pub fn bloom<'a>(logs: impl Iterator<Item = &'a Log>) -> Bloom {
    let mut bloom = Bloom::ZERO;
    for log in logs {
        bloom.accrue_raw_log(log.address, &log.topics);
    }
    bloom
}

/// A block. `transactions` are hashes or whole transactions; `logs` are all of the block.
#[must_use]
pub fn block(
    header: &Header,
    record: &BlockRecord,
    size: usize,
    logs_bloom: Bloom,
    transactions: Vec<Value>,
) -> Value {
    let gas_used = record
        .receipts
        .last()
        .map_or(0, |last| last.cumulative_gas_used);
    json!({
        "hash": record.hash,
        "number": quantity(header.number),
        "parentHash": header.parent,
        "timestamp": quantity(header.time_ms / 1000),
        "miner": header.proposer,
        "stateRoot": record.state_root,
        "gasLimit": quantity(BLOCK_FUEL),
        "gasUsed": quantity(gas_used),
        "baseFeePerGas": quantity(0),
        "logsBloom": logs_bloom,
        "size": quantity(size as u64),
        "transactions": transactions,
        // What Ethereum's blocks have and these have not.
        "transactionsRoot": B256::ZERO,
        "receiptsRoot": B256::ZERO,
        "sha3Uncles": keccak256([0xc0]),
        "uncles": [],
        "difficulty": quantity(0),
        "totalDifficulty": quantity(0),
        "extraData": Bytes::new(),
        "mixHash": B256::ZERO,
        "nonce": B64::ZERO,
    })
}

/// A transaction; null if the envelope is none, which a block never holds.
#[must_use]
pub fn transaction(raw: &[u8], from: Address, place: &BlockPlace, index: usize) -> Value {
    let Ok(TxEnvelope::Eip1559(signed)) = TxEnvelope::decode_2718_exact(raw) else {
        return Value::Null;
    };
    let (tx, signature) = (signed.tx(), signed.signature());
    let parity = quantity(u64::from(signature.v()));
    json!({
        "hash": signed.hash(),
        "type": quantity(2),
        "chainId": quantity(tx.chain_id),
        "nonce": quantity(tx.nonce),
        "from": from,
        "to": tx.to(),
        "value": U256::ZERO,
        "input": tx.input,
        "gas": quantity(tx.gas_limit),
        "gasPrice": quantity(0),
        "maxFeePerGas": U256::from(tx.max_fee_per_gas),
        "maxPriorityFeePerGas": U256::from(tx.max_priority_fee_per_gas),
        "accessList": value(&tx.access_list.iter().map(|item| json!({
            "address": item.address,
            "storageKeys": item.storage_keys,
        })).collect::<Vec<_>>()),
        "r": signature.r(),
        "s": signature.s(),
        "v": parity,
        "yParity": parity,
        "blockHash": place.hash,
        "blockNumber": quantity(place.number),
        "transactionIndex": quantity(index as u64),
    })
}

/// A receipt. `first_log` is the place of its first event in the block.
#[must_use]
pub fn receipt(receipt: &Receipt, place: &BlockPlace, index: usize, first_log: usize) -> Value {
    let logs = receipt.logs.iter().enumerate().map(|(at, event)| {
        let index = Some(index as u64);
        log(
            event,
            receipt.tx_hash,
            index,
            place,
            (first_log + at) as u64,
        )
    });
    let mut json = json!({
        "transactionHash": receipt.tx_hash,
        "transactionIndex": quantity(index as u64),
        "blockHash": place.hash,
        "blockNumber": quantity(place.number),
        "from": receipt.from,
        "to": receipt.to,
        "contractAddress": receipt.contract_address,
        "status": quantity(u64::from(receipt.status)),
        "gasUsed": quantity(receipt.gas_used),
        "cumulativeGasUsed": quantity(receipt.cumulative_gas_used),
        "effectiveGasPrice": quantity(0),
        "logs": logs.collect::<Vec<_>>(),
        "logsBloom": bloom(receipt.logs.iter()),
        "type": quantity(2),
    });
    if !receipt.status {
        // Not Ethereum's, but tools pass it on: why it failed.
        json["revertReason"] = json!(receipt.output);
        json["revertMessage"] = json!(receipt.revert_reason);
    }
    json
}

/// An event.
#[must_use]
pub fn log(
    event: &Log,
    tx_hash: B256,
    tx_index: Option<u64>,
    place: &BlockPlace,
    index: u64,
) -> Value {
    json!({
        "address": event.address,
        "topics": event.topics,
        "data": event.data,
        "blockHash": place.hash,
        "blockNumber": quantity(place.number),
        "blockTimestamp": quantity(place.time),
        "transactionHash": tx_hash,
        "transactionIndex": tx_index.map(quantity),
        "logIndex": quantity(index),
        "removed": false,
    })
}
