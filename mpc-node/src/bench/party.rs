//! One party of a benchmark, in a process of its own. It speaks with its parent in lines of JSON.

use std::{
    io::{BufRead as _, Write as _},
    sync::Arc,
    time::{Duration, Instant},
};

use alloy_primitives::B256;
use mpc_engine::{
    Amounts, Ending, LotShares, Outcome, Program, Ranges, ReserveShares, SessionBinding, Task,
    local,
};
use rustix::time::{ClockId, clock_gettime};
use serde::{Serialize, de::DeserializeOwned};
use tokio::{net::TcpListener, runtime::Runtime, time::timeout};
use tokio_util::sync::CancellationToken;
use wire::limits::{LOT_BITS, LOT_R64, LOT_R128, LOT_SEEDS, NODES};

use super::{BenchError, Contact, Introductions, Job, Measured, workload};
use crate::{
    filter::Honest,
    metrics::{Metrics, totals},
    session::{
        driver::{Driver, Progress},
        exchange::{Exchange, Links},
    },
    transport::sessions::{SessionId, SessionLinks},
};

/// Patience with the other parties: they may be slow, but they are honest.
const PATIENCE: Duration = Duration::from_secs(600);
/// Rounds that agree on the session's keys.
const SETUP_ROUNDS: u32 = 3;
/// A lot of the reserve, as nodes make them.
const LOT: Amounts = Amounts {
    bits: LOT_BITS,
    r64: LOT_R64,
    r128: LOT_R128,
    seeds: LOT_SEEDS,
};
/// The most that is made in one session for a workload.
const BATCH: Amounts = Amounts {
    bits: 8 * LOT_BITS,
    r64: 32 * LOT_R64,
    r128: 32 * LOT_R128,
    seeds: 0,
};

/// Takes part in one benchmark, as standard input says.
///
/// # Errors
/// [`BenchError`].
pub fn run() -> Result<(), BenchError> {
    let job: Job = hear()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?;
    let sessions = listen(&runtime, job.me)?;
    let introductions: Introductions =
        std::array::from_fn(|peer| sessions.introduction(u8::try_from(peer).unwrap_or(u8::MAX)));
    tell(&introductions)?;
    let contacts: [Contact; NODES] = hear()?;
    for (peer, contact) in (0u8..).zip(contacts) {
        sessions.meet(peer, contact.address, contact.introduction);
    }
    let mut party = Party {
        me: job.me,
        runtime,
        sessions,
        attempt: 0,
    };
    let measured = if job.workload == workload::RESERVE {
        party.make_lots(job.count)?
    } else {
        party.compute(&job)?
    };
    tell(&measured)?;
    // The last frames are delivered; the parent ends this process by its standard input.
    let _ = std::io::stdin().lock().read_line(&mut String::new());
    Ok(())
}

/// One party, and how many sessions it has had.
struct Party {
    me: u8,
    runtime: Runtime,
    sessions: SessionLinks,
    attempt: u32,
}

/// What a session took.
struct Ran {
    rounds: u32,
    /// Without set-up.
    seconds: f64,
    cpu_seconds: f64,
}

impl Party {
    /// Runs a workload, with a reserve that is made first if a party is absent.
    fn compute(&mut self, job: &Job) -> Result<Measured, BenchError> {
        let workload = workload::find(&job.workload);
        let workload = workload.ok_or_else(|| BenchError::NoSuchWorkload(job.workload.clone()))?;
        let program = Arc::new(workload.program(job.count)?);
        let mut measured = Measured::default();
        let reserve = match job.absent {
            Some(_) => Some(self.make_reserve(&program, &mut measured)?),
            None => None,
        };
        if job.absent == Some(self.me) {
            return Ok(measured);
        }
        let inputs = {
            let columns = workload.columns(&program, job.seed);
            let mut shares = local::deal(&program, &columns, job.seed)?.into_iter();
            let mine = shares.nth(usize::from(self.me));
            mine.ok_or(BenchError::Ended(self.me))?
        };
        let task = Task::Compute {
            program,
            inputs,
            seeds: None,
            reserve,
            ending: Ending::Open,
        };
        forget_peak();
        let before = totals(&self.sessions.metrics().session_sent);
        let (outcome, ran) = self.session(job.absent, task)?;
        let opened = outcome.into_opened();
        let opened = opened.ok_or(BenchError::Wrong(self.me))?;
        Ok(Measured {
            seconds: ran.seconds,
            cpu_seconds: ran.cpu_seconds,
            rounds: ran.rounds,
            sent: self.sent_since(before),
            rss_bytes: peak_bytes(),
            opened: opened.encoded().to_vec(),
            ..measured
        })
    }

    /// Makes what a program needs of the reserve, and times it.
    fn make_reserve(
        &mut self,
        program: &Program,
        measured: &mut Measured,
    ) -> Result<ReserveShares, BenchError> {
        let mut shares = ReserveShares::new(self.me);
        let mut left = program.reserve_need();
        while !left.is_empty() {
            let amounts = Amounts {
                bits: left.bits.min(BATCH.bits),
                r64: left.r64.min(BATCH.r64),
                r128: left.r128.min(BATCH.r128),
                seeds: 0,
            };
            left = left.minus(&BATCH);
            left.seeds = 0;
            let (ran, lot) = self.make(amounts)?;
            let components = [0, 1, 2, 3].map(|c| lot.component(c));
            shares.push(&amounts, &Ranges::all(&amounts), components)?;
            measured.reserve_seconds += ran.seconds;
            measured.reserve_bytes += amounts.component_bytes();
            measured.hashes = lot.hashes();
        }
        Ok(shares)
    }

