//! The secrets of key epochs: of each, the sealing key and the key under which is stored what is
//! shared in it, one file for each epoch.
//!
//! Whatever a disk still has of an epoch's seeds and shares is worth nothing once its file is gone.
//! Those of epoch 0 follow from the node's own key files, of which that of the sealing key goes too.

use std::{
    collections::BTreeMap,
    fs::{self, OpenOptions},
    io::Write as _,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
};

use wire::sealed::SealKey;
use zeroize::Zeroizing;

use super::{finished_files, prepare_folder, records, remove, secret_box::SecretBox, write_whole};
use crate::{NodeError, keys};

const KEY_BYTES: usize = 32;

/// The secrets of epoch 0, and the file from which they follow.
#[derive(Debug)]
pub struct FirstEpoch {
    /// The sealing key.
    pub seal: SealKey,
    /// The key of what is stored.
    pub storage: SecretBox,
    /// The file of the sealing key.
    pub file: PathBuf,
}

/// The secrets of one epoch.
#[derive(Debug)]
pub struct Epoch {
    /// Opens what is sealed to this node.
    pub seal: SealKey,
    /// Opens what it has stored.
    pub storage: SecretBox,
}

/// The secrets of all epochs that are not over; cheap to clone.
#[derive(Clone, Debug)]
pub struct EpochKeys {
    folder: PathBuf,
    keeper: Arc<SecretBox>,
    first_file: Option<PathBuf>,
    epochs: Arc<RwLock<Epochs>>,
}

#[derive(Debug, Default)]
struct Epochs {
    known: BTreeMap<u64, Arc<Epoch>>,
    /// Those before are over.
    begin: u64,
}

impl EpochKeys {
    /// Reads all files. `storage_key` is the node's.
    ///
    /// # Errors
    /// [`NodeError::File`].
    pub fn open(
        folder: &Path,
        storage_key: &[u8; KEY_BYTES],
        first: Option<FirstEpoch>,
    ) -> Result<Self, NodeError> {
        let keeper = SecretBox::new(storage_key);
        prepare_folder(folder)?;
        let mut known = BTreeMap::new();
        for name in finished_files(folder)? {
            let Ok(epoch) = name.parse::<u64>() else {
                continue;
            };
            let path = folder.join(&name);
            let record = fs::read(&path).map_err(NodeError::file("read", &path))?;
            match keeper
                .open(&bound_to(epoch), &record)
                .map(|bytes| Epoch::of(&bytes))
            {
                Some(Some(keys)) => {
                    known.insert(epoch, Arc::new(keys));
                }
                // Its peers have what it cannot open.
                _ => tracing::error!(epoch, "the keys of a key epoch were damaged on disk"),
            }
        }
        let mut first_file = None;
        if let Some(FirstEpoch {
            seal,
            storage,
            file,
        }) = first
        {
            known.insert(0, Arc::new(Epoch { seal, storage }));
            first_file = Some(file);
        }
        Ok(Self {
            folder: folder.to_owned(),
            keeper: Arc::new(keeper),
            first_file,
            epochs: Arc::new(RwLock::new(Epochs { known, begin: 0 })),
        })
    }

    /// The secrets of an epoch, if there are any.
    #[must_use]
    pub fn get(&self, epoch: u64) -> Option<Arc<Epoch>> {
        let epochs = self.epochs.read().unwrap_or_else(PoisonError::into_inner);
        epochs.known.get(&epoch).cloned()
    }

    /// Whether an epoch is over.
    #[must_use]
    pub fn is_over(&self, epoch: u64) -> bool {
        let epochs = self.epochs.read().unwrap_or_else(PoisonError::into_inner);
        epoch < epochs.begin
    }

    /// The secrets of an epoch, drawn and stored (fsync) if there are none; none if it is over.
    ///
    /// # Errors
    /// [`NodeError::File`].
    pub fn obtain(&self, epoch: u64) -> Result<Option<Arc<Epoch>>, NodeError> {
        let mut epochs = self.epochs.write().unwrap_or_else(PoisonError::into_inner);
        if epoch < epochs.begin {
            return Ok(None);
        }
        if let Some(known) = epochs.known.get(&epoch) {
            return Ok(Some(known.clone()));
        }
        let mut bytes = Zeroizing::new([0; 2 * KEY_BYTES]);
        let (seal, storage) = bytes.split_at_mut(KEY_BYTES);
        seal.copy_from_slice(keys::random()?.as_slice());
        storage.copy_from_slice(keys::random()?.as_slice());
        let drawn = Epoch::of(bytes.as_slice()).ok_or(NodeError::Ended("drawing of keys"))?;
        let record = self.keeper.seal(&bound_to(epoch), bytes.as_slice())?;
        write_whole(&self.path(epoch), &[&record])?;
        let drawn = Arc::new(drawn);
        epochs.known.insert(epoch, drawn.clone());
        Ok(Some(drawn))
    }

