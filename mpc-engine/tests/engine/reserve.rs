//! Three parties, from the reserve: every operation against the clear-text model, whoever is absent;
//! lies; and that each triple is needed and used once.

use std::sync::Arc;

use crate::{
    catalogue::Case,
    every_operation::{for_each, lie_about_each, sends_as_planned},
    support::{Cluster, all_of, column, columns, number, random, single, without},
};
use mpc_engine::{
    Amounts, ComponentSeeds, Ending, EngineError, LotShares, PartyInputs, Program, ProgramBuilder,
    Ranges, ReserveShares, Session, Stop, Task, ValueId, clear, local,
};
use rand_chacha::ChaCha20Rng;
use wire::{kind::Kind, limits::SESSION_FRAME_BYTES, secret::Op};
use zeroize::Zeroizing;

/// The seeds of a computation, at one party.
pub fn seeds(me: u8) -> ComponentSeeds {
    let all = [[1; 32], [2; 32], [3; 32], [4; 32]];
    ComponentSeeds::new(me, all.each_ref().map(|seed| Some(&seed[..]))).unwrap()
}

/// Sessions that have begun, on lots that this process has dealt, from those seeds.
fn attempt(program: &Program, columns: &[Vec<u128>], seed: u64, absent: Option<u8>) -> Cluster {
    let lots = LotShares::deal(program.reserve_need(), seed).unwrap();
    Cluster::start_on(&lots, absent, program, columns, seed, |me| Some(seeds(me)))
}

/// What all of them open.
fn opened(cluster: Cluster) -> Vec<Vec<u128>> {
    cluster.run().0
}

/// Whether to try everything: `QUARTET_ALL`.
fn all() -> bool {
    std::env::var_os("QUARTET_ALL").is_some()
}

/// The parties to leave out: all, or one at random.
fn absentees(random: &mut ChaCha20Rng) -> Vec<u8> {
    let picked = (number(random) >> 9) as u8 % 4;
    (0..4).filter(|a| all() || *a == picked).collect()
}

fn check(case: &Case, public: u32, absent: u8) {
    let program = case.program(public).unwrap();
    let columns = case.columns(public);
    let actual = opened(attempt(&program, &columns, 7, Some(absent)));
    let expected = if case.is_random() {
        opened(attempt(&program, &columns, 8, None))
    } else {
        clear::evaluate(&program, &columns).unwrap()
    };
    assert!(
        actual == expected,
        "{case:?} with {public:b} public, without {absent}\nis      {actual:?}\nand not {expected:?}"
    );
}

/// Every operation at every kind on so many elements; of the operands that are public, and of those who
/// are absent, a sample.
fn computes(lanes: usize, stream: u64) {
    let mut random = random(stream);
    for_each(lanes, stream + 10, |case| {
        let choices = 1 << case.operands.len();
        let picked = (number(&mut random) >> 9) as u32 % choices;
        for public in (0..choices).filter(|public| all() || [0, picked].contains(public)) {
            for absent in absentees(&mut random) {
                check(case, public, absent);
            }
        }
    });
}

#[test]
fn three_compute_what_the_clear_text_model_says() {
    computes(25, 200);
}

#[test]
fn three_compute_on_one_element() {
    computes(1, 201);
}

#[test]
fn three_compute_on_none() {
    computes(0, 202);
}

/// A random result is the same with four and with any three, as often as it is attempted.
#[test]
fn a_random_result_is_the_same_in_all_attempts() {
    let mut random = random(203);
    for op in [
        Op::Random,
        Op::RandomBelow,
        Op::RandomPermutation,
        Op::Shuffle,
    ] {
        let case = Case::new(op, Kind::U16, 40, &mut random);
        let program = case.program(0).unwrap();
        assert!(program.is_random());
        let columns = case.columns(0);
        let expected = opened(attempt(&program, &columns, 1, None));
        assert_eq!(opened(attempt(&program, &columns, 2, None)), expected);
        for absent in 0..4 {
            let actual = opened(attempt(&program, &columns, 3, Some(absent)));
            assert_eq!(actual, expected, "{op:?} without {absent}");
        }
        // Not so without seeds.
        let own = local::run(&program, &columns, 1).unwrap();
        assert_ne!(own, expected, "{op:?}");
    }
}

