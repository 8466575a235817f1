//! What a gate is made of.
//!
//! A [`Template`] is a short straight-line program on registers for one gate on operands of
//! given kinds. It does not depend on lengths: every register is a vector with as many lanes as the
//! piece of the operands that is being worked on. There are two classes of registers: shares, and
//! values that two parties know in clear because they hold two components each (`known`). Which
//! components of a share can be non-zero (its support) is known beforehand, so that messages for
//! products that vanish are never sent.
//!
//! With three parties ([`Mode::Reserve`]) a product is taken from the reserve: both factors of each
//! term are opened under the factors of a triple, and what is left is local. A value that two live
//! parties know becomes a share without any message: it is the component that the third live party
//! lacks, and the others are zero.
//!
//! [`Emitter`] writes templates; `arithmetic`, `compare`, `convert`, `planes` and `reserve` hold the
//! constructions; [`lower()`] chooses among them.

mod arithmetic;
mod compare;
mod compress;
mod convert;
mod emitter;
mod lower;
mod planes;
mod reserve;

use crate::{
    protocol::network,
    roles::{Links, Roles},
    vector::Domain,
};

pub(crate) use compress::planes_left;
pub(crate) use emitter::{Emitter, VECTOR_OVERHEAD};
pub(crate) use lower::{Key, Shape, lower};

/// Who runs a circuit, and how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum Mode {
    /// All four parties, by the protocol of four.
    #[default]
    Normal,
    /// Three parties, from the reserve.
    Reserve { absent: u8 },
}

impl Mode {
    /// Who takes no part.
    pub(crate) fn absent(self) -> Option<usize> {
        match self {
            Self::Normal => None,
            Self::Reserve { absent } => Some(absent.into()),
        }
    }

    /// The parties that take part.
    pub(crate) fn live(self) -> impl Iterator<Item = usize> + Clone {
        let absent = self.absent();
        (0..4).filter(move |party| absent != Some(*party))
    }
}

/// A register of a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Reg(pub(crate) u32);

/// A public number, resolved when the template runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Public {
    /// This number.
    Literal(u128),
    /// The factor of a [`Gate::Scale`](crate::circuit::Gate::Scale).
    Factor,
    /// The value of an operand that is a constant.
    Operand(u8),
}

/// A step of a template. `half` 0 or 1 names one of the two pairs of components in
/// [`Template::halves`]; who knows the sum of a half is the pair of parties of the other half. With
/// three parties, `half` is the number of a live one: the two others know the summand of a share that
/// is its component.
#[derive(Clone, Debug)]
pub(crate) enum Instruction {
    /// The lanes of an operand.
    Operand(u8),
    /// The lanes of one plane of an operand that holds planes of bits.
    Plane(u32),
    /// One lane of the second operand, in all lanes.
    Lane(u32),
    /// The same public value in all lanes.
    Constant(Public),
    /// a + b; exclusive or on bits.
    Add(Reg, Reg),
    /// a − b; exclusive or on bits.
    Subtract(Reg, Reg),
    /// a plus a public value, added to component `on`.
    AddPublic { a: Reg, value: Public, on: u8 },
    /// a times a public value; and on bits.
    Scale(Reg, Public),
    /// a times the lanes of the second operand, which are public.
    ScaleLanes(Reg),
    /// The low bits of a, in a narrower ring.
    Narrow(Reg),
    /// a in a wider ring, times 2 to the difference in bits.
    Lift(Reg),
    /// The sum of each row of lanes.
    SumRows(Reg),
    /// Σ xᵢ·yᵢ over the terms, lane by lane. Messages cross for these pairs of components (bits by
    /// place in [`crate::roles::PAIRS`]).
    Dot { terms: Vec<(Reg, Reg)>, pairs: u8 },
    /// Σ x·y over each row of lanes.
    DotRows { x: Reg, y: Reg, pairs: u8 },
    /// From the reserve, for Σ xᵢ·yᵢ: x₀ − a₀, y₀ − b₀, x₁ − a₁ and so on, opened to the three, into the
    /// destination and the registers after it, then Σ cᵢ. With `rows`, Σ c over each row of lanes.
    Mask { terms: Vec<(Reg, Reg)>, rows: bool },
    /// Σ xᵢ·yᵢ from what [`Self::Mask`] has put into `masked` and the registers after it.
    Unmask {
        terms: Vec<(Reg, Reg)>,
        masked: Reg,
        rows: bool,
    },
    /// One pass of a shuffle, by the permutation that this party lacks.
    Pass { x: Reg, lacks: u8 },
    /// The same by a permutation that all three know.
    Rearrange { x: Reg, lacks: u8 },
    /// Known: how the switches of a network stand that makes the permutation that this party lacks
    /// ([`network`]); `x` is what it will permute.
    Route { x: Reg, lacks: u8 },
    /// The switches of one layer, as a share in a ring, for all planes of x.
    Switches {
        route: Reg,
        lacks: u8,
        x: Reg,
        layer: u32,
    },
    /// The differences of the lanes that meet in a layer of this depth.
    Differences { x: Reg, layer: u32 },
    /// x with `by` taken from the first and added to the second of the lanes that meet in a layer
    /// of this depth.
    Exchange { x: Reg, by: Reg, layer: u32 },
    /// The sum of all components, to everybody. What comes is no share: only [`Self::Permute`] reads
    /// it, as the sum of the components that are there.
    Open(Reg),
    /// The lanes of a in the order that the second operand gives, which has been opened.
    Permute(Reg),
    /// Random lanes.
    Random,
    /// A share of a value that is known as the sum of a half.
    Input { known: Reg, half: u8 },
    /// Shares of the products of all sets of known bits of a half but the empty one: that of the
    /// set u, in binary, in register u − 1 from the destination on.
    InputProducts { bits: Vec<Reg>, half: u8 },
    /// The sum of a half's components of a share: a known value.
    Half(Reg, u8),
    /// With three parties: the component of a share that party `of` lacks, and another that all know.
    Summand { a: Reg, of: u8, and: Option<u8> },
    /// With three parties: a share of a known value, which becomes this component.
    Place { known: Reg, component: u8 },
    /// Known: the complement of all bits.
    KnownNot(Reg),
    /// Known: −a.
    KnownNegate(Reg),
    /// Known: as many bits, from the lowest on, into the destination and the registers after it.
    KnownSplit { known: Reg, bits: u32 },
    /// Known: a in a wider ring, or a bit in a ring.
    KnownWiden(Reg),
    /// Known: a >> n, unsigned.
    KnownShift(Reg, u32),
}

