//! Ethereum's JSON-RPC of either side, over several URLs.

use std::{fmt, sync::Arc, time::Duration};

use alloy::{
    consensus::BlockHeader as _,
    eips::{BlockId, BlockNumberOrTag},
    primitives::{Address, B256, Bytes, TxKind, U64, U256},
    providers::{Provider as _, RootProvider},
    rpc::{
        json_rpc::{RpcRecv, RpcSend},
        types::{Block, Filter, Log, TransactionReceipt, TransactionRequest},
    },
    sol_types::SolCall,
    transports::TransportError,
};
use client::{
    ClientError,
    rpc::{Failover, REFUSALS, revert_data, rpc_error},
};
use serde::{Deserialize, Serialize};

use crate::RelayerError;

/// How long one request may take at one URL.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(20);

/// Which chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// The chain of the apps.
    L1,
    /// The cluster.
    L2,
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::L1 => "L1",
            Self::L2 => "L2",
        })
    }
}

/// What a call would do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Simulation {
    /// It passes, with this output.
    Passes(Bytes),
    /// It reverts, with this error.
    Reverts(Bytes),
}

/// A chain.
#[derive(Clone, Debug)]
pub struct Chain {
    /// Which one.
    pub side: Side,
    provider: RootProvider,
    urls: Arc<str>,
}

impl Chain {
    /// Reaches a chain at these URLs, in this order. Nothing is sent yet.
    ///
    /// # Errors
    /// [`RelayerError::Client`] if one of them is no HTTP URL.
    pub fn new(side: Side, urls: &[String]) -> Result<Self, RelayerError> {
        let transport = Failover::new(urls, REQUEST_TIMEOUT);
        let transport = transport.map_err(|source| RelayerError::Client { side, source })?;
        let refusals = match side {
            Side::L1 => 1,
            Side::L2 => REFUSALS,
        };
        Ok(Self {
            side,
            provider: transport.believing(refusals).provider(),
            urls: urls.join(", ").into(),
        })
    }

    async fn raw<P: RpcSend, R: RpcRecv>(
        &self,
        method: &'static str,
        parameters: P,
    ) -> Result<R, TransportError> {
        self.provider.raw_request(method.into(), parameters).await
    }

    /// Sends a request.
    ///
    /// # Errors
    /// [`RelayerError::Client`].
    pub async fn request<P: RpcSend, R: RpcRecv>(
        &self,
        method: &'static str,
        parameters: P,
    ) -> Result<R, RelayerError> {
        let answer = self.raw(method, parameters).await;
        answer.map_err(|error| self.failure(method, error))
    }

    fn failure(&self, method: &'static str, error: TransportError) -> RelayerError {
        self.client_error(rpc_error(method, &self.urls, error))
    }

    /// An error of the client on this side.
    #[must_use]
    pub const fn client_error(&self, source: ClientError) -> RelayerError {
        let side = self.side;
        RelayerError::Client { side, source }
    }

    /// Its id.
    ///
    /// # Errors
    /// As [`Chain::request`].
    pub async fn id(&self) -> Result<u64, RelayerError> {
        let id: U64 = self.request("eth_chainId", ()).await?;
        Ok(id.to())
    }

    /// How many transactions of an account are in blocks, or also wait for one.
    ///
    /// # Errors
    /// As [`Chain::request`].
    pub async fn nonce(&self, account: Address, pending: bool) -> Result<u64, RelayerError> {
        let tag = if pending { "pending" } else { "latest" };
        let count: U64 = self
            .request("eth_getTransactionCount", (account, tag))
            .await?;
        Ok(count.to())
    }

    /// What an account has, in wei.
    ///
    /// # Errors
    /// As [`Chain::request`].
    pub async fn balance(&self, account: Address) -> Result<U256, RelayerError> {
        self.request("eth_getBalance", (account, "latest")).await
    }

    /// Number of the last block.
    ///
    /// # Errors
    /// As [`Chain::request`].
    pub async fn head(&self) -> Result<u64, RelayerError> {
        let number: U64 = self.request("eth_blockNumber", ()).await?;
        Ok(number.to())
    }

    /// Number of the last final block; none while there is none.
    ///
    /// # Errors
    /// As [`Chain::request`].
    pub async fn finalized(&self) -> Result<Option<u64>, RelayerError> {
        let parameters = (BlockNumberOrTag::Finalized, false);
        let block: Option<Block> = self.request("eth_getBlockByNumber", parameters).await?;
        Ok(block.map(|block| block.header.number()))
    }