/// Long vectors, in several chunks; rows longer than a chunk; chunks of planes; sorts by digits.
#[test]
fn three_compute_on_long_vectors() {
    let mut random = random(204);
    let cases: &[(Op, &[Kind], usize, u64)] = &[
        (Op::Dot, &[Kind::U64, Kind::U64], 50_000, 0),
        (Op::DotRows, &[Kind::U64, Kind::U64], 60_000, 20_000),
        (Op::Count, &[Kind::Bool], 9_999, 0),
        (Op::Lt, &[Kind::I64, Kind::I64], 5_000, 0),
        (Op::Sort, &[Kind::U8], 3_000, 0),
    ];
    let mut programs = vec![(sum_of_products(9_001), vec![Kind::U128; 2], 9_001)];
    for (op, kinds, lanes, immediate) in cases {
        let forms: Vec<(Kind, usize)> = kinds.iter().map(|kind| (*kind, *lanes)).collect();
        programs.push((single(*op, &forms, *immediate), kinds.to_vec(), *lanes));
    }
    for (program, kinds, lanes) in programs {
        let columns = columns(&kinds, lanes, 205);
        let absent = (number(&mut random) >> 9) as u8 % 4;
        let actual = opened(attempt(&program, &columns, 5, Some(absent)));
        let expected = clear::evaluate(&program, &columns).unwrap();
        assert!(actual == expected, "{program:?} without {absent}");
    }
}

/// Σ x²·y, as more than one operation.
fn sum_of_products(lanes: usize) -> Program {
    let mut builder = ProgramBuilder::new();
    let x = builder.input(column(0), Kind::U128, lanes).unwrap();
    let y = builder.input(column(1), Kind::U128, lanes).unwrap();
    let square = builder.apply(Op::Mul, &[x, x], 0).unwrap();
    let product = builder.apply(Op::Mul, &[square, y], 0).unwrap();
    let sum = builder.apply(Op::Sum, &[product], 0).unwrap();
    builder.reveal(sum).unwrap();
    builder.finish().unwrap()
}

#[test]
fn three_send_what_the_plan_says_whatever_the_secrets() {
    let mut random = random(206);
    for_each(9, 216, |case| {
        let wanted = [Kind::Bool, Kind::U16, Kind::I64, Kind::Fixed64(16)];
        if wanted.contains(&case.kind) {
            let plan = case.program(0).unwrap().reserve_plan();
            let start = |program: &Program, columns: &[Vec<u128>], run| {
                attempt(program, columns, run, Some(3))
            };
            sends_as_planned(case, &plan, &mut random, start);
        }
    });
}

/// The program that applies one operation and opens the first element of what comes of it.
fn first(op: Op, operands: &[(Kind, usize)], immediate: u64) -> Program {
    let mut builder = ProgramBuilder::new();
    let operands = (0..).zip(operands);
    let operands = operands.map(|(i, (kind, len))| builder.input(column(i), *kind, *len).unwrap());
    let operands: Vec<ValueId> = operands.collect();
    let result = builder.apply(op, &operands, immediate).unwrap();
    let result = builder.apply(Op::Slice, &[result], 1).unwrap();
    builder.reveal(result).unwrap();
    builder.finish().unwrap()
}

