//! Four parties that exchange frames without computing, each on its own thread.

use std::{error::Error, sync::Barrier, thread};

use super::*;
use crate::{
    filter::Honest,
    transport::sessions::tests::{PATIENCE, Party, four, id},
};

type TestResult = Result<(), Box<dyn Error>>;

const ROUND: Duration = Duration::from_secs(20);

struct Cluster {
    parties: Vec<Party>,
}

impl Cluster {
    async fn start() -> Result<Self, Box<dyn Error>> {
        let parties = four().await?;
        Ok(Self { parties })
    }

    /// Everybody's links of one session.
    async fn links(&self, round_timeout: Duration) -> Result<Vec<Links>, Box<dyn Error>> {
        let everybody = self
            .parties
            .iter()
            .zip(0u8..)
            .map(|(party, me)| async move {
                let peers = (0..4u8).filter(|peer| *peer != me);
                let linking =
                    peers.map(|peer| async move { (peer, party.links.link(peer, id(0)).await) });
                let connections = futures::future::join_all(linking).await;
                let exchange = Exchange {
                    sessions: party.links.clone(),
                    round_timeout,
                    filter: Arc::new(Honest),
                };
                let token = CancellationToken::new();
                Links::new(id(0), connections, &exchange, token, &Handle::current())
            });
        let linking = futures::future::try_join_all(everybody);
        let linked = tokio::time::timeout(PATIENCE, linking).await?;
        linked.map_err(|reason| format!("{reason:?}").into())
    }
}

/// Runs each party on a thread of its own, and returns what they return, in order.
fn run<T: Send + 'static>(
    links: Vec<Links>,
    party: impl Fn(u8, Links) -> T + Clone + Send + 'static,
) -> Vec<T> {
    let threads = (0u8..).zip(links).map(|(me, links)| {
        let party = party.clone();
        thread::spawn(move || party(me, links))
    });
    let threads: Vec<_> = threads.collect();
    let join = |thread: thread::JoinHandle<T>| match thread.join() {
        Ok(value) => value,
        Err(panicked) => std::panic::resume_unwind(panicked),
    };
    threads.into_iter().map(join).collect()
}

/// The frames of one round: to each peer, bytes that name sender, receiver and round.
fn frames(me: u8, round: u32, bytes: usize) -> Frames {
    let mut number = 0u8..;
    [(); 4].map(|()| {
        let to = number.next().unwrap_or_default();
        vec![mark(me, to, round); if to == me { 0 } else { bytes }]
    })
}

const fn mark(from: u8, to: u8, round: u32) -> u8 {
    (round as u8).wrapping_mul(16) ^ (from << 2) ^ to
}

fn is_right(received: &Frames, me: u8, round: u32, bytes: usize) -> bool {
    (0u8..)
        .zip(received)
        .filter(|(from, _)| *from != me)
        .all(|(from, frame)| {
            frame.len() == bytes && frame.iter().all(|byte| *byte == mark(from, me, round))
        })
}

#[tokio::test(flavor = "multi_thread")]
async fn several_rounds_are_under_way_and_come_out_in_order() -> TestResult {
    let links = Cluster::start().await?.links(ROUND).await?;
    let right = run(links, |me, mut links| {
        (0..5).for_each(|round| links.send(round, frames(me, round, 10)));
        (0..40).all(|round| {
            links.send(round + 5, frames(me, round + 5, 10));
            links
                .receive(round)
                .is_ok_and(|received| is_right(&received, me, round, 10))
        })
    });
    assert_eq!(right, [true; 4]);
    Ok(())
}

