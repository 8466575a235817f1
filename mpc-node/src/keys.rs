//! A node's two keys, and the files that hold them.
//!
//! The identity is a secp256k1 key: its address is what L1 checks, its libp2p peer id pins the
//! node's connections, and it signs consensus. The sealing key is X25519 and opens sealed inputs.
//! A key file is one line of 64 hexadecimal digits with mode 0600.

use std::{
    fs,
    io::Write as _,
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::Path,
};

use alloy_primitives::{Address, B256, Bytes};
use k256::ecdsa::SigningKey;
use libp2p::{PeerId, identity};
use rand::TryRng as _;
use wire::{committee::Node, sealed::SealKey, signing};
use zeroize::Zeroizing;

use crate::{
    NodeError,
    storage::{epochs::FirstEpoch, records::sync_entry, secret_box::SecretBox},
};

/// Name of the identity's file in the folder that `keygen` fills.
pub const IDENTITY_FILE: &str = "identity.key";
/// Name of the sealing key's file in the folder that `keygen` fills.
pub const SEAL_FILE: &str = "seal.key";

/// The two keys of a node. Erased on drop, never printed.
pub struct NodeKeys {
    identity: Zeroizing<[u8; 32]>,
    /// That of key epoch 0, until it is over.
    seal: Option<Zeroizing<[u8; 32]>>,
    signing: SigningKey,
}

impl std::fmt::Debug for NodeKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("NodeKeys(<redacted>)")
    }
}

impl NodeKeys {
    /// Draws two fresh keys.
    ///
    /// # Errors
    /// [`NodeError::File`] if the system has no randomness.
    pub fn generate() -> Result<Self, NodeError> {
        loop {
            let (identity, seal) = (random()?, random()?);
            // All but 2⁻¹²⁸ of the 32-byte strings are keys.
            if let Ok(signing) = SigningKey::from_slice(identity.as_slice()) {
                return Ok(Self {
                    identity,
                    seal: Some(seal),
                    signing,
                });
            }
        }
    }

    /// Reads both files. That of the sealing key may be gone: it is erased when key epoch 0 ends.
    ///
    /// # Errors
    /// [`NodeError::File`], [`NodeError::KeyMode`] if others may read a file, [`NodeError::Key`].
    pub fn read(identity_path: &Path, seal_path: &Path) -> Result<Self, NodeError> {
        let identity = read_key(identity_path)?;
        let seal = match seal_path.try_exists() {
            Ok(false) => None,
            _ => Some(read_key(seal_path)?),
        };
        let signing = SigningKey::from_slice(identity.as_slice()).map_err(|_| NodeError::Key {
            path: identity_path.to_owned(),
            why: "it is not a secp256k1 key",
        })?;
        Ok(Self {
            identity,
            seal,
            signing,
        })
    }

    /// Writes both files into `folder`, which is made if it does not exist.
    ///
    /// # Errors
    /// [`NodeError::KeyExists`] rather than overwriting, [`NodeError::File`].
    pub fn write(&self, folder: &Path) -> Result<(), NodeError> {
        fs::create_dir_all(folder).map_err(NodeError::file("create", folder))?;
        for name in [IDENTITY_FILE, SEAL_FILE] {
            let path = folder.join(name);
            if path.exists() {
                return Err(NodeError::KeyExists(path));
            }
        }
        write_key(&folder.join(IDENTITY_FILE), &self.identity)?;
        match &self.seal {
            Some(seal) => write_key(&folder.join(SEAL_FILE), seal),
            None => Ok(()),
        }
    }

    /// The key that signs consensus, node transactions and attestations.
    #[must_use]
    pub fn signing(&self) -> SigningKey {
        self.signing.clone()
    }

    /// The key that opens what is sealed in key epoch 0, if it is not erased.
    ///
    /// # Errors
    /// [`NodeError::Wire`], which 32 bytes never give.
    pub fn seal(&self) -> Result<Option<SealKey>, NodeError> {
        let seal = self.seal.as_ref();
        Ok(seal.map(|seal| SealKey::from_bytes(seal)).transpose()?)
    }

