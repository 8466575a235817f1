//! Building programs, checked at every step.

use std::{collections::BTreeMap, sync::Arc};

use wire::{
    kind::Kind,
    limits::{OUTPUT_BYTES, PROGRAM_OPERATIONS, PUBLIC_ELEMENTS, VALUE_ELEMENTS},
    secret::Op,
};

use super::{Column, ColumnId, Form, Node, Program, ValueId, typing};
use crate::{ProgramError, circuit::Circuit, plan::Plan, schedule::Layout, template::Mode};

/// Elements of all values of a program together: bounds the work that one program can ask for.
const PROGRAM_ELEMENTS: usize = 1 << 30;

/// Builds a [`Program`]. An error leaves the builder as it was.
#[derive(Debug, Default)]
pub struct ProgramBuilder {
    columns: Vec<Column>,
    by_id: BTreeMap<ColumnId, ValueId>,
    nodes: Vec<Node>,
    forms: Vec<Form>,
    revealed: Vec<ValueId>,
    elements: usize,
    revealed_bytes: usize,
}

impl ProgramBuilder {
    /// An empty program.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The column `id` over all inputs, which has `len` elements. The same column twice is the
    /// same value.
    ///
    /// # Errors
    /// [`ProgramError::ColumnForm`] if it was read before in another form,
    /// [`ProgramError::NoSuchKind`] and [`ProgramError::TooMany`].
    pub fn input(&mut self, id: ColumnId, kind: Kind, len: usize) -> Result<ValueId, ProgramError> {
        let form = Form { kind, len };
        if let Some(value) = self.by_id.get(&id) {
            if self.forms.get(value.index()) == Some(&form) {
                return Ok(*value);
            }
            return Err(ProgramError::ColumnForm {
                input_type: id.input_type,
                field: id.field,
                element: id.element,
            });
        }
        let place = u32::try_from(self.columns.len()).unwrap_or(u32::MAX);
        let value = self.push(Node::Input(place), form)?;
        self.columns.push(Column { id, kind, len });
        self.by_id.insert(id, value);
        Ok(value)
    }

    /// `len` times the public `value`, in the low bits as [`Kind::mask`] says (negative numbers in
    /// two's complement of the kind's width).
    ///
    /// # Errors
    /// [`ProgramError::ConstantTooLarge`], [`ProgramError::NoSuchKind`] and [`ProgramError::TooMany`].
    pub fn constant(
        &mut self,
        kind: Kind,
        value: u128,
        len: usize,
    ) -> Result<ValueId, ProgramError> {
        if value & !kind.mask() != 0 {
            return Err(ProgramError::ConstantTooLarge { kind, value });
        }
        self.push(Node::Constant { kind, value, len }, Form { kind, len })
    }

    /// Public values, element by element, each as for [`Self::constant`].
    ///
    /// # Errors
    /// [`ProgramError::ConstantTooLarge`], [`ProgramError::NoSuchKind`] and [`ProgramError::TooMany`].
    pub fn public(&mut self, kind: Kind, values: &[u128]) -> Result<ValueId, ProgramError> {
        bound("public elements", values.len(), PUBLIC_ELEMENTS)?;
        if let Some(value) = values.iter().find(|v| **v & !kind.mask() != 0) {
            let value = *value;
            return Err(ProgramError::ConstantTooLarge { kind, value });
        }
        let (values, len) = (values.into(), values.len());
        self.push(Node::Public { kind, values }, Form { kind, len })
    }

    /// Applies an operation. `immediate` is its public number, 0 where it has none; for
    /// [`Op::Scale`] on 128 bits it is zero-extended.
    ///
    /// # Errors
    /// Every variant of [`ProgramError`] that names an operation, [`ProgramError::NoSuchValue`]
    /// and [`ProgramError::TooMany`].
    pub fn apply(
        &mut self,
        op: Op,
        operands: &[ValueId],
        immediate: u64,
    ) -> Result<ValueId, ProgramError> {
        let mut forms = Vec::with_capacity(3);
        let mut ids = [ValueId(0); 3];
        for (place, operand) in operands.iter().enumerate() {
            forms.push(self.form(*operand)?);
            if let Some(id) = ids.get_mut(place) {
                *id = *operand;
            }
        }
        let form = typing::result(op, &forms, immediate)?;
        if op == Op::RandomBelow {
            typing::check_bound(form.kind, self.single(ids[0]))?;
        }
        if op == Op::Gather {
            self.check_indices(forms[0].len, ids[1])?;
        }
        let node = Node::Apply {
            op,
            operands: ids,
            immediate,
        };
        self.push(node, form)
    }

