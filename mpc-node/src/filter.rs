//! The seam at which a test build of a node misbehaves.

use alloy_primitives::B256;
use wire::read::Components;

use crate::transport::sessions::SessionId;

/// A frame of a computation that is about to be sent.
#[derive(Clone, Copy, Debug)]
pub struct OutgoingFrame {
    /// The session.
    pub session: SessionId,
    /// Round of the session, from 0.
    pub round: u32,
    /// Party number of the receiver.
    pub to: u8,
}

/// Sees every outgoing frame of every computation, what the node says about them in disputes, and what
/// it tells owners of secrets. The normal node uses [`Honest`]; a test node alters what it sends. It
/// never sees anything else of the node.
pub trait FrameFilter: Send + Sync + 'static {
    /// What is sent instead of `frame`; nothing at all if none.
    fn outgoing(&self, place: OutgoingFrame, frame: Vec<u8>) -> Option<Vec<u8>>;

    /// What is said of a disputed stream instead of its digest.
    fn statement(&self, digest: B256) -> B256 {
        digest
    }

    /// What the owner of a secret is told instead of what this node holds of it, and in whose name.
    fn secret(&self, node: u8, held: Components) -> (u8, Components) {
        (node, held)
    }
}

/// Sends what the engine says.
#[derive(Clone, Copy, Debug, Default)]
pub struct Honest;

impl FrameFilter for Honest {
    fn outgoing(&self, _place: OutgoingFrame, frame: Vec<u8>) -> Option<Vec<u8>> {
        Some(frame)
    }
}
