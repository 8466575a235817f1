//! How much of each material, and where it is in the strings of a lot.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::{Material, SEED_BYTES};
use crate::EngineError;

/// How much of each material: of a lot, or of what a computation takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
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

/// A part of a lot: a range of each material, by number of the triple or of the seed. Those of bits
/// begin and end at multiples of 64.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Ranges {
    /// Of triples of bits.
    pub bits: Range<u64>,
    /// Of triples of 64 bits.
    pub r64: Range<u64>,
    /// Of triples of 128 bits.
    pub r128: Range<u64>,
    /// Of seeds.
    pub seeds: Range<u64>,
}

impl Ranges {
    /// Everything of a lot.
    #[must_use]
    pub const fn all(lot: &Amounts) -> Self {
        Self {
            bits: 0..lot.bits,
            r64: 0..lot.r64,
            r128: 0..lot.r128,
            seeds: 0..lot.seeds,
        }
    }

    /// How much it is. A range that ends before it begins is empty.
    #[must_use]
    pub const fn amounts(&self) -> Amounts {
        const fn length(range: &Range<u64>) -> u64 {
            range.end.saturating_sub(range.start)
        }
        Amounts {
            bits: length(&self.bits),
            r64: length(&self.r64),
            r128: length(&self.r128),
            seeds: length(&self.seeds),
        }
    }

    const fn of(&self, material: Material) -> &Range<u64> {
        match material {
            Material::Bits => &self.bits,
            Material::R64 => &self.r64,
            Material::R128 => &self.r128,
        }
    }
}

impl Amounts {
    /// Most bytes of a component of a lot.
    pub const MOST_COMPONENT_BYTES: u64 = 1 << 28;

    pub(crate) const fn of(&self, material: Material) -> u64 {
        match material {
            Material::Bits => self.bits,
            Material::R64 => self.r64,
            Material::R128 => self.r128,
        }
    }

    pub(crate) const fn of_mut(&mut self, material: Material) -> &mut u64 {
        match material {
            Material::Bits => &mut self.bits,
            Material::R64 => &mut self.r64,
            Material::R128 => &mut self.r128,
        }
    }

    /// The sum, material by material; none is ever more than the largest number.
    #[must_use]
    pub const fn plus(&self, other: &Self) -> Self {
        Self {
            bits: self.bits.saturating_add(other.bits),
            r64: self.r64.saturating_add(other.r64),
            r128: self.r128.saturating_add(other.r128),
            seeds: self.seeds.saturating_add(other.seeds),
        }
    }

    /// What is left when `other` is taken, nothing of a material of which there is less.
    #[must_use]
    pub const fn minus(&self, other: &Self) -> Self {
        Self {
            bits: self.bits.saturating_sub(other.bits),
            r64: self.r64.saturating_sub(other.r64),
            r128: self.r128.saturating_sub(other.r128),
            seeds: self.seeds.saturating_sub(other.seeds),
        }
    }

    /// Whether there is at least as much of each material as in `other`.
    #[must_use]
    pub const fn covers(&self, other: &Self) -> bool {
        self.bits >= other.bits
            && self.r64 >= other.r64
            && self.r128 >= other.r128
            && self.seeds >= other.seeds
    }