/// What three open of factors is more than what four send, and still fits frames: of long vectors,
/// of long rows, of tables with many entries, of what is shuffled in one piece.
#[test]
fn messages_of_three_fit_frames() {
    let wide = Kind::U128;
    let programs = [
        first(Op::Mul, &[(wide, 100_000), (wide, 100_000)], 0),
        first(Op::Dot, &[(wide, 1_000_000), (wide, 1_000_000)], 0),
        first(Op::DotRows, &[(wide, 1 << 20), (wide, 1 << 20)], 1 << 19),
        first(Op::Lookup, &[(wide, 12_000), (Kind::U16, 64)], 0),
        first(Op::Sort, &[(Kind::U64, 30_000)], 0),
        first(Op::Shuffle, &[(Kind::U64, (1 << 20) - 128)], 0),
        first(Op::Shuffle, &[(Kind::Bool, 1 << 22)], 0),
    ];
    for program in programs {
        let plan = program.reserve_plan();
        println!("{plan}, {}", program.reserve_need());
        assert!(plan.largest_frame <= SESSION_FRAME_BYTES, "{plan}");
        assert!(plan.sent_by(3) == 0 && plan.sent_by(0) > 0);
    }
}

/// Some lies of a live party about messages of every operation.
#[test]
fn three_notice_lies() {
    lie_about_each(6, 207, |random| {
        absentees(random).into_iter().map(Some).collect()
    });
}

/// Deals a lot of which a holder of all components has changed one bit of one product.
fn corrupted(need: Amounts, byte: usize) -> [LotShares; 4] {
    let lots = LotShares::deal(need, 7).unwrap();
    [0, 1, 2, 3].map(|me: u8| {
        let components = [0, 1, 2, 3].map(|c| {
            let mut bytes = lots[usize::from(me)].component(c)?.to_vec();
            if c == 1 {
                bytes[byte] ^= 1;
            }
            Some(Zeroizing::new(bytes))
        });
        LotShares::of_components(need, components).unwrap()
    })
}

/// Everything that comes of the reserve counts: with one wrong triple, on which both holders agree, the
/// result is wrong.
#[test]
fn a_wrong_triple_makes_a_wrong_result() {
    let program = single(Op::Mul, &[(Kind::U64, 2), (Kind::U64, 2)], 0);
    let need = program.reserve_need();
    assert_eq!(need.r64, 2);
    let columns = vec![vec![3, 4], vec![5, 6]];
    for absent in 0..4 {
        // One byte of c of each triple.
        for triple in 0..2 {
            let lots = corrupted(need, 2 * 16 + 8 * triple);
            let actual = opened(Cluster::start_on(
                &lots,
                Some(absent),
                &program,
                &columns,
                1,
                |_| None,
            ));
            let mut expected = [15, 24];
            let component = |lots: &[LotShares; 4]| lots[0].component(1).unwrap()[32 + 8 * triple];
            let honest = LotShares::deal(need, 7).unwrap();
            let change = i128::from(component(&lots)) - i128::from(component(&honest));
            expected[triple] = (expected[triple] as i128 + change).cast_unsigned();
            assert_eq!(actual[0], expected, "without {absent}");
        }
    }
}

/// What a party is given must be its own, and exactly what is needed; and of the reserve something is
/// taken only if a party is absent.
#[test]
fn another_amount_is_refused() {
    let program = Arc::new(single(Op::Lt, &[(Kind::U64, 3), (Kind::U64, 3)], 0));
    let need = program.reserve_need();
    let start = |amounts: Amounts, of: u8, absent: Option<u8>| {
        let columns = vec![vec![1, 2, 3]; 2];
        let lots = LotShares::deal(amounts, 7).unwrap();
        let inputs = local::deal(&program, &columns, 1)
            .unwrap()
            .into_iter()
            .next();
        let task = Task::Compute {
            program: program.clone(),
            inputs: inputs.unwrap(),
            seeds: None,
            reserve: Some(all_of(&lots[usize::from(of)], of)),
            ending: Ending::Open,
        };
        Session::start(0, without(absent), task, Zeroizing::new([1; 32])).map(|_| ())
    };
    assert_eq!(start(need, 0, Some(2)), Ok(()));
    let less = Amounts {
        bits: need.bits - 64,
        ..need
    };
    let more = Amounts {
        r64: need.r64 + 1,
        ..need
    };
    for (amounts, of) in [(less, 0), (more, 0), (need, 1)] {
        let refused = start(amounts, of, Some(2));
        assert!(
            matches!(refused, Err(EngineError::ReserveNeed { .. })),
            "{refused:?}"
        );
    }
    assert_eq!(start(need, 0, None), Err(EngineError::ReserveUse));
}