impl Instruction {
    /// Whether messages cross before the result is there.
    pub(crate) const fn is_interactive(&self) -> bool {
        match self {
            Self::Dot { pairs, .. } | Self::DotRows { pairs, .. } => *pairs != 0,
            Self::Input { .. }
            | Self::InputProducts { .. }
            | Self::Mask { .. }
            | Self::Pass { .. }
            | Self::Open(_) => true,
            _ => false,
        }
    }

    /// How many registers it fills.
    pub(crate) const fn results(&self) -> usize {
        match self {
            Self::KnownSplit { bits, .. } => *bits as usize,
            Self::InputProducts { bits, .. } => (1 << bits.len()) - 1,
            Self::Mask { terms, .. } => 2 * terms.len() + 1,
            _ => 1,
        }
    }

    /// The registers that it reads.
    pub(crate) fn for_each_source(&self, mut f: impl FnMut(Reg)) {
        match self {
            Self::Operand(_)
            | Self::Plane(_)
            | Self::Lane(_)
            | Self::Constant(_)
            | Self::Random => {}
            Self::Add(a, b) | Self::Subtract(a, b) | Self::DotRows { x: a, y: b, .. } => {
                f(*a);
                f(*b);
            }
            Self::Switches { route: a, x: b, .. } | Self::Exchange { x: a, by: b, .. } => {
                f(*a);
                f(*b);
            }
            Self::InputProducts { bits, .. } => bits.iter().for_each(|bit| f(*bit)),
            Self::Dot { terms, .. } | Self::Mask { terms, .. } => {
                terms.iter().for_each(|(x, y)| {
                    f(*x);
                    f(*y);
                });
            }
            Self::Unmask { terms, masked, .. } => {
                terms.iter().for_each(|(x, y)| {
                    f(*x);
                    f(*y);
                });
                (0..=2 * terms.len() as u32).for_each(|i| f(Reg(masked.0 + i)));
            }
            Self::AddPublic { a, .. }
            | Self::Scale(a, _)
            | Self::Narrow(a)
            | Self::Lift(a)
            | Self::ScaleLanes(a)
            | Self::SumRows(a)
            | Self::Input { known: a, .. }
            | Self::Pass { x: a, .. }
            | Self::Rearrange { x: a, .. }
            | Self::Route { x: a, .. }
            | Self::Differences { x: a, .. }
            | Self::Open(a)
            | Self::Permute(a)
            | Self::Half(a, _)
            | Self::Summand { a, .. }
            | Self::Place { known: a, .. }
            | Self::KnownNot(a)
            | Self::KnownNegate(a)
            | Self::KnownSplit { known: a, .. }
            | Self::KnownWiden(a)
            | Self::KnownShift(a, _) => f(*a),
        }
    }
}

