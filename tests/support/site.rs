//! Four real nodes, of which one may never start, and a real EVM, for contracts of any kind.

use std::fs;

use alloy::{
    primitives::{Address, B256, Bytes},
    providers::{DynProvider, Provider as _},
    rpc::types::TransactionRequest,
    sol_types::SolCall as _,
};
use client::{Client, UserKey, input::Value};
use devnet::{
    Builds, Cluster, ClusterOptions, EmbeddedL1, PreparedCluster,
    contracts::{CommitteeContracts, deploy_committee},
};
use eyre::{OptionExt as _, Result, ensure};
use wire::{
    attestation::{computation_id, submitCall},
    kind::InputType,
    rpc::ComputationStatus,
    transaction::Deployment,
};

use crate::{PATIENCE, RESERVE_LOTS, ROUND_TIMEOUT_MS, node_program, until};

/// Accounts of the L1 that have money.
const ACCOUNTS: usize = 4;

/// Nodes, an EVM and a client of the nodes that run.
pub struct Site {
    /// The nodes.
    pub cluster: Cluster,
    /// The EVM.
    pub l1: EmbeddedL1,
    /// Speaks to the EVM with all of its accounts.
    pub provider: DynProvider,
    /// What every cluster has on L1.
    pub committee: CommitteeContracts,
    /// Asks all nodes.
    pub client: Client,
}

/// A contract on L2.
#[derive(Clone, Copy, Debug)]
pub struct Deployed {
    /// Its address.
    pub address: Address,
    /// keccak-256 of its code.
    pub code_hash: B256,
}

impl Site {
    /// Raises it; this node, if one is named, is not started.
    ///
    /// # Errors
    /// Whatever keeps it from standing.
    pub async fn raise(not_started: Option<usize>) -> Result<Self> {
        let mut options = ClusterOptions::new(node_program().await?);
        options.round_timeout_ms = Some(ROUND_TIMEOUT_MS);
        options.reserve_lots = Some(RESERVE_LOTS);
        options.not_started = not_started;
        let prepared = PreparedCluster::new(options)?;
        let l1 = EmbeddedL1::start(ACCOUNTS).await?;
        let provider = l1.provider()?;
        let chain_id = provider.get_chain_id().await?;
        let committee = deploy_committee(&provider, chain_id, prepared.addresses()).await?;
        let cluster = prepared.start(committee.l1).await?;
        let client = Client::connect_any(&cluster.rpc_urls())?.pinned(cluster.committee().clone());
        Ok(Self {
            cluster,
            l1,
            provider,
            committee,
            client,
        })
    }

    /// Builds the contract of this package of the workspace, and deploys it.
    ///
    /// # Errors
    /// If it does not build, or is refused.
    pub async fn deploy(
        &self,
        package: &str,
        deployer: &UserKey,
        arguments: &Bytes,
    ) -> Result<Deployed> {
        let code = fs::read(Builds::new().contract(package).await?)?;
        let deployment = Deployment {
            salt: B256::ZERO,
            init: arguments.clone(),
            code: code.into(),
        };
        let address = self.client.deploy(deployer, &deployment).await?;
        Ok(Deployed {
            address,
            code_hash: deployment.code_hash(),
        })
    }

    /// Sends a secret input, and waits until it is accepted; its id.
    ///
    /// # Errors
    /// If it is refused or rejected.
    pub async fn input(
        &self,
        from: &UserKey,
        contract: Address,
        function: &str,
        public_arguments: &[u8],
        values: &[Value],
    ) -> Result<B256> {
        let client = &self.client;
        let sent = client.submit_input(from, contract, function, public_arguments, values);
        let id = sent.await?;
        client.wait_accepted(id, PATIENCE).await?;
        Ok(id)
    }

