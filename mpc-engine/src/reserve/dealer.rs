//! Lots without a protocol, for tests and for running programs in one process; never part of a node.

use rand_chacha::{
    ChaCha20Rng,
    rand_core::{Rng as _, SeedableRng as _},
};
use zeroize::Zeroizing;

use super::{Amounts, LotShares, Material, SEED_BYTES};
use crate::{
    EngineError,
    vector::{Domain, Vector},
};

impl LotShares {
    /// The shares of all four parties of a lot that the caller's own process makes, with randomness
    /// from `seed`. Whoever does that knows all secrets.
    ///
    /// # Errors
    /// [`EngineError::ReserveForm`].
    pub fn deal(amounts: Amounts, seed: u64) -> Result<[Self; 4], EngineError> {
        amounts.check()?;
        let mut random = ChaCha20Rng::seed_from_u64(seed);
        let mut components: [Zeroizing<Vec<u8>>; 4] = Default::default();
        for material in Material::ALL {
            let (domain, lanes) = (material.domain(), amounts.of(material) as usize);
            let a = share(&mut random, domain, lanes, &mut components);
            let b = share(&mut random, domain, lanes, &mut components);
            let mut rest = a.times(&b);
            for component in &mut components[..3] {
                let part = uniform(&mut random, domain, lanes);
                rest.subtract(&part);
                part.write(component);
            }
            rest.write(&mut components[3]);
        }
        for component in &mut components {
            let start = component.len();
            component.resize(start + SEED_BYTES * amounts.seeds as usize, 0);
            random.fill_bytes(&mut component[start..]);
        }
        let held = |me: usize| {
            let own = |c: usize| (c != me).then(|| components[c].clone());
            Self::of_components(amounts, std::array::from_fn(own))
        };
        let [a, b, c, d] = std::array::from_fn(held);
        Ok([a?, b?, c?, d?])
    }
}

/// Appends a share of random elements. Returns the elements.
fn share(
    random: &mut ChaCha20Rng,
    domain: Domain,
    lanes: usize,
    components: &mut [Zeroizing<Vec<u8>>; 4],
) -> Vector {
    let mut sum = Vector::zero(domain, lanes);
    for component in components {
        let part = uniform(random, domain, lanes);
        part.write(component);
        sum.add(&part);
    }
    sum
}

fn uniform(random: &mut ChaCha20Rng, domain: Domain, lanes: usize) -> Vector {
    let mut bytes = Zeroizing::new(vec![0; domain.wire_bytes(lanes)]);
    random.fill_bytes(&mut bytes);
    Vector::read(domain, lanes, &bytes)
}
