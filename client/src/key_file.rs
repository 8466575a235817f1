//! Keys in files that only their owner may read.

use std::{
    fs,
    io::Write as _,
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::Path,
};

use alloy_primitives::hex;
use zeroize::Zeroizing;

use crate::{ClientError, UserKey};

/// Bytes of a key file that are read: 64 digits, `0x`, and some white space.
const MAX_BYTES: u64 = 128;

/// Reads a key of 64 hexadecimal digits from a file with mode 0600 or 0400.
///
/// # Errors
/// [`ClientError::KeyFile`] if it cannot be read, others may read it, or it holds no key.
pub fn read(path: &Path) -> Result<UserKey, ClientError> {
    let fails = |why: String| ClientError::KeyFile {
        path: path.display().to_string(),
        why,
    };
    let metadata = fs::metadata(path).map_err(|e| fails(e.to_string()))?;
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        let name = path.display();
        return Err(fails(format!(
            "others may read it (mode {mode:04o}): run `chmod 600 {name}`"
        )));
    }
    if !metadata.is_file() || metadata.len() > MAX_BYTES {
        return Err(fails("it is not a file of 64 hexadecimal digits".into()));
    }
    let text = Zeroizing::new(fs::read_to_string(path).map_err(|e| fails(e.to_string()))?);
    UserKey::from_hex(&text).map_err(|e| fails(e.to_string()))
}

/// Writes a key to a new file with mode 0600.
///
/// # Errors
/// [`ClientError::KeyFile`] if the file exists or cannot be written.
pub fn write(path: &Path, key: &UserKey) -> Result<(), ClientError> {
    let fails = |e: std::io::Error| ClientError::KeyFile {
        path: path.display().to_string(),
        why: e.to_string(),
    };
    let mut options = fs::OpenOptions::new();
    let mut file = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .map_err(fails)?;
    let digits = Zeroizing::new(hex::encode_prefixed(key.expose().as_slice()));
    file.write_all(digits.as_bytes()).map_err(fails)?;
    file.write_all(b"\n").map_err(fails)?;
    file.sync_all().map_err(fails)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_file_is_private_or_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("user.key");
        let key = UserKey::from_bytes(&[7; 32]).unwrap();
        write(&path, &key).unwrap();
        assert_eq!(read(&path).unwrap().address(), key.address());
        assert!(write(&path, &key).is_err(), "a key is never overwritten");

        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let error = read(&path).unwrap_err().to_string();
        assert!(error.contains("chmod 600"), "{error}");
    }

    #[test]
    fn what_is_no_key_is_refused_without_showing_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("user.key");
        for content in ["secret".to_owned(), "ab".repeat(31), "ab".repeat(500)] {
            fs::write(&path, &content).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
            let error = read(&path).unwrap_err().to_string();
            assert!(!error.contains(&content), "{error}");
        }
        assert!(read(&dir.path().join("none")).is_err());
    }
}
