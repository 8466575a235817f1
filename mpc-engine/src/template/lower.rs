//! Which construction a gate uses.

use std::sync::Arc;

use wire::kind::Kind;

use super::{
    Emitter, Mode, Public, Reg, Template, arithmetic, compare, compare::Aim, compress, convert,
    planes, reserve,
};
use crate::{
    ValueId,
    circuit::{Bound, Circuit, Gate},
    protocol::network,
    vector::Domain,
};

/// All that a template depends on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    mode: Mode,
    code: Code,
    /// Kind of the first operand.
    from: Kind,
    /// Kind of the result.
    to: Kind,
    /// Which operands are constants.
    public: [bool; 2],
    /// Which of the three divisions of the components into halves.
    partition: u8,
    aim: Aim,
}

/// The gate, without what does not shape the code.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Code {
    Add,
    Sub,
    Mul,
    MulPublic,
    Scale,
    Dot,
    Sum,
    Count,
    Bit(u32),
    Bits,
    Compress(u32),
    Compose(Arc<[u128]>),
    Decode {
        planes: u32,
        bits: u32,
        count: u32,
    },
    DotPlanes(usize),
    Table {
        low: u32,
        high: u32,
        table: Arc<[u128]>,
        mask: u128,
    },
    ToRing,
    Resize(Bound),
    Shr(u32, Bound),
    IsZero,
    Shuffle {
        inverse: bool,
        /// Layers of the networks that make it with three parties.
        layers: u32,
    },
    Open,
    Permute,
    Random,
}

/// How a template is laid over the lanes of its operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Lane by lane, in chunks.
    Lanes,
    /// In chunks whose results add up.
    Partial,
    /// In chunks of whole rows, each of which gives one lane.
    Rows,
    /// In one piece, because nothing is sent or the sum is taken before sending.
    Whole,
}

/// The ways to divide four components into halves.
const PARTITIONS: [[[usize; 2]; 2]; 3] = [[[0, 1], [2, 3]], [[0, 2], [1, 3]], [[0, 3], [1, 2]]];

impl Key {
    /// The key of a gate for this division into halves (modulo 3); nothing for gates that have no
    /// template.
    pub(crate) fn of(
        mode: Mode,
        circuit: &Circuit,
        value: ValueId,
        partition: usize,
    ) -> Option<Self> {
        let gate = circuit.gate(value);
        let code = match gate {
            Gate::Add(..) => Code::Add,
            Gate::Sub(..) => Code::Sub,
            Gate::Mul(..) => Code::Mul,
            Gate::MulPublic(..) => Code::MulPublic,
            Gate::Scale(..) => Code::Scale,
            Gate::Dot { .. } => Code::Dot,
            Gate::Sum { .. } => Code::Sum,
            Gate::Count(_) => Code::Count,
            Gate::Bit { position, .. } => Code::Bit(*position),
            Gate::Bits(_) => Code::Bits,
            Gate::Compress { planes, .. } => Code::Compress(*planes),
            Gate::Compose { weights, .. } => Code::Compose(weights.clone()),
            Gate::Decode {
                planes,
                bits,
                count,
                ..
            } => Code::Decode {
                planes: *planes,
                bits: *bits,
                count: *count,
            },
            Gate::DotPlanes { y, .. } => Code::DotPlanes(circuit.form(*y).len),
            Gate::Table {
                low,
                high,
                table,
                mask,
                ..
            } => Code::Table {
                low: *low,
                high: *high,
                table: table.clone(),
                mask: *mask,
            },
            Gate::ToRing(_) => Code::ToRing,
            Gate::Resize { bound, .. } => Code::Resize(*bound),
            Gate::Shr { by, bound, .. } => Code::Shr(*by, *bound),
            Gate::IsZero(_) => Code::IsZero,
            Gate::Shuffle { inverse, len, .. } => Code::Shuffle {
                inverse: *inverse,
                layers: match mode {
                    Mode::Normal => 0,
                    Mode::Reserve { .. } => network::layers(*len),
                },
            },
            Gate::Open(_) => Code::Open,
            Gate::Permute { .. } => Code::Permute,
            Gate::Random { .. } => Code::Random,
            Gate::Input(_)
            | Gate::Constant(_)
            | Gate::Public(_)
            | Gate::Slice { .. }
            | Gate::Concat(..)
            | Gate::Gather { .. }
            | Gate::PrefixSum(_) => return None,
        };
        let mut public = [false; 2];
        for (public, operand) in public.iter_mut().zip(gate.operands()) {
            *public = matches!(circuit.gate(operand), Gate::Constant(_));
        }
        let len = gate
            .operands()
            .map(|v| circuit.form(v).len)
            .max()
            .unwrap_or(0);
        Some(Self {
            mode,
            aim: Aim::for_lanes(len),
            code,
            from: circuit.kind(gate.operands().next().unwrap_or(value)),
            to: circuit.kind(value),
            public,
            partition: (partition % 3) as u8,
        })
    }
}

