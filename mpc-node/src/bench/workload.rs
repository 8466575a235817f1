//! The programs, and the values that they run on. A new workload is one more row of [`ALL`].

use std::collections::BTreeMap;

use mpc_engine::{ColumnId, Program, ProgramBuilder, ProgramError, ValueId};
use rand::{Rng as _, SeedableRng as _, rngs::StdRng};
use wire::{kind::Kind, secret::Op};

/// Elements of a vector, unless there would be too many vectors.
const LANES: usize = 100_000;
/// The same for bits.
const BIT_LANES: usize = 1_000_000;
/// Booleans that are opened of all results, at most.
const OPENED_BITS: usize = 1024;
/// Vectors, at most: each opens one element.
const VECTORS: usize = 1024;

/// The name of what is no program: making lots of the reserve.
pub const RESERVE: &str = "reserve";

/// Something to measure.
#[derive(Clone, Copy)]
pub struct Workload {
    /// How it is called on the command line.
    pub name: &'static str,
    /// What one of it is.
    pub about: &'static str,
    build: fn(&mut Builder, usize) -> Result<(), ProgramError>,
    /// Turns a random number into an input.
    value: fn(u64) -> u64,
}

impl std::fmt::Debug for Workload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Workload")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// All workloads.
pub const ALL: &[Workload] = &[
    Workload {
        name: "mul",
        about: "independent products of 64 bits",
        build: |b, count| b.pairs(count, LANES, Kind::U64, |b, x, y| b.apply(Op::Mul, &[x, y])),
        value: any,
    },
    Workload {
        name: "chain",
        about: "dependent products of one element: rounds",
        build: chain,
        value: any,
    },
    Workload {
        name: "lt",
        about: "x < y of 63 bits: the sign of a difference",
        build: |b, count| b.pairs(count, LANES, Kind::I64, sign_of_difference),
        value: |random| random & (u64::MAX >> 2),
    },
    Workload {
        name: "lt-full",
        about: "x < y of 64 bits, full range",
        build: |b, count| b.pairs(count, LANES, Kind::U64, |b, x, y| b.apply(Op::Lt, &[x, y])),
        value: any,
    },
    Workload {
        name: "lt32",
        about: "x < y of 32 bits, full range",
        build: |b, count| b.pairs(count, LANES, Kind::U32, |b, x, y| b.apply(Op::Lt, &[x, y])),
        value: any,
    },
    Workload {
        name: "eq",
        about: "x = y of 64 bits",
        build: |b, count| b.pairs(count, LANES, Kind::U64, |b, x, y| b.apply(Op::Eq, &[x, y])),
        // Few different ones, so that some are equal.
        value: |random| (random & 3) << 61 | (random & 4),
    },
    Workload {
        name: "and",
        about: "AND gates",
        build: |b, count| {
            b.pairs(count, BIT_LANES, Kind::Bool, |b, x, y| {
                b.apply(Op::And, &[x, y])
            })
        },
        value: any,
    },
    Workload {
        name: "tally",
        about: "ballots for one of three choices, counted with validity unknown",
        build: tally,
        value: |random| random % 5,
    },
    Workload {
        name: "sort",
        about: "numbers of 32 bits, sorted as one vector",
        build: sort,
        value: any,
    },
];

const fn any(random: u64) -> u64 {
    random
}

/// A workload by its name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Workload> {
    ALL.iter().find(|workload| workload.name == name)
}

impl Workload {
    /// The program for a count.
    ///
    /// # Errors
    /// If the engine refuses it.
    pub fn program(&self, count: usize) -> Result<Program, ProgramError> {
        let mut builder = Builder::default();
        (self.build)(&mut builder, count.max(1))?;
        builder.program.finish()
    }

    /// The inputs of a program, in its columns' order.
    #[must_use]
    pub fn columns(&self, program: &Program, seed: u64) -> Vec<Vec<u128>> {
        let mut random = StdRng::seed_from_u64(seed);
        let mut value = |kind: Kind| u128::from((self.value)(random.next_u64())) & kind.mask();
        let columns = program.columns().iter();
        columns
            .map(|column| (0..column.len).map(|_| value(column.kind)).collect())
            .collect()
    }
}

/// Builds a program, and numbers its columns.
#[derive(Default)]
struct Builder {
    program: ProgramBuilder,
    columns: u32,
}

impl Builder {
    fn input(&mut self, kind: Kind, len: usize) -> Result<ValueId, ProgramError> {
        let id = ColumnId {
            input_type: 0,
            field: self.columns,
            element: 0,
        };
        self.columns += 1;
        self.program.input(id, kind, len)
    }

    fn apply(&mut self, op: Op, operands: &[ValueId]) -> Result<ValueId, ProgramError> {
        self.program.apply(op, operands, 0)
    }

