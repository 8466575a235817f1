//! What follows from the block log, and the seeds of inputs, in sled.
//!
//! sled does not survive a power cut and has known corruption bugs, so nothing here is the only
//! copy: indices are written again while the block log is replayed, seeds are opened or asked for
//! again. Every record has a checksum (seeds: the tag of their encryption); a record that fails
//! it counts as missing, and all indices are written anew at the next start.

use std::{
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
};

use alloy_primitives::{Address, B256, Bytes};
use prometheus_client::metrics::counter::Counter;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use sled::{Batch, Db, Tree};
use wire::{block::Block, codec};
use zk_contract_runtime::{Applied, Log, Receipt};

use super::{
    epochs::EpochKeys,
    seed_box::{HeldSeeds, SeedBox, epoch_of},
};
use crate::NodeError;

const CHECKSUM_BYTES: usize = 16;
const RECORD_BYTES: usize = 64 * 1024 * 1024;
const CACHE_BYTES: u64 = 64 * 1024 * 1024;
const REBUILD: &[u8] = b"rebuild";

/// The open store; cheap to clone.
#[derive(Clone, Debug)]
pub struct Derived {
    meta: Tree,
    blocks: Tree,
    hashes: Tree,
    transactions: Tree,
    logs: Tree,
    seeds: Tree,
    seed_box: std::sync::Arc<SeedBox>,
    /// Records of seeds that did not open.
    damaged: Counter,
    _db: Db,
}

/// What is kept of a block besides the block itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockRecord {
    /// Its hash.
    pub hash: B256,
    /// Root of the state after it.
    pub state_root: B256,
    /// Receipts of its users' transactions, in order.
    pub receipts: Vec<Receipt>,
}

/// Where a user's transaction is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransactionPlace {
    /// Number of the block.
    pub block: u64,
    /// Place among the block's users' transactions.
    pub index: u32,
}

/// An event with its place in a block.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockLogEntry {
    /// Hash of the transaction to which it belongs.
    pub tx_hash: B256,
    /// Place of that transaction in this block; none if it is in an earlier one.
    pub tx_index: Option<u32>,
    /// The event.
    pub log: Log,
}

/// What `eth_getLogs` asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogFilter {
    /// First block.
    pub from: u64,
    /// Last block.
    pub to: u64,
    /// Contracts; empty for all.
    pub addresses: Vec<Address>,
    /// Alternatives for each topic; empty for all.
    pub topics: Vec<Vec<B256>>,
}

/// An event as `eth_getLogs` returns it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundLog {
    /// Number of its block.
    pub block: u64,
    /// Its place among all events of the block.
    pub index: u64,
    /// The event and its transaction.
    pub entry: BlockLogEntry,
}

/// Why events that were asked for are not returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TooMuch {
    /// There are more than the limit.
    Events,
    /// They are longer than the limit.
    Bytes,
}

impl LogFilter {
    /// Whether it lets an event through.
    #[must_use]
    pub fn admits(&self, log: &Log) -> bool {
        let address = self.addresses.is_empty() || self.addresses.contains(&log.address);
        address
            && self.topics.len() <= log.topics.len()
            && self
                .topics
                .iter()
                .zip(&log.topics)
                .all(|(wanted, topic)| wanted.is_empty() || wanted.contains(topic))
    }
}

impl Derived {
    /// Opens the store, or makes a new one if it cannot be opened; the old one is kept aside, and
    /// its place is returned.
    ///
    /// # Errors
    /// [`NodeError::Derived`] and [`NodeError::File`].
    pub fn open(path: &Path, epochs: &EpochKeys) -> Result<(Self, Option<PathBuf>), NodeError> {
        match Self::try_open(path, epochs) {
            Ok(derived) => Ok((derived, None)),
            Err(error) => {
                tracing::warn!(%error, "the store of derived data cannot be opened: making a new one");
                let aside = set_aside(path)?;
                Ok((Self::try_open(path, epochs)?, Some(aside)))
            }
        }
    }

    fn try_open(path: &Path, epochs: &EpochKeys) -> Result<Self, sled::Error> {
        let db = sled::Config::new()
            .path(path)
            .cache_capacity(CACHE_BYTES)
            .open()?;
        Ok(Self {
            meta: db.open_tree("meta")?,
            blocks: db.open_tree("blocks")?,
            hashes: db.open_tree("hashes")?,
            transactions: db.open_tree("transactions")?,
            logs: db.open_tree("logs")?,
            seeds: db.open_tree("seeds")?,
            seed_box: std::sync::Arc::new(SeedBox::new(epochs.clone())),
            damaged: Counter::default(),
            _db: db,
        })
    }

    /// Counts records of seeds that do not open with this.
    #[must_use]
    pub fn counting(self, damaged: Counter) -> Self {
        Self { damaged, ..self }
    }