/// The template of a gate.
pub(crate) fn lower(key: &Key) -> (Template, Shape) {
    let mut e = Emitter::new(key.mode, PARTITIONS[usize::from(key.partition % 3)]);
    let outputs = match &key.code {
        Code::Bits => {
            let x = operand(&mut e, key, 0);
            convert::to_bits(&mut e, x)
        }
        Code::Compress(planes) => {
            let planes = (0..*planes).map(|i| e.plane(i)).collect();
            compress::compress(&mut e, planes)
        }
        Code::Compose(weights) => {
            let planes: Vec<Reg> = (0..weights.len() as u32).map(|i| e.plane(i)).collect();
            vec![convert::compose(
                &mut e,
                &planes,
                weights,
                Domain::of(key.to),
            )]
        }
        Code::Random => vec![e.random(Domain::of(key.to))],
        Code::Decode {
            planes,
            bits,
            count,
        } => planes::decode(&mut e, *planes, *bits, *count),
        Code::Table {
            low,
            high,
            table,
            mask,
        } => planes::table(&mut e, [*low, *high], table, *mask),
        Code::DotPlanes(count) => vec![planes::dot(&mut e, *count, Domain::of(key.to))],
        code => vec![single(&mut e, key, code)],
    };
    let template = e.finish(outputs);
    let shape = match key.code {
        _ if template.rounds() == 0 => Shape::Whole,
        Code::Dot => Shape::Rows,
        Code::Shuffle { .. } | Code::Open => Shape::Whole,
        Code::Count => Shape::Partial,
        _ => Shape::Lanes,
    };
    (template, shape)
}

fn operand(e: &mut Emitter, key: &Key, place: u8) -> Reg {
    e.operand(place, Domain::of(key.from), key.public[usize::from(place)])
}

fn single(e: &mut Emitter, key: &Key, code: &Code) -> Reg {
    let x = operand(e, key, 0);
    let to = Domain::of(key.to);
    match code {
        Code::Add => {
            let y = operand(e, key, 1);
            e.add(x, y)
        }
        Code::Sub => {
            let y = operand(e, key, 1);
            e.subtract(x, y)
        }
        Code::Mul => {
            let y = operand(e, key, 1);
            e.multiply(x, y)
        }
        Code::Dot => {
            let y = operand(e, key, 1);
            e.dot_rows(x, y)
        }
        Code::MulPublic => e.scale_lanes(x),
        Code::Scale => e.scale(x, Public::Factor),
        Code::Sum => e.sum_rows(x),
        Code::Count if key.mode != Mode::Normal => reserve::count(e, x),
        Code::Count => count(e, x),
        Code::Bit(position) => compare::bit(e, x, *position, key.aim),
        Code::ToRing => arithmetic::bit_to_ring(e, x, to),
        Code::Resize(bound) if to.bits() > Domain::of(key.from).bits() => {
            convert::widen(e, x, to, (key.from.is_signed(), *bound), key.aim)
        }
        Code::Resize(_) if to != Domain::of(key.from) => e.narrow(x, to),
        Code::Shr(by, bound) => {
            let signed = (key.from.is_signed(), *bound);
            convert::shift_right(e, x, *by, signed, key.aim)
        }
        Code::IsZero => compare::is_zero(e, x),
        Code::Shuffle { inverse, layers } => match key.mode {
            Mode::Normal => e.shuffle(x, *inverse),
            Mode::Reserve { absent } => e.shuffle_by_networks(x, *inverse, *layers, absent),
        },
        Code::Open => e.open(x),
        Code::Permute => e.permute(x),
        // The others are not single; resizing to the same width is nothing.
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
    let both = e.dot_rows(p, q);
    let twice = e.scale(both, Public::Literal(2));
    let either = e.add(p, q);
    let sum = e.sum_rows(either);
    e.subtract(sum, twice)
}
