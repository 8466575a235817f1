//! Operations on secret values, by the codes that a contract uses while it is traced.
//!
//! A traced computation appends operations to a program; each yields a handle. Operands are
//! vectors; one of length 1 is spread over the length of the other. All integer arithmetic wraps.

/// An operation on secret values. `a`, `b`, `c` are operands, `immediate` is a public number.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[repr(u32)]
pub enum Op {
    /// a + b
    Add = 0,
    /// a − b
    Sub = 1,
    /// −a
    Neg = 2,
    /// a · b
    Mul = 3,
    /// a · immediate, element by element; free.
    Scale = 4,
    /// Σ aᵢ · bᵢ, one element.
    Dot = 5,
    /// Σ aᵢ, one element.
    Sum = 6,
    /// The number of true elements of a boolean vector, one `u64`.
    Count = 7,
    /// a & b, on booleans and bit by bit on integers.
    And = 8,
    /// a | b, likewise.
    Or = 9,
    /// a ^ b, likewise.
    Xor = 10,
    /// !a, likewise.
    Not = 11,
    /// a == b, a boolean.
    Eq = 12,
    /// a < b, a boolean; signed where the kind is.
    Lt = 13,
    /// a <= b, a boolean; signed where the kind is.
    Le = 14,
    /// Where the boolean a holds b, else c.
    Select = 15,
    /// a << immediate.
    Shl = 16,
    /// a >> immediate, arithmetic where the kind is signed.
    Shr = 17,
    /// a as the kind whose code is the immediate, with the meaning of Rust's `as`.
    Cast = 18,
    /// Elements `immediate >> 32 ..` of a, as many as the low 32 bits of the immediate say.
    Slice = 19,
    /// The elements of a, then those of b.
    Concat = 20,
}

impl Op {
    /// All operations, in the order of their codes.
    pub const ALL: [Self; 21] = [
        Self::Add,
        Self::Sub,
        Self::Neg,
        Self::Mul,
        Self::Scale,
        Self::Dot,
        Self::Sum,
        Self::Count,
        Self::And,
        Self::Or,
        Self::Xor,
        Self::Not,
        Self::Eq,
        Self::Lt,
        Self::Le,
        Self::Select,
        Self::Shl,
        Self::Shr,
        Self::Cast,
        Self::Slice,
        Self::Concat,
    ];

    /// The operation with this code.
    #[must_use]
    pub fn from_code(code: u32) -> Option<Self> {
        Self::ALL.get(usize::try_from(code).ok()?).copied()
    }

    /// How many operands it takes: 1, 2 or 3.
    #[must_use]
    pub const fn operands(self) -> usize {
        match self {
            Self::Neg
            | Self::Scale
            | Self::Sum
            | Self::Count
            | Self::Not
            | Self::Shl
            | Self::Shr
            | Self::Cast
            | Self::Slice => 1,
            Self::Select => 3,
            _ => 2,
        }
    }
}
