//! What would survive a power cut.
//!
//! As on a real disk, the contents of a file and its entry in a folder are durable apart from each
//! other, each by a sync of its own. In the state folder, `files/KEY` holds the contents of a file
//! as of its last sync, `dirs/KEY` the entries of a folder as of its last sync, and `root` the key
//! of the folder that is on the disk. A key is the number of the inode and when it was made, since
//! numbers are used again. An entry is a line `f KEY NAME` or `d KEY NAME`.

use std::{
    fs, io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};

pub(crate) struct Durable {
    files: PathBuf,
    dirs: PathBuf,
    new: PathBuf,
}

impl Durable {
    /// Opens the state; if it is new, all that is in `data` counts as durable.
    pub(crate) fn open(state: &Path, data: &Path) -> io::Result<Self> {
        let durable = Self {
            files: state.join("files"),
            dirs: state.join("dirs"),
            new: state.join("new"),
        };
        fs::create_dir_all(&durable.files)?;
        fs::create_dir_all(&durable.dirs)?;
        let root = state.join("root");
        if !root.exists() {
            durable.take_all(data)?;
            durable.replace(&root, |new| fs::write(new, key(data)?))?;
        }
        Ok(durable)
    }

    fn take_all(&self, folder: &Path) -> io::Result<()> {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                self.take_all(&path)?;
            } else {
                self.sync(&path)?;
            }
        }
        self.sync(folder)
    }

    /// Makes durable what a file or folder holds now.
    pub(crate) fn sync(&self, path: &Path) -> io::Result<()> {
        let key = key(path)?;
        if !fs::metadata(path)?.is_dir() {
            let copy = |new: &Path| fs::copy(path, new).map(drop);
            return self.replace(&self.files.join(key), copy);
        }
        let mut lines = String::new();
        for entry in fs::read_dir(path)? {
            let entry = entry?;
            let Some(line) = line(&entry)? else { continue };
            lines.push_str(&line);
        }
        self.replace(&self.dirs.join(key), |new| fs::write(new, lines))
    }

    /// Writes a file in one go: the process may be killed at any time.
    fn replace(&self, path: &Path, write: impl FnOnce(&Path) -> io::Result<()>) -> io::Result<()> {
        write(&self.new)?;
        fs::rename(&self.new, path)
    }
}

/// The line of an entry; none if it went while one looked.
fn line(entry: &fs::DirEntry) -> io::Result<Option<String>> {
    let key = match key(&entry.path()) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        key => key?,
    };
    let kind = if entry.file_type()?.is_dir() {
        'd'
    } else {
        'f'
    };
    let name = entry.file_name();
    let name = name.to_str().filter(|name| !name.contains('\n'));
    let name = name.ok_or_else(|| io::Error::other("the name of a file is no line of text"))?;
    Ok(Some(format!("{kind} {key} {name}\n")))
}

fn key(path: &Path) -> io::Result<String> {
    let metadata = fs::metadata(path)?;
    let since_epoch = metadata.created()?.duration_since(UNIX_EPOCH);
    let made = since_epoch.map_or(0, |time| time.as_nanos());
    Ok(format!("{}-{made}", metadata.ino()))
}
