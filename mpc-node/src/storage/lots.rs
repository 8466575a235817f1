//! Lots of the reserve on disk: a file for each lot and component.
//!
//! A file is a header and chunks of [`CHUNK_BYTES`] bytes, each encrypted on its own and bound to the
//! header and to its place, so that a part can be read without the rest. A chunk that does not open
//! counts as lost, and the component can be had from a peer; so does a file whose hash is not the one
//! in the log: it is of an attempt that came to nothing.

use std::{
    collections::BTreeSet,
    fs::File,
    io,
    ops::Range,
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use alloy_primitives::B256;
use prometheus_client::metrics::counter::Counter;
use wire::limits::NODES;
use zeroize::Zeroizing;

use super::{
    finished_files, prepare_folder, remove,
    secret_box::{OVERHEAD_BYTES, SecretBox},
    write_whole,
};
use crate::NodeError;

const MAGIC: &[u8; 8] = b"QTETLOT1";
/// Magic, lot, component, attempt, length, hash.
const HEADER_BYTES: usize = 8 + 8 + 1 + 4 + 8 + 32;
/// Bytes of a component in one chunk.
const CHUNK_BYTES: usize = 64 * 1024;

/// One component of a lot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Piece {
    /// Number of the lot.
    pub lot: u64,
    /// Number of the component.
    pub component: u8,
}

/// What a file says about itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The attempt that made it.
    pub attempt: u32,
    /// Bytes of the component.
    pub length: u64,
    /// Hash of the component.
    pub hash: B256,
}

/// The folder of lots; cheap to clone.
#[derive(Clone, Debug)]
pub struct LotStore {
    folder: PathBuf,
    keeper: Arc<SecretBox>,
    damaged: Counter,
}

impl LotStore {
    /// Opens the folder, which is made if it does not exist; what was not finished in it is removed.
    /// `key` is the node's storage key; `damaged` counts files that do not hold what they say.
    ///
    /// # Errors
    /// [`NodeError::File`].
    pub fn open(folder: &Path, key: &[u8; 32], damaged: Counter) -> Result<Self, NodeError> {
        prepare_folder(folder)?;
        Ok(Self {
            folder: folder.to_owned(),
            keeper: Arc::new(SecretBox::new(key)),
            damaged,
        })
    }

    /// Keeps a component, instead of what was there; durable when it returns.
    ///
    /// # Errors
    /// [`NodeError::File`].
    pub fn write(
        &self,
        piece: Piece,
        attempt: u32,
        hash: B256,
        bytes: &[u8],
    ) -> Result<(), NodeError> {
        let header = Header {
            attempt,
            length: bytes.len() as u64,
            hash,
        };
        let header = header.encode(piece);
        let mut chunks = Vec::with_capacity(bytes.len() / CHUNK_BYTES + 1);
        for (number, chunk) in (0..).zip(bytes.chunks(CHUNK_BYTES)) {
            chunks.push(self.keeper.seal(&bound_to(&header, number), chunk)?);
        }
        let mut parts: Vec<&[u8]> = vec![&header];
        parts.extend(chunks.iter().map(Vec::as_slice));
        write_whole(&self.path(piece), &parts)
    }

    /// What there is of a component; none if there is nothing that could be read.
    #[must_use]
    pub fn header(&self, piece: Piece) -> Option<Header> {
        let file = File::open(self.path(piece)).ok()?;
        let header = Header::read(&file, piece);
        if header.is_none() {
            self.complain(piece);
        }
        header
    }

    /// Bytes of a component with this hash; none if they are not here, or were altered.
    #[must_use]
    pub fn read(&self, piece: Piece, hash: B256, range: Range<u64>) -> Option<Zeroizing<Vec<u8>>> {
        let file = File::open(self.path(piece)).ok()?;
        let Some(header) = Header::read(&file, piece) else {
            self.complain(piece);
            return None;
        };
        if header.hash != hash || range.start > range.end || range.end > header.length {
            return None;
        }
        let bytes = self.read_chunks(&file, piece, header, range);
        if bytes.is_none() {
            self.complain(piece);
        }
        bytes
    }

