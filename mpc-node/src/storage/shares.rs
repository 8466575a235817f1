//! Components of what was shared anew, on disk: a file of records for each sharing.
//!
//! Nothing else gives them back but peers, so they are fsynced before this node says that it has them,
//! as sled would not do. A record is the id of an input and its components, each with what proves it
//! ([`super::seed_box`]); the last one of an input counts. Files of sharings that do not count any more are removed; what a
//! disk keeps of them is encrypted under keys that are erased.

use std::{
    collections::{BTreeMap, HashMap},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use alloy_primitives::{B256, keccak256};
use prometheus_client::metrics::counter::Counter;
use wire::limits::{INPUT_BYTES, NODES, SHARE_PROOF_BYTES};
use zk_contract_runtime::Sharing;

use super::{
    epochs::EpochKeys,
    finished_files, prepare_folder,
    records::{Place, RecordReader, Records, Tail},
    remove,
    seed_box::{HeldShares, SeedBox},
};
use crate::NodeError;

const ID_BYTES: usize = 32;
/// Id, and the components with what is around them.
const RECORD_BYTES: usize = ID_BYTES + NODES * (INPUT_BYTES + SHARE_PROOF_BYTES + 64);

/// The folder; cheap to clone.
#[derive(Clone, Debug)]
pub struct ShareStore {
    folder: PathBuf,
    seed_box: Arc<SeedBox>,
    files: Arc<Mutex<BTreeMap<B256, SharingFile>>>,
    damaged: Counter,
}

#[derive(Debug)]
struct SharingFile {
    records: Records,
    reader: RecordReader,
    places: HashMap<B256, Place>,
}

impl ShareStore {
    /// Opens all files. `damaged` counts records that do not hold what they say.
    ///
    /// # Errors
    /// [`NodeError::File`].
    pub fn open(folder: &Path, epochs: &EpochKeys, damaged: Counter) -> Result<Self, NodeError> {
        prepare_folder(folder)?;
        let mut files = BTreeMap::new();
        for sharing in finished_files(folder)?
            .iter()
            .filter_map(|name| sharing_of(name))
        {
            files.insert(sharing.tag, SharingFile::open(folder, &sharing)?);
        }
        Ok(Self {
            folder: folder.to_owned(),
            seed_box: Arc::new(SeedBox::new(epochs.clone())),
            files: Arc::new(Mutex::new(files)),
            damaged,
        })
    }

    /// Keeps the components of inputs in a sharing, encrypted, and durable when it returns; not if
    /// its epoch is over.
    ///
    /// # Errors
    /// [`NodeError::File`].
    pub fn keep(&self, sharing: &Sharing, shares: &[(B256, HeldShares)]) -> Result<(), NodeError> {
        let mut records = Vec::with_capacity(shares.len());
        for (input, held) in shares {
            if let Some(record) = self.seed_box.seal_shares(sharing, *input, held)? {
                records.push((*input, record));
            }
        }
        if records.is_empty() {
            return Ok(());
        }
        let mut files = self.files();
        // After an error a file must be opened anew.
        let mut file = match files.remove(&sharing.tag) {
            Some(file) => file,
            None => SharingFile::open(&self.folder, sharing)?,
        };
        for (input, record) in records {
            let place = file.records.append(&[input.as_slice(), &record].concat())?;
            file.places.insert(input, place);
        }
        file.records.sync()?;
        files.insert(sharing.tag, file);
        Ok(())
    }

    /// The components of an input in a sharing; none if they are not here, or were altered.
    #[must_use]
    pub fn get(&self, sharing: &Sharing, input: B256) -> Option<HeldShares> {
        let record = {
            let files = self.files();
            let file = files.get(&sharing.tag)?;
            file.reader.read(*file.places.get(&input)?)
        };
        let shares = record.ok().and_then(|record| {
            let (id, record) = record.split_first_chunk::<ID_BYTES>()?;
            let shares = self.seed_box.open_shares(sharing, input, record)?;
            (*id == input.0).then_some(shares)
        });
        if shares.is_none() {
            self.damaged.inc();
            tracing::warn!(%input, "a record of shares was damaged: asking for them again");
        }
        shares
    }

    /// Removes all other sharings, but one that is being made for a later epoch.
    ///
    /// # Errors
    /// [`NodeError::File`].
    pub fn keep_only(&self, sharing: &Sharing) -> Result<(), NodeError> {
        let mut files = self.files();
        for name in finished_files(&self.folder)? {
            let of = sharing_of(&name);
            let stays = |of: &Sharing| of.tag == sharing.tag || of.epoch > sharing.epoch;
            if !of.as_ref().is_some_and(stays) {
                if let Some(of) = of {
                    files.remove(&of.tag);
                }
                remove(&self.folder.join(name))?;
            }
        }
        Ok(())
    }

    fn files(&self) -> MutexGuard<'_, BTreeMap<B256, SharingFile>> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SharingFile {
    fn open(folder: &Path, sharing: &Sharing) -> Result<Self, NodeError> {
        let path = folder.join(format!("{}-{:x}", sharing.epoch, sharing.tag));
        let opened = Self::read(&path, sharing);
        if let Err(NodeError::ForeignLog(_)) = opened {
            tracing::error!(path = %path.display(), "a file of shares was damaged: the peers have them");
            remove(&path)?;
            return Self::read(&path, sharing);
        }
        opened
    }

    fn read(path: &Path, sharing: &Sharing) -> Result<Self, NodeError> {
        let origin = keccak256([&b"quartet shares"[..], sharing.tag.as_slice()].concat());
        let mut places = HashMap::new();
        let (records, tail) = Records::open(path, origin, RECORD_BYTES, |place, record| {
            let id = record.first_chunk::<ID_BYTES>();
            Ok(id.is_some_and(|id| {
                places.insert(B256::from(*id), place);
                true
            }))
        })?;
        if let Tail::Damaged(aside) = tail {
            tracing::error!("a file of shares was damaged: the peers have what is lost");
            remove(&aside)?;
        }
        Ok(Self {
            reader: records.reader()?,
            records,
            places,
        })
    }
}

/// The sharing to which a file belongs.
fn sharing_of(name: &str) -> Option<Sharing> {
    let (epoch, tag) = name.split_once('-')?;
    Some(Sharing {
        epoch: epoch.parse().ok()?,
        tag: tag.parse().ok()?,
        ..Sharing::default()
    })
}

#[cfg(test)]
mod tests;
