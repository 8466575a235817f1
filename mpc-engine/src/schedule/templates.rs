//! The templates of a program's operations, and the chunks in which they run.

use std::{collections::HashMap, sync::Arc};

use wire::{kind::Kind, secret::Op};

use crate::{
    Program, ValueId,
    program::Node,
    template::{Key, Shape, Template, lower},
    vector::Domain,
};

/// Registers of one chunk, in bytes at one party.
pub(super) const CHUNK_BYTES: usize = 4 << 20;
/// One vector of a chunk, in bytes: small enough that a product's vectors stay in the cache.
const VECTOR_BYTES: usize = 64 << 10;

/// How an operation is done.
pub(super) struct Lowered {
    pub(super) template: Arc<Template>,
    pub(super) shape: Shape,
}

/// Templates that were needed so far. There are few: they do not depend on lengths or constants.
#[derive(Default)]
pub(super) struct Templates {
    known: HashMap<Key, Arc<Lowered>>,
}

impl Templates {
    /// The template of an operation for a chunk: the division into halves rotates. Nothing for
    /// inputs, constants and operations that only move lanes.
    pub(super) fn of(
        &mut self,
        program: &Program,
        value: ValueId,
        chunk: usize,
    ) -> Option<Arc<Lowered>> {
        let node = program.nodes()[value.index()];
        let Node::Apply { op, immediate, .. } = node else {
            return None;
        };
        let mut key = Key {
            op,
            kinds: [Kind::Bool; 3],
            public: [false; 3],
            immediate: match op {
                Op::Shl | Op::Shr | Op::Cast => immediate,
                _ => 0,
            },
            partition: ((value.index() + chunk) % 3) as u8,
        };
        for (place, operand) in node.operands().iter().enumerate() {
            key.kinds[place] = program.forms()[operand.index()].kind;
            let source = program.nodes()[operand.index()];
            key.public[place] = matches!(source, Node::Constant { .. });
        }
        if let Some(known) = self.known.get(&key) {
            return Some(known.clone());
        }
        let (template, shape) = lower(&key)?;
        let lowered = Arc::new(Lowered {
            template: Arc::new(template),
            shape,
        });
        self.known.insert(key, lowered.clone());
        Some(lowered)
    }

    /// Lanes of a chunk, a multiple of 64 unless it is all in one piece.
    pub(super) fn chunk_lanes(&mut self, program: &Program, value: ValueId, lanes: usize) -> usize {
        let lowered = self.of(program, value, 0);
        let Some(lowered) = lowered.filter(|lowered| lowered.shape != Shape::Whole) else {
            return lanes.max(1);
        };
        let widest = program.nodes()[value.index()]
            .operands()
            .iter()
            .map(|v| Domain::of(program.forms()[v.index()].kind).bits() as usize)
            .max()
            .unwrap_or(1);
        let by_memory = CHUNK_BYTES / lowered.template.memory_64.max(1) * 64;
        let by_vector = (VECTOR_BYTES * 8 / widest).next_multiple_of(64);
        by_memory.min(by_vector).max(64)
    }
}

/// Lanes that an operation works on: those of its longest operand.
pub(super) fn lanes(program: &Program, value: ValueId) -> usize {
    let spread = |len: usize, v: &ValueId| match (len, program.forms()[v.index()].len) {
        (1, other) => other,
        (len, _) => len,
    };
    program.nodes()[value.index()]
        .operands()
        .iter()
        .fold(1, spread)
}
