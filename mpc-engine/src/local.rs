//! A whole run in one process: four sessions and the frames between them, on shares that the
//! caller's own process deals. For tests and for contract authors; never part of a node.

use std::{collections::VecDeque, sync::Arc};

use rand_chacha::{
    ChaCha20Rng,
    rand_core::{Rng as _, SeedableRng as _},
};
use zeroize::Zeroizing;

use crate::{
    EngineError, Frames, PartyInputs, Program, Session, SessionBinding, Step, Stop, Task,
    clear::check_columns,
    vector::{Domain, Share, Vector},
};

/// Runs a program with four parties in turn and returns what they open. All randomness comes from
/// `seed`.
///
/// # Errors
/// [`Stop::Local`] if the columns are not what the program reads.
pub fn run(program: &Program, columns: &[Vec<u128>], seed: u64) -> Result<Vec<Vec<u128>>, Stop> {
    let program = Arc::new(program.clone());
    let mut random = ChaCha20Rng::seed_from_u64(!seed);
    let mut sessions = Vec::with_capacity(4);
    let mut sent: [VecDeque<Frames>; 4] = Default::default();
    for ((me, inputs), sent) in (0u8..).zip(deal(&program, columns, seed)?).zip(&mut sent) {
        let binding = SessionBinding {
            chain_id: 0,
            epoch: 0,
            computation: [0; 32],
            attempt: 0,
            absent: None,
            nonces: [[0; 32]; 4],
        };
        let mut entropy = Zeroizing::new([0; 32]);
        random.fill_bytes(&mut *entropy);
        let task = Task::open(program.clone(), inputs);
        let (session, frames) = Session::start(me, binding, task, entropy)?;
        sessions.push(session);
        sent.push_back(frames);
    }
    loop {
        let mut round: [Frames; 4] =
            std::array::from_fn(|me| sent[me].pop_front()).map(Option::unwrap_or_default);
        let mut next = Vec::with_capacity(4);
        let mut opened = None;
        for (me, session) in sessions.into_iter().enumerate() {
            match session.step(deliver(&mut round, me))? {
                Step::Continue(session, rounds) => {
                    next.push(session);
                    sent[me].extend(rounds);
                }
                Step::Done(outcome) => opened = outcome.into_opened(),
            }
        }
        if let Some(opened) = opened {
            return Ok(opened.values().to_vec());
        }
        sessions = next;
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