    /// Whether it is nothing.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.bits == 0 && self.r64 == 0 && self.r128 == 0 && self.seeds == 0
    }

    /// Names a production of so much.
    pub(crate) fn hash(&self) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new_derive_key("quartet v1 production of a lot");
        for amount in [self.bits, self.r64, self.r128, self.seeds] {
            hasher.update(&amount.to_le_bytes());
        }
        *hasher.finalize().as_bytes()
    }

    /// Whether a lot can be like this: whole words of bits, and no more bytes than the bound.
    ///
    /// # Errors
    /// [`EngineError::ReserveForm`].
    pub fn check(&self) -> Result<(), EngineError> {
        // In numbers that cannot overflow.
        let bytes = Material::ALL
            .iter()
            .map(|m| u128::from(self.of(*m)) * 3 * u128::from(m.domain().bits()) / 8)
            .sum::<u128>()
            + u128::from(self.seeds) * SEED_BYTES as u128;
        if !self.bits.is_multiple_of(64) || bytes > u128::from(Self::MOST_COMPONENT_BYTES) {
            return Err(EngineError::ReserveForm);
        }
        Ok(())
    }

    /// Bytes of one component of a lot: a, b and c of the bits, then of the elements of 64 and of
    /// 128 bits, lowest byte first, then the seeds.
    #[must_use]
    pub fn component_bytes(&self) -> usize {
        let [start, seeds] = [self.seeds_start(), SEED_BYTES as u64 * self.seeds];
        usize::try_from(start.saturating_add(seeds)).unwrap_or(usize::MAX)
    }

    const fn seeds_start(&self) -> u64 {
        3 * (self.bits / 8 + 8 * self.r64 + 16 * self.r128)
    }

    /// Where in a component of this lot a part of it is, in order: of each material, as far as
    /// there is any, its a, b and c, then the seeds.
    #[must_use]
    pub fn byte_ranges(&self, ranges: &Ranges) -> Vec<Range<u64>> {
        let mut all = Vec::new();
        let mut start = 0;
        for material in Material::ALL {
            let bits = u64::from(material.domain().bits());
            let of = ranges.of(material);
            for _ in 0..3 {
                all.push(start + of.start * bits / 8..start + of.end * bits / 8);
                start += self.of(material) * bits / 8;
            }
        }
        let seeds = &ranges.seeds;
        let seed = SEED_BYTES as u64;
        all.push(start + seeds.start * seed..start + seeds.end * seed);
        all.retain(|range| !range.is_empty());
        all
    }

    /// Where in a component of this lot a seed is.
    #[must_use]
    pub const fn seed_range(&self, index: u64) -> Range<u64> {
        let start = self.seeds_start() + SEED_BYTES as u64 * index;
        start..start + SEED_BYTES as u64
    }

    /// Whether a part is within this lot.
    pub(crate) fn contains(&self, ranges: &Ranges) -> bool {
        let within = |range: &Range<u64>, limit| range.start <= range.end && range.end <= limit;
        let words = |range: &Range<u64>| (range.start | range.end).is_multiple_of(64);
        within(&ranges.bits, self.bits)
            && words(&ranges.bits)
            && within(&ranges.r64, self.r64)
            && within(&ranges.r128, self.r128)
            && within(&ranges.seeds, self.seeds)
    }
}

impl std::fmt::Display for Amounts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} triples of bits, {} of 64 bits, {} of 128 bits, {} seeds",
            self.bits, self.r64, self.r128, self.seeds
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOT: Amounts = Amounts {
        bits: 128,
        r64: 3,
        r128: 2,
        seeds: 2,
    };

    #[test]
    fn parts_are_found() {
        assert_eq!(LOT.component_bytes(), 3 * 16 + 3 * 24 + 3 * 32 + 64);
        let all = LOT.byte_ranges(&Ranges::all(&LOT));
        let mut at = 0;
        for range in &all {
            assert_eq!(range.start, at, "what is whole has no gaps");
            at = range.end;
        }
        assert_eq!(at, LOT.component_bytes() as u64);
        let part = Ranges {
            bits: 64..128,
            r64: 1..2,
            r128: 0..0,
            seeds: 1..2,
        };
        let expected = vec![8..16, 24..32, 40..48, 56..64, 80..88, 104..112, 248..280];
        assert_eq!(LOT.byte_ranges(&part), expected);
        assert_eq!(LOT.seed_range(1), 248..280);
        assert_eq!(part.amounts().bits, 64);
    }

    #[test]
    fn parts_outside_are_refused() {
        let all = Ranges::all(&LOT);
        assert!(LOT.contains(&all));
        for bad in [
            Ranges {
                bits: 0..192,
                ..all.clone()
            },
            Ranges {
                bits: 1..64,
                ..all.clone()
            },
            Ranges {
                r64: 2..4,
                ..all.clone()
            },
            #[expect(clippy::reversed_empty_ranges, reason = "as it may come from outside")]
            Ranges {
                r128: 2..1,
                ..all.clone()
            },
            Ranges { seeds: 0..3, ..all },
        ] {
            assert!(!LOT.contains(&bad), "{bad:?}");
        }
    }

    #[test]
    fn only_lots_of_bounded_size_are_allowed() {
        assert!(LOT.check().is_ok());
        for bad in [
            Amounts { bits: 32, ..LOT },
            Amounts {
                r64: u64::MAX,
                ..LOT
            },
            Amounts {
                seeds: 1 << 24,
                ..LOT
            },
        ] {
            assert_eq!(bad.check(), Err(EngineError::ReserveForm));
        }
    }
}
