//! `eth_getLogs`.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256};
use serde::Deserialize;
use serde_json::Value;

use super::{
    Answer, Rpc,
    error::RpcError,
    params::{Arguments, BlockTag, OneOrMany},
    shapes,
};
use crate::storage::derived::{LogFilter, TooMuch};

/// Alternatives in one filter.
const ALTERNATIVES: usize = 1000;

/// What `eth_getLogs` is asked for.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Filter {
    from_block: Option<BlockTag>,
    to_block: Option<BlockTag>,
    block_hash: Option<B256>,
    address: Option<OneOrMany<Address>>,
    topics: Option<Vec<Option<OneOrMany<B256>>>>,
}

pub(super) fn logs(rpc: &Rpc, arguments: &Arguments) -> Answer {
    let filter: Filter = arguments.get(0, "filter")?;
    let number = |hash| rpc.resolve(BlockTag::Hash(hash));
    let Some(filter) = filter.resolve(rpc.head(), rpc.limits.max_log_blocks, number)? else {
        return Ok(Value::Array(Vec::new()));
    };
    let (limit, bytes) = (rpc.limits.max_logs, rpc.limits.max_response_bytes);
    let found = rpc.derived.logs(&filter, limit, bytes as usize)?;
    let too_much = |what, limit| Err(RpcError::Limit { what, limit });
    let found = match found {
        Ok(found) => found,
        Err(TooMuch::Events) => return too_much("the number of events", limit as u64),
        Err(TooMuch::Bytes) => return too_much("the size of the answer, in bytes,", bytes.into()),
    };
    let mut places = BTreeMap::new();
    let mut logs = Vec::with_capacity(found.len());
    for found in found {
        let place = match places.get(&found.block) {
            Some(place) => *place,
            None => {
                let Some(block) = rpc.found(found.block)? else {
                    continue;
                };
                places.insert(found.block, block.place());
                block.place()
            }
        };
        let entry = &found.entry;
        let tx_index = entry.tx_index.map(u64::from);
        logs.push(shapes::log(
            &entry.log,
            entry.tx_hash,
            tx_index,
            &place,
            found.index,
        ));
    }
    Ok(Value::Array(logs))
}

impl Filter {
    /// The filter by block numbers, of which there are `head`; none if it can match nothing. At most
    /// `max_blocks` of them are looked through. `number` tells a block's number by its hash.
    ///
    /// # Errors
    /// [`RpcError`].
    pub fn resolve(
        self,
        head: u64,
        max_blocks: u64,
        number: impl FnOnce(B256) -> Option<u64>,
    ) -> Result<Option<LogFilter>, RpcError> {
        let filter = self;
        let range = match (filter.block_hash, filter.from_block, filter.to_block) {
            (Some(hash), None, None) => number(hash)
                .map(|number| (number, number))
                .ok_or_else(|| RpcError::NoBlock(hash.to_string()))?,
            (Some(_), ..) => {
                let why = "give either blockHash, or fromBlock and toBlock";
                return Err(RpcError::Params(why.into()));
            }
            (None, from, to) => {
                let number = |tag: Option<BlockTag>| match tag.unwrap_or(BlockTag::Latest) {
                    BlockTag::Number(number) => Ok(number),
                    BlockTag::Latest | BlockTag::Pending => Ok(head),
                    BlockTag::Hash(_) => Err(RpcError::Params("use blockHash for a hash".into())),
                };
                (number(from)?, number(to)?.min(head))
            }
        };
        let (from, to) = range;
        if from > to {
            return Ok(None);
        }
        if to - from >= max_blocks {
            return Err(RpcError::Limit {
                what: "the range of blocks",
                limit: max_blocks,
            });
        }
        let addresses = filter.address.map(OneOrMany::into_vec).unwrap_or_default();
        let topics = filter.topics.unwrap_or_default().into_iter();
        let topics: Vec<Vec<B256>> = topics
            .map(|topic| topic.map(OneOrMany::into_vec).unwrap_or_default())
            .collect();
        if topics.len() > 4 {
            return Err(RpcError::Params("an event has at most 4 topics".into()));
        }
        if topics.iter().map(Vec::len).sum::<usize>() + addresses.len() > ALTERNATIVES {
            return Err(RpcError::Limit {
                what: "the number of alternatives in a filter",
                limit: ALTERNATIVES as u64,
            });
        }
        Ok(Some(LogFilter {
            from,
            to,
            addresses,
            topics,
        }))
    }
}
