//! What one party really takes: bytes on the heap while its session steps, against the plan.
//!
//! Its own binary with a single test, since it replaces the allocator. Four sessions step in turn in
//! one thread; the allocator counts for whoever steps. A frame belongs to the session that reads or
//! writes it, and to nobody while it is on the way.

#![allow(clippy::unwrap_used)]
#![expect(unsafe_code, reason = "a global allocator cannot be written without")]

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
    sync::Arc,
};

use mpc_engine::{
    Amounts, ColumnId, Ending, Frames, LotShares, Program, ProgramBuilder, Ranges, ReserveShares,
    Session, SessionBinding, Step, Task, local,
};
use wire::{kind::Kind, secret::Op};
use zeroize::Zeroizing;

struct Counting;

thread_local! {
    /// Bytes that this thread has taken more than given back, and the most of it so far.
    static LIVE: Cell<(i64, i64)> = const { Cell::new((0, 0)) };
}

fn count(bytes: i64) {
    // A thread that ends counts no more.
    let _ = LIVE.try_with(|live| {
        let (now, most) = live.get();
        live.set((now + bytes, most.max(now + bytes)));
    });
}

// SAFETY: the system's allocator does all the work, with the arguments as they come.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as i64);
        // SAFETY: the caller keeps the contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as i64);
        // SAFETY: the caller keeps the contract.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        count(-(layout.size() as i64));
        // SAFETY: the caller keeps the contract.
        unsafe { System.dealloc(memory, layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size as i64 - layout.size() as i64);
        // SAFETY: the caller keeps the contract.
        unsafe { System.realloc(memory, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// What a party holds and has held at most, in bytes.
#[derive(Clone, Copy, Default, Debug)]
struct Taken {
    held: i64,
    most: i64,
}

impl Taken {
    /// Counts for this party what `work` takes and gives back, and what comes in with it.
    fn during<T>(&mut self, brought: i64, work: impl FnOnce() -> T) -> T {
        let start = self.held + brought;
        LIVE.set((start, start));
        let result = work();
        let (held, most) = LIVE.get();
        self.held = held;
        self.most = self.most.max(most);
        result
    }
}

fn bytes_of(frames: &Frames) -> i64 {
    frames.iter().map(|frame| frame.capacity() as i64).sum()
}

/// Runs the program with all four parties; the most that any of them took, in bytes.
fn most_taken(program: Program) -> u64 {
    most_taken_without(None, program)
}

/// The same without a party, from the reserve.
fn most_taken_without(absent: Option<usize>, program: Program) -> u64 {
    let columns: Vec<Vec<u128>> = program
        .columns()
        .iter()
        .zip(3u128..)
        .map(|(c, seed)| {
            let values = 0..c.len as u128;
            values.map(|i| (i * 7919 * seed) & c.kind.mask()).collect()
        })
        .collect();
    let program = Arc::new(program);
    most_taken_by(absent, |me| {
        let all = local::deal(&program, &columns, 1).unwrap();
        Task::Compute {
            program: program.clone(),
            // Each has shares of its own: those that are dealt at once are views of the same memory.
            inputs: all.into_iter().nth(me.into()).unwrap(),
            seeds: None,
            reserve: absent.map(|_| dealt(&program, me)),
            ending: Ending::Open,
        }
    })
}

/// The most that a party takes, with what it brings to its task.
fn most_taken_by(absent: Option<usize>, task: impl Fn(u8) -> Task) -> u64 {
    let mut taken = [Taken::default(); 4];
    let live: Vec<usize> = (0..4).filter(|me| Some(*me) != absent).collect();
    let mut sessions = Vec::new();
    let mut sent: [std::collections::VecDeque<Frames>; 4] = Default::default();
    for me in live.iter().copied() {
        let task = taken[me].during(0, || task(me as u8));
        taken[me].most = taken[me].held;
        let binding = SessionBinding {
            chain_id: 1,
            epoch: 1,
            computation: [1; 32],
            attempt: 0,
            absent: absent.map(|absent| absent as u8),
            nonces: [[1; 32]; 4],
        };
        let entropy = Zeroizing::new([me as u8; 32]);
        let (session, frames) = taken[me].during(0, || {
            Session::start(me as u8, binding, task, entropy).unwrap()
        });
        taken[me].held -= bytes_of(&frames);
        sessions.push(session);
        sent[me].push_back(frames);
    }
    loop {
        let mut round: [Frames; 4] =
            std::array::from_fn(|me| sent[me].pop_front().unwrap_or_default());
        let mut next = Vec::new();
        for (me, session) in live.iter().copied().zip(sessions) {
            let frames: Frames = std::array::from_fn(|from| std::mem::take(&mut round[from][me]));
            let brought = bytes_of(&frames);
            match taken[me].during(brought, || session.step(frames).unwrap()) {
                Step::Continue(session, rounds) => {
                    taken[me].held -= rounds.iter().map(bytes_of).sum::<i64>();
                    next.push(session);
                    sent[me].extend(rounds);
                }
                Step::Done(outcome) => taken[me].during(0, || drop(outcome)),
            }
        }
        if next.is_empty() {
            let left = taken.iter().map(|taken| taken.held).max().unwrap();
            assert!(left < 1 << 20, "{left} bytes are left of a session");
            return taken.iter().map(|taken| taken.most).max().unwrap() as u64;
        }
        sessions = next;
    }
}

/// What a party takes of the reserve.
fn dealt(program: &Program, me: u8) -> ReserveShares {
    let need = program.reserve_need();
    let lots = LotShares::deal(need, 1).unwrap();
    let components = [0, 1, 2, 3].map(|c| lots[usize::from(me)].component(c));
    let mut shares = ReserveShares::new(me);
    shares.push(&need, &Ranges::all(&need), components).unwrap();
    shares
}

/// `passes` times the operation, on two columns of so many numbers; one element is opened.
fn repeated(op: Op, passes: usize, lanes: usize) -> Program {
    let column = |field| ColumnId {
        input_type: 0,
        field,
        element: 0,
    };
    let mut builder = ProgramBuilder::new();
    let mut a = builder.input(column(0), Kind::U64, lanes).unwrap();
    let b = builder.input(column(1), Kind::U64, lanes).unwrap();
    for _ in 0..passes {
        a = builder.apply(op, &[a, b], 0).unwrap();
    }
    let first = builder.apply(Op::Slice, &[a], 1).unwrap();
    builder.reveal(first).unwrap();
    builder.finish().unwrap()
}

const LANES: usize = 200_000;

#[test]
fn a_party_takes_no_more_than_planned() {
    let multiplications = repeated(Op::Mul, 20, LANES);
    let planned = multiplications.plan().memory_bytes;
    let most = most_taken(multiplications);
    assert!(most <= planned, "{most}, but {planned} planned");
    // Two columns and a product.
    let live = 3 * (3 * 8 * LANES as u64);
    assert!(most <= 4 * live, "{most}, but {live} of shares");

    let comparisons = repeated(Op::Lt, 1, LANES);
    let planned = comparisons.plan().memory_bytes;
    let most = most_taken(comparisons);
    assert!(most <= planned, "{most}, but {planned} planned");

    let shuffle = {
        let mut builder = ProgramBuilder::new();
        let numbers: Vec<u128> = (0..20_000).collect();
        let numbers = builder.public(Kind::U64, &numbers).unwrap();
        let shuffled = builder.apply(Op::Shuffle, &[numbers], 0).unwrap();
        let first = builder.apply(Op::Slice, &[shuffled], 1).unwrap();
        builder.reveal(first).unwrap();
        builder.finish().unwrap()
    };
    for program in [
        repeated(Op::Mul, 1, LANES),
        repeated(Op::Lt, 1, LANES / 8),
        shuffle,
    ] {
        let planned = program.reserve_plan().memory_bytes;
        let most = most_taken_without(Some(1), program);
        println!("{most} of {planned} with three parties");
        assert!(
            most <= planned,
            "{most}, but {planned} planned with three parties"
        );
    }

    // Bits alone, numbers alone, both.
    for (bits, r64, r128) in [(1 << 20, 0, 0), (0, 20_000, 5_000), (1 << 19, 10_000, 0)] {
        let seeds = 1;
        let amounts = Amounts {
            bits,
            r64,
            r128,
            seeds,
        };
        for absent in [None, Some(2)] {
            let planned = amounts.production_plan(absent).unwrap().memory_bytes;
            let most = most_taken_by(absent.map(usize::from), |_| Task::Produce { amounts });
            println!("{most} of {planned} to make {amounts} without {absent:?}");
            assert!(
                most <= planned,
                "{most}, but {planned} planned for {amounts}"
            );
        }
    }
}
