//! How a user reads a result that is for them alone: they ask each node with a signature, each node
//! answers with its components, sealed to a key that the user has drawn for this.
//!
//! Two nodes that answer determine the value, and one does not. What two nodes say of a component is
//! what it is, since at most one lies.

use alloy_primitives::{Address, B256, Bytes};
use alloy_sol_types::{SolStruct as _, eip712_domain, sol};
use hpke::{
    Deserializable as _, Kem as _, OpModeR, OpModeS, Serializable as _, aead::ChaCha20Poly1305,
    kdf::HkdfSha256, kem::X25519HkdfSha256,
};
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize as _, Zeroizing};

use crate::{
    WireError, codec,
    kind::{InputType, Kind},
    limits::{INPUT_BYTES, NODES, ONE_HONEST},
    sealed,
    signing::{self, Signature},
};

type Kem = X25519HkdfSha256;

const HPKE_INFO: &[u8] = b"quartet v1 components of a secret result";
const WHAT: &str = "answer about a secret";

/// Longest time for which a request is signed, in seconds.
pub const READ_SECONDS: u64 = 3_600;

sol! {
    /// What a user signs, as EIP-712, so that wallets can.
    struct ReadSecret {
        /// Id of the secret.
        bytes32 id;
        /// X25519 key to which answers are sealed.
        bytes32 publicKey;
        /// Until when the request holds, in seconds since the Unix epoch.
        uint64 expires;
    }
}

/// A wish to read a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReadRequest {
    /// X25519 key to which answers are sealed.
    pub public_key: B256,
    /// Until when it holds, in seconds since the Unix epoch.
    pub expires: u64,
    /// The owner's signature.
    pub signature: Signature,
}

/// The digest that the owner of a secret signs on this L2 chain.
#[must_use]
pub fn digest(chain_id: u64, id: B256, public_key: B256, expires: u64) -> B256 {
    let domain = eip712_domain! { name: "Quartet", version: "1", chain_id: chain_id, };
    let request = ReadSecret {
        id,
        publicKey: public_key,
        expires,
    };
    request.eip712_signing_hash(&domain)
}

impl ReadRequest {
    /// Who signed it for this secret.
    ///
    /// # Errors
    /// [`WireError::BadSignature`].
    pub fn signer(&self, chain_id: u64, id: B256) -> Result<Address, WireError> {
        let digest = digest(chain_id, id, self.public_key, self.expires);
        signing::recover("a request to read a secret", digest, &self.signature)
    }
}

/// What a node holds of a secret: its components by number, in one sharing. Erased on drop, never
/// printed.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Components {
    /// Key epoch of the sharing.
    pub epoch: u64,
    /// In the encoding of the secret's type; none for the node's own number.
    pub components: [Option<Vec<u8>>; NODES],
}

impl std::fmt::Debug for Components {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Components(key epoch {}, <redacted>)", self.epoch)
    }
}

impl Drop for Components {
    fn drop(&mut self) {
        self.components
            .iter_mut()
            .flatten()
            .for_each(|c| c.zeroize());
    }
}

/// A node's answer, which only the user can open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SecretAnswer {
    /// Party number of the node.
    pub node: u8,
    /// HPKE encapsulated key.
    pub encapsulated: B256,
    /// The sealed components.
    pub ciphertext: Bytes,
}

impl SecretAnswer {
    /// Seals what a node holds of a secret to a user's key.
    ///
    /// # Errors
    /// [`WireError::Malformed`] if the key is none.
    pub fn seal(
        node: u8,
        id: B256,
        public_key: B256,
        held: &Components,
        random: &mut impl rand::CryptoRng,
    ) -> Result<Self, WireError> {
        let no_key = |_| malformed("the key is not an X25519 key");
        let key = <Kem as hpke::Kem>::PublicKey::from_bytes(public_key.as_slice());
        let plain = Zeroizing::new(codec::encode(held));
        let (encapsulated, ciphertext) =
            hpke::single_shot_seal_with_rng::<ChaCha20Poly1305, HkdfSha256, Kem>(
                &OpModeS::Base,
                &key.map_err(no_key)?,
                HPKE_INFO,
                &plain,
                &codec::encode(&(id, node)),
                random,
            )
            .map_err(no_key)?;
        Ok(Self {
            node,
            encapsulated: B256::from_slice(&encapsulated.to_bytes()),
            ciphertext: ciphertext.into(),
        })
    }
}

