//! A live session of the engine in which one party's frame of one round is any bytes.

use std::{
    collections::VecDeque,
    sync::{Arc, OnceLock},
};

use mpc_engine::{
    ColumnId, Frames, Program, ProgramBuilder, Session, SessionBinding, Step, Task, local,
};
use wire::{kind::Kind, secret::Op};
use zeroize::Zeroizing;

/// The first three bytes choose a round, a sender and a receiver, and what is done to the frame
/// between them; the rest is what it is done with. No honest party ever opens anything wrong.
pub fn session(bytes: &[u8]) -> bool {
    let [round, link, change, rest @ ..] = bytes else {
        return false;
    };
    let (from, to) = (usize::from(link % 4), usize::from(link / 4 % 4));
    let columns = [vec![3, 200, 7], vec![5, 100, 7]];
    let expected: Vec<Vec<u128>> = vec![vec![15, 20_000, 49], vec![1, 0, 0]];
    let mut sent: [VecDeque<Frames>; 4] = Default::default();
    let mut sessions = start(&columns, &mut sent);
    let mut untouched = true;
    for current in 0.. {
        let mut frames: [Frames; 4] =
            std::array::from_fn(|me| sent[me].pop_front().unwrap_or_default());
        if current == usize::from(*round) && from != to {
            let before = frames[from][to].clone();
            alter(&mut frames[from][to], *change, rest);
            untouched = before == frames[from][to];
        }
        let mut running = false;
        for me in 0..4 {
            let Some(session) = sessions[me].take() else {
                continue;
            };
            let incoming: Frames =
                std::array::from_fn(|peer| std::mem::take(&mut frames[peer][me]));
            match session.step(incoming) {
                Ok(Step::Continue(session, rounds)) => {
                    sessions[me] = Some(session);
                    sent[me].extend(rounds);
                    running = true;
                }
                Ok(Step::Done(outcome)) => {
                    let opened = outcome.into_opened().expect("it opens");
                    assert!(me == from || opened.values() == expected);
                }
                Err(_) => assert!(!untouched, "nobody lied"),
            }
        }
        if !running {
            break;
        }
        assert!(current < 10_000, "a session ends");
    }
    untouched
}

fn alter(frame: &mut Vec<u8>, change: u8, with: &[u8]) {
    match change % 4 {
        0 => *frame = with.to_vec(),
        1 => frame
            .iter_mut()
            .zip(with)
            .for_each(|(byte, with)| *byte ^= with),
        2 => frame.truncate(with.len()),
        _ => frame.extend_from_slice(with),
    }
}

fn start(columns: &[Vec<u128>], sent: &mut [VecDeque<Frames>; 4]) -> [Option<Session>; 4] {
    let program = program();
    let dealt = local::deal(program, columns, 1).unwrap();
    let mut sessions = [const { None }; 4];
    for (me, inputs) in (0u8..).zip(dealt) {
        let binding = SessionBinding {
            chain_id: 1,
            epoch: 1,
            computation: [2; 32],
            attempt: 0,
            absent: None,
            nonces: [[3; 32]; 4],
        };
        let entropy = Zeroizing::new([me + 1; 32]);
        let (session, frames) =
            Session::start(me, binding, Task::open(program.clone(), inputs), entropy).unwrap();
        sent[usize::from(me)].push_back(frames);
        sessions[usize::from(me)] = Some(session);
    }
    sessions
}

/// Products and comparisons of two columns.
fn program() -> &'static Arc<Program> {
    static PROGRAM: OnceLock<Arc<Program>> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let mut builder = ProgramBuilder::new();
        let column = |field| ColumnId {
            input_type: 0,
            field,
            element: 0,
        };
        let a = builder.input(column(0), Kind::U32, 3).unwrap();
        let b = builder.input(column(1), Kind::U32, 3).unwrap();
        for op in [Op::Mul, Op::Lt] {
            let value = builder.apply(op, &[a, b], 0).unwrap();
            builder.reveal(value).unwrap();
        }
        Arc::new(builder.finish().unwrap())
    })
}

/// Changes that change nothing, of the setup and of later rounds.
#[must_use]
pub fn session_seeds() -> Vec<Vec<u8>> {
    let honest = (0..12).map(|round| vec![round, round + 1, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
    honest.collect()
}