    /// Waits until this computation of a contract has begun and is attested; its output.
    ///
    /// # Errors
    /// If it fails, or takes too long.
    pub async fn attested(&self, contract: Address, index: u64) -> Result<Bytes> {
        let id = computation_id(contract, index);
        let info = self.client.wait_computation(id, PATIENCE).await?;
        match info.status {
            ComputationStatus::Attested { output } => Some(output),
            _ => None,
        }
        .ok_or_eyre("an attested computation has an output")
    }

    /// Waits until this computation of a contract has failed; why.
    ///
    /// # Errors
    /// If it gives a result, or takes too long.
    pub async fn failed(&self, contract: Address, index: u64) -> Result<String> {
        let id = computation_id(contract, index);
        match self.client.wait_computation(id, PATIENCE).await {
            Err(client::ClientError::ComputationFailed { reason, .. }) => Ok(reason),
            Err(error) => Err(error.into()),
            Ok(info) => Err(eyre::eyre!("it gave a result: {info:?}")),
        }
    }

    /// As [`Self::attested`], of a computation that a timer starts.
    ///
    /// # Errors
    /// As [`Self::attested`].
    pub async fn attested_soon(&self, contract: Address, index: u64) -> Result<Bytes> {
        let id = computation_id(contract, index);
        until("the start of a computation by its timer", async || {
            Ok(self.client.computation(id).await?.map(|_| ()))
        })
        .await?;
        self.attested(contract, index).await
    }

    /// Hands the certificate of a computation to an app on L1.
    ///
    /// # Errors
    /// If there is none, or the app refuses.
    pub async fn submit(&self, app: Address, contract: Address, index: u64) -> Result<()> {
        let certificate = self
            .client
            .certificate(computation_id(contract, index))
            .await?;
        let call = submitCall {
            attestation: certificate.certificate.attestation,
            bitmap: certificate.quorum.bitmap,
            signatures: certificate.quorum.signatures,
        };
        let transaction = TransactionRequest::default()
            .to(app)
            .input(call.abi_encode().into());
        let receipt = self.provider.send_transaction(transaction).await?;
        ensure!(
            receipt.get_receipt().await?.status(),
            "the app on L1 refuses"
        );
        Ok(())
    }

    /// The secrets of this type that computations of a contract have made for a user, as numbers.
    ///
    /// # Errors
    /// If one cannot be read.
    pub async fn secrets(
        &self,
        contract: Address,
        owner: &UserKey,
        of_type: &str,
    ) -> Result<Vec<Vec<u128>>> {
        let mut secrets = Vec::new();
        for info in self.client.secrets(contract, owner.address()).await? {
            let secret = self.client.read_secret(owner, &info).await?;
            if secret.ty.name == of_type {
                secrets.push(numbers(&secret.ty, &secret.value)?);
            }
        }
        Ok(secrets)
    }

    /// Time of the last block, in seconds.
    ///
    /// # Errors
    /// If no node answers.
    pub async fn now(&self) -> Result<u64> {
        Ok(self.client.status().await?.time)
    }

    /// Lets time pass until `time`, in seconds.
    ///
    /// # Errors
    /// If the cluster refuses.
    pub async fn pass(&self, time: u64) -> Result<()> {
        let missing = time.saturating_sub(self.now().await?);
        self.client.advance_time(missing + 1).await?;
        Ok(())
    }
}

/// All elements of all fields of an encoded secret.
fn numbers(ty: &InputType, mut encoded: &[u8]) -> Result<Vec<u128>> {
    let mut numbers = Vec::new();
    for field in &ty.fields {
        let count = usize::try_from(field.len)?;
        let (bytes, rest) = encoded
            .split_at_checked(field.kind.bytes(count))
            .ok_or_eyre("a secret is as long as its type")?;
        let elements = field.kind.unpack(bytes, count);
        numbers.extend(elements.ok_or_eyre("a secret is of its type")?);
        encoded = rest;
    }
    Ok(numbers)
}

/// A new user's key.
#[must_use]
pub fn key() -> UserKey {
    UserKey::random(&mut rand::rng())
}
