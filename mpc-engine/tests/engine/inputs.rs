//! From what clients seal to shares: any accepted input gives all parties shares of one value.

use std::{array, collections::VecDeque, sync::Arc};

use crate::support::{binding, number, random};
use mpc_engine::{
    ColumnId, EngineError, Frames, InputCollector, Program, ProgramBuilder, Session, Step, Task,
};
use rand_chacha::{ChaCha20Rng, rand_core::Rng as _};
use wire::{
    committee::{Committee, L1, Node},
    kind::{Field, InputType, Kind},
    seal_keys::SealKeys,
    sealed::{self, Binding, SealKey, Seed},
    secret::Op,
};
use zeroize::Zeroizing;

fn field(kind: Kind, len: u32) -> Field {
    Field {
        name: format!("{kind:?}"),
        kind,
        len,
    }
}

fn ballot() -> InputType {
    InputType {
        name: "Ballot".into(),
        fields: vec![
            field(Kind::U8, 1),
            field(Kind::Bool, 11),
            field(Kind::I128, 3),
        ],
    }
}

fn seeds(random: &mut ChaCha20Rng) -> [Seed; 4] {
    array::from_fn(|_| {
        let mut seed = [0; 32];
        random.fill_bytes(&mut seed);
        Seed::new(seed)
    })
}

/// Reveals some columns of the input type.
fn program(len: usize) -> (Program, Vec<ColumnId>) {
    let mut builder = ProgramBuilder::new();
    let mut ids = Vec::new();
    for (field, element, kind) in [
        (2, 2, Kind::I128),
        (1, 9, Kind::Bool),
        (0, 0, Kind::U8),
        (1, 0, Kind::Bool),
        (2, 0, Kind::I128),
    ] {
        let id = ColumnId {
            input_type: 4,
            field,
            element,
        };
        let column = builder.input(id, kind, len).unwrap();
        builder.reveal(column).unwrap();
        let reordered = builder.apply(Op::Concat, &[column, column], 0).unwrap();
        builder.reveal(reordered).unwrap();
        ids.push(id);
    }
    (builder.finish().unwrap(), ids)
}

#[test]
fn sealed_inputs_become_shares() {
    let mut random = random(40);
    let keys: [SealKey; 4] = array::from_fn(|i| SealKey::from_bytes(&[i as u8 + 1; 32]).unwrap());
    let committee = Committee {
        chain_id: 1,
        epoch: 1,
        genesis_ms: 0,
        dev: true,
        reserve_lots: 0,
        refresh_ms: 0,
        l1: L1 {
            chain_id: 1,
            verifier: Default::default(),
        },
        nodes: array::from_fn(|i| Node {
            address: Default::default(),
            public_key: Default::default(),
            seal_key: keys[i].public(),
            listen: String::new(),
        }),
    };
    let (input, len) = (ballot(), 70);
    let (program, ids) = program(len);
    let types = [
        (4, input.clone()),
        (
            9,
            InputType {
                fields: vec![],
                ..input.clone()
            },
        ),
    ];
    let mut collectors: [InputCollector; 4] =
        array::from_fn(|me| InputCollector::new(me as u8, &program, &types).unwrap());
    let mut expected = vec![Vec::new(); ids.len()];
    for nonce in 0..len as u64 {
        let mut x: Vec<u8> = vec![0; input.bytes()];
        random.fill_bytes(&mut x);
        for (id, expected) in ids.iter().zip(&mut expected) {
            let element = id.element as usize;
            expected.push(match id.field {
                0 => u128::from(x[0]),
                1 => u128::from(x[1 + element / 8] >> (element % 8) & 1),
                _ => u128::from_le_bytes(x[3 + 16 * element..][..16].try_into().unwrap()),
            });
        }
        let bound = Binding {
            chain_id: 1,
            epoch: 1,
            key_epoch: 0,
            contract: Default::default(),
            code_hash: Default::default(),
            sender: Default::default(),
            nonce,
            input: 4,
            length: x.len() as u32,
        };
        let seeds = seeds(&mut random);
        let sealed = sealed::seal(
            &SealKeys::first(&committee),
            &bound,
            &input,
            &x,
            &seeds,
            &mut rand::rng(),
        )
        .unwrap();
        for (me, collector) in (0u8..).zip(&mut collectors) {
            let held = keys[usize::from(me)].open(me, &bound, &sealed).unwrap();
            collector.push(4, &sealed.masked, &held).unwrap();
        }
    }
    let program = Arc::new(program);
    let mut sessions = Vec::new();
    let mut sent = Vec::new();
    for (me, collector) in (0u8..).zip(collectors) {
        let entropy = Zeroizing::new(array::from_fn(|_| number(&mut random) as u8));
        let inputs = collector.finish().unwrap();
        let (session, frames) =
            Session::start(me, binding(), Task::open(program.clone(), inputs), entropy).unwrap();
        sessions.push(session);
        sent.push(VecDeque::from([frames]));
    }
    let opened = loop {
        let round: Vec<Frames> = sent.iter_mut().map(|s| s.pop_front().unwrap()).collect();
        let received: Vec<Frames> = (0..4)
            .map(|to| array::from_fn(|from| round[from][to].clone()))
            .collect();
        let mut opened = Vec::new();
        let mut next = Vec::new();
        for ((session, frames), sent) in sessions.into_iter().zip(received).zip(&mut sent) {
            match session.step(frames).unwrap() {
                Step::Continue(session, rounds) => {
                    next.push(session);
                    sent.extend(rounds);
                }
                Step::Done(outcome) => opened.push(outcome.into_opened().unwrap()),
            }
        }
        if !opened.is_empty() {
            break opened;
        }
        sessions = next;
    };
    assert!(opened.iter().all(|o| *o == opened[0]));
    for (place, column) in expected.iter().enumerate() {
        assert_eq!(opened[0].values()[2 * place], *column, "column {place}");
    }
}

