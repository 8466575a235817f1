//! Gates on public values, computed while the circuit is built.

use std::sync::Arc;

use wire::kind::Kind;

use super::{Builder, Gate};
use crate::{ValueId, program::Form};

/// Lanes up to which public values are computed lane by lane. Longer ones stay gates.
const LANES: usize = 1 << 16;

/// A public value's lanes: one that stands for all, or each.
pub(super) enum Lanes<'a> {
    All(u128),
    Each(&'a [u128]),
}

impl Lanes<'_> {
    pub(super) fn at(&self, lane: usize) -> u128 {
        match self {
            Self::All(value) => *value,
            Self::Each(values) if values.len() == 1 => values[0],
            Self::Each(values) => values[lane],
        }
    }
}

/// The result of a gate whose operands are all public, or nothing if it has none or is long.
pub(super) fn fold(builder: &Builder, gate: &Gate, form: Form) -> Option<Gate> {
    let mut operands = gate.operands();
    let x = operands.next()?;
    let y = operands.next();
    let a = builder.lanes(x)?;
    let b = y.map_or(Some(Lanes::All(0)), |y| builder.lanes(y))?;
    let (kind, mask) = (builder.kind(x), form.kind.mask());
    let lane = |i: usize| -> Option<u128> {
        let x = a.at(i);
        Some(match gate {
            Gate::Add(..) if form.kind == Kind::Bool => x ^ b.at(i),
            Gate::Sub(..) if form.kind == Kind::Bool => x ^ b.at(i),
            Gate::Add(..) => x.wrapping_add(b.at(i)) & mask,
            Gate::Sub(..) => x.wrapping_sub(b.at(i)) & mask,
            Gate::Mul(..) | Gate::MulPublic(..) => x.wrapping_mul(b.at(i)) & mask,
            Gate::Scale(_, factor) => x.wrapping_mul(*factor) & mask,
            Gate::Bit { position, .. } => x >> position & 1,
            Gate::ToRing(_) => x,
            Gate::Resize { .. } => extended(kind, x) & mask,
            Gate::Shr { by, .. } if kind.is_signed() => {
                (extended(kind, x).cast_signed() >> by).cast_unsigned() & mask
            }
            Gate::Shr { by, .. } => x >> by,
            Gate::IsZero(_) => u128::from(x == 0),
            _ => return None,
        })
    };
    if let (Lanes::All(_), Lanes::All(_)) = (&a, &b)
        && let Some(value) = lane(0)
    {
        return Some(Gate::Constant(value));
    }
    let len = builder.form(x).len;
    if len > LANES || form.len > LANES {
        return None;
    }
    let values: Vec<u128> = match gate {
        Gate::Slice { start, .. } => (0..form.len).map(|i| a.at(start + i)).collect(),
        Gate::Concat(..) => {
            let concat = |i| if i < len { a.at(i) } else { b.at(i - len) };
            (0..form.len).map(concat).collect()
        }
        Gate::Gather { lanes, .. } => lanes.iter().map(|i| a.at(*i as usize)).collect(),
        Gate::Bits(_) => {
            let bits = kind.bits();
            (0..bits)
                .flat_map(|i| (0..len).map(move |lane| (i, lane)))
                .map(|(i, lane)| a.at(lane) >> i & 1)
                .collect()
        }
        Gate::Compose { weights, .. } => {
            let sum = |lane: usize| {
                let planes = weights.iter().enumerate();
                let term = |(i, w): (usize, &u128)| w.wrapping_mul(a.at(i * form.len + lane));
                planes.map(term).fold(0, u128::wrapping_add) & mask
            };
            (0..form.len).map(sum).collect()
        }
        Gate::Sum { row, .. } | Gate::Dot { row, .. } => {
            let is_dot = y.is_some();
            let product = |i| {
                if is_dot {
                    a.at(i).wrapping_mul(b.at(i))
                } else {
                    a.at(i)
                }
            };
            let sum = |r: usize| {
                (r * row..(r + 1) * row)
                    .map(product)
                    .fold(0, u128::wrapping_add)
            };
            (0..form.len).map(|r| sum(r) & mask).collect()
        }
        Gate::PrefixSum(_) => {
            let sum = |sum: &mut u128, i| {
                *sum = sum.wrapping_add(a.at(i)) & mask;
                Some(*sum)
            };
            (0..len).scan(0, sum).collect()
        }
        Gate::Count(_) => vec![(0..len).map(|i| a.at(i)).sum()],
        _ => (0..form.len).map(lane).collect::<Option<_>>()?,
    };
    Some(public(values))
}

/// As a constant if all lanes are the same.
pub(super) fn public(values: Vec<u128>) -> Gate {
    match values.first() {
        Some(first) if values.iter().all(|v| v == first) => Gate::Constant(*first),
        None => Gate::Constant(0),
        _ => Gate::Public(values.into()),
    }
}

/// x with its sign in all 128 bits where the kind is signed.
const fn extended(kind: Kind, x: u128) -> u128 {
    if kind.is_signed() && x >> (kind.bits() - 1) == 1 {
        x | !kind.mask()
    } else {
        x
    }
}

impl Builder {
    /// The lanes of a public value.
    pub(super) fn lanes(&self, value: ValueId) -> Option<Lanes<'_>> {
        match self.gate(value) {
            Gate::Constant(value) => Some(Lanes::All(*value)),
            Gate::Public(values) => Some(Lanes::Each(values)),
            _ => None,
        }
    }

    /// The one public value that stands in all lanes.
    pub(super) fn single(&self, value: ValueId) -> Option<u128> {
        match self.gate(value) {
            Gate::Constant(value) => Some(*value),
            _ => None,
        }
    }

    /// Public values, lane by lane.
    pub(crate) fn public(&mut self, kind: Kind, values: Arc<[u128]>) -> ValueId {
        let len = values.len();
        let gate = match values.first() {
            Some(first) if values.iter().any(|v| v != first) => Gate::Public(values),
            first => Gate::Constant(first.copied().unwrap_or(0)),
        };
        self.push(gate, Form { kind, len })
    }
}
