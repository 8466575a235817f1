//! Outputs of computations that have run here and are not open yet, one file for each attempt.
//!
//! They are on disk before the node says in the log that it has them: were they only in memory, two
//! nodes that lose their power could lose a result that counts as final.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use alloy_primitives::B256;
use zeroize::Zeroizing;

use super::{finished_files, prepare_folder, remove, secret_box::SecretBox, write_whole};
use crate::NodeError;

const ATTEMPT_BYTES: usize = 4;

/// The folder of outputs; cheap to clone.
#[derive(Clone, Debug)]
pub struct OutputStore {
    folder: PathBuf,
    keeper: Arc<SecretBox>,
}

impl OutputStore {
    /// Opens the folder, which is made if it does not exist; what was not finished in it is removed.
    /// `key` is the node's storage key.
    ///
    /// # Errors
    /// [`NodeError::File`].
    pub fn open(folder: &Path, key: &[u8; 32]) -> Result<Self, NodeError> {
        prepare_folder(folder)?;
        Ok(Self {
            folder: folder.to_owned(),
            keeper: Arc::new(SecretBox::new(key)),
        })
    }

    /// Keeps the outputs of an attempt instead of those of earlier ones; durable when it returns.
    /// Those of later ones stay: a worker that was called off may come to its end late.
    ///
    /// # Errors
    /// [`NodeError::File`].
    pub fn keep(&self, job: B256, attempt: u32, outputs: &[u8]) -> Result<(), NodeError> {
        let of = attempt.to_be_bytes();
        let record = self.keeper.seal(&bound_to(job, of), outputs)?;
        write_whole(&self.path(job, attempt), &[&of, &record])?;
        self.remove_if(|name| name.is_some_and(|(of, earlier)| of == job && earlier < attempt))
    }

    /// The outputs of an attempt; none if they are not here, or were altered.
    #[must_use]
    pub fn get(&self, job: B256, attempt: u32) -> Option<Zeroizing<Vec<u8>>> {
        let file = fs::read(self.path(job, attempt)).ok()?;
        let (of, record) = file.split_first_chunk::<ATTEMPT_BYTES>()?;
        if u32::from_be_bytes(*of) != attempt {
            return None;
        }
        let outputs = self.keeper.open(&bound_to(job, *of), record);
        if outputs.is_none() {
            tracing::error!(%job, attempt, "the outputs of a computation were damaged on disk");
        }
        outputs
    }

    /// Forgets a computation.
    ///
    /// # Errors
    /// [`NodeError::File`].
    pub fn remove(&self, job: B256) -> Result<(), NodeError> {
        self.remove_if(|name| name.is_some_and(|(of, _)| of == job))
    }

    /// Forgets all computations but those that are wanted.
    ///
    /// # Errors
    /// [`NodeError::File`].
    pub fn retain(&self, wanted: impl Fn(B256) -> bool) -> Result<(), NodeError> {
        self.remove_if(|name| !name.is_some_and(|(job, _)| wanted(job)))
    }

    /// Removes files by the computation and the attempt in their names.
    fn remove_if(&self, is_old: impl Fn(Option<(B256, u32)>) -> bool) -> Result<(), NodeError> {
        for name in finished_files(&self.folder)? {
            if is_old(parse(&name)) {
                remove(&self.folder.join(name))?;
            }
        }
        Ok(())
    }

    fn path(&self, job: B256, attempt: u32) -> PathBuf {
        self.folder.join(format!("{}-{attempt}", hex::encode(job)))
    }
}

fn parse(name: &str) -> Option<(B256, u32)> {
    let (job, attempt) = name.split_once('-')?;
    Some((job.parse().ok()?, attempt.parse().ok()?))
}

fn bound_to(job: B256, attempt: [u8; ATTEMPT_BYTES]) -> Vec<u8> {
    [b"outputs".as_slice(), job.as_slice(), &attempt].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    type TestResult = Result<(), Box<dyn std::error::Error>>;

    #[test]
    fn outputs_outlast_the_process_and_are_of_their_attempt_only() -> TestResult {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("outputs");
        let (one, two) = (B256::repeat_byte(1), B256::repeat_byte(2));
        let store = OutputStore::open(&path, &[7; 32])?;
        store.keep(one, 0, b"first")?;
        store.keep(one, 3, b"later")?;
        store.keep(two, 3, b"other")?;
        let store = OutputStore::open(&path, &[7; 32])?;
        let get = |job, attempt| store.get(job, attempt).map(|bytes| bytes.to_vec());
        assert_eq!(get(one, 3).as_deref(), Some(&b"later"[..]));
        assert_eq!(get(one, 0), None);
        assert_eq!(fs::read_dir(&path)?.count(), 2);
        // A worker of an earlier attempt, called off at the very end.
        store.keep(one, 2, b"late")?;
        assert_eq!(get(one, 3).as_deref(), Some(&b"later"[..]));
        store.retain(|job| job == two)?;
        assert_eq!(get(one, 3), None);
        assert_eq!(get(two, 3).as_deref(), Some(&b"other"[..]));
        store.remove(two)?;
        store.remove(two)?;
        assert_eq!(get(two, 3), None);
        assert_eq!(fs::read_dir(&path)?.count(), 0);
        Ok(())
    }

    #[test]
    fn nothing_is_readable_and_nothing_altered_is_taken() -> TestResult {
        let folder = tempfile::tempdir()?;
        let store = OutputStore::open(folder.path(), &[7; 32])?;
        let job = B256::repeat_byte(9);
        store.keep(job, 1, b"a secret of some length")?;
        let path = store.path(job, 1);
        let good = fs::read(&path)?;
        assert!(!good.windows(8).any(|w| w == b"a secret"));
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 1;
            fs::write(&path, &bad)?;
            for attempt in [0, 1] {
                assert!(store.get(job, attempt).is_none(), "byte {at}");
            }
        }
        fs::write(&path, &good[..good.len() - 1])?;
        assert!(store.get(job, 1).is_none());
        // Another computation's file under this name.
        store.keep(B256::repeat_byte(8), 1, b"another")?;
        fs::rename(store.path(B256::repeat_byte(8), 1), &path)?;
        assert!(store.get(job, 1).is_none());
        Ok(())
    }
}
