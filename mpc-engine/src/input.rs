//! From accepted inputs to shares of columns.

use std::collections::BTreeMap;

use wire::{
    kind::{InputType, Kind},
    sealed::{self, Seed},
};
use zeroize::Zeroizing;

use crate::{
    Column, EngineError, Program,
    vector::{Domain, Share, Vector},
};

/// One party's shares of all columns of a program, in the order of [`Program::columns`].
pub struct PartyInputs {
    me: u8,
    columns: Vec<Share>,
}

impl std::fmt::Debug for PartyInputs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PartyInputs(party {}, <redacted>)", self.me)
    }
}

impl PartyInputs {
    pub(crate) const fn new(me: u8, columns: Vec<Share>) -> Self {
        Self { me, columns }
    }

    pub(crate) fn into_columns(self) -> Vec<Share> {
        self.columns
    }

    /// Refuses shares that are another party's, or not of the program's columns.
    pub(crate) fn check(&self, me: u8, program: &Program) -> Result<(), EngineError> {
        if me >= 4 || self.me != me {
            return Err(EngineError::NoSuchParty { party: me });
        }
        if self.columns.len() != program.columns().len() {
            return Err(EngineError::ColumnCount {
                expected: program.columns().len(),
                actual: self.columns.len(),
            });
        }
        for (i, (column, share)) in program.columns().iter().zip(&self.columns).enumerate() {
            if share.domain() != Domain::of(column.kind) || share.lanes() != column.len {
                return Err(EngineError::ColumnLength {
                    column: i,
                    expected: column.len,
                    actual: share.lanes(),
                });
            }
        }
        Ok(())
    }
}

/// A column while it grows: its components by number, and where its element is in an input.
struct Growing {
    column: Column,
    /// Where the field begins in the encoding, in bytes.
    offset: usize,
    shares: Share,
    /// Inputs so far.
    len: usize,
}

/// Turns accepted inputs, in order, into one party's shares of the columns that a program reads.
pub struct InputCollector {
    me: u8,
    columns: Vec<Growing>,
    /// Types with their columns, by number.
    types: BTreeMap<u32, (Vec<usize>, InputType)>,
}

impl std::fmt::Debug for InputCollector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "InputCollector(party {}, <redacted>)", self.me)
    }
}

impl InputCollector {
    /// For party `me`, with the input types of the contract by their numbers.
    ///
    /// # Errors
    /// [`EngineError::NoSuchParty`], [`EngineError::NoSuchColumn`], [`EngineError::ColumnKind`].
    pub fn new(me: u8, program: &Program, types: &[(u32, InputType)]) -> Result<Self, EngineError> {
        if me >= 4 {
            return Err(EngineError::NoSuchParty { party: me });
        }
        let mut collector = Self {
            me,
            columns: Vec::with_capacity(program.columns().len()),
            types: BTreeMap::new(),
        };
        for (number, input) in types {
            let empty = (Vec::new(), input.clone());
            collector.types.insert(*number, empty);
        }
        for (place, column) in program.columns().iter().enumerate() {
            let offset = offset_of(column, types)?;
            if let Some((columns, _)) = collector.types.get_mut(&column.id.input_type) {
                columns.push(place);
            }
            collector.columns.push(Growing {
                column: *column,
                offset,
                shares: Share::zero(Domain::of(column.kind), column.len),
                len: 0,
            });
        }
        Ok(collector)
    }

    /// Adds one accepted input as its client shared it: the public masked value and the seeds that
    /// this party holds, which have been checked against their commitments; element c of `seeds` may
    /// be none for c = me.
    ///
    /// # Errors
    /// As [`Self::push_components`].
    pub fn push(
        &mut self,
        input_type: u32,
        masked: &[u8],
        seeds: &[Option<Seed>; 4],
    ) -> Result<(), EngineError> {
        let (_, ty) = self.check(input_type, masked.len())?;
        let mut components = [const { None }; 4];
        for ((c, seed), place) in (0..).zip(seeds).zip(&mut components) {
            *place = match seed {
                Some(seed) if c != self.me => Some(component(ty, c, masked, seed)?),
                _ => None,
            };
        }
        let components = components.each_ref().map(|c| c.as_ref().map(|c| &c[..]));
        self.push_components(input_type, components)
    }

    /// Adds one accepted input: the components that this party holds, in the encoding of the type;
    /// that of its own number is ignored.
    ///
    /// # Errors
    /// [`EngineError::NoSuchColumn`] for an unknown input type, [`EngineError::InputLength`],
    /// [`EngineError::MissingSeed`] for a missing component, and [`EngineError::ColumnLength`].
    pub fn push_components(
        &mut self,
        input_type: u32,
        components: [Option<&[u8]>; 4],
    ) -> Result<(), EngineError> {
        let mut held = Vec::with_capacity(3);
        for (c, bytes) in (0..).zip(components).filter(|(c, _)| *c != self.me) {
            let bytes = bytes.ok_or(EngineError::MissingSeed { component: c })?;
            self.check(input_type, bytes.len())?;
            held.push((c, bytes));
        }
        let Some((places, _)) = self.types.get(&input_type) else {
            return Ok(());
        };
        for place in places {
            let growing = &self.columns[*place];
            if growing.len == growing.column.len {
                return Err(EngineError::ColumnLength {
                    column: *place,
                    expected: growing.column.len,
                    actual: growing.len + 1,
                });
            }
        }
        for place in places {
            let growing = &mut self.columns[*place];
            for (c, bytes) in &held {
                let element = growing.element(bytes);
                let part = growing.shares.part_mut(usize::from(*c));
                part.paste(growing.len, &element, 0, 1);
            }
            growing.len += 1;
        }
        Ok(())
    }

