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
    /// a · b; on fixed point the wrapping product of the representations, shifted to the right.
    Mul = 3,
    /// a · immediate, element by element; free.
    Scale = 4,
    /// Σ aᵢ · bᵢ, one element; on fixed point shifted once, after the sum.
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
    /// a as the kind whose code is the immediate, with the meaning of Rust's `as`; from fixed point a
    /// floor.
    Cast = 18,
    /// Elements `immediate >> 32 ..` of a, as many as the low 32 bits of the immediate say.
    Slice = 19,
    /// The elements of a, then those of b.
    Concat = 20,
    /// a / b, truncated towards zero. x / 0 is −1 (all bits set), and the least signed number by −1
    /// is itself, as in RISC-V. On fixed point the wrapping product of a and 2^f is divided.
    Div = 21,
    /// a % b with the sign of a; x % 0 is x.
    Rem = 22,
    /// The lesser of a and b.
    Min = 23,
    /// The greater of a and b.
    Max = 24,
    /// |a|, wrapping.
    Abs = 25,
    /// a << b for secret b of any unsigned kind, modulo the width of a (Rust's `wrapping_shl`).
    ShlBy = 26,
    /// a >> b, likewise; arithmetic where a is signed.
    ShrBy = 27,
    /// a rotated left by the immediate.
    RotateLeft = 28,
    /// a rotated left by b bits, for secret b of any unsigned kind.
    RotateLeftBy = 29,
    /// The bits of a in reverse.
    ReverseBits = 30,
    /// The bytes of a in reverse.
    SwapBytes = 31,
    /// How many bits of a are set, a `u32`.
    CountOnes = 32,
    /// How many of the highest bits of a are clear, a `u32`.
    LeadingZeros = 33,
    /// How many of the lowest bits of a are clear, a `u32`.
    TrailingZeros = 34,
    /// The integer part of the square root of a; 0 for a negative number.
    Isqrt = 35,
    /// a to the power of the immediate.
    Pow = 36,
    /// a to the power of b, for secret b of any unsigned kind.
    PowBy = 37,
    /// The index of the first least element, one `u64`.
    ArgMin = 38,
    /// The index of the first greatest element, one `u64`.
    ArgMax = 39,
    /// The least element.
    MinOf = 40,
    /// The greatest element.
    MaxOf = 41,
    /// Whether all elements of a boolean vector are true.
    All = 42,
    /// Whether any element of a boolean vector is true.
    Any = 43,
    /// Σ of the elements up to and with each.
    PrefixSum = 44,
    /// The elements of a at the secret indices b (unsigned); 0 outside.
    Lookup = 45,
    /// How often each of 0 .. immediate occurs in a (unsigned), as `u64`; the rest is not counted.
    Histogram = 46,
    /// Σ of the b whose a (unsigned) is 0, 1, .. immediate − 1; the rest is not counted.
    GroupSum = 47,
    /// a in ascending order.
    Sort = 48,
    /// The `u32` place of each element of a in the stable ascending order: a permutation.
    Places = 49,
    /// The element aᵢ at place bᵢ, for b a permutation as [`Op::Places`] and
    /// [`Op::RandomPermutation`] make it. What anything else gives is not defined, and tells: the
    /// elements of b are opened in a random order, so if they are no permutation, all nodes learn
    /// which values occur in b and how often.
    Permute = 50,
    /// a in a random order that nobody knows.
    Shuffle = 51,
    /// The greatest elements of a, as many as the immediate says, in descending order.
    TopK = 52,
    /// Whether rows of as many elements as the immediate says are equal.
    EqRows = 53,
    /// Whether a row of a is before that of b in lexicographic order.
    LtRows = 54,
    /// The elements of a at the public indices b.
    Gather = 55,
    /// Σ over each row of as many elements as the immediate says.
    SumRows = 56,
    /// Σ aᵢ · bᵢ over each row of as many elements as the immediate says.
    DotRows = 57,
    /// Uniformly random elements; the immediate is the code of the kind << 32 and the length.
    Random = 58,
    /// As many uniformly random numbers below the public, single a as the immediate says; a is at
    /// least 1 and at most 2¹²⁶.
    RandomBelow = 59,
    /// A uniformly random permutation of as many `u32` as the immediate says.
    RandomPermutation = 60,
}

impl Op {
    /// All operations, in the order of their codes.
    pub const ALL: [Self; 61] = [
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
        Self::Div,
        Self::Rem,
        Self::Min,
        Self::Max,
        Self::Abs,
        Self::ShlBy,
        Self::ShrBy,
        Self::RotateLeft,
        Self::RotateLeftBy,
        Self::ReverseBits,
        Self::SwapBytes,
        Self::CountOnes,
        Self::LeadingZeros,
        Self::TrailingZeros,
        Self::Isqrt,
        Self::Pow,
        Self::PowBy,
        Self::ArgMin,
        Self::ArgMax,
        Self::MinOf,
        Self::MaxOf,
        Self::All,
        Self::Any,
        Self::PrefixSum,
        Self::Lookup,
        Self::Histogram,
        Self::GroupSum,
        Self::Sort,
        Self::Places,
        Self::Permute,
        Self::Shuffle,
        Self::TopK,
        Self::EqRows,
        Self::LtRows,
        Self::Gather,
        Self::SumRows,
        Self::DotRows,
        Self::Random,
        Self::RandomBelow,
        Self::RandomPermutation,
    ];

    /// The operation with this code.
    #[must_use]
    pub fn from_code(code: u32) -> Option<Self> {
        Self::ALL.get(usize::try_from(code).ok()?).copied()
    }

    /// How many operands it takes, at most 3.
    #[must_use]
    pub const fn operands(self) -> usize {
        match self {
            Self::Random | Self::RandomPermutation => 0,
            Self::Neg
            | Self::Scale
            | Self::Sum
            | Self::Count
            | Self::Not
            | Self::Shl
            | Self::Shr
            | Self::Cast
            | Self::Slice
            | Self::Abs
            | Self::RotateLeft
            | Self::ReverseBits
            | Self::SwapBytes
            | Self::CountOnes
            | Self::LeadingZeros
            | Self::TrailingZeros
            | Self::Isqrt
            | Self::Pow
            | Self::ArgMin
            | Self::ArgMax
            | Self::MinOf
            | Self::MaxOf
            | Self::All
            | Self::Any
            | Self::PrefixSum
            | Self::Histogram
            | Self::Sort
            | Self::Places
            | Self::Shuffle
            | Self::TopK
            | Self::SumRows
            | Self::RandomBelow => 1,
            Self::Select => 3,
            _ => 2,
        }
    }
}
