//! Whole folders: copied, removed.

use std::{fs, io, path::Path};

use crate::DevnetError;

/// Copies a folder with all that is in it; `to` must not exist.
pub(crate) fn copy(from: &Path, to: &Path) -> Result<(), DevnetError> {
    fs::create_dir(to).map_err(DevnetError::file("create", to))?;
    let failed = |error| DevnetError::file("read", from)(error);
    for entry in fs::read_dir(from).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let (source, place) = (entry.path(), to.join(entry.file_name()));
        if source.is_dir() {
            copy(&source, &place)?;
        } else {
            fs::copy(&source, &place).map_err(DevnetError::file("copy", &source))?;
        }
    }
    Ok(())
}

/// Removes a folder with all that is in it, if it is there.
pub(crate) fn remove(path: &Path) -> Result<(), DevnetError> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(DevnetError::file("remove", path)(error))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_has_all_that_was_there_and_a_removed_folder_nothing() {
        let place = tempfile::tempdir().unwrap();
        let (one, two) = (place.path().join("one"), place.path().join("two"));
        fs::create_dir_all(one.join("deep/er")).unwrap();
        fs::write(one.join("deep/er/file"), "text").unwrap();
        copy(&one, &two).unwrap();
        fs::write(one.join("deep/er/file"), "later").unwrap();
        assert_eq!(
            fs::read_to_string(two.join("deep/er/file")).unwrap(),
            "text"
        );
        assert!(copy(&one, &two).is_err(), "it is there already");
        remove(&two).unwrap();
        remove(&two).unwrap();
        assert!(!two.exists() && one.exists());
    }
}
