use std::{error::Error, fs};

use super::*;

type TestResult = Result<(), Box<dyn Error>>;

const PIECE: Piece = Piece {
    lot: 12,
    component: 2,
};
const HASH: B256 = B256::repeat_byte(5);

fn store(folder: &Path) -> Result<LotStore, NodeError> {
    LotStore::open(&folder.join("lots"), &[7; 32], Counter::default())
}

/// Bytes that tell their place, over several chunks, the last of them short.
fn component() -> Vec<u8> {
    let bytes = (0..3 * CHUNK_BYTES + 100).map(|at| (at * 7 + at / 251) as u8);
    bytes.collect()
}

#[test]
fn any_range_can_be_read_by_the_next_process() -> TestResult {
    let folder = tempfile::tempdir()?;
    let bytes = component();
    store(folder.path())?.write(PIECE, 3, HASH, &bytes)?;
    let store = store(folder.path())?;
    let length = bytes.len() as u64;
    let expected = Header {
        attempt: 3,
        length,
        hash: HASH,
    };
    assert_eq!(store.header(PIECE), Some(expected));
    let chunk = CHUNK_BYTES as u64;
    let edges = [0, 1, chunk - 1, chunk, chunk + 1, 3 * chunk - 5, length];
    for start in edges {
        for end in edges.into_iter().filter(|end| *end >= start) {
            let read = store.read(PIECE, HASH, start..end).ok_or("it is there")?;
            assert_eq!(
                read[..],
                bytes[usize::try_from(start)?..usize::try_from(end)?],
                "{start}..{end}"
            );
        }
    }
    assert!(store.read(PIECE, HASH, 0..length + 1).is_none());
    assert!(store.is_whole(PIECE, HASH, length));
    assert!(
        !store.is_whole(PIECE, B256::ZERO, length),
        "another attempt's"
    );
    let other = Piece {
        component: 1,
        ..PIECE
    };
    assert!(store.header(other).is_none() && store.read(other, HASH, 0..1).is_none());
    assert_eq!(store.damaged.get(), 0);
    Ok(())
}

#[test]
fn damage_costs_the_chunk_in_which_it_is() -> TestResult {
    let folder = tempfile::tempdir()?;
    let store = store(folder.path())?;
    let bytes = component();
    store.write(PIECE, 0, HASH, &bytes)?;
    let path = store.path(PIECE);
    let good = fs::read(&path)?;
    let mut bad = good.clone();
    bad[HEADER_BYTES + CHUNK_BYTES + 1000] ^= 1;
    fs::write(&path, &bad)?;
    let chunk = CHUNK_BYTES as u64;
    assert!(store.read(PIECE, HASH, 0..chunk).is_some());
    assert!(store.read(PIECE, HASH, chunk - 1..chunk + 1).is_none());
    assert!(store.read(PIECE, HASH, 2 * chunk..3 * chunk).is_some());
    assert!(!store.is_whole(PIECE, HASH, bytes.len() as u64));
    assert_eq!(store.damaged.get(), 2);
    // A header that was altered, whatever it says now, makes all of it worthless.
    for at in 0..HEADER_BYTES {
        let mut bad = good.clone();
        bad[at] ^= 1;
        fs::write(&path, &bad)?;
        let hash = store.header(PIECE).map_or(HASH, |header| header.hash);
        assert!(store.read(PIECE, hash, 0..1).is_none(), "byte {at}");
    }
    fs::write(&path, &good[..good.len() - 1])?;
    assert!(
        store
            .read(PIECE, HASH, 3 * chunk..bytes.len() as u64)
            .is_none()
    );
    Ok(())
}

#[test]
fn nothing_of_a_lot_is_readable_on_disk() -> TestResult {
    let folder = tempfile::tempdir()?;
    let store = store(folder.path())?;
    store.write(PIECE, 0, HASH, &[b"mask".as_slice(); 4096].concat())?;
    let file = fs::read(store.path(PIECE))?;
    assert!(!file.windows(8).any(|w| w == b"maskmask"));
    let chunk = CHUNK_BYTES + OVERHEAD_BYTES;
    store.write(PIECE, 0, HASH, &vec![0; 2 * CHUNK_BYTES])?;
    let file = fs::read(store.path(PIECE))?;
    let chunks = &file[HEADER_BYTES..];
    assert_ne!(chunks[24..1024], chunks[chunk + 24..chunk + 1024], "nonces");
    Ok(())
}

#[test]
fn lots_are_listed_and_removed_and_unfinished_files_are_not_kept() -> TestResult {
    let folder = tempfile::tempdir()?;
    let path = folder.path();
    let store = store(path)?;
    for (lot, component) in [(1, 0), (1, 3), (700, 1)] {
        store.write(Piece { lot, component }, 0, HASH, b"bytes")?;
    }
    let half = path.join("lots/9-1.new");
    fs::write(&half, b"half")?;
    assert_eq!(store.lots()?, BTreeSet::from([1, 700]));
    assert!(half.exists(), "somebody may be writing it");
    store.remove(1)?;
    store.remove(1)?;
    let store = self::store(path)?;
    assert_eq!(store.lots()?, BTreeSet::from([700]));
    assert!(!half.exists(), "whoever wrote it is gone");
    Ok(())
}