    /// `count` operations on different pairs of elements. Few vectors go in: each of one half is
    /// paired with each of the other. Of numbers the sum of every result is opened, of booleans the
    /// exclusive or.
    fn pairs(
        &mut self,
        count: usize,
        lanes: usize,
        kind: Kind,
        operation: impl Fn(&mut Self, ValueId, ValueId) -> Result<ValueId, ProgramError>,
    ) -> Result<(), ProgramError> {
        let lanes = lanes.max(count.div_ceil(VECTORS)).min(count);
        let vectors = count.div_ceil(lanes);
        let side = (1..=vectors)
            .find(|side| side * side >= vectors)
            .unwrap_or(vectors);
        let (mut left, mut right) = (Vec::new(), Vec::new());
        for _ in 0..side {
            left.push(self.input(kind, lanes)?);
        }
        for _ in 0..vectors.div_ceil(side) {
            right.push(self.input(kind, lanes)?);
        }
        let pairs = right
            .iter()
            .flat_map(|y| left.iter().map(move |x| (*x, *y)));
        let mut parities: BTreeMap<usize, ValueId> = BTreeMap::new();
        for (number, (mut x, mut y)) in pairs.take(vectors).enumerate() {
            let rest = count - number * lanes;
            if rest < lanes {
                (x, y) = (self.first(x, rest)?, self.first(y, rest)?);
            }
            let result = operation(self, x, y)?;
            if self.program.kind(result)? == Kind::Bool {
                let parity = parities.remove(&rest.min(lanes));
                let parity = parity.map_or(Ok(result), |p| self.apply(Op::Xor, &[p, result]))?;
                parities.insert(rest.min(lanes), parity);
            } else {
                let sum = self.apply(Op::Sum, &[result])?;
                self.program.reveal(sum)?;
            }
        }
        parities
            .into_values()
            .try_for_each(|p| self.reveal_folded(p))
    }

    /// Opens the exclusive or of parts of equal length of booleans, so that every one of them
    /// matters and little is opened.
    fn reveal_folded(&mut self, mut value: ValueId) -> Result<(), ProgramError> {
        while let len = self.program.len(value)?
            && len > OPENED_BITS
        {
            let half = (len / 2) as u64;
            let low = self.first(value, len / 2)?;
            let high = self.program.apply(Op::Slice, &[value], half << 32 | half)?;
            if len % 2 == 1 {
                let last = (len as u64 - 1) << 32 | 1;
                let last = self.program.apply(Op::Slice, &[value], last)?;
                self.program.reveal(last)?;
            }
            value = self.apply(Op::Xor, &[low, high])?;
        }
        self.program.reveal(value)
    }

    /// The first elements of a vector.
    fn first(&mut self, value: ValueId, len: usize) -> Result<ValueId, ProgramError> {
        self.program.apply(Op::Slice, &[value], len as u64)
    }
}

fn sign_of_difference(b: &mut Builder, x: ValueId, y: ValueId) -> Result<ValueId, ProgramError> {
    let difference = b.apply(Op::Sub, &[x, y])?;
    let zero = b.program.constant(Kind::I64, 0, 1)?;
    b.apply(Op::Lt, &[difference, zero])
}

fn chain(b: &mut Builder, count: usize) -> Result<(), ProgramError> {
    let factor = b.input(Kind::U64, 1)?;
    let mut product = factor;
    for _ in 0..count {
        product = b.apply(Op::Mul, &[product, factor])?;
    }
    b.program.reveal(product)
}

fn tally(b: &mut Builder, count: usize) -> Result<(), ProgramError> {
    let ballots = b.input(Kind::U8, count)?;
    for choice in 0..3 {
        let choice = b.program.constant(Kind::U8, choice, 1)?;
        let same = b.apply(Op::Eq, &[ballots, choice])?;
        let votes = b.apply(Op::Count, &[same])?;
        b.program.reveal(votes)?;
    }
    Ok(())
}

/// Opens the least and the greatest.
fn sort(b: &mut Builder, count: usize) -> Result<(), ProgramError> {
    let numbers = b.input(Kind::U32, count)?;
    let sorted = b.apply(Op::Sort, &[numbers])?;
    let len = count.min(1000);
    for start in [0, count - len] {
        let part = (start as u64) << 32 | len as u64;
        let part = b.program.apply(Op::Slice, &[sorted], part)?;
        b.program.reveal(part)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use mpc_engine::{clear, encode_opened, local};

    use super::*;

    /// What the parent checks is worth something only if the result depends on the inputs.
    #[test]
    fn every_workload_runs_and_depends_on_its_inputs() -> Result<(), Box<dyn std::error::Error>> {
        for workload in ALL {
            let program = workload.program(1003)?;
            let expected = |seed| clear::evaluate(&program, &workload.columns(&program, seed));
            assert_ne!(expected(1)?, expected(2)?, "{}", workload.name);
            if workload.name != "chain" {
                let opened = local::run(&program, &workload.columns(&program, 1), 3)
                    .map_err(|stop| stop.to_string())?;
                assert_eq!(opened, expected(1)?, "{}", workload.name);
            }
            encode_opened(&program, &expected(1)?)?;
        }
        Ok(())
    }

    #[test]
    fn a_count_is_met_exactly_with_few_inputs() -> Result<(), Box<dyn std::error::Error>> {
        let Some(mul) = find("mul") else {
            return Err("no mul".into());
        };
        for (count, vectors, columns) in [(1, 1, 2), (100_000, 1, 2), (950_000, 10, 7)] {
            let program = mul.program(count)?;
            assert_eq!(program.outputs().len(), vectors, "{count}");
            assert_eq!(program.columns().len(), columns, "{count}");
        }
        Ok(())
    }
}
