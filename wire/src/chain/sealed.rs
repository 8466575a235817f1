//! Secret inputs as clients send them: one masked value and four sealed seeds
//! (`one component of the sharing is the keystream of each seed`).
//!
//! With seeds s₀..s₃, the sharing of x is `x = Σ_c XOF(s_c) + masked`, component by component in
//! the ring of each field; `masked` is public and belongs to component 0. Node p is sent the three
//! seeds c ≠ p, under HPKE (RFC 9180: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, ChaCha20Poly1305),
//! and believes a seed only if it opens its commitment.

use alloy_primitives::{Address, B256, keccak256};
use hpke::{
    Deserializable, Kem as _, OpModeR, OpModeS, Serializable, aead::ChaCha20Poly1305,
    kdf::HkdfSha256, kem::X25519HkdfSha256,
};
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::{
    WireError, codec,
    kind::{InputType, Kind},
    limits::{INPUT_BYTES, NODES},
    seal_keys::SealKeys,
};

type Kem = X25519HkdfSha256;

const SEED_BYTES: usize = 32;
const PLAINTEXT_BYTES: usize = (NODES - 1) * SEED_BYTES;
const TAG_BYTES: usize = 16;
const HPKE_INFO: &[u8] = b"quartet v1 sealed seeds";

/// One seed of a client: the keystream of one share component. Erased on drop, never printed.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct Seed([u8; SEED_BYTES]);

impl Seed {
    /// Takes 32 bytes that were drawn uniformly, or that opened a commitment.
    #[must_use]
    pub const fn new(bytes: [u8; SEED_BYTES]) -> Self {
        Self(bytes)
    }

    /// Its bytes, for sealing and for storage that is encrypted.
    #[must_use]
    pub const fn expose(&self) -> &[u8; SEED_BYTES] {
        &self.0
    }

    /// The component of a sharing that this seed stands for: `length` uniform bytes in the
    /// encoding of the input type. Unused bits of booleans are zeroed by whoever unpacks them.
    #[must_use]
    pub fn keystream(&self, length: usize) -> Zeroizing<Vec<u8>> {
        let mut hasher = blake3::Hasher::new_derive_key("quartet v1 share component");
        hasher.update(&self.0);
        let mut bytes = Zeroizing::new(vec![0; length]);
        hasher.finalize_xof().fill(&mut bytes);
        bytes
    }
}

impl std::fmt::Debug for Seed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Seed(<redacted>)")
    }
}

/// What a sealed input is bound to: it opens nowhere else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Binding {
    /// Id of the L2 chain.
    pub chain_id: u64,
    /// Epoch of the committee.
    pub epoch: u64,
    /// Key epoch of the sealing keys.
    pub key_epoch: u64,
    /// The contract.
    pub contract: Address,
    /// keccak-256 of its code.
    pub code_hash: B256,
    /// Who sends the transaction.
    pub sender: Address,
    /// Nonce of the transaction.
    pub nonce: u64,
    /// Number of the input type in the contract's description.
    pub input: u32,
    /// Bytes of the masked value.
    pub length: u32,
}

impl Binding {
    fn hash(&self) -> B256 {
        keccak256(codec::encode(self))
    }

    /// The commitment to the seed of one component.
    #[must_use]
    pub fn commit(&self, component: u8, seed: &Seed) -> B256 {
        let mut hasher = blake3::Hasher::new_derive_key("quartet v1 seed commitment");
        hasher.update(self.hash().as_slice());
        hasher.update(&[component]);
        hasher.update(&seed.0);
        B256::from(*hasher.finalize().as_bytes())
    }
}

/// An input as it travels in a transaction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedInput {
    /// Key epoch of the keys that it is sealed to.
    pub key_epoch: u64,
    /// x minus the sum of the four keystreams, in the encoding of the input type.
    pub masked: Vec<u8>,
    /// Commitments to the seeds, by component.
    pub commitments: [B256; NODES],
    /// Seeds for each node, by party number.
    pub seals: [Seal; NODES],
}

/// The seeds for one node, encrypted to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seal {
    /// HPKE encapsulated key.
    pub encapsulated: B256,
    /// The three seeds c ≠ p in order of c, and the tag.
    pub ciphertext: Vec<u8>,
}

impl Seal {
    /// In the place of a seal, where nothing is sealed.
    pub const NONE: Self = Self {
        encapsulated: B256::ZERO,
        ciphertext: Vec::new(),
    };
}

