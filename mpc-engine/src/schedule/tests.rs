use wire::{kind::Kind, secret::Op};

use super::*;
use crate::{ColumnId, Program, ProgramBuilder, template::Mode};

fn column(builder: &mut ProgramBuilder, field: u32, kind: Kind, len: usize) -> ValueId {
    let id = ColumnId {
        input_type: 0,
        field,
        element: 0,
    };
    builder.input(id, kind, len).unwrap()
}

/// What is done in each turn.
fn turns(program: &Program) -> Vec<Vec<Action>> {
    let mut schedule = Schedule::new(program.layout().clone());
    let mut turns = vec![schedule.begin()];
    loop {
        let turn = schedule.received();
        if schedule.is_done() {
            assert!(turn.is_empty(), "something is done at the end");
            return turns;
        }
        turns.push(turn);
    }
}

/// What is done before each round is sent.
fn rounds(program: &Program) -> Vec<Vec<Action>> {
    let mut rounds = vec![Vec::new()];
    for action in turns(program).into_iter().flatten() {
        match (action, rounds.last_mut()) {
            (Action::Send, _) => rounds.push(Vec::new()),
            (action, Some(round)) => round.push(action),
            (_, None) => {}
        }
    }
    assert!(rounds.pop().unwrap().is_empty(), "something is not sent");
    rounds
}

/// Runs of gates that send something.
fn runs(round: &[Action]) -> impl Iterator<Item = &Run> {
    round.iter().filter_map(|action| match action {
        Action::Run(run) if run.template.rounds() > 0 => Some(run),
        _ => None,
    })
}

/// Every lane of a long vector is worked on once, stage by stage, within the bounds of a round and
/// of memory.
#[test]
fn chunks_cover_all_lanes_within_bounds() {
    for (op, kind) in [
        (Op::Mul, Kind::U64),
        (Op::Eq, Kind::I128),
        (Op::And, Kind::Bool),
    ] {
        let len = (1 << 20) + 77;
        let mut builder = ProgramBuilder::new();
        let a = column(&mut builder, 0, kind, len);
        let b = column(&mut builder, 1, kind, len);
        let c = builder.apply(op, &[a, b], 0).unwrap();
        let first = builder.apply(Op::Slice, &[c], 1).unwrap();
        builder.reveal(first).unwrap();
        let mut next_lane = 0;
        let (mut slots, mut held) = (HashMap::new(), 0);
        for round in rounds(&builder.finish().unwrap()) {
            let bytes = |run: &Run| run.template.stage_bytes(run.stage, run.lanes, run.rows);
            let sent: usize = runs(&round).map(bytes).sum();
            assert!(sent <= MOST_BYTES, "{op:?}: {sent}");
            for run in runs(&round) {
                if run.stage == 0 {
                    assert_eq!(run.start, next_lane);
                    next_lane += run.lanes;
                    held += run.memory;
                    assert!(held <= TASK_BYTES, "{op:?}: {held}");
                    assert_eq!(
                        slots.insert(run.slot, (run.chunk, 0)),
                        None,
                        "a slot in use"
                    );
                } else {
                    assert_eq!(
                        slots.insert(run.slot, (run.chunk, run.stage)),
                        Some((run.chunk, run.stage - 1))
                    );
                }
                if run.is_last() {
                    slots.remove(&run.slot);
                    held -= run.memory;
                }
            }
        }
        assert_eq!((next_lane, held), (len, 0));
    }
}

/// What is not revealed, and nothing revealed depends on, does not run; values are forgotten after
/// their last reader; everything is opened together at the end.
#[test]
fn only_what_is_needed_runs() {
    let mut builder = ProgramBuilder::new();
    let a = column(&mut builder, 0, Kind::U8, 5);
    let b = column(&mut builder, 1, Kind::U8, 5);
    builder.apply(Op::Lt, &[a, b], 0).unwrap();
    let product = builder.apply(Op::Mul, &[a, a], 0).unwrap();
    let sum = builder.apply(Op::Sum, &[product], 0).unwrap();
    builder.reveal(sum).unwrap();
    builder.reveal(sum).unwrap();
    let rounds = rounds(&builder.finish().unwrap());
    let describe = |action: &Action| match action {
        Action::Load(v) => format!("load {}", v.0),
        Action::Move(v) => format!("move {}", v.0),
        Action::Run(run) => format!("run {}.{}", run.value.0, run.stage),
        Action::Free(v) => format!("free {}", v.0),
        Action::Open => "open".into(),
        Action::Send => "send".into(),
    };
    let described: Vec<Vec<String>> = rounds
        .iter()
        .map(|round| round.iter().map(describe).collect())
        .collect();
    assert_eq!(
        described,
        [
            vec!["load 0", "run 1.0"],
            vec!["run 1.1", "free 0", "run 2.0", "free 1", "open"]
        ]
    );
}

