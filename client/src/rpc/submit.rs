//! Sending: calls, deployments and secret inputs.

use std::time::Duration;

use alloy::rpc::types::TransactionReceipt;
use alloy_primitives::{Address, B256, Bytes};
use wire::{limits::CALL_FUEL, sealed::SealedInput, transaction::Deployment};

use super::{Client, answer};
use crate::{
    ClientError, UserKey,
    abi::{self, Abi},
    input::{self, Destination, Value},
    transaction::{Draft, SignedTransaction, sign},
};
use alloy::providers::Provider as _;

/// How long a transaction may take until it is in a block.
pub(super) const INCLUSION_TIMEOUT: Duration = Duration::from_secs(120);

/// A secret input, signed and ready for [`Client::send_raw`], at this node or another.
#[derive(Clone, Debug)]
pub struct PreparedInput {
    /// The transaction. Its hash is the input's id.
    pub transaction: SignedTransaction,
    /// The contract that it calls.
    pub contract: Address,
    /// What its last argument holds.
    pub sealed: SealedInput,
}

impl Client {
    /// Sends a signed transaction that calls `contract` (none for a deployment). The node runs it
    /// dry first.
    ///
    /// # Errors
    /// As [`Client::request`]; [`ClientError::Reverted`] if the contract would refuse it.
    pub async fn send_raw(
        &self,
        contract: Option<Address>,
        transaction: &SignedTransaction,
    ) -> Result<B256, ClientError> {
        let method = "eth_sendRawTransaction";
        let parameters = (transaction.raw.clone(),);
        let answer: Result<B256, _> = self.provider.raw_request(method.into(), parameters).await;
        let error = match answer {
            Ok(_) => return Ok(transaction.hash),
            Err(error) => error,
        };
        if let Some(data) = answer::revert_data(&error) {
            return Err(self.reverted(contract.unwrap_or_default(), data).await);
        }
        // When a first node took it and then fell silent, the next one says that the nonce is used.
        if error.is_error_resp() && self.receipt(transaction.hash).await?.is_some() {
            return Ok(transaction.hash);
        }
        Err(answer::error(method, &self.urls, error))
    }

    /// Calls a function in a transaction and waits until it is in a block.
    ///
    /// # Errors
    /// As [`Client::send_raw`]; [`ClientError::Reverted`]; [`ClientError::TimedOut`].
    pub async fn send(
        &self,
        key: &UserKey,
        to: Address,
        data: Bytes,
    ) -> Result<TransactionReceipt, ClientError> {
        let nonce = self.nonce(key.address()).await?;
        let draft = Draft::call(self.chain_id().await?, nonce, CALL_FUEL, to, data.clone());
        let transaction = sign(key, &draft);
        self.send_raw(Some(to), &transaction).await?;
        let receipt = self
            .wait_receipt(transaction.hash, INCLUSION_TIMEOUT)
            .await?;
        if receipt.status() {
            return Ok(receipt);
        }
        // The receipt has no reason; the same call now most likely gives it.
        match self.call_from(key.address(), to, data).await {
            Err(reverted @ ClientError::Reverted { .. }) => Err(reverted),
            _ => Err(ClientError::Reverted {
                contract: to,
                reason: "a reason that no longer holds; the same call would pass now".into(),
                data: Bytes::new(),
            }),
        }
    }

    /// Deploys a contract and waits until it is in a block; its address.
    ///
    /// # Errors
    /// As [`Client::deploy_with_receipt`].
    pub async fn deploy(
        &self,
        key: &UserKey,
        deployment: &Deployment,
    ) -> Result<Address, ClientError> {
        self.deploy_with_receipt(key, deployment).await?;
        Ok(deployment.address(key.address()))
    }

    /// Deploys a contract and waits until it is in a block. The address in the receipt is
    /// [`Deployment::address`].
    ///
    /// # Errors
    /// As [`Client::send_raw`]; [`ClientError::Reverted`]; [`ClientError::TimedOut`].
    pub async fn deploy_with_receipt(
        &self,
        key: &UserKey,
        deployment: &Deployment,
    ) -> Result<TransactionReceipt, ClientError> {
        let nonce = self.nonce(key.address()).await?;
        let draft = Draft::deployment(self.chain_id().await?, nonce, CALL_FUEL, deployment);
        let transaction = sign(key, &draft);
        self.send_raw(None, &transaction).await?;
        let receipt = self
            .wait_receipt(transaction.hash, INCLUSION_TIMEOUT)
            .await?;
        let expected = deployment.address(key.address());
        if !receipt.status() {
            return Err(ClientError::Reverted {
                contract: expected,
                reason: "the deployment was refused".into(),
                data: Bytes::new(),
            });
        }
        if receipt
            .contract_address
            .is_some_and(|actual| actual != expected)
        {
            return Err(ClientError::BadAnswer {
                method: "eth_getTransactionReceipt",
                why: format!("the contract must be at {expected}"),
            });
        }
        Ok(receipt)
    }

    /// Shares, seals and signs an input for the transaction with this nonce, and sends nothing.
    /// `public_arguments` are the ABI encoding of the function's other arguments.
    ///
    /// # Errors
    /// As [`Client::contract`]; [`ClientError::NoSuchFunction`]; those of [`input::encode`] and
    /// [`input::seal`].
    pub async fn prepare_input(
        &self,
        key: &UserKey,
        nonce: u64,
        contract: Address,
        function: &str,
        public_arguments: &[u8],
        values: &[Value],
    ) -> Result<PreparedInput, ClientError> {
        let info = self.contract(contract).await?;
        let (declared, ty) = abi::input_function(&info.description, function)?;
        let committee = self.committee().await?;
        let destination = Destination {
            committee,
            contract,
            code_hash: info.code_hash,
            input_number: declared.input,
            input: ty,
            sender: key.address(),
            nonce,
        };
        let encoded = input::encode(ty, values)?;
        let sealed = input::seal(&destination, &encoded, &mut rand::rng())?;
        let data = Abi::new(&info.description)?.input_call(function, public_arguments, &sealed)?;
        let draft = Draft::call(committee.chain_id, nonce, CALL_FUEL, contract, data);
        Ok(PreparedInput {
            transaction: sign(key, &draft),
            contract,
            sealed,
        })
    }

    /// Sends a prepared input; its id. [`Client::wait_input`] gives the verdict.
    ///
    /// # Errors
    /// As [`Client::send_raw`].
    pub async fn send_input(&self, input: &PreparedInput) -> Result<B256, ClientError> {
        self.send_raw(Some(input.contract), &input.transaction)
            .await
    }

    /// Shares, seals, signs and sends an input; its id. [`Client::wait_input`] gives the verdict.
    ///
    /// # Errors
    /// As [`Client::prepare_input`] and [`Client::send_raw`].
    pub async fn submit_input(
        &self,
        key: &UserKey,
        contract: Address,
        function: &str,
        public_arguments: &[u8],
        values: &[Value],
    ) -> Result<B256, ClientError> {
        let nonce = self.nonce(key.address()).await?;
        let input = self
            .prepare_input(key, nonce, contract, function, public_arguments, values)
            .await?;
        self.send_input(&input).await
    }
}
