//! `quartet.json`: where a contract was deployed, so that later commands need no address.
//!
//! One place for each cluster: the last deployment there.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use alloy::primitives::{Address, B256};
use serde::{Deserialize, Serialize};
use wire::committee::Committee;

use super::package::Package;
use crate::error::CliError;

/// The file's name, in the folder of the crate.
const FILE: &str = "quartet.json";
/// Clusters that are remembered.
const MOST: usize = 32;

/// All that the file holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Deployments {
    /// The newest last.
    deployments: Vec<Deployment>,
}

/// A deployed contract.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Deployment {
    /// Id of the cluster's chain.
    pub(crate) chain_id: u64,
    /// When the cluster's first block was, in milliseconds since the Unix epoch: a development
    /// cluster that was started anew is another one.
    pub(crate) genesis_ms: u64,
    /// Where the contract lives.
    pub(crate) address: Address,
    /// keccak-256 of its code.
    pub(crate) code_hash: B256,
    /// Who deployed it.
    pub(crate) deployer: Address,
    /// Block with the deployment.
    pub(crate) block: u64,
}

impl Deployments {
    /// Reads the file of a crate; none if there is none yet.
    ///
    /// # Errors
    /// [`CliError::Deployments`].
    pub(crate) fn read(package: &Package) -> Result<Self, CliError> {
        let file = file(package);
        match fs::read_to_string(&file) {
            Ok(text) => serde_json::from_str(&text).map_err(|e| unreadable(&file, &e)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(unreadable(&file, &error)),
        }
    }

    /// Takes in a deployment, in place of the earlier one on its cluster.
    pub(crate) fn add(&mut self, deployment: Deployment) {
        let cluster = (deployment.chain_id, deployment.genesis_ms);
        let all = &mut self.deployments;
        all.retain(|old| (old.chain_id, old.genesis_ms) != cluster);
        all.push(deployment);
        let excess = all.len().saturating_sub(MOST);
        all.drain(..excess);
    }

    /// Writes the file; tells where it is.
    ///
    /// # Errors
    /// [`CliError::File`].
    pub(crate) fn write(&self, package: &Package) -> Result<PathBuf, CliError> {
        let path = file(package);
        let failed = |source| CliError::File {
            path: path.clone(),
            source,
        };
        let text = serde_json::to_string_pretty(self).map_err(|e| failed(e.into()))?;
        fs::write(&path, text + "\n").map_err(failed)?;
        Ok(path)
    }

    /// The contract on this cluster.
    pub(crate) fn on(&self, committee: &Committee) -> Option<Address> {
        let cluster = (committee.chain_id, committee.genesis_ms);
        let mut all = self.deployments.iter();
        let found = all.find(|known| (known.chain_id, known.genesis_ms) == cluster);
        found.map(|deployment| deployment.address)
    }
}

fn file(package: &Package) -> PathBuf {
    package.folder.join(FILE)
}

fn unreadable(file: &Path, why: &dyn std::fmt::Display) -> CliError {
    CliError::Deployments {
        file: file.to_owned(),
        why: why.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn deployment(genesis_ms: u64, address: u8) -> Deployment {
        Deployment {
            chain_id: 1,
            genesis_ms,
            address: Address::repeat_byte(address),
            code_hash: B256::ZERO,
            deployer: Address::ZERO,
            block: 3,
        }
    }

    #[test]
    fn the_last_deployment_on_each_cluster_is_kept() {
        let place = tempfile::tempdir().unwrap();
        let package = Package {
            name: "poll".into(),
            folder: place.path().to_owned(),
            target: place.path().join("target"),
            features: BTreeSet::new(),
        };
        let mut all = Deployments::read(&package).unwrap();
        assert_eq!(all, Deployments::default());
        for (genesis, address) in [(1, 1), (2, 2), (1, 3)] {
            all.add(deployment(genesis, address));
        }
        assert_eq!(all.deployments, [deployment(2, 2), deployment(1, 3)]);
        all.write(&package).unwrap();
        assert_eq!(Deployments::read(&package).unwrap(), all);
        (10..60).for_each(|genesis| all.add(deployment(genesis, 4)));
        assert_eq!(all.deployments.len(), MOST);

        fs::write(file(&package), "{}").unwrap();
        let error = Deployments::read(&package).unwrap_err().to_string();
        assert!(error.contains("quartet.json"), "{error}");
    }
}