    /// The type of this number with its columns, if an input of it has this length.
    fn check(
        &self,
        input_type: u32,
        actual: usize,
    ) -> Result<&(Vec<usize>, InputType), EngineError> {
        let known = self.types.get(&input_type);
        let known = known.ok_or(EngineError::NoSuchColumn {
            input_type,
            field: 0,
        })?;
        let expected = known.1.bytes();
        if actual != expected {
            return Err(EngineError::InputLength { expected, actual });
        }
        Ok(known)
    }

    /// The shares.
    ///
    /// # Errors
    /// [`EngineError::ColumnLength`] if there were fewer inputs than the program reads.
    pub fn finish(self) -> Result<PartyInputs, EngineError> {
        let mut columns = Vec::with_capacity(self.columns.len());
        for (place, growing) in self.columns.into_iter().enumerate() {
            if growing.len != growing.column.len {
                return Err(EngineError::ColumnLength {
                    column: place,
                    expected: growing.column.len,
                    actual: growing.len,
                });
            }
            columns.push(growing.shares);
        }
        Ok(PartyInputs::new(self.me, columns))
    }
}

impl Growing {
    /// The column's element in an encoded input, one lane.
    fn element(&self, input: &[u8]) -> Vector {
        let kind = self.column.kind;
        let place = self.column.id.element as usize;
        let domain = Domain::of(kind);
        if kind == Kind::Bool {
            let byte = input[self.offset + place / 8];
            return Vector::from_numbers(domain, &[u128::from(byte >> (place % 8) & 1)]);
        }
        let width = kind.bytes(1);
        Vector::read(domain, 1, &input[self.offset + place * width..][..width])
    }
}

/// A component of an input as its client shared it, in the encoding of its type.
///
/// # Errors
/// [`EngineError::InputLength`].
pub fn component(
    ty: &InputType,
    component: u8,
    masked: &[u8],
    seed: &Seed,
) -> Result<Zeroizing<Vec<u8>>, EngineError> {
    let (expected, actual) = (ty.bytes(), masked.len());
    if actual != expected {
        return Err(EngineError::InputLength { expected, actual });
    }
    let mut bytes = seed.keystream(expected);
    if component == 0 {
        sealed::add(ty, &mut bytes, masked);
    }
    Ok(bytes)
}

/// Where the field of a column begins in its encoded input.
fn offset_of(column: &Column, types: &[(u32, InputType)]) -> Result<usize, EngineError> {
    let id = column.id;
    let missing = EngineError::NoSuchColumn {
        input_type: id.input_type,
        field: id.field,
    };
    let (_, input) = types
        .iter()
        .find(|(number, _)| *number == id.input_type)
        .ok_or(missing.clone())?;
    let field = input.fields.get(id.field as usize).ok_or(missing.clone())?;
    if field.kind != column.kind {
        return Err(EngineError::ColumnKind {
            expected: column.kind,
            actual: field.kind,
        });
    }
    if id.element >= field.len {
        return Err(missing);
    }
    let before = input.fields.iter().take(id.field as usize);
    Ok(before.map(|f| f.kind.bytes(f.len as usize)).sum())
}

#[cfg(test)]
mod tests {
    use wire::kind::Field;

    use super::*;
    use crate::{ColumnId, ProgramBuilder};

    /// Component c is the keystream of seed c, the masked value is added to component 0 and to no
    /// other, and nobody holds the component of its own number.
    #[test]
    fn the_masked_value_belongs_to_component_0() {
        let id = ColumnId {
            input_type: 0,
            field: 0,
            element: 0,
        };
        let mut builder = ProgramBuilder::new();
        let column = builder.input(id, Kind::U16, 1).unwrap();
        builder.reveal(column).unwrap();
        let program = builder.finish().unwrap();
        let input = InputType {
            name: "Number".into(),
            fields: vec![Field {
                name: "x".into(),
                kind: Kind::U16,
                len: 1,
            }],
        };
        let seed = |c: u8| Seed::new([c + 1; 32]);
        let masked = 0xabcd_u16;
        for me in 0..4u8 {
            let mut collector = InputCollector::new(me, &program, &[(0, input.clone())]).unwrap();
            let held = std::array::from_fn(|c| (c as u8 != me).then(|| seed(c as u8)));
            collector.push(0, &masked.to_le_bytes(), &held).unwrap();
            let columns = collector.finish().unwrap().into_columns();
            for c in 0..4u8 {
                let part = columns[0].part(usize::from(c)).map(Vector::to_numbers);
                let keystream = seed(c).keystream(2);
                let keystream = u16::from_le_bytes([keystream[0], keystream[1]]);
                let component = keystream.wrapping_add(if c == 0 { masked } else { 0 });
                let expected = (c != me).then(|| vec![u128::from(component)]);
                assert_eq!(part, expected, "component {c} at party {me}");
            }
        }
    }
}
