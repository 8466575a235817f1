//! The operators `+ - * & | ^ !` on secret values, vectors, and public values beside them, and
//! shifts by public numbers of bits.

use std::ops::{
    Add, AddAssign, BitAnd, BitAndAssign, BitOr, BitOrAssign, BitXor, BitXorAssign, Mul, MulAssign,
    Neg, Not, Shl, Shr, Sub, SubAssign,
};

use wire::{kind::Kind, secret::Op};

use super::{
    Integer, Operand, Scalar, Secret, SecretVec, Source, VectorOperand,
    operand::{scalar, vector},
};

/// Picks the operation and its immediate: a public factor scales, which is free.
fn product(a: Operand, b: Operand) -> (Op, [Operand; 2], usize, u64) {
    let small = |operand: Operand| match operand.source {
        Source::Public(bits) => u64::try_from(bits).ok(),
        Source::Value(_) => None,
    };
    match (small(a), small(b)) {
        (None, Some(factor)) => (Op::Scale, [a, b], 1, factor),
        (Some(factor), None) => (Op::Scale, [b, a], 1, factor),
        _ => (Op::Mul, [a, b], 2, 0),
    }
}

fn apply(op: Op, a: Operand, b: Operand) -> (Op, [Operand; 2], usize, u64) {
    if op == Op::Mul {
        product(a, b)
    } else {
        (op, [a, b], 2, 0)
    }
}

fn scalar_op<T: Scalar>(op: Op, a: impl VectorOperand<T>, b: impl VectorOperand<T>) -> Secret<T> {
    let (op, operands, used, immediate) = apply(op, a.operand(), b.operand());
    scalar(op, &operands[..used], immediate)
}

fn vector_op<T: Scalar>(
    op: Op,
    a: impl VectorOperand<T>,
    b: impl VectorOperand<T>,
) -> SecretVec<T> {
    let (a, b) = (a.operand(), b.operand());
    if a.is_empty() || b.is_empty() {
        return vector(op, &[a, b], 0);
    }
    let (op, operands, used, immediate) = apply(op, a, b);
    vector(op, &operands[..used], immediate)
}

macro_rules! secret_operators {
    ($bound:ident: $op:ident, $Trait:ident $method:ident, $Assign:ident $assign:ident) => {
        secret_operators!(@pair $bound $op $Trait $method, Secret Secret Secret scalar_op);
        secret_operators!(@pair $bound $op $Trait $method, SecretVec SecretVec SecretVec vector_op);
        secret_operators!(@pair $bound $op $Trait $method, SecretVec Secret SecretVec vector_op);
        secret_operators!(@pair $bound $op $Trait $method, Secret SecretVec SecretVec vector_op);
        secret_operators!(@assign $bound $Trait $method $Assign $assign, Secret Secret);
        secret_operators!(@assign $bound $Trait $method $Assign $assign, SecretVec SecretVec);
        secret_operators!(@assign $bound $Trait $method $Assign $assign, SecretVec Secret);
    };
    (@pair $bound:ident $op:ident $Trait:ident $method:ident,
        $left:ident $right:ident $out:ident $apply:ident) => {
        impl<T: $bound> $Trait<$right<T>> for $left<T> {
            type Output = $out<T>;

            fn $method(self, other: $right<T>) -> $out<T> {
                $apply(Op::$op, self, other)
            }
        }
    };
    (@assign $bound:ident $Trait:ident $method:ident $Assign:ident $assign:ident,
        $left:ident $right:ident) => {
        impl<T: $bound> $Assign<$right<T>> for $left<T> {
            fn $assign(&mut self, other: $right<T>) {
                *self = (*self).$method(other);
            }
        }
    };
}

secret_operators!(Integer: Add, Add add, AddAssign add_assign);
secret_operators!(Integer: Sub, Sub sub, SubAssign sub_assign);
secret_operators!(Integer: Mul, Mul mul, MulAssign mul_assign);
secret_operators!(Scalar: And, BitAnd bitand, BitAndAssign bitand_assign);
secret_operators!(Scalar: Or, BitOr bitor, BitOrAssign bitor_assign);
secret_operators!(Scalar: Xor, BitXor bitxor, BitXorAssign bitxor_assign);

/// The same with a public value of the type on one side. One implementation per type, since Rust
/// allows none for a generic type on the left.
macro_rules! public_operators {
    ($($ty:ty)*: $operators:tt) => {$(
        public_operators!(@type $ty, $operators);
    )*};
    (@type $ty:ty, {$($op:ident, $Trait:ident $method:ident, $Assign:ident $assign:ident;)*}) => {$(
        public_operators!(@side $ty, Secret scalar_op, $op $Trait $method $Assign $assign);
        public_operators!(@side $ty, SecretVec vector_op, $op $Trait $method $Assign $assign);
    )*};
    (@side $ty:ty, $secret:ident $apply:ident,
        $op:ident $Trait:ident $method:ident $Assign:ident $assign:ident) => {
        impl $Trait<$ty> for $secret<$ty> {
            type Output = Self;

            fn $method(self, other: $ty) -> Self {
                $apply(Op::$op, self, other)
            }
        }

        impl $Trait<$secret<$ty>> for $ty {
            type Output = $secret<$ty>;

            fn $method(self, other: $secret<$ty>) -> $secret<$ty> {
                $apply(Op::$op, self, other)
            }
        }

        impl $Assign<$ty> for $secret<$ty> {
            fn $assign(&mut self, other: $ty) {
                *self = (*self).$method(other);
            }
        }
    };
}

public_operators!(u8 u16 u32 u64 u128 i8 i16 i32 i64 i128: {
    Add, Add add, AddAssign add_assign;
    Sub, Sub sub, SubAssign sub_assign;
    Mul, Mul mul, MulAssign mul_assign;
});
public_operators!(bool u8 u16 u32 u64 u128 i8 i16 i32 i64 i128: {
    And, BitAnd bitand, BitAndAssign bitand_assign;
    Or, BitOr bitor, BitOrAssign bitor_assign;
    Xor, BitXor bitxor, BitXorAssign bitxor_assign;
});

impl<T: Scalar> Not for Secret<T> {
    type Output = Self;

    fn not(self) -> Self {
        scalar(Op::Not, &[self.operand()], 0)
    }
}

impl<T: Scalar> Not for SecretVec<T> {
    type Output = Self;

    fn not(self) -> Self {
        vector(Op::Not, &[self.operand()], 0)
    }
}

impl<T: Integer> Neg for Secret<T> {
    type Output = Self;

    fn neg(self) -> Self {
        scalar(Op::Neg, &[self.operand()], 0)
    }
}

impl<T: Integer> Neg for SecretVec<T> {
    type Output = Self;

    fn neg(self) -> Self {
        vector(Op::Neg, &[self.operand()], 0)
    }
}

macro_rules! shifts {
    ($($secret:ident $apply:ident $Trait:ident $method:ident;)*) => {$(
        /// A right shift keeps the sign of a signed type.
        ///
        /// # Panics
        /// The number of bits is not less than the width.
        impl<T: Integer> $Trait<u32> for $secret<T> {
            type Output = Self;

            fn $method(self, bits: u32) -> Self {
                $apply(Op::$Trait, &[self.operand()], shift(T::KIND, bits))
            }
        }
    )*};
}

shifts! {
    Secret scalar Shl shl;
    Secret scalar Shr shr;
    SecretVec vector Shl shl;
    SecretVec vector Shr shr;
}

fn shift(kind: Kind, bits: u32) -> u64 {
    assert!(
        bits < kind.bits(),
        "shift by as many bits as the type has, or more"
    );
    u64::from(bits)
}
