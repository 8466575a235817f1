//! Builds circuits: merges equal gates, folds what is public, follows ranges.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use wire::{
    kind::Kind,
    limits::{CIRCUIT_ELEMENTS, CIRCUIT_GATES, CIRCUIT_TABLE_BYTES, VALUE_ELEMENTS},
};

use super::{Bound, Circuit, Gate, Tally, public, range::Range};
use crate::{ProgramError, ValueId, program::Form, template::planes_left};

/// Bytes that an entry of a one-hot code takes in the templates that make and read it.
const CODE_ENTRY_BYTES: usize = 3 << 10;
/// Lanes from which on their number is found by adding up planes.
const LONG_COUNT: usize = 10_000;
/// Planes into which they are cut.
const COUNT_PLANES: usize = 127;

/// Builds a [`Circuit`]. Whoever calls it keeps to the forms that gates need; operands of one lane
/// are spread in `add`, `sub` and `mul`. When a bound is reached nothing more is added, and
/// [`Builder::check`] says so.
#[derive(Default)]
pub(crate) struct Builder {
    pub(super) gates: Vec<Gate>,
    forms: Vec<Form>,
    ranges: Vec<Range>,
    known: HashMap<(Gate, Form), ValueId>,
    elements: usize,
    /// Bytes of the tables that the gates hold.
    tables: usize,
    /// Lengths of one-hot codes, each of which has a template of its own.
    codes: BTreeSet<u32>,
    /// Tables of indices, which several gates may share.
    indices: HashSet<Arc<[u32]>>,
    /// Shuffles and random values so far.
    pub(super) streams: u32,
    excess: Option<ProgramError>,
    /// The node of the program of which the gates are.
    origin: u32,
    origins: Vec<u32>,
    tally: Tally,
}

impl Builder {
    /// Whether a bound was reached.
    ///
    /// # Errors
    /// [`ProgramError::TooMany`].
    pub(crate) fn check(&self) -> Result<(), ProgramError> {
        self.excess.clone().map_or(Ok(()), Err)
    }

    /// Notes that a bound was reached.
    pub(super) fn refuse(&mut self, error: ProgramError) {
        self.excess.get_or_insert(error);
    }

    pub(crate) fn gate(&self, value: ValueId) -> &Gate {
        &self.gates[value.index()]
    }

    pub(crate) fn form(&self, value: ValueId) -> Form {
        self.forms[value.index()]
    }

    pub(crate) fn kind(&self, value: ValueId) -> Kind {
        self.form(value).kind
    }

    pub(crate) fn len(&self, value: ValueId) -> usize {
        self.form(value).len
    }

    pub(crate) fn range(&self, value: ValueId) -> Range {
        self.ranges[value.index()]
    }

    /// Adds a gate unless it is there already.
    pub(crate) fn push(&mut self, gate: Gate, form: Form) -> ValueId {
        self.tally.asked += 1;
        let gate = public::fold(self, &gate, form).unwrap_or(gate);
        let key = (gate, form);
        if let Some(value) = self.known.get(&key) {
            self.tally.merged += 1;
            return *value;
        }
        let bounds = [
            ("gates", self.gates.len() + 1, CIRCUIT_GATES),
            ("elements of one value", form.len, VALUE_ELEMENTS),
            (
                "elements of all values",
                self.elements.saturating_add(form.len),
                CIRCUIT_ELEMENTS,
            ),
        ];
        for (what, actual, limit) in bounds {
            if actual > limit {
                self.refuse(ProgramError::TooMany {
                    what,
                    actual,
                    limit,
                });
            }
        }
        let table = self.table_bytes(&key.0);
        if !self.has_room(table) && !self.gates.is_empty() {
            return self.nothing(form);
        }
        self.tables += table;
        let value = ValueId(self.gates.len() as u32);
        let range = self.range_of(&key.0, form);
        self.elements += form.len;
        self.gates.push(key.0.clone());
        self.forms.push(form);
        self.ranges.push(range);
        self.origins.push(self.origin);
        self.known.insert(key, value);
        value
    }