impl SealedInput {
    /// Encodes it, as the last argument of an input function.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        codec::encode(self)
    }

    /// Decodes it and checks every length against the input type.
    ///
    /// # Errors
    /// [`WireError::TooLong`] and [`WireError::Malformed`].
    pub fn decode(bytes: &[u8], input: &InputType) -> Result<Self, WireError> {
        const WHAT: &str = "sealed input";
        let sealed: Self = codec::decode(WHAT, bytes, INPUT_BYTES + 1024)?;
        let malformed = |why: String| WireError::Malformed { what: WHAT, why };
        let (actual, expected) = (sealed.masked.len(), input.bytes());
        if actual != expected {
            let name = &input.name;
            return Err(malformed(format!(
                "its masked value has {actual} bytes, and a {name} has {expected}"
            )));
        }
        if let Some(seal) = sealed
            .seals
            .iter()
            .find(|s| s.ciphertext.len() != PLAINTEXT_BYTES + TAG_BYTES)
        {
            let actual = seal.ciphertext.len();
            return Err(malformed(format!(
                "a ciphertext has {actual} bytes instead of {}",
                PLAINTEXT_BYTES + TAG_BYTES
            )));
        }
        Ok(sealed)
    }

    /// What a node's seal is bound to besides the node's key.
    fn associated_data(
        binding: &Binding,
        node: u8,
        masked: &[u8],
        commitments: &[B256],
    ) -> Vec<u8> {
        codec::encode(&(binding, node, keccak256(masked), commitments))
    }
}

/// Shares `x`, an encoded input of this type, with four fresh seeds, and seals them to the nodes.
///
/// The keys are those of the binding's key epoch. A node without a key, or with one that keeps no
/// secret, gets a seal that nobody can open: it asks its peers for the seeds.
///
/// # Errors
/// [`WireError::Malformed`] if `x` does not have the length of the type, or the keys are of another
/// key epoch.
pub fn seal(
    keys: &SealKeys,
    binding: &Binding,
    input: &InputType,
    x: &[u8],
    seeds: &[Seed; NODES],
    random: &mut impl rand::CryptoRng,
) -> Result<SealedInput, WireError> {
    let malformed = |what: &'static str, why: &str| WireError::Malformed {
        what,
        why: why.to_owned(),
    };
    if x.len() != input.bytes() || binding.length as usize != x.len() {
        return Err(malformed("input", "its length is not that of its type"));
    }
    if keys.epoch != binding.key_epoch {
        return Err(malformed("binding", "it names another key epoch"));
    }
    let mut masked = x.to_vec();
    for seed in seeds {
        subtract(input, &mut masked, &seed.keystream(x.len()));
    }
    let commitments: [B256; NODES] =
        std::array::from_fn(|c| binding.commit(u8::try_from(c).unwrap_or(u8::MAX), &seeds[c]));
    let mut seals = [const { None }; NODES];
    for ((party, key), place) in (0u8..).zip(&keys.keys).zip(&mut seals) {
        let associated = SealedInput::associated_data(binding, party, &masked, &commitments);
        let seal = key.and_then(|key| Seal::to(key, party, seeds, &associated, random));
        *place = Some(seal.unwrap_or_else(|| Seal::to_nobody(random)));
    }
    let [Some(a), Some(b), Some(c), Some(d)] = seals else {
        return Err(malformed("committee", "it has not four nodes"));
    };
    Ok(SealedInput {
        key_epoch: keys.epoch,
        masked,
        commitments,
        seals: [a, b, c, d],
    })
}

impl Seal {
    /// The seeds of a party under its key; none if that is no key that keeps a secret.
    fn to(
        key: B256,
        party: u8,
        seeds: &[Seed; NODES],
        associated: &[u8],
        random: &mut impl rand::CryptoRng,
    ) -> Option<Self> {
        let key = <Kem as hpke::Kem>::PublicKey::from_bytes(key.as_slice()).ok()?;
        let mut plaintext = Zeroizing::new(Vec::with_capacity(PLAINTEXT_BYTES));
        for (_, seed) in (0u8..).zip(seeds).filter(|(c, _)| *c != party) {
            plaintext.extend_from_slice(seed.expose());
        }
        let (encapsulated, ciphertext) =
            hpke::single_shot_seal_with_rng::<ChaCha20Poly1305, HkdfSha256, Kem>(
                &OpModeS::Base,
                &key,
                HPKE_INFO,
                &plaintext,
                associated,
                random,
            )
            .ok()?;
        Some(Self {
            encapsulated: B256::from_slice(&encapsulated.to_bytes()),
            ciphertext,
        })
    }

    /// What looks like a seal, and has nothing in it.
    fn to_nobody(random: &mut impl rand::CryptoRng) -> Self {
        let mut seal = Self {
            encapsulated: B256::ZERO,
            ciphertext: vec![0; PLAINTEXT_BYTES + TAG_BYTES],
        };
        random.fill_bytes(seal.encapsulated.as_mut_slice());
        random.fill_bytes(&mut seal.ciphertext);
        seal
    }
}

