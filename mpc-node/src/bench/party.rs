//! One party of a benchmark, in a process of its own. It speaks with its parent in lines of JSON.

use std::{
    io::{BufRead as _, Write as _},
    sync::Arc,
    time::{Duration, Instant},
};

use alloy_primitives::B256;
use mpc_engine::{Opened, SessionBinding, local};
use rustix::time::{ClockId, clock_gettime};
use serde::{Serialize, de::DeserializeOwned};
use tokio::{net::TcpListener, runtime::Runtime, time::timeout};
use tokio_util::sync::CancellationToken;
use wire::limits::NODES;

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

/// Takes part in one benchmark, as standard input says.
///
/// # Errors
/// [`BenchError`].
pub fn run() -> Result<(), BenchError> {
    let job: Job = hear()?;
    let workload = workload::find(&job.workload);
    let workload = workload.ok_or_else(|| BenchError::NoSuchWorkload(job.workload.clone()))?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?;
    let sessions = listen(&runtime, job.me)?;
    let introductions: Introductions =
        std::array::from_fn(|peer| sessions.introduction(u8::try_from(peer).unwrap_or(u8::MAX)));
    tell(&introductions)?;
    let contacts: [Contact; NODES] = hear()?;

    let program = Arc::new(workload.program(job.count)?);
    let shares = {
        let columns = workload.columns(&program, job.seed);
        let mut shares = local::deal(&program, &columns, job.seed)?.into_iter();
        let mine = shares.nth(usize::from(job.me));
        mine.ok_or(BenchError::Ended(job.me))?
    };
    forget_peak();
    for (peer, contact) in (0u8..).zip(contacts) {
        sessions.meet(peer, contact.address, contact.introduction);
    }

    let stopped = |outcome: crate::session::Outcome| BenchError::Stopped {
        me: job.me,
        outcome: format!("{outcome:?}"),
    };
    let mut links = connect(&runtime, &sessions, job.me).map_err(stopped)?;
    let binding = SessionBinding {
        chain_id: 0,
        epoch: 0,
        computation: [0; 32],
        attempt: 0,
    };
    let driver = Driver::start(job.me, binding, program, shares, &mut links);
    let mut driver = driver.map_err(|reason| stopped(reason.into()))?;
    let (mut began, mut cpu) = (Instant::now(), cpu_seconds());
    let (opened, rounds): (Opened, u32) = loop {
        let rounds = driver.rounds() + 1;
        match driver.round(&mut links).map_err(stopped)? {
            Progress::Running(next) => driver = next,
            Progress::Done(opened) => break (opened, rounds),
        }
        if rounds == SETUP_ROUNDS {
            (began, cpu) = (Instant::now(), cpu_seconds());
        }
    };
    let measured = Measured {
        seconds: began.elapsed().as_secs_f64(),
        cpu_seconds: cpu_seconds() - cpu,
        rounds,
        sent: totals(&sessions.metrics().session_sent),
        rss_bytes: peak_bytes(),
        opened: opened.encoded().to_vec(),
    };
    links.close(runtime.handle(), true);
    tell(&measured)?;
    // The last frames are delivered; the parent ends this process by its standard input.
    let _ = std::io::stdin().lock().read_line(&mut String::new());
    Ok(())
}

fn listen(runtime: &Runtime, me: u8) -> Result<SessionLinks, BenchError> {
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
    let port = listener.local_addr()?.port();
    let sessions = SessionLinks::new(me, port, Arc::new(Metrics::new()))?;
    runtime.spawn(sessions.clone().accept(listener));
    Ok(sessions)
}

fn connect(
    runtime: &Runtime,
    sessions: &SessionLinks,
    me: u8,
) -> Result<Links, crate::session::Outcome> {
    let id = SessionId {
        computation: B256::ZERO,
        attempt: 0,
    };
    let exchange = Exchange {
        sessions: sessions.clone(),
        round_timeout: PATIENCE,
        filter: Arc::new(Honest),
    };
    let linking = (0..4u8).filter(|peer| *peer != me).map(|peer| async move {
        let linked = timeout(PATIENCE, sessions.link(peer, id)).await;
        let silence = wire::node_transaction::StopReason::Silence { peer };
        linked
            .map(|connection| (peer, connection))
            .map_err(|_| silence)
    });
    let connections = runtime.block_on(futures::future::try_join_all(linking))?;
    let token = CancellationToken::new();
    Ok(Links::new(
        id,
        connections,
        &exchange,
        token,
        runtime.handle(),
    )?)
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