    /// The secrets of key epoch 0, if they are not erased; `seal_path` is the sealing key's file.
    ///
    /// # Errors
    /// As [`Self::seal`].
    pub fn first_epoch(&self, seal_path: &Path) -> Result<Option<FirstEpoch>, NodeError> {
        let (Some(seal), Some(bytes)) = (self.seal()?, &self.seal) else {
            return Ok(None);
        };
        let mut hasher = blake3::Hasher::new_derive_key("quartet v1 first key epoch at rest");
        hasher.update(self.identity.as_slice());
        hasher.update(bytes.as_slice());
        let key = Zeroizing::new(*hasher.finalize().as_bytes());
        Ok(Some(FirstEpoch {
            seal,
            storage: SecretBox::new(&key),
            file: seal_path.to_owned(),
        }))
    }

    /// The identity for libp2p.
    ///
    /// # Errors
    /// [`NodeError::Swarm`], which a key that signs never gives.
    pub fn libp2p(&self) -> Result<identity::Keypair, NodeError> {
        let secret = identity::secp256k1::SecretKey::try_from_bytes(*self.identity)
            .map_err(|error| NodeError::Swarm(error.to_string()))?;
        Ok(identity::secp256k1::Keypair::from(secret).into())
    }

    /// The Ethereum address of the identity.
    #[must_use]
    pub fn address(&self) -> Address {
        signing::address(self.signing.verifying_key())
    }

    /// The key under which secrets at rest are encrypted, those of key epochs apart. It follows from
    /// the identity, so a stolen disk is useless without the key file.
    #[must_use]
    pub fn storage_key(&self) -> Zeroizing<[u8; 32]> {
        let mut hasher = blake3::Hasher::new_derive_key("quartet v1 secrets at rest");
        hasher.update(self.identity.as_slice());
        Zeroizing::new(*hasher.finalize().as_bytes())
    }

    /// What the others need to know of this node.
    ///
    /// # Errors
    /// As [`Self::seal`].
    pub fn public(&self, listen: &str) -> Result<Node, NodeError> {
        let point = self.signing.verifying_key().to_sec1_point(true);
        Ok(Node {
            address: self.address(),
            public_key: Bytes::copy_from_slice(point.as_bytes()),
            seal_key: self.seal()?.map(|seal| seal.public()).unwrap_or_default(),
            listen: listen.to_owned(),
        })
    }
}

/// The libp2p peer id of a compressed secp256k1 public key, if it is one.
#[must_use]
pub fn peer_id(public_key: &[u8]) -> Option<PeerId> {
    let key = identity::secp256k1::PublicKey::try_from_bytes(public_key).ok()?;
    Some(identity::PublicKey::from(key).to_peer_id())
}

/// Whether these bytes are a point that X25519 may be used with: of full order, so that no secret
/// agreed with it is known to everybody.
#[must_use]
pub fn is_sealing_key(bytes: B256) -> bool {
    let point = curve25519_dalek::MontgomeryPoint(bytes.0);
    // A point outside the subgroup of small order stays away from zero when multiplied by 8.
    let multiple = point.mul_clamped([8; 32]);
    multiple != curve25519_dalek::MontgomeryPoint([0; 32])
}

/// 32 bytes from the system.
///
/// # Errors
/// [`NodeError::File`] if it has none.
pub(crate) fn random() -> Result<Zeroizing<[u8; 32]>, NodeError> {
    let mut bytes = Zeroizing::new([0; 32]);
    rand::rngs::SysRng
        .try_fill_bytes(bytes.as_mut_slice())
        .map_err(|error| NodeError::File {
            action: "draw randomness from",
            path: "/dev/urandom".into(),
            source: std::io::Error::other(error.to_string()),
        })?;
    Ok(bytes)
}

fn read_key(path: &Path) -> Result<Zeroizing<[u8; 32]>, NodeError> {
    let metadata = fs::metadata(path).map_err(NodeError::file("read the key file", path))?;
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(NodeError::KeyMode {
            path: path.to_owned(),
            mode,
        });
    }
    let bad = |why| NodeError::Key {
        path: path.to_owned(),
        why,
    };
    if metadata.len() > 128 {
        return Err(bad("it is too long for a key of 64 hexadecimal digits"));
    }
    let text = fs::read(path).map_err(NodeError::file("read the key file", path))?;
    let text = Zeroizing::new(text);
    parse_key(&text).ok_or_else(|| bad("it is not one line of 64 hexadecimal digits"))
}

