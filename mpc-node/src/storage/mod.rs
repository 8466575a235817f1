//! What a node keeps on disk.
//!
//! The truth is two append-only files: the log of decided blocks and the write-ahead log of
//! consensus, both fsynced before anything that depends on them leaves the node ([`records`]).
//! What follows from them, and the seeds of inputs, is in sled ([`derived`]), and is rebuilt from
//! the log and from peers when it is lost. Lots of the reserve ([`lots`]), outputs that are not open
//! yet ([`outputs`]), and inputs that were shared anew ([`shares`]) are files of their own. Whatever is secret is encrypted ([`secret_box`]).
//! Read [`records`] first.

pub mod block_log;
pub mod derived;
pub mod epochs;
pub mod lots;
pub mod outputs;
pub mod records;
pub mod results;
pub mod secret_box;
pub mod seed_box;
pub mod shares;
pub mod wal;

use std::{
    fs::{self, File, TryLockError},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use alloy_primitives::{B256, keccak256};
use wire::{codec, committee::Committee};

use crate::NodeError;

/// How the name of a file ends that is being written.
const UNFINISHED: &str = "new";

/// The folder of one node, locked for this process.
#[derive(Debug)]
pub struct DataFolder {
    path: PathBuf,
    _lock: File,
}

impl DataFolder {
    /// Makes the folder if needed, and locks it.
    ///
    /// # Errors
    /// [`NodeError::DataInUse`] and [`NodeError::File`].
    pub fn open(path: &Path) -> Result<Self, NodeError> {
        create(path)?;
        let lock = path.join("lock");
        let file = File::create(&lock).map_err(NodeError::file("create", &lock))?;
        match file.try_lock() {
            Ok(()) => Ok(Self {
                path: path.to_owned(),
                _lock: file,
            }),
            Err(TryLockError::WouldBlock) => Err(NodeError::DataInUse(path.to_owned())),
            Err(TryLockError::Error(source)) => Err(NodeError::file("lock", &lock)(source)),
        }
    }

    /// A file or folder in it.
    #[must_use]
    pub fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }
}

/// Makes a folder, and those above it that are missing, so that they outlast a power cut: what is
/// fsynced in a folder that is lost is lost with it, and with it what this node has voted.
fn create(path: &Path) -> Result<(), NodeError> {
    let missing = |above: &&Path| !above.as_os_str().is_empty() && !above.exists();
    let made: Vec<&Path> = path.ancestors().skip(1).take_while(missing).collect();
    fs::create_dir_all(path).map_err(NodeError::file("create", path))?;
    records::sync_entry(path)?;
    made.into_iter().try_for_each(records::sync_entry)
}

/// Writes a file in one go, so that it is there whole or not at all, also after a power cut.
fn write_whole(path: &Path, parts: &[&[u8]]) -> Result<(), NodeError> {
    let new = path.with_extension(UNFINISHED);
    File::create(&new)
        .and_then(|mut file| {
            parts.iter().try_for_each(|part| file.write_all(part))?;
            file.sync_all()
        })
        .map_err(NodeError::file("write", &new))?;
    fs::rename(&new, path).map_err(NodeError::file("write", path))?;
    records::sync_entry(path)
}

/// Removes a file; it may be gone already. Should it come back after a power cut, it is removed again.
fn remove(path: &Path) -> Result<(), NodeError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(NodeError::file("remove", path)(error))
        }
        _ => Ok(()),
    }
}

/// Makes a folder if it does not exist, and removes the files in it that were not finished. Only for
/// the start: later, somebody may be writing them.
fn prepare_folder(folder: &Path) -> Result<(), NodeError> {
    if !folder.exists() {
        create(folder)?;
    }
    let unfinished = files(folder)?.into_iter().filter(|name| !is_finished(name));
    for name in unfinished {
        remove(&folder.join(name))?;
    }
    Ok(())
}

/// Names of the files in a folder but those that are being written.
fn finished_files(folder: &Path) -> Result<Vec<String>, NodeError> {
    let mut names = files(folder)?;
    names.retain(|name| is_finished(name));
    Ok(names)
}

fn is_finished(name: &str) -> bool {
    Path::new(name)
        .extension()
        .is_none_or(|end| end != UNFINISHED)
}

fn files(folder: &Path) -> Result<Vec<String>, NodeError> {
    let failed = || NodeError::file("read", folder);
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed())? {
        names.extend(entry.map_err(failed())?.file_name().into_string().ok());
    }
    Ok(names)
}

/// What ties the files of a node to its cluster: chain, epoch, keys and genesis, but not
/// addresses, which may change.
#[must_use]
pub fn cluster_id(committee: &Committee) -> B256 {
    let addresses: Vec<_> = committee.nodes.iter().map(|node| node.address).collect();
    let seal_keys: Vec<_> = committee.nodes.iter().map(|node| node.seal_key).collect();
    keccak256(codec::encode(&(
        committee.chain_id,
        committee.epoch,
        committee.genesis_ms,
        addresses,
        seal_keys,
    )))
}
