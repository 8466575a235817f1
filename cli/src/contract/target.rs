//! Which deployed contract a command is about.

use std::sync::Arc;

use alloy::primitives::Address;
use client::{ClientError, abi::Abi};
use wire::rpc::ContractInfo;

use super::{deployments::Deployments, package::InPackage, values::Words};
use crate::{
    error::CliError,
    site::{Cluster, Site},
};

/// Which contract, where.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Target {
    /// Address of the contract; by default the one that was last deployed from this crate.
    #[arg(long, value_name = "ADDRESS")]
    contract: Option<Address>,
    #[command(flatten)]
    package: InPackage,
    #[command(flatten)]
    site: Site,
}

/// A contract that lives on a cluster.
pub(crate) struct Found {
    /// The cluster.
    pub(crate) cluster: Cluster,
    /// Where it lives.
    pub(crate) address: Address,
    /// What the nodes say about it.
    pub(crate) info: Arc<ContractInfo>,
    /// Its functions.
    pub(crate) abi: Abi,
}

impl Target {
    /// Looks it up.
    ///
    /// # Errors
    /// [`CliError::NotDeployed`], [`CliError::NoPackage`], and those of the cluster.
    pub(crate) async fn find(&self) -> Result<Found, CliError> {
        let cluster = self.site.connect().await?;
        let address = match self.contract {
            Some(address) => address,
            None => {
                let package = self.package.find()?;
                let known = Deployments::read(&package)?.on(&cluster.committee);
                known.ok_or(CliError::NotDeployed {
                    contract: package.name,
                })?
            }
        };
        let info = match cluster.client.contract(address).await {
            Err(ClientError::NotFound { .. }) => {
                let contract = format!("the contract at {address}");
                return Err(CliError::NotDeployed { contract });
            }
            other => other?,
        };
        Ok(Found {
            abi: Abi::new(&info.description)?,
            cluster,
            address,
            info,
        })
    }
}

impl Cluster {
    /// What words mean on this cluster now.
    ///
    /// # Errors
    /// Those of the node.
    pub(crate) async fn words(&self) -> Result<Words, CliError> {
        Ok(Words {
            now: self.client.status().await?.time,
            names: self.committee.dev,
        })
    }
}