/// The key in the text of a key file, if it is one.
#[must_use]
pub fn parse_key(text: &[u8]) -> Option<Zeroizing<[u8; 32]>> {
    let digits = text.trim_ascii();
    let digits = digits.strip_prefix(b"0x").unwrap_or(digits);
    let mut key = Zeroizing::new([0; 32]);
    hex::decode_to_slice(digits, key.as_mut_slice()).ok()?;
    Some(key)
}

fn write_key(path: &Path, key: &[u8; 32]) -> Result<(), NodeError> {
    let mut options = fs::OpenOptions::new();
    let mut file = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .map_err(NodeError::file("create", path))?;
    let text = Zeroizing::new(hex::encode(key));
    file.write_all(text.as_bytes())
        .and_then(|()| file.write_all(b"\n"))
        .and_then(|()| file.sync_all())
        .map_err(NodeError::file("write", path))?;
    sync_entry(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_survive_their_files() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let keys = NodeKeys::generate()?;
        keys.write(folder.path())?;
        let (identity, seal) = (
            folder.path().join(IDENTITY_FILE),
            folder.path().join(SEAL_FILE),
        );
        assert_eq!(fs::metadata(&identity)?.permissions().mode() & 0o777, 0o600);
        let read = NodeKeys::read(&identity, &seal)?;
        assert_eq!(read.public("x")?, keys.public("x")?);
        assert_eq!(read.storage_key(), keys.storage_key());
        assert!(matches!(
            keys.write(folder.path()),
            Err(NodeError::KeyExists(_))
        ));
        Ok(())
    }

    #[test]
    fn files_that_others_may_read_are_refused() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        NodeKeys::generate()?.write(folder.path())?;
        let (identity, seal) = (
            folder.path().join(IDENTITY_FILE),
            folder.path().join(SEAL_FILE),
        );
        for mode in [0o640, 0o604, 0o660, 0o777] {
            fs::set_permissions(&seal, fs::Permissions::from_mode(mode))?;
            let error = NodeKeys::read(&identity, &seal).err();
            assert!(matches!(error, Some(NodeError::KeyMode { mode: m, .. }) if m == mode));
        }
        fs::set_permissions(&seal, fs::Permissions::from_mode(0o400))?;
        NodeKeys::read(&identity, &seal)?;
        Ok(())
    }

    #[test]
    fn rubbish_in_a_key_file_is_named_and_not_shown() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let keys = NodeKeys::generate()?;
        keys.write(folder.path())?;
        let (identity, seal) = (
            folder.path().join(IDENTITY_FILE),
            folder.path().join(SEAL_FILE),
        );
        for text in [
            "",
            "secret",
            &"zz".repeat(32),
            &"00".repeat(32),
            &"11".repeat(200),
        ] {
            fs::write(&identity, text)?;
            let error = NodeKeys::read(&identity, &seal).err().ok_or("accepted")?;
            let shown = format!("{error} {error:?}");
            assert!(shown.contains(IDENTITY_FILE), "{shown}");
            assert!(text.is_empty() || !shown.contains(text), "{shown}");
        }
        Ok(())
    }

    #[test]
    fn the_peer_id_follows_from_the_public_key() -> Result<(), Box<dyn std::error::Error>> {
        let keys = NodeKeys::generate()?;
        let node = keys.public("/ip4/127.0.0.1/tcp/1")?;
        let expected = keys.libp2p()?.public().to_peer_id();
        assert_eq!(peer_id(&node.public_key), Some(expected));
        assert_eq!(peer_id(&[4; 33]), None);
        Ok(())
    }

    #[test]
    fn points_of_small_order_are_no_sealing_keys() -> Result<(), Box<dyn std::error::Error>> {
        assert!(is_sealing_key(NodeKeys::generate()?.public("")?.seal_key));
        assert!(!is_sealing_key(B256::ZERO));
        assert!(!is_sealing_key(B256::from(std::array::from_fn(|i| {
            u8::from(i == 0)
        }))));
        Ok(())
    }
}
