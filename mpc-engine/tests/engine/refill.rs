//! Lots that three parties have made: whole sessions, and computations on what they made.

use std::sync::Arc;

use crate::support::{Cluster, columns, seed, single, without};
use mpc_engine::{
    Amounts, Ending, FrameFault, LotShares, Outcome, PartyInputs, Program, Ranges, ReserveShares,
    Session, Stop, Task, clear, component_hash,
};
use wire::{kind::Kind, secret::Op};
use zeroize::Zeroizing;

/// Three sessions that make a lot, and have begun.
fn production(amounts: impl Fn(u8) -> Amounts, absent: u8) -> Cluster {
    let program = single(Op::Not, &[(Kind::Bool, 1)], 0);
    let task = |me, _| Task::Produce {
        amounts: amounts(me),
    };
    let binding = |_| without(Some(absent));
    Cluster::start_with(&program, &[vec![0]], seed(), binding, task)
}

fn make(amounts: Amounts, absent: u8) -> [Option<LotShares>; 4] {
    production(|_| amounts, absent)
        .finish()
        .map(|end| match end?.unwrap() {
            Outcome::Made(lot) => Some(lot),
            outcome => panic!("{outcome:?}"),
        })
}

/// What party `me` takes of a lot; components from any who hold them, if the hashes agree.
fn all_of(lots: &[Option<LotShares>; 4], amounts: &Amounts, me: u8) -> ReserveShares {
    let components = [0, 1, 2, 3].map(|c| {
        let mut held = lots.iter().flatten().filter_map(|lot| {
            let hash = lot.hashes()[usize::from(c)];
            assert_eq!(hash, lot.component(c).map(component_hash));
            Some((lot.component(c)?, hash?))
        });
        let (component, agreed) = held.next()?;
        assert!(
            held.all(|(_, hash)| hash == agreed),
            "holders of {c} disagree"
        );
        Some(component)
    });
    let mut shares = ReserveShares::new(me);
    shares
        .push(amounts, &Ranges::all(amounts), components)
        .unwrap();
    shares
}

fn opened_without(
    absent: u8,
    program: &Program,
    columns: &[Vec<u128>],
    lots: &[Option<LotShares>; 4],
) -> Vec<Vec<u128>> {
    let (shared, need) = (Arc::new(program.clone()), program.reserve_need());
    let task = |me: u8, inputs: PartyInputs| Task::Compute {
        program: shared.clone(),
        inputs,
        seeds: None,
        reserve: Some(all_of(lots, &need, me)),
        ending: Ending::Open,
    };
    let binding = |_| without(Some(absent));
    let cluster = Cluster::start_with(program, columns, 3, binding, task);
    let mut ends = cluster.finish().into_iter().flatten().map(Result::unwrap);
    let opened = ends.next().unwrap().into_opened().unwrap();
    assert!(ends.all(|end| end.into_opened().as_ref() == Some(&opened)));
    opened.values().to_vec()
}

/// Whoever was away when a lot was made, and whoever is when it is used.
#[test]
fn three_compute_on_what_three_have_made() {
    for (op, kinds) in [
        (Op::Mul, [Kind::U128; 2]),
        (Op::Lt, [Kind::I64; 2]),
        (Op::Div, [Kind::U16; 2]),
        (Op::And, [Kind::Bool; 2]),
    ] {
        let program = single(op, &kinds.map(|kind| (kind, 5)), 0);
        let columns = columns(&kinds, 5, 310);
        let expected = clear::evaluate(&program, &columns).unwrap();
        for away in 0..4 {
            let lots = make(program.reserve_need(), away);
            for absent in 0..4 {
                let actual = opened_without(absent, &program, &columns, &lots);
                assert_eq!(
                    actual, expected,
                    "{op:?}: made without {away}, used without {absent}"
                );
            }
        }
    }
}

#[test]
fn sessions_are_as_planned() {
    let amounts = Amounts {
        bits: 256,
        r64: 10,
        r128: 1,
        seeds: 1,
    };
    for absent in 0..4 {
        let plan = amounts.production_plan(Some(absent)).unwrap();
        let mut cluster = production(|_| amounts, absent);
        let mut sent = [[0; 4]; 4];
        let (mut rounds, mut largest) = (0, 0);
        while cluster.sessions.iter().any(Option::is_some) {
            for (from, frames) in cluster.frames.iter().enumerate() {
                for (to, frame) in frames.iter().enumerate() {
                    sent[from][to] += frame.len() as u64;
                    largest = largest.max(frame.len());
                }
            }
            rounds += 1;
            let results = cluster.round();
            cluster.advance(results);
        }
        assert_eq!(sent, plan.link_bytes);
        assert_eq!((rounds, largest), (plan.rounds, plan.largest_frame));
        assert_eq!(plan.latency, plan.rounds);
    }
}

#[test]
fn sessions_that_make_other_lots_do_not_start() {
    let few = Amounts {
        bits: 64,
        ..Amounts::default()
    };
    let more = Amounts { bits: 128, ..few };
    let mut cluster = production(|me| if me == 1 { more } else { few }, 2);
    let ends = cluster.round();
    for (me, end) in ends.into_iter().enumerate().filter(|(me, _)| *me != 2) {
        let stop = end.unwrap().unwrap_err();
        let fault = FrameFault::Binding;
        let is_binding = matches!(stop, Stop::BadFrame { fault: f, .. } if f == fault);
        assert!(is_binding, "{me}: {stop}");
    }
}

#[test]
fn what_cannot_be_made_is_refused() {
    let start = |absent, amounts| {
        let task = Task::Produce { amounts };
        let mut binding = without(Some(1));
        binding.absent = Some(absent);
        Session::start(0, binding, task, Zeroizing::new([1; 32])).map(|_| ())
    };
    let none = Amounts::default();
    assert!(start(1, none).is_ok());
    assert!(start(0, none).is_err());
    assert!(start(4, none).is_err());
    assert!(start(1, Amounts { bits: 63, ..none }).is_err());
    let huge = Amounts {
        r64: u64::MAX,
        ..none
    };
    assert!(start(1, huge).is_err());
    assert!(huge.production_plan(Some(1)).is_err());
    assert!(none.production_plan(Some(4)).is_err());
}