    /// Whether no bound was reached and there is room for so many bytes of tables more. To be asked
    /// before a table is made whose length follows from that of a value.
    pub(super) fn has_room(&mut self, bytes: usize) -> bool {
        let actual = self.tables.saturating_add(bytes);
        if actual > CIRCUIT_TABLE_BYTES {
            self.refuse(ProgramError::TooMany {
                what: "bytes of tables of public numbers and indices",
                actual,
                limit: CIRCUIT_TABLE_BYTES,
            });
        }
        self.excess.is_none()
    }

    /// Bytes of the tables that a gate holds, and of the template that is as long as its code.
    fn table_bytes(&mut self, gate: &Gate) -> usize {
        match gate {
            Gate::Public(values) | Gate::Table { table: values, .. } => 16 * values.len(),
            Gate::Gather { lanes, .. } if self.indices.insert(lanes.clone()) => 4 * lanes.len(),
            Gate::Decode { count, .. } if self.codes.insert(*count) => {
                CODE_ENTRY_BYTES * *count as usize
            }
            _ => 0,
        }
    }

    /// A value to go on with after a bound was reached, so that expansions need not care.
    pub(super) fn nothing(&mut self, form: Form) -> ValueId {
        let value = ValueId(self.gates.len() as u32);
        let gate = Gate::Constant(0);
        match self.known.get(&(gate.clone(), form)) {
            Some(value) => *value,
            None => {
                self.gates.push(gate.clone());
                self.forms.push(form);
                self.ranges.push(Range::of(form.kind, 0));
                self.origins.push(self.origin);
                self.known.insert((gate, form), value);
                value
            }
        }
    }

    /// Says what is known of how large a value is, where its gate alone does not tell.
    pub(crate) fn assume(&mut self, value: ValueId, range: Range) {
        let own = &mut self.ranges[value.index()];
        if range.bits < own.bits || own.negative && !range.negative {
            *own = range;
        }
    }

    fn range_of(&self, gate: &Gate, form: Form) -> Range {
        let kind = form.kind;
        match gate {
            Gate::Constant(value) => Range::of(kind, *value),
            Gate::Public(values) => values
                .iter()
                .map(|v| Range::of(kind, *v))
                .fold(Range::of(kind, 0), Range::or),
            Gate::Add(x, y) => self.range(*x).plus(self.range(*y), kind),
            Gate::Sub(x, y) if kind.is_signed() => self.range(*x).minus(self.range(*y), kind),
            Gate::Mul(x, y) | Gate::MulPublic(x, y) => self.range(*x).times(self.range(*y), kind),
            Gate::Scale(x, factor) => self.range(*x).times(Range::of(kind, *factor), kind),
            Gate::Dot { x, y, row } => {
                let product = self.range(*x).times(self.range(*y), kind);
                product.sum(*row, kind)
            }
            Gate::Sum { x, row } => self.range(*x).sum(*row, kind),
            Gate::PrefixSum(x) => self.range(*x).sum(form.len, kind),
            Gate::Count(x) => Range::at_most(self.len(*x) as u128),
            Gate::ToRing(_) => Range {
                bits: 1,
                negative: false,
            }
            .within(kind),
            Gate::Resize { x, .. } => self.range(*x).within(kind),
            Gate::Shr { x, by, .. } => {
                let range = self.range(*x);
                Range {
                    bits: range.bits.saturating_sub(*by),
                    ..range
                }
            }
            Gate::Slice { x, .. }
            | Gate::Gather { x, .. }
            | Gate::Shuffle { x, .. }
            | Gate::Permute { x, .. } => self.range(*x),
            Gate::Concat(x, y) => self.range(*x).or(self.range(*y)),
            _ => Range::full(kind),
        }
    }

    /// Gates from now on are of this node of the program.
    pub(super) const fn begin(&mut self, node: u32) {
        self.origin = node;
    }

