//! Whether the time that a party takes depends on secrets: `cargo bench -p mpc-engine --bench timing
//! -- --samples 2000 mul`.
//!
//! As in Reparaz, Balasch, Verbauwhede, "Dude, is my code constant time?", DATE 2017: the same
//! program runs on secrets of one of two classes, all zero or random, drawn anew for each run; then
//! Welch's t-test compares the times of the classes, all of them and those below percentiles, since
//! what is far up is the machine's doing. Shares are dealt with fresh randomness, so that a party's
//! are uniform in both classes: what is left to leak is how the protocol treats them. It tells, and
//! never fails: a loaded machine proves nothing.

#![expect(clippy::unwrap_used, reason = "a benchmark stops when something fails")]

use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, Instant},
};

use mpc_engine::{
    ColumnId, Frames, PartyInputs, Program, ProgramBuilder, Session, SessionBinding, Step, Task,
    local,
};
use rand::{Rng as _, RngExt as _};
use rustix::time::{ClockId, clock_gettime};
use wire::{kind::Kind, secret::Op};
use zeroize::Zeroizing;

/// More is taken for evidence of a leak.
const THRESHOLD: f64 = 4.5;
/// Time for each program, unless a number of samples is asked for.
const TIME: Duration = Duration::from_secs(8);
/// Runs that are not counted, while caches and memory settle.
const WARM_UP: usize = 20;
/// Shares of the samples, the fastest ones, that are compared.
const PERCENTILES: [usize; 5] = [100, 99, 90, 75, 50];
/// The party whose time is measured.
const MEASURED: usize = 0;

/// Time that this thread has had of a processor.
fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::try_from(time).unwrap_or_default()
}

const fn column(field: u32) -> ColumnId {
    ColumnId {
        input_type: 0,
        field,
        element: 0,
    }
}

/// One operation on columns of these kinds; one element is opened, for something must be.
fn program(op: Op, kinds: &[Kind], len: usize) -> Program {
    let mut builder = ProgramBuilder::new();
    let columns: Vec<_> = (0..)
        .zip(kinds)
        .map(|(field, kind)| builder.input(column(field), *kind, len).unwrap())
        .collect();
    let result = builder.apply(op, &columns, 0).unwrap();
    let first = builder.apply(Op::Slice, &[result], 1).unwrap();
    builder.reveal(first).unwrap();
    builder.finish().unwrap()
}

/// Runs the program once; the time that one party's steps took.
fn run(program: &Arc<Program>, inputs: [PartyInputs; 4]) -> Duration {
    let mut sent: [VecDeque<Frames>; 4] = Default::default();
    let mut sessions = Vec::with_capacity(4);
    for (me, inputs) in inputs.into_iter().enumerate() {
        let binding = SessionBinding {
            chain_id: 1,
            epoch: 1,
            computation: [1; 32],
            attempt: 0,
            absent: None,
            nonces: [[1; 32]; 4],
        };
        let mut entropy = Zeroizing::new([0; 32]);
        rand::rng().fill_bytes(&mut *entropy);
        let (session, frames) = Session::start(
            me as u8,
            binding,
            Task::open(program.clone(), inputs),
            entropy,
        )
        .unwrap();
        sessions.push(session);
        sent[me].push_back(frames);
    }
    let mut taken = Duration::ZERO;
    while !sessions.is_empty() {
        let mut round: [Frames; 4] = std::array::from_fn(|me| sent[me].pop_front().unwrap());
        let mut next = Vec::with_capacity(4);
        for (me, session) in sessions.into_iter().enumerate() {
            let frames = std::array::from_fn(|from| std::mem::take(&mut round[from][me]));
            let start = processor_time();
            let step = session.step(frames).unwrap();
            if me == MEASURED {
                taken += processor_time().saturating_sub(start);
            }
            if let Step::Continue(session, rounds) = step {
                sent[me].extend(rounds);
                next.push(session);
            }
        }
        sessions = next;
    }
    taken
}