    /// The base fee of the last block and the tip that the node suggests, in wei.
    ///
    /// # Errors
    /// As [`Chain::request`].
    pub async fn market(&self) -> Result<(u128, u128), RelayerError> {
        let parameters = (BlockNumberOrTag::Latest, false);
        let block: Option<Block> = self.request("eth_getBlockByNumber", parameters).await?;
        let base_fee = block.and_then(|block| block.header.base_fee_per_gas());
        let tip: U256 = match self.raw("eth_maxPriorityFeePerGas", ()).await {
            Ok(tip) => tip,
            // Not every node has the method; the gas price is the other way to ask.
            Err(error) if error.is_error_resp() => {
                let price: U256 = self.request("eth_gasPrice", ()).await?;
                price.saturating_sub(U256::from(base_fee.unwrap_or_default()))
            }
            Err(error) => return Err(self.failure("eth_maxPriorityFeePerGas", error)),
        };
        Ok((base_fee.unwrap_or_default().into(), tip.saturating_to()))
    }

    /// Events.
    ///
    /// # Errors
    /// As [`Chain::request`].
    pub async fn logs(&self, filter: Filter) -> Result<Vec<Log>, RelayerError> {
        self.request("eth_getLogs", (filter,)).await
    }

    /// The receipt of a transaction, once it is in a block.
    ///
    /// # Errors
    /// As [`Chain::request`].
    pub async fn receipt(&self, hash: B256) -> Result<Option<TransactionReceipt>, RelayerError> {
        self.request("eth_getTransactionReceipt", (hash,)).await
    }

    /// Sends a signed transaction.
    ///
    /// # Errors
    /// As [`Chain::request`].
    pub async fn send_raw(&self, raw: Bytes) -> Result<B256, RelayerError> {
        self.request("eth_sendRawTransaction", (raw,)).await
    }

    /// Runs a call against the last block, without a transaction.
    ///
    /// # Errors
    /// As [`Chain::request`]; a revert is no error.
    pub async fn simulate(
        &self,
        from: Address,
        to: Address,
        data: Bytes,
    ) -> Result<Simulation, RelayerError> {
        let parameters = (call(from, to, data), BlockId::latest());
        match self.raw("eth_call", parameters).await {
            Ok(output) => Ok(Simulation::Passes(output)),
            Err(error) => match revert_data(&error) {
                Some(data) => Ok(Simulation::Reverts(data)),
                None => Err(self.failure("eth_call", error)),
            },
        }
    }

    /// Gas that a call takes.
    ///
    /// # Errors
    /// As [`Chain::request`]; [`RelayerError::Refused`] if it reverts.
    pub async fn estimate(
        &self,
        from: Address,
        to: Address,
        data: Bytes,
        what: &str,
    ) -> Result<u64, RelayerError> {
        let method = "eth_estimateGas";
        let answer: Result<U64, _> = self.raw(method, (call(from, to, data),)).await;
        answer
            .map(|gas| gas.to())
            .map_err(|error| match revert_data(&error) {
                Some(data) => RelayerError::Refused {
                    side: self.side,
                    what: what.to_owned(),
                    reason: client::abi::standard_reason(&data),
                },
                None => self.failure(method, error),
            })
    }

    /// Reads from a contract.
    ///
    /// # Errors
    /// As [`Chain::request`]; [`RelayerError::NotThatContract`] if the answer is not of the type.
    pub async fn view<C: SolCall>(
        &self,
        address: Address,
        call: C,
    ) -> Result<C::Return, RelayerError> {
        let data = call.abi_encode().into();
        let output = match self.simulate(Address::ZERO, address, data).await? {
            Simulation::Passes(output) => output,
            Simulation::Reverts(_) => Bytes::new(),
        };
        C::abi_decode_returns(&output).map_err(|_| RelayerError::NotThatContract {
            side: self.side,
            address,
            function: C::SIGNATURE,
        })
    }
}

fn call(from: Address, to: Address, data: Bytes) -> TransactionRequest {
    TransactionRequest {
        from: Some(from),
        to: Some(TxKind::Call(to)),
        input: data.into(),
        ..TransactionRequest::default()
    }
}
