//! The encoding of everything that is not an Ethereum transaction: postcard, canonical, bounded.

use serde::{Serialize, de::DeserializeOwned};

use crate::WireError;

/// Encodes a value.
///
/// # Panics
/// Never for the types of this crate: they hold nothing that postcard cannot express.
#[must_use]
#[expect(
    clippy::expect_used,
    reason = "encoding into memory of plain data cannot fail"
)]
pub fn encode<T: Serialize>(value: &T) -> Vec<u8> {
    postcard::to_allocvec(value).expect("plain data encodes")
}

/// Decodes a value of at most `limit` bytes, and refuses any encoding but the canonical one, so
/// that equal values have equal hashes.
///
/// # Errors
/// [`WireError::TooLong`] and [`WireError::Malformed`].
pub fn decode<T: Serialize + DeserializeOwned>(
    what: &'static str,
    bytes: &[u8],
    limit: usize,
) -> Result<T, WireError> {
    if bytes.len() > limit {
        return Err(WireError::TooLong {
            what,
            actual: bytes.len(),
            limit,
        });
    }
    let value: T = postcard::from_bytes(bytes).map_err(|error| WireError::Malformed {
        what,
        why: error.to_string(),
    })?;
    if encode(&value) != bytes {
        return Err(WireError::Malformed {
            what,
            why: "not the canonical encoding".into(),
        });
    }
    Ok(value)
}
