//! What is read from the cluster: batches that it has, and signed results.

use std::sync::Arc;

use alloy::{
    primitives::{Address, B256, Bytes},
    sol_types::{SolCall as _, SolError as _},
};
use client::{Client, rpc::CheckedCertificate};
use wire::rpc::{ComputationInfo, ContractInfo};

use crate::{
    RelayerError,
    abi::Poll,
    chain::{Chain, Side},
};

/// The cluster as the relayer sees it.
#[derive(Clone, Debug)]
pub struct L2 {
    /// Its Ethereum side.
    pub chain: Chain,
    /// Its own methods.
    pub client: Client,
}

/// Wraps an error of the client.
fn failure(source: client::ClientError) -> RelayerError {
    let side = Side::L2;
    RelayerError::Client { side, source }
}

impl L2 {
    /// A deployed contract.
    ///
    /// # Errors
    /// [`RelayerError::Client`].
    pub async fn contract(&self, contract: Address) -> Result<Arc<ContractInfo>, RelayerError> {
        self.client.contract(contract).await.map_err(failure)
    }

    /// Whether a contract has its whole voter list.
    ///
    /// # Errors
    /// As [`Chain::view`].
    pub async fn complete(&self, contract: Address) -> Result<bool, RelayerError> {
        self.chain.view(contract, Poll::completeCall {}).await
    }

    /// Which of the batches of a voter list a contract lacks.
    ///
    /// # Errors
    /// As [`Chain::view`].
    pub async fn missing(&self, contract: Address, batches: u32) -> Result<Vec<u32>, RelayerError> {
        let mut missing = Vec::new();
        for index in 0..batches {
            let call = Poll::batchAddedCall { index };
            if !self.chain.view(contract, call).await? {
                missing.push(index);
            }
        }
        Ok(missing)
    }

    /// What an error of a contract means.
    pub async fn reason(&self, contract: Address, data: &[u8]) -> String {
        match self.client.abi(contract).await {
            Ok(abi) => abi.reason(data),
            Err(_) => client::abi::standard_reason(data),
        }
    }

    /// Computations of a contract, oldest first.
    ///
    /// # Errors
    /// [`RelayerError::Client`].
    pub async fn computations(
        &self,
        contract: Address,
    ) -> Result<Vec<ComputationInfo>, RelayerError> {
        self.client.computations(contract).await.map_err(failure)
    }

    /// The certificate of a computation, checked against the committee and the contract's code.
    ///
    /// # Errors
    /// [`RelayerError::Client`].
    pub async fn certificate(
        &self,
        computation: &ComputationInfo,
    ) -> Result<CheckedCertificate, RelayerError> {
        let (contract, index) = (computation.contract, computation.index);
        let checked = self.client.certificate(computation.id).await;
        let checked = checked.map_err(failure)?;
        let code_hash = self.contract(contract).await?.code_hash;
        client::certificate::check_subject(&checked.certificate, contract, code_hash, index)
            .map_err(failure)?;
        Ok(checked)
    }
}

/// Calldata that adds a batch.
#[must_use]
pub fn add_voters(index: u32, voters: Vec<Address>, proof: Vec<B256>) -> Bytes {
    let call = Poll::addVotersCall {
        index,
        voters,
        proof,
    };
    call.abi_encode().into()
}

/// Whether an error says that the batch is there already.
#[must_use]
pub fn is_already_added(data: &[u8]) -> bool {
    Poll::AlreadyAdded::abi_decode(data).is_ok()
}
