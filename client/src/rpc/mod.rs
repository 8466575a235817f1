//! A client of the cluster over HTTP: reads. Sending is in [`submit`], waiting in [`wait`].

mod answer;
mod failover;
mod secrets;
mod submit;
mod wait;

use std::{collections::HashMap, sync::Arc, time::Duration};

use alloy::{
    eips::BlockId,
    providers::{Provider as _, RootProvider},
    rpc::{
        json_rpc::{RpcRecv, RpcSend},
        types::{Filter, Log, TransactionReceipt, TransactionRequest},
    },
    transports::TransportError,
};
use alloy_primitives::{Address, B256, Bytes, TxKind};
use serde::{Serialize, de::DeserializeOwned};
use tokio::sync::{Mutex, OnceCell};
use wire::{
    attestation::Certificate,
    committee::Committee,
    limits::NODES,
    receipt::InputReceipt,
    rpc::{ComputationInfo, ContractInfo, InputInfo, NodeStatus, SealKeysInfo},
    seal_keys::SealKeys,
};

use crate::{
    ClientError,
    abi::Abi,
    certificate::{self, Quorum},
    receipt,
};
pub use answer::{error as rpc_error, revert_data};
pub use failover::Failover;
pub use secrets::Secret;
pub use submit::PreparedInput;

/// How many nodes of a cluster must refuse until it is believed, where several are known.
pub const REFUSALS: usize = NODES / 2;
/// How long one request may take at one node.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(20);

/// A client of one cluster. Cheap to clone; clones share connections and what is cached.
#[derive(Clone, Debug)]
pub struct Client {
    provider: RootProvider,
    urls: Arc<str>,
    pinned: Option<Arc<Committee>>,
    cache: Arc<Cache>,
}

/// What does not change while a cluster lives.
#[derive(Debug, Default)]
struct Cache {
    committee: OnceCell<Committee>,
    seal_keys: Mutex<Option<SealKeys>>,
    contracts: Mutex<HashMap<Address, Arc<ContractInfo>>>,
    /// Gas limit of inputs by contract and input type.
    input_gas: Mutex<HashMap<(Address, u32), u64>>,
}

/// Contracts that a client remembers.
const CACHED_CONTRACTS: usize = 256;

/// A certificate whose signatures were checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckedCertificate {
    /// What was signed, and all signatures that the node gave.
    pub certificate: Certificate,
    /// The three signatures to submit.
    pub quorum: Quorum,
}

impl Client {
    /// A client of one node. Nothing is sent yet.
    ///
    /// What it refuses is refused, although it may be behind the others.
    ///
    /// It believes the committee that the node names, and whoever chooses the sealing keys can read
    /// inputs: for secrets that matter use [`Client::pinned`].
    ///
    /// # Errors
    /// [`ClientError::BadUrl`].
    pub fn connect(url: &str) -> Result<Self, ClientError> {
        Self::connect_any(&[url])
    }

    /// A client of several nodes of one cluster. The next one is asked when one does not answer, or
    /// refuses; what two refuse and nobody takes is refused.
    ///
    /// # Errors
    /// [`ClientError::BadUrl`].
    pub fn connect_any<U: AsRef<str>>(urls: &[U]) -> Result<Self, ClientError> {
        let names: Vec<_> = urls.iter().map(AsRef::as_ref).collect();
        Ok(Self {
            provider: Failover::new(urls, REQUEST_TIMEOUT)?
                .believing(REFUSALS)
                .provider(),
            urls: names.join(", ").into(),
            pinned: None,
            cache: Arc::default(),
        })
    }

    /// The same client, which believes this committee alone: inputs are sealed to its keys,
    /// certificates are checked against it, and nodes that name another are refused.
    #[must_use]
    pub fn pinned(mut self, committee: Committee) -> Self {
        self.pinned = Some(Arc::new(committee));
        self.cache = Arc::default();
        self
    }

    /// alloy's provider over the same connections, for `sol!` contracts and methods not here.
    #[must_use]
    pub const fn provider(&self) -> &RootProvider {
        &self.provider
    }