#[test]
fn inputs_that_do_not_fit_are_refused() {
    let (program, _) = program(1);
    let types = [(4, ballot())];
    let held = |random: &mut _, without: usize| {
        let mut held = seeds(random).map(Some);
        held[without] = None;
        held
    };
    let mut random = random(41);
    let masked = vec![0; ballot().bytes()];
    let collector = || InputCollector::new(2, &program, &types).unwrap();

    let missing = collector().push(4, &masked, &held(&mut random, 1));
    assert_eq!(missing, Err(EngineError::MissingSeed { component: 1 }));
    let short = collector().push(4, &masked[1..], &held(&mut random, 2));
    assert_eq!(
        short,
        Err(EngineError::InputLength {
            expected: masked.len(),
            actual: masked.len() - 1
        })
    );
    let unknown = collector().push(5, &masked, &held(&mut random, 2));
    assert!(matches!(
        unknown,
        Err(EngineError::NoSuchColumn { input_type: 5, .. })
    ));
    assert!(matches!(
        collector().finish(),
        Err(EngineError::ColumnLength { actual: 0, .. })
    ));
    let mut twice = collector();
    twice.push(4, &masked, &held(&mut random, 2)).unwrap();
    let second = twice.push(4, &masked, &held(&mut random, 2));
    assert!(matches!(
        second,
        Err(EngineError::ColumnLength { actual: 2, .. })
    ));
    twice.finish().unwrap();

    let refused = |me, types: &[(u32, InputType)]| InputCollector::new(me, &program, types).err();
    assert_eq!(
        refused(4, &types),
        Some(EngineError::NoSuchParty { party: 4 })
    );
    assert!(matches!(
        refused(0, &[]),
        Some(EngineError::NoSuchColumn { input_type: 4, .. })
    ));
    let mut other = ballot();
    other.fields[2].kind = Kind::U128;
    assert!(matches!(
        refused(0, &[(4, other)]),
        Some(EngineError::ColumnKind { .. })
    ));
    let mut fewer = ballot();
    fewer.fields[1].len = 9;
    assert!(matches!(
        refused(0, &[(4, fewer)]),
        Some(EngineError::NoSuchColumn { field: 1, .. })
    ));
}

#[test]
fn shares_of_another_party_or_program_are_refused() {
    let (first, _) = program(3);
    let (second, _) = program(4);
    let columns = vec![vec![1; 3]; 5];
    let deal = |me: usize| {
        mpc_engine::local::deal(&first, &columns, 1)
            .unwrap()
            .into_iter()
            .nth(me)
            .unwrap()
    };
    let start = |me, program: &Program, inputs| {
        let program = Arc::new(program.clone());
        let task = Task::open(program, inputs);
        Session::start(me, binding(), task, Zeroizing::new([1; 32])).err()
    };
    assert_eq!(start(1, &first, deal(1)), None);
    assert_eq!(
        start(1, &first, deal(2)),
        Some(EngineError::NoSuchParty { party: 1 })
    );
    let wrong = start(1, &second, deal(1));
    assert!(matches!(wrong, Some(EngineError::ColumnLength { .. })));
}
