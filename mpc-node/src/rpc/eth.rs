//! Methods of Ethereum.

use std::time::{Duration, Instant};

use alloy_primitives::{Address, B256, U256};
use ordering::Refusal;
use serde_json::{Value, json};
use wire::{
    block::{Block, Header},
    limits::CALL_FUEL,
};
use zk_contract_runtime::{CallStatus, Head, Runtime};

use super::{
    Answer, Rpc,
    error::RpcError,
    params::{Arguments, BlockTag, CallArguments, Quantity},
    shapes::{self, BlockPlace, quantity, value},
};
use crate::storage::derived::{BlockRecord, TransactionPlace};

/// What every account has: 10¹² coins of 10¹⁸ parts. There is no coin; this lets wallets send.
const BALANCE: U256 = U256::from_limbs([5_076_944_270_305_263_616, 54_210_108_624, 0, 0]);
/// A call that takes so long is followed by a pause.
const LONG: Duration = Duration::from_millis(20);
/// How many times as long the pause is.
const PAUSES: u32 = 3;
/// Blocks of one fee history.
const FEE_BLOCKS: u64 = 1024;

/// A block with what is kept of it.
pub(super) struct FoundBlock {
    pub(super) block: Block,
    pub(super) size: usize,
    pub(super) record: BlockRecord,
}

impl FoundBlock {
    pub(super) const fn place(&self) -> BlockPlace {
        BlockPlace {
            hash: self.record.hash,
            number: self.block.header.number,
            time: self.block.header.time_ms / 1000,
        }
    }
}

impl Rpc {
    /// Number of the last block that is applied and indexed.
    pub(super) fn head(&self) -> u64 {
        *self.shared.height().borrow()
    }

    /// Number of the block that a tag names, none if there is no such block.
    pub(super) fn resolve(&self, tag: BlockTag) -> Option<u64> {
        let head = self.head();
        match tag {
            BlockTag::Latest | BlockTag::Pending => Some(head),
            BlockTag::Number(number) => (number <= head).then_some(number),
            BlockTag::Hash(hash) => match self.derived.number(hash) {
                Some(number) => (number <= head).then_some(number),
                None => (hash == self.genesis.hash).then_some(0),
            },
        }
    }

    /// Refuses tags that name any state but the last.
    fn only_latest(&self, tag: Option<BlockTag>) -> Result<(), RpcError> {
        let tag = tag.unwrap_or(BlockTag::Latest);
        let head = self.head();
        match self.resolve(tag) {
            Some(number) if number == head => Ok(()),
            Some(asked) => Err(RpcError::OldState { asked, head }),
            None => Err(RpcError::NoBlock(format!("{tag:?}"))),
        }
    }

    /// A block from 1 on.
    pub(super) fn found(&self, number: u64) -> Result<Option<FoundBlock>, RpcError> {
        let Some(decided) = self.blocks.block(number)? else {
            return Ok(None);
        };
        let damaged = || {
            RpcError::Internal(format!(
                "the index of block {number} is damaged: start the node again to repair it"
            ))
        };
        let record = self.derived.block(number).ok_or_else(damaged)?;
        let block = Block::decode(&decided.block).map_err(|_| damaged())?;
        Ok(Some(FoundBlock {
            block,
            size: decided.block.len(),
            record,
        }))
    }

    /// The last block that is applied and indexed.
    pub(super) fn last(&self) -> Result<Head, RpcError> {
        Ok(match self.found(self.head())? {
            Some(FoundBlock { block, record, .. }) => Head {
                number: block.header.number,
                hash: record.hash,
                time_ms: block.header.time_ms,
                state_root: record.state_root,
            },
            None => self.genesis,
        })
    }

    fn block_json(&self, number: u64, full: bool) -> Answer {
        if number == 0 {
            return Ok(self.genesis_json());
        }
        let Some(found) = self.found(number)? else {
            return Ok(Value::Null);
        };
        let place = found.place();
        let receipts = found.record.receipts.iter();
        let transactions = receipts.zip(&found.block.transactions).enumerate();
        let transactions = transactions.map(|(index, (receipt, raw))| {
            if full {
                shapes::transaction(raw, receipt.from, &place, index)
            } else {
                json!(receipt.tx_hash)
            }
        });
        let transactions = transactions.collect();
        let logs = self.derived.logs_of(number);
        let bloom = shapes::bloom(logs.iter().map(|entry| &entry.log));
        let FoundBlock {
            block,
            size,
            record,
        } = &found;
        Ok(shapes::block(
            &block.header,
            record,
            *size,
            bloom,
            transactions,
        ))
    }

