//! The write-ahead log of consensus: what this node has said and seen in the height that is not
//! decided yet, so that after a crash it says nothing else.

use std::path::Path;

use alloy_primitives::{B256, Bytes, keccak256};
use wire::limits::PEER_FRAME_BYTES;

use super::records::{Records, Tail};
use crate::NodeError;

/// The open write-ahead log.
#[derive(Debug)]
pub struct Wal {
    records: Records,
    dirty: bool,
}

impl Wal {
    /// Opens it, and returns the entries that survived.
    ///
    /// # Errors
    /// As [`Records::open`].
    pub fn open(path: &Path, cluster: B256) -> Result<(Self, Vec<Bytes>, Tail), NodeError> {
        let origin = keccak256([b"wal" as &[u8], cluster.as_slice()].concat());
        let mut entries = Vec::new();
        let (records, tail) = Records::open(path, origin, PEER_FRAME_BYTES + 1024, |_, bytes| {
            entries.push(Bytes::copy_from_slice(bytes));
            Ok(true)
        })?;
        let dirty = false;
        Ok((Self { records, dirty }, entries, tail))
    }

    /// Appends an entry; [`Self::sync`] before anything that depends on it leaves the node.
    ///
    /// # Errors
    /// [`NodeError::File`].
    pub fn append(&mut self, entry: &[u8]) -> Result<(), NodeError> {
        self.records.append(entry)?;
        self.dirty = true;
        Ok(())
    }

    /// Makes all entries durable.
    ///
    /// # Errors
    /// [`NodeError::File`].
    pub fn sync(&mut self) -> Result<(), NodeError> {
        if self.dirty {
            self.records.sync()?;
            self.dirty = false;
        }
        Ok(())
    }

    /// Drops all entries: the height is decided.
    ///
    /// # Errors
    /// [`NodeError::File`].
    pub fn clear(&mut self) -> Result<(), NodeError> {
        self.dirty = false;
        self.records.clear()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_survive_until_the_height_is_decided() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("consensus.wal");
        let (mut wal, entries, _) = Wal::open(&path, B256::ZERO)?;
        assert!(entries.is_empty());
        wal.append(b"vote 1")?;
        wal.append(b"vote 2")?;
        wal.sync()?;
        drop(wal);
        // Torn while a third was written.
        let mut bytes = std::fs::read(&path)?;
        bytes.extend_from_slice(&[0, 0, 0, 9, 1, 2, 3]);
        std::fs::write(&path, bytes)?;
        let (mut wal, entries, tail) = Wal::open(&path, B256::ZERO)?;
        assert_eq!(entries, [&b"vote 1"[..], b"vote 2"].map(Bytes::from_static));
        assert_eq!(tail, Tail::Torn);
        wal.clear()?;
        wal.append(b"vote 3")?;
        wal.sync()?;
        let (_, entries, tail) = Wal::open(&path, B256::ZERO)?;
        assert_eq!(
            (entries, tail),
            (vec![Bytes::from_static(b"vote 3")], Tail::Whole)
        );
        let foreign = Wal::open(&path, B256::repeat_byte(1));
        assert!(matches!(foreign, Err(NodeError::ForeignLog(_))));
        Ok(())
    }
}
