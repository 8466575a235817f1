//! Sharing inputs anew, so that what was copied of a party's shares before is worth nothing with
//! what is copied of another's afterwards.
//!
//! All live parties toss a key. From it follow, for each input, four components of a sharing of zero,
//! which every holder adds to its own: three are keystreams, the last is minus their sum. All of them
//! may be known to all parties, since who has shares of before and of after, but not the key, learns
//! nothing; the key must be erased when the inputs are shared.

mod proof;

use wire::{
    kind::InputType,
    sealed::{self, Seed},
};
use zeroize::{Zeroize as _, Zeroizing};

use crate::EngineError;
pub use proof::{Tree, check_proven};

/// What inputs are shared anew with. Erased on drop, never printed; it must never be stored.
pub struct RefreshKey(Zeroizing<[u8; 32]>);

impl std::fmt::Debug for RefreshKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RefreshKey(<redacted>)")
    }
}

/// The components of a sharing of zero that are keystreams.
const KEYSTREAMS: u8 = 3;

impl RefreshKey {
    /// Takes the bytes that all parties have tossed.
    #[must_use]
    pub const fn new(key: Zeroizing<[u8; 32]>) -> Self {
        Self(key)
    }

    /// Turns a component of an input, in the encoding of its type, into that of the new sharing.
    ///
    /// # Errors
    /// [`EngineError::InputLength`], and [`EngineError::NoSuchParty`] if there is no such component.
    pub fn refresh(
        &self,
        input: &[u8; 32],
        ty: &InputType,
        component: u8,
        bytes: &mut [u8],
    ) -> Result<(), EngineError> {
        if bytes.len() != ty.bytes() {
            return Err(EngineError::InputLength {
                expected: ty.bytes(),
                actual: bytes.len(),
            });
        }
        match component {
            0..KEYSTREAMS => sealed::add(ty, bytes, &self.keystream(input, component, bytes.len())),
            KEYSTREAMS => {
                for other in 0..KEYSTREAMS {
                    sealed::subtract(ty, bytes, &self.keystream(input, other, bytes.len()));
                }
            }
            party => return Err(EngineError::NoSuchParty { party }),
        }
        Ok(())
    }

    fn keystream(&self, input: &[u8; 32], component: u8, length: usize) -> Zeroizing<Vec<u8>> {
        let mut hasher = blake3::Hasher::new_derive_key("quartet v1 refresh of an input");
        hasher.update(&*self.0).update(input).update(&[component]);
        let seed = Seed::new(*hasher.finalize().as_bytes());
        hasher.zeroize();
        seed.keystream(length)
    }
}

/// What all parties of a toss agree on instead of the hash of a program.
pub(crate) fn toss_hash() -> [u8; 32] {
    *blake3::hash(b"quartet v1 toss").as_bytes()
}

#[cfg(test)]
mod tests;
