//! Methods over all elements of a vector.

use wire::secret::Op;

use super::{Number, Secret, SecretVec, VectorOperand, operand::reduction};

impl<T: Number> SecretVec<T> {
    /// The sum of all elements, at the width of the type: cast first where it may overflow. Free.
    #[must_use]
    pub fn sum(self) -> Secret<T> {
        reduction(Op::Sum, &[self.operand()])
    }

    /// The sum of the products, at the price of one multiplication.
    ///
    /// # Panics
    /// The vectors differ in length.
    #[must_use]
    pub fn dot(self, other: Self) -> Secret<T> {
        reduction(Op::Dot, &[self.operand(), other.operand()])
    }
}

impl SecretVec<bool> {
    /// How many elements are true. Costs a conversion of each bit.
    #[must_use]
    pub fn count(self) -> Secret<u64> {
        reduction(Op::Count, &[self.operand()])
    }
}
