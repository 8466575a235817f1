//! The methods of Ethereum's JSON-RPC that the embedded L1 knows.

use std::sync::{Arc, Mutex, PoisonError};

use alloy::{
    eips::{BlockId, BlockNumberOrTag},
    primitives::{Address, B256, Bytes, U64, U256},
    rpc::types::{Filter, TransactionRequest},
};
use jsonrpsee::{
    RpcModule,
    core::RegisterMethodError,
    types::{ErrorObjectOwned, Params},
};
use revm::DatabaseRef as _;
use serde::Serialize;
use serde_json::{Value, json};

use super::{
    chain::Chain,
    history::account,
    query::{self, PRIORITY_FEE},
    refusal::Refusal,
};

type Answer = Result<Value, Refusal>;
type Method = fn(&mut Chain, Params<'_>) -> Answer;

const METHODS: &[(&str, Method)] = &[
    ("web3_clientVersion", |_, _| {
        Ok(json!(concat!("quartet-devnet/", env!("CARGO_PKG_VERSION"))))
    }),
    ("net_version", |chain, _| Ok(json!(chain.id.to_string()))),
    ("net_listening", |_, _| Ok(json!(true))),
    ("eth_syncing", |_, _| Ok(json!(false))),
    ("eth_accounts", |_, _| Ok(json!([]))),
    ("eth_chainId", |chain, _| Ok(quantity(chain.id))),
    ("eth_blockNumber", |chain, _| {
        Ok(quantity(chain.head().header.number))
    }),
    ("eth_gasPrice", |chain, _| {
        let base_fee = chain.next_header().base_fee_per_gas.unwrap_or_default();
        Ok(quantity(u128::from(base_fee) + PRIORITY_FEE))
    }),
    ("eth_maxPriorityFeePerGas", |_, _| {
        Ok(quantity(PRIORITY_FEE))
    }),
    ("eth_feeHistory", fee_history),
    ("eth_getBalance", |chain, params| {
        let (address, block) = account_at(&params)?;
        chain.at(block, |state, _| json!(account(state, address).balance))
    }),
    ("eth_getTransactionCount", |chain, params| {
        let (address, block) = account_at(&params)?;
        chain.at(block, |state, _| quantity(account(state, address).nonce))
    }),
    ("eth_getCode", |chain, params| {
        let (address, block) = account_at(&params)?;
        chain.at(block, |state, _| {
            let hash = account(state, address).code_hash;
            let Ok(code) = state.code_by_hash_ref(hash);
            json!(code.original_bytes())
        })
    }),
    ("eth_getStorageAt", |chain, params| {
        let mut params = params.sequence();
        let (address, slot): (Address, U256) = (params.next()?, params.next()?);
        chain.at(params.optional_next()?, |state, _| {
            let Ok(word) = state.storage_ref(address, slot);
            json!(B256::from(word))
        })
    }),
    ("eth_getBlockByNumber", |chain, params| {
        let mut params = params.sequence();
        let number: BlockNumberOrTag = params.next()?;
        block(chain, number.into(), params.optional_next()?)
    }),
    ("eth_getBlockByHash", |chain, params| {
        let mut params = params.sequence();
        let hash: B256 = params.next()?;
        block(chain, hash.into(), params.optional_next()?)
    }),
    ("eth_getBlockReceipts", |chain, params| {
        let block = chain.find(params.sequence().next()?);
        show(&block.map(|b| b.mined.iter().map(|m| &m.receipt).collect::<Vec<_>>()))
    }),
    ("eth_getTransactionByHash", |chain, params| {
        let mined = chain.mined(params.sequence().next()?);
        show(&mined.map(|(block, mined)| query::show_transaction(block, mined)))
    }),
    ("eth_getTransactionReceipt", |chain, params| {
        let mined = chain.mined(params.sequence().next()?);
        show(&mined.map(|(_, mined)| &mined.receipt))
    }),
    ("eth_getLogs", |chain, params| {
        let filter: Filter = params.sequence().next()?;
        show(&chain.logs(&filter)?)
    }),
    ("eth_call", |chain, params| {
        let (request, block) = request_at(&params)?;
        Ok(json!(chain.call(request, block)?))
    }),
    ("eth_estimateGas", |chain, params| {
        let (request, block) = request_at(&params)?;
        Ok(quantity(chain.estimate(request, block)?))
    }),
    ("evm_increaseTime", |chain, params| {
        Ok(json!(chain.pass(params.sequence().next()?)))
    }),
    ("eth_sendRawTransaction", |chain, params| {
        let raw: Bytes = params.sequence().next()?;
        Ok(json!(chain.submit(&raw)?))
    }),
];

/// The module that serves a chain.
pub(super) fn module(
    chain: Arc<Mutex<Chain>>,
) -> Result<RpcModule<Arc<Mutex<Chain>>>, RegisterMethodError> {
    let mut module = RpcModule::new(chain);
    for &(name, method) in METHODS {
        module.register_blocking_method(name, move |params, chain, _| {
            let mut chain = chain.lock().unwrap_or_else(PoisonError::into_inner);
            method(&mut chain, params).map_err(ErrorObjectOwned::from)
        })?;
    }
    Ok(module)
}

fn quantity(number: impl TryInto<U256>) -> Value {
    json!(number.try_into().unwrap_or(U256::MAX))
}

fn show<T: Serialize>(value: &T) -> Answer {
    serde_json::to_value(value).map_err(|error| Refusal::Halted(error.to_string()))
}

fn block(chain: &Chain, id: BlockId, whole: Option<bool>) -> Answer {
    let block = chain.find(id);
    show(&block.map(|block| query::show_block(block, whole.unwrap_or(false))))
}

fn account_at(params: &Params<'_>) -> Result<(Address, Option<BlockId>), Refusal> {
    let mut params = params.sequence();
    Ok((params.next()?, params.optional_next()?))
}

fn request_at(params: &Params<'_>) -> Result<(TransactionRequest, Option<BlockId>), Refusal> {
    let mut params = params.sequence();
    let at = (params.next()?, params.optional_next()?);
    let overrides: Option<Value> = params.optional_next()?;
    if overrides.is_some_and(|overrides| overrides != json!({})) {
        return Err(Refusal::Parameters(
            "state overrides are not supported".into(),
        ));
    }
    Ok(at)
}

fn fee_history(chain: &mut Chain, params: Params<'_>) -> Answer {
    let mut params = params.sequence();
    let (count, newest): (U64, BlockNumberOrTag) = (params.next()?, params.next()?);
    let percentiles: Option<Vec<f64>> = params.optional_next()?;
    let history = chain.fee_history(count.to(), newest, percentiles.as_deref())?;
    show(&history)
}
