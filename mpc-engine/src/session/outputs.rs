//! Results that are kept as shares until the log says that they are opened, and how components of
//! them are committed to and put together.

use wire::kind::Kind;
use zeroize::Zeroizing;

use super::SessionBinding;
use crate::{
    EngineError,
    vector::{Domain, Share, Vector},
};

type Hash = [u8; 32];

/// One party's components of all results of a computation, and what blinds the commitments to them.
pub struct Outputs {
    computation: Hash,
    attempt: u32,
    /// By number of the component.
    components: Box<[Option<Component>; 4]>,
}

struct Component {
    blinding: Zeroizing<Hash>,
    value: Zeroizing<Vec<u8>>,
}

/// One component of all results, and what blinded the commitment to it.
#[derive(Clone, PartialEq, Eq)]
pub struct Opening {
    /// The same at all holders of the component, and unknown to the party that lacks it.
    pub blinding: [u8; 32],
    /// All results in order, each encoded as on the wire.
    pub value: Vec<u8>,
}

impl std::fmt::Debug for Outputs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Outputs(attempt {}, <redacted>)", self.attempt)
    }
}

impl std::fmt::Debug for Opening {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Opening(<redacted>)")
    }
}

impl Outputs {
    /// From the results at party `me`; `blindings` by component.
    pub(super) fn of(
        me: usize,
        binding: &SessionBinding,
        results: &[Share],
        blindings: [Option<Zeroizing<Hash>>; 4],
    ) -> Self {
        let mut c = 0..;
        let components = blindings.map(|blinding| {
            let c = c.next().unwrap_or(me);
            let blinding = blinding.filter(|_| c != me)?;
            let bytes = |share: &Share| share.domain().wire_bytes(share.lanes());
            let mut value =
                Zeroizing::new(Vec::with_capacity(results.iter().map(bytes).sum::<usize>()));
            for share in results {
                match share.part(c) {
                    Some(part) => part.write(&mut value),
                    None => {
                        let length = value.len() + bytes(share);
                        value.resize(length, 0);
                    }
                }
            }
            Some(Component { blinding, value })
        });
        Self {
            computation: binding.computation,
            attempt: binding.attempt,
            components: Box::new(components),
        }
    }

    /// Adds bytes to each component, to be committed to and opened with it.
    pub fn append(&mut self, tails: &[Option<Hash>; 4]) {
        for (component, tail) in self.components.iter_mut().zip(tails) {
            if let (Some(component), Some(tail)) = (component, tail) {
                component.value.extend_from_slice(tail);
            }
        }
    }

    /// The commitments to the components that this party holds.
    #[must_use]
    pub fn commitments(&self) -> [Option<[u8; 32]>; 4] {
        let mut c = 0..;
        self.components.each_ref().map(|component| {
            let c = c.next().unwrap_or(0);
            let Component { blinding, value } = component.as_ref()?;
            Some(commit(&self.computation, self.attempt, c, blinding, value))
        })
    }

    /// What opens the commitment to component `c`; none if this party lacks it.
    #[must_use]
    pub fn opening(&self, c: u8) -> Option<Opening> {
        let component = self.components.get(usize::from(c))?.as_ref()?;
        Some(Opening {
            blinding: *component.blinding,
            value: component.value.to_vec(),
        })
    }

    /// For storage: computation, attempt, which components there are, then of each the blinding, the
    /// length and the value. Numbers are little-endian, lengths 8 bytes.
    #[must_use]
    pub fn encode(&self) -> Zeroizing<Vec<u8>> {
        let held = self.components.iter().flatten();
        let length: usize = held.map(|held| 40 + held.value.len()).sum();
        let mut bytes = Zeroizing::new(Vec::with_capacity(40 + length));
        bytes.extend_from_slice(&self.computation);
        bytes.extend_from_slice(&self.attempt.to_le_bytes());
        for component in &*self.components {
            bytes.push(component.is_some().into());
        }
        for Component { blinding, value } in self.components.iter().flatten() {
            bytes.extend_from_slice(&**blinding);
            bytes.extend_from_slice(&(value.len() as u64).to_le_bytes());
            bytes.extend_from_slice(value);
        }
        bytes
    }

    /// From what [`Outputs::encode`] gives, and nothing else.
    ///
    /// # Errors
    /// [`EngineError::OutputsForm`].
    pub fn decode(bytes: &[u8]) -> Result<Self, EngineError> {
        Self::read(bytes).ok_or(EngineError::OutputsForm)
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let (computation, bytes) = bytes.split_first_chunk()?;
        let (attempt, bytes) = bytes.split_first_chunk()?;
        let (held, mut bytes) = bytes.split_first_chunk::<4>()?;
        let mut components = Box::new([const { None }; 4]);
        for (component, held) in components.iter_mut().zip(held) {
            match held {
                0 => continue,
                1 => {}
                _ => return None,
            }
            let (blinding, rest) = bytes.split_first_chunk()?;
            let (length, rest) = rest.split_first_chunk()?;
            let length = usize::try_from(u64::from_le_bytes(*length)).ok()?;
            let (value, rest) = rest.split_at_checked(length)?;
            *component = Some(Component {
                blinding: Zeroizing::new(*blinding),
                value: Zeroizing::new(value.to_vec()),
            });
            bytes = rest;
        }
        bytes.is_empty().then_some(Self {
            computation: *computation,
            attempt: u32::from_le_bytes(*attempt),
            components,
        })
    }
}

/// The commitment to a component of the results of a computation's attempt. It hides the component
/// from whoever lacks the blinding, and nobody can open it in two ways.
#[must_use]
pub fn commitment(
    computation: &[u8; 32],
    attempt: u32,
    component: u8,
    opening: &Opening,
) -> [u8; 32] {
    let Opening { blinding, value } = opening;
    commit(computation, attempt, component, blinding, value)
}

fn commit(computation: &Hash, attempt: u32, component: u8, blinding: &Hash, value: &[u8]) -> Hash {
    let mut hasher = blake3::Hasher::new_derive_key("quartet v1 commitment to outputs");
    hasher.update(computation);
    hasher.update(&attempt.to_le_bytes());
    hasher.update(&[component]);
    hasher.update(blinding);
    hasher.update(value);
    *hasher.finalize().as_bytes()
}

/// Puts four components of results of these kinds and lengths together: the results, as
/// [`crate::encode_opened`] encodes them. Bits beyond the last one of a result are cleared.
///
/// # Errors
/// [`EngineError::OpenedForm`] if a component does not have the length that it should have.
pub fn combine(outputs: &[(Kind, usize)], components: [&[u8]; 4]) -> Result<Vec<u8>, EngineError> {
    let mut rest = components;
    let mut encoded = Vec::with_capacity(rest[0].len());
    for (kind, len) in outputs {
        let domain = Domain::of(*kind);
        let mut sum = Vector::zero(domain, *len);
        for rest in &mut rest {
            let (own, after) = rest
                .split_at_checked(domain.wire_bytes(*len))
                .ok_or(EngineError::OpenedForm)?;
            sum.add(&Vector::read(domain, *len, own));
            *rest = after;
        }
        sum.write(&mut encoded);
    }
    if rest.iter().any(|rest| !rest.is_empty()) {
        return Err(EngineError::OpenedForm);
    }
    Ok(encoded)
}