/// Mean, variance of the mean.
fn moments(times: &[f64]) -> (f64, f64) {
    let count = times.len() as f64;
    let mean = times.iter().sum::<f64>() / count;
    let squares: f64 = times.iter().map(|time| (time - mean).powi(2)).sum();
    (mean, squares / (count - 1.0) / count)
}

/// Welch's t of two samples; 0 where there are too few.
fn welch(a: &[f64], b: &[f64]) -> f64 {
    if a.len() < 2 || b.len() < 2 {
        return 0.0;
    }
    let ((mean_a, a), (mean_b, b)) = (moments(a), moments(b));
    let deviation = (a + b).sqrt();
    if deviation == 0.0 {
        0.0
    } else {
        (mean_a - mean_b) / deviation
    }
}

/// The t that is farthest from 0, over the fastest of all samples at each percentile.
fn worst(samples: &[(bool, f64)]) -> f64 {
    let mut times: Vec<f64> = samples.iter().map(|(_, time)| *time).collect();
    times.sort_by(f64::total_cmp);
    let t = |percent: usize| {
        let slowest = times[(times.len() * percent / 100).max(1) - 1];
        let of_class = |class: bool| -> Vec<f64> {
            let kept = samples.iter().filter(|s| s.0 == class && s.1 <= slowest);
            kept.map(|(_, time)| *time).collect()
        };
        welch(&of_class(false), &of_class(true))
    };
    let all = PERCENTILES.into_iter().map(t);
    all.max_by(|a, b| a.abs().total_cmp(&b.abs()))
        .unwrap_or(0.0)
}

fn measure(what: &str, wanted: Option<usize>, program: Program) {
    let start = Instant::now();
    let mut random = rand::rng();
    let program = Arc::new(program);
    let mut samples = Vec::new();
    for number in 0.. {
        let enough = match wanted {
            Some(wanted) => samples.len() >= wanted,
            None => start.elapsed() >= TIME,
        };
        if enough {
            break;
        }
        let class: bool = random.random();
        // Both classes draw as much, so that what happens before a run does not tell them apart.
        let columns: Vec<Vec<u128>> = program
            .columns()
            .iter()
            .map(|column| {
                let mask = if class { column.kind.mask() } else { 0 };
                let mut value = || u128::from(random.next_u64()) & mask;
                (0..column.len).map(|_| value()).collect()
            })
            .collect();
        let inputs = local::deal(&program, &columns, random.next_u64()).unwrap();
        let time = run(&program, inputs);
        if number >= WARM_UP {
            samples.push((class, time.as_nanos() as f64));
        }
    }
    if samples.is_empty() {
        println!("{what:<8} no samples in the time");
        return;
    }
    let t = worst(&samples);
    let verdict = if t.abs() < THRESHOLD {
        "no evidence of a leak"
    } else {
        "EVIDENCE OF A LEAK, or of a busy machine: run it again"
    };
    let count = samples.len();
    let microseconds = samples.iter().map(|(_, time)| time).sum::<f64>() / count as f64 / 1e3;
    println!("{what:<8} t = {t:>6.2}  {count:>6} samples of {microseconds:>7.0} µs  {verdict}");
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let (mut wanted, mut only) = (None, None);
    while let Some(argument) = arguments.next() {
        if argument == "--samples" {
            wanted = arguments.next().and_then(|number| number.parse().ok());
        } else if !argument.starts_with('-') {
            only = Some(argument);
        }
    }
    println!("time of one party on secrets that are all zero, and random: |t| < {THRESHOLD}?\n");
    let (byte, word) = (Kind::U8, Kind::U64);
    for (what, op, kinds, len) in [
        ("mul", Op::Mul, &[word, word][..], 512),
        ("lt", Op::Lt, &[word, word], 512),
        ("eq", Op::Eq, &[word, word], 512),
        ("div", Op::Div, &[byte, byte], 256),
        ("select", Op::Select, &[Kind::Bool, word, word], 512),
        ("sort", Op::Sort, &[byte], 256),
    ] {
        if only
            .as_ref()
            .is_none_or(|only| what.contains(only.as_str()))
        {
            measure(what, wanted, program(op, kinds, len));
        }
    }
}
