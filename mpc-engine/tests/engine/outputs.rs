//! Results that are kept as shares: what parties commit to, store, open and put together.

use std::sync::Arc;

use crate::support::{Cluster, binding, column, columns, random};
use mpc_engine::{
    Ending, EngineError, Opening, Outcome, Outputs, Program, ProgramBuilder, Task, clear, combine,
    commitment, encode_opened,
};
use rand_chacha::rand_core::Rng as _;
use wire::{kind::Kind, secret::Op};

/// Results of several kinds, in some of which bits of the last byte are unused; products and
/// comparisons among them, and a public one.
fn program() -> Program {
    let mut builder = ProgramBuilder::new();
    let x = builder.input(column(0), Kind::U64, 13).unwrap();
    let y = builder.input(column(1), Kind::U64, 13).unwrap();
    let b = builder.input(column(2), Kind::Bool, 13).unwrap();
    let product = builder.apply(Op::Mul, &[x, y], 0).unwrap();
    let less = builder.apply(Op::Lt, &[x, y], 0).unwrap();
    let not = builder.apply(Op::Not, &[b], 0).unwrap();
    let public = builder.constant(Kind::U16, 77, 3).unwrap();
    for value in [product, less, not, public, x] {
        builder.reveal(value).unwrap();
    }
    builder.finish().unwrap()
}

const KINDS: [Kind; 3] = [Kind::U64, Kind::U64, Kind::Bool];

/// What each party keeps.
fn kept(program: &Program, columns: &[Vec<u128>]) -> Vec<Outputs> {
    let program = Arc::new(program.clone());
    let task = |_, inputs| Task::Compute {
        program: program.clone(),
        inputs,
        seeds: None,
        reserve: None,
        ending: Ending::Commit,
    };
    let outcomes = Cluster::start_with(&program, columns, 1, |_| binding(), task).finish();
    let outputs = outcomes.into_iter().map(|outcome| match outcome {
        Some(Ok(Outcome::Committed(outputs))) => outputs,
        other => panic!("{other:?}"),
    });
    outputs.collect()
}

#[test]
fn holders_agree_and_components_add_up() {
    let program = program();
    let columns = columns(&KINDS, 13, 60);
    let expected = encode_opened(&program, &clear::evaluate(&program, &columns).unwrap()).unwrap();
    let kept = kept(&program, &columns);
    let bound = binding();
    let mut openings = Vec::new();
    for c in 0..4u8 {
        let holders: Vec<&Outputs> = (0..4)
            .filter(|p| *p != c)
            .map(|p| &kept[p as usize])
            .collect();
        let opening = holders[0].opening(c).unwrap();
        let committed = commitment(&bound.computation, bound.attempt, c, &opening);
        for holder in holders {
            assert!(holder.opening(c).unwrap() == opening);
            assert_eq!(holder.commitments()[usize::from(c)], Some(committed));
        }
        let lacks = &kept[usize::from(c)];
        assert!(lacks.opening(c).is_none() && lacks.commitments()[usize::from(c)].is_none());
        // Bits that no result uses tell nothing.
        assert_eq!(opening.value[13 * 8 + 1] >> 5, 0);
        openings.push(opening);
    }
    let components = std::array::from_fn(|c| &openings[c].value[..]);
    assert_eq!(combine(&program.outputs(), components).unwrap(), expected);
    for (a, b) in [(0, 1), (1, 2), (2, 3)] {
        assert!(openings[a].blinding != openings[b].blinding);
    }
    for wrong in [&components[0][1..], &[components[0], &[0]].concat()] {
        let mut all = components;
        all[3] = wrong;
        assert_eq!(
            combine(&program.outputs(), all),
            Err(EngineError::OpenedForm)
        );
    }
    // A party cannot set bits that are no part of the result.
    let mut odd = openings[2].value.clone();
    odd[13 * 8 + 1] |= 0xe0;
    let mut all = components;
    all[2] = &odd;
    assert_eq!(combine(&program.outputs(), all).unwrap(), expected);
}

#[test]
fn commitments_bind_everything() {
    let mut blinding = [0; 32];
    random(61).fill_bytes(&mut blinding);
    let opening = Opening {
        blinding,
        value: vec![1, 2, 3],
    };
    let base = commitment(&[1; 32], 2, 3, &opening);
    let mut other = opening.clone();
    other.blinding[31] ^= 1;
    let mut longer = opening.clone();
    longer.value.push(0);
    for changed in [
        commitment(&[2; 32], 2, 3, &opening),
        commitment(&[1; 32], 3, 3, &opening),
        commitment(&[1; 32], 2, 2, &opening),
        commitment(&[1; 32], 2, 3, &other),
        commitment(&[1; 32], 2, 3, &longer),
    ] {
        assert_ne!(changed, base);
    }
}

#[test]
fn outputs_are_stored_and_read_again() {
    let program = program();
    for (me, outputs) in (0u8..).zip(kept(&program, &columns(&KINDS, 13, 62))) {
        let stored = outputs.encode();
        let read = Outputs::decode(&stored).unwrap();
        assert_eq!(read.commitments(), outputs.commitments());
        for c in 0..4 {
            assert!(read.opening(c) == outputs.opening(c));
            assert_eq!(read.opening(c).is_some(), c != me);
        }
        for length in 0..stored.len() {
            assert!(Outputs::decode(&stored[..length]).is_err());
        }
        let mut longer = stored.to_vec();
        longer.push(0);
        assert!(Outputs::decode(&longer).is_err());
        longer.pop();
        longer[36] = 2;
        assert!(Outputs::decode(&longer).is_err());
    }
}
