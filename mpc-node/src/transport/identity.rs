//! Who may connect: this process's key pair, what it tells each peer, and the check of theirs.

use std::sync::{Arc, PoisonError, RwLock};

use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, DistinguishedName, Error, ServerConfig,
    SignatureScheme,
    client::{
        AlwaysResolvesClientRawPublicKeys, Resumption,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::{
        CryptoProvider, WebPkiSupportedAlgorithms, aws_lc_rs, verify_tls13_signature_with_raw_key,
    },
    pki_types::{
        CertificateDer, PrivatePkcs8KeyDer, ServerName, SubjectPublicKeyInfoDer, UnixTime,
    },
    server::{
        AlwaysResolvesServerRawPublicKeys, NoServerSessionStorage,
        danger::{ClientCertVerified, ClientCertVerifier},
    },
    sign::CertifiedKey,
    version::TLS13,
};
use serde::{Deserialize, Serialize};
use wire::{WireError, codec};
use zeroize::Zeroizing;

use crate::keys;

/// Bytes of the word that opens the door.
pub const DOOR_BYTES: usize = 16;
/// What comes before the 32 bytes of an Ed25519 private key in PKCS #8 (RFC 8410, section 7).
const PKCS8_PREFIX: [u8; 16] = [
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
];
/// Public key and all, in bytes of its encoding.
pub const INTRODUCTION_BYTES: usize = 128;

/// What a node tells one peer, over a channel that both know to be each other's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Introduction {
    /// Port on which it takes connections of sessions.
    pub port: u16,
    /// Public key of its process (SubjectPublicKeyInfo, DER).
    pub key: Vec<u8>,
    /// What this peer has to say first when it connects.
    pub door: [u8; DOOR_BYTES],
}

impl Introduction {
    /// Understands what a peer says about itself.
    ///
    /// # Errors
    /// [`WireError`].
    pub fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        codec::decode("introduction", bytes, INTRODUCTION_BYTES)
    }
}

/// This process's key pair.
pub struct Identity {
    provider: Arc<CryptoProvider>,
    key: Arc<CertifiedKey>,
}

/// A peer's public key, once it is known. A peer that starts again has another one.
pub type Pinned = Arc<RwLock<Option<Vec<u8>>>>;

impl Identity {
    /// Draws a key pair.
    pub fn new() -> Result<Self, Error> {
        let provider = Arc::new(CryptoProvider {
            cipher_suites: vec![aws_lc_rs::cipher_suite::TLS13_AES_128_GCM_SHA256],
            kx_groups: vec![aws_lc_rs::kx_group::X25519],
            ..aws_lc_rs::default_provider()
        });
        let secret = keys::random().map_err(|error| Error::General(error.to_string()))?;
        let pkcs8 = Zeroizing::new([PKCS8_PREFIX.as_slice(), secret.as_slice()].concat());
        let key = aws_lc_rs::sign::any_eddsa_type(&PrivatePkcs8KeyDer::from(pkcs8.as_slice()))?;
        let public = key
            .public_key()
            .ok_or(Error::InvalidCertificate(CertificateError::BadEncoding))?;
        let public = CertificateDer::from(public.as_ref().to_vec());
        let key = Arc::new(CertifiedKey::new(vec![public], key));
        Ok(Self { provider, key })
    }

    /// The public key.
    pub fn public(&self) -> Vec<u8> {
        self.key
            .cert
            .first()
            .map(|key| key.to_vec())
            .unwrap_or_default()
    }

    /// TLS towards one peer, when it is dialed and when it dials.
    pub fn configs(&self, peer: Pinned) -> Result<(Arc<ClientConfig>, Arc<ServerConfig>), Error> {
        let verifier = Arc::new(PinnedKey {
            peer,
            algorithms: self.provider.signature_verification_algorithms,
        });
        let client = ClientConfig::builder_with_provider(self.provider.clone())
            .with_protocol_versions(&[&TLS13])?
            .dangerous()
            .with_custom_certificate_verifier(verifier.clone());
        let resolver = AlwaysResolvesClientRawPublicKeys::new(self.key.clone());
        let mut client = client.with_client_cert_resolver(Arc::new(resolver));
        client.resumption = Resumption::disabled();
        client.enable_sni = false;
        let server = ServerConfig::builder_with_provider(self.provider.clone())
            .with_protocol_versions(&[&TLS13])?
            .with_client_cert_verifier(verifier);
        let resolver = AlwaysResolvesServerRawPublicKeys::new(self.key.clone());
        let mut server = server.with_cert_resolver(Arc::new(resolver));
        server.session_storage = Arc::new(NoServerSessionStorage {});
        server.send_tls13_tickets = 0;
        Ok((Arc::new(client), Arc::new(server)))
    }
}

/// Knows one peer by its public key alone.
#[derive(Debug)]
struct PinnedKey {
    peer: Pinned,
    algorithms: WebPkiSupportedAlgorithms,
}

impl PinnedKey {
    fn check(&self, key: &CertificateDer<'_>, more: &[CertificateDer<'_>]) -> Result<(), Error> {
        let pinned = self.peer.read().unwrap_or_else(PoisonError::into_inner);
        if more.is_empty() && pinned.as_deref() == Some(key.as_ref()) {
            Ok(())
        } else {
            Err(CertificateError::ApplicationVerificationFailure.into())
        }
    }

    fn verify(
        &self,
        message: &[u8],
        key: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let key = SubjectPublicKeyInfoDer::from(key.as_ref());
        verify_tls13_signature_with_raw_key(message, &key, signature, &self.algorithms)
    }
}

fn only_tls13() -> Error {
    rustls::PeerIncompatible::Tls12NotOffered.into()
}

impl ServerCertVerifier for PinnedKey {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.check(end_entity, intermediates)?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(only_tls13())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verify(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ED25519]
    }

    fn requires_raw_public_keys(&self) -> bool {
        true
    }
}

impl ClientCertVerifier for PinnedKey {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        self.check(end_entity, intermediates)?;
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(only_tls13())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verify(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ED25519]
    }

    fn requires_raw_public_keys(&self) -> bool {
        true
    }
}
