//! Signatures of nodes, separated by purpose.
//!
//! A node has one secp256k1 key. What it signs is `keccak256(0x19 ‖ "Quartet" ‖ purpose ‖ chain id
//! ‖ epoch ‖ keccak256(payload))`, so a signature for one purpose, chain or epoch verifies for no
//! other; the attestation alone is EIP-712 (`0x19 0x01`), since L1 checks it.

use alloy_primitives::{Address, B256, keccak256};
use k256::ecdsa::{RecoveryId, Signature as Ecdsa, SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};

use crate::WireError;

/// What a signature is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Purpose {
    /// A proposal of a block.
    Proposal = 1,
    /// A prevote or precommit.
    Vote = 2,
    /// A transaction of a node.
    NodeTransaction = 3,
    /// A node's sealing key of a key epoch.
    SealKey = 4,
}

/// Binds signatures to one chain and one committee.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Domain {
    /// Id of the L2 chain.
    pub chain_id: u64,
    /// Epoch of the committee.
    pub epoch: u64,
}

/// A recoverable signature: r ‖ s (low s) ‖ y parity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Signature {
    /// The x coordinate of the nonce point.
    pub r: B256,
    /// The scalar, at most half the group order.
    pub s: B256,
    /// Parity of the y coordinate of the nonce point.
    pub y_odd: bool,
}

impl Signature {
    /// The compact form of EIP-2098: r ‖ (parity ‖ s), 64 bytes.
    #[must_use]
    pub fn compact(&self) -> [u8; 64] {
        let mut bytes = [0; 64];
        bytes[..32].copy_from_slice(self.r.as_slice());
        bytes[32..].copy_from_slice(self.s.as_slice());
        bytes[32] |= u8::from(self.y_odd) << 7;
        bytes
    }
}

/// The digest that is signed for `payload`.
#[must_use]
pub fn digest(purpose: Purpose, domain: Domain, payload: &[u8]) -> B256 {
    let mut bytes = Vec::with_capacity(57);
    bytes.push(0x19);
    bytes.extend_from_slice(b"Quartet");
    bytes.push(purpose as u8);
    bytes.extend_from_slice(&domain.chain_id.to_be_bytes());
    bytes.extend_from_slice(&domain.epoch.to_be_bytes());
    bytes.extend_from_slice(keccak256(payload).as_slice());
    keccak256(bytes)
}

/// Signs `payload` for one purpose.
#[must_use]
pub fn sign(key: &SigningKey, purpose: Purpose, domain: Domain, payload: &[u8]) -> Signature {
    sign_digest(key, digest(purpose, domain, payload))
}

/// Signs a digest; only for digests that bind their purpose themselves (EIP-712).
#[must_use]
pub fn sign_digest(key: &SigningKey, digest: B256) -> Signature {
    let (signature, recovery): (Ecdsa, RecoveryId) =
        key.sign_prehash_recoverable(digest.as_slice());
    let bytes = signature.to_bytes();
    Signature {
        r: B256::from_slice(&bytes[..32]),
        s: B256::from_slice(&bytes[32..]),
        y_odd: recovery.is_y_odd(),
    }
}

/// The address that signed `digest`; high s is refused.
///
/// # Errors
/// [`WireError::BadSignature`].
pub fn recover(
    what: &'static str,
    digest: B256,
    signature: &Signature,
) -> Result<Address, WireError> {
    let bad = || WireError::BadSignature { what };
    let ecdsa = Ecdsa::from_scalars(signature.r.0, signature.s.0).map_err(|_| bad())?;
    if ecdsa.normalize_s() != ecdsa {
        return Err(bad());
    }
    let recovery = RecoveryId::new(signature.y_odd, false);
    let key = VerifyingKey::recover_from_prehash(digest.as_slice(), &ecdsa, recovery)
        .map_err(|_| bad())?;
    Ok(address(&key))
}

/// Checks that the key behind `signer` signed `payload` for this purpose.
///
/// # Errors
/// [`WireError::BadSignature`].
pub fn verify(
    what: &'static str,
    signer: Address,
    purpose: Purpose,
    domain: Domain,
    payload: &[u8],
    signature: &Signature,
) -> Result<(), WireError> {
    if recover(what, digest(purpose, domain, payload), signature)? == signer {
        Ok(())
    } else {
        Err(WireError::BadSignature { what })
    }
}

/// The Ethereum address of a public key.
#[must_use]
pub fn address(key: &VerifyingKey) -> Address {
    let point = key.to_sec1_point(false);
    Address::from_raw_public_key(&point.as_bytes()[1..])
}