/// The key that a user has drawn to read secrets with. Erased on drop, never printed.
pub struct ReadKey(<Kem as hpke::Kem>::PrivateKey);

impl std::fmt::Debug for ReadKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ReadKey(<redacted>)")
    }
}

impl ReadKey {
    /// Draws one.
    #[must_use]
    pub fn random(random: &mut impl rand::CryptoRng) -> Self {
        Self(Kem::gen_keypair_with_rng(random).0)
    }

    /// The public key.
    #[must_use]
    pub fn public(&self) -> B256 {
        B256::from_slice(&Kem::sk_to_pk(&self.0).to_bytes())
    }

    /// Opens a node's answer.
    ///
    /// # Errors
    /// [`WireError::SealDoesNotOpen`], [`WireError::Malformed`] and [`WireError::TooLong`].
    pub fn open(&self, id: B256, answer: &SecretAnswer) -> Result<Components, WireError> {
        let SecretAnswer {
            node,
            encapsulated,
            ciphertext,
        } = answer;
        let node = *node;
        let fails = |_| WireError::SealDoesNotOpen { node };
        let key = <Kem as hpke::Kem>::EncappedKey::from_bytes(encapsulated.as_slice());
        let plain = hpke::single_shot_open::<ChaCha20Poly1305, HkdfSha256, Kem>(
            &OpModeR::Base,
            &self.0,
            &key.map_err(fails)?,
            HPKE_INFO,
            ciphertext,
            &codec::encode(&(id, node)),
        );
        let plain = Zeroizing::new(plain.map_err(fails)?);
        let held: Components = codec::decode(WHAT, &plain, NODES * (INPUT_BYTES + 16))?;
        let own = held.components.get(usize::from(node));
        if !matches!(own, Some(None)) {
            return Err(malformed("it has the component that its node never has"));
        }
        Ok(held)
    }
}

/// A secret from what nodes hold of it, in the encoding of its type: of each component what two nodes
/// agree on. None if they do not, so far; then another node may help.
#[must_use]
pub fn combine(ty: &InputType, held: &[Components]) -> Option<Zeroizing<Vec<u8>>> {
    let agreed = |epoch: u64, c: usize| {
        let of_epoch = held.iter().filter(|held| held.epoch == epoch);
        let all: Vec<&Vec<u8>> = of_epoch
            .filter_map(|held| held.components.get(c)?.as_ref())
            .filter(|bytes| bytes.len() == ty.bytes())
            .collect();
        let count = |bytes: &Vec<u8>| all.iter().filter(|other| **other == bytes).count();
        all.iter().find(|bytes| count(bytes) >= ONE_HONEST).copied()
    };
    held.iter().find_map(|one| {
        let mut value = Zeroizing::new(vec![0; ty.bytes()]);
        for c in 0..NODES {
            sealed::add(ty, &mut value, agreed(one.epoch, c)?);
        }
        clear_unused_bits(ty, &mut value);
        Some(value)
    })
}

/// Booleans are masked one by one, so what is beyond the last of a field is left of the masks.
fn clear_unused_bits(ty: &InputType, mut value: &mut [u8]) {
    for field in &ty.fields {
        let bytes = field.kind.bytes(field.len as usize);
        let Some((own, rest)) = value.split_at_mut_checked(bytes) else {
            return;
        };
        let used = field.len % 8;
        if let (Kind::Bool, Some(last)) = (field.kind, own.last_mut())
            && used != 0
        {
            *last &= (1 << used) - 1;
        }
        value = rest;
    }
}

fn malformed(why: &str) -> WireError {
    WireError::Malformed {
        what: WHAT,
        why: why.to_owned(),
    }
}
