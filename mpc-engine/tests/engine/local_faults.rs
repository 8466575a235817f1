//! Runs in one process with a party that is stopped, or that lies.

use mpc_engine::{
    ColumnId, Program, ProgramBuilder, clear,
    local::{self, Faults},
};
use wire::{kind::Kind, secret::Op};

use crate::support::{columns, seed};

/// Products, a sorted vector, and the sum of random numbers less than 1, if it is to be random.
fn program(random: bool) -> (Program, Vec<Vec<u128>>) {
    let mut builder = ProgramBuilder::new();
    let column = |field| ColumnId {
        input_type: 0,
        field,
        element: 0,
    };
    let x = builder.input(column(0), Kind::U16, 9).unwrap();
    let y = builder.input(column(1), Kind::U16, 9).unwrap();
    let product = builder.apply(Op::Mul, &[x, y], 0).unwrap();
    let sorted = builder.apply(Op::Sort, &[product], 0).unwrap();
    let mut outputs = vec![sorted];
    if random {
        outputs.push(builder.apply(Op::Shuffle, &[x], 0).unwrap());
    }
    for output in outputs {
        builder.reveal(output).unwrap();
    }
    let columns = columns(&[Kind::U16, Kind::U16], 9, 90);
    (builder.finish().unwrap(), columns)
}

#[test]
fn one_party_may_fail() {
    let (program, columns) = program(false);
    let expected = clear::evaluate(&program, &columns).unwrap();
    for party in 0..4 {
        let [stopped, liar] = [true, false].map(|stops| Faults {
            stopped: stops.then_some(party),
            liar: (!stops).then_some(party),
        });
        let ran = local::run_with(&program, &columns, seed(), stopped).unwrap();
        assert_eq!((&ran.opened, &ran.suspected), (&expected, &vec![]));

        let ran = local::run_with(&program, &columns, seed(), liar).unwrap();
        assert_eq!(ran.opened, expected);
        assert!(
            !ran.suspected.is_empty(),
            "the lie of party {party} is seen"
        );
        for pair in &ran.suspected {
            assert!(pair.contains(&party) && pair[0] != pair[1], "{pair:?}");
        }
    }
    let honest = local::run_with(&program, &columns, seed(), Faults::default()).unwrap();
    assert_eq!((honest.opened, honest.suspected), (expected, vec![]));
}

#[test]
fn what_is_random_is_the_same_in_every_attempt() {
    let (program, columns) = program(true);
    let run = |faults| local::run_with(&program, &columns, seed(), faults).unwrap();
    let honest = run(Faults::default()).opened;
    assert_ne!(honest[1], columns[0], "it is shuffled");
    for party in 0..4 {
        let faults = Faults {
            stopped: None,
            liar: Some(party),
        };
        let ran = run(faults);
        assert_eq!(
            (ran.opened, ran.suspected.is_empty()),
            (honest.clone(), false)
        );
    }
}

#[test]
fn two_parties_may_not_fail() {
    let (program, columns) = program(false);
    let faults = Faults {
        stopped: Some(1),
        liar: Some(2),
    };
    let stop = local::run_with(&program, &columns, seed(), faults).unwrap_err();
    assert!(crate::tampering::blames(&stop, 2), "{stop}");
}
