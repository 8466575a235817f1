//! Which construction an operation uses.

use wire::{kind::Kind, secret::Op};

use super::{Emitter, Public, Reg, Template, arithmetic, compare, convert};
use crate::vector::Domain;

/// All that a template depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub(crate) op: Op,
    /// Kinds of the operands, `Bool` where there is none.
    pub(crate) kinds: [Kind; 3],
    /// Which operands are constants.
    pub(crate) public: [bool; 3],
    /// The operation's public number if it shapes the code (shifts and casts), else 0.
    pub(crate) immediate: u64,
    /// Which of the three divisions of the components into halves.
    pub(crate) partition: u8,
}

/// How a template is laid over the lanes of its operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Lane by lane, in chunks.
    Lanes,
    /// In chunks whose results add up.
    Partial,
    /// In one piece, because nothing is sent or the sum is taken before sending.
    Whole,
}

/// The ways to divide four components into halves.
const PARTITIONS: [[[usize; 2]; 2]; 3] = [[[0, 1], [2, 3]], [[0, 2], [1, 3]], [[0, 3], [1, 2]]];

/// The template of an operation; nothing for operations that only move lanes.
pub(crate) fn lower(key: &Key) -> Option<(Template, Shape)> {
    let mut e = Emitter::new(PARTITIONS[usize::from(key.partition % 3)]);
    let operands: Vec<Reg> = (0u8..)
        .zip(key.kinds.iter().zip(key.public))
        .take(key.op.operands())
        .map(|(place, (kind, public))| e.operand(place, Domain::of(*kind), public))
        .collect();
    let output = match (key.op, operands.as_slice()) {
        (Op::Slice | Op::Concat, _) => return None,
        (_, [x]) => unary(&mut e, key, *x),
        (_, [x, y]) => binary(&mut e, key, *x, *y),
        (_, [condition, x, y]) => select(&mut e, key, *condition, *x, *y),
        _ => return None,
    };
    let template = e.finish(output);
    let shape = match key.op {
        _ if template.rounds() == 0 => Shape::Whole,
        Op::Dot => Shape::Whole,
        Op::Count => Shape::Partial,
        _ => Shape::Lanes,
    };
    Some((template, shape))
}

fn unary(e: &mut Emitter, key: &Key, x: Reg) -> Reg {
    let kind = key.kinds[0];
    match key.op {
        Op::Neg => e.scale(x, Public::Literal(u128::MAX)),
        Op::Scale => e.scale(x, Public::Immediate),
        Op::Shl => e.scale(x, Public::Literal(1 << key.immediate)),
        Op::Sum => e.sum_lanes(x),
        Op::Count => count(e, x),
        Op::Not if kind == Kind::Bool => e.not(x),
        Op::Not => {
            let negative = e.scale(x, Public::Literal(u128::MAX));
            e.add_public(negative, Public::Literal(u128::MAX))
        }
        Op::Shr if key.immediate > 0 => {
            convert::shift_right(e, x, key.immediate as u32, kind.is_signed())
        }
        Op::Cast => {
            let from = Domain::of(kind);
            let code = key.immediate as u32;
            let to = Kind::from_code(code).map_or(from, Domain::of);
            if from == to {
                x
            } else if from == Domain::Bits {
                arithmetic::bit_to_ring(e, x, to)
            } else if to.bits() < from.bits() {
                e.narrow(x, to)
            } else {
                convert::widen(e, x, to, kind.is_signed())
            }
        }
        _ => x,
    }
}

/// The number of true lanes: with p and q the halves' bits, Σp + Σq − 2·Σpq; the product is summed
/// before anything is sent.
fn count(e: &mut Emitter, bits: Reg) -> Reg {
    let [p, q] = [0, 1].map(|half| {
        let known = e.half(bits, half);
        let wide = e.known_widen(known, Domain::R64);
        e.input(wide)
    });
    let both = e.dot_lanes(p, q);
    let twice = e.scale(both, Public::Literal(2));
    let either = e.add(p, q);
    let sum = e.sum_lanes(either);
    e.subtract(sum, twice)
}

fn binary(e: &mut Emitter, key: &Key, x: Reg, y: Reg) -> Reg {
    let kind = key.kinds[0];
    let (x_public, y_public) = (key.public[0], key.public[1]);
    let bits = kind == Kind::Bool;
    match key.op {
        Op::Add => e.add(x, y),
        Op::Sub => e.subtract(x, y),
        Op::Dot => e.dot_lanes(x, y),
        Op::Xor if bits => e.add(x, y),
        Op::Mul => multiply(e, key, x, y),
        Op::And if bits => multiply(e, key, x, y),
        Op::Or if bits => {
            let both = multiply(e, key, x, y);
            let either = e.add(x, y);
            e.add(either, both)
        }
        Op::And => and_words(e, key, x, y),
        Op::Or | Op::Xor => {
            let both = and_words(e, key, x, y);
            let times = if key.op == Op::Or { 1 } else { 2 };
            let both = e.scale(both, Public::Literal(times));
            let sum = e.add(x, y);
            e.subtract(sum, both)
        }
        Op::Eq if bits => {
            let differ = e.add(x, y);
            e.not(differ)
        }
        Op::Eq => compare::equal(e, x, y),
        Op::Lt if bits => compare::less_bits(e, x, y),
        Op::Lt => compare::less(e, (x, x_public), (y, y_public), kind.is_signed()),
        Op::Le => {
            let greater = if bits {
                compare::less_bits(e, y, x)
            } else {
                compare::less(e, (y, y_public), (x, x_public), kind.is_signed())
            };
            e.not(greater)
        }
        _ => x,
    }
}

/// x·y, free if one of them is a constant.
fn multiply(e: &mut Emitter, key: &Key, x: Reg, y: Reg) -> Reg {
    match key.public {
        [_, true, _] => e.scale(x, Public::Operand(1)),
        [true, ..] => e.scale(y, Public::Operand(0)),
        _ => e.multiply(x, y),
    }
}

/// x & y on integers, bit by bit.
fn and_words(e: &mut Emitter, key: &Key, x: Reg, y: Reg) -> Reg {
    let domain = e.domain(x);
    let (secret, other, public) = match key.public {
        [_, true, _] => (x, y, Some(1)),
        [true, ..] => (y, x, Some(0)),
        _ => (x, y, None),
    };
    let bits = convert::to_bits(e, secret);
    let bits: Vec<Reg> = if let Some(place) = public {
        let masked = |(i, bit): (u8, &Reg)| e.scale(*bit, Public::OperandBit(place, i));
        (0u8..).zip(&bits).map(masked).collect()
    } else {
        let others = convert::to_bits(e, other);
        let and = |(a, b): (&Reg, &Reg)| e.multiply(*a, *b);
        bits.iter().zip(&others).map(and).collect()
    };
    convert::from_bits(e, &bits, domain)
}

/// y + condition·(x − y).
fn select(e: &mut Emitter, key: &Key, condition: Reg, x: Reg, y: Reg) -> Reg {
    let difference = e.subtract(x, y);
    let chosen = if key.public[0] {
        e.scale(difference, Public::Operand(0))
    } else if key.kinds[1] == Kind::Bool {
        e.multiply(condition, difference)
    } else {
        let domain = e.domain(x);
        let condition = arithmetic::bit_to_ring(e, condition, domain);
        e.multiply(condition, difference)
    };
    e.add(y, chosen)
}