    /// Drops all indices if a record was found damaged, so that replay writes them anew.
    ///
    /// # Errors
    /// [`NodeError::Derived`].
    pub fn prepare(&self) -> Result<(), NodeError> {
        if self.meta.contains_key(REBUILD)? {
            tracing::warn!("a record of the index was damaged: writing the index anew");
            for tree in [&self.blocks, &self.hashes, &self.transactions, &self.logs] {
                tree.clear()?;
            }
            self.meta.remove(REBUILD)?;
        }
        Ok(())
    }

    /// Whether a block is indexed already.
    #[must_use]
    pub fn is_indexed(&self, number: u64, hash: B256) -> bool {
        let record = self.block(number);
        record.is_some_and(|record| record.hash == hash)
    }

    /// Indexes a block.
    ///
    /// # Errors
    /// [`NodeError::Derived`].
    pub fn index(
        &self,
        applied: &Applied,
        block: &Block,
        state_root: B256,
    ) -> Result<(), NodeError> {
        let number = block.header.number;
        let key = number.to_be_bytes();
        let mut transactions = Batch::default();
        let mut logs = Vec::new();
        for (index, receipt) in (0u32..).zip(&applied.receipts) {
            let place = TransactionPlace {
                block: number,
                index,
            };
            let hash = receipt.tx_hash.as_slice();
            transactions.insert(hash, checked(&self.transactions, hash, &place));
            logs.extend(receipt.logs.iter().map(|log| BlockLogEntry {
                tx_hash: receipt.tx_hash,
                tx_index: Some(index),
                log: log.clone(),
            }));
        }
        logs.extend(applied.system_logs.iter().map(|entry| BlockLogEntry {
            tx_hash: entry.tx_hash,
            tx_index: None,
            log: entry.log.clone(),
        }));
        self.transactions.apply_batch(transactions)?;
        if !logs.is_empty() {
            self.logs.insert(key, checked(&self.logs, &key, &logs))?;
        }
        let hash = applied.hash;
        self.hashes
            .insert(hash, checked(&self.hashes, hash.as_slice(), &number))?;
        let record = BlockRecord {
            hash,
            state_root,
            receipts: applied.receipts.clone(),
        };
        // Last: its presence says that the rest is there.
        self.blocks
            .insert(key, checked(&self.blocks, &key, &record))?;
        Ok(())
    }

    /// What is kept of a block.
    #[must_use]
    pub fn block(&self, number: u64) -> Option<BlockRecord> {
        self.get(&self.blocks, &number.to_be_bytes())
    }

    /// Number of the block with this hash.
    #[must_use]
    pub fn number(&self, hash: B256) -> Option<u64> {
        self.get(&self.hashes, hash.as_slice())
    }

    /// Where a transaction is.
    #[must_use]
    pub fn transaction(&self, hash: B256) -> Option<TransactionPlace> {
        self.get(&self.transactions, hash.as_slice())
    }

    /// Events of a block, with their places.
    #[must_use]
    pub fn logs_of(&self, number: u64) -> Vec<BlockLogEntry> {
        self.get(&self.logs, &number.to_be_bytes())
            .unwrap_or_default()
    }

    /// The events that a filter lets through, in order; at most `limit` of them, and about `bytes`
    /// bytes as JSON.
    ///
    /// # Errors
    /// [`NodeError::Derived`]; the inner error if there are more.
    pub fn logs(
        &self,
        filter: &LogFilter,
        limit: usize,
        mut bytes: usize,
    ) -> Result<Result<Vec<FoundLog>, TooMuch>, NodeError> {
        const AROUND_DATA: usize = 512;
        let mut found = Vec::new();
        let range = filter.from.to_be_bytes()..=filter.to.to_be_bytes();
        for item in self.logs.range(range) {
            let (key, value) = item?;
            let Some(number) = key.as_ref().try_into().ok().map(u64::from_be_bytes) else {
                continue;
            };
            let entries: Option<Vec<BlockLogEntry>> = self.decode(&self.logs, &key, &value);
            for (index, entry) in (0u64..).zip(entries.unwrap_or_default()) {
                if !filter.admits(&entry.log) {
                    continue;
                }
                let size = AROUND_DATA + 2 * entry.log.data.len();
                match bytes.checked_sub(size) {
                    Some(left) => bytes = left,
                    None => return Ok(Err(TooMuch::Bytes)),
                }
                if found.len() >= limit {
                    return Ok(Err(TooMuch::Events));
                }
                found.push(FoundLog {
                    block: number,
                    index,
                    entry,
                });
            }
        }
        Ok(Ok(found))
    }

    /// Keeps the seeds of an input that is sealed to the keys of an epoch, encrypted; not if the
    /// epoch is over.
    ///
    /// # Errors
    /// [`NodeError::Derived`] and [`NodeError::File`].
    pub fn keep_seeds(&self, input: B256, epoch: u64, seeds: &HeldSeeds) -> Result<(), NodeError> {
        if let Some(record) = self.seed_box.seal(input, epoch, seeds)? {
            self.seeds.insert(input, record)?;
        }
        Ok(())
    }