    /// Sends any request.
    ///
    /// # Errors
    /// [`ClientError::Unreachable`], [`ClientError::Refused`], [`ClientError::BadAnswer`].
    pub async fn request<P, R>(&self, method: &'static str, parameters: P) -> Result<R, ClientError>
    where
        P: RpcSend + Serialize,
        R: RpcRecv + DeserializeOwned,
    {
        let answer = self.provider.raw_request(method.into(), parameters).await;
        answer.map_err(|e| rpc_error(method, &self.urls, e))
    }

    /// The committee: the pinned one, or what the node says.
    ///
    /// # Errors
    /// As [`Client::request`]; [`ClientError::WrongCluster`].
    pub async fn committee(&self) -> Result<&Committee, ClientError> {
        let fetch = async || {
            let actual: Committee = self.request("quartet_committee", ()).await?;
            match &self.pinned {
                None => Ok(actual),
                Some(expected) if expected.identity() == actual.identity() => {
                    Ok((**expected).clone())
                }
                Some(expected) => Err(ClientError::WrongCluster {
                    expected: name(expected),
                    actual: name(&actual),
                }),
            }
        };
        self.cache.committee.get_or_try_init(fetch).await
    }

    /// Id of the L2 chain.
    ///
    /// # Errors
    /// As [`Client::committee`].
    pub async fn chain_id(&self) -> Result<u64, ClientError> {
        Ok(self.committee().await?.chain_id)
    }

    /// The keys to which inputs are sealed, each signed by its node. They are remembered until a node
    /// refuses an input for their sake.
    ///
    /// # Errors
    /// As [`Client::committee`]; [`ClientError::Wire`] if a signature does not verify.
    pub async fn seal_keys(&self) -> Result<SealKeys, ClientError> {
        let mut known = self.cache.seal_keys.lock().await;
        if let Some(known) = *known {
            return Ok(known);
        }
        let info: SealKeysInfo = self.request("quartet_sealKeys", ()).await?;
        let keys = SealKeys::check(self.committee().await?, info.epoch, &info.keys)?;
        Ok(*known.insert(keys))
    }

    async fn forget_seal_keys(&self) {
        *self.cache.seal_keys.lock().await = None;
    }

    /// A deployed contract. It is cached, and then what changes is old: the
    /// count of computations and the timers.
    ///
    /// # Errors
    /// As [`Client::request`]; [`ClientError::NotFound`].
    pub async fn contract(&self, address: Address) -> Result<Arc<ContractInfo>, ClientError> {
        let mut contracts = self.cache.contracts.lock().await;
        if let Some(known) = contracts.get(&address) {
            return Ok(known.clone());
        }
        let info: Option<ContractInfo> = self.request("quartet_contract", (address,)).await?;
        let info = info.ok_or_else(|| ClientError::NotFound {
            what: format!("contract at {address}"),
        })?;
        if contracts.len() >= CACHED_CONTRACTS {
            contracts.clear();
        }
        let info = Arc::new(info);
        contracts.insert(address, info.clone());
        Ok(info)
    }

    /// The ABI of a contract.
    ///
    /// # Errors
    /// As [`Client::contract`]; [`ClientError::Abi`].
    pub async fn abi(&self, contract: Address) -> Result<Abi, ClientError> {
        Abi::new(&self.contract(contract).await?.description)
    }

    /// Calls a function without a transaction, from nobody.
    ///
    /// # Errors
    /// As [`Client::request`]; [`ClientError::Reverted`] with the reason by the contract's ABI.
    pub async fn call(&self, to: Address, data: Bytes) -> Result<Bytes, ClientError> {
        self.call_from(Address::ZERO, to, data).await
    }

    /// Calls a function without a transaction, as `from` would.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub async fn call_from(
        &self,
        from: Address,
        to: Address,
        data: Bytes,
    ) -> Result<Bytes, ClientError> {
        let request = TransactionRequest {
            from: Some(from),
            to: Some(TxKind::Call(to)),
            input: data.into(),
            ..TransactionRequest::default()
        };
        let parameters = (request, BlockId::latest());
        let method = "eth_call";
        let answer = self.provider.raw_request(method.into(), parameters).await;
        match answer {
            Ok(output) => Ok(output),
            Err(error) => match revert_data(&error) {
                Some(data) => Err(self.reverted(to, &error, data).await),
                None => Err(rpc_error(method, &self.urls, error)),
            },
        }
    }

    /// What revert data of a contract means.
    pub(super) async fn reason(&self, contract: Address, data: &[u8]) -> String {
        match self.abi(contract).await {
            Ok(abi) => abi.reason(data),
            Err(_) => crate::abi::standard_reason(data),
        }
    }

    /// A refusal with its reason: the contract's, or the node's words where the contract gave none.
    pub(super) async fn reverted(
        &self,
        contract: Address,
        error: &TransportError,
        data: Bytes,
    ) -> ClientError {
        let reason = match error.as_error_resp() {
            Some(payload) if data.is_empty() => {
                let message = payload.message.as_ref();
                let words = message.strip_prefix("execution reverted: ");
                words.unwrap_or(message).to_owned()
            }
            _ => self.reason(contract, &data).await,
        };
        ClientError::Reverted {
            contract,
            reason,
            data,
        }
    }

