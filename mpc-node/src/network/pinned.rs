//! Noise, for the four nodes only: a handshake with anybody else fails, on both sides of it.

use std::{collections::HashSet, pin::Pin, sync::Arc};

use futures::{AsyncRead, AsyncWrite};
use libp2p::{
    PeerId,
    core::{
        UpgradeInfo,
        upgrade::{InboundConnectionUpgrade, OutboundConnectionUpgrade},
    },
    identity::Keypair,
    noise,
};
use wire::committee::Committee;

/// The handshake of this node.
#[derive(Clone)]
pub struct PinnedNoise {
    noise: noise::Config,
    allowed: Arc<HashSet<PeerId>>,
}

/// Why a handshake failed.
#[derive(Debug, thiserror::Error)]
pub enum HandshakeError {
    /// Noise itself: another protocol, another chain or epoch, a bad signature.
    #[error(transparent)]
    Noise(#[from] noise::Error),
    /// Somebody who is none of the four nodes.
    #[error("{0} is not in the committee")]
    Stranger(PeerId),
}

impl PinnedNoise {
    /// A handshake that lets only `allowed` through, and only for this chain and epoch.
    ///
    /// # Errors
    /// [`HandshakeError::Noise`] if the identity cannot sign.
    pub fn new(
        identity: &Keypair,
        committee: &Committee,
        allowed: impl IntoIterator<Item = PeerId>,
    ) -> Result<Self, HandshakeError> {
        let mut prologue = b"quartet v1 peer".to_vec();
        prologue.extend_from_slice(&committee.chain_id.to_be_bytes());
        prologue.extend_from_slice(&committee.epoch.to_be_bytes());
        Ok(Self {
            noise: noise::Config::new(identity)?.with_prologue(prologue),
            allowed: Arc::new(allowed.into_iter().collect()),
        })
    }
}

impl UpgradeInfo for PinnedNoise {
    type Info = &'static str;
    type InfoIter = std::iter::Once<Self::Info>;

    fn protocol_info(&self) -> Self::InfoIter {
        self.noise.protocol_info()
    }
}

type Secured<T> = (PeerId, noise::Output<T>);
type Handshake<T> = Pin<Box<dyn Future<Output = Result<Secured<T>, HandshakeError>> + Send>>;

fn check<T>(
    allowed: &HashSet<PeerId>,
    (peer, stream): Secured<T>,
) -> Result<Secured<T>, HandshakeError> {
    if allowed.contains(&peer) {
        Ok((peer, stream))
    } else {
        Err(HandshakeError::Stranger(peer))
    }
}

impl<T> InboundConnectionUpgrade<T> for PinnedNoise
where
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    type Output = Secured<T>;
    type Error = HandshakeError;
    type Future = Handshake<T>;

    fn upgrade_inbound(self, socket: T, info: Self::Info) -> Self::Future {
        let Self { noise, allowed } = self;
        Box::pin(async move { check(&allowed, noise.upgrade_inbound(socket, info).await?) })
    }
}

impl<T> OutboundConnectionUpgrade<T> for PinnedNoise
where
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    type Output = Secured<T>;
    type Error = HandshakeError;
    type Future = Handshake<T>;

    fn upgrade_outbound(self, socket: T, info: Self::Info) -> Self::Future {
        let Self { noise, allowed } = self;
        Box::pin(async move { check(&allowed, noise.upgrade_outbound(socket, info).await?) })
    }
}
