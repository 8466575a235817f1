//! One direction of one connection.

use std::io;

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::tcp::{OwnedReadHalf, OwnedWriteHalf},
    sync::{mpsc, watch},
    time::{Instant, sleep_until},
};

use super::{Flow, STALL, Weather};

/// The longest piece in bytes.
const PIECE: usize = 64 * 1024;
/// Pieces that are under way; more wait at the sender.
const UNDER_WAY: usize = 64;

/// Carries bytes from `source` to `sink`, as the weather allows, until the source ends.
///
/// # Errors
/// When either side breaks.
pub(super) async fn pump(
    source: OwnedReadHalf,
    sink: OwnedWriteHalf,
    mut weather: watch::Receiver<Weather>,
    seed: u64,
) -> io::Result<()> {
    let (sender, receiver) = mpsc::channel(UNDER_WAY);
    let reading = read(source, sender, weather.clone(), seed);
    let writing = write(sink, receiver, &mut weather);
    tokio::try_join!(reading, writing).map(|_| ())
}

/// Waits while bytes are held.
///
/// # Errors
/// If the weather ends.
pub(super) async fn passable(weather: &mut watch::Receiver<Weather>) -> io::Result<()> {
    let open = weather.wait_for(|weather| weather.flow != Flow::Held).await;
    open.map(|_| ()).map_err(io::Error::other)
}

async fn read(
    mut source: OwnedReadHalf,
    pieces: mpsc::Sender<(Instant, Vec<u8>)>,
    weather: watch::Receiver<Weather>,
    seed: u64,
) -> io::Result<()> {
    let mut random = StdRng::seed_from_u64(seed);
    loop {
        let mut piece = Vec::with_capacity(PIECE);
        if source.read_buf(&mut piece).await? == 0 {
            return Ok(());
        }
        let Weather {
            delay,
            lost_per_mille,
            ..
        } = *weather.borrow();
        let mut due = Instant::now() + delay;
        if random.random_range(0..1000) < lost_per_mille {
            due += STALL;
        }
        if pieces.send((due, piece)).await.is_err() {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
    }
}

async fn write(
    mut sink: OwnedWriteHalf,
    mut pieces: mpsc::Receiver<(Instant, Vec<u8>)>,
    weather: &mut watch::Receiver<Weather>,
) -> io::Result<()> {
    while let Some((due, piece)) = pieces.recv().await {
        sleep_until(due).await;
        passable(weather).await?;
        sink.write_all(&piece).await?;
    }
    sink.shutdown().await
}
