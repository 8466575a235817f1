//! Four workers over real swarms on loopback.

use std::{
    error::Error,
    sync::{
        Mutex,
        atomic::{AtomicU32, Ordering},
        mpsc,
    },
};

use alloy_primitives::B256;
use mpc_engine::{ColumnId, ProgramBuilder};
use wire::{
    kind::{Field, Kind},
    limits::NODES,
    sealed::{Seal, Seed},
    secret::Op,
};

use super::*;
use crate::{
    filter::{FrameFilter, Honest, OutgoingFrame},
    network::tests::{Cluster, Node, PATIENCE, TestResult},
};

const ROUND: Duration = Duration::from_millis(700);

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

fn ballot_type() -> InputType {
    InputType {
        name: "Ballot".into(),
        fields: vec![Field {
            name: "choice".into(),
            kind: Kind::U8,
            len: 1,
        }],
    }
}

/// A ballot as the workers use it: its masked value and the seeds of one party.
fn ballot(number: u8, choice: u8) -> (Arc<SealedInput>, impl Fn(u8) -> HeldSeeds) {
    let seed = move |component: u8| Seed::new([number.wrapping_mul(4) + component; 32]);
    let masked = (0..4).fold(choice, |x, c| x.wrapping_sub(seed(c).keystream(1)[0]));
    let seal = || Seal {
        encapsulated: B256::ZERO,
        ciphertext: Vec::new(),
    };
    let sealed = SealedInput {
        masked: vec![masked],
        commitments: [B256::ZERO; NODES],
        seals: [seal(), seal(), seal(), seal()],
    };
    let held = move |party: u8| {
        std::array::from_fn(|c| {
            let component = u8::try_from(c).unwrap_or(u8::MAX);
            (component != party).then(|| seed(component))
        })
    };
    (Arc::new(sealed), held)
}

struct Running {
    nodes: Vec<Node>,
    cluster: Cluster,
}

impl Running {
    async fn start() -> Result<Self, Box<dyn Error>> {
        let cluster = Cluster::new()?;
        let mut nodes = Vec::new();
        for party in 0..4 {
            nodes.push(cluster.start(party).await?);
        }
        nodes[0].wait_up(1).await?;
        Ok(Self { nodes, cluster })
    }

    /// Runs a session with these parties, one of which may have a filter, and tells how it ended
    /// at each.
    async fn session(
        &self,
        attempt: u32,
        parties: &[u8],
        liar: Option<(u8, Arc<dyn FrameFilter>)>,
    ) -> Result<Vec<Outcome>, Box<dyn Error>> {
        let choices = [1, 0, 1, 7, 1];
        let program = Arc::new(program(choices.len())?);
        let id = SessionId {
            computation: B256::repeat_byte(3),
            attempt,
        };
        let (sender, outcomes) = mpsc::channel();
        for party in parties {
            let filter: Arc<dyn FrameFilter> = match &liar {
                Some((liar, filter)) if liar == party => filter.clone(),
                _ => Arc::new(Honest),
            };
            let workers = Workers {
                membership: self.cluster.membership(usize::from(*party))?,
                exchange: Exchange {
                    sessions: self.nodes[usize::from(*party)].network.sessions().clone(),
                    round_timeout: ROUND,
                    filter,
                },
                runtime: Handle::current(),
            };
            let ballots = (0u8..)
                .zip(choices)
                .map(|(number, choice)| ballot(number, choice));
            let (inputs, held): (Vec<_>, Vec<_>) = ballots
                .map(|(sealed, held)| ((0, sealed), Some(held(*party))))
                .unzip();
            let (answer, seeds) = oneshot::channel();
            answer.send(held).map_err(|_| "the receiver is here")?;
            let assignment = Assignment {
                id,
                delay: Duration::ZERO,
                program: program.clone(),
                inputs,
                types: vec![(0, ballot_type())],
                seeds,
            };
            let (party, sender) = (*party, sender.clone());
            workers.start(assignment, CancellationToken::new(), move |_, outcome| {
                let _ = sender.send((party, outcome));
            })?;
        }
        let count = parties.len();
        let collecting = tokio::task::spawn_blocking(move || {
            let mut ended = Vec::new();
            for _ in 0..count {
                ended.push(outcomes.recv_timeout(PATIENCE).map_err(|e| e.to_string())?);
            }
            ended.sort_by_key(|(party, _)| *party);
            Ok::<_, String>(ended.into_iter().map(|(_, outcome)| outcome).collect())
        });
        Ok(collecting.await??)
    }
}

/// Whether a stop names this party, if it names anybody.
fn names(outcome: &Outcome, party: u8) -> bool {
    match outcome {
        Outcome::Stopped(StopReason::Silence { peer } | StopReason::BadFrame { peer }) => {
            *peer == party
        }
        Outcome::Stopped(StopReason::Mismatch { pair }) => pair.contains(&party),
        _ => false,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn four_honest_workers_agree_on_the_result() -> TestResult {
    let running = Running::start().await?;
    let outcomes = running.session(0, &[0, 1, 2, 3], None).await?;
    let expected = Outcome::Done(Bytes::copy_from_slice(&3u64.to_le_bytes()));
    assert_eq!(outcomes, vec![expected; 4]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_is_not_there_is_silent() -> TestResult {
    let running = Running::start().await?;
    let outcomes = running.session(0, &[0, 1, 3], None).await?;
    let silence = Outcome::Stopped(StopReason::Silence { peer: 2 });
    assert_eq!(outcomes, vec![silence; 3]);
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
        let outcomes = running
            .session(attempt, &[0, 1, 2, 3], Some((3, filter)))
            .await?;
        assert_eq!(liar.done.load(Ordering::Relaxed), 1, "round {round} exists");
        assert!(names(&outcomes[1], 3), "case {attempt}: {:?}", outcomes[1]);
        let wrong = |outcome: &Outcome| matches!(outcome, Outcome::Done(opened) if opened[..] != 3u64.to_le_bytes());
        assert!(!outcomes.iter().any(wrong), "case {attempt}: {outcomes:?}");
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
    let outcomes = running.session(0, &[0, 1, 2, 3], Some((3, filter))).await?;
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
    running.session(0, &[0, 1, 2, 3], Some((2, filter))).await?;
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
