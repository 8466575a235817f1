//! Sessions of three parties, with each of the four absent.

use std::sync::Arc;

use crate::{
    support::{Cluster, column, columns, without},
    tampering::grid_without,
};
use mpc_engine::{
    Ending, EngineError, FrameFault, Outcome, Program, ProgramBuilder, ReserveShares, Session,
    SessionBinding, Stop, Task, clear, combine, encode_opened, local,
};
use wire::{kind::Kind, secret::Op};
use zeroize::Zeroizing;

/// Sums, of few elements (second copies) and of many (digests), and bits: nothing of the reserve.
fn sums() -> (Program, Vec<Vec<u128>>) {
    let kinds = [Kind::U64, Kind::U64, Kind::Bool];
    let lanes = 21;
    let mut builder = ProgramBuilder::new();
    let x = builder.input(column(0), kinds[0], lanes).unwrap();
    let y = builder.input(column(1), kinds[1], lanes).unwrap();
    let bits = builder.input(column(2), kinds[2], lanes).unwrap();
    let sum = builder.apply(Op::Add, &[x, y], 0).unwrap();
    let total = builder.apply(Op::Sum, &[sum], 0).unwrap();
    let not = builder.apply(Op::Not, &[bits], 0).unwrap();
    for value in [total, sum, not] {
        builder.reveal(value).unwrap();
    }
    (builder.finish().unwrap(), columns(&kinds, lanes, 70))
}

#[test]
fn three_open_what_four_would() {
    let (program, columns) = sums();
    let expected = clear::evaluate(&program, &columns).unwrap();
    for absent in 0..4u8 {
        let cluster = Cluster::start_without(Some(absent), &program, &columns, 1);
        for (me, end) in cluster.finish().into_iter().enumerate() {
            let opened = end.map(|end| end.unwrap().into_opened().unwrap().values().to_vec());
            let is_live = me != usize::from(absent);
            assert_eq!(opened, is_live.then(|| expected.clone()));
        }
    }
}

#[test]
fn nothing_is_sent_to_the_absent_and_little_to_the_others() {
    let (program, columns) = sums();
    for absent in 0..4 {
        let mut cluster = Cluster::start_without(Some(absent as u8), &program, &columns, 1);
        while cluster.sessions.iter().any(Option::is_some) {
            for (from, to) in (0..16).map(|link| (link / 4, link % 4)) {
                let is_empty = from == to || from == absent || to == absent;
                assert_eq!(cluster.frames[from][to].is_empty(), is_empty);
            }
            let results = cluster.round();
            cluster.go_on(results);
        }
    }
}

#[test]
fn three_keep_what_four_would() {
    let (program, columns) = sums();
    let expected = encode_opened(&program, &clear::evaluate(&program, &columns).unwrap());
    let program = Arc::new(program);
    for absent in 0..4u8 {
        let task = |me, inputs| Task::Compute {
            program: program.clone(),
            inputs,
            seeds: None,
            reserve: Some(ReserveShares::new(me)),
            ending: Ending::Commit,
        };
        let bound = |_| without(Some(absent));
        let outcomes = Cluster::start_with(&program, &columns, 1, bound, task).finish();
        let mut openings = [const { None }; 4];
        let mut committed = [None; 4];
        for outcome in outcomes.into_iter().flatten() {
            let Ok(Outcome::Committed(outputs)) = outcome else {
                panic!("{outcome:?}")
            };
            for (c, commitment) in (0..4u8).zip(outputs.commitments()) {
                let before = committed[usize::from(c)].take().or(commitment);
                assert!(commitment.is_none() || commitment == before);
                committed[usize::from(c)] = before;
                openings[usize::from(c)] = openings[usize::from(c)].take().or(outputs.opening(c));
            }
        }
        let components = openings.map(|opening| opening.unwrap().value);
        let components = components.each_ref().map(|value| &value[..]);
        assert_eq!(combine(&program.outputs(), components), expected);
    }
}

#[test]
fn every_message_among_three() {
    let (program, columns) = sums();
    for absent in 0..4 {
        grid_without(Some(absent), "sums", &program, &columns);
    }
}

/// Parties that disagree on who is absent, or on a number from the log, part at once.
#[test]
fn disagreement_on_who_is_live_is_noticed() {
    let (program, columns) = sums();
    let program = Arc::new(program);
    let four = |_, inputs| Task::open(program.clone(), inputs);
    let bindings: [&dyn Fn(u8) -> SessionBinding; 2] =
        [&|me| without((me == 0).then_some(3)), &|me| {
            let mut binding = without(None);
            binding.nonces[1][0] ^= u8::from(me == 0);
            binding
        }];
    for binding in bindings {
        let task = |me, inputs| match binding(me).absent {
            None => four(me, inputs),
            Some(_) => Task::Compute {
                program: program.clone(),
                inputs,
                seeds: None,
                reserve: Some(ReserveShares::new(me)),
                ending: Ending::Open,
            },
        };
        let ends = Cluster::start_with(&program, &columns, 1, binding, task).finish();
        for (me, end) in ends.into_iter().enumerate() {
            let stop = end.unwrap().unwrap_err();
            let fault = match &stop {
                Stop::BadFrame { peer, fault, .. } if me == 0 || *peer == 0 => fault,
                _ => panic!("{stop}"),
            };
            assert!(matches!(
                fault,
                FrameFault::Binding | FrameFault::Length { .. }
            ));
        }
    }
}

#[test]
fn sessions_that_cannot_be_are_refused() {
    let (program, columns) = sums();
    let program = Arc::new(program);
    let start = |absent, has_reserve: bool| {
        let inputs = local::deal(&program, &columns, 1).unwrap();
        let task = Task::Compute {
            program: program.clone(),
            inputs: inputs.into_iter().nth(1).unwrap(),
            seeds: None,
            reserve: has_reserve.then(|| ReserveShares::new(1)),
            ending: Ending::Open,
        };
        Session::start(1, without(absent), task, Zeroizing::new([1; 32])).err()
    };
    assert_eq!(start(None, false), None);
    assert_eq!(start(Some(2), true), None);
    assert_eq!(start(None, true), Some(EngineError::ReserveUse));
    assert_eq!(start(Some(2), false), Some(EngineError::ReserveUse));
    assert_eq!(
        start(Some(1), true),
        Some(EngineError::NoSuchParty { party: 1 })
    );
    let mut binding = without(None);
    binding.absent = Some(4);
    let inputs = local::deal(&program, &columns, 1).unwrap();
    let task = Task::open(program.clone(), inputs.into_iter().nth(1).unwrap());
    assert_eq!(
        Session::start(1, binding, task, Zeroizing::new([1; 32])).err(),
        Some(EngineError::NoSuchParty { party: 4 })
    );
}
