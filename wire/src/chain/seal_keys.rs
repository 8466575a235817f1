//! The keys to which inputs are sealed, by key epoch.
//!
//! Those of epoch 0 are in the committee's file. Those of later epochs are drawn by the nodes, and
//! signed with the keys that the committee's file pins, so that nobody has to believe the node that
//! passes them on.

use alloy_primitives::B256;
use k256::ecdsa::SigningKey;
use serde::{Deserialize, Serialize};

use crate::{
    WireError, codec,
    committee::Committee,
    limits::NODES,
    signing::{self, Purpose, Signature},
};

/// A node's sealing key of a key epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedSealKey {
    /// X25519 public key.
    pub key: B256,
    /// The node's signature for [`Purpose::SealKey`].
    pub signature: Signature,
}

/// The sealing keys of a key epoch, which are believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SealKeys {
    /// The key epoch.
    pub epoch: u64,
    /// By party number; none of a node that has no key in this epoch.
    pub keys: [Option<B256>; NODES],
}

fn payload(epoch: u64, node: u8, key: B256) -> Vec<u8> {
    codec::encode(&(epoch, node, key))
}

impl SignedSealKey {
    /// Signs a node's key.
    #[must_use]
    pub fn sign(
        key: B256,
        epoch: u64,
        node: u8,
        identity: &SigningKey,
        committee: &Committee,
    ) -> Self {
        let payload = payload(epoch, node, key);
        let signature = signing::sign(identity, Purpose::SealKey, committee.domain(), &payload);
        Self { key, signature }
    }

    /// Checks that it is this node's key of this epoch.
    ///
    /// # Errors
    /// [`WireError::BadSignature`].
    pub fn verify(&self, epoch: u64, node: u8, committee: &Committee) -> Result<(), WireError> {
        const WHAT: &str = "sealing key";
        let signer = committee.nodes.get(usize::from(node));
        let signer = signer.ok_or(WireError::BadSignature { what: WHAT })?;
        signing::verify(
            WHAT,
            signer.address,
            Purpose::SealKey,
            committee.domain(),
            &payload(epoch, node, self.key),
            &self.signature,
        )
    }
}

impl SealKeys {
    /// The keys of epoch 0.
    #[must_use]
    pub fn first(committee: &Committee) -> Self {
        let keys = committee.nodes.each_ref().map(|node| Some(node.seal_key));
        Self { epoch: 0, keys }
    }

    /// The keys of an epoch, from whoever passes them on.
    ///
    /// # Errors
    /// [`WireError::BadSignature`] if one is not signed by its node for this epoch.
    pub fn check(
        committee: &Committee,
        epoch: u64,
        signed: &[Option<SignedSealKey>; NODES],
    ) -> Result<Self, WireError> {
        if epoch == 0 {
            return Ok(Self::first(committee));
        }
        let mut keys = [None; NODES];
        for ((node, signed), place) in (0..).zip(signed).zip(&mut keys) {
            if let Some(signed) = signed {
                signed.verify(epoch, node, committee)?;
                *place = Some(signed.key);
            }
        }
        Ok(Self { epoch, keys })
    }
}

/// What names a sharing of the inputs: the attempt that has made it for a key epoch.
#[must_use]
pub fn sharing_tag(epoch: u64, attempt: u32) -> B256 {
    let mut hasher = blake3::Hasher::new_derive_key("quartet v1 sharing");
    hasher.update(&epoch.to_be_bytes());
    hasher.update(&attempt.to_be_bytes());
    B256::from(*hasher.finalize().as_bytes())
}