/// What is sent ahead of outstanding rounds depends on none of them; as much as the window allows is
/// sent ahead; and a chain beside it takes no more rounds than alone.
#[test]
fn independent_work_is_sent_ahead() {
    let mut builder = ProgramBuilder::new();
    let len = 1 << 20;
    let long = column(&mut builder, 0, Kind::U64, len);
    let a = column(&mut builder, 1, Kind::U64, 1);
    let product = builder.apply(Op::Mul, &[long, long], 0).unwrap();
    let first = builder.apply(Op::Slice, &[product], 1).unwrap();
    let mut chain = a;
    for _ in 0..100 {
        chain = builder.apply(Op::Mul, &[chain, a], 0).unwrap();
    }
    builder.reveal(first).unwrap();
    builder.reveal(chain).unwrap();
    let program = builder.finish().unwrap();
    let mut outstanding: VecDeque<Vec<(u32, usize, usize)>> = VecDeque::new();
    let (mut filling, mut most) = (Vec::new(), 0);
    for (number, turn) in turns(&program).into_iter().enumerate() {
        if number > 0 {
            outstanding.pop_front().unwrap();
        }
        for action in &turn {
            match action {
                Action::Send => {
                    outstanding.push_back(std::mem::take(&mut filling));
                    most = most.max(outstanding.len());
                }
                Action::Run(run) if run.template.rounds() > 0 => {
                    let unverified = outstanding.iter().flatten().chain(&filling);
                    let waits = |(value, chunk, stage): &(u32, usize, usize)| {
                        let operands = program.circuit().gate(run.value).operands();
                        (*value, *chunk) == (run.value.0, run.chunk) && *stage < run.stage
                            || operands.into_iter().any(|operand| operand.0 == *value)
                    };
                    assert!(!unverified.clone().any(waits), "{run:?}");
                    if !run.is_last() {
                        filling.push((run.value.0, run.chunk, run.stage));
                    }
                }
                _ => {}
            }
        }
        assert!(!outstanding.is_empty(), "nothing is outstanding");
    }
    assert_eq!(most, WINDOW);
    let plan = program.plan();
    assert_eq!(plan.latency, 3 + 100 + 1);
    assert_eq!(plan.rounds, rounds(&program).len() + 3);
    assert!(plan.rounds > plan.latency, "{plan}");
}

/// What a loop of long operations takes does not grow with its passes: 100 million multiplications,
/// each pass with a free operation before and after.
#[test]
fn memory_is_flat_in_the_number_of_rounds() {
    let len = 1_000_000;
    let plan = |passes: u128| {
        let mut builder = ProgramBuilder::new();
        let a = column(&mut builder, 0, Kind::U64, len);
        let b = column(&mut builder, 1, Kind::U64, len);
        for pass in 0..passes {
            let scaled = builder.apply(Op::Scale, &[a], 2 * pass as u64 + 3).unwrap();
            let product = builder.apply(Op::Mul, &[scaled, b], 0).unwrap();
            let sum = builder.apply(Op::Sum, &[product], 0).unwrap();
            builder.reveal(sum).unwrap();
        }
        builder.finish().unwrap().plan()
    };
    let (few, many) = (plan(10), plan(100));
    let columns = 2 * 3 * 8 * len as u64;
    // The frames of a window of rounds come on top, and copies of half of those of two windows.
    assert!(many.memory_bytes < 4 * columns + (40 << 20), "{many}");
    assert!(many.memory_bytes <= few.memory_bytes + (1 << 20), "{many}");
    assert!(many.rounds > 9 * few.rounds - 100, "{many}");
}

/// Many rows are multiplied in chunks: no frame grows with their number.
#[test]
fn rows_run_in_chunks() {
    let rows = 1 << 20;
    let form = |len| crate::program::Form {
        kind: Kind::U64,
        len,
    };
    let mut gates = crate::circuit::Builder::default();
    let x = gates.input(0, form(4 * rows));
    let dots = gates.push(Gate::Dot { x, y: x, row: 4 }, form(rows));
    let sum = gates.push(Gate::Sum { x: dots, row: rows }, form(1));
    let circuit = gates.finish(vec![form(4 * rows)], vec![sum]);
    let plan = crate::Plan::of(&Arc::new(Layout::new(Mode::Normal, Arc::new(circuit))));
    assert!(plan.largest_frame < MOST_BYTES, "{plan}");
    assert_eq!(plan.value_bytes, 6 * 8 * rows as u64 + 4 * 8);
}

/// A program that sends nothing but its outputs opens in its first round.
#[test]
fn a_local_program_takes_one_round() {
    let mut builder = ProgramBuilder::new();
    let a = column(&mut builder, 0, Kind::U8, 5);
    let sum = builder.apply(Op::Sum, &[a], 0).unwrap();
    builder.reveal(sum).unwrap();
    assert_eq!(rounds(&builder.finish().unwrap()).len(), 1);
}
