//! Making a lot: random factors, and their products by the protocol of four.

use wire::kind::Kind;
use zeroize::Zeroizing;

use super::{Amounts, Material, SEED_BYTES};
use crate::{
    EngineError,
    circuit::{Builder, Circuit, Gate},
    program::Form,
    vector::Share,
};

/// Elements of 128 bits in a seed.
const SEED_ELEMENTS: u64 = (SEED_BYTES / 16) as u64;

/// The circuit whose results, kept as shares, are a lot: a, b and c of each material, as far as there
/// is any, then the seeds.
///
/// # Errors
/// [`EngineError::ReserveForm`] or [`EngineError::Program`] if there is too much.
pub(crate) fn production(amounts: &Amounts) -> Result<Circuit, EngineError> {
    amounts.check()?;
    let mut builder = Builder::default();
    let mut results = Vec::new();
    for material in Material::ALL {
        let kind = match material {
            Material::Bits => Kind::Bool,
            Material::R64 => Kind::U64,
            Material::R128 => Kind::U128,
        };
        let len = amounts.of(material) as usize;
        if len > 0 {
            let form = Form { kind, len };
            let [a, b] = [(); 2].map(|()| builder.random(form));
            let c = builder.push(Gate::Mul(a, b), form);
            results.extend([a, b, c]);
        }
    }
    if amounts.seeds > 0 {
        results.push(builder.random(Form {
            kind: Kind::U128,
            len: (SEED_ELEMENTS * amounts.seeds) as usize,
        }));
    }
    builder.check()?;
    Ok(builder.finish(Vec::new(), results))
}

/// One party's shares of a lot: a string of bytes for each component that it holds.
pub struct LotShares {
    amounts: Amounts,
    components: [Option<Zeroizing<Vec<u8>>>; 4],
}

impl std::fmt::Debug for LotShares {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "LotShares({}, <redacted>)", self.amounts)
    }
}

impl LotShares {
    /// From strings that were kept.
    ///
    /// # Errors
    /// [`EngineError::ReserveForm`] if one has another length, or there are not three of them.
    pub fn of_components(
        amounts: Amounts,
        components: [Option<Zeroizing<Vec<u8>>>; 4],
    ) -> Result<Self, EngineError> {
        amounts.check()?;
        let bytes = amounts.component_bytes();
        let held = components.iter().flatten();
        if held.clone().count() != 3 || held.clone().any(|own| own.len() != bytes) {
            return Err(EngineError::ReserveForm);
        }
        Ok(Self {
            amounts,
            components,
        })
    }

    /// From the results of [`production`], at party `me`.
    pub(crate) fn of(me: usize, amounts: Amounts, results: &[Share]) -> Self {
        let component = |c: usize| {
            if c == me {
                return None;
            }
            let mut bytes = Zeroizing::new(Vec::with_capacity(amounts.component_bytes()));
            for share in results {
                match share.part(c) {
                    Some(part) => part.write(&mut bytes),
                    None => {
                        let more = share.domain().wire_bytes(share.lanes());
                        let length = bytes.len() + more;
                        bytes.resize(length, 0);
                    }
                }
            }
            Some(bytes)
        };
        Self {
            amounts,
            components: std::array::from_fn(component),
        }
    }

    /// How much there is of each material.
    #[must_use]
    pub const fn amounts(&self) -> Amounts {
        self.amounts
    }

    /// The string of a component; nothing for that which this party lacks.
    #[must_use]
    pub fn component(&self, c: u8) -> Option<&[u8]> {
        let component = self.components.get(usize::from(c))?;
        component.as_ref().map(|bytes| bytes.as_slice())
    }

    /// The hashes of the components that this party holds.
    #[must_use]
    pub fn hashes(&self) -> [Option<[u8; 32]>; 4] {
        let hash = |bytes: &Option<Zeroizing<Vec<u8>>>| Some(component_hash(bytes.as_ref()?));
        self.components.each_ref().map(hash)
    }
}

/// The hash of a component of a lot by which its holders recognise it. What it is of is random, so
/// it tells nothing to the party that lacks the component.
#[must_use]
pub fn component_hash(component: &[u8]) -> [u8; 32] {
    blake3::derive_key("quartet v1 component of a lot", component)
}
