use std::error::Error;

use std::fs;

use super::*;

const ORIGIN: B256 = B256::repeat_byte(7);

fn open(path: &Path) -> Result<(Records, Tail, Vec<Vec<u8>>), NodeError> {
    let mut found = Vec::new();
    let (records, tail) = Records::open(path, ORIGIN, 1000, |_, bytes| {
        found.push(bytes.to_vec());
        Ok(true)
    })?;
    Ok((records, tail, found))
}

fn file_of(records: &[&[u8]]) -> Result<(tempfile::TempDir, PathBuf), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("x.log");
    let (mut file, ..) = open(&path)?;
    for record in records {
        file.append(record)?;
    }
    file.sync()?;
    Ok((folder, path))
}

#[test]
fn records_are_found_again_and_read_by_place() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("x.log");
    let (mut file, tail, found) = open(&path)?;
    assert_eq!((tail, found.len()), (Tail::Whole, 0));
    let places = [
        file.append(b"one")?,
        file.append(b"")?,
        file.append(&[9; 1000])?,
    ];
    file.sync()?;
    let reader = file.reader()?;
    assert_eq!(reader.read(places[0])?, b"one");
    assert_eq!(reader.read(places[2])?, vec![9; 1000]);
    let (mut file, tail, found) = open(&path)?;
    assert_eq!(tail, Tail::Whole);
    assert_eq!(found, [b"one".to_vec(), vec![], vec![9; 1000]]);
    file.append(b"four")?;
    assert_eq!(open(&path)?.2.len(), 4);
    assert!(file.append(&[0; 1001]).is_err());
    Ok(())
}

#[test]
fn a_torn_tail_is_cut_wherever_it_was_torn() -> Result<(), Box<dyn Error>> {
    let (_folder, path) = file_of(&[b"one", b"two"])?;
    let whole = fs::read(&path)?;
    let second = whole.len() - 3 - PREFIX_BYTES;
    for length in second + 1..whole.len() {
        fs::write(&path, &whole[..length])?;
        let (mut file, tail, found) = open(&path)?;
        assert_eq!(
            (tail, found),
            (Tail::Torn, vec![b"one".to_vec()]),
            "{length}"
        );
        file.append(b"2nd")?;
        assert_eq!(open(&path)?.2, [b"one".to_vec(), b"2nd".to_vec()]);
    }
    Ok(())
}

#[test]
fn a_flipped_byte_anywhere_is_noticed() -> Result<(), Box<dyn Error>> {
    let (_folder, path) = file_of(&[b"one", b"two", b"three"])?;
    let whole = fs::read(&path)?;
    let header = usize::try_from(HEADER_BYTES)?;
    for at in header..whole.len() {
        let mut altered = whole.clone();
        altered[at] ^= 1;
        fs::write(&path, &altered)?;
        let (_, tail, found) = open(&path)?;
        let before = (at - header)
            .checked_div(PREFIX_BYTES + 3)
            .unwrap_or(0)
            .min(2);
        assert_eq!(found.len(), before, "byte {at}");
        assert_ne!(tail, Tail::Whole, "byte {at}");
        if let Tail::Damaged(aside) = tail {
            assert_eq!(
                fs::read(&aside)?,
                altered[altered.len() - fs::read(&aside)?.len()..]
            );
            fs::remove_file(aside)?;
        }
    }
    let mut altered = whole;
    altered[20] ^= 1;
    fs::write(&path, altered)?;
    assert!(matches!(open(&path), Err(NodeError::ForeignLog(_))));
    Ok(())
}

#[test]
fn records_cannot_change_places() -> Result<(), Box<dyn Error>> {
    let (_folder, path) = file_of(&[b"one", b"two", b"333"])?;
    let mut bytes = fs::read(&path)?;
    let (header, size) = (usize::try_from(HEADER_BYTES)?, PREFIX_BYTES + 3);
    let second = bytes[header + size..header + 2 * size].to_vec();
    let third = bytes[header + 2 * size..].to_vec();
    bytes.truncate(header + size);
    bytes.extend(third);
    bytes.extend(second);
    fs::write(&path, bytes)?;
    let (_, tail, found) = open(&path)?;
    assert_eq!(found, [b"one".to_vec()]);
    assert!(matches!(tail, Tail::Damaged(_)));
    Ok(())
}

#[test]
fn a_length_beyond_the_limit_is_not_believed() -> Result<(), Box<dyn Error>> {
    let (_folder, path) = file_of(&[b"one"])?;
    let mut bytes = fs::read(&path)?;
    bytes.extend([0xff; PREFIX_BYTES]);
    fs::write(&path, bytes)?;
    assert_eq!(open(&path)?.1, Tail::Torn);
    Ok(())
}

#[test]
fn a_cleared_file_starts_a_new_chain() -> Result<(), Box<dyn Error>> {
    let (_folder, path) = file_of(&[b"one", b"two"])?;
    let (mut file, ..) = open(&path)?;
    file.clear()?;
    assert!(open(&path)?.2.is_empty());
    file.append(b"new")?;
    assert_eq!(open(&path)?.2, [b"new".to_vec()]);
    Ok(())
}

/// An altered length in the middle must not let all that follows pass for one torn record.
#[test]
fn more_than_one_record_is_never_dropped_silently() -> Result<(), Box<dyn Error>> {
    let (_folder, path) = file_of(&[b"one", &[2; 900], &[3; 900]])?;
    let mut bytes = fs::read(&path)?;
    let second = usize::try_from(HEADER_BYTES)? + PREFIX_BYTES + 3;
    bytes[second] = 0xff;
    fs::write(&path, &bytes)?;
    let (_, tail, found) = open(&path)?;
    assert_eq!(found, [b"one".to_vec()]);
    let Tail::Damaged(aside) = tail else {
        return Err("the rest is gone".into());
    };
    assert_eq!(fs::read(aside)?, bytes[second..]);
    Ok(())
}
