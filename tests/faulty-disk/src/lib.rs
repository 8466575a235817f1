//! A disk that forgets what was not fsynced, and that can be full: a library for `LD_PRELOAD`.
//!
//! Put before libc in an unaltered process, it takes the place of the calls that write files and
//! sync them. Two environment variables name folders, without which it does nothing:
//!
//! - `QUARTET_DISK_DATA`: the folder that is on the faulty disk. Files elsewhere are left alone.
//! - `QUARTET_DISK_STATE`: where this library keeps what would survive a power cut ([`durable`]),
//!   and looks for its orders: while there is a file `full`, writes fail with `ENOSPC`; a file
//!   `deaf` holds names of files, one a line, whose fsync says yes and does nothing.
//!
//! A power cut is then: kill the process with SIGKILL, and put what would survive in the place of
//! the folder (`devnet::disk`). `sync_file_range` does not count as a sync, since it makes neither
//! a file's length durable nor empties the disk's own cache.

#![cfg(target_os = "linux")]

mod durable;
mod hooks;

use std::{
    env, fs, io,
    os::fd::RawFd,
    path::{Path, PathBuf},
    sync::{Mutex, OnceLock, PoisonError},
};

use durable::Durable;

/// The disk of this process, if it has one.
static DISK: OnceLock<Option<Disk>> = OnceLock::new();

struct Disk {
    data: PathBuf,
    full: PathBuf,
    deaf: PathBuf,
    /// One sync at a time, so that no older copy takes the place of a newer one.
    durable: Mutex<Durable>,
}

impl Disk {
    /// The disk that the environment names; takes what is on it at the first start for durable.
    fn from_environment() -> io::Result<Option<Self>> {
        let folder = |name| env::var_os(name).map(PathBuf::from);
        let (Some(data), Some(state)) = (folder("QUARTET_DISK_DATA"), folder("QUARTET_DISK_STATE"))
        else {
            return Ok(None);
        };
        fs::create_dir_all(&data)?;
        let data = fs::canonicalize(data)?;
        Ok(Some(Self {
            full: state.join("full"),
            deaf: state.join("deaf"),
            durable: Mutex::new(Durable::open(&state, &data)?),
            data,
        }))
    }

    /// The path of an open file that is on this disk.
    fn path(&self, fd: RawFd) -> Option<PathBuf> {
        let path = fs::read_link(open_file(fd)).ok()?;
        path.starts_with(&self.data).then_some(path)
    }

    /// Whether a write to this open file must fail.
    fn refuses(&self, fd: RawFd) -> bool {
        self.full.exists() && self.path(fd).is_some()
    }

    /// Makes durable what is in an open file or folder; tells whether it is on this disk.
    fn sync(&self, fd: RawFd) -> io::Result<bool> {
        let Some(path) = self.path(fd) else {
            return Ok(false);
        };
        let deaf = fs::read_to_string(&self.deaf).unwrap_or_default();
        let name = path.file_name().and_then(|name| name.to_str());
        if deaf.lines().all(|line| Some(line) != name) {
            let durable = self.durable.lock().unwrap_or_else(PoisonError::into_inner);
            durable.sync(&open_file(fd))?;
        }
        Ok(true)
    }
}

/// A name for what a descriptor refers to that holds even when its path is gone.
fn open_file(fd: RawFd) -> PathBuf {
    Path::new("/proc/self/fd").join(fd.to_string())
}

/// Sets the disk up, before the program begins: what is there then counts as durable. A process
/// whose disk cannot be set up must not run, since its test would prove nothing.
fn start() {
    let made = Disk::from_environment().unwrap_or_else(|error| {
        eprintln!("the faulty disk cannot be set up: {error}");
        std::process::abort()
    });
    DISK.get_or_init(|| made);
}

/// The disk of this process. There is none yet while it is being set up.
fn disk() -> Option<&'static Disk> {
    DISK.get()?.as_ref()
}
