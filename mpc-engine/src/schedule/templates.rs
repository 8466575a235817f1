//! The templates of a circuit's gates, and the chunks in which they run.

use std::{collections::HashMap, sync::Arc};

use crate::{
    ValueId,
    circuit::{Circuit, Gate},
    template::{Key, Shape, Template, lower},
    vector::Domain,
};

/// Registers of one chunk, in bytes at one party.
pub(super) const CHUNK_BYTES: usize = 4 << 20;
/// One vector of a chunk, in bytes: small enough that a product's vectors stay in the cache.
const VECTOR_BYTES: usize = 64 << 10;

/// How a gate is done.
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
    /// The template of a gate for a chunk: the division into halves rotates. Nothing for inputs,
    /// public values and gates that only move lanes.
    pub(super) fn of(
        &mut self,
        circuit: &Circuit,
        value: ValueId,
        chunk: usize,
    ) -> Option<Arc<Lowered>> {
        let key = Key::of(circuit, value, value.index() + chunk)?;
        if let Some(known) = self.known.get(&key) {
            return Some(known.clone());
        }
        let (template, shape) = lower(&key);
        let lowered = Arc::new(Lowered {
            template: Arc::new(template),
            shape,
        });
        self.known.insert(key, lowered.clone());
        Some(lowered)
    }

    /// Lanes of a chunk, a multiple of 64 unless it is all in one piece.
    pub(super) fn chunk_lanes(&mut self, circuit: &Circuit, value: ValueId, lanes: usize) -> usize {
        let lowered = self.of(circuit, value, 0);
        let Some(lowered) = lowered.filter(|lowered| lowered.shape != Shape::Whole) else {
            return lanes.max(1);
        };
        let operands = circuit.gate(value).operands();
        let widest = operands
            .map(|v| Domain::of(circuit.kind(v)).bits() as usize)
            .max()
            .unwrap_or(1);
        let by_memory = CHUNK_BYTES / lowered.template.memory_64.max(1) * 64;
        let by_vector = (VECTOR_BYTES * 8 / widest).next_multiple_of(64);
        by_memory.min(by_vector).max(64)
    }
}

/// Lanes that a gate works on: those of its longest operand, or of its planes, or that it makes.
pub(super) fn lanes(circuit: &Circuit, value: ValueId) -> usize {
    match circuit.gate(value) {
        Gate::Compose { .. } | Gate::Random { .. } => return circuit.form(value).len,
        Gate::Compress { bits, planes } => return circuit.form(*bits).len / *planes as usize,
        _ => {}
    }
    let spread = |len: usize, v: ValueId| match (len, circuit.form(v).len) {
        (1, other) => other,
        (len, _) => len,
    };
    circuit.gate(value).operands().fold(1, spread)
}
