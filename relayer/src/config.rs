//! The configuration file, and keys.
//!
//! ```toml
#![doc = include_str!("../relayer.example.toml")]
//! ```

use std::{
    env, fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use alloy::primitives::Address;
use client::{UserKey, key_file};
use serde::Deserialize;
use wire::committee::Committee;
use zeroize::Zeroizing;

use crate::{RelayerError, chain::Side};

/// Environment variable with the L1 key, if the file names none.
pub const L1_KEY_VARIABLE: &str = "QUARTET_RELAYER_KEY";
/// Environment variable with the L2 key, if the file names none.
pub const L2_KEY_VARIABLE: &str = "QUARTET_RELAYER_L2_KEY";

/// The configuration.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where progress is kept.
    pub state_file: PathBuf,
    /// Where `/healthz` and `/metrics` are served.
    #[serde(default)]
    pub admin_listen: Option<SocketAddr>,
    /// Pause between two rounds, in milliseconds.
    #[serde(default = "defaults::poll_ms")]
    pub poll_ms: u64,
    /// The chain of the apps.
    pub l1: L1Config,
    /// The cluster.
    pub l2: L2Config,
    /// What is carried.
    pub routes: Vec<Route>,
}

/// The chain of the apps.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct L1Config {
    /// JSON-RPC over HTTP; the next is asked when one does not answer.
    pub urls: Vec<String>,
    /// Key file of the account that pays.
    #[serde(default)]
    pub key: Option<PathBuf>,
    /// From when on its events are believed.
    #[serde(default)]
    pub confirmations: Confirmations,
    /// The id that it must have.
    #[serde(default)]
    pub chain_id: Option<u64>,
    /// Cap of the fee per gas, in gwei.
    #[serde(default = "defaults::max_fee_gwei")]
    pub max_fee_gwei: u64,
    /// When a transaction that is not in a block gets a higher fee, in milliseconds.
    #[serde(default = "defaults::resend_after_ms")]
    pub resend_after_ms: u64,
    /// When it is left to the next round, in milliseconds.
    #[serde(default = "defaults::give_up_after_ms")]
    pub give_up_after_ms: u64,
    /// Blocks per `eth_getLogs`.
    #[serde(default = "defaults::log_blocks")]
    pub log_blocks: u64,
}

/// The cluster.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct L2Config {
    /// Its nodes; the next is asked when one does not answer.
    pub urls: Vec<String>,
    /// Key file of the account that sends voter lists.
    #[serde(default)]
    pub key: Option<PathBuf>,
    /// Committee file, to believe no other.
    #[serde(default)]
    pub committee: Option<PathBuf>,
}

/// An app on L1 and its contract on L2.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Route {
    /// The app.
    pub l1_app: Address,
    /// The contract.
    pub l2_contract: Address,
    /// Whether the app has a voter list to carry.
    #[serde(default)]
    pub electorate: bool,
    /// L1 block from which its events are read.
    #[serde(default)]
    pub from_block: u64,
}

/// From when on a block of L1 is believed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "ConfirmationsText")]
pub enum Confirmations {
    /// When the chain says that it is final.
    #[default]
    Finalized,
    /// When this many blocks follow it.
    Blocks(u64),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum ConfirmationsText {
    Number(u64),
    Word(String),
}

impl TryFrom<ConfirmationsText> for Confirmations {
    type Error = String;