/// Shares that come from several lots are those of the ranges, one after another.
#[test]
fn ranges_of_several_lots_are_joined() {
    let program = single(Op::Lt, &[(Kind::U64, 5), (Kind::U64, 5)], 0);
    let product = single(Op::Mul, &[(Kind::U128, 5), (Kind::U128, 5)], 0);
    for (program, domain) in [(&program, 0), (&product, 1)] {
        let need = program.reserve_need();
        let lot = Amounts {
            bits: 64 * 40,
            r64: 3,
            r128: 3,
            seeds: 1,
        };
        let lots: Vec<[LotShares; 4]> = (0..2).map(|i| LotShares::deal(lot, i).unwrap()).collect();
        let first = Ranges {
            bits: if domain == 0 { 64..64 * 40 } else { 0..0 },
            r128: if domain == 1 { 1..3 } else { 0..0 },
            ..Ranges::default()
        };
        let rest = need.minus(&first.amounts());
        let second = Ranges {
            bits: 0..rest.bits,
            r128: 0..rest.r128,
            ..Ranges::default()
        };
        let shared = Arc::new(program.clone());
        let task = |me: u8, inputs: PartyInputs| {
            let mut reserve = ReserveShares::new(me);
            for (lots, ranges) in lots.iter().zip([&first, &second]) {
                let taken = [0, 1, 2, 3].map(|c| taken(&lots[usize::from(me)], c, ranges));
                let components = taken.each_ref().map(|bytes| bytes.as_deref());
                reserve.push(&lot, ranges, components).unwrap();
            }
            Task::Compute {
                program: shared.clone(),
                inputs,
                seeds: None,
                reserve: Some(reserve),
                ending: Ending::Open,
            }
        };
        let kinds: Vec<Kind> = program.columns().iter().map(|c| c.kind).collect();
        let columns = columns(&kinds, 5, 208);
        let cluster = Cluster::start_with(program, &columns, 1, |_| without(Some(1)), task);
        assert_eq!(opened(cluster), clear::evaluate(program, &columns).unwrap());
    }
}

/// The bytes of a component that are in these ranges.
fn taken(lot: &LotShares, c: u8, ranges: &Ranges) -> Option<Vec<u8>> {
    let component = lot.component(c)?;
    let ranges = lot.amounts().byte_ranges(ranges);
    let parts = ranges
        .iter()
        .map(|r| &component[r.start as usize..r.end as usize]);
    Some(parts.collect::<Vec<_>>().concat())
}

/// A stop of three names parties that are there.
#[test]
fn nobody_who_is_absent_is_blamed() {
    let program = single(Op::Mul, &[(Kind::U64, 20), (Kind::U64, 20)], 0);
    let columns = columns(&[Kind::U64, Kind::U64], 20, 209);
    for absent in 0..4 {
        let live: Vec<usize> = (0..4).filter(|p| *p != usize::from(absent)).collect();
        for liar in &live {
            for receiver in live.iter().filter(|p| *p != liar) {
                let mut cluster = attempt(&program, &columns, 1, Some(absent));
                for _ in 0..3 {
                    let results = cluster.round();
                    cluster.go_on(results);
                }
                let frame = &mut cluster.frames[*liar][*receiver];
                let last = frame.len() - 1;
                frame[last] ^= 1;
                let results = cluster.round();
                match &results[*receiver] {
                    Some(Err(Stop::Mismatch { sender, backup, .. })) => {
                        let pair = [usize::from(*sender), usize::from(*backup)];
                        assert!(pair.contains(liar) && !pair.contains(&usize::from(absent)));
                    }
                    other => panic!("{other:?}"),
                }
            }
        }
    }
}