    /// How many transactions an account has sent, those that wait for a block included.
    ///
    /// # Errors
    /// As [`Client::request`].
    pub async fn nonce(&self, account: Address) -> Result<u64, ClientError> {
        let count: alloy_primitives::U64 = self
            .request("eth_getTransactionCount", (account, "pending"))
            .await?;
        Ok(count.to())
    }

    /// Number of the last block.
    ///
    /// # Errors
    /// As [`Client::request`].
    pub async fn block_number(&self) -> Result<u64, ClientError> {
        let number: alloy_primitives::U64 = self.request("eth_blockNumber", ()).await?;
        Ok(number.to())
    }

    /// Events.
    ///
    /// # Errors
    /// As [`Client::request`].
    pub async fn logs(&self, filter: Filter) -> Result<Vec<Log>, ClientError> {
        self.request("eth_getLogs", (filter,)).await
    }

    /// The receipt of a transaction, once it is in a block.
    ///
    /// # Errors
    /// As [`Client::request`].
    pub async fn receipt(&self, hash: B256) -> Result<Option<TransactionReceipt>, ClientError> {
        self.request("eth_getTransactionReceipt", (hash,)).await
    }

    /// An input, once it is in a block.
    ///
    /// # Errors
    /// As [`Client::request`].
    pub async fn input(&self, id: B256) -> Result<Option<InputInfo>, ClientError> {
        self.request("quartet_input", (id,)).await
    }

    /// A computation.
    ///
    /// # Errors
    /// As [`Client::request`].
    pub async fn computation(&self, id: B256) -> Result<Option<ComputationInfo>, ClientError> {
        self.request("quartet_computation", (id,)).await
    }

    /// The computations of a contract, oldest first.
    ///
    /// # Errors
    /// As [`Client::request`].
    pub async fn computations(
        &self,
        contract: Address,
    ) -> Result<Vec<ComputationInfo>, ClientError> {
        self.request("quartet_computations", (contract,)).await
    }

    /// The certificate of a computation, its signatures checked against the committee.
    ///
    /// # Errors
    /// As [`Client::request`]; [`ClientError::NotFound`] while there is none;
    /// [`ClientError::BadCertificate`] and [`ClientError::NotEnoughSignatures`].
    pub async fn certificate(&self, id: B256) -> Result<CheckedCertificate, ClientError> {
        let certificate: Option<Certificate> = self.request("quartet_certificate", (id,)).await?;
        let certificate = certificate.ok_or_else(|| ClientError::NotFound {
            what: format!("certificate of computation {id}"),
        })?;
        let actual = certificate.attestation.computationId;
        if actual != id {
            return Err(ClientError::BadCertificate {
                computation: id,
                why: format!("it is of computation {actual}"),
            });
        }
        let quorum = certificate::check(&certificate, self.committee().await?)?;
        Ok(CheckedCertificate {
            certificate,
            quorum,
        })
    }

    /// The receipt of an input that a computation ran on, checked against the committee.
    ///
    /// # Errors
    /// As [`Client::request`]; [`ClientError::NotFound`] if the input is none of the computation's,
    /// or its result is not signed yet; those of [`crate::receipt::check`].
    pub async fn input_receipt(
        &self,
        input: B256,
        computation: B256,
    ) -> Result<InputReceipt, ClientError> {
        let parameters = (input, computation);
        let receipt: Option<InputReceipt> =
            self.request("quartet_inputReceipt", parameters).await?;
        let named = |r: &InputReceipt| {
            let of = r.certificate.attestation.computationId;
            (r.input, of) == (input, computation)
        };
        let receipt = receipt.filter(named).ok_or_else(|| ClientError::NotFound {
            what: format!("receipt of input {input} in computation {computation}"),
        })?;
        receipt::check(&receipt, self.committee().await?)?;
        Ok(receipt)
    }

    /// What the node says about itself.
    ///
    /// # Errors
    /// As [`Client::request`].
    pub async fn status(&self) -> Result<NodeStatus, ClientError> {
        self.request("quartet_status", ()).await
    }

    /// Lets `seconds` pass on a cluster for development; the time of the new block, in seconds.
    ///
    /// # Errors
    /// As [`Client::request`]; other clusters refuse.
    pub async fn advance_time(&self, seconds: u64) -> Result<u64, ClientError> {
        self.request("quartet_advanceTime", (seconds,)).await
    }
}

fn name(committee: &Committee) -> String {
    let nodes = committee.nodes.each_ref().map(|n| n.address.to_string());
    let (chain, epoch) = (committee.chain_id, committee.epoch);
    format!("chain {chain}, epoch {epoch}, nodes {}", nodes.join(" "))
}
