//! Decided blocks from and for peers.

use wire::{consensus::DecidedBlock, limits::PEER_FRAME_BYTES};

/// Decided blocks of one message, at most.
const BATCH_BLOCKS: usize = 64;
/// Room for the framing of a message, and for certificates.
const MARGIN_BYTES: usize = 64 * 1024;

/// Gathers consecutive blocks until a message is full. The shell fills it from its block log.
#[derive(Debug, Default)]
pub struct SyncBatch {
    blocks: Vec<DecidedBlock>,
    bytes: usize,
}

impl SyncBatch {
    /// Adds a block if there is room; false if there is none.
    pub fn push(&mut self, block: DecidedBlock) -> bool {
        const CERTIFICATE_BYTES: usize = 512;
        let bytes = self.bytes + block.block.len() + CERTIFICATE_BYTES;
        let full = self.blocks.len() >= BATCH_BLOCKS || bytes > PEER_FRAME_BYTES - MARGIN_BYTES;
        if full {
            return false;
        }
        self.bytes = bytes;
        self.blocks.push(block);
        true
    }

    /// The blocks, for [`wire::peer::PeerMessage::Blocks`].
    #[must_use]
    pub fn into_blocks(self) -> Vec<DecidedBlock> {
        self.blocks
    }
}
