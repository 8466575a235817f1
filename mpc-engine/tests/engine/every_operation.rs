//! What must hold of every operation at every kind: it computes what the clear-text model says,
//! whatever is public; what is sent depends on the program alone and is what the plan says; and a
//! lie is noticed.

use std::collections::BTreeMap;

use crate::{
    catalogue::{Case, KINDS},
    support::{Cluster, number, random},
    tampering,
};
use mpc_engine::{Plan, Program, ProgramError, clear, local};
use rand_chacha::ChaCha20Rng;
use wire::{kind::Kind, secret::Op};

/// Every operation at every kind on which it is defined.
pub fn for_each(lanes: usize, stream: u64, mut f: impl FnMut(&Case)) {
    let mut random = random(stream);
    let mut kinds: BTreeMap<Op, usize> = BTreeMap::new();
    for op in Op::ALL {
        for kind in KINDS {
            let case = Case::new(op, kind, lanes, &mut random);
            match case.program(0) {
                Ok(_) => {
                    *kinds.entry(op).or_default() += 1;
                    f(&case);
                }
                // Of nothing there is no least element.
                Err(ProgramError::NoElements { .. }) if lanes == 0 => {
                    *kinds.entry(op).or_default() += 1;
                }
                Err(ProgramError::UndefinedOn { .. } | ProgramError::NoSuchCast { .. }) => {}
                Err(error) => panic!("{case:?}: {error}"),
            }
        }
    }
    let undefined: Vec<Op> = Op::ALL
        .into_iter()
        .filter(|op| !kinds.contains_key(op))
        .collect();
    assert!(
        undefined.is_empty(),
        "not defined on any kind: {undefined:?}"
    );
}

fn check_against_clear(case: &Case) {
    for public in 0..1 << case.operands.len() {
        let program = case.program(public).unwrap();
        let columns = case.columns(public);
        let actual = local::run(&program, &columns, 7).unwrap();
        if case.is_random() {
            continue;
        }
        let expected = clear::evaluate(&program, &columns).unwrap();
        assert!(
            actual == expected,
            "{case:?} with {public:b} public\nis      {actual:?}\nand not {expected:?}"
        );
    }
}

#[test]
fn computes_what_the_clear_text_model_says() {
    for_each(25, 100, check_against_clear);
}

#[test]
fn computes_on_one_element() {
    for_each(1, 101, check_against_clear);
}

#[test]
fn computes_on_none() {
    for_each(0, 102, check_against_clear);
}

/// Checks that two runs on different secrets send as many bytes, round by round and link by link, and
/// those that the plan says.
pub fn sends_as_planned(
    case: &Case,
    plan: &Plan,
    random: &mut ChaCha20Rng,
    start: impl Fn(&Program, &[Vec<u128>], u64) -> Cluster,
) {
    let program = case.program(0).unwrap();
    let mut traces = Vec::new();
    for run in 0..2 {
        let columns = case.columns(0);
        let other = |(column, operand): (Vec<u128>, Kind)| match run {
            0 => vec![0; column.len()],
            // Permutations stay what they are.
            _ if case.op == Op::Permute && operand == Kind::U32 => column,
            _ => (column.iter())
                .map(|_| number(random) & operand.mask())
                .collect(),
        };
        let kinds = program.columns().iter().map(|c| c.kind);
        let columns: Vec<Vec<u128>> = columns.into_iter().zip(kinds).map(other).collect();
        traces.push(start(&program, &columns, run).run().1);
    }
    assert_eq!(traces[0], traces[1], "{case:?}");
    let trace = &traces[0];
    assert_eq!(trace.len(), plan.rounds, "{case:?}");
    for (from, links) in plan.link_bytes.iter().enumerate() {
        for (to, planned) in links.iter().enumerate() {
            let sent: usize = trace.iter().map(|round| round[from][to]).sum();
            assert_eq!(sent as u64, *planned, "{case:?}");
        }
    }
    let largest = trace.iter().flatten().flatten().max();
    assert_eq!(largest, Some(&plan.largest_frame), "{case:?}");
}

#[test]
fn sends_what_the_plan_says_whatever_the_secrets() {
    let mut random = random(103);
    for_each(9, 104, |case| {
        let plan = case.program(0).unwrap().plan();
        sends_as_planned(case, &plan, &mut random, Cluster::start);
    });
}

/// Some lies about messages of every operation, without each of the absentees that `without` tells;
/// `QUARTET_LIES` says how many of each, or else it is `lies`.
pub fn lie_about_each(
    lies: usize,
    stream: u64,
    without: impl Fn(&mut ChaCha20Rng) -> Vec<Option<u8>>,
) {
    let told = std::env::var("QUARTET_LIES").ok();
    let lies = told.and_then(|n| n.parse().ok()).unwrap_or(lies);
    let mut random = random(stream);
    for_each(3, stream + 1, |case| {
        let wanted = [Kind::Bool, Kind::U8, Kind::I16, Kind::Fixed64(16)];
        if !wanted.contains(&case.kind) {
            return;
        }
        let program = case.program(0).unwrap();
        for absent in without(&mut random) {
            let what = format!("{:?} on {:?} without {absent:?}", case.op, case.kind);
            tampering::sample(&what, absent, &program, &case.columns(0), lies, &mut random);
        }
    });
}

#[test]
fn notices_lies() {
    lie_about_each(24, 105, |_| vec![None]);
}
