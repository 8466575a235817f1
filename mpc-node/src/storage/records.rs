//! Append-only files of records.
//!
//! A file starts with a magic number and 32 bytes that name its cluster and kind. A record is its
//! length (4 bytes, big-endian), its link (32 bytes) and its bytes. The link is
//! `blake3(link before ‖ length ‖ bytes)`, the first link before being the header's 32 bytes: a
//! checksum and a hash chain in one. Whatever follows the last record whose link holds is cut off
//! when the file is opened: a record that was being written when the node died is dropped
//! silently; if more than that is lost, the rest is kept aside in a file of its own.

use std::{
    fs::{File, OpenOptions},
    io::{BufReader, Read, Seek as _, SeekFrom, Write as _},
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
};

use alloy_primitives::B256;

use crate::NodeError;

const MAGIC: &[u8; 8] = b"QTETREC1";
const HEADER_BYTES: u64 = 8 + 32;
const PREFIX_BYTES: usize = 4 + 32;

/// An open file of records, to which one writer appends.
#[derive(Debug)]
pub struct Records {
    path: PathBuf,
    file: File,
    origin: B256,
    link: B256,
    end: u64,
    limit: usize,
}

/// Where a record lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    at: u64,
    length: u32,
}

/// What opening a file found.
#[derive(Debug, PartialEq, Eq)]
pub enum Tail {
    /// All of it was good.
    Whole,
    /// The last record was cut short or did not hold; it is gone.
    Torn,
    /// More than one record was lost: a byte in the middle was altered. The rest was moved to
    /// this file.
    Damaged(PathBuf),
}

fn link(before: B256, bytes: &[u8]) -> B256 {
    let mut hasher = blake3::Hasher::new();
    hasher.update(before.as_slice());
    hasher.update(&(bytes.len() as u64).to_be_bytes());
    hasher.update(bytes);
    B256::from(*hasher.finalize().as_bytes())
}

/// Reads one record, which follows the link `before` and is at most `limit` bytes long, from a file
/// of which `left` bytes are left; none if it is not whole and good. Its own link comes with it.
///
/// # Errors
/// What the reader says.
pub fn read_record(
    reader: &mut impl Read,
    before: B256,
    limit: usize,
    left: u64,
) -> std::io::Result<Option<(B256, Vec<u8>)>> {
    let Some(left) = left.checked_sub(PREFIX_BYTES as u64) else {
        return Ok(None);
    };
    let mut prefix = [0; PREFIX_BYTES];
    reader.read_exact(&mut prefix)?;
    let [a, b, c, d, expected @ ..] = prefix;
    let size = u32::from_be_bytes([a, b, c, d]);
    if size as usize > limit || u64::from(size) > left {
        return Ok(None);
    }
    let mut bytes = vec![0; size as usize];
    reader.read_exact(&mut bytes)?;
    let next = link(before, &bytes);
    Ok((next == B256::from(expected)).then_some((next, bytes)))
}

impl Records {
    /// Opens or makes a file whose records are at most `limit` bytes long, and hands every good
    /// record to `each`, in order. `each` says whether it takes the record; the first one that
    /// it does not take is cut off like a damaged one.
    ///
    /// # Errors
    /// [`NodeError::File`]; [`NodeError::ForeignLog`] if the header names another cluster or
    /// kind; whatever `each` fails with.
    pub fn open(
        path: &Path,
        origin: B256,
        limit: usize,
        mut each: impl FnMut(Place, &[u8]) -> Result<bool, NodeError>,
    ) -> Result<(Self, Tail), NodeError> {
        let failed = |action| NodeError::file(action, path);
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .map_err(failed("open"))?;
        let length = file.metadata().map_err(failed("read"))?.len();
        let mut records = Self {
            path: path.to_owned(),
            file,
            origin,
            link: origin,
            end: HEADER_BYTES,
            limit,
        };
        if length < HEADER_BYTES {
            // New, or the node died while making it: there was no record yet.
            records.write_header().map_err(failed("write"))?;
            sync_entry(path)?;
            return Ok((records, Tail::Whole));
        }
        let mut header = [0; HEADER_BYTES as usize];
        records
            .file
            .read_exact_at(&mut header, 0)
            .map_err(failed("read"))?;
        if header[..8] != *MAGIC || header[8..] != *origin.as_slice() {
            return Err(NodeError::ForeignLog(path.to_owned()));
        }
        // The node may have died just after it made the file.
        sync_entry(path)?;
        let reader = File::open(path).map_err(failed("open"))?;
        let mut reader = BufReader::with_capacity(1 << 20, reader);
        reader
            .seek(SeekFrom::Start(HEADER_BYTES))
            .map_err(failed("read"))?;
        while let Some((place, next, bytes)) = records
            .read_next(&mut reader, length)
            .map_err(failed("read"))?
        {
            if !each(place, &bytes)? {
                break;
            }
            records.link = next;
            records.end = place.at + u64::from(place.length);
        }
        let tail = records.cut(length)?;
        Ok((records, tail))
    }