    /// Drops what nothing opened depends on, and renumbers.
    pub(crate) fn finish(self, columns: Vec<Form>, revealed: Vec<ValueId>) -> Circuit {
        let mut live = vec![false; self.gates.len()];
        for value in &revealed {
            live[value.index()] = true;
        }
        for (i, gate) in self.gates.iter().enumerate().rev() {
            if live[i] {
                gate.operands().for_each(|v| live[v.index()] = true);
            }
        }
        let mut places = vec![ValueId(u32::MAX); live.len()];
        let (mut gates, mut forms, mut origins) = (Vec::new(), Vec::new(), Vec::new());
        for (i, (gate, form)) in self.gates.iter().zip(self.forms).enumerate() {
            if live[i] {
                places[i] = ValueId(gates.len() as u32);
                gates.push(gate.map(|v| places[v.index()]));
                forms.push(form);
                origins.push(self.origins[i]);
            }
        }
        let tally = Tally {
            dropped: live.len() - gates.len(),
            ..self.tally
        };
        let revealed = revealed.iter().map(|v| places[v.index()]).collect();
        Circuit {
            columns,
            gates,
            forms,
            revealed,
            origins,
            tally,
        }
    }
}

/// The gates.
impl Builder {
    pub(crate) fn input(&mut self, column: u32, form: Form) -> ValueId {
        self.push(Gate::Input(column), form)
    }

    pub(crate) fn constant(&mut self, kind: Kind, value: u128, len: usize) -> ValueId {
        self.push(Gate::Constant(value & kind.mask()), Form { kind, len })
    }

    /// The form of an operation lane by lane on two operands, of which one may have one lane.
    fn both(&self, x: ValueId, y: ValueId) -> Form {
        let (x, y) = (self.form(x), self.form(y));
        let len = if x.len == 1 { y.len } else { x.len };
        Form { len, ..x }
    }

    pub(crate) fn add(&mut self, x: ValueId, y: ValueId) -> ValueId {
        let form = self.both(x, y);
        for (x, y) in [(x, y), (y, x)] {
            if self.single(y) == Some(0) && self.len(x) == form.len {
                return x;
            }
        }
        if x == y && form.kind == Kind::Bool {
            return self.constant(form.kind, 0, form.len);
        }
        // Sums commute, so that equal ones are found.
        self.push(Gate::Add(x.min(y), x.max(y)), form)
    }

    pub(crate) fn sub(&mut self, x: ValueId, y: ValueId) -> ValueId {
        let form = self.both(x, y);
        if form.kind == Kind::Bool {
            return self.add(x, y);
        }
        if x == y {
            return self.constant(form.kind, 0, form.len);
        }
        if self.single(y) == Some(0) && self.len(x) == form.len {
            return x;
        }
        self.push(Gate::Sub(x, y), form)
    }

    /// x times a public number.
    pub(crate) fn scale(&mut self, x: ValueId, factor: u128) -> ValueId {
        let form = self.form(x);
        let factor = factor & form.kind.mask();
        match (factor, self.gate(x).clone()) {
            (0, _) => self.constant(form.kind, 0, form.len),
            (1, _) => x,
            (_, Gate::Scale(inner, other)) => self.scale(inner, factor.wrapping_mul(other)),
            _ => self.push(Gate::Scale(x, factor), form),
        }
    }

    pub(crate) fn mul(&mut self, x: ValueId, y: ValueId) -> ValueId {
        let form = self.both(x, y);
        for (x, y) in [(x, y), (y, x)] {
            if let Some(factor) = self.single(y)
                && (self.len(x) == form.len || factor == 0)
            {
                if factor == 0 {
                    return self.constant(form.kind, 0, form.len);
                }
                return self.scale(x, factor);
            }
            if matches!(self.gate(y), Gate::Public(_)) {
                return self.push(Gate::MulPublic(x, y), form);
            }
        }
        if x == y && form.kind == Kind::Bool {
            return x;
        }
        self.push(Gate::Mul(x.min(y), x.max(y)), form)
    }

