//! Building programs and running four sessions under a test's control.

use mpc_engine::{
    ColumnId, ComponentSeeds, Ending, Frames, LotShares, Outcome, PartyInputs, Program,
    ProgramBuilder, Ranges, ReserveShares, Session, SessionBinding, Step, Stop, Task, Transcript,
    ValueId, local,
};
use rand_chacha::{
    ChaCha20Rng,
    rand_core::{Rng as _, SeedableRng as _},
};
use std::{collections::VecDeque, sync::Arc};
use wire::{kind::Kind, secret::Op};
use zeroize::Zeroizing;

/// The seed of all randomness in tests: `QUARTET_SEED`, or a fixed one. Printed when a test fails.
pub fn seed() -> u64 {
    let seed = std::env::var("QUARTET_SEED")
        .ok()
        .and_then(|s| s.parse().ok())
        .unwrap_or(2024);
    println!("QUARTET_SEED={seed}");
    seed
}

pub fn random(stream: u64) -> ChaCha20Rng {
    let mut random = ChaCha20Rng::seed_from_u64(seed());
    random.set_stream(stream);
    random
}

pub fn number(random: &mut ChaCha20Rng) -> u128 {
    u128::from(random.next_u64()) << 64 | u128::from(random.next_u64())
}

/// Values where things go wrong if they do: ends of the range, the sign bit, its neighbours.
pub fn edges(kind: Kind) -> Vec<u128> {
    if kind == Kind::Bool {
        return vec![0, 1];
    }
    let sign = 1 << (kind.bits() - 1);
    let mask = kind.mask();
    vec![
        0,
        1,
        2,
        mask,
        mask - 1,
        sign,
        sign - 1,
        sign + 1,
        0x55 & mask,
        0xaa & mask,
    ]
}

/// All pairs of edge values, then random ones, some of them equal.
pub fn pairs(kind: Kind, random: &mut ChaCha20Rng, extra: usize) -> [Vec<u128>; 2] {
    let edges = edges(kind);
    let mut pairs: Vec<(u128, u128)> = edges
        .iter()
        .flat_map(|a| edges.iter().map(move |b| (*a, *b)))
        .collect();
    for i in 0..extra {
        let a = number(random) & kind.mask();
        let b = if i % 4 == 0 {
            a
        } else {
            number(random) & kind.mask()
        };
        pairs.push((a, b));
    }
    let (a, b) = pairs.into_iter().unzip();
    [a, b]
}

pub const fn column(field: u32) -> ColumnId {
    ColumnId {
        input_type: 0,
        field,
        element: 0,
    }
}

/// Random columns of these kinds.
pub fn columns(kinds: &[Kind], lanes: usize, stream: u64) -> Vec<Vec<u128>> {
    let mut random = random(stream);
    let column = |kind: &Kind| {
        (0..lanes)
            .map(|_| number(&mut random) & kind.mask())
            .collect()
    };
    kinds.iter().map(column).collect()
}

/// The program that applies one operation to columns of these kinds and lengths.
pub fn single(op: Op, operands: &[(Kind, usize)], immediate: u64) -> Program {
    let mut builder = ProgramBuilder::new();
    let operands: Vec<ValueId> = (0..)
        .zip(operands)
        .map(|(i, (kind, len))| builder.input(column(i), *kind, *len).unwrap())
        .collect();
    let result = builder.apply(op, &operands, immediate).unwrap();
    builder.reveal(result).unwrap();
    builder.finish().unwrap()
}

/// Four sessions that have begun, and what each has sent.
pub struct Cluster {
    pub sessions: Vec<Option<Session>>,
    /// What each sent in the oldest round that is not delivered yet.
    pub frames: Vec<Frames>,
    /// And in the rounds after it.
    pub ahead: Vec<VecDeque<Frames>>,
    /// What each says; none of an absent party.
    pub transcripts: Vec<Option<Transcript>>,
}

pub fn binding() -> SessionBinding {
    SessionBinding {
        chain_id: 7,
        epoch: 1,
        computation: [9; 32],
        attempt: 0,
        absent: None,
        nonces: [[1; 32], [2; 32], [3; 32], [4; 32]],
    }
}

/// The same without a party.
pub fn without(absent: Option<u8>) -> SessionBinding {
    let mut binding = binding();
    binding.absent = absent;
    if let Some(absent) = absent {
        binding.nonces[usize::from(absent)] = [0; 32];
    }
    binding
}

/// What a party takes of a lot: all of it.
pub fn all_of(lot: &LotShares, me: u8) -> ReserveShares {
    let amounts = lot.amounts();
    let mut shares = ReserveShares::new(me);
    let components = [0, 1, 2, 3].map(|c| lot.component(c));
    let ranges = Ranges {
        seeds: 0..0,
        ..Ranges::all(&amounts)
    };
    let bytes = amounts.seed_range(0).start as usize;
    let components = components.map(|component| Some(&component?[..bytes]));
    shares.push(&amounts, &ranges, components).unwrap();
    shares
}

impl Cluster {
    pub fn start(program: &Program, columns: &[Vec<u128>], seed: u64) -> Self {
        Self::start_bound(program, columns, seed, |_| binding())
    }

    pub fn start_bound(
        program: &Program,
        columns: &[Vec<u128>],
        seed: u64,
        binding: impl Fn(u8) -> SessionBinding,
    ) -> Self {
        let shared = Arc::new(program.clone());
        let task = |_, inputs| Task::open(shared.clone(), inputs);
        Self::start_with(program, columns, seed, binding, task)
    }

