//! Which gates searches, sums and look-ups over a vector take.

use wire::secret::Op;

use super::{Builder, Operand};
use crate::{ValueId, program::Form};

pub(super) fn apply(
    b: &mut Builder,
    op: Op,
    operands: &[Operand],
    immediate: u64,
    form: Form,
) -> ValueId {
    let public = immediate as usize;
    match *operands {
        [Operand { value: x, .. }] => match op {
            Op::ArgMin => b.search(x, false),
            Op::ArgMax => b.search(x, true),
            Op::MinOf => b.extreme(x, false),
            Op::MaxOf => b.extreme(x, true),
            Op::All => b.all(x),
            Op::Any => b.any(x),
            Op::PrefixSum => b.prefix_sum(x),
            Op::Histogram => b.histogram(x, public),
            _ => b.sum(x, public),
        },
        [Operand { value: x, .. }, Operand { value: y, .. }] => {
            let [x, y] = match op {
                Op::EqRows | Op::LtRows | Op::DotRows | Op::GroupSum => b.spread_both(x, y),
                _ => [x, y],
            };
            match op {
                Op::EqRows => b.equal_rows(x, y, public),
                Op::LtRows => b.less_rows(x, y, public),
                Op::DotRows => b.dot(x, y, public),
                Op::Gather => b.gather_at(x, y),
                Op::Lookup => b.lookup(x, y),
                _ => b.group_sum(x, y, public),
            }
        }
        _ => b.constant(form.kind.integer(), 0, form.len), // Not reached: typing refuses it.
    }
}

impl Builder {
    /// Both in the length of the longer, of which one may have a single lane.
    fn spread_both(&mut self, x: ValueId, y: ValueId) -> [ValueId; 2] {
        let len = match self.len(x) {
            1 => self.len(y),
            len => len,
        };
        [self.spread(x, len), self.spread(y, len)]
    }

    /// The lanes of x at public indices.
    fn gather_at(&mut self, x: ValueId, indices: ValueId) -> ValueId {
        let (kind, len) = (self.kind(x), self.len(indices));
        if !self.has_room(8 * len) {
            return self.nothing(Form { kind, len });
        }
        let Some(at) = self.lanes(indices) else {
            return self.constant(kind, 0, len); // Not reached: typing refuses it.
        };
        let lanes = (0..len).map(|i| at.at(i) as u32).collect();
        self.gather(x, lanes)
    }
}
