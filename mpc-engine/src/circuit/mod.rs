//! Circuits: what the parties run.
//!
//! A [`Program`](crate::Program) says what is to be computed, in the operations that authors know.
//! [`expand`] writes it as a [`Circuit`] of few gates, each of which has a protocol
//! ([`crate::template`]) or only moves lanes. The [`Builder`] merges equal gates, folds what is public
//! and follows how large values can get, so that comparisons of small values are cheap; gates that
//! nothing opened depends on are dropped. All of it is deterministic: nodes that agree on a program
//! agree on its circuit.

mod builder;
mod expand;
mod permute;
mod public;
mod range;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use wire::kind::Kind;

use crate::{
    Program, ProgramError, ValueId,
    program::{Form, Node},
};

pub(crate) use builder::Builder;
pub(crate) use range::Bound;

/// How a value of a circuit comes about. Kinds are booleans and integers, never fixed point; the
/// kind and the length of the result are the value's form. In `Add`, `Sub` and `Mul` an operand of one
/// lane is spread.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Gate {
    /// A column of the program.
    Input(u32),
    /// The same public value in all lanes.
    Constant(u128),
    /// Public values, lane by lane.
    Public(Arc<[u128]>),
    /// x + y; exclusive or on bits. Free.
    Add(ValueId, ValueId),
    /// x − y. Free.
    Sub(ValueId, ValueId),
    /// x · y; and on bits.
    Mul(ValueId, ValueId),
    /// x times the same public number. Free.
    Scale(ValueId, u128),
    /// x times public values, lane by lane; the second is a [`Gate::Public`]. Free.
    MulPublic(ValueId, ValueId),
    /// Σ x · y over each row of so many lanes.
    Dot { x: ValueId, y: ValueId, row: usize },
    /// Σ x over each row of so many lanes. Free.
    Sum { x: ValueId, row: usize },
    /// Σ of the lanes up to and with each. Free.
    PrefixSum(ValueId),
    /// The number of set bits of a vector of booleans, one `u64`.
    Count(ValueId),
    /// Bit number `position` of every lane, as booleans.
    Bit { x: ValueId, position: u32 },
    /// All bits of x: first the lowest bit of all lanes, then the next, and so on.
    Bits(ValueId),
    /// For so many planes of booleans, fewer with the same sum in each lane, of which
    /// [`planes_left`](crate::template::planes_left) says how many have which weight.
    Compress { bits: ValueId, planes: u32 },
    /// Σ weightᵢ · bᵢ, for booleans laid out as by [`Gate::Bits`], one plane per weight.
    Compose { bits: ValueId, weights: Arc<[u128]> },
    /// The one-hot code of the number whose bits are the first `bits` of so many planes of x: for
    /// each of 0 .. `count` a plane. Where one of the other planes of x is set, none is.
    Decode {
        x: ValueId,
        planes: u32,
        bits: u32,
        count: u32,
    },
    /// Σ plane v of x · lane v of y, with as many planes as y has lanes.
    DotPlanes { x: ValueId, y: ValueId },
    /// A public table at the place h·low + l that one-hot codes say: `low` planes of x that of l,
    /// then `high` planes that of h. A plane for each bit in `mask`.
    Table {
        x: ValueId,
        low: u32,
        high: u32,
        table: Arc<[u128]>,
        mask: u128,
    },
    /// A boolean as 0 or 1.
    ToRing(ValueId),
    /// Another width: low bits, or extended with the sign of its kind.
    Resize { x: ValueId, bound: Bound },
    /// x >> by for 0 < by < width, arithmetic where the kind is signed.
    Shr { x: ValueId, by: u32, bound: Bound },
    /// Whether each lane is 0.
    IsZero(ValueId),
    /// Lanes `start ..`.
    Slice { x: ValueId, start: usize },
    /// The lanes of x, then those of y.
    Concat(ValueId, ValueId),
    /// Lane `lanes[i]` of x at place i.
    Gather { x: ValueId, lanes: Arc<[u32]> },
    /// x in a random order that nobody knows, or put back from it. x consists of planes of `len`
    /// lanes, which are all permuted alike. Shuffles with the same stream and the same `len` have the
    /// same order; every other order is independent.
    Shuffle {
        x: ValueId,
        stream: u32,
        len: usize,
        inverse: bool,
    },
    /// x in clear to all parties. Only for what is uniformly random by construction, and only
    /// [`Gate::Permute`] reads it.
    Open(ValueId),
    /// Lane i of every plane of x at place `places[i]`, for `places` opened; inverse: lane `places[i]`
    /// at place i. Free. If `places` is no permutation, what comes out is made of lanes of x anyhow.
    Permute {
        x: ValueId,
        places: ValueId,
        inverse: bool,
    },
    /// Uniformly random lanes; if there is a bound, those of a sum of four uniformly random numbers
    /// below it, whose sum does not wrap. Every stream is another value. Free.
    Random { stream: u32, below: Option<u128> },
}

