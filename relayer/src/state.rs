//! The one small file: what is known already, so that it need not be read again.
//!
//! Everything in it can be had from the chains, so a file that is lost or damaged costs time and
//! nothing else. It is written whole and renamed into place.

use std::{
    collections::BTreeMap,
    fs::{self, File, TryLockError},
    io::Write as _,
    path::{Path, PathBuf},
};

use alloy::primitives::{Address, B256};
use serde::{Deserialize, Serialize};
use tracing::warn;

use crate::{RelayerError, chain::Side};

/// What is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// How far the events of each app on L1 were read.
    #[serde(default)]
    pub scans: BTreeMap<Address, Scan>,
    /// Results that each app was seen to have accepted, with the L1 block at that time.
    #[serde(default)]
    pub accepted: BTreeMap<Address, BTreeMap<B256, u64>>,
    /// The transaction of each chain that may not be in a block yet.
    #[serde(default)]
    pub in_flight: BTreeMap<Side, InFlight>,
}

/// How far the events of an app were read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scan {
    /// First block that was not read.
    pub next_block: u64,
    /// A block in which the list was sealed already.
    #[serde(default)]
    pub sealed_by: Option<u64>,
    /// Batches of voters by index.
    pub batches: BTreeMap<u32, SeenBatch>,
}

/// A batch of voters as it was seen in an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeenBatch {
    /// Its leaf.
    pub leaf: B256,
    /// L1 block of the event.
    pub block: u64,
}

/// A transaction that was sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InFlight {
    /// Its nonce.
    pub nonce: u64,
    /// The highest fee per gas that was offered, in wei.
    pub max_fee_per_gas: u128,
    /// The tip within it, in wei.
    pub max_priority_fee_per_gas: u128,
}

/// The file, with what is in it.
#[derive(Debug)]
pub struct Store {
    path: PathBuf,
    written: State,
    /// What is known now.
    pub state: State,
    _lock: File,
}

impl Store {
    /// Locks and reads the file. One that is missing or damaged is taken as empty.
    ///
    /// # Errors
    /// [`RelayerError::Locked`] if another relayer has it, [`RelayerError::File`].
    pub fn open(path: &Path) -> Result<Self, RelayerError> {
        let lock_path = with_suffix(path, ".lock");
        let fails = |source| RelayerError::File {
            path: lock_path.clone(),
            source,
        };
        let lock = File::create(&lock_path).map_err(fails)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(RelayerError::Locked { path: lock_path }),
            Err(TryLockError::Error(source)) => return Err(fails(source)),
        }
        let state = match fs::read(path) {
            Ok(bytes) => serde_json::from_slice(&bytes).unwrap_or_else(|error| {
                let path = path.display();
                warn!(%path, %error, "the state file is damaged; everything is read from the chains again");
                State::default()
            }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => State::default(),
            Err(source) => {
                let path = path.to_owned();
                return Err(RelayerError::File { path, source });
            }
        };
        Ok(Self {
            path: path.to_owned(),
            written: state.clone(),
            state,
            _lock: lock,
        })
    }

    /// Writes what is known, if it has changed.
    ///
    /// # Errors
    /// [`RelayerError::File`].
    pub fn save(&mut self) -> Result<(), RelayerError> {
        if self.state == self.written {
            return Ok(());
        }
        let fails = |source| RelayerError::File {
            path: self.path.clone(),
            source,
        };
        let text = serde_json::to_vec_pretty(&self.state).map_err(|e| fails(e.into()))?;
        let fresh = with_suffix(&self.path, ".new");
        let mut file = File::create(&fresh).map_err(fails)?;
        file.write_all(&text).map_err(fails)?;
        file.sync_all().map_err(fails)?;
        fs::rename(&fresh, &self.path).map_err(fails)?;
        self.written = self.state.clone();
        Ok(())
    }
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn full() -> State {
        let mut state = State::default();
        let leaf = B256::repeat_byte(3);
        let scan = Scan {
            next_block: 9,
            sealed_by: Some(7),
            batches: [(4, SeenBatch { leaf, block: 7 })].into(),
        };
        state.scans.insert(Address::repeat_byte(1), scan);
        let results = [(B256::repeat_byte(5), 8)].into();
        state.accepted.insert(Address::repeat_byte(1), results);
        let sent = InFlight {
            nonce: 1,
            max_fee_per_gas: u128::from(u64::MAX) + 1,
            max_priority_fee_per_gas: 1,
        };
        state.in_flight.insert(Side::L1, sent);
        state
    }

    #[test]
    fn what_is_saved_is_read_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state.json");
        let mut store = Store::open(&path).unwrap();
        assert_eq!(store.state, State::default());
        store.state = full();
        store.save().unwrap();
        drop(store);
        assert_eq!(Store::open(&path).unwrap().state, full());
    }

    #[test]
    fn two_relayers_do_not_share_a_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state.json");
        let store = Store::open(&path).unwrap();
        assert!(matches!(
            Store::open(&path),
            Err(RelayerError::Locked { .. })
        ));
        drop(store);
        assert!(Store::open(&path).is_ok());
    }

    #[test]
    fn a_damaged_or_lost_file_is_an_empty_one() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state.json");
        let mut store = Store::open(&path).unwrap();
        store.state = full();
        store.save().unwrap();
        drop(store);
        let whole = fs::read(&path).unwrap();
        for damaged in [&whole[..whole.len() / 2], b"", b"[]", b"{\"other\": 1}"] {
            fs::write(&path, damaged).unwrap();
            assert_eq!(Store::open(&path).unwrap().state, State::default());
        }
        fs::remove_file(&path).unwrap();
        assert_eq!(Store::open(&path).unwrap().state, State::default());
    }
}
