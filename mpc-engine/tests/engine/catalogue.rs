//! A way to use every operation at every kind, for tests that go over all of them.

use crate::support::{column, edges, number};
use mpc_engine::{Program, ProgramBuilder, ProgramError, ValueId};
use rand_chacha::ChaCha20Rng;
use wire::{kind::Kind, secret::Op};

/// The kinds on which every operation is tried.
pub const KINDS: [Kind; 14] = [
    Kind::Bool,
    Kind::U8,
    Kind::U16,
    Kind::U32,
    Kind::U64,
    Kind::U128,
    Kind::I8,
    Kind::I16,
    Kind::I32,
    Kind::I64,
    Kind::I128,
    Kind::Fixed64(16),
    Kind::Fixed64(1),
    Kind::Fixed128(40),
];

/// An operand: its kind, its elements, and whether it has to be public.
#[derive(Clone, Debug)]
pub struct Operand {
    pub kind: Kind,
    pub values: Vec<u128>,
    pub public: bool,
}

/// An operation with operands that it allows, if it is defined on the kind at all.
#[derive(Clone, Debug)]
pub struct Case {
    pub op: Op,
    pub kind: Kind,
    pub operands: Vec<Operand>,
    pub immediate: u64,
}

/// Rows of this many elements in operations on rows.
const ROW: usize = 3;

impl Case {
    /// With so many elements; a multiple of three for operations on rows.
    pub fn new(op: Op, kind: Kind, lanes: usize, random: &mut ChaCha20Rng) -> Self {
        let rows = lanes.next_multiple_of(ROW);
        let operands = match op {
            Op::Random | Op::RandomPermutation => vec![],
            Op::RandomBelow => vec![Operand {
                public: true,
                values: vec![if kind == Kind::Bool { 1 } else { 100 }],
                kind,
            }],
            Op::Select => vec![
                values(Kind::Bool, lanes, random),
                values(kind, lanes, random),
                values(kind, lanes, random),
            ],
            Op::ShlBy | Op::ShrBy | Op::RotateLeftBy | Op::PowBy => {
                vec![values(kind, lanes, random), values(Kind::U8, lanes, random)]
            }
            Op::Lookup => vec![
                values(kind, lanes, random),
                below(lanes as u128 + 2, 5, random),
            ],
            Op::GroupSum => vec![below(6, lanes, random), values(kind, lanes, random)],
            Op::Histogram => vec![Operand {
                kind,
                values: below(6, lanes, random).values,
                public: false,
            }],
            Op::Permute => vec![values(kind, lanes, random), permutation(lanes, random)],
            Op::Gather => {
                let mut lanes_of =
                    below(lanes.max(1) as u128, if lanes == 0 { 0 } else { 7 }, random);
                lanes_of.public = true;
                lanes_of.kind = Kind::U32;
                vec![values(kind, lanes, random), lanes_of]
            }
            Op::EqRows | Op::LtRows | Op::DotRows => {
                vec![values(kind, rows, random), values(kind, rows, random)]
            }
            Op::SumRows => vec![values(kind, rows, random)],
            _ => (0..op.operands())
                .map(|_| values(kind, lanes, random))
                .collect(),
        };
        let code = u64::from(kind.code());
        let immediate = match op {
            Op::Scale => 3,
            Op::Shl | Op::Shr | Op::RotateLeft => 3.min(u64::from(kind.bits()) - 1),
            Op::Cast if kind == Kind::Bool => u64::from(Kind::I32.code()),
            Op::Cast if kind.fraction() > 0 => u64::from(Kind::I64.code()),
            Op::Cast => u64::from(Kind::I128.code()),
            Op::Slice => (lanes.min(1) as u64) << 32 | lanes.saturating_sub(1) as u64,
            Op::Pow => 5,
            Op::Histogram | Op::GroupSum => 4,
            Op::TopK => lanes.min(3) as u64,
            Op::EqRows | Op::LtRows | Op::DotRows | Op::SumRows => ROW as u64,
            Op::Random => code << 32 | lanes as u64,
            Op::RandomBelow | Op::RandomPermutation => lanes as u64,
            _ => 0,
        };
        Self {
            op,
            kind,
            operands,
            immediate,
        }
    }

    /// The program, with those operands public whose bits are set.
    ///
    /// # Errors
    /// If the operation is not defined on the kind.
    pub fn program(&self, public: u32) -> Result<Program, ProgramError> {
        let mut builder = ProgramBuilder::new();
        let operands: Vec<ValueId> = (0u32..)
            .zip(&self.operands)
            .map(|(place, operand)| {
                if operand.public || public >> place & 1 == 1 {
                    builder.public(operand.kind, &operand.values)
                } else {
                    builder.input(column(place), operand.kind, operand.values.len())
                }
            })
            .collect::<Result<_, _>>()?;
        let result = builder.apply(self.op, &operands, self.immediate)?;
        builder.reveal(result)?;
        builder.finish()
    }

    /// The columns for that program.
    pub fn columns(&self, public: u32) -> Vec<Vec<u128>> {
        let operands = (0u32..).zip(&self.operands);
        operands
            .filter(|(place, operand)| !operand.public && public >> place & 1 == 0)
            .map(|(_, operand)| operand.values.clone())
            .collect()
    }

    /// Whether the result is random.
    pub const fn is_random(&self) -> bool {
        matches!(
            self.op,
            Op::Random | Op::RandomBelow | Op::RandomPermutation | Op::Shuffle
        )
    }
}

/// Edge values and random ones, in random order.
fn values(kind: Kind, lanes: usize, random: &mut ChaCha20Rng) -> Operand {
    let edges = edges(kind);
    let mut value = || {
        let pick = number(random);
        match pick & 3 {
            0 => edges[(pick >> 8) as usize % edges.len()],
            // Small numbers meet often.
            1 => (pick >> 8) & 3 & kind.mask(),
            _ => (pick >> 3) & kind.mask(),
        }
    };
    Operand {
        kind,
        values: (0..lanes).map(|_| value()).collect(),
        public: false,
    }
}

fn below(limit: u128, lanes: usize, random: &mut ChaCha20Rng) -> Operand {
    Operand {
        kind: Kind::U8,
        values: (0..lanes).map(|_| (number(random) >> 9) % limit).collect(),
        public: false,
    }
}

fn permutation(lanes: usize, random: &mut ChaCha20Rng) -> Operand {
    let mut values: Vec<u128> = (0..lanes as u128).collect();
    for i in (1..lanes).rev() {
        values.swap(i, (number(random) >> 9) as usize % (i + 1));
    }
    Operand {
        kind: Kind::U32,
        values,
        public: false,
    }
}