    /// The seeds of an input; none if they are not here, or their record was altered.
    #[must_use]
    pub fn seeds(&self, input: B256) -> Option<HeldSeeds> {
        let record = self.seeds.get(input).ok()??;
        let seeds = self.seed_box.open(input, &record);
        if seeds.is_none() {
            self.damaged.inc();
            tracing::warn!(%input, "a record of seeds was damaged: asking for them again");
        }
        seeds
    }

    /// Whether there are seeds of an input, without opening them.
    #[must_use]
    pub fn has_seeds(&self, input: B256) -> bool {
        self.seeds.contains_key(input).unwrap_or(false)
    }

    /// Forgets seeds of inputs that are sealed to keys of before an epoch.
    ///
    /// # Errors
    /// [`NodeError::Derived`].
    pub fn forget_before(&self, epoch: u64) -> Result<(), NodeError> {
        for item in &self.seeds {
            let (key, record) = item?;
            if epoch_of(&record).is_none_or(|of| of < epoch) {
                self.seeds.remove(key)?;
            }
        }
        self.flush()
    }

    /// Writes everything to disk, as far as sled does.
    ///
    /// # Errors
    /// [`NodeError::Derived`].
    pub fn flush(&self) -> Result<(), NodeError> {
        self._db.flush()?;
        Ok(())
    }

    fn get<T: Serialize + DeserializeOwned>(&self, tree: &Tree, key: &[u8]) -> Option<T> {
        let value = tree.get(key).ok()??;
        self.decode(tree, key, &value)
    }

    fn decode<T: Serialize + DeserializeOwned>(
        &self,
        tree: &Tree,
        key: &[u8],
        value: &[u8],
    ) -> Option<T> {
        let payload = decode_record(&tree.name(), key, value);
        if payload.is_none() {
            tracing::error!("a record of the index is damaged: start the node again to repair it");
            if let Err(error) = self.meta.insert(REBUILD, Bytes::new().as_ref()) {
                tracing::error!(%error, "the damage could not be noted");
            }
        }
        payload
    }
}

/// Runs what opens and fills the store. If the store fails, or sled panics, which it does on some
/// damage, sets the store aside and runs it once more: the node must not be kept from starting by
/// what it can write anew.
///
/// # Errors
/// Those of `open`, of the second time if the store failed in the first.
pub fn recovering<T>(
    path: &Path,
    mut open: impl FnMut() -> Result<T, NodeError>,
) -> Result<T, NodeError> {
    match catch_unwind(AssertUnwindSafe(&mut open)) {
        Ok(Err(NodeError::Derived(error))) => {
            tracing::warn!(%error, "the store of derived data fails: making a new one");
        }
        Ok(done) => return done,
        Err(_) => tracing::warn!("the store of derived data is broken: making a new one"),
    }
    set_aside(path)?;
    open()
}

/// Moves a store out of the way, to where the one before it was; returns where it is now.
fn set_aside(path: &Path) -> Result<PathBuf, NodeError> {
    let aside = path.with_extension("damaged");
    let removed = if aside.is_dir() {
        fs::remove_dir_all(&aside)
    } else if aside.exists() {
        fs::remove_file(&aside)
    } else {
        Ok(())
    };
    removed.map_err(NodeError::file("remove", &aside))?;
    fs::rename(path, &aside).map_err(NodeError::file("move", path))?;
    Ok(aside)
}

/// What a record of a tree holds under a key; none if it is damaged, or not of this place.
#[must_use]
pub fn decode_record<T: Serialize + DeserializeOwned>(
    tree: &[u8],
    key: &[u8],
    record: &[u8],
) -> Option<T> {
    let (sum, payload) = record.split_first_chunk::<CHECKSUM_BYTES>()?;
    if *sum != checksum(tree, key, payload) {
        return None;
    }
    codec::decode("derived record", payload, RECORD_BYTES).ok()
}

/// The record of a value, for a place in a tree.
#[must_use]
pub fn encode_record<T: Serialize>(tree: &[u8], key: &[u8], value: &T) -> Vec<u8> {
    let payload = codec::encode(value);
    let mut record = checksum(tree, key, &payload).to_vec();
    record.extend_from_slice(&payload);
    record
}

fn checksum(tree: &[u8], key: &[u8], payload: &[u8]) -> [u8; CHECKSUM_BYTES] {
    let mut hasher = blake3::Hasher::new();
    for part in [tree, key] {
        hasher.update(&(part.len() as u64).to_be_bytes());
        hasher.update(part);
    }
    hasher.update(payload);
    let mut sum = [0; CHECKSUM_BYTES];
    sum.copy_from_slice(&hasher.finalize().as_bytes()[..CHECKSUM_BYTES]);
    sum
}

fn checked<T: Serialize>(tree: &Tree, key: &[u8], value: &T) -> Vec<u8> {
    encode_record(&tree.name(), key, value)
}

#[cfg(test)]
mod tests;
