//! Seeds of random results: one for each component, each held by three parties.
//!
//! What a computation draws from them is the same in every attempt, whoever takes part, so that nobody
//! can try until a result pleases him.

use zeroize::{Zeroize as _, Zeroizing};

use crate::{EngineError, prf::Masks};
use wire::sealed::Seed;

/// Bytes of a seed.
pub const SEED_BYTES: usize = 32;

/// One party's seeds of a computation with a random result, by component.
pub struct ComponentSeeds {
    seeds: Box<[Option<Zeroizing<[u8; SEED_BYTES]>>; 4]>,
}

impl std::fmt::Debug for ComponentSeeds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ComponentSeeds(<redacted>)")
    }
}

impl ComponentSeeds {
    /// The seeds of party `me`: those of all components but its own. What is given for that one is
    /// ignored.
    ///
    /// # Errors
    /// [`EngineError::NoSuchParty`], or [`EngineError::MissingSeed`] if one is missing or does not
    /// have [`SEED_BYTES`] bytes.
    pub fn new(me: u8, seeds: [Option<&[u8]>; 4]) -> Result<Self, EngineError> {
        if me >= 4 {
            return Err(EngineError::NoSuchParty { party: me });
        }
        let mut own = [const { None }; 4];
        for (component, seed) in (0..4u8).zip(seeds) {
            if component == me {
                continue;
            }
            let seed: Option<&[u8; SEED_BYTES]> = seed.and_then(|seed| seed.try_into().ok());
            let seed = seed.ok_or(EngineError::MissingSeed { component })?;
            own[usize::from(component)] = Some(Zeroizing::new(*seed));
        }
        Ok(Self {
            seeds: Box::new(own),
        })
    }

    /// Whether these are the seeds of this party.
    ///
    /// # Errors
    /// [`EngineError::MissingSeed`].
    pub(crate) fn check(&self, me: usize) -> Result<(), EngineError> {
        let missing =
            (0..4u8).find(|c| self.seeds[usize::from(*c)].is_some() == (usize::from(*c) == me));
        missing.map_or(Ok(()), |component| {
            Err(EngineError::MissingSeed { component })
        })
    }

    /// The key of the permutations that all but party l know.
    pub(crate) fn permutations(&self, l: usize) -> Option<Zeroizing<[u8; 32]>> {
        self.derive(l, "quartet v1 permutations of a computation", &[])
    }

    /// Component c of the random value with this number.
    pub(crate) fn masks(&self, c: usize, stream: u32) -> Option<Masks> {
        let key = self.derive(
            c,
            "quartet v1 random values of a computation",
            &stream.to_le_bytes(),
        )?;
        key.first_chunk().map(Masks::new)
    }

    /// Of each component, what the masks of secret results follow from.
    #[must_use]
    pub fn results(&self) -> [Option<Seed>; 4] {
        std::array::from_fn(|c| {
            let key = self.derive(c, "quartet v1 secret results of a computation", &[])?;
            Some(Seed::new(*key))
        })
    }

    fn derive(&self, c: usize, context: &str, name: &[u8]) -> Option<Zeroizing<[u8; 32]>> {
        let seed = self.seeds[c].as_deref()?;
        let mut hasher = blake3::Hasher::new_derive_key(context);
        hasher.update(seed).update(name);
        let key = Zeroizing::new(*hasher.finalize().as_bytes());
        hasher.zeroize();
        Some(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(seeds: &ComponentSeeds, c: usize, stream: u32) -> Option<u64> {
        let mut masks = seeds.masks(c, stream)?;
        let drawn = masks.draw::<u64>(1);
        let mut all = [0];
        masks.fill(drawn, 0, &mut all);
        Some(all[0])
    }

    #[test]
    fn holders_draw_the_same_and_the_other_nothing() {
        let bytes: Vec<[u8; SEED_BYTES]> = (0..4).map(|c| [c; SEED_BYTES]).collect();
        let all = [0, 1, 2, 3].map(|c| Some(&bytes[c][..]));
        let parties = [0, 1, 2, 3].map(|me| ComponentSeeds::new(me, all).unwrap());
        let mut seen = std::collections::BTreeSet::new();
        for c in 0..4 {
            for stream in 0..3 {
                let expected = first(&parties[(c + 1) % 4], c, stream).unwrap();
                assert!(seen.insert(expected));
                for (me, party) in parties.iter().enumerate() {
                    let drawn = first(party, c, stream);
                    assert_eq!(drawn, (me != c).then_some(expected));
                }
            }
            let key = |me: usize| parties[me].permutations(c);
            assert!(key(c).is_none() && key((c + 1) % 4) == key((c + 2) % 4));
        }
    }

    #[test]
    fn missing_and_short_seeds_are_refused() {
        let seed = [1; SEED_BYTES];
        for bad in [None, Some(&seed[1..])] {
            let all = [None, Some(&seed[..]), bad, Some(&seed[..])];
            assert_eq!(
                ComponentSeeds::new(0, all).unwrap_err(),
                EngineError::MissingSeed { component: 2 }
            );
        }
        assert!(ComponentSeeds::new(4, [None; 4]).is_err());
    }
}