    fn read_chunks(
        &self,
        file: &File,
        piece: Piece,
        header: Header,
        range: Range<u64>,
    ) -> Option<Zeroizing<Vec<u8>>> {
        let chunk_bytes = CHUNK_BYTES as u64;
        let bound = header.encode(piece);
        // Its room is taken at once: bytes that were moved would stay behind.
        let room = usize::try_from(range.end - range.start).ok()?;
        let mut bytes = Zeroizing::new(Vec::with_capacity(room));
        for number in range.start / chunk_bytes..range.end.div_ceil(chunk_bytes) {
            let start = number * chunk_bytes;
            let end = (start + chunk_bytes).min(header.length);
            let mut record = vec![0; usize::try_from(end - start).ok()? + OVERHEAD_BYTES];
            let place = HEADER_BYTES as u64 + number * (chunk_bytes + OVERHEAD_BYTES as u64);
            file.read_exact_at(&mut record, place).ok()?;
            let chunk = self.keeper.open(&bound_to(&bound, number), &record)?;
            let from = range.start.saturating_sub(start);
            let to = range.end.min(end) - start;
            bytes.extend_from_slice(
                chunk.get(usize::try_from(from).ok()?..usize::try_from(to).ok()?)?,
            );
        }
        Some(bytes)
    }

    /// Whether a component with this hash is here and whole; reads all of it.
    #[must_use]
    pub fn is_whole(&self, piece: Piece, hash: B256, length: u64) -> bool {
        self.read(piece, hash, 0..length).is_some()
    }

    /// Forgets a lot.
    ///
    /// # Errors
    /// [`NodeError::File`].
    pub fn remove(&self, lot: u64) -> Result<(), NodeError> {
        (0..).take(NODES).try_for_each(|component| {
            let piece = Piece { lot, component };
            remove(&self.path(piece))
        })
    }

    /// Numbers of the lots of which there is something, not counting what is being written.
    ///
    /// # Errors
    /// [`NodeError::File`].
    pub fn lots(&self) -> Result<BTreeSet<u64>, NodeError> {
        let names = finished_files(&self.folder)?.into_iter();
        let numbers = names.filter_map(|name| name.split_once('-')?.0.parse().ok());
        Ok(numbers.collect())
    }

    fn complain(&self, piece: Piece) {
        self.damaged.inc();
        tracing::warn!(
            lot = piece.lot,
            component = piece.component,
            "a component of a lot is damaged on disk"
        );
    }

    fn path(&self, piece: Piece) -> PathBuf {
        let Piece { lot, component } = piece;
        self.folder.join(format!("{lot}-{component}"))
    }
}

impl Header {
    fn encode(&self, piece: Piece) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        let mut rest = bytes.as_mut_slice();
        for part in [
            MAGIC.as_slice(),
            &piece.lot.to_be_bytes(),
            &[piece.component],
            &self.attempt.to_be_bytes(),
            &self.length.to_be_bytes(),
            self.hash.as_slice(),
        ] {
            // The parts are as long as the header.
            let written = io::Write::write_all(&mut rest, part);
            debug_assert!(written.is_ok(), "{HEADER_BYTES} bytes");
        }
        bytes
    }

    /// Reads the header of a piece's file; none if it is another piece's, or none at all.
    fn read(file: &File, piece: Piece) -> Option<Self> {
        let mut bytes = [0; HEADER_BYTES];
        file.read_exact_at(&mut bytes, 0).ok()?;
        let (_, rest) = bytes.split_at(MAGIC.len() + 8 + 1);
        let (attempt, rest) = rest.split_first_chunk()?;
        let (length, hash) = rest.split_first_chunk()?;
        let header = Self {
            attempt: u32::from_be_bytes(*attempt),
            length: u64::from_be_bytes(*length),
            hash: B256::try_from(hash).ok()?,
        };
        (header.encode(piece) == bytes).then_some(header)
    }
}

fn bound_to(header: &[u8; HEADER_BYTES], chunk: u64) -> Vec<u8> {
    [header.as_slice(), &chunk.to_be_bytes()].concat()
}

#[cfg(test)]
mod tests;
