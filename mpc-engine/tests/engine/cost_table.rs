//! `docs/operations.md` says what every operation costs; it is written from plans.

use std::{fmt::Write as _, fs, path::Path};

use crate::{catalogue::Case, support::random};
use wire::{kind::Kind, secret::Op};

/// A multiple of 64, so that bits fill words, and of three, for operations on rows.
const LANES: usize = 192;
/// Rounds that set up keys and open, which every program has.
const FRAME: usize = 4;

const HEAD: &str = "\
# Operations on secrets and what they cost

Written from the planner by `QUARTET_UPDATE=1 cargo test -p mpc-engine --test engine cost_table`; a
test compares it.

Each cell: rounds that follow one another, and bits sent over all links per element of the operands'
vectors (192 elements; a quarter of it is what each party sends), digests and frame headers excluded.
Every program has four rounds more, three for its keys and one that opens. *free* sends nothing. All
operands are secret; with public ones most operations are cheaper, and with public ones alone they are
free. Independent operations share rounds, and what several operations have in common is computed
once. `Program::explain` tells what a whole program costs.

";

const GROUPS: &[(&str, &str, &[Op])] = &[
    (
        "Arithmetic",
        "Wrapping at the width of the kind. A dot product of any length costs one multiplication. On \
         fixed point a product is shifted back by the fraction, rounding down.",
        &[
            Op::Add,
            Op::Sub,
            Op::Neg,
            Op::Scale,
            Op::Mul,
            Op::Dot,
            Op::Sum,
            Op::Div,
            Op::Rem,
            Op::Abs,
            Op::Pow,
            Op::PowBy,
            Op::Isqrt,
        ],
    ),
    (
        "Comparison and choice",
        "Over the full range of the kind. Values that the engine knows to be small, because of the \
         casts and sums that they come from, are compared by fewer bits.",
        &[Op::Eq, Op::Lt, Op::Le, Op::Min, Op::Max, Op::Select],
    ),
    (
        "Bits",
        "Shifts and rotations by secret amounts take them modulo the width, as Rust's wrapping ones.",
        &[
            Op::And,
            Op::Or,
            Op::Xor,
            Op::Not,
            Op::Shl,
            Op::Shr,
            Op::ShlBy,
            Op::ShrBy,
            Op::RotateLeft,
            Op::RotateLeftBy,
            Op::ReverseBits,
            Op::SwapBytes,
            Op::CountOnes,
            Op::LeadingZeros,
            Op::TrailingZeros,
            Op::Cast,
        ],
    ),
    (
        "Vectors",
        "Reductions, searches and look-ups. `Lookup` here has a table as long as the vector of indices, \
         `Histogram` and `GroupSum` have four groups, rows have three elements.",
        &[
            Op::Count,
            Op::All,
            Op::Any,
            Op::MinOf,
            Op::MaxOf,
            Op::ArgMin,
            Op::ArgMax,
            Op::PrefixSum,
            Op::Lookup,
            Op::Histogram,
            Op::GroupSum,
            Op::EqRows,
            Op::LtRows,
            Op::SumRows,
            Op::DotRows,
            Op::Slice,
            Op::Concat,
            Op::Gather,
        ],
    ),
    (
        "Order and chance",
        "What is opened on the way is a uniformly random permutation, so it tells nothing. Random values \
         come from the keys of the session, of which every party lacks one. A computation that \
         opens what depends on them is not attempted again ([ADR 14](adr/0014-randomness-and-attempts.md)).",
        &[
            Op::Sort,
            Op::Places,
            Op::Permute,
            Op::TopK,
            Op::Shuffle,
            Op::Random,
            Op::RandomBelow,
            Op::RandomPermutation,
        ],
    ),
];

/// Columns of the table.
const COLUMNS: [(&str, &[Kind]); 6] = [
    ("bool", &[Kind::Bool]),
    ("8 bits", &[Kind::U8, Kind::I8]),
    ("32 bits", &[Kind::U32, Kind::I32]),
    ("64 bits", &[Kind::U64, Kind::I64]),
    ("128 bits", &[Kind::U128, Kind::I128]),
    ("fixed point, 64 bits", &[Kind::Fixed64(16)]),
];

/// Rounds and bits per element, if the operation is defined.
fn cost(op: Op, kinds: &[Kind]) -> Option<String> {
    let program = kinds.iter().find_map(|kind| {
        let case = Case::new(op, *kind, LANES, &mut random(110));
        case.program(0).ok()
    })?;
    let plan = program.plan();
    let outputs = program.outputs();
    let opened: usize = outputs.iter().map(|(kind, len)| 4 * kind.bytes(*len)).sum();
    let bits = 8.0 * (plan.value_bytes as f64 - opened as f64) / LANES as f64;
    let rounds = plan.latency - FRAME;
    Some(match rounds {
        0 => "free".into(),
        _ if bits < 10.0 => format!("{rounds} · {bits:.1}"),
        _ => format!("{rounds} · {bits:.0}"),
    })
}

fn table() -> String {
    let mut text = HEAD.to_owned();
    for (name, words, ops) in GROUPS {
        write!(text, "## {name}\n\n{words}\n\n| |").unwrap();
        for (column, _) in COLUMNS {
            write!(text, " {column} |").unwrap();
        }
        write!(text, "\n| --- |{}\n", " --- |".repeat(COLUMNS.len())).unwrap();
        for op in *ops {
            let cells = COLUMNS.map(|(_, kinds)| cost(*op, kinds).unwrap_or_default());
            writeln!(text, "| `{op:?}` | {} |", cells.join(" | ")).unwrap();
        }
        text.push('\n');
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

#[test]
fn the_cost_table_is_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/operations.md");
    let table = table();
    if std::env::var_os("QUARTET_UPDATE").is_some() {
        fs::write(&path, &table).unwrap();
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    for (written, now) in written.lines().zip(table.lines()) {
        assert_eq!(
            written, now,
            "docs/operations.md is stale: see its first lines"
        );
    }
    assert_eq!(written.len(), table.len(), "docs/operations.md is stale");
}

#[test]
fn every_operation_is_in_the_cost_table() {
    let listed: Vec<Op> = GROUPS
        .iter()
        .flat_map(|(_, _, ops)| ops.iter().copied())
        .collect();
    let missing: Vec<Op> = Op::ALL
        .into_iter()
        .filter(|op| !listed.contains(op))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
    assert_eq!(listed.len(), Op::ALL.len());
}