    /// Σ x·y over rows of so many lanes, both of the same length.
    pub(crate) fn dot(&mut self, x: ValueId, y: ValueId, row: usize) -> ValueId {
        let form = self.form(x);
        if self.gate(x).is_public() || self.gate(y).is_public() || row == 1 {
            let product = self.mul(x, y);
            return self.sum(product, row);
        }
        let (x, y) = (x.min(y), x.max(y));
        let len = form.len / row.max(1);
        self.push(Gate::Dot { x, y, row }, Form { len, ..form })
    }

    pub(crate) fn sum(&mut self, x: ValueId, row: usize) -> ValueId {
        let form = self.form(x);
        if row == 1 {
            return x;
        }
        let len = form.len / row.max(1);
        self.push(Gate::Sum { x, row }, Form { len, ..form })
    }

    pub(crate) fn prefix_sum(&mut self, x: ValueId) -> ValueId {
        let form = self.form(x);
        if form.len < 2 {
            return x;
        }
        self.push(Gate::PrefixSum(x), form)
    }

    pub(crate) fn count(&mut self, x: ValueId) -> ValueId {
        let kind = Kind::U64;
        if self.len(x) == 0 {
            return self.constant(kind, 0, 1);
        }
        if self.len(x) < LONG_COUNT || self.gate(x).is_public() {
            return self.push(Gate::Count(x), Form { kind, len: 1 });
        }
        // In planes of bits, which are added up as bits as far as that is cheaper.
        let lanes = self.len(x).div_ceil(64 * COUNT_PLANES) * 64;
        let rest = self.constant(Kind::Bool, 0, lanes * COUNT_PLANES - self.len(x));
        let bits = self.concat(x, rest);
        let compressed = self.compress(bits, COUNT_PLANES as u32);
        let mut sum = self.constant(kind, 0, 1);
        let mut start = 0;
        for (weight, planes) in planes_left(COUNT_PLANES).into_iter().enumerate() {
            let plane = self.slice(compressed, start, planes * lanes);
            let count = self.push(Gate::Count(plane), Form { kind, len: 1 });
            let count = self.scale(count, 1 << weight);
            sum = self.add(sum, count);
            start += planes * lanes;
        }
        let range = Range::at_most(self.len(x) as u128);
        self.assume(sum, range);
        sum
    }

    /// Of so many planes of bits of weight 1, fewer of higher weights.
    pub(crate) fn compress(&mut self, bits: ValueId, planes: u32) -> ValueId {
        let form = self.form(bits);
        let lanes = form.len / planes.max(1) as usize;
        let left: usize = planes_left(planes as usize).into_iter().sum();
        let len = left * lanes;
        self.push(Gate::Compress { bits, planes }, Form { len, ..form })
    }

    /// Bit number `position`.
    pub(crate) fn bit(&mut self, x: ValueId, position: u32) -> ValueId {
        let (form, range) = (self.form(x), self.range(x));
        let kind = Kind::Bool;
        // All bits from its range on are copies of the sign.
        let sign = range.bits.min(form.kind.bits() - 1);
        let position = if form.kind.is_signed() {
            position.min(sign)
        } else {
            position
        };
        if !range.negative && position >= range.bits {
            return self.constant(kind, 0, form.len);
        }
        self.push(Gate::Bit { x, position }, Form { kind, ..form })
    }

    /// All bits, plane by plane, lowest first.
    pub(crate) fn bits(&mut self, x: ValueId) -> ValueId {
        let form = self.form(x);
        let len = form.len * form.kind.bits() as usize;
        let kind = Kind::Bool;
        if form.kind == kind {
            return x;
        }
        self.push(Gate::Bits(x), Form { kind, len })
    }

    /// Σ weightᵢ·bᵢ over planes of bits.
    pub(crate) fn compose(&mut self, bits: ValueId, weights: Arc<[u128]>, kind: Kind) -> ValueId {
        let len = self.len(bits) / weights.len().max(1);
        self.push(Gate::Compose { bits, weights }, Form { kind, len })
    }