/// What a register holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// A share whose components outside `support` (a bit per component) are zero.
    Share { support: u8 },
    /// The sum of this half's components, in clear to two parties.
    Known { half: u8 },
    /// In clear to all parties that take part.
    Opened,
}

/// How many lanes a register has, or a message elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extent {
    /// Those of the piece of the operands that is being worked on.
    Lanes,
    /// One for each row of them.
    Rows,
    /// One for each switch of a layer of this depth of a network on each row.
    Switches(u32),
    /// One for each switch of a network of so many layers on one row.
    Network(u32),
}

impl Extent {
    /// In a piece with so many lanes and rows. Networks are on rows of so many lanes instead.
    pub(crate) const fn of(self, lanes: usize, rows: usize) -> usize {
        match self {
            Self::Lanes => lanes,
            Self::Rows => rows,
            Self::Switches(layer) => {
                let planes = match lanes.checked_div(rows) {
                    Some(planes) => planes,
                    None => 0,
                };
                planes * network::switches(rows, layer)
            }
            Self::Network(_) => network::all_switches(rows),
        }
    }
}

/// An instruction with its destination.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) to: Reg,
    pub(crate) domain: Domain,
    pub(crate) instruction: Instruction,
    /// Registers that nobody reads after this step.
    pub(crate) last_use: Vec<Reg>,
}

/// A message of a stage: its elements by each of its routes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Message {
    pub(crate) domain: Domain,
    pub(crate) extent: Extent,
    pub(crate) routes: Routes,
    /// How many of them follow each other on the same routes.
    pub(crate) count: usize,
    /// How many triples of the reserve it takes for each element.
    pub(crate) triples: usize,
}

impl Message {
    /// Bytes by one route.
    pub(crate) const fn bytes(&self, lanes: usize, rows: usize) -> usize {
        self.domain.wire_bytes(self.extent.of(lanes, rows)) * self.count
    }
}

/// Between whom the elements of a message cross.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Routes {
    /// One for each of these pairs of components, bits by place in [`crate::roles::PAIRS`].
    Pairs(u8),
    /// Three to the party that lacks the permutation of a pass.
    Pass(u8),
    /// One to each party that takes part.
    All(Mode),
}

impl Routes {
    /// Roles for element number `route` of so many bytes.
    pub(crate) fn assign(self, route: usize, links: &mut Links, bytes: usize) -> Roles {
        match self {
            Self::Pairs(pairs) => {
                let mut set = (0..6).filter(|pair| pairs >> pair & 1 == 1);
                links.cross(set.nth(route).unwrap_or(0), bytes)
            }
            Self::Pass(lacks) => links.pass(lacks.into(), route, bytes),
            Self::All(mode) => links.open(mode.live().nth(route).unwrap_or(0), bytes),
        }
    }

    pub(crate) const fn elements(self) -> usize {
        match self {
            Self::Pairs(pairs) => pairs.count_ones() as usize,
            Self::Pass(_) => 3,
            Self::All(Mode::Normal) => 4,
            Self::All(Mode::Reserve { .. }) => 3,
        }
    }
}

/// The steps up to the next exchange of messages.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stage {
    pub(crate) steps: Vec<Step>,
    /// What crosses at its end, in the order of the interactive steps.
    pub(crate) messages: Vec<Message>,
}

/// An operation as straight-line code, cut at its exchanges. The last stage exchanges nothing.
#[derive(Clone, Debug)]
pub(crate) struct Template {
    pub(crate) halves: [[usize; 2]; 2],
    pub(crate) registers: usize,
    pub(crate) stages: Vec<Stage>,
    /// The result, or its planes.
    pub(crate) outputs: Vec<Reg>,
    /// Bytes for what registers are made of, however many lanes they have.
    pub(crate) overhead: usize,
    /// Most bytes that registers hold at a time, for 64 lanes.
    pub(crate) memory_64: usize,
}

impl Template {
    /// Rounds that it takes.
    pub(crate) fn rounds(&self) -> usize {
        self.stages.len().saturating_sub(1)
    }

    /// The pair of parties that know the sum of a half's components: those of the other half.
    pub(crate) const fn knowers(&self, half: u8) -> [usize; 2] {
        self.halves[1 - half as usize]
    }

    /// Bytes on all links of a stage's values, for this many lanes and rows.
    pub(crate) fn stage_bytes(&self, stage: usize, lanes: usize, rows: usize) -> usize {
        let Some(stage) = self.stages.get(stage) else {
            return 0;
        };
        let bytes = |m: &Message| m.bytes(lanes, rows) * m.routes.elements();
        stage.messages.iter().map(bytes).sum()
    }
}
