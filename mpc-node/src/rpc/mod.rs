//! JSON-RPC: what Ethereum's tools expect, and `quartet_*`.
//!
//! Reads run on blocking threads under the state's read lock. How many run at a time is bounded, for
//! their memory; so are calls and estimates, which run contracts, and their fuel; and searches for
//! events, which read many blocks. Transactions go to the core by a bounded queue. No
//! method returns a share, but to its owner, sealed ([`secrets`]). [`server`] bounds connections, rates and patience with clients. Read [`eth`] and [`quartet`]; [`shapes`] has the JSON, [`params`] what
//! is accepted, [`error`] what is refused and how.

mod clients;
pub mod error;
pub mod eth;
pub mod logs;
pub mod params;
mod patient;
pub mod quartet;
mod secrets;
pub mod server;
pub mod shapes;
mod writes;

use std::{net::SocketAddr, sync::Arc};

use jsonrpsee::{RpcModule, types::Params};
use serde_json::Value;
use tokio::sync::{Semaphore, mpsc};
use zk_contract_runtime::Head;

use crate::{
    NodeError,
    config::{Membership, RpcLimits},
    core::{Command, Shared},
    filter::FrameFilter,
    metrics::Metrics,
    network::Network,
    storage::{block_log::BlockReader, derived::Derived, shares::ShareStore},
};
use error::RpcError;
use params::Arguments;

/// What methods work with.
pub struct Rpc {
    /// The state.
    pub shared: Arc<Shared>,
    /// The state before block 1, which users see as block 0.
    pub genesis: Head,
    /// Decided blocks.
    pub blocks: BlockReader,
    /// Indices, and seeds.
    pub derived: Derived,
    /// Components that were shared anew.
    pub shares: ShareStore,
    /// The other nodes.
    pub network: Network,
    /// The committee.
    pub membership: Arc<Membership>,
    /// The core's queue.
    pub commands: mpsc::Sender<Command>,
    /// What owners of secrets are told passes it.
    pub filter: Arc<dyn FrameFilter>,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// Bounds.
    pub limits: RpcLimits,
}

type Answer = Result<Value, RpcError>;
type Read = fn(&Rpc, &Arguments) -> Answer;

/// Methods that only look things up.
const READS: &[(&str, Read)] = &[
    ("eth_accounts", |_, _| Ok(Value::Array(Vec::new()))),
    ("eth_blockNumber", eth::block_number),
    ("eth_chainId", eth::chain_id),
    ("eth_feeHistory", eth::fee_history),
    ("eth_gasPrice", |_, _| Ok(shapes::quantity(0))),
    ("eth_getBalance", eth::balance),
    ("eth_getBlockByHash", eth::block_by_hash),
    ("eth_getBlockByNumber", eth::block_by_number),
    ("eth_getCode", eth::code),
    ("eth_getTransactionByHash", eth::transaction_by_hash),
    ("eth_getTransactionCount", eth::transaction_count),
    ("eth_getTransactionReceipt", eth::transaction_receipt),
    ("eth_maxPriorityFeePerGas", |_, _| Ok(shapes::quantity(0))),
    ("eth_syncing", eth::syncing),
    ("net_listening", |_, _| Ok(Value::Bool(true))),
    ("net_version", eth::net_version),
    ("quartet_certificate", quartet::certificate),
    ("quartet_committee", quartet::committee),
    ("quartet_computation", quartet::computation),
    ("quartet_computations", quartet::computations),
    ("quartet_contract", quartet::contract),
    ("quartet_getSecrets", secrets::secrets),
    ("quartet_input", quartet::input),
    ("quartet_inputReceipt", quartet::input_receipt),
    ("quartet_readSecret", secrets::read),
    ("quartet_sealKeys", quartet::seal_keys),
    ("quartet_status", quartet::status),
    ("web3_clientVersion", eth::client_version),
];

/// Methods that run contracts.
const CALLS: &[(&str, Read)] = &[
    ("eth_call", eth::call),
    ("eth_estimateGas", eth::estimate_gas),
];

/// Methods that read many blocks.
const SEARCHES: &[(&str, Read)] = &[("eth_getLogs", logs::logs)];

/// Reads at the same time; more wait.
const READS_AT_ONCE: usize = 32;

/// Starts listening; the future serves.
///
/// # Errors
/// [`NodeError::Listen`].
pub async fn start(
    address: SocketAddr,
    rpc: Rpc,
) -> Result<(SocketAddr, impl Future<Output = ()> + Send + 'static), NodeError> {
    let failed = |source| NodeError::Listen {
        what: "JSON-RPC",
        address,
        source,
    };
    let (bound, listener) = server::listen(address).await.map_err(failed)?;
    let (limits, metrics) = (rpc.limits, rpc.metrics.clone());
    let methods = methods(rpc).map_err(|error| failed(std::io::Error::other(error.to_string())))?;
    Ok((bound, server::serve(listener, methods, limits, metrics)))
}

fn methods(rpc: Rpc) -> Result<RpcModule<Rpc>, jsonrpsee::server::RegisterMethodError> {
    let max_calls = rpc.limits.max_calls;
    let mut module = RpcModule::new(rpc);
    for (methods, at_once) in [
        (READS, READS_AT_ONCE),
        (CALLS, max_calls),
        (SEARCHES, max_calls),
    ] {
        let turns = Arc::new(Semaphore::new(at_once));
        for (name, read) in methods {
            let turns = turns.clone();
            module.register_async_method(name, move |params, rpc, _| {
                let turns = turns.clone();
                async move {
                    let answer = run(&turns, *read, &params, &rpc).await;
                    counted(&rpc, name, answer)
                }
            })?;
        }
    }
    module.register_async_method("eth_sendRawTransaction", |params, rpc, _| async move {
        let answer = match arguments(&params) {
            Ok(arguments) => writes::send_raw_transaction(&rpc, &arguments).await,
            Err(error) => Err(error),
        };
        counted(&rpc, "eth_sendRawTransaction", answer)
    })?;
    module.register_async_method("quartet_advanceTime", |params, rpc, _| async move {
        let answer = match arguments(&params) {
            Ok(arguments) => writes::advance_time(&rpc, &arguments).await,
            Err(error) => Err(error),
        };
        counted(&rpc, "quartet_advanceTime", answer)
    })?;
    Ok(module)
}

/// Looks something up on a blocking thread, when it is its turn. The turn lasts as long as the
/// thread works, also if whoever asked is gone.
async fn run(turns: &Arc<Semaphore>, read: Read, params: &Params<'_>, rpc: &Arc<Rpc>) -> Answer {
    let arguments = arguments(params)?;
    let turn = turns.clone().acquire_owned().await;
    let turn = turn.map_err(|_| RpcError::Busy)?;
    let rpc = rpc.clone();
    let running = tokio::task::spawn_blocking(move || {
        let answer = read(&rpc, &arguments);
        drop(turn);
        answer
    });
    running
        .await
        .map_err(|_| RpcError::Internal("the call was cut off".into()))?
}

fn arguments(params: &Params<'_>) -> Result<Arguments, RpcError> {
    Arguments::parse(params.as_str())
}

fn counted(rpc: &Rpc, name: &'static str, answer: Answer) -> Answer {
    rpc.metrics.request(name, answer.is_ok());
    answer
}

#[cfg(test)]
mod tests;
