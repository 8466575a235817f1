//! The operators `+ - * / % & | ^ !` on secret values, vectors, and public values beside them, and
//! shifts by public and by secret numbers of bits.
//!
//! Arithmetic wraps. `x / 0` is −1 (all bits set) and `x % 0` is x, and the least number by −1 is
//! itself: nothing stops a computation, since that would tell about its secrets.
//!
//! On [`Fixed`] point, `*` and `/` round; see there.
//!
//! `+`, `-`, and `*` with a public factor are free; `&` and `|` cost the bits of their operands,
//! `*` a multiplication, `/` and `%` about as many comparisons as the type has bits, fewer by a
//! public number.

use std::ops::{
    Add, AddAssign, BitAnd, BitAndAssign, BitOr, BitOrAssign, BitXor, BitXorAssign, Div, DivAssign,
    Mul, MulAssign, Neg, Not, Rem, RemAssign, Shl, ShlAssign, Shr, ShrAssign, Sub, SubAssign,
};

use wire::{kind::Kind, secret::Op};

use super::{
    Bitwise, Fixed, Fixed128, Integer, Number, Operand, Scalar, Secret, SecretVec, Source,
    Unsigned, VectorOperand,
    operand::{scalar, vector},
};

/// Picks the operation and its immediate: a public whole factor scales, which is free.
fn product(a: Operand, b: Operand) -> (Op, [Operand; 2], usize, u64) {
    let small = |operand: Operand| match operand.source {
        Source::Public(bits) => {
            let (one, fraction) = (1_u128 << operand.kind.fraction(), operand.kind.fraction());
            let whole = bits.is_multiple_of(one).then_some(bits >> fraction)?;
            u64::try_from(whole).ok()
        }
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

secret_operators!(Number: Add, Add add, AddAssign add_assign);
secret_operators!(Number: Sub, Sub sub, SubAssign sub_assign);
secret_operators!(Number: Mul, Mul mul, MulAssign mul_assign);
secret_operators!(Number: Div, Div div, DivAssign div_assign);
secret_operators!(Number: Rem, Rem rem, RemAssign rem_assign);
secret_operators!(Bitwise: And, BitAnd bitand, BitAndAssign bitand_assign);
secret_operators!(Bitwise: Or, BitOr bitor, BitOrAssign bitor_assign);
secret_operators!(Bitwise: Xor, BitXor bitxor, BitXorAssign bitxor_assign);

/// The same with a public value of the type on one side. One implementation per type, since Rust
/// allows none for a generic type on the left.
macro_rules! public_operators {
    ($([$($generics:tt)*] $ty:ty),*: $operators:tt) => {$(
        public_operators!(@type [$($generics)*] $ty, $operators);
    )*};
    (@type $generics:tt $ty:ty,
        {$($op:ident, $Trait:ident $method:ident, $Assign:ident $assign:ident;)*}) => {$(
        public_operators!(@side $generics $ty, Secret scalar_op, $op $Trait $method $Assign $assign);
        public_operators!(@side $generics $ty, SecretVec vector_op, $op $Trait $method $Assign $assign);
    )*};
    (@side [$($generics:tt)*] $ty:ty, $secret:ident $apply:ident,
        $op:ident $Trait:ident $method:ident $Assign:ident $assign:ident) => {
        impl<$($generics)*> $Trait<$ty> for $secret<$ty> {
            type Output = Self;

            fn $method(self, other: $ty) -> Self {
                $apply(Op::$op, self, other)
            }
        }

        impl<$($generics)*> $Trait<$secret<$ty>> for $ty {
            type Output = $secret<$ty>;

            fn $method(self, other: $secret<$ty>) -> $secret<$ty> {
                $apply(Op::$op, self, other)
            }
        }

        impl<$($generics)*> $Assign<$ty> for $secret<$ty> {
            fn $assign(&mut self, other: $ty) {
                *self = (*self).$method(other);
            }
        }
    };
}

public_operators!([] u8, [] u16, [] u32, [] u64, [] u128, [] i8, [] i16, [] i32, [] i64, [] i128,
    [const F: u8] Fixed<F>, [const F: u8] Fixed128<F>: {
    Add, Add add, AddAssign add_assign;
    Sub, Sub sub, SubAssign sub_assign;
    Mul, Mul mul, MulAssign mul_assign;
    Div, Div div, DivAssign div_assign;
    Rem, Rem rem, RemAssign rem_assign;
});
public_operators!([] bool, [] u8, [] u16, [] u32, [] u64, [] u128, [] i8, [] i16, [] i32, [] i64,
    [] i128: {
    And, BitAnd bitand, BitAndAssign bitand_assign;
    Or, BitOr bitor, BitOrAssign bitor_assign;
    Xor, BitXor bitxor, BitXorAssign bitxor_assign;
});

impl<T: Bitwise> Not for Secret<T> {
    type Output = Self;

    fn not(self) -> Self {
        scalar(Op::Not, &[self.operand()], 0)
    }
}

impl<T: Bitwise> Not for SecretVec<T> {
    type Output = Self;

    fn not(self) -> Self {
        vector(Op::Not, &[self.operand()], 0)
    }
}

impl<T: Number> Neg for Secret<T> {
    type Output = Self;

    fn neg(self) -> Self {
        scalar(Op::Neg, &[self.operand()], 0)
    }
}

impl<T: Number> Neg for SecretVec<T> {
    type Output = Self;

    fn neg(self) -> Self {
        vector(Op::Neg, &[self.operand()], 0)
    }
}

macro_rules! shifts {
    ($Trait:ident $method:ident, $Assign:ident $assign:ident, $By:ident) => {
        shifts!(@public Secret scalar $Trait $method $Assign $assign);
        shifts!(@public SecretVec vector $Trait $method $Assign $assign);
        shifts!(@secret Secret Secret Secret scalar_op $Trait $method $By);
        shifts!(@secret SecretVec Secret SecretVec vector_op $Trait $method $By);
        shifts!(@secret SecretVec SecretVec SecretVec vector_op $Trait $method $By);
        shifts!(@secret Secret SecretVec SecretVec vector_op $Trait $method $By);
        shifts!(@assign Secret Secret $Trait $method $Assign $assign);
        shifts!(@assign SecretVec Secret $Trait $method $Assign $assign);
        shifts!(@assign SecretVec SecretVec $Trait $method $Assign $assign);
    };
    (@public $secret:ident $apply:ident
        $Trait:ident $method:ident $Assign:ident $assign:ident) => {
        /// By a public number of bits. A right shift keeps the sign of a signed type.
        ///
        /// # Panics
        /// The number of bits is not less than the width.
        impl<T: Integer> $Trait<u32> for $secret<T> {
            type Output = Self;

            fn $method(self, bits: u32) -> Self {
                $apply(Op::$Trait, &[self.operand()], shift(T::KIND, bits))
            }
        }

        impl<T: Integer> $Assign<u32> for $secret<T> {
            fn $assign(&mut self, bits: u32) {
                *self = (*self).$method(bits);
            }
        }
    };
    (@secret $left:ident $right:ident $out:ident $apply:ident
        $Trait:ident $method:ident $By:ident) => {
        /// By a secret number of bits, of which what exceeds the width is dropped, as Rust's
        /// `wrapping` shifts do. Costs one selection per bit of that number.
        impl<T: Integer, B: Unsigned> $Trait<$right<B>> for $left<T> {
            type Output = $out<T>;

            fn $method(self, bits: $right<B>) -> $out<T> {
                shifts!(@apply $apply Op::$By, self, bits)
            }
        }
    };
    (@apply scalar_op $op:expr, $value:expr, $bits:expr) => {
        scalar($op, &[$value.operand(), $bits.operand()], 0)
    };
    (@apply vector_op $op:expr, $value:expr, $bits:expr) => {
        vector($op, &[$value.operand(), $bits.operand()], 0)
    };
    (@assign $left:ident $right:ident
        $Trait:ident $method:ident $Assign:ident $assign:ident) => {
        impl<T: Integer, B: Unsigned> $Assign<$right<B>> for $left<T> {
            fn $assign(&mut self, bits: $right<B>) {
                *self = (*self).$method(bits);
            }
        }
    };
}

shifts!(Shl shl, ShlAssign shl_assign, ShlBy);
shifts!(Shr shr, ShrAssign shr_assign, ShrBy);

fn shift(kind: Kind, bits: u32) -> u64 {
    assert!(
        bits < kind.bits(),
        "shift by as many bits as the type has, or more"
    );
    u64::from(bits)
}
