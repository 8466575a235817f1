//! The HTTP under JSON-RPC: who may connect, how long a client may take, how fast it may ask.
//!
//! A client that is slow with its request's header or body, or in taking the answer, is cut off; one
//! that asks faster than its rate is answered later. There is no WebSocket.

use std::{
    convert::Infallible,
    io,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{
    Request, Response, StatusCode,
    body::{Bytes, Incoming},
    server::conn::http1,
    service::{Service, service_fn},
};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use jsonrpsee::{
    RpcModule,
    server::{BatchRequestConfig, HttpBody, Server, ServerConfig, stop_channel},
};
use serde::de::IgnoredAny;
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::{sleep, timeout},
};

use super::{
    Rpc,
    clients::{Clients, Place},
    patient::Patient,
};
use crate::{config::RpcLimits, metrics::Metrics};

/// Serves until it is dropped, and with it all connections.
pub(super) async fn serve(
    listener: TcpListener,
    methods: RpcModule<Rpc>,
    limits: RpcLimits,
    metrics: Arc<Metrics>,
) {
    let config = ServerConfig::builder()
        .http_only()
        .max_request_body_size(limits.max_request_bytes)
        .max_response_body_size(limits.max_response_bytes)
        .max_connections(limits.max_connections)
        .set_batch_request_config(BatchRequestConfig::Limit(limits.max_batch))
        .build();
    let (stop, _running) = stop_channel();
    let builder = Server::builder().set_config(config).to_service_builder();
    let service = TowerToHyperService::new(builder.build(methods, stop));
    let clients = Clients::new(limits);
    let mut conversations = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, from)) => match clients.enter(from.ip(), Instant::now()) {
                    Some(place) => {
                        let metrics = metrics.clone();
                        let conversation = Conversation { place, limits, metrics };
                        conversations.spawn(converse(stream, conversation, service.clone()));
                    }
                    None => refuse(&metrics, from),
                },
                Err(error) => {
                    // Out of file descriptors: let some connections end first.
                    tracing::warn!(%error, "cannot take connections of JSON-RPC");
                    sleep(Duration::from_millis(100)).await;
                }
            },
            Some(_) = conversations.join_next() => {}
        }
    }
}

fn refuse(metrics: &Metrics, from: SocketAddr) {
    metrics.rpc_refused_connections.inc();
    if metrics.may_complain_of_clients() {
        tracing::warn!(%from, "a connection to JSON-RPC was refused: there are too many");
    }
}

async fn converse<S>(stream: TcpStream, conversation: Conversation, service: S)
where
    S: Service<Request<Full<Bytes>>, Response = Response<HttpBody>>,
{
    let _ = stream.set_nodelay(true);
    let patience = conversation.limits.patience();
    let io = TokioIo::new(Patient::new(stream, patience));
    let answer = service_fn(|request| async {
        let request = match conversation.hear(request).await {
            Ok(request) => request,
            Err(status) => return Ok::<_, Infallible>(refusal(status)),
        };
        let answer = service.call(request).await;
        Ok(answer.unwrap_or_else(|_| refusal(StatusCode::INTERNAL_SERVER_ERROR)))
    });
    // The time for a header runs between requests, too: so long may a connection be idle.
    let ended = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(patience)
        .serve_connection(io, answer)
        .await;
    if ended.is_err_and(|error| error.is_timeout()) {
        conversation.metrics.rpc_cut_off.inc();
    }
}

/// One connection.
struct Conversation {
    place: Place,
    limits: RpcLimits,
    metrics: Arc<Metrics>,
}

impl Conversation {
    /// Takes a whole request, when it is the client's turn.
    async fn hear(&self, request: Request<Incoming>) -> Result<Request<Full<Bytes>>, StatusCode> {
        self.wait(1).await;
        let (head, body) = request.into_parts();
        let most = self.limits.max_request_bytes as usize;
        let body = timeout(self.limits.patience(), Limited::new(body, most).collect()).await;
        let body = match body {
            Ok(Ok(body)) => body.to_bytes(),
            Ok(Err(_)) => return Err(StatusCode::PAYLOAD_TOO_LARGE),
            Err(_) => {
                self.metrics.rpc_cut_off.inc();
                return Err(StatusCode::REQUEST_TIMEOUT);
            }
        };
        self.wait(
            requests_in(&body)
                .saturating_sub(1)
                .min(self.limits.max_batch),
        )
        .await;
        Ok(Request::from_parts(head, Full::new(body)))
    }

    async fn wait(&self, requests: u32) {
        let delay = self.place.ask(requests, Instant::now());
        if !delay.is_zero() {
            self.metrics.rpc_delayed.inc();
            sleep(delay).await;
        }
    }
}

/// How many requests a body holds.
pub fn requests_in(body: &[u8]) -> u32 {
    if body.trim_ascii_start().first() != Some(&b'[') {
        return 1;
    }
    let batch: Result<Vec<IgnoredAny>, _> = serde_json::from_slice(body);
    batch.map_or(1, |batch| u32::try_from(batch.len()).unwrap_or(u32::MAX))
}

/// An answer without a body, after which the connection is closed.
fn refusal(status: StatusCode) -> Response<HttpBody> {
    let mut response = Response::new(HttpBody::empty());
    *response.status_mut() = status;
    let close = hyper::header::HeaderValue::from_static("close");
    response
        .headers_mut()
        .insert(hyper::header::CONNECTION, close);
    response
}

/// Takes the address.
pub(super) async fn listen(address: SocketAddr) -> io::Result<(SocketAddr, TcpListener)> {
    let listener = TcpListener::bind(address).await?;
    Ok((listener.local_addr()?, listener))
}
