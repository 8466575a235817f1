//! Fixed point: what differs from the integers that represent it.

use wire::kind::Kind;

use super::Builder;
use crate::ValueId;

impl Builder {
    /// A product of two numbers of this kind, or a sum of such: with one set of fraction bits cut off.
    pub(super) fn rescaled(&mut self, product: ValueId, kind: Kind) -> ValueId {
        self.shr(product, kind.fraction())
    }

    /// x, of the kind `from`, as `to`. Fraction bits go before the width changes, and come after it.
    pub(super) fn cast(&mut self, x: ValueId, from: Kind, to: Kind) -> ValueId {
        let (less, more) = (from.fraction(), to.fraction());
        let x = self.shr(x, less.saturating_sub(more));
        let x = if from == Kind::Bool {
            self.ring(x, to.integer())
        } else {
            self.resize(x, to.integer())
        };
        self.scale(x, 1 << more.saturating_sub(less))
    }

    /// x / y of this kind.
    pub(super) fn fixed_quotient(&mut self, x: ValueId, y: ValueId, kind: Kind) -> ValueId {
        let x = self.scale(x, 1 << kind.fraction());
        self.quotient(x, y)
    }
}