/// The places of a gate's operands, by shared or by mutable reference.
macro_rules! operands {
    ($gate:expr) => {
        match $gate {
            Gate::Input(_) | Gate::Constant(_) | Gate::Public(_) | Gate::Random { .. } => {
                (None, None)
            }
            Gate::Add(x, y)
            | Gate::Sub(x, y)
            | Gate::Mul(x, y)
            | Gate::MulPublic(x, y)
            | Gate::Concat(x, y)
            | Gate::Dot { x, y, .. }
            | Gate::DotPlanes { x, y }
            | Gate::Permute { x, places: y, .. } => (Some(x), Some(y)),
            Gate::Scale(x, _)
            | Gate::Sum { x, .. }
            | Gate::PrefixSum(x)
            | Gate::Count(x)
            | Gate::Bit { x, .. }
            | Gate::Bits(x)
            | Gate::Compress { bits: x, .. }
            | Gate::Compose { bits: x, .. }
            | Gate::Decode { x, .. }
            | Gate::Table { x, .. }
            | Gate::ToRing(x)
            | Gate::Resize { x, .. }
            | Gate::Shr { x, .. }
            | Gate::IsZero(x)
            | Gate::Slice { x, .. }
            | Gate::Shuffle { x, .. }
            | Gate::Open(x)
            | Gate::Gather { x, .. } => (Some(x), None),
        }
    };
}

impl Gate {
    /// The operands, in order.
    pub(crate) fn operands(&self) -> impl Iterator<Item = ValueId> + use<> {
        let (x, y) = operands!(self);
        x.copied().into_iter().chain(y.copied())
    }

    /// The same with other operands: `f` of each.
    pub(crate) fn map(&self, f: impl Fn(ValueId) -> ValueId) -> Self {
        let mut gate = self.clone();
        let (x, y) = operands!(&mut gate);
        x.into_iter().chain(y).for_each(|v| *v = f(*v));
        gate
    }

    /// Whether it only moves lanes, or adds them up as they are.
    pub(crate) const fn is_move(&self) -> bool {
        matches!(
            self,
            Self::Slice { .. } | Self::Concat(..) | Self::Gather { .. } | Self::PrefixSum(_)
        )
    }

    /// Whether it is public.
    pub(crate) const fn is_public(&self) -> bool {
        matches!(self, Self::Constant(_) | Self::Public(_))
    }
}

/// Gates in the order in which they can run.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Circuit {
    columns: Vec<Form>,
    gates: Vec<Gate>,
    forms: Vec<Form>,
    revealed: Vec<ValueId>,
    /// The node of the program by which each gate came about.
    origins: Vec<u32>,
    tally: Tally,
}

/// How many gates became of what the program asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Asked for by expansions.
    pub(crate) asked: usize,
    /// There already.
    pub(crate) merged: usize,
    /// Not needed for what is opened.
    pub(crate) dropped: usize,
}

impl Circuit {
    /// The circuit of a program.
    ///
    /// # Errors
    /// [`ProgramError::TooMany`].
    pub(crate) fn of(program: &Program) -> Result<Self, ProgramError> {
        let live = live(program);
        let mut builder = Builder::default();
        let mut values = Vec::with_capacity(live.len());
        let nodes = program.nodes().iter().zip(program.forms()).zip(live);
        for (i, ((node, form), live)) in (0..).zip(nodes) {
            builder.begin(i);
            let form = Form {
                kind: form.kind.integer(),
                ..*form
            };
            let value = match node {
                _ if !live => ValueId(u32::MAX),
                Node::Input(column) => builder.input(*column, form),
                Node::Constant { value, .. } => builder.constant(form.kind, *value, form.len),
                Node::Public { values, .. } => builder.public(form.kind, values.as_slice().into()),
                Node::Apply { op, immediate, .. } => {
                    let operands: Vec<expand::Operand> = node
                        .operands()
                        .iter()
                        .map(|v| expand::Operand {
                            value: values[v.index()],
                            kind: program.forms()[v.index()].kind,
                        })
                        .collect();
                    let source = program.forms()[values.len()];
                    expand::apply(&mut builder, *op, &operands, *immediate, source)
                }
            };
            builder.check()?;
            values.push(value);
        }
        let revealed = program.revealed().iter().map(|v| values[v.index()]);
        let columns = program.columns().iter().map(|c| Form {
            kind: c.kind.integer(),
            len: c.len,
        });
        Ok(builder.finish(columns.collect(), revealed.collect()))
    }

    /// Kind and length of each column of the program.
    pub(crate) fn columns(&self) -> &[Form] {
        &self.columns
    }

    pub(crate) fn gates(&self) -> &[Gate] {
        &self.gates
    }

    pub(crate) fn forms(&self) -> &[Form] {
        &self.forms
    }

    /// The values that are opened, in order.
    pub(crate) fn revealed(&self) -> &[ValueId] {
        &self.revealed
    }

    /// The node of the program by which each gate came about.
    pub(crate) fn origins(&self) -> &[u32] {
        &self.origins
    }

    pub(crate) const fn tally(&self) -> Tally {
        self.tally
    }

    pub(crate) fn gate(&self, value: ValueId) -> &Gate {
        &self.gates[value.index()]
    }

    pub(crate) fn form(&self, value: ValueId) -> Form {
        self.forms[value.index()]
    }

    pub(crate) fn kind(&self, value: ValueId) -> Kind {
        self.forms[value.index()].kind
    }
}

/// The nodes of a program on which something opened depends.
fn live(program: &Program) -> Vec<bool> {
    let mut live = vec![false; program.nodes().len()];
    for value in program.revealed() {
        live[value.index()] = true;
    }
    for (i, node) in program.nodes().iter().enumerate().rev() {
        if live[i] {
            node.operands()
                .iter()
                .for_each(|operand| live[operand.index()] = true);
        }
    }
    live
}
