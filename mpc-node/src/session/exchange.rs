//! The exchange of one round: one frame to each peer, one from each.
//!
//! On the stream a frame starts with the number of its round (4 bytes, big-endian); an empty frame
//! is a sign of life from a peer that still computes.

use std::{sync::Arc, time::Duration};

use futures::{
    AsyncReadExt as _, AsyncWriteExt as _,
    io::{ReadHalf, WriteHalf},
};
use libp2p::Stream;
use mpc_engine::Frames;
use tokio::{
    runtime::Handle,
    sync::mpsc,
    time::{Instant, timeout, timeout_at},
};
use wire::{limits::SESSION_FRAME_BYTES, node_transaction::StopReason};

use super::Workers;
use crate::{
    filter::{FrameFilter, OutgoingFrame},
    metrics::Metrics,
    network::{
        frame::{self, FrameError},
        sessions::{SessionId, SessionLinks},
    },
};

const ROUND_BYTES: usize = 4;
/// A peer that shows signs of life may take so many round time-outs for one round.
const PATIENCE: u32 = 3;
/// How long the last frames may take to reach a peer after the session ended here.
const LINGER: Duration = Duration::from_secs(5);

/// This session's links to the three peers.
pub(super) struct Links {
    id: SessionId,
    links: Vec<Link>,
    round_timeout: Duration,
    filter: Arc<dyn FrameFilter>,
    metrics: SessionLinks,
}

struct Link {
    peer: u8,
    frames: mpsc::Sender<Vec<u8>>,
    reader: ReadHalf<Stream>,
}

impl Links {
    /// Takes one stream for each peer, and starts a task that writes to it. Must be called within
    /// the asynchronous runtime.
    pub(super) fn new(id: SessionId, streams: Vec<(u8, Stream)>, workers: &Workers) -> Self {
        let links = streams.into_iter().map(|(peer, stream)| {
            let (reader, writer) = stream.split();
            // One frame is being written while the next one waits.
            let (frames, queue) = mpsc::channel(1);
            let metrics = workers.links.clone();
            tokio::spawn(write_all(
                writer,
                queue,
                peer,
                workers.round_timeout,
                metrics,
            ));
            Link {
                peer,
                frames,
                reader,
            }
        });
        Self {
            id,
            links: links.collect(),
            round_timeout: workers.round_timeout,
            filter: workers.filter.clone(),
            metrics: workers.links.clone(),
        }
    }

    /// Sends this round's frames and receives the peers'.
    ///
    /// # Errors
    /// [`StopReason::Silence`] names a peer whose frame did not come, [`StopReason::BadFrame`] one
    /// whose frame cannot be right.
    pub(super) async fn exchange(
        &mut self,
        round: u32,
        mut outgoing: Frames,
    ) -> Result<Frames, StopReason> {
        let Self {
            id,
            links,
            round_timeout,
            filter,
            metrics,
        } = self;
        let (session, limit, metrics) = (*id, *round_timeout, metrics.metrics());
        let exchanges = links.iter_mut().map(|link| {
            let frame = std::mem::take(&mut outgoing[usize::from(link.peer)]);
            let place = OutgoingFrame {
                session,
                round,
                to: link.peer,
            };
            let frame = filter.outgoing(place, frame);
            async move {
                if let Some(frame) = frame {
                    let mut bytes = Vec::with_capacity(ROUND_BYTES + frame.len());
                    bytes.extend_from_slice(&round.to_be_bytes());
                    bytes.extend_from_slice(&frame);
                    let silence = StopReason::Silence { peer: link.peer };
                    link.frames.send(bytes).await.map_err(|_| silence)?;
                }
                link.receive(round, limit, metrics).await
            }
        });
        let received = futures::future::try_join_all(exchanges).await?;
        let mut incoming = Frames::default();
        for (peer, frame) in received {
            incoming[usize::from(peer)] = frame;
        }
        Ok(incoming)
    }

    /// Ends the links. After a result the last frames are still delivered, since peers may need
    /// them; otherwise the streams break at once, which tells the peers.
    pub(super) fn close(self, runtime: &Handle, deliver: bool) {
        if !deliver {
            return;
        }
        for link in self.links {
            let Link {
                frames, mut reader, ..
            } = link;
            // The writer delivers what it has, then says that nothing more comes.
            drop(frames);
            runtime.spawn(async move {
                let mut rest = [0; 64];
                let ended = async { while matches!(reader.read(&mut rest).await, Ok(1..)) {} };
                let _ = timeout(LINGER, ended).await;
            });
        }
    }
}

impl Link {
    async fn receive(
        &mut self,
        round: u32,
        limit: Duration,
        metrics: &Metrics,
    ) -> Result<(u8, Vec<u8>), StopReason> {
        let peer = self.peer;
        let silence = StopReason::Silence { peer };
        let last = Instant::now() + limit * PATIENCE;
        let received = &metrics.session_received[usize::from(peer)];
        loop {
            let deadline = last.min(Instant::now() + limit);
            let reading = frame::read_length(&mut self.reader, ROUND_BYTES + SESSION_FRAME_BYTES);
            let length = match timeout_at(deadline, reading).await {
                Ok(Ok(length)) => length,
                Ok(Err(FrameError::TooLong { .. })) => return Err(bad_frame(peer, metrics)),
                Ok(Err(FrameError::Stream(_))) | Err(_) => return Err(silence),
            };
            received.inc_by((frame::PREFIX_BYTES + length) as u64);
            if length == 0 {
                continue;
            }
            let reading = frame::read_contents(&mut self.reader, length);
            let Ok(Ok(mut contents)) = timeout_at(last, reading).await else {
                return Err(silence);
            };
            if contents.first_chunk() != Some(&round.to_be_bytes()) {
                return Err(bad_frame(peer, metrics));
            }
            contents.drain(..ROUND_BYTES);
            return Ok((peer, contents));
        }
    }
}

fn bad_frame(peer: u8, metrics: &Metrics) -> StopReason {
    metrics.bad_frames[usize::from(peer)].inc();
    StopReason::BadFrame { peer }
}

async fn write_all(
    mut writer: WriteHalf<Stream>,
    mut queue: mpsc::Receiver<Vec<u8>>,
    peer: u8,
    round_timeout: Duration,
    metrics: SessionLinks,
) {
    let sent = &metrics.metrics().session_sent[usize::from(peer)];
    loop {
        let contents = match timeout(round_timeout / 4, queue.recv()).await {
            Ok(Some(contents)) => contents,
            Ok(None) => break,
            Err(_) => Vec::new(),
        };
        let writing = frame::write(&mut writer, &contents);
        match timeout(round_timeout * PATIENCE, writing).await {
            Ok(Ok(bytes)) => {
                sent.inc_by(bytes);
            }
            _ => return,
        }
    }
    let _ = timeout(LINGER, writer.close()).await;
}
