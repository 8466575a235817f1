//! Four workers over real swarms on loopback.

use std::{
    error::Error,
    sync::{
        Mutex,
        atomic::{AtomicU32, Ordering},
        mpsc,
    },
    time::Duration,
};

use alloy_primitives::B256;
use mpc_engine::{
    Amounts, ColumnId, Ending, Program, ProgramBuilder, Ranges, ReserveShares, combine, local,
};
use prometheus_client::metrics::counter::Counter;
use tempfile::TempDir;
use wire::{kind::Kind, limits::NODES, secret::Op};

use super::*;
use crate::{
    filter::{FrameFilter, Honest, OutgoingFrame},
    network::tests::{Cluster, Node, PATIENCE, TestResult},
    storage::epochs::EpochKeys,
};

const ROUND: Duration = Duration::from_millis(700);
const CHOICES: [u128; 5] = [1, 0, 1, 7, 1];
const JOB: B256 = B256::repeat_byte(3);
const ALL: [u8; 4] = [0, 1, 2, 3];

/// count(ballots == 1) over this many ballots of one `u8` each.
fn program(ballots: usize) -> Result<Program, Box<dyn Error>> {
    let mut builder = ProgramBuilder::new();
    let column = ColumnId {
        input_type: 0,
        field: 0,
        element: 0,
    };
    let ballots = builder.input(column, Kind::U8, ballots)?;
    let one = builder.constant(Kind::U8, 1, 1)?;
    let equal = builder.apply(Op::Eq, &[ballots, one], 0)?;
    let count = builder.apply(Op::Count, &[equal], 0)?;
    builder.reveal(count)?;
    Ok(builder.finish()?)
}

/// What a worker of this party computes with.
fn task(party: u8, reserve: Option<ReserveShares>) -> Result<Task, Box<dyn Error>> {
    let program = Arc::new(program(CHOICES.len())?);
    let shares = local::deal(&program, &[CHOICES.to_vec()], 1)?;
    let mut shares = shares.into_iter();
    Ok(Task::Compute {
        inputs: shares.nth(usize::from(party)).ok_or("four parties")?,
        program,
        seeds: None,
        reserve,
        ending: Ending::Commit,
    })
}

struct Running {
    nodes: Vec<Node>,
    cluster: Cluster,
    folder: TempDir,
}

/// A session of a test.
struct Attempt<'a> {
    number: u32,
    /// Who runs it.
    parties: &'a [u8],
    absent: Option<u8>,
    /// Who misbehaves.
    liar: Option<(u8, Arc<dyn FrameFilter>)>,
    lot: Option<u64>,
}

impl Attempt<'_> {
    const fn of_all(number: u32) -> Self {
        Self {
            number,
            parties: &ALL,
            absent: None,
            liar: None,
            lot: None,
        }
    }
}

impl Running {
    async fn start() -> Result<Self, Box<dyn Error>> {
        let cluster = Cluster::new()?;
        let mut nodes = Vec::new();
        for party in 0..4 {
            nodes.push(cluster.start(party).await?);
        }
        nodes[0].wait_up(1).await?;
        Ok(Self {
            nodes,
            cluster,
            folder: tempfile::tempdir()?,
        })
    }

    fn workers(&self, party: u8, filter: Arc<dyn FrameFilter>) -> Result<Workers, Box<dyn Error>> {
        let folder = self.folder.path().join(party.to_string());
        Ok(Workers {
            membership: self.cluster.membership(usize::from(party))?,
            exchange: Exchange {
                sessions: self.nodes[usize::from(party)].network.sessions().clone(),
                round_timeout: ROUND,
                filter,
            },
            outputs: OutputStore::open(&folder.join("outputs"), &[party; 32])?,
            results: ResultStore::open(
                &folder.join("results"),
                &EpochKeys::open(&folder.join("epochs"), &[party; 32], None)?,
            )?,
            lots: LotStore::open(&folder.join("lots"), &[party; 32], Counter::default())?,
            runtime: Handle::current(),
        })
    }

