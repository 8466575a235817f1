//! Encryption of secrets at rest: XChaCha20-Poly1305 under a key that follows from the node's own
//! keys, with a random nonce, bound to what the secret is of. The tag is the checksum.

use chacha20poly1305::{AeadInOut as _, KeyInit as _, XChaCha20Poly1305};
use zeroize::Zeroizing;

use crate::{NodeError, keys};

const NONCE_BYTES: usize = 24;
const TAG_BYTES: usize = 16;
/// By how much a record is longer than what it holds, in bytes.
pub const OVERHEAD_BYTES: usize = NONCE_BYTES + TAG_BYTES;

/// Seals and opens records.
pub struct SecretBox(XChaCha20Poly1305);

impl std::fmt::Debug for SecretBox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SecretBox(<redacted>)")
    }
}

impl SecretBox {
    /// Takes the key of [`keys::NodeKeys::storage_key`].
    #[must_use]
    pub fn new(key: &[u8; 32]) -> Self {
        Self(XChaCha20Poly1305::new(key.into()))
    }

    /// Encrypts a secret, bound to `bound`, which must tell it from every other: nonce, ciphertext,
    /// tag.
    ///
    /// # Errors
    /// [`NodeError::File`] if the system has no randomness.
    pub fn seal(&self, bound: &[u8], secret: &[u8]) -> Result<Vec<u8>, NodeError> {
        let random = keys::random()?;
        let nonce: [u8; NONCE_BYTES] = std::array::from_fn(|i| random[i]);
        let mut plain = Zeroizing::new(secret.to_vec());
        let tag = self
            .0
            .encrypt_inout_detached(&nonce.into(), bound, plain.as_mut_slice().into())
            .map_err(|_| NodeError::File {
                action: "encrypt",
                path: "a record that is too long".into(),
                source: std::io::ErrorKind::InvalidInput.into(),
            })?;
        let mut record = Vec::with_capacity(secret.len() + OVERHEAD_BYTES);
        record.extend_from_slice(&nonce);
        record.extend_from_slice(&plain);
        record.extend_from_slice(&tag);
        Ok(record)
    }

    /// Opens a record; none if it was altered, is bound to something else, or was made under
    /// another key.
    #[must_use]
    pub fn open(&self, bound: &[u8], record: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (nonce, rest) = record.split_first_chunk::<NONCE_BYTES>()?;
        let (cipher, tag) = rest.split_last_chunk::<TAG_BYTES>()?;
        let mut plain = Zeroizing::new(cipher.to_vec());
        self.0
            .decrypt_inout_detached(
                &(*nonce).into(),
                bound,
                plain.as_mut_slice().into(),
                &(*tag).into(),
            )
            .ok()?;
        Some(plain)
    }
}