    /// Starts a run that opens its results, without a party or with all.
    pub fn start_without(
        absent: Option<u8>,
        program: &Program,
        columns: &[Vec<u128>],
        seed: u64,
    ) -> Self {
        let lots = LotShares::deal(program.reserve_need(), seed).unwrap();
        Self::start_on(&lots, absent, program, columns, seed, |_| None)
    }

    /// The same from this lot of the reserve, if a party is absent, and with these seeds.
    pub fn start_on(
        lots: &[LotShares; 4],
        absent: Option<u8>,
        program: &Program,
        columns: &[Vec<u128>],
        seed: u64,
        seeds: impl Fn(u8) -> Option<ComponentSeeds>,
    ) -> Self {
        let shared = Arc::new(program.clone());
        let binding = |_| without(absent);
        let task = |me, inputs| Task::Compute {
            program: shared.clone(),
            inputs,
            seeds: seeds(me),
            reserve: absent.map(|_| all_of(&lots[usize::from(me)], me)),
            ending: Ending::Open,
        };
        Self::start_with(program, columns, seed, binding, task)
    }

    /// Starts the parties that each binding says are live, with what `task` makes of their shares.
    pub fn start_with(
        program: &Program,
        columns: &[Vec<u128>],
        seed: u64,
        binding: impl Fn(u8) -> SessionBinding,
        task: impl Fn(u8, PartyInputs) -> Task,
    ) -> Self {
        let mut random = ChaCha20Rng::seed_from_u64(!seed);
        let (mut sessions, mut frames) = (Vec::new(), Vec::new());
        let mut transcripts = Vec::new();
        for (me, inputs) in (0..).zip(local::deal(program, columns, seed).unwrap()) {
            let mut entropy = Zeroizing::new([0; 32]);
            random.fill_bytes(&mut *entropy);
            if binding(me).absent == Some(me) {
                sessions.push(None);
                frames.push(Frames::default());
                transcripts.push(None);
                continue;
            }
            let (session, sent) =
                Session::start(me, binding(me), task(me, inputs), entropy).unwrap();
            transcripts.push(Some(session.transcript()));
            sessions.push(Some(session));
            frames.push(sent);
        }
        Self {
            sessions,
            frames,
            transcripts,
            ahead: vec![VecDeque::new(); 4],
        }
    }

    /// Runs to the end with everybody honest: how each party ended.
    pub fn finish(mut self) -> [Option<Result<Outcome, Stop>>; 4] {
        let mut outcomes = [const { None }; 4];
        while self.sessions.iter().any(Option::is_some) {
            let results = self.round();
            for (outcome, end) in outcomes.iter_mut().zip(self.advance(results)) {
                *outcome = outcome.take().or(end);
            }
        }
        outcomes
    }

    /// Delivers a round and runs each party's next one. Parties that stopped or ended are out.
    pub fn round(&mut self) -> [Option<Result<Step, Stop>>; 4] {
        let received: Vec<Frames> = (0..4)
            .map(|to| {
                let mut frames = Frames::default();
                for from in (0..4).filter(|from| *from != to) {
                    frames[from] = self.frames[from][to].clone();
                }
                frames
            })
            .collect();
        let mut results = [const { None }; 4];
        for (me, frames) in received.into_iter().enumerate() {
            results[me] = self.sessions[me].take().map(|session| session.step(frames));
        }
        results
    }

    /// Takes over sessions and rounds of those that go on; returns what the others ended with.
    pub fn advance(
        &mut self,
        results: [Option<Result<Step, Stop>>; 4],
    ) -> [Option<Result<Outcome, Stop>>; 4] {
        let mut ends = [const { None }; 4];
        for (me, result) in results.into_iter().enumerate() {
            match result {
                Some(Ok(Step::Continue(session, rounds))) => {
                    self.sessions[me] = Some(session);
                    self.ahead[me].extend(rounds);
                }
                Some(Ok(Step::Done(outcome))) => ends[me] = Some(Ok(outcome)),
                Some(Err(stop)) => ends[me] = Some(Err(stop)),
                None => {}
            }
            self.frames[me] = self.ahead[me].pop_front().unwrap_or_default();
        }
        ends
    }

    /// The same, where results are opened in the session.
    pub fn go_on(&mut self, results: [Option<Result<Step, Stop>>; 4]) -> [Option<End>; 4] {
        let opened = |outcome: Outcome| outcome.into_opened().unwrap().values().to_vec();
        self.advance(results).map(|end| Some(end?.map(opened)))
    }

    /// Runs to the end with everybody honest: what all opened, and the frame sizes of each round.
    pub fn run(mut self) -> (Vec<Vec<u128>>, Vec<[[usize; 4]; 4]>) {
        let mut trace = Vec::new();
        let mut opened: Vec<Vec<Vec<u128>>> = Vec::new();
        while self.sessions.iter().any(Option::is_some) {
            trace.push(std::array::from_fn(|from| {
                self.frames[from].each_ref().map(Vec::len)
            }));
            let results = self.round();
            let ends = self.go_on(results).into_iter().flatten();
            opened.extend(ends.map(Result::unwrap));
        }
        let first = opened.swap_remove(0);
        for other in opened {
            assert_eq!(other, first, "parties open different values");
        }
        (first, trace)
    }
}

pub type End = Result<Vec<Vec<u128>>, Stop>;
