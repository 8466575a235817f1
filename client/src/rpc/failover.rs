//! An HTTP transport over several URLs, tried in order.
//!
//! A JSON-RPC error is an answer and is passed on; only a node that gives no answer makes the next
//! one be asked. Nothing is sent to two nodes at once.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task,
    time::Duration,
};

use alloy::{
    providers::RootProvider,
    rpc::{
        client::RpcClient,
        json_rpc::{RequestPacket, ResponsePacket},
    },
    transports::{
        RpcError, TransportError, TransportErrorKind, TransportFut,
        http::{Http, reqwest},
    },
};
use tower_service::Service;
use tracing::debug;

use crate::ClientError;

/// The transport. The URL that answered last is asked first.
#[derive(Clone, Debug)]
pub struct Failover {
    nodes: Arc<[Http<reqwest::Client>]>,
    preferred: Arc<AtomicUsize>,
}

impl Failover {
    /// Takes `http://` and `https://` URLs; each request may take `timeout` at each of them.
    ///
    /// # Errors
    /// [`ClientError::BadUrl`].
    pub fn new<U: AsRef<str>>(urls: &[U], timeout: Duration) -> Result<Self, ClientError> {
        let mut nodes = Vec::with_capacity(urls.len());
        for url in urls {
            let text = url.as_ref();
            let bad = |why: String| ClientError::BadUrl {
                url: text.to_owned(),
                why,
            };
            let url: reqwest::Url = text.parse().map_err(|e| bad(format!("{e}")))?;
            if !matches!(url.scheme(), "http" | "https") {
                return Err(bad("only http and https are spoken".into()));
            }
            let mut builder = reqwest::Client::builder().timeout(timeout);
            if matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]")) {
                builder = builder.no_proxy();
            }
            let http = builder.build().map_err(|e| bad(e.to_string()))?;
            nodes.push(Http::with_client(http, url));
        }
        if nodes.is_empty() {
            return Err(ClientError::BadUrl {
                url: String::new(),
                why: "none was given".into(),
            });
        }
        Ok(Self {
            nodes: nodes.into(),
            preferred: Arc::default(),
        })
    }

    /// A provider of Ethereum's methods over this transport.
    #[must_use]
    pub fn provider(self) -> RootProvider {
        RootProvider::new(RpcClient::new(self, false))
    }

    async fn request(self, request: RequestPacket) -> Result<ResponsePacket, TransportError> {
        let first = self.preferred.load(Ordering::Relaxed);
        let mut error = TransportErrorKind::custom_str("no URL");
        for step in 0..self.nodes.len() {
            let place = (first + step) % self.nodes.len();
            let Some(node) = self.nodes.get(place) else {
                continue;
            };
            match node.clone().call(request.clone()).await {
                Err(failure) if is_silence(&failure) => {
                    debug!(url = node.url(), %failure, "no answer");
                    error = failure;
                }
                answer => {
                    self.preferred.store(place, Ordering::Relaxed);
                    return answer;
                }
            }
        }
        Err(error)
    }
}

/// Whether this is no JSON-RPC answer at all.
fn is_silence(error: &TransportError) -> bool {
    match error {
        RpcError::Transport(_) | RpcError::DeserError { .. } | RpcError::NullResp => true,
        RpcError::ErrorResp(_)
        | RpcError::UnsupportedFeature(_)
        | RpcError::LocalUsageError(_)
        | RpcError::SerError(_) => false,
    }
}

impl Service<RequestPacket> for Failover {
    type Response = ResponsePacket;
    type Error = TransportError;
    type Future = TransportFut<'static>;

    fn poll_ready(&mut self, _: &mut task::Context<'_>) -> task::Poll<Result<(), Self::Error>> {
        task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: RequestPacket) -> Self::Future {
        Box::pin(self.clone().request(request))
    }
}

#[cfg(test)]
mod tests;
