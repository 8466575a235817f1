//! The reserve: random values made beforehand, from which three parties can compute with one away.
//!
//! A *lot* holds triples of shares (a, b, c = a·b) of bits and of ring elements, and seeds for random
//! results. All four make one by [`production`], three by `refill`; each party keeps a string of bytes for each component that it
//! holds, of which [`Amounts`] knows the layout. What a computation takes is read into
//! [`ReserveShares`] and [`ComponentSeeds`]. Nothing here decides who takes what: no triple may ever
//! be used twice, and the log sees to that.

mod amounts;
mod dealer;
mod lot;
mod refill;
mod seeds;
mod shares;

use crate::vector::Domain;

pub use amounts::{Amounts, Ranges};
pub(crate) use lot::production;
pub use lot::{LotShares, component_hash};
pub(crate) use refill::{Contributions, Refill};
pub use seeds::{ComponentSeeds, SEED_BYTES};
pub(crate) use shares::Reserve;
pub use shares::ReserveShares;

/// What triples are of. Those of narrower rings are the low bits of those of 64.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Material {
    Bits,
    R64,
    R128,
}

impl Material {
    pub(crate) const ALL: [Self; 3] = [Self::Bits, Self::R64, Self::R128];

    /// That of which products in a domain take.
    pub(crate) const fn of(domain: Domain) -> Self {
        match domain {
            Domain::Bits => Self::Bits,
            Domain::R8 | Domain::R16 | Domain::R32 | Domain::R64 => Self::R64,
            Domain::R128 => Self::R128,
        }
    }

    pub(crate) const fn domain(self) -> Domain {
        match self {
            Self::Bits => Domain::Bits,
            Self::R64 => Domain::R64,
            Self::R128 => Domain::R128,
        }
    }
}
