//! Operations per second of four parties, each a thread, over loopback TCP: `cargo bench -p
//! mpc-engine`. Connections are plain: what is measured is the engine and its traffic.

#![expect(clippy::unwrap_used, reason = "a benchmark stops when something fails")]

use std::{
    io::{IoSlice, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::{Arc, Barrier, mpsc},
    thread,
    time::{Duration, Instant},
};

use mpc_engine::{
    ColumnId, Frames, PartyInputs, Program, ProgramBuilder, Session, SessionBinding, Step, Task,
    ValueId, local,
};
use rand::Rng as _;
use wire::{kind::Kind, secret::Op};
use zeroize::Zeroizing;

/// One party's links: a thread writes to each peer, the party itself reads.
struct Links {
    readers: [Option<TcpStream>; 4],
    writers: [Option<Writer>; 4],
}

/// Takes frames to write, and gives them back for others to be read into.
struct Writer {
    frames: mpsc::Sender<Vec<u8>>,
    written: mpsc::Receiver<Vec<u8>>,
}

impl Links {
    fn send(&self, frames: Frames) {
        for (writer, frame) in self.writers.iter().zip(frames) {
            if let Some(writer) = writer {
                writer.frames.send(frame).unwrap();
            }
        }
    }

    fn receive(&mut self) -> Frames {
        let mut frames = Frames::default();
        let links = self.readers.iter_mut().zip(&self.writers);
        for ((reader, writer), frame) in links.zip(&mut frames) {
            if let (Some(reader), Some(writer)) = (reader, writer) {
                let mut length = [0; 4];
                reader.read_exact(&mut length).unwrap();
                let length = u32::from_le_bytes(length) as usize;
                *frame = writer.written.try_recv().unwrap_or_default();
                frame.clear();
                frame.reserve_exact(length);
                let read = reader.take(length as u64).read_to_end(frame).unwrap();
                assert_eq!(read, length);
            }
        }
        frames
    }
}

/// Connects every pair.
fn connect() -> [Links; 4] {
    let mut links: [Links; 4] = std::array::from_fn(|_| Links {
        readers: [const { None }; 4],
        writers: [const { None }; 4],
    });
    for a in 0..4 {
        for b in a + 1..4 {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let there = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            let here = listener.accept().unwrap().0;
            for (me, peer, stream) in [(a, b, here), (b, a, there)] {
                stream.set_nodelay(true).unwrap();
                links[me].readers[peer] = Some(stream.try_clone().unwrap());
                links[me].writers[peer] = Some(writer(stream));
            }
        }
    }
    links
}

fn writer(mut stream: TcpStream) -> Writer {
    let (sender, frames) = mpsc::channel::<Vec<u8>>();
    let (give_back, written) = mpsc::channel();
    thread::spawn(move || {
        for frame in frames {
            let length = (frame.len() as u32).to_le_bytes();
            let parts = [IoSlice::new(&length), IoSlice::new(&frame)];
            let Ok(sent) = stream.write_vectored(&parts) else {
                return;
            };
            let (in_length, in_frame) = (sent.min(4), sent.saturating_sub(4));
            if stream.write_all(&length[in_length..]).is_err()
                || stream.write_all(&frame[in_frame..]).is_err()
            {
                return;
            }
            // Nobody may wait for it any more.
            drop(give_back.send(frame));
        }
    });
    Writer {
        frames: sender,
        written,
    }
}

/// What running the program took.
#[derive(Clone, Copy, Default)]
struct Taken {
    time: Duration,
    /// Of all threads; where the system tells it.
    processor: Duration,
}

/// Processor time that the threads of this process have had so far, those that ended left out.
fn processor_time() -> Duration {
    let tasks = std::fs::read_dir("/proc/self/task");
    let nanoseconds = tasks.into_iter().flatten().flatten().filter_map(|task| {
        let schedule = std::fs::read_to_string(task.path().join("schedstat")).ok()?;
        schedule.split(' ').next()?.parse::<u64>().ok()
    });
    Duration::from_nanos(nanoseconds.sum())
}

/// One party's whole session; returns what the program itself took.
fn run_party(
    me: u8,
    mut links: Links,
    program: Arc<Program>,
    inputs: PartyInputs,
    all: &Barrier,
) -> (Taken, Vec<u8>) {
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
    let (mut session, frames) =
        Session::start(me, binding, Task::open(program, inputs), entropy).unwrap();
    links.send(frames);
    let (mut start, mut processor) = (Instant::now(), Duration::ZERO);
    for round in 0.. {
        // The step that sets up the last keys also begins the program.
        if round == 2 {
            all.wait();
            (start, processor) = (Instant::now(), processor_time());
        }
        match session.step(links.receive()).unwrap() {
            Step::Continue(next, rounds) => {
                session = next;
                rounds.into_iter().for_each(|frames| links.send(frames));
            }
            Step::Done(outcome) => {
                let opened = outcome.into_opened().unwrap();
                all.wait();
                let taken = Taken {
                    time: start.elapsed(),
                    processor: processor_time().saturating_sub(processor),
                };
                all.wait();
                return (taken, opened.encoded().to_vec());
            }
        }
    }
    (Taken::default(), Vec::new())
}

fn measure(what: &str, unit: &str, operations: u64, program: Program) {
    let wanted = std::env::args()
        .nth(1)
        .filter(|wanted| !wanted.starts_with('-'));
    if wanted.is_some_and(|wanted| !what.contains(&wanted)) {
        return;
    }
    let mut random = rand::rng();
    let columns: Vec<Vec<u128>> = program
        .columns()
        .iter()
        .map(|c| {
            (0..c.len)
                .map(|_| u128::from(random.next_u64()) & c.kind.mask())
                .collect()
        })
        .collect();
    let plan = program.plan();
    let program = Arc::new(program);
    let inputs = local::deal(&program, &columns, random.next_u64()).unwrap();
    drop(columns);
    let all = Arc::new(Barrier::new(4));
    let parties: Vec<_> = (0..)
        .zip(connect())
        .zip(inputs)
        .map(|((me, links), inputs)| {
            let (program, all) = (program.clone(), all.clone());
            thread::spawn(move || run_party(me, links, program, inputs, &all))
        })
        .collect();
    let results: Vec<_> = parties
        .into_iter()
        .map(|party| party.join().unwrap())
        .collect();
    assert!(results.iter().all(|(_, opened)| *opened == results[0].1));
    let seconds = results
        .iter()
        .map(|(taken, _)| taken.time.as_secs_f64())
        .fold(0.0, f64::max);
    let processor = results[0].0.processor.as_nanos() as f64 / operations as f64;
    let sent: Vec<f64> = (0..4)
        .map(|party| plan.sent_by(party) as f64 / operations as f64)
        .collect();
    println!(
        "{what:<34} {:>12.0} {unit}/s  {seconds:>7.3} s  {processor:>10.3} ns of processor \
         time per {unit}  {:>5} rounds  bytes per party and {unit}: {:.3} {:.3} {:.3} {:.3}",
        operations as f64 / seconds,
        plan.rounds,
        sent[0],
        sent[1],
        sent[2],
        sent[3],
    );
}

const fn column(field: u32) -> ColumnId {
    ColumnId {
        input_type: 0,
        field,
        element: 0,
    }
}

/// `times` times the operation: on two columns first, then on what came out and the second column.
fn repeated(op: Op, kind: Kind, len: usize, times: usize) -> Program {
    let mut builder = ProgramBuilder::new();
    let mut a = builder.input(column(0), kind, len).unwrap();
    let b = builder.input(column(1), kind, len).unwrap();
    for _ in 0..times {
        a = builder.apply(op, &[a, b], 0).unwrap();
    }
    let first = builder.apply(Op::Slice, &[a], 1).unwrap();
    builder.reveal(first).unwrap();
    builder.finish().unwrap()
}

/// A chain of products, each of one element.
fn chain(length: usize) -> Program {
    let mut builder = ProgramBuilder::new();
    let a = builder.input(column(0), Kind::U64, 1).unwrap();
    let mut product = a;
    for _ in 0..length {
        product = builder.apply(Op::Mul, &[product, a], 0).unwrap();
    }
    builder.reveal(product).unwrap();
    builder.finish().unwrap()
}

/// How often each of three choices was made.
fn tally(ballots: usize) -> Program {
    let mut builder = ProgramBuilder::new();
    let choices = builder.input(column(0), Kind::U8, ballots).unwrap();
    let counts: Vec<ValueId> = (0..3)
        .map(|choice| {
            let choice = builder.constant(Kind::U8, choice, 1).unwrap();
            let same = builder.apply(Op::Eq, &[choices, choice], 0).unwrap();
            builder.apply(Op::Count, &[same], 0).unwrap()
        })
        .collect();
    for count in counts {
        builder.reveal(count).unwrap();
    }
    builder.finish().unwrap()
}

/// Measures everything, or what has the first argument in its name.
fn main() {
    println!("four parties as threads over loopback TCP\n");
    let (million, k) = (1_000_000, 1_000);
    let multiplications = repeated(Op::Mul, Kind::U64, 1_000_000, 10);
    measure(
        "multiplication, 64 bit",
        "op",
        10 * million,
        multiplications,
    );
    let comparisons = repeated(Op::Lt, Kind::U64, 1_000_000, 1);
    measure("x < y, 64 bit, full range", "op", million, comparisons);
    let comparisons = repeated(Op::Lt, Kind::U32, 200_000, 1);
    measure("x < y, 32 bit, full range", "op", 200 * k, comparisons);
    let equalities = repeated(Op::Eq, Kind::U64, 200_000, 1);
    measure("x = y, 64 bit", "op", 200 * k, equalities);
    let ands = repeated(Op::And, Kind::Bool, 8_000_000, 8);
    measure("and", "op", 64 * million, ands);
    measure("dependent multiplications", "round", 1000, chain(1000));
    measure(
        "tally of ballots, 3 choices",
        "ballot",
        million,
        tally(1_000_000),
    );
}
