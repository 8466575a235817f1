//! The two L1 contracts that every cluster needs, and their deployment.

use alloy::{
    primitives::Address,
    providers::{DynProvider, PendingTransactionError},
    rpc::types::TransactionReceipt,
};
use wire::{committee::L1, limits::NODES};

use crate::DevnetError;

/// Bindings to the compiled contracts, with the documentation of their sources.
pub mod bindings {
    alloy::sol!(
        #[sol(rpc)]
        #[derive(Debug)]
        Committee,
        "../l1-contracts/artifacts/Committee.json"
    );
    alloy::sol!(
        #[sol(rpc)]
        #[derive(Debug)]
        Verifier,
        "../l1-contracts/artifacts/Verifier.json"
    );
}

/// A deployed committee with its verifier.
#[derive(Clone, Copy, Debug)]
pub struct CommitteeContracts {
    /// Knows the four nodes.
    pub committee: Address,
    /// Checks that three of them signed; what nodes' committee file names.
    pub l1: L1,
    /// Block with the verifier.
    pub block: u64,
    /// Gas of both deployments.
    pub gas: u64,
}

/// Deploys the committee contract with these nodes, and its verifier, with the provider's own key.
///
/// # Errors
/// [`DevnetError::Deployment`].
pub async fn deploy_committee(
    provider: &DynProvider,
    chain_id: u64,
    nodes: [Address; NODES],
) -> Result<CommitteeContracts, DevnetError> {
    let what = "committee";
    let deployment = bindings::Committee::deploy_builder(provider, nodes);
    let sent = deployment
        .send()
        .await
        .map_err(|error| failed(what, error))?;
    let (committee, first) = deployed(what, sent.get_receipt().await)?;
    let what = "verifier";
    let deployment = bindings::Verifier::deploy_builder(provider, committee);
    let sent = deployment
        .send()
        .await
        .map_err(|error| failed(what, error))?;
    let (verifier, second) = deployed(what, sent.get_receipt().await)?;
    Ok(CommitteeContracts {
        committee,
        l1: L1 { chain_id, verifier },
        block: second.block_number.unwrap_or_default(),
        gas: first.gas_used + second.gas_used,
    })
}

fn deployed(
    contract: &'static str,
    receipt: Result<TransactionReceipt, PendingTransactionError>,
) -> Result<(Address, TransactionReceipt), DevnetError> {
    let receipt = receipt.map_err(|error| failed(contract, error))?;
    match receipt.contract_address {
        Some(address) if receipt.status() => Ok((address, receipt)),
        _ => Err(failed(contract, "the deployment reverted")),
    }
}

fn failed(contract: &'static str, why: impl std::fmt::Display) -> DevnetError {
    DevnetError::Deployment {
        contract,
        why: why.to_string(),
    }
}
