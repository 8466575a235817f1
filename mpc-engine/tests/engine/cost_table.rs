//! `docs/costs.md` says what every operation costs; it is written from plans.

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

The last two columns are what an attempt with three parties costs, at 64 bits (at 8 or as booleans where
there is none): rounds, and triples of bits and of ring elements that it takes of the reserve per
element.

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
         come from a seed of the computation, of which every party lacks a part; all its attempts \
         draw the same from it ([ADR 16](adr/0016-attempts-through-the-log.md)). With three parties a shuffle takes more \
         rounds the longer the vector is.",
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

/// The kinds of which the first on which an operation is defined stands for an attempt with three.
const WITH_THREE: &[Kind] = &[Kind::U64, Kind::I64, Kind::U8, Kind::Bool];

/// Rounds of an attempt with three parties, and triples of bits and of rings for each element.
fn cost_with_three(op: Op) -> [String; 2] {
    let program = WITH_THREE.iter().find_map(|kind| {
        let case = Case::new(op, *kind, LANES, &mut random(110));
        case.program(0).ok()
    });
    let Some(program) = program else {
        return Default::default();
    };
    let (plan, need) = (program.reserve_plan(), program.reserve_need());
    let each = |triples: u64| {
        let each = triples as f64 / LANES as f64;
        if each < 10.0 && each.fract() > 0.0 {
            format!("{each:.1}")
        } else {
            format!("{each:.0}")
        }
    };
    match plan.latency - FRAME {
        0 => ["free".into(), String::new()],
        rounds => [
            rounds.to_string(),
            format!("{} · {}", each(need.bits), each(need.r64 + need.r128)),
        ],
    }
}

fn table() -> String {
    let mut text = HEAD.to_owned();
    for (name, words, ops) in GROUPS {
        write!(text, "## {name}\n\n{words}\n\n| |").unwrap();
        for (column, _) in COLUMNS {
            write!(text, " {column} |").unwrap();
        }
        writeln!(text, " three parties: rounds | triples: bits · rings |").unwrap();
        writeln!(text, "| --- |{}", " --- |".repeat(COLUMNS.len() + 2)).unwrap();
        for op in *ops {
            let cells = COLUMNS.map(|(_, kinds)| cost(*op, kinds).unwrap_or_default());
            let three = cost_with_three(*op);
            let cells = [&cells[..], &three[..]].concat();
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
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/costs.md");
    let table = table();
    if std::env::var_os("QUARTET_UPDATE").is_some() {
        fs::write(&path, &table).unwrap();
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    for (written, now) in written.lines().zip(table.lines()) {
        assert_eq!(written, now, "docs/costs.md is stale: see its first lines");
    }
    assert_eq!(written.len(), table.len(), "docs/costs.md is stale");
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