/// Moves so many MiB over each of the twelve directed links, in both directions at once.
async fn soak(mib: usize) -> TestResult {
    let links = Cluster::start().await?.links(ROUND).await?;
    let runtime = Handle::current();
    let right = run(links, move |me, mut links| {
        // Large frames and small ones, whole records and not, two rounds ahead of the peers.
        let sizes = [4 << 20, 1, 0, (1 << 20) + 7, 16_376, 16_377];
        let size = |round: u32| sizes[round as usize % sizes.len()];
        let rounds = (mib.div_ceil(5) * sizes.len()) as u32;
        links.send(0, frames(me, 0, size(0)));
        links.send(1, frames(me, 1, size(1)));
        let right = (0..rounds).all(|round| {
            links.send(round + 2, frames(me, round + 2, size(round + 2)));
            let received = links.receive(round);
            received.is_ok_and(|received| is_right(&received, me, round, size(round)))
        });
        links.close(&runtime, true);
        right
    });
    assert_eq!(right, [true; 4], "a link stalled, or frames were mixed up");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn bulk_traffic_on_all_links_does_not_stall() -> TestResult {
    soak(20).await
}

/// 24 GiB in all: takes a while.
#[ignore = "moves much data"]
#[tokio::test(flavor = "multi_thread")]
async fn much_bulk_traffic_on_all_links_does_not_stall() -> TestResult {
    soak(2048).await
}

#[tokio::test(flavor = "multi_thread")]
async fn who_computes_for_long_is_not_silent() -> TestResult {
    let timeout = Duration::from_secs(1);
    let links = Cluster::start().await?.links(timeout).await?;
    let right = run(links, move |me, mut links| {
        if me == 2 {
            thread::sleep(timeout * 9 / 5);
        }
        links.send(0, frames(me, 0, 10));
        let received = links.receive(0).is_ok();
        links.send(1, frames(me, 1, 10));
        received && links.receive(1).is_ok()
    });
    assert_eq!(right, [true; 4]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn signs_of_life_alone_do_not_do_for_ever() -> TestResult {
    let links = Cluster::start()
        .await?
        .links(Duration::from_millis(200))
        .await?;
    let (sender, ended) = std::sync::mpsc::channel::<()>();
    let ended = Arc::new(Mutex::new(ended));
    let outcomes = run(links, move |me, mut links| {
        if me == 2 {
            // Lives until the others have given up.
            let _ = ended.lock().map(|ended| ended.recv_timeout(PATIENCE));
            return None;
        }
        links.send(0, frames(me, 0, 10));
        let received = links.receive(0);
        let _ = sender.send(());
        received.err()
    });
    // Whoever is first breaks off, and the others may see that before their patience ends.
    let blamed = |outcome: &Option<Outcome>| {
        matches!(outcome, Some(Outcome::Stopped(StopReason::Silence { .. })))
    };
    assert!(
        [0, 1, 3].iter().all(|me| blamed(&outcomes[*me])),
        "{outcomes:?}"
    );
    let silence = Some(Outcome::Stopped(StopReason::Silence { peer: 2 }));
    assert!(outcomes.contains(&silence), "{outcomes:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_breaks_off_after_its_last_frames_holds_up_nobody() -> TestResult {
    let links = Cluster::start().await?.links(ROUND).await?;
    let runtime = Handle::current();
    let right = run(links, move |me, mut links| {
        let received = (0..3).all(|round| {
            links.send(round, frames(me, round, 100_000));
            // Sees nothing of the last round, but has sent its own frames.
            (me == 3 && round == 2) || links.receive(round).is_ok()
        });
        links.close(&runtime, me != 3);
        received
    });
    assert_eq!(right, [true; 4]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn who_breaks_off_before_is_silent_at_once() -> TestResult {
    let links = Cluster::start()
        .await?
        .links(Duration::from_secs(3600))
        .await?;
    let outcomes = run(links, |me, mut links| {
        if me == 1 {
            return None;
        }
        links.send(0, frames(me, 0, 10));
        links.receive(0).err()
    });
    let silence = Some(Outcome::Stopped(StopReason::Silence { peer: 1 }));
    assert!(outcomes.contains(&silence), "{outcomes:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn frames_of_another_round_are_bad() -> TestResult {
    let links = Cluster::start().await?.links(ROUND).await?;
    // Nobody breaks off before all have seen it.
    let seen = Arc::new(Barrier::new(4));
    let outcomes = run(links, move |me, mut links| {
        let first = if me == 0 { 1 } else { 0 };
        links.send(first, frames(me, first, 10));
        let outcome = links.receive(0).err();
        seen.wait();
        outcome
    });
    let bad = Some(Outcome::Stopped(StopReason::BadFrame { peer: 0 }));
    assert_eq!(outcomes[1..], [bad.clone(), bad.clone(), bad]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_is_called_off_ends() -> TestResult {
    let links = Cluster::start()
        .await?
        .links(Duration::from_secs(3600))
        .await?;
    let outcomes = run(links, |me, mut links| {
        if me == 0 {
            links.cancelled.cancel();
        }
        links.receive(0).err()
    });
    assert_eq!(outcomes[0], Some(Outcome::Cancelled));
    Ok(())
}
