//! The reserve: random values made by all four parties beforehand.

/// How much of each material.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Amounts {
    /// Triples of bits; a multiple of 64.
    pub bits: u64,
    /// Triples of elements of 64 bits, of which those of 8, 16 and 32 are the low bits.
    pub r64: u64,
    /// Triples of elements of 128 bits.
    pub r128: u64,
    /// Seeds of random results.
    pub seeds: u64,
}

/// One party's seeds of a computation with a random result.
#[derive(Debug)]
pub struct ComponentSeeds;

/// One party's shares of triples for one attempt.
#[derive(Debug)]
pub struct ReserveShares;

impl ReserveShares {
    /// Nothing yet, for party `me`.
    #[must_use]
    pub const fn new(_me: u8) -> Self {
        Self
    }
}

/// One party's shares of a lot.
#[derive(Debug)]
pub struct LotShares;