    fn genesis_json(&self) -> Value {
        let genesis = &self.genesis;
        let header = Header {
            number: 0,
            parent: B256::ZERO,
            time_ms: genesis.time_ms,
            proposer: Address::ZERO,
            state_root: genesis.state_root,
        };
        let record = BlockRecord {
            hash: genesis.hash,
            state_root: genesis.state_root,
            receipts: Vec::new(),
        };
        shapes::block(
            &header,
            &record,
            0,
            alloy_primitives::Bloom::ZERO,
            Vec::new(),
        )
    }
}

pub(super) fn chain_id(rpc: &Rpc, _: &Arguments) -> Answer {
    Ok(quantity(rpc.membership.committee.chain_id))
}

pub(super) fn net_version(rpc: &Rpc, _: &Arguments) -> Answer {
    Ok(json!(rpc.membership.committee.chain_id.to_string()))
}

pub(super) fn client_version(_: &Rpc, _: &Arguments) -> Answer {
    Ok(json!(concat!("quartet/v", env!("CARGO_PKG_VERSION"))))
}

pub(super) fn block_number(rpc: &Rpc, _: &Arguments) -> Answer {
    Ok(quantity(rpc.head()))
}

pub(super) fn syncing(rpc: &Rpc, _: &Arguments) -> Answer {
    Ok(match rpc.shared.read().lag() {
        None => json!(false),
        Some(lag) => json!({
            "startingBlock": quantity(lag.start),
            "currentBlock": quantity(lag.head),
            "highestBlock": quantity(lag.highest),
        }),
    })
}

pub(super) fn block_by_number(rpc: &Rpc, arguments: &Arguments) -> Answer {
    let tag: BlockTag = arguments.get(0, "block")?;
    let full = arguments
        .optional(1, "whole transactions")?
        .unwrap_or(false);
    match rpc.resolve(tag) {
        Some(number) => rpc.block_json(number, full),
        None => Ok(Value::Null),
    }
}

pub(super) fn block_by_hash(rpc: &Rpc, arguments: &Arguments) -> Answer {
    let hash: B256 = arguments.get(0, "block hash")?;
    let full = arguments
        .optional(1, "whole transactions")?
        .unwrap_or(false);
    match rpc.resolve(BlockTag::Hash(hash)) {
        Some(number) => rpc.block_json(number, full),
        None => Ok(Value::Null),
    }
}

/// A transaction's place and block; none if no block holds it.
fn find_transaction(
    rpc: &Rpc,
    hash: B256,
) -> Result<Option<(TransactionPlace, FoundBlock)>, RpcError> {
    let place = rpc.derived.transaction(hash);
    let Some(place) = place.filter(|place| place.block <= rpc.head()) else {
        return Ok(None);
    };
    let found = rpc.found(place.block)?.filter(|found| {
        // An index that outlived its log may name another transaction's place.
        let receipt = found.record.receipts.get(place.index as usize);
        receipt.is_some_and(|receipt| receipt.tx_hash == hash)
    });
    Ok(found.map(|found| (place, found)))
}

pub(super) fn transaction_by_hash(rpc: &Rpc, arguments: &Arguments) -> Answer {
    let hash: B256 = arguments.get(0, "transaction hash")?;
    let Some((place, found)) = find_transaction(rpc, hash)? else {
        return Ok(Value::Null);
    };
    let index = place.index as usize;
    let receipt = found.record.receipts.get(index);
    let raw = found.block.transactions.get(index);
    Ok(match (receipt, raw) {
        (Some(receipt), Some(raw)) => shapes::transaction(raw, receipt.from, &found.place(), index),
        _ => Value::Null,
    })
}

pub(super) fn transaction_receipt(rpc: &Rpc, arguments: &Arguments) -> Answer {
    let hash: B256 = arguments.get(0, "transaction hash")?;
    let Some((place, found)) = find_transaction(rpc, hash)? else {
        return Ok(Value::Null);
    };
    let index = place.index as usize;
    let receipts = &found.record.receipts;
    let Some(receipt) = receipts.get(index) else {
        return Ok(Value::Null);
    };
    let first_log = receipts[..index]
        .iter()
        .map(|earlier| earlier.logs.len())
        .sum();
    Ok(shapes::receipt(receipt, &found.place(), index, first_log))
}

