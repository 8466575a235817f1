//! What the seeds of secret results follow from, one file for each computation.
//!
//! It is on disk before the node says in the log that it is ready: there is no seal from which it could
//! be had again. The files are read when the node starts; what is in them is found in
//! [`super::derived`]. They are encrypted under the key of their key epoch, and of no use when that is
//! over.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use alloy_primitives::B256;

use super::{
    epochs::EpochKeys,
    finished_files, prepare_folder, remove,
    seed_box::{HeldSeeds, SeedBox, epoch_of},
    write_whole,
};
use crate::NodeError;

/// The folder; cheap to clone.
#[derive(Clone, Debug)]
pub struct ResultStore {
    folder: PathBuf,
    seed_box: Arc<SeedBox>,
}

impl ResultStore {
    /// Opens the folder, which is made if it does not exist.
    ///
    /// # Errors
    /// [`NodeError::File`].
    pub fn open(folder: &Path, epochs: &EpochKeys) -> Result<Self, NodeError> {
        prepare_folder(folder)?;
        Ok(Self {
            folder: folder.to_owned(),
            seed_box: Arc::new(SeedBox::new(epochs.clone())),
        })
    }

    /// Keeps the base seeds of a computation instead of those of earlier attempts; durable when it
    /// returns. Not if the key epoch is over.
    ///
    /// # Errors
    /// [`NodeError::File`].
    pub fn keep(&self, job: B256, epoch: u64, seeds: &HeldSeeds) -> Result<(), NodeError> {
        match self.seed_box.seal(job, epoch, seeds)? {
            Some(record) => write_whole(&self.folder.join(hex::encode(job)), &[&record]),
            None => Ok(()),
        }
    }

    /// The base seeds of a computation, with their key epoch.
    #[must_use]
    pub fn get(&self, job: B256) -> Option<(u64, HeldSeeds)> {
        let record = fs::read(self.folder.join(hex::encode(job))).ok()?;
        Some((epoch_of(&record)?, self.seed_box.open(job, &record)?))
    }

    /// All that can be read, with the key epoch.
    ///
    /// # Errors
    /// [`NodeError::File`].
    pub fn all(&self) -> Result<Vec<(B256, u64, HeldSeeds)>, NodeError> {
        let mut all = Vec::new();
        for (name, record) in self.records()? {
            if let Ok(job) = name.parse::<B256>()
                && let Some(epoch) = epoch_of(&record)
                && let Some(seeds) = self.seed_box.open(job, &record)
            {
                all.push((job, epoch, seeds));
            }
        }
        Ok(all)
    }

    /// Removes what is of key epochs before this one.
    ///
    /// # Errors
    /// [`NodeError::File`].
    pub fn forget_before(&self, epoch: u64) -> Result<(), NodeError> {
        for (name, record) in self.records()? {
            if epoch_of(&record).is_none_or(|of| of < epoch) {
                remove(&self.folder.join(name))?;
            }
        }
        Ok(())
    }

    fn records(&self) -> Result<Vec<(String, Vec<u8>)>, NodeError> {
        let mut records = Vec::new();
        for name in finished_files(&self.folder)? {
            let path = self.folder.join(&name);
            let record = fs::read(&path).map_err(NodeError::file("read", &path))?;
            records.push((name, record));
        }
        Ok(records)
    }
}
