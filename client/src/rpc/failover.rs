//! An HTTP transport over several URLs, tried in order.
//!
//! The first node that does what it is asked for is believed. The next one is asked when a node
//! does not answer, says that it cannot now, or refuses: it may lag behind the others, or lie.
//!
//! A signed transaction that one node has taken is handed to another in the background: the first may
//! be cut off from the others, or keep it to itself. Nothing else is sent to two nodes.
//!
//! What all refuse is refused, if at least so many do as [`Failover::believing`] says. Of a committee
//! one node may lie and the others may be busy, so two must refuse; of two one is honest. If fewer do,
//! nothing is known, and the error is one after which to try again. Of several refusals the one that
//! most nodes give is passed on, and of those the first. That a contract is not there is a refusal,
//! too. Batches are passed on as they are answered.

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
        json_rpc::{ErrorPayload, RequestPacket, ResponsePacket},
    },
    transports::{
        RpcError, TransportError, TransportErrorKind, TransportFut,
        http::{Http, reqwest},
    },
};
use tower_service::Service;
use tracing::debug;

use crate::{ClientError, error::RETRYABLE_CODES};

/// Methods that find nothing only where something is missing.
const LOOKUPS: [&str; 1] = ["quartet_contract"];

/// The method that sends a signed transaction.
const SENDING: &str = "eth_sendRawTransaction";

/// The transport. The URL that did last what it was asked for is asked first.
#[derive(Clone, Debug)]
pub struct Failover {
    nodes: Arc<[Http<reqwest::Client>]>,
    preferred: Arc<AtomicUsize>,
    /// How many nodes must refuse, if there are so many.
    refusals: usize,
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
            refusals: 1,
        })
    }

    /// The same transport, which believes a refusal if so many nodes give one: at first one, and never
    /// more than there are.
    #[must_use]
    pub fn believing(mut self, refusals: usize) -> Self {
        self.refusals = refusals.clamp(1, self.nodes.len());
        self
    }

    /// A provider of Ethereum's methods over this transport.
    #[must_use]
    pub fn provider(self) -> RootProvider {
        RootProvider::new(RpcClient::new(self, false))
    }

    async fn request(self, request: RequestPacket) -> Result<ResponsePacket, TransportError> {
        let first = self.preferred.load(Ordering::Relaxed);
        let mut said = Said::default();
        for step in 0..self.nodes.len() {
            let place = (first + step) % self.nodes.len();
            let Some(node) = self.nodes.get(place) else {
                continue;
            };
            match node.clone().call(request.clone()).await {
                Err(failure) if is_silence(&failure) => {
                    debug!(url = node.url(), %failure, "no answer");
                    said.silence = Some(failure);
                }
                Err(failure) => return Err(failure),
                Ok(answer) if refuses(&request, &answer) => {
                    debug!(url = node.url(), ?answer, "refused");
                    said.note(answer);
                }
                Ok(answer) => {
                    self.preferred.store(place, Ordering::Relaxed);
                    if request
                        .as_single()
                        .is_some_and(|one| one.method() == SENDING)
                    {
                        tokio::spawn(self.pass_on(place, request));
                    }
                    return Ok(answer);
                }
            }
        }
        said.conclude(self.refusals)
    }

    /// Hands what node `place` has taken to others, until so many have it as must refuse to be believed.
    async fn pass_on(self, place: usize, request: RequestPacket) {
        let mut have = 1;
        for step in 1..self.nodes.len() {
            let Some(node) = self.nodes.get((place + step) % self.nodes.len()) else {
                continue;
            };
            if have >= self.refusals {
                return;
            }
            // One that refuses has it already, as a rule.
            let answer = node.clone().call(request.clone()).await;
            have += usize::from(answer.is_ok_and(|answer| !is_busy(&answer)));
        }
    }
}

/// What nodes said that did not do what they were asked for.
#[derive(Default)]
struct Said {
    silence: Option<TransportError>,
    /// That they cannot now.
    busy: Option<ResponsePacket>,
    refusals: Vec<ResponsePacket>,
}

impl Said {
    fn note(&mut self, answer: ResponsePacket) {
        if is_busy(&answer) {
            self.busy.get_or_insert(answer);
        } else {
            self.refusals.push(answer);
        }
    }

    fn conclude(mut self, needed: usize) -> Result<ResponsePacket, TransportError> {
        let same = |a: &ResponsePacket| {
            let equal = |b: &&ResponsePacket| error(a).map(words) == error(b).map(words);
            self.refusals.iter().filter(equal).count()
        };
        let counts: Vec<_> = self.refusals.iter().map(same).collect();
        let most = counts.iter().copied().max().unwrap_or_default();
        let first = counts.iter().position(|count| *count == most);
        let chosen = first.map(|place| self.refusals.swap_remove(place));
        match (chosen, self.busy) {
            (Some(chosen), _) if counts.len() >= needed => Ok(chosen),
            (_, Some(busy)) => Ok(busy),
            (Some(chosen), None) => {
                let message = error(&chosen).map_or("nothing there", |error| &error.message);
                Err(TransportErrorKind::custom_str(&format!(
                    "too few refuse to believe it ({message}), and the others are silent"
                )))
            }
            (None, None) => {
                let none = || TransportErrorKind::custom_str("no URL");
                Err(self.silence.unwrap_or_else(none))
            }
        }
    }
}

/// Whether a node does not do what it is asked for.
fn refuses(request: &RequestPacket, answer: &ResponsePacket) -> bool {
    let nothing = match answer {
        ResponsePacket::Single(response) => {
            let success = response.payload.as_success();
            success.is_some_and(|result| result.get() == "null")
        }
        ResponsePacket::Batch(_) => false,
    };
    let lookup = request
        .as_single()
        .is_some_and(|one| LOOKUPS.contains(&one.method()));
    error(answer).is_some() || (nothing && lookup)
}

/// Whether a node says that it cannot now.
fn is_busy(answer: &ResponsePacket) -> bool {
    error(answer).is_some_and(|error| RETRYABLE_CODES.contains(&error.code))
}

/// The error of an answer, if it is one.
fn error(answer: &ResponsePacket) -> Option<&ErrorPayload> {
    match answer {
        ResponsePacket::Single(response) => response.payload.as_error(),
        ResponsePacket::Batch(_) => None,
    }
}

/// What tells one refusal from another.
fn words(error: &ErrorPayload) -> (i64, &str, Option<&str>) {
    let data = error.data.as_ref().map(|data| data.get());
    (error.code, &error.message, data)
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