/// A node's X25519 key for sealed seeds. Erased on drop, never printed.
pub struct SealKey(<Kem as hpke::Kem>::PrivateKey);

impl std::fmt::Debug for SealKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SealKey(<redacted>)")
    }
}

impl SealKey {
    /// Takes 32 secret bytes.
    ///
    /// # Errors
    /// [`WireError::Malformed`] if they are no X25519 key.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, WireError> {
        <Kem as hpke::Kem>::PrivateKey::from_bytes(bytes)
            .map(Self)
            .map_err(|e| WireError::Malformed {
                what: "sealing key",
                why: e.to_string(),
            })
    }

    /// The public key, for the committee file.
    #[must_use]
    pub fn public(&self) -> B256 {
        B256::from_slice(&Kem::sk_to_pk(&self.0).to_bytes())
    }

    /// Opens the seal for node `node` and checks its three seeds against the commitments. Element
    /// c of the result is none for c = `node`.
    ///
    /// # Errors
    /// [`WireError::SealDoesNotOpen`] and [`WireError::CommitmentMismatch`].
    pub fn open(
        &self,
        node: u8,
        binding: &Binding,
        sealed: &SealedInput,
    ) -> Result<[Option<Seed>; NODES], WireError> {
        let fails = || WireError::SealDoesNotOpen { node };
        let seal = sealed.seals.get(usize::from(node)).ok_or_else(fails)?;
        let encapsulated =
            <Kem as hpke::Kem>::EncappedKey::from_bytes(seal.encapsulated.as_slice())
                .map_err(|_| fails())?;
        let associated =
            SealedInput::associated_data(binding, node, &sealed.masked, &sealed.commitments);
        let plaintext = Zeroizing::new(
            hpke::single_shot_open::<ChaCha20Poly1305, HkdfSha256, Kem>(
                &OpModeR::Base,
                &self.0,
                &encapsulated,
                HPKE_INFO,
                &seal.ciphertext,
                &associated,
            )
            .map_err(|_| fails())?,
        );
        let mut parts = plaintext.chunks_exact(SEED_BYTES);
        let mut seeds = [const { None }; NODES];
        for component in (0..4u8).filter(|c| *c != node) {
            let bytes = parts
                .next()
                .and_then(|b| b.try_into().ok())
                .ok_or_else(fails)?;
            let seed = Seed::new(bytes);
            check_seed(binding, sealed, component, &seed)?;
            seeds[usize::from(component)] = Some(seed);
        }
        Ok(seeds)
    }
}

/// Checks a seed, from a seal or from a peer, against its commitment, in constant time.
///
/// # Errors
/// [`WireError::CommitmentMismatch`].
pub fn check_seed(
    binding: &Binding,
    sealed: &SealedInput,
    component: u8,
    seed: &Seed,
) -> Result<(), WireError> {
    use subtle::ConstantTimeEq as _;
    let fails = WireError::CommitmentMismatch { component };
    let expected = sealed
        .commitments
        .get(usize::from(component))
        .ok_or(fails.clone())?;
    if binding
        .commit(component, seed)
        .ct_eq(expected.as_slice())
        .into()
    {
        Ok(())
    } else {
        Err(fails)
    }
}

/// `x += y`, element by element in the ring of each field. Both have the length of the type.
pub fn add(input: &InputType, x: &mut [u8], y: &[u8]) {
    by_element(input, x, y, u128::wrapping_add);
}

/// `x −= y`, element by element in the ring of each field. Both have the length of the type.
pub fn subtract(input: &InputType, x: &mut [u8], y: &[u8]) {
    by_element(input, x, y, u128::wrapping_sub);
}

fn by_element(input: &InputType, mut x: &mut [u8], mut y: &[u8], f: fn(u128, u128) -> u128) {
    for field in &input.fields {
        let bytes = field.kind.bytes(field.len as usize);
        let Some((field_x, rest)) = x.split_at_mut_checked(bytes) else {
            return;
        };
        let Some((field_y, rest_of_y)) = y.split_at_checked(bytes) else {
            return;
        };
        if field.kind == Kind::Bool {
            field_x.iter_mut().zip(field_y).for_each(|(x, y)| *x ^= y);
        } else {
            let width = field.kind.bytes(1);
            let pairs = field_x
                .chunks_exact_mut(width)
                .zip(field_y.chunks_exact(width));
            for (x, y) in pairs {
                let result = f(number(x), number(y)).to_le_bytes();
                x.iter_mut().zip(result).for_each(|(x, byte)| *x = byte);
            }
        }
        (x, y) = (rest, rest_of_y);
    }
}

/// At most 16 bytes as a number, lowest first.
fn number(bytes: &[u8]) -> u128 {
    let low_first = bytes.iter().rev();
    low_first.fold(0, |number, byte| number << 8 | u128::from(*byte))
}
