//! The log of decided blocks, which is the truth of a node.

use std::path::Path;
use std::sync::{Arc, RwLock};

use alloy_primitives::{B256, keccak256};
use wire::{codec, consensus::DecidedBlock, limits::PEER_FRAME_BYTES};

use super::records::{Place, RecordReader, Records, Tail};
use crate::NodeError;

/// Bytes of a stored block with its certificate.
const LIMIT: usize = PEER_FRAME_BYTES;

/// The open log, with its one writer.
#[derive(Debug)]
pub struct BlockLog {
    records: Records,
    reader: BlockReader,
}

/// Reads blocks by number; cheap to clone, usable from any thread.
#[derive(Clone, Debug)]
pub struct BlockReader {
    file: Arc<RecordReader>,
    // 16 bytes for each block.
    places: Arc<RwLock<Vec<Place>>>,
}

impl BlockLog {
    /// Opens the log and hands every block to `replay`, in order, from block 1. `replay` returns
    /// whether the block was good; the log is cut before the first one that was not.
    ///
    /// # Errors
    /// As [`Records::open`].
    pub fn open(
        path: &Path,
        cluster: B256,
        mut replay: impl FnMut(&DecidedBlock) -> Result<bool, NodeError>,
    ) -> Result<(Self, Tail), NodeError> {
        let origin = keccak256([b"blocks" as &[u8], cluster.as_slice()].concat());
        let mut places = Vec::new();
        let (records, tail) = Records::open(path, origin, LIMIT, |place, bytes| {
            let Ok(block) = codec::decode("decided block", bytes, LIMIT) else {
                return Ok(false);
            };
            let good = replay(&block)?;
            if good {
                places.push(place);
            }
            Ok(good)
        })?;
        let reader = BlockReader {
            file: Arc::new(records.reader()?),
            places: Arc::new(RwLock::new(places)),
        };
        Ok((Self { records, reader }, tail))
    }

    /// Appends a block; it is durable when this returns.
    ///
    /// # Errors
    /// [`NodeError::File`].
    pub fn append(&mut self, block: &DecidedBlock) -> Result<(), NodeError> {
        let place = self.records.append(&codec::encode(block))?;
        self.records.sync()?;
        let mut places = self
            .reader
            .places
            .write()
            .unwrap_or_else(|e| e.into_inner());
        places.push(place);
        Ok(())
    }

    /// A reader.
    #[must_use]
    pub fn reader(&self) -> BlockReader {
        self.reader.clone()
    }
}

impl BlockReader {
    /// Number of the last block, 0 if there is none.
    #[must_use]
    pub fn height(&self) -> u64 {
        self.places.read().unwrap_or_else(|e| e.into_inner()).len() as u64
    }

    /// A block by its number, none if the log does not hold it.
    ///
    /// # Errors
    /// [`NodeError::File`] and [`NodeError::Wire`].
    pub fn block(&self, number: u64) -> Result<Option<DecidedBlock>, NodeError> {
        let place = {
            let places = self.places.read().unwrap_or_else(|e| e.into_inner());
            let index = number.checked_sub(1).and_then(|i| usize::try_from(i).ok());
            index.and_then(|i| places.get(i).copied())
        };
        let Some(place) = place else { return Ok(None) };
        let bytes = self.file.read(place)?;
        Ok(Some(codec::decode("decided block", &bytes, LIMIT)?))
    }
}

#[cfg(test)]
mod tests {
    use wire::consensus::CommitCertificate;

    use super::*;

    fn block(number: u64, bytes: usize) -> DecidedBlock {
        DecidedBlock {
            block: vec![u8::try_from(number).unwrap_or(0); bytes].into(),
            certificate: CommitCertificate {
                height: number,
                round: 0,
                block: B256::ZERO,
                signatures: Vec::new(),
            },
        }
    }

    #[test]
    fn blocks_are_served_by_number() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("blocks.log");
        let (mut log, _) = BlockLog::open(&path, B256::ZERO, |_| Ok(true))?;
        let reader = log.reader();
        for number in 1..=5 {
            log.append(&block(number, 1000))?;
        }
        assert_eq!(reader.height(), 5);
        assert_eq!(reader.block(3)?, Some(block(3, 1000)));
        assert_eq!((reader.block(0)?, reader.block(6)?), (None, None));
        Ok(())
    }

    #[test]
    fn a_log_is_cut_before_a_block_that_does_not_apply() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("blocks.log");
        let (mut log, _) = BlockLog::open(&path, B256::ZERO, |_| Ok(true))?;
        for number in 1..=3 {
            log.append(&block(number, 10))?;
        }
        let (log, tail) =
            BlockLog::open(&path, B256::ZERO, |block| Ok(block.certificate.height < 2))?;
        assert_eq!(log.reader().height(), 1);
        assert!(matches!(tail, Tail::Damaged(_)));
        let mut seen = 0;
        BlockLog::open(&path, B256::ZERO, |_| {
            seen += 1;
            Ok(true)
        })?;
        assert_eq!(seen, 1);
        let foreign = BlockLog::open(&path, B256::repeat_byte(1), |_| Ok(true));
        assert!(matches!(foreign, Err(NodeError::ForeignLog(_))));
        Ok(())
    }
}