    /// Erases the secrets of the epochs before this one.
    ///
    /// # Errors
    /// [`NodeError::File`].
    pub fn erase_before(&self, begin: u64) -> Result<(), NodeError> {
        let mut epochs = self.epochs.write().unwrap_or_else(PoisonError::into_inner);
        epochs.begin = epochs.begin.max(begin);
        epochs.known.retain(|epoch, _| *epoch >= begin);
        for name in finished_files(&self.folder)? {
            if name.parse::<u64>().is_ok_and(|epoch| epoch < begin) {
                erase(&self.folder.join(name))?;
            }
        }
        match &self.first_file {
            Some(file) if begin > 0 => erase(file),
            _ => Ok(()),
        }
    }

    fn path(&self, epoch: u64) -> PathBuf {
        self.folder.join(epoch.to_string())
    }
}

impl Epoch {
    fn of(bytes: &[u8]) -> Option<Self> {
        let (seal, storage) = bytes.split_first_chunk::<KEY_BYTES>()?;
        Some(Self {
            seal: SealKey::from_bytes(seal).ok()?,
            storage: SecretBox::new(storage.try_into().ok()?),
        })
    }
}

fn bound_to(epoch: u64) -> Vec<u8> {
    [b"key epoch".as_slice(), &epoch.to_be_bytes()].concat()
}

/// Overwrites a file and removes it, so that not even what is left of it on the disk can be read, as
/// far as the disk writes in place.
fn erase(path: &Path) -> Result<(), NodeError> {
    let Ok(metadata) = fs::metadata(path) else {
        return Ok(());
    };
    let length = usize::try_from(metadata.len()).unwrap_or(0).min(4096);
    let file = OpenOptions::new().write(true).open(path);
    file.and_then(|mut file| {
        file.write_all(&vec![0; length])?;
        file.sync_all()
    })
    .map_err(NodeError::file("erase", path))?;
    remove(path)?;
    records::sync_entry(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    type TestResult = Result<(), Box<dyn std::error::Error>>;

    #[test]
    fn secrets_outlast_the_process_until_their_epoch_is_over() -> TestResult {
        let folder = tempfile::tempdir()?;
        let (path, seal) = (folder.path().join("epochs"), folder.path().join("seal.key"));
        fs::write(&seal, "secret")?;
        let first = || -> Result<_, NodeError> {
            Ok(FirstEpoch {
                seal: SealKey::from_bytes(&[7; 32])?,
                storage: SecretBox::new(&[8; 32]),
                file: seal.clone(),
            })
        };
        let keys = EpochKeys::open(&path, &[1; 32], Some(first()?))?;
        let drawn = keys.obtain(1)?.ok_or("drawn")?;
        let public = |keys: &EpochKeys, epoch| keys.get(epoch).map(|epoch| epoch.seal.public());
        assert_eq!(public(&keys, 1), Some(drawn.seal.public()));
        assert_ne!(public(&keys, 0), public(&keys, 1));
        let again = EpochKeys::open(&path, &[1; 32], Some(first()?))?;
        assert_eq!(public(&again, 1), Some(drawn.seal.public()));
        assert_eq!(
            again.obtain(1)?.map(|epoch| epoch.seal.public()),
            public(&keys, 1)
        );
        let record = drawn.storage.seal(b"it", b"what it is")?;
        let opened = again
            .get(1)
            .and_then(|epoch| epoch.storage.open(b"it", &record));
        assert_eq!(
            opened.as_deref().map(Vec::as_slice),
            Some(&b"what it is"[..])
        );
        // Another node's key opens nothing.
        let other = EpochKeys::open(&path, &[2; 32], None)?;
        assert!(other.get(0).is_none() && other.get(1).is_none());

        again.erase_before(1)?;
        assert!(again.get(0).is_none() && again.obtain(0)?.is_none() && again.is_over(0));
        assert!(!seal.exists() && again.get(1).is_some());
        again.obtain(2)?;
        again.erase_before(2)?;
        let last = EpochKeys::open(&path, &[1; 32], None)?;
        assert!(last.get(1).is_none() && last.get(2).is_some());
        assert_eq!(finished_files(&path)?, ["2"]);
        Ok(())
    }
}
