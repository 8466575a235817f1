//! Methods of secret values and vectors. The operators are in `operators`.

use wire::{limits::VALUE_ELEMENTS, secret::Op};

use super::{
    Number, Scalar, ScalarOperand, Secret, SecretVec, VectorOperand,
    operand::{append, scalar, vector},
};

impl<T: Scalar> Secret<T> {
    /// Whether both are the same.
    #[must_use]
    pub fn eq(self, other: impl ScalarOperand<T>) -> Secret<bool> {
        scalar(Op::Eq, &[self.operand(), other.operand()], 0)
    }

    /// Whether they differ.
    #[must_use]
    pub fn ne(self, other: impl ScalarOperand<T>) -> Secret<bool> {
        !self.eq(other)
    }

    /// As another type, with the meaning of Rust's `as`; fixed point becomes an integer by rounding
    /// down. Narrowing is free, widening is not. To make a bool of an integer, compare it.
    #[must_use]
    pub fn cast<U: Number>(self) -> Secret<U> {
        scalar(Op::Cast, &[self.operand()], u64::from(U::KIND.code()))
    }
}

impl<T: Number> Secret<T> {
    /// Whether this is less than the other.
    #[must_use]
    pub fn lt(self, other: impl ScalarOperand<T>) -> Secret<bool> {
        scalar(Op::Lt, &[self.operand(), other.operand()], 0)
    }

    /// Whether this is at most the other.
    #[must_use]
    pub fn le(self, other: impl ScalarOperand<T>) -> Secret<bool> {
        scalar(Op::Le, &[self.operand(), other.operand()], 0)
    }

    /// Whether this is greater than the other.
    #[must_use]
    pub fn gt(self, other: impl ScalarOperand<T>) -> Secret<bool> {
        scalar(Op::Lt, &[other.operand(), self.operand()], 0)
    }

    /// Whether this is at least the other.
    #[must_use]
    pub fn ge(self, other: impl ScalarOperand<T>) -> Secret<bool> {
        scalar(Op::Le, &[other.operand(), self.operand()], 0)
    }
}

impl Secret<bool> {
    /// `yes` where this holds, else `no`. Both are computed.
    #[must_use]
    pub fn select<T: Scalar>(
        self,
        yes: impl ScalarOperand<T>,
        no: impl ScalarOperand<T>,
    ) -> Secret<T> {
        scalar(
            Op::Select,
            &[self.operand(), yes.operand(), no.operand()],
            0,
        )
    }
}

impl<T: Scalar> SecretVec<T> {
    /// Where both are the same.
    #[must_use]
    pub fn eq(self, other: impl VectorOperand<T>) -> SecretVec<bool> {
        vector(Op::Eq, &[self.operand(), other.operand()], 0)
    }

    /// Where they differ.
    #[must_use]
    pub fn ne(self, other: impl VectorOperand<T>) -> SecretVec<bool> {
        !self.eq(other)
    }

    /// As another type, with the meaning of Rust's `as`; fixed point becomes an integer by rounding
    /// down. Narrowing is free, widening is not. To make a bool of an integer, compare it.
    #[must_use]
    pub fn cast<U: Number>(self) -> SecretVec<U> {
        vector(Op::Cast, &[self.operand()], u64::from(U::KIND.code()))
    }

    /// The element at a public index.
    ///
    /// # Panics
    /// There are not so many.
    #[must_use]
    pub fn get(self, index: usize) -> Secret<T> {
        assert!(index < self.len, "no element with this index");
        scalar(Op::Slice, &[self.operand()], (index as u64) << 32 | 1)
    }

    /// `len` elements from `start` on.
    ///
    /// # Panics
    /// There are not so many.
    #[must_use]
    pub fn slice(self, start: usize, len: usize) -> Self {
        assert!(
            len <= self.len && start <= self.len - len,
            "no elements with these indices"
        );
        if len == 0 {
            return Self::EMPTY;
        }
        let immediate = (start as u64) << 32 | len as u64;
        Self {
            columns: append(Op::Slice, &[self.operand()], immediate),
            len,
        }
    }

    /// These elements, then the others.
    ///
    /// # Panics
    /// The result is longer than `wire::limits` allows.
    #[must_use]
    pub fn concat(self, other: Self) -> Self {
        let len = self.len + other.len;
        assert!(len <= VALUE_ELEMENTS, "the vector is too long");
        match (self.is_empty(), other.is_empty()) {
            (true, _) => other,
            (_, true) => self,
            _ => Self {
                columns: append(Op::Concat, &[self.operand(), other.operand()], 0),
                len,
            },
        }
    }
}

impl<T: Number> SecretVec<T> {
    /// Where this is less than the other.
    #[must_use]
    pub fn lt(self, other: impl VectorOperand<T>) -> SecretVec<bool> {
        vector(Op::Lt, &[self.operand(), other.operand()], 0)
    }

    /// Where this is at most the other.
    #[must_use]
    pub fn le(self, other: impl VectorOperand<T>) -> SecretVec<bool> {
        vector(Op::Le, &[self.operand(), other.operand()], 0)
    }

    /// Where this is greater than the other.
    #[must_use]
    pub fn gt(self, other: impl VectorOperand<T>) -> SecretVec<bool> {
        vector(Op::Lt, &[other.operand(), self.operand()], 0)
    }

    /// Where this is at least the other.
    #[must_use]
    pub fn ge(self, other: impl VectorOperand<T>) -> SecretVec<bool> {
        vector(Op::Le, &[other.operand(), self.operand()], 0)
    }
}

impl SecretVec<bool> {
    /// `yes` where this holds, else `no`. Both are computed.
    #[must_use]
    pub fn select<T: Scalar>(
        self,
        yes: impl VectorOperand<T>,
        no: impl VectorOperand<T>,
    ) -> SecretVec<T> {
        vector(
            Op::Select,
            &[self.operand(), yes.operand(), no.operand()],
            0,
        )
    }
}