    /// The one-hot code, plane by plane, of the number in the first `bits` of so many planes, 0
    /// where another plane is set.
    pub(crate) fn decode(&mut self, x: ValueId, planes: u32, bits: u32, count: u32) -> ValueId {
        let len = self.len(x) / planes.max(1) as usize * count as usize;
        let gate = Gate::Decode {
            x,
            planes,
            bits,
            count,
        };
        let kind = Kind::Bool;
        self.push(gate, Form { kind, len })
    }

    /// Σ plane v of x · lane v of y.
    pub(crate) fn dot_planes(&mut self, x: ValueId, y: ValueId) -> ValueId {
        let form = self.form(x);
        let len = form.len / self.len(y).max(1);
        self.push(Gate::DotPlanes { x, y }, Form { len, ..form })
    }

    pub(crate) fn ring(&mut self, x: ValueId, kind: Kind) -> ValueId {
        let len = self.len(x);
        if kind == Kind::Bool {
            return x;
        }
        self.push(Gate::ToRing(x), Form { kind, len })
    }

    /// As an integer of another kind.
    pub(crate) fn resize(&mut self, x: ValueId, kind: Kind) -> ValueId {
        let form = self.form(x);
        if form.kind == kind {
            return x;
        }
        let bound = if kind.bits() > form.kind.bits() {
            Bound::of(self.range(x), form.kind)
        } else {
            Bound::Any
        };
        self.push(Gate::Resize { x, bound }, Form { kind, ..form })
    }

    pub(crate) fn shr(&mut self, x: ValueId, by: u32) -> ValueId {
        let form = self.form(x);
        if by == 0 {
            return x;
        }
        let bound = Bound::of(self.range(x), form.kind);
        self.push(Gate::Shr { x, by, bound }, form)
    }

    pub(crate) fn is_zero(&mut self, x: ValueId) -> ValueId {
        let len = self.len(x);
        if self.kind(x) == Kind::Bool {
            return self.not(x);
        }
        let kind = Kind::Bool;
        self.push(Gate::IsZero(x), Form { kind, len })
    }

    pub(crate) fn slice(&mut self, x: ValueId, start: usize, len: usize) -> ValueId {
        let form = self.form(x);
        if start == 0 && len == form.len {
            return x;
        }
        if let Gate::Slice {
            x: inner,
            start: other,
        } = *self.gate(x)
        {
            return self.slice(inner, start + other, len);
        }
        self.push(Gate::Slice { x, start }, Form { len, ..form })
    }

    pub(crate) fn concat(&mut self, x: ValueId, y: ValueId) -> ValueId {
        let (form, other) = (self.form(x), self.len(y));
        match (form.len, other) {
            (0, _) => return y,
            (_, 0) => return x,
            _ => {}
        }
        let len = form.len + other;
        self.push(Gate::Concat(x, y), Form { len, ..form })
    }

    /// Lanes by public index.
    pub(crate) fn gather(&mut self, x: ValueId, lanes: Arc<[u32]>) -> ValueId {
        let form = self.form(x);
        let len = lanes.len();
        if len == form.len && (0..).zip(lanes.iter()).all(|(i, lane)| i == *lane) {
            return x;
        }
        if let Some(value) = self.single(x) {
            return self.constant(form.kind, value, len);
        }
        self.push(Gate::Gather { x, lanes }, Form { len, ..form })
    }

    /// 1 − x on booleans, −x − 1 on integers.
    pub(crate) fn not(&mut self, x: ValueId) -> ValueId {
        let kind = self.kind(x);
        let ones = self.constant(kind, u128::MAX, 1);
        let negative = self.scale(x, u128::MAX);
        self.add(negative, ones)
    }

    /// x in `len` lanes, if it has one.
    pub(crate) fn spread(&mut self, x: ValueId, len: usize) -> ValueId {
        if self.len(x) == len {
            return x;
        }
        if let Some(value) = self.single(x) {
            return self.constant(self.kind(x), value, len);
        }
        if !self.has_room(4 * len) {
            return self.nothing(Form {
                len,
                ..self.form(x)
            });
        }
        self.gather(x, vec![0; len].into())
    }
}
