//! Methods over all elements of a vector: sums, searches, look-ups, rows.

use wire::{limits::PUBLIC_ELEMENTS, secret::Op};

use super::{
    Number, Scalar, Secret, SecretVec, Source, Unsigned, VectorOperand,
    operand::{reduction, scalar, sized},
};

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

    /// The sum of the elements up to and with each. Free.
    #[must_use]
    pub fn prefix_sum(self) -> Self {
        sized(Op::PrefixSum, &[self.operand()], 0, self.len)
    }

    /// The sum of each row, where the vector is rows of `columns` elements. Free.
    ///
    /// # Panics
    /// The rows are not all full, or have no columns.
    #[must_use]
    pub fn sum_rows(self, columns: usize) -> Self {
        let len = rows(self.len, columns);
        sized(Op::SumRows, &[self.operand()], columns as u64, len)
    }

    /// The sum of the products over each row, at the price of one multiplication per row.
    ///
    /// # Panics
    /// The vectors differ in length, or the rows are not all full, or have no columns.
    #[must_use]
    pub fn dot_rows(self, other: Self, columns: usize) -> Self {
        same_length(self.len, other.len);
        let operands = [self.operand(), other.operand()];
        let len = rows(self.len, columns);
        sized(Op::DotRows, &operands, columns as u64, len)
    }

    /// The least element. Costs a comparison and a selection for each, in as many steps as their
    /// number has bits.
    ///
    /// # Panics
    /// There is none.
    #[must_use]
    pub fn minimum(self) -> Secret<T> {
        self.best(Op::MinOf)
    }

    /// The greatest element. Costs a comparison and a selection for each, in as many steps as their
    /// number has bits.
    ///
    /// # Panics
    /// There is none.
    #[must_use]
    pub fn maximum(self) -> Secret<T> {
        self.best(Op::MaxOf)
    }

    /// The index of the first least element. Costs a comparison and two selections for each.
    ///
    /// # Panics
    /// There is none.
    #[must_use]
    pub fn argmin(self) -> Secret<u64> {
        self.best(Op::ArgMin)
    }

    /// The index of the first greatest element. Costs a comparison and two selections for each.
    ///
    /// # Panics
    /// There is none.
    #[must_use]
    pub fn argmax(self) -> Secret<u64> {
        self.best(Op::ArgMax)
    }

    fn best<U: Scalar>(self, op: Op) -> Secret<U> {
        assert!(!self.is_empty(), "an empty vector has no least or greatest");
        scalar(op, &[self.operand()], 0)
    }

    /// For each of the groups 0 to `groups` − 1, the sum of the elements whose key it is; others do
    /// not count. Costs a comparison and a multiplication for each element and group.
    ///
    /// # Panics
    /// The vectors differ in length.
    #[must_use]
    pub fn group_sum<K: Unsigned>(self, keys: SecretVec<K>, groups: usize) -> Self {
        same_length(self.len, keys.len);
        if self.is_empty() {
            return Self::repeat(T::from_bits(0), groups);
        }
        let operands = [keys.operand(), self.operand()];
        sized(Op::GroupSum, &operands, groups as u64, groups)
    }
}

impl<T: Scalar> SecretVec<T> {
    /// The elements at these public indices, in their order. Free.
    ///
    /// # Panics
    /// There is no element with one of the indices.
    #[must_use]
    pub fn gather(self, indices: &[usize]) -> Self {
        assert!(
            indices.iter().all(|index| *index < self.len),
            "no element with this index"
        );
        let part = |part: &[usize]| {
            let bits: Vec<u128> = part.iter().map(|index| *index as u128).collect();
            let places = SecretVec::<u32>::public_bits(&bits);
            sized(
                Op::Gather,
                &[self.operand(), places.operand()],
                0,
                part.len(),
            )
        };
        let parts = indices.chunks(PUBLIC_ELEMENTS).map(part);
        parts.reduce(Self::concat).unwrap_or(Self::EMPTY)
    }

    /// The elements in reverse. Free.
    #[must_use]
    pub fn reverse(self) -> Self {
        let indices: Vec<usize> = (0..self.len).rev().collect();
        self.gather(&indices)
    }

    /// The elements at these secret indices; 0 or false where there is none. With a public table,
    /// [`Self::public`], this is any function of a small number. Costs about as many AND gates as
    /// the table has elements for each look-up, and a multiplication with each element of a secret
    /// table.
    #[must_use]
    pub fn lookup<I: Unsigned>(self, indices: SecretVec<I>) -> Self {
        if self.is_empty() && !indices.is_empty() {
            return Self::repeat(T::from_bits(0), indices.len);
        }
        let operands = [self.operand(), indices.operand()];
        sized(Op::Lookup, &operands, 0, indices.len)
    }

    /// The element at a secret index; 0 or false if there is none. See [`Self::lookup`].
    #[must_use]
    pub fn lookup_one<I: Unsigned>(self, index: Secret<I>) -> Secret<T> {
        if self.is_empty() {
            return Secret(Source::Public(0));
        }
        scalar(Op::Lookup, &[self.operand(), index.operand()], 0)
    }

    /// Which rows of `columns` elements are the same in both. Costs one AND gate per bit.
    ///
    /// # Panics
    /// The vectors differ in length, or the rows are not all full, or have no columns.
    #[must_use]
    pub fn eq_rows(self, other: Self, columns: usize) -> SecretVec<bool> {
        same_length(self.len, other.len);
        let operands = [self.operand(), other.operand()];
        let len = rows(self.len, columns);
        sized(Op::EqRows, &operands, columns as u64, len)
    }

    /// Which rows of `columns` elements are before those of the other, in lexicographic order.
    /// Costs a comparison at the width of a row.
    ///
    /// # Panics
    /// The vectors differ in length, or the rows are not all full, or have no columns.
    #[must_use]
    pub fn lt_rows(self, other: Self, columns: usize) -> SecretVec<bool> {
        same_length(self.len, other.len);
        let operands = [self.operand(), other.operand()];
        let len = rows(self.len, columns);
        sized(Op::LtRows, &operands, columns as u64, len)
    }
}

impl<T: Unsigned> SecretVec<T> {
    /// How often each of 0 to `groups` − 1 occurs; other numbers are not counted. Costs a comparison
    /// with a public number for each element and group.
    #[must_use]
    pub fn histogram(self, groups: usize) -> SecretVec<u64> {
        if self.is_empty() {
            return SecretVec::repeat(0, groups);
        }
        sized(Op::Histogram, &[self.operand()], groups as u64, groups)
    }
}

impl SecretVec<bool> {
    /// How many elements are true. Costs a conversion of each bit.
    #[must_use]
    pub fn count(self) -> Secret<u64> {
        reduction(Op::Count, &[self.operand()])
    }

    /// Whether all elements are true; so it is of none. Costs an AND gate for each.
    #[must_use]
    pub fn all(self) -> Secret<bool> {
        if self.is_empty() {
            return Secret::public(true);
        }
        scalar(Op::All, &[self.operand()], 0)
    }

    /// Whether any element is true. Costs an AND gate for each.
    #[must_use]
    pub fn any(self) -> Secret<bool> {
        reduction(Op::Any, &[self.operand()])
    }
}

/// How many rows of so many columns there are.
fn rows(len: usize, columns: usize) -> usize {
    assert!(
        columns > 0 && len.is_multiple_of(columns),
        "the vector does not consist of full rows"
    );
    len / columns
}

fn same_length(left: usize, right: usize) {
    assert!(
        left == right,
        "the vectors of one operation must be of the same length"
    );
}
