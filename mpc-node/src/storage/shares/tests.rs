use std::fs;

use zeroize::Zeroizing;

use super::*;

type TestResult = Result<(), Box<dyn std::error::Error>>;

fn sharing(epoch: u64, tag: u8) -> Sharing {
    Sharing {
        epoch,
        tag: B256::repeat_byte(tag),
        ..Sharing::default()
    }
}

fn id(number: u8) -> B256 {
    B256::repeat_byte(number)
}

fn shares(byte: u8) -> HeldShares {
    [None, Some(byte), Some(byte), Some(byte)].map(|b| Some(Zeroizing::new(vec![b?; 40])))
}

fn keys(folder: &Path) -> Result<EpochKeys, NodeError> {
    EpochKeys::open(&folder.join("epochs"), &[1; 32], None)
}

fn store(folder: &Path) -> Result<ShareStore, NodeError> {
    ShareStore::open(&folder.join("shares"), &keys(folder)?, Counter::default())
}

/// The only file of shares.
fn only_file(folder: &Path) -> Result<PathBuf, Box<dyn std::error::Error>> {
    let mut files = fs::read_dir(folder.join("shares"))?;
    Ok(files.next().ok_or("no file")??.path())
}

#[test]
fn shares_outlast_the_process_and_the_last_of_an_input_count() -> TestResult {
    let folder = tempfile::tempdir()?;
    let one = sharing(1, 7);
    let before = store(folder.path())?;
    assert_eq!(before.get(&one, id(1)), None);
    before.keep(&one, &[(id(1), shares(1)), (id(2), shares(2))])?;
    before.keep(&one, &[(id(1), shares(3))])?;
    let after = store(folder.path())?;
    for store in [&before, &after] {
        assert_eq!(store.get(&one, id(1)), Some(shares(3)));
        assert_eq!(store.get(&one, id(2)), Some(shares(2)));
        assert_eq!(store.get(&one, id(3)), None);
        assert_eq!(store.get(&sharing(1, 8), id(1)), None);
    }
    let bytes = fs::read(only_file(folder.path())?)?;
    assert!(!bytes.windows(8).any(|w| w == [3; 8]), "it is encrypted");
    Ok(())
}

/// What was being written when the power failed is gone, and what was altered too; both can be kept
/// again.
#[test]
fn damage_costs_what_it_hits_and_what_follows() -> TestResult {
    let one = sharing(1, 7);
    for torn in [true, false] {
        let folder = tempfile::tempdir()?;
        store(folder.path())?.keep(&one, &[(id(1), shares(1)), (id(2), shares(2))])?;
        let path = only_file(folder.path())?;
        let mut bytes = fs::read(&path)?;
        if torn {
            bytes.truncate(bytes.len() - 1);
        } else {
            bytes[100] ^= 1;
        }
        fs::write(&path, bytes)?;
        let store = store(folder.path())?;
        assert_eq!(store.get(&one, id(1)), torn.then(|| shares(1)));
        assert_eq!(store.get(&one, id(2)), None);
        store.keep(&one, &[(id(1), shares(1)), (id(2), shares(2))])?;
        assert_eq!(store.get(&one, id(2)), Some(shares(2)));
        assert_eq!(only_file(folder.path())?, path, "nothing is kept aside");
    }
    // Altered while the node runs, and a header that is not of this file.
    let folder = tempfile::tempdir()?;
    let store = store(folder.path())?;
    store.keep(&one, &[(id(1), shares(1))])?;
    let path = only_file(folder.path())?;
    let mut bytes = fs::read(&path)?;
    *bytes.last_mut().ok_or("empty")? ^= 1;
    bytes[9] ^= 1;
    fs::write(&path, bytes)?;
    assert_eq!(store.get(&one, id(1)), None);
    assert_eq!(store.damaged.get(), 1);
    assert_eq!(
        super::ShareStore::open(
            &folder.path().join("shares"),
            &keys(folder.path())?,
            Counter::default()
        )?
        .get(&one, id(1)),
        None
    );
    Ok(())
}

/// Of an epoch that is over nothing is left, and what is being made for the next stays.
#[test]
fn only_the_sharing_that_counts_is_kept() -> TestResult {
    let folder = tempfile::tempdir()?;
    let store = store(folder.path())?;
    // The second of epoch 2 is of an attempt that came to nothing.
    let all = [sharing(1, 1), sharing(2, 2), sharing(2, 9), sharing(3, 3)];
    for sharing in &all {
        store.keep(sharing, &[(id(1), shares(1))])?;
    }
    store.keep_only(&all[1])?;
    let kept = all.map(|sharing| store.get(&sharing, id(1)).is_some());
    assert_eq!(kept, [false, true, false, true]);
    assert_eq!(fs::read_dir(folder.path().join("shares"))?.count(), 2);
    Ok(())
}

#[test]
fn nothing_is_kept_of_an_epoch_that_is_over() -> TestResult {
    let folder = tempfile::tempdir()?;
    let keys = keys(folder.path())?;
    let store = ShareStore::open(&folder.path().join("shares"), &keys, Counter::default())?;
    let (old, new) = (sharing(1, 1), sharing(2, 2));
    store.keep(&old, &[(id(1), shares(1))])?;
    store.keep(&new, &[(id(1), shares(2))])?;
    keys.erase_before(2)?;
    // The file is still there, and tells nothing.
    assert_eq!(store.get(&old, id(1)), None);
    store.keep(&old, &[(id(2), shares(1))])?;
    assert_eq!(store.get(&old, id(2)), None);
    assert_eq!(store.get(&new, id(1)), Some(shares(2)));
    Ok(())
}