pub(super) fn transaction_count(rpc: &Rpc, arguments: &Arguments) -> Answer {
    let address: Address = arguments.get(0, "address")?;
    let tag: Option<BlockTag> = arguments.optional(1, "block")?;
    rpc.only_latest(tag)?;
    let state = rpc.shared.read();
    Ok(quantity(match tag {
        Some(BlockTag::Pending) => state.next_nonce(address),
        _ => state.runtime().nonce(address),
    }))
}

pub(super) fn balance(rpc: &Rpc, arguments: &Arguments) -> Answer {
    let _: Address = arguments.get(0, "address")?;
    rpc.only_latest(arguments.optional(1, "block")?)?;
    Ok(json!(BALANCE))
}

pub(super) fn code(rpc: &Rpc, arguments: &Arguments) -> Answer {
    let address: Address = arguments.get(0, "address")?;
    rpc.only_latest(arguments.optional(1, "block")?)?;
    let state = rpc.shared.read();
    Ok(value(&state.runtime().code(address).unwrap_or_default()))
}

/// Runs a contract on the state. A refusal does not count while the node is behind. The core waits for whoever reads the state, so long work is
/// followed by a pause in the same turn: endless calls leave the core most of the time.
fn tried<T>(rpc: &Rpc, run: impl FnOnce(&Runtime) -> Result<T, RpcError>) -> Result<T, RpcError> {
    let state = rpc.shared.read();
    let started = Instant::now();
    let result = run(state.runtime());
    let result = match (result, state.lag()) {
        (Err(RpcError::Reverted { .. } | RpcError::Refused(_)), Some(lag)) => {
            Err(Refusal::CatchingUp(lag).into())
        }
        (result, _) => result,
    };
    let worked = started.elapsed();
    drop(state);
    if worked >= LONG {
        std::thread::sleep(PAUSES * worked);
    }
    result
}

pub(super) fn call(rpc: &Rpc, arguments: &Arguments) -> Answer {
    let call: CallArguments = arguments.get(0, "call")?;
    rpc.only_latest(arguments.optional(1, "block")?)?;
    let request = call.request(rpc.limits.max_call_gas.min(CALL_FUEL))?;
    let clock_ms = rpc.shared.clock.now_ms();
    let output = tried(rpc, |runtime| {
        let outcome = runtime.call(&request, clock_ms);
        let outcome = outcome.map_err(|fault| RpcError::Internal(fault.to_string()))?;
        match outcome.status {
            CallStatus::Ok => Ok(outcome.output),
            _ => Err(RpcError::Reverted {
                reason: outcome.revert_reason,
                data: outcome.output,
            }),
        }
    });
    Ok(value(&output?))
}

pub(super) fn estimate_gas(rpc: &Rpc, arguments: &Arguments) -> Answer {
    let call: CallArguments = arguments.get(0, "call")?;
    rpc.only_latest(arguments.optional(1, "block")?)?;
    let request = call.request(rpc.limits.max_call_gas.min(CALL_FUEL))?;
    let clock_ms = rpc.shared.clock.now_ms();
    let gas = tried(rpc, |runtime| Ok(runtime.estimate(&request, clock_ms)?));
    Ok(quantity(gas?))
}

pub(super) fn fee_history(rpc: &Rpc, arguments: &Arguments) -> Answer {
    let Quantity(asked) = arguments.get(0, "number of blocks")?;
    let tag: BlockTag = arguments.get(1, "newest block")?;
    let percentiles: Vec<f64> = arguments.optional(2, "percentiles")?.unwrap_or_default();
    let newest = rpc
        .resolve(tag)
        .ok_or_else(|| RpcError::NoBlock(format!("{tag:?}")))?;
    let count = asked.min(FEE_BLOCKS).min(newest + 1);
    let blocks = usize::try_from(count).unwrap_or(0);
    if percentiles.len() > 100 {
        return Err(RpcError::Limit {
            what: "the number of percentiles",
            limit: 100,
        });
    }
    let mut history = json!({
        "oldestBlock": quantity(newest + 1 - count),
        "baseFeePerGas": vec![quantity(0); blocks + 1],
        "gasUsedRatio": vec![0.0; blocks],
    });
    if !percentiles.is_empty() {
        history["reward"] = json!(vec![vec![quantity(0); percentiles.len()]; blocks]);
    }
    Ok(history)
}
