//! Sending: calls, deployments and secret inputs.

use std::time::Duration;

use alloy::{
    providers::Provider as _,
    rpc::types::{TransactionReceipt, TransactionRequest},
};
use alloy_primitives::{Address, B256, Bytes, TxKind, U64};
use wire::{limits::CALL_FUEL, sealed::SealedInput, transaction::Deployment};

use super::{CACHED_CONTRACTS, Client, answer};
use crate::{
    ClientError, UserKey,
    abi::{self, Abi},
    input::{self, Destination, Value},
    transaction::{Draft, SignedTransaction, sign},
};
/// How long a transaction may take until it is in a block.
pub(super) const INCLUSION_TIMEOUT: Duration = Duration::from_secs(120);

/// Gas of an input whose real need is not known, because a dry run of it is refused.
const INPUT_GAS: u64 = 50_000_000;

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
            let contract = contract.unwrap_or_default();
            return Err(self.reverted(contract, &error, data).await);
        }
        // When a first node took it and then fell silent, the next one says that the nonce is used.
        if error.is_error_resp() && self.receipt(transaction.hash).await?.is_some() {
            return Ok(transaction.hash);
        }
        Err(answer::error(method, &self.urls, error))
    }

    /// Gas limit for a call, or for a deployment: what it takes now, and half as much again.
    ///
    /// # Errors
    /// As [`Client::request`]; [`ClientError::Reverted`] if the contract would refuse it.
    pub async fn estimate(
        &self,
        from: Address,
        to: Option<Address>,
        data: Bytes,
    ) -> Result<u64, ClientError> {
        let request = TransactionRequest {
            from: Some(from),
            to: Some(to.map_or(TxKind::Create, TxKind::Call)),
            input: data.into(),
            ..TransactionRequest::default()
        };
        let method = "eth_estimateGas";
        let answer: Result<U64, _> = self.provider.raw_request(method.into(), (request,)).await;
        let gas: u64 = match answer {
            Ok(gas) => gas.to(),
            Err(error) => {
                return Err(match answer::revert_data(&error) {
                    Some(data) => self.reverted(to.unwrap_or_default(), &error, data).await,
                    None => answer::error(method, &self.urls, error),
                });
            }
        };
        Ok(gas.saturating_add(gas / 2).min(CALL_FUEL))
    }

    /// Gas limit for an input. It is asked for once per input type and remembered: all inputs of a
    /// type have the same size. An input that is refused now is still given a limit, since the
    /// verdict is the node's to give when the input is sent.
    async fn input_gas(
        &self,
        from: Address,
        contract: Address,
        input: u32,
        data: &Bytes,
    ) -> Result<u64, ClientError> {
        let mut known = self.cache.input_gas.lock().await;
        if let Some(gas) = known.get(&(contract, input)) {
            return Ok(*gas);
        }
        match self.estimate(from, Some(contract), data.clone()).await {
            Ok(gas) => {
                if known.len() >= CACHED_CONTRACTS {
                    known.clear();
                }
                // Half as much again, since a contract's storage grows with its users.
                let gas = gas.saturating_add(gas / 2).min(CALL_FUEL);
                known.insert((contract, input), gas);
                Ok(gas)
            }
            Err(ClientError::Reverted { .. } | ClientError::Refused { .. }) => Ok(INPUT_GAS),
            Err(error) => Err(error),
        }
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
        let gas = self.estimate(key.address(), Some(to), data.clone()).await?;
        let draft = Draft::call(self.chain_id().await?, nonce, gas, to, data);
        let transaction = sign(key, &draft);
        self.send_raw(Some(to), &transaction).await?;
        let receipt = self
            .wait_receipt(transaction.hash, INCLUSION_TIMEOUT)
            .await?;
        if receipt.status() {
            return Ok(receipt);
        }
        Err(self.revert_of(to, transaction.hash).await)
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
        let gas = self
            .estimate(key.address(), None, deployment.encode())
            .await?;
        let draft = Draft::deployment(self.chain_id().await?, nonce, gas, deployment);
        let transaction = sign(key, &draft);
        self.send_raw(None, &transaction).await?;
        let receipt = self
            .wait_receipt(transaction.hash, INCLUSION_TIMEOUT)
            .await?;
        let expected = deployment.address(key.address());
        if !receipt.status() {
            return Err(self.revert_of(expected, transaction.hash).await);
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
        let keys = self.seal_keys().await?;
        let destination = Destination {
            committee,
            keys: &keys,
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
        let gas = self
            .input_gas(key.address(), contract, declared.input, &data)
            .await?;
        let draft = Draft::call(committee.chain_id, nonce, gas, contract, data);
        Ok(PreparedInput {
            transaction: sign(key, &draft),
            contract,
            sealed,
        })
    }

    /// Sends a prepared input; its id. [`Client::wait_input`] gives the verdict.
    ///
    /// # Errors
    /// As [`Client::send_raw`]. If [`ClientError::asks_for_keys`], the next one that is prepared is
    /// sealed to keys that are fetched again.
    pub async fn send_input(&self, input: &PreparedInput) -> Result<B256, ClientError> {
        let answer = self
            .send_raw(Some(input.contract), &input.transaction)
            .await;
        if let Err(error) = &answer
            && error.asks_for_keys()
        {
            self.forget_seal_keys().await;
        }
        answer
    }

    /// Shares, seals, signs and sends an input; its id. [`Client::wait_input`] gives the verdict. If the
    /// sealing keys have changed since they were fetched, it is sealed to the new ones and sent again,
    /// once.
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
        let submit = async || {
            let input = self
                .prepare_input(key, nonce, contract, function, public_arguments, values)
                .await?;
            self.send_input(&input).await
        };
        match submit().await {
            // A key epoch has ended since they were fetched.
            Err(error) if error.asks_for_keys() => submit().await,
            answer => answer,
        }
    }
}
