//! The cluster that a command talks with, and the account that it acts for.

use std::{fmt, fs, path::PathBuf};

use alloy::primitives::{Address, keccak256};
use client::{Client, ClientError, UserKey, key_file};
use wire::committee::Committee;

use crate::error::CliError;

/// The nodes that `quartet dev` starts.
pub(crate) const LOCAL: &str =
    "http://127.0.0.1:7545,http://127.0.0.1:7546,http://127.0.0.1:7547,http://127.0.0.1:7548";
/// The account on a development cluster if none is named.
const DEFAULT_NAME: &str = "dev";

/// Which cluster.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Site {
    /// JSON-RPC of a node; several are tried in turn. By default those of `quartet dev`.
    #[arg(
        long,
        value_name = "URL",
        env = "QUARTET_RPC",
        value_delimiter = ',',
        default_value = LOCAL,
        hide_default_value = true
    )]
    rpc: Vec<String>,
    /// Committee file: secrets are sealed to these nodes alone, and only their signatures count.
    /// Needed to send secrets, except on a development cluster.
    #[arg(long, value_name = "FILE", env = "QUARTET_COMMITTEE")]
    committee: Option<PathBuf>,
}

/// A cluster that answers.
#[derive(Clone, Debug)]
pub(crate) struct Cluster {
    /// Asks its nodes.
    pub(crate) client: Client,
    /// Who they are.
    pub(crate) committee: Committee,
    /// Whether the committee was pinned by a file.
    pub(crate) pinned: bool,
}

impl Site {
    /// Asks the cluster who it is.
    ///
    /// # Errors
    /// [`CliError::NoCluster`] if no node answers; [`CliError::Committee`]; [`CliError::Client`].
    pub(crate) async fn connect(&self) -> Result<Cluster, CliError> {
        let mut client = Client::connect_any(&self.rpc)?;
        let pinned = self.committee.as_ref();
        if let Some(file) = pinned {
            client = client.pinned(read_committee(file)?);
        }
        match client.committee().await {
            Ok(committee) => Ok(Cluster {
                committee: committee.clone(),
                pinned: pinned.is_some(),
                client,
            }),
            Err(ClientError::Unreachable { urls, why }) => Err(CliError::NoCluster { urls, why }),
            Err(error) => Err(error.into()),
        }
    }
}

/// Reads the public description of a cluster.
///
/// # Errors
/// [`CliError::Committee`].
pub(crate) fn read_committee(file: &PathBuf) -> Result<Committee, CliError> {
    let failed = |why: String| CliError::Committee {
        file: file.clone(),
        why,
    };
    let text = fs::read_to_string(file).map_err(|error| failed(error.to_string()))?;
    toml::from_str(&text).map_err(|error| failed(error.message().to_owned()))
}

/// As whom.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Account {
    /// File with the account's secret key: 64 hexadecimal digits, mode 0600.
    #[arg(
        long,
        value_name = "FILE",
        env = "QUARTET_KEY",
        conflicts_with = "name"
    )]
    key: Option<PathBuf>,
    /// Account of a development cluster; any name is one, and anybody can use it [default: dev].
    #[arg(long = "as", value_name = "NAME", env = "QUARTET_AS")]
    name: Option<String>,
}

/// An account with its key.
#[derive(Debug)]
pub(crate) struct Actor {
    /// Its key.
    pub(crate) key: UserKey,
    name: Option<String>,
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "{name} ({})", self.key.address()),
            None => self.key.address().fmt(f),
        }
    }
}

impl Account {
    /// Its key. `dev` is whether the cluster is for development.
    ///
    /// # Errors
    /// [`CliError::Client`] for a key file; [`CliError::NoKey`] if none is named and the cluster is
    /// not for development.
    pub(crate) fn actor(&self, dev: bool) -> Result<Actor, CliError> {
        if let Some(file) = &self.key {
            let key = key_file::read(file)?;
            return Ok(Actor { key, name: None });
        }
        let name = self.name.as_deref().unwrap_or(DEFAULT_NAME);
        if !dev {
            return Err(CliError::NoKey {
                name: name.to_owned(),
            });
        }
        Ok(Actor {
            key: named(name)?,
            name: Some(name.to_owned()),
        })
    }

    /// Its address, or none if no account is named.
    ///
    /// # Errors
    /// As [`Self::actor`].
    pub(crate) fn address(&self, dev: bool) -> Result<Option<Address>, CliError> {
        if self.key.is_none() && self.name.is_none() {
            return Ok(None);
        }
        Ok(Some(self.actor(dev)?.key.address()))
    }
}

/// The key of a name on development clusters: `keccak256("quartet development account " ‖ name)`.
/// Everybody knows it.
///
/// # Errors
/// [`CliError::Client`], which no name causes that anybody will ever find.
pub(crate) fn named(name: &str) -> Result<UserKey, CliError> {
    let seed = keccak256(["quartet development account ", name].concat());
    Ok(UserKey::from_bytes(&seed.0)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(name: Option<&str>) -> Account {
        Account {
            key: None,
            name: name.map(str::to_owned),
        }
    }

    #[test]
    fn names_are_accounts_of_their_own_on_development_clusters_only() {
        let ada = account(Some("ada")).actor(true).unwrap();
        assert_eq!(ada.key.address(), named("ada").unwrap().address());
        assert_ne!(ada.key.address(), named("ben").unwrap().address());
        assert!(ada.to_string().starts_with("ada (0x"));
        let nobody = account(None).actor(true).unwrap();
        assert_eq!(nobody.key.address(), named(DEFAULT_NAME).unwrap().address());
        assert_eq!(account(None).address(true).unwrap(), None);
        let error = account(Some("ada")).actor(false).unwrap_err();
        assert!(error.to_string().contains("--key"), "{error}");
    }

    #[test]
    fn the_accounts_are_frozen() {
        let ada = named("ada").unwrap().address().to_string();
        assert_eq!(ada, "0xD7e3EE1B27DeA464586e84b52dC25339A1d6bfc6");
    }
}
