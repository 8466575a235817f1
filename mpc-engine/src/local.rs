//! A whole run in one process: four sessions and the frames between them, on shares that the
//! caller's own process deals. For tests and for contract authors; never part of a node.

use std::{collections::VecDeque, sync::Arc};

use rand_chacha::{
    ChaCha20Rng,
    rand_core::{Rng as _, SeedableRng as _},
};
use zeroize::Zeroizing;

use crate::{
    ComponentSeeds, Ending, EngineError, Frames, LotShares, PartyInputs, Program, Ranges,
    ReserveShares, SEED_BYTES, Session, SessionBinding, Step, Stop, Task,
    clear::check_columns,
    vector::{Domain, Share, Vector},
};

/// Rounds that set up keys; a liar begins after them.
const SETUP_ROUNDS: usize = 3;

/// Who fails in a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// A party that takes no part.
    pub stopped: Option<u8>,
    /// A party that alters every frame that it sends once there are keys.
    pub liar: Option<u8>,
}

/// What came of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ran {
    /// What was opened, in the order of [`Program::outputs`].
    pub opened: Vec<Vec<u128>>,
    /// For each attempt that was stopped, in order, two parties one of which lied.
    pub suspected: Vec<[u8; 2]>,
}

/// Runs a program with four parties in turn and returns what they open. All randomness comes from
/// `seed`.
///
/// # Errors
/// [`Stop::Local`] if the columns are not what the program reads.
pub fn run(program: &Program, columns: &[Vec<u128>], seed: u64) -> Result<Vec<Vec<u128>>, Stop> {
    Ok(run_with(program, columns, seed, Faults::default())?.opened)
}

/// The same with parties that fail: with three, from a reserve that is dealt here, if one is stopped,
/// or if an attempt was stopped by a lie; then without a party that is in all pairs of suspects.
///
/// # Errors
/// As [`run`], and why the last attempt was stopped if no other can help: more than one party fails.
pub fn run_with(
    program: &Program,
    columns: &[Vec<u128>],
    seed: u64,
    faults: Faults,
) -> Result<Ran, Stop> {
    let mut suspected: Vec<[u8; 2]> = Vec::new();
    let mut attempt = Attempt {
        program: &Arc::new(program.clone()),
        columns,
        seed,
        number: 0,
        absent: faults.stopped,
        liar: faults.liar,
    };
    loop {
        let (at, stop) = match attempt.run() {
            Ok(opened) => return Ok(Ran { opened, suspected }),
            Err(stopped) => stopped,
        };
        suspected.push(match &stop {
            Stop::Mismatch { sender, backup, .. } => [*sender, *backup],
            Stop::BadFrame { peer, .. } => [at, *peer],
            Stop::Spoiled { .. } | Stop::Local(_) => return Err(stop),
        });
        // Nobody is in a pair of an attempt without it, so nobody is left out twice.
        let left_out = (0..4).find(|party| suspected.iter().all(|pair| pair.contains(party)));
        if faults.stopped.is_some() || left_out.is_none() {
            return Err(stop);
        }
        attempt.absent = left_out;
        attempt.number += 1;
    }
}

/// Sessions of those who are at work.
type Sessions = [Option<Session>; 4];
/// Rounds that each has sent, and that are not delivered yet.
type Sent = [VecDeque<Frames>; 4];

/// One attempt at a run.
struct Attempt<'a> {
    program: &'a Arc<Program>,
    columns: &'a [Vec<u128>],
    seed: u64,
    number: u32,
    absent: Option<u8>,
    liar: Option<u8>,
}

