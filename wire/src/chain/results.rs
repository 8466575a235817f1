//! Rows of results that stay secret. To everything that reads inputs they are inputs.
//!
//! A computation with such results has a base seed for each component, which three nodes hold. From
//! it follows the seed of each row's mask, as if a client had drawn it; the masked row is opened in
//! the log. Who was away gets the base seeds from others, and believes those that open what the log
//! has of them.

use alloy_primitives::{B256, keccak256};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroize as _;

use crate::{WireError, sealed::Seed};

/// From here on input types are those of masks, which no contract declares.
pub const MASKS: u32 = 1 << 31;
/// Bytes of a commitment to a base seed.
pub const COMMITMENT_BYTES: usize = 32;

/// The input type of the masks of a result, by the number of the result.
#[must_use]
pub const fn mask_type(result: u32) -> u32 {
    MASKS | result
}

/// Where a row comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RowPlace {
    /// The computation.
    pub computation: B256,
    /// Number of the result among its secret ones.
    pub result: u32,
    /// Number of the row.
    pub row: u32,
}

impl RowPlace {
    /// The row's id, as that of an input.
    #[must_use]
    pub fn id(&self) -> B256 {
        let mut bytes = b"quartet result".to_vec();
        bytes.extend_from_slice(self.computation.as_slice());
        bytes.extend_from_slice(&self.result.to_be_bytes());
        bytes.extend_from_slice(&self.row.to_be_bytes());
        keccak256(bytes)
    }

    /// A component's seed of the row, from the base seed.
    #[must_use]
    pub fn seed(&self, base: &Seed) -> Seed {
        let mut hasher = blake3::Hasher::new_derive_key("quartet v1 seed of a result's row");
        hasher.update(base.expose());
        hasher.update(&self.result.to_le_bytes());
        hasher.update(&self.row.to_le_bytes());
        let seed = Seed::new(*hasher.finalize().as_bytes());
        hasher.zeroize();
        seed
    }
}

/// The commitment to a base seed of a computation.
#[must_use]
pub fn commit(computation: B256, component: u8, base: &Seed) -> B256 {
    let mut hasher = blake3::Hasher::new_derive_key("quartet v1 commitment to a base seed");
    hasher.update(computation.as_slice());
    hasher.update(&[component]);
    hasher.update(base.expose());
    let commitment = B256::from(*hasher.finalize().as_bytes());
    hasher.zeroize();
    commitment
}

/// Checks a base seed against its commitment, in constant time.
///
/// # Errors
/// [`WireError::CommitmentMismatch`].
pub fn check_base(
    computation: B256,
    component: u8,
    base: &Seed,
    expected: &B256,
) -> Result<(), WireError> {
    let actual = commit(computation, component, base);
    if actual.ct_eq(expected.as_slice()).into() {
        Ok(())
    } else {
        Err(WireError::CommitmentMismatch { component })
    }
}
