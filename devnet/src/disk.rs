//! A faulty disk, seen from outside: orders to the library `faulty-disk`, which is put before libc in
//! a process, and the power cut that it makes possible.

use std::{
    ffi::OsString,
    fs, io,
    path::{Path, PathBuf},
};

use crate::{DevnetError, folder};

/// The disk under one folder, of one process at a time.
#[derive(Clone, Debug)]
pub struct FaultyDisk {
    library: PathBuf,
    data: PathBuf,
    state: PathBuf,
}

impl FaultyDisk {
    /// A disk for what will be in `data`, which keeps what it must in `state`.
    ///
    /// # Errors
    /// [`DevnetError::File`] if the folders cannot be made.
    pub fn new(library: PathBuf, data: &Path, state: PathBuf) -> Result<Self, DevnetError> {
        for folder in [data, &state] {
            let made = fs::create_dir_all(folder);
            made.map_err(DevnetError::file("create", folder))?;
        }
        let data = fs::canonicalize(data).map_err(DevnetError::file("open", data))?;
        Ok(Self {
            library,
            data,
            state,
        })
    }

    /// What a process that has this disk needs in its environment.
    #[must_use]
    pub fn environment(&self) -> [(&'static str, OsString); 3] {
        [
            ("LD_PRELOAD", self.library.clone().into()),
            ("QUARTET_DISK_DATA", self.data.clone().into()),
            ("QUARTET_DISK_STATE", self.state.clone().into()),
        ]
    }

    /// From now on nothing more fits on it, or something does again.
    ///
    /// # Errors
    /// [`DevnetError::File`].
    pub fn set_full(&self, full: bool) -> Result<(), DevnetError> {
        let order = self.state.join("full");
        if full {
            return write(&order, "");
        }
        remove(&order)
    }

    /// From now on a sync of files with these names says yes and does nothing.
    ///
    /// # Errors
    /// [`DevnetError::File`].
    pub fn ignore_syncs(&self, names: &[&str]) -> Result<(), DevnetError> {
        write(&self.state.join("deaf"), &names.join("\n"))
    }

    /// Puts what was synced in the place of the data folder. The process must have been killed.
    ///
    /// # Errors
    /// [`DevnetError::File`], also if no process ever had this disk; [`DevnetError::Malformed`].
    pub fn cut_power(&self) -> Result<(), DevnetError> {
        let (data, state) = (&self.data, &self.state);
        let root = state.join("root");
        let key = fs::read_to_string(&root).map_err(DevnetError::file("read", &root))?;
        folder::remove(data)?;
        self.rebuild(&key, data)?;
        self.renew()
    }

    /// From the next start on, all that is on it then counts as durable.
    ///
    /// # Errors
    /// [`DevnetError::File`].
    pub fn renew(&self) -> Result<(), DevnetError> {
        for part in ["files", "dirs"] {
            folder::remove(&self.state.join(part))?;
        }
        remove(&self.state.join("root"))
    }

    /// Makes a folder as of its last sync.
    fn rebuild(&self, key: &str, to: &Path) -> Result<(), DevnetError> {
        fs::create_dir(to).map_err(DevnetError::file("create", to))?;
        let entries = self.state.join("dirs").join(key);
        // A folder that was never synced is empty, and so is a file, below.
        let lines = fs::read_to_string(&entries).unwrap_or_default();
        for line in lines.lines() {
            let mut words = line.splitn(3, ' ');
            let (Some(kind), Some(key), Some(name)) = (words.next(), words.next(), words.next())
            else {
                return Err(DevnetError::Malformed {
                    what: entries.display().to_string(),
                    why: format!("`{line}` is no entry of a folder"),
                });
            };
            let (contents, place) = (self.state.join("files").join(key), to.join(name));
            if kind == "d" {
                self.rebuild(key, &place)?;
            } else if contents.exists() {
                let copied = fs::copy(&contents, &place);
                copied.map_err(DevnetError::file("copy", &contents))?;
            } else {
                write(&place, "")?;
            }
        }
        Ok(())
    }
}

fn write(path: &Path, text: &str) -> Result<(), DevnetError> {
    fs::write(path, text).map_err(DevnetError::file("write", path))
}

/// Removes a file, if it is there.
fn remove(path: &Path) -> Result<(), DevnetError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(DevnetError::file("remove", path)(error))
        }
        _ => Ok(()),
    }
}