impl Attempt<'_> {
    /// What it opens, or who stopped and why.
    fn run(&self) -> Result<Vec<Vec<u128>>, (u8, Stop)> {
        let (mut sessions, mut sent) = self.start().map_err(|error| (0, error.into()))?;
        for number in 0.. {
            let mut round: [Frames; 4] =
                std::array::from_fn(|me| sent[me].pop_front()).map(Option::unwrap_or_default);
            if let Some(liar) = self.liar.filter(|_| number >= SETUP_ROUNDS) {
                round[usize::from(liar)]
                    .iter_mut()
                    .for_each(|frame| alter(frame));
            }
            let mut opened = None;
            for (me, session) in (0u8..).zip(&mut sessions) {
                let Some(running) = session.take() else {
                    continue;
                };
                let frames = deliver(&mut round, me.into());
                match running.step(frames).map_err(|stop| (me, stop))? {
                    Step::Continue(running, rounds) => {
                        *session = Some(running);
                        sent[usize::from(me)].extend(rounds);
                    }
                    Step::Done(outcome) => opened = outcome.into_opened(),
                }
            }
            if let Some(opened) = opened {
                return Ok(opened.values().to_vec());
            }
        }
        Err((
            0,
            EngineError::Defect("a run ended without a result").into(),
        ))
    }

    /// Sessions of those who take part, and what each sends first.
    fn start(&self) -> Result<(Sessions, Sent), EngineError> {
        let mut random = ChaCha20Rng::seed_from_u64(!self.seed);
        random.set_stream(self.number.into());
        let mut lots = match self.absent {
            Some(_) => LotShares::deal(self.program.reserve_need(), self.seed)?.map(Some),
            None => Default::default(),
        };
        let mut sessions = Sessions::default();
        let mut sent = Sent::default();
        let dealt = deal(self.program, self.columns, self.seed)?;
        for (me, inputs) in (0u8..)
            .zip(dealt)
            .filter(|(me, _)| Some(*me) != self.absent)
        {
            let mut entropy = Zeroizing::new([0; 32]);
            random.fill_bytes(&mut *entropy);
            let reserve = lots[usize::from(me)].take();
            let task = Task::Compute {
                program: self.program.clone(),
                inputs,
                seeds: self.seeds(me)?,
                reserve: reserve.map(|lot| whole(&lot, me)).transpose()?,
                ending: Ending::Open,
            };
            let binding = SessionBinding {
                chain_id: 0,
                epoch: 0,
                computation: [0; 32],
                attempt: self.number,
                absent: self.absent,
                nonces: [[0; 32]; 4],
            };
            let (session, frames) = Session::start(me, binding, task, entropy)?;
            sessions[usize::from(me)] = Some(session);
            sent[usize::from(me)].push_back(frames);
        }
        Ok((sessions, sent))
    }

    /// What random results are drawn from, the same in all attempts.
    fn seeds(&self, me: u8) -> Result<Option<ComponentSeeds>, EngineError> {
        if !self.program.is_random() {
            return Ok(None);
        }
        let mut random = ChaCha20Rng::seed_from_u64(self.seed);
        random.set_stream(1);
        let mut seeds = Zeroizing::new([[0; SEED_BYTES]; 4]);
        seeds.iter_mut().for_each(|seed| random.fill_bytes(seed));
        let seeds = seeds.each_ref().map(|seed| Some(&seed[..]));
        ComponentSeeds::new(me, seeds).map(Some)
    }
}

/// All that a party holds of a lot but for its seeds.
fn whole(lot: &LotShares, me: u8) -> Result<ReserveShares, EngineError> {
    let amounts = lot.amounts();
    let ranges = Ranges {
        seeds: 0..0,
        ..Ranges::all(&amounts)
    };
    let bytes = amounts.seed_range(0).start as usize;
    let components = [0, 1, 2, 3].map(|c| lot.component(c)?.get(..bytes));
    let mut shares = ReserveShares::new(me);
    shares.push(&amounts, &ranges, components)?;
    Ok(shares)
}

/// Flips a bit of what a frame says, if it says anything.
fn alter(frame: &mut [u8]) {
    if let Some(last) = frame.last_mut() {
        *last ^= 1;
    }
}

/// The frames for party `me`, out of what each party sends.
fn deliver(sent: &mut [Frames; 4], me: usize) -> Frames {
    std::array::from_fn(|from| std::mem::take(&mut sent[from][me]))
}

/// Shares columns among four parties, with randomness from `seed`.
///
/// # Errors
/// [`EngineError::ColumnCount`] and [`EngineError::ColumnLength`].
pub fn deal(
    program: &Program,
    columns: &[Vec<u128>],
    seed: u64,
) -> Result<[PartyInputs; 4], EngineError> {
    check_columns(program, columns)?;
    let mut random = ChaCha20Rng::seed_from_u64(seed);
    let mut shares: [Vec<Share>; 4] = Default::default();
    for (column, values) in program.columns().iter().zip(columns) {
        let domain = Domain::of(column.kind);
        let mut last = Vector::from_numbers(domain, values);
        let mut bytes = Zeroizing::new(vec![0; domain.wire_bytes(values.len())]);
        let mut parts = Vec::with_capacity(4);
        for _ in 0..3 {
            random.fill_bytes(&mut bytes);
            let part = Vector::read(domain, values.len(), &bytes);
            last.subtract(&part);
            parts.push(part);
        }
        parts.push(last);
        for (me, shares) in shares.iter_mut().enumerate() {
            let mut share = Share::zero(domain, values.len());
            for (c, part) in parts.iter().enumerate().filter(|(c, _)| *c != me) {
                share.set(c, part.copy());
            }
            shares.push(share);
        }
    }
    let mut party = 0..;
    Ok(shares.map(|columns| PartyInputs::new(party.next().unwrap_or(0), columns)))
}