    fn try_from(text: ConfirmationsText) -> Result<Self, String> {
        match text {
            ConfirmationsText::Number(blocks) => Ok(Self::Blocks(blocks)),
            ConfirmationsText::Word(word) if word == "finalized" => Ok(Self::Finalized),
            ConfirmationsText::Word(word) => Err(format!(
                "confirmations is \"finalized\" or a number of blocks, not \"{word}\""
            )),
        }
    }
}

mod defaults {
    pub(super) const fn poll_ms() -> u64 {
        2000
    }
    pub(super) const fn max_fee_gwei() -> u64 {
        200
    }
    pub(super) const fn resend_after_ms() -> u64 {
        60_000
    }
    pub(super) const fn give_up_after_ms() -> u64 {
        600_000
    }
    pub(super) const fn log_blocks() -> u64 {
        5000
    }
}

impl Config {
    /// Reads and checks the file.
    ///
    /// # Errors
    /// [`RelayerError::Config`], which says what and where.
    pub fn read(path: &Path) -> Result<Self, RelayerError> {
        let fails = |why: String| RelayerError::Config {
            path: path.to_owned(),
            why,
        };
        let text = fs::read_to_string(path).map_err(|e| fails(e.to_string()))?;
        let mut config: Self = toml::from_str(&text).map_err(|e| fails(e.to_string()))?;
        config.check().map_err(fails)?;
        let folder = path.parent().unwrap_or(Path::new(""));
        config.state_file = folder.join(&config.state_file);
        for file in [
            &mut config.l1.key,
            &mut config.l2.key,
            &mut config.l2.committee,
        ] {
            *file = file.as_ref().map(|file| folder.join(file));
        }
        Ok(config)
    }

    fn check(&self) -> Result<(), String> {
        if self.l1.urls.is_empty() || self.l2.urls.is_empty() {
            return Err("l1.urls and l2.urls need at least one URL each".into());
        }
        if self.routes.is_empty() {
            return Err("there is no [[routes]], so nothing to carry".into());
        }
        for (place, route) in self.routes.iter().enumerate() {
            if route.l1_app == Address::ZERO || route.l2_contract == Address::ZERO {
                return Err(format!("routes[{place}] names the zero address"));
            }
            let same = |other: &Route| {
                (other.l1_app, other.l2_contract) == (route.l1_app, route.l2_contract)
            };
            if self.routes.iter().take(place).any(same) {
                return Err(format!("routes[{place}] is there twice"));
            }
        }
        if !(10..=3_600_000).contains(&self.poll_ms) {
            return Err("poll_ms is 10 to 3600000".into());
        }
        if self.l1.max_fee_gwei == 0 || self.l1.log_blocks == 0 {
            return Err("l1.max_fee_gwei and l1.log_blocks must not be 0".into());
        }
        if self.l1.resend_after_ms == 0 || self.l1.give_up_after_ms < self.l1.resend_after_ms {
            return Err("l1.resend_after_ms is at least 1 and at most l1.give_up_after_ms".into());
        }
        Ok(())
    }

    /// Pause between two rounds.
    #[must_use]
    pub const fn poll(&self) -> Duration {
        Duration::from_millis(self.poll_ms)
    }

    /// The L1 key: of the file, or of [`L1_KEY_VARIABLE`].
    ///
    /// # Errors
    /// [`RelayerError::Key`].
    pub fn l1_key(&self) -> Result<UserKey, RelayerError> {
        key(Side::L1, self.l1.key.as_deref(), L1_KEY_VARIABLE)
    }

    /// The L2 key: of the file, or of [`L2_KEY_VARIABLE`].
    ///
    /// # Errors
    /// [`RelayerError::Key`].
    pub fn l2_key(&self) -> Result<UserKey, RelayerError> {
        key(Side::L2, self.l2.key.as_deref(), L2_KEY_VARIABLE)
    }

    /// The committee to believe, if the file names one.
    ///
    /// # Errors
    /// [`RelayerError::Config`].
    pub fn committee(&self) -> Result<Option<Committee>, RelayerError> {
        let Some(path) = &self.l2.committee else {
            return Ok(None);
        };
        let fails = |why: String| RelayerError::Config {
            path: path.clone(),
            why,
        };
        let text = fs::read_to_string(path).map_err(|e| fails(e.to_string()))?;
        let committee = toml::from_str(&text).map_err(|e| fails(e.to_string()))?;
        Ok(Some(committee))
    }
}

fn key(side: Side, file: Option<&Path>, variable: &str) -> Result<UserKey, RelayerError> {
    let fails = |why: String| RelayerError::Key { side, why };
    if let Some(path) = file {
        return key_file::read(path).map_err(|e| fails(e.to_string()));
    }
    let text = env::var(variable).map(Zeroizing::new).map_err(|_| {
        fails(format!(
            "name a key file in the configuration, or set {variable}"
        ))
    })?;
    UserKey::from_hex(&text).map_err(|e| fails(format!("{variable}: {e}")))
}

#[cfg(test)]
mod tests;