    /// Runs a session, and tells how it ended at each party that runs it.
    async fn session(
        &self,
        attempt: Attempt<'_>,
        task: impl Fn(u8) -> Result<Task, Box<dyn Error>>,
    ) -> Result<Vec<Outcome>, Box<dyn Error>> {
        let id = SessionId {
            job: JOB,
            attempt: attempt.number,
        };
        let (sender, reports) = mpsc::channel();
        let mut going = Vec::new();
        for party in attempt.parties.iter().copied() {
            let filter: Arc<dyn FrameFilter> = match &attempt.liar {
                Some((liar, filter)) if *liar == party => filter.clone(),
                _ => Arc::new(Honest),
            };
            let (go, wait) = oneshot::channel();
            going.push(go);
            let task = task(party)?;
            let assignment = Assignment {
                id,
                absent: attempt.absent,
                lot: attempt.lot,
                refresh: None,
                task: Box::pin(async { Ok(task.into()) }),
                go: wait,
            };
            let sender = sender.clone();
            let workers = self.workers(party, filter)?;
            workers.start(assignment, CancellationToken::new(), move |_, report| {
                let _ = sender.send((party, report));
            })?;
        }
        let count = attempt.parties.len();
        let collecting = tokio::task::spawn_blocking(move || {
            let next = || reports.recv_timeout(PATIENCE).map_err(|e| e.to_string());
            let mut nonces = [B256::ZERO; NODES];
            for _ in 0..count {
                match next()? {
                    (party, Report::Prepared(nonce)) => nonces[usize::from(party)] = nonce,
                    (party, report) => return Err(format!("{party}: {report:?}")),
                }
            }
            for go in going {
                go.send(nonces).map_err(|_| "a worker is gone")?;
            }
            let mut ended = Vec::new();
            for _ in 0..count {
                match next()? {
                    (party, Report::Ended(outcome, _)) => ended.push((party, outcome)),
                    (party, report) => return Err(format!("{party}: {report:?}")),
                }
            }
            ended.sort_by_key(|(party, _)| *party);
            Ok::<_, String>(ended.into_iter().map(|(_, outcome)| outcome).collect())
        });
        Ok(collecting.await??)
    }

    /// What two parties have kept of an attempt, opened.
    fn open(&self, attempt: u32, parties: [u8; 2]) -> Result<Vec<u8>, Box<dyn Error>> {
        let mut components: [Vec<u8>; NODES] = Default::default();
        for party in parties {
            let kept = self.workers(party, Arc::new(Honest))?.outputs;
            let outputs = Outputs::decode(&kept.get(JOB, attempt).ok_or("kept")?)?;
            for (component, value) in (0..).zip(&mut components) {
                if let Some(opening) = outputs.opening(component) {
                    *value = opening.value;
                }
            }
        }
        let program = program(CHOICES.len())?;
        let outputs = program.outputs();
        Ok(combine(&outputs, components.each_ref().map(Vec::as_slice))?)
    }
}

/// The commitments of those who are ready; checks that none contradict each other.
fn agreed(outcomes: &[Outcome]) -> Result<[Option<B256>; NODES], String> {
    let mut agreed = [None; NODES];
    for outcome in outcomes {
        let Outcome::Ready(commitments) = outcome else {
            return Err(format!("{outcome:?}"));
        };
        for (known, own) in agreed.iter_mut().zip(commitments.iter()) {
            if known.is_some() && own.is_some() && known != own {
                return Err(format!("{outcomes:?}"));
            }
            *known = known.or(*own);
        }
    }
    Ok(agreed)
}

