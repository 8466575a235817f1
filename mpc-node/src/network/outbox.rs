//! The bounded queue of frames to one peer.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
};

use alloy_primitives::Bytes;
use tokio::sync::Notify;

/// Frames that wait.
const FRAMES: usize = 4096;
/// Bytes that wait; at least one frame of the greatest length fits.
const BYTES: usize = 48 * 1024 * 1024;

/// Frames that wait for one peer. A full queue drops its oldest frame: whoever is slow misses the
/// past, which repetition and sync make up for, and never holds up this node.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    queue: Mutex<Queue>,
    filled: Notify,
}

#[derive(Debug, Default)]
struct Queue {
    open: bool,
    frames: VecDeque<Bytes>,
    bytes: usize,
}

impl Outbox {
    /// Appends a frame, if the peer is connected. Returns how many frames were dropped for it.
    pub(super) fn push(&self, frame: Bytes) -> u64 {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        if !queue.open {
            return 0;
        }
        queue.bytes += frame.len();
        queue.frames.push_back(frame);
        let mut dropped = 0;
        while queue.frames.len() > FRAMES || (queue.bytes > BYTES && queue.frames.len() > 1) {
            let oldest = queue.frames.pop_front().map_or(0, |frame| frame.len());
            queue.bytes -= oldest;
            dropped += 1;
        }
        drop(queue);
        self.filled.notify_one();
        dropped
    }

    /// Starts or ends taking frames; what waited for an earlier connection is gone.
    pub(super) fn set_open(&self, open: bool) {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        *queue = Queue {
            open,
            ..Queue::default()
        };
    }

    /// Takes the oldest frame, waiting for one.
    pub(super) async fn pop(&self) -> Bytes {
        loop {
            let filled = self.filled.notified();
            if let Some(frame) = self.try_pop() {
                return frame;
            }
            filled.await;
        }
    }

    fn try_pop(&self) -> Option<Bytes> {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let frame = queue.frames.pop_front()?;
        queue.bytes -= frame.len();
        Some(frame)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_queue_drops_the_oldest() {
        let outbox = Outbox::default();
        assert_eq!(outbox.push(Bytes::from_static(b"lost: not connected")), 0);
        outbox.set_open(true);
        assert!(outbox.try_pop().is_none());
        let frame = |i: usize| Bytes::from(i.to_be_bytes().to_vec());
        let dropped: u64 = (0..FRAMES + 3).map(|i| outbox.push(frame(i))).sum();
        assert_eq!(dropped, 3);
        assert_eq!(outbox.try_pop(), Some(frame(3)));
        outbox.set_open(true);
        let big = Bytes::from(vec![0; BYTES / 2 + 1]);
        assert_eq!(outbox.push(big.clone()), 0);
        assert_eq!(outbox.push(big), 1);
        assert_eq!(
            outbox.push(Bytes::from(vec![0; BYTES + 1])),
            1,
            "one always fits"
        );
    }
}