    /// Kind of a value.
    ///
    /// # Errors
    /// [`ProgramError::NoSuchValue`].
    pub fn kind(&self, value: ValueId) -> Result<Kind, ProgramError> {
        self.form(value).map(|form| form.kind)
    }

    /// Number of elements of a value.
    ///
    /// # Errors
    /// [`ProgramError::NoSuchValue`].
    pub fn len(&self, value: ValueId) -> Result<usize, ProgramError> {
        self.form(value).map(|form| form.len)
    }

    /// Opens a value to everybody when the program has run; values are opened together, and
    /// listed in the order of these calls.
    ///
    /// # Errors
    /// [`ProgramError::NoSuchValue`] and [`ProgramError::TooMany`].
    pub fn reveal(&mut self, value: ValueId) -> Result<(), ProgramError> {
        let form = self.form(value)?;
        let bytes = self.revealed_bytes + form.kind.bytes(form.len).max(1);
        bound("revealed bytes", bytes, OUTPUT_BYTES)?;
        self.revealed_bytes = bytes;
        self.revealed.push(value);
        Ok(())
    }

    /// Whether nothing is opened yet.
    #[must_use]
    pub const fn opens_nothing(&self) -> bool {
        self.revealed.is_empty()
    }

    /// The finished program.
    ///
    /// # Errors
    /// [`ProgramError::NothingRevealed`], and [`ProgramError::TooMany`] if its circuit is too large.
    pub fn finish(self) -> Result<Program, ProgramError> {
        if self.revealed.is_empty() {
            return Err(ProgramError::NothingRevealed);
        }
        let mut program = Program {
            columns: self.columns,
            nodes: self.nodes,
            forms: self.forms,
            revealed: self.revealed,
            layout: Arc::default(),
            plan: Plan::default(),
        };
        program.layout = Arc::new(Layout::new(Mode::Normal, Arc::new(Circuit::of(&program)?)));
        program.plan = Plan::of(&program.layout);
        Ok(program)
    }

    /// The number that a public value of one element is.
    fn single(&self, value: ValueId) -> Option<u128> {
        match self.nodes.get(value.index())? {
            Node::Constant { value, len: 1, .. } => Some(*value),
            Node::Public { values, .. } if values.len() == 1 => values.first().copied(),
            _ => None,
        }
    }

    fn check_indices(&self, len: usize, indices: ValueId) -> Result<(), ProgramError> {
        match &self.nodes[indices.index()] {
            Node::Public { values, .. } => typing::indices(len, values),
            Node::Constant { len: 0, .. } => Ok(()),
            Node::Constant { value, .. } => typing::indices(len, &[*value]),
            _ => Err(ProgramError::IndicesNotPublic { op: Op::Gather }),
        }
    }

    fn form(&self, value: ValueId) -> Result<Form, ProgramError> {
        self.forms
            .get(value.index())
            .copied()
            .ok_or(ProgramError::NoSuchValue { value: value.0 })
    }

    fn push(&mut self, node: Node, form: Form) -> Result<ValueId, ProgramError> {
        if !form.kind.is_valid() {
            return Err(ProgramError::NoSuchKind { kind: form.kind });
        }
        bound("operations", self.nodes.len() + 1, PROGRAM_OPERATIONS)?;
        bound("elements of one value", form.len, VALUE_ELEMENTS)?;
        let elements = self.elements + form.len;
        bound("elements of all values", elements, PROGRAM_ELEMENTS)?;
        let id = u32::try_from(self.nodes.len()).unwrap_or(u32::MAX);
        self.elements = elements;
        self.nodes.push(node);
        self.forms.push(form);
        Ok(ValueId(id))
    }
}

/// Refuses more than the limit.
pub(super) fn bound(what: &'static str, actual: usize, limit: usize) -> Result<(), ProgramError> {
    if actual > limit {
        return Err(ProgramError::TooMany {
            what,
            actual,
            limit,
        });
    }
    Ok(())
}