    /// Makes lots, one after another, and times it.
    fn make_lots(&mut self, count: usize) -> Result<Measured, BenchError> {
        forget_peak();
        let mut measured = Measured::default();
        for _ in 0..count {
            let (ran, lot) = self.make(LOT)?;
            measured.seconds += ran.seconds;
            measured.cpu_seconds += ran.cpu_seconds;
            measured.rounds += ran.rounds;
            measured.hashes = lot.hashes();
        }
        measured.sent = self.sent_since([0; NODES]);
        measured.rss_bytes = peak_bytes();
        Ok(measured)
    }

    fn make(&mut self, amounts: Amounts) -> Result<(Ran, LotShares), BenchError> {
        let (outcome, ran) = self.session(None, Task::Produce { amounts })?;
        match outcome {
            Outcome::Made(lot) => Ok((ran, lot)),
            _ => Err(BenchError::Wrong(self.me)),
        }
    }

    /// One session with the other parties, but for the absent.
    fn session(&mut self, absent: Option<u8>, task: Task) -> Result<(Outcome, Ran), BenchError> {
        let me = self.me;
        let stopped = |outcome: crate::session::Outcome| BenchError::Stopped {
            me,
            outcome: format!("{outcome:?}"),
        };
        let id = SessionId {
            job: B256::ZERO,
            attempt: self.attempt,
        };
        self.attempt += 1;
        let mut links = self.connect(id, absent).map_err(stopped)?;
        let nonce = |party| match absent {
            Some(absent) if absent == party => [0; 32],
            _ => [party + 1; 32],
        };
        let binding = SessionBinding {
            chain_id: 0,
            epoch: 0,
            computation: id.job.0,
            attempt: id.attempt,
            absent,
            nonces: [0, 1, 2, 3].map(nonce),
        };
        let driver = Driver::start(me, binding, task, &mut links);
        let mut driver = driver.map_err(|reason| stopped(reason.into()))?;
        let (mut began, mut cpu) = (Instant::now(), cpu_seconds());
        let (outcome, rounds) = loop {
            let rounds = driver.rounds() + 1;
            match driver.round(&mut links).map_err(stopped)? {
                Progress::Running(next) => driver = next,
                Progress::Done(outcome) => break (outcome, rounds),
            }
            if rounds == SETUP_ROUNDS {
                (began, cpu) = (Instant::now(), cpu_seconds());
            }
        };
        let (seconds, cpu_seconds) = (began.elapsed().as_secs_f64(), cpu_seconds() - cpu);
        links.close(self.runtime.handle(), true);
        let ran = Ran {
            rounds,
            seconds,
            cpu_seconds,
        };
        Ok((outcome, ran))
    }

    fn connect(&self, id: SessionId, absent: Option<u8>) -> Result<Links, crate::session::Outcome> {
        let exchange = Exchange {
            sessions: self.sessions.clone(),
            round_timeout: PATIENCE,
            filter: Arc::new(Honest),
        };
        let peers = (0..4u8).filter(|peer| *peer != self.me && Some(*peer) != absent);
        let linking = peers.map(|peer| async move {
            let linked = timeout(PATIENCE, self.sessions.link(peer, id)).await;
            let silence = wire::node_transaction::StopReason::Silence { peer };
            linked
                .map(|connection| (peer, connection))
                .map_err(|_| silence)
        });
        let connections = self
            .runtime
            .block_on(futures::future::try_join_all(linking))?;
        let token = CancellationToken::new();
        let handle = self.runtime.handle();
        Ok(Links::new(id, connections, &exchange, token, handle)?)
    }

    fn sent_since(&self, before: [u64; NODES]) -> [u64; NODES] {
        let now = totals(&self.sessions.metrics().session_sent);
        std::array::from_fn(|party| now[party] - before[party])
    }
}

fn listen(runtime: &Runtime, me: u8) -> Result<SessionLinks, BenchError> {
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
    let port = listener.local_addr()?.port();
    let sessions = SessionLinks::new(me, port, Arc::new(Metrics::new()))?;
    runtime.spawn(sessions.clone().accept(listener));
    Ok(sessions)
}

fn hear<T: DeserializeOwned>() -> Result<T, BenchError> {
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line)?;
    Ok(serde_json::from_str(&line)?)
}

fn tell(message: &impl Serialize) -> Result<(), BenchError> {
    let mut line = serde_json::to_string(message)?;
    line.push('\n');
    let mut output = std::io::stdout().lock();
    output.write_all(line.as_bytes())?;
    Ok(output.flush()?)
}

/// CPU time of this process, all threads.
fn cpu_seconds() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::try_from(time).unwrap_or_default().as_secs_f64()
}

/// Lets the peak of resident memory begin anew, where the system can.
fn forget_peak() {
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}

/// The peak of resident memory in bytes; 0 where the system does not tell.
fn peak_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok());
    kib.unwrap_or_default() * 1024
}