/// Whether a stop names this party, if it names anybody.
fn names(outcome: &Outcome, party: u8) -> bool {
    match outcome {
        Outcome::Stopped(StopReason::Silence { peer } | StopReason::BadFrame { peer }) => {
            *peer == party
        }
        Outcome::Stopped(StopReason::Mismatch { sender, backup, .. }) => {
            [sender, backup].contains(&&party)
        }
        _ => false,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn four_honest_workers_keep_the_same_result() -> TestResult {
    let running = Running::start().await?;
    let outcomes = running
        .session(Attempt::of_all(0), |party| task(party, None))
        .await?;
    let commitments = agreed(&outcomes)?;
    assert!(commitments.iter().all(Option::is_some));
    for parties in [[0, 1], [3, 2], [1, 3]] {
        assert_eq!(running.open(0, parties)?, 3u64.to_le_bytes());
    }
    // Another attempt has other commitments, though the result is the same.
    let outcomes = running
        .session(Attempt::of_all(1), |party| task(party, None))
        .await?;
    assert_ne!(agreed(&outcomes)?, commitments);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn three_workers_compute_from_a_lot_that_four_made() -> TestResult {
    let running = Running::start().await?;
    let amounts = program(CHOICES.len())?.reserve_need();
    let made = Attempt {
        lot: Some(8),
        ..Attempt::of_all(0)
    };
    let outcomes = running
        .session(made, |_| Ok(Task::Produce { amounts }))
        .await?;
    let hashes = agreed(&outcomes)?;
    for absent in ALL {
        let live: Vec<u8> = ALL.into_iter().filter(|party| *party != absent).collect();
        let number = 1 + u32::from(absent);
        let attempt = Attempt {
            parties: &live,
            absent: Some(absent),
            ..Attempt::of_all(number)
        };
        let outcomes = running
            .session(attempt, |party| {
                let lots = running.workers(party, Arc::new(Honest))?.lots;
                task(party, Some(reserve(party, &lots, &amounts, hashes)?))
            })
            .await?;
        assert!(agreed(&outcomes)?.iter().all(Option::is_some));
        assert_eq!(
            running.open(number, [live[0], live[2]])?,
            3u64.to_le_bytes()
        );
    }
    Ok(())
}

/// All of lot 8.
fn reserve(
    party: u8,
    lots: &LotStore,
    amounts: &Amounts,
    hashes: [Option<B256>; NODES],
) -> Result<ReserveShares, Box<dyn Error>> {
    let length = amounts.component_bytes() as u64;
    let read = |(component, hash): (u8, Option<B256>)| {
        let piece = Piece { lot: 8, component };
        lots.read(piece, hash?, 0..length)
    };
    let mut numbered = (0..).zip(hashes);
    let components = hashes.map(|_| numbered.next().and_then(read));
    let mut shares = ReserveShares::new(party);
    let slices = components
        .each_ref()
        .map(|c| c.as_ref().map(|c| c.as_slice()));
    shares.push(amounts, &Ranges::all(amounts), slices)?;
    Ok(shares)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_is_not_there_is_silent() -> TestResult {
    let running = Running::start().await?;
    let attempt = Attempt {
        parties: &[0, 1, 3],
        ..Attempt::of_all(0)
    };
    let outcomes = running.session(attempt, |party| task(party, None)).await?;
    let silence = Outcome::Stopped(StopReason::Silence { peer: 2 });
    assert_eq!(outcomes, vec![silence; 3]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_whose_node_ends_while_sessions_link_is_silent_at_once() -> TestResult {
    let mut running = Running::start().await?;
    let mut workers = running.workers(0, Arc::new(Honest))?;
    // Without end, as far as this test goes.
    workers.exchange.round_timeout = 100 * PATIENCE;
    let reached = async {
        while running.nodes[0].network.connected() != [1, 2, 3] {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(PATIENCE, reached).await?;
    let reaches = workers.reaches(None);
    running.nodes.truncate(3);
    let id = SessionId {
        job: JOB,
        attempt: 0,
    };
    let linked = timeout(PATIENCE, workers.link(id, reaches)).await?;
    assert_eq!(linked.err(), Some(StopReason::Silence { peer: 3 }));
    // Those that are there are waited for.
    let others = workers.reaches(Some(3));
    let linked = timeout(Duration::from_secs(4), workers.link(id, others)).await;
    assert!(linked.is_err(), "{linked:?}");
    Ok(())
}

type How = fn(Vec<u8>) -> Option<Vec<u8>>;

/// Alters the frame of one round to one party.
struct Alter {
    round: u32,
    to: u8,
    how: How,
    done: AtomicU32,
}

impl FrameFilter for Alter {
    fn outgoing(&self, place: OutgoingFrame, frame: Vec<u8>) -> Option<Vec<u8>> {
        if (place.round, place.to) == (self.round, self.to) {
            self.done.fetch_add(1, Ordering::Relaxed);
            (self.how)(frame)
        } else {
            Some(frame)
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_alters_a_frame_gets_no_result_from_its_victim_and_is_named() -> TestResult {
    let running = Running::start().await?;
    let hows: [How; 4] = [
        |mut frame| {
            let last = frame.len().checked_sub(1)?;
            frame[last] ^= 1;
            Some(frame)
        },
        |_| None,
        |mut frame| {
            frame.pop();
            Some(frame)
        },
        |_| Some(Vec::new()),
    ];
    for (attempt, how) in (0u32..).zip(hows) {
        let round = 2 + attempt;
        let liar = Arc::new(Alter {
            round,
            to: 1,
            how,
            done: AtomicU32::new(0),
        });
        let filter: Arc<dyn FrameFilter> = liar.clone();
        let attempt = Attempt {
            liar: Some((3, filter)),
            ..Attempt::of_all(attempt)
        };
        let number = attempt.number;
        let outcomes = running.session(attempt, |party| task(party, None)).await?;
        assert_eq!(liar.done.load(Ordering::Relaxed), 1, "round {round} exists");
        assert!(names(&outcomes[1], 3), "case {number}: {:?}", outcomes[1]);
        let ready = outcomes
            .iter()
            .filter(|o| matches!(o, Outcome::Ready(_)))
            .cloned();
        agreed(&ready.collect::<Vec<_>>())?;
    }
    Ok(())
}

/// A defect ends one attempt, and the log hears of it.
#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_panics_has_stopped() -> TestResult {
    let running = Running::start().await?;
    let filter = Arc::new(Alter {
        round: 3,
        to: 1,
        how: |_| panic!("a defect"),
        done: AtomicU32::new(0),
    });
    let attempt = Attempt {
        liar: Some((3, filter)),
        ..Attempt::of_all(0)
    };
    let outcomes = running.session(attempt, |party| task(party, None)).await?;
    assert_eq!(outcomes[3], Outcome::Stopped(StopReason::Local));
    assert!(outcomes[..3].iter().all(|outcome| names(outcome, 3)));
    Ok(())
}

/// Notes the sizes of all frames.
#[derive(Default)]
struct Note(Mutex<Vec<(u32, u8, usize)>>);

impl FrameFilter for Note {
    fn outgoing(&self, place: OutgoingFrame, frame: Vec<u8>) -> Option<Vec<u8>> {
        let mut sizes = self.0.lock().unwrap_or_else(|e| e.into_inner());
        sizes.push((place.round, place.to, frame.len()));
        Some(frame)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_filter_sees_one_frame_for_each_round_and_peer() -> TestResult {
    let running = Running::start().await?;
    let note = Arc::new(Note::default());
    let filter: Arc<dyn FrameFilter> = note.clone();
    let attempt = Attempt {
        liar: Some((2, filter)),
        ..Attempt::of_all(0)
    };
    running.session(attempt, |party| task(party, None)).await?;
    let sizes = note.0.lock().unwrap_or_else(|e| e.into_inner()).clone();
    let rounds = sizes.last().ok_or("frames")?.0;
    let places: Vec<_> = sizes.iter().map(|(round, to, _)| (*round, *to)).collect();
    let expected: Vec<_> = (0..=rounds)
        .flat_map(|round| [0, 1, 3].map(|to| (round, to)))
        .collect();
    assert_eq!(places, expected);
    let sent = &running.nodes[2].network.sessions().metrics().session_sent;
    let frames: usize = sizes
        .iter()
        .filter(|(_, to, _)| *to == 0)
        .map(|s| s.2 + 8)
        .sum();
    assert!(sent[0].get() >= frames as u64, "bytes are counted");
    assert_eq!(sent[2].get(), 0);
    Ok(())
}
