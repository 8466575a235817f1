//! Keys of users.

use alloy_primitives::{Address, B256, hex};
use k256::ecdsa::SigningKey;
use wire::signing::{self, Signature};
use zeroize::Zeroizing;

use crate::ClientError;

/// A user's secp256k1 key, the same as on any Ethereum chain. Erased on drop, never printed.
pub struct UserKey {
    key: SigningKey,
    address: Address,
}

impl UserKey {
    /// Takes 32 secret bytes.
    ///
    /// # Errors
    /// [`ClientError::BadKey`] if they are zero or beyond the group order.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, ClientError> {
        let key = SigningKey::from_slice(bytes).map_err(|_| ClientError::BadKey {
            why: "it is zero or beyond the group order",
        })?;
        Ok(Self::new(key))
    }

    /// Reads 64 hexadecimal digits, with or without `0x`.
    ///
    /// # Errors
    /// [`ClientError::BadKey`].
    pub fn from_hex(text: &str) -> Result<Self, ClientError> {
        let mut bytes = Zeroizing::new([0; 32]);
        hex::decode_to_slice(text.trim(), bytes.as_mut_slice()).map_err(|_| {
            ClientError::BadKey {
                why: "it must be 64 hexadecimal digits",
            }
        })?;
        Self::from_bytes(&bytes)
    }

    /// Draws a fresh key.
    #[must_use]
    pub fn random(random: &mut impl rand::CryptoRng) -> Self {
        loop {
            let mut bytes = Zeroizing::new([0; 32]);
            random.fill_bytes(bytes.as_mut_slice());
            // All but a fraction of 2^-128 of all strings are keys.
            if let Ok(key) = Self::from_bytes(&bytes) {
                return key;
            }
        }
    }

    fn new(key: SigningKey) -> Self {
        let address = signing::address(key.verifying_key());
        Self { key, address }
    }

    /// Its Ethereum address.
    #[must_use]
    pub const fn address(&self) -> Address {
        self.address
    }

    /// Signs a digest that binds its own purpose: that of a transaction.
    #[must_use]
    pub fn sign_digest(&self, digest: B256) -> Signature {
        signing::sign_digest(&self.key, digest)
    }

    /// Its 32 bytes, for a key file.
    #[must_use]
    pub fn expose(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.key.to_bytes().into())
    }
}

impl std::fmt::Debug for UserKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "UserKey({}, <redacted>)", self.address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first key of every development chain.
    const KEY: &str = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";

    #[test]
    fn a_key_has_its_ethereum_address_and_does_not_show_itself() {
        let key = UserKey::from_hex(KEY).unwrap();
        let expected = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266";
        assert_eq!(key.address().to_string(), expected);
        assert_eq!(
            format!("{key:?}"),
            format!("UserKey({expected}, <redacted>)")
        );
        assert_eq!(
            UserKey::from_bytes(&key.expose()).unwrap().address(),
            key.address()
        );
    }

    #[test]
    fn what_is_no_key_is_refused_without_repeating_it() {
        for text in [
            "",
            "0x12",
            &"00".repeat(32),
            &"ff".repeat(32),
            &"zz".repeat(32),
        ] {
            let error = UserKey::from_hex(text).unwrap_err();
            assert!(matches!(error, ClientError::BadKey { .. }), "{text}");
            assert!(text.len() < 64 || !error.to_string().contains(text));
        }
    }
}