    /// The record after the last good one, if it is good too.
    fn read_next(
        &self,
        reader: &mut BufReader<File>,
        length: u64,
    ) -> std::io::Result<Option<(Place, B256, Vec<u8>)>> {
        let left = length.saturating_sub(self.end);
        let record = read_record(reader, self.link, self.limit, left)?;
        Ok(record.map(|(next, bytes)| {
            let place = Place {
                at: self.end + PREFIX_BYTES as u64,
                length: bytes.len() as u32,
            };
            (place, next, bytes)
        }))
    }

    /// Drops what follows the last good record.
    fn cut(&mut self, length: u64) -> Result<Tail, NodeError> {
        let failed = |action| NodeError::file(action, &self.path);
        if length == self.end {
            return Ok(Tail::Whole);
        }
        let lost = length - self.end;
        // A single record was torn if its own length reaches to the end of the file or beyond, and
        // no more is lost than one record can have.
        let mut size = [0; 4];
        let torn = lost < size.len() as u64 || {
            self.file
                .read_exact_at(&mut size, self.end)
                .map_err(failed("read"))?;
            let prefix = PREFIX_BYTES as u64;
            lost <= u64::from(u32::from_be_bytes(size)) + prefix
                && lost <= self.limit as u64 + prefix
        };
        let tail = if torn {
            Tail::Torn
        } else {
            let aside = self.path.with_extension(format!("damaged-at-{}", self.end));
            let mut from = File::open(&self.path).map_err(failed("open"))?;
            from.seek(SeekFrom::Start(self.end))
                .map_err(failed("read"))?;
            File::create(&aside)
                .and_then(|mut to| std::io::copy(&mut from, &mut to))
                .map_err(NodeError::file("write", &aside))?;
            Tail::Damaged(aside)
        };
        self.file.set_len(self.end).map_err(failed("cut"))?;
        self.file.sync_all().map_err(failed("sync"))?;
        Ok(tail)
    }

    fn write_header(&mut self) -> std::io::Result<()> {
        let mut header = MAGIC.to_vec();
        header.extend_from_slice(self.origin.as_slice());
        self.file.set_len(0)?;
        self.file.write_all_at(&header, 0)?;
        self.file.sync_all()
    }

    /// Appends a record. It is durable only after [`Self::sync`].
    ///
    /// # Errors
    /// [`NodeError::File`], also if the record is longer than the file's limit. After an error
    /// the file must not be used any more.
    pub fn append(&mut self, bytes: &[u8]) -> Result<Place, NodeError> {
        let failed = NodeError::file("append to", &self.path);
        let length = match u32::try_from(bytes.len()) {
            Ok(length) if bytes.len() <= self.limit => length,
            _ => {
                return Err(failed(std::io::Error::new(
                    std::io::ErrorKind::InvalidInput,
                    format!("a record of {} bytes is too long", bytes.len()),
                )));
            }
        };
        let next = link(self.link, bytes);
        let mut record = Vec::with_capacity(PREFIX_BYTES + bytes.len());
        record.extend_from_slice(&length.to_be_bytes());
        record.extend_from_slice(next.as_slice());
        record.extend_from_slice(bytes);
        self.file.write_all_at(&record, self.end).map_err(failed)?;
        let place = Place {
            at: self.end + PREFIX_BYTES as u64,
            length,
        };
        self.end += record.len() as u64;
        self.link = next;
        Ok(place)
    }

    /// Waits until everything appended is on disk.
    ///
    /// # Errors
    /// [`NodeError::File`].
    pub fn sync(&mut self) -> Result<(), NodeError> {
        self.file
            .sync_data()
            .map_err(NodeError::file("sync", &self.path))
    }

    /// Drops all records; durable when it returns.
    ///
    /// # Errors
    /// [`NodeError::File`].
    pub fn clear(&mut self) -> Result<(), NodeError> {
        let failed = |action| NodeError::file(action, &self.path);
        self.file.set_len(HEADER_BYTES).map_err(failed("cut"))?;
        self.file
            .flush()
            .and_then(|()| self.file.sync_all())
            .map_err(failed("sync"))?;
        self.end = HEADER_BYTES;
        self.link = self.origin;
        Ok(())
    }

    /// A second handle for reading.
    ///
    /// # Errors
    /// [`NodeError::File`].
    pub fn reader(&self) -> Result<RecordReader, NodeError> {
        Ok(RecordReader {
            path: self.path.clone(),
            file: File::open(&self.path).map_err(NodeError::file("open", &self.path))?,
        })
    }
}

/// Reads records by their place.
#[derive(Debug)]
pub struct RecordReader {
    path: PathBuf,
    file: File,
}

impl RecordReader {
    /// The bytes of a record. They were checked when they were written or found; whoever needs
    /// certainty checks what they mean.
    ///
    /// # Errors
    /// [`NodeError::File`].
    pub fn read(&self, place: Place) -> Result<Vec<u8>, NodeError> {
        let mut bytes = vec![0; place.length as usize];
        self.file
            .read_exact_at(&mut bytes, place.at)
            .map_err(NodeError::file("read", &self.path))?;
        Ok(bytes)
    }
}

/// Makes the entry of a file or folder in the folder that holds it durable.
pub(crate) fn sync_entry(path: &Path) -> Result<(), NodeError> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(NodeError::file("sync", folder))
}

#[cfg(test)]
mod tests;
